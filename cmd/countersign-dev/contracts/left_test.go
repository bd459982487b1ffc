package contracts

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/store/sqldb"
)

// What a run left behind, in words that do not depend on random handles, so
// that two runs can be compared.
type left struct {
	decisions    map[string]string // "claim DEMO-001 #1": its JCS form
	accumulators []string
	units        []string
	entries      map[string]int // on the ledger, by kind
	signed       int            // decisions that were ever kept
}

// left reads the books and the ledger, and fails the test wherever something
// was done twice or not at all.
func (h *house) left() left {
	h.Helper()
	l := left{decisions: map[string]string{}, entries: map[string]int{}}
	h.readDecisions(&l)
	b := h.db(parties.Insurer, "books.db")
	// Names of people and numbers are keyed hashes, other ones in every house.
	l.accumulators = h.query(b, `SELECT substr(holder, 1, 6) || ' ' || period || ' ' || deductible || ' ' || out_of_pocket FROM accumulator ORDER BY 1`)
	l.units = h.query(b, `
		SELECT a.code || ' ' || a.outcome || ' ' || a.from_date || ' ' || a.until_date || ' ' || a.units || ' ' || a.drawn
		FROM authorized_item a ORDER BY 1`)
	l.signed = len(h.query(b, `SELECT handle FROM signed WHERE handle <> submission`))
	for _, kind := range h.query(h.db("ledger", "ledger.db"), `SELECT kind FROM ledger_entry`) {
		var k ledger.Kind
		fmt.Sscan(kind, (*uint16)(&k))
		l.entries[k.String()]++
	}
	h.checkCounts(&l)
	return l
}

func (h *house) db(party, file string) *sqldb.DB {
	h.Helper()
	db, err := sqldb.Open(h.ctx, "sqlite:"+filepath.Join(h.Dir, party, file))
	h.must(err)
	h.Cleanup(func() { db.Close() })
	return db
}

// query returns the one text column of every row.
func (h *house) query(db *sqldb.DB, text string, args ...any) (all []string) {
	h.Helper()
	rs, err := db.Query(h.ctx, text, args...)
	h.must(err)
	defer rs.Close()
	for rs.Next() {
		var s string
		h.must(rs.Scan(&s))
		all = append(all, s)
	}
	h.must(rs.Err())
	return all
}

// readDecisions reads every decision, and asks the ledger about each.
func (h *house) readDecisions(l *left) {
	h.Helper()
	handles, err := h.House.Books.Submissions(h.ctx, "", "")
	h.must(err)
	var all []*books.Status
	names := map[credentials.Handle]string{}
	for _, handle := range handles {
		s, err := h.House.Books.StatusOf(h.ctx, handle)
		h.must(err)
		all = append(all, s)
		names[handle] = s.Number
		for _, d := range s.Decisions {
			names[d.Document] = fmt.Sprintf("%s#%d", s.Number, d.Number)
		}
	}
	for _, s := range all {
		for i, d := range s.Decisions {
			name := fmt.Sprintf("%s %s #%d", s.Kind, s.Number, d.Number)
			if d.Number != i+1 {
				h.Errorf("%s stands in place %d", name, i+1)
			}
			if _, twice := l.decisions[name]; twice {
				h.Errorf("%s: two decisions of the same claim and number", name)
			}
			text := string(d.Signed.Body)
			for handle, of := range names {
				text = strings.ReplaceAll(text, handle.String(), of)
			}
			l.decisions[name] = text
			h.checkEntry(name, d)
		}
	}
}

// checkEntry asks the ledger what it holds about a decision.
func (h *house) checkEntry(name string, d books.DecisionRow) {
	h.Helper()
	about, err := client.New(h.LedgerURL, h.Policy, nil).Subject(h.ctx, d.Document)
	h.must(err)
	if len(about) != 1 {
		h.Errorf("%s: %d entries on the ledger, want 1", name, len(about))
		return
	}
	e := about[0]
	switch {
	case e.Entry.Document != credentials.DocumentDigest(d.Signed.Token):
		h.Errorf("%s: the ledger holds another document", name)
	case string(e.Leaf) != string(d.Signed.Entry) || string(e.Leaf) != string(d.Outbox.Entry):
		h.Errorf("%s: the ledger holds another entry than the books", name)
	case !d.Outbox.Recorded || d.Outbox.Index != e.Proof.Index || string(d.Outbox.Receipt) != string(e.Receipt):
		h.Errorf("%s: the books hold another receipt than the ledger", name)
	}
}

// checkCounts compares how many of each kind the ledger and the books hold.
func (h *house) checkCounts(l *left) {
	h.Helper()
	b := h.db(parties.Insurer, "books.db")
	count := func(query string) (n int) {
		h.must(b.QueryRow(h.ctx, query).Scan(&n))
		return n
	}
	for kind, want := range map[ledger.Kind]int{
		ledger.KindGenesis:               1,
		ledger.KindPlanEdition:           count(`SELECT count(*) FROM edition WHERE kind = 'plan'`),
		ledger.KindFeeEdition:            count(`SELECT count(*) FROM edition WHERE kind = 'fees'`),
		ledger.KindLicense:               count(`SELECT count(*) FROM license`),
		ledger.KindBoardOrder:            count(`SELECT count(*) FROM board_order`),
		ledger.KindRemittance:            count(`SELECT count(*) FROM remittance`),
		ledger.KindClaimDecision:         count(`SELECT count(*) FROM decision d JOIN submission s ON s.handle = d.submission AND s.kind = 'claim'`),
		ledger.KindAuthorizationDecision: count(`SELECT count(*) FROM decision d JOIN submission s ON s.handle = d.submission AND s.kind = 'authorization'`),
	} {
		if got := l.entries[kind.String()]; got != want {
			h.Errorf("entries of kind %s: the ledger holds %d, the books %d", kind, got, want)
		}
	}
}

// compare says how two runs differ.
func compare(t *testing.T, got, want left) {
	t.Helper()
	names := map[string]bool{}
	for n := range got.decisions {
		names[n] = true
	}
	for n := range want.decisions {
		names[n] = true
	}
	sorted := slices.Collect(maps.Keys(names))
	sort.Strings(sorted)
	for _, n := range sorted {
		if got.decisions[n] != want.decisions[n] {
			t.Errorf("%s:\ngot  %s\nwant %s", n, got.decisions[n], want.decisions[n])
		}
	}
	if !slices.Equal(got.accumulators, want.accumulators) {
		t.Errorf("accumulators:\ngot  %v\nwant %v", got.accumulators, want.accumulators)
	}
	if !slices.Equal(got.units, want.units) {
		t.Errorf("units:\ngot  %v\nwant %v", got.units, want.units)
	}
	if !maps.Equal(got.entries, want.entries) {
		t.Errorf("ledger entries:\ngot  %v\nwant %v", got.entries, want.entries)
	}
}
