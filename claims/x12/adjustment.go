package x12

import (
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// Reasons of provider adjustments (PLB03-1) that this package writes by itself.
const (
	// ReasonForward is a balance that goes on to the payee's next payment, or
	// comes from an earlier one.
	ReasonForward = "FB"
	// ReasonInterest is what a law adds to a late payment.
	ReasonInterest = "L6"
	// ReasonRecovery is what was paid too much on a claim (section 1.10.2.17): below
	// zero where it is told and not taken yet, above where it is.
	ReasonRecovery = "WO"
	// ReasonReturn is what the payee has sent back by itself. It always stands beside
	// what it settles.
	ReasonReturn = "72"
)

// adjustmentReasons are those of the guide.
var adjustmentReasons = []string{
	"50", "51", "72", "90", "AH", "AM", "AP", "B2", "B3", "BD", "BN", "C5", "CR", "CS", "CT", "CV", "CW", "DM", "E3", "FB", "FC", "GO", "HM",
	"IP", "IR", "IS", "J1", "L3", "L6", "LE", "LS", "OA", "OB", "PI", "PL", "RA", "RE", "SL", "TL", "WO", "WU",
}

// A Balance is what claims taken back came to beyond what a payment could bear.
// It lowers the payee's next payment.
type Balance struct {
	Trace string // TRN02 of the payment that it comes from
	Owed  claims.Cents
}

// FiscalYear is the last day of the payee's fiscal year, of which a payer
// knows nothing: the guide has the calendar's instead.
func FiscalYear(on credentials.Date) credentials.Date {
	if len(on) < 4 {
		return ""
	}
	return on[:4] + "-12-31"
}

// AddInterest adds what a law adds to one payment: for the provider to see at
// the claim (AMT*I), and for the sum as an adjustment (PLB L6) that names the
// payer's number of the claim.
func (r *Remittance) AddInterest(payment int, interest claims.Cents) {
	p := &r.Payments[payment]
	p.Interest = interest
	r.adjust(ReasonInterest, p.Control, -interest)
}

// Defer leaves with the payee, for now, what a claim that is taken back would take
// from it: the guide's third way of recovery, by the payer's number of the claim.
func (r *Remittance) Defer(control string, amount claims.Cents) {
	r.adjust(ReasonRecovery, control, -amount)
}

// Recoup takes what was deferred, under the number of the claim that deferred it.
func (r *Remittance) Recoup(control string, amount claims.Cents) {
	r.adjust(ReasonRecovery, control, amount)
}

// Return acknowledges what the payee has sent back for a claim. Whatever it
// settles, a Recoup or a balance that is brought, is written by itself.
func (r *Remittance) Return(control string, amount claims.Cents) {
	r.adjust(ReasonReturn, control, -amount)
}

// Settle closes a remittance whose payments and adjustments are all there:
// brought is the balance that comes from an earlier one, and left what this one
// could not bear either (section 1.10.2.12). No payment is below nothing: the
// rest is forwarded under this remittance's own trace number.
func (r *Remittance) Settle(brought Balance) (left Balance) {
	if brought.Owed > 0 {
		r.adjust(ReasonForward, brought.Trace, brought.Owed)
	}
	if sum := r.Sum(); sum < 0 {
		r.adjust(ReasonForward, r.Trace, sum)
		left = Balance{r.Trace, -sum}
	}
	r.Total, r.Method = r.Sum(), "CHK"
	if r.Total == 0 {
		r.Method = "NON"
	}
	return left
}

// adjust adds a provider adjustment; a positive amount lowers the payment. One
// of nothing may not be written.
func (r *Remittance) adjust(reason, reference string, amount claims.Cents) {
	if amount == 0 {
		return
	}
	r.Adjustments = append(r.Adjustments, ProviderAdjustment{
		Provider: string(r.Payee.NPI), Year: FiscalYear(r.Date), Reason: reason, Reference: reference, Amount: amount,
	})
}

// providerAdjustments writes PLB, one segment each.
func (w *writer) providerAdjustments(as []ProviderAdjustment) {
	for _, a := range as {
		if !oneOf(w.need("the reason of an adjustment", a.Reason), adjustmentReasons...) {
			w.fail("the reason of an adjustment is not one of the guide's")
		}
		if a.Amount == 0 {
			w.fail("an adjustment of nothing may not be written")
		}
		if len(a.Reference) > 50 {
			w.fail("the reference of an adjustment is longer than 50 characters")
		}
		w.segment("PLB", w.need("the provider of an adjustment", a.Provider), w.date("the fiscal year of an adjustment", a.Year),
			composite{a.Reason, a.Reference}, a.Amount.String())
	}
}
