package board

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

var errNotClerk = errors.New("this key is not a clerk's of this board: sign with a clerk's (--key)")

// clerk lets in a request that a clerk's key has signed, once.
func (b *Board) clerk(handle func(r *http.Request, by request) (answer, error)) func(*http.Request, []byte) (answer, error) {
	return func(r *http.Request, body []byte) (answer, error) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			return answer{}, refuse(http.StatusUnauthorized, "no request token: send Authorization: Bearer TOKEN, signed with a clerk's key")
		}
		// Clerks sign the address that they type; a proxy in front may take the
		// door's own folder off.
		by := request{path: b.folder + r.URL.RequestURI(), token: token, body: body, accepted: b.Now()}
		var err error
		by.RequestClaims, err = credentials.VerifyRequest(token, r.Method, by.path, string(b.did), body, by.accepted, b.clerkKey)
		if errors.Is(err, errNotClerk) {
			return answer{}, refuse(http.StatusForbidden, "%v", errNotClerk)
		} else if err != nil {
			return answer{}, refuse(http.StatusUnauthorized, "%v", err)
		}
		first, err := b.use(r.Context(), by.RequestClaims)
		if err != nil {
			return answer{}, fmt.Errorf("remember request: %w", err)
		}
		if !first {
			return answer{}, refuse(http.StatusUnauthorized, "this request token was used before: sign a new one for each request")
		}
		// What is signed under a bad key is void, and the register keeps it for ever.
		if err := b.keyStands(); err != nil && !errors.Is(err, ledger.ErrRetired) && r.Method == http.MethodPost {
			return answer{}, refuse(http.StatusConflict, "%v: nothing is done under it until the board has been started with its key of today", err)
		}
		return handle(r, by)
	}
}

// clerkKey asks for the list first: a stranger's key id is not resolved.
func (b *Board) clerkKey(kid string) (credentials.Key, error) {
	if !slices.Contains(b.Clerks, kid) {
		return credentials.Key{}, errNotClerk
	}
	return b.Keys(kid)
}

func (b *Board) postLicense(r *http.Request, by request) (answer, error) {
	if err := plainPath(r); err != nil {
		return answer{}, err
	}
	var a client.Application
	if err := credentials.DecodeStrict(by.body, &a); err != nil {
		return answer{}, refuse(http.StatusBadRequest, "license: %v", err)
	}
	if err := b.checkApplication(a); err != nil {
		return answer{}, refuse(http.StatusUnprocessableEntity, "license: %v", err)
	}
	h, created, err := b.issue(r.Context(), by, a)
	if err != nil {
		return answer{}, err
	}
	if err := b.settled(r, h); err != nil {
		return answer{}, err
	}
	f, err := b.file(r.Context(), h)
	return answer{status: statusOf(created, f.License), body: f}, err
}

func (b *Board) postOrder(r *http.Request, by request) (answer, error) {
	if err := plainPath(r); err != nil {
		return answer{}, err
	}
	license, err := pathHandle(r)
	if err != nil {
		return answer{}, err
	}
	var o client.OrderRequest
	if err := credentials.DecodeStrict(by.body, &o); err != nil {
		return answer{}, refuse(http.StatusBadRequest, "order: %v", err)
	}
	if err := checkOrder(o); err != nil {
		return answer{}, refuse(http.StatusUnprocessableEntity, "order: %v", err)
	}
	d, created, err := b.orderNow(r, by, license, o)
	return answer{status: statusOf(created, d), body: d}, err
}

// orderNow has an order made and waits for its receipt.
func (b *Board) orderNow(r *http.Request, by request, license credentials.Handle, o client.OrderRequest) (d client.Document, created bool, err error) {
	h, created, err := b.order(r.Context(), by, license, o)
	if err != nil {
		return d, false, err
	}
	if err := b.settled(r, h); err != nil {
		return d, false, err
	}
	f, err := b.file(r.Context(), license)
	if err != nil {
		return d, false, err
	}
	i := slices.IndexFunc(f.Orders, func(d client.Document) bool { return d.Handle == h })
	if i < 0 {
		return d, false, errors.New("the order is not in its license's file")
	}
	return f.Orders[i], created, nil
}

// plainPath wants an act's address in its one spelling: readers compare it.
func plainPath(r *http.Request) error {
	if r.URL.RequestURI() != r.URL.Path {
		return refuse(http.StatusBadRequest, "want the address alone: no query and no percent signs")
	}
	return nil
}

// settled waits for the receipt, unless the clerk prefers not to (RFC 7240).
func (b *Board) settled(r *http.Request, document credentials.Handle) error {
	for _, p := range r.Header.Values("Prefer") {
		if strings.EqualFold(strings.TrimSpace(p), "respond-async") {
			return nil
		}
	}
	return b.awaitReceipt(r.Context(), document)
}

func (b *Board) getActs(r *http.Request, _ request) (answer, error) {
	after, err := startOf(r)
	if err != nil {
		return answer{}, err
	}
	license := r.URL.Query().Get("license")
	if license != "" {
		if _, err := credentials.ParseHandle(license); err != nil {
			return answer{}, refuse(http.StatusBadRequest, "license handle: %v", err)
		}
	}
	page, err := b.acts(r.Context(), after, license)
	return answer{status: http.StatusOK, body: page}, err
}
