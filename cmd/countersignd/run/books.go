package run

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/cmd/countersignd/config"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/worker"
)

// booksKeys reads the keys that the books are opened with.
func booksKeys(c *config.Insurer) (keys store.Keys, err error) {
	secret, err := c.BusinessKeyFile.Seed()
	if err != nil {
		return keys, fmt.Errorf("business key: %w", err)
	}
	var wrapping []store.WrappingKey
	for _, k := range c.WrappingKeys {
		seed, err := k.File.Seed()
		if err != nil {
			return keys, fmt.Errorf("wrapping key: %w", err)
		}
		wrapping = append(wrapping, store.WrappingKey{ID: k.ID, Secret: [32]byte(seed)})
	}
	return store.NewKeys(secret, wrapping...)
}

// openBooks opens the books for one command.
func openBooks(ctx context.Context, c *config.Insurer) (b *store.Books, done func(), err error) {
	keys, err := booksKeys(c)
	if err != nil {
		return nil, nil, err
	}
	db, err := openDatabase(ctx, c.Database)
	if err != nil {
		return nil, nil, err
	}
	if b, err = store.Open(ctx, db, keys, time.Now); err != nil {
		db.Close()
		return nil, nil, err
	}
	return b, func() { db.Close() }, nil
}

// histories reaches Temporal, without waiting for it.
func histories(ctx context.Context, c *config.Insurer) (h worker.Histories, done func(), err error) {
	options, err := temporalOptions(c, slog.New(slog.DiscardHandler))
	if err != nil {
		return h, nil, err
	}
	t, err := client.DialContext(ctx, options)
	if err != nil {
		return h, nil, fmt.Errorf("reach Temporal at %s: %w", options.HostPort, err)
	}
	return worker.Histories{Temporal: t, Namespace: options.Namespace}, t.Close, nil
}

// BooksFind prints the books' name of a member, whose member id, first name and
// birth date it reads from in, a line each: what is asked about people does not
// belong on a command line.
func BooksFind(in io.Reader, out io.Writer, c *config.Config) error {
	keys, err := booksKeys(c.Insurer)
	if err != nil {
		return err
	}
	var lines []string
	for s := bufio.NewScanner(in); s.Scan() && len(lines) < 3; {
		lines = append(lines, strings.TrimSpace(s.Text()))
	}
	if len(lines) < 3 {
		return errors.New("want three lines on standard input: member id, first name, birth date (YYYY-MM-DD)")
	}
	birth, err := credentials.ParseDate(lines[2])
	if err != nil {
		return errors.New("the third line is no date: want YYYY-MM-DD")
	}
	fmt.Fprintln(out, keys.Person(lines[0], lines[1], birth))
	return nil
}

// BooksForget erases a person, or the one submission of somebody who is no
// member. Histories go first: if it is broken off, saying it again finishes it.
func BooksForget(ctx context.Context, out io.Writer, c *config.Config, person, submission string) error {
	b, done, err := openBooks(ctx, c.Insurer)
	if err != nil {
		return err
	}
	defer done()
	if submission != "" {
		h, err := credentials.ParseHandle(submission)
		if err != nil {
			return fmt.Errorf("--submission: %w", err)
		}
		if person, err = b.Holder(ctx, h); err != nil {
			return fmt.Errorf("submission %s: %w", h, err)
		}
	}
	work, err := b.WorkOf(ctx, person)
	if err != nil {
		return err
	}
	if len(work) > 0 {
		h, close, err := histories(ctx, c.Insurer)
		if err != nil {
			return err
		}
		defer close()
		if err := h.Drop(ctx, work); err != nil {
			return err
		}
	}
	n, err := b.Forget(ctx, person)
	if errors.Is(err, books.ErrNotFound) {
		return errors.New("the books know nobody by that name: it was forgotten before, or \"books find\" was given another spelling; nothing was changed")
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "forgotten, with %d submissions and their histories; backups open them until they are rotated out (docs/keys.md)\n", n)
	return nil
}

// BooksRewrap wraps every data key under the first wrapping key.
func BooksRewrap(ctx context.Context, out io.Writer, c *config.Config) error {
	b, done, err := openBooks(ctx, c.Insurer)
	if err != nil {
		return err
	}
	defer done()
	n, err := b.Rewrap(ctx)
	if n > 0 || err == nil {
		fmt.Fprintf(out, "wrapped %d data keys anew, under %s\n", n, c.Insurer.WrappingKeys[0].ID)
	}
	return err
}

// BooksKeys says which keys are still needed.
func BooksKeys(ctx context.Context, out io.Writer, c *config.Config) error {
	b, done, err := openBooks(ctx, c.Insurer)
	if err != nil {
		return err
	}
	defer done()
	wrapped, err := b.KeysInUse(ctx)
	if err != nil {
		return err
	}
	for n, k := range c.Insurer.WrappingKeys {
		fmt.Fprintf(out, "wrapping key %s: %s, %d data keys under it%s\n", k.ID, role(n, "wraps", "unwraps"), wrapped[k.ID], spare(n, wrapped[k.ID] == 0))
	}
	h, close, err := histories(ctx, c.Insurer)
	if err != nil {
		return err
	}
	defer close()
	used, err := h.KeysInUse(ctx)
	if err != nil {
		return err
	}
	for n, k := range c.Insurer.PayloadKeys {
		u := used[k.ID]
		delete(used, k.ID)
		fmt.Fprintf(out, "payload key %s: %s, %d open and %d ended contracts under it%s\n", k.ID, role(n, "seals", "opens"), u.Open, u.Ended, spare(n, u == worker.Use{}))
	}
	for _, id := range slices.Sorted(maps.Keys(used)) {
		fmt.Fprintf(out, "payload key %s: MISSING, %d open and %d ended contracts under it\n", id, used[id].Open, used[id].Ended)
	}
	return nil
}

func role(n int, first, others string) string {
	if n == 0 {
		return first
	}
	return others
}

// spare is no promise about a process that still has the key in front.
func spare(n int, unused bool) string {
	if n > 0 && unused {
		return ": it can go, if no process has it in front any more"
	}
	return ""
}
