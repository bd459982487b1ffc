package credentials

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// acts writes orders upon one license shortly: each gets the handle of its
// place in the list, from 1.
type acts struct {
	t       *testing.T
	license Handle
	orders  []Order
}

func (a *acts) add(action OrderAction, from, until Date, more func(*Order)) {
	a.t.Helper()
	o := Order{Handle: Handle{1: byte(len(a.orders) + 1)}, License: a.license, Action: action, Effective: mustTime(a.t, string(from)+"T00:00:00-05:00"), Reason: "R", Until: until}
	if more != nil {
		more(&o)
	}
	if err := o.Check(); err != nil {
		a.t.Fatalf("order %d: %v", len(a.orders)+1, err)
	}
	a.orders = append(a.orders, o)
}

// do reads lines such as "suspend 2026-03-01 2026-04-30", "reinstate 2026-04-01 of 1",
// "restrict 2026-03-01 - NO-OPIOIDS", "void of 2", "void".
func (a *acts) do(lines ...string) []Order {
	a.t.Helper()
	for _, line := range lines {
		f := strings.Fields(line)
		from, until := Date("2025-01-01"), Date("")
		if len(f) > 1 && f[1] != "of" {
			from = Date(f[1])
		}
		if len(f) > 2 && f[2] != "of" && f[2] != "-" {
			until = Date(f[2])
		}
		a.add(OrderAction(f[0]), from, until, func(o *Order) {
			if i := slices.Index(f, "of"); i > 0 {
				for _, s := range f[i+1:] {
					var n byte
					fmt.Sscan(s, &n)
					o.Upon = append(o.Upon, Handle{1: n})
				}
			}
			if o.Action == OrderRestrict {
				o.Restrictions = f[3:]
			}
		})
	}
	return a.orders
}

var ma = License{Handle: handle(1), NPI: "1881600012", Jurisdiction: "MA", Profession: "MD", From: "2025-01-01", Until: "2026-12-31"}

var (
	may        = Standing{Answer: May, Reason: ReasonLicensed}
	suspended  = Standing{Answer: MayNot, Reason: ReasonSuspended}
	revoked    = Standing{Answer: MayNot, Reason: ReasonRevoked}
	expired    = Standing{Answer: MayNot, Reason: ReasonExpired}
	notYet     = Standing{Answer: MayNot, Reason: ReasonNotYet}
	void       = Standing{Answer: MayNot, Reason: ReasonVoid}
	unclear    = Standing{Answer: Unknown, Reason: ReasonUnclear}
	stale      = Standing{Answer: Unknown, Reason: ReasonStale}
	restricted = func(codes string) Standing {
		return Standing{Answer: MayRestricted, Reason: ReasonRestricted, Restrictions: codes}
	}
)

