package cli

import (
	"fmt"
	"os"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// A progress tells on stderr how far long work is: on a terminal by one line
// that changes, with --progress elsewhere by a line for each step.
type progress struct {
	r        *run
	terminal bool
	forced   bool
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

// bar shows how much of long work is done.
func (p *progress) bar(done, total int, what string) {
	const width = 30
	switch full := width * done / max(total, 1); {
	case p.terminal:
		fmt.Fprintf(p.r.Err, "\r\x1b[K%s [%s%s] %d of %d", what, strings.Repeat("#", full), strings.Repeat(".", width-full), done, total)
	case p.forced:
		fmt.Fprintf(p.r.Err, "%s %d of %d\n", what, done, total)
	}
}

// end clears the line that changes.
func (p *progress) end() {
	if p.terminal {
		fmt.Fprint(p.r.Err, "\r\x1b[K")
	}
}
