package sqldb

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/lib/pq"
)

// Migrate runs the files 0001_what.sql, 0002_what.sql, … at the root of fsys,
// in order, each once, each in a transaction of its own. A file named
// 0003_what.postgres.sql or 0003_what.sqlite.sql runs on that database only.
// Name keeps the files of several packages in one database apart.
//
// Several processes may call it at the same moment, and one that died between
// two files is taken up by the next. A file that was changed after it ran is
// refused: write a new one. So is a database in which files have run that fsys
// does not have: its schema is a newer program's.
func Migrate(ctx context.Context, db *DB, name string, fsys fs.FS) error {
	all, err := Migrations(ctx, db, name, fsys)
	if err != nil {
		return err
	}
	var waits []Migration
	for _, m := range all {
		switch {
		case m.Unknown:
			return fmt.Errorf("migrate %s: %w: %s has run in it: start that program, or a newer one", name, ErrNewer, m.File)
		case m.Changed:
			return fmt.Errorf("migrate %s: %s: %w", name, m.File, errChanged)
		case !m.Done:
			waits = append(waits, m)
		}
	}
	if len(waits) == 0 {
		return nil
	}
	patient, err := db.migrating()
	if err != nil {
		return fmt.Errorf("migrate %s: %w", name, err)
	}
	defer patient.done()
	for _, m := range waits {
		text, err := fs.ReadFile(fsys, m.File)
		if err == nil {
			err = patient.TxLocked(ctx, func(tx *Tx) error { return migrateFile(tx, name, m.File, string(text), db.options.Lock) })
		}
		if err != nil {
			return fmt.Errorf("migrate %s: %s: %w", name, m.File, err)
		}
	}
	return nil
}

// ErrNewer means that the schema is a newer program's.
var ErrNewer = errors.New("the database was migrated by a newer program than this one")

var errChanged = errors.New("the file was changed after it had been run: restore it and add a new file")

// migrator is a database with the patience of a migration.
type migrator struct {
	DB
	done func()
}

// migrating is db with longer timeouts, over connections of its own.
func (db *DB) migrating() (*migrator, error) {
	m := &migrator{DB: DB{pool: db.pool, postgres: db.postgres, writer: db.writer, options: db.options.migrating()}, done: func() {}}
	m.commit.Store(db.commit.Load())
	if !db.postgres {
		return m, nil
	}
	pool, err := openPostgres(db.cfg, m.options, pq.TargetSessionAttrsReadWrite)
	m.pool, m.done = pool, func() { pool.Close() }
	return m, err
}

func (db *DB) runs(file string) bool {
	switch path.Ext(strings.TrimSuffix(file, ".sql")) {
	case ".postgres":
		return db.postgres
	case ".sqlite":
		return !db.postgres
	}
	return true
}

func migrateFile(tx *Tx, name, file, text string, lock time.Duration) error {
	if tx.Postgres() { // on SQLite the transaction itself is the lock
		// Any number will do, as long as every Countersign process takes this one.
		if _, err := tx.Exec(`SELECT pg_advisory_xact_lock(5138008)`); err != nil {
			return err
		}
		// Everybody else queues behind a statement that waits for a table, so
		// it gives up where a session of long standing holds that table.
		if _, err := tx.Exec(fmt.Sprintf(`SET LOCAL lock_timeout = %d`, lock.Milliseconds())); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`CREATE TABLE IF NOT EXISTS schema_migration (
		name TEXT NOT NULL, file TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (name, file))`); err != nil {
		return err
	}
	want, got := digestOf([]byte(text)), ""
	err := tx.QueryRow(`SELECT digest FROM schema_migration WHERE name = $1 AND file = $2`, name, file).Scan(&got)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	case got != want:
		return errChanged
	default:
		return nil
	}
	if _, err := tx.Exec(text); err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO schema_migration (name, file, digest) VALUES ($1, $2, $3)`, name, file, want)
	return err
}

func digestOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
