//go:build interop && linux

package interop

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
)

const tesseraOrigin = "tessera.example/log"

// tesseraKey writes the private key of a Tessera log and returns its verifier key.
func tesseraKey(t *testing.T, dir string) (file, vkey string) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, tesseraOrigin)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(dir, "log.sec"), []byte(skey)), vkey
}

// Our witness cosigns a Tessera log as it grows: Tessera's own client asks it,
// beside a litewitness, and publishes nothing without all of them.
func TestWitness(t *testing.T) {
	dir := t.TempDir()
	key, vkey := tesseraKey(t, dir)
	lite := startLiteWitness(t, "w1", tesseraOrigin, vkey)
	ours := []*seat{startWitness(t, "w2", tesseraOrigin, vkey), startWitness(t, "w3", tesseraOrigin, vkey)}
	policy := fmt.Sprintf("log %s\nwitness w1 %s %s/\n", vkey, lite.key, lite.url)
	for i, w := range ours {
		policy += fmt.Sprintf("witness w%d %s %s/\n", i+2, w.key, w.url)
	}
	policy += "group q all w1 w2 w3\nquorum q\n"
	file := write(t, filepath.Join(dir, "policy"), []byte(policy))
	judge, err := torchwood.ParsePolicy([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	var sizes []string
	for run := range 3 {
		size := oneshot(t, dir, key, file, run, 100*(run+1))
		signed, err := os.ReadFile(filepath.Join(dir, "log", "checkpoint"))
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := torchwood.VerifyCheckpoint(signed, judge)
		if err != nil || c.N != size {
			t.Fatalf("the log's checkpoint of %d entries, want %d: %v", c.N, size, err)
		}
		for _, w := range ours {
			w.monitored(t, vkey, c)
		}
		ours[0].kill() // what it has signed, it knows afterwards
		ours[0].again(t)
		ours[0].ready(t)
		sizes = append(sizes, fmt.Sprint(size))
	}
	say(t, "two of our witnesses and a litewitness cosigned a Tessera log at %s entries, one of ours killed in between; ours show it to monitors", strings.Join(sizes, ", "))
}

// oneshot adds n entries to the Tessera log, and returns its size.
func oneshot(t *testing.T, dir, key, policy string, run_, n int) int64 {
	t.Helper()
	entries := filepath.Join(dir, fmt.Sprint("entries", run_))
	if err := os.Mkdir(entries, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		write(t, filepath.Join(entries, fmt.Sprint(i)), fmt.Appendf(nil, "run %d entry %d", run_, i))
	}
	said, code := run(t, dir, time.Minute, "posix-oneshot", "-storage_dir", filepath.Join(dir, "log"), "-private_key", key,
		"-entries", filepath.Join(entries, "*"), "-witness_policy_file", policy)
	if code != 0 {
		t.Fatalf("posix-oneshot: exit %d:\n%s", code, tail(said))
	}
	return int64(n * (run_ + 2) / 2) // 100, 300, 600
}

// monitored checks what the witness shows to monitors: the checkpoint, under
// the log's signature and the witness's own.
func (s *seat) monitored(t *testing.T, logKey string, want torchwood.Checkpoint) {
	t.Helper()
	sum := sha256.Sum256([]byte(want.Origin))
	signed, status := get(t, s.url+"/"+hex.EncodeToString(sum[:])+"/checkpoint")
	log, err := note.NewVerifier(logKey)
	if err != nil {
		t.Fatal(err)
	}
	own, err := torchwood.NewCosignatureVerifier(s.key)
	if err != nil {
		t.Fatal(err)
	}
	judge := torchwood.ThresholdPolicy(3, torchwood.OriginPolicy(want.Origin), torchwood.SingleVerifierPolicy(log), torchwood.SingleVerifierPolicy(own))
	if c, _, err := torchwood.VerifyCheckpoint([]byte(signed), judge); status != 200 || err != nil || c.N != want.N || c.Hash != want.Hash {
		t.Fatalf("%s shows monitors %d %q: %v", s.name, status, signed, err)
	}
}

// The same requests to a litewitness and to ours, one after the other, and the
// same answers, but for one: of another tree of the same size litewitness says
// 422, as of any fork, and tlog-witness wants 409 without a size.
func TestSameAnswers(t *testing.T) {
	key, vkey, err := operator.NewKey("log.example/a", ledgertest.Key("log"))
	if err != nil {
		t.Fatal(err)
	}
	thief, _, _ := operator.NewKey("log.example/a", ledgertest.Key("thief"))
	other, _, _ := operator.NewKey("log.example/b", ledgertest.Key("log"))
	lite, ours := startLiteWitness(t, "w1", "log.example/a", vkey), startWitness(t, "w1", "log.example/a", vkey)
	honest, forked := &history{}, &history{fork: 3}
	n := 0
	for _, c := range []struct {
		what string
		body string
		want int
	}{
		{"nothing", "", 400},
		{"no old size", "\n" + honest.note(5, key), 400},
		{"an unknown log", honest.request(0, 5, other), 404},
		{"an unknown key", honest.request(0, 5, thief), 403},
		{"a first checkpoint from a size", honest.request(2, 5, key), 409},
		{"the first", honest.request(0, 5, key), 200},
		{"the first, again", honest.request(0, 5, key), 409},
		{"the same size", honest.request(5, 5, key), 200},
		{"growth", honest.request(5, 9, key), 200},
		{"growth, and a stranger's signature", honest.request(9, 11, thief, key), 200},
		{"a size back", honest.request(9, 9, key), 409},
		{"an old size beyond the checkpoint", honest.request(11, 9, key), 400},
		{"a fork that has grown", forked.request(11, 20, key), 422},
		{"no proof", "old 11\n\n" + honest.note(20, key), 422},
		{"64 hashes", "old 11\n" + strings.Repeat(strings.Repeat("A", 43)+"=\n", 64) + "\n" + honest.note(20, key), 400},
		{"half a hash", "old 11\nAAAA\n\n" + honest.note(20, key), 400},
		{"more growth", honest.request(11, 300, key), 200},
	} {
		theirs, theirSize, _ := lite.post(t, c.body)
		got, size, kind := ours.post(t, c.body)
		if got != c.want || got != theirs || size != theirSize || got == 409 && kind != "text/x.tlog.size" {
			t.Errorf("%s: ours answers %d %q %s, litewitness %d %q, want %d", c.what, got, size, kind, theirs, theirSize, c.want)
		}
		n++
	}
	same := forked.request(300, 300, key)
	theirs, _, _ := lite.post(t, same)
	if got, text, kind := ours.post(t, same); theirs != 422 || got != 409 || kind == "text/x.tlog.size" {
		t.Errorf("a fork of the same size: ours answers %d %q %s, litewitness %d, want 409 without a size and 422", got, text, kind, theirs)
	}
	say(t, "%d requests to add-checkpoint, honest and not: our witness answers each as litewitness does, and one more as tlog-witness has it", n)
}

func (w *liteWitness) post(t *testing.T, body string) (int, string, string) {
	return post(t, w.url, body)
}
func (s *seat) post(t *testing.T, body string) (int, string, string) { return post(t, s.url, body) }

// post is the status, of a 409 the size, and the type of the answer.
func post(t *testing.T, url, body string) (status int, size, kind string) {
	t.Helper()
	resp, err := http.Post(url+"/add-checkpoint", "text/plain", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusConflict {
		size = string(b)
	}
	return resp.StatusCode, size, resp.Header.Get("Content-Type")
}

// A history is a tree whose leaves are numbered; from leaf fork on, where that
// is not 0, they are other ones.
type history struct {
	fork   int64
	size   int64
	hashes []tlog.Hash
}

func (h *history) ReadHashes(indexes []int64) (out []tlog.Hash, err error) {
	for _, i := range indexes {
		out = append(out, h.hashes[i])
	}
	return out, nil
}

func (h *history) grow(size int64) {
	for ; h.size < size; h.size++ {
		leaf := fmt.Sprint("leaf ", h.size)
		if h.fork > 0 && h.size >= h.fork {
			leaf += " forked"
		}
		hashes, err := tlog.StoredHashes(h.size, []byte(leaf), h)
		if err != nil {
			panic(err)
		}
		h.hashes = append(h.hashes, hashes...)
	}
}

// note is the checkpoint of that size, under the last signer's origin.
func (h *history) note(size int64, signers ...note.Signer) string {
	h.grow(size)
	root, err := tlog.TreeHash(size, h)
	if err != nil {
		panic(err)
	}
	text := ledger.Checkpoint{Origin: signers[len(signers)-1].Name(), Size: size, Root: root}.Text()
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		panic(err)
	}
	return string(signed)
}

func (h *history) request(old, size int64, signers ...note.Signer) string {
	signed := h.note(size, signers...)
	body := fmt.Sprintf("old %d\n", old)
	if old > 0 && old < size {
		proof, err := tlog.ProveTree(size, old, h)
		if err != nil {
			panic(err)
		}
		for _, p := range proof {
			body += p.String() + "\n"
		}
	}
	return body + "\n" + signed
}
