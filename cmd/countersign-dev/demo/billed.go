package demo

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
)

// billed is who and what an 837 file names. For a stranger's file, the people
// in it become members and licensed clinicians before it is billed.
type billed struct {
	stranger bool
	claims   []claims.Claim
	file     *x12.File
	created  credentials.Date // the latest transaction set's
	last     credentials.Date // the latest date of service
}

func readBilled(path string, stranger bool) (*billed, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := &billed{stranger: stranger}
	b.file, err = x12.ReadClaims(f, func(s x12.Submitted) error {
		b.claims = append(b.claims, s.Claim)
		b.created = max(b.created, s.Source.Created)
		b.last = max(b.last, s.Claim.LastService())
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(b.claims) == 0 {
		if len(b.file.Refusals) > 0 {
			return nil, fmt.Errorf("%s: %w", path, &b.file.Refusals[0])
		}
		return nil, fmt.Errorf("%s: it holds no claim; give an 837 file (005010X222 or 005010X223)", path)
	}
	return b, nil
}

// jurisdictions are the states of service, after the first one of the example.
func (b *billed) jurisdictions(first string) []string {
	states := []string{first}
	if b.stranger {
		for i := range b.claims {
			if state := b.claims[i].ServiceState; len(state) == 2 && !slices.Contains(states, state) {
				states = append(states, state)
			}
		}
	}
	return states
}

// hospitals says whether any claim of the file is institutional.
func (b *billed) hospitals() bool {
	return slices.ContainsFunc(b.claims, func(c claims.Claim) bool { return c.Institutional != nil })
}

// span bounds the dates of service of the file.
func (b *billed) span() (first, last credentials.Date) {
	for i := range b.claims {
		if d := b.claims[i].FirstService(); first == "" || d < first {
			first = d
		}
		last = max(last, b.claims[i].LastService())
	}
	return first, last
}

// members are the patients of a stranger's file, covered on all its dates.
func (b *billed) members(plan string) (members []store.Member) {
	first, _ := b.span()
	for i := range b.claims {
		c := &b.claims[i]
		p := c.PatientPerson()
		id := p.MemberID
		if id == "" {
			id = c.Subscriber.MemberID
		}
		members = append(members, store.Member{
			MemberID: id, Family: c.Subscriber.MemberID, Last: p.Last, First: p.First, Birth: p.Birth, Plan: plan, From: first,
		})
	}
	return members
}

// A practice is a clinician in a state.
type practice struct {
	npi   credentials.NPI
	name  string
	state string
}

// practices are the clinicians whom a stranger's file names, in each state
// where they rendered a service, and the organizations that name nobody.
func (b *billed) practices() (clinicians []practice, nobody []claims.Provider, states map[credentials.NPI][]string) {
	seen, states := map[practice]bool{}, map[credentials.NPI][]string{}
	for i := range b.claims {
		c := &b.claims[i]
		for j := range c.Lines {
			l := &c.Lines[j]
			state := c.StateOf(l)
			r := c.Clinician(l)
			if r == nil {
				npi := c.Billing.NPI
				if len(states[npi]) == 0 {
					nobody = append(nobody, c.Billing)
				}
				if !slices.Contains(states[npi], state) {
					states[npi] = append(states[npi], state)
				}
				continue
			}
			p := practice{r.NPI, strings.TrimSpace(r.First + " " + r.Name), state}
			// Whose number is none no board licenses; an edit refuses the claim.
			if key := (practice{r.NPI, "", state}); r.NPI.WellFormed() && !seen[key] {
				seen[key] = true
				clinicians = append(clinicians, p)
			}
		}
	}
	return clinicians, nobody, states
}

// rosterNPI is the demo clinician who renders what names nobody. It passes the
// check digit and starts with 2, which no person's NPI does yet.
const rosterNPI credentials.NPI = "2999002019"

// licensesCSV is what a clerk types for the clinicians of one state who hold
// no license there yet.
func (b *billed) licensesCSV(state string, held func(npi credentials.NPI, state string) bool) (csv string, count int) {
	first, last := b.span()
	clinicians, nobody, states := b.practices()
	var rows strings.Builder
	rows.WriteString("npi,name,jurisdiction,profession,number,from,until\n")
	add := func(npi credentials.NPI, name string) {
		if held(npi, state) {
			return
		}
		count++
		fmt.Fprintf(&rows, "%s,%q,%s,MD,%s-%s-%d,%s,%s\n", npi, name, state, state, npi, count, first.AddDays(-365), last.AddDays(365))
	}
	for _, p := range clinicians {
		if p.state == state {
			add(p.npi, p.name)
		}
	}
	for _, o := range nobody {
		if slices.Contains(states[o.NPI], state) {
			add(rosterNPI, "Nadia Amaranth")
			break
		}
	}
	return rows.String(), count
}
