package contracts

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/standing"
)

// TestActsReachClaims has the board restrict, suspend and reinstate: a claim
// under a restriction waits for a reviewer and is woken when the restriction
// turns out to have been ended before; one within a suspension is denied.
func TestActsReachClaims(t *testing.T) {
	h := open(t)
	h.begin()
	template := h.claimsOf("claims.837")[0]
	bill := func(number string, day credentials.Date) api.Acceptance {
		c := template.Claim
		c.Number, c.Rendering = number, &claims.Provider{NPI: ruskin, Name: "RUSKIN", First: "PETRA"}
		c.Lines = append([]claims.Line{}, c.Lines...)
		c.Lines[0].From, c.Lines[0].To = day, day
		return h.submit(h.sign(c, template.Source))
	}
	order := func(action credentials.OrderAction, from string, until credentials.Date, upon ...credentials.Handle) credentials.Handle {
		effective, err := time.Parse(time.RFC3339, from+"T00:00:00-07:00")
		h.must(err)
		o := client.OrderRequest{Action: action, Effective: effective, Until: until, Reason: "R-1", Upon: upon}
		if action == credentials.OrderRestrict {
			o.Restrictions = []string{"NO-SURGERY"}
		}
		d, err := h.clerk.Order(h.ctx, h.licenses[ruskin], o)
		h.must(err)
		h.until("the order in the books", func() (bool, error) {
			p, err := h.House.Books.PractitionerIn(h.ctx, ruskin, "CA")
			for _, known := range p.Orders {
				if known.Handle == d.Handle {
					return true, err
				}
			}
			return false, err
		})
		return d.Handle
	}
	restriction := order(credentials.OrderRestrict, "2026-10-01", "")
	waiting := bill("ACTS-1", "2026-10-06")
	if s := h.decided(waiting, 1); s.State != "pended" {
		t.Fatalf("under a restriction: %s, want it to wait for a reviewer", s.State)
	}
	order(credentials.OrderReinstate, "2026-10-05", "", restriction)
	if s := h.decided(waiting, 2); s.State != "paid" && s.State != "denied" {
		t.Errorf("after the restriction was ended: %s", s.State)
	} else if s.State != "paid" {
		t.Errorf("the restriction had ended the day before: %s", s.State)
	}
	order(credentials.OrderSuspend, "2026-10-10", "2026-10-12")
	for number, want := range map[string]struct {
		day   credentials.Date
		state string
	}{"ACTS-2": {"2026-10-09", "paid"}, "ACTS-3": {"2026-10-12", "denied"}, "ACTS-4": {"2026-10-13", "paid"}} {
		if s := h.decided(bill(number, want.day), 1); string(s.State) != want.state {
			t.Errorf("on %s: %s, want %s", want.day, s.State, want.state)
		}
	}
	h.asksStanding()
}

// asksStanding asks insurer and board what the claims above were decided by, and checks each answer as anyone else would.
func (h *house) asksStanding() {
	h.T.Helper()
	for day, want := range map[credentials.Date]credentials.Answer{
		"2026-10-04": credentials.Unknown, "2026-10-06": credentials.May, "2026-10-09": credentials.May,
		"2026-10-10": credentials.MayNot, "2026-10-12": credentials.MayNot, "2026-10-13": credentials.May,
	} {
		for _, url := range []string{h.GatewayURL, h.Boards["CA"].URL} {
			a, err := standing.Ask(h.ctx, http.DefaultClient, url, standing.Query(ruskin, "CA", "99213", day, ""))
			h.must(err)
			files, err := standing.Ledger(h.ctx, http.DefaultClient, url)
			h.must(err)
			maps.Copy(files, a.Files)
			if r := dossier.Verify(files, &h.Trust, nil); !r.OK() || r.Answers != 1 || a.Answer != want {
				h.T.Errorf("%s on %s: %s, want %s; %+v", url, day, a.Answer, want, r.Failures)
			}
		}
	}
}
