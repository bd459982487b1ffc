package board

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

var orderedFrom = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// importRows are applications from a number on; every third license comes with
// a suspension, every fifth is revoked.
func importRows(from, n int) (rows []client.ImportRow) {
	for i := from; i < from+n; i++ {
		row := client.ImportRow{License: application(i)}
		if i%3 == 0 {
			row.Order = &client.OrderRequest{Action: credentials.OrderSuspend, Effective: orderedFrom, Reason: "S-1"}
		}
		if i%5 == 0 {
			row.Order = &client.OrderRequest{Action: credentials.OrderRevoke, Effective: orderedFrom, Reason: "R-1"}
		}
		rows = append(rows, row)
	}
	return rows
}

// One signed request has many licenses issued, with the orders that they need;
// each is shown, fed and traced to its clerk as any other.
func TestImport(t *testing.T) {
	defer func(n, m int) { pageSize, outboxStep = n, m }(pageSize, outboxStep)
	pageSize, outboxStep = 7, 9
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		l, ctx := newTestLedger(), t.Context()
		h := openHouse(t, open(), l)
		c := h.client(t)
		if _, err := c.Issue(ctx, application(2)); err != nil {
			t.Fatal(err)
		}
		rows := importRows(1, 30) // 10 suspended or revoked by 3, 4 more by 5
		got, err := c.Import(ctx, rows)
		if err != nil {
			t.Fatal(err)
		}
		again, err := c.Import(ctx, rows)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range got {
			if r.Known != (i == 1) || r.Refused != "" || (r.Order != "") != (rows[i].Order != nil) {
				t.Errorf("row %d: %+v", i, r)
			}
			if a := again[i]; !a.Known || a.Handle != r.Handle || a.License != r.License || a.Order != r.Order {
				t.Errorf("row %d, again: another license or order", i)
			}
		}
		const events = 30 + 14
		feed := awaitFeed(t, c, events)
		if len(l.entries) != 2*events || feed[1].Token != got[0].License {
			t.Errorf("%d entries, want %d", len(l.entries)/2, events)
		}
		all, err := deeds(c)
		if err != nil || len(all) != events {
			t.Fatalf("%d acts, %v", len(all), err)
		}
		for after := range all { // also where the reading begins between a license and its order
			n := after
			if err := c.Deeds(ctx, int64(after), func(d client.Deed) error {
				if d.Sequence != all[n].Sequence || d.Document != all[n].Document || d.Clerk != clerkKey.KeyID() {
					t.Errorf("act %d, read after %d: %+v", n, after, d)
				}
				n++
				return nil
			}); err != nil {
				t.Errorf("acts after %d: %v", after, err)
			}
		}
		f, err := c.Show(ctx, got[4].Handle) // number 5
		if err != nil || len(f.Orders) != 1 || f.Orders[0].Token != got[4].Order || len(f.Orders[0].Receipt) == 0 {
			t.Fatalf("shown: %d orders, %v", len(f.Orders), err)
		}
		if history, err := c.History(ctx, f); err != nil || len(history) != 2 || history[1].Order == nil {
			t.Errorf("history: %+v, %v", history, err)
		}
		checkListed(t, c, got[4].License, true)
		checkListed(t, c, got[0].License, false)
		if text := h.log.text(); text != "" {
			t.Errorf("logged: %s", text)
		}
	})
}

func checkListed(t *testing.T, c *client.Client, token string, want bool) {
	t.Helper()
	l, err := credentials.Open[credentials.License](token, credentials.KindLicense, credentials.ResolveDIDKey)
	if err != nil {
		t.Fatal(err)
	}
	if revoked, err := c.Status(t.Context(), &l.Status[0]); err != nil || (revoked == 1) != want {
		t.Errorf("revoked: %d, %v; want %v", revoked, err, want)
	}
}

