package board

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store/sqldb"
)

// errKnown ends a transaction that would have written what is there already.
var errKnown = errors.New("known already")

// errPlaceTaken ends a transaction whose random place in the status list was
// another license's.
var errPlaceTaken = errors.New("place in the status list is taken")

// listFill is how many licenses share one status list. Half full, a random
// place is free every other time, and a set bit points to nobody.
var listFill int64 = credentials.StatusListSize / 2 // a test makes it small

// issue registers the license that a asks for, or finds the one that the same
// application got before.
func (b *Board) issue(ctx context.Context, by request, a client.Application) (h credentials.Handle, created bool, err error) {
	identity, err := identityOf("license", a.Jurisdiction, a.Profession, a.Number, string(a.NPI), string(a.From), string(a.Until))
	if err != nil {
		return h, false, err
	}
	for range 64 {
		h, err = b.issueOnce(ctx, by, a, identity)
		if !errors.Is(err, errPlaceTaken) {
			break
		}
	}
	switch {
	case errors.Is(err, errKnown):
		if h, err = b.find(ctx, identity); err == nil {
			err = b.boundTo(ctx, h, a.Holder)
		}
		return h, false, err
	case err != nil:
		return h, false, fmt.Errorf("register license: %w", err)
	}
	b.moved()
	return h, true, nil
}

func (b *Board) issueOnce(ctx context.Context, by request, a client.Application, identity string) (h credentials.Handle, err error) {
	// Signed before the transaction, so that a slow key does not hold up others.
	if _, err := b.find(ctx, identity); err == nil {
		return h, errKnown
	} else if !errors.Is(err, sql.ErrNoRows) {
		return h, err
	}
	list, err := b.openList(ctx)
	if err != nil {
		return h, err
	}
	h = randomHandle()
	place, now := randomPlace(), b.Now()
	status := credentials.NewStatusEntry(b.listURL(list), place)
	token, err := credentials.Issue(b.signer, credentials.KindLicense, h, now, status, a.License(h))
	if err != nil {
		return h, err
	}
	e, err := b.newEvent(by, client.EventLicense, h, h, identity, token, now)
	if err != nil {
		return h, err
	}
	return h, b.commit(ctx, e, func(tx *sqldb.Tx) error {
		return e.commit(tx, func() error {
			var taken int
			if err := tx.QueryRow(`SELECT count(*) FROM register_license WHERE list = $1 AND place = $2`, list, place).Scan(&taken); err != nil {
				return err
			}
			if taken > 0 {
				return errPlaceTaken
			}
			if a.Holder != "" {
				if err := b.possessed(tx, a.Proof, a.Holder, a.NPI); err != nil {
					return err
				}
			}
			_, err := tx.Exec(`
				INSERT INTO register_license (handle, identity, npi, list, place, revoked) VALUES ($1, $2, $3, $4, $5, 0)`,
				h.String(), identity, string(a.NPI), list, place)
			return err
		})
	})
}

// openList is the status list that new licenses go into.
func (b *Board) openList(ctx context.Context) (list int64, err error) {
	var licenses int64
	err = b.db.QueryRow(ctx, `
		SELECT newest.list, (SELECT count(*) FROM register_license l WHERE l.list = newest.list)
		FROM (SELECT coalesce(max(list), 1) AS list FROM register_license) newest`).Scan(&list, &licenses)
	if licenses >= listFill {
		list++
	}
	return list, err
}

// event is a row of register_event that is about to be written.
type event struct {
	by                request
	kind              client.EventKind
	document, license credentials.Handle
	identity, token   string
	entry             []byte
	made              time.Time
}

// newEvent signs the ledger entry of a document. Its subject is the document's
// own handle, for orders too: whoever reads only the ledger cannot tell which
// license an order is about, nor that two orders are about the same one.
func (b *Board) newEvent(by request, kind client.EventKind, document, license credentials.Handle, identity, token string, effective time.Time) (event, error) {
	kinds := map[client.EventKind]ledger.Kind{client.EventLicense: ledger.KindLicense, client.EventOrder: ledger.KindBoardOrder}
	e, err := ledger.Entry{
		Kind: kinds[kind], Subject: document, Document: credentials.DocumentDigest(token), Effective: effective,
	}.Sign(b.signer)
	if err != nil {
		return event{}, err
	}
	return event{by, kind, document, license, identity, token, e.Marshal(), b.Now()}, nil
}

