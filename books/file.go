package books

import (
	"slices"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A ClaimFile is all that the books hold for deciding one claim, read in one
// transaction, with the fences that guard it.
type ClaimFile struct {
	// Wait: an earlier claim of the same family has had no decision yet.
	Wait       bool
	Submission claims.Submission
	Number     int // of the next decision
	Received   credentials.Date
	Plan, Fees Edition
	// Exclusions is the newest edition of the list that the plan names, nil where it
	// names none or none is published.
	Exclusions   *Edition
	Member       claims.MemberFact
	Accumulators []claims.Accumulators
	Lines        []ClaimLineFile // as in the claim
	// Stay is the authorization that the claim names for its days; nil where it is for
	// no stay, or names none.
	Stay   *claims.AuthorizationFact
	Review *claims.Determination
	Before *claims.Decision // the latest decision
	// Original is the decision that this one is to take back, where it still stands;
	// all else in the file is as though it had never been.
	Original *claims.OriginalFact
	// Reopened: the claim was decided, and is open again.
	Reopened bool
	// Appeals are the answers that have set denials aside, oldest first.
	Appeals    []claims.Determination
	Signatures []SignatureFile
	// History is what was paid for the patient on earlier claims, as far back as
	// any rule looks, by day of service.
	History []PaidLine
	Fences  []Fence
}

// A ClaimLineFile is what the books hold for one line.
type ClaimLineFile struct {
	Practitioner  Practitioner
	Key           claims.LineKey
	Earlier       []claims.LineKey // of the same code and day, paid or still open
	Authorization *claims.AuthorizationFact
	// Recorded is the day on which coverage of the line's first day was written
	// down; empty where nobody knows.
	Recorded credentials.Date
}

// A PaidLine is a service that was paid for the patient on an earlier claim.
type PaidLine struct {
	NPI       credentials.NPI
	On        credentials.Date
	Code      string
	Revenue   string // of a hospital's line; what the hospital charges is no clinician's service
	Modifiers []string
	Units     claims.Quantity
}

// An AuthorizationFile is all that the books hold for deciding one
// prior-authorization request.
type AuthorizationFile struct {
	Submission   claims.AuthorizationSubmission
	Number       int
	Received     credentials.Date
	Plan         Edition
	Member       claims.MemberFact
	Practitioner Practitioner
	Review       *claims.Determination
	Reviewer     *Practitioner // where the determination names an NPI
	Before       *claims.AuthorizationDecision
	Signatures   []SignatureFile
	Fences       []Fence
}

// A SignatureFile is a clinician's signature with what the books hold about the
// license that it names, nil where they never heard of it, and about its holder.
type SignatureFile struct {
	Signature
	License      *credentials.License
	Practitioner Practitioner
}

// A Practitioner is what the books hold about who renders a service in one
// state: the licenses and orders of that state's board, and how far and until
// when its feed has been read. Where no board of the state is followed, the
// feed was never read, and its silence proves nothing.
type Practitioner struct {
	NPI      credentials.NPI
	State    string
	Rostered bool
	Licenses []credentials.License
	Orders   []credentials.Order
	// Doubted are the licenses of which the board said something with a key that
	// was not its own there. Such words are not among Licenses and Orders.
	Doubted  []credentials.Handle
	Feed     int64
	FeedRead time.Time
}

// Standing answers for a day; sure says whether all that the board said is known
// to be the board's. A license about which something is in doubt counts as one
// about which nothing was heard for too long: it cannot prove that nothing
// happened. Another license of the clinician is enough to go on, if all that is
// known agrees; and nobody is denied for want of one that is in doubt.
func (p *Practitioner) Standing(on credentials.Date, fresh bool) (s credentials.Standing, by *credentials.Order, sure bool) {
	s, by = credentials.StandingBy(p.Licenses, p.Orders, p.State, on, fresh)
	if len(p.Doubted) == 0 || !fresh {
		return s, by, fresh
	}
	var clear []credentials.License
	for _, l := range p.Licenses {
		if !slices.Contains(p.Doubted, l.Handle) {
			clear = append(clear, l)
		}
	}
	if c := credentials.StandingOn(clear, p.Orders, p.State, on, true); c == s && c.Answer.Certain() && c.Answer != credentials.MayNot {
		return s, by, true
	}
	s, by = credentials.StandingBy(p.Licenses, p.Orders, p.State, on, false)
	return s, by, false
}
