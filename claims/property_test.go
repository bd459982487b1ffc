package claims

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

// randomCase is a claim of one to six lines in which most is well, and anything
// may not be.
func randomCase(p *Plan, r *rand.Rand) (*Claim, *Evidence) {
	codes := []string{"99213", "73610", "71046", "80053", "72148", "97110", "15824"}
	var lines []aLine
	for range 1 + r.IntN(6) {
		l := aLine{
			code: codes[r.IntN(len(codes))], charge: Cents(r.IntN(60000)), fee: Cents(r.IntN(50000)),
			units: Quantity(1 + r.IntN(4000)), on: credentials.Date("2025-12-20").AddDays(r.IntN(25)),
		}
		if r.IntN(20) == 0 {
			l.fee = -1
		}
		lines = append(lines, l)
	}
	c, e := aCase(p, lines...)
	e.Received = "2026-02-01"
	e.Accumulators = nil
	for _, period := range []string{"2025", "2026"} {
		oop := Cents(r.IntN(350_00))
		ded := min(oop, Cents(r.IntN(120_00)))
		e.Accumulators = append(e.Accumulators, Accumulators{period, ded, ded + Cents(r.IntN(50_00)), oop, oop + Cents(r.IntN(300_00))})
	}
	for i := range c.Lines {
		if r.IntN(2) == 0 {
			authorize(c, e, i, Quantity(r.IntN(9000)))
		}
		if r.IntN(30) == 0 {
			e.Lines[i].Standing.Fresh = false
		}
		if r.IntN(30) == 0 {
			e.Lines[i].Standing.Standing.Answer = credentials.MayNot
		}
		if r.IntN(30) == 0 {
			e.Lines[i].Duplicate = NearDuplicate
		}
		if r.IntN(30) == 0 {
			e.Lines[i].Duplicate = ExactDuplicate
		}
	}
	return c, e
}

// randomCase2 is the same with facts that rules/2 reads besides.
func randomCase2(p *Plan, r *rand.Rand) (*Claim, *Evidence) {
	c, e := randomCase(p, r)
	c.Billing.NPI, c.Place = "1000000004", []string{"11", "23"}[r.IntN(2)]
	more := []string{"99417", "99215", "27130", "64483", "99284", "77067", "95810"}
	two := Rate(200)
	for i := range c.Lines {
		l, f := &c.Lines[i], &e.Lines[i]
		if r.IntN(3) > 0 && l.Authorization == "" {
			l.Code = more[r.IntN(len(more))]
			f.Fee = nil
			at := Cents(r.IntN(80000))
			steps := []PricedStep{{"fee-schedule", "", at, "schedule"}}
			for r.IntN(2) == 0 {
				at = Cents(r.IntN(int(at) + 1))
				steps = append(steps, PricedStep{"reduced", []string{CARCSeveral, CARCContractual}[r.IntN(2)], at, "reduced"})
			}
			f.Priced = &Priced{By: "fees 1", Steps: steps}
		}
		f.Withheld = &two
		f.Global = []string{"", "", "000", "090"}[r.IntN(4)]
		if r.IntN(8) == 0 {
			f.Recorded = l.To.AddDays(r.IntN(60))
		}
		if r.IntN(8) == 0 {
			l.Modifiers = []string{[]string{"25", "LT", "50", "76"}[r.IntN(4)]}
		}
		if r.IntN(8) == 0 {
			f.Primaries = []string{"99215"}
		}
	}
	c.Subscriber.Sex = []string{"F", "F", "F", "M", "U"}[r.IntN(5)]
	use(c, p, e)
	for i := range e.Used {
		e.Used[i].Units = Quantity(r.IntN(22_000))
	}
	priceable, err := Priceable(c, p, e)
	if err != nil {
		panic(err)
	}
	for i := range e.Lines {
		if e.Lines[i].Priced != nil {
			e.Priced = priceable
		}
	}
	return c, e
}

