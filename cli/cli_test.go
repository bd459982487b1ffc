package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	sealWork = 5
	testscript.Main(m, map[string]func(){
		"countersign": func() {
			os.Exit(Run(context.Background(), os.Args[1:], Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
		},
	})
}

// The scripts type the real commands, against a real ledger with four witnesses,
// a real board, and a gateway that only looks like one (servers_test.go).
func TestScripts(t *testing.T) { runScripts(t, "testdata") }

// A register has a board and a ledger of its own: it makes the ledger longer
// than the other scripts expect.
func TestImportScripts(t *testing.T) { runScripts(t, "testdata/import") }

func runScripts(t *testing.T, dir string) {
	env := startServers(t)
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, env...)
			return os.CopyFS(filepath.Join(e.WorkDir, "examples"), os.DirFS("../examples"))
		},
	})
}

// typed runs a command line in-process.
func typed(args ...string) (code int, out, err string) {
	var o, e bytes.Buffer
	code = Run(context.Background(), args, Streams{In: strings.NewReader(""), Out: &o, Err: &e})
	return code, o.String(), e.String()
}

// The demo has many commands at work in one process. The library keeps flags
// in package variables; the race detector sees whether we touch them.
func TestRunsAtOnce(t *testing.T) {
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			dir := t.TempDir()
			name, passphrase := fmt.Sprintf("key-%d", i), filepath.Join(dir, "passphrase")
			if err := os.WriteFile(passphrase, []byte("a passphrase of tests"), 0o600); err != nil {
				t.Error(err)
			}
			if code, _, err := typed("key", "create", name, "--keys", dir, "--passphrase-file", passphrase); code != exitDone {
				t.Errorf("key create: got exit %d, %s", code, err)
			}
			if code, out, _ := typed("key", "list", "--keys", dir, "--passphrase-file", passphrase, "--json"); code != exitDone || !strings.Contains(out, name) || strings.Contains(out, fmt.Sprintf("key-%d", (i+1)%8)) {
				t.Errorf("key list: got exit %d, %s", code, out)
			}
			if code, out, _ := typed("claim", "check", "../examples/claims.837"); code != exitDone || !strings.Contains(out, "9 claims") {
				t.Errorf("claim check: got exit %d, %s", code, out)
			}
			if code, out, _ := typed("claim", "submit", "--help"); code != exitDone || !strings.Contains(out, "USAGE") {
				t.Errorf("help: got exit %d, %s", code, out)
			}
			if code, _, _ := typed("claim", "what"); code != exitRefused {
				t.Errorf("unknown command: got exit %d", code)
			}
		})
	}
	all.Wait()
}

func TestFlagsFirst(t *testing.T) {
	app := (&run{}).app()
	for _, test := range []struct{ in, want string }{
		{"claim submit FILE --wait --out DIR", "claim submit --wait --out DIR FILE"},
		{"claim submit FILE --out=DIR", "claim submit --out=DIR FILE"},
		{"auth request FILE --wait 5s --json", "auth request --wait 5s --json FILE"},
		{"claim status A --wait B", "claim status --wait A B"},
		{"verify DIR -- --odd", "verify -- DIR --odd"},
		{"verify - --json", "verify --json -"},
		{"claim submit FILE --unknown x", "claim submit --unknown FILE x"},
		{"claim submit FILE --out", "claim submit --out FILE"},
		{"what FILE --x", "what FILE --x"},
		{"--help claim", "--help claim"},
		{"", ""},
	} {
		if got := strings.Join(flagsFirst(app, strings.Fields(test.in)), " "); got != test.want {
			t.Errorf("%s: got %s, want %s", test.in, got, test.want)
		}
	}
}

// Every command has its usage, --json and --help, and no line of help is wider
// than a wide terminal.
func TestHelp(t *testing.T) {
	app := (&run{}).app()
	for _, top := range app.Commands {
		for _, c := range append(slices.Clone(top.Subcommands), top) {
			words := []string{top.Name}
			if c != top {
				words = append(words, c.Name)
			}
			code, out, _ := typed(append(words, "--help")...)
			if code != exitDone || c.Usage == "" || !strings.Contains(out, c.Usage) {
				t.Errorf("%s --help: got exit %d, %q", words, code, out)
			}
			if len(c.Subcommands) == 0 && !strings.Contains(out, "--json") {
				t.Errorf("%s has no --json", words)
			}
			for line := range strings.Lines(out) {
				if len(line) > 145 {
					t.Errorf("%s --help: a line of %d characters: %s", words, len(line), line)
				}
			}
		}
	}
	if _, out, _ := typed("--help"); !strings.Contains(out, "Exit codes") {
		t.Error("countersign --help does not tell the exit codes")
	}
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	tab := table{head: []string{"claim", "paid", "reason"}}
	tab.add("A", "5.00", "short")
	tab.add("Höhe", "12345.00", strings.Repeat("many words ", 12)+"\x1b[2J\nend")
	if err := tab.write(&b); err != nil {
		t.Fatal(err)
	}
	want := `claim      paid  reason
A          5.00  short
Höhe   12345.00  many words many words many words many words many words many words many words many
                 words many words many words many words many words [2J; end
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
