package worker

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	boardclient "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// feed serves the board's licenses, one a page.
func (h *house) feed(licenses ...string) *boardclient.Client {
	h.t.Helper()
	board := ledgertest.Signer("board")
	var events []boardclient.Event
	for n, l := range licenses {
		license := credentials.License{Handle: name(l), NPI: clinician, Jurisdiction: "CA", From: "2020-01-01", Until: "2028-12-31"}
		token, err := credentials.Issue(board, credentials.KindLicense, license.Handle, noon, nil, license)
		h.must(err)
		e, err := ledger.Entry{Kind: ledger.KindLicense, Subject: license.Handle, Document: credentials.DocumentDigest(token), Effective: noon}.Sign(board)
		h.must(err)
		index, err := h.line.Append(h.ctx, l, e)
		h.must(err)
		receipt, err := h.line.AwaitFinal(h.ctx, index, e)
		h.must(err)
		events = append(events, boardclient.Event{Sequence: int64(n + 1), Index: index, Kind: boardclient.EventLicense, Token: token, Receipt: receipt})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
		last := events[len(events)-1]
		p := boardclient.FeedPage{Head: boardclient.Head{Sequence: last.Sequence, Index: last.Index, Time: noon}}
		if after < last.Sequence {
			p.Events = events[after : after+1]
		}
		p.Proof, _ = credentials.Issue(board, credentials.KindFeedHead, name("head"), noon.Add(time.Duration(h.board.Load())), nil, p.Prove(after))
		json.NewEncoder(w).Encode(p)
	}))
	h.t.Cleanup(server.Close)
	b, err := boardclient.New(boardclient.Config{URL: server.URL, Board: ledgertest.Party("board", "").DID, Keys: h.line.ResolveKey})
	h.must(err)
	return b
}

// A worker has heard the boards out before it takes a contract: here it takes
// none, since its Temporal is away.
func TestBoardsAreHeardFirst(t *testing.T) {
	h := newHouse(t)
	b := h.feed("L1", "L2", "L3")
	const away = "127.0.0.1:1" // where nobody may listen but root
	gone, err := boardclient.New(boardclient.Config{URL: "http://" + away, Board: "did:key:gone", Keys: h.line.ResolveKey})
	h.must(err)
	h.Boards = []*boardclient.Client{gone, b}
	h.Temporal, err = client.NewLazyClient(client.Options{HostPort: away, Logger: silent{}})
	h.must(err)
	if err := h.Start(); err == nil {
		t.Fatal("started without Temporal")
	}
	if f, err := h.Books.FeedOf(h.ctx, b.Board); err != nil || f.Sequence != 3 || !f.ReadAt.Equal(noon) {
		t.Errorf("got %+v, %v, want all three events, up to noon", f, err)
	}
}

type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
