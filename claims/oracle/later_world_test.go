package oracle

import (
	"encoding/csv"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/pricing"
	"github.com/countersign-health/countersign/claims/terms"
	"github.com/countersign-health/countersign/credentials"
)

// books are what rules/2 asks for besides: the fee edition, either a list or
// Medicare's values with their indicators, and when coverage was written down.
type books struct {
	edition  *pricing.Fees
	values   map[string]values // by code and modifier, "72148-TC"; none in a list
	percent  *big.Rat          // of Medicare's, that the edition pays
	written  *terms.Conditions
	recorded map[int]credentials.Date
	listing  *listing // of excluded providers, where the plan names one
}

// values are a row of Medicare's file, for the one locality of the cases.
type values struct {
	status, global, base, family                                      string
	pctc, several, bilateral, assistant, coSurgeon, team              string
	work, pe, peFacility, malpractice, capPE, capPEFac, capMP, factor *big.Rat
	index                                                             [3]*big.Rat // work, practice expense, malpractice
}

// global is a code's indicator, where the edition has one.
func (b *books) global(code string) string { return b.values[code].global }

// medicare reads an edition with payment rules, at a percentage: CMS's own rows of
// 2025 for San Francisco (medicare-*.csv), or rows of ours (gold.csv).
func medicare(t testing.TB, file string, percent int64) *books {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b := &books{percent: big.NewRat(percent, 100), values: map[string]values{}}
	if b.edition, err = pricing.ParseFees(text); err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(strings.NewReader(string(text)))
	r.Comment, r.FieldsPerRecord = '#', -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	parse := func(text string) *big.Rat {
		n, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%s: no number %q", file, text)
		}
		return n
	}
	for _, f := range rows[3:] {
		number := func(i int) *big.Rat { return parse(f[i]) }
		b.values[strings.TrimSuffix(f[0]+"-"+f[1], "-")] = values{status: f[2], global: f[9], base: f[15], family: f[17],
			pctc: f[8], several: f[10], bilateral: f[11], assistant: f[12], coSurgeon: f[13], team: f[14],
			work: number(4), pe: number(5), peFacility: number(6), malpractice: number(7), factor: number(16),
			capPE: number(18), capPEFac: number(19), capMP: number(20),
			index: [3]*big.Rat{parse(rows[1][2]), parse(rows[1][3]), parse(rows[1][4])}}
	}
	return b
}

func (w *world) feesRef() claims.EditionRef {
	if w.books != nil {
		return w.books.edition.Ref(w.plan.FeeSchedule, "1")
	}
	return w.feeFile.Ref(w.plan.FeeSchedule, "1")
}

// laterFacts makes the facts of rules/2 out of the books, with the helpers that
// the insurer's own errands use; the oracle looks at the books themselves.
func (w *world) laterFacts(e *claims.Evidence) {
	for _, limit := range w.plan.BenefitLimits {
		var periods []string
		for i := range w.claim.Lines {
			l := &w.claim.Lines[i]
			if p := limit.Per.Of(l.From); limit.Codes.Has(l.Code) && !slices.Contains(periods, p) {
				periods = append(periods, p)
				e.Used = append(e.Used, claims.UsedFact{Limit: limit.Name, Period: p, Units: w.usedBefore(limit, p)})
			}
		}
	}
	for i := range w.claim.Lines {
		l, f := &w.claim.Lines[i], &e.Lines[i]
		f.Recorded = w.books.recorded[l.Number]
		f.Terms = w.books.written.Facts(w.claim, l)
		for _, x := range w.earlier {
			if !x.paid || x.reversed || x.otherMember || x.renderer != w.npi(l) {
				continue
			}
			w.history(l, f, &x.line)
		}
	}
	if w.plan.Providers.ExclusionList != "" {
		e.ExclusionList = w.books.listing.facts(w, e)
	}
	if err := w.books.edition.Complete(w.claim, w.plan, e); err != nil {
		panic(err)
	}
}

// history is what one earlier line of the same clinician says about a line.
func (w *world) history(l *claims.Line, f *claims.LineFact, x *claims.Line) {
	if g := w.plan.GlobalSurgery; g != nil && g.Included.Has(l.Code) {
		global := w.books.edition.Global(x.Code)
		if from, until, ok := claims.GlobalDays(global, x.From); ok && l.From.Within(from, until) && !g.TakenOut(l, x.From) {
			f.Surgery = &claims.SurgeryFact{Code: x.Code, On: x.From, Global: global}
		}
	}
	if x.From != l.From {
		return
	}
	for _, a := range w.plan.AddOns {
		if a.Codes.Has(l.Code) && a.Primary.Has(x.Code) && !slices.Contains(f.Primaries, x.Code) {
			f.Primaries = append(f.Primaries, x.Code)
		}
	}
	if w.books.edition.RankTogether(l.Code, x.Code) && !slices.Contains(f.Ranked, x.Code) {
		f.Ranked = append(f.Ranked, x.Code)
	}
}
