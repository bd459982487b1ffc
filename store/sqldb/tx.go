package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// A Tx is one transaction. It carries the context it was begun with.
type Tx struct {
	ctx context.Context
	tx  *sql.Tx
	db  *DB
}

// Context is the context of the transaction.
func (tx *Tx) Context() context.Context { return tx.ctx }

// Postgres says whether the database is PostgreSQL.
func (tx *Tx) Postgres() bool { return tx.db.postgres }

// Query reads rows. Read them to the end before the next statement.
func (tx *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	return tx.tx.QueryContext(tx.ctx, query, args...)
}

// QueryRow reads one row.
func (tx *Tx) QueryRow(query string, args ...any) *sql.Row {
	return tx.tx.QueryRowContext(tx.ctx, query, args...)
}

// Exec runs a statement and counts the rows it touched.
func (tx *Tx) Exec(query string, args ...any) (int64, error) {
	res, err := tx.tx.ExecContext(tx.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Tx runs f in a serializable transaction on the primary and commits if f
// returns nil. Where nothing was kept (serialization failure, deadlock, a
// connection lost before the commit) the whole of f runs again, so f must not
// leave anything behind but what it wrote.
//
// An error from the commit itself may mean that it was made and the reply
// lost: callers must be able to ask again.
func (db *DB) Tx(ctx context.Context, f func(*Tx) error) error {
	return db.retry(ctx, sql.TxOptions{Isolation: sql.LevelSerializable}, f)
}

// TxLocked is Tx for functions whose first statement locks the row that
// guards what they do (UPDATE … RETURNING). On PostgreSQL they run READ
// COMMITTED, so that waiting for the lock ends with the newest row instead of
// a serialization failure. On SQLite it is Tx.
func (db *DB) TxLocked(ctx context.Context, f func(*Tx) error) error {
	return db.retry(ctx, sql.TxOptions{Isolation: sql.LevelReadCommitted}, f)
}

const attempts = 30

func (db *DB) retry(ctx context.Context, o sql.TxOptions, f func(*Tx) error) error {
	var err error
	for i := range attempts {
		if err = db.once(ctx, o, f); err == nil {
			return nil
		}
		if ctx.Err() != nil && !errors.Is(err, ctx.Err()) { // the driver tells of a canceled statement
			err = fmt.Errorf("%w (%w)", ctx.Err(), err)
		}
		if ctx.Err() != nil || !again(err) {
			return err
		}
		db.counts.retries.Add(1)
		pause := time.Duration(1+rand.IntN(4<<min(i, 6))) * time.Millisecond
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (last: %w)", ctx.Err(), err)
		case <-time.After(pause):
		}
	}
	return fmt.Errorf("gave up after %d attempts: %w", attempts, err)
}

// once tries a transaction once, on the primary.
func (db *DB) once(ctx context.Context, o sql.TxOptions, f func(*Tx) error) error {
	if db.postgres {
		return db.on(ctx, db.pool, o, nil, f)
	}
	if !o.ReadOnly {
		select {
		case db.writer <- struct{}{}:
			defer func() { <-db.writer }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	limited, cancel := context.WithTimeoutCause(ctx, db.options.Statement, ErrTimeout)
	defer cancel()
	o.Isolation = sql.LevelDefault // SQLite is always serializable
	err := db.on(limited, db.pool, o, nil, f)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return fmt.Errorf("%w (%w)", ErrTimeout, err)
	}
	return err
}

// on runs a transaction on a connection of pool that passes the check, and
// drops the connection where it is of no more use.
func (db *DB) on(ctx context.Context, pool *sql.DB, o sql.TxOptions, check func(*sql.Conn) error, f func(*Tx) error) (err error) {
	conn, err := db.acquire(ctx, pool)
	if err != nil {
		return err
	}
	defer func() { db.release(conn, pool, err) }()
	if check != nil {
		if err := check(conn); err != nil {
			return err
		}
	}
	// Not canceled with ctx: a cancel that reaches the server while a commit
	// waits for a synchronous standby makes it answer as if the wait were over.
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), &o)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer tx.Rollback() // does nothing after a commit
	if err := f(&Tx{ctx, tx, db}); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := db.commitTx(tx); err != nil {
		if !conflict(err) {
			db.counts.unknown.Add(1)
		}
		return &commitError{err}
	}
	return nil
}

// acquire waits for a connection, but not for ever.
func (db *DB) acquire(ctx context.Context, pool *sql.DB) (*sql.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, db.options.Wait)
	defer cancel()
	conn, err := pool.Conn(limited)
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.Err() != nil && pool.Stats().InUse >= pool.Stats().MaxOpenConnections:
		return nil, fmt.Errorf("%w: none of %d became free within %s", ErrBusy, pool.Stats().MaxOpenConnections, db.options.Wait)
	}
	return nil, &connectError{err}
}

// release gives a connection back. After one was lost, those that lie idle most
// likely lead to the same dead server: they go, too, instead of failing one
// caller each.
func (db *DB) release(conn *sql.Conn, pool *sql.DB, err error) {
	if demoted(err) {
		conn.Raw(func(any) error { return driver.ErrBadConn }) // what Raw says of it, database/sql believes
	}
	conn.Close()
	if db.postgres && (lost(err) || demoted(err)) {
		pool.SetMaxIdleConns(-1)
		pool.SetMaxIdleConns(db.options.MaxIdle)
	}
}
