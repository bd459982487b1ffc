package dossier

import (
	"cmp"
	"slices"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// A Told is a decision on a claim that passed every check, with what the
// dossier holds about it.
type Told struct {
	Handle   credentials.Handle // of the signed decision
	Index    int64              // its place on the ledger
	Claim    *claims.Claim
	Decision *claims.Decision
	Created  credentials.Date // of the claim, as its sender says
	Received credentials.Date // by the insurer, as its evidence has it
	Decided  time.Time        // when it was signed
	Payment  *Payment         // nil where no remittance in the dossier has it
	// TakenBackBy is the claim whose decision takes this one back, zero where none
	// in the dossier does.
	TakenBackBy credentials.Handle
}

// A Payment is where in a remittance a decision stands.
type Payment struct {
	File  string // its name in the dossier
	Trace string // TRN02, the payment's number
	On    credentials.Date
	// Interest is what the payment adds because it is late.
	Interest claims.Cents

	control string // the payer's number for the claim
	index   int64  // of the remittance on the ledger
	set     string // trace number of the transaction set
	place   int    // in the set
}

// ClaimDecisions verifies a dossier, as Verify does, and lists the last decision
// on each claim, in the order of the ledger. Where anything failed it lists none.
func ClaimDecisions(files Files, trust *ledger.Trust, progress func(done, total int)) (*Report, []Told) {
	v := verify(files, trust, progress)
	if !v.report.OK() {
		return v.report, nil
	}
	takenBackBy := map[credentials.Handle]credentials.Handle{}
	for _, d := range v.decisions {
		if r := d.subject.Decision.Reversal; r != nil {
			takenBackBy[r.Document] = d.subject.Decision.Submission
		}
	}
	var all []Told
	for h, d := range v.decisions {
		doc := &d.subject
		if v.numbered[turn{doc.Decision.Submission, doc.Decision.Number + 1}] != "" {
			continue
		}
		all = append(all, Told{
			Handle: h, Index: int64(d.entry.proof.Index), Claim: &v.submissions[doc.Decision.Submission].subject.Claim, Decision: &doc.Decision,
			Created: v.submissions[doc.Decision.Submission].subject.Source.Created, Received: v.evidence[h].Received, Decided: d.from, Payment: cmp.Or(v.paid[h], v.takenBack[h]), TakenBackBy: takenBackBy[h],
		})
	}
	slices.SortFunc(all, func(a, b Told) int { return cmp.Compare(a.Index, b.Index) })
	return v.report, all
}
