package audit

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

// A unit is the entries of one tile, 256 or what there is at the end.
type unit struct {
	n      int64 // of the tile
	leaves [][]byte
	bundle []byte
	hashes []tlog.Hash // of the leaves
}

// A walk reads a tree from the root down, so that each tile is checked against
// the one above it, and what does not fit is known by its name. Entries are
// hashed by several goroutines and handed on in their order.
type walk struct {
	src   Source
	tree  tlog.Tree
	from  int64 // units that end before this entry are passed over
	tiles bool  // the tiles of level 0 are read even where the entries fit

	// problem hears of each, and may end the walk; it is called by one
	// goroutine at a time.
	problem func(*Problem) error
	// unit gets the entries that fit, in order.
	unit func(unit) error
	// tile gets the hashes of tiles above level 0, checked, and of all that
	// are partial; nil: nobody wants them.
	tile func(tlog.Tile, []tlog.Hash) error

	hashed atomic.Int64 // tiles that were checked, bundles not counted
	busy   atomic.Int64 // nanoseconds that goroutines read and hashed
}

// A job is one unit with what the tree says about it.
type job struct {
	n      int64
	width  int
	root   tlog.Hash   // of a full tile
	known  bool        // root is what the checkpoint demands
	hashes []tlog.Hash // of a partial tile, which was read with the edge
	done   chan outcome
}

type outcome struct {
	unit     unit
	ok       bool
	problems []*Problem
}

var errStop = errors.New("the walk was ended")

// run walks. Its error is that of a callback, or of the context.
func (w *walk) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	readers := w.src.Readers()
	jobs := make(chan *job)
	order := make(chan *job, 2*readers) // bounds what waits for its turn, and so memory
	found := make(chan *Problem)
	walked := make(chan error, 1)
	for range readers {
		go w.work(ctx, jobs)
	}
	go func() {
		d := &descent{walk: w, ctx: ctx, jobs: jobs, order: order, found: found}
		err := d.down()
		close(jobs)
		close(order)
		walked <- err
	}()
	if err := w.collect(ctx, order, found); err != nil {
		cancel(errStop)
		for range order { // lets the descent end
		}
		<-walked
		return err
	}
	return <-walked
}

// collect hands on what the workers made, in the order of the log.
func (w *walk) collect(ctx context.Context, order <-chan *job, found <-chan *Problem) error {
	for {
		select {
		case p := <-found:
			if err := w.problem(p); err != nil {
				return err
			}
		case j, ok := <-order:
			if !ok {
				return nil
			}
			var o outcome
			select {
			case o = <-j.done:
			case <-ctx.Done():
				return ctx.Err()
			}
			for _, p := range o.problems {
				if err := w.problem(p); err != nil {
					return err
				}
			}
			if o.ok {
				if err := w.unit(o.unit); err != nil {
					return err
				}
			}
		}
	}
}

func (w *walk) work(ctx context.Context, jobs <-chan *job) {
	var buf []byte
	for j := range jobs {
		start := time.Now()
		var o outcome
		o, buf = w.do(ctx, j, buf)
		w.busy.Add(int64(time.Since(start)))
		j.done <- o // has room
	}
}

// do reads the entries of a unit and checks them against the tree.
func (w *walk) do(ctx context.Context, j *job, buf []byte) (o outcome, _ []byte) {
	leaves, bundle, bad := readBundle(ctx, w.src, j.n, j.width)
	var hashes []tlog.Hash
	if bad == nil {
		hashes, buf = leafHashes(buf, leaves)
		o.unit = unit{j.n, leaves, bundle, hashes}
	}
	if j.hashes != nil { // the edge was checked as a whole
		o.problems = w.compare(j, bad, hashes, j.hashes, true)
		o.ok = len(o.problems) == 0
		return o, buf
	}
	fits := bad == nil && j.known && root(hashes) == j.root
	if o.ok = fits; fits && !w.tiles {
		return o, buf
	}
	tile, badTile := readHashes(ctx, w.src, hashTile(0, j.n, tileWidth))
	w.hashed.Add(1)
	switch {
	case badTile == nil && j.known && root(tile) == j.root:
		o.problems = w.compare(j, bad, hashes, tile, true)
	case fits && badTile != nil:
		o.problems = append(o.problems, badTile)
	case fits:
		o.problems = append(o.problems, damagedHash(hashTile(0, j.n, tileWidth), firstDifference(tile, hashes)))
	case badTile != nil:
		o.problems = append(o.problems, badTile)
		if bad == nil && j.known {
			bad = damaged(pathOf(-1, j.n, tileWidth), "its entries do not give the hash that the tree has for them")
		}
		if bad != nil {
			o.problems = append(o.problems, bad)
		}
	case j.known:
		o.problems = append(o.problems, damaged(pathOf(0, j.n, tileWidth), "its hashes do not give the one that the tile above it has"))
		o.problems = append(o.problems, w.compare(j, bad, hashes, tile, false)...)
	default:
		o.problems = w.compare(j, bad, hashes, tile, false)
	}
	o.ok = fits || len(o.problems) == 0
	return o, buf
}

