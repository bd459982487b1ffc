package board

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

func onDay(s string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, s, time.FixedZone("", -5*3600))
	if err != nil {
		panic(err)
	}
	return t
}

func ask(action credentials.OrderAction, from string, until credentials.Date, upon ...credentials.Handle) client.OrderRequest {
	o := client.OrderRequest{Action: action, Effective: onDay(from), Reason: "R-1", Until: until, Upon: upon}
	if action == credentials.OrderRestrict {
		o.Restrictions = []string{"NO-OPIOIDS", "NO-SURGERY"}
	}
	return o
}

// A license through everything that can be ordered upon it: each order is one
// order however often it is asked for, each is on the feed and on the ledger,
// each has its clerk, and the lists say what the orders come to on the day.
func TestEveryAct(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		var now atomic.Int64
		now.Store(onDay("2026-02-01").Unix())
		clock := func() time.Time { return time.Unix(now.Load(), 0) }
		h := openHouse(t, open(), newTestLedger(), func(o *Options) { o.Now = clock })
		c, ctx := h.client(t), t.Context()
		c.Now = clock
		f, err := c.Issue(ctx, application(1))
		if err != nil {
			t.Fatal(err)
		}
		license := f.License.Handle
		cred, err := credentials.Open[credentials.License](f.License.Token, credentials.KindLicense, credentials.ResolveDIDKey)
		if err != nil {
			t.Fatal(err)
		}
		var made []credentials.Order
		do := func(o client.OrderRequest) credentials.Handle {
			t.Helper()
			d, err := c.Order(ctx, license, o)
			if err != nil {
				t.Fatalf("%s: %v", o.Action, err)
			}
			again, err := c.Order(ctx, license, o)
			if err != nil || again.Token != d.Token || len(d.Receipt) == 0 {
				t.Errorf("%s again: %v, another order than at first, or no receipt", o.Action, err)
			}
			made = append(made, o.Order(d.Handle, license))
			return d.Handle
		}
		listed := func(day string, want [3]int) {
			t.Helper()
			now.Store(onDay(day).Unix())
			for i := range cred.Status {
				if got, err := c.Status(ctx, &cred.Status[i]); err != nil || got != want[i] {
					t.Errorf("on %s the list for %s says %d, %v; want %d", day, cred.Status[i].Purpose, got, err, want[i])
				}
			}
		}
		first := do(ask(credentials.OrderSuspend, "2026-03-01", "2026-06-30"))
		do(ask(credentials.OrderReinstate, "2026-04-01", "", first))
		do(ask(credentials.OrderRestrict, "2026-04-01", ""))
		do(ask(credentials.OrderRenew, "2028-01-01", "2029-12-31"))
		second := do(ask(credentials.OrderSuspend, "2026-08-01", ""))
		do(ask(credentials.OrderVoid, "2026-08-01", "", second))
		listed("2026-08-02", [3]int{0, 0, 1})
		revocation := do(ask(credentials.OrderRevoke, "2027-01-01", ""))
		listed("2026-12-31", [3]int{0, 0, 1})
		listed("2027-01-01", [3]int{1, 0, 1})
		do(ask(credentials.OrderVoid, "2027-01-01", "", revocation))
		listed("2027-01-02", [3]int{0, 0, 1}) // as if it had never been
		do(ask(credentials.OrderVoid, "2026-01-01", ""))
		listed("2027-01-02", [3]int{1, 0, 1})

		shown, err := c.Show(ctx, license)
		if err != nil || len(shown.Orders) != len(made) {
			t.Fatalf("shown: %d orders, %v; want %d", len(shown.Orders), err, len(made))
		}
		events := awaitFeed(t, c, 1+len(made))
		for i, d := range shown.Orders {
			if d.Handle != made[i].Handle || events[i+1].Token != d.Token {
				t.Errorf("order %d is another one in the file, or in the feed", i)
			}
		}
		history, err := c.History(ctx, shown)
		if err != nil || len(history) != 1+len(made) {
			t.Fatalf("%d acts, %v; want %d", len(history), err, 1+len(made))
		}
		for i, d := range history[1:] {
			if d.Order == nil || d.Clerk != clerkKey.KeyID() || d.Order.Action != made[i].Action || d.Document != made[i].Handle {
				t.Errorf("act %d: %+v by %s", d.Sequence, d.Order, d.Clerk)
			}
		}
		short := shown
		short.Orders = shown.Orders[1:]
		if history, err := c.History(ctx, short); err != nil || len(history) != len(made) {
			t.Errorf("%d acts, %v; want those of the file alone", len(history), err)
		}
		short.Orders = append(slices.Clone(shown.Orders), client.Document{Handle: randomHandle()})
		if _, err := c.History(ctx, short); !errors.Is(err, client.ErrEvidence) {
			t.Errorf("an order without its act: %v", err)
		}
		if text := h.log.text(); text != "" {
			t.Errorf("logged: %s", text)
		}
	})
}

