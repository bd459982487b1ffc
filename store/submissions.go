package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// stateReceived is the state of a submission before its first decision; after
// it, the state is the outcome of the latest one.
const stateReceived = "received"

// ReceiveClaim writes a claim into the books unless its business key is there.
func (b *Books) ReceiveClaim(ctx context.Context, c books.NewClaim) (got books.Received, err error) {
	claim := &c.Submission.Claim
	err = b.tx(ctx, func(tx *sealedTx) error {
		who, err := findMember(tx, claim.PatientPerson(), &claim.Subscriber)
		if err != nil {
			return err
		}
		got, err = b.receive(tx, books.ClaimKind, c.Key, c.Submitter, c.Submission.Handle, claim.Number, c.Token, c.Received, who, &c.Submission)
		if err != nil || got.Again {
			return err
		}
		if err := putSignatures(tx, got.Submission, c.Signatures); err != nil {
			return err
		}
		if err := putOriginal(tx, got.Submission, c.Submitter, claim); err != nil {
			return err
		}
		for i := range claim.Lines {
			if err := putLine(tx, got.Submission, who, claim, &claim.Lines[i]); err != nil {
				return err
			}
		}
		return b.holdAfterLoss(tx, got.Submission, claim)
	})
	return got, err
}

// putOriginal writes down which claim this one changes. Where the submitter has
// none of that number, nothing is changed.
func putOriginal(tx *sealedTx, submission credentials.Handle, submitter credentials.DID, c *claims.Claim) error {
	if !c.Changes() {
		return nil
	}
	original, err := originalOf(tx, submitter, c.OriginalReference)
	if err != nil || original == "" {
		return err
	}
	_, err = tx.Exec(`UPDATE submission SET original = $2 WHERE handle = $1`, submission.String(), original)
	return err
}

