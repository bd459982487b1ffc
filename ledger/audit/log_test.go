package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
)

const origin = "log.example/test"

// memory is a log as a map; what it has is written only before it is read.
type memory map[string][]byte

func (m memory) Read(_ context.Context, path string) ([]byte, error) {
	b, ok := m[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return bytes.Clone(b), nil
}

func (m memory) Readers() int { return 3 }

func (m memory) without(path string) memory {
	m = maps.Clone(m)
	delete(m, path)
	return m
}

func (m memory) with(path string, b []byte) memory {
	m = maps.Clone(m)
	m[path] = b
	return m
}

// aLeaf is the same for the same index; some are empty, as others' logs may have.
func aLeaf(i int64) []byte {
	if i%97 == 3 {
		return nil
	}
	h := sha256.Sum256(fmt.Append(nil, "leaf ", i))
	return bytes.Repeat(h[:], int(i%5)+1)
}

// testKey signs the checkpoints of origin.
func testKey(t testing.TB) (note.Signer, string) {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	vkey, err := note.NewEd25519VerifierKey(origin, key.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return logSigner{key, vkey}, vkey
}

type logSigner struct {
	key  ed25519.PrivateKey
	vkey string
}

func (s logSigner) Name() string { return origin }
func (s logSigner) KeyHash() uint32 {
	v, _ := note.NewVerifier(s.vkey)
	return v.KeyHash()
}
func (s logSigner) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key, msg), nil }

// build is a log of size entries, with the tiles that x/mod makes of them.
func build(t testing.TB, size int64, leaf func(int64) []byte) memory {
	t.Helper()
	var stored []tlog.Hash
	hashes := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		all := make([]tlog.Hash, len(at))
		for i, x := range at {
			all[i] = stored[x]
		}
		return all, nil
	})
	m := memory{}
	for i := range size {
		h, err := tlog.StoredHashes(i, leaf(i), hashes)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, h...)
		bundle := pathOf(-1, i/tileWidth, int(min(size-i/tileWidth*tileWidth, tileWidth)))
		if m[bundle], err = torchwood.AppendTileEntry(m[bundle], leaf(i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tile := range tlog.NewTiles(torchwood.TileHeight, 0, size) {
		b, err := tlog.ReadTileData(tile, hashes)
		if err != nil {
			t.Fatal(err)
		}
		m[torchwood.TilePath(tile)] = b
	}
	rootHash, err := tlog.TreeHash(size, hashes)
	if err != nil {
		t.Fatal(err)
	}
	m["checkpoint"] = signed(t, ledger.Checkpoint{Origin: origin, Size: size, Root: rootHash})
	return m
}

func signed(t testing.TB, c ledger.Checkpoint) []byte {
	t.Helper()
	s, _ := testKey(t)
	b, err := note.Sign(&note.Note{Text: c.Text()}, s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func fsck(t testing.TB, src Source) *Report {
	t.Helper()
	_, vkey := testKey(t)
	judge, err := LogKey(vkey)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Fsck{Source: src, Judge: judge}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}
