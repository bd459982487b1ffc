package mpfs

import (
	_ "embed"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

//go:embed policies.csv
var policies []byte

// A Policy holds the rates of Medicare's payment rules on one day of service.
// Each is what is paid of an amount.
type Policy struct {
	// Surgery is by rank among the day's procedures; behind the last rank a
	// person decides, by report.
	Surgery               [5]claims.Rate
	ImagingTechnical      claims.Rate // of all technical parts but the dearest
	ImagingProfessional   claims.Rate
	Cardiovascular        claims.Rate // technical parts
	Ophthalmology         claims.Rate // technical parts
	Therapy               claims.Rate // practice expense of all units but the dearest
	Bilateral             claims.Rate
	Assistant             claims.Rate
	AssistantNotPhysician claims.Rate
	CoSurgeon             claims.Rate
}

// PolicyOn is the policy in force on a day. A day for which some rate is not
// known has none.
func PolicyOn(day credentials.Date) (Policy, error) {
	table, err := claims.ParseRateTable("policies.csv", policies)
	if err != nil {
		return Policy{}, fmt.Errorf("read payment policies: %w", err)
	}
	var p Policy
	var missing []error
	rate := func(rule string) claims.Rate {
		r, err := table.On(rule, day)
		if err != nil {
			missing = append(missing, err)
		}
		return r
	}
	for i := range p.Surgery {
		p.Surgery[i] = rate(fmt.Sprintf("surgery-%d", i+1))
	}
	p.ImagingTechnical, p.ImagingProfessional = rate("imaging-technical"), rate("imaging-professional")
	p.Cardiovascular, p.Ophthalmology = rate("cardiovascular-technical"), rate("ophthalmology-technical")
	p.Therapy, p.Bilateral = rate("therapy-practice-expense"), rate("bilateral")
	p.Assistant, p.AssistantNotPhysician = rate("assistant"), rate("assistant-not-physician")
	p.CoSurgeon = rate("co-surgeon")
	if err := errors.Join(missing...); err != nil {
		return Policy{}, err
	}
	return p, nil
}
