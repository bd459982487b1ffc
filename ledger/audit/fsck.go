package audit

import (
	"context"
	"errors"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
)

const (
	// maxListed is how many problems, and void entries, a report lists; it counts all.
	maxListed = 1000
	// maxUnread is how many resources may be unreadable before the rest is not
	// asked for: the log is away, then.
	maxUnread = 8
)

// A Fsck is what to check, and against what.
type Fsck struct {
	Source Source
	Judge  Judge
	// Genesis is leaf 0 of a ledger of ours, whose entries have issuers. Nil:
	// entries are not looked into.
	Genesis *ledger.Genesis
	// Progress hears how many entries are done; it may be nil.
	Progress func(done, total int64)
}

// A Report is what Run found. It is whole also where there is much to report.
type Report struct {
	Checkpoint ledger.Checkpoint
	Known      time.Time // zero where nobody says
	Entries    int64     // that fit the tree
	Tiles      int64     // of hashes; bundles of entries are not counted
	Problems   []Problem
	Damaged    int64 // problems, also those not listed
	Void       []Void
	Voids      int64 // void entries, also those not listed
	// Merkle is the reading and hashing of entries and tiles. Issuers is the
	// checks of entries' own signatures and rights.
	Merkle, Issuers Rate
	Took            time.Duration // by the clock, all of it
}

// Run reads the whole log. Its error is what kept it from doing so; what does
// not fit is in the report.
func (f Fsck) Run(ctx context.Context) (*Report, error) {
	start := time.Now()
	r := &Report{}
	signed, err := readCheckpoint(ctx, f.Source)
	if err != nil {
		return r, err
	}
	if r.Checkpoint, r.Known, err = f.Judge(signed); err != nil {
		r.add(damaged("checkpoint", err.Error()))
		return r, nil
	}
	w := &walk{src: f.Source, tree: tlog.Tree{N: r.Checkpoint.Size, Hash: r.Checkpoint.Root}, tiles: true}
	w.problem = func(p *Problem) error {
		r.add(p)
		if p.Unread && r.unread() >= maxUnread {
			return p
		}
		return nil
	}
	var who *issuers
	if f.Genesis != nil {
		registry, err := ledger.NewRegistry(f.Genesis)
		if err != nil {
			return r, err
		}
		who = newIssuers(registry)
	}
	w.unit = func(u unit) error { return f.take(r, who, u) }
	err = w.run(ctx)
	if who != nil {
		who.end()
		r.Void, r.Voids = who.void, who.voids
		r.Issuers = rate(who.checked.Load(), who.busy.Load(), cap(who.units))
	}
	r.Tiles, r.Merkle = w.hashed.Load(), rate(r.Entries, w.busy.Load(), f.Source.Readers())
	r.Took = time.Since(start)
	var p *Problem
	if errors.As(err, &p) {
		return r, nil // it is in the report
	}
	return r, err
}

func (f Fsck) take(r *Report, who *issuers, u unit) error {
	r.Entries += int64(len(u.leaves))
	if who != nil {
		if err := checkGenesis(f.Genesis, u); err != nil {
			r.add(damagedEntry(pathOf(-1, 0, len(u.leaves)), 0, err.Error()))
		}
		who.take(u)
	}
	if f.Progress != nil {
		f.Progress(r.Entries, r.Checkpoint.Size)
	}
	return nil
}

func (r *Report) add(p *Problem) {
	if r.Damaged++; len(r.Problems) < maxListed {
		r.Problems = append(r.Problems, *p)
	}
}

func (r *Report) unread() (n int) {
	for _, p := range r.Problems {
		if p.Unread {
			n++
		}
	}
	return n
}

// OK says that every resource fits and no entry is void.
func (r *Report) OK() bool { return r.Damaged == 0 && r.Voids == 0 }

// OnlyUnread says that nothing is wrong but that some resources could not be
// read, which trying again may mend.
func (r *Report) OnlyUnread() bool {
	return r.Voids == 0 && r.Damaged == int64(r.unread()) && r.Damaged > 0
}
