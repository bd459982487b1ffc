package store_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
)

func aLicense(name string, npi credentials.NPI) store.Heard {
	l := credentials.License{Handle: handle(name), NPI: npi, Jurisdiction: "CA", From: "2020-01-01", Until: "2028-12-31"}
	return store.Heard{Token: "token " + name, Entry: []byte("entry"), Receipt: []byte("receipt"), License: &l}
}

func anOrder(name, license string) store.Heard {
	o := credentials.Order{Handle: handle(name), License: handle(license), Action: credentials.OrderRevoke, Effective: noon}
	return store.Heard{Token: "token " + name, Entry: []byte("entry"), Receipt: []byte("receipt"), Order: &o}
}

// hear hears one event of the board of California, at a place of its feed.
func (h *house) hear(sequence int64, e store.Heard) {
	h.t.Helper()
	e.Sequence, e.Index = sequence, 10*sequence
	h.must(h.Hear(ctx, board, "CA", []store.Heard{e}, noon))
}

func TestHearTwice(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for range 3 {
			h.hear(1, aLicense("L1", clinician))
			h.hear(2, anOrder("O1", "L1"))
		}
		f := h.file(h.receive("C1"))
		if got, want := f.Fences[1], (books.Fence{Name: "standing/" + string(clinician), Version: 2}); got != want {
			t.Errorf("got fence %+v, want %+v: each event moves it once", got, want)
		}
		p := f.Lines[0].Practitioner
		if len(p.Licenses) != 1 || len(p.Orders) != 1 || p.Feed != 21 || !p.FeedRead.Equal(noon) {
			t.Errorf("got %+v, want one license, one order, and the feed read to 21", p)
		}
		h.hear(1, aLicense("L1", clinician)) // an old page again does not turn the feed back
		feed, err := h.FeedOf(ctx, board)
		if err != nil || feed.Sequence != 2 || feed.Position != 21 {
			t.Errorf("got %+v, %v, want sequence 2, position 21", feed, err)
		}
		if _, err := h.FeedOf(ctx, "did:key:nobody"); err != nil {
			t.Errorf("a board never heard: %v", err)
		}
	})
}

func TestNothingNewIsNews(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.must(h.Hear(ctx, board, "CA", nil, noon))
		h.must(h.Hear(ctx, board, "CA", nil, noon.Add(time.Minute)))
		feed, err := h.FeedOf(ctx, board)
		if err != nil || !feed.ReadAt.Equal(noon.Add(time.Minute)) || feed.Sequence != 0 {
			t.Errorf("got %+v, %v", feed, err)
		}
		p, err := h.PractitionerIn(ctx, clinician, "NV")
		if err != nil || !p.FeedRead.IsZero() {
			t.Errorf("a state whose board nobody follows: got %+v, %v, want it never read", p, err)
		}
	})
}

func TestOrderUponUnknownLicense(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		events := []store.Heard{aLicense("L1", clinician), anOrder("O1", "L2")}
		err := h.Hear(ctx, board, "CA", events, noon)
		if !errors.Is(err, books.ErrNotFound) || !strings.Contains(err.Error(), "never brought") {
			t.Errorf("got %v, want a refusal", err)
		}
		if h.count("license") != 0 || h.count("feed") != 0 {
			t.Error("a refused page left something behind")
		}
	})
}

func TestOrdersArePassedOnOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.hear(1, aLicense("L1", clinician))
		h.hear(2, anOrder("O1", "L1"))
		h.hear(3, anOrder("O2", "L1"))
		h.must(h.PassedOn(ctx, handle("O1")))
		h.must(h.PassedOn(ctx, handle("O1")))
		left, err := h.OrdersToPassOn(ctx)
		if err != nil || len(left) != 1 || left[0].Handle != handle("O2") {
			t.Errorf("got %v, %v, want O2 alone", left, err)
		}
		docs, err := h.LicenseDocuments(ctx, []credentials.Handle{handle("L1")}, []credentials.Handle{handle("O2")})
		if err != nil || len(docs) != 2 || docs[0].Token != "token L1" || docs[1].Token != "token O2" || !docs[1].Order || docs[1].Index != 30 {
			t.Errorf("got %+v, %v", docs, err)
		}
		if _, err := h.LicenseDocuments(ctx, []credentials.Handle{handle("O1")}, nil); !errors.Is(err, books.ErrNotFound) {
			t.Errorf("an order is no license: got %v", err)
		}
	})
}

