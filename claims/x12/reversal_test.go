package x12

import (
	"fmt"
	"math/rand"
	"reflect"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// TestReversal balances amounts below nought, which only a reversal may have.
func TestReversal(t *testing.T) {
	r := Remittance{Payments: []Payment{{Status: "22", Charge: -1000, Paid: -600, Adjustments: []claims.Adjustment{{Group: "PR", CARC: "1", Amount: -400}}}}}
	r.Payments = append(r.Payments, Payment{Status: "1", Charge: 900, Paid: 900})
	r.Total = r.Sum()
	if err := CheckBalance(&r); err != nil || r.Total != 300 {
		t.Errorf("got %v, total %s", err, r.Total)
	}
	r.Payments[0].Status = "1"
	if CheckBalance(&r) == nil {
		t.Error("a negative payment passed that is no reversal")
	}
}

// aDecision decides a claim by chance: every line paid or denied, with more
// adjustments than one CAS holds.
func aDecision(rnd *rand.Rand, c *claims.Claim) *claims.Decision {
	d := &claims.Decision{Claim: c.Number, Outcome: claims.Denied}
	for i := range c.Lines {
		l := claims.LineDecision{Line: c.Lines[i].Number, Outcome: claims.Denied}
		if rnd.Intn(3) > 0 {
			l.Outcome, d.Outcome, l.Paid = claims.Paid, claims.Paid, claims.Cents(rnd.Intn(50000))
		}
		l.Charge, l.Allowed = l.Paid, l.Paid
		for range rnd.Intn(16) {
			a := claims.Adjustment{Group: []claims.Group{"CO", "PR", "OA", "PI"}[rnd.Intn(4)], CARC: fmt.Sprint(1 + rnd.Intn(250)), RARC: "N381", Amount: claims.Cents(rnd.Intn(9000))}
			l.Adjustments = append(l.Adjustments, a)
			l.Charge += a.Amount
			if a.Group == claims.Patient {
				l.Patient, l.Allowed = l.Patient+a.Amount, l.Allowed+a.Amount
			}
		}
		d.Lines = append(d.Lines, l)
		d.Charge, d.Allowed, d.Paid, d.Patient = d.Charge+l.Charge, d.Allowed+l.Allowed, d.Paid+l.Paid, d.Patient+l.Patient
	}
	return d
}

// TestReversalComesToNothing takes decisions by chance back in one set: first
// the reversal, then the correction. Together with what was first told, every
// charge, payment, allowance and adjustment comes to nothing at each line and
// claim, and what is written is read again.
func TestReversalComesToNothing(t *testing.T) {
	rnd := rand.New(rand.NewSource(22))
	_, got := readAll(t, sound())
	for range 300 {
		c := got[rnd.Intn(len(got))].Claim
		d := aDecision(rnd, &c)
		first, err := PaymentOf(&c, d, "ICN-1")
		if err != nil {
			t.Fatal(err)
		}
		back, err := ReversalOf(&c, (&claims.OriginalFact{Submission: credentials.Handle{1}, Decision: *d}).Reverse(), "ICN-1")
		if err != nil {
			t.Fatal(err)
		}
		if left := leftOf(&first, &back); left != "" {
			t.Fatalf("left over: %s\n%+v\n%+v", left, first, back)
		}
		again, err := PaymentOf(&c, aDecision(rnd, &c), "ICN-2")
		if err != nil {
			t.Fatal(err)
		}
		again.Original = "ICN-1"
		r := paidAndDenied(t)
		r.Payments = []Payment{back, again}
		if again.Paid > 0 && rnd.Intn(2) == 0 {
			r.AddInterest(1, claims.Cents(1+rnd.Intn(500)))
		}
		before := r.Sum()
		left := r.Settle(Balance{"EARLIER", claims.Cents(rnd.Intn(3) * 1000)})
		if (left.Owed > 0) == (r.Total > 0) && left.Owed != 0 || left.Owed < 0 || r.Total < 0 {
			t.Fatalf("of %s it pays %s and forwards %s", before, r.Total, left.Owed)
		}
		text := write(t, envelope, r)
		if err := secondReader(text); err != nil {
			t.Fatalf("the second reader: %v\n%s", err, text)
		}
		read, err := ReadRemittance(strings.NewReader(text))
		if err != nil || CheckBalance(&read[0]) != nil {
			t.Fatalf("%v, %v\n%s", err, CheckBalance(&read[0]), text)
		}
		if !reflect.DeepEqual(read[0].Adjustments, r.Adjustments) || read[0].Payments[0].Status != "22" || read[0].Payments[0].Control != "ICN-1" ||
			read[0].Payments[1].Original != "ICN-1" || read[0].Payments[1].Interest != r.Payments[1].Interest {
			t.Fatalf("read %+v\nwrote %+v", read[0], r)
		}
		if left := leftOf(&first, &read[0].Payments[0]); left != "" {
			t.Fatalf("as it was read, left over: %s", left)
		}
		if again := write(t, envelope, read...); again != text {
			t.Fatalf("read and written again:\n%s\nwant\n%s", again, text)
		}
	}
}

// leftOf names what of a payment its reversal has not taken back.
func leftOf(p, back *Payment) string {
	sums := map[string]claims.Cents{"charge": p.Charge + back.Charge, "paid": p.Paid + back.Paid}
	for _, q := range []*Payment{p, back} {
		for i, l := range q.Lines {
			at := fmt.Sprintf("line %d %s ", i+1, l.Code)
			sums[at+"charge"] += l.Charge
			sums[at+"paid"] += l.Paid
			sums[at+"allowed"] += l.Allowed
			for _, a := range l.Adjustments {
				sums[at+string(a.Group)+"-"+a.CARC] += a.Amount
			}
		}
	}
	for what, sum := range sums {
		if sum != 0 {
			return what + " " + sum.String()
		}
	}
	for i, l := range back.Lines {
		if l.Units != p.Lines[i].Units || l.Submitted != p.Lines[i].Submitted {
			return fmt.Sprintf("units of line %d", i+1)
		}
	}
	return ""
}

func TestReversalRefuses(t *testing.T) {
	c := &claims.Claim{Number: "C1", Lines: []claims.Line{{Number: 1}}}
	line := []claims.ReversedLine{{Line: 1, Outcome: claims.Paid}}
	for name, r := range map[string]*claims.Reversal{
		"pended":      {Claim: "C1", Outcome: claims.Pended, Lines: line},
		"voided":      {Claim: "C1", Outcome: claims.Voided, Lines: line},
		"other claim": {Claim: "C2", Outcome: claims.Paid, Lines: line},
		"no lines":    {Claim: "C1", Outcome: claims.Paid},
		"other line":  {Claim: "C1", Outcome: claims.Paid, Lines: []claims.ReversedLine{{Line: 2, Outcome: claims.Paid}}},
	} {
		if _, err := ReversalOf(c, r, "ICN"); err == nil {
			t.Errorf("%s: remitted", name)
		}
	}
	if _, err := ReversalOf(c, &claims.Reversal{Claim: "C1", Outcome: claims.Paid, Lines: line}, "ICN"); err != nil {
		t.Error(err)
	}
}

// TestSettle is the arithmetic of balances by hand (005010X221, section
// 1.10.2.12), one remittance after another.
func TestSettle(t *testing.T) {
	for _, c := range []struct {
		name    string
		paid    []claims.Cents
		brought Balance
		total   claims.Cents
		method  string
		left    Balance
		plb     string
	}{
		{"nothing to forward", []claims.Cents{700}, Balance{}, 700, "CHK", Balance{}, ""},
		{"forwarded", []claims.Cents{-1000, 300}, Balance{}, 0, "NON", Balance{"T9", 700}, "FB:T9 -7.00"},
		{"brought back", []claims.Cents{1200}, Balance{"T8", 700}, 500, "CHK", Balance{}, "FB:T8 7.00"},
		{"brought back to the cent", []claims.Cents{700}, Balance{"T8", 700}, 0, "NON", Balance{}, "FB:T8 7.00"},
		{"forwarded again", []claims.Cents{500}, Balance{"T8", 700}, 0, "NON", Balance{"T9", 200}, "FB:T8 7.00, FB:T9 -2.00"},
		{"added to", []claims.Cents{-500}, Balance{"T8", 700}, 0, "NON", Balance{"T9", 1200}, "FB:T8 7.00, FB:T9 -12.00"},
		{"denied alone", []claims.Cents{0}, Balance{}, 0, "NON", Balance{}, ""},
	} {
		r := Remittance{Trace: "T9", Payee: claims.Provider{NPI: "2999001003"}, Date: "2026-11-04"}
		for _, p := range c.paid {
			r.Payments = append(r.Payments, Payment{Paid: p})
		}
		left := r.Settle(c.brought)
		var plb []string
		for _, a := range r.Adjustments {
			plb = append(plb, a.Reason+":"+a.Reference+" "+a.Amount.String())
			if a.Provider != "2999001003" || a.Year != "2026-12-31" {
				t.Errorf("%s: got %+v", c.name, a)
			}
		}
		if got := strings.Join(plb, ", "); r.Total != c.total || r.Method != c.method || left != c.left || got != c.plb {
			t.Errorf("%s: pays %s by %s, leaves %+v, PLB %q", c.name, r.Total, r.Method, left, got)
		}
	}
}
