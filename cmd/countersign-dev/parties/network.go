// Package parties runs every party of Countersign in one process on loopback:
// ledger operator, four witnesses, board and insurer, each with keys and state
// of its own in its own folder, talking over HTTP as they would between houses.
// It wires and starts; it decides nothing.
package parties

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/interceptor"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/tracing"
	"github.com/countersign-health/countersign/worker"
)

// GCPercent is for a process that runs them all: it holds little that lives
// long and makes much that does not, so that it may let its memory grow
// before it collects. By Go's own 100 that is a tenth of its time under load.
const GCPercent = 300

// Names of the parties, which are the names of their keys and folders too.
const (
	Board    = "board"
	Clerk    = "clerk" // of the board
	Insurer  = "insurer"
	Hospital = "hospital"
	Auditor  = "auditor"
	Reviewer = "reviewer" // of the insurer
)

// Options say how a network runs.
type Options struct {
	// Dir holds each party's folder.
	Dir string
	// UI serves Temporal's web interface too.
	UI bool
	// Jurisdictions of the boards, such as "CA". The first is a founder's;
	// each other state has a board of its own, admitted later.
	Jurisdictions []string
	// Edits of the gateway, and whether it takes the receipt date from the
	// file that is billed.
	Edits           claims.Edits
	ReceiptFromFile bool
	Log             io.Writer // structured logs of all parties; nil for a file in Dir
	// WrapBooks, WrapLedger and Interceptors let tests lose replies of the
	// insurer's books, of the ledger, and of whole errands; nil in life.
	WrapBooks    func(activities.Books) activities.Books
	WrapLedger   func(worker.Ledger) worker.Ledger
	Interceptors []interceptor.WorkerInterceptor
	// Seen is told of every request to any party; for tests, nil in life.
	Seen func(*http.Request)
	// Traces makes the spans of all parties; nil: there are none.
	Traces trace.TracerProvider
	// WithoutWorker leaves the contracts to workers of other processes.
	WithoutWorker bool
}

// A Network is all parties, running.
type Network struct {
	Options
	Trust      ledger.Trust
	Genesis    []byte
	Policy     ledger.Policy
	LedgerURL  string
	Boards     map[string]BoardDoor // by jurisdiction
	GatewayURL string
	UIURL      string // of Temporal, where it was asked for
	DIDs       map[string]credentials.DID
	House      *worker.Insurer
	// TemporalAddress is the frontend that other workers may dial.
	TemporalAddress string

	// Moved are the parties that answer elsewhere than before, a line each.
	Moved []string

	keys     keyring
	log      *slog.Logger
	operator *operator.Log
	witness  []witnessHouse
	stops    []func() error
}

// A BoardDoor is where a board can be reached.
type BoardDoor struct {
	DID credentials.DID
	URL string
}

// Keys is where a party keeps its keys.
func (n *Network) Keys(party string) string { return filepath.Join(n.Dir, party, "keys") }

// PassphraseFile opens the key stores of all parties.
func (n *Network) PassphraseFile() string { return filepath.Join(n.Dir, "passphrase") }

// TrustFile is what a verifier pins.
func (n *Network) TrustFile() string { return filepath.Join(n.Dir, "trust.json") }

// Prepare makes or opens the keys of all parties.
func Prepare(o Options) (*Network, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	o.Dir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if o.Log == nil {
		f, err := os.OpenFile(filepath.Join(dir, "countersign.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		o.Log = f
	}
	n := &Network{Options: o, DIDs: map[string]credentials.DID{}, Boards: map[string]BoardDoor{}, log: slog.New(slog.NewJSONHandler(o.Log, nil))}
	if err := n.openKeys(); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	return n, nil
}

// Start runs the ledger with its witnesses, then board and insurer.
func (n *Network) Start(ctx context.Context) error {
	for _, part := range []struct {
		name  string
		start func(context.Context) error
	}{
		{"ledger", n.startLedger}, {"participants", n.admit}, {"boards", n.startBoards}, {"insurer", n.startInsurer},
	} {
		if err := part.start(ctx); err != nil {
			return fmt.Errorf("start %s: %w", part.name, err)
		}
	}
	return nil
}

// Stop ends what was started, last first.
func (n *Network) Stop() error {
	var errs []error
	for len(n.stops) > 0 {
		last := len(n.stops) - 1
		errs = append(errs, n.stops[last]())
		n.stops = n.stops[:last]
	}
	return errors.Join(errs...)
}

func (n *Network) onStop(stop func() error) { n.stops = append(n.stops, stop) }

func (n *Network) serveOn(l net.Listener, h http.Handler) error {
	h = tracing.Handler(n.Traces, h)
	if n.Seen != nil {
		inner := h
		h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { n.Seen(r); inner.ServeHTTP(w, r) })
	}
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 90 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(n.log.Handler(), slog.LevelWarn),
	}
	go s.Serve(l)
	n.onStop(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil { // long polls are cut, not waited for
			return s.Close()
		}
		return nil
	})
	return nil
}

// A keyring holds the keys that have to be in hand before anything starts.
type keyring struct {
	party     map[string]credentials.Signer
	log       ed25519.PrivateKey
	witnesses []ed25519.PrivateKey
	secret    []byte // of the insurer: business keys
	payload   []byte // of the insurer: what Temporal carries
	books     store.Keys
}
