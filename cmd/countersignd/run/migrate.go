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

// MigrateStatus says which migrations have run in each house's database. It
// changes nothing.
func MigrateStatus(ctx context.Context, out io.Writer, c *config.Config, sections []string) error {
	return eachHouse(c, sections, func(h house, d config.Database) error { return h.status(ctx, out, d) })
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
		if err := sqldb.Migrate(ctx, db, h.name, h.schema); err != nil {
			return err
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

func (h house) status(ctx context.Context, out io.Writer, d config.Database) error {
	if file, ok := strings.CutPrefix(d.DSN, "sqlite:"); ok {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) { // opening would make it
			fmt.Fprintf(out, "%s: no database yet\n", h.section)
			return nil
		}
	}
	db, err := openDatabase(ctx, d)
	if err != nil {
		return err
	}
	defer db.Close()
	all, err := sqldb.Migrations(ctx, db, h.name, h.schema)
	if err != nil {
		return err
	}
	for _, m := range all {
		state := "waits"
		if m.Done {
			state = "done"
		}
		if m.Changed {
			state = "done, and changed since: restore the file"
		}
		fmt.Fprintf(out, "%s: %s %s\n", h.section, m.File, state)
	}
	return nil
}
