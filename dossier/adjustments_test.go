package dossier

import (
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/promptpay"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// pay writes a remittance to the payee of all claims: interest where it is late,
// what the one before could not bear, and what this one cannot.
func (w *world) pay(trace string, on credentials.Date, brought x12.Balance, payments ...x12.Payment) (left x12.Balance) {
	r := x12.Remittance{
		Payer: x12.Payer{Name: "DEMO-PPO", ID: "DEMOPPO", TaxID: "123456789", Contact: "Provider services", Phone: "8005550100", Address: claims.Address{Street: "1 Plan Way", City: "Boston", State: "MA", ZIP: "02108"}},
		Payee: w.claims[0].Claim.Billing, Trace: trace, Date: on, Produced: on, Payments: payments,
	}
	for i := range r.Payments {
		if p := &r.Payments[i]; p.Status == "1" && p.Number != "C3" { // which a person had
			clock, err := promptpay.On("california-plan", "2026-11-02", p.Paid, on)
			w.check(err)
			r.AddInterest(i, clock.Interest)
		}
	}
	if f := w.beside[trace]; f != nil {
		f(&r)
	}
	left = r.Settle(brought)
	w.twisted("remittance "+trace, &r)
	r.Total, r.Method = r.Sum(), ""
	b, err := x12.WriteRemittance(x12.Envelope{Sender: "DEMOPPO", To: claims.Sender{ID: "HOSPITAL"}, Control: len(w.leaves), Produced: w.now}, r)
	w.check(err)
	w.file(ledger.KindRemittance, "remittances/"+trace+".835", b)
	w.seal()
	return left
}

// bill has the hospital bill C1's service under another number, and the insurer
// decide it.
func (w *world) bill(number string) x12.Payment {
	s := w.claims[0]
	s.Handle, s.Salt, s.Claim.Number = handle("claim "+number), handle("salt "+number), number
	s.Source.File = credentials.DigestOf([]byte("the file of " + number))
	w.claims = append(w.claims, s)
	issue(w, Submissions, "hospital", credentials.KindClaimSubmission, s.Handle, nil, s, 0)
	w.decide(len(w.claims)-1, 1, nil)
	w.seal()
	return w.payments[len(w.payments)-1]
}

// corrected is a dossier of three remittances: T1 tells C1, which pays 65.00, and
// three claims that pay nothing; T2 takes C1 back, by a void with 65.00 going
// on, or by a replacement; T3 pays another claim 65.00, late.
func corrected(t *testing.T, f claims.Frequency, lie func(step string, v any)) *world {
	return build(t, func(w *world) {
		w.twist = func(step string, v any) {
			if plan, ok := v.(*[]byte); ok && step == "plan" {
				*plan = append(*plan, "\npromptPay: california-plan\n"...)
			}
			if lie != nil {
				lie(step, v)
			}
		}
		w.remits = func() {
			w.pay("T1", "2026-11-05", x12.Balance{}, w.payments...)
			w.change("R1", f)
			w.seal()
			back, err := x12.ReversalOf(&w.claims[0].Claim, w.original(0).Reverse(), claims.ControlNumber(w.claims[0].Handle))
			w.check(err)
			told := []x12.Payment{back}
			if f == claims.Replacement {
				token := string(w.files[decisionFile("R1")])
				d, err := credentials.Open[claims.ClaimDecisionDocument](token[:len(token)-1], credentials.KindClaimDecision, credentials.ResolveDIDKey)
				w.check(err)
				again, err := x12.PaymentOf(&w.claims[len(w.claims)-1].Claim, &d.Subject.Decision, claims.ControlNumber(handle("claim R1")))
				w.check(err)
				again.Original = back.Control
				told = append(told, again)
			}
			left := w.pay("T2", "2026-11-06", x12.Balance{}, told...)
			w.pay("T3", "2027-02-15", left, w.bill("N5"))
		}
	})
}

// TestCorrected verifies both dossiers; the amounts are worked out by hand.
func TestCorrected(t *testing.T) {
	var plb []x12.ProviderAdjustment
	w := corrected(t, claims.Void, func(step string, v any) {
		if r, ok := v.(*x12.Remittance); ok {
			plb = append(plb, r.Adjustments...)
		}
	})
	if r := Verify(w.files, nil, nil); !r.OK() {
		t.Error(failures(r))
	}
	n5 := claims.ControlNumber(handle("claim N5"))
	// 65.00 x 15% x 75 days after December 2 / 365 = 2.0034.
	for i, want := range []string{"FB T2 -65.00", "L6 " + n5 + " -2.00", "FB T2 65.00"} {
		if i >= len(plb) || plb[i].Reason+" "+plb[i].Reference+" "+plb[i].Amount.String() != want {
			t.Errorf("adjustments %+v, want %s", plb, want)
		}
	}
	if r := Verify(corrected(t, claims.Replacement, nil).files, nil, nil); !r.OK() {
		t.Error(failures(r))
	}
	_, all := ClaimDecisions(w.files, nil, nil)
	for _, told := range all {
		switch told.Claim.Number {
		case "C1":
			if told.TakenBackBy != handle("claim R1") || told.Payment == nil || told.Payment.Trace != "T1" {
				t.Errorf("C1: %+v", told)
			}
		case "R1":
			if told.Payment == nil || told.Payment.Trace != "T2" {
				t.Errorf("R1: %+v", told)
			}
		case "N5":
			if told.Payment == nil || told.Payment.Interest != 200 {
				t.Errorf("N5: %+v", told)
			}
		}
	}
}

// TestRemittanceLies has the insurer release, record and sign for what does not
// follow. Every file balances.
func TestRemittanceLies(t *testing.T) {
	lines := func(p *x12.Payment) *x12.ServicePayment { // a copy of its first line
		p.Lines = append([]x12.ServicePayment{}, p.Lines...)
		l := &p.Lines[0]
		l.Adjustments = append([]claims.Adjustment{}, l.Adjustments...)
		return l
	}
	forward := func(r *x12.Remittance) *x12.ProviderAdjustment { return &r.Adjustments[len(r.Adjustments)-1] }
	for name, x := range map[string]struct {
		frequency claims.Frequency
		trace     string
		lie       func(r *x12.Remittance)
		check     string
	}{
		"takes back a cent more": {claims.Void, "T2", func(r *x12.Remittance) {
			l := lines(&r.Payments[0])
			l.Paid, l.Adjustments[0].Amount, r.Payments[0].Paid = l.Paid-1, l.Adjustments[0].Amount+1, r.Payments[0].Paid-1
			forward(r).Amount--
		}, checkReversal},
		"in another group":    {claims.Void, "T2", func(r *x12.Remittance) { lines(&r.Payments[0]).Adjustments[0].Group = "OA" }, checkReversal},
		"another allowance":   {claims.Void, "T2", func(r *x12.Remittance) { lines(&r.Payments[0]).Allowed-- }, checkReversal},
		"units below nothing": {claims.Void, "T2", func(r *x12.Remittance) { lines(&r.Payments[0]).Units = -1000 }, checkReversal},
		"taken back twice": {claims.Void, "T2", func(r *x12.Remittance) {
			r.Payments = append(r.Payments, r.Payments[0])
			forward(r).Amount *= 2
		}, checkReversal},
		"of a claim that nothing takes back": {claims.Void, "T2", func(r *x12.Remittance) { r.Payments[0].Number = "C2" }, checkReversal},
		"under another number":               {claims.Void, "T2", func(r *x12.Remittance) { r.Payments[0].Control = "CSOTHER" }, checkReversal},
		"correction alone":                   {claims.Replacement, "T2", func(r *x12.Remittance) { r.Payments = r.Payments[1:] }, checkReversal},
		"reversal alone": {claims.Replacement, "T2", func(r *x12.Remittance) {
			r.Payments = r.Payments[:1]
			r.Settle(x12.Balance{})
		}, checkReversal},
		"correction first": {claims.Replacement, "T2", func(r *x12.Remittance) { r.Payments[0], r.Payments[1] = r.Payments[1], r.Payments[0] }, checkReversal},
		"before it was told": {claims.Void, "T1", func(r *x12.Remittance) {
			r.Payments = r.Payments[1:]
			r.Adjustments = nil
		}, checkRests},
		"forwards a cent more":          {claims.Void, "T2", func(r *x12.Remittance) { forward(r).Amount-- }, checkForward},
		"forwards under another trace":  {claims.Void, "T2", func(r *x12.Remittance) { forward(r).Reference = "T1" }, checkForward},
		"of another year":               {claims.Void, "T2", func(r *x12.Remittance) { forward(r).Year = "2025-12-31" }, checkForward},
		"brings a cent more":            {claims.Void, "T3", func(r *x12.Remittance) { forward(r).Amount++ }, checkForward},
		"brings it from another one":    {claims.Void, "T3", func(r *x12.Remittance) { forward(r).Reference = "T1" }, checkForward},
		"brings it from one not here":   {claims.Void, "T3", func(r *x12.Remittance) { forward(r).Reference = "T0" }, checkRests},
		"does not bring it":             {claims.Void, "T3", func(r *x12.Remittance) { r.Adjustments = r.Adjustments[:1] }, checkForward},
		"brings what nobody owes":       {claims.Replacement, "T3", func(r *x12.Remittance) { r.Settle(x12.Balance{Trace: "T1", Owed: 100}) }, checkForward},
		"interest of a cent less":       {claims.Void, "T3", func(r *x12.Remittance) { r.Adjustments[0].Amount++ }, checkInterest},
		"interest told a cent less":     {claims.Void, "T3", func(r *x12.Remittance) { r.Payments[0].Interest-- }, checkInterest},
		"no interest":                   {claims.Replacement, "T3", func(r *x12.Remittance) { r.Payments[0].Interest, r.Adjustments = 0, nil }, checkInterest},
		"interest under another number": {claims.Void, "T3", func(r *x12.Remittance) { r.Adjustments[0].Reference = "CSOTHER" }, checkInterest},
		"interest that nothing owes":    {claims.Void, "T1", func(r *x12.Remittance) { r.AddInterest(0, 100) }, checkInterest},
		"interest on what a person had": {claims.Void, "T1", func(r *x12.Remittance) { r.AddInterest(2, 100) }, checkInterest},
		"something else": {claims.Void, "T1", func(r *x12.Remittance) {
			r.Adjustments = append(r.Adjustments, x12.ProviderAdjustment{Provider: string(r.Payee.NPI), Year: "2026-12-31", Reason: "WO", Reference: "CS1", Amount: 100})
		}, checkRests},
		"something else again": {claims.Void, "T1", func(r *x12.Remittance) {
			r.Adjustments = append(r.Adjustments, x12.ProviderAdjustment{Provider: string(r.Payee.NPI), Year: "2026-12-31", Reason: "CS", Reference: "CS1", Amount: 100})
		}, checkPayment},
	} {
		t.Run(name, func(t *testing.T) {
			w := corrected(t, x.frequency, func(step string, v any) {
				if r, ok := v.(*x12.Remittance); ok && step == "remittance "+x.trace {
					r.Payments = append([]x12.Payment{}, r.Payments...)
					x.lie(r)
				}
			})
			r := Verify(w.files, nil, nil)
			if !(want{Remittances, x.check}).in(r) {
				t.Errorf("got%s\nwant %s", failures(r), x.check)
			}
		})
	}
}

// TestRemittanceMissing does not pass a remittance that rests on another one
// which is not there.
func TestRemittanceMissing(t *testing.T) {
	for _, missing := range []string{"T1", "T2"} {
		w := corrected(t, claims.Void, nil)
		name := "remittances/" + missing + ".835"
		delete(w.files, name)
		delete(w.files, fileOf(Entries, handle(name)))
		delete(w.files, fileOf(Receipts, handle(name)))
		if r := Verify(w.files, nil, nil); !(want{Remittances, checkRests}).in(r) {
			t.Errorf("without %s: got%s", missing, failures(r))
		}
	}
}