// plan2Random is the edition of the random cases under rules/2.
func plan2Random(t testing.TB) *Plan {
	return plan2(t, "machineDenials:", "sequestration: true\nshareOfCharges: 33.33%\nmachineDenials:", "from: 2026-01-01}", "from: 2025-01-01}")
}

func TestEveryDecisionBalances(t *testing.T) {
	t.Run(Rules1, func(t *testing.T) {
		everyDecision(t, goldPlan(t, "machineDenials:", "shareOfCharges: 33.33%\nmachineDenials:"), randomCase)
	})
	t.Run(Rules2, func(t *testing.T) { everyDecision(t, plan2Random(t), randomCase2) })
}

func everyDecision(t *testing.T, p *Plan, randomCase func(*Plan, *rand.Rand) (*Claim, *Evidence)) {
	r := rand.New(rand.NewPCG(1, 2))
	outcomes := map[Outcome]int{}
	for range 8000 {
		c, e := randomCase(p, r)
		d, err := Adjudicate(c, p, e)
		if err != nil {
			t.Fatalf("%v\n%+v\n%+v", err, c, e)
		}
		outcomes[d.Outcome]++
		checkMoney(t, c, d)
		if d.Rules == Rules2 {
			trail(t, d)
		}
		checkLimits(t, p, e, d)
		checkOrder(t, c, p, e, d, r)
		if t.Failed() {
			t.Fatalf("%+v\n%+v\n%+v", c, e, d)
		}
	}
	for _, o := range []Outcome{Paid, Denied, Pended} {
		if outcomes[o] < 100 {
			t.Errorf("only %d decisions of 8000 were %s", outcomes[o], o)
		}
	}
}

// checkMoney adds up afresh, without the package's own balance.
func checkMoney(t *testing.T, c *Claim, d *Decision) {
	var paid, patient, allowed, charge, held Cents
	for i, l := range d.Lines {
		left := l.Charge
		var pr, withheld Cents
		for _, a := range l.Adjustments {
			left -= a.Amount
			if a.CARC == "253" {
				withheld += a.Amount
			}
			isShare := a.CARC == "1" || a.CARC == "2" || a.CARC == "3"
			if (a.Group == Patient) != isShare {
				t.Errorf("%s-%s: the patient owes cost sharing and nothing else", a.Group, a.CARC)
			}
			if a.Group == Patient {
				pr += a.Amount
			}
		}
		if d.Outcome != Pended && left != l.Paid || l.Paid+l.Patient+withheld != l.Allowed || pr != l.Patient || l.Patient > l.Allowed || l.Charge != c.Lines[i].Charge {
			t.Errorf("line %d does not balance", l.Line)
		}
		held += withheld
		paid, patient, allowed, charge = paid+l.Paid, patient+l.Patient, allowed+l.Allowed, charge+l.Charge
	}
	if paid != d.Paid || patient != d.Patient || allowed != d.Allowed || charge != d.Charge || paid+patient+held != allowed {
		t.Error("the totals are not the sums")
	}
	if d.Outcome == Pended && (paid != 0 || len(d.Pends) == 0) || d.Outcome != Pended && len(d.Pends) > 0 {
		t.Error("a claim that waits pays, or one that does not has something to wait for")
	}
}

// checkLimits: no member and no family pays beyond a limit because of this claim.
func checkLimits(t *testing.T, p *Plan, e *Evidence, d *Decision) {
	for _, add := range d.Met {
		i := slices.IndexFunc(e.Accumulators, func(a Accumulators) bool { return a.Period == add.Period })
		was := e.Accumulators[i]
		for _, x := range []struct{ was, add, limit Cents }{
			{was.DeductibleIndividual, add.DeductibleIndividual, p.Deductible.Individual},
			{was.DeductibleFamily, add.DeductibleFamily, p.Deductible.Family},
			{was.OutOfPocketPerson, add.OutOfPocketPerson, p.OutOfPocketMax.Individual},
			{was.OutOfPocketFamily, add.OutOfPocketFamily, p.OutOfPocketMax.Family},
		} {
			if x.add > 0 && x.was+x.add > x.limit {
				t.Errorf("period %s: %s met, %s added, the limit is %s", add.Period, x.was, x.add, x.limit)
			}
		}
	}
}

