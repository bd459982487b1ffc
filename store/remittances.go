package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// A Payable is a decision that is to be paid, with its claim.
type Payable struct {
	Document credentials.Handle
	Control  string
	Claim    claims.Claim
	Source   claims.Source // of the claim
	Decision claims.Decision
	// Reversed is the claim that is to be taken back in the same remittance, where
	// an earlier one has told of it.
	Reversed *ReversedClaim
	// Received is the day on which the claim came in, and Plan the edition that it
	// was decided by, empty where the books lack it: it names the law by which what
	// is paid late earns interest.
	Received credentials.Date
	Plan     books.Edition
}

// A ReversedClaim is a claim that a remittance takes back. The reversal may be of
// an earlier decision than the payable's own: one that was corrected in its turn
// before a remittance could tell of it.
type ReversedClaim struct {
	Control  string
	Claim    claims.Claim
	Reversal claims.Reversal
}

// A RemittanceWriter writes the remittance of a submitter. Number is the
// file's; open is what its payees owe and have sent back, due or not.
type RemittanceWriter func(number int, submitter credentials.DID, due []Payable, open books.Open) (books.Remittance, error)

// Pay is the payment run: every decision that is payable goes into one
// remittance of its submitter, all in one transaction together with the orders,
// debts and holds that it was asked under. So a decision is in one remittance or
// in none, running it twice pays once, and an order that is accepted before the
// run commits is obeyed: the run is then made again. Feeds last read before
// current prove nothing.
//
// A submitter whose remittance cannot be written, or does not come to what its
// decisions say, holds up nobody else.
func (b *Books) Pay(ctx context.Context, current time.Time, write RemittanceWriter) (run books.PaymentRun, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		run = books.PaymentRun{}
		due, err := readPayments(tx, `WHERE d.remittance = '' AND s.latest = d.document AND `+inForce)
		if err != nil {
			return err
		}
		if err := b.holdDue(tx, due, current); err != nil {
			return err
		}
		if run.Unaccounted, err = countUnaccounted(tx); err != nil {
			return err
		}
		if err := b.release(tx, due, write, &run); err != nil {
			return err
		}
		for _, p := range due {
			if p.State == claims.PaymentHeld {
				run.Held = append(run.Held, p.Payment)
			}
		}
		return nil
	})
	return run, err
}

// countUnaccounted counts final decisions of which nothing says what their
// payment rests on.
func countUnaccounted(tx *sealedTx) (n int, err error) {
	err = tx.QueryRow(`
		SELECT count(*) FROM decision d
		JOIN submission s ON s.handle = d.submission AND s.latest = d.document
		WHERE s.kind = 'claim' AND d.outcome IN ('paid', 'denied') AND d.remittance = '' AND ` + inForce + `
		  AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.document = d.document)`).Scan(&n)
	return n, err
}

func (b *Books) release(tx *sealedTx, due []*paymentRow, write RemittanceWriter, run *books.PaymentRun) error {
	var submitters []credentials.DID
	by := map[credentials.DID][]*paymentRow{}
	for _, p := range due {
		if p.State != claims.PaymentPayable {
			continue
		}
		if by[p.Submitter] == nil {
			submitters = append(submitters, p.Submitter)
		}
		by[p.Submitter] = append(by[p.Submitter], p)
	}
	for _, submitter := range submitters {
		r, err := b.releaseTo(tx, submitter, by[submitter], write)
		if err != nil {
			return err
		}
		if r != nil {
			run.Released = append(run.Released, *r)
		}
	}
	if len(run.Released) == 0 {
		return nil
	}
	return bumpFence(tx, paymentsFence) // last, so that a long run keeps no order waiting
}

// releaseTo writes one submitter's remittance and marks its decisions. Where
// it cannot be written the decisions are held and nothing is kept.
func (b *Books) releaseTo(tx *sealedTx, submitter credentials.DID, due []*paymentRow, write RemittanceWriter) (*books.Remittance, error) {
	payables, err := readPayables(tx, due)
	if err != nil {
		return nil, err
	}
	number, err := nextRemittance(tx)
	if err != nil {
		return nil, err
	}
	open, err := readOpen(tx, submitter)
	if err != nil {
		return nil, err
	}
	r, err := write(number, submitter, payables, open)
	if err == nil {
		err = comesTo(r, due, payables, open)
	}
	if err != nil {
		for _, p := range due {
			p.Hold = &claims.Hold{Reason: claims.HoldUnwritable, Fault: err.Error()}
			p.State = claims.PaymentHeld
		}
		return nil, nil
	}
	r.Number, r.Submitter, r.Released = number, submitter, b.now()
	if err := keepRemittance(tx, r); err != nil {
		return nil, err
	}
	if err := carryBalances(tx, r); err != nil {
		return nil, fmt.Errorf("carry balances: %w", err)
	}
	for _, p := range due {
		marked, err := tx.Exec(`UPDATE decision SET remittance = $2 WHERE document = $1 AND remittance = ''`, p.Document.String(), r.Trace)
		if err == nil && marked != 1 {
			err = fmt.Errorf("decision %s stands in a remittance already", p.Document)
		}
		if err != nil {
			return nil, err
		}
		p.Trace = r.Trace
	}
	return &r, putOutbox(tx, r.Handle, r.Entry)
}

