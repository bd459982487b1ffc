package claims

import (
	"slices"

	"github.com/countersign-health/countersign/credentials"
)

// Periods are the benefit periods that a claim's lines fall into, in order, and the
// one in which a stay began.
func (c *Claim) Periods() (periods []string) {
	for i := range c.Lines {
		if p := PeriodOf(c.Lines[i].From); !slices.Contains(periods, p) {
			periods = append(periods, p)
		}
	}
	if in := c.Institutional; in != nil && in.Inpatient() {
		if p := PeriodOf(in.Begins()); !slices.Contains(periods, p) {
			periods = append(periods, p)
		}
	}
	slices.Sort(periods)
	return periods
}

// countsOn is the day in whose benefit period a line of a hospital's claim counts:
// of a stay the one on which it began.
func (c *Claim) countsOn(l *Line) credentials.Date {
	if in := c.Institutional; in != nil && in.Inpatient() {
		return in.Begins()
	}
	return l.From
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
