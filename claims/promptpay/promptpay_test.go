package promptpay

import (
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// The amounts are calculated by hand.
func TestOn(t *testing.T) {
	for name, test := range map[string]struct {
		law      string
		received credentials.Date
		paid     claims.Cents
		on, due  credentials.Date
		late     int
		interest claims.Cents
		rate     string
	}{
		// A clean claim received on March 1 has to be paid by March 31 (Claims Processing Manual chapter 1, section 80.2.2).
		"the last day":     {law: "medicare", received: "2024-03-01", paid: 100_00, on: "2024-03-31", due: "2024-03-31"},
		"one day late":     {law: "medicare", received: "2024-03-01", paid: 1000_00, on: "2024-04-01", due: "2024-03-31", late: 1, interest: 13, rate: "4.875%"},       // 1000 x 4.875% / 365 = 0.13356
		"the day's rate":   {law: "medicare", received: "2024-11-20", paid: 1000_00, on: "2025-01-09", due: "2024-12-20", late: 20, interest: 253, rate: "4.625%"},     // at the rate of the day of payment: 1000 x 4.625% x 20 / 365 = 2.53425
		"the rate before":  {law: "medicare", received: "2024-11-20", paid: 1000_00, on: "2024-12-31", due: "2024-12-20", late: 11, interest: 147, rate: "4.875%"},     // 1000 x 4.875% x 11 / 365 = 1.46918
		"half a cent up":   {law: "california-insurer", received: "2026-01-01", paid: 73_00, on: "2026-02-10", due: "2026-01-31", late: 10, interest: 20, rate: "10%"}, // 73 x 10% x 10 / 365 = 0.20 exactly
		"rounded up":       {law: "california-insurer", received: "2026-01-01", paid: 18_25, on: "2026-02-01", due: "2026-01-31", late: 1, interest: 1, rate: "10%"},   // 18.25 x 10% / 365 = 0.005
		"rounded down":     {law: "california-insurer", received: "2026-01-01", paid: 18_24, on: "2026-02-01", due: "2026-01-31", late: 1, interest: 0, rate: "10%"},   // 0.004997
		"a plan's":         {law: "california-plan", received: "2026-01-01", paid: 65_00, on: "2026-03-02", due: "2026-01-31", late: 30, interest: 80, rate: "15%"},    // 65 x 15% x 30 / 365 = 0.80137
		"a leap year":      {law: "illinois", received: "2024-02-01", paid: 365_00, on: "2024-03-03", due: "2024-03-02", late: 1, interest: 9, rate: "9%"},             // February has 29 days; 365 x 9% / 365
		"twenty days":      {law: "florida", received: "2026-06-01", paid: 365_00, on: "2026-06-22", due: "2026-06-21", late: 1, interest: 12, rate: "12%"},
		"nothing to pay":   {law: "florida", received: "2026-06-01", paid: 0, on: "2026-12-31", due: "2026-06-21", late: 193, rate: "12%"},
		"taken back":       {law: "florida", received: "2026-06-01", paid: -10_00, on: "2026-12-31", due: "2026-06-21", late: 193, rate: "12%"},
		"on its first day": {law: "california-plan", received: "2026-01-01", paid: 65_00, on: "2026-01-01", due: "2026-01-31"},
	} {
		c, err := On(test.law, test.received, test.paid, test.on)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.Due != test.due || c.Late != test.late || c.Interest != test.interest || c.Rate != test.rate || c.On != test.on || c.Source == "" {
			t.Errorf("%s: got %+v, want due %s, %d days late at %q, %s", name, c, test.due, test.late, test.rate, test.interest)
		}
	}
}

// What the table does not know is an error, never zero.
func TestUnknown(t *testing.T) {
	for name, test := range map[string]struct {
		law          string
		received, on credentials.Date
		want         string
	}{
		"no such law":       {"atlantis", "2026-01-01", "2026-03-01", `law "atlantis" is not known: want one of california-insurer, california-plan, florida, illinois, medicare`},
		"before the law":    {"california-plan", "2025-12-31", "2026-03-01", "no rate is known"},
		"after the table":   {"medicare", "2025-06-01", "2025-07-02", "no rate is known"},
		"paid before it is": {"medicare", "2025-03-01", "2025-02-01", "before it was received"},
	} {
		if c, err := On(test.law, test.received, 1_00, test.on); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %+v, %v; want %q", name, c, err, test.want)
		}
	}
}

