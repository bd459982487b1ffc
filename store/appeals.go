package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

func appealAt(holder string, h credentials.Handle) func(column string) cell {
	return func(column string) cell { return cell{holder, "appeal", column, h.String()} }
}

func answerAt(holder string, h credentials.Handle) func(column string) cell {
	return func(column string) cell { return cell{holder, "appeal_answer", column, h.String()} }
}

// KeepAppeal writes an appeal of the latest decision on a claim. The same one
// again changes nothing; another one on the same decision is refused.
func (b *Books) KeepAppeal(ctx context.Context, a books.AppealFile) (kept books.AppealFile, again bool, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		again = false
		row, err := readSubmission(tx, a.Subject)
		if err != nil {
			return err
		}
		there, err := readAppeals(tx, `a.submission = $1 AND a.number = $2`, a.Subject.String(), a.Number)
		if err != nil {
			return err
		}
		switch {
		case len(there) > 0 && there[0].Handle == a.Handle:
			kept, again = there[0], true
			return nil
		case len(there) > 0:
			return books.ErrAppealed
		case row.kind != books.ClaimKind || row.decisions != a.Number || row.state != string(claims.Paid) && row.state != string(claims.Denied):
			return books.ErrNotFinal
		}
		a.Filed, a.State = b.now(), books.AppealOpen
		kept = a
		return insertAppeal(tx, row.holder, &a)
	})
	return kept, again, err
}

func insertAppeal(tx *sealedTx, holder string, a *books.AppealFile) error {
	plain, err := json.Marshal(a.Appeal)
	if err != nil {
		return err
	}
	at := appealAt(holder, a.Handle)
	body, err := tx.seal(at("body"), plain)
	if err != nil {
		return err
	}
	token, err := tx.seal(at("token"), []byte(a.Token))
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO appeal (handle, submission, number, holder, filed, due, state, body, token) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		a.Handle.String(), a.Subject.String(), a.Number, holder, micros(a.Filed), string(a.Due), string(a.State), body, token)
	return err
}

// Appeal is one appeal with its answer.
func (b *Books) Appeal(ctx context.Context, h credentials.Handle) (a books.AppealFile, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		all, err := readAppeals(tx, `a.handle = $1`, h.String())
		if err == nil && len(all) == 0 {
			err = books.ErrNotFound
		}
		if err == nil {
			a = all[0]
		}
		return err
	})
	return a, err
}

// Appeals lists the appeals of a claim, or those that wait for their answer
// where it names none, the first due first. What was forgotten is left out.
func (b *Books) Appeals(ctx context.Context, submission credentials.Handle) (all []books.AppealFile, err error) {
	err = b.read(ctx, func(tx *sealedTx) error {
		if submission.IsZero() {
			all, err = readAppeals(tx, `a.state = 'open'`)
		} else {
			all, err = readAppeals(tx, `a.submission = $1`, submission.String())
		}
		return err
	})
	return all, err
}

func readAppeals(tx *sealedTx, where string, args ...any) (all []books.AppealFile, err error) {
	type sealed struct {
		holder, handle, answerHolder string
		parts                        [4][]byte
	}
	var found []sealed
	err = rows(tx, `
		SELECT a.handle, a.holder, a.filed, a.due, a.state, a.body, a.token, COALESCE(n.holder, ''), COALESCE(n.answered, 0), n.body, n.token
		FROM appeal a LEFT JOIN appeal_answer n ON n.appeal = a.handle
		WHERE a.holder <> '' AND `+where+` ORDER BY a.due, a.filed, a.handle`, args, func(rs *sql.Rows) error {
		var s sealed
		var a books.AppealFile
		var filed, answered int64
		if err := rs.Scan(&s.handle, &s.holder, &filed, &a.Due, &a.State, &s.parts[0], &s.parts[1], &s.answerHolder, &answered, &s.parts[2], &s.parts[3]); err != nil {
			return err
		}
		a.Filed = fromMicros(filed)
		if answered != 0 {
			a.Answered = fromMicros(answered)
		}
		found, all = append(found, s), append(all, a)
		return nil
	})
	for i := 0; i < len(all) && err == nil; i++ {
		err = openAppeal(tx, &all[i], found[i].handle, found[i].holder, found[i].answerHolder, found[i].parts)
	}
	return all, err
}

