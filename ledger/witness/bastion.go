package witness

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	bastionProtocol = "bastion/0" // c2sp.org/https-bastion
	dialWithin      = 10 * time.Second
	redialFrom      = time.Second
	redialTo        = time.Minute
)

// A Bastion is a server on the open network through which others reach a
// witness that listens for nobody: the witness dials it, shows its key, and
// serves what comes back on that connection (c2sp.org/https-bastion).
//
// Nothing is trusted to it but that it passes requests on: they are judged by
// the logs' signatures, and the answers by the witness's.
type Bastion struct {
	Address string             // HOST:PORT
	Key     ed25519.PrivateKey // the witness's own; the bastion knows it by its hash
	Roots   *x509.CertPool     // who vouches for the bastion; nil: the machine's
	Handler http.Handler
	Log     *slog.Logger

	connected atomic.Bool
}

// Path is what follows the bastion's own address in the witness's URL.
func (b *Bastion) Path() string {
	sum := sha256.Sum256(b.Key.Public().(ed25519.PublicKey))
	return "/" + hex.EncodeToString(sum[:])
}

// Connected says whether the bastion has taken the witness in.
func (b *Bastion) Connected() bool { return b.connected.Load() }

// Run keeps the witness connected until ctx ends.
func (b *Bastion) Run(ctx context.Context) {
	for pause := redialFrom; ; pause = min(2*pause, redialTo) {
		began := time.Now()
		err := b.serve(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > redialTo {
			pause = redialFrom
		}
		b.Log.Warn("bastion", "error", err.Error(), "again_in", pause.String())
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// serve dials once and serves until the connection ends.
func (b *Bastion) serve(ctx context.Context) error {
	conn, err := b.dial(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	// The bastion speaks first, or it has refused our key: TLS 1.3 tells us
	// so only now.
	conn.SetReadDeadline(time.Now().Add(dialWithin))
	line := &line{Conn: conn, heard: &b.connected, gone: make(chan struct{})}
	defer line.Close()
	defer b.connected.Store(false)
	s := &http.Server{
		Handler: b.Handler, ReadTimeout: 30 * time.Second, WriteTimeout: 90 * time.Second, MaxHeaderBytes: 32 << 10,
		IdleTimeout: 24 * time.Hour, // of the connection, which waits for requests; pings tell whether it lives
		HTTP2:       &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
		Protocols:   new(http.Protocols),
		ErrorLog:    slog.NewLogLogger(b.Log.Handler(), slog.LevelDebug),
	}
	s.Protocols.SetUnencryptedHTTP2(true) // within TLS, whose protocol is the bastion's
	stop := context.AfterFunc(ctx, func() {
		short, cancel := context.WithTimeout(context.Background(), dialWithin)
		defer cancel()
		s.Shutdown(short)
		line.Close()
	})
	defer stop()
	s.Serve(&listener{line: line, closed: make(chan struct{})})
	<-line.gone // a shutdown lets requests under way end
	if !b.connected.Load() {
		return errors.New("it has not taken us in: it may not know this witness's key")
	}
	return errors.New("the connection has ended")
}

func (b *Bastion) dial(ctx context.Context) (*tls.Conn, error) {
	cert, err := selfSigned(b.Key)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	d := tls.Dialer{Config: &tls.Config{
		// Older versions would show the certificate to whoever listens.
		MinVersion: tls.VersionTLS13, NextProtos: []string{bastionProtocol}, RootCAs: b.Roots,
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: b.Key}},
	}}
	c, err := d.DialContext(ctx, "tcp", b.Address)
	if err != nil {
		return nil, err
	}
	conn := c.(*tls.Conn)
	if got := conn.ConnectionState().NegotiatedProtocol; got != bastionProtocol {
		conn.Close()
		return nil, errors.New("it is no bastion: it does not speak " + bastionProtocol)
	}
	return conn, nil
}

// selfSigned is the certificate that carries the key. The bastion looks at
// nothing else in it. That the key signs certificates and handshakes too takes
// nothing from its cosignatures: no two of these can begin alike
// (c2sp.org/https-bastion, appendix B).
func selfSigned(key ed25519.PrivateKey) ([]byte, error) {
	now := time.Now()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "witness"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	return x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
}

// A line is the connection, which hides that it is TLS, so that http.Server
// reads HTTP/2 from it, and tells when the bastion speaks and when it has ended.
type line struct {
	net.Conn
	heard *atomic.Bool
	once  sync.Once
	gone  chan struct{}
}

func (l *line) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if n > 0 {
		l.heard.Store(true)
	}
	return n, err
}

func (l *line) Close() error {
	l.once.Do(func() { close(l.gone) })
	return l.Conn.Close()
}

// A listener hands out one line, and ends with it.
type listener struct {
	line   *line
	taken  atomic.Bool
	once   sync.Once
	closed chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	if l.taken.CompareAndSwap(false, true) {
		return l.line, nil
	}
	select {
	case <-l.closed:
	case <-l.line.gone:
	}
	return nil, net.ErrClosed
}

// Close leaves the line alone: requests under way may still end on it.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return l.line.LocalAddr() }
