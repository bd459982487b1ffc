package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"

	"go.temporal.io/sdk/client"

	boardclient "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/workflows"
)

// told keeps which licenses were told of what.
type told struct {
	client.Client
	mu       sync.Mutex
	licenses []string
	woken    int
}

func (w *told) SignalWithStartWorkflow(_ context.Context, id, _ string, arg any, _ client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.licenses = append(w.licenses, id+" "+arg.(workflows.OrderHeard).Order.String())
	return nil, nil
}

func (w *told) SignalWorkflow(context.Context, string, string, string, any) error {
	w.woken++
	return nil
}

// A tellingBoard signs with the keys that a test gives it, and serves what it
// has said.
type tellingBoard struct {
	h      *house
	events []boardclient.Event
	signer credentials.Signer // of heads
	url    string
}

func newTellingBoard(h *house) *tellingBoard {
	b := &tellingBoard{h: h, signer: ledgertest.Signer("board")}
	server := httptest.NewServer(b)
	h.t.Cleanup(server.Close)
	b.url = server.URL
	feed, err := boardclient.New(boardclient.Config{URL: b.url, Board: ledgertest.Party("board", "").DID, Keys: h.line.ResolveKey})
	h.must(err)
	h.Boards = []*boardclient.Client{feed}
	return b
}

func (b *tellingBoard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	p := boardclient.FeedPage{Head: boardclient.Head{Index: -1, Time: noon}, Events: b.events[after:]}
	if n := len(b.events); n > 0 {
		p.Head.Sequence, p.Head.Index = b.events[n-1].Sequence, b.events[n-1].Index
	}
	p.Proof, _ = credentials.Issue(b.signer, credentials.KindFeedHead, name("head"), noon, nil, p.Prove(after))
	json.NewEncoder(w).Encode(p)
}

// append puts an entry on the ledger and waits until it is final.
func (h *house) append(business string, e ledger.Entry, s credentials.Signer) int64 {
	h.t.Helper()
	e.Effective = noon
	e, err := e.Sign(s)
	h.must(err)
	index, err := h.line.Append(h.ctx, business, e)
	h.must(err)
	_, err = h.line.AwaitFinal(h.ctx, index, e)
	h.must(err)
	return index
}

func tell[T any](b *tellingBoard, doc, entry credentials.Signer, of boardclient.EventKind, kind credentials.Kind, recorded ledger.Kind, h credentials.Handle, subject T) int64 {
	b.h.t.Helper()
	token, err := credentials.Issue(doc, kind, h, noon, nil, subject)
	b.h.must(err)
	e, err := ledger.Entry{Kind: recorded, Subject: h, Document: credentials.DocumentDigest(token), Effective: noon}.Sign(entry)
	b.h.must(err)
	index, err := b.h.line.Append(b.h.ctx, h.String(), e)
	b.h.must(err)
	receipt, err := b.h.line.AwaitFinal(b.h.ctx, index, e)
	b.h.must(err)
	b.events = append(b.events, boardclient.Event{Sequence: int64(len(b.events) + 1), Index: index, Kind: of, Token: token, Receipt: receipt})
	return index
}

func (b *tellingBoard) license(doc, entry credentials.Signer, of string, npi credentials.NPI) int64 {
	l := credentials.License{Handle: name(of), NPI: npi, Jurisdiction: "CA", From: "2020-01-01", Until: "2028-12-31"}
	return tell(b, doc, entry, boardclient.EventLicense, credentials.KindLicense, ledger.KindLicense, l.Handle, l)
}

func (b *tellingBoard) revoke(s credentials.Signer, of string) int64 {
	o := credentials.Order{Handle: name("revoke " + of), License: name(of), Action: credentials.OrderRevoke, Effective: noon.AddDate(0, -1, 0), Reason: "discipline"}
	return tell(b, s, s, boardclient.EventOrder, credentials.KindBoardOrder, ledger.KindBoardOrder, o.Handle, o)
}

// rotate hands the board over to its next key.
func (b *tellingBoard) rotate(from credentials.Signer, to string) credentials.Signer {
	did, _, err := credentials.ParseKeyID(from.KeyID())
	b.h.must(err)
	_, key, err := credentials.ParseKeyID(ledgertest.Signer(to).KeyID())
	b.h.must(err)
	next := credentials.NewSigner(string(did)+"#"+key, ledgertest.Key(to))
	h, err := ledger.NewHandover(b.h.line.genesis.Digest(), from, next)
	b.h.must(err)
	e, err := h.Entry()
	b.h.must(err)
	b.h.append("hand over to "+to, e, from)
	b.signer = next
	return next
}

