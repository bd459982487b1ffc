package credentials

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

const oneBoard = DID("did:web:board.test")

// recordOfActs places the license at entry 10 and its orders at 11, 12, …, each known a day after the one before, from
// 2025-01-01T00:00:00Z on.
func recordOfActs(fresh bool, orders ...Order) StandingRecord {
	first := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	r := StandingRecord{
		Feeds:    []FeedMark{{Board: oneBoard, Position: int64(11 + len(orders)), Read: first.AddDate(2, 0, 0), Fresh: fresh}},
		Licenses: []KnownLicense{{License: ma, Index: 10, Since: first}},
	}
	for i, o := range orders {
		r.Orders = append(r.Orders, KnownOrder{Order: o, Index: int64(11 + i), Since: first.AddDate(0, 0, i+1)})
	}
	return r
}

func TestAnswerStanding(t *testing.T) {
	const late, before = "2026-06-01T00:00:00Z", "2025-01-01T23:59:59Z" // before: the first order was not known
	for _, tt := range []struct {
		name    string
		orders  []string
		on      Date
		known   string // a moment, or "entries N"
		stale   bool
		want    Answer
		reason  Reason
		missing string
		order   byte // place of the order that says so, from 1
		day     Date
	}{
		{name: "the day before", on: "2024-12-31", want: MayNot, reason: ReasonNotYet, day: "2025-01-01"},
		{name: "the first day", on: "2025-01-01", want: May, reason: ReasonLicensed, day: "2026-12-31"},
		{name: "the last day", on: "2026-12-31", want: May, reason: ReasonLicensed, day: "2026-12-31"},
		{name: "the day after", on: "2027-01-01", want: MayNot, reason: ReasonExpired, day: "2026-12-31"},
		{name: "renewed", orders: []string{"renew 2027-01-01 2028-12-31"}, on: "2027-01-01", want: May, reason: ReasonLicensed, day: "2028-12-31"},
		{name: "renewed, not known yet", orders: []string{"renew 2027-01-01 2028-12-31"}, on: "2027-01-01", known: before, want: MayNot, reason: ReasonExpired, day: "2026-12-31"},
		{name: "before the revocation", orders: []string{"revoke 2026-03-02"}, on: "2026-03-01", want: May, reason: ReasonLicensed, day: "2026-12-31"},
		{name: "on its first day", orders: []string{"revoke 2026-03-02"}, on: "2026-03-02", want: MayNot, reason: ReasonRevoked, order: 1},
		{name: "before anybody knew", orders: []string{"revoke 2026-03-02"}, on: "2026-03-02", known: before, want: May, reason: ReasonLicensed, day: "2026-12-31"},
		{name: "in the second when it was known", orders: []string{"revoke 2026-03-02"}, on: "2026-03-02", known: "2025-01-02T00:00:00Z", want: MayNot, reason: ReasonRevoked, order: 1},
		{name: "below its entry", orders: []string{"revoke 2026-03-02"}, on: "2026-03-02", known: "entries 11", want: May, reason: ReasonLicensed, day: "2026-12-31"},
		{name: "with its entry", orders: []string{"revoke 2026-03-02"}, on: "2026-03-02", known: "entries 12", want: MayNot, reason: ReasonRevoked, order: 1},
		{name: "before the license was known", on: "2026-03-02", known: "2024-12-31T23:59:59Z", want: MayNot, reason: ReasonNoLicense},
		{name: "revoked and void", orders: []string{"revoke 2026-03-02", "void 2026-03-02 of 1"}, on: "2026-03-02", want: May, reason: ReasonLicensed, day: "2026-12-31"},
		{name: "revoked, its void not known", orders: []string{"revoke 2026-03-02", "void 2026-03-02 of 1"}, on: "2026-03-02", known: "2025-01-02T23:59:59Z", want: MayNot, reason: ReasonRevoked, order: 1},
		{name: "license void", orders: []string{"void"}, on: "2026-03-02", want: MayNot, reason: ReasonVoid, order: 1},
		{name: "suspended, last day", orders: []string{"suspend 2026-03-01 2026-03-31"}, on: "2026-03-31", want: MayNot, reason: ReasonSuspended, order: 1},
		{name: "suspended, over", orders: []string{"suspend 2026-03-01 2026-03-31"}, on: "2026-04-01", want: May, reason: ReasonLicensed, day: "2026-12-31"},
		{name: "restricted", orders: []string{"restrict 2026-03-01 - NO-OPIOIDS"}, on: "2026-03-01", want: Unknown, reason: ReasonRestricted, missing: MissingReview, order: 1},
		{name: "orders that do not fit", orders: []string{"reinstate 2026-03-01 of 9"}, on: "2026-03-01", want: Unknown, reason: ReasonUnclear, missing: MissingOrders, order: 1},
		{name: "stale", on: "2026-03-01", stale: true, want: Unknown, reason: ReasonStale, missing: MissingFeed},
		{name: "stale and revoked", orders: []string{"revoke 2026-03-02"}, on: "2026-03-02", stale: true, want: MayNot, reason: ReasonRevoked, order: 1},
		{name: "stale, expired", on: "2027-01-01", stale: true, want: Unknown, reason: ReasonStale, missing: MissingFeed},
	} {
		orders := (&acts{t: t, license: ma.Handle}).do(tt.orders...)
		q := StandingQuestion{NPI: ma.NPI, State: "MA", Service: "99213", On: tt.on}
		if n, ok := strings.CutPrefix(tt.known, "entries "); ok {
			q.Position = map[string]int64{"11": 11, "12": 12}[n]
		} else if q.Known = mustTime(t, late); tt.known != "" {
			q.Known = mustTime(t, tt.known)
		}
		r := recordOfActs(!tt.stale, orders...)
		a, err := AnswerStanding(q, r)
		var order byte
		if !a.Order.IsZero() {
			order = a.Order[1]
		}
		if err != nil || a.Answer != tt.want || a.Standing.Reason != tt.reason || a.Missing != tt.missing || order != tt.order || a.Day != tt.day {
			t.Errorf("%s: %s (%s), missing %q, by order %d, day %q, %v; want %s (%s), %q, %d, %q",
				tt.name, a.Answer, a.Standing.Reason, a.Missing, order, a.Day, err, tt.want, tt.reason, tt.missing, tt.order, tt.day)
		}
		for range 5 { // in whatever sequence it is listed
			rand.Shuffle(len(r.Orders), func(i, j int) { r.Orders[i], r.Orders[j] = r.Orders[j], r.Orders[i] })
			if again, err := AnswerStanding(q, r); err != nil || !reflect.DeepEqual(again, a) {
				t.Errorf("%s: the sequence decides: %+v, %+v", tt.name, a, again)
			}
		}
	}
}

