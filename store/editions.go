package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
)

// PublishEdition writes an edition and its ledger entry's outbox row. The same
// content published again is the edition that stands; its handle is returned.
func (b *Books) PublishEdition(ctx context.Context, e books.Edition, entry []byte) (handle credentials.Handle, err error) {
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		kept, err := scanEdition(tx.QueryRow(selectEdition+`WHERE kind = $1 AND name = $2 AND edition = $3`,
			e.Kind, e.Ref.Name, e.Ref.Edition))
		switch {
		case err == nil && kept.Ref.Digest == e.Ref.Digest:
			handle = kept.Handle
			return nil
		case err == nil:
			return books.ErrEditionTaken
		case !errors.Is(err, books.ErrNotFound):
			return err
		}
		var same int
		if err := tx.QueryRow(`SELECT count(*) FROM edition WHERE digest = $1`, e.Ref.Digest.String()).Scan(&same); err != nil || same > 0 {
			return cmp.Or(err, books.ErrContentTaken)
		}
		handle = e.Handle
		at := micros(b.now())
		if e.Kind == books.ExclusionEdition {
			if err := exclusionsChange(tx, e, at); err != nil {
				return err
			}
		}
		_, err = tx.Exec(`
			INSERT INTO edition (digest, kind, name, edition, fees, effective_from, effective_until, published, body, handle, exclusion_list)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			e.Ref.Digest.String(), e.Kind, e.Ref.Name, e.Ref.Edition, e.Fees, e.From, e.Until, at, e.Body, e.Handle.String(), e.ExclusionList)
		if err != nil {
			return err
		}
		return putOutbox(tx, e.Handle, entry)
	})
	return handle, err
}

// Editions returns all published editions of plans and fees, oldest first. Lists of
// codes are long, and asked for by themselves.
func (b *Books) Editions(ctx context.Context) (all []books.Edition, err error) {
	err = b.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rs, err := tx.Query(selectEdition + `WHERE kind <> 'codes' ORDER BY published, kind, name, edition`)
		if err != nil {
			return err
		}
		defer rs.Close()
		for rs.Next() {
			e, err := scanEdition(rs)
			if err != nil {
				return err
			}
			all = append(all, e)
		}
		return rs.Err()
	})
	return all, err
}

// EditionRefs names the published editions of a kind, without their bodies.
func (b *Books) EditionRefs(ctx context.Context, kind books.EditionKind) (all []claims.EditionRef, err error) {
	err = b.db.Read(ctx, func(tx *sqldb.Tx) error {
		all = nil
		rs, err := tx.Query(`SELECT digest, name, edition FROM edition WHERE kind = $1 ORDER BY name, edition`, kind)
		if err != nil {
			return err
		}
		defer rs.Close()
		for rs.Next() {
			var digest string
			var ref claims.EditionRef
			if err := rs.Scan(&digest, &ref.Name, &ref.Edition); err != nil {
				return err
			}
			if ref.Digest, err = credentials.ParseDigest(digest); err != nil {
				return fmt.Errorf("read edition: %w", err)
			}
			all = append(all, ref)
		}
		return rs.Err()
	})
	return all, err
}

// Edition is the one with this content, or books.ErrNotFound.
func (b *Books) Edition(ctx context.Context, digest credentials.Digest) (e books.Edition, err error) {
	err = b.db.Read(ctx, func(tx *sqldb.Tx) error {
		e, err = scanEdition(tx.QueryRow(selectEdition+`WHERE digest = $1`, digest.String()))
		return err
	})
	return e, err
}

const selectEdition = `SELECT digest, kind, name, edition, fees, effective_from, effective_until, body, handle, exclusion_list FROM edition `

func scanEdition(row interface{ Scan(...any) error }) (e books.Edition, err error) {
	var digest, handle string
	err = row.Scan(&digest, &e.Kind, &e.Ref.Name, &e.Ref.Edition, &e.Fees, &e.From, &e.Until, &e.Body, &handle, &e.ExclusionList)
	if err != nil {
		return e, notFound(err)
	}
	if e.Ref.Digest, err = credentials.ParseDigest(digest); err != nil {
		return e, fmt.Errorf("read edition: %w", err)
	}
	if e.Handle, err = credentials.ParseHandle(handle); err != nil {
		return e, fmt.Errorf("read edition: %w", err)
	}
	return e, nil
}

// editionOn finds the edition of a name that is in force on a day, else the
// latest one: a claim about a day that no edition covers is decided (and
// denied by its coverage dates) under the latest terms.
func editionOn(tx statements, kind books.EditionKind, name string, on credentials.Date) (books.Edition, error) {
	return scanEdition(tx.QueryRow(selectEdition+`
		WHERE kind = $1 AND ($2 = '' OR name = $2)
		ORDER BY CASE WHEN effective_from <= $3 AND (effective_until = '' OR effective_until >= $3) THEN 0 ELSE 1 END,
		         effective_from DESC, published DESC, edition DESC
		LIMIT 1`, kind, name, on))
}
