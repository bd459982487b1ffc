package x12

import (
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
)

// TestCorpusRemittancesWriteBack writes what was read of the public 835 files,
// and reads it again: the same remittance, segment by segment. What the writer
// does not say again is listed: references to others' systems, totals of
// institutional claims. No amount
// that balances, no reason and no trace is among it.
func TestCorpusRemittancesWriteBack(t *testing.T) {
	for name, want := range map[string]string{
		// Paid by check in place of ACH.
		"managed-care.835": "BPR*I",
		// An institution's: totals of the batch, inpatient amounts; a member's number of a kind of its own (HN).
		"medicare-part-a.835": "BPR*C MIA*0 NM1*QC TS2*2178.45 TS3*6543210903 TS3*6543210909",
		// The date of payment one element too early; a payee known by tax number (FI), providers by the payer's own (BS, BD, 1B).
		"secondary-payment.835":           "AMT*AU BPR*I N1*PE NM1*82 REF*1B REF*EV REF*PQ",
		"cob-contractural-adjustment.835": "BPR*I N1*PE NM1*82 REF*1B REF*EV REF*PQ",
	} {
		text := readFile(t, corpus(t, "x12-linuxforhealth/835_005010X221A1/"+name, 1)[0])
		read, err := ReadRemittance(strings.NewReader(text))
		if err != nil || len(read) != 1 {
			t.Fatalf("%s: %d remittances, %v", name, len(read), err)
		}
		r := read[0]
		complete(&r)
		e := Envelope{Sender: "PAYER", To: claims.Sender{ID: "PAYEE"}, Control: 1, Produced: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
		written, err := WriteRemittance(e, r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := ReadRemittance(strings.NewReader(string(written)))
		if err != nil || len(again) != 1 {
			t.Errorf("%s: what was written: %v", name, err)
			continue
		}
		if got, want := withoutPlaces(again[0]), withoutPlaces(r); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got\n%+v\nwant\n%+v", name, got, want)
		}
		before, after := body(text), body(string(written))
		if got, want := money(after), money(before); !slices.Equal(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if got := missing(before, after); got != want {
			t.Errorf("%s: not written back: %s, want %s", name, got, want)
		}
		if err := secondReader(string(written)); err != nil {
			t.Errorf("%s: the second reader: %v", name, err)
		}
	}
}

// complete adds what the guide requires and a sample lacks, and pays by check:
// the accounts of an ACH payment are not this package's to know.
func complete(r *Remittance) {
	r.Method, r.Payer.Phone = "CHK", "8005550100"
	if r.Payee.NPI == "" {
		r.Payee.NPI = "1234567893"
	}
	r.Notes = nil
}

// withoutPlaces takes off where in a file things stood.
func withoutPlaces(r Remittance) Remittance {
	r.Payments = slices.Clone(r.Payments)
	for i := range r.Payments {
		p := &r.Payments[i]
		p.segment = 0
		if p.Rendering != nil && p.Rendering.NPI == "" {
			p.Rendering = nil // known by a number of the payer's own
		}
		p.Lines = slices.Clone(p.Lines)
		for j := range p.Lines {
			p.Lines[j].segment = 0
		}
	}
	return r
}

// body is a file's segments within its set, with numbers in one spelling.
func body(text string) (all []string) {
	for _, s := range strings.Split(text, "~") {
		e := strings.Split(strings.ReplaceAll(strings.TrimSpace(s), ">", ":"), "*")
		if slices.Contains([]string{"", "ISA", "GS", "ST", "LX", "SE", "GE", "IEA"}, e[0]) {
			continue
		}
		for i := range e {
			if n, ok := new(big.Rat).SetString(e[i]); ok && strings.Contains(e[i], ".") {
				e[i] = strings.TrimSuffix(n.FloatString(2), ".00")
			}
		}
		if e[0] == "SVC" && len(e) == 6 && e[5] == "1" {
			e = e[:4] // one unit, which is what none says
		}
		if e[0] == "CAS" {
			for i := 2; i < len(e); i += 3 { // one reason each
				all = append(all, strings.TrimRight(strings.Join(append([]string{"CAS", e[1]}, e[i:min(i+3, len(e))]...), "*"), "*"))
			}
			continue
		}
		all = append(all, strings.Join(e, "*"))
	}
	return all
}

// money are the segments whose amounts have to balance, and what they are about.
func money(all []string) (some []string) {
	for _, s := range all {
		e := strings.Split(s, "*")
		switch e[0] {
		case "BPR":
			some = append(some, e[2])
		case "TRN", "CLP", "CAS", "SVC", "PLB":
			some = append(some, s)
		}
	}
	return some
}

// missing are the kinds of segment of before that are not in after.
func missing(before, after []string) string {
	var kinds []string
	for _, s := range before {
		if i := slices.Index(after, s); i >= 0 {
			after = slices.Delete(slices.Clone(after), i, i+1)
			continue
		}
		e := strings.Split(s, "*")
		if kind := e[0] + "*" + e[1]; !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return strings.Join(kinds, " ")
}
