package books

import (
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A ClaimFile is all that the books hold for deciding one claim, read in one
// transaction, with the fences that guard it.
type ClaimFile struct {
	// Wait: an earlier claim of the same family has had no decision yet.
	Wait         bool
	Submission   claims.Submission
	Number       int // of the next decision
	Received     credentials.Date
	Plan, Fees   Edition
	Member       claims.MemberFact
	Accumulators []claims.Accumulators
	Lines        []ClaimLineFile // as in the claim
	Review       *claims.Determination
	Before       *claims.Decision // the latest decision
	Fences       []Fence
}

// A ClaimLineFile is what the books hold for one line.
type ClaimLineFile struct {
	Practitioner  Practitioner
	Duplicate     claims.Duplicate
	Authorization *claims.AuthorizationFact
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
	Fences       []Fence
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
	Feed     int64
	FeedRead time.Time
}
