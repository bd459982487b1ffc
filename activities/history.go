package activities

import (
	"fmt"
	"slices"
	"sync"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/pricing"
	"github.com/countersign-health/countersign/credentials"
)

// look writes down what the plan's rules ask about the patient's earlier claims:
// sums and single facts, never the claims themselves. Plans of rules/1 ask nothing.
func look(f *books.ClaimFile, p *claims.Plan, fees *pricing.Fees, e *claims.Evidence) {
	if p.Rules == claims.Rules1 {
		return
	}
	c := &f.Submission.Claim
	for i := range c.Lines {
		l, fact := &c.Lines[i], &e.Lines[i]
		if f.Lines[i].Recorded > l.To {
			fact.Recorded = f.Lines[i].Recorded
		}
		for _, limit := range p.BenefitLimits {
			if limit.Codes.Has(l.Code) {
				e.Used = used(e.Used, f.History, &limit, limit.Per.Of(l.From))
			}
		}
		for _, h := range f.History {
			if h.NPI != fact.Standing.NPI || h.Revenue+l.Revenue != "" {
				continue
			}
			if s := surgery(p, fees, l, h); s != nil && (fact.Surgery == nil || s.On > fact.Surgery.On) {
				fact.Surgery = s
			}
			if h.On == l.From && fees.RankTogether(l.Code, h.Code) && !slices.Contains(fact.Ranked, h.Code) {
				fact.Ranked = append(fact.Ranked, h.Code)
			}
			if isPrimary(p, l, h) && !slices.Contains(fact.Primaries, h.Code) {
				fact.Primaries = append(fact.Primaries, h.Code)
			}
		}
	}
}

// used adds what was used of a limit in a period, once.
func used(all []claims.UsedFact, history []books.PaidLine, limit *claims.BenefitLimit, period string) []claims.UsedFact {
	u := claims.UsedFact{Limit: limit.Name, Period: period}
	if slices.ContainsFunc(all, func(x claims.UsedFact) bool { return x.Limit == u.Limit && x.Period == u.Period }) {
		return all
	}
	for _, h := range history {
		if limit.Codes.Has(h.Code) && limit.Per.Of(h.On) == period {
			u.Units += h.Units
		}
	}
	return append(all, u)
}

// surgery says whether an earlier service is one in whose global days the line lies.
func surgery(p *claims.Plan, fees *pricing.Fees, l *claims.Line, h books.PaidLine) *claims.SurgeryFact {
	g := p.GlobalSurgery
	if g == nil || !g.Included.Has(l.Code) || g.Included.Has(h.Code) {
		return nil
	}
	s := &claims.SurgeryFact{Code: h.Code, On: h.On, Global: fees.Global(h.Code)}
	if from, until, ok := claims.GlobalDays(s.Global, s.On); !ok || !l.From.Within(from, until) || g.TakenOut(l, s.On) {
		return nil
	}
	return s
}

func isPrimary(p *claims.Plan, l *claims.Line, h books.PaidLine) bool {
	return h.On == l.From && slices.ContainsFunc(p.AddOns, func(a claims.AddOn) bool { return a.Codes.Has(l.Code) && a.Primary.Has(h.Code) })
}

// parsedFees keeps the fee editions that were read last. Reading one of Medicare's
// whole schedule takes longer than deciding a hundred claims.
type parsedFees struct {
	mu   sync.Mutex
	last []*pricing.Fees
}

// keptFees is how many are kept: the editions that are in force beside each other.
const keptFees = 8

// of reads an edition. Its content is its name, so that it never changes.
func (k *parsedFees) of(e books.Edition) (*pricing.Fees, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if i := slices.IndexFunc(k.last, func(f *pricing.Fees) bool { return f.Digest == e.Ref.Digest }); i >= 0 {
		return k.last[i], nil
	}
	if got := credentials.DigestOf(e.Body); got != e.Ref.Digest {
		return nil, fmt.Errorf("fee schedule %q %q has another digest than its name says", e.Ref.Name, e.Ref.Edition)
	}
	f, err := pricing.ParseFees(e.Body)
	if err != nil {
		return nil, err
	}
	if k.last = append(k.last, f); len(k.last) > keptFees {
		k.last = k.last[1:]
	}
	return f, nil
}