// What is wrong with a row is told for that row, and the others are issued.
func TestImportRefusesRows(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		h := openHouse(t, open(), newTestLedger())
		c, ctx := h.client(t), t.Context()
		suspend := client.OrderRequest{Action: credentials.OrderSuspend, Effective: orderedFrom, Reason: "S-1"}
		change := func(f func(*client.ImportRow)) client.ImportRow {
			o := suspend
			row := client.ImportRow{License: application(7), Order: &o}
			f(&row)
			return row
		}
		rows := []client.ImportRow{
			{License: application(1)},
			change(func(r *client.ImportRow) { r.License.NPI = "123" }),
			change(func(r *client.ImportRow) { r.License.Jurisdiction = "CA" }),
			change(func(r *client.ImportRow) { r.Order.Reason = "for a reason" }),
			change(func(r *client.ImportRow) { r.Order.Effective = orderedFrom.AddDate(-2, 0, 0) }),
			change(func(r *client.ImportRow) { r.Order.Action = credentials.OrderRestrict }),
			change(func(r *client.ImportRow) {
				r.Order.Action, r.Order.Upon = credentials.OrderReinstate, []credentials.Handle{{1}}
			}),
			change(func(r *client.ImportRow) { r.Order.Action = credentials.OrderBind }),
			change(func(r *client.ImportRow) { r.License.Holder, r.License.Proof = "did:key:z6Mk", "x" }),
			change(func(r *client.ImportRow) { r.License.Taxonomy = []credentials.Taxonomy{"208D00000X", "207R00000X"} }),
			{License: application(1), Order: &suspend},
			{License: application(2)},
		}
		want := []string{"", "at /npi", "at /jurisdiction", "at /reason", "at /effective", "at /restrictions", "at /upon", "at /holder", "at /proof", "at /taxonomy", "", ""}
		got, err := c.Import(ctx, rows)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range got {
			if (r.Refused == "") != (want[i] == "") || !strings.HasPrefix(r.Refused, want[i]) || r.Refused != "" && !r.Handle.IsZero() {
				t.Errorf("row %d: %q, want %q", i, r.Refused, want[i])
			}
		}
		if got[10].Handle != got[0].Handle || !got[10].Known || got[10].Order == "" {
			t.Errorf("the same license once more: %+v", got[10])
		}
		awaitFeed(t, c, 3)
		if all, err := deeds(c); err != nil || len(all) != 3 {
			t.Errorf("%d acts, %v", len(all), err)
		}
		var no *client.Refusal
		if _, err := c.Import(ctx, nil); !errors.As(err, &no) || no.Status != http.StatusUnprocessableEntity {
			t.Errorf("no rows: %v", err)
		}
		if _, err := c.Import(ctx, importRows(1, client.MostRows+1)); !errors.As(err, &no) {
			t.Errorf("too many rows: %v", err)
		}
		if _, err := h.clientOf(t, otherClerk).Import(ctx, rows); !errors.As(err, &no) || no.Status != http.StatusForbidden {
			t.Errorf("by a stranger: %v", err)
		}
	})
}

// Two processes give the same few places and issue the same licenses at once:
// each license is there once, at a place of its own.
func TestImportsAtOnce(t *testing.T) {
	defer func(n int64, f func() int) { listFill, randomPlace = n, f }(listFill, randomPlace)
	listFill, randomPlace = 40, func() int { return rand.IntN(80) }
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		l, ctx := newTestLedger(), t.Context()
		houses := []*house{openHouse(t, open(), l), openHouse(t, open(), l)}
		handles := make([][]credentials.Handle, 4)
		var wait sync.WaitGroup
		for n := range handles {
			wait.Go(func() {
				for from := range 6 {
					got, err := houses[n%2].client(t).Import(ctx, importRows(20*from+7*n+1, 30))
					if err != nil {
						t.Error(err)
					}
					for _, r := range got {
						handles[n] = append(handles[n], r.Handle)
					}
				}
			})
		}
		wait.Wait()
		var all []credentials.Handle
		for _, h := range handles {
			all = append(all, h...)
		}
		slices.SortFunc(all, func(a, b credentials.Handle) int { return strings.Compare(a.String(), b.String()) })
		const licenses = 151 // numbers 1 to 151
		if all = slices.Compact(all); len(all) != licenses {
			t.Errorf("%d licenses, want %d", len(all), licenses)
		}
		awaitAll(t, houses[0])
		seen := map[string]bool{}
		for _, e := range wholeFeed(t, houses[1].client(t)) {
			if e.Kind != client.EventLicense {
				continue
			}
			d, err := credentials.Open[credentials.License](e.Token, credentials.KindLicense, credentials.ResolveDIDKey)
			if err != nil {
				t.Fatal(err)
			}
			for _, at := range d.Status {
				place := fmt.Sprint(at.Credential, " ", at.Index)
				if seen[place] || seen[d.Subject.Number] {
					t.Errorf("two licenses at %s or of the number %s", place, d.Subject.Number)
				}
				seen[place] = true
			}
			seen[d.Subject.Number] = true
		}
		if len(seen) != 4*licenses {
			t.Errorf("%d licenses in the feed, want %d", len(seen)/4, licenses)
		}
	})
}

