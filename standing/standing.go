// Package standing answers over HTTP what a board's or an insurer's records say
// of one clinician: GET /standing, may, may not or unknown, signed, with the
// documents that it follows from. credentials.AnswerStanding decides; this
// package reads the question, asks the house for its records, and signs.
//
// It never answers yes on a record that is not fresh, never fills a question in
// by guessing, and never writes a question, which names a person, into a log or
// an error.
package standing

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/problem"
)

// Path is where doors answer.
const Path = "/standing"

// skew is how far clocks may differ (books.ClockSkew).
const skew = time.Minute

// A Document is a license or an order as the board signed it.
type Document struct {
	Handle         credentials.Handle
	Order          bool
	Token          string
	Entry, Receipt []byte
}

// A Door answers questions.
type Door struct {
	// Read is all that the house holds of a clinician in a state.
	Read   func(ctx context.Context, npi credentials.NPI, state string) (Record, error)
	Signer credentials.Signer
	// Patience is how old a board's last word may be.
	Patience time.Duration
	Now      func() time.Time
	Log      *slog.Logger
	// Stands says why nobody would believe what the house signs now; nil where
	// nobody knows.
	Stands func() error
	// Clock says why this house's clock is not to be believed; nil where nobody knows.
	Clock func() error
}

// An Answer is what crosses the door. Answer and Reason are for those who look;
// whoever acts goes by the signed Credential, and checks it with Files, which
// hold all but the proofs of who the participants are (GET /ledger).
type Answer struct {
	Answer     credentials.Answer `json:"answer"`
	Missing    string             `json:"missing,omitempty"`
	Reason     credentials.Reason `json:"reason"`
	Credential string             `json:"credential"` // vc+jwt of a StandingAnswer
	Files      map[string][]byte  `json:"files"`      // by their place in a dossier
}

// maxAtOnce bounds how many answers are being signed: strangers may ask.
const maxAtOnce = 16

// answerWithin bounds how long one may take.
const answerWithin = 10 * time.Second

// Handler is the door.
func (d *Door) Handler() http.Handler {
	room := make(chan struct{}, maxAtOnce)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
		default:
			problem.New(http.StatusServiceUnavailable, "busy", "too many ask at once", "ask again").Write(w)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
		defer cancel()
		a, err := d.answer(ctx, r.URL.RawQuery)
		var p *problem.Problem
		switch {
		case errors.As(err, &p):
			p.Write(w)
			return
		case err != nil:
			if r.Context().Err() == nil {
				d.Log.ErrorContext(r.Context(), "standing: no answer", "error", err.Error())
			}
			problem.New(http.StatusServiceUnavailable, "unavailable", "no answer just now", "treat it as unknown, and ask again").Write(w)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		json.NewEncoder(w).Encode(a)
	})
}

func (d *Door) answer(ctx context.Context, query string) (*Answer, error) {
	now := d.Now().UTC().Truncate(time.Second)
	q, open, err := ParseQuestion(query, now)
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, "question", "the question cannot be answered", "%v", err)
	}
	if d.Stands != nil {
		if err := d.Stands(); err != nil {
			return nil, problem.New(http.StatusServiceUnavailable, "key", "no answer that counts",
				"%v: treat it as unknown; this house answers again once it has been started with its key of today", err)
		}
	}
	rec, err := d.Read(ctx, q.NPI, q.State)
	if err != nil {
		return nil, err
	}
	if open {
		// A witness's clock may be ahead of ours: what is in the record is known.
		for _, l := range rec.Licenses {
			q.Known = latest(q.Known, l.Since)
		}
		for _, o := range rec.Orders {
			q.Known = latest(q.Known, o.Since)
		}
	}
	d.freshen(&rec, q, now)
	a, err := credentials.AnswerStanding(q, rec.StandingRecord)
	if err != nil {
		return nil, err
	}
	rand.Read(a.Handle[:]) // never fails (crypto/rand)
	token, err := credentials.Issue(d.Signer, credentials.KindStandingAnswer, a.Handle, now, nil, a)
	if err != nil {
		return nil, fmt.Errorf("sign answer: %w", err)
	}
	return &Answer{a.Answer, a.Missing, a.Standing.Reason, token, files(a, token, rec)}, nil
}

// freshen says of each feed whether its silence counts for the question.
func (d *Door) freshen(rec *Record, q credentials.StandingQuestion, now time.Time) {
	clock := d.Clock == nil || d.Clock() == nil
	rec.Feeds = slices.Clone(rec.Feeds) // the house may hold on to its own
	for i := range rec.Feeds {
		f := &rec.Feeds[i]
		f.Read = f.Read.UTC().Truncate(time.Second)
		f.Fresh = f.Fresh && clock && !rec.holdsBack(q) && q.FreshFor(f.Position, f.Read, now, d.Patience, skew)
	}
}

func files(a credentials.StandingAnswer, token string, rec Record) map[string][]byte {
	f := dossier.Files{}
	f.Token(dossier.Answers, a.Handle, token)
	for _, doc := range rec.Documents {
		folder, named := dossier.Licenses, a.Basis.Licenses
		if doc.Order {
			folder, named = dossier.Orders, a.Basis.Orders
		}
		if slices.Contains(named, doc.Handle) {
			f.Token(folder, doc.Handle, doc.Token)
			f.Receipt(doc.Handle, doc.Entry, doc.Receipt)
		}
	}
	return f
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b.UTC()
	}
	return a
}

// ParseQuestion reads ?npi=&state=&service=&on=&known=. Open says that known
// was left out: all that is known now. Each parameter stands once, none stands
// beside them: a misspelled "known" must not ask for today.
func ParseQuestion(query string, now time.Time) (q credentials.StandingQuestion, open bool, err error) {
	if len(query) > 512 {
		return q, false, errors.New("the query has more than 512 bytes")
	}
	v, err := url.ParseQuery(query)
	if err != nil {
		return q, false, errors.New("the query cannot be read")
	}
	for name, values := range v {
		if !slices.Contains([]string{"npi", "state", "service", "on", "known"}, name) {
			return q, false, errors.New("it has a parameter that is none of npi, state, service, on and known")
		}
		if len(values) != 1 {
			return q, false, fmt.Errorf("%s: it stands there twice", name)
		}
	}
	on, err := credentials.ParseDate(v.Get("on"))
	if err != nil {
		return q, false, errors.New("on: want a day, YYYY-MM-DD")
	}
	q = credentials.StandingQuestion{NPI: credentials.NPI(v.Get("npi")), State: v.Get("state"), Service: v.Get("service"), On: on}
	if open = !v.Has("known"); open {
		q.Known = now
	} else if err := parseKnown(&q, v.Get("known"), now); err != nil {
		return q, false, err
	}
	return q, open, q.Check()
}

// parseKnown reads a moment, the end of a day (in UTC), or a position.
func parseKnown(q *credentials.StandingQuestion, s string, now time.Time) error {
	if s != "" && strings.Trim(s, "0123456789") == "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || s[0] == '0' {
			return errors.New("known: a position is the number of entries that the ledger had")
		}
		q.Position = n
		return nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if day, bad := time.Parse(time.DateOnly, s); bad == nil {
		t, err = day.Add(24*time.Hour-time.Second), nil
		if t.After(now) && !day.After(now) {
			t = now
		}
	}
	switch {
	case err != nil || t.Nanosecond() != 0:
		return errors.New("known: want a time with its offset in whole seconds, such as 2026-03-02T00:00:00Z, a day, or a ledger position")
	case t.After(now):
		return errors.New("known: it lies in the future: what will be known then, nobody knows")
	}
	q.Known = t.UTC()
	return nil
}