// What is not the clinician's, or not of the state, says nothing; nor does a board that nobody follows.
func TestAnswerStandingOfOthers(t *testing.T) {
	r := recordOfActs(true)
	ask := func(edit func(*StandingQuestion, *StandingRecord)) StandingAnswer {
		q := StandingQuestion{NPI: ma.NPI, State: "MA", Service: "99213", On: "2026-03-01", Known: mustTime(t, "2026-06-01T00:00:00Z")}
		r := r
		edit(&q, &r)
		a, err := AnswerStanding(q, r)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for name, tt := range map[string]struct {
		edit func(*StandingQuestion, *StandingRecord)
		want Answer
		miss string
	}{
		"another clinician": {func(q *StandingQuestion, _ *StandingRecord) { q.NPI = "1234567893" }, MayNot, ""},
		"another state":     {func(q *StandingQuestion, _ *StandingRecord) { q.State = "CA" }, MayNot, ""},
		"no board":          {func(_ *StandingQuestion, r *StandingRecord) { r.Feeds = nil }, Unknown, MissingBoard},
		"one board is stale": {func(_ *StandingQuestion, r *StandingRecord) {
			r.Feeds = append([]FeedMark{{Board: "did:web:other.test"}}, r.Feeds...)
		}, Unknown, MissingFeed},
	} {
		if a := ask(tt.edit); a.Answer != tt.want || a.Missing != tt.miss {
			t.Errorf("%s: %s, missing %q; want %s, %q", name, a.Answer, a.Missing, tt.want, tt.miss)
		}
	}
	two := ask(func(_ *StandingQuestion, r *StandingRecord) {
		r.Orders = []KnownOrder{{Order: (&acts{t: t, license: handle(9)}).do("revoke 2026-01-01")[0], Index: 3}}
	})
	if two.Answer != May || len(two.Basis.Orders) != 0 {
		t.Errorf("an order upon another's license: %+v", two)
	}
}

func TestStandingQuestionCheck(t *testing.T) {
	good := StandingQuestion{NPI: ma.NPI, State: "MA", Service: "99213", On: "2026-03-01", Known: mustTime(t, "2026-06-01T00:00:00Z")}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for want, edit := range map[string]func(*StandingQuestion){
		"npi: ":          func(q *StandingQuestion) { q.NPI = "12345" },
		"state: ":        func(q *StandingQuestion) { q.State = "Ma" },
		"service: ":      func(q *StandingQuestion) { q.Service = "" },
		"on: ":           func(q *StandingQuestion) { q.On = "" },
		"known: want e":  func(q *StandingQuestion) { q.Known = time.Time{} },
		"known: want ei": func(q *StandingQuestion) { q.Position = 4 },
		"known: a pos":   func(q *StandingQuestion) { q.Position = -1 },
		"known: want w":  func(q *StandingQuestion) { q.Known = q.Known.Add(time.Millisecond) },
	} {
		q := good
		edit(&q)
		if err := q.Check(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if _, err := AnswerStanding(q, recordOfActs(true)); err == nil {
			t.Errorf("%s: answered", want)
		}
	}
}

func TestFreshFor(t *testing.T) {
	now := mustTime(t, "2026-06-01T12:00:00Z")
	at := func(known time.Duration) StandingQuestion { return StandingQuestion{Known: now.Add(known)} }
	const patience, skew = 5 * time.Minute, time.Minute
	for name, tt := range map[string]struct {
		q        StandingQuestion
		position int64
		read     time.Duration
		want     bool
	}{
		"just read":                {at(0), 9, 0, true},
		"at the end of patience":   {at(0), 9, -patience, true},
		"after it":                 {at(0), 9, -patience - time.Second, false},
		"long ago, asked for then": {at(-time.Hour), 9, -time.Hour, true},
		"long ago, for later":      {at(-time.Hour), 9, -2 * time.Hour, false},
		"asked for long ago":       {at(-24 * time.Hour), 9, 0, true},
		"from the future":          {at(0), 9, skew + time.Second, false},
		"a little ahead":           {at(0), 9, skew, true},
		"position read":            {StandingQuestion{Position: 9}, 9, -24 * time.Hour, true},
		"position not read":        {StandingQuestion{Position: 10}, 9, 0, false},
	} {
		if got := tt.q.FreshFor(tt.position, now.Add(tt.read), now, patience, skew); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
