package operator_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/ledger/audit"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// until waits for something that has to come true soon.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// cosigned is how many entries a witness shows that it has cosigned.
func cosigned(t testing.TB, w *ledgertest.Witness) string {
	t.Helper()
	sum := sha256.Sum256([]byte(ledgertest.Origin))
	resp, err := http.Get(w.URL + "/" + hex.EncodeToString(sum[:]) + "/checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	lines := strings.Split(string(b), "\n")
	return lines[min(1, len(lines)-1)]
}

// statuses has a witness go on as it does, and notes what it answers.
type statuses struct {
	mu   sync.Mutex
	seen []int
}

// A fork is 422, or 409 without a size if it is as large as what was signed.
// With a size, 409 says no more than where the witness stands.
const forked = -1

func (s *statuses) watch(w *ledgertest.Witness) {
	w.Break(func(rw http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		w.ServeHTTP(rec, r)
		if r.Method == http.MethodPost {
			s.mu.Lock()
			s.seen = append(s.seen, rec.Code)
			if rec.Code == 422 || rec.Code == 409 && rec.Header().Get("Content-Type") != "text/x.tlog.size" {
				s.seen = append(s.seen, forked)
			}
			s.mu.Unlock()
		}
		for k, v := range rec.Header() {
			rw.Header()[k] = v
		}
		rw.WriteHeader(rec.Code)
		rw.Write(rec.Body.Bytes())
	})
}

func (s *statuses) has(code int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.seen, code)
}

// History is rewritten and signed again with the log's own key, to as many
// entries or to more: every witness refuses it as a fork, nothing of it is ever final, the
// log halts, and what it has signed is kept by the witnesses as evidence, from
// which an auditor with the honest tree makes the proof. An operator that goes on
// from an old backup looks the same to them.
func TestRewrittenHistory(t *testing.T) {
	for _, forged := range []int{4, 7} {
		t.Run(fmt.Sprint(forged, " entries in place of 4"), func(t *testing.T) {
			lt := ledgertest.New(t)
			honestDB, forgedDB := sqldbtest.Open(t, sqldbtest.SQLite(t)), sqldbtest.Open(t, sqldbtest.SQLite(t))
			honest, err := operator.Open(ctx, lt.Config(honestDB))
			if err != nil {
				t.Fatal(err)
			}
			for i := range 4 {
				mustAppend(t, honest, fmt.Sprint(i), ledgertest.Entry(t, fmt.Sprint(i)))
			}
			var answers [4]statuses
			for i, w := range lt.Witnesses {
				until(t, w.Name, func() bool { return cosigned(t, w) == "5" })
				answers[i].watch(w)
			}
			honest.Close()

			forger := quiet(t, lt, forgedDB)[0]
			for i := range forged {
				mustAppend(t, forger, fmt.Sprint(i), ledgertest.Entry(t, fmt.Sprint("forged ", i)))
			}
			forger.Close()
			forger = lt.Open(t, forgedDB)
			for i := range answers {
				until(t, "a refusal", func() bool { return answers[i].has(forked) })
				if answers[i].has(200) {
					t.Errorf("witness %d has signed the forged history", i)
				}
			}
			until(t, "the forged log to halt", func() bool { return forger.Halted() != nil })
			if _, err := forger.Append(ctx, business("more"), ledgertest.Entry(t, "more").Marshal()); !errors.Is(err, operator.ErrForked) {
				t.Errorf("got %v, want it halted", err)
			}
			mustNotBeFinal(t, forger, 1)
			forger.Close()

			honest = lt.Open(t, honestDB)
			for i := 4; i < forged; i++ {
				mustAppend(t, honest, fmt.Sprint(i), ledgertest.Entry(t, fmt.Sprint(i)))
			}
			mustReceipt(t, honest, int64(forged))
			round := auditOf(t, lt, serve(t, honest))
			if len(round.Splits) == 0 {
				t.Fatalf("the auditor has no proof: %+v", round.Compared)
			}
			for _, p := range round.Splits {
				mustProve(t, lt, p) // nobody countersigned both
			}
		})
	}
}

func auditOf(t *testing.T, lt *ledgertest.Ledger, url string) *audit.Round {
	t.Helper()
	src, err := audit.Open(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := audit.Audit{Source: src, Judge: lt.Policy.Final, Signed: lt.Policy.Signed, Genesis: lt.Genesis, State: filepath.Join(t.TempDir(), "state")}
	for _, w := range lt.Witnesses {
		src, err := audit.Open(w.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		a.Witnesses = append(a.Witnesses, audit.Witness{Name: w.Name, Source: src})
	}
	round, err := a.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return round
}

func otherHistory(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "another history", http.StatusUnprocessableEntity)
}

// A witness that spoke against the log once and has cosigned since does not
// count when another does so.
func TestWitnessTakenBack(t *testing.T) {
	lt := ledgertest.New(t)
	l := lt.Open(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	for i, w := range lt.Witnesses[:3] {
		w.Break(otherHistory)
		name := fmt.Sprint(i)
		mustReceipt(t, l, mustAppend(t, l, name, ledgertest.Entry(t, name)))
		until(t, w.Name+" to be counted", func() bool { return l.Against() == 1 })
		w.Break(nil)
		until(t, w.Name+" to be taken back", func() bool { return l.Against() == 0 })
		if l.Halted() != nil {
			t.Fatalf("%d, one after the other: %v", i+1, l.Halted())
		}
	}
	for _, w := range lt.Witnesses[:2] {
		w.Break(otherHistory)
	}
	mustAppend(t, l, "last", ledgertest.Entry(t, "last"))
	until(t, "the log to halt with two at once", func() bool { return l.Halted() != nil })
}
