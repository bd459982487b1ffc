package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	board "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// aFeed is of n licenses, three a page; the last events are a revocation of the
// first and, behind the head of the first page, one of the second.
func aFeed(t *testing.T, n int, asked func(after int64)) *exporting {
	signer := ledgertest.Signer("board")
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	var events []board.Event
	add := func(kind board.EventKind, token string, err error) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, board.Event{Sequence: int64(len(events) + 1), Kind: kind, Token: token})
	}
	name := func(i int) credentials.Handle { return credentials.Handle{byte(i + 1)} }
	for i := range n {
		l := credentials.License{Handle: name(i), NPI: "1003000407", Name: "N", Jurisdiction: "CA", Profession: "MD", Number: fmt.Sprint("X-", i), From: "2020-01-01", Until: "2199-12-31"}
		token, err := credentials.Issue(signer, credentials.KindLicense, l.Handle, at, nil, l)
		add(board.EventLicense, token, err)
	}
	for i := range 2 {
		o := credentials.Order{Handle: name(100 + i), License: name(i), Action: credentials.OrderRevoke, Effective: at, Reason: "R-1"}
		token, err := credentials.Issue(signer, credentials.KindBoardOrder, o.Handle, at, nil, o)
		add(board.EventOrder, token, err)
	}
	head := int64(len(events) - 1)
	return &exporting{keys: credentials.ResolveDIDKey, on: "2026-11-01", feed: func(after int64) (board.FeedPage, error) {
		asked(after)
		p := board.FeedPage{Head: board.Head{Sequence: head}, Events: events[after:min(after+3, head)]}
		head = int64(len(events)) // from now on there is one more
		return p, nil
	}}
}

// A register is written while it is read, and none of it is held; what was
// ordered last counts all the same, and what came after the beginning does not.
func TestExportHoldsNoLicense(t *testing.T) {
	var held, most, rows int
	x := aFeed(t, 10, func(int64) { held = 0 })
	var revoked []string
	err := x.read(func(r exportRow) error {
		held++
		most, rows = max(most, held), rows+1
		if r.Standing.Answer == credentials.MayNot {
			revoked = append(revoked, r.Number)
		}
		return nil
	})
	if err != nil || rows != 10 || most > 3 || fmt.Sprint(revoked) != "[X-0]" {
		t.Errorf("%d rows, %d of them between two pages, revoked %v, %v; want 10, 3 and X-0", rows, most, revoked, err)
	}
	full := errors.New("disk full")
	if err := x.read(func(exportRow) error { return full }); !errors.Is(err, full) {
		t.Errorf("a writer that fails: %v", err)
	}
}

// The JSON is one object, with and without rows, and says where it ends early.
func TestExportJSON(t *testing.T) {
	for _, tt := range []struct {
		licenses int
		tamper   bool
		want     int
	}{{2, false, 2}, {7, false, 7}, {7, true, 3}} {
		x := aFeed(t, tt.licenses, func(int64) {})
		if feed := x.feed; tt.tamper {
			x.feed = func(after int64) (board.FeedPage, error) {
				p, err := feed(after)
				if after == 3 {
					p.Events[0].Token += "A"
				}
				return p, err
			}
		}
		var out bytes.Buffer
		r := &run{Streams: Streams{Out: &out}, json: true}
		err := r.exportJSON(x)
		var got struct {
			Licenses []exportRow
			On       string
			Error    string
			Exit     int
		}
		if bad := json.Unmarshal(out.Bytes(), &got); bad != nil || len(got.Licenses) != tt.want || got.On != "2026-11-01" {
			t.Errorf("%d licenses: %v\n%s", tt.licenses, bad, &out)
		}
		if (err != nil) != tt.tamper || (got.Exit == exitCaught) != tt.tamper || strings.Contains(got.Error, "event 4") != tt.tamper || !r.told {
			t.Errorf("%d licenses: %v, %+v", tt.licenses, err, got.Error)
		}
	}
}
