package board

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store/sqldb"
)

// errKnown ends a transaction that would have written what is there already.
var errKnown = errors.New("known already")

// issue registers the license that a asks for, or finds the one that the same
// application got before.
func (b *Board) issue(ctx context.Context, by request, a client.Application) (h credentials.Handle, created bool, err error) {
	r := &row{ask: client.ImportRow{License: a}}
	if r.identity, err = identityOfLicense(a); err == nil {
		r.number, err = numberOf(a)
	}
	if err != nil {
		return h, false, err
	}
	done := make([]client.Imported, 1)
	if err := b.issueRows(ctx, by, []*row{r}, done); err != nil {
		return h, false, err
	}
	if done[0].Refused != "" {
		return h, false, refuse(http.StatusConflict, "license: %s", done[0].Refused)
	}
	if done[0].Known {
		err = b.boundTo(ctx, done[0].Handle, a.Holder)
	}
	return done[0].Handle, !done[0].Known, err
}

func identityOfLicense(a client.Application) (string, error) {
	return identityOf("license", a.Jurisdiction, a.Profession, a.Number, string(a.NPI), string(a.From), string(a.Until))
}

// event is a row of register_event that is about to be written.
type event struct {
	kind              client.EventKind
	document, license credentials.Handle
	identity, token   string
	entry             []byte
	line              int // of the clerk's request
}

// newEvent signs the ledger entry of a document. Its subject is the document's
// own handle, for orders too: whoever reads only the ledger cannot tell which
// license an order is about, nor that two orders are about the same one.
func (b *Board) newEvent(kind client.EventKind, document, license credentials.Handle, identity, token string, effective time.Time) (event, error) {
	kinds := map[client.EventKind]ledger.Kind{client.EventLicense: ledger.KindLicense, client.EventOrder: ledger.KindBoardOrder}
	e, err := ledger.Entry{
		Kind: kinds[kind], Subject: document, Document: credentials.DocumentDigest(token), Effective: effective,
	}.Sign(b.signer)
	if err != nil {
		return event{}, err
	}
	return event{kind, document, license, identity, token, e.Marshal(), 0}, nil
}

// commit numbers and writes events, and who asked for them, beside what register
// writes, in one transaction. Its first statement makes other writers wait until
// this one has committed; an error takes the numbers back with everything else.
// The trace is remembered before anybody can take an event from the outbox.
func (b *Board) commit(ctx context.Context, by request, events []event, register func(*sqldb.Tx) error) error {
	first := events[0].document
	b.remember(ctx, first)
	err := b.db.TxLocked(ctx, func(tx *sqldb.Tx) error {
		var last int64
		err := tx.QueryRow(`UPDATE register_counter SET value = value + $1 WHERE name = 'event' RETURNING value`, len(events)).Scan(&last)
		if err != nil {
			return fmt.Errorf("number event: %w", err)
		}
		if err := register(tx); err != nil {
			return err
		}
		sequence, made := last-int64(len(events))+1, b.Now().UnixMicro()
		columns := []string{"sequence", "document", "identity", "license", "kind", "token", "entry", "made"}
		err = tx.Insert("register_event", columns, len(events), func(i int) []any {
			e := events[i]
			return []any{sequence + int64(i), e.document.String(), e.identity, e.license.String(), string(e.kind), e.token, e.entry, made}
		})
		if err != nil {
			return err
		}
		return by.keep(tx, sequence, events)
	})
	if err != nil {
		b.forget(first.String())
	}
	return err
}

// find returns the document that an identity got, or sql.ErrNoRows.
func (b *Board) find(ctx context.Context, identity string) (h credentials.Handle, err error) {
	known, err := b.findAll(ctx, []string{identity})
	if err == nil && len(known) == 0 {
		err = sql.ErrNoRows
	}
	return known[identity].handle, err
}

// A found is what an identity got.
type found struct {
	handle credentials.Handle
	token  string
}

// findAll returns the documents of those identities that have one.
func (b *Board) findAll(ctx context.Context, identities []string) (map[string]found, error) {
	args, places := make([]any, len(identities)), make([]string, len(identities))
	for i, identity := range identities {
		args[i], places[i] = identity, "$"+strconv.Itoa(i+1)
	}
	known := map[string]found{}
	rows, err := b.db.Query(ctx, `SELECT identity, document, token FROM register_event WHERE identity IN (`+strings.Join(places, ", ")+`)`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var identity, document string
		var f found
		if err := rows.Scan(&identity, &document, &f.token); err != nil {
			return nil, err
		}
		if f.handle, err = credentials.ParseHandle(document); err != nil {
			return nil, err
		}
		known[identity] = f
	}
	return known, rows.Err()
}

// file reads a license with its orders, or sql.ErrNoRows.
func (b *Board) file(ctx context.Context, license credentials.Handle) (f client.File, err error) {
	rows, err := b.db.Query(ctx, `
		SELECT e.document, e.kind, e.token, coalesce(n.entry, e.entry), p.ledger_index, r.receipt FROM register_event e
		LEFT JOIN register_anew n ON n.sequence = e.sequence
		LEFT JOIN register_place p ON p.sequence = e.sequence
		LEFT JOIN register_receipt r ON r.sequence = e.sequence
		WHERE e.license = $1 ORDER BY e.sequence`, license.String())
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
