package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	urfave "github.com/urfave/cli/v2"

	board "github.com/countersign-health/countersign/board/client"
)

// mostTold is how many bad rows the JSON object names; on the standard error
// are all of them.
const mostTold = 1000

// licenseImport checks a whole register, tells what is wrong with it, and has
// the rest issued.
func (r *run) licenseImport(c *urfave.Context) error {
	path := c.Args().First()
	file, err := openRegister(path, c.String("board-did"), c.Bool("skip-npi-check-digit"), r.now())
	if err != nil {
		return err
	}
	defer file.file.Close()
	i := &importing{run: r, register: file, progress: r.progress(c), began: r.now(), failed: make(chan error, 1)}
	if err := file.check(i.tell); err != nil {
		return err
	}
	if alone := c.Bool("offline") || c.String("board") == ""; c.Bool("check") && alone {
		return i.report(c, false)
	} else if c.Bool("offline") {
		return refused(commandName(c), "--offline: licenses are issued by the board", "give --check with it, or leave it out")
	}
	if i.desk, err = r.desk(c, true); err != nil {
		return err
	}
	if c.Bool("check") {
		i.journal, i.asking = &journal{}, true
		if err := i.issue(c.Context, c.Int("at-once"), c.Int("rows")); err != nil {
			return i.ended(c, err)
		}
		return i.report(c, false)
	}
	if i.journal, err = openJournal(path + ".issued"); err != nil {
		return err
	}
	defer i.journal.close()
	if err := i.issue(c.Context, c.Int("at-once"), c.Int("rows")); err != nil {
		return i.ended(c, err)
	}
	if err := i.settle(c.Context, c.Duration("wait")); err != nil {
		return err
	}
	return i.report(c, true)
}

// ended says what stands where the import went no further. What the board
// refused as a whole, the same command would meet again.
func (i *importing) ended(c *urfave.Context, err error) error {
	stands := "nothing was sent to be issued"
	if !i.asking {
		stands = count(i.journal.len(), "license") + " issued"
	}
	var no *board.Refusal
	switch {
	case errors.As(err, &no):
		return refused(commandName(c), "the board refused: "+no.Message, stands+", and once this is put right the same command goes on")
	case i.asking:
		return err
	}
	return fmt.Errorf("%s; the same command goes on where this one ended: %w", stands, err)
}

// importing has rows issued, several requests at a time. The board makes one
// license of one application however often it comes; the journal saves asking.
type importing struct {
	run      *run
	desk     *desk
	register *registerFile
	journal  *journal
	asking   bool // what the board would refuse, and nothing more
	progress *progress
	began    time.Time

	mu     sync.Mutex
	looked int // good rows that were dealt with
	now    int // of them issued by this command
	no     int // of them refused by the board
	bad    int
	told   []string // the first of the bad ones
	failed chan error
}

// tell says what is wrong with a row, at once: whoever waits may stop it.
func (i *importing) tell(b *badRow) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.progress.end()
	fmt.Fprintf(i.run.Err, "%s: %s\n", oneLine(i.register.path), b.text)
	if i.bad++; len(i.told) < mostTold {
		i.told = append(i.told, b.text)
	}
}

// issue sends rows in requests of so many, some at once.
func (i *importing) issue(ctx context.Context, hands, rows int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	todo := make(chan []*importRow)
	var all sync.WaitGroup
	for range min(max(hands, 1), 64) {
		all.Go(func() {
			for part := range todo {
				if err := i.send(ctx, part); err != nil {
					select {
					case i.failed <- err:
					default: // another hand has told why
					}
					cancel()
					return
				}
			}
		})
	}
	err := i.read(ctx, todo, min(max(rows, 1), board.MostRows))
	close(todo)
	all.Wait()
	i.progress.end()
	select {
	case failed := <-i.failed:
		return failed
	default:
		return err
	}
}

