package sqldb

import (
	"context"
	"database/sql"
)

// Rows are rows read outside any transaction.
type Rows struct {
	*sql.Rows
	conn *sql.Conn
}

// Close gives the connection back.
func (r *Rows) Close() error {
	err := r.Rows.Close()
	r.conn.Close()
	return err
}

// A Row is one row read outside any transaction.
type Row struct {
	ctx   context.Context
	db    *DB
	query string
	args  []any
}

// Query reads rows of the primary outside any transaction. Close them.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	var last error
	for range 3 { // one or two connections may be left of a server that is gone
		conn, err := db.acquire(ctx, db.pool)
		if err != nil {
			return nil, err
		}
		rows, err := conn.QueryContext(ctx, query, args...)
		if err == nil {
			return &Rows{rows, conn}, nil
		}
		db.release(conn, db.pool, err)
		if last = err; ctx.Err() != nil || !lost(err) {
			break
		}
		db.counts.retries.Add(1)
	}
	return nil, last
}

// QueryRow reads one row of the primary outside any transaction.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) *Row {
	return &Row{ctx, db, query, args}
}

// Scan runs the query, and says sql.ErrNoRows where there is none.
func (r *Row) Scan(dest ...any) error {
	rows, err := r.db.Query(r.ctx, r.query, r.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	if err := rows.Scan(dest...); err != nil {
		return err
	}
	return rows.Close()
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
