package claims

import (
	"errors"
	"fmt"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// EstimateNotice stands in every estimate, for whoever is shown one.
const EstimateNotice = "This is an estimate and no decision. Nothing is owed or paid by it: a decision is made once the claim has been received, on what is known then."

// EstimateLife is for how long an insurer stands by an estimate as what the claim
// would have come to: accumulators and standings move.
const EstimateLife = 24 * time.Hour

// A ClaimEstimate is the subject of a signed estimate: what a claim would have
// come to, had it been received on that day. It answers a question that the
// hospital signed, a Submission under credentials.KindEstimateRequest, and names
// it by its digest. It stands on no ledger and in no books.
type ClaimEstimate struct {
	Handle     credentials.Handle `json:"handle"`
	Salt       credentials.Handle `json:"salt"`
	Notice     string             `json:"notice"`
	Submission credentials.Digest `json:"submission"` // of the question as it was signed
	Estimate   Estimate           `json:"estimate"`
}

// An Estimate is what a Decision on the claim would say, without what one moves:
// no accumulators, and no units drawn.
type Estimate struct {
	Submission credentials.Handle `json:"submission"` // of the question
	Claim      string             `json:"claim"`      // CLM01
	Received   credentials.Date   `json:"received"`   // as if on this day
	Outcome    Outcome            `json:"outcome"`
	Rules      string             `json:"rules"`
	Plan       EditionRef         `json:"plan"`
	Fees       EditionRef         `json:"fees"`
	// ExclusionList is the edition that was asked, where the plan names one.
	ExclusionList *EditionRef    `json:"exclusionList,omitempty"`
	Charge        Cents          `json:"charge"`
	Allowed       Cents          `json:"allowed"`
	Paid          Cents          `json:"paid"`
	Patient       Cents          `json:"patient"`
	Lines         []LineDecision `json:"lines"`
	Pends         []Pend         `json:"pends,omitempty"`
}

// EstimateOf is what the rules made of a claim, as an estimate.
func EstimateOf(d *Decision, received credentials.Date) Estimate {
	return Estimate{
		Submission: d.Submission, Claim: d.Claim, Received: received, Outcome: d.Outcome, Rules: d.Rules, Plan: d.Plan, Fees: d.Fees, ExclusionList: d.ExclusionList,
		Charge: d.Charge, Allowed: d.Allowed, Paid: d.Paid, Patient: d.Patient, Lines: d.Lines, Pends: d.Pends,
	}
}

// Answers says why an estimate does not answer a question about a claim, signed
// under this digest, or does not balance.
func (e *ClaimEstimate) Answers(s *Submission, question credentials.Digest) error {
	switch est := &e.Estimate; {
	case e.Submission != question || est.Submission != s.Handle:
		return errors.New("it answers another question")
	case e.Notice != EstimateNotice:
		return errors.New("it does not say that it is no decision")
	case est.Claim != s.Claim.Number || est.Charge != s.Claim.Charge || len(est.Lines) != len(s.Claim.Lines):
		return errors.New("it is about another claim")
	}
	var allowed, paid, patient Cents
	for i := range e.Estimate.Lines {
		l := &e.Estimate.Lines[i]
		if asked := &s.Claim.Lines[i]; l.Line != asked.Number || l.Charge != asked.Charge {
			return fmt.Errorf("its line %d is not the claim's", l.Line)
		}
		if err := l.balance(); err != nil {
			return fmt.Errorf("line %d does not balance: %w", l.Line, err)
		}
		allowed, paid, patient = allowed+l.Allowed, paid+l.Paid, patient+l.Patient
	}
	if est := &e.Estimate; allowed != est.Allowed || paid != est.Paid || patient != est.Patient {
		return errors.New("its amounts are not the sums of its lines'")
	}
	return nil
}
