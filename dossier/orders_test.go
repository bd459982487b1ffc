package dossier

import (
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// TestOrders has the board order something else than a revocation: the whole
// dossier holds, and what it says follows from the order. Then it lies.
func TestOrders(t *testing.T) {
	suspend := func(from, until credentials.Date) func(*credentials.Order) {
		return func(o *credentials.Order) {
			at, _ := time.Parse(time.DateOnly, string(from))
			o.Action, o.Effective, o.Until = credentials.OrderSuspend, at, until
		}
	}
	action := func(a credentials.OrderAction, restrictions ...string) func(*credentials.Order) {
		return func(o *credentials.Order) { o.Action, o.Restrictions = a, restrictions }
	}
	midst := suspend("2026-10-21", "2026-10-22")
	for name, test := range map[string]struct {
		order func(*credentials.Order)
		lie   func(step string, v any)
		c4    claims.Outcome // whose service is on 2026-10-20
		want  want
	}{
		"suspended":                 {suspend("2026-10-15", ""), nil, claims.Denied, want{}},
		"suspended, over by then":   {suspend("2026-10-15", "2026-10-19"), nil, claims.Paid, want{}},
		"restricted":                {action(credentials.OrderRestrict, "NO-SURGERY"), nil, claims.Pended, want{}},
		"issued in error":           {action(credentials.OrderVoid), nil, claims.Denied, want{}},
		"a status bit and no order": {suspend("2026-10-15", ""), mark, claims.Denied, want{Status, checkStanding}},
		"an action of a later day":  {action("censure"), nil, "", want{Orders, checkFormat}},
		"an order of no form":       {action(credentials.OrderSuspend, "NO-SURGERY"), nil, "", want{Orders, checkFormat}},
		"the reason left out":       {suspend("2026-10-15", ""), unreasoned, "", want{Authorizations, checkStanding}},
		"within the days":           {midst, several, claims.Denied, want{}},
		"within, and left out":      {midst, leftOut, claims.Paid, want{Decisions, checkStanding}},
		"within, on another day":    {midst, shifted, claims.Denied, want{Decisions, checkStanding}},
	} {
		t.Run(name, func(t *testing.T) {
			var c4 claims.Outcome
			w := build(t, func(w *world) {
				w.twist = func(step string, v any) {
					switch x := v.(type) {
					case *credentials.Order:
						test.order(x)
					case *map[credentials.StatusPurpose]*credentials.StatusList:
						listed, _ := credentials.ListedAt(w.licensed[revoked], w.orders, w.now)
						for i, p := range credentials.LicensePurposes {
							w.check((*x)[p].Set(9+i, listed.Value(p)))
						}
					case *claims.Decision:
						if step == "decision C4" {
							c4 = x.Outcome
						}
					}
					if test.lie != nil {
						test.lie(step, v)
					}
				}
			})
			r := Verify(w.files, nil, nil)
			if test.want == (want{}) && !r.OK() || test.want != (want{}) && !test.want.in(r) {
				t.Errorf("got%s\nwant %s: %s", failures(r), test.want.folder, test.want.check)
			}
			if test.c4 != "" && c4 != test.c4 {
				t.Errorf("C4 is %s, want %s", c4, test.c4)
			}
		})
	}
}

func mark(_ string, v any) {
	if l, ok := v.(*map[credentials.StatusPurpose]*credentials.StatusList); ok {
		(*l)[credentials.PurposeRevocation].Set(9, 1)
	}
}

func unreasoned(_ string, v any) {
	if e, ok := v.(*claims.AuthorizationEvidence); ok && e.Number == 2 {
		e.Standings[0].Why = ""
	}
}

// several makes of C4 a service of four days.
func several(step string, v any) {
	if s, ok := v.(*string); ok && step == "837" {
		*s = strings.Replace(*s, "DTP*472*D8*20261020~", "DTP*472*RD8*20261020-20261023~", 1)
	}
}

func leftOut(step string, v any) {
	several(step, v)
	if e, ok := v.(*claims.Evidence); ok && step == "evidence C4" {
		e.Lines[0].StandingWithin = nil
	}
}

func shifted(step string, v any) {
	several(step, v)
	if e, ok := v.(*claims.Evidence); ok && step == "evidence C4" {
		e.Lines[0].StandingWithin.On = "2026-10-22"
	}
}