func TestStandingUnderOrders(t *testing.T) {
	type day struct {
		on   Date
		want Standing
	}
	for _, tt := range []struct {
		name   string
		orders []string
		days   []day
	}{
		{"a suspension with a last day needs nobody to end it", []string{"suspend 2026-03-01 2026-04-30"}, []day{
			{"2026-02-28", may}, {"2026-03-01", suspended}, {"2026-04-30", suspended}, {"2026-05-01", may}}},
		{"an open suspension", []string{"suspend 2026-03-01"}, []day{
			{"2026-02-28", may}, {"2026-03-01", suspended}, {"2026-12-31", suspended}, {"2027-01-01", suspended}}},
		{"of one day", []string{"suspend 2026-03-01 2026-03-01"}, []day{{"2026-02-28", may}, {"2026-03-01", suspended}, {"2026-03-02", may}}},
		{"before the license began", []string{"suspend 2024-12-01 2025-01-31"}, []day{{"2024-12-31", notYet}, {"2025-01-01", suspended}, {"2025-02-01", may}}},
		{"reinstated", []string{"suspend 2026-03-01", "reinstate 2026-04-01 of 1"}, []day{
			{"2026-02-28", may}, {"2026-03-01", suspended}, {"2026-03-31", suspended}, {"2026-04-01", may}}},
		{"reinstated before its last day", []string{"suspend 2026-03-01 2026-06-30", "reinstate 2026-04-01 of 1"}, []day{
			{"2026-03-31", suspended}, {"2026-04-01", may}}},
		{"reinstated after its last day", []string{"suspend 2026-03-01 2026-03-31", "reinstate 2026-05-01 of 1"}, []day{
			{"2026-03-31", suspended}, {"2026-04-01", may}, {"2026-05-01", may}}},
		{"reinstated before it began: it never binds", []string{"suspend 2026-03-01", "reinstate 2026-02-01 of 1"}, []day{
			{"2026-02-28", may}, {"2026-03-01", may}, {"2026-06-01", may}}},
		{"reinstated twice: the earlier day", []string{"suspend 2026-03-01", "reinstate 2026-05-01 of 1", "reinstate 2026-04-01 of 1"}, []day{
			{"2026-03-31", suspended}, {"2026-04-01", may}}},
		{"two that overlap", []string{"suspend 2026-03-01 2026-04-30", "suspend 2026-04-01 2026-05-31"}, []day{
			{"2026-03-01", suspended}, {"2026-05-01", suspended}, {"2026-05-31", suspended}, {"2026-06-01", may}}},
		{"two that overlap, one ended", []string{"suspend 2026-03-01", "suspend 2026-03-15 2026-05-31", "reinstate 2026-04-01 of 1"}, []day{
			{"2026-04-01", suspended}, {"2026-05-31", suspended}, {"2026-06-01", may}}},
		{"two that overlap, both ended at once", []string{"suspend 2026-03-01", "suspend 2026-03-15", "reinstate 2026-04-01 of 1 2"}, []day{
			{"2026-03-31", suspended}, {"2026-04-01", may}}},
		{"suspended again, known later and effective earlier than a reinstatement", []string{"suspend 2026-03-01", "reinstate 2026-05-01 of 1", "suspend 2026-04-15"}, []day{
			{"2026-05-01", suspended}, {"2026-12-01", suspended}}},
		{"a suspension voided", []string{"suspend 2026-03-01", "void 2026-03-01 of 1"}, []day{{"2026-03-01", may}, {"2026-06-01", may}}},
		{"its reinstatement voided: it stands again", []string{"suspend 2026-03-01", "reinstate 2026-04-01 of 1", "void 2026-04-01 of 2"}, []day{
			{"2026-04-01", suspended}}},
		{"one of two voided", []string{"suspend 2026-03-01", "suspend 2026-03-01 2026-03-31", "void 2026-03-01 of 1"}, []day{
			{"2026-03-31", suspended}, {"2026-04-01", may}}},
		{"revoked while suspended", []string{"suspend 2026-03-01 2026-04-30", "revoke 2026-04-01"}, []day{
			{"2026-03-31", suspended}, {"2026-04-01", revoked}, {"2026-05-01", revoked}}},
		{"a reinstatement does not undo a revocation", []string{"suspend 2026-03-01", "revoke 2026-04-01", "reinstate 2026-05-01 of 1"}, []day{
			{"2026-04-01", revoked}, {"2026-05-01", revoked}}},
		{"a renewal does not undo a revocation", []string{"revoke 2026-04-01", "renew 2026-05-01 2028-12-31"}, []day{{"2026-05-01", revoked}, {"2028-01-01", revoked}}},
		{"a revocation voided", []string{"revoke 2026-04-01", "void 2026-04-01 of 1"}, []day{{"2026-04-01", may}, {"2027-01-01", expired}}},
		{"a revocation voided, the suspension before it not", []string{"suspend 2026-03-01", "revoke 2026-04-01", "void 2026-04-01 of 2"}, []day{{"2026-04-01", suspended}}},
		{"renewed in time", []string{"renew 2026-12-01 2028-12-31"}, []day{{"2026-12-31", may}, {"2027-01-01", may}, {"2028-12-31", may}, {"2029-01-01", expired}}},
		{"renewed late: the gap stays", []string{"renew 2027-03-01 2028-12-31"}, []day{{"2027-01-01", expired}, {"2027-02-28", expired}, {"2027-03-01", may}}},
		{"renewed twice", []string{"renew 2026-12-01 2027-12-31", "renew 2027-12-01 2028-12-31"}, []day{{"2027-12-31", may}, {"2028-06-01", may}, {"2029-01-01", expired}}},
		{"a renewal does not end a suspension", []string{"suspend 2026-11-01", "renew 2026-12-01 2028-12-31"}, []day{{"2027-06-01", suspended}}},
		{"a renewal voided", []string{"renew 2026-12-01 2028-12-31", "void 2026-12-01 of 1"}, []day{{"2026-12-31", may}, {"2027-01-01", expired}}},
		{"restricted", []string{"restrict 2026-03-01 2026-06-30 NO-OPIOIDS NO-SURGERY"}, []day{
			{"2026-02-28", may}, {"2026-03-01", restricted("NO-OPIOIDS NO-SURGERY")}, {"2026-07-01", may}}},
		{"restricted twice", []string{"restrict 2026-03-01 - NO-SURGERY", "restrict 2026-04-01 - NO-OPIOIDS NO-SURGERY"}, []day{
			{"2026-03-01", restricted("NO-SURGERY")}, {"2026-04-01", restricted("NO-OPIOIDS NO-SURGERY")}}},
		{"a restriction ended", []string{"restrict 2026-03-01 - NO-SURGERY", "reinstate 2026-04-01 of 1"}, []day{{"2026-03-31", restricted("NO-SURGERY")}, {"2026-04-01", may}}},
		{"restricted and suspended", []string{"restrict 2026-03-01 - NO-SURGERY", "suspend 2026-04-01 2026-04-30"}, []day{
			{"2026-03-31", restricted("NO-SURGERY")}, {"2026-04-01", suspended}, {"2026-05-01", restricted("NO-SURGERY")}}},
		{"restricted and run out", []string{"restrict 2026-03-01 - NO-SURGERY"}, []day{{"2027-01-01", expired}}},
		{"issued in error", []string{"void"}, []day{{"2024-12-31", void}, {"2025-01-01", void}, {"2026-06-01", void}, {"2027-06-01", void}}},
		{"issued in error, and revoked", []string{"revoke 2026-03-01", "void"}, []day{{"2026-02-01", void}, {"2026-03-01", void}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			orders := (&acts{t: t, license: ma.Handle}).do(tt.orders...)
			for _, d := range tt.days {
				for range 6 { // in whatever sequence they are listed
					if got := StandingOn([]License{ma}, orders, "MA", d.on, true); got != d.want {
						t.Errorf("%s: %v, want %v", d.on, got, d.want)
					}
					rand.Shuffle(len(orders), func(i, j int) { orders[i], orders[j] = orders[j], orders[i] })
				}
				behind := StandingOn([]License{ma}, orders, "MA", d.on, false)
				if want := d.want; want != revoked && want != void {
					if behind != stale {
						t.Errorf("%s, the feed stale: %v, want %v", d.on, behind, stale)
					}
				} else if behind != want {
					t.Errorf("%s, the feed stale: %v, want %v", d.on, behind, want)
				}
			}
		})
	}
}

