package audit

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func exportTo(t testing.TB, src Source, dir string) (Exported, error) {
	t.Helper()
	_, vkey := testKey(t)
	judge, err := LogKey(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return Export{Source: src, Judge: judge, Dir: dir}.Run(t.Context())
}

// folder is what lies in a folder, as a log.
func folder(t testing.TB, dir string) memory {
	t.Helper()
	m := memory{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		m[filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func same(a, b memory) bool {
	return maps.EqualFunc(a, b, func(x, y []byte) bool { return string(x) == string(y) })
}

// The folder is the log, file by file, whether it was exported at once or as
// the log grew, and is whole at every step.
func TestExport(t *testing.T) {
	dir := t.TempDir()
	sizes := []int64{1, 2, 255, 256, 300, 300, 700, 65536 - 1, 65536 + 300}
	if testing.Short() {
		sizes = sizes[:7]
	}
	before := int64(0)
	for _, size := range sizes {
		m := build(t, size, aLeaf)
		x, err := exportTo(t, m, dir)
		if err != nil || x.Before != before || x.Checkpoint.Size != size {
			t.Fatalf("%d entries: got %+v, %v; want %d before", size, x, err, before)
		}
		got := folder(t, dir)
		for path := range got {
			if strings.Contains(path, ".p/") && m[path] == nil {
				delete(got, path) // of a smaller size, and not yet full
			}
		}
		if !same(got, m) {
			t.Errorf("%d entries: got %v, want %v", size, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(m)))
		}
		if r := fsck(t, Dir(dir)); !r.OK() || r.Entries != size {
			t.Errorf("%d entries: fsck of the folder: %v", size, r.Problems)
		}
		if size == before && x.Written > 3 {
			t.Errorf("nothing new: %d files were written", x.Written)
		}
		before = size
	}
}

// An export that is cut off anywhere leaves a whole log, and goes on without
// asking again for what is full and there.
func TestExportGoesOn(t *testing.T) {
	dir := t.TempDir()
	if _, err := exportTo(t, build(t, 300, aLeaf), dir); err != nil {
		t.Fatal(err)
	}
	m := build(t, 20*256+7, aLeaf)
	full := map[string]fs.FileInfo{} // as they were written first
	for cut := 1; ; cut += 9 {
		src := &cutOff{memory: m, left: cut}
		_, err := exportTo(t, src, dir)
		want := int64(300)
		if err == nil {
			want = 20*256 + 7
		}
		if r := fsck(t, Dir(dir)); !r.OK() || r.Entries != want {
			t.Fatalf("cut off after %d: got %d entries, %v; want %d", cut, r.Entries, r.Problems, want)
		}
		for path := range m {
			info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(path)))
			if strings.Contains(path, ".p/") || path == "checkpoint" || err != nil {
				continue
			}
			if first := full[path]; first != nil && !os.SameFile(first, info) {
				t.Errorf("cut off after %d: %s was written again", cut, path)
			}
			full[path] = info
		}
		if err == nil {
			if cut > 60 { // 42 files and the edge's
				t.Errorf("%d reads in one go: it never used what was there", cut)
			}
			return
		}
		if !errors.Is(err, errCut) && !strings.Contains(err.Error(), errCut.Error()) {
			t.Fatal(err)
		}
	}
}

var errCut = errors.New("cut off")

type cutOff struct {
	memory
	left int
}

func (c *cutOff) Readers() int { return 1 }

func (c *cutOff) Read(ctx context.Context, path string) ([]byte, error) {
	if c.left--; c.left < 0 {
		return nil, errCut
	}
	return c.memory.Read(ctx, path)
}

// What does not fit is not written, and what is there is not touched.
func TestExportRefuses(t *testing.T) {
	m := build(t, 700, aLeaf)
	for _, path := range []string{"tile/0/001", "tile/entries/001", "tile/1/000.p/2", "tile/entries/002.p/188", "checkpoint"} {
		dir := t.TempDir()
		_, err := exportTo(t, m.with(path, flip(m[path], 10)), dir)
		var p *Problem
		if !errors.As(err, &p) || p.Resource != path {
			t.Errorf("%s damaged: got %v", path, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "checkpoint")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s damaged: the folder has a checkpoint", path)
		}
	}

	dir := t.TempDir()
	other := build(t, 300, func(i int64) []byte { return aLeaf(i / 2) })
	if _, err := exportTo(t, other, dir); err != nil {
		t.Fatal(err)
	}
	before := folder(t, dir)
	if _, err := exportTo(t, m, dir); !errors.Is(err, ErrOtherLog) {
		t.Errorf("over another history: got %v", err)
	}
	if _, err := exportTo(t, build(t, 200, aLeaf), dir); !errors.Is(err, ErrOtherLog) {
		t.Errorf("over a longer log: got %v", err)
	}
	if !same(folder(t, dir), before) {
		t.Error("the folder was changed")
	}

	// A full tile of the folder that was damaged is named, and stays.
	dir = t.TempDir()
	file := filepath.Join(dir, "tile/entries/000")
	if err := writeFile(file, flip(m["tile/entries/000"], 50)); err != nil {
		t.Fatal(err)
	}
	if _, err := exportTo(t, m, dir); err == nil || !strings.Contains(err.Error(), "tile/entries/000") || !strings.Contains(err.Error(), "the folder's own") {
		t.Errorf("damaged in the folder: got %v", err)
	}
	if b, _ := os.ReadFile(file); string(b) != string(flip(m["tile/entries/000"], 50)) {
		t.Error("it was written again")
	}
}
