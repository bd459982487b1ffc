package operator_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// The example of c2sp.org/tlog-tiles: a tree of 70,000 entries has 273 full
// tiles on level 0 and one of 112, one full on level 1 and one of 17, and one
// of 1 on level 2. They are computed again here with another library.
func TestTilesOfTheSpecification(t *testing.T) {
	lt := ledgertest.New(t)
	db := sqldbtest.Open(t, sqldbtest.SQLite(t))
	l := lt.Open(t, db)
	h := l.Handler()
	if err := l.AppendUnchecked(ctx, 70_000-1); err != nil {
		t.Fatal(err)
	}
	mustReceipt(t, l, 69_999)

	var leaves []byte // hashes of one level
	for n := range 274 {
		bundle := tileOf(t, h, "entries", n, 70_000)
		hashes := leafHashes(t, bundle)
		if got := tileOf(t, h, "0", n, 70_000); !bytes.Equal(got, hashes) {
			t.Fatalf("tile/0/%d is not of the hashes of its entries", n)
		}
		leaves = append(leaves, hashes...)
	}
	level1 := tileRoots(leaves)
	if got := append(tileOf(t, h, "1", 0, 273), tileOf(t, h, "1", 1, 273)...); !bytes.Equal(got, level1) {
		t.Error("level 1 is not of the roots of the full tiles below")
	}
	if got := tileOf(t, h, "2", 0, 1); !bytes.Equal(got, tileRoots(level1)) {
		t.Error("level 2 is not of the root of the full tile below")
	}
	signed := string(fetch(t, h, "/checkpoint").Body.Bytes())
	if want := fmt.Sprintf("%s\n70000\n%s\n", ledgertest.Origin, tlog.Hash(rootOf(leaves))); !strings.HasPrefix(signed, want) {
		t.Errorf("got checkpoint %q, want %q", signed, want)
	}

	// Empty tiles, wider ones and those of no tree are not there; and of the
	// partial ones, none is stored.
	for _, path := range []string{"0/x001/274", "0/273.p/113", "0/273", "0/274.p/1", "1/001.p/18", "1/001", "1/002.p/1", "2/000.p/2", "2/000", "2/001.p/1", "3/000.p/1"} {
		if got := fetch(t, h, "/tile/"+path).Code; got != http.StatusNotFound {
			t.Errorf("tile %s: got %d, want 404", path, got)
		}
	}
	var stored, wide int
	err := db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.QueryRow(`SELECT count(*), sum(CASE WHEN length(data) = 8192 THEN 1 ELSE 0 END) FROM ledger_tile`).Scan(&stored, &wide)
	})
	if err != nil || stored != 273+1 || wide != stored {
		t.Errorf("%d tiles are stored, %d of them full (%v), want the 274 full ones", stored, wide, err)
	}
}

// A tree of 256 entries has a full tile on level 0 and one of 1 above it. For
// every size that had a checkpoint the partial tiles stay, also when the tree
// has grown beyond.
func TestPartialTilesStay(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt := ledgertest.New(t)
		l := lt.Open(t, open())
		h := l.Handler()
		var partial [][]byte
		for _, size := range []int64{100, 200, 256} {
			if err := l.AppendUnchecked(ctx, int(size-1)); err != nil { // what is there already keeps its index
				t.Fatal(err)
			}
			mustReceipt(t, l, size-1)
			partial = append(partial, fetch(t, h, "/tile/0/000.p/1").Body.Bytes())
		}
		full := tileOf(t, h, "0", 0, 256)
		if got := tileOf(t, h, "1", 0, 1); !bytes.Equal(got, tileRoots(full)) {
			t.Error("tile/1/000.p/1 is not the root of tile/0/000")
		}
		for _, w := range []int{1, 100, 200, 255} {
			if got := fetch(t, h, fmt.Sprintf("/tile/0/000.p/%d", w)).Body.Bytes(); !bytes.Equal(got, full[:32*w]) {
				t.Errorf("the first %d hashes are others in the partial tile", w)
			}
			bundle := fetch(t, h, fmt.Sprintf("/tile/entries/000.p/%d", w)).Body.Bytes()
			if got := leafHashes(t, bundle); !bytes.Equal(got, full[:32*w]) {
				t.Errorf("the first %d entries are others in the partial bundle", w)
			}
		}
		for i, b := range partial {
			if !bytes.Equal(b, full[:32]) {
				t.Errorf("tile/0/000.p/1 has changed since checkpoint %d", i)
			}
		}
	})
}

