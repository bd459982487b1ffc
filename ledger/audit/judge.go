package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"

	"github.com/countersign-health/countersign/ledger"
)

// A Judge says what a signed checkpoint commits to, and from when it counts as
// known, which may be zero. What does not count is an error. Policy.Final is
// one.
type Judge func(signed []byte) (ledger.Checkpoint, time.Time, error)

// LogKey judges checkpoints by the key of their log alone, given as a verifier
// key of c2sp.org/signed-note: it is for logs that have no policy of ours.
func LogKey(vkey string) (Judge, error) {
	v, err := note.NewVerifier(strings.TrimSpace(vkey))
	if err != nil {
		return nil, fmt.Errorf("log key: %w", err)
	}
	return func(signed []byte) (c ledger.Checkpoint, _ time.Time, err error) {
		n, err := note.Open(signed, note.VerifierList(v))
		if err != nil {
			return c, time.Time{}, fmt.Errorf("checkpoint: %w", err)
		}
		t, err := torchwood.ParseCheckpoint(n.Text)
		if err == nil && t.Origin != v.Name() {
			err = fmt.Errorf("is of %q, want %q", t.Origin, v.Name())
		}
		if err != nil {
			return c, time.Time{}, fmt.Errorf("checkpoint: %w", err)
		}
		return ledger.Checkpoint{Origin: t.Origin, Size: t.N, Root: t.Hash}, time.Time{}, nil
	}, nil
}

// ErrPinned is wrapped where leaf 0 of a log is not the one that a Trust pins.
var ErrPinned = errors.New("the log is not the trusted one")

// Genesis finds the pinned leaf 0 in a log, so that nothing but a Trust and the
// log is needed to know whose checkpoints count.
func Genesis(ctx context.Context, src Source, t ledger.Trust) (*ledger.Genesis, error) {
	signed, err := readCheckpoint(ctx, src)
	if err != nil {
		return nil, err
	}
	// Nothing vouches for the size yet; it only says under which name leaf 0 is.
	text, _, _ := strings.Cut(string(signed), "\n\n")
	c, err := torchwood.ParseCheckpoint(text + "\n")
	if err != nil || c.N == 0 {
		return nil, damaged("checkpoint", "it is none, or of an empty log")
	}
	leaves, _, p := readBundle(ctx, src, 0, int(min(c.N, tileWidth)))
	if p != nil {
		return nil, p
	}
	g, err := t.Check(leaves[0])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPinned, damagedEntry(pathOf(-1, 0, int(min(c.N, tileWidth))), 0, err.Error()))
	}
	return g, nil
}

func readCheckpoint(ctx context.Context, src Source) ([]byte, error) {
	b, err := src.Read(ctx, "checkpoint")
	if err != nil {
		return nil, unread("checkpoint", err)
	}
	return b, nil
}

// Signed is the judge of a log that needs nobody but itself.
func (j Judge) Signed(signed []byte) (ledger.Checkpoint, []string, error) {
	c, _, err := j(signed)
	return c, nil, err
}
