package books

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// DecisionEvent is the insurer's name on the ledger for a decision: by the
// submission that it answers and its number, not by its own handle. So the
// ledger refuses a second decision under a number that was given, even from
// books that have forgotten the first. A submission's handle is random: nobody
// finds an entry by it who was not told the handle.
func DecisionEvent(submission credentials.Handle, number int) string {
	return fmt.Sprintf("decision/%s/%d", submission, number)
}

// RemittanceEvent is the insurer's name on the ledger for its nth remittance:
// books that have forgotten a payment run cannot give its numbers again.
func RemittanceEvent(number int) string { return fmt.Sprintf("remittance/%d", number) }

// An OwnEntry is an entry that this insurer has put on the ledger.
type OwnEntry struct {
	Document  credentials.Handle // its subject
	Kind      string             // "claim-decision", as the ledger calls it
	Index     int64
	Effective time.Time
	Digest    credentials.Digest // of the document's signing input, or of the file
	Entry     []byte             // the leaf
}

// A LostEntry is one whose document nobody could bring back, and which a
// person has given up. Submission and Number say what it decided, where the
// ledger could tell; Number alone is a remittance's.
type LostEntry struct {
	OwnEntry
	Submission credentials.Handle
	Number     int
	GivenUp    time.Time
}

// A Restored is a decision that the ledger holds and the books lacked, with
// its receipt. Matches is what its evidence says of the member.
type Restored struct {
	Own     OwnEntry
	Signed  Signed
	Matches bool
	Receipt []byte
}

// A RestoredPayment is one payment of a remittance that the books lacked.
type RestoredPayment struct {
	Control string
	Paid    int64 // cents
	// Reversed: it takes back what was paid on the claim before.
	Reversed bool
}

// A BehindError says that the ledger holds entries of this insurer that its
// books do not: they were restored from before these entries, or somebody else
// has its key. Whoever went on would decide and pay a second time.
type BehindError struct{ Missing []OwnEntry }

func (e *BehindError) Error() string {
	count := map[string]int{}
	var kinds []string
	for _, m := range e.Missing {
		if count[m.Kind]++; count[m.Kind] == 1 {
			kinds = append(kinds, m.Kind)
		}
	}
	slices.Sort(kinds)
	for i, k := range kinds {
		kinds[i] = fmt.Sprintf("%d %s", count[k], k)
	}
	return fmt.Sprintf("the ledger holds %d entries of this insurer that its books do not (%s; the first at %d): "+
		"if the books were restored from a backup, \"countersignd recover import\" brings the documents back; "+
		"until then nothing is decided or paid (docs/backup.md)", len(e.Missing), strings.Join(kinds, ", "), e.Missing[0].Index)
}

// What restored books answer. Bringing more documents may help; a retry does not.
var (
	// ErrDecisionLost says that the ledger holds a decision under this number
	// whose document was given up: no other can take its place.
	ErrDecisionLost = errors.New("the ledger holds a decision on this claim that was lost and given up: a person has to settle it, outside of Countersign")
	// ErrOutOfTurn says that the decision before this one is not in the books.
	ErrOutOfTurn = errors.New("the decision before it is missing too")
	// ErrOtherDecision says that the books hold another decision of that number.
	ErrOtherDecision = errors.New("the books hold another decision of this number: they went on after the restore; restore them again")
	// ErrOtherMember says that the patient is not in the books as the evidence has it.
	ErrOtherMember = errors.New("the books do not know its member as it was known when it was decided: enroll the members first")
	// ErrPaidElsewhere says that the books have a claim of it in another remittance.
	ErrPaidElsewhere = errors.New("the books have one of its claims in another remittance: they went on after the restore; restore them again")
	// ErrPaysUndecided says that a remittance pays a claim whose decision the books lack.
	ErrPaysUndecided = errors.New("it pays a claim whose final decision is missing too")
)
