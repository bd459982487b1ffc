package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
)

// KeepSigned keeps the first document under a key and returns the kept one.
func (b *Books) KeepSigned(ctx context.Context, s books.Signed) (kept books.Signed, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		kept, err = keepSigned(tx, s)
		return err
	})
	if errors.Is(err, books.ErrPlaceTaken) {
		b.places.Forget() // another process gives places too
	}
	return kept, err
}

// FindSigned returns ErrNotFound where nothing is kept under the key.
func (b *Books) FindSigned(ctx context.Context, key string) (kept books.Signed, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		kept, err = findSigned(tx, key)
		return err
	})
	return kept, err
}

// signedKey is how the books look a signed document up.
func (k Keys) signedKey(key string) string { return k.name("signed", key) }

func findSigned(tx *sealedTx, key string) (books.Signed, error) {
	kept, err := scanSigned(tx, tx.QueryRow(selectSigned+`WHERE key = $1`, tx.keys.signedKey(key)))
	kept.Key = key
	return kept, err
}

const selectSigned = `SELECT handle, submission, holder, token, body, evidence, entry FROM signed `

func keepSigned(tx *sealedTx, s books.Signed) (books.Signed, error) {
	kept, err := findSigned(tx, s.Key)
	if !errors.Is(err, books.ErrNotFound) {
		return kept, err
	}
	var holder string
	if err := tx.QueryRow(`SELECT holder FROM submission WHERE handle = $1`, s.Submission.String()).Scan(&holder); err != nil {
		return s, fmt.Errorf("find submission of signed document: %w", notFound(err))
	}
	var sealed [3][]byte
	for i, part := range signedParts(holder, s.Handle.String()) {
		if sealed[i], err = tx.seal(part, [][]byte{[]byte(s.Token), s.Body, s.Evidence}[i]); err != nil {
			return s, err
		}
	}
	_, err = tx.Exec(`INSERT INTO signed (key, handle, submission, holder, token, body, evidence, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		tx.keys.signedKey(s.Key), s.Handle.String(), s.Submission.String(), holder, sealed[0], sealed[1], sealed[2], nonNil(s.Entry))
	if err != nil {
		return s, err
	}
	return s, keepPlace(tx, s.Handle, s.Place)
}

// signedParts are the sealed columns of a signed document. Its ledger entry
// holds digests of salted bytes only.
func signedParts(holder, handle string) [3]cell {
	return [3]cell{{holder, "signed", "token", handle}, {holder, "signed", "body", handle}, {holder, "signed", "evidence", handle}}
}

// scanSigned reads and opens one document. Its Key is the caller's to know.
func scanSigned(tx *sealedTx, row interface{ Scan(...any) error }) (s books.Signed, err error) {
	var handle, submission, holder string
	var sealed, plain [3][]byte
	if err := row.Scan(&handle, &submission, &holder, &sealed[0], &sealed[1], &sealed[2], &s.Entry); err != nil {
		return s, notFound(err)
	}
	for i, part := range signedParts(holder, handle) {
		if plain[i], err = tx.unseal(part, sealed[i]); err != nil {
			return s, err
		}
	}
	s.Token, s.Body, s.Evidence = string(plain[0]), plain[1], plain[2]
	if s.Handle, err = credentials.ParseHandle(handle); err == nil {
		s.Submission, err = credentials.ParseHandle(submission)
	}
	return s, err
}

// nonNil keeps an empty value from becoming NULL.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
