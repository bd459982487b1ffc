package operator

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store/sqldb"
)

// AppendUnchecked appends n entries without anyone's signature, to make large
// trees quickly.
func (l *Log) AppendUnchecked(ctx context.Context, n int) error {
	insurer := l.genesis.Founders[slices.IndexFunc(l.genesis.Founders, func(p ledger.Party) bool { return p.Role == ledger.RoleInsurer })]
	for first := 0; first < n; first += 4096 {
		var batch []*Submission
		for i := first; i < min(first+4096, n); i++ {
			name := fmt.Sprint("bulk ", i)
			d := credentials.DigestOf([]byte(name))
			batch = append(batch, newSubmission(d, ledger.Entry{Kind: ledger.KindClaimDecision, KeyID: insurer.Kid(), Subject: credentials.Handle(d)}, []byte(name)))
		}
		if _, err := l.appendBatch(ctx, batch, func([]result) {}); err != nil {
			return err
		}
	}
	l.poke()
	return nil
}

// Careful is how many batches are still to be looked up before they are
// inserted.
func (l *Log) Careful() int { return int(l.careful.Load()) }

// SetCareful sets it, to have a batch go one way or the other.
func (l *Log) SetCareful(n int) { l.careful.Store(int32(n)) }

// An Answer is what one submission of a batch is told.
type Answer struct {
	Index int64
	Err   error
}

// AppendTogether makes one batch of submissions, as the sequencer does with
// those that wait for it.
func (l *Log) AppendTogether(ctx context.Context, batch []*Submission) ([]Answer, error) {
	results, err := l.appendBatch(ctx, batch, func([]result) {})
	var answers []Answer
	for _, r := range results {
		answers = append(answers, Answer{r.index, r.err})
	}
	l.poke()
	return answers, err
}

// MoveTwice moves the ledger as two operators would who both believe that they
// hold the lock: the second still has the size from before.
func (l *Log) MoveTwice(ctx context.Context) error {
	return l.db.TxLocked(ctx, func(tx *sqldb.Tx) error {
		size, e, err := lockState(tx, l.policy.Origin)
		if err == nil {
			err = moveState(tx, l.policy.Origin, size, size+1, e.push(size, leafHash(nil)))
		}
		if err != nil {
			return err
		}
		return moveState(tx, l.policy.Origin, size, size+1, e.push(size, leafHash(nil)))
	})
}

// Against is how many witnesses speak against the database.
func (l *Log) Against() int {
	l.halted.mu.Lock()
	defer l.halted.mu.Unlock()
	return len(l.halted.against)
}

// ErrAhead and ErrForked are why a log halts.
var (
	ErrAhead  = errAhead
	ErrForked = errForked
)

// AppendRandom appends n entries as large as those of life, with random bytes
// for keys, subjects, documents and signatures.
func (l *Log) AppendRandom(ctx context.Context, n int) error {
	insurer := l.genesis.Founders[slices.IndexFunc(l.genesis.Founders, func(p ledger.Party) bool { return p.Role == ledger.RoleInsurer })]
	for ; n > 0; n -= maxBatch {
		batch := make([]*Submission, min(n, maxBatch))
		for i := range batch {
			e := ledger.Entry{Kind: ledger.KindClaimDecision, KeyID: insurer.Kid(), Effective: time.Unix(1e9, 0)}
			var key credentials.Digest
			for _, b := range [][]byte{key[:], e.Subject[:], e.Document[:], e.Signature[:]} {
				rand.Read(b)
			}
			batch[i] = newSubmission(key, e, e.Marshal())
		}
		if _, err := l.appendBatch(ctx, batch, func([]result) {}); err != nil {
			return err
		}
	}
	return nil
}

// AppendBehind is AppendTogether of what came in one request.
func (l *Log) AppendBehind(ctx context.Context, batch []*Submission) ([]Answer, error) {
	for i := range batch[1:] {
		batch[i+1].behind = batch[i]
	}
	return l.AppendTogether(ctx, batch)
}
