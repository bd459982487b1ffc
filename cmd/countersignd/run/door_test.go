package run

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/cmd/countersignd/config"
)

// doorFiles writes a certificate for localhost that vouches for itself.
func doorFiles(t *testing.T, dir string, serial int64) (files config.DoorTLS, vouch *x509.CertPool) {
	t.Helper()
	cert, key := selfSigned(t, serial)
	files = config.DoorTLS{CertFile: config.File(filepath.Join(dir, "cert.pem")), KeyFile: config.SecretFile(filepath.Join(dir, "key.pem"))}
	for name, pem := range map[string][]byte{string(files.CertFile): cert, string(files.KeyFile): key} {
		if err := os.WriteFile(name, pem, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	vouch = x509.NewCertPool()
	vouch.AppendCertsFromPEM(cert)
	return files, vouch
}

// With a certificate the door speaks https alone.
func TestDoorSpeaksHTTPS(t *testing.T) {
	p, drain := newProcess(io.Discard)
	defer drain()
	files, vouch := doorFiles(t, t.TempDir(), 1)
	failed := make(chan error, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	s, err := p.serve("door", address, &files, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }), failed)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: vouch, ServerName: "localhost"}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	resp, err := client.Get("https://" + address)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if string(body) != "hello" || resp.TLS.Version < tls.VersionTLS12 {
		t.Errorf("got %q by TLS version %x", body, resp.TLS.Version)
	}
	if got := resp.TLS.PeerCertificates[0].SerialNumber.Int64(); got != 1 {
		t.Errorf("got certificate %d", got)
	}
	_, vouch = doorFiles(t, filepath.Dir(string(files.CertFile)), 2) // renewed
	second := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: vouch, ServerName: "localhost"}}}
	defer second.CloseIdleConnections()
	if resp, err = second.Get("https://" + address); err != nil {
		t.Fatalf("renewed: %v", err)
	}
	resp.Body.Close()
	if got := resp.TLS.PeerCertificates[0].SerialNumber.Int64(); got != 2 {
		t.Errorf("got certificate %d, want the renewed one", got)
	}
	if _, err := (&http.Client{Transport: &http.Transport{}}).Get("https://" + address); err == nil {
		t.Error("a stranger's certificate is taken")
	}
	if resp, err := http.Get("http://" + address); err == nil {
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK || strings.Contains(string(body), "hello") {
			t.Errorf("by plain HTTP: got %d, %q", resp.StatusCode, body)
		}
	}
}

// A door that could not speak https does not start.
func TestWrongCertificate(t *testing.T) {
	files, _ := doorFiles(t, t.TempDir(), 1)
	other, _ := doorFiles(t, t.TempDir(), 2)
	for name, wrong := range map[string]config.DoorTLS{
		"another's key":    {CertFile: files.CertFile, KeyFile: other.KeyFile},
		"no certificate":   {CertFile: "nowhere.pem", KeyFile: files.KeyFile},
		"no key":           {CertFile: files.CertFile, KeyFile: "nowhere.pem"},
		"key in its place": {CertFile: config.File(files.KeyFile), KeyFile: files.KeyFile},
	} {
		if _, err := doorTLS(wrong); err == nil || !strings.Contains(err.Error(), "the door's certificate: ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
