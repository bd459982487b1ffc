package outages

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/cmd/countersign-dev/houses"
)

// A found is what the houses hold after a fault, each part asked of its owner:
// the books and the register of outgoing documents by SQL, the ledger entry by
// entry with its proofs, claims and money by the command line.
type found struct {
	Bills     []houses.Bill
	Claims    []claim          // countersign claim status, as the hospital
	Decisions []decision       // books
	Outbox    []outgoing       // books
	Sums      map[string]sum   // books: accumulators, by holder and period
	Shares    map[string]sum   // the same, added up from the signed decisions
	Entries   []entry          // ledger: every one of the insurer's
	Taken     []remittance     // countersign remit fetch --all, as the hospital; each balances, or it would have refused it
	Held      map[string]int64 // countersign remit held, by decision
	Reprocess []string         // countersign remit reprocess: decisions
	Order     int64            // books: when the order upon Ruskin was accepted; 0 for never
}

type claim struct {
	Number, Handle, State string
	Latest                answer
	Decisions             int
}

type decision struct {
	Document, Submission, Outcome, Cause, Remittance string
	Number                                           int
	Settled, Released                                int64 // 0: not in a remittance
	Amount                                           int64 // -1: no row in payment
}

type outgoing struct {
	Document string
	Recorded bool
	Index    int64
}

type sum struct{ Deductible, OutOfPocket int64 }

type entry struct {
	Index   int64
	Subject string
}

type remittance struct {
	Trace string
	Total int64
	Paid  map[string]int64 // by claim number
}

// A report gathers what does not hold.
type report []string

func (r *report) add(format string, args ...any) { *r = append(*r, fmt.Sprintf(format, args...)) }

// check says everything that must hold in the end and does not.
func check(f *found) []string {
	var r report
	r.claims(f)
	r.turns(f)
	r.decisions(f)
	r.entries(f)
	r.money(f)
	r.order(f)
	return r
}

// claims: each is there once and came to what it has to.
func (r *report) claims(f *found) {
	want := expected(f.settled())
	bills := map[string]houses.Bill{}
	for _, b := range f.Bills {
		bills[b.Number] = b
	}
	seen := map[string]int{}
	for _, c := range f.Claims {
		seen[c.Number]++
		w, ok := want[c.Number]
		switch {
		case !ok:
			r.add("claim %s: nobody billed it", c.Number)
		case covered(bills[c.Number]) && f.Order != 0 && c.Latest == answer{Outcome: "denied"}:
		case c.Latest != w:
			r.add("claim %s: came to %+v, want %+v", c.Number, c.Latest, w)
		}
		if c.State != c.Latest.Outcome {
			r.add("claim %s: its state is %s and its decision says %s", c.Number, c.State, c.Latest.Outcome)
		}
	}
	for number := range want {
		if seen[number] != 1 {
			r.add("claim %s: it is there %d times, want once", number, seen[number])
		}
	}
}

// settled are the bills in the order of their final decisions. A pended claim
// keeps nobody of its family waiting, so once it is decided it may be another's
// deductible that is used up.
func (f *found) settled() []houses.Bill {
	when := map[string]int64{}
	for _, d := range f.Decisions {
		when[d.Submission] = max(when[d.Submission], d.Settled)
	}
	handle := f.handles()
	bills := slices.Clone(f.Bills)
	slices.SortStableFunc(bills, func(a, b houses.Bill) int { return cmp.Compare(when[handle[a.Number]], when[handle[b.Number]]) })
	return bills
}

// handles are the claims' handles by their numbers.
func (f *found) handles() map[string]string {
	handles := map[string]string{}
	for _, c := range f.Claims {
		handles[c.Number] = c.Handle
	}
	return handles
}

// turns: the claims of a family had their first decisions in the order in which
// they came.
func (r *report) turns(f *found) {
	first := map[string]int64{}
	for _, d := range f.Decisions {
		if d.Number == 1 {
			first[d.Submission] = d.Settled
		}
	}
	handle, last := f.handles(), map[string]int64{}
	for _, b := range f.Bills {
		at := first[handle[b.Number]]
		if at < last[b.Family] {
			r.add("claim %s: decided before its turn", b.Number)
		}
		last[b.Family] = at
	}
}

