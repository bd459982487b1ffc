package store_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// TestMoneyBalances plays random houses: claims of several payees and
// clinicians, decided with random amounts, receipts that come late, an order
// that reaches back (so debts are kept back too), runs in between. After every run the decided money is payable, held, released or paid to the cent,
// every decision is in one remittance or in none, and nothing was paid that an
// order known before the run covers.
func TestMoneyBalances(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				g := &game{house: h, r: rand.New(rand.NewPCG(seed, 7)), decided: map[string]claims.Cents{}, doomed: map[string]bool{}}
				g.licensed()
				g.hear(2, aLicense("L2", reviewer))
				for g.sequence = 3; g.step < 60; g.step++ {
					g.play()
				}
				g.run()
				g.balance()
			})
		})
	}
}

type game struct {
	*house
	r        *rand.Rand
	step     int
	sequence int64
	waiting  []credentials.Handle // decisions without a receipt
	decided  map[string]claims.Cents
	doomed   map[string]bool // covered by an order before anything paid them
	revoked  bool
}

func (g *game) play() {
	switch n := g.r.IntN(20); {
	case n < 10:
		g.bill()
	case n < 14 && len(g.waiting) > 0:
		g.must(g.KeepReceipt(ctx, g.waiting[0], 5, []byte("receipt")))
		g.waiting = g.waiting[1:]
	case n < 18:
		run, err := g.Pay(ctx, noon, write)
		g.must(err)
		for _, r := range run.Released {
			if g.r.IntN(3) > 0 { // some wait for theirs
				g.must(g.KeepReceipt(ctx, r.Handle, 9, []byte("receipt")))
			}
		}
		g.balance()
	case n == 18 && !g.revoked && g.step > 20:
		g.revoke()
	}
}

func (g *game) bill() {
	number := fmt.Sprint("C", g.step)
	day := credentials.Date("2026-03-01").AddDays(g.r.IntN(40))
	s := g.receive(number, on(day), func(c *claims.Claim) {
		c.Rendering = &claims.Provider{NPI: []credentials.NPI{clinician, reviewer}[g.r.IntN(2)]}
		c.Billing.TaxID = "99000000" + fmt.Sprint(g.r.IntN(2))
		c.Billing.NPI = []credentials.NPI{clinic, "1003000159"}[g.r.IntN(2)]
	})
	outcome, paid := claims.Denied, claims.Cents(0)
	f := g.file(s)
	if rendered := f.Submission.Claim.Rendering.NPI; g.r.IntN(5) > 0 && (rendered == reviewer || !g.revoked || day < "2026-03-20") {
		outcome, paid = claims.Paid, claims.Cents(g.r.IntN(20000))
	}
	document := g.settle(s, outcome, func(d *claims.Decision) { d.Paid = paid })
	g.decided[number] = paid
	g.waiting = append(g.waiting, document)
}

// revoke takes the clinician's license from 2026-03-20 on.
func (g *game) revoke() {
	g.revoked = true
	g.hear(g.sequence, orderOf("O1", "2026-03-20"))
	g.sequence++
	list, err := g.Reprocess(ctx)
	g.must(err)
	for _, r := range list {
		if r.Trace == "" {
			g.doomed[r.Claim] = true
		}
	}
}

func (g *game) balance() {
	g.t.Helper()
	all, err := g.Payments(ctx, noon)
	g.must(err)
	by := map[claims.PaymentState]claims.Cents{}
	paid := map[string]string{}
	for _, p := range all {
		if p.Amount != g.decided[p.Claim] {
			g.t.Errorf("%s: the books say %s, the decision %s", p.Claim, p.Amount, g.decided[p.Claim])
		}
		by[p.State] += p.Amount
		if p.Trace != "" {
			paid[p.Claim] = fmt.Sprint(p.Trace, " ", p.Amount)
		}
	}
	var total, states, remitted claims.Cents
	for _, cents := range g.decided {
		total += cents
	}
	for _, state := range claims.PaymentStates {
		states += by[state]
	}
	if states != total || len(all) != len(g.decided) {
		g.t.Errorf("decided %s in %d, the states hold %s in %d: %v", total, len(g.decided), states, len(all), by)
	}
	remittances, err := g.Remittances(ctx, "")
	g.must(err)
	seen := map[string]bool{}
	for _, r := range remittances {
		for _, line := range strings.Split(strings.TrimSpace(string(r.Body)), "\n") {
			number, amount, _ := strings.Cut(line, " ")
			cents, err := claims.ParseCents(amount)
			g.must(err)
			remitted += cents
			if seen[number] || paid[number] != fmt.Sprint(r.Trace, " ", cents) || g.doomed[number] {
				g.t.Errorf("%s pays %s: paid before %v, the books say %q, an order covers it %v", r.Trace, line, seen[number], paid[number], g.doomed[number])
			}
			seen[number] = true
		}
	}
	if remitted != by[claims.PaymentPaid]+by[claims.PaymentReleased] || len(seen) != len(paid) {
		g.t.Errorf("remitted %s for %d claims, the books say %s and %s for %d", remitted, len(seen),
			by[claims.PaymentPaid], by[claims.PaymentReleased], len(paid))
	}
}