func TestReach(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.hear(1, aLicense("L1", clinician))
		h.hear(2, anOrder("O1", "L1"))
		claim := h.receive("C1")
		d := claims.Decision{Submission: claim, Number: 1, Outcome: claims.Denied}
		_, err := h.SettleClaim(ctx, books.Settlement{Submission: claim, Document: h.sign("d", d), Fences: h.file(claim).Fences, Cause: handle("O1")})
		h.must(err)
		r, err := h.Reach(ctx, handle("O1"))
		if err != nil || r.Decisions != 1 || !r.Accepted.Equal(noon) || !r.LastHold.Equal(noon) {
			t.Errorf("got %+v, %v", r, err)
		}
		if _, err := h.Reach(ctx, handle("O9")); !errors.Is(err, books.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}

func TestOpenWork(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.hear(1, aLicense("L1", clinician))
		h.hear(2, aLicense("L2", reviewer))
		anyone := by(claims.Person{MemberID: "M9", Last: "Birch", First: "Cy"})
		h.settle(h.receive("paid", anyone), claims.Paid)
		h.settle(h.receive("denied", anyone), claims.Denied)
		h.settle(h.receive("pended", anyone, authorizedBy("ask-1")), claims.Pended)
		h.settle(h.receive("other", anyone, func(c *claims.Claim) { c.Rendering.NPI = reviewer }), claims.Pended)
		h.receive("new", anyone, authorizedBy("ask-1"))
		h.grant(h.ask("ask-1", 1000), claims.AuthorizationApproved)
		h.grant(h.ask("ask-2", 1000), claims.AuthorizationRevoked)
		h.grant(h.ask("ask-3", 1000), claims.AuthorizationPended)
		for _, test := range []struct {
			name string
			got  func() ([]books.Work, error)
			want []string
		}{
			{"of a license", func() ([]books.Work, error) { return h.OpenWork(ctx, handle("L1")) }, []string{"pended", "new", "ask-1", "ask-3"}},
			{"of another", func() ([]books.Work, error) { return h.OpenWork(ctx, handle("L2")) }, []string{"other"}},
			{"of nobody's", func() ([]books.Work, error) { return h.OpenWork(ctx, handle("L3")) }, nil},
			{"waiting", func() ([]books.Work, error) { return h.ClaimsWaitingFor(ctx, handle("ask-1")) }, []string{"pended", "new"}},
			{"not waiting", func() ([]books.Work, error) { return h.ClaimsWaitingFor(ctx, handle("ask-3")) }, nil},
		} {
			got, err := test.got()
			h.must(err)
			var keys, want []credentials.Digest
			for _, w := range got {
				keys = append(keys, w.Key)
			}
			for _, name := range test.want {
				want = append(want, key(name))
			}
			if !slices.Equal(keys, want) {
				t.Errorf("%s: got %d, want %v", test.name, len(got), test.want)
			}
		}
	})
}

// A clinician's file has what the state's boards said of them and nothing of others, and how far each board's feed was read.
func TestClinicianIn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		f, err := h.ClinicianIn(ctx, clinician, "CA")
		if err != nil || len(f.Feeds) != 0 || len(f.Documents) != 0 {
			t.Errorf("before anything was heard: %+v, %v", f, err)
		}
		h.hear(1, aLicense("L1", clinician))
		h.hear(2, aLicense("L2", "1999999984"))
		h.hear(3, anOrder("O2", "L2"))
		h.hear(4, anOrder("O1", "L1"))
		h.must(h.Hear(ctx, "did:web:other.test", "CA", nil, noon.Add(-time.Hour)))
		h.must(h.Hear(ctx, "did:web:far.test", "MA", nil, noon))
		f, err = h.ClinicianIn(ctx, clinician, "CA")
		h.must(err)
		slices.SortFunc(f.Feeds, func(a, b books.FeedRead) int { return int(b.Position - a.Position) })
		if len(f.Feeds) != 2 || f.Feeds[0].Board != board || f.Feeds[0].Position != 41 || !f.Feeds[0].Read.Equal(noon) ||
			f.Feeds[1].Position != 0 || !f.Feeds[1].Read.Equal(noon.Add(-time.Hour)) {
			t.Errorf("feeds %+v", f.Feeds)
		}
		if len(f.Documents) != 2 || f.Documents[0].Handle != handle("L1") || f.Documents[0].Order || f.Documents[0].Index != 10 ||
			f.Documents[1].Handle != handle("O1") || !f.Documents[1].Order || f.Documents[1].Token != "token O1" || string(f.Documents[1].Receipt) != "receipt" {
			t.Errorf("documents %+v", f.Documents)
		}
		if f, err := h.ClinicianIn(ctx, clinician, "MA"); err != nil || len(f.Documents) != 0 || len(f.Feeds) != 1 {
			t.Errorf("in another state: %+v, %v", f, err)
		}
	})
}
