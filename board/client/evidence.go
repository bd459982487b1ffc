package client

import (
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/credentials"
)

// A Refusal is an answer that sending again will not change.
type Refusal struct {
	Status  int
	Message string
}

func (r *Refusal) Error() string { return "the board refused: " + r.Message }

// ErrEvidence marks an answer that does not hold: a signature, an issuer, an
// order of events. It is no trouble of the network. Keep the answer; it may
// prove that the board, or who stands between, lies.
var ErrEvidence = errors.New("the board's answer does not hold")

// evidence marks what a check found. Where the board's key could not be looked
// up, nothing was checked, and so nothing is marked.
func evidence(err error) error {
	var unknown *unresolved
	if err == nil || errors.As(err, &unknown) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrEvidence, err)
}

// unresolved is a look-up of the board's own key that failed.
type unresolved struct{ error }

func (u *unresolved) Unwrap() error { return u.error }

// boardKeys looks up keys of the board and of nobody else: a stranger's key id
// in an answer is refused unresolved.
func boardKeys(board credentials.DID, keys credentials.ResolveKey) credentials.ResolveKey {
	return func(kid string) (credentials.Key, error) {
		if d, _, err := credentials.ParseKeyID(kid); err != nil {
			return credentials.Key{}, credentials.Refuse(credentials.CheckKey, "%w", err)
		} else if d != board {
			return credentials.Key{}, credentials.Refuse(credentials.CheckKey, "it is not this board's key")
		}
		pub, err := keys(kid)
		if err != nil {
			return credentials.Key{}, &unresolved{err}
		}
		return pub, nil
	}
}
