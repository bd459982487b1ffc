package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// stateReversed is the state of a claim whose decision another claim's has
// taken back. Its own decisions stay as they were signed.
const stateReversed = "reversed"

// errNotInForce says that a decision takes back one that does not stand any more.
var errNotInForce = errors.New("the decision that it takes back is not the one in force on its claim")

// inForce says that a decision of the books was never taken back.
const inForce = `NOT EXISTS (SELECT 1 FROM decision r WHERE r.reverses = d.document)`

// Change is what the books know of the claim that a replacement or a void names,
// by the insurer's number, among those that the submitter sent.
func (b *Books) Change(ctx context.Context, submitter credentials.DID, control string) (c claims.Change, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		c = claims.Change{}
		text, err := originalOf(tx, submitter, control)
		if err != nil || text == "" {
			return err
		}
		h, err := credentials.ParseHandle(text)
		if err != nil {
			return err
		}
		row, err := readSubmission(tx, h)
		if err != nil {
			return err
		}
		c.Known, c.Final = true, row.state == string(claims.Paid) || row.state == string(claims.Denied)
		if row.state == stateReversed {
			err := tx.QueryRow(`
				SELECT s.control FROM decision d JOIN submission s ON s.handle = d.submission
				WHERE d.reverses = $1`, row.latest).Scan(&c.ReversedBy)
			if err != nil {
				return fmt.Errorf("find what took it back: %w", notFound(err))
			}
		}
		var s claims.Submission
		if err := json.Unmarshal(row.body, &s); err != nil {
			return fmt.Errorf("read submission: %w", err)
		}
		c.Claim = &s.Claim
		return nil
	})
	return c, err
}

// originalOf finds the claim that another one of the same submitter names, "" if
// there is none.
func originalOf(tx statements, submitter credentials.DID, control string) (handle string, err error) {
	err = tx.QueryRow(`SELECT handle FROM submission WHERE kind = 'claim' AND control = $1 AND submitter = $2`, control, string(submitter)).Scan(&handle)
	if err = notFound(err); errors.Is(err, books.ErrNotFound) {
		err = nil
	}
	return handle, err
}

// changeFence moves when a claim's final decision is taken back, so that two
// corrections never both take it back.
func changeFence(submission string) string { return "change/" + submission }

// An originalClaim is a claim whose decision is about to be taken back.
type originalClaim struct {
	handle credentials.Handle
	row    submissionRow
}

// readOriginal reads the decision that this one is to take back, if it is still
// in force. Everything read after it is as though that decision had never been.
func (f *claimFile) readOriginal(tx *sealedTx, s submissionRow) error {
	original := s.original
	if f.Reopened {
		original = f.Submission.Handle.String()
	}
	if original == "" {
		return nil
	}
	h, err := credentials.ParseHandle(original)
	if err != nil {
		return err
	}
	if err := f.fence(tx, changeFence(original)); err != nil {
		return err
	}
	row, err := readSubmission(tx, h)
	if err != nil {
		return fmt.Errorf("read the claim that it changes: %w", err)
	}
	if row.state != string(claims.Paid) && row.state != string(claims.Denied) {
		return nil
	}
	o := &claims.OriginalFact{Submission: h}
	if o.Document, err = credentials.ParseHandle(row.latest); err != nil {
		return err
	}
	if err := readBody(tx, row.latest, &o.Decision); err != nil {
		return err
	}
	if o.Received, err = firstReceived(tx, row); err != nil {
		return err
	}
	f.Original, f.changes = o, originalClaim{h, row}
	return nil
}

// firstReceived is the day from which the decision in force was judged timely.
func firstReceived(tx *sealedTx, row submissionRow) (credentials.Date, error) {
	document, err := scanSigned(tx, tx.QueryRow(selectSigned+`WHERE handle = $1`, row.latest))
	if err != nil {
		return "", fmt.Errorf("read signed decision: %w", err)
	}
	e, _, err := claims.OpenEvidence[claims.Evidence](document.Evidence)
	if err != nil {
		return "", fmt.Errorf("read evidence of the decision: %w", err)
	}
	if e.Original != nil {
		return min(row.received, e.Original.Received), nil
	}
	return row.received, nil
}

// without takes out of what a period has met what the decision added that is
// being taken back.
func (f *claimFile) without(a *claims.Accumulators, who found) {
	if f.Original == nil {
		return
	}
	for _, m := range f.Original.Decision.Met {
		if m.Period != a.Period {
			continue
		}
		if f.changes.row.person == who.person {
			a.DeductibleIndividual -= m.DeductibleIndividual
			a.OutOfPocketPerson -= m.OutOfPocketPerson
		}
		if f.changes.row.family == who.family {
			a.DeductibleFamily -= m.DeductibleFamily
			a.OutOfPocketFamily -= m.OutOfPocketFamily
		}
	}
}

