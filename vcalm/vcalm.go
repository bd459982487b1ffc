// Package vcalm is the verifier's part of the W3C's VC API (VCALM) at the door of
// a house: credentials and presentations are handed in, and the answer is
// whether this house would act on them. What a board issues through the API, it
// issues by its own register (package board).
//
// It is stricter than VCALM where that only warns: what is revoked, suspended or
// expired is not verified, and neither is what could not be found out. It never
// fetches anything for a stranger, takes no kind, term, suite or context that it
// does not know, and keeps nothing of what it was shown.
package vcalm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/problem"
)

// Base is where doors have the API.
const Base = "/vc"

const (
	// maxBody bounds a request: a credential has at most 1 MiB.
	maxBody = 1<<20 + 16<<10
	// maxAtOnce bounds how many requests are being judged: strangers may ask.
	maxAtOnce    = 8
	readWithin   = 10 * time.Second
	answerWithin = 10 * time.Second
	// leeway is how far clocks may differ (books.ClockSkew).
	leeway = time.Minute
)

// Currently is what a house knows of a license now.
type Currently struct {
	Standing credentials.Standing // on this day, for this license alone
	Holder   credentials.DID      // to whose key it is bound; empty where to none
}

// A House is what the API asks of the house at whose door it stands.
type House struct {
	// Domain is the name for which holders present: the house's DID.
	Domain string
	// Whose names the participant that signs, or has signed, with a key.
	Whose func(kid string) (credentials.Key, ledger.Party, error)
	// Place is where a document stands on the ledger, Unplaced where it is not
	// known there under this digest.
	Place func(ctx context.Context, e *credentials.Envelope, document credentials.Digest) (credentials.Position, error)
	// License is what the house knows of a license by the orders upon it.
	License func(ctx context.Context, e *credentials.Envelope, l credentials.License) (Currently, error)
	// List finds the list of a status entry; nil reads none, so that the status
	// of what names one is unknown, of a license excepted: the orders upon it
	// (License) say it all. OrdersAlone has that so where there are lists too.
	List        func(ctx context.Context, issuer credentials.DID, entry credentials.StatusEntry) (*credentials.SignedList, error)
	OrdersAlone bool
	// ListsSince is when the issuer last did something to a credential of which
	// its lists tell: one that was signed before then is old. Nil where the lists
	// are asked for anew each time.
	ListsSince func(ctx context.Context, e *credentials.Envelope) (time.Time, error)
	// FollowedBy names the document that has taken the place of one, zero where
	// none is known to have; asked of what its issuer's list says is over. Nil
	// where nobody knows.
	FollowedBy func(ctx context.Context, e *credentials.Envelope, document credentials.Digest) (credentials.Handle, error)
	Now        func() time.Time
	Log        *slog.Logger

	challenges challenges
}

// Mount adds the verifier's part and what is public to a door.
func (h *House) Mount(mux *http.ServeMux) {
	room := make(chan struct{}, maxAtOnce)
	for path, handle := range map[string]func(*http.Request, request) (any, error){
		"/credentials/verify": h.verifyCredential, "/presentations/verify": h.verifyPresentation,
	} {
		mux.Handle("POST "+Base+path, h.door(room, handle))
	}
	mux.HandleFunc("POST "+Base+"/challenges", h.mint)
	mux.HandleFunc("GET "+Base+"/contexts/{name}", context1)
	mux.HandleFunc("GET "+Base+"/schemas/{name}", schema1)
}

// A request is the JSON object of one, with its options. Other members and other
// options are ignored, as VCALM wants it.
type request struct {
	members map[string]json.RawMessage
	options struct {
		challenge, domain string
	}
}

func (h *House) door(room chan struct{}, handle func(*http.Request, request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
		default:
			problem.New(http.StatusServiceUnavailable, "busy", "too many ask at once", "ask again").Write(w)
			return
		}
		q, err := read(w, r)
		var answer any
		if err == nil {
			ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
			defer cancel()
			answer, err = handle(r.WithContext(ctx), q)
		}
		h.write(w, r, answer, err)
	})
}

