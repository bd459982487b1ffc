//go:build interop && linux

package interop

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// Our fsck reads a log of Tessera's POSIX server, over HTTP and in its folder,
// and finds a bit that was turned over there.
func TestFsckOfTessera(t *testing.T) {
	dir := t.TempDir()
	key, vkey := tesseraKey(t, dir)
	at, store := freePort(t), filepath.Join(dir, "log")
	start(t, dir, "posix", "-storage_dir", store, "-private_key", key, "-listen", at).answers(t, at)
	const entries = 600 // two full tiles and a partial one
	addAll(t, "http://"+at, entries)
	head := fmt.Sprintf("%s\n%d\n", tesseraOrigin, entries)
	until(t, "the Tessera log has published all entries", func() bool {
		resp, err := http.Get("http://" + at + "/checkpoint")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return strings.HasPrefix(string(b), head)
	})
	for _, where := range []string{"http://" + at, store} {
		if said, code := run(t, dir, time.Minute, "countersign", "ledger", "fsck", "--log-key", vkey, where); code != 0 {
			t.Fatalf("our fsck over %s: exit %d:\n%s", where, code, tail(said))
		}
	}
	flip(t, filepath.Join(store, "tile", "entries", "001"), 700)
	for _, where := range []string{"http://" + at, store} {
		said, code := run(t, dir, time.Minute, "countersign", "ledger", "fsck", "--log-key", vkey, where)
		if code != 3 || !strings.Contains(said, "tile/entries/001") {
			t.Errorf("our fsck over %s with a flipped bit: got exit %d, want 3 and the bundle's name:\n%s", where, code, tail(said))
		}
	}
	say(t, "our fsck passes over %d entries of Tessera's POSIX server, by HTTP and in its folder; with one bit turned over it names the bundle", entries)
}

func addAll(t *testing.T, url string, n int) {
	t.Helper()
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			resp, err := http.Post(url+"/add", "application/octet-stream", strings.NewReader(fmt.Sprint("entry ", i)))
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("add: got %s", resp.Status)
			}
		})
	}
	wait.Wait()
}

func flip(t *testing.T, file string, at int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[at] ^= 1
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// A copy that our export makes is a log for Tessera's fsck too.
func TestFsckOfExport(t *testing.T) {
	b := startLedger(t, sqldbtest.SQLite(t), urls(fourWitnesses(t)))
	index, leaf := b.append(t, "exported", 600)
	b.await(t, index, leaf)
	dir := t.TempDir()
	out := filepath.Join(dir, "copy")
	for _, args := range [][]string{{"fsck"}, {"export", "--out", out}} {
		args = append(append([]string{"ledger"}, args...), "--ledger", b.url, "--trust", b.trust)
		if said, code := run(t, dir, time.Minute, "countersign", args...); code != 0 {
			t.Fatalf("countersign %s: exit %d:\n%s", strings.Join(args, " "), code, tail(said))
		}
	}
	if whole, said := fsckSays(t, "file://"+out, b.genesis.LogKey); !whole {
		t.Fatalf("Tessera's fsck over our export:\n%s", tail(said))
	}
	say(t, "Tessera's fsck passes over the folder that our export made of %d entries", index+1)
}