// TestOrdersThatAreNotUnderstood: whatever is odd about an order upon a license
// leaves the answer open, on every day and whatever else is on record.
func TestOrdersThatAreNotUnderstood(t *testing.T) {
	at := mustTime(t, "2026-03-01T00:00:00Z")
	base := []Order{{Handle: Handle{1: 9}, License: ma.Handle, Action: OrderSuspend, Effective: at, Reason: "R"}, {Handle: Handle{1: 8}, License: ma.Handle, Action: OrderVoid, Effective: at, Upon: []Handle{{1: 9}}}}
	for name, o := range map[string]Order{
		"an unknown action":                 {Action: "censure"},
		"no action":                         {},
		"a void of what is not there":       {Action: OrderVoid, Upon: []Handle{{1: 77}}},
		"a void of a void":                  {Action: OrderVoid, Upon: []Handle{{1: 8}}},
		"a void of two":                     {Action: OrderVoid, Upon: []Handle{{1: 9}, {1: 8}}},
		"a reinstatement of a void":         {Action: OrderReinstate, Upon: []Handle{{1: 8}}},
		"a reinstatement of nothing":        {Action: OrderReinstate},
		"a reinstatement of another's":      {Action: OrderReinstate, Upon: []Handle{{1: 5}}},
		"a suspension upon an order":        {Action: OrderSuspend, Upon: []Handle{{1: 9}}},
		"a suspension that ends before":     {Action: OrderSuspend, Until: "2026-02-28"},
		"a revocation with an end":          {Action: OrderRevoke, Until: "2027-01-01"},
		"a revocation with restrictions":    {Action: OrderRevoke, Restrictions: []string{"A"}},
		"a restriction without a code":      {Action: OrderRestrict},
		"restrictions out of order":         {Action: OrderRestrict, Restrictions: []string{"B", "A"}},
		"a restriction twice":               {Action: OrderRestrict, Restrictions: []string{"A", "A"}},
		"a restriction of more than a code": {Action: OrderRestrict, Restrictions: []string{"A B"}},
		"a renewal without a last day":      {Action: OrderRenew},
	} {
		t.Run(name, func(t *testing.T) {
			o.Handle, o.License, o.Effective = Handle{1: 7}, ma.Handle, at
			other := Order{Handle: Handle{1: 5}, License: handle(2), Action: OrderSuspend, Effective: at}
			orders := append([]Order{o, other}, base...)
			second := License{Handle: handle(3), NPI: ma.NPI, Jurisdiction: "MA", From: "2025-01-01", Until: "2026-12-31"}
			for _, on := range []Date{"2024-01-01", "2026-02-01", "2026-03-01", "2027-02-01"} {
				if got := StandingOn([]License{ma, second}, orders, "MA", on, true); got != unclear {
					t.Errorf("on %s: %v, want %v", on, got, unclear)
				}
			}
			o.License = handle(4)
			if got := StandingOn([]License{second}, []Order{o}, "MA", "2026-03-01", true); got != may {
				t.Errorf("upon a stranger's license: %v, want %v", got, may)
			}
		})
	}
}