func putLine(tx *sealedTx, submission credentials.Handle, who found, c *claims.Claim, l *claims.Line) error {
	npi, _, err := rendererOf(tx, c, l)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`
		INSERT INTO claim_line (submission, line, person, billing_npi, npi, service_date, code, modifiers, units, charge, authorization_number, through)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		submission.String(), l.Number, who.person, string(c.Billing.NPI), string(npi), string(l.From), l.Key(),
		strings.Join(l.Modifiers, " "), int64(l.Units), int64(l.Charge), tx.keys.number(c.AuthorizationOf(l)), string(l.To))
	if err != nil {
		return err
	}
	return putInvolved(tx, submission, c, l, npi)
}

// number is how the books look up a number that somebody gave to a submission.
func (k Keys) number(number string) string {
	if number == "" {
		return ""
	}
	return k.name("number", number)
}

// rendererOf names whose license a line rests on, by the claim or else by the roster.
func rendererOf(tx *sealedTx, c *claims.Claim, l *claims.Line) (npi credentials.NPI, byRoster bool, err error) {
	if p := c.Clinician(l); p != nil {
		return p.NPI, false, nil
	}
	npi, err = rostered(tx, c.Billing.NPI, l.From)
	return npi, npi != "", err
}

// ReceiveAuthorization writes a request into the books unless its business key
// is there.
func (b *Books) ReceiveAuthorization(ctx context.Context, a books.NewAuthorization) (got books.Received, err error) {
	r := &a.Submission.Request
	err = b.tx(ctx, func(tx *sealedTx) error {
		who, err := findMember(tx, &r.Patient, &r.Patient)
		if err != nil {
			return err
		}
		got, err = b.receive(tx, books.AuthorizationKind, a.Key, a.Submitter, a.Submission.Handle, r.Number, a.Token, a.Received, who, &a.Submission)
		if err != nil || got.Again {
			return err
		}
		if err := putSignatures(tx, got.Submission, a.Signatures); err != nil {
			return err
		}
		for _, it := range r.Items {
			_, err := tx.Exec(`
				INSERT INTO authorized_item (submission, sequence, code, npi, outcome, from_date, until_date, units, drawn)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)`,
				got.Submission.String(), it.Sequence, it.Code, string(r.Clinician.NPI), string(claims.AuthorizationPended),
				string(it.From), string(it.Until), int64(it.Units))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return got, err
}

func (b *Books) receive(tx *sealedTx, kind books.SubmissionKind, key credentials.Digest, submitter credentials.DID,
	handle credentials.Handle, number, token string, received credentials.Date, who found, doc any) (got books.Received, err error) {
	got, err = findSubmission(tx, key)
	if !errors.Is(err, books.ErrNotFound) {
		return got, err
	}
	var taken int
	if err := tx.QueryRow(`SELECT count(*) FROM submission WHERE handle = $1`, handle.String()).Scan(&taken); err != nil || taken > 0 {
		if err == nil {
			err = books.ErrHandleTaken
		}
		return got, err
	}
	holder := who.holder(handle)
	if !who.fact.Matches {
		if err := tx.makeKey(holder); err != nil {
			return got, err
		}
	}
	plain, err := json.Marshal(doc)
	if err != nil {
		return got, err
	}
	body, err := tx.seal(cell{holder, "submission", "body", handle.String()}, plain)
	if err != nil {
		return got, err
	}
	label, err := tx.seal(cell{holder, "submission", "label", handle.String()}, []byte(number))
	if err != nil {
		return got, err
	}
	got = books.Received{Submission: handle, Control: claims.ControlNumber(handle)}
	_, err = tx.Exec(`
		INSERT INTO submission (handle, kind, business_key, submitter, number, control, person, family, received, seq, body, state, decisions, latest, holder, label)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, COALESCE(MAX(seq), 0) + 1, $10, $11, 0, '', $12, $13 FROM submission`,
		handle.String(), string(kind), key.String(), string(submitter), tx.keys.number(number), got.Control, who.person, who.family,
		string(received), body, stateReceived, holder, label)
	if err != nil {
		return got, err
	}
	_, err = keepSigned(tx, books.Signed{Key: books.SubmissionKey(handle), Handle: handle, Submission: handle, Token: token})
	return got, err
}

// FindSubmission looks a submission up by its business key.
func (b *Books) FindSubmission(ctx context.Context, key credentials.Digest) (got books.Received, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		got, err = findSubmission(tx, key)
		return err
	})
	return got, err
}

func findSubmission(tx *sealedTx, key credentials.Digest) (books.Received, error) {
	var handle string
	got := books.Received{Again: true}
	err := tx.QueryRow(`SELECT handle, control FROM submission WHERE business_key = $1`, key.String()).Scan(&handle, &got.Control)
	if err != nil {
		return books.Received{}, notFound(err)
	}
	got.Submission, err = credentials.ParseHandle(handle)
	return got, err
}

// identify says anew whose submission it is, for a member who was enrolled
// after it came: else its decision would move nobody's accumulators.
func identify(tx *sealedTx, h credentials.Handle, s submissionRow, who found) (submissionRow, error) {
	holder := who.holder(h)
	if holder != s.holder {
		if !who.fact.Matches {
			if err := tx.makeKey(holder); err != nil {
				return s, err
			}
		}
		if err := reseal(tx, h, s.holder, holder); err != nil {
			return s, fmt.Errorf("seal for another person: %w", err)
		}
	}
	s.person, s.family, s.holder = who.person, who.family, holder
	_, err := tx.Exec(`UPDATE submission SET person = $2, family = $3 WHERE handle = $1`, h.String(), who.person, who.family)
	if err == nil {
		_, err = tx.Exec(`UPDATE claim_line SET person = $2 WHERE submission = $1`, h.String(), who.person)
	}
	return s, err
}

// submissionRow is a submission as the books hold it.
type submissionRow struct {
	kind           books.SubmissionKind
	submitter      credentials.DID
	control        string
	person, family string
	received       credentials.Date
	seq            int64
	body           []byte
	state          string
	decisions      int
	latest         string
	key            string
	holder         string
	number         string
	original       string // the claim that this one changes
}

func readSubmission(tx *sealedTx, h credentials.Handle) (s submissionRow, err error) {
	var label []byte
	err = tx.QueryRow(`
		SELECT kind, submitter, control, person, family, received, seq, body, state, decisions, latest, business_key, holder, label, original
		FROM submission WHERE handle = $1`, h.String()).
		Scan(&s.kind, &s.submitter, &s.control, &s.person, &s.family, &s.received, &s.seq, &s.body, &s.state, &s.decisions, &s.latest, &s.key, &s.holder, &label, &s.original)
	if err != nil {
		return s, notFound(err)
	}
	number, err := tx.unseal(cell{s.holder, "submission", "label", h.String()}, label)
	if err != nil {
		return s, err
	}
	s.number = string(number)
	s.body, err = tx.unseal(cell{s.holder, "submission", "body", h.String()}, s.body)
	return s, err
}

// OpenWork lists the claims that are not finally decided and the
// authorizations that are approved or pended, of the clinician who holds a license.
func (b *Books) OpenWork(ctx context.Context, license credentials.Handle) (work []books.Work, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		work, err = readWork(tx, `
			SELECT s.kind, s.business_key FROM submission s
			WHERE (s.state IN ('received', 'pended', 'approved') OR `+reopened+`)
			  AND (EXISTS (SELECT 1 FROM claim_line c JOIN license l ON l.npi = c.npi WHERE c.submission = s.handle AND l.handle = $1)
			    OR EXISTS (SELECT 1 FROM authorized_item a JOIN license l ON l.npi = a.npi WHERE a.submission = s.handle AND l.handle = $1))
			ORDER BY s.seq`, license.String())
		return err
	})
	return work, err
}

// UndecidedWork lists everything that is pended, or not decided yet: that may be
// about to pend on evidence of a moment ago.
func (b *Books) UndecidedWork(ctx context.Context) (work []books.Work, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		work, err = readWork(tx, `SELECT s.kind, s.business_key FROM submission s WHERE s.state IN ('received', 'pended') OR `+reopened+` ORDER BY s.seq`)
		return err
	})
	return work, err
}

// ClaimsWaitingFor lists the pended claims that name an authorization, by its
// requester's number or by ours.
func (b *Books) ClaimsWaitingFor(ctx context.Context, authorization credentials.Handle) (work []books.Work, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		var control, number string
		err := tx.QueryRow(`SELECT control, number FROM submission WHERE kind = 'authorization' AND handle = $1`, authorization.String()).Scan(&control, &number)
		if err != nil {
			if notFound(err) == books.ErrNotFound {
				return nil
			}
			return err
		}
		work, err = readWork(tx, `
			SELECT s.kind, s.business_key FROM submission s
			WHERE s.kind = 'claim' AND (s.state IN ('received', 'pended') OR `+reopened+`) AND EXISTS (
				SELECT 1 FROM claim_line c
				WHERE c.submission = s.handle AND c.authorization_number <> '' AND c.authorization_number IN ($1, $2))
			ORDER BY s.seq`, tx.keys.number(control), number)
		return err
	})
	return work, err
}

func readWork(tx statements, query string, args ...any) (work []books.Work, err error) {
	err = rows(tx, query, args, func(rs *sql.Rows) error {
		var w books.Work
		var key string
		if err := rs.Scan(&w.Kind, &key); err != nil {
			return err
		}
		if w.Key, err = credentials.ParseDigest(key); err != nil {
			return fmt.Errorf("read business key: %w", err)
		}
		work = append(work, w)
		return nil
	})
	return work, err
}