// commit runs an event's transaction, and remembers its trace before anybody
// can take it from the outbox.
func (b *Board) commit(ctx context.Context, e event, write func(*sqldb.Tx) error) error {
	b.remember(ctx, e.document)
	err := b.db.TxLocked(ctx, write)
	if err != nil {
		b.forget(e.document.String())
	}
	return err
}

// commit numbers and writes the event, and who asked for it, beside what
// register writes. Its first statement makes other writers wait until this one
// has committed; an error takes the number back with everything else.
func (e event) commit(tx *sqldb.Tx, register func() error) error {
	var sequence int64
	if err := tx.QueryRow(`UPDATE register_counter SET value = value + 1 WHERE name = 'event' RETURNING value`).Scan(&sequence); err != nil {
		return fmt.Errorf("number event: %w", err)
	}
	var known int
	if err := tx.QueryRow(`SELECT count(*) FROM register_event WHERE identity = $1`, e.identity).Scan(&known); err != nil {
		return err
	}
	if known > 0 {
		return errKnown
	}
	if err := register(); err != nil {
		return err
	}
	_, err := tx.Exec(`
		INSERT INTO register_event (sequence, document, identity, license, kind, token, entry, made)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		sequence, e.document.String(), e.identity, e.license.String(), string(e.kind), e.token, e.entry, e.made.UnixMicro())
	if err != nil {
		return err
	}
	return e.by.keep(tx, sequence)
}

// find returns the document that an identity got, or sql.ErrNoRows.
func (b *Board) find(ctx context.Context, identity string) (h credentials.Handle, err error) {
	var s string
	if err := b.db.QueryRow(ctx, `SELECT document FROM register_event WHERE identity = $1`, identity).Scan(&s); err != nil {
		return h, err
	}
	return credentials.ParseHandle(s)
}

// file reads a license with its orders, or sql.ErrNoRows.
func (b *Board) file(ctx context.Context, license credentials.Handle) (f client.File, err error) {
	rows, err := b.db.Query(ctx, `
		SELECT document, kind, token, entry, ledger_index, receipt FROM register_event WHERE license = $1 ORDER BY sequence`, license.String())
	if err != nil {
		return f, err
	}
	defer rows.Close()
	f.Orders = []client.Document{}
	for rows.Next() {
		var handle, kind string
		var index sql.NullInt64
		var d client.Document
		if err := rows.Scan(&handle, &kind, &d.Token, &d.Entry, &index, &d.Receipt); err != nil {
			return f, err
		}
		if d.Handle, err = credentials.ParseHandle(handle); err != nil {
			return f, err
		}
		if d.Index = -1; len(d.Receipt) > 0 {
			d.Index = index.Int64
		}
		if client.EventKind(kind) == client.EventLicense {
			f.License = d
		} else {
			f.Orders = append(f.Orders, d)
		}
	}
	if err := rows.Err(); err != nil {
		return f, err
	}
	if f.License.Token == "" {
		return f, sql.ErrNoRows
	}
	return f, nil
}

// licensesOf lists the licenses of a clinician, oldest first.
func (b *Board) licensesOf(ctx context.Context, npi credentials.NPI) (handles []credentials.Handle, err error) {
	rows, err := b.db.Query(ctx, `
		SELECT l.handle FROM register_license l JOIN register_event e ON e.document = l.handle
		WHERE l.npi = $1 ORDER BY e.sequence LIMIT 100`, string(npi))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		h, err := credentials.ParseHandle(s)
		if err != nil {
			return nil, err
		}
		handles = append(handles, h)
	}
	return handles, rows.Err()
}

// identityOf names what a request asks for, so that asking twice is asking
// once. It is a digest because a database column is no place for a list.
func identityOf(parts ...string) (string, error) {
	b, err := credentials.CanonicalJSON(parts)
	return credentials.DigestOf(b).String(), err
}

// randomPlace is uniform: the list's size is a power of two.
func randomPlace() int {
	h := randomHandle()
	return int(binary.BigEndian.Uint32(h[:]) % credentials.StatusListSize)
}