func (b *tellingBoard) declare(s credentials.Signer, about credentials.Signer, from int64) credentials.Handle {
	c := ledger.Compromise{DID: ledgertest.Party("board", "").DID, Key: about.KeyID(), From: from}
	e, err := c.Entry()
	b.h.must(err)
	b.h.append("declare "+c.Handle().String(), e, s)
	return c.Handle()
}

func (h *house) stands(npi credentials.NPI, want credentials.Answer, sure bool) {
	h.t.Helper()
	p, err := h.Books.PractitionerIn(h.ctx, npi, "CA")
	h.must(err)
	if s, _, got := p.Standing(credentials.DateOf(noon), true); s.Answer != want || got != sure {
		h.t.Errorf("%s: got %s (%s), sure=%v, want %s, sure=%v", npi, s.Answer, s.Reason, got, want, sure)
	}
}

const (
	honest  credentials.NPI = "1000000004"
	forged  credentials.NPI = "1000000012"
	revoked credentials.NPI = "1000000020"
	bySeal  credentials.NPI = "1000000038"
)

// A board's key was stolen, and the thief has licensed somebody, revoked
// somebody and had a document recorded by the key that followed. Whether the
// insurer heard that before the declaration or hears it afterwards, it believes
// what stands before the place, and of the rest nothing.
func TestStolenBoardKey(t *testing.T) {
	for what, before := range map[string]bool{"heard before it was declared": true, "heard afterwards": false} {
		t.Run(what, func(t *testing.T) {
			h := newHouse(t)
			seen := &told{}
			h.Temporal = seen
			b := newTellingBoard(h)
			stolen := b.signer
			b.license(stolen, stolen, "L honest", honest)
			b.license(stolen, stolen, "L revoked", revoked)
			from := b.license(stolen, stolen, "L forged", forged)
			b.revoke(stolen, "L revoked")
			next := b.rotate(stolen, "next")
			b.license(stolen, next, "L sealed", bySeal) // a document of the stolen key
			if before {
				h.must(h.hearOut(h.ctx, h.Boards[0]))
				h.stands(honest, credentials.May, true)
				h.stands(forged, credentials.May, true)
				h.stands(revoked, credentials.MayNot, true)
				h.stands(bySeal, credentials.May, true)
			}
			seen.licenses = nil
			declaration := b.declare(next, stolen, from)
			h.must(h.hearOut(h.ctx, h.Boards[0]))
			h.stands(honest, credentials.May, true)
			h.stands(forged, credentials.Unknown, false)
			h.stands(revoked, credentials.Unknown, false)
			h.stands(bySeal, credentials.Unknown, false)
			if f, err := h.Books.FeedOf(h.ctx, h.Boards[0].Board); err != nil || f.Sequence != int64(len(b.events)) {
				t.Errorf("the feed was read to %d of %d, %v", f.Sequence, len(b.events), err)
			}
			if before {
				for _, l := range []string{"L forged", "L revoked", "L sealed"} {
					if want := workflows.LicenseID(name(l)) + " " + declaration.String(); !slices.Contains(seen.licenses, want) {
						t.Errorf("%s was not told: %v", l, seen.licenses)
					}
				}
				if slices.Contains(seen.licenses, workflows.LicenseID(name("L honest"))+" "+declaration.String()) {
					t.Error("the honest license was told")
				}
			}
			// The board issues anew what it stands by, and orders what it stands by.
			b.license(next, next, "L anew", forged)
			h.must(h.hearOut(h.ctx, h.Boards[0]))
			h.stands(forged, credentials.May, true)
			// Judging again, in this process or in the next, changes nothing.
			n := len(seen.licenses)
			h.doubts = doubts{}
			h.must(h.judgeAnew(h.ctx))
			h.must(h.wakeUnreached(h.ctx))
			if len(seen.licenses) != n {
				t.Errorf("told once more: %v", seen.licenses[n:])
			}
			h.stands(honest, credentials.May, true)
		})
	}
}

// An earlier place puts more in doubt.
func TestStolenBoardKeyFromEarlierOn(t *testing.T) {
	h := newHouse(t)
	h.Temporal = &told{}
	b := newTellingBoard(h)
	stolen := b.signer
	first := b.license(stolen, stolen, "L honest", honest)
	second := b.license(stolen, stolen, "L forged", forged)
	next := b.rotate(stolen, "next")
	b.declare(next, stolen, second)
	h.must(h.hearOut(h.ctx, h.Boards[0]))
	h.stands(honest, credentials.May, true)
	h.stands(forged, credentials.Unknown, false)
	b.declare(next, stolen, first)
	h.must(h.hearOut(h.ctx, h.Boards[0]))
	h.stands(honest, credentials.Unknown, false)
}

