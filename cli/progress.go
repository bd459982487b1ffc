package cli

import (
	"fmt"
	"os"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"
)

// A progress tells on stderr how far long work is: on a terminal by one line
// that changes, with --progress elsewhere by a line for each step.
type progress struct {
	r        *run
	terminal bool
	forced   bool
	told     time.Time // when the last bar was
}

func (r *run) progress(c *urfave.Context) *progress {
	p := &progress{r: r, forced: c.Bool("progress")}
	if f, ok := r.Err.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

func (p *progress) step(done, total int, what string) {
	switch {
	case p.terminal:
		fmt.Fprintf(p.r.Err, "\r\x1b[K%s %d of %d", what, done, total)
	case p.forced:
		fmt.Fprintf(p.r.Err, "%s %d of %d\n", what, done, total)
	}
}

// How often work of minutes tells how far it is, where nobody looks and where
// somebody does.
const (
	barEvery  = 100 * time.Millisecond
	lineEvery = 10 * time.Second
)

// bar shows how much of work of minutes is done: on a terminal as a bar, else as
// a line now and then; with --progress every second, and the last one always.
// Its caller sees to it that one calls at a time.
func (p *progress) bar(done, total int, what string) {
	const width = 30
	every := lineEvery
	switch now := time.Now(); {
	case p.terminal:
		every = barEvery
	case p.forced:
		every = time.Second
	case p.told.IsZero():
		p.told = now // a line a while after it began
	}
	last := done >= total && (p.terminal || p.forced)
	if since := time.Since(p.told); since < every && !last {
		return
	}
	p.told = time.Now()
	if !p.terminal {
		fmt.Fprintf(p.r.Err, "%s %d of %d\n", what, done, total)
		return
	}
	full := width * min(done, total) / max(total, 1)
	fmt.Fprintf(p.r.Err, "\r\x1b[K%s [%s%s] %d of %d", what, strings.Repeat("#", full), strings.Repeat(".", width-full), done, total)
}

// end clears the line that changes.
func (p *progress) end() {
	if p.terminal {
		fmt.Fprint(p.r.Err, "\r\x1b[K")
	}
}
