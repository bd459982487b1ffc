package board

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/standing"
	"github.com/countersign-health/countersign/statuslist"
)

const (
	maxBody     = 16 << 10
	readWithin  = 10 * time.Second
	writeWithin = 30 * time.Second
)

// Handler is the board's HTTP interface. Reading is public, as a board's
// look-up is; issuing, ordering, and reading who did so take a request token of
// a clerk's key.
func (b *Board) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.Handle("POST /licenses", b.door(b.clerk(b.postLicense)))
	mux.Handle("POST /imports", b.doorFor(client.MostImport, b.clerk(b.postImport)))
	mux.Handle("POST /licenses/{handle}/orders", b.door(b.clerk(b.postOrder)))
	mux.Handle("POST /challenges", b.door(b.clerk(b.postChallenge)))
	mux.Handle("GET /acts", b.door(b.clerk(b.getActs)))
	mux.Handle("GET /licenses/{handle}", b.door(b.getLicense))
	mux.Handle("GET /licenses", b.door(b.findLicenses))
	mux.Handle("GET /status/{purpose}/{list}", b.door(b.getStatus))
	mux.Handle("GET /feed", b.door(b.getFeed))
	mux.Handle("GET "+b.webPath(), b.door(b.getWeb))
	if b.Proofs != nil {
		mux.Handle("GET "+standing.Path, b.standing())
		mux.Handle("GET /ledger", b.door(b.getLedger))
		b.mountVC(mux)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Every request sets its own: a deadline outlives its request.
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(mostWait + writeWithin))
		mux.ServeHTTP(w, r)
	})
}

// An answer is what a handler has to say: JSON, or a token as it stands.
type answer struct {
	status int
	body   any
	token  string
	media  string        // of JSON that is not just that
	maxAge time.Duration // for which others may keep it; none where 0
}

// webMaxAge is how long others may keep the board's did:web document.
const webMaxAge = 5 * time.Minute

// A refusal is the caller's to mend. What is not a refusal is ours, and is
// logged instead of told.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return r.message }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// door reads a request within bounds of size and time and renders what the
// handler returns.
func (b *Board) door(handle func(r *http.Request, body []byte) (answer, error)) http.Handler {
	return b.doorFor(maxBody, handle)
}

func (b *Board) doorFor(most int64, handle func(r *http.Request, body []byte) (answer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := readBody(w, r, most)
		var a answer
		if err == nil {
			a, err = handle(r, body)
		}
		b.write(w, r, a, err)
	})
}

func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	limits := http.NewResponseController(w)
	limits.SetReadDeadline(time.Now().Add(readWithin))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, refuse(http.StatusRequestEntityTooLarge, "the request is larger than %d bytes", most)
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "the request could not be read to its end")
	}
	// A deadline that passes while the handler waits would end its context.
	limits.SetReadDeadline(time.Time{})
	return body, nil
}

func (b *Board) write(w http.ResponseWriter, r *http.Request, a answer, err error) {
	var no *refusal
	switch {
	case errors.As(err, &no):
		a = answer{status: no.status, body: client.Refused{Error: no.message}}
	case errors.Is(err, sql.ErrNoRows), errors.Is(err, statuslist.ErrNone):
		a = answer{status: http.StatusNotFound, body: client.Refused{Error: "the register holds nothing under this name"}}
	case err != nil:
		b.Log.ErrorContext(r.Context(), "board: request failed", "method", r.Method, "route", r.Pattern, "error", err.Error())
		a = answer{status: http.StatusServiceUnavailable,
			body: client.Refused{Error: "the board could not answer just now: send it again, nothing is done twice"}}
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if a.maxAge > 0 {
		w.Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(int(a.maxAge/time.Second)))
	}
	if a.token != "" {
		w.Header().Set("Content-Type", "application/vc+jwt")
		io.WriteString(w, a.token)
		return
	}
	w.Header().Set("Content-Type", cmp.Or(a.media, "application/json"))
	w.WriteHeader(a.status)
	json.NewEncoder(w).Encode(a.body)
}

// statusOf is 202 while the receipt is missing: done here, not yet final.
func statusOf(created bool, d client.Document) int {
	switch {
	case len(d.Receipt) == 0:
		return http.StatusAccepted
	case created:
		return http.StatusCreated
	}
	return http.StatusOK
}

func (b *Board) getLedger(r *http.Request, _ []byte) (answer, error) {
	return answer{status: http.StatusOK, body: client.Ledger{Files: b.Proofs(r.Context())}}, nil
}

func (b *Board) getLicense(r *http.Request, _ []byte) (answer, error) {
	h, err := pathHandle(r)
	if err != nil {
		return answer{}, err
	}
	f, err := b.file(r.Context(), h)
	return answer{status: http.StatusOK, body: f}, err
}

func (b *Board) findLicenses(r *http.Request, _ []byte) (answer, error) {
	npi := credentials.NPI(r.URL.Query().Get("npi"))
	if !npi.WellFormed() {
		return answer{}, refuse(http.StatusBadRequest, "say whose licenses: /licenses?npi= and ten digits")
	}
	handles, err := b.licensesOf(r.Context(), npi)
	if err != nil {
		return answer{}, err
	}
	files := []client.File{}
	for _, h := range handles {
		f, err := b.file(r.Context(), h)
		if err != nil {
			return answer{}, err
		}
		files = append(files, f)
	}
	return answer{status: http.StatusOK, body: files}, nil
}

func (b *Board) getStatus(r *http.Request, _ []byte) (answer, error) {
	name, err := statuslist.ParseName(r.PathValue("purpose"), r.PathValue("list"))
	if err != nil {
		return answer{}, refuse(http.StatusBadRequest, "%v", err)
	}
	now := b.Now()
	l, err := b.currentList(r.Context(), name, now)
	return answer{token: l.Token, maxAge: l.Keep(now)}, err
}

func (b *Board) getFeed(r *http.Request, _ []byte) (answer, error) {
	after, err := startOf(r)
	if err != nil {
		return answer{}, err
	}
	var most time.Duration
	if s := r.URL.Query().Get("wait"); s != "" {
		if most, err = time.ParseDuration(s); err != nil || most < 0 || most > mostWait {
			return answer{}, refuse(http.StatusBadRequest, "wait is a time up to %s, such as 30s", mostWait)
		}
	}
	page, err := b.feed(r.Context(), after, most)
	return answer{status: http.StatusOK, body: page}, err
}

// lastSequence is more than a register will ever number: the largest integer
// that signed JSON holds exactly (RFC 8785, appendix D).
const lastSequence = 1<<53 - 1

// startOf is the sequence after which a reader wants to read on.
func startOf(r *http.Request) (after int64, err error) {
	after, err = strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if err != nil || after < 0 || after > lastSequence {
		return 0, refuse(http.StatusBadRequest, "say where to start: %s?after=0 for the beginning", r.URL.Path)
	}
	return after, nil
}

func pathHandle(r *http.Request) (credentials.Handle, error) {
	h, err := credentials.ParseHandle(r.PathValue("handle"))
	if err != nil {
		return h, refuse(http.StatusBadRequest, "license handle: %v", err)
	}
	return h, nil
}
