// Package store is the insurer's books: plans, members, licenses as the board
// sent them, submissions, decisions, and what has been paid from them. One SQL
// text serves SQLite and PostgreSQL; every method is one transaction and may be
// repeated. What only shows signed documents and where they stand is read with
// sqldb's Read, and may come from a standby while the primary is away; all that
// decides, and all that says whether something was received, is not.
//
// It finds facts and guards them with fences. It never decides what is owed,
// never signs, never edits what was signed, and reaches no network. What tells
// of a person is sealed, and opens for nobody once the person is forgotten.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/statuslist"
	"github.com/countersign-health/countersign/store/sqldb"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Books is the insurer's database.
type Books struct {
	db   *sqldb.DB
	keys Keys
	now  func() time.Time
	// places are for new decisions, in the status lists.
	places *statuslist.Places
}

// Open brings the schema up to date and returns the books. It refuses to go on
// without a wrapping key that a data key is wrapped under.
func Open(ctx context.Context, db *sqldb.DB, keys Keys, now func() time.Time) (*Books, error) {
	if len(keys.wrapping) == 0 {
		return nil, errors.New("open books: no wrapping key given")
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := sqldb.Migrate(ctx, db, "books", files); err != nil {
		return nil, fmt.Errorf("migrate books: %w", err)
	}
	b := &Books{db: db, keys: keys, now: now}
	b.places = &statuslist.Places{Purposes: len(credentials.DecisionPurposes), Read: b.takenPlaces}
	if err := b.checkKeys(ctx); err != nil {
		return nil, fmt.Errorf("open books: %w", err)
	}
	return b, nil
}

// statements is a transaction, with the keys to what is sealed or without.
type statements interface {
	Query(query string, args ...any) (*sql.Rows, error)
	QueryRow(query string, args ...any) *sql.Row
	Exec(query string, args ...any) (int64, error)
}

func familyFence(family, period string) string { return "family/" + family + "/" + period }
func standingFence(npi credentials.NPI) string { return "standing/" + string(npi) }
func authorizationFence(submission string) string {
	return "authorization/" + submission
}
func reviewFence(submission string) string { return "review/" + submission }

func readFence(tx statements, name string) (books.Fence, error) {
	f := books.Fence{Name: name}
	err := tx.QueryRow(`SELECT version FROM fence WHERE name = $1`, name).Scan(&f.Version)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return f, err
}

func bumpFence(tx statements, name string) error {
	_, err := tx.Exec(`
		INSERT INTO fence (name, version) VALUES ($1, 1)
		ON CONFLICT (name) DO UPDATE SET version = fence.version + 1`, name)
	return err
}

// unmoved says whether every fence still has the version that was read.
func unmoved(tx statements, fences []books.Fence) (bool, error) {
	for _, f := range fences {
		now, err := readFence(tx, f.Name)
		if err != nil || now != f {
			return false, err
		}
	}
	return true, nil
}

// notFound turns the driver's word for "no row" into ours.
func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return books.ErrNotFound
	}
	return err
}

func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// fold makes names comparable as payers compare them: case and outer space do
// not count.
func fold(s string) string { return strings.ToUpper(strings.TrimSpace(s)) }

// rows runs a query and hands each row to scan.
func rows(tx statements, query string, args []any, scan func(*sql.Rows) error) error {
	rs, err := tx.Query(query, args...)
	if err != nil {
		return err
	}
	defer rs.Close()
	for rs.Next() {
		if err := scan(rs); err != nil {
			return err
		}
	}
	return rs.Err()
}