// The board is killed at each commit of an import's way: all of it is there or
// nothing, and sent again it is there once.
func TestImportKilledAtEachCommit(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		l, ctx := newTestLedger(), t.Context()
		events := 0
		for nth := 1; nth <= 4; nth++ { // the request's id, the licenses, their places, their receipts
			for _, kept := range []bool{false, true} {
				db := open()
				h := openHouse(t, db, l)
				rows := importRows(100*nth+1, 6)
				if kept {
					rows = importRows(100*nth+51, 6)
				}
				killAt(db, nth, kept)
				first, err := h.client(t).Import(ctx, rows)
				if (err == nil) != (nth > 2) {
					t.Errorf("killed at commit %d (kept: %t): %v", nth, kept, err)
				}
				h.shut()
				h = openHouse(t, open(), l)
				got, err := h.client(t).Import(ctx, rows)
				if err != nil {
					t.Fatal(err)
				}
				for i := range got {
					if made := nth > 2 || nth == 2 && kept; got[i].Known != made || first != nil && got[i].License != first[i].License {
						t.Errorf("killed at commit %d (kept: %t): row %d known: %t", nth, kept, i, got[i].Known)
					}
					if events++; rows[i].Order != nil {
						events++
					}
				}
				awaitAll(t, h)
				h.shut()
			}
		}
		h := openHouse(t, open(), l)
		awaitFeed(t, h.client(t), events)
		if all, err := deeds(h.client(t)); err != nil || len(all) != events || len(l.entries) != 2*events {
			t.Errorf("%d acts, %d entries, %v; want %d", len(all), len(l.entries)/2, err, events)
		}
	})
}

// An answer that is not what was asked for is found, whichever row it is in.
func TestClientRefusesTamperedImports(t *testing.T) {
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger())
	c, ctx := h.client(t), t.Context()
	rows := importRows(2, 5) // of which the second and the last are suspended
	other, err := c.Issue(ctx, application(50))
	if err != nil {
		t.Fatal(err)
	}
	for name, lie := range map[string]func(*client.ImportAnswer){
		"a row left out": func(a *client.ImportAnswer) { a.Rows = a.Rows[:4] },
		"rows exchanged": func(a *client.ImportAnswer) { a.Rows[0], a.Rows[2] = a.Rows[2], a.Rows[0] },
		"another license": func(a *client.ImportAnswer) {
			a.Rows[0].License, a.Rows[0].Handle = other.License.Token, other.License.Handle
		},
		"another handle":           func(a *client.ImportAnswer) { a.Rows[0].Handle = other.License.Handle },
		"no license":               func(a *client.ImportAnswer) { a.Rows[0].License = "" },
		"no order":                 func(a *client.ImportAnswer) { a.Rows[1].Order = "" },
		"the order of another row": func(a *client.ImportAnswer) { a.Rows[1].Order = a.Rows[4].Order },
		"a signature changed": func(a *client.ImportAnswer) {
			a.Rows[1].License = a.Rows[1].License[:900] + "AAAA" + a.Rows[1].License[904:]
		},
	} {
		t.Run(name, func(t *testing.T) {
			fresh := slices.Clone(rows)
			for i := range fresh {
				fresh[i].License.Number += " " + name
			}
			between := h.client(t)
			between.HTTP = &http.Client{Transport: tamperedImport(lie)}
			if _, err := between.Import(ctx, fresh); !errors.Is(err, client.ErrEvidence) {
				t.Errorf("got %v, want what is wrong with it", err)
			}
		})
	}
}

// tamperedImport is a transport to an honest board behind which somebody
// changes its answers to imports.
type tamperedImport func(*client.ImportAnswer)

func (lie tamperedImport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var a client.ImportAnswer
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		return nil, err
	}
	lie(&a)
	b, err := json.Marshal(a)
	resp.Body = io.NopCloser(bytes.NewReader(b))
	return resp, err
}
