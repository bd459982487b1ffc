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

	"github.com/lib/pq"
	"modernc.org/sqlite"

	"github.com/countersign-health/countersign/store/sqldb/prepared"
)

// A DB is a pool of connections to one database.
type DB struct {
	pool     *sql.DB
	postgres bool
	options  Options
	cfg      pq.Config
	watch    *watch // nil where there is no standby
	// writer lets one SQLite write transaction of this process run at a time:
	// SQLite has one writer anyway, and its own waiting is by sleeping.
	writer chan struct{}
	// commit wraps every commit, for tests that lose the reply to one.
	commit atomic.Pointer[func(commit func() error) error]
	counts struct{ retries, unknown, standby atomic.Int64 }
}

// Open is OpenWith with the limits that fit most.
func Open(ctx context.Context, dsn string) (*DB, error) { return OpenWith(ctx, dsn, Options{}) }

// OpenWith connects to "sqlite:PATH" or "postgres://…" and checks that the
// database answers. Several hosts, "postgres://USER@HOST1,HOST2/NAME", are a
// primary and its standbys: whichever takes writes is the primary. SQLite runs
// in WAL mode with synchronous=FULL, so that what was committed survives a
// power cut.
func OpenWith(ctx context.Context, dsn string, o Options) (*DB, error) {
	db := &DB{options: o.filled()}
	var err error
	switch scheme, rest, _ := strings.Cut(dsn, ":"); scheme {
	case "sqlite":
		err = db.openSQLite(rest)
	case "postgres", "postgresql":
		db.postgres = true
		if db.cfg, err = parsePostgres(dsn); err == nil {
			db.pool, err = openPostgres(db.cfg, db.options, pq.TargetSessionAttrsReadWrite)
		}
	default:
		// The DSN may hold a password: name the part before the colon only.
		return nil, fmt.Errorf("open database: %q is not known: want sqlite:PATH or postgres://…", scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	err = db.pool.PingContext(ctx)
	if err == nil && len(db.cfg.Multi) > 0 {
		db.watch, err = startWatch(ctx, db.cfg, db.options)
	}
	if err != nil {
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
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "cache_size(-65536)", "wal_autocheckpoint(16384)"},
	}
	db.writer = make(chan struct{}, 1)
	db.options.MaxOpen = min(db.options.MaxOpen, 8)
	db.options.MaxIdle = db.options.MaxOpen
	c, err := sqlite.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + options.Encode())
	if err != nil {
		return err
	}
	db.pool = sql.OpenDB(prepared.Connector(c))
	db.pool.SetMaxOpenConns(db.options.MaxOpen)
	db.pool.SetMaxIdleConns(db.options.MaxIdle)
	return nil
}

// Postgres says whether the database is PostgreSQL.
func (db *DB) Postgres() bool { return db.postgres }

// Close closes every connection.
func (db *DB) Close() error {
	if db.watch != nil {
		db.watch.close()
	}
	return db.pool.Close()
}

// Ping asks whether the database still answers those who read.
func (db *DB) Ping(ctx context.Context) error {
	return db.Read(ctx, func(tx *Tx) error {
		var one int
		return tx.QueryRow(`SELECT 1`).Scan(&one)
	})
}

// WrapCommit has every later commit run through wrap. Tests use it to fail
// before a commit or to lose the reply after it; nothing else should.
func (db *DB) WrapCommit(wrap func(commit func() error) error) { db.commit.Store(&wrap) }

func (db *DB) commitTx(tx *sql.Tx) error {
	if wrap := db.commit.Load(); wrap != nil {
		return (*wrap)(tx.Commit)
	}
	return tx.Commit()
}