// Paths are spelt in one way (c2sp.org/tlog-tiles), or there would be more than
// one copy of a resource in every cache.
func TestTilePaths(t *testing.T) {
	lt := ledgertest.New(t)
	l := lt.Open(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	h := l.Handler()
	if err := l.AppendUnchecked(ctx, 299); err != nil {
		t.Fatal(err)
	}
	mustReceipt(t, l, 299)
	for path, want := range map[string]int{
		"0/000": 200, "0/001.p/44": 200, "1/000.p/1": 200, "entries/000": 200, "entries/001.p/44": 200,
		"00/000": 404, "0/0": 404, "0/00": 404, "0/0000": 404, "0/x000/000": 404, "0/000.p/0": 404, "0/000.p/256": 404,
		"0/001.p/044": 404, "0/001.p/+4": 404, "0/001.p/-4": 404, "0/001.p/": 404, "0/001.p": 404, "-1/000": 404, "64/000": 404,
		"0/-01": 404, "0/000/": 404, "0/000.p/1/": 404, "entries/0": 404, "entries/000.p/0": 404, "data/000": 404, "8/0/000": 404, "": 404,
	} {
		if got := fetch(t, h, "/tile/"+path).Code; got != want {
			t.Errorf("tile/%s: got %d, want %d", path, got, want)
		}
	}
}

// What is final never changes and may be kept for ever; what moves is asked
// for again; what is not there yet is never kept.
func TestHeaders(t *testing.T) {
	lt := ledgertest.New(t)
	l := lt.Open(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	h := l.Handler()
	mustReceipt(t, l, 0)
	const kept = "public, max-age=31536000, immutable"
	for _, c := range []struct{ path, kind, cache, vary string }{
		{"/checkpoint", "text/plain; charset=utf-8", "no-cache", ""},
		{"/tile/0/000.p/1", "application/octet-stream", kept, ""},
		{"/tile/entries/000.p/1", "application/octet-stream", kept, "Accept-Encoding"},
		{"/receipts/0", "text/plain; charset=utf-8", kept, ""},
		{"/entries/0", "application/octet-stream", kept, ""},
		{"/entries?kind=genesis", "application/json", "no-cache", ""},
		{"/receipts/1", "application/json", "no-store", ""},
		{"/entries/1", "application/json", "no-store", ""},
	} {
		got := fetch(t, h, c.path).Header()
		if got.Get("Content-Type") != c.kind || got.Get("Cache-Control") != c.cache || got.Get("Vary") != c.vary {
			t.Errorf("%s: got %q, want type %q, cache %q, vary %q", c.path, got, c.kind, c.cache, c.vary)
		}
	}
	for _, path := range []string{"/tile/0/000", "/tile/entries/000", "/tile/0/000.p/2"} {
		if got := fetch(t, h, path); got.Code != 404 || strings.Contains(got.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s, which is not there yet: got %d, %q", path, got.Code, got.Header())
		}
	}
	// A public log's checkpoint has an Ed25519 signature of the log itself.
	v, err := note.NewVerifier(lt.Genesis.LogKey)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(fetch(t, h, "/checkpoint").Body.Bytes(), note.VerifierList(v))
	if err != nil || len(n.Sigs) != 1 || n.Sigs[0].Name != ledgertest.Origin {
		t.Errorf("the log's own signature: got %v, %v", n, err)
	}
}

// Bundles are compressed for whoever says so, and only bundles.
func TestGzip(t *testing.T) {
	lt := ledgertest.New(t)
	l := lt.Open(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	h := l.Handler()
	if err := l.AppendUnchecked(ctx, 255); err != nil {
		t.Fatal(err)
	}
	mustReceipt(t, l, 255)
	plain := fetch(t, h, "/tile/entries/000").Body.Bytes()
	for accept, want := range map[string]string{"gzip": "gzip", "gzip, deflate, br": "gzip", "br;q=1.0, GZIP;q=0.8, *;q=0.1": "gzip", "identity, gzip": "gzip",
		"": "", "identity": "", "gzip;q=0": "", "br, gzip; q=0.000": "", "gzip;q=many": "", "x-gzipped": ""} {
		got := fetch(t, h, "/tile/entries/000", "Accept-Encoding", accept)
		b := got.Body.Bytes()
		if enc := got.Header().Get("Content-Encoding"); enc != want {
			t.Errorf("Accept-Encoding %q: got %q, want %q", accept, enc, want)
			continue
		}
		if want != "" {
			if len(b) >= len(plain) {
				t.Errorf("packed it has %d bytes, plain %d", len(b), len(plain))
			}
			b = unpack(t, b)
		}
		if !bytes.Equal(b, plain) {
			t.Errorf("Accept-Encoding %q: another bundle", accept)
		}
	}
	if got := fetch(t, h, "/tile/0/000", "Accept-Encoding", "gzip").Header().Get("Content-Encoding"); got != "" {
		t.Errorf("a tile of hashes: got %q", got)
	}
}

func unpack(t *testing.T, b []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	b, err = io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func fetch(t *testing.T, h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(context.Background(), "GET", path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

// tileOf is tile n of a level that has so many hashes, or the bundle of entries.
func tileOf(t *testing.T, h http.Handler, level string, n, hashes int) []byte {
	t.Helper()
	path := fmt.Sprintf("/tile/%s/%03d", level, n)
	width := min(256, hashes-256*n)
	if width < 256 {
		path += fmt.Sprintf(".p/%d", width)
	}
	got := fetch(t, h, path)
	if got.Code != 200 || level != "entries" && got.Body.Len() != 32*width {
		t.Fatalf("%s: got %d and %d bytes, want %d hashes", path, got.Code, got.Body.Len(), width)
	}
	return got.Body.Bytes()
}

// leafHashes are the hashes of a bundle's entries, each behind its length in 16
// bits, big-endian.
func leafHashes(t *testing.T, bundle []byte) (hashes []byte) {
	t.Helper()
	for len(bundle) > 0 {
		n := 2 + int(binary.BigEndian.Uint16(bundle))
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(bundle[2:n])...)
		bundle = bundle[n:]
	}
	return hashes
}

// tileRoots are the roots of the full tiles among hashes.
func tileRoots(hashes []byte) (roots []byte) {
	for ; len(hashes) >= 8192; hashes = hashes[8192:] {
		roots = append(roots, rootOf(hashes[:8192])...)
	}
	return roots
}

// rootOf is MTH of RFC 6962, section 2.1, over hashes of leaves.
func rootOf(hashes []byte) []byte {
	n := len(hashes) / 32
	if n == 1 {
		return hashes
	}
	k := 1
	for 2*k < n {
		k *= 2
	}
	return rfc6962.DefaultHasher.HashChildren(rootOf(hashes[:32*k]), rootOf(hashes[32*k:]))
}
