package run

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"go.temporal.io/sdk/client"

	"github.com/countersign-health/countersign/cmd/countersignd/config"
)

// connectionOptions are how the cluster is reached and told who we are.
func connectionOptions(t config.Temporal) (o client.Options, err error) {
	o = client.Options{HostPort: t.Address, Namespace: t.Namespace}
	o.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{} // what we send is encrypted: nothing to compress
	if o.ConnectionOptions.TLS, err = tlsOf(t.TLS); err != nil {
		return o, err
	}
	if t.APIKeyFile != "" {
		if _, err := t.APIKeyFile.Line(); err != nil {
			return o, fmt.Errorf("API key: %w", err)
		}
		// Read for every call, so that a key that is rotated needs no restart.
		o.Credentials = client.NewAPIKeyDynamicCredentials(func(context.Context) (string, error) { return t.APIKeyFile.Line() })
	}
	return o, nil
}

func tlsOf(c *config.TLS) (*tls.Config, error) {
	if c == nil {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	var err error
	if t.RootCAs, err = authorities(c.CAFile); err != nil {
		return nil, err
	}
	if c.CertFile != "" {
		own := &certificate{cert: c.CertFile, key: c.KeyFile}
		if _, err := own.latest(); err != nil {
			return nil, fmt.Errorf("client certificate: %w", err)
		}
		t.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own.latest() }
	}
	return t, nil
}

// authorities are the certificates in a file; nil, which means the machine's,
// where there is none.
func authorities(f config.File) (*x509.CertPool, error) {
	if f == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(string(f))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate in it", f)
	}
	return pool, nil
}

// dial connects once, for the commands that end by themselves.
func dial(ctx context.Context, c *config.Config) (client.Client, error) {
	o, err := connectionOptions(c.Insurer.Temporal)
	if err != nil {
		return nil, err
	}
	o.Logger = nothing{}
	temporal, err := client.DialContext(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("reach Temporal at %s: %w", o.HostPort, err)
	}
	return temporal, nil
}

// nothing keeps the SDK from logging into a command's answer.
type nothing struct{}

func (nothing) Debug(string, ...any) {}
func (nothing) Info(string, ...any)  {}
func (nothing) Warn(string, ...any)  {}
func (nothing) Error(string, ...any) {}
