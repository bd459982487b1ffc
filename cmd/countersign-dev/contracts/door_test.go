package contracts

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/cmd/countersign-dev/temporalserver"
)

// An authority makes certificates, in files.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.key = a.newKey()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	a.must(err)
	a.cert, err = x509.ParseCertificate(der)
	a.must(err)
	a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func (a *authority) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.must(err)
	return key
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) write(name, kind string, der []byte) {
	a.must(os.WriteFile(a.file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

// issue writes NAME.pem and NAME.key, for a server or a client.
func (a *authority) issue(name string, use x509.ExtKeyUsage) {
	a.t.Helper()
	key := a.newKey()
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"temporal.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{use}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	a.must(err)
	a.write(name+".pem", "CERTIFICATE", der)
	der, err = x509.MarshalPKCS8PrivateKey(key)
	a.must(err)
	a.write(name+".key", "PRIVATE KEY", der)
}

// TestClientCertificate has a cluster that asks for client certificates turn
// away who has none, or another authority's, and serve who has the right one.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	ours, foreign := newAuthority(t), newAuthority(t)
	ours.issue("server", x509.ExtKeyUsageServerAuth)
	ours.issue("client", x509.ExtKeyUsageClientAuth)
	foreign.issue("client", x509.ExtKeyUsageClientAuth)
	f := openFleet(t, &temporalserver.Door{CertFile: ours.file("server.pem"), KeyFile: ours.file("server.key"), ClientCAFile: ours.file("ca.pem")})
	program := f.build("one")
	for _, x := range []struct {
		what string
		tls  []string
		want string
	}{
		{"no TLS", nil, "server preface"},
		{"no client certificate", []string{"tls:", "  ca_file: " + ours.file("ca.pem")}, "certificate required"},
		{"another authority's client certificate", []string{"tls:", "  ca_file: " + ours.file("ca.pem"),
			"  cert_file: " + foreign.file("client.pem"), "  key_file: " + foreign.file("client.key")}, "unknown certificate authority"},
		{"a server of another authority", []string{"tls:", "  ca_file: " + foreign.file("ca.pem"),
			"  cert_file: " + ours.file("client.pem"), "  key_file: " + ours.file("client.key")}, "certificate signed by unknown authority"},
		{"a server of another name", []string{"tls:", "  ca_file: " + ours.file("ca.pem"), "  server_name: other.example",
			"  cert_file: " + ours.file("client.pem"), "  key_file: " + ours.file("client.key")}, "other.example"},
	} {
		f.configure(x.tls)
		d := f.start(program, "worker", "")
		d.until(x.what+" to be turned away", func() (bool, error) {
			return strings.Contains(d.logs.String(), `"for":"Temporal at`) && strings.Contains(d.logs.String(), x.want), nil
		})
		d.says(http.StatusServiceUnavailable, "waits for Temporal")
		d.drain()
	}
	f.configure([]string{"tls:", "  ca_file: " + ours.file("ca.pem"), "  server_name: temporal.example",
		"  cert_file: " + ours.file("client.pem"), "  key_file: " + ours.file("client.key")})
	f.decidesOne(program)
}

// decidesOne starts a worker and a gateway and has one claim paid.
func (f *fleet) decidesOne(program string) []*daemon {
	f.Helper()
	gateway, worker := f.start(program, "gateway", ""), f.start(program, "worker", "")
	gateway.ready()
	f.through(gateway)
	f.begin()
	worker.ready()
	f.heard(3)
	f.in(f.submit(f.visit("DOOR-1", f.member("DPX900001"), amaranth)), claims.Paid)
	if got := f.builds(program, "list"); !strings.Contains(got, "current") {
		f.Errorf("builds list says %q", got)
	}
	return []*daemon{gateway, worker}
}

// TestAPIKey has a cluster that asks for an API key turn away who has a wrong
// one, take the right one as soon as the file holds it, and go on when the key
// is changed. No key is ever logged.
func TestAPIKey(t *testing.T) {
	t.Parallel()
	var good atomic.Value
	good.Store("key-one-SECRET")
	ours := newAuthority(t)
	ours.issue("server", x509.ExtKeyUsageServerAuth)
	f := openFleet(t, &temporalserver.Door{CertFile: ours.file("server.pem"), KeyFile: ours.file("server.key"),
		APIKey: func(key string) bool { return key == good.Load() }})
	program := f.build("one")
	path := filepath.Join(f.Dir, "temporal.api-key")
	write := func(key string) { f.must(os.WriteFile(path, []byte(key+"\n"), 0o600)) }
	f.configure([]string{"tls: {ca_file: " + ours.file("ca.pem") + "}", "api_key_file: temporal.api-key"})

	write("key-none-SECRET")
	early := f.start(program, "worker", "")
	early.says(http.StatusServiceUnavailable, "unauthorized")
	write("key-one-SECRET")
	early.ready()
	early.drain()

	all := append(f.decidesOne(program), early)
	write("key-two-SECRET")
	good.Store("key-two-SECRET")
	f.in(f.submit(f.visit("DOOR-2", f.member("DPX900002"), amaranth)), claims.Paid)
	write("key-none-SECRET") // what works no more is seen at once
	all[0].says(http.StatusServiceUnavailable, "unauthorized")
	for _, d := range all {
		if strings.Contains(d.logs.String(), "SECRET") {
			t.Errorf("%s logs the key:\n%s", d.name, d.logs.String())
		}
	}

	f.must(os.Chmod(path, 0o644))
	open := f.start(program, "worker", "")
	<-open.ended
	if code := open.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(open.logs.String(), "can be read by others") {
		t.Errorf("a key that all may read: exit %d\n%s", code, open.logs.String())
	}
}