// decisions: numbered 1, 2, … on each claim, one for a cause, and none after
// one that pays or denies.
func (r *report) decisions(f *found) {
	of := map[string][]decision{}
	for _, d := range f.Decisions {
		of[d.Submission] = append(of[d.Submission], d)
	}
	for _, c := range f.Claims {
		all := of[c.Handle]
		delete(of, c.Handle)
		slices.SortFunc(all, func(a, b decision) int { return a.Number - b.Number })
		if len(all) == 0 || len(all) != c.Decisions {
			r.add("claim %s: the books have %d decisions, and the hospital sees %d", c.Number, len(all), c.Decisions)
		}
		causes := map[string]bool{}
		for i, d := range all {
			if d.Number != i+1 {
				r.add("claim %s: decision %d is numbered %d", c.Number, i+1, d.Number)
			}
			if d.Cause != "" && causes[d.Cause] {
				r.add("claim %s: two decisions for one cause", c.Number)
			}
			causes[d.Cause] = true
			if final := d.Outcome != "pended"; final != (i == len(all)-1) {
				r.add("claim %s: decision %d of %d is %s", c.Number, d.Number, len(all), d.Outcome)
			}
		}
	}
	for submission := range of {
		r.add("submission %s: decided, and the hospital does not see it", submission)
	}
}

// entries: one for each document that the books sent out, and no other.
func (r *report) entries(f *found) {
	at := map[string][]int64{}
	for _, e := range f.Entries {
		at[e.Subject] = append(at[e.Subject], e.Index)
	}
	outgoing := map[string]bool{}
	for _, o := range f.Outbox {
		outgoing[o.Document] = true
		if !o.Recorded {
			r.add("document %s: it has no receipt", o.Document)
		}
		if got := at[o.Document]; !slices.Equal(got, []int64{o.Index}) {
			r.add("document %s: the ledger has it at %v, and the books say %d", o.Document, got, o.Index)
		}
	}
	for subject := range at {
		if !outgoing[subject] {
			r.add("entry %d: the books do not know its document %s", at[subject][0], subject)
		}
	}
	for _, d := range f.Decisions {
		if !outgoing[d.Document] {
			r.add("decision %s: it was never sent to the ledger", d.Document)
		}
	}
}

// money: what was decided is either in one remittance or held, after a last
// payment run; and accumulators are the sums of the decisions' shares.
func (r *report) money(f *found) {
	if !maps.Equal(f.Sums, f.Shares) {
		for holder := range f.Shares {
			if f.Sums[holder] != f.Shares[holder] {
				r.add("accumulator %s: %+v, and the decisions add up to %+v", holder, f.Sums[holder], f.Shares[holder])
			}
		}
		if len(f.Sums) != len(f.Shares) {
			r.add("accumulators: %d, want %d", len(f.Sums), len(f.Shares))
		}
	}
	number := map[string]string{}
	var decided, paid, held int64
	for _, c := range f.Claims {
		number[c.Handle] = c.Number
		decided += c.Latest.Paid
	}
	taken := map[string]map[string]int64{}
	for _, d := range f.Decisions {
		switch {
		case d.Outcome == "pended":
			if d.Amount != -1 || d.Remittance != "" {
				r.add("decision %s: pended, and stands for money", d.Document)
			}
			continue
		case d.Amount < 0:
			r.add("decision %s: nothing says what its payment rests on", d.Document)
		}
		amount, isHeld := f.Held[d.Document]
		if (d.Remittance != "") == isHeld {
			r.add("decision %s: remittance %q, held %v: want one of them", d.Document, d.Remittance, isHeld)
		}
		if isHeld && amount != d.Amount {
			r.add("decision %s: %d held of %d", d.Document, amount, d.Amount)
		}
		if d.Remittance != "" {
			if taken[d.Remittance] == nil {
				taken[d.Remittance] = map[string]int64{}
			}
			taken[d.Remittance][number[d.Submission]] += d.Amount
		}
		held += amount
	}
	in := map[string]string{}
	for _, m := range f.Taken {
		var total int64
		for claim, amount := range m.Paid {
			if in[claim] != "" {
				r.add("claim %s: in the remittances %s and %s", claim, in[claim], m.Trace)
			}
			in[claim] = m.Trace
			total += amount
		}
		if total != m.Total {
			r.add("remittance %s: its claims come to %d, it says %d", m.Trace, total, m.Total)
		}
		if !maps.Equal(m.Paid, taken[m.Trace]) {
			r.add("remittance %s: its claims are not the %d that the books put into it", m.Trace, len(taken[m.Trace]))
		}
		delete(taken, m.Trace)
		paid += m.Total
	}
	for trace := range taken {
		r.add("remittance %s: the hospital never gets it", trace)
	}
	if decided != paid+held {
		r.add("money: %d decided, %d paid and %d held", decided, paid, held)
	}
}

