package audit

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
)

// Logs of every shape are whole, as x/mod makes them: no tile, one, several
// levels, and sizes where tiles begin and end.
func TestFsckWhole(t *testing.T) {
	for _, size := range []int64{0, 1, 2, 255, 256, 257, 511, 512, 700, 65535, 65536, 65537, 65536 + 256 + 3, 2*65536 + 300} {
		if testing.Short() && size > 1000 {
			continue
		}
		m := build(t, size, aLeaf)
		r := fsck(t, m)
		tiles := int64(0)
		for path := range m {
			if strings.HasPrefix(path, "tile/") && !strings.HasPrefix(path, "tile/entries/") {
				tiles++
			}
		}
		if !r.OK() || r.Entries != size || r.Tiles != tiles || r.Checkpoint.Size != size {
			t.Errorf("%d entries: got %d entries, %d tiles (want %d), %v", size, r.Entries, r.Tiles, tiles, r.Problems)
		}
	}
}

// Whatever resource is damaged, in whatever way, is named, and nothing else is.
func TestFsckNamesWhatIsDamaged(t *testing.T) {
	small := build(t, 1000, aLeaf)
	for path := range small {
		for _, what := range damages {
			wantOnly(t, small, path, what)
		}
	}
	if testing.Short() {
		return
	}
	large := build(t, 65536+2*256+5, aLeaf)
	for _, path := range []string{"tile/2/000.p/1", "tile/1/000", "tile/1/001.p/2", "tile/0/000", "tile/0/100", "tile/0/257", "tile/0/258.p/5", "tile/entries/100", "tile/entries/258.p/5", "checkpoint"} {
		for _, what := range damages {
			wantOnly(t, large, path, what)
		}
	}
}

var damages = []string{"flipped first", "flipped last", "flipped inside", "cut", "halved", "empty", "longer", "gone"}

// wantOnly damages one resource and wants it named.
func wantOnly(t *testing.T, m memory, path, what string) {
	t.Helper()
	b := m[path]
	var src memory
	switch what {
	case "flipped first":
		src = m.with(path, flip(b, 0))
	case "flipped last":
		src = m.with(path, flip(b, len(b)-1))
	case "flipped inside":
		src = m.with(path, flip(b, len(b)/2))
	case "cut":
		src = m.with(path, b[:len(b)-1])
	case "halved":
		src = m.with(path, b[:len(b)/2])
	case "empty":
		src = m.with(path, nil)
	case "longer":
		src = m.with(path, append(bytes.Clone(b), 0))
	case "gone":
		if path == "checkpoint" {
			return // there is no log, then
		}
		src = m.without(path)
	}
	r := fsck(t, src)
	if r.OK() || r.Voids != 0 {
		t.Errorf("%s %s: not found", path, what)
	}
	for _, p := range r.Problems {
		if p.Resource != path || p.Unread || p.Entry != nil && !strings.HasPrefix(path, "tile/entries/") {
			t.Errorf("%s %s: got %v", path, what, &p)
		}
	}
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

// The entry is named, and each of several damages.
func TestFsckNamesTheEntry(t *testing.T) {
	m := build(t, 1000, aLeaf)
	bundle := func(first int64, change ...int64) []byte {
		var b []byte
		for i := first; i < min(first+256, 1000); i++ {
			leaf := aLeaf(i)
			if slices.Contains(change, i) {
				leaf = append(bytes.Clone(leaf), 'x')
			}
			b = append(append(b, byte(len(leaf)>>8), byte(len(leaf))), leaf...)
		}
		return b
	}
	r := fsck(t, m.with("tile/entries/001", bundle(256, 300, 511)).with("tile/entries/003.p/232", bundle(768, 999)).
		with("tile/0/000", flip(m["tile/0/000"], 40)))
	var got []string
	for _, p := range r.Problems {
		got = append(got, p.Error())
	}
	why := "it does not give the hash that the tree has for it"
	want := []string{"tile/0/000: its hash 1 is not what lies below it", "tile/entries/001: entry 300: " + why,
		"tile/entries/001: entry 511: " + why, "tile/entries/003.p/232: entry 999: " + why}
	if !slices.Equal(got, want) || r.Entries != 512 {
		t.Errorf("got %q, %d entries; want %q", got, r.Entries, want)
	}
	// A tile and the bundle below it at once.
	r = fsck(t, m.with("tile/entries/001", bundle(256, 300)).with("tile/0/001", flip(m["tile/0/001"], 0)))
	for _, path := range []string{"tile/0/001", "tile/entries/001"} {
		if !slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Resource == path }) {
			t.Errorf("both damaged: %s is not named in %v", path, r.Problems)
		}
	}
}

// A log that is whole in itself, and not what its checkpoint says.
func TestFsckCheckpoint(t *testing.T) {
	m, other := build(t, 700, aLeaf), build(t, 700, func(i int64) []byte { return aLeaf(i + 1) })
	for what, b := range map[string][]byte{
		"of another tree": other["checkpoint"],
		"by another key":  flip(m["checkpoint"], len(m["checkpoint"])-10),
		"of another log":  signed(t, ledger.Checkpoint{Origin: "other.example/log", Size: 700, Root: tlog.Hash{1}}),
	} {
		r := fsck(t, m.with("checkpoint", b))
		if r.OK() || len(r.Problems) != 1 || r.Problems[0].Resource != "checkpoint" {
			t.Errorf("%s: got %v", what, r.Problems)
		}
	}
	// Of a smaller tree: the log has its full tiles still, and may have dropped the partial ones.
	small := build(t, 300, aLeaf)
	if r := fsck(t, m.with("checkpoint", small["checkpoint"]).with("tile/1/000.p/1", small["tile/1/000.p/1"])); !r.OK() || r.Entries != 300 {
		t.Errorf("smaller: got %v, %d entries", r.Problems, r.Entries)
	}
}

// away cannot read some resources, for now.
type away struct {
	memory
	which string
}

func (a away) Read(ctx context.Context, path string) ([]byte, error) {
	if strings.HasPrefix(path, a.which) {
		return nil, errors.New("no answer")
	}
	return a.memory.Read(ctx, path)
}

func TestFsckUnread(t *testing.T) {
	m := build(t, 20*256+3, aLeaf)
	for which, want := range map[string]int64{"tile/entries/003": 1, "tile/0/003": 1, "tile/0/020": 1, "tile/": 1, "tile/entries/": maxUnread} {
		r := fsck(t, away{m, which})
		if !r.OnlyUnread() || r.Damaged != want {
			t.Errorf("%s: got %d problems, want %d: %v", which, r.Damaged, want, r.Problems)
		}
	}
	r := fsck(t, away{m.with("tile/0/007", nil), "tile/entries/003"})
	if r.OnlyUnread() || r.Damaged != 2 {
		t.Errorf("damaged, too: got %v", r.Problems)
	}
}
