package worker

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/activities"
	boardclient "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

/*
What fails when a check is taken out (each was tried):

	Clock in GatherClaim, in sign           TestNothingByAWrongClock
	askClocks in Remit, in Publish          TestNothingByAWrongClock
	the boards, the ledger in Clock         TestWhoseClockIsBelieved
	the boards in askClocks                 TestWhoseClockIsBelieved
	told in Clock                           TestClockIsTold
*/

// A house whose clock is off signs nothing, denies nothing and pays nothing, and
// takes in what comes. Once it is right, everything is decided and paid.
func TestNothingByAWrongClock(t *testing.T) {
	h := newHouse(t)
	h.claim("C0", "2026-05-01")
	waiting := h.receive("C1", "2026-05-02")
	g, err := h.errands.Evidence.GatherClaim(h.ctx, waiting)
	h.must(err)
	decision, err := claims.Adjudicate(&g.Claim, &g.Plan, &g.Evidence)
	h.must(err)
	was := h.footprint()
	for _, ahead := range []time.Duration{time.Hour, -time.Hour} {
		h.ahead.Store(int64(ahead))
		late := h.receive("C2", "2026-05-03")
		for _, c := range []credentials.Handle{waiting, late} {
			if g, err := h.errands.Evidence.GatherClaim(h.ctx, c); err != nil || !g.Wait {
				t.Errorf("%s: gather: got %+v, %v, want it to wait", ahead, g, err)
			}
		}
		// The clock was right while this was gathered.
		_, err := h.errands.Signing.SignClaim(h.ctx, activities.ClaimToSign{Decision: *decision, Evidence: g.Evidence})
		if !clockOff(err) || refused(err) {
			t.Errorf("%s: sign: got %v, want to be tried again", ahead, err)
		}
		if _, err := h.Remit(h.ctx, "2026-05-07"); !clockOff(err) {
			t.Errorf("%s: payment run: got %v", ahead, err)
		}
		if _, err := h.Publish(h.ctx, books.FeeEdition, "fees", "2026-02", fees); !clockOff(err) {
			t.Errorf("%s: publish: got %v", ahead, err)
		}
		if now := h.footprint(); now != was {
			t.Errorf("%s: got %+v signed, recorded and released, want it as before, %+v", ahead, now, was)
		}
	}
	h.ahead.Store(0)
	for _, c := range []credentials.Handle{waiting, name("C2")} {
		if ok, err := h.decide(c); err != nil || !ok {
			t.Fatal(ok, err)
		}
		s, err := h.Books.StatusOf(h.ctx, c)
		h.must(err)
		d, err := credentials.Open[claims.ClaimDecisionDocument](s.Decisions[0].Signed.Token, credentials.KindClaimDecision, h.line.ResolveKey)
		h.must(err)
		if s.State != string(claims.Paid) || len(s.Decisions) != 1 || !d.ValidFrom.Equal(noon) {
			t.Errorf("got %s by %d decisions, the first of %s, want it paid by one of noon", s.State, len(s.Decisions), d.ValidFrom)
		}
	}
	if run := h.remit(); len(run.Released) != 1 || run.Released[0].Count != 3 {
		t.Errorf("got %+v, want all three paid", run.Released)
	}
	_, err = h.Publish(h.ctx, books.FeeEdition, "fees", "2026-02", fees)
	h.must(err)
}

var fees = []byte("code,modifier,place_class,amount\n99213,,,100.00\n")

func clockOff(err error) bool {
	var off *books.ClockError
	return errors.As(err, &off)
}

// footprint counts what the house has signed, recorded and released.
func (h *house) footprint() (n struct{ signed, entries, released int64 }) {
	h.t.Helper()
	n.entries = h.entries()
	h.must(h.db.QueryRow(h.ctx, `SELECT (SELECT count(*) FROM signed WHERE handle <> submission), (SELECT count(*) FROM remittance)`).Scan(&n.signed, &n.released))
	return n
}

// Whoever's clock is off alone stops nobody but himself.
func TestWhoseClockIsBelieved(t *testing.T) {
	const h1 = time.Hour
	for name, c := range map[string]struct {
		ours, ledger, board time.Duration
		off                 bool
	}{
		"all agree":                      {0, 0, 0, false},
		"the ledger is behind":           {0, -h1, 0, false},
		"the ledger is ahead":            {0, h1, 0, false},
		"the board is behind":            {0, 0, -h1, false},
		"the board is ahead":             {0, 0, h1, false},
		"they contradict each other":     {0, h1, -h1, false},
		"ahead of both":                  {h1, 0, 0, true},
		"behind both":                    {-h1, 0, 0, true},
		"ahead as the ledger is":         {h1, h1, 0, false},
		"ahead as the board is":          {h1, 0, h1, false},
		"by a minute, which may well be": {time.Minute, 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			b := h.feed("L1")
			h.Boards = []*boardclient.Client{b}
			h.ahead.Store(int64(c.ours))
			h.ledger.Store(int64(c.ledger))
			h.board.Store(int64(c.board))
			h.entries() // hears the ledger
			if err := h.askClocks(h.ctx); clockOff(err) != c.off || !c.off && err != nil {
				t.Errorf("got %v, want it off: %v", err, c.off)
			}
			h.ahead.Store(0) // and as soon as it is set right, whoever was heard
			h.board.Store(0)
			h.ledger.Store(0)
			h.entries()
			if err := h.askClocks(h.ctx); err != nil {
				t.Errorf("once all are right: %v", err)
			}
		})
	}
}

// A worker that follows a board hears its clock, and says so once in a while:
// here once in a test.
func TestClockIsTold(t *testing.T) {
	h := newHouse(t)
	b := h.feed("L1")
	h.ahead.Store(int64(time.Hour))
	for range 3 {
		_, err := h.hearOnce(h.ctx, b, 0)
		h.must(err)
	}
	off, right := "level=ERROR msg=\"nothing is decided", "the clock is right again"
	if h.log.count(off) != 1 || h.log.count("at least 1h0m0s ahead of the ledger and the board did:key:") != 1 || h.log.count(right) != 0 {
		t.Errorf("got %q", h.log.String())
	}
	h.ahead.Store(0)
	h.must(h.Clock())
	h.must(h.Clock())
	if h.log.count(off) != 1 || h.log.count(right) != 1 {
		t.Errorf("got %q", h.log.String())
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lockedBuffer) count(s string) int { return strings.Count(l.String(), s) }
