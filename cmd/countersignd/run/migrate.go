package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/board"
	"github.com/countersign-health/countersign/cmd/countersignd/config"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/ledger/witness"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/store/sqldb"
)

// A house is a database with its schema.
type house struct {
	section  string
	database func(*config.Config) *config.Database // nil where the file has no such section
	name     string                                // under which its migrations are kept
	schema   fs.FS
}

var houses = []house{
	{"insurer", func(c *config.Config) *config.Database {
		if c.Insurer == nil {
			return nil
		}
		return &c.Insurer.Database
	}, "books", store.Schema()},
	{"board", func(c *config.Config) *config.Database {
		if c.Board == nil {
			return nil
		}
		return &c.Board.Database
	}, "board", board.Schema()},
	{"ledger", func(c *config.Config) *config.Database {
		if c.Ledger == nil {
			return nil
		}
		return &c.Ledger.Database
	}, "ledger", operator.Schema()},
	{"witness", func(c *config.Config) *config.Database {
		if c.Witness == nil {
			return nil
		}
		return &c.Witness.Database
	}, "witness", witness.Schema()},
}

// Houses are the sections with a database that were named, or all that the
// configuration has.
func Houses(c *config.Config, named []string) (sections []string, err error) {
	for _, h := range houses {
		if h.database(c) != nil && (len(named) == 0 || slices.Contains(named, h.section)) {
			sections = append(sections, h.section)
		}
	}
	for _, name := range named {
		if !slices.Contains(sections, name) {
			return nil, fmt.Errorf("the configuration has no section %q with a database", name)
		}
	}
	if len(sections) == 0 {
		return nil, errors.New("the configuration names no database")
	}
	return sections, nil
}

// ErrMigrationsWait means that some migration has not run.
var ErrMigrationsWait = errors.New("migrations wait: countersignd migrate up runs them")

// MigrateStatus says which migrations have run in each house's database. It
// changes nothing.
func MigrateStatus(ctx context.Context, out io.Writer, c *config.Config, sections []string) error {
	waits := 0
	err := eachHouse(c, sections, func(h house, d config.Database) error {
		n, err := h.status(ctx, out, d)
		waits += n
		return err
	})
	if err == nil && waits > 0 {
		return ErrMigrationsWait
	}
	return err
}

// MigrateUp brings each house's database up to date. It may run twice, and at
// once with a process that starts.
func MigrateUp(ctx context.Context, out io.Writer, c *config.Config, sections []string) error {
	return eachHouse(c, sections, func(h house, d config.Database) error {
		db, err := openDatabase(ctx, d)
		if err != nil {
			return err
		}
		defer db.Close()
		before, err := sqldb.Migrations(ctx, db, h.name, h.schema)
		if err != nil {
			return err
		}
		if err := sqldb.Migrate(ctx, db, h.name, h.schema); err != nil {
			return err
		}
		for _, m := range before {
			if !m.Done {
				fmt.Fprintf(out, "%s: %s done\n", h.section, m.File)
			}
		}
		fmt.Fprintf(out, "%s: up to date\n", h.section)
		return nil
	})
}

func eachHouse(c *config.Config, sections []string, do func(house, config.Database) error) error {
	for _, h := range houses {
		if !slices.Contains(sections, h.section) {
			continue
		}
		if err := do(h, *h.database(c)); err != nil {
			return fmt.Errorf("%s: %w", h.section, err)
		}
	}
	return nil
}

// status counts the migrations that have not run.
func (h house) status(ctx context.Context, out io.Writer, d config.Database) (waits int, err error) {
	if file, ok := strings.CutPrefix(d.DSN, "sqlite:"); ok {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) { // opening would make it
			fmt.Fprintf(out, "%s: no database yet\n", h.section)
			return 1, nil
		}
	}
	db, err := openDatabase(ctx, d)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	all, err := sqldb.Migrations(ctx, db, h.name, h.schema)
	if err != nil {
		return 0, err
	}
	for _, m := range all {
		state := "waits"
		switch {
		case m.Changed:
			state, err = "done, and changed since: restore the file", fmt.Errorf("%s was changed after it had been run", m.File)
		case m.Unknown:
			state, err = "done by a newer countersignd: this one will not start on it", fmt.Errorf("%s: %w", m.File, sqldb.ErrNewer)
		case m.Done:
			state = "done"
		default:
			waits++
		}
		fmt.Fprintf(out, "%s: %s %s\n", h.section, m.File, state)
	}
	return waits, err
}
