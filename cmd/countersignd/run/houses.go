package run

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"math"
	"net/http"
	"os"
	"time"

	"github.com/countersign-health/countersign/board"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/ledger/witness"
	"github.com/countersign-health/countersign/tracing"
	"github.com/countersign-health/countersign/worker"
)

func startWitness(ctx context.Context, p *process) (http.Handler, error) {
	c := p.config.Witness
	seed, err := c.KeyFile.Seed()
	if err != nil {
		return nil, fmt.Errorf("witness key: %w", err)
	}
	db, err := p.database(ctx, c.Database)
	if err != nil {
		return nil, err
	}
	var logs []witness.Log
	for _, l := range c.Logs {
		logs = append(logs, witness.Log{Origin: l.Origin, Keys: l.Keys})
	}
	w, err := witness.New(ctx, db, c.Name, ed25519.NewKeyFromSeed(seed), logs...)
	if err != nil {
		return nil, err
	}
	w.Log = p.log
	// The genesis names this key; whoever compares finds a mistake early.
	p.log.Info("witness", "key", w.Key())
	return w, p.joinBastion(ed25519.NewKeyFromSeed(seed))
}

// joinBastion has the door answer on a connection to the witness's bastion,
// too, where it has one.
func (p *process) joinBastion(key ed25519.PrivateKey) error {
	c := p.config.Witness.Bastion
	if c == nil {
		return nil
	}
	roots, err := authorities(c.CAFile)
	if err != nil {
		return fmt.Errorf("bastion: %w", err)
	}
	b := &witness.Bastion{Address: c.Address, Key: key, Roots: roots, Log: p.log, Handler: tracing.Handler(p.traces, p.metrics.count(p.doorHandler()))}
	p.log.Info("bastion", "url", "https://"+c.Address+b.Path())
	p.metrics.gauge("witness_bastion", "1 while the bastion has the witness connected.", nil, func() float64 {
		if b.Connected() {
			return 1
		}
		return 0
	})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { b.Run(ctx); close(ended) }()
	p.onClose(func() { stop(); <-ended })
	return nil
}

// noQuorum is how long entries may wait for the witnesses before the ledger
// says that it is not ready.
const noQuorum = 20 * time.Second

func startLedger(ctx context.Context, p *process) (http.Handler, error) {
	c := p.config.Ledger
	seed, err := c.LogKeyFile.Seed()
	if err != nil {
		return nil, fmt.Errorf("log key: %w", err)
	}
	leaf, err := os.ReadFile(string(c.Genesis))
	if err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	genesis, err := ledger.ParseGenesis(leaf)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Genesis, err)
	}
	key, _, err := operator.NewKey(genesis.Origin, ed25519.NewKeyFromSeed(seed))
	if err != nil {
		return nil, err
	}
	db, err := p.database(ctx, c.Database)
	if err != nil {
		return nil, err
	}
	urls := map[string]string{}
	for _, w := range c.Witnesses {
		urls[w.Name] = w.URL
	}
	log, err := operator.Open(ctx, operator.Config{DB: db, Genesis: leaf, Key: key, Witnesses: urls, Logger: p.log})
	if err != nil {
		return nil, err
	}
	p.onClose(log.Close)
	p.watchLedger(log)
	return log.Handler(), nil
}

func (p *process) watchLedger(log *operator.Log) {
	size := func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), probeWithin)
		defer cancel()
		n, err := log.Size(ctx)
		return orNaN(float64(n), err)
	}
	p.metrics.gauge("ledger_size", "Entries that have an index.", nil, size)
	p.metrics.gauge("ledger_final_size", "Entries that a quorum has countersigned.", nil, func() float64 { return float64(log.FinalSize()) })
	p.state.probe("ledger", func(context.Context) error { return log.Halted() })
	var waits stuck
	p.state.probe("witnesses", func(ctx context.Context) error {
		n, err := log.Size(ctx)
		if err != nil {
			return err
		}
		final := log.FinalSize()
		if long := waits.observe(final < n); final == 0 || long > noQuorum {
			return fmt.Errorf("no quorum yet for %d of %d entries", n-final, n)
		}
		return nil
	})
}

func startBoard(ctx context.Context, p *process) (http.Handler, error) {
	c := p.config.Board
	s, err := signer(c.Key)
	if err != nil {
		return nil, err
	}
	db, err := p.database(ctx, c.Database)
	if err != nil {
		return nil, err
	}
	line, err := p.ledgerLine(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.admitted(ctx, line, s, ledger.RoleBoard); err != nil {
		return nil, err
	}
	b, err := board.Open(ctx, db, s, p.timed(line), board.Options{
		PartyKeys:    line.PartyKeys,
		Jurisdiction: c.Jurisdiction, URL: c.URL, Clerks: c.Clerks, CheckNPI: !c.SkipNPICheckDigit, Proofs: func(ctx context.Context) map[string][]byte { return line.Proofs(ctx) }, Log: p.log,
	})
	if err != nil {
		return nil, err
	}
	p.onClose(b.Close)
	p.metrics.gauge("outbox_length", "Documents that wait for their receipt.", nil, counts(b.Waiting))
	p.log.Info("board", "did", string(b.DID()), "web", string(b.Web()))
	return b.Handler(), nil
}

// ownDocuments are a board's licenses and orders on the ledger.
func ownDocuments(line *worker.LedgerLine, s credentials.Signer) func(context.Context, int64) ([]board.Recorded, error) {
	return func(ctx context.Context, from int64) (all []board.Recorded, err error) {
		did, err := credentials.SignerDID(s)
		if err != nil {
			return nil, err
		}
		own, _, err := line.Own(ctx, did, from)
		for _, e := range own {
			if e.Kind == ledger.KindLicense.String() || e.Kind == ledger.KindBoardOrder.String() {
				all = append(all, board.Recorded{Document: e.Document, Index: e.Index})
			}
		}
		return all, err
	}
}

func counts(count func(context.Context) (int64, error)) func() float64 {
	return func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), probeWithin)
		defer cancel()
		n, err := count(ctx)
		return orNaN(float64(n), err)
	}
}

func orNaN(x float64, err error) float64 {
	if err != nil {
		return math.NaN()
	}
	return x
}