// order: nothing that it covers is settled as paid or put into a remittance
// once it is known; what was settled before stands on the reprocess list.
func (r *report) order(f *found) {
	if f.Order == 0 {
		return
	}
	handles := f.handles()
	coveredHandles := map[string]string{}
	for _, b := range f.Bills {
		if covered(b) {
			coveredHandles[handles[b.Number]] = b.Number
		}
	}
	var want []string
	for _, d := range f.Decisions {
		claim, ok := coveredHandles[d.Submission]
		if !ok || d.Outcome != "paid" {
			continue
		}
		want = append(want, d.Document)
		if d.Settled >= f.Order {
			r.add("claim %s: settled as paid after the order was known", claim)
		}
		if d.Released >= f.Order {
			r.add("claim %s: put into a remittance after the order was known", claim)
		}
	}
	got := slices.Clone(f.Reprocess)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		r.add("reprocess list: %d decisions, want the %d that were paid before", len(got), len(want))
	}
}

// sound is a small world in which everything holds.
func sound() *found {
	f := &found{Sums: map[string]sum{"p 2026": {145_00, 170_00}}, Shares: map[string]sum{"p 2026": {145_00, 170_00}}, Held: map[string]int64{}, Order: 100}
	add := func(n string, b houses.Bill, settled int64, a answer, remittance string) {
		b.Number, b.Family, b.Person = n, "F", "F"
		f.Bills = append(f.Bills, b)
		f.Claims = append(f.Claims, claim{n, "h" + n, a.Outcome, a, 1})
		d := decision{Document: "d" + n, Submission: "h" + n, Outcome: a.Outcome, Remittance: remittance, Number: 1, Settled: settled, Amount: a.Paid}
		if remittance != "" {
			d.Released = 50
		} else {
			f.Held[d.Document] = a.Paid
		}
		f.Decisions = append(f.Decisions, d)
		f.Outbox = append(f.Outbox, outgoing{d.Document, true, int64(len(f.Outbox))})
		f.Entries = append(f.Entries, entry{int64(len(f.Entries)), d.Document})
	}
	visit := answer{"paid", 90_00, 65_00, 25_00}
	add("1", houses.Bill{Kind: houses.Visit}, 10, visit, "T")
	add("2", houses.Bill{Kind: houses.Xray}, 11, answer{"paid", 145_00, 0, 145_00}, "T")
	add("3", houses.Bill{Kind: houses.Ruskin, Day: 20}, 12, visit, "T") // paid, then the order
	add("4", houses.Bill{Kind: houses.Ruskin, Day: 20}, 13, visit, "")  // held by the order
	add("5", houses.Bill{Kind: houses.Ruskin, Day: 20}, 120, answer{Outcome: "denied"}, "T")
	add("6", houses.Bill{Kind: houses.Ruskin, Day: 14}, 121, visit, "T") // a day that it does not reach
	f.Decisions[4].Released, f.Decisions[5].Released = 130, 130
	f.Reprocess = []string{"d4", "d3"}
	f.Taken = []remittance{{"T", 195_00, map[string]int64{"1": 65_00, "2": 0, "3": 65_00, "5": 0, "6": 65_00}}}
	return f
}