func TestParse(t *testing.T) {
	const head = "law,received_from,received_until,paid_from,paid_until,days,rate,source\n"
	for name, test := range map[string]struct{ rows, want string }{
		"another header":    {"law\n", "wrong number of fields"},
		"no source":         {head + "a,2026-01-01,,2026-01-01,,30,1%,\n", "and a source"},
		"no first day":      {head + "a,,,2026-01-01,,30,1%,x\n", "laws.csv line 2"},
		"backwards":         {head + "a,2026-01-02,2026-01-01,2026-01-01,,30,1%,x\n", "comes before its first"},
		"no days":           {head + "a,2026-01-01,,2026-01-01,,0,1%,x\n", "want from 1 to 365"},
		"four decimals":     {head + "a,2026-01-01,,2026-01-01,,30,1.0001%,x\n", "want a percentage"},
		"no percent":        {head + "a,2026-01-01,,2026-01-01,,30,1,x\n", "want a percentage"},
		"two rates":         {head + "a,2026-01-01,,2026-01-01,,30,1%,x\na,2026-06-01,,2026-06-01,,30,2%,x\n", "laws.csv line 3: a: two rows answer"},
		"two due days":      {head + "a,2026-01-01,,2026-01-01,2026-05-31,30,1%,x\na,2026-01-01,,2026-06-01,,40,1%,x\n", "two due days"},
		"a later law":       {head + "a,2026-01-01,2026-05-31,2026-01-01,,30,1%,x\na,2026-06-01,,2026-06-01,,40,2%,x\n", ""},
		"a law of its own":  {head + "a,2026-01-01,,2026-01-01,,30,1%,x\nb,2026-01-01,,2026-01-01,,40,2%,x\n", ""},
		"a rate of its own": {head + "a,2026-01-01,,2026-01-01,2026-06-30,30,1%,x\na,2026-01-01,,2026-07-01,,30,2%,x\n", ""},
	} {
		_, err := parse([]byte(test.rows))
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

// interest is held against fractions.
func TestInterest(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		paid, rate, days := rnd.Int64N(1<<50), rnd.Int64N(100_001), rnd.IntN(4000)
		exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(paid), big.NewInt(rate*int64(days))), big.NewInt(365*100_000))
		exact.Add(exact, big.NewRat(1, 2))
		want := new(big.Int).Quo(exact.Num(), exact.Denom()).Int64()
		if got := interest(claims.Cents(paid), rate, days); int64(got) != want {
			t.Fatalf("%d cents at %d for %d days: got %d, want %d", paid, rate, days, got, want)
		}
	}
}

// TestOwed leaves to a person what was not simply a clean claim paid late.
func TestOwed(t *testing.T) {
	for name, test := range map[string]struct {
		d        claims.Decision
		asks     bool
		interest claims.Cents
	}{
		"at once":       {claims.Decision{Number: 1, Paid: 65_00}, false, 80},
		"after waiting": {claims.Decision{Number: 2, Paid: 65_00}, true, 0},
		"a correction":  {claims.Decision{Number: 1, Paid: 65_00, Reversal: &claims.Reversal{Paid: -20_00}}, true, 0},
		"denied":        {claims.Decision{Number: 1}, false, 0},
	} {
		c, asks, err := Owed("california-plan", "2026-01-01", &test.d, "2026-03-02")
		if err != nil || asks != test.asks || c.Interest != test.interest || c.Late != 30 {
			t.Errorf("%s: got %+v, %v, %v", name, c, asks, err)
		}
	}
	if _, _, err := Owed("atlantis", "2026-01-01", &claims.Decision{}, "2026-03-02"); err == nil {
		t.Error("a law that is none")
	}
	for law, want := range map[string]bool{"": true, "california-plan": true, "atlantis": false} {
		if err := Check(&claims.Plan{PromptPay: law}); (err == nil) != want {
			t.Errorf("%q: %v", law, err)
		}
	}
}
