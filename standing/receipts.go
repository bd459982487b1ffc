package standing

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
)

// Receipts reads when and where documents became known, by the ledger that a
// house stands on itself.
type Receipts struct {
	// Proofs hold leaf 0 by its place in a dossier.
	Proofs func(ctx context.Context) map[string][]byte

	mu     sync.Mutex
	policy *ledger.Policy
}

// Read verifies a receipt.
func (r *Receipts) Read(ctx context.Context, leaf, receipt []byte) (ledger.Proof, error) {
	policy, err := r.ledger(ctx)
	if err != nil {
		return ledger.Proof{}, err
	}
	parsed, err := ledger.ParseReceipt(receipt)
	if err != nil {
		return ledger.Proof{}, err
	}
	return parsed.Verify(policy, leaf)
}

// ledger is the policy of leaf 0, which never changes.
func (r *Receipts) ledger(ctx context.Context) (ledger.Policy, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.policy != nil {
		return *r.policy, nil
	}
	leaf := r.Proofs(ctx)[dossier.GenesisFile]
	if leaf == nil {
		return ledger.Policy{}, errors.New("leaf 0 of the ledger is not at hand")
	}
	g, err := ledger.ParseGenesis(leaf)
	if err != nil {
		return ledger.Policy{}, fmt.Errorf("leaf 0: %w", err)
	}
	policy, err := g.Policy()
	if err != nil {
		return ledger.Policy{}, fmt.Errorf("leaf 0: %w", err)
	}
	r.policy = &policy
	return policy, nil
}
