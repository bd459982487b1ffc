package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/lib/pq"
	"modernc.org/sqlite"
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

// Tx runs f in a serializable transaction and commits if f returns nil. Where
// the database asks for it (serialization failure, deadlock, busy) the whole
// of f runs again, so f must not leave anything behind but what it wrote.
//
// An error from the commit itself may mean that it was made and the reply
// lost: callers must be able to ask again.
func (db *DB) Tx(ctx context.Context, f func(*Tx) error) error {
	return db.retry(ctx, sql.LevelSerializable, f)
}

// TxLocked is Tx for functions whose first statement locks the row that
// guards what they do (UPDATE … RETURNING). On PostgreSQL they run READ
// COMMITTED, so that waiting for the lock ends with the newest row instead of
// a serialization failure. On SQLite it is Tx.
func (db *DB) TxLocked(ctx context.Context, f func(*Tx) error) error {
	return db.retry(ctx, sql.LevelReadCommitted, f)
}

const attempts = 30

func (db *DB) retry(ctx context.Context, level sql.IsolationLevel, f func(*Tx) error) error {
	var err error
	for i := range attempts {
		if err = db.once(ctx, level, f); err == nil || !again(err) {
			return err
		}
		pause := time.Duration(1+rand.IntN(4<<min(i, 6))) * time.Millisecond
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (last: %w)", ctx.Err(), err)
		case <-time.After(pause):
		}
	}
	return fmt.Errorf("gave up after %d attempts: %w", attempts, err)
}

func (db *DB) once(ctx context.Context, level sql.IsolationLevel, f func(*Tx) error) error {
	if db.writer != nil {
		select {
		case db.writer <- struct{}{}:
			defer func() { <-db.writer }()
		case <-ctx.Done():
			return ctx.Err()
		}
		level = sql.LevelDefault // SQLite is always serializable
	}
	tx, err := db.pool.BeginTx(ctx, &sql.TxOptions{Isolation: level})
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer tx.Rollback() // does nothing after a commit
	if err := f(&Tx{ctx, tx, db}); err != nil {
		return err
	}
	if err := db.commitTx(tx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// again says whether the database promises that nothing was kept and that the
// same transaction may well succeed when it is run again.
func again(err error) bool {
	var p *pq.Error
	if errors.As(err, &p) {
		return p.Code == "40001" || p.Code == "40P01" // serialization_failure, deadlock_detected
	}
	var s *sqlite.Error
	if errors.As(err, &s) {
		primary := s.Code() & 0xff
		return primary == 5 || primary == 6 // SQLITE_BUSY, SQLITE_LOCKED
	}
	return false
}

// Duplicate says whether err is a row refused by a unique index or a primary
// key.
func Duplicate(err error) bool {
	var p *pq.Error
	if errors.As(err, &p) {
		return p.Code == "23505" // unique_violation
	}
	var s *sqlite.Error
	return errors.As(err, &s) && (s.Code() == 2067 || s.Code() == 1555) // UNIQUE, PRIMARYKEY
}
