package aries

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/hyperledger/aries-framework-go/pkg/doc/did"
	vdrapi "github.com/hyperledger/aries-framework-go/pkg/framework/aries/api/vdr"
	"github.com/hyperledger/aries-framework-go/pkg/vdr/key"
	"github.com/hyperledger/aries-framework-go/pkg/vdr/web"
	"github.com/mr-tron/base58"

	"github.com/countersign-health/countersign/credentials"
)

const (
	fetchTimeout = 3 * time.Second
	maxDocument  = 64 << 10
)

// A Resolver finds the key that a DID URL names, by did:key or did:web, through
// aries' resolvers. It is discovery: on the ledger, entries say which keys a
// party has.
type Resolver struct {
	client   *http.Client
	loopback bool
}

// An Option changes how a Resolver works.
type Option func(*Resolver)

// AllowLoopback resolves did:web:localhost%3APORT and did:web:127.0.0.1%3APORT
// by plain HTTP: for demos and tests on one machine.
func AllowLoopback() Option { return func(r *Resolver) { r.loopback = true } }

// WithRoots fetches did:web documents through t, for private certificate
// authorities. The resolver's own limits stay.
func WithRoots(t *http.Transport) Option {
	return func(r *Resolver) { r.client.Transport = limited{t} }
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
	r.client.Transport = limited{&http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: fetchTimeout,
		MaxResponseHeaderBytes: maxDocument, MaxIdleConns: 16, IdleConnTimeout: time.Minute,
	}}
	for _, o := range opts {
		o(r)
	}
	return r
}

// controlDial keeps a stranger's DID from making this process call itself or
// the metadata service of a cloud. It sees the address behind the host name.
func (r *Resolver) controlDial(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	ip := net.ParseIP(host)
	switch {
	case ip == nil || ip.IsUnspecified() || ip.IsLinkLocalUnicast() || ip.IsMulticast():
		return errors.New("did:web points to an address that no party has")
	case ip.IsLoopback() && !r.loopback:
		return errors.New("did:web points to this machine")
	}
	return nil
}

// ResolveKey is a credentials.ResolveKey: it returns the key that kid names, if its
// DID document lets that key make assertions.
func (r *Resolver) ResolveKey(kid string) (credentials.Key, error) {
	d, _, err := credentials.ParseKeyID(kid)
	if err != nil {
		return credentials.Key{}, err
	}
	doc, err := r.read(d)
	if err != nil {
		return credentials.Key{}, fmt.Errorf("resolve %s: %w", d, err)
	}
	pub, err := assertionKey(doc, d, kid)
	if err != nil {
		return credentials.Key{}, fmt.Errorf("resolve %s: %w", d, err)
	}
	return pub, nil
}

// read asks aries. Its parsers panic on some hostile documents; a panic is a
// refusal here.
func (r *Resolver) read(d credentials.DID) (doc *did.Doc, err error) {
	defer func() {
		if p := recover(); p != nil {
			doc, err = nil, errors.New("its document is malformed")
		}
	}()
	var res *did.DocResolution
	switch method := strings.SplitN(string(d), ":", 3)[1]; method {
	case "key":
		if _, err := credentials.ParseKey(strings.TrimPrefix(string(d), "did:key:")); err != nil {
			return nil, err
		}
		res, err = key.New().Read(string(d))
	case "web":
		opts := []vdrapi.DIDMethodOption{vdrapi.WithOption(web.HTTPClientOpt, r.client)}
		local, err2 := r.webHost(d)
		if err2 != nil {
			return nil, err2
		}
		if local {
			opts = append(opts, vdrapi.WithOption(web.UseHTTPOpt, true))
		}
		res, err = web.New().Read(string(d), opts...)
	default:
		return nil, fmt.Errorf("did:%s is not supported: use did:key or did:web", method)
	}
	if err != nil {
		return nil, err
	}
	return res.DIDDocument, nil
}

