package worker

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/promptpay"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store"
)

// Remit releases what is payable: one 835 file a submitter, with a transaction
// set for each payee, recorded on the ledger by its digest. On is the date of
// payment. Running it again releases only what has become payable since.
//
// Where the ledger does not answer, what was released waits for its receipt in
// the outbox; until then it is not paid and nobody outside sees it.
func (i *Insurer) Remit(ctx context.Context, on credentials.Date) (run books.PaymentRun, err error) {
	if err := i.CheckBooks(ctx); behind(err) { // they may have been restored under a running process
		return run, err
	}
	if err := i.askClocks(ctx); err != nil {
		return run, err
	}
	if err := i.judgeAnew(ctx); err != nil {
		return run, err
	}
	run, err = i.Books.Pay(ctx, i.Now().Add(-i.Patience), func(number int, _ credentials.DID, due []store.Payable, open books.Open) (books.Remittance, error) {
		return i.write835(number, on, due, open)
	})
	if err != nil {
		return run, fmt.Errorf("run payments: %w", err)
	}
	for _, r := range run.Released {
		if err := i.errands.Recording.Record(ctx, r.Handle); err != nil {
			i.Log.Error("record remittance; it waits for its receipt", "document", r.Handle.String(), "error", err.Error())
		}
	}
	for _, p := range run.Held {
		if p.Hold.Reason == claims.HoldUnwritable {
			i.Log.Error("write remittance; its decisions are held", "document", p.Document.String(), "error", p.Hold.Fault)
		}
	}
	return run, nil
}

func (i *Insurer) write835(number int, on credentials.Date, due []store.Payable, open books.Open) (r books.Remittance, err error) {
	rand.Read(r.Handle[:])
	r.Trace, r.Count, r.On = traceOf(r.Handle), len(due), on
	payments, err := i.transactionSets(r.Trace, on, due)
	if err != nil {
		return r, err
	}
	var sets []x12.Remittance
	for n := range payments {
		told := payments[n].settle(open)
		r.Total, r.Sets = r.Total+told.Total, append(r.Sets, told)
		sets = append(sets, payments[n].Remittance)
	}
	produced, err := time.Parse(time.DateOnly, string(on))
	if err != nil {
		return r, fmt.Errorf("date of payment: %w", err)
	}
	r.Body, err = x12.WriteRemittance(x12.Envelope{
		Sender: i.Payer.ID, To: receiver(due), Control: number, Produced: produced, Test: i.ReceiptFromFile,
	}, sets...)
	if err != nil {
		return r, err
	}
	entry, err := ledger.Entry{
		Kind: ledger.KindRemittance, Subject: r.Handle, Document: credentials.DigestOf(r.Body), Effective: i.Now().UTC().Truncate(time.Second),
	}.Sign(i.Signer)
	r.Entry = entry.Marshal()
	return r, err
}

// traceOf is the number of a remittance. It follows from the handle, so that
// books which have forgotten a remittance never give its number again.
func traceOf(remittance credentials.Handle) string {
	return "CSR" + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(remittance[:10])
}

// receiver is who the file goes to: the name under which the newest of its
// claims was sent, or the payee's NPI where no X12 file named a sender.
func receiver(due []store.Payable) claims.Sender {
	for n := len(due) - 1; n >= 0; n-- {
		if to := due[n].Source.Sender; x12.Addressable(to) {
			return to
		}
	}
	return claims.Sender{ID: string(due[0].Claim.Billing.NPI)}
}

// A payment is a transaction set with what its corrections come to.
type payment struct {
	x12.Remittance
	corrected []corrected
}

// A corrected claim is one that is told again: by how much what is paid on it
// changes, and from when what it is paid less may be taken, "" for at once.
type corrected struct {
	document, submission credentials.Handle
	original, control    string // the insurer's numbers, of what is taken back and of what takes its place
	net                  claims.Cents
	from                 credentials.Date
}

// transactionSets groups the decisions by payee, in the order in which the
// payees first appear. What a decision takes back stands before it.
func (i *Insurer) transactionSets(trace string, on credentials.Date, due []store.Payable) (sets []payment, err error) {
	at, plans := map[claims.Payee]int{}, map[credentials.Digest]*claims.Plan{}
	for _, p := range due {
		payee := claims.Payee{NPI: p.Claim.Billing.NPI, TaxID: p.Claim.Billing.TaxID}
		n, known := at[payee]
		if !known {
			n = len(sets)
			at[payee] = n
			sets = append(sets, payment{Remittance: x12.Remittance{
				Payer: i.Payer, Payee: p.Claim.Billing, Trace: fmt.Sprintf("%s-%d", trace, n+1), Date: on, Produced: on,
			}})
		}
		if plans[p.Plan.Ref.Digest] == nil {
			plan, err := claims.ParsePlan(p.Plan.Body)
			if err != nil {
				return nil, fmt.Errorf("plan edition %s of a decision: %w", p.Plan.Ref.Edition, err)
			}
			plans[p.Plan.Ref.Digest] = plan
		}
		if err := sets[n].tell(&p, plans[p.Plan.Ref.Digest]); err != nil {
			return nil, err
		}
	}
	return sets, nil
}

// tell adds a decision to its payee's set: what it takes back, what it pays, and
// the interest that a law adds because it is late.
func (set *payment) tell(p *store.Payable, plan *claims.Plan) error {
	if r := p.Reversed; r != nil {
		back, err := x12.ReversalOf(&r.Claim, &r.Reversal, r.Control)
		if err != nil {
			return err
		}
		set.Payments = append(set.Payments, back)
		c := corrected{document: p.Document, submission: p.Decision.Submission, original: r.Control, control: p.Control, net: p.Decision.Paid + back.Paid}
		if p.Decision.Unasked() {
			c.from = plan.RecoupFrom(set.Date)
		}
		set.corrected = append(set.corrected, c)
	}
	if p.Decision.Outcome == claims.Voided {
		return nil
	}
	told, err := x12.PaymentOf(&p.Claim, &p.Decision, p.Control)
	if err != nil {
		return err
	}
	if r := p.Reversed; r != nil && r.Control != p.Control {
		told.Original = r.Control
	}
	set.Payments = append(set.Payments, told)
	if plan.PromptPay == "" || p.Decision.Outcome != claims.Paid {
		return nil
	}
	clock, _, err := promptpay.Owed(plan.PromptPay, p.Received, &p.Decision, set.Date)
	if err != nil {
		return fmt.Errorf("interest on claim %s: %w", p.Control, err)
	}
	set.AddInterest(len(set.Payments)-1, clock.Interest)
	return nil
}