// read reads a request within bounds of size, time and depth.
func read(w http.ResponseWriter, r *http.Request) (q request, err error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return q, problem.New(http.StatusUnsupportedMediaType, "media", "not JSON", "want Content-Type: application/json")
	}
	limits := http.NewResponseController(w)
	limits.SetReadDeadline(time.Now().Add(readWithin))
	limits.SetWriteDeadline(time.Now().Add(readWithin + answerWithin + 10*time.Second))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return q, problem.New(http.StatusRequestEntityTooLarge, "size", "too large", "a request has at most %d bytes", maxBody)
	case err != nil:
		return q, problem.New(http.StatusBadRequest, "request", "the request could not be read to its end", "send it again")
	}
	limits.SetReadDeadline(time.Time{})
	return parse(body)
}

// parse reads strict JSON: no name twice, nothing behind it, at most 32 levels.
func parse(body []byte) (q request, err error) {
	if err := credentials.DecodeStrict(body, &q.members); err != nil || q.members == nil {
		return q, malformed("want one JSON object: %v", err)
	}
	var options map[string]json.RawMessage
	if raw, ok := q.members["options"]; ok {
		if err := json.Unmarshal(raw, &options); err != nil {
			return q, malformed("at /options: want an object")
		}
	}
	for name, to := range map[string]*string{"challenge": &q.options.challenge, "domain": &q.options.domain} {
		if raw, ok := options[name]; ok && json.Unmarshal(raw, to) != nil || len(*to) > 512 {
			return q, malformed("at /options/%s: want text of at most 512 bytes", name)
		}
	}
	if (q.options.challenge == "") != (q.options.domain == "") {
		return q, malformed("at /options: a challenge and a domain belong together")
	}
	return q, nil
}

func malformed(format string, args ...any) error {
	return problem.New(http.StatusBadRequest, "request", "the request is malformed", "%s", strings.TrimSuffix(fmt.Sprintf(format, args...), ": <nil>"))
}

// A Refused is the answer to what is not verified.
type Refused struct {
	problem.Problem
	Verified bool              `json:"verified"` // never true
	Check    credentials.Check `json:"check"`
	// SupersededBy is what has taken its place, where the house knows.
	SupersededBy credentials.Handle `json:"supersededBy,omitzero"`
	// Problems repeats it where VCALM looks for it.
	Problems []problem.Problem `json:"problemDetails"`

	verdict credentials.Verdict
}

// refused makes an answer of a verdict that is not good. What is not known is
// not the caller's fault, and may be known later.
func refused(v credentials.Verdict) *Refused {
	p := problem.New(http.StatusUnprocessableEntity, "not-verified", "not verified", "%s: %s", v.Check, v.Why)
	if v.Outcome != credentials.Bad {
		p = problem.New(http.StatusServiceUnavailable, "unknown", "not verified: it is not known", "%s: %s", v.Check, v.Why)
	}
	p.Detail = oneLine(p.Detail)
	return &Refused{Problem: *p, Check: v.Check, Problems: []problem.Problem{*p}, verdict: v}
}

func (r *Refused) Error() string { return r.Problem.Error() }

// oneLine keeps what a stranger wrote from faking lines, and short.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), 400)]
}

func (h *House) write(w http.ResponseWriter, r *http.Request, answer any, err error) {
	var p *problem.Problem
	var no *Refused
	switch {
	case errors.As(err, &no):
		if no.Status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "2")
		}
		writeJSON(w, no.Status, problem.Media, no)
	case errors.As(err, &p):
		p.Write(w)
	case err != nil:
		if r.Context().Err() == nil {
			h.Log.ErrorContext(r.Context(), "VC API: no answer", "route", r.Pattern, "error", err.Error())
		}
		problem.New(http.StatusServiceUnavailable, "unavailable", "no answer just now", "treat it as not verified, and ask again").Write(w)
	default:
		writeJSON(w, http.StatusOK, "application/json", answer)
	}
}

func writeJSON(w http.ResponseWriter, status int, media string, v any) {
	w.Header().Set("Content-Type", media)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
