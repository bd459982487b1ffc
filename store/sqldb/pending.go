package sqldb

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
)

// A Migration is a file that Migrate has run, or would run.
type Migration struct {
	File    string
	Done    bool
	Changed bool // since it was run: Migrate refuses it
	Unknown bool // it has run, and fsys does not have it: a newer program's
}

// Migrations says how far Migrate has come, in order. It writes nothing.
func Migrations(ctx context.Context, db *DB, name string, fsys fs.FS) ([]Migration, error) {
	done, err := db.migrated(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("read migrations of %s: %w", name, err)
	}
	files, err := fs.Glob(fsys, "*.sql") // sorted, as fs.ReadDir sorts
	if err != nil {
		return nil, fmt.Errorf("read migrations of %s: %w", name, err)
	}
	var all []Migration
	for _, file := range files {
		if !db.runs(file) {
			continue
		}
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, fmt.Errorf("read migrations of %s: %w", name, err)
		}
		digest, ran := done[file]
		delete(done, file)
		all = append(all, Migration{File: file, Done: ran, Changed: ran && digest != digestOf(text)})
	}
	for _, file := range slices.Sorted(maps.Keys(done)) {
		all = append(all, Migration{File: file, Done: true, Unknown: true})
	}
	return all, nil
}

// migrated is the digest of every file that ran.
func (db *DB) migrated(ctx context.Context, name string) (map[string]string, error) {
	done := map[string]string{}
	table := `SELECT count(*) FROM sqlite_master WHERE name = 'schema_migration'`
	if db.postgres {
		table = `SELECT count(*) FROM pg_class WHERE oid = to_regclass('schema_migration')`
	}
	var n int
	if err := db.QueryRow(ctx, table).Scan(&n); err != nil || n == 0 {
		return done, err
	}
	rows, err := db.Query(ctx, `SELECT file, digest FROM schema_migration WHERE name = $1`, name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var file, digest string
		if err := rows.Scan(&file, &digest); err != nil {
			return nil, err
		}
		done[file] = digest
	}
	return done, rows.Err()
}
