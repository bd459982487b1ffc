package store

import (
	"context"
	"errors"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
)

// KeepSigned keeps the first document under a key and returns the kept one.
func (b *Books) KeepSigned(ctx context.Context, s books.Signed) (kept books.Signed, err error) {
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		kept, err = keepSigned(tx, s)
		return err
	})
	return kept, err
}

// FindSigned returns ErrNotFound where nothing is kept under the key.
func (b *Books) FindSigned(ctx context.Context, key string) (kept books.Signed, err error) {
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		kept, err = scanSigned(tx.QueryRow(selectSigned+`WHERE key = $1`, key))
		return err
	})
	return kept, err
}

const selectSigned = `SELECT key, handle, token, body, evidence, entry FROM signed `

func keepSigned(tx *sqldb.Tx, s books.Signed) (books.Signed, error) {
	kept, err := scanSigned(tx.QueryRow(selectSigned+`WHERE key = $1`, s.Key))
	if !errors.Is(err, books.ErrNotFound) {
		return kept, err
	}
	_, err = tx.Exec(`INSERT INTO signed (key, handle, token, body, evidence, entry) VALUES ($1, $2, $3, $4, $5, $6)`,
		s.Key, s.Handle.String(), s.Token, nonNil(s.Body), nonNil(s.Evidence), nonNil(s.Entry))
	return s, err
}

func scanSigned(row interface{ Scan(...any) error }) (s books.Signed, err error) {
	var handle string
	if err := row.Scan(&s.Key, &handle, &s.Token, &s.Body, &s.Evidence, &s.Entry); err != nil {
		return s, notFound(err)
	}
	s.Handle, err = credentials.ParseHandle(handle)
	return s, err
}

// nonNil keeps an empty value from becoming NULL.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