func TestSeveralLicenses(t *testing.T) {
	np := License{Handle: handle(2), NPI: ma.NPI, Jurisdiction: "MA", Profession: "NP", From: "2025-01-01", Until: "2026-12-31"}
	for _, tt := range []struct {
		name   string
		first  []string
		second []string
		want   Standing
	}{
		{"one suspended, one in force", []string{"suspend 2026-03-01"}, nil, may},
		{"one restricted, one in force", []string{"restrict 2026-03-01 - A"}, nil, may},
		{"one suspended, one restricted", []string{"suspend 2026-03-01"}, []string{"restrict 2026-03-01 - A"}, restricted("A")},
		{"one suspended, one revoked", []string{"suspend 2026-03-01"}, []string{"revoke 2026-03-01"}, revoked},
		{"one suspended, one void", []string{"suspend 2026-03-01"}, []string{"void"}, suspended},
		{"one void, one in force", []string{"void"}, nil, may},
	} {
		t.Run(tt.name, func(t *testing.T) {
			orders := append((&acts{t: t, license: ma.Handle}).do(tt.first...), (&acts{t: t, license: np.Handle}).do(tt.second...)...)
			for _, licenses := range [][]License{{ma, np}, {np, ma}} {
				if got := StandingOn(licenses, orders, "MA", "2026-06-01", true); got != tt.want {
					t.Errorf("StandingOn = %v, want %v", got, tt.want)
				}
			}
		})
	}
}

