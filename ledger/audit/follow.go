package audit

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
)

// An Audit follows a log and its witnesses. Each round holds every checkpoint
// that the log, the witnesses and others have shown against the tree of the
// log's newest one: if each is what that tree begins with, any two of them
// agree. Where one is not, the round writes the proof of the split view. Then it
// reads what is new, entry by entry.
type Audit struct {
	Source Source
	Judge  Judge
	Signed ledger.Signed
	// Genesis is leaf 0 of a ledger of ours; nil: entries are not looked into.
	Genesis *ledger.Genesis
	// Signatures asks of each new entry whether its issuer signed it and might.
	Signatures bool
	Witnesses  []Witness
	// Shown are checkpoints that came by another way, and from whom.
	Shown []Shown
	// State is the file that remembers; proofs are written beside it.
	State    string
	Progress func(done, total int64)
}

// A Witness is where one shows its newest checkpoint (c2sp.org/tlog-witness).
type Witness struct {
	Name   string // as in its key
	Source Source
}

// Shown is a checkpoint as a signed note, and who has shown it.
type Shown struct {
	From string
	Note []byte
}

// A Round is what one look at the log and its witnesses has found.
type Round struct {
	Checkpoint ledger.Checkpoint
	Known      time.Time
	Before     int64 // entries that were read in earlier rounds
	Compared   []Compared
	Splits     []Proven
	Void       []Void
	Voids      int64
	Merkle     Rate // of the new entries
	Issuers    Rate
}

// Compared is what came of one checkpoint.
type Compared struct {
	From   string  `json:"from"`
	Size   int64   `json:"size,omitempty"`
	Result Outcome `json:"result"`
	Detail string  `json:"detail,omitempty"`
}

// An Outcome is what a comparison came to.
type Outcome string

// The outcomes.
const (
	Agrees   Outcome = "agrees"
	Ahead    Outcome = "ahead"    // of the log, which has to show yet that it continues to there
	Unheard  Outcome = "unheard"  // nobody answered, or had nothing to show
	Unsigned Outcome = "unsigned" // what was shown is not signed as it should be, and proves nothing against the log
	Differs  Outcome = "differs"  // a split view
)

// Proven is a split view and the file that proves it.
type Proven struct {
	ledger.Split
	File string
}

// comparison is a checkpoint to be held against the log's.
type comparison struct {
	Shown
	c ledger.Checkpoint
}

// Run is one round. What does not fit is a *Problem, and then nothing is
// remembered of the round but its proofs.
func (a Audit) Run(ctx context.Context) (*Round, error) {
	r := &Round{}
	st, err := readState(a.State)
	if err != nil {
		return r, err
	}
	signed, err := readCheckpoint(ctx, a.Source)
	if err != nil {
		return r, err
	}
	if r.Checkpoint, r.Known, err = a.Judge(signed); err != nil {
		return r, damaged("checkpoint", err.Error())
	}
	last, all, err := a.gather(ctx, r, st)
	if err != nil {
		return r, err
	}
	st.Origin, st.Ahead = r.Checkpoint.Origin, nil
	err = a.compareAll(ctx, r, st, comparison{Shown{"the log", signed}, r.Checkpoint}, all)
	slices.SortStableFunc(r.Compared, func(x, y Compared) int { return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.Size, y.Size)) })
	if err != nil || len(r.Splits) > 0 {
		return r, err
	}
	if r.Before = last.Size; last.Size <= r.Checkpoint.Size {
		if err := a.read(ctx, r, st); err != nil {
			return r, err
		}
		st.Checkpoint = string(signed)
	}
	return r, st.write(a.State)
}

