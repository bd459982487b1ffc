package worker

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	boardclient "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	ledgerclient "github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/storetest"
)

// woken counts the contracts that are woken.
type woken struct {
	client.Client
	n atomic.Int64
}

func (w *woken) SignalWorkflow(context.Context, string, string, string, any) error {
	w.n.Add(1)
	return nil
}

type boardsOnly struct{ Ledger }

func (boardsOnly) Who(kid string) (credentials.Key, ledger.Party, error) {
	did, _, err := credentials.ParseKeyID(kid)
	return credentials.Key{}, ledger.Party{DID: did, Role: ledger.RoleBoard, Jurisdiction: "CA"}, err
}

func (boardsOnly) PartyKeys(credentials.DID) ([]ledger.PartyKey, error) { return nil, nil }
func (boardsOnly) Bad() []ledger.PartyKey                               { return nil }
func (boardsOnly) ReadParticipants(context.Context) (int64, error)      { return 0, nil }

func (boardsOnly) Date() (d ledgerclient.Date) { return d }

// quiet is a board with no events, which answers when the test says so.
type quiet struct {
	signer credentials.Signer
	asked  chan bool
	heads  chan time.Time
}

func (q *quiet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case q.asked <- true:
	case <-r.Context().Done():
		return
	}
	select {
	case head := <-q.heads:
		p := boardclient.FeedPage{Events: []boardclient.Event{}, Head: boardclient.Head{Index: -1, Time: head}}
		p.Proof, _ = credentials.Issue(q.signer, credentials.KindFeedHead, credentials.Handle{1}, head, nil, p.Prove(0))
		json.NewEncoder(w).Encode(p)
	case <-r.Context().Done():
	}
}

// TestFollowWakes: what pended while the board's word proved nothing is looked
// at again as soon as it proves something, and at no other time.
func TestFollowWakes(t *testing.T) {
	start := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	type answer struct {
		after time.Duration // since start, by our clock
		ahead time.Duration // the board's clock
		wake  bool
	}
	for name, answers := range map[string][]answer{
		"at the start, and then not while all is well": {{0, 0, true}, {20 * time.Second, 0, false}, {5 * time.Minute, 0, false}},
		"stale while it was asked":                     {{0, 0, true}, {5*time.Minute + time.Second, 0, true}, {6 * time.Minute, 0, false}},
		"a board an hour ahead for a while":            {{0, 0, true}, {20 * time.Second, time.Hour, false}, {40 * time.Second, 0, false}},
		"a board an hour ahead beyond patience":        {{0, 0, true}, {4 * time.Minute, time.Hour, false}, {6 * time.Minute, time.Hour, false}, {7 * time.Minute, 0, true}},
		"an hour behind ourselves":                     {{0, 0, true}, {-time.Hour, time.Hour, false}, {40 * time.Second, 0, true}},
		"a board an hour behind":                       {{0, 0, true}, {20 * time.Second, -time.Hour, false}, {40 * time.Second, 0, true}},
	} {
		t.Run(name, func(t *testing.T) {
			var now atomic.Int64
			q := &quiet{ledgertest.Signer("board"), make(chan bool), make(chan time.Time)}
			i, temporal := newFollower(t, q, func() time.Time { return start.Add(time.Duration(now.Load())) })
			<-q.asked
			for n, a := range answers {
				before := temporal.n.Load()
				now.Store(int64(a.after))
				q.heads <- start.Add(a.after + a.ahead)
				<-q.asked // it has done with the answer
				if got := temporal.n.Load() > before; got != a.wake {
					t.Errorf("answer %d: woken %v, want %v", n+1, got, a.wake)
				}
				if f, err := i.Books.FeedOf(t.Context(), i.Boards[0].Board); err != nil || f.ReadAt.After(start.Add(max(0, a.after))) {
					t.Errorf("answer %d: the feed was read at %v, which is to come (%v)", n+1, f.ReadAt, err)
				}
			}
		})
	}
}

// newFollower is a house with one claim that is not decided, following a board.
func newFollower(t *testing.T, board *quiet, now func() time.Time) (*Insurer, *woken) {
	t.Helper()
	server := httptest.NewServer(board)
	did, err := credentials.SignerDID(board.signer)
	if err != nil {
		t.Fatal(err)
	}
	feed, err := boardclient.New(boardclient.Config{URL: server.URL, Board: did, Keys: credentials.ResolveDIDKey})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqldb.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "books.db"))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := store.Open(t.Context(), db, storetest.Keys(t), now)
	if err != nil {
		t.Fatal(err)
	}
	_, err = kept.ReceiveClaim(t.Context(), books.NewClaim{Key: credentials.Digest{1}, Submitter: did, Token: "token", Received: "2026-11-02",
		Submission: claims.Submission{Handle: credentials.Handle{1}, Claim: claims.Claim{Number: "C1"}}})
	if err != nil {
		t.Fatal(err)
	}
	temporal := &woken{}
	i := &Insurer{Config: Config{Books: kept, Temporal: temporal, Ledger: boardsOnly{}, Boards: []*boardclient.Client{feed}, Patience: 5 * time.Minute,
		Now: now, Log: slog.New(slog.DiscardHandler)}}
	ctx, stop := context.WithCancel(t.Context())
	i.done.Go(func() { i.follow(ctx, feed) })
	t.Cleanup(func() {
		stop()
		i.done.Wait()
		server.Close()
		db.Close()
	})
	return i, temporal
}
