package worker

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store"
)

// Remit releases what is payable: one 835 file a submitter, with a transaction
// set for each payee, recorded on the ledger by its digest. On is the date of
// payment. Running it again releases only what has become payable since.
func (i *Insurer) Remit(ctx context.Context, on credentials.Date) (released []books.Remittance, err error) {
	submitters, err := i.Books.Due(ctx)
	if err != nil {
		return nil, fmt.Errorf("list payable decisions: %w", err)
	}
	for _, submitter := range submitters {
		r, err := i.Books.Release(ctx, submitter, func(number int, due []store.Payable) (books.Remittance, error) {
			return i.write835(number, on, due)
		})
		if errors.Is(err, store.ErrNothingPayable) {
			continue
		}
		if err != nil {
			return released, fmt.Errorf("release remittance: %w", err)
		}
		if err := i.errands.Recording.Record(ctx, r.Handle); err != nil {
			return released, fmt.Errorf("record remittance: %w", err)
		}
		released = append(released, r)
	}
	return released, nil
}

func (i *Insurer) write835(number int, on credentials.Date, due []store.Payable) (r books.Remittance, err error) {
	rand.Read(r.Handle[:])
	r.Trace = "CSR" + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(r.Handle[:10])
	sets, err := i.transactionSets(r.Trace, on, due)
	if err != nil {
		return r, err
	}
	produced, err := time.Parse(time.DateOnly, string(on))
	if err != nil {
		return r, fmt.Errorf("date of payment: %w", err)
	}
	r.Body, err = x12.WriteRemittance(x12.Envelope{
		Sender: i.Payer.ID, Receiver: "SUBMITTER", Control: number, Produced: produced, Test: i.ReceiptFromFile,
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

// transactionSets groups the decisions by payee, in the order in which the
// payees first appear.
func (i *Insurer) transactionSets(trace string, on credentials.Date, due []store.Payable) (sets []x12.Remittance, err error) {
	at := map[credentials.NPI]int{}
	for _, p := range due {
		payment, err := x12.PaymentOf(&p.Claim, &p.Decision, p.Control)
		if err != nil {
			return nil, err
		}
		n, known := at[p.Claim.Billing.NPI]
		if !known {
			n = len(sets)
			at[p.Claim.Billing.NPI] = n
			sets = append(sets, x12.Remittance{
				Payer: i.Payer, Payee: p.Claim.Billing, Trace: fmt.Sprintf("%s-%d", trace, n+1), Date: on, Produced: on,
			})
		}
		sets[n].Payments = append(sets[n].Payments, payment)
		sets[n].Total += payment.Paid
	}
	for n := range sets {
		sets[n].Method = "CHK"
		if sets[n].Total == 0 {
			sets[n].Method = "NON"
		}
	}
	return sets, nil
}