// givenBack is how many units of an authorization's item go back to it.
func (f *claimFile) givenBack(tx statements, authorization, code string) (units claims.Quantity, err error) {
	if f.Original == nil {
		return 0, nil
	}
	for _, d := range f.Original.Decision.Draws {
		var of string
		if err := tx.QueryRow(`SELECT submission FROM decision WHERE document = $1`, d.Authorization.String()).Scan(&of); err != nil {
			return 0, fmt.Errorf("find authorization: %w", notFound(err))
		}
		if of == authorization && d.Code == code {
			units += d.Units
		}
	}
	return units, nil
}

// reversedBy is another claim's decision, recorded, that has taken back one of a
// submission; zero where there is none.
func reversedBy(tx statements, document string, submission credentials.Handle) (h credentials.Handle, err error) {
	var text string
	err = tx.QueryRow(`
		SELECT r.document FROM decision r JOIN outbox o ON o.document = r.document
		WHERE r.reverses = $1 AND r.submission <> $2 AND o.recorded <> 0 AND $1 <> ''`, document, submission.String()).Scan(&text)
	if errors.Is(notFound(err), books.ErrNotFound) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	return credentials.ParseHandle(text)
}

// applyReversal takes back what a decision of another claim, or an earlier one
// of this claim, has changed.
func (b *Books) applyReversal(tx *sealedTx, submission, document credentials.Handle, r *claims.Reversal) error {
	row, err := readSubmission(tx, r.Submission)
	if err != nil {
		return fmt.Errorf("read the claim that is taken back: %w", err)
	}
	var taken int
	if err := tx.QueryRow(`SELECT count(*) FROM decision WHERE reverses = $1`, r.Document.String()).Scan(&taken); err != nil {
		return err
	}
	own := r.Submission == submission
	// The claim's own latest is by now the decision that takes it back.
	if taken > 0 || !own && (row.latest != r.Document.String() || row.state != string(r.Outcome)) {
		return errNotInForce
	}
	if err := b.overtake(tx, r.Submission, own, document); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE decision SET reverses = $2 WHERE document = $1`, document.String(), r.Document.String()); err != nil {
		return err
	}
	if !own {
		if _, err := tx.Exec(`UPDATE submission SET state = $2 WHERE handle = $1`, r.Submission.String(), stateReversed); err != nil {
			return err
		}
		if err := carryHold(tx, r.Submission, submission); err != nil {
			return err
		}
	}
	if err := addMet(tx, row, r.Met); err != nil {
		return err
	}
	for _, d := range r.Draws {
		if err := drawUnits(tx, d); err != nil {
			return err
		}
	}
	if err := bumpFence(tx, changeFence(r.Submission.String())); err != nil {
		return err
	}
	var s claims.Submission
	if err := json.Unmarshal(row.body, &s); err != nil {
		return fmt.Errorf("read submission: %w", err)
	}
	return bumpPeriods(tx, row, &s.Claim)
}

// carryHold has a hold that the staff placed upon a claim hold what takes its
// place: nobody gets around it by sending the claim again.
func carryHold(tx *sealedTx, from, to credentials.Handle) error {
	held, err := lastHold(tx, from)
	if err != nil || held.number == 0 || held.lifted != 0 {
		return err
	}
	there, err := lastHold(tx, to)
	if err != nil || there.number > 0 && there.lifted == 0 {
		return err
	}
	_, err = tx.Exec(`
		INSERT INTO payment_hold (submission, number, code, placed_by, placed, placed_token, lifted_by, lifted, lifted_token, lifted_code)
		SELECT $2, $4, code, placed_by, placed, placed_token, '', 0, '', '' FROM payment_hold WHERE submission = $1 AND number = $3`,
		from.String(), to.String(), held.number, there.number+1)
	return err
}

// takesBack names the decision whose reversal a remittance has to tell, and what
// that comes to; "" where no remittance ever told of any: such a one is withdrawn,
// and told nowhere. Where the decision that is taken back was to take back one
// itself and no remittance got to tell of either, the earlier one is still to be
// taken back.
func takesBack(tx statements, r *claims.Reversal) (document string, reversed claims.Cents, err error) {
	if r == nil {
		return "", 0, nil
	}
	var trace string
	if err := tx.QueryRow(`SELECT remittance FROM decision WHERE document = $1`, r.Document.String()).Scan(&trace); err != nil {
		return "", 0, fmt.Errorf("find the decision that is taken back: %w", notFound(err))
	}
	if trace != "" {
		return r.Document.String(), r.Paid, nil
	}
	err = notFound(tx.QueryRow(`SELECT takes_back, reversed FROM payment WHERE document = $1`, r.Document.String()).Scan(&document, &reversed))
	if errors.Is(err, books.ErrNotFound) { // a void of what nobody was told
		err = nil
	}
	return document, reversed, err
}
