package cli

import (
	"bytes"
	"testing"
	"time"
)

// Long work is a bar on a terminal, a line now and then elsewhere, and with
// --progress it ends with its last line.
func TestBar(t *testing.T) {
	long := func() time.Time { return time.Now().Add(-time.Hour) }
	for _, x := range []struct {
		name string
		p    progress
		done int
		want string
	}{
		{"terminal", progress{terminal: true}, 5, "\r\x1b[Kissuing [###############...............] 5 of 10"},
		{"terminal, at the end", progress{terminal: true, told: time.Now()}, 10, "\r\x1b[Kissuing [##############################] 10 of 10"},
		{"terminal, too soon", progress{terminal: true, told: time.Now().Add(time.Hour)}, 5, ""},
		{"no terminal, at first", progress{}, 1, ""},
		{"no terminal, after a while", progress{told: long()}, 5, "issuing 5 of 10\n"},
		{"no terminal, too soon", progress{told: time.Now()}, 5, ""},
		{"no terminal, done quickly", progress{told: time.Now()}, 10, ""},
		{"asked for", progress{forced: true, told: long()}, 5, "issuing 5 of 10\n"},
		{"asked for, at the end", progress{forced: true, told: time.Now()}, 10, "issuing 10 of 10\n"},
	} {
		var out bytes.Buffer
		x.p.r = &run{Streams: Streams{Err: &out}}
		x.p.bar(x.done, 10, "issuing")
		if got := out.String(); got != x.want {
			t.Errorf("%s: got %q, want %q", x.name, got, x.want)
		}
	}
}
