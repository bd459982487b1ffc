//go:build interop && linux

package interop

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
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
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// Our ledger, its four witnesses torchwood's, and its readers torchwood's and
// Tessera's.
func TestLedger(t *testing.T) {
	sqldbtest.EachDSN(t, func(t *testing.T, dsn string) {
		kind, _, _ := strings.Cut(dsn, ":")
		witnesses := fourWitnesses(t)
		b := startLedger(t, dsn, urls(witnesses))
		index, leaf := b.append(t, "first", 700) // two full tiles and a partial one
		receipt := b.await(t, index, leaf)
		checkCosigned(t, b, witnesses, kind)
		checkFsck(t, b, kind)
		checkTorchwood(t, b, index, leaf, receipt, kind)
		checkWitnessAway(t, b, witnesses, kind)
	})
}

func fourWitnesses(t *testing.T) (all []*liteWitness) {
	t.Helper()
	draft, _ := ledgertest.Draft()
	for i, name := range []string{"w1", "w2", "w3", "w4"} {
		w := startLiteWitness(t, name, ledgertest.Origin, draft.LogKey)
		if w.key != draft.Witnesses[i] {
			t.Fatalf("%s: got key %s, the genesis names %s", name, w.key, draft.Witnesses[i])
		}
		all = append(all, w)
	}
	return all
}

// checkCosigned has torchwood's own policy judge the checkpoint, and asks each
// witness how far it has cosigned.
func checkCosigned(t *testing.T, b *book, witnesses []*liteWitness, kind string) {
	t.Helper()
	signed, status := get(t, b.url+"/checkpoint")
	if status != 200 {
		t.Fatalf("checkpoint: got %d", status)
	}
	c, n, err := torchwood.VerifyCheckpoint([]byte(signed), torchwoodPolicy(t, b))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range witnesses {
		until(t, w.name+" has cosigned everything", func() bool {
			page, _ := get(t, w.url+"/")
			return contains(page, ledgertest.Origin, fmt.Sprintf("(size %d, root %s)", c.N, c.Hash))
		})
	}
	say(t, "%-8s four litewitness cosigned our log of %d entries; torchwood's policy holds on %d signatures", kind, c.N, len(n.Sigs))
}

// torchwoodPolicy is the ledger's policy as our command prints it and torchwood
// reads it.
func torchwoodPolicy(t *testing.T, b *book) torchwood.Policy {
	t.Helper()
	text, code := run(t, b.dir, time.Minute, "countersign", "ledger", "policy", "--ledger", b.url, "--trust", b.trust)
	p, err := torchwood.ParsePolicy([]byte(text))
	if code != 0 || err != nil {
		t.Fatalf("ledger policy: exit %d, %v:\n%s", code, err, text)
	}
	return p
}

// fsckSays runs Tessera's fsck over a log. It exits 0 on corruption too
// (tesseract#937), so that only its line of success counts.
func fsckSays(t *testing.T, at, logKey string) (whole bool, said string) {
	t.Helper()
	key := write(t, filepath.Join(t.TempDir(), "log.pub"), []byte(logKey))
	said, _ = run(t, t.TempDir(), time.Minute, "fsck", "-storage_url", at+"/", "-public_key", key, "-ui=false", "-N", "4", "-logtostderr")
	return strings.Contains(said, "Successfully fsck'd log"), said
}

func checkFsck(t *testing.T, b *book, kind string) {
	t.Helper()
	whole, said := fsckSays(t, b.url, b.genesis.LogKey)
	if !whole {
		t.Fatalf("Tessera's fsck over our log:\n%s", tail(said))
	}
	size := said[strings.Index(said, "log with size ")+len("log with size "):]
	size, _, _ = strings.Cut(size, " ")
	// The same log with one bit of one entry turned over on its way.
	liar := between(t, b.url, func(r *http.Request, body []byte) []byte {
		if strings.HasPrefix(r.URL.Path, "/tile/entries/001") {
			body = bytes.Clone(body)
			body[1000] ^= 1
		}
		return body
	})
	if whole, said := fsckSays(t, liar, b.genesis.LogKey); whole {
		t.Errorf("Tessera's fsck does not see a flipped bit:\n%s", tail(said))
	}
	say(t, "%-8s Tessera's fsck passes over our %s entries, and not with one bit turned over", kind, size)
}

// between is a proxy on loopback that may change answers.
func between(t *testing.T, to string, change func(*http.Request, []byte) []byte) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Accept-Encoding")
		},
		ModifyResponse: func(resp *http.Response) error {
			b, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			resp.Body = io.NopCloser(bytes.NewReader(change(resp.Request, b)))
			return nil
		},
	}
	s := httptest.NewServer(proxy)
	t.Cleanup(s.Close)
	return s.URL
}

