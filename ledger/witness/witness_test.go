package witness_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/ledger/witness"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

func TestMain(m *testing.M) { sqldbtest.Main(m) }

const origin = "log.example/a"

// A history is a tree in memory whose leaves are numbered; Salt makes another
// history with other leaves.
type history struct {
	hashes []tlog.Hash
	size   int64
}

func (h *history) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = h.hashes[x]
	}
	return out, nil
}

// grow adds leaves until there are n; from leaf fork on they are other ones.
func grow(n, fork int64, salt string) *history {
	h := &history{}
	for ; h.size < n; h.size++ {
		leaf := fmt.Sprint("leaf ", h.size)
		if h.size >= fork {
			leaf += salt
		}
		hashes, _ := tlog.StoredHashes(h.size, []byte(leaf), h)
		h.hashes = append(h.hashes, hashes...)
	}
	return h
}

func logKey(name string) (note.Signer, string) {
	s, vkey, err := operator.NewKey(origin, ledgertest.Key(name))
	if err != nil {
		panic(err)
	}
	return s, vkey
}

// request is the body that has a witness move from old to the history's size.
func (h *history) request(old int64, of string, keys ...note.Signer) string {
	root, _ := tlog.TreeHash(h.size, h)
	c := ledger.Checkpoint{Origin: of, Size: h.size, Root: root}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, keys...)
	if err != nil {
		panic(err)
	}
	body := fmt.Sprintf("old %d\n", old)
	if old > 0 && old < h.size {
		proof, err := tlog.ProveTree(h.size, old, h)
		if err != nil {
			panic(err)
		}
		for _, p := range proof {
			body += p.String() + "\n"
		}
	}
	return body + "\n" + string(signed)
}

