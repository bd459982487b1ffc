package witness_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/torchwood/bastion"

	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/witness"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// A gate is torchwood's bastion: a port for witnesses, and a URL for others.
type gate struct {
	address string
	url     string
	roots   *x509.CertPool
	open    atomic.Bool // lets witness w in

	mu    sync.Mutex
	conns []net.Conn
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{roots: x509.NewCertPool()}
	g.open.Store(true)
	cert := ledgertest.Certificate(t)
	g.roots.AddCert(cert.Leaf)
	known := sha256.Sum256(ledgertest.Key("w").Public().(ed25519.PublicKey))
	b, err := bastion.New(&bastion.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return cert, nil },
		AllowedBackend: func(hash [sha256.Size]byte) bool { return g.open.Load() && hash == known },
		Log:            slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); g.cut() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			g.mu.Lock()
			g.conns = append(g.conns, c)
			g.mu.Unlock()
			go b.HandleBackendConnection(c)
		}
	}()
	front := httptest.NewServer(b)
	t.Cleanup(front.Close)
	g.address, g.url = l.Addr().String(), front.URL
	return g
}

// cut breaks every connection of a witness off.
func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.conns {
		c.Close()
	}
	g.conns = nil
}

// join runs a witness behind the gate until the test ends, and returns what it logs.
func (g *gate) join(t *testing.T, b *witness.Bastion) *sink {
	t.Helper()
	said := &sink{ended: make(chan struct{})}
	b.Address, b.Log = g.address, slog.New(slog.NewTextHandler(said, nil))
	var ctx context.Context
	ctx, said.stop = context.WithCancel(context.Background())
	go func() { b.Run(ctx); close(said.ended) }()
	t.Cleanup(func() { said.leave(t) })
	return said
}

// leave stops the witness.
func (s *sink) leave(t *testing.T) {
	t.Helper()
	s.stop()
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		t.Error("it does not end")
	}
}

func connected(t *testing.T, b *witness.Bastion, want bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); b.Connected() != want; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("connected: still %v", !want)
		}
	}
}

// routed waits a moment more: the bastion speaks first and takes us in then.
func routed(t *testing.T, so func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the bastion does not pass requests on")
		}
	}
}

// Through torchwood's bastion the witness answers as it does directly, again
// after the connection was cut, and no more once it has stopped.
func TestBastion(t *testing.T) {
	g := newGate(t)
	b := &witness.Bastion{Key: ledgertest.Key("w"), Roots: g.roots, Handler: newWitness(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))}
	key, _ := logKey("log")
	post := func(old, size int64) (int, string) {
		t.Helper()
		status, _, answer := post(t, g.url+b.Path(), grow(size, 99, "").request(old, origin, key))
		return status, answer
	}
	if status, _ := post(0, 3); status != 502 {
		t.Errorf("before it is there: got %d, want 502", status)
	}
	said := g.join(t, b)
	connected(t, b, true)
	routed(t, func() bool { status, _ := post(0, 3); return status == 200 })
	if status, answer := post(3, 3); status != 200 || !strings.HasPrefix(answer, "— witness.example/w ") {
		t.Fatalf("got %d %q", status, answer)
	}
	if status, answer := post(0, 4); status != 409 || answer != "3\n" {
		t.Errorf("got %d %q, want 409", status, answer)
	}
	g.cut()
	connected(t, b, false)
	connected(t, b, true)
	routed(t, func() bool { status, _ := post(3, 3); return status == 200 })
	var wait sync.WaitGroup
	for range 20 { // at once, on one connection
		wait.Go(func() {
			if status, answer := post(3, 3); status != 200 {
				t.Errorf("got %d %q", status, answer)
			}
		})
	}
	wait.Wait()
	said.leave(t)
	if status, _ := post(3, 4); status != 502 || b.Connected() {
		t.Errorf("after it has stopped: got %d, want 502", status)
	}
}

// A bastion that does not know the key takes nobody in, and a witness does not
// speak to one that it cannot know.
func TestBastionRefused(t *testing.T) {
	g := newGate(t)
	w := newWitness(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	stranger := &witness.Bastion{Key: ledgertest.Key("stranger"), Roots: g.roots, Handler: w}
	wary := &witness.Bastion{Key: ledgertest.Key("w"), Roots: x509.NewCertPool(), Handler: w}
	heard := []*sink{g.join(t, stranger), g.join(t, wary)}
	time.Sleep(1500 * time.Millisecond) // each has tried twice
	g.open.Store(false)
	late := &witness.Bastion{Key: ledgertest.Key("w"), Roots: g.roots, Handler: w}
	heard = append(heard, g.join(t, late))
	time.Sleep(500 * time.Millisecond)
	for i, c := range []struct {
		b   *witness.Bastion
		why string
	}{{stranger, "it may not know this witness's key"}, {wary, "connect: tls: failed to verify certificate"}, {late, "it may not know this witness's key"}} {
		if said := heard[i].String(); c.b.Connected() || !strings.Contains(said, c.why) || strings.Contains(said, "has ended") {
			t.Errorf("%d: connected %v, and says %s; want %q", i, c.b.Connected(), said, c.why)
		}
	}
	g.open.Store(true)
	connected(t, late, true)
	// A server that is no bastion is told from one.
	plain := httptest.NewUnstartedServer(w)
	plain.Config.ErrorLog = log.New(io.Discard, "", 0)
	plain.StartTLS()
	t.Cleanup(plain.Close)
	roots := x509.NewCertPool()
	roots.AddCert(plain.Certificate())
	var said sink
	other := &witness.Bastion{Address: plain.Listener.Addr().String(), Key: ledgertest.Key("w"), Roots: roots, Handler: w, Log: slog.New(slog.NewTextHandler(&said, nil))}
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	other.Run(ctx)
	if got := said.String(); !strings.Contains(got, "connect: ") || other.Connected() {
		t.Errorf("a server that is no bastion: got %q", got)
	}
}

// A sink keeps what a witness logs.
type sink struct {
	mu    sync.Mutex
	b     strings.Builder
	stop  context.CancelFunc
	ended chan struct{}
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
