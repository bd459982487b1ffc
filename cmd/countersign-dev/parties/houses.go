package parties

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/countersign-health/countersign/board"
	boardclient "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/cmd/countersign-dev/temporalserver"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/worker"
)

// namespace of the insurer in Temporal.
const namespace = "insurer"

func (n *Network) ledgerLine(ctx context.Context) (*worker.LedgerLine, error) {
	g, err := ledger.ParseGenesis(n.Genesis)
	if err != nil {
		return nil, err
	}
	return worker.OpenLedger(ctx, n.LedgerURL, g)
}

func (n *Network) startBoards(ctx context.Context) error {
	for i, state := range n.Jurisdictions {
		name := Board
		if i > 0 {
			name = boardOf(state)
		}
		if err := n.startBoard(ctx, name, state); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// startBoard runs one board. The clerk of the demonstration serves them all.
func (n *Network) startBoard(ctx context.Context, name, state string) error {
	db, err := n.openDB(ctx, name, "register.db")
	if err != nil {
		return err
	}
	line, err := n.ledgerLine(ctx)
	if err != nil {
		return err
	}
	door, address, err := n.reserve(name)
	if err != nil {
		return err
	}
	b, err := board.Open(ctx, db, n.keys.party[name], line, board.Options{
		PartyKeys:    line.PartyKeys,
		Jurisdiction: state, URL: address, Clerks: []string{n.keys.party[Clerk].KeyID()},
		CheckNPI: !n.Edits.SkipNPICheckDigit, Proofs: func(ctx context.Context) map[string][]byte { return line.Proofs(ctx) }, Log: n.log.With("party", name),
	})
	if err != nil {
		return err
	}
	n.onStop(func() error { b.Close(); return nil })
	n.Boards[state] = BoardDoor{n.DIDs[name], address}
	return n.serveOn(door, b.Handler())
}

// DialTemporal connects to a Temporal frontend with the insurer's codec.
func (n *Network) DialTemporal(address string) (client.Client, error) {
	key := worker.Key{ID: "dev-1"}
	copy(key.Secret[:], n.keys.payload)
	codec, err := worker.NewCodec(key)
	if err != nil {
		return nil, err
	}
	o := client.Options{
		HostPort: address, Namespace: namespace, DataConverter: worker.DataConverter(codec), FailureConverter: worker.FailureConverter(codec),
		Logger: sdklog.NewStructuredLogger(slog.New(warnings{n.log.With("party", Insurer).Handler()})),
		// What we send is encrypted: nothing to compress.
		ConnectionOptions: client.ConnectionOptions{GrpcCompression: &client.GrpcCompressionNone{}},
	}
	if n.Traces != nil {
		o.Interceptors = append(o.Interceptors, worker.Tracing(n.Traces))
	}
	return client.Dial(o)
}

// warnings keeps the SDK's chatter out of the log.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (w warnings) WithAttrs(a []slog.Attr) slog.Handler         { return warnings{w.Handler.WithAttrs(a)} }
func (w warnings) WithGroup(name string) slog.Handler           { return warnings{w.Handler.WithGroup(name)} }

func (n *Network) startInsurer(ctx context.Context) error {
	if err := n.startTemporal(ctx); err != nil {
		return err
	}
	// Decisions name their status lists at the gateway, whose address has to be
	// known before the first of them is signed.
	door, address, err := n.reserve(Insurer)
	if err != nil {
		return err
	}
	n.GatewayURL = address
	if err := n.OpenHouse(ctx, n.TemporalAddress); err != nil {
		return err
	}
	if !n.WithoutWorker {
		if err := n.House.Start(); err != nil {
			return err
		}
		n.onStop(func() error { n.House.Stop(); return nil })
	}
	return n.serveOn(door, n.House.Handler())
}

func (n *Network) startTemporal(ctx context.Context) error {
	key := worker.Key{ID: "dev-1"}
	copy(key.Secret[:], n.keys.payload)
	codec, err := worker.NewCodec(key)
	if err != nil {
		return err
	}
	s, err := temporalserver.Start(ctx, temporalserver.Options{
		Dir: filepath.Join(n.Dir, Insurer, "temporal"), Namespace: namespace, UI: n.UI, Codec: codec,
	})
	if err != nil {
		return err
	}
	n.onStop(s.Stop)
	n.TemporalAddress = s.FrontendAddress
	if s.UIAddress != "" {
		n.UIURL = "http://" + s.UIAddress
	}
	return nil
}

// OpenHouse wires the insurer's house to a Temporal frontend, the board and
// the ledger, without starting it.
func (n *Network) OpenHouse(ctx context.Context, temporal string) error {
	db, err := n.openDB(ctx, Insurer, "books.db")
	if err != nil {
		return err
	}
	books, err := store.Open(ctx, db, n.keys.books, time.Now)
	if err != nil {
		return err
	}
	line, err := n.ledgerLine(ctx)
	if err != nil {
		return err
	}
	var recorder worker.Ledger = line
	if n.WrapLedger != nil {
		recorder = n.WrapLedger(line)
	}
	c, err := n.DialTemporal(temporal)
	if err != nil {
		return err
	}
	n.onStop(func() error { c.Close(); return nil })
	var feeds []*boardclient.Client
	for _, state := range n.Jurisdictions {
		b := n.Boards[state]
		feed, err := boardclient.New(boardclient.Config{URL: b.URL, Board: b.DID, Keys: line.ResolveKey})
		if err != nil {
			return err
		}
		feeds = append(feeds, feed)
	}
	n.House = worker.NewInsurer(worker.Config{
		Insurer: n.DIDs[Insurer], Reviewers: []credentials.DID{n.DIDs[Reviewer]}, Payer: payer, Signer: n.keys.party[Insurer], Secret: n.keys.secret, Books: books, Temporal: c,
		Ledger: recorder, Boards: feeds, Edits: n.Edits, ReceiptFromFile: n.ReceiptFromFile, URL: n.GatewayURL,
		Now: time.Now, Log: n.log.With("party", Insurer), WrapBooks: n.WrapBooks, Interceptors: n.Interceptors,
	})
	return nil
}

// payer is the insurer of the demonstration, as its remittances name it.
var payer = x12.Payer{
	Name: "DEMO HEALTH PLAN", ID: "DEMOPPO", TaxID: "991234567", Contact: "PROVIDER SERVICES", Phone: "8005550100",
	Address: claims.Address{Street: "1 EXAMPLE PLAZA", City: "SACRAMENTO", State: "CA", ZIP: "958140001"},
}

// Settle waits until every submission has a decision with its receipt.
func (n *Network) Settle(ctx context.Context) error {
	for {
		waiting, err := n.House.Books.Submissions(ctx, "", "received")
		if err == nil && len(waiting) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list submissions: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
