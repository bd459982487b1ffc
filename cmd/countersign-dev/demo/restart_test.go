package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"net"
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
	"github.com/countersign-health/countersign/credentials/aries"
	"github.com/countersign-health/countersign/ledger"
)

// TestDevAfterRotate replaces the keys of a founder's house, of the insurer and
// of a newcomer while dev runs, and starts it again in the same folder: it comes
// up, also where the insurer's key store was cut off behind the handover, at the
// same addresses, so that a license from before is still good. One that is issued
// then is signed with the board's new key and verifies with its receipt. With the
// board's key store from before, dev says so.
func TestDevAfterRotate(t *testing.T) {
	data := t.TempDir()
	d := startDev(t, data)
	before := filepath.Join(t.TempDir(), "keys")
	if err := os.CopyFS(before, os.DirFS(filepath.Join(data, parties.Board, "keys"))); err != nil {
		t.Fatal(err)
	}
	first, now := d.issues("Ana Ash", "CA-MD-30000"), map[string]string{}
	passphrase := aries.FileLock(filepath.Join(data, "passphrase"))
	passphrase.Work = 10
	ks, err := aries.OpenKeyStore(filepath.Join(data, parties.Insurer, "keys"), passphrase)
	if err == nil {
		_, err = ks.Prepare(parties.Insurer)
	}
	half := filepath.Join(t.TempDir(), "keys")
	if err == nil {
		err = os.CopyFS(half, os.DirFS(filepath.Join(data, parties.Insurer, "keys")))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, party := range []string{parties.Board, parties.Insurer, parties.Reviewer} {
		var rotated struct{ KeyID, Retired string }
		d.types(&rotated, "key", "rotate", party, "--keys", filepath.Join(data, party, "keys"), "--ledger", d.address("LEDGER"))
		if rotated.KeyID == "" || rotated.KeyID == rotated.Retired {
			t.Fatalf("rotate %s: %+v", party, rotated)
		}
		now[party] = rotated.KeyID
	}
	d.stop()
	putBack(t, filepath.Join(data, parties.Insurer, "keys"), half)
	boardURL, gateway := d.address("BOARD"), d.address("GATEWAY")
	taken, err := net.Listen("tcp", strings.TrimPrefix(gateway, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()

	d = startDev(t, data)
	if d.address("BOARD") != boardURL || !strings.Contains(d.screen.String(), "note: insurer cannot have port "+gateway[strings.LastIndexByte(gateway, ':')+1:]) {
		t.Errorf("the board answered at %s; and the gateway's port is another's now:\n%s", boardURL, d.screen)
	}
	if ks, err = aries.OpenKeyStore(filepath.Join(data, parties.Insurer, "keys"), passphrase); err != nil {
		t.Fatal(err)
	}
	if s, err := ks.Signer(parties.Insurer); err != nil || s.KeyID() != now[parties.Insurer] {
		t.Errorf("the insurer's key store signs with %v, %v; want %s", s, err, now[parties.Insurer])
	}
	var found struct{ Verdict string }
	d.types(&found, "credential", "verify", licenseIn(t, first), "--board", d.address("BOARD"), "--board-did", d.address("BOARD_DID"))
	if found.Verdict != "good" {
		t.Errorf("the license of before is %s", found.Verdict)
	}
	out := d.issues("Ana Birch", "CA-MD-30001")
	h, err := credentials.ParseHandle(strings.TrimSuffix(filepath.Base(licenseIn(t, out)), ".jwt"))
	if err != nil {
		t.Fatal(err)
	}
	if got := signerOf(t, out, h); got != now[parties.Board] {
		t.Errorf("the license's entry is signed with %q, want the board's key of today, %s", got, now[parties.Board])
	}
	var shown bytes.Buffer
	code := cli.Run(t.Context(), []string{"verify", "--trust", filepath.Join(data, "trust.json"), out}, cli.Streams{Out: &shown, Err: &shown})
	if code != 0 {
		t.Errorf("the license does not verify with its receipt: exit %d\n%s", code, &shown)
	}
	d.stop()

	putBack(t, filepath.Join(data, parties.Board, "keys"), before)
	err = demo.Dev(t.Context(), data, &bytes.Buffer{})
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "but the ledger lists "+now[parties.Board]) {
		t.Errorf("with the key store from before the handover: %v", err)
	}
}

// putBack puts a key store in the place of today's.
func putBack(t *testing.T, keys, from string) {
	t.Helper()
	if err := os.Rename(keys, keys+".today"); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(keys, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// issues has a license issued, with its receipt, and returns the folder with it.
func (d *dev) issues(name, number string) (out string) {
	d.Helper()
	out = d.TempDir()
	var issued struct{ Licenses []struct{ Receipt bool } }
	d.types(&issued, "license", "issue", "--npi", "2999002092", "--name", name, "--state", "CA", "--profession", "MD",
		"--number", number, "--from", "2026-01-01", "--until", "2099-12-31", "--wait", "1m", "--out", out,
		"--keys", filepath.Join(d.data, parties.Clerk, "keys"), "--key", parties.Clerk, "--board", d.address("BOARD"), "--board-did", d.address("BOARD_DID"))
	if len(issued.Licenses) != 1 || !issued.Licenses[0].Receipt {
		d.Fatalf("issued %+v, want one license with its receipt", issued)
	}
	return out
}

// licenseIn is the file of the one license in a folder.
func licenseIn(t *testing.T, folder string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(folder, "licenses", "*.jwt"))
	if err != nil || len(all) != 1 {
		t.Fatalf("%d licenses in %s, %v", len(all), folder, err)
	}
	return all[0]
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
	all := append(args, "--trust", filepath.Join(d.data, "trust.json"), "--json")
	if args[0] != "credential" { // which takes no key
		all = append(all, "--passphrase-file", filepath.Join(d.data, "passphrase"))
	}
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
