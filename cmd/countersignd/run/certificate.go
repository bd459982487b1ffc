package run

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"

	"github.com/countersign-health/countersign/cmd/countersignd/config"
)

// doorTLS reads the certificate once, so that a wrong one is found at the start.
func doorTLS(files config.DoorTLS) (*tls.Config, error) {
	own := &certificate{cert: files.CertFile, key: files.KeyFile}
	if _, err := own.latest(); err != nil {
		return nil, fmt.Errorf("the door's certificate: %w", err)
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return own.latest() },
	}, nil
}

// A certificate of this house is read for every new connection, so that one that is
// renewed needs no restart. While its two files are being replaced they may not
// fit together: the last pair that did is used then.
type certificate struct {
	cert config.File
	key  config.SecretFile

	mu   sync.Mutex
	last *tls.Certificate
}

func (c *certificate) latest() (*tls.Certificate, error) {
	pair, err := c.read()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.last = &pair
	}
	if c.last == nil {
		return nil, err
	}
	return c.last, nil
}

func (c *certificate) read() (pair tls.Certificate, err error) {
	cert, err := os.ReadFile(string(c.cert))
	if err != nil {
		return pair, err
	}
	key, err := c.key.Read()
	if err != nil {
		return pair, err
	}
	if pair, err = tls.X509KeyPair(cert, key); err != nil {
		return pair, fmt.Errorf("%s and %s: %w", c.cert, c.key, err)
	}
	return pair, nil
}