// webHost checks the host part of a did:web, since aries puts it into a URL as
// it is: "example.org@evil.test" or "a%2Fb" must not get that far. It says
// whether the host is this machine and may be asked by plain HTTP.
func (r *Resolver) webHost(d credentials.DID) (local bool, err error) {
	id := strings.TrimPrefix(string(d), "did:web:")
	first, path, _ := strings.Cut(id, ":")
	host, err := url.PathUnescape(first)
	if err != nil {
		return false, errors.New("did:web: bad percent sign")
	}
	name, port, _ := strings.Cut(host, ":")
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false, fmt.Errorf("did:web: host has the character %q: want lower-case a-z, 0-9, - and .", c)
		}
	}
	for _, c := range []byte(port) {
		if c < '0' || c > '9' {
			return false, errors.New("did:web: port is not a number")
		}
	}
	if name == "" || strings.ContainsAny(path, "%@\\") {
		return false, errors.New("did:web: bad host or path")
	}
	return r.loopback && (name == "localhost" || name == "127.0.0.1"), nil
}

// assertionKey picks the key out of a document that aries accepted. aries does
// not compare the document's id with what was asked for.
func assertionKey(doc *did.Doc, d credentials.DID, kid string) (credentials.Key, error) {
	if doc == nil || doc.ID != string(d) {
		return credentials.Key{}, errors.New("the document is about another DID")
	}
	var found *did.VerificationMethod
	for i := range doc.AssertionMethod {
		vm := &doc.AssertionMethod[i].VerificationMethod
		if vm.ID != kid {
			continue
		}
		if found != nil {
			return credentials.Key{}, errors.New("two assertion methods have the key id")
		}
		found = vm
	}
	if found == nil {
		return credentials.Key{}, errors.New("the document has no assertion method with the key id")
	}
	if found.Controller != string(d) {
		return credentials.Key{}, errors.New("the key is controlled by another DID")
	}
	return methodKey(found)
}

// methodKey reads an Ed25519 or a P-256 key; no other is anybody's here.
func methodKey(vm *did.VerificationMethod) (credentials.Key, error) {
	switch vm.Type {
	case "Multikey", "Ed25519VerificationKey2020":
		// aries leaves the multicodec in front of the key.
		if len(vm.Value) > 2+33 {
			return credentials.Key{}, errors.New("the key is neither an Ed25519 nor a P-256 multikey")
		}
		return credentials.ParseKey("z" + base58.Encode(vm.Value))
	case "JsonWebKey2020", "JsonWebKey":
		j := vm.JSONWebKey()
		if j == nil || j.Crv != "Ed25519" && j.Crv != "P-256" {
			return credentials.Key{}, errors.New("the key is neither an Ed25519 nor a P-256 JWK")
		}
		return credentials.NewKey(j.Key)
	case "Ed25519VerificationKey2018":
		return credentials.NewKey(ed25519.PublicKey(bytes.Clone(vm.Value)))
	}
	return credentials.Key{}, fmt.Errorf("keys of type %q are not supported", vm.Type)
}

// limited bounds what aries reads whole, and refuses plain HTTP that was not
// asked for on this machine.
type limited struct{ next *http.Transport }

func (l limited) RoundTrip(req *http.Request) (*http.Response, error) {
	host := req.URL.Hostname()
	if req.URL.Scheme != "https" && host != "localhost" && host != "127.0.0.1" {
		return nil, errors.New("did:web wants https")
	}
	// The deadline holds whichever transport the caller brought.
	ctx, cancel := context.WithTimeout(req.Context(), fetchTimeout)
	resp, err := l.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	defer cancel()
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read DID document: %w", err)
	}
	if len(b) > maxDocument {
		return nil, fmt.Errorf("DID document is larger than %d bytes", maxDocument)
	}
	resp.Body = io.NopCloser(bytes.NewReader(b))
	return resp, nil
}
