package witness_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/witness"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// torchwood tells its litewitness's story in a file, with fixed keys: each
// request, and what has to be answered. Ours has to tell the same one. The
// file is read from the module, not kept here.
func TestLitewitnessDialogue(t *testing.T) {
	story := readModule(t, "filippo.io/torchwood", "cmd/litewitness/testdata/litewitness.txt")
	pub, err := hex.DecodeString(string(regexp.MustCompile(`add-sigsum-log -key=([0-9a-f]{64})`).FindSubmatch(story)[1]))
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(pub)
	origin := fmt.Sprintf("sigsum.org/v1/tree/%x", hash) // as witnessctl names such a log
	vkey, err := note.NewEd25519VerifierKey(origin, ed25519.PublicKey(pub))
	if err != nil {
		t.Fatal(err)
	}
	const name = "example.com/witness"
	w, err := witness.New(context.Background(), sqldbtest.Open(t, sqldbtest.SQLite(t)), name, ledgertest.Key("w"), witness.Log{Origin: origin, Keys: []string{vkey}})
	if err != nil {
		t.Fatal(err)
	}
	url := serve(t, w)
	answers := map[int]int{}
	turn := regexp.MustCompile("(?s)POST http://localhost:7380/add-checkpoint\n```\n(.*?)```\nHTTP (\\d+)\n\\[Asserts\\]\nbody ([^\n]*)\n")
	for i, c := range turn.FindAllSubmatch(story, -1) {
		want, _ := strconv.Atoi(string(c[2]))
		status, header, body := post(t, url, string(c[1]))
		if status != want {
			t.Errorf("request %d: got %d %q, want %d", i, status, body, want)
		}
		answers[status]++
		exact, isExact := bytes.CutPrefix(c[3], []byte("== "))
		switch {
		case isExact && strconv.Quote(body) != string(exact):
			t.Errorf("request %d: got %q, want %s", i, body, exact)
		case status == 200 && !strings.Contains(body, "— "+name+" "):
			t.Errorf("request %d: got %q, want a signature of %s", i, body, name)
		case status == 409 && header.Get("Content-Type") != "text/x.tlog.size":
			t.Errorf("request %d: got type %q", i, header.Get("Content-Type"))
		}
	}
	if want := (map[int]int{200: 3, 403: 1, 404: 1, 409: 2, 422: 2}); fmt.Sprint(answers) != fmt.Sprint(want) {
		t.Errorf("got answers %v, want %v", answers, want)
	}
}

// readModule reads a file of a module that this one requires.
func readModule(t *testing.T, module, file string) []byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatalf("find %s: %v", module, err)
	}
	b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), file))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
