package operator

import (
	"context"
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
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

// ErrAhead is why a log halts.
var ErrAhead = errAhead
