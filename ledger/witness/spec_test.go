package witness_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// Sentences of c2sp.org/tlog-witness, tlog-cosignature and signed-note that
// the conversation in TestAddCheckpoint leaves out.
func TestSentences(t *testing.T) {
	key, _ := logKey("log")
	h3, h9 := grow(3, 99, ""), grow(9, 99, "")
	hash := strings.Repeat("A", 43) + "=\n"
	wrongEmpty := "old 0\n\n" + signedText(ledger.Checkpoint{Origin: origin, Root: tlog.Hash{1}}, key)
	for _, c := range []struct {
		what   string
		first  string // sent before, and cosigned
		body   string
		status int
	}{
		{"the proof is empty if the old size is 0", "", strings.Replace(h9.request(0, origin, key), "old 0\n", "old 0\n"+hash, 1), 422},
		{"also of a log that has had a checkpoint of size 0", grow(0, 99, "").request(0, origin, key), strings.Replace(h9.request(0, origin, key), "old 0\n", "old 0\n"+hash, 1), 422},
		{"a tree of size 0 has the root of the empty tree", "", wrongEmpty, 422},
		{"a size that was never cosigned is a conflict", "", h9.request(3, origin, key), 409},
		{"the proof between equal sizes is empty", h9.request(0, origin, key), strings.Replace(h9.request(9, origin, key), "old 9\n", "old 9\n"+hash, 1), 422},
		{"each line ends in a newline", "", strings.TrimSuffix(h9.request(0, origin, key), "\n"), 400},
		{"63 hashes are no bad request", h3.request(0, origin, key), "old 3\n" + strings.Repeat(hash, 63) + h9.request(0, origin, key)[len("old 0\n"):], 422},
		{"fifteen strangers' signatures are ignored", "", h9.request(0, origin, strangers(15, key)...), 200},
		{"theirs alone are not the log's", "", h9.request(0, origin, strangers(15)...), 403},
	} {
		url := serve(t, newWitness(t, sqldbtest.Open(t, sqldbtest.SQLite(t))))
		if c.first != "" {
			if status, _, answer := post(t, url, c.first); status != 200 {
				t.Fatalf("%s: before it: got %d %q", c.what, status, answer)
			}
		}
		if status, _, answer := post(t, url, c.body); status != c.status {
			t.Errorf("%s: got %d %q, want %d", c.what, status, answer, c.status)
		}
	}
}

// signedText is a checkpoint of whatever is said.
func signedText(c ledger.Checkpoint, key note.Signer) string {
	signed, err := note.Sign(&note.Note{Text: c.Text()}, key)
	if err != nil {
		panic(err)
	}
	return string(signed)
}

// strangers are signers that no witness knows, one of them under the log's own
// name, in front of those that are given.
func strangers(n int, more ...note.Signer) (all []note.Signer) {
	for i := range n {
		name := fmt.Sprintf("stranger.example/%d", i)
		if i == 0 {
			name = origin
		}
		s, _, err := operator.NewKey(name, ledgertest.Key(fmt.Sprint("stranger ", i)))
		if err != nil {
			panic(err)
		}
		all = append(all, s)
	}
	return append(all, more...)
}

// The answer is signature lines, each by the witness's key, with the time at
// which it was made; and what is shown to monitors holds no stranger's.
func TestAnswer(t *testing.T) {
	w := newWitness(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	url, h := serve(t, w), grow(9, 99, "")
	key, vkey := logKey("log")
	status, header, answer := post(t, url, h.request(0, origin, strangers(3, key)...))
	if status != 200 || header.Get("Content-Type") != "text/plain; charset=utf-8" ||
		strings.Count(answer, "\n") != 1 || !strings.HasPrefix(answer, "— witness.example/w ") || !strings.HasSuffix(answer, "\n") {
		t.Fatalf("got %d %q %q, want one line", status, header, answer)
	}
	checkLine(t, w, h, answer)
	log, _ := note.NewVerifier(vkey)
	own, _ := torchwood.NewCosignatureVerifier(w.Key())
	sum := sha256.Sum256([]byte(origin))
	name := hex.EncodeToString(sum[:])
	resp, signed := get(t, url+"/"+name+"/checkpoint")
	n, err := note.Open([]byte(signed), note.VerifierList(log, own))
	if err != nil || len(n.Sigs) != 2 || len(n.UnverifiedSigs) != 0 {
		t.Fatalf("monitors see %q: %v", signed, err)
	}
	made, err := torchwood.CosignatureTimestamp(n.Sigs[1])
	if off := time.Since(time.Unix(made, 0)).Abs(); err != nil || off > time.Minute {
		t.Errorf("the cosignature's time is %v off (%v)", off, err)
	}
	if got := resp.Header; got.Get("Content-Type") != "text/plain; charset=utf-8" || got.Get("Cache-Control") != "no-cache" {
		t.Errorf("monitoring: got %q", got)
	}
	for path, want := range map[string]int{"/" + strings.ToUpper(name) + "/checkpoint": 404, "/" + name[:63] + "/checkpoint": 404, "/" + name: 404,
		"/add-checkpoint": 404, "/": 404} {
		if resp, _ := get(t, url+path); resp.StatusCode != want && resp.StatusCode != 405 {
			t.Errorf("GET %s: got %d, want %d", path, resp.StatusCode, want)
		}
	}
}

// Witnesses should support connections that are kept.
func TestConnectionIsKept(t *testing.T) {
	url := serve(t, newWitness(t, sqldbtest.Open(t, sqldbtest.SQLite(t))))
	key, _ := logKey("log")
	kept := 0
	traced := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		if c.Reused {
			kept++
		}
	}})
	for _, body := range []string{grow(3, 99, "").request(0, origin, key), grow(4, 99, "").request(0, origin, key), "nonsense", grow(5, 99, "").request(3, origin, key)} {
		req, err := http.NewRequestWithContext(traced, "POST", url+"/add-checkpoint", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		readAll(t, resp)
	}
	if kept != 3 {
		t.Errorf("the connection was kept %d times, want 3, after refusals too", kept)
	}
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return resp, readAll(t, resp)
}

func readAll(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
