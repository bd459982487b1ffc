package cli

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	urfave "github.com/urfave/cli/v2"

	board "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
)

// mostBadRows is how many bad rows are told of before the reading is given up:
// whoever has more has another file than they think.
const mostBadRows = 1000

// An importRow is a line of a register that is to be issued.
type importRow struct {
	board.Application
	line int
	key  string // of what is asked for, at this board
}

func (r *run) licenseImport(c *urfave.Context) error {
	path := c.Args().First()
	rows, bad, err := readImport(path, c.Bool("skip-npi-check-digit"), c.String("board-did"))
	if err != nil {
		return err
	}
	for _, b := range bad {
		fmt.Fprintf(r.Err, "%s: %s\n", oneLine(path), b)
	}
	if len(bad) > 0 && !c.Bool("skip-bad-rows") {
		return refused(commandName(c), count(len(bad), "row")+" of "+path+" cannot be issued; nothing was", "correct them, or leave them out with --skip-bad-rows")
	}
	d, err := r.desk(c, true)
	if err != nil {
		return err
	}
	journal, err := openJournal(path + ".issued")
	if err != nil {
		return err
	}
	defer journal.close()
	before := len(journal.done)
	i := &importing{desk: d, journal: journal, progress: r.progress(c), total: len(rows), failed: make(chan error, 1)}
	if err := i.run(c.Context, rows, c.Int("at-once"), c.Duration("wait")); err != nil {
		return fmt.Errorf("%s issued; the same command goes on where this one ended: %w", count(len(journal.done), "license"), err)
	}
	if r.json {
		err = r.print(map[string]any{"issued": len(rows), "now": len(journal.done) - before, "bad": bad})
	} else {
		_, err = fmt.Fprintf(r.Out, "%s issued, %d of them now, each on the ledger; %s left out\n", count(len(rows), "license"), len(journal.done)-before, count(len(bad), "bad row"))
	}
	if err == nil && len(bad) > 0 {
		err = refused(commandName(c), count(len(bad), "row")+" of "+path+" cannot be issued", "correct them, and import the file again")
	}
	return err
}

// readImport reads a register and checks every row of it. What is wrong with a
// row is told by line and column, never by what stands there.
func readImport(path string, skipCheckDigit bool, did string) (rows []importRow, bad []string, err error) {
	f, err := openFile(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	in := bufio.NewReader(f)
	if b, _ := in.Peek(3); string(b) == "\ufeff" {
		in.Discard(3)
	}
	lines := csv.NewReader(in)
	lines.Comment, lines.FieldsPerRecord, lines.ReuseRecord = '#', -1, true
	head, err := lines.Read()
	labeled := err == nil && slices.Equal(head, append(slices.Clone(licenseColumns), "status"))
	if err != nil || !labeled && !slices.Equal(head, licenseColumns) {
		return nil, nil, refused(path, "line 1: want the columns "+strings.Join(licenseColumns, ",")+", and status after them or not", "write them as the first line")
	}
	columns := len(head)
	seen := map[string]int{}
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if len(bad) == mostBadRows {
			return nil, nil, refused(path, fmt.Sprintf("more than %d rows cannot be issued; nothing was", mostBadRows), "see whether it is the right file")
		}
		var broken *csv.ParseError
		if errors.As(err, &broken) {
			bad = append(bad, fmt.Sprintf("line %d, column %d: %v", broken.Line, broken.Column, broken.Err))
			continue
		} else if err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", path, err)
		}
		row, err := importOne(lines, fields, columns, skipCheckDigit, did)
		if err == nil && seen[row.key] > 0 {
			err = fmt.Errorf("line %d: is the license of line %d once more", row.line, seen[row.key])
		}
		if err != nil {
			bad = append(bad, err.Error())
			continue
		}
		seen[row.key] = row.line
		rows = append(rows, *row)
	}
	if len(rows)+len(bad) == 0 {
		return nil, nil, refused(path, "holds no license", "write one on each line below the columns")
	}
	return rows, bad, nil
}

