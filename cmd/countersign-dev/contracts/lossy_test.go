package contracts

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/worker"
)

var errLost = errors.New("the connection broke after the commit")

// losses remembers which replies were lost: the first to each call with the
// same arguments that counts.
type losses struct {
	mu   sync.Mutex
	seen map[string]bool
	of   map[string]int
}

func newLosses() *losses { return &losses{seen: map[string]bool{}, of: map[string]int{}} }

// reply loses the first reply of each method about each thing, where the call
// itself went well.
func (l *losses) reply(method string, about any, err error) error {
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := fmt.Sprint(method, " ", about)
	if l.seen[key] {
		return nil
	}
	l.seen[key] = true
	l.of[method]++
	return fmt.Errorf("%s: %w", method, errLost)
}

func (l *losses) count(method string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of[method]
}

// lossyBooks commit and then return an error, once for each thing that is
// written.
type lossyBooks struct {
	activities.Books
	*losses
}

func (b lossyBooks) ReceiveClaim(ctx context.Context, c books.NewClaim) (books.Received, error) {
	got, err := b.Books.ReceiveClaim(ctx, c)
	return got, b.reply("ReceiveClaim", c.Key, err)
}

func (b lossyBooks) ReceiveAuthorization(ctx context.Context, a books.NewAuthorization) (books.Received, error) {
	got, err := b.Books.ReceiveAuthorization(ctx, a)
	return got, b.reply("ReceiveAuthorization", a.Key, err)
}

func (b lossyBooks) SettleClaim(ctx context.Context, s books.Settlement) (books.Settled, error) {
	got, err := b.Books.SettleClaim(ctx, s)
	return got, b.reply("SettleClaim", s.Document, err)
}

func (b lossyBooks) SettleAuthorization(ctx context.Context, s books.Settlement) (books.Settled, error) {
	got, err := b.Books.SettleAuthorization(ctx, s)
	return got, b.reply("SettleAuthorization", s.Document, err)
}

func (b lossyBooks) KeepSigned(ctx context.Context, s books.Signed) (books.Signed, error) {
	got, err := b.Books.KeepSigned(ctx, s)
	return got, b.reply("KeepSigned", s.Key, err)
}

func (b lossyBooks) KeepReceipt(ctx context.Context, document credentials.Handle, index int64, receipt []byte) error {
	return b.reply("KeepReceipt", document, b.Books.KeepReceipt(ctx, document, index, receipt))
}

// lossyLedger does the same.
type lossyLedger struct {
	worker.Ledger
	*losses
}

func (l lossyLedger) Append(ctx context.Context, key string, e ledger.Entry) (int64, error) {
	index, err := l.Ledger.Append(ctx, key, e)
	return index, l.reply("Append", key, err)
}

func (l lossyLedger) AwaitFinal(ctx context.Context, index int64, e ledger.Entry) ([]byte, error) {
	receipt, err := l.Ledger.AwaitFinal(ctx, index, e)
	return receipt, l.reply("AwaitFinal", index, err)
}
