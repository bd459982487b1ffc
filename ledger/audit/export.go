package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
)

// An Export copies a log into a folder, from which any server of files, and
// any client of c2sp.org/tlog-tiles, can read it. Everything is checked before
// it is written, and the checkpoint is written last: the folder is a whole log
// at any time. Said again it goes on where it was, or where the log has grown.
// A full tile or bundle that is there is never written again.
type Export struct {
	Source Source
	Judge  Judge
	Dir    string
	// Progress hears how many entries are done; it may be nil.
	Progress func(done, total int64)
}

// Exported is what an export did.
type Exported struct {
	Checkpoint ledger.Checkpoint
	Before     int64 // entries that the folder held
	Written    int64 // files
}

// ErrOtherLog is wrapped where the folder holds what the log does not continue.
var ErrOtherLog = errors.New("the folder holds another log, or another history of it")

// Run exports. What does not fit the log's checkpoint is a *Problem.
func (x Export) Run(ctx context.Context) (Exported, error) {
	var done Exported
	signed, err := readCheckpoint(ctx, x.Source)
	if err != nil {
		return done, err
	}
	c, _, err := x.Judge(signed)
	if err != nil {
		return done, damaged("checkpoint", err.Error())
	}
	done.Checkpoint = c
	if err := os.MkdirAll(x.Dir, 0o755); err != nil {
		return done, fmt.Errorf("make folder: %w", err)
	}
	src := kept{x.Source, Dir(x.Dir)}
	tree := tlog.Tree{N: c.Size, Hash: c.Root}
	if done.Before, err = x.before(ctx, src, tree); err != nil {
		return done, err
	}
	e := &exporting{x, src, &done.Written}
	w := &walk{src: src, tree: tree, from: done.Before, tiles: true, tile: e.tile,
		problem: func(p *Problem) error { return e.blame(p) },
		unit: func(u unit) error {
			if x.Progress != nil {
				x.Progress(u.n*tileWidth+int64(len(u.leaves)), tree.N)
			}
			return e.unit(u)
		}}
	if err := w.run(ctx); err != nil {
		return done, err
	}
	if done.Before < c.Size || done.Before == 0 {
		if err := e.replace("checkpoint", signed); err != nil {
			return done, err
		}
	}
	return done, e.tidy(done.Before, c.Size)
}

// before is how many entries the folder holds, and makes sure that the log
// continues them.
func (x Export) before(ctx context.Context, src Source, tree tlog.Tree) (int64, error) {
	signed, err := Dir(x.Dir).Read(ctx, "checkpoint")
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the folder's checkpoint: %w", err)
	}
	old, _, err := x.Judge(signed)
	if err != nil {
		return 0, fmt.Errorf("%w: its %w", ErrOtherLog, err)
	}
	if old.Size > tree.N {
		return 0, fmt.Errorf("%w: it has %d entries, the log shows %d", ErrOtherLog, old.Size, tree.N)
	}
	root, _, err := prefix(ctx, src, tree, old.Size)
	if err != nil {
		return 0, err
	}
	if root != old.Root {
		return 0, fmt.Errorf("%w: its %d entries are not the first of the log's %d; find out with countersign ledger audit", ErrOtherLog, old.Size, tree.N)
	}
	return old.Size, nil
}

// kept reads what is full from the folder, where it is there already.
type kept struct {
	Source
	dir Dir
}

func (k kept) Read(ctx context.Context, path string) ([]byte, error) {
	if k.has(path) {
		return k.dir.Read(ctx, path)
	}
	return k.Source.Read(ctx, path)
}

func (k kept) has(path string) bool {
	if !strings.HasPrefix(path, "tile/") || strings.Contains(path, ".p/") {
		return false
	}
	_, err := os.Stat(filepath.Join(string(k.dir), filepath.FromSlash(path)))
	return err == nil
}

type exporting struct {
	Export
	kept    kept
	written *int64
}

// blame says whose resource it is that does not fit.
func (e *exporting) blame(p *Problem) error {
	if e.kept.has(p.Resource) {
		p.Detail += "; it is the folder's own: remove it there and export again"
	}
	return p
}

func (e *exporting) unit(u unit) error {
	width := len(u.leaves)
	if err := e.keep(pathOf(-1, u.n, width), u.bundle); err != nil {
		return err
	}
	if width < tileWidth {
		return nil // its tile came with the edge
	}
	return e.keep(pathOf(0, u.n, width), joinHashes(u.hashes))
}

func (e *exporting) tile(t tlog.Tile, hashes []tlog.Hash) error {
	return e.keep(torchwood.TilePath(t), joinHashes(hashes))
}

// keep writes a tile or bundle, unless it is there. What is partial may be of
// a run that ended early, and is written again.
func (e *exporting) keep(path string, b []byte) error {
	if e.kept.has(path) {
		return nil
	}
	return e.replace(path, b)
}

// replace makes the file whole before it has its name, and sees it on the disk.
func (e *exporting) replace(path string, b []byte) error {
	atomic.AddInt64(e.written, 1)
	return writeFile(filepath.Join(e.Dir, filepath.FromSlash(path)), b)
}

func writeFile(name string, b []byte) (err error) {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = f.Write(b)
	for _, step := range []func() error{func() error { return f.Chmod(0o644) }, f.Sync} {
		if err == nil {
			err = step()
		}
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// tidy removes partial tiles whose full ones are there now, as
// c2sp.org/tlog-tiles lets a log do.
func (e *exporting) tidy(from, to int64) error {
	for level, size := 0, from; size > 0; level, size = level+1, size/tileWidth {
		n := size / tileWidth
		if (n+1)<<(8*(level+1)) > to {
			continue
		}
		paths := []string{pathOf(level, n, tileWidth)}
		if level == 0 {
			paths = append(paths, pathOf(-1, n, tileWidth))
		}
		for _, p := range paths {
			if err := os.RemoveAll(filepath.Join(e.Dir, filepath.FromSlash(p)+".p")); err != nil {
				return fmt.Errorf("remove partial tiles: %w", err)
			}
		}
	}
	return nil
}
