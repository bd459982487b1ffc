package store_test

import (
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
)

// word is a license or an order as SetDoubt takes it.
func word(order bool, name, license string, doubt credentials.Handle) store.BoardWord {
	return store.BoardWord{Order: order, Handle: handle(name), License: handle(license), Doubt: doubt}
}

// What a license comes to once the board's stolen key has signed something of it.
func TestDoubt(t *testing.T) {
	day := credentials.DateOf(noon)
	stolen := handle("declaration")
	voided := func(name, license string) store.Heard {
		o := anOrder(name, license)
		o.Order.Action = credentials.OrderVoid
		return o
	}
	by := func(e store.Heard) store.Heard { e.Doubt = stolen; return e }
	for name, tt := range map[string]struct {
		events []store.Heard
		doubt  []store.BoardWord
		want   credentials.Answer
		reason credentials.Reason
		sure   bool
	}{
		"no doubt":                             {[]store.Heard{aLicense("L1", clinician)}, nil, credentials.May, credentials.ReasonLicensed, true},
		"the license":                          {[]store.Heard{aLicense("L1", clinician)}, []store.BoardWord{word(false, "L1", "L1", stolen)}, credentials.Unknown, credentials.ReasonStale, false},
		"the license, as it is heard":          {[]store.Heard{by(aLicense("L1", clinician))}, nil, credentials.Unknown, credentials.ReasonStale, false},
		"the license, and then none any more":  {[]store.Heard{by(aLicense("L1", clinician))}, []store.BoardWord{word(false, "L1", "L1", credentials.Handle{})}, credentials.May, credentials.ReasonLicensed, true},
		"one license of two":                   {[]store.Heard{aLicense("L1", clinician), aLicense("L2", clinician)}, []store.BoardWord{word(false, "L1", "L1", stolen)}, credentials.May, credentials.ReasonLicensed, true},
		"a revocation":                         {[]store.Heard{aLicense("L1", clinician), anOrder("O1", "L1")}, []store.BoardWord{word(true, "O1", "L1", stolen)}, credentials.Unknown, credentials.ReasonStale, false},
		"a revocation, as it is heard":         {[]store.Heard{aLicense("L1", clinician), by(anOrder("O1", "L1"))}, nil, credentials.Unknown, credentials.ReasonStale, false},
		"a revocation, issued anew":            {[]store.Heard{aLicense("L1", clinician), by(anOrder("O1", "L1")), anOrder("O2", "L1")}, nil, credentials.MayNot, credentials.ReasonRevoked, false},
		"a revocation, and a new license":      {[]store.Heard{aLicense("L1", clinician), by(anOrder("O1", "L1")), aLicense("L2", clinician)}, nil, credentials.May, credentials.ReasonLicensed, true},
		"the license, and the board voids it":  {[]store.Heard{by(aLicense("L1", clinician)), voided("O1", "L1")}, nil, credentials.MayNot, credentials.ReasonNoLicense, true},
		"a void of the license":                {[]store.Heard{aLicense("L1", clinician), by(voided("O1", "L1"))}, nil, credentials.Unknown, credentials.ReasonStale, false},
		"the license, revoked by the board":    {[]store.Heard{by(aLicense("L1", clinician)), anOrder("O1", "L1")}, nil, credentials.Unknown, credentials.ReasonStale, false},
		"an order upon what was never heard":   {[]store.Heard{aLicense("L1", clinician), by(anOrder("O1", "L9"))}, nil, credentials.May, credentials.ReasonLicensed, true},
		"something that cannot be understood":  {[]store.Heard{aLicense("L1", clinician), {Token: "t", Entry: []byte("e"), Receipt: []byte("r"), Doubt: stolen}}, nil, credentials.May, credentials.ReasonLicensed, true},
		"another clinician's license in doubt": {[]store.Heard{aLicense("L1", clinician), by(aLicense("L2", reviewer))}, nil, credentials.May, credentials.ReasonLicensed, true},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				for i, e := range tt.events {
					h.hear(int64(i+1), e)
				}
				h.must(h.SetDoubt(ctx, tt.doubt))
				p, err := h.PractitionerIn(ctx, clinician, "CA")
				h.must(err)
				s, order, sure := p.Standing(day, true)
				if s.Answer != tt.want || s.Reason != tt.reason || sure != tt.sure || (order != nil) != s.Reason.Ordered() {
					t.Errorf("got %+v by %v, sure=%v; want %s (%s), sure=%v", s, order, sure, tt.want, tt.reason, tt.sure)
				}
				// A dossier computes it again from what the evidence names.
				if again := credentials.StandingOn(p.Licenses, p.Orders, "CA", day, sure); again != s {
					t.Errorf("computed again, it is %+v, not %+v", again, s)
				}
				if _, _, sure := p.Standing(day, false); sure {
					t.Error("sure of an old feed")
				}
				if f, err := h.FeedOf(ctx, board); err != nil || f.Sequence != int64(len(tt.events)) {
					t.Errorf("the feed was read to %d, %v; want %d", f.Sequence, err, len(tt.events))
				}
			})
		})
	}
}