func keepRemittance(tx *sealedTx, r books.Remittance) error {
	at := remittanceAt(r.Trace)
	if err := tx.makeKey(at.holder); err != nil {
		return err
	}
	body, err := tx.seal(at, r.Body)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO remittance (number, trace, handle, submitter, released, body, holder) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		r.Number, r.Trace, r.Handle.String(), string(r.Submitter), micros(r.Released), body, at.holder)
	return err
}

// A remittance names many people, and no part of it proves anything without
// the others: so it has a data key of its own, which goes with the first of
// its people who is forgotten.
func remittanceAt(trace string) cell {
	return cell{"remittance/" + trace, "remittance", "body", trace}
}

// readPayables reads the claims and decisions themselves.
func readPayables(tx *sealedTx, due []*paymentRow) (all []Payable, err error) {
	plans := map[credentials.Digest]books.Edition{}
	for _, p := range due {
		row, err := readSubmission(tx, p.Submission)
		if err != nil {
			return nil, err
		}
		var s claims.Submission
		if err := json.Unmarshal(row.body, &s); err != nil {
			return nil, fmt.Errorf("read submission: %w", err)
		}
		payable := Payable{Document: p.Document, Control: p.Control, Claim: s.Claim, Source: s.Source, Received: row.received}
		if err := readBody(tx, p.Document.String(), &payable.Decision); err != nil {
			return nil, err
		}
		digest := payable.Decision.Plan.Digest
		if _, ok := plans[digest]; !ok {
			plans[digest], err = scanEdition(tx.QueryRow(selectEdition+`WHERE digest = $1`, digest.String()))
			if err != nil && !errors.Is(err, books.ErrNotFound) { // without it, the remittance is not written
				return nil, fmt.Errorf("read plan edition of a decision: %w", err)
			}
		}
		payable.Plan = plans[digest]
		if p.takesBack != "" {
			if payable.Reversed, err = readReversed(tx, p.takesBack); err != nil {
				return nil, err
			}
		}
		all = append(all, payable)
	}
	return all, nil
}

// readReversed reads the claim whose decision is to be taken back, and the
// reversal of that decision.
func readReversed(tx *sealedTx, document string) (*ReversedClaim, error) {
	var by string
	if err := tx.QueryRow(`SELECT document FROM decision WHERE reverses = $1`, document).Scan(&by); err != nil {
		return nil, fmt.Errorf("find the decision that takes it back: %w", notFound(err))
	}
	var d claims.Decision
	if err := readBody(tx, by, &d); err != nil {
		return nil, err
	}
	row, err := readSubmission(tx, d.Reversal.Submission)
	if err != nil {
		return nil, fmt.Errorf("read the claim that is taken back: %w", err)
	}
	var s claims.Submission
	if err := json.Unmarshal(row.body, &s); err != nil {
		return nil, fmt.Errorf("read submission: %w", err)
	}
	return &ReversedClaim{Control: row.control, Claim: s.Claim, Reversal: *d.Reversal}, nil
}

// Remittances lists what was released to a submitter, oldest first; an empty
// submitter means everyone's. Until its receipt is there, one is not for the
// submitter's eyes. The body of one with a person in it who was forgotten is nil.
func (b *Books) Remittances(ctx context.Context, submitter credentials.DID) (all []books.Remittance, err error) {
	err = b.read(ctx, func(tx *sealedTx) error {
		all = nil
		err := rows(tx, `
			SELECT number, trace, handle, submitter, released, body FROM remittance
			WHERE $1 = '' OR submitter = $1 ORDER BY number`,
			[]any{string(submitter)}, func(rs *sql.Rows) error {
				var r books.Remittance
				var handle string
				var released int64
				if err := rs.Scan(&r.Number, &r.Trace, &handle, &r.Submitter, &released, &r.Body); err != nil {
					return err
				}
				r.Released = fromMicros(released)
				r.Handle, err = credentials.ParseHandle(handle)
				all = append(all, r)
				return err
			})
		for i := 0; i < len(all) && err == nil; i++ {
			all[i].Body, err = tx.unseal(remittanceAt(all[i].Trace), all[i].Body)
			if errors.Is(err, books.ErrForgotten) {
				all[i].Body, err = nil, nil
			}
		}
		return err
	})
	return all, err
}
