package claims

import (
	"slices"

	"github.com/countersign-health/countersign/credentials"
)

// PlanSchema is the schema that a plan edition must name.
const PlanSchema = "countersign/plan/1"

// A Plan is one published edition of a plan: what an insurer promised, for
// services from one day to another. An edition is immutable; Digest is of the
// file as it was published, and decisions name it.
type Plan struct {
	Digest           credentials.Digest
	Name             string
	Edition          string
	Rules            string // the released edition of the rules that reads it
	From, Until      credentials.Date
	TimeZone         string
	FeeSchedule      string // name of the schedule that prices it
	TimelyFilingDays int
	Deductible       Limits
	OutOfPocketMax   Limits
	Coinsurance      Rate // what the patient pays
	Services         []Service
	Exclusions       CodeSet
	Authorization    AuthorizationRules
	// ShareOfCharges prices what the schedule does not list; nil leaves such
	// lines to a person.
	ShareOfCharges *Rate
	// ClinicianSignature says for what a clinician has to sign; nil for nothing.
	ClinicianSignature *SignatureRules
	// Terms are conditions that the insurer wrote; none in most editions.
	Terms []Term
	// PromptPay is the law by which interest is added to what is paid late, nothing
	// where none is named. Its name is checked by claims/promptpay.
	PromptPay string
	// MachineDenials are the CARCs that may be given without a person.
	MachineDenials []string
	// AppealDays and AppealAnswerDays are within how many days a decision may be
	// appealed, and the appeal is to be answered; 0 is AppealUntil's and AppealDue's own.
	AppealDays, AppealAnswerDays int `json:",omitempty"`
	// RecoupAfterDays is how many days after a remittance has told of it an
	// overpayment that the insurer found may be taken; 0 is at once.
	RecoupAfterDays int `json:",omitempty"`

	// What follows is read from rules/2 on.

	// PendDays is how many days after receipt a claim that waits is to be settled.
	PendDays int
	// PayerIDs are the payer's numbers to which claims may be addressed; any where
	// there are none.
	PayerIDs         []string
	FilingExtensions []FilingExtension
	// DelayReasons are the codes of CLM20 with which a late claim goes to a person in
	// place of being denied.
	DelayReasons  []string `json:",omitempty"`
	Providers     Providers
	BenefitLimits []BenefitLimit
	Conditions    []Condition
	AddOns        []AddOn
	GlobalSurgery *GlobalSurgery
	Contracts     []Contract
	// Sequestration has CO-253 taken off what is paid, at the rate in force.
	Sequestration bool
	// Hospital are the terms for institutional claims (837I); nil makes them wait.
	Hospital *HospitalTerms
}

// A Contract says what services are worth by something else than the fee schedule's
// price: exactly one of its four terms. The first that fits a line is the line's.
type Contract struct {
	Name        string
	Providers   []credentials.NPI // who bills; anyone where there are none
	Codes       CodeSet           // any where there are none
	From, Until credentials.Date  // days of service

	PercentOfCharge *Rate
	PercentOfFees   *Rate     // of the fee schedule's amount, payment rules included
	CaseRate        *Cents    // for all of the claim's lines together
	PerDiem         []DayRate // for the days from the first line's to the last one's
}

// A DayRate is what a day is worth from the FromDay-th on.
type DayRate struct {
	FromDay int
	Amount  Cents
}

// ContractFor finds the contract by which a line is priced, nil where it is the
// fee schedule.
func (p *Plan) ContractFor(billing credentials.NPI, l *Line) *Contract {
	for i := range p.Contracts {
		c := &p.Contracts[i]
		if (len(c.Providers) == 0 || slices.Contains(c.Providers, billing)) && (len(c.Codes) == 0 || c.Codes.Has(l.Code)) && l.From.Within(c.From, c.Until) {
			return c
		}
	}
	return nil
}

// Limits are what one member and the whole family pay at most in a benefit
// period, which is the calendar year of the service.
type Limits struct {
	Individual, Family Cents
}

// A Service is a kind of service with cost sharing of its own.
type Service struct {
	Name             string
	Codes            CodeSet
	Copay            Cents
	DeductibleWaived bool
	Coinsurance      *Rate // nil: the plan's
}

// AuthorizationRules say what has to be asked for first, and what the machine
// may approve.
type AuthorizationRules struct {
	Required      CodeSet
	ApproveByRule []RuleApproval
}

// A RuleApproval lets the machine approve up to MaxUnits of a code.
type RuleApproval struct {
	Codes    CodeSet
	MaxUnits Quantity
}

// Ref names the edition by content.
func (p *Plan) Ref() EditionRef {
	return EditionRef{Name: p.Name, Edition: p.Edition, Digest: p.Digest}
}

// ServiceFor is the kind of service that a code belongs to, nil where the plan
// gives it no terms of its own.
func (p *Plan) ServiceFor(code string) *Service {
	for i := range p.Services {
		if p.Services[i].Codes.Has(code) {
			return &p.Services[i]
		}
	}
	return nil
}

// MayDeny says whether the plan lets the machine deny with a CARC. Clinical
// codes are refused here too, in case a Plan was not made by ParsePlan.
func (p *Plan) MayDeny(carc string) bool {
	return !IsClinical(carc) && slices.Contains(p.MachineDenials, carc)
}

// required says whether what a request asks for needs an authorization: a service
// by its code, days of a stay by a revenue code.
func (p *Plan) required(code string) bool {
	if StayCode(code) {
		return p.Hospital != nil && p.Hospital.Authorization != nil && (len(p.Hospital.Authorization.Revenue) == 0 || p.Hospital.Authorization.Revenue.Has(code))
	}
	return p.Authorization.Required.Has(code)
}

// approvedByRule finds the approval rule of what a request asks for.
func (p *Plan) approvedByRule(code string) *RuleApproval {
	if !StayCode(code) {
		return p.Authorization.byRule(code)
	}
	if days := p.Hospital.Authorization.ApproveDays; days > 0 {
		return &RuleApproval{MaxUnits: Quantity(days) * 1000}
	}
	return nil
}

// byRule finds the approval rule of a code.
func (r AuthorizationRules) byRule(code string) *RuleApproval {
	for i := range r.ApproveByRule {
		if r.ApproveByRule[i].Codes.Has(code) {
			return &r.ApproveByRule[i]
		}
	}
	return nil
}

// PeriodOf is the benefit period of a day of service: its calendar year.
func PeriodOf(day credentials.Date) string {
	if len(day) < 4 {
		return ""
	}
	return string(day[:4])
}