// gather is every checkpoint that the log's newest one is held against.
func (a Audit) gather(ctx context.Context, r *Round, st *state) (last ledger.Checkpoint, all []comparison, err error) {
	if st.Checkpoint != "" {
		if st.Origin != r.Checkpoint.Origin {
			return last, nil, fmt.Errorf("read state: it is of the log %q, not of %q", st.Origin, r.Checkpoint.Origin)
		}
		if last, _, err = a.Judge([]byte(st.Checkpoint)); err != nil {
			return last, nil, fmt.Errorf("read state: %w", err)
		}
		all = append(all, comparison{Shown{"the log, before", []byte(st.Checkpoint)}, last})
	}
	shown := slices.Clone(a.Shown)
	for _, x := range st.Ahead {
		shown = append(shown, Shown{x.From, []byte(x.Checkpoint)})
	}
	for _, s := range shown {
		c, _, err := a.Signed(s.Note)
		if err != nil {
			r.Compared = append(r.Compared, Compared{From: s.From, Result: Unsigned, Detail: err.Error()})
			continue
		}
		all = append(all, comparison{s, c})
	}
	for _, w := range a.Witnesses {
		c, bad := a.ask(ctx, w, r.Checkpoint.Origin)
		if bad != nil {
			r.Compared = append(r.Compared, *bad)
			continue
		}
		if !slices.ContainsFunc(all, func(x comparison) bool { return x.From == c.From && bytes.Equal(x.Note, c.Note) }) {
			all = append(all, c)
		}
	}
	for _, w := range a.Witnesses {
		for _, s := range refused(ctx, w, r.Checkpoint.Origin) {
			c, _, err := a.Signed(s.Note)
			if err == nil && !slices.ContainsFunc(all, func(x comparison) bool { return x.From == s.From && bytes.Equal(x.Note, s.Note) }) {
				all = append(all, comparison{s, c})
			}
		}
	}
	return last, all, nil
}

// ask is what a witness has signed last.
func (a Audit) ask(ctx context.Context, w Witness, origin string) (comparison, *Compared) {
	sum := sha256.Sum256([]byte(origin))
	b, err := w.Source.Read(ctx, hex.EncodeToString(sum[:])+"/checkpoint")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return comparison{}, &Compared{From: w.Name, Result: Unheard, Detail: "it shows no checkpoint of this log"}
	case err != nil:
		return comparison{}, &Compared{From: w.Name, Result: Unheard, Detail: err.Error()}
	}
	c, by, err := a.Signed(b)
	if err == nil && !slices.Contains(by, w.Name) {
		err = errors.New("it has not signed what it shows")
	}
	if err != nil {
		return comparison{}, &Compared{From: w.Name, Result: Unsigned, Detail: err.Error()}
	}
	return comparison{Shown{w.Name, b}, c}, nil
}

// refused is what a witness of ours says that the log has shown it and that it
// has refused. Others keep none.
func refused(ctx context.Context, w Witness, origin string) (shown []Shown) {
	sum := sha256.Sum256([]byte(origin))
	b, err := w.Source.Read(ctx, hex.EncodeToString(sum[:])+"/refused")
	var f struct{ Refused []string }
	if err != nil || json.Unmarshal(b, &f) != nil {
		return nil
	}
	for _, note := range f.Refused[:min(len(f.Refused), maxAhead)] {
		shown = append(shown, Shown{w.Name + ", refused", []byte(note)})
	}
	return shown
}

// compareAll holds everything against the log's newest tree. What is beyond it
// is held against each other as far as it goes, and kept for the next round.
func (a Audit) compareAll(ctx context.Context, r *Round, st *state, now comparison, all []comparison) error {
	var beyond []comparison
	for _, x := range all {
		if x.c.Size > now.c.Size {
			beyond = append(beyond, x)
			continue
		}
		split, err := a.compare(ctx, x, now)
		if err != nil {
			return err
		}
		if err := a.note(r, x, split); err != nil {
			return err
		}
	}
	for i, x := range beyond {
		var split *ledger.SplitView
		for _, y := range append([]comparison{now}, beyond[:i]...) {
			small, large := y, x
			if small.c.Size > large.c.Size {
				small, large = large, small
			}
			// The log need not show tiles of a tree that is not final yet.
			found, err := a.compare(ctx, small, large)
			if err == nil && found != nil {
				split = found
			}
		}
		if split != nil {
			if err := a.note(r, x, split); err != nil {
				return err
			}
			continue
		}
		r.Compared = append(r.Compared, Compared{From: x.From, Size: x.c.Size, Result: Ahead})
		if known := slices.ContainsFunc(st.Ahead, func(y ahead) bool { return y.Checkpoint == string(x.Note) }); !known && len(st.Ahead) < maxAhead && x.From != "the log, before" {
			st.Ahead = append(st.Ahead, ahead{x.From, string(x.Note)})
		}
	}
	return nil
}

