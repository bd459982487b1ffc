package sqldb

import (
	"context"
	"errors"
	"fmt"
)

// Wipe rewrites a table, so that what was deleted from it or overwritten in it
// is not left in its free pages: on PostgreSQL that table, which is locked
// meanwhile; on SQLite the whole file and its write-ahead log. PostgreSQL's own
// write-ahead log, replicas that lag and backups keep what they have.
func (db *DB) Wipe(ctx context.Context, table string) error {
	conn, err := db.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if db.postgres {
		if _, err := conn.ExecContext(ctx, `SET statement_timeout = 0`); err != nil {
			return err
		}
		_, err := conn.ExecContext(ctx, `VACUUM (FULL) `+table)
		_, reset := conn.ExecContext(ctx, `RESET statement_timeout`)
		return errors.Join(err, reset)
	}
	select {
	case db.writer <- struct{}{}:
		defer func() { <-db.writer }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if _, err := conn.ExecContext(ctx, `VACUUM`); err != nil {
		return err
	}
	var busy, log, moved int
	if err := conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &log, &moved); err != nil {
		return fmt.Errorf("empty write-ahead log: %w", err)
	}
	if busy != 0 {
		return errors.New("empty write-ahead log: another process is reading")
	}
	return nil
}
