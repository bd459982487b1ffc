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
	"sort"
	"strings"
)

// Migrate runs the files 0001_what.sql, 0002_what.sql, … at the root of fsys,
// in order, each once, each in a transaction of its own. A file named
// 0003_what.postgres.sql or 0003_what.sqlite.sql runs on that database only.
// Name keeps the files of several packages in one database apart.
//
// Several processes may call it at the same moment. A file that was changed
// after it ran is refused: write a new one.
func Migrate(ctx context.Context, db *DB, name string, fsys fs.FS) error {
	files, err := fs.Glob(fsys, "*.sql")
	if err != nil {
		return fmt.Errorf("migrate %s: %w", name, err)
	}
	sort.Strings(files)
	for _, file := range files {
		if !db.runs(file) {
			continue
		}
		text, err := fs.ReadFile(fsys, file)
		if err == nil {
			err = db.TxLocked(ctx, func(tx *Tx) error { return migrateFile(tx, name, file, string(text)) })
		}
		if err != nil {
			return fmt.Errorf("migrate %s: %s: %w", name, file, err)
		}
	}
	return nil
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

func migrateFile(tx *Tx, name, file, text string) error {
	if tx.Postgres() { // on SQLite the transaction itself is the lock
		// Any number will do, as long as every Countersign process takes this one.
		if _, err := tx.Exec(`SELECT pg_advisory_xact_lock(5138008)`); err != nil {
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
		return errors.New("the file was changed after it had been run: restore it and add a new file")
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