func openAppeal(tx *sealedTx, a *books.AppealFile, handle, holder, answerHolder string, parts [4][]byte) error {
	h, err := credentials.ParseHandle(handle)
	if err != nil {
		return err
	}
	at := appealAt(holder, h)
	plain, err := tx.unseal(at("body"), parts[0])
	if err != nil {
		return err
	}
	if err := json.Unmarshal(plain, &a.Appeal); err != nil {
		return fmt.Errorf("read appeal: %w", err)
	}
	token, err := tx.unseal(at("token"), parts[1])
	if err != nil {
		return err
	}
	a.Token = string(token)
	if answerHolder == "" {
		return nil
	}
	at = answerAt(answerHolder, h)
	if plain, err = tx.unseal(at("body"), parts[2]); err != nil {
		return err
	}
	a.Answer = new(claims.Determination)
	if err := json.Unmarshal(plain, a.Answer); err != nil {
		return fmt.Errorf("read the answer to an appeal: %w", err)
	}
	token, err = tx.unseal(at("token"), parts[3])
	a.AnswerToken = string(token)
	return err
}

// AnswerAppeal writes a reviewer's answer. One that overturns opens the claim
// again in the same transaction; where it is open already, what it is decided on
// then holds this too. The same answer again changes nothing, another one is
// refused.
func (b *Books) AnswerAppeal(ctx context.Context, d claims.Determination, token string, by, request string) (work books.Work, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		if d.Appeal == nil {
			return books.ErrNotFound
		}
		all, err := readAppeals(tx, `a.handle = $1`, d.Appeal.String())
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return books.ErrNotFound
		}
		row, err := readSubmission(tx, d.Subject)
		if err != nil {
			return err
		}
		if work, err = row.work(); err != nil {
			return err
		}
		a := &all[0]
		switch {
		case a.Answer != nil && a.Answer.Same(&d):
			return nil
		case a.State != books.AppealOpen || row.decisions != a.Number:
			return books.ErrAnswered
		}
		if err := keepAnswer(tx, row, d, token, b.now()); err != nil {
			return err
		}
		state := books.AppealUpheld
		if d.Approve {
			state = books.AppealOverturned
		}
		if _, err := tx.Exec(`UPDATE appeal SET state = $2 WHERE handle = $1`, d.Appeal.String(), string(state)); err != nil || !d.Approve {
			return err
		}
		if err := bumpFence(tx, reviewFence(d.Subject.String())); err != nil {
			return err
		}
		cause := books.Cause{Kind: books.CauseAppeal, Reference: d.Appeal.String()}
		_, err = b.reopen(tx, row, books.Reopening{Submission: d.Subject, Cause: cause, By: by, Token: request})
		if errors.Is(err, books.ErrReopenedAlready) {
			err = nil
		}
		return err
	})
	return work, err
}

// RestoreAppeal writes an appeal that set denials aside back into the books, with
// its answer, where a decision that rests on it says so. It opens nothing: that
// decision has followed. It may be repeated.
func (b *Books) RestoreAppeal(ctx context.Context, a books.AppealFile) error {
	return b.tx(ctx, func(tx *sealedTx) error {
		row, err := readSubmission(tx, a.Subject)
		if err != nil {
			return err
		}
		there, err := readAppeals(tx, `a.submission = $1 AND a.number = $2`, a.Subject.String(), a.Number)
		if err != nil {
			return err
		}
		a.State = books.AppealOverturned
		switch {
		case len(there) == 0:
			if err := insertAppeal(tx, row.holder, &a); err != nil {
				return err
			}
		case there[0].Handle != a.Handle:
			return books.ErrAppealed
		case there[0].Answer != nil:
			return nil
		default: // the books are from between the appeal and its answer
			if _, err := tx.Exec(`UPDATE appeal SET state = $2 WHERE handle = $1`, a.Handle.String(), string(a.State)); err != nil {
				return err
			}
		}
		return keepAnswer(tx, row, *a.Answer, a.AnswerToken, a.Answered)
	})
}

func keepAnswer(tx *sealedTx, row submissionRow, d claims.Determination, token string, answered time.Time) error {
	plain, err := json.Marshal(d)
	if err != nil {
		return err
	}
	at := answerAt(row.holder, *d.Appeal)
	body, err := tx.seal(at("body"), plain)
	if err != nil {
		return err
	}
	signed, err := tx.seal(at("token"), []byte(token))
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO appeal_answer (appeal, submission, holder, answered, body, token) VALUES ($1, $2, $3, $4, $5, $6)`,
		d.Appeal.String(), d.Subject.String(), row.holder, micros(answered), body, signed)
	return err
}

// readOverturned reads the answers that have set denials of a claim aside,
// oldest first: they hold for whatever is decided on it from then on.
func readOverturned(tx *sealedTx, submission credentials.Handle) (all []claims.Determination, err error) {
	found, err := readAppeals(tx, `a.submission = $1 AND n.appeal IS NOT NULL`, submission.String())
	for _, a := range found {
		if a.Answer.Approve {
			all = append(all, *a.Answer)
		}
	}
	sortByNumber(all)
	return all, err
}

func sortByNumber(all []claims.Determination) {
	slices.SortStableFunc(all, func(a, b claims.Determination) int { return a.Number - b.Number })
}
