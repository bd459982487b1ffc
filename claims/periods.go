package claims

import (
	"slices"

	"github.com/countersign-health/countersign/credentials"
)

// Periods are the benefit periods that a claim's lines fall into, in order.
func (c *Claim) Periods() (periods []string) {
	for i := range c.Lines {
		if p := PeriodOf(c.Lines[i].From); !slices.Contains(periods, p) {
			periods = append(periods, p)
		}
	}
	slices.Sort(periods)
	return periods
}

// FirstDay is the first day on which any item of a request is to be rendered.
func (r *AuthorizationRequest) FirstDay() credentials.Date {
	first := credentials.Date("")
	for _, it := range r.Items {
		if first == "" || it.From < first {
			first = it.From
		}
	}
	return first
}
