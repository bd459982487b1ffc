package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/cmd/countersignd/config"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/tracing"
	"github.com/countersign-health/countersign/worker"
)

// ErrLacking means that the books lack what the ledger has of this insurer.
var ErrLacking = errors.New("the books are not whole: nothing is decided or paid until they are (docs/backup.md)")

// A Recovery is an insurer's house with nothing running in it.
type Recovery struct {
	house *worker.Insurer
	out   io.Writer
	close func()
	space string
}

// OpenRecovery opens the house of a configuration, with Temporal or without.
// It waits for nothing: a person is looking.
func OpenRecovery(ctx context.Context, c *config.Config, out, logs io.Writer, contracts bool) (*Recovery, error) {
	log := slog.New(tracing.LogHandler(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: slog.LevelWarn}))).With("command", "recover")
	p := &process{config: c, command: "recover", log: log, metrics: newMetrics("recover"), state: &state{}}
	r := &Recovery{out: out, close: p.close, space: c.Insurer.Temporal.Namespace}
	limited, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var err error
	if r.house, err = p.insurer(limited, contracts); err != nil {
		p.close()
		return nil, err
	}
	return r, nil
}

// Close closes the house.
func (r *Recovery) Close() { r.close() }

// Status says what the books lack and what was given up.
func (r *Recovery) Status(ctx context.Context) error {
	lost, err := r.house.Books.Lost(ctx)
	if err != nil {
		return err
	}
	for _, e := range lost {
		r.line(e.OwnEntry, "given up on "+e.GivenUp.Format(time.DateOnly)+about(e))
	}
	return r.whole(ctx, r.house.CheckBooks(ctx))
}

// whole says so, or lists what is missing.
func (r *Recovery) whole(_ context.Context, err error) error {
	var lacking *books.BehindError
	switch {
	case errors.As(err, &lacking):
		for _, e := range lacking.Missing {
			r.line(e, "missing")
		}
		return ErrLacking
	case err != nil:
		return err
	}
	fmt.Fprintln(r.out, "the books hold all that this insurer has on the ledger")
	return nil
}

func (r *Recovery) line(e books.OwnEntry, what string) {
	fmt.Fprintf(r.out, "entry %d  %s  %s  %s  %s\n", e.Index, e.Kind, e.Document, e.Effective.Format(time.RFC3339), what)
}

func about(e books.LostEntry) string {
	switch {
	case !e.Submission.IsZero():
		return fmt.Sprintf(", decision %d on %s", e.Number, e.Submission)
	case e.Number > 0:
		return fmt.Sprintf(", number %d", e.Number)
	}
	return ""
}

// Import brings back what the files of these folders can.
func (r *Recovery) Import(ctx context.Context, folders []string) error {
	files := dossier.Files{}
	for n, folder := range folders {
		some, err := dossier.Read(folder)
		if err != nil {
			return err
		}
		for name, content := range some {
			files[fmt.Sprintf("%d/%s", n, name)] = content
		}
	}
	got, err := r.house.Recover(ctx, files)
	if err != nil {
		return err
	}
	for _, e := range got.Restored {
		r.line(e, "restored")
	}
	for _, l := range got.Missing {
		r.line(l.OwnEntry, "missing: "+oneLine(l.Why))
	}
	fmt.Fprintf(r.out, "%d restored, %d missing\n", len(got.Restored), len(got.Missing))
	if err := r.house.CheckBooks(ctx); err != nil {
		var lacking *books.BehindError
		if errors.As(err, &lacking) {
			return ErrLacking
		}
		return err
	}
	return nil
}

// Enroll enrolls members whom the books were restored from before. The gateway,
// which is the door for them, is closed meanwhile.
func (r *Recovery) Enroll(ctx context.Context, plan, file string) error {
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	n, err := r.house.Enroll(ctx, plan, body)
	if err == nil {
		fmt.Fprintf(r.out, "%d members enrolled\n", n)
	}
	return err
}

// GiveUp gives up the named documents, or all that are missing.
func (r *Recovery) GiveUp(ctx context.Context, documents []credentials.Handle) error {
	lost, err := r.house.GiveUp(ctx, documents)
	if err != nil {
		return err
	}
	for _, e := range lost {
		r.line(e.OwnEntry, "given up"+about(e))
	}
	fmt.Fprintf(r.out, "%d given up; what they may concern is held: countersign remit held\n", len(lost))
	return nil
}

// Contracts starts anew what is open by the books.
func (r *Recovery) Contracts(ctx context.Context) error {
	ended, started, err := r.house.RestartContracts(ctx, r.space)
	var lacking *books.BehindError
	if errors.As(err, &lacking) {
		return ErrLacking
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.out, "%d contracts ended, %d started from the books\n", ended, started)
	return err
}