// Money stops when a license comes into doubt, goes on when it is cleared, and
// nothing settles on what was read in between.
func TestDoubtHoldsMoney(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.licensed()
		h.pay("C1")
		open := h.receive("C2")
		before := h.file(open)
		doubted := word(false, "L1", "L1", handle("declaration"))
		h.must(h.SetDoubt(ctx, []store.BoardWord{doubted}))
		if after := h.file(open); after.Fences[1].Version == before.Fences[1].Version {
			t.Errorf("the fence %+v has not moved", after.Fences[1])
		}
		run, err := h.Pay(ctx, noon, write)
		h.must(err)
		if h.holds(run.Held, "C1 "+string(claims.HoldStanding)); len(run.Released) != 0 {
			t.Errorf("paid %q", bodies(run))
		}
		doubted.Doubt = credentials.Handle{}
		h.must(h.SetDoubt(ctx, []store.BoardWord{doubted}))
		if run, err = h.Pay(ctx, noon, write); err != nil || bodies(run) != "C1 75.00\n" {
			t.Errorf("cleared, and paid %q, %v", bodies(run), err)
		}
	})
}

// A doubt that comes up during a payment run makes it run again (PostgreSQL), or
// waits for it (SQLite).
func TestDoubtDuringTheRun(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if !h.db.Postgres() {
			t.Skip("one writer at a time")
		}
		h.licensed()
		h.pay("C1")
		runs := 0
		run, err := h.Pay(ctx, noon, func(number int, submitter credentials.DID, due []store.Payable, open books.Open) (books.Remittance, error) {
			if runs++; runs == 1 {
				h.must(h.SetDoubt(ctx, []store.BoardWord{word(false, "L1", "L1", handle("declaration"))}))
			}
			return write(number, submitter, due, open)
		})
		h.must(err)
		if h.holds(run.Held, "C1 "+string(claims.HoldStanding)); len(run.Released) != 0 {
			t.Errorf("paid %q over a doubt from before its commit", bodies(run))
		}
	})
}

// What is in doubt is found again, and passed on until somebody says it was.
func TestDoubtIsPassedOn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		stolen := handle("declaration")
		for i, e := range []store.Heard{aLicense("L1", clinician), anOrder("O1", "L1"), aLicense("L2", clinician), anOrder("O2", "L2")} {
			h.hear(int64(i+1), e)
		}
		words, err := h.BoardWords(ctx, 10, 2)
		if err != nil || len(words) != 2 || !words[0].Order || words[0].Handle != handle("O1") || words[0].License != handle("L1") || words[0].Index != 20 || words[0].Token != "token O1" ||
			words[1].Order || words[1].Handle != handle("L2") || words[1].License != handle("L2") || string(words[1].Entry) != "entry" {
			t.Fatalf("got %+v, %v", words, err)
		}
		if first, err := h.FirstDoubt(ctx); first != 0 || err != nil {
			t.Errorf("in doubt from %d, %v, before anything is", first, err)
		}
		h.must(h.SetDoubt(ctx, []store.BoardWord{word(true, "O1", "L1", stolen), word(false, "L2", "L2", stolen)}))
		if first, err := h.FirstDoubt(ctx); first != 20 || err != nil {
			t.Errorf("in doubt from %d, %v; want 20", first, err)
		}
		if words, err = h.BoardWords(ctx, 0, 9); err != nil || len(words) != 4 || !words[0].Doubt.IsZero() || words[1].Doubt != stolen || words[2].Doubt != stolen || !words[3].Doubt.IsZero() {
			t.Errorf("got %+v, %v", words, err)
		}
		for left := 2; left >= 0; left-- {
			list, err := h.DoubtsToPassOn(ctx)
			if err != nil || len(list) != left {
				t.Fatalf("to pass on: %+v, %v; want %d", list, err, left)
			}
			for _, w := range list {
				if w.Handle != stolen {
					t.Errorf("license %s is in doubt by %s", w.License, w.Handle)
				}
			}
			if left > 0 {
				h.must(h.DoubtPassedOn(ctx, list[0].License))
			}
		}
		h.must(h.SetDoubt(ctx, []store.BoardWord{word(true, "O1", "L1", credentials.Handle{})}))
		if list, err := h.DoubtsToPassOn(ctx); err != nil || len(list) != 1 || list[0].License != handle("L1") || !list[0].Handle.IsZero() {
			t.Errorf("cleared: %+v, %v", list, err)
		}
		if err := h.SetDoubt(ctx, []store.BoardWord{word(false, "L9", "L9", stolen)}); err == nil {
			t.Error("a license that is not there: no error")
		}
	})
}
