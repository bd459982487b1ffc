package x12

import (
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A Remittance is one 835 transaction set: one payment, or notice of none, from
// a payer to a payee, and the claims that it settles.
type Remittance struct {
	Payer    Payer
	Payee    claims.Provider
	Trace    string           // TRN02, the payment's number
	Total    claims.Cents     // BPR02
	Method   string           // BPR04: CHK, or NON where nothing is paid; ACH is read only
	Date     credentials.Date // BPR16, of the payment
	Produced credentials.Date // DTM*405
	Payments []Payment
	// Adjustments are the payee's own, not of any claim (PLB). A positive
	// amount lowers the payment.
	Adjustments []ProviderAdjustment
	// Notes tell what was read although it is not as it should be.
	Notes []Note
}

// A Payer is who pays (loop 1000A). The guide wants its address and a number
// that a technician answers.
type Payer struct {
	Name    string
	ID      string // REF*2U, as claims address it
	TaxID   string // nine digits, for TRN03
	Address claims.Address
	Contact string // PER*BL
	Phone   string
}

// A Payment is what became of one claim (loop 2100).
type Payment struct {
	Number    string       // CLP01: the provider's claim number
	Status    string       // CLP02: 1 paid as primary, 4 denied, 22 reversed
	Charge    claims.Cents // CLP03
	Paid      claims.Cents // CLP04
	Patient   claims.Cents // CLP05: what the patient owes
	Filing    string       // CLP06: 12 is a PPO
	Control   string       // CLP07: the payer's claim number
	Place     string       // CLP08
	Frequency string       // CLP09
	// Original is the payer's number of the claim that this one corrects, where
	// it is another than its own (REF*F8).
	Original string
	// Interest is what a law adds because it is paid late (AMT*I). It tells; the
	// sum has it as a provider adjustment.
	Interest claims.Cents
	// Of an institutional claim, the days of its statement (DTM*232 and 233), and of
	// a stay, which has MIA in place of MOA, its covered days (QTY*CA).
	From, Through credentials.Date
	Inpatient     bool
	Days          int
	// Person is the patient; Subscriber is set where that is somebody else.
	Person     claims.Person
	Subscriber *claims.Person
	Rendering  *claims.Provider
	// Adjustments of the claim as a whole; each amount stands here or at a
	// line, never at both.
	Adjustments []claims.Adjustment
	Remarks     []string // RARCs of the claim (MOA)
	// Lines are empty on an institutional claim that was decided whole
	// (claims.Claim.DecidedWhole).
	Lines   []ServicePayment
	segment int
}

// A ServicePayment is what became of one line (loop 2110).
type ServicePayment struct {
	Code        string
	Modifiers   []string
	Charge      claims.Cents    // SVC02
	Paid        claims.Cents    // SVC03
	Units       claims.Quantity // SVC05: units paid
	Submitted   claims.Quantity // SVC07: units charged, where they differ
	From, To    credentials.Date
	Adjustments []claims.Adjustment
	// Revenue code of an institutional line; its procedure may be empty.
	Revenue string
	Control string // REF*6R, the line's own number
	// Rendering is set where somebody else than the claim's renders (REF*HPI).
	Rendering credentials.NPI
	Allowed   claims.Cents // AMT*B6
	Remarks   []string     // RARCs (LQ*HE)
	segment   int
}

// A ProviderAdjustment changes the payment without being about a claim (PLB).
type ProviderAdjustment struct {
	Provider  string           // the payee's NPI
	Year      credentials.Date // last day of its fiscal year
	Reason    string           // "WO", "L6", …
	Reference string
	Amount    claims.Cents
}

// Claim statuses (CLP02) that this package writes.
const (
	statusPaid   = "1"
	statusDenied = "4"
	// StatusReversed takes back what an earlier remittance has told of the claim.
	StatusReversed = "22"
)

const filingPPO = "12"

// PaymentOf tells a payee of a decision. Control is the payer's own number for
// the claim (CLP07). A pended claim is not told on an 835.
func PaymentOf(c *claims.Claim, d *claims.Decision, control string) (Payment, error) {
	p := told(c, control)
	p.Status, p.Charge, p.Paid, p.Patient = statusPaid, d.Charge, d.Paid, d.Patient
	switch {
	case d.Outcome == claims.Denied:
		p.Status = statusDenied
	case d.Outcome != claims.Paid:
		return Payment{}, fmt.Errorf("remit claim: its decision is %q, neither paid nor denied", d.Outcome)
	}
	if d.Claim != c.Number || len(d.Lines) != len(c.Lines) {
		return Payment{}, errors.New("remit claim: the decision is about another claim")
	}
	return p, p.tell(c, d.Lines, d.Whole)
}

// told is what a payment says of its claim, whatever became of it.
func told(c *claims.Claim, control string) Payment {
	p := Payment{
		Number: c.Number, Filing: filingPPO, Control: control, Place: c.Place, Frequency: string(c.Frequency),
		Person: *c.PatientPerson(), Rendering: c.Rendering,
	}
	if c.Patient != nil {
		subscriber := c.Subscriber
		p.Subscriber = &subscriber
	}
	p.stay(c)
	return p
}

// services tells every line of a claim, in the claim's order.
func services(c *claims.Claim, decided []claims.LineDecision) (all []ServicePayment, err error) {
	for i := range c.Lines {
		line, err := serviceOf(&c.Lines[i], decided)
		if err != nil {
			return nil, err
		}
		all = append(all, line)
	}
	return all, nil
}

func serviceOf(l *claims.Line, decided []claims.LineDecision) (ServicePayment, error) {
	for _, ld := range decided {
		if ld.Line != l.Number {
			continue
		}
		s := ServicePayment{
			Code: l.Code, Modifiers: l.Modifiers, Charge: ld.Charge, Paid: ld.Paid, Units: l.Units,
			From: l.From, To: l.To, Control: l.Control, Allowed: ld.Allowed, Revenue: l.Revenue,
		}
		if l.Rendering != nil {
			s.Rendering = l.Rendering.NPI
		}
		switch ld.Outcome {
		case claims.Paid:
		case claims.Denied:
			s.Units, s.Submitted = 0, l.Units
		default:
			return s, fmt.Errorf("remit claim: line %d is %q, neither paid nor denied", l.Number, ld.Outcome)
		}
		for _, a := range ld.Adjustments {
			if a.RARC != "" && !oneOf(a.RARC, s.Remarks...) {
				s.Remarks = append(s.Remarks, a.RARC)
			}
			if a.Amount != 0 {
				s.Adjustments = append(s.Adjustments, claims.Adjustment{Group: a.Group, CARC: a.CARC, Amount: a.Amount})
			}
		}
		return s, nil
	}
	return ServicePayment{}, fmt.Errorf("remit claim: the decision says nothing about line %d", l.Number)
}

// Sum is what the payment has to be: all claims' payments, less what the
// payee's own adjustments take.
func (r *Remittance) Sum() claims.Cents {
	var sum claims.Cents
	for i := range r.Payments {
		sum += r.Payments[i].Paid
	}
	for _, a := range r.Adjustments {
		sum -= a.Amount
	}
	return sum
}
