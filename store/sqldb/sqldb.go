// Package sqldb opens the two databases that Countersign runs on, PostgreSQL
// (through lib/pq) and SQLite, behind one handle, so that one SQL text serves
// both: placeholders are $1, $2, … and BYTEA, BIGINT and TEXT are the columns
// that mean the same in each.
//
// It runs transactions and migrations. It never builds SQL, maps structs or
// knows what is stored.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"

	_ "github.com/lib/pq"
	_ "modernc.org/sqlite"
)

// A DB is a pool of connections to one database.
type DB struct {
	pool     *sql.DB
	postgres bool
	// writer lets one SQLite write transaction of this process run at a time:
	// SQLite has one writer anyway, and its own waiting is by sleeping.
	writer chan struct{}
	// commit wraps every commit, for tests that lose the reply to one.
	commit atomic.Pointer[func(commit func() error) error]
}

// Open connects to "sqlite:PATH" or "postgres://…" and checks that the
// database answers. SQLite runs in WAL mode with synchronous=FULL, so that
// what was committed survives a power cut.
func Open(ctx context.Context, dsn string) (*DB, error) {
	db := &DB{}
	var err error
	switch scheme, rest, _ := strings.Cut(dsn, ":"); scheme {
	case "sqlite":
		err = db.openSQLite(rest)
	case "postgres", "postgresql":
		db.postgres = true
		if db.pool, err = sql.Open("postgres", dsn); err == nil {
			db.pool.SetMaxOpenConns(24)
			db.pool.SetMaxIdleConns(12)
		}
	default:
		// The DSN may hold a password: name the part before the colon only.
		return nil, fmt.Errorf("open database: %q is not known: want sqlite:PATH or postgres://…", scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := db.pool.PingContext(ctx); err != nil {
		db.pool.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	return db, nil
}

func (db *DB) openSQLite(path string) error {
	if path == "" || strings.Contains(path, ":memory:") {
		return errors.New("sqlite needs the path of a file: sqlite:PATH")
	}
	options := url.Values{
		"_txlock": {"immediate"}, // a transaction that may write never has to upgrade its lock
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
	}
	db.writer = make(chan struct{}, 1)
	var err error
	db.pool, err = sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+options.Encode())
	if err == nil {
		db.pool.SetMaxOpenConns(8)
		db.pool.SetMaxIdleConns(8)
	}
	return err
}

// Postgres says whether the database is PostgreSQL.
func (db *DB) Postgres() bool { return db.postgres }

// Close closes every connection.
func (db *DB) Close() error { return db.pool.Close() }

// Ping asks whether the database still answers.
func (db *DB) Ping(ctx context.Context) error { return db.pool.PingContext(ctx) }

// WrapCommit has every later commit run through wrap. Tests use it to fail
// before a commit or to lose the reply after it; nothing else should.
func (db *DB) WrapCommit(wrap func(commit func() error) error) { db.commit.Store(&wrap) }

func (db *DB) commitTx(tx *sql.Tx) error {
	if wrap := db.commit.Load(); wrap != nil {
		return (*wrap)(tx.Commit)
	}
	return tx.Commit()
}

// Query reads rows outside any transaction.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return db.pool.QueryContext(ctx, query, args...)
}

// QueryRow reads one row outside any transaction.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return db.pool.QueryRowContext(ctx, query, args...)
}

// Exec runs one statement in a transaction of its own and counts the rows it
// touched.
func (db *DB) Exec(ctx context.Context, query string, args ...any) (rows int64, err error) {
	err = db.TxLocked(ctx, func(tx *Tx) error {
		rows, err = tx.Exec(query, args...)
		return err
	})
	return rows, err
}