func newWitness(t testing.TB, db *sqldb.DB) *witness.Witness {
	t.Helper()
	_, vkey := logKey("log")
	w, err := witness.New(context.Background(), db, "witness.example/w", ledgertest.Key("w"), witness.Log{Origin: origin, Keys: []string{vkey}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func serve(t testing.TB, w *witness.Witness) string {
	s := httptest.NewServer(w)
	t.Cleanup(s.Close)
	return s.URL
}

func post(t testing.TB, url, body string) (int, http.Header, string) {
	t.Helper()
	resp, err := http.Post(url+"/add-checkpoint", "text/plain", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(b)
}

func checkLine(t testing.TB, w *witness.Witness, h *history, line string) {
	t.Helper()
	v, err := torchwood.NewCosignatureVerifier(w.Key())
	if err != nil {
		t.Fatal(err)
	}
	root, _ := tlog.TreeHash(h.size, h)
	text := ledger.Checkpoint{Origin: origin, Size: h.size, Root: root}.Text()
	if n, err := note.Open([]byte(text+"\n"+line), note.VerifierList(v)); err != nil || len(n.Sigs) != 1 {
		t.Errorf("the cosignature does not hold: %v", err)
	}
}

// One conversation over HTTP, as c2sp.org/tlog-witness has it.
func TestAddCheckpoint(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		w := newWitness(t, open())
		url := serve(t, w)
		key, _ := logKey("log")
		thief, _ := logKey("thief")
		h5, h8, h9 := grow(5, 99, ""), grow(8, 99, ""), grow(9, 99, "")
		fork8, fork9, late9 := grow(8, 3, "x"), grow(9, 3, "x"), grow(9, 8, "x")
		good := h9.request(8, origin, key)
		for _, c := range []struct {
			what   string
			body   string
			status int
			answer string
		}{
			{"foreign log", h5.request(0, "log.example/b", key), 404, ""},
			{"another key of the same name", h5.request(0, origin, thief), 403, ""},
			{"first", h5.request(0, origin, key), 200, ""},
			{"old 0 again", h5.request(0, origin, key), 409, "5\n"},
			{"grown", h8.request(5, origin, key), 200, ""},
			{"the same size again", h8.request(8, origin, key), 200, ""},
			{"stale old size", h9.request(5, origin, key), 409, "8\n"},
			{"rollback", h5.request(5, origin, key), 409, "8\n"},
			{"rollback from nothing", h5.request(0, origin, key), 409, "8\n"},
			{"fork of the same size", fork8.request(8, origin, key), 409, ""},
			{"the same, with a proof", strings.Replace(fork8.request(8, origin, key), "old 8\n", "old 8\n"+strings.Repeat("A", 43)+"=\n", 1), 409, ""},
			{"fork that has grown", fork9.request(8, origin, key), 422, ""},
			{"old beyond the checkpoint", h5.request(8, origin, key), 400, ""},
			{"bad signature", strings.Replace(good, "\n— "+origin+" ", "\n— "+origin+" A", 1), 400, ""},
			{"signature over another root", swapSignature(good, fork9.request(8, origin, key)), 403, ""},
			{"no signature", good[:strings.LastIndex(good, "\n— ")+1], 400, ""},
			{"empty", "", 400, ""},
			{"no old line", strings.TrimPrefix(good, "old 8\n"), 400, ""},
			{"old with a sign", strings.Replace(good, "old 8", "old +8", 1), 400, ""},
			{"old with a zero", strings.Replace(good, "old 8", "old 08", 1), 400, ""},
			{"negative old", strings.Replace(good, "old 8", "old -8", 1), 400, ""},
			{"short hash", strings.Replace(good, "old 8\n", "old 8\nAAAA\n", 1), 400, ""},
			{"64 hashes", strings.Replace(good, "old 8\n", "old 8\n"+strings.Repeat(strings.Repeat("A", 43)+"=\n", 64), 1), 400, ""},
			{"proof too long", strings.Replace(good, "old 8\n", "old 8\n"+strings.Repeat("A", 43)+"=\n", 1), 422, ""},
			{"proof left out", "old 8\n" + good[strings.Index(good, "\n\n")+1:], 422, ""},
			{"huge", good + strings.Repeat("x", 1<<20), 400, ""},
			{"after all that, the honest one", good, 200, ""},
			{"and a late fork", late9.request(9, origin, key), 409, ""},
		} {
			status, header, answer := post(t, url, c.body)
			if status != c.status || c.answer != "" && answer != c.answer {
				t.Errorf("%s: got %d %q, want %d %q", c.what, status, answer, c.status, c.answer)
			}
			if sized := header.Get("Content-Type") == "text/x.tlog.size"; sized != (c.status == 409 && c.answer != "") {
				t.Errorf("%s: got type %q", c.what, header.Get("Content-Type"))
			}
			if status != 200 && strings.Contains(answer, "— witness") {
				t.Errorf("%s: refused, and signed: %q", c.what, answer)
			}
		}
		_, _, line := post(t, url, h9.request(9, origin, key))
		checkLine(t, w, h9, line)
	})
}

// swapSignature puts the signature of one request under the text of another.
func swapSignature(text, sig string) string {
	return text[:strings.LastIndex(text, "\n— ")] + sig[strings.LastIndex(sig, "\n— "):]
}

func TestSizeZero(t *testing.T) {
	w := newWitness(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	url, empty, h3 := serve(t, w), grow(0, 99, ""), grow(3, 99, "")
	key, _ := logKey("log")
	for _, c := range []struct {
		body string
		want int
	}{{empty.request(0, origin, key), 200}, {empty.request(0, origin, key), 200}, {h3.request(0, origin, key), 200}, {empty.request(0, origin, key), 409}} {
		if got, _, answer := post(t, url, c.body); got != c.want {
			t.Errorf("got %d %q, want %d", got, answer, c.want)
		}
	}
}

func TestMonitoring(t *testing.T) {
	w := newWitness(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	url, h := serve(t, w), grow(4, 99, "")
	key, vkey := logKey("log")
	get := func(name string) (int, string) {
		sum := sha256.Sum256([]byte(name))
		resp, err := http.Get(url + "/" + hex.EncodeToString(sum[:]) + "/checkpoint")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	if got, _ := get(origin); got != 404 {
		t.Errorf("before the first: got %d, want 404", got)
	}
	post(t, url, h.request(0, origin, key))
	status, signed := get(origin)
	log, _ := note.NewVerifier(vkey)
	own, _ := torchwood.NewCosignatureVerifier(w.Key())
	n, err := note.Open([]byte(signed), note.VerifierList(log, own))
	if status != 200 || err != nil || len(n.Sigs) != 2 {
		t.Errorf("got %d, %v: want the log's signature and the witness's own\n%s", status, err, signed)
	}
	if got, _ := get("log.example/b"); got != 404 {
		t.Errorf("a log it does not follow: got %d, want 404", got)
	}
}

// What a witness has signed, it knows after a restart.
func TestRestart(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		key, _ := logKey("log")
		if got, _, _ := post(t, serve(t, newWitness(t, open())), grow(7, 99, "").request(0, origin, key)); got != 200 {
			t.Fatalf("got %d", got)
		}
		url := serve(t, newWitness(t, open()))
		if got, _, answer := post(t, url, grow(7, 2, "x").request(0, origin, key)); got != 409 || answer != "7\n" {
			t.Errorf("a fork after the restart: got %d %q, want 409", got, answer)
		}
		if got, _, _ := post(t, url, grow(7, 2, "x").request(7, origin, key)); got != 409 {
			t.Errorf("a fork after the restart: got %d, want 409", got)
		}
		if got, _, _ := post(t, url, grow(8, 99, "").request(7, origin, key)); got != 200 {
			t.Errorf("the honest one after the restart: got %d, want 200", got)
		}
	})
}

// A signature never leaves the witness before its checkpoint is kept.
func TestKeepsBeforeItAnswers(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db := open()
		w := newWitness(t, db)
		url := serve(t, w)
		key, _ := logKey("log")
		h := grow(4, 99, "")
		for _, c := range []struct {
			what string
			wrap func(commit func() error) error
			then int // answer to the same request afterwards
		}{
			{"failed", func(func() error) error { return errors.New("disk full") }, 200},
			{"failed but kept", func(commit func() error) error { commit(); return errors.New("reply lost") }, 409},
		} {
			db.WrapCommit(c.wrap)
			status, _, answer := post(t, url, h.request(0, origin, key))
			if status != 500 || strings.Contains(answer, "—") {
				t.Errorf("%s: got %d %q, want 500 and no signature", c.what, status, answer)
			}
			if c.then == 200 { // nothing was kept: ask a fresh handle what it knows
				var rows int
				if err := open().QueryRow(context.Background(), `SELECT count(*) FROM witness_log`).Scan(&rows); err != nil || rows != 0 {
					t.Errorf("%s: %d rows (%v), want none", c.what, rows, err)
				}
			}
			db.WrapCommit(func(commit func() error) error { return commit() })
			if c.then == 409 {
				if status, _, answer := post(t, url, h.request(0, origin, key)); status != 409 || answer != "4\n" {
					t.Errorf("%s: then got %d %q, want 409 4", c.what, status, answer)
				}
			}
		}
	})
}

// Of two histories sent at once, from all sides and to two instances on one
// database, only one is ever signed.
func TestRace(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		urls := []string{serve(t, newWitness(t, open())), serve(t, newWitness(t, open()))}
		key, _ := logKey("log")
		if got, _, _ := post(t, urls[0], grow(3, 99, "").request(0, origin, key)); got != 200 {
			t.Fatal(got)
		}
		bodies := []string{grow(6, 3, "a").request(3, origin, key), grow(6, 3, "b").request(3, origin, key)}
		var mu sync.Mutex
		signed := map[int]int{}
		var wait sync.WaitGroup
		for i := range 24 {
			wait.Go(func() {
				status, _, _ := post(t, urls[i/2%2], bodies[i%2])
				mu.Lock()
				defer mu.Unlock()
				if status == 200 {
					signed[i%2]++
				} else if status != 409 {
					t.Errorf("got %d, want 200 or 409", status)
				}
			})
		}
		wait.Wait()
		if len(signed) != 1 || signed[0]+signed[1] != 1 {
			t.Errorf("got %v signatures, want exactly one", signed)
		}
	})
}

func FuzzAddCheckpoint(f *testing.F) {
	w := newWitness(f, sqldbtest.Open(f, sqldbtest.SQLite(f)))
	key, _ := logKey("log")
	h5, fork := grow(5, 99, ""), grow(9, 2, "x")
	add := func(body []byte) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		w.ServeHTTP(rec, httptest.NewRequest("POST", "/add-checkpoint", bytes.NewReader(body)))
		return rec
	}
	if got := add([]byte(h5.request(0, origin, key))).Code; got != 200 {
		f.Fatal(got)
	}
	f.Add([]byte(h5.request(5, origin, key)))
	f.Add([]byte(fork.request(5, origin, key)))
	f.Add([]byte("old 5\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		rec := add(body)
		if rec.Code >= 500 {
			t.Errorf("got %d for %q", rec.Code, body)
		}
		// Only the tree that was signed may be signed again: the fuzzer has no key.
		root, _ := tlog.TreeHash(5, h5)
		text := ledger.Checkpoint{Origin: origin, Size: 5, Root: root}.Text()
		if rec.Code == 200 && !bytes.Contains(body, []byte(text)) {
			t.Errorf("signed %q", body)
		}
	})
}
