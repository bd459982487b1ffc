package dossier

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
)

/*
What fails when a check is taken out (each was tried): each comparison of
checkRecoupment and recoveries in TestRecoupmentLies; Unasked in noticeOf in
TestAskedForNeedsNoNotice; what is kept in v.owing in TestRecoupment.
*/

// recouping is a dossier whose plan gives notice of 41 days: T1 tells C1, which pays
// 65.00, T2 takes it back on the insurer's own finding and leaves that with the
// payee, T3 acknowledges 20.00 that came by check, and T4, 41 days after T2, takes
// the rest from a claim that is paid late.
func recouping(t *testing.T, lie func(step string, v any)) *world {
	c1 := claims.ControlNumber(handle("claim C1"))
	return build(t, func(w *world) {
		w.beside = map[string]func(*x12.Remittance){
			"T2": func(r *x12.Remittance) { r.Defer(c1, 65_00) },
			"T3": func(r *x12.Remittance) { r.Recoup(c1, 20_00); r.Return(c1, 20_00) },
			"T4": func(r *x12.Remittance) { r.Recoup(c1, 45_00) },
		}
		w.twist = func(step string, v any) {
			if plan, ok := v.(*[]byte); ok && step == "plan" {
				*plan = append(*plan, "\nrecoupAfterDays: 41\npromptPay: california-plan\n"...)
			}
			if e, ok := v.(*claims.Evidence); ok && step == "evidence C1" && e.Number == 2 {
				e.Original = w.original(0)
			}
			if lie != nil {
				lie(step, v)
			}
		}
		w.remits = func() {
			w.pay("T1", "2026-11-05", x12.Balance{}, w.payments...)
			n5, n6 := w.bill("N5"), w.bill("N6")
			was := w.original(0)
			w.revoke(w.claims[0].Claim.Rendering.NPI, time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC))
			w.seal()
			w.decide(0, 2, nil)
			again := w.payments[len(w.payments)-1]
			w.seal()
			back, err := x12.ReversalOf(&w.claims[0].Claim, was.Reverse(), c1)
			w.check(err)
			w.pay("T2", "2026-11-06", x12.Balance{}, back, again)
			w.pay("T3", "2026-11-20", x12.Balance{}, n5)
			w.pay("T4", "2026-12-17", x12.Balance{}, n6)
		}
	})
}

func TestRecoupment(t *testing.T) {
	totals := map[string]claims.Cents{}
	w := recouping(t, func(step string, v any) {
		if r, ok := v.(*x12.Remittance); ok {
			totals[r.Trace] = r.Sum()
		}
	})
	if r := Verify(w.files, nil, nil); !r.OK() {
		t.Error(failures(r))
	}
	if totals["T2"] != 0 || totals["T3"] != 65_00 || totals["T4"] != 20_40 {
		t.Errorf("they pay %v, want 0.00, 65.00 and 20.40", totals)
	}
	early := recouping(t, func(step string, v any) {
		if plan, ok := v.(*[]byte); ok && step == "plan" {
			*plan = bytes.Replace(*plan, []byte("Days: 41"), []byte("Days: 42"), 1)
		}
	})
	if r := Verify(early.files, nil, nil); !(want{Remittances, checkRecoupment}).in(r) {
		t.Errorf("a day early: got%s", failures(r))
	}
	late := recouping(t, func(step string, v any) {
		if r, ok := v.(*x12.Remittance); ok && r.Trace == "T4" {
			r.Adjustments = r.Adjustments[:1]
		}
	})
	if r := Verify(late.files, nil, nil); !r.OK() {
		t.Errorf("the payee's gain: %s", failures(r))
	}
}

// TestRecoupmentLies has the insurer take what it may not. Every file balances.
func TestRecoupmentLies(t *testing.T) {
	add := func(reason string, amount claims.Cents) func(*x12.Remittance) {
		return func(r *x12.Remittance) {
			a := x12.ProviderAdjustment{Provider: string(r.Payee.NPI), Year: x12.FiscalYear(r.Date), Reason: reason, Reference: claims.ControlNumber(handle("claim C1")), Amount: amount}
			r.Adjustments = append(slices.Clone(r.Adjustments), a)
		}
	}
	change := func(n int, f func(a *x12.ProviderAdjustment)) func(*x12.Remittance) {
		return func(r *x12.Remittance) {
			r.Adjustments = slices.Clone(r.Adjustments)
			f(&r.Adjustments[n])
		}
	}
	for name, x := range map[string]struct {
		trace string
		lie   func(*x12.Remittance)
		check string
	}{
		"takes it at once":        {"T2", func(r *x12.Remittance) { r.Adjustments = nil; r.Settle(x12.Balance{}) }, checkRecoupment},
		"leaves a cent more":      {"T2", change(0, func(a *x12.ProviderAdjustment) { a.Amount-- }), checkRecoupment},
		"leaves it on another":    {"T2", change(0, func(a *x12.ProviderAdjustment) { a.Reference = "CSOTHER" }), checkRecoupment},
		"of another year":         {"T2", change(0, func(a *x12.ProviderAdjustment) { a.Year = "2025-12-31" }), checkRecoupment},
		"takes a cent more":       {"T4", change(1, func(a *x12.ProviderAdjustment) { a.Amount++ }), checkRecoupment},
		"takes part of it":        {"T4", change(1, func(a *x12.ProviderAdjustment) { a.Amount-- }), checkRecoupment},
		"takes it of another":     {"T4", change(1, func(a *x12.ProviderAdjustment) { a.Reference = "CSOTHER" }), checkRests},
		"takes it twice":          {"T4", add("WO", 10_00), checkRecoupment},
		"takes more than a check": {"T3", change(0, func(a *x12.ProviderAdjustment) { a.Amount += 10_00 }), checkRecoupment},
		"a return of more":        {"T3", change(1, func(a *x12.ProviderAdjustment) { a.Amount -= 10_00 }), checkRecoupment},
		"a return that takes":     {"T4", add("72", 10_00), checkRecoupment},
		"a return alone":          {"T1", add("72", -10_00), checkRecoupment},
	} {
		t.Run(name, func(t *testing.T) {
			w := recouping(t, func(step string, v any) {
				if r, ok := v.(*x12.Remittance); ok && step == "remittance "+x.trace {
					x.lie(r)
				}
			})
			if r := Verify(w.files, nil, nil); !(want{Remittances, x.check}).in(r) {
				t.Errorf("got%s\nwant %s", failures(r), x.check)
			}
		})
	}
}

// TestAskedForNeedsNoNotice has a replacement take back more than it pays, at once.
func TestAskedForNeedsNoNotice(t *testing.T) {
	w := corrected(t, claims.Replacement, func(step string, v any) {
		if plan, ok := v.(*[]byte); ok && step == "plan" {
			*plan = append(*plan, "recoupAfterDays: 41\n"...)
		}
		if s, ok := v.(*claims.Submission); ok && step == "change R1" {
			s.Claim.Charge, s.Claim.Lines = 60_00, slices.Clone(s.Claim.Lines)
			s.Claim.Lines[0].Charge = 60_00
		}
	})
	if r := Verify(w.files, nil, nil); !r.OK() {
		t.Error(failures(r))
	}
}
