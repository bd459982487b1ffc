package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/cli"
	"github.com/countersign-health/countersign/cmd/countersign-dev/demo"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// TestDevAfterRotate replaces the keys of a founder's house, of the insurer and
// of a newcomer while dev runs, and starts it again in the same folder: it comes
// up, and a license that is issued then is signed with the board's new key and
// verifies with its receipt. With the board's key store from before, it says so.
func TestDevAfterRotate(t *testing.T) {
	data := t.TempDir()
	d := startDev(t, data)
	before := filepath.Join(t.TempDir(), "keys")
	if err := os.CopyFS(before, os.DirFS(filepath.Join(data, parties.Board, "keys"))); err != nil {
		t.Fatal(err)
	}
	now := map[string]string{}
	for _, party := range []string{parties.Board, parties.Insurer, parties.Reviewer} {
		var rotated struct{ KeyID, Retired string }
		d.types(&rotated, "key", "rotate", party, "--keys", filepath.Join(data, party, "keys"), "--ledger", d.address("LEDGER"))
		if rotated.KeyID == "" || rotated.KeyID == rotated.Retired {
			t.Fatalf("rotate %s: %+v", party, rotated)
		}
		now[party] = rotated.KeyID
	}
	d.stop()

	d = startDev(t, data)
	out := t.TempDir()
	var issued struct {
		Licenses []struct {
			Handle  credentials.Handle
			Receipt bool
		}
	}
	d.types(&issued, "license", "issue", "--npi", "2999002092", "--name", "Ana Birch", "--state", "CA", "--profession", "MD",
		"--number", "CA-MD-30001", "--from", "2026-01-01", "--until", "2027-12-31", "--wait", "1m", "--out", out,
		"--keys", filepath.Join(data, parties.Clerk, "keys"), "--key", parties.Clerk, "--board", d.address("BOARD"), "--board-did", d.address("BOARD_DID"))
	if len(issued.Licenses) != 1 || !issued.Licenses[0].Receipt {
		t.Fatalf("issued %+v, want one license with its receipt", issued)
	}
	if got := signerOf(t, out, issued.Licenses[0].Handle); got != now[parties.Board] {
		t.Errorf("the license's entry is signed with %q, want the board's key of today, %s", got, now[parties.Board])
	}
	var shown bytes.Buffer
	code := cli.Run(t.Context(), []string{"verify", "--trust", filepath.Join(data, "trust.json"), out}, cli.Streams{Out: &shown, Err: &shown})
	if code != 0 {
		t.Errorf("the license does not verify with its receipt: exit %d\n%s", code, &shown)
	}
	d.stop()

	keys := filepath.Join(data, parties.Board, "keys")
	if err := os.Rename(keys, keys+".today"); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(keys, os.DirFS(before)); err != nil {
		t.Fatal(err)
	}
	err := demo.Dev(t.Context(), data, &bytes.Buffer{})
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "but the ledger lists "+now[parties.Board]) {
		t.Errorf("with the key store from before the handover: %v", err)
	}
}

// signerOf is the key id that signed the entry of a document, in a folder.
func signerOf(t *testing.T, folder string, h credentials.Handle) (kid string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, f fs.DirEntry, err error) error {
		if err != nil || f.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if e, no := ledger.ParseEntry(b); no == nil && e.Subject == h {
			kid = e.KeyID
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return kid
}

// A dev is demo.Dev, running.
type dev struct {
	*testing.T
	data   string
	screen *screen
	stop   func()
}

// startDev runs dev until it has told its addresses.
func startDev(t *testing.T, data string) *dev {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	d := &dev{T: t, data: data, screen: &screen{ready: make(chan struct{})}}
	ended := make(chan error, 1)
	go func() { ended <- demo.Dev(ctx, data, d.screen) }()
	d.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("dev ended: %v", err)
		}
	})
	select {
	case <-d.screen.ready:
	case err := <-ended:
		cancel()
		t.Fatalf("dev does not start: %v", err)
	case <-time.After(3 * time.Minute):
		t.Fatal("dev does not come up")
	}
	t.Cleanup(d.stop)
	return d
}

// address is what dev's line of exports says.
func (d *dev) address(name string) string {
	d.Helper()
	m := regexp.MustCompile(`COUNTERSIGN_` + name + `=(\S+)`).FindStringSubmatch(d.screen.String())
	if m == nil {
		d.Fatalf("dev does not tell %s:\n%s", name, d.screen)
	}
	return m[1]
}

// types runs a command of somebody who opens the key stores of dev.
func (d *dev) types(answer any, args ...string) {
	d.Helper()
	var out, told bytes.Buffer
	all := append(args, "--passphrase-file", filepath.Join(d.data, "passphrase"), "--trust", filepath.Join(d.data, "trust.json"), "--json")
	if code := cli.Run(d.Context(), all, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &told}); code != 0 {
		d.Fatalf("countersign %s %s: exit %d: %s", args[0], args[1], code, &told)
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(out.Bytes(), answer); err != nil {
		d.Fatal(err)
	}
}

// A screen keeps what dev prints, and says when dev has told everything.
type screen struct {
	mu    sync.Mutex
	text  bytes.Buffer
	once  sync.Once
	ready chan struct{}
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(b)
	if bytes.Contains(s.text.Bytes(), []byte("Ctrl-C stops everything")) {
		s.once.Do(func() { close(s.ready) })
	}
	return len(b), nil
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