// compare holds a bundle against the hashes of its tile; sure says that those
// are the tree's.
func (w *walk) compare(j *job, bad *Problem, hashes, tile []tlog.Hash, sure bool) []*Problem {
	if bad != nil {
		return []*Problem{bad}
	}
	i := firstDifference(hashes, tile)
	if i < 0 {
		return nil
	}
	why := "it does not give the hash that the tree has for it"
	if !sure {
		why = "it does not give the hash in its tile; one of the two is damaged"
	}
	var all []*Problem
	for ; i < len(hashes); i++ {
		if hashes[i] != tile[i] {
			all = append(all, damagedEntry(pathOf(-1, j.n, j.width), j.n*tileWidth+int64(i), why))
		}
	}
	return all
}

func damagedHash(t tlog.Tile, i int) *Problem {
	return damaged(torchwood.TilePath(t), fmt.Sprintf("its hash %d is not what lies below it", i))
}

// A descent finds the tiles of a tree from the top, and makes jobs of the
// lowest ones.
type descent struct {
	*walk
	ctx   context.Context
	jobs  chan<- *job
	order chan<- *job
	found chan<- *Problem
}

func (d *descent) report(p *Problem) error {
	select {
	case d.found <- p:
		return nil
	case <-d.ctx.Done():
		return d.ctx.Err()
	}
}

func (d *descent) down() error {
	e, problems := readEdge(d.ctx, d.src, d.tree)
	for _, p := range problems {
		if err := d.report(p); err != nil {
			return err
		}
		if p.Unread {
			return p
		}
	}
	for level := len(e) - 1; level >= 0; level-- {
		t := e[level]
		if t.tile.W == 0 {
			continue
		}
		d.hashed.Add(1)
		if d.tile != nil {
			if err := d.tile(t.tile, t.hashes); err != nil {
				return err
			}
		}
		if level == 0 {
			if err := d.give(&job{n: t.tile.N, width: t.tile.W, hashes: t.hashes}); err != nil {
				return err
			}
			continue
		}
		for i, h := range t.hashes {
			if err := d.full(level-1, t.tile.N*tileWidth+int64(i), h, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// full goes down from a full tile, whose root is demanded by the one above.
func (d *descent) full(level int, n int64, want tlog.Hash, known bool) error {
	if (n+1)<<(8*(level+1)) <= d.from {
		return nil
	}
	if level == 0 {
		return d.give(&job{n: n, width: tileWidth, root: want, known: known})
	}
	t := hashTile(level, n, tileWidth)
	hashes, bad := readHashes(d.ctx, d.src, t)
	d.hashed.Add(1)
	if bad == nil && known && root(hashes) != want {
		bad = damaged(torchwood.TilePath(t), "its hashes do not give the one that the tile above it has")
	}
	if bad != nil {
		if bad.Unread {
			if err := d.report(bad); err != nil {
				return err
			}
			return bad
		}
		below := childRoots(d.ctx, d.src, t)
		if known = known && below != nil && root(below) == want; known && hashes != nil {
			bad = damagedHash(t, firstDifference(hashes, below))
		}
		if err := d.report(bad); err != nil {
			return err
		}
		if hashes = below; hashes == nil {
			hashes = make([]tlog.Hash, tileWidth) // nothing is known about what lies below
		}
	} else if d.tile != nil {
		if err := d.tile(t, hashes); err != nil {
			return err
		}
	}
	for i, h := range hashes {
		if err := d.full(level-1, n*tileWidth+int64(i), h, known); err != nil {
			return err
		}
	}
	return nil
}

func (d *descent) give(j *job) error {
	j.done = make(chan outcome, 1)
	for _, c := range []chan<- *job{d.order, d.jobs} {
		select {
		case c <- j:
		case <-d.ctx.Done():
			return d.ctx.Err()
		}
	}
	return nil
}