func TestTakenAway(t *testing.T) {
	np := License{Handle: handle(2), NPI: ma.NPI, Jurisdiction: "MA", Profession: "NP", From: "2025-01-01", Until: "2026-06-15"}
	for _, tt := range []struct {
		name     string
		orders   []string
		licenses []License
		day      Date
		why      Reason
	}{
		{"nothing", nil, []License{ma}, "", ""},
		{"run out is no order", nil, []License{{Handle: ma.Handle, Jurisdiction: "MA", From: "2025-01-01", Until: "2026-06-10"}}, "", ""},
		{"revoked within", []string{"revoke 2026-06-20"}, []License{ma}, "2026-06-20", ReasonRevoked},
		{"revoked before", []string{"revoke 2026-05-01"}, []License{ma}, "2026-06-01", ReasonRevoked},
		{"revoked after", []string{"revoke 2026-07-01"}, []License{ma}, "", ""},
		{"suspended within", []string{"suspend 2026-06-20"}, []License{ma}, "2026-06-20", ReasonSuspended},
		{"suspended, over before", []string{"suspend 2026-05-01 2026-05-31"}, []License{ma}, "", ""},
		{"suspended, over within", []string{"suspend 2026-05-01 2026-06-05"}, []License{ma}, "2026-06-01", ReasonSuspended},
		{"suspended, then revoked", []string{"suspend 2026-06-20", "revoke 2026-06-10"}, []License{ma}, "2026-06-10", ReasonRevoked},
		{"reinstated before", []string{"suspend 2026-05-01", "reinstate 2026-05-15 of 1"}, []License{ma}, "", ""},
		{"restricted", []string{"restrict 2026-06-20 - A"}, []License{ma}, "", ""},
		{"void", []string{"void"}, []License{ma}, "2026-06-01", ReasonVoid},
		{"revoked, another in force", []string{"revoke 2026-06-10"}, []License{ma, {Handle: handle(2), Jurisdiction: "MA", From: "2025-01-01", Until: "2026-12-31"}}, "", ""},
		{"revoked, another runs out within", []string{"revoke 2026-06-10"}, []License{ma, np}, "2026-06-16", ReasonRevoked},
	} {
		t.Run(tt.name, func(t *testing.T) {
			orders := (&acts{t: t, license: ma.Handle}).do(tt.orders...)
			if day, why := TakenAway(tt.licenses, orders, "MA", "2026-06-01", "2026-06-30"); day != tt.day || why != tt.why {
				t.Errorf("TakenAway = %q, %q, want %q, %q", day, why, tt.day, tt.why)
			}
		})
	}
}

func TestInForce(t *testing.T) {
	orders := (&acts{t: t, license: ma.Handle}).do("suspend 2026-03-01 2026-03-31", "suspend 2026-05-01", "restrict 2026-04-01 - A", "suspend 2026-01-01", "void 2026-01-01 of 4", "restrict 2026-01-01 - B", "reinstate 2026-02-01 of 6")
	var got []byte
	for _, o := range InForce(ma, orders, "2026-04-15") {
		got = append(got, o.Handle[1])
	}
	if want := []byte{2, 3}; !slices.Equal(got, want) {
		t.Errorf("InForce = %v, want %v", got, want)
	}
	if got := LastDay(ma, (&acts{t: t, license: ma.Handle}).do("renew 2026-12-01 2028-12-31", "renew 2026-12-01 2029-12-31", "void 2026-12-01 of 2")); got != "2028-12-31" {
		t.Errorf("LastDay = %s", got)
	}
}

// TestStandingBy: the order that an answer rests on is the one named.
func TestStandingBy(t *testing.T) {
	orders := (&acts{t: t, license: ma.Handle}).do("suspend 2026-03-01 2026-03-31", "suspend 2026-06-01", "restrict 2026-05-01 - A")
	for on, want := range map[Date]byte{"2026-02-01": 0, "2026-03-15": 1, "2026-05-15": 3, "2026-06-15": 2} {
		_, by := StandingBy([]License{ma}, orders, "MA", on, true)
		if got := by; got == nil && want != 0 || got != nil && got.Handle[1] != want {
			t.Errorf("on %s by %v, want order %d", on, got, want)
		}
	}
	if s, by := StandingBy([]License{ma}, orders, "MA", "2026-06-15", false); s != stale || by != nil {
		t.Errorf("stale: %v by %v", s, by)
	}
}