// checkOrder: the order in which a claim lists its lines, and the evidence its
// facts, changes nothing but the order of the answer.
func checkOrder(t *testing.T, c *Claim, p *Plan, e *Evidence, d *Decision, r *rand.Rand) {
	shuffled, facts := *c, *e
	shuffled.Lines, facts.Lines = slices.Clone(c.Lines), slices.Clone(e.Lines)
	facts.Accumulators = slices.Clone(e.Accumulators)
	slices.Reverse(facts.Accumulators)
	r.Shuffle(len(c.Lines), func(i, j int) { shuffled.Lines[i], shuffled.Lines[j] = shuffled.Lines[j], shuffled.Lines[i] })
	r.Shuffle(len(e.Lines), func(i, j int) { facts.Lines[i], facts.Lines[j] = facts.Lines[j], facts.Lines[i] })
	again, err := Adjudicate(&shuffled, p, &facts)
	if err != nil {
		t.Error(err)
		return
	}
	slices.SortFunc(again.Lines, func(a, b LineDecision) int { return a.Line - b.Line })
	slices.SortStableFunc(again.Pends, func(a, b Pend) int { return a.Line - b.Line })
	slices.SortFunc(again.Draws, func(a, b Draw) int { return a.Line - b.Line })
	if !reflect.DeepEqual(d, again) {
		t.Errorf("another order of lines, another decision:\n%+v\n%+v", d, again)
	}
}

// Adjudicate leaves what it is given as it was: the same arguments may be used
// again, and are, on replay.
func TestAdjudicateKeepsItsArguments(t *testing.T) {
	p := goldPlan(t)
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		c, e := randomCase(p, r)
		first, err := Adjudicate(c, p, e)
		if err != nil {
			t.Fatal(err)
		}
		second, err := Adjudicate(c, p, e)
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Fatalf("the second time: %v", err)
		}
	}
}

// TestRulesAreFrozen binds the name of each edition to what its code decides. Once
// a release is out, a change here means that old decisions can no longer be
// computed again: add an edition instead of a new digest.
func TestRulesAreFrozen(t *testing.T) {
	if len(Released()) != 2 {
		t.Errorf("%d editions are released; each needs its digest here", len(Released()))
	}
	frozen(t, goldPlan(t), randomCase, "392f70b7884e760efcb99f3a0f474533fdb77562a4cfe037379c329de91cc3c0")
	frozen(t, plan2Random(t), randomCase2, "5d22bbcfa77bd512d420b7562b097429d4dde1893cedee82914b85d124c216d4")
}

func frozen(t *testing.T, p *Plan, randomCase func(*Plan, *rand.Rand) (*Claim, *Evidence), want string) {
	r := rand.New(rand.NewPCG(5, 6))
	h := sha256.New()
	for range 400 {
		c, e := randomCase(p, r)
		d, err := Adjudicate(c, p, e)
		if err != nil {
			t.Fatal(err)
		}
		b, err := credentials.CanonicalJSON(d)
		if err != nil {
			t.Fatal(err)
		}
		h.Write(b)
	}
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != want {
		t.Errorf("%s now decides %s, not %s", p.Rules, got, want)
	}
}

func BenchmarkAdjudicate(b *testing.B) {
	p := goldPlan(b)
	c, e := aCase(p, aLine{code: "73610", charge: 150_00, fee: 140_00}, aLine{code: "99213", charge: 120_00, fee: 90_00},
		aLine{code: "80053", charge: 20_00, fee: 14_52}, aLine{code: "71046", charge: 90_00, fee: 34_00})
	for b.Loop() {
		if _, err := Adjudicate(c, p, e); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(c.Lines))/b.Elapsed().Seconds(), "lines/s")
}