// TestCheck breaks a sound world in one place at a time: each has to be seen.
func TestCheck(t *testing.T) {
	if got := check(sound()); len(got) > 0 {
		t.Fatalf("a sound world is refused:\n%s", strings.Join(got, "\n"))
	}
	for name, broken := range map[string]struct {
		do   func(f *found)
		want string
	}{
		"a claim is lost":         {func(f *found) { f.Claims = f.Claims[1:] }, "claim 1: it is there 0 times"},
		"a claim twice":           {func(f *found) { f.Claims = append(f.Claims, f.Claims[0]) }, "claim 1: it is there 2 times"},
		"another amount":          {func(f *found) { f.Claims[0].Latest.Paid++ }, "claim 1: came to"},
		"another claim denied":    {func(f *found) { f.Claims[0].Latest = answer{Outcome: "denied"} }, "claim 1: came to"},
		"still pended":            {func(f *found) { f.Claims[0].State = "pended" }, "claim 1: its state is pended"},
		"nobody's claim":          {func(f *found) { f.Claims[0].Number = "9" }, "claim 9: nobody billed it"},
		"a second first decision": {func(f *found) { d := f.Decisions[0]; d.Document = "x"; f.Decisions = append(f.Decisions, d) }, "claim 1: decision 2 is numbered 1"},
		"decided again after paid": {func(f *found) {
			d := f.Decisions[0]
			d.Number = 2
			f.Decisions = append(f.Decisions, d)
			f.Claims[0].Decisions = 2
		}, "claim 1: decision 1 of 2 is paid"},
		"out of turn":                 {func(f *found) { f.Decisions[0].Settled = 12 }, "claim 2: decided before its turn"},
		"no decision":                 {func(f *found) { f.Decisions = f.Decisions[1:] }, "claim 1: the books have 0 decisions"},
		"a decision that nobody sees": {func(f *found) { f.Decisions[0].Submission = "hX" }, "submission hX"},
		"two for one cause": {func(f *found) {
			f.Decisions[0].Outcome, f.Decisions[0].Cause = "pended", "o"
			d := f.Decisions[0]
			d.Number, d.Outcome = 2, "paid"
			f.Decisions = append(f.Decisions, d)
		}, "two decisions for one cause"},
		"no receipt":                  {func(f *found) { f.Outbox[0].Recorded = false }, "document d1: it has no receipt"},
		"two entries":                 {func(f *found) { f.Entries = append(f.Entries, entry{9, "d1"}) }, "document d1: the ledger has it at [0 9]"},
		"no entry":                    {func(f *found) { f.Entries = f.Entries[1:] }, "document d1: the ledger has it at []"},
		"a forgotten decision":        {func(f *found) { f.Entries = append(f.Entries, entry{9, "dX"}) }, "entry 9: the books do not know"},
		"never sent":                  {func(f *found) { f.Outbox, f.Entries = f.Outbox[1:], f.Entries[1:] }, "decision d1: it was never sent"},
		"accumulator off by a cent":   {func(f *found) { f.Sums["p 2026"] = sum{145_01, 170_00} }, "accumulator p 2026"},
		"accumulator of nobody":       {func(f *found) { f.Sums["q 2026"] = sum{1, 1} }, "accumulators: 2, want 1"},
		"neither paid nor held":       {func(f *found) { delete(f.Held, "d4") }, "decision d4: remittance"},
		"paid and held":               {func(f *found) { f.Held["d1"] = 65_00 }, "decision d1: remittance"},
		"held by half":                {func(f *found) { f.Held["d4"] = 1 }, "decision d4: 1 held"},
		"no row of payment":           {func(f *found) { f.Decisions[0].Amount = -1 }, "decision d1: nothing says"},
		"pended money":                {func(f *found) { f.Decisions[0].Outcome = "pended" }, "decision d1: pended, and stands for money"},
		"paid twice":                  {func(f *found) { f.Taken = append(f.Taken, remittance{"U", 65_00, map[string]int64{"1": 65_00}}) }, "claim 1: in the remittances T and U"},
		"an 835 that is lost":         {func(f *found) { f.Taken = nil }, "remittance T: the hospital never gets it"},
		"an 835 of other claims":      {func(f *found) { delete(f.Taken[0].Paid, "2") }, "remittance T: its claims are not"},
		"an 835 that does not add up": {func(f *found) { f.Taken[0].Total++ }, "remittance T: its claims come to"},
		"settled after the order":     {func(f *found) { f.Decisions[2].Settled = 100 }, "claim 3: settled as paid after"},
		"paid after the order":        {func(f *found) { f.Decisions[2].Released = 100 }, "claim 3: put into a remittance after"},
		"not to be reprocessed":       {func(f *found) { f.Reprocess = f.Reprocess[1:] }, "reprocess list: 1"},
		"too much to reprocess":       {func(f *found) { f.Reprocess = append(f.Reprocess, "d1") }, "reprocess list: 3"},
	} {
		t.Run(name, func(t *testing.T) {
			f := sound()
			broken.do(f)
			if got := check(f); !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, broken.want) }) {
				t.Errorf("got %q, want %q among it", got, broken.want)
			}
		})
	}
}