// read hands on the rows that the journal does not have.
func (i *importing) read(ctx context.Context, todo chan<- []*importRow, rows int) error {
	hand := func(part []*importRow) error {
		select {
		case todo <- part:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var part []*importRow
	for {
		row, err := i.register.next()
		if errors.Is(err, io.EOF) {
			if len(part) == 0 {
				return nil
			}
			return hand(part)
		}
		if err != nil {
			return err
		}
		if i.journal.has(row.key) {
			i.done(1, 0, 0)
			continue
		}
		if part = append(part, row); len(part) == rows {
			if err := hand(part); err != nil {
				return err
			}
			part = nil
		}
	}
}

func (i *importing) send(ctx context.Context, part []*importRow) error {
	ask := make([]board.ImportRow, len(part))
	for n, row := range part {
		ask[n] = row.ImportRow
	}
	why, err := i.have(ctx, ask)
	if err != nil {
		return fmt.Errorf("lines %d to %d: %w", part[0].line, part[len(part)-1].line, err)
	}
	var keys [][16]byte
	for n, row := range part {
		if why[n] != "" {
			i.tell(refusedRow(row.line, why[n]))
			continue
		}
		keys = append(keys, row.key)
	}
	if !i.asking {
		if err := i.journal.add(keys); err != nil {
			return err
		}
	}
	i.done(len(part), len(keys), len(part)-len(keys))
	return nil
}

// have has rows issued, or asks about them, and says why those that cannot be
// are refused.
func (i *importing) have(ctx context.Context, rows []board.ImportRow) (refused []string, err error) {
	if i.asking {
		return i.desk.CheckImport(ctx, rows)
	}
	got, err := i.desk.Import(ctx, rows)
	for _, r := range got {
		refused = append(refused, r.Refused)
	}
	return refused, err
}

func (i *importing) done(rows, now, no int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.looked += rows
	i.now += now
	i.no += no
	what := "issuing licenses"
	if i.asking {
		what = "asking about licenses"
	}
	i.progress.bar(i.looked, i.register.good, what)
}

// settle waits for the receipts of all that the register holds.
func (i *importing) settle(ctx context.Context, wait time.Duration) error {
	waiting, stop := context.WithTimeout(ctx, max(wait, time.Second))
	defer stop()
	defer i.progress.end()
	err := i.desk.Whole(waiting, func(done, all int64) { i.progress.bar(int(done), int(all), "on the ledger") })
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		return later("wait for the ledger's receipts", "some are not there yet; what the board signed stands", "import the file again to wait on")
	}
	return err
}

func (i *importing) report(c *urfave.Context, issued bool) (err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	total := i.register.good - i.no
	good, seconds := count(total, "license"), i.run.now().Sub(i.began).Round(100*time.Millisecond)
	switch {
	case i.run.json:
		told := i.told
		if told == nil {
			told = []string{}
		}
		err = i.run.print(map[string]any{"issued": total, "now": i.now, "badRows": i.bad, "bad": told, "checkedOnly": !issued, "boardAsked": issued || i.asking})
	case i.asking:
		_, err = fmt.Fprintf(i.run.Out, "%s can be issued; %s cannot; the board was asked, and nothing issued\n", good, count(i.bad, "bad row"))
	case !issued:
		_, err = fmt.Fprintf(i.run.Out, "%s can be issued by what the file says; %s cannot; the board was not asked: whether it licenses for\n"+
			"that state, has given a number to another, or knows the proof of a key, it alone can say (--board, --key)\n", good, count(i.bad, "bad row"))
	default:
		_, err = fmt.Fprintf(i.run.Out, "%s issued, %d of them now, each on the ledger, in %s; %s left out\n", good, i.now, seconds, count(i.bad, "bad row"))
	}
	if err == nil && i.bad > 0 {
		err = refused(commandName(c), count(i.bad, "row")+" of "+i.register.path+" cannot be issued", "correct them, and import the file again")
	}
	return err
}