// checkTorchwood follows the log with torchwood's client, once to the end and
// once from where that ended, and has it judge our receipts.
func checkTorchwood(t *testing.T, b *book, index int64, leaf, receipt []byte, kind string) {
	t.Helper()
	entries := follower(t, b)
	var n int64
	for i, entry := range entries(0) {
		if _, err := ledger.ParseEntry(entry); err != nil || i != n {
			t.Fatalf("entry %d: %v", i, err)
		}
		n++
	}
	more, last := b.append(t, "second", 30)
	b.await(t, more, last)
	for i, entry := range entries(n) {
		if i != n || i == more && !bytes.Equal(entry, last) {
			t.Fatalf("entry %d is not the one that was appended", i)
		}
		n++
	}
	if n != more+1 {
		t.Fatalf("torchwood's client saw %d entries, want %d", n, more+1)
	}
	p := torchwoodPolicy(t, b)
	if err := torchwood.VerifyProof(p, tlog.RecordHash(leaf), receipt); err != nil {
		t.Fatal(err)
	}
	if err := torchwood.VerifyProof(p, tlog.RecordHash(last), receipt); err == nil {
		t.Error("torchwood verifies a receipt of another entry")
	}
	checkSpicy(t, b, leaf, receipt)
	say(t, "%-8s torchwood's client followed our log to entry %d; it and spicy verify the receipt of %d", kind, n-1, index)
}

// follower reads final entries from an index on, each checked against the
// newest checkpoint by torchwood alone.
func follower(t *testing.T, b *book) func(from int64) iter.Seq2[int64, []byte] {
	t.Helper()
	tiles, err := torchwood.NewTileFetcher(b.url)
	if err != nil {
		t.Fatal(err)
	}
	c, err := torchwood.NewClient(tiles)
	if err != nil {
		t.Fatal(err)
	}
	return func(from int64) iter.Seq2[int64, []byte] {
		signed, err := tiles.ReadEndpoint(ctx, "checkpoint")
		if err != nil {
			t.Fatal(err)
		}
		head, _, err := torchwood.VerifyCheckpoint(signed, torchwoodPolicy(t, b))
		if err != nil {
			t.Fatal(err)
		}
		return func(yield func(int64, []byte) bool) {
			for i, e := range c.AllEntries(ctx, head.Tree, from) {
				if !yield(i, e) {
					return
				}
			}
			if err := c.Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// checkSpicy has torchwood's command verify a receipt. Its format is an older
// one of the same: without the first line.
func checkSpicy(t *testing.T, b *book, leaf, receipt []byte) {
	t.Helper()
	dir := t.TempDir()
	_, older, _ := bytes.Cut(receipt, []byte("\n"))
	write(t, filepath.Join(dir, "leaf.spicy"), older)
	file := write(t, filepath.Join(dir, "leaf"), leaf)
	if said, code := run(t, dir, time.Minute, "spicy", "-verify", b.genesis.LogKey, file); code != 0 || !strings.Contains(said, "verified") {
		t.Fatalf("spicy: exit %d: %s", code, said)
	}
	leaf = bytes.Clone(leaf)
	leaf[20] ^= 1
	os.WriteFile(file, leaf, 0o600)
	if said, code := run(t, dir, time.Minute, "spicy", "-verify", b.genesis.LogKey, file); code == 0 {
		t.Errorf("spicy verifies another leaf: %s", said)
	}
}

// checkWitnessAway takes one witness away, then two, and brings them back.
func checkWitnessAway(t *testing.T, b *book, witnesses []*liteWitness, kind string) {
	t.Helper()
	witnesses[0].kill()
	index, leaf := b.append(t, "one away", 1)
	b.await(t, index, leaf)
	witnesses[1].kill()
	index, leaf = b.append(t, "two away", 1)
	time.Sleep(500 * time.Millisecond)
	if _, _, err := b.client.Receipt(ctx, index, leaf); err == nil {
		t.Error("final with two of four witnesses")
	}
	witnesses[0].again(t)
	receipt := b.await(t, index, leaf)
	_, signed, _ := bytes.Cut(receipt, []byte("\n\n"))
	if _, err := note.Open(signed, b.policy); err != nil {
		t.Fatal(err)
	}
	witnesses[1].again(t)
	say(t, "%-8s with one litewitness away entries are final, with two they wait, and are when one is back", kind)
}
