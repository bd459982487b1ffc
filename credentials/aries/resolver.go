package aries

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// fetchTimeout bounds a look-up in all: name, connection, headers and document.
const fetchTimeout = 3 * time.Second

// A Resolver finds the key that a DID URL names, by did:key or did:web. It is
// discovery: on the ledger, entries say which keys a party has. It does without
// aries' resolvers, which compare neither the document's id nor names that stand
// in it twice, and panic on some documents.
type Resolver struct {
	client   *http.Client
	loopback bool
}

// An Option changes how a Resolver works.
type Option func(*Resolver, *http.Transport)

// AllowLoopback resolves did:web:localhost%3APORT and did:web:127.0.0.1%3APORT
// by plain HTTP: for demos and tests on one machine.
func AllowLoopback() Option { return func(r *Resolver, _ *http.Transport) { r.loopback = true } }

// WithTransport changes how documents are fetched, for private certificate
// authorities and tests. The resolver's own limits stay.
func WithTransport(change func(*http.Transport)) Option {
	return func(_ *Resolver, t *http.Transport) { change(t) }
}

// NewResolver resolves did:key, and did:web over HTTPS.
func NewResolver(opts ...Option) *Resolver {
	r := &Resolver{client: &http.Client{
		Timeout: fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("did:web documents are not redirected")
		},
	}}
	dialer := &net.Dialer{Timeout: fetchTimeout, Control: r.controlDial}
	t := &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: fetchTimeout,
		MaxResponseHeaderBytes: credentials.MaxDIDDocument, MaxIdleConns: 16, IdleConnTimeout: time.Minute,
	}
	for _, o := range opts {
		o(r, t)
	}
	r.client.Transport = t
	return r
}

// controlDial keeps a stranger's DID from making this process call itself, its
// own network or the metadata service of a cloud. It sees the address behind the
// host name, at the moment of the call, so that no name can change in between.
func (r *Resolver) controlDial(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := ap.Addr().Unmap()
	if ip.IsLoopback() && r.loopback {
		return nil
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Zone() != "" {
		return errors.New("did:web points to this machine or to a network of its own")
	}
	for _, p := range notPublic {
		if p.Contains(ip) {
			return errors.New("did:web points to this machine or to a network of its own")
		}
	}
	return nil
}

// notPublic are addresses that look public and lead elsewhere (IANA special-purpose
// registries): shared space, protocol assignments, benchmarks, 240/4, and IPv6
// prefixes that carry an IPv4 address.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("fec0::/10"),
	netip.MustParsePrefix("::/96"),
}

// ResolveKey is a credentials.ResolveKey: it returns the key that kid names, if its
// DID document lets that key make assertions.
func (r *Resolver) ResolveKey(kid string) (credentials.Key, error) {
	d, _, err := credentials.ParseKeyID(kid)
	if err != nil {
		return credentials.Key{}, err
	}
	if strings.HasPrefix(string(d), "did:key:") {
		return credentials.ResolveDIDKey(kid)
	}
	doc, err := r.read(d)
	if err != nil {
		return credentials.Key{}, fmt.Errorf("resolve %s: %w", d, err)
	}
	k, err := doc.AssertionKey(kid)
	if err != nil {
		return credentials.Key{}, fmt.Errorf("resolve %s: %w", d, err)
	}
	return k, nil
}

// Document resolves a did:web within the same bounds. An assertion method that
// is no key of ours is refused rather than left out.
func (r *Resolver) Document(d credentials.DID) (*credentials.DIDDocument, error) {
	if _, err := credentials.ParseDID(string(d)); err != nil {
		return nil, err
	}
	doc, err := r.read(d)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", d, err)
	}
	for kid, err := range doc.Unread {
		return nil, fmt.Errorf("resolve %s: %.200s: %w", d, kid, err)
	}
	return doc, nil
}

func (r *Resolver) read(d credentials.DID) (*credentials.DIDDocument, error) {
	if !strings.HasPrefix(string(d), "did:web:") {
		return nil, errors.New("its method is not supported: use did:key or did:web")
	}
	url, err := credentials.WebDocument(d, r.loopback)
	if err != nil {
		return nil, err
	}
	b, err := r.fetch(url)
	if err != nil {
		return nil, err
	}
	return credentials.ParseDIDDocument(b, d)
}

func (r *Resolver) fetch(url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/did+ld+json, application/did+json, application/json")
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("its document is answered with %s", resp.Status)
	}
	media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") {
		return nil, errors.New("its document is not served as JSON")
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, credentials.MaxDIDDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read DID document: %w", err)
	}
	return b, nil // ParseDIDDocument refuses one byte too many
}
