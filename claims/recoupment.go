package claims

import "github.com/countersign-health/countersign/credentials"

// An Overpayment is what a payee still owes on a claim because a remittance told
// that it was paid too much and did not take it: the plan's edition gives notice
// first (recoupAfterDays).
type Overpayment struct {
	Control string // the insurer's number of the claim, under which it was told
	Owed    Cents
	From    credentials.Date // the first day of payment that may take it
	// Stayed: an appeal waits for its answer, or the claim is open again. Neither
	// a day nor a run takes anything then (42 CFR 405.379(d)).
	Stayed bool
}

// RecoupFrom is the first day on which an overpayment may be taken that a
// remittance of a day has told of, "" where the edition gives no notice and it is
// taken at once.
func (p *Plan) RecoupFrom(demanded credentials.Date) credentials.Date {
	if p.RecoupAfterDays == 0 {
		return ""
	}
	return demanded.AddDays(p.RecoupAfterDays)
}

// Unasked says whether the insurer takes a decision back that nobody asked it to:
// one on the very claim. What a replacement or a void takes back, its biller has
// asked for, and no notice is owed of it.
func (d *Decision) Unasked() bool { return d.Reversal != nil && d.Reversal.Submission == d.Submission }

// Due is what a payment of a day may take of what is owed, oldest first.
func (o *Overpayment) Due(on credentials.Date) Cents {
	if o.Stayed || on < o.From {
		return 0
	}
	return o.Owed
}
