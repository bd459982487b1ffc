package books

import (
	"errors"
	"time"

	"github.com/countersign-health/countersign/claims"
)

var (
	// ErrNotWaiting says that nobody waits for a word on a submission: it is not
	// pended on that decision, nor open again and waiting.
	ErrNotWaiting = errors.New("it does not wait on that decision")
	// ErrLetters says that one side has sent as many letters on a decision as it may.
	ErrLetters = errors.New("too many letters on one decision")
)

// A LetterFile is a letter as it was signed, its documents named. They are in
// the token alone.
type LetterFile struct {
	claims.Letter
	FromReviewer bool
	Sent         time.Time
	Token        string
}
