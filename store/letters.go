package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// The sides of a correspondence, as the books name them.
const (
	fromReviewer  = "reviewer"
	fromSubmitter = "submitter"
)

// A letterBody is what the books read of a letter: Content tells which repeats
// which, and its documents are in the token alone.
type letterBody struct {
	claims.Letter
	Content credentials.Digest `json:"content"`
}

// KeepLetter writes a letter about what waits. One that says what an earlier one
// of the same side has said changes nothing: kept is that one.
func (b *Books) KeepLetter(ctx context.Context, l books.LetterFile) (kept books.LetterFile, again bool, err error) {
	content, err := l.Content()
	if err != nil {
		return kept, false, err
	}
	l.Letter = l.Without()
	err = b.tx(ctx, func(tx *sealedTx) error {
		kept, again = books.LetterFile{}, false
		row, err := readSubmission(tx, l.Subject)
		if err != nil {
			return err
		}
		there, err := readLetters(tx, l.Subject)
		if err != nil {
			return err
		}
		mine := 0
		for _, old := range there {
			if old.file.FromReviewer != l.FromReviewer || old.file.Number != l.Number {
				continue
			}
			if old.content == content {
				kept, again = old.file, true
				return nil
			}
			mine++
		}
		if err := waitsFor(tx, row, l.Subject, l.Number); err != nil {
			return err
		}
		if mine >= claims.MaxLetters {
			return books.ErrLetters
		}
		l.Sent = b.now()
		kept = l
		return writeLetter(tx, row.holder, len(there)+1, &l, content)
	})
	return kept, again, err
}

func writeLetter(tx *sealedTx, holder string, seq int, l *books.LetterFile, content credentials.Digest) error {
	plain, err := json.Marshal(letterBody{l.Letter, content})
	if err != nil {
		return err
	}
	at := letterAt(holder, l.Handle.String())
	body, err := tx.seal(at("body"), plain)
	if err != nil {
		return err
	}
	token, err := tx.seal(at("token"), []byte(l.Token))
	if err != nil {
		return err
	}
	sender := fromSubmitter
	if l.FromReviewer {
		sender = fromReviewer
	}
	_, err = tx.Exec(`INSERT INTO letter (handle, submission, number, seq, holder, sender, sent, due, body, token) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		l.Handle.String(), l.Subject.String(), l.Number, seq, holder, sender, micros(l.Sent), string(l.Due), body, token)
	return err
}

// waitsFor refuses a word on a decision for which nobody waits.
func waitsFor(tx statements, row submissionRow, submission credentials.Handle, number int) error {
	if row.decisions != number {
		return books.ErrNotWaiting
	}
	if row.state == string(claims.Pended) {
		return nil
	}
	open, err := openReopening(tx, submission.String())
	if err == nil && (open == nil || open.State != books.ReopeningWaiting) {
		err = books.ErrNotWaiting
	}
	return err
}

func letterAt(holder, handle string) func(column string) cell {
	return func(column string) cell { return cell{holder, "letter", column, handle} }
}

// Letters lists what was written about a submission, the oldest first, without
// tokens. What was forgotten is left out.
func (b *Books) Letters(ctx context.Context, submission credentials.Handle) (all []books.LetterFile, err error) {
	err = b.read(ctx, func(tx *sealedTx) error {
		all = nil
		found, err := readLetters(tx, submission)
		for _, l := range found {
			all = append(all, l.file)
		}
		return err
	})
	return all, err
}

// Letter is one of them with its token.
func (b *Books) Letter(ctx context.Context, h credentials.Handle) (l books.LetterFile, err error) {
	err = b.read(ctx, func(tx *sealedTx) error {
		var submission, holder string
		var token []byte
		err := tx.QueryRow(`SELECT submission, holder, token FROM letter WHERE handle = $1 AND holder <> ''`, h.String()).Scan(&submission, &holder, &token)
		if err != nil {
			return notFound(err)
		}
		subject, err := credentials.ParseHandle(submission)
		if err != nil {
			return err
		}
		found, err := readLetters(tx, subject)
		if err != nil {
			return err
		}
		for i := range found {
			if found[i].file.Handle == h {
				l = found[i].file
			}
		}
		plain, err := tx.unseal(letterAt(holder, h.String())("token"), token)
		l.Token = string(plain)
		return err
	})
	return l, err
}

// A foundLetter is a letter of the books before its token is opened.
type foundLetter struct {
	file    books.LetterFile
	content credentials.Digest
}

func readLetters(tx *sealedTx, submission credentials.Handle) (all []foundLetter, err error) {
	type sealed struct {
		handle, holder string
		body           []byte
	}
	var found []sealed
	err = rows(tx, `SELECT handle, holder, sender, sent, body FROM letter WHERE submission = $1 AND holder <> '' ORDER BY seq`, []any{submission.String()},
		func(rs *sql.Rows) error {
			var s sealed
			var sender string
			var sent int64
			err := rs.Scan(&s.handle, &s.holder, &sender, &sent, &s.body)
			found = append(found, s)
			all = append(all, foundLetter{file: books.LetterFile{FromReviewer: sender == fromReviewer, Sent: fromMicros(sent)}})
			return err
		})
	for i := 0; i < len(all) && err == nil; i++ {
		var plain []byte
		if plain, err = tx.unseal(letterAt(found[i].holder, found[i].handle)("body"), found[i].body); err != nil {
			break
		}
		var body letterBody
		if err := json.Unmarshal(plain, &body); err != nil {
			return nil, fmt.Errorf("read letter: %w", err)
		}
		all[i].file.Letter, all[i].content = body.Letter, body.Content
	}
	return all, err
}
