package books

import (
	"errors"

	"github.com/countersign-health/countersign/credentials"
)

// ErrPlaceTaken says that another decision has the place in the status lists
// that a new one was to stand at. Signed again, it gets another.
var ErrPlaceTaken = errors.New("another decision has this place in the status lists")

// A StatusPlace is where a decision stands in the insurer's status lists of a
// number: a place for each of credentials.DecisionPurposes. List is 0 for
// documents that stand in none.
type StatusPlace struct {
	List int64
	At   [2]int
}

// A ToSign is what the books say to whoever signs a decision: the one before it
// on the same submission, zero where it is the first, and a free place.
type ToSign struct {
	Before credentials.Handle
	Place  StatusPlace
}

// A Followed is a place in the status lists of a decision that another one
// has followed, and which of credentials.DecisionMessages is said of it.
type Followed struct {
	At      [2]int
	Message int
}