func importOne(lines *csv.Reader, fields []string, columns int, skipCheckDigit bool, did string) (*importRow, error) {
	line, _ := lines.FieldPos(0)
	if len(fields) != columns {
		return nil, fmt.Errorf("line %d: has %d columns, not %d", line, len(fields), columns)
	}
	a, err := application(fields[:len(licenseColumns)], licenseColumns, skipCheckDigit)
	if err != nil {
		return nil, fmt.Errorf("line %d, column %w", line, err)
	}
	if columns > len(licenseColumns) {
		label, err := credentials.LabelOf(a.Jurisdiction, fields[len(licenseColumns)])
		if err != nil {
			return nil, fmt.Errorf("line %d, column status: %w", line, err)
		}
		if action := label.Action(); action != "" {
			return nil, fmt.Errorf("line %d, column status: says more than that it is issued; issue it by itself, and then license %s", line, action)
		}
	}
	b, err := credentials.CanonicalJSON([]any{did, a})
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", line, err)
	}
	return &importRow{*a, line, credentials.DigestOf(b).String()}, nil
}

// importing has rows issued, some at once. The board makes one license of one
// application however often it comes; the journal saves asking.
type importing struct {
	desk     *desk
	journal  *journal
	progress *progress
	total    int

	failed chan error
}

func (i *importing) run(ctx context.Context, rows []importRow, hands int, wait time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	i.desk.NoWait = true // for each; the last ones are waited for
	todo := make(chan importRow)
	var all sync.WaitGroup
	for range min(max(hands, 1), 64) {
		all.Go(func() { i.hand(ctx, cancel, todo) })
	}
	done := 0
feed:
	for _, row := range rows {
		if done++; !i.journal.has(row.key) {
			select {
			case todo <- row:
			case <-ctx.Done():
				break feed
			}
		}
		if done%max(i.total/100, 1) == 0 || done == i.total {
			i.progress.bar(done, i.total, "issuing licenses")
		}
	}
	close(todo)
	all.Wait()
	i.progress.end()
	select {
	case err := <-i.failed:
		return err
	default:
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	waiting, stop := context.WithTimeout(ctx, max(wait, time.Second))
	defer stop()
	err := i.desk.Whole(waiting, func(done, all int64) {})
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		return later("wait for the ledger's receipts", "some are not there yet; what the board signed stands", "import the file again to wait on")
	}
	return err
}

func (i *importing) hand(ctx context.Context, cancel context.CancelFunc, todo <-chan importRow) {
	for row := range todo {
		_, err := i.desk.Issue(ctx, row.Application)
		if err == nil {
			err = i.journal.add(row.key)
		}
		if err != nil {
			select {
			case i.failed <- fmt.Errorf("line %d: %w", row.line, err):
			default: // another hand has told why
			}
			cancel()
			return
		}
	}
}

// A journal names what was issued, a digest a line, beside the register's file.
// A line that a kill cut short is issued once more, which changes nothing.
type journal struct {
	mu   sync.Mutex
	file *os.File
	done map[string]bool
}

func openJournal(path string) (*journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the journal of the import: %w", err)
	}
	body, err := io.ReadAll(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("read the journal of the import: %w", err)
	}
	j := &journal{file: f, done: map[string]bool{}}
	for line := range strings.Lines(string(body)) {
		if key, whole := strings.CutSuffix(line, "\n"); whole && len(key) == 64 {
			j.done[key] = true
		}
	}
	if len(body) > 0 && body[len(body)-1] != '\n' {
		_, err = f.WriteString("\n")
	}
	return j, err
}

func (j *journal) has(key string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.done[key]
}

func (j *journal) add(key string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.done[key] = true
	if _, err := j.file.WriteString(key + "\n"); err != nil {
		return fmt.Errorf("write the journal of the import: %w", err)
	}
	return nil
}

func (j *journal) close() { j.file.Close() }
