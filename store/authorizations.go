package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// AuthorizationFile reads the file of a request.
func (b *Books) AuthorizationFile(ctx context.Context, submission credentials.Handle) (f *books.AuthorizationFile, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		f, err = readAuthorizationFile(tx, submission)
		return err
	})
	return f, err
}

func readAuthorizationFile(tx *sealedTx, submission credentials.Handle) (*books.AuthorizationFile, error) {
	s, err := readSubmission(tx, submission)
	if err != nil {
		return nil, err
	}
	f := &books.AuthorizationFile{Number: s.decisions + 1, Received: s.received}
	if err := json.Unmarshal(s.body, &f.Submission); err != nil {
		return nil, fmt.Errorf("read submission: %w", err)
	}
	r := &f.Submission.Request
	who, err := findMember(tx, &r.Patient, &r.Patient)
	if err != nil {
		return nil, err
	}
	if who.person != s.person {
		if s, err = identify(tx, submission, s, who); err != nil {
			return nil, err
		}
	}
	f.Member = who.fact
	if f.Plan, err = editionOn(tx, books.PlanEdition, who.planOn(r.FirstDay()), r.FirstDay()); err != nil {
		return nil, fmt.Errorf("no plan edition is published: %w", err)
	}
	if f.Practitioner, err = practitioner(tx, r.Clinician.NPI, r.State); err != nil {
		return nil, err
	}
	guards := []string{standingFence(r.Clinician.NPI), authorizationFence(submission.String()), reviewFence(submission.String())}
	if s.latest != "" {
		f.Before = new(claims.AuthorizationDecision)
		if err := readBody(tx, s.latest, f.Before); err != nil {
			return nil, err
		}
	}
	if f.Review, err = readDetermination(tx, submission, s.decisions); err != nil {
		return nil, err
	}
	if f.Review != nil && f.Review.NPI != "" {
		p, err := practitioner(tx, f.Review.NPI, r.State)
		if err != nil {
			return nil, err
		}
		f.Reviewer = &p
		guards = append(guards, standingFence(p.NPI))
	}
	f.Signatures, err = readSignatures(tx, submission, func(name string) error {
		if !slices.Contains(guards, name) {
			guards = append(guards, name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, name := range guards {
		fence, err := readFence(tx, name)
		if err != nil {
			return nil, err
		}
		f.Fences = append(f.Fences, fence)
	}
	return f, nil
}

// SettleAuthorization commits an authorization decision: what its items allow,
// the state of the request, and the ledger outbox.
func (b *Books) SettleAuthorization(ctx context.Context, s books.Settlement) (out books.Settled, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		var d claims.AuthorizationDecision
		out, err = b.settle(tx, s, &d, func() (int, string) { return d.Number, string(d.Outcome) }, func(submissionRow, books.Signed) error {
			return applyAuthorization(tx, s.Submission, &d)
		})
		return err
	})
	return out, err
}

func applyAuthorization(tx *sealedTx, submission credentials.Handle, d *claims.AuthorizationDecision) error {
	for _, it := range d.Items {
		_, err := tx.Exec(`
			UPDATE authorized_item SET outcome = $3, from_date = $4, until_date = $5, units = $6
			WHERE submission = $1 AND sequence = $2`,
			submission.String(), it.Sequence, string(it.Outcome), string(it.From), string(it.Until), int64(it.Units))
		if err != nil {
			return err
		}
	}
	return bumpFence(tx, authorizationFence(submission.String()))
}

// readAuthorization finds the authorization that a line names: by our control
// number, or by the requester's own number from the same submitter. An
// authorization that is not decided yet counts as pended.
func (f *claimFile) readAuthorization(tx *sealedTx, s submissionRow, who found, number, code string, npi credentials.NPI) (*claims.AuthorizationFact, error) {
	fact := &claims.AuthorizationFact{Number: number}
	var submission, person, latest string
	err := tx.QueryRow(`
		SELECT handle, person, latest FROM submission
		WHERE kind = 'authorization' AND (control = $1 OR (number = $3 AND submitter = $2))
		ORDER BY seq DESC LIMIT 1`, number, string(s.submitter), tx.keys.number(number)).Scan(&submission, &person, &latest)
	if errors.Is(err, sql.ErrNoRows) {
		return fact, nil
	}
	if err != nil {
		return nil, err
	}
	if err := f.fence(tx, authorizationFence(submission)); err != nil {
		return nil, err
	}
	fact.Found, fact.Outcome = true, claims.AuthorizationPended
	if latest != "" {
		if fact.Handle, err = credentials.ParseHandle(latest); err != nil {
			return nil, err
		}
	}
	var itemNPI credentials.NPI
	var units, drawn claims.Quantity
	err = tx.QueryRow(`
		SELECT npi, outcome, from_date, until_date, units, drawn FROM authorized_item
		WHERE submission = $1 AND code = $2 ORDER BY sequence LIMIT 1`, submission, code).
		Scan(&itemNPI, &fact.Outcome, &fact.From, &fact.Until, &units, &drawn)
	if errors.Is(err, sql.ErrNoRows) {
		return fact, nil // an authorization for something else
	}
	fact.Matches = person == who.person && person != "" && itemNPI == npi
	if err != nil {
		return nil, err
	}
	back, err := f.givenBack(tx, submission, code)
	fact.Left = units - drawn + back
	return fact, err
}

// drawUnits takes units from the item that a paid line used. The fence of the
// authorization moves with them, so that two claims cannot draw the same units.
// Units below zero go back.
func drawUnits(tx *sealedTx, d claims.Draw) error {
	var submission string
	err := tx.QueryRow(`SELECT submission FROM decision WHERE document = $1`, d.Authorization.String()).Scan(&submission)
	if err != nil {
		return fmt.Errorf("find authorization: %w", notFound(err))
	}
	n, err := tx.Exec(`
		UPDATE authorized_item SET drawn = drawn + $3
		WHERE submission = $1 AND units - drawn >= $3 AND drawn + $3 >= 0 AND sequence = (
			SELECT MIN(sequence) FROM authorized_item WHERE submission = $1 AND code = $2)`, submission, d.Code, int64(d.Units))
	if err != nil {
		return err
	}
	if n != 1 {
		return fmt.Errorf("draw %s units: the authorization has fewer left, or they were never drawn", d.Units)
	}
	return bumpFence(tx, authorizationFence(submission))
}

// Determine writes a reviewer's determination. The same one again changes
// nothing; another one on the same decision is refused.
func (b *Books) Determine(ctx context.Context, d claims.Determination, token string) (books.Work, error) {
	var work books.Work
	err := b.tx(ctx, func(tx *sealedTx) error {
		row, err := readSubmission(tx, d.Subject)
		if err != nil {
			return err
		}
		if work, err = row.work(); err != nil {
			return err
		}
		kept, err := readDetermination(tx, d.Subject, d.Number)
		switch {
		case err != nil:
			return err
		case kept != nil && kept.Same(&d):
			return nil
		case kept != nil && (kept.Number == d.Number || kept.Handle == d.Handle) || row.decisions != d.Number:
			return books.ErrDetermined
		case row.state != string(claims.Pended):
			open, err := openReopening(tx, d.Subject.String())
			if err != nil {
				return err
			}
			if open == nil || open.State != books.ReopeningWaiting {
				return books.ErrDetermined
			}
		}
		plain, err := json.Marshal(d)
		if err != nil {
			return err
		}
		at := determinationAt(row.holder, d.Subject, d.Number)
		body, err := tx.seal(at("body"), plain)
		if err != nil {
			return err
		}
		signed, err := tx.seal(at("token"), []byte(token))
		if err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO determination (submission, number, holder, body, token) VALUES ($1, $2, $3, $4, $5)`,
			d.Subject.String(), d.Number, row.holder, body, signed)
		if err != nil {
			return err
		}
		return bumpFence(tx, reviewFence(d.Subject.String()))
	})
	return work, err
}

// readDetermination returns the newest determination on a decision up to the
// given number: what a reviewer found stays found when other facts move. It
// returns nil where nobody reviewed any of them.
func readDetermination(tx *sealedTx, submission credentials.Handle, number int) (*claims.Determination, error) {
	body, err := newestDetermination(tx, submission, number, "body")
	if err != nil || body == nil {
		return nil, err
	}
	d := new(claims.Determination)
	return d, json.Unmarshal(body, d)
}

// newestDetermination opens one column of it; nil where there is none.
func newestDetermination(tx *sealedTx, submission credentials.Handle, number int, column string) (plain []byte, err error) {
	var of int
	var holder string
	var body, token []byte
	err = tx.QueryRow(`
		SELECT number, holder, body, token FROM determination
		WHERE submission = $1 AND number <= $2 ORDER BY number DESC LIMIT 1`, submission.String(), number).Scan(&of, &holder, &body, &token)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sealed := map[string][]byte{"body": body, "token": token}[column]
	return tx.unseal(determinationAt(holder, submission, of)(column), sealed)
}

func determinationAt(holder string, submission credentials.Handle, number int) func(column string) cell {
	return func(column string) cell {
		return cell{holder, "determination", column, fmt.Sprintf("%s/%d", submission, number)}
	}
}

// PractitionerIn is what the books hold about a clinician in one state.
func (b *Books) PractitionerIn(ctx context.Context, npi credentials.NPI, state string) (p books.Practitioner, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		p, err = practitioner(tx, npi, state)
		return err
	})
	return p, err
}