// What contradicts the orders before it is refused in one line, and nothing of
// it is kept.
func TestOrdersThatAreRefused(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		h := openHouse(t, open(), newTestLedger())
		c, ctx := h.client(t), t.Context()
		n := 0
		for _, tt := range []struct {
			name   string
			before []client.OrderRequest // upon: of the first
			o      client.OrderRequest
			status int
			want   string
		}{
			{"reinstated, and nothing was suspended", nil, ask(credentials.OrderReinstate, "2026-04-01", "", credentials.Handle{9}), 409, "is no order upon the license"},
			{"reinstated without saying what", nil, ask(credentials.OrderReinstate, "2026-04-01", ""), 422, "names the orders that it ends"},
			{"suspended after a revocation", []client.OrderRequest{ask(credentials.OrderRevoke, "2026-03-01", "")}, ask(credentials.OrderSuspend, "2026-04-01", ""), 409, "is revoked from 2026-03-01 on"},
			{"renewed after a revocation", []client.OrderRequest{ask(credentials.OrderRevoke, "2026-03-01", "")}, ask(credentials.OrderRenew, "2028-01-01", "2029-12-31"), 409, "is revoked from"},
			{"revoked twice", []client.OrderRequest{ask(credentials.OrderRevoke, "2026-03-01", "")}, ask(credentials.OrderRevoke, "2026-03-02", ""), 409, "is revoked from"},
			{"suspended after it was void", []client.OrderRequest{ask(credentials.OrderVoid, "2026-01-01", "")}, ask(credentials.OrderSuspend, "2026-04-01", ""), 409, "is void"},
			{"void from another day", nil, ask(credentials.OrderVoid, "2026-01-02", ""), 409, "want 2026-01-01"},
			{"suspended before it began", nil, ask(credentials.OrderSuspend, "2025-12-31", ""), 409, "begins on 2026-01-01"},
			{"suspended until before it", nil, ask(credentials.OrderSuspend, "2026-03-01", "2026-02-28"), 422, "lies before the day"},
			{"renewed to an earlier day", nil, ask(credentials.OrderRenew, "2026-12-01", "2027-12-31"), 409, "runs to 2027-12-31 already"},
			{"an action of another release", nil, ask("censure", "2026-12-01", ""), 422, "is not known"},
			{"a suspension until 9999", nil, ask(credentials.OrderSuspend, "2026-12-01", "9999-12-31"), 422, "at /until: want a date up to 2200"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				n++
				f, err := c.Issue(ctx, application(n))
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range tt.before {
					if _, err := c.Order(ctx, f.License.Handle, o); err != nil {
						t.Fatal(err)
					}
				}
				_, err = c.Order(ctx, f.License.Handle, tt.o)
				var refusal *client.Refusal
				if !errors.As(err, &refusal) || refusal.Status != tt.status || !strings.Contains(refusal.Message, tt.want) || strings.Contains(refusal.Message, "\n") {
					t.Errorf("got %v, want %d, %q", err, tt.status, tt.want)
				}
				shown, err := c.Show(ctx, f.License.Handle)
				if err != nil || len(shown.Orders) != len(tt.before) {
					t.Errorf("%d orders, %v; want %d", len(shown.Orders), err, len(tt.before))
				}
			})
		}
		var refusal *client.Refusal
		if _, err := c.Order(ctx, randomHandle(), ask(credentials.OrderSuspend, "2026-03-01", "")); !errors.As(err, &refusal) || refusal.Status != http.StatusNotFound {
			t.Errorf("upon a license that is not there: %v", err)
		}
	})
}

// Two clerks at two processes end the same suspension, on different days: one
// of them is told that it has ended.
func TestTwoClerksContradict(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		l, ctx := newTestLedger(), t.Context()
		one, two := openHouse(t, open(), l, twoClerks), openHouse(t, open(), l, twoClerks)
		for i := range 5 {
			f, err := one.client(t).Issue(ctx, application(i))
			if err != nil {
				t.Fatal(err)
			}
			s, err := one.client(t).Order(ctx, f.License.Handle, ask(credentials.OrderSuspend, "2026-03-01", ""))
			if err != nil {
				t.Fatal(err)
			}
			var failed [2]error
			var wait sync.WaitGroup
			for n, c := range []*client.Client{one.clientOf(t, clerkKey), two.clientOf(t, otherClerk)} {
				wait.Go(func() {
					_, failed[n] = c.Order(ctx, f.License.Handle, ask(credentials.OrderVoid, "2026-03-01", "", s.Handle))
					if failed[n] == nil {
						o := ask(credentials.OrderVoid, "2026-03-01", "", s.Handle)
						o.Reason = "R-2"
						_, failed[n] = c.Order(ctx, f.License.Handle, o)
					}
				})
			}
			wait.Wait()
			for n, err := range failed {
				if err == nil || !strings.Contains(err.Error(), "is void already") {
					t.Errorf("clerk %d: %v, want it refused", n, err)
				}
			}
			shown, err := one.client(t).Show(ctx, f.License.Handle)
			if err != nil || len(shown.Orders) != 2 {
				t.Errorf("%d orders, %v; want the suspension and one void", len(shown.Orders), err)
			}
		}
	})
}
