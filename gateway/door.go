package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/ledger"
)

// maxBody bounds what a caller may send: one signed claim or bundle is a few
// kilobytes, a fee schedule edition a few megabytes.
const maxBody = 8 << 20

// A call is a request whose caller is known.
type call struct {
	*http.Request
	party ledger.Party
	keyID string
	token string // that the caller signed for this request
	body  []byte
}

// refuse is an answer that is the caller's to mend, in one line. What is not a
// refusal is ours, and is logged instead of told.
func refuse(status int, format string, args ...any) error {
	return &api.Refusal{Status: status, Message: fmt.Sprintf(format, args...)}
}

// door lets in whoever holds an admitted key of one of the roles, and renders
// what the handler returns.
func (g *Gateway) door(handle func(*call) (any, error), roles ...ledger.Role) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := g.open(w, r, roles)
		var answer any
		if err == nil {
			answer, err = handle(c)
		}
		g.answer(w, r, answer, err)
	})
}

func (g *Gateway) open(w http.ResponseWriter, r *http.Request, roles []ledger.Role) (*call, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, refuse(http.StatusRequestEntityTooLarge, "the request is larger than %d bytes: send one submission a request", maxBody)
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return nil, refuse(http.StatusUnauthorized, "no request token: send Authorization: Bearer TOKEN signed with your key")
	}
	c := &call{Request: r, body: body}
	var unasked error
	keys := func(kid string) (credentials.Key, error) {
		key, party, err := g.Who(kid)
		c.party = party
		if err != nil && !errors.Is(err, ledger.ErrUnknownIssuer) && !errors.Is(err, ledger.ErrRetired) {
			unasked = fmt.Errorf("ask the ledger who calls: %w", err)
		}
		return key, err
	}
	now := g.Now()
	claims, err := credentials.VerifyRequest(token, r.Method, r.URL.RequestURI(), string(g.Insurer), body, now, keys)
	if unasked != nil {
		return nil, unasked
	}
	if err != nil {
		return nil, refuse(http.StatusUnauthorized, "request token: %v", err)
	}
	if !slices.Contains(roles, c.party.Role) {
		return nil, refuse(http.StatusForbidden, "the role %s may not %s %s", c.party.Role, r.Method, r.URL.Path)
	}
	if !g.replays.first(claims.ID, claims.Expires, now) {
		return nil, refuse(http.StatusUnauthorized, "request token was used before: sign a new one for each request")
	}
	c.keyID, c.token = claims.KeyID, token
	return c, nil
}

func (g *Gateway) answer(w http.ResponseWriter, r *http.Request, answer any, err error) {
	status := http.StatusOK
	var no *api.Refusal
	var clock *books.ClockError
	switch {
	case errors.As(err, &no):
		status, answer = no.Status, no
	case errors.As(err, &clock):
		status, answer = http.StatusServiceUnavailable, &api.Refusal{Message: clock.Error()}
	case errors.Is(err, books.ErrForgotten):
		status, answer = http.StatusGone, &api.Refusal{Message: books.ErrForgotten.Error()}
	case errors.Is(err, books.ErrNotFound):
		status, answer = http.StatusNotFound, &api.Refusal{Message: "nothing of yours has this handle"}
	case r.Context().Err() != nil:
		return // the caller has gone
	case err != nil:
		g.Log.ErrorContext(r.Context(), "request failed", "method", r.Method, "route", r.Pattern, "error", err.Error())
		status, answer = http.StatusServiceUnavailable, &api.Refusal{Message: "the insurer could not take this just now: send it again, nothing is done twice"}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(answer)
}

// replays remembers the ids of request tokens until they expire.
type replays struct {
	mu   sync.Mutex
	seen map[credentials.Handle]time.Time
	next time.Time
}

func newReplays() *replays { return &replays{seen: map[credentials.Handle]time.Time{}} }

func (r *replays) first(id credentials.Handle, expires, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.After(r.next) {
		for id, expires := range r.seen {
			if now.After(expires.Add(time.Minute)) {
				delete(r.seen, id)
			}
		}
		r.next = now.Add(time.Minute)
	}
	if _, used := r.seen[id]; used {
		return false
	}
	r.seen[id] = expires
	return true
}