// compare is the proof that large does not continue small; nil where it does.
func (a Audit) compare(ctx context.Context, small, large comparison) (*ledger.SplitView, error) {
	s := &ledger.SplitView{Smaller: small.Note, Larger: large.Note}
	if a.Genesis != nil {
		s.Genesis = a.Genesis.MarshalLeaf()
	}
	if small.c.Size == large.c.Size {
		if small.c.Root == large.c.Root {
			return nil, nil
		}
		return s, nil
	}
	if small.c.Size == 0 {
		return nil, nil // every log begins empty
	}
	root, proof, err := prefix(ctx, a.Source, tlog.Tree{N: large.c.Size, Hash: large.c.Root}, small.c.Size)
	if err != nil {
		return nil, a.asProblem(ctx, err, large.c)
	}
	if root == small.c.Root {
		return nil, nil
	}
	s.Prefix, s.Proof = root, proof
	return s, nil
}

// asProblem names the resource because of which a tree could not be read.
func (a Audit) asProblem(ctx context.Context, err error, c ledger.Checkpoint) error {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	if _, found := readEdge(ctx, a.Source, tlog.Tree{N: c.Size, Hash: c.Root}); len(found) > 0 {
		return found[0]
	}
	return damaged("tile", "the log's tiles do not give the root of its checkpoint ("+err.Error()+"); find out which with countersign ledger fsck")
}

// note writes down what a comparison came to; a proof it checks again, as its
// readers will.
func (a Audit) note(r *Round, x comparison, proof *ledger.SplitView) error {
	if proof == nil {
		r.Compared = append(r.Compared, Compared{From: x.From, Size: x.c.Size, Result: Agrees})
		return nil
	}
	split, err := proof.Check(a.Signed)
	if err != nil {
		return err
	}
	b, err := proof.Marshal()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	file := filepath.Join(filepath.Dir(a.State), "split-view-"+hex.EncodeToString(sum[:4])+".json")
	if have, err := os.ReadFile(file); err != nil || !bytes.Equal(have, b) {
		if err := writeFile(file, b); err != nil {
			return err
		}
	}
	r.Compared = append(r.Compared, Compared{From: x.From, Size: x.c.Size, Result: Differs})
	if !slices.ContainsFunc(r.Splits, func(p Proven) bool { return p.File == file }) {
		r.Splits = append(r.Splits, Proven{split, file})
	}
	return nil
}

// read reads the entries that are new.
func (a Audit) read(ctx context.Context, r *Round, st *state) error {
	tree := tlog.Tree{N: r.Checkpoint.Size, Hash: r.Checkpoint.Root}
	if r.Before == tree.N {
		return nil
	}
	var who *issuers
	if a.Genesis != nil {
		registry, err := st.registry(a.Genesis)
		if err != nil {
			return err
		}
		who = newIssuers(registry)
		who.idle, who.from = !a.Signatures, r.Before
	}
	w := &walk{src: a.Source, tree: tree, from: r.Before, problem: func(p *Problem) error { return p }}
	w.unit = func(u unit) error {
		if who != nil {
			if err := checkGenesis(a.Genesis, u); err != nil {
				return damagedEntry(pathOf(-1, 0, len(u.leaves)), 0, err.Error())
			}
			who.take(u)
		}
		if a.Progress != nil {
			a.Progress(u.n*tileWidth+int64(len(u.leaves)), tree.N)
		}
		return nil
	}
	err := w.run(ctx)
	if who != nil {
		who.end()
		st.Participants = append(st.Participants, who.news...)
		r.Void, r.Voids = who.void, who.voids
		r.Issuers = rate(who.checked.Load(), who.busy.Load(), cap(who.units))
	}
	r.Merkle = rate(tree.N-r.Before, w.busy.Load(), a.Source.Readers())
	return err
}
