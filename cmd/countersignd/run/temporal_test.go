package run

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/countersign-health/countersign/cmd/countersignd/config"
)

// A client certificate that is renewed is used for the next connection; one
// that is only half replaced is not, and the one before it is.
func TestClientCertificateRenewed(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key")
	write := func(path string, b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	firstCert, firstKey := selfSigned(t, 1)
	write(cert, firstCert)
	write(key, firstKey)
	conf, err := tlsOf(&config.TLS{CAFile: config.File(cert), CertFile: config.File(cert), KeyFile: config.SecretFile(key)})
	if err != nil {
		t.Fatal(err)
	}
	seen := func() int64 { return whoConnects(t, conf, firstCert, firstKey) }
	if got := seen(); got != 1 {
		t.Errorf("got certificate %d, want 1", got)
	}
	secondCert, secondKey := selfSigned(t, 2)
	write(cert, secondCert)
	if got := seen(); got != 1 {
		t.Errorf("half replaced: got certificate %d, want 1", got)
	}
	write(key, secondKey)
	if got := seen(); got != 2 {
		t.Errorf("replaced: got certificate %d, want 2", got)
	}
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := tlsOf(&config.TLS{CertFile: config.File(cert), KeyFile: config.SecretFile(key)}); err == nil {
		t.Error("a key that all may read was taken")
	}
}

// whoConnects is the serial number of the certificate that a server is shown.
func whoConnects(t *testing.T, conf *tls.Config, cert, key []byte) (serial int64) {
	t.Helper()
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	server := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert})
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	conf = conf.Clone()
	conf.ServerName = "localhost"
	if err := tls.Client(near, conf).Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return server.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func selfSigned(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}