// Where no declaration concerns a board, what is wrong with an event still
// stops its feed.
func TestForgedEventStopsTheFeed(t *testing.T) {
	h := newHouse(t)
	h.Temporal = &told{}
	b := newTellingBoard(h)
	b.license(b.signer, b.signer, "L1", honest)
	b.events[0].Token = string(bytes.Replace([]byte(b.events[0].Token), []byte("."), []byte(".A"), 1))
	if err := h.hearOut(h.ctx, h.Boards[0]); err == nil {
		t.Error("a changed license was heard")
	}
}

// broken makes a statement on the books fail, until it is mended.
func (h *house) broken(trigger string) (mend func()) {
	h.t.Helper()
	_, err := h.db.Exec(h.ctx, `CREATE TRIGGER broken BEFORE `+trigger+` BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
	h.must(err)
	return func() {
		_, err := h.db.Exec(h.ctx, `DROP TRIGGER broken`)
		h.must(err)
	}
}

// Where the books do not answer, or do not keep it, nobody goes on as if all
// were judged: no payment runs, and the next attempt judges.
func TestDoubtIsJudgedOrNothingIs(t *testing.T) {
	h := newHouse(t)
	seen := &told{}
	h.Temporal = seen
	b := newTellingBoard(h)
	stolen := b.signer
	from := b.license(stolen, stolen, "L forged", forged)
	h.must(h.hearOut(h.ctx, h.Boards[0]))

	set := func(query string, args ...any) {
		t.Helper()
		_, err := h.db.Exec(h.ctx, query, args...)
		h.must(err)
	}
	refuses := func(what string) {
		t.Helper()
		if err := h.judgeAnew(h.ctx); err == nil {
			t.Errorf("%s: judged", what)
		}
		if _, err := h.Remit(h.ctx, "2026-06-01"); err == nil {
			t.Errorf("%s: paid", what)
		}
	}
	h.doubts = doubts{}
	set(`ALTER TABLE board_order RENAME TO away`)
	refuses("the books do not say what is in doubt")
	set(`ALTER TABLE away RENAME TO board_order`)

	next := b.rotate(stolen, "next")
	declaration := b.declare(next, stolen, from)
	for column, value := range map[string]string{"handle": "x", "entry": "x"} {
		var was any
		h.must(h.db.QueryRow(h.ctx, `SELECT `+column+` FROM license WHERE npi = $1`, string(forged)).Scan(&was))
		set(`UPDATE license SET `+column+` = $1 WHERE npi = $2`, value, string(forged))
		refuses(column + " is not as it was")
		set(`UPDATE license SET `+column+` = $1 WHERE npi = $2`, was, string(forged))
	}
	mend := h.broken(`UPDATE OF doubted ON license`)
	refuses("the doubt is not kept")
	mend()
	h.stands(forged, credentials.May, true)
	h.must(h.judgeAnew(h.ctx))
	h.stands(forged, credentials.Unknown, false)

	// Until the contracts are told, they are told again.
	tells := func(what string) {
		t.Helper()
		if err := h.wakeDoubted(h.ctx); err == nil {
			t.Errorf("%s: passed on", what)
		}
	}
	set(`ALTER TABLE board_order RENAME TO away`)
	tells("the books do not say who is to be told")
	set(`ALTER TABLE away RENAME TO board_order`)
	h.Temporal = deaf{}
	tells("the contracts do not hear it")
	h.Temporal = seen
	mend = h.broken(`UPDATE OF untold ON license`)
	tells("it is not written down")
	mend()
	seen.licenses = nil
	h.must(h.wakeDoubted(h.ctx))
	if want := workflows.LicenseID(name("L forged")) + " " + declaration.String(); !slices.Equal(seen.licenses, []string{want}) {
		t.Errorf("told %v, want %s", seen.licenses, want)
	}
}

// deaf is a Temporal that cannot be reached.
type deaf struct{ client.Client }

func (deaf) SignalWithStartWorkflow(context.Context, string, string, any, client.StartWorkflowOptions, any, ...any) (client.WorkflowRun, error) {
	return nil, errors.New("nobody answers")
}
