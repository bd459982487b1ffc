package vcalm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
)

// readAgain bounds how long a participant's handed-over key goes unnoticed, and
// how often strangers can have the proofs read.
const readAgain = 10 * time.Second

// Participants are those of a house's own ledger, read from the proofs that it
// hands out: for a house that has no line of its own to ask.
type Participants struct {
	Proofs func(ctx context.Context) map[string][]byte

	mu       sync.Mutex
	read     time.Time
	registry *ledger.Registry
}

// Whose names the participant that signs, or has signed, with a key.
func (p *Participants) Whose(kid string) (credentials.Key, ledger.Party, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.registry == nil || time.Since(p.read) > readAgain {
		if err := p.load(); err != nil && p.registry == nil {
			return credentials.Key{}, ledger.Party{}, fmt.Errorf("read participants: %w", err)
		}
		p.read = time.Now()
	}
	return p.registry.Key(kid)
}

func (p *Participants) load() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	files := dossier.Files(p.Proofs(ctx))
	leaf := files[dossier.GenesisFile]
	if leaf == nil {
		return errors.New("leaf 0 of the ledger is not at hand")
	}
	g, err := ledger.ParseGenesis(leaf)
	if err != nil {
		return err
	}
	// It is the house's own ledger: nobody else has to be believed.
	registry, _, err := files.Ledger(ledger.Trust{Origin: g.Origin, Genesis: credentials.DigestOf(leaf)})
	if err == nil {
		p.registry = registry
	}
	return err
}
