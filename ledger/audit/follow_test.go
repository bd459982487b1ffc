package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// A world is a ledger whose operator does what the test wants, with four real
// witnesses, which do what they must.
type world struct {
	*testing.T
	lt    *ledgertest.Ledger
	dir   string
	sizes map[string]int64 // of witnesses
	shown map[string]memory
	over  map[string]Source // what stands in for a witness
}

func newWorld(t *testing.T) *world {
	return &world{t, ledgertest.New(t), t.TempDir(), map[string]int64{}, map[string]memory{}, map[string]Source{}}
}

// history is a log of that size; from an index on its entries are another
// history's.
func (w *world) history(size, from int64, name string) memory {
	return build(w, size, func(i int64) []byte {
		switch {
		case i == 0:
			return w.lt.Leaf
		case i >= from:
			return fmt.Appendf(nil, "%s %d", name, i)
		}
		return fmt.Appendf(nil, "entry %d", i)
	})
}

func treeOf(t testing.TB, m memory) ledger.Checkpoint {
	t.Helper()
	text, _, _ := strings.Cut(string(m["checkpoint"]), "\n\n")
	c, err := ledger.ParseCheckpoint(text + "\n")
	if err != nil {
		t.Fatal(err)
	}
	c.Origin = ledgertest.Origin
	return c
}

// cosigned has the log sign the tree of m, and those witnesses countersign it.
func (w *world) cosigned(m memory, witnesses ...int) memory {
	w.Helper()
	c := treeOf(w, m)
	note, err := note.Sign(&note.Note{Text: c.Text()}, w.lt.LogKey)
	if err != nil {
		w.Fatal(err)
	}
	var cosigs []ledger.Cosignature
	for _, i := range witnesses {
		x := w.lt.Witnesses[i]
		_, proof, err := prefix(w.Context(), m, tlog.Tree{N: c.Size, Hash: c.Root}, w.sizes[x.Name])
		if err != nil {
			w.Fatal(err)
		}
		body := fmt.Sprintf("old %d\n", w.sizes[x.Name])
		for _, h := range proof {
			body += h.String() + "\n"
		}
		resp, err := http.Post(x.URL+"/add-checkpoint", "", strings.NewReader(body+"\n"+string(note)))
		if err != nil {
			w.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		co, err := w.lt.Policy.OpenCosignature(c, i, answer)
		if err != nil {
			w.Fatalf("%s: %v", answer, err)
		}
		w.sizes[x.Name] = c.Size
		cosigs = append(cosigs, co)
	}
	if len(cosigs) == w.lt.Policy.Quorum {
		if note, err = w.lt.Policy.Finalize(note, cosigs); err != nil {
			w.Fatal(err)
		}
	}
	return m.with("checkpoint", note)
}

func (w *world) audit(m Source) (*Round, error) {
	w.Helper()
	a := Audit{Source: m, Judge: w.lt.Policy.Final, Signed: w.lt.Policy.Signed, Genesis: w.lt.Genesis, State: filepath.Join(w.dir, "state.json")}
	for _, x := range w.lt.Witnesses {
		src, err := Open(x.URL, nil)
		if err != nil {
			w.Fatal(err)
		}
		if over := w.over[x.Name]; over != nil {
			src = over
		}
		a.Witnesses = append(a.Witnesses, Witness{x.Name, src})
	}
	return a.Run(w.Context())
}

func results(r *Round) (s []string) {
	for _, c := range r.Compared {
		s = append(s, fmt.Sprintf("%s %d %s", strings.TrimPrefix(c.From, "witness.example/"), c.Size, c.Result))
	}
	return s
}

// check wants a round with these results, and no split view but where the
// result says so: then its proof holds for whoever has the trust.
func (w *world) check(what string, m Source, size, before int64, want ...string) *Round {
	w.Helper()
	r, err := w.audit(m)
	if err != nil {
		w.Fatalf("%s: %v", what, err)
	}
	if r.Checkpoint.Size != size || r.Before != before || !slices.Equal(results(r), want) {
		w.Errorf("%s: got %d entries, %d before, %q; want %d, %d, %q", what, r.Checkpoint.Size, r.Before, results(r), size, before, want)
	}
	if differs := strings.Contains(strings.Join(want, " "), string(Differs)); differs != (len(r.Splits) > 0) {
		w.Errorf("%s: got %d proofs", what, len(r.Splits))
	}
	for _, p := range r.Splits {
		b, err := os.ReadFile(p.File)
		if err != nil || !ledger.IsSplitView(b) {
			w.Fatal(err)
		}
		s, err := ledger.ParseSplitView(b)
		if err != nil {
			w.Fatal(err)
		}
		g, err := ledger.Trust{Origin: ledgertest.Origin, Genesis: w.lt.Genesis.Digest()}.Check(s.Genesis)
		if err != nil {
			w.Fatal(err)
		}
		policy, err := g.Policy()
		if err != nil {
			w.Fatal(err)
		}
		if _, err := s.Check(policy.Signed); err != nil {
			w.Errorf("%s: the proof does not hold: %v", what, err)
		}
	}
	return r
}

// A log that only grows, with witnesses that see it grow.
func TestAudit(t *testing.T) {
	w := newWorld(t)
	m := w.cosigned(w.history(3, 1e9, ""), 0, 1, 2)
	w.check("first", m, 3, 0, "w1 3 agrees", "w2 3 agrees", "w3 3 agrees", "w4 0 unheard")
	w.check("nothing new", m, 3, 3, "the log, before 3 agrees", "w1 3 agrees", "w2 3 agrees", "w3 3 agrees", "w4 0 unheard")
	m = w.cosigned(w.history(300, 1e9, ""), 1, 2, 3)
	r := w.check("grown", m, 300, 3, "the log, before 3 agrees", "w1 3 agrees", "w2 300 agrees", "w3 300 agrees", "w4 300 agrees")
	if r.Merkle.Done != 297 {
		t.Errorf("grown: got %d new entries, want 297", r.Merkle.Done)
	}
	// A witness may be ahead of what the log shows as final. What it showed is
	// remembered until the log is there.
	next := w.history(700, 1e9, "")
	w.cosigned(next, 0)
	w.check("a witness ahead", m, 300, 300, "the log, before 300 agrees", "w1 700 ahead", "w2 300 agrees", "w3 300 agrees", "w4 300 agrees")
	w.over[w.lt.Witnesses[0].Name] = memory{}
	w.check("the log is there", w.cosigned(next, 1, 2, 3), 700, 300, "the log, before 300 agrees", "w1 0 unheard", "w1 700 agrees", "w2 700 agrees", "w3 700 agrees", "w4 700 agrees")
	w.check("an old checkpoint", m, 300, 700, "the log, before 700 ahead", "w1 0 unheard", "w2 700 ahead", "w3 700 ahead", "w4 700 ahead")
}

// The fork is shown to one witness: its checkpoint is smaller, as large, or
// larger than the log's, and found in every case.
func TestAuditSplitView(t *testing.T) {
	for _, fork := range []int64{5, 200, 300, 301} {
		w := newWorld(t)
		m := w.cosigned(w.history(300, 1e9, ""), 0, 1, 2)
		w.cosigned(w.history(fork, 3, "fork"), 3)
		want := fmt.Sprintf("w4 %d differs", fork)
		if fork > 300 {
			w.check("before", m, 300, 0, "w1 300 agrees", "w2 300 agrees", "w3 300 agrees", fmt.Sprintf("w4 %d ahead", fork))
			r := w.check("as the log grows", w.cosigned(w.history(600, 1e9, ""), 0, 1, 2), 600, 0,
				"the log, before 300 agrees", "w1 600 agrees", "w2 600 agrees", "w3 600 agrees", fmt.Sprintf("w4 %d differs", fork))
			if len(r.Splits) != 1 {
				t.Errorf("got %d proofs of one split view", len(r.Splits))
			}
			continue
		}
		r := w.check(fmt.Sprint("fork at ", fork), m, 300, 0, "w1 300 agrees", "w2 300 agrees", "w3 300 agrees", want)
		if len(r.Splits[0].Both) != 0 {
			t.Errorf("got %q as signers of both", r.Splits[0].Both)
		}
		if _, err := os.Stat(filepath.Join(w.dir, "state.json")); err == nil {
			t.Error("the round was remembered as if it had been good")
		}
	}
}

// History is rewritten and all witnesses go along: the auditor remembers. The
// proof names those who signed both.
func TestAuditRewritten(t *testing.T) {
	for _, size := range []int64{300, 500} {
		w := newWorld(t)
		w.check("honest", w.cosigned(w.history(300, 1e9, ""), 0, 1, 2), 300, 0, "w1 300 agrees", "w2 300 agrees", "w3 300 agrees", "w4 0 unheard")
		liars := newWorld(t) // the same keys without a memory
		w.lt = liars.lt
		fork := liars.cosigned(liars.history(size, 3, "fork"), 0, 1, 2)
		r := w.check("rewritten", fork, size, 0, "the log, before 300 differs", fmt.Sprintf("w1 %d agrees", size), fmt.Sprintf("w2 %d agrees", size), fmt.Sprintf("w3 %d agrees", size), "w4 0 unheard")
		if len(r.Splits) != 1 || len(r.Splits[0].Both) != 3 {
			t.Errorf("got %+v", r.Splits)
		}
	}
}

// What is no checkpoint of the log proves nothing against it.
func TestAuditBadWitness(t *testing.T) {
	w := newWorld(t)
	m := w.cosigned(w.history(300, 1e9, ""), 0, 1, 2)
	w1, err := Open(w.lt.Witnesses[0].URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	for what, over := range map[string]Source{
		"another's": w1, "garbage": answers("garbage\n"), "of the log alone": answers(m["checkpoint"][:bytes.Index(m["checkpoint"], []byte("— witness"))]),
		"changed": answers(flip(m["checkpoint"], 30)),
	} {
		w.over[w.lt.Witnesses[3].Name] = over
		r, err := w.audit(m)
		if err != nil || len(r.Splits) != 0 || r.Compared[len(r.Compared)-1].Result != Unsigned {
			t.Errorf("%s: got %v, %v", what, results(r), err)
		}
	}
}

// answers says the same to everything.
type answers []byte

func (a answers) Read(_ context.Context, _ string) ([]byte, error) { return a, nil }
func (a answers) Readers() int                                     { return 1 }

// What is damaged is named, and the round is not remembered.
func TestAuditDamaged(t *testing.T) {
	w := newWorld(t)
	small := w.cosigned(w.history(300, 1e9, ""), 0, 1, 2)
	w.check("first", small, 300, 0, "w1 300 agrees", "w2 300 agrees", "w3 300 agrees", "w4 0 unheard")
	m := w.cosigned(w.history(700, 1e9, ""), 0, 1, 2)
	var p *Problem
	for _, path := range []string{"tile/entries/001", "tile/entries/002.p/188", "tile/1/000.p/2", "checkpoint"} {
		if _, err := w.audit(m.with(path, flip(m[path], len(m[path])-20))); !errors.As(err, &p) || p.Resource != path {
			t.Errorf("%s: got %v", path, err)
		}
	}
	if _, err := w.audit(m.with("tile/entries/000", []byte("read before"))); err != nil {
		t.Errorf("what was read before: got %v", err)
	}
	os.WriteFile(filepath.Join(w.dir, "state.json"), []byte("{}"), 0o600)
	if _, err := w.audit(m); err == nil || errors.As(err, &p) {
		t.Errorf("a state that is none: got %v", err)
	}
}

// Newcomers are remembered from round to round, and void entries told of once.
func TestAuditIssuers(t *testing.T) {
	w := newWorld(t)
	leaves := [][]byte{w.lt.Leaf, w.lt.Admission(t, "reviewer", ledger.RoleReviewer, "board", "insurer").Marshal(), []byte("no entry")}
	for i := range 5 {
		leaves = append(leaves, ledgertest.EntryBy(t, "reviewer", ledger.KindDetermination, fmt.Sprint(i)).Marshal())
	}
	for _, x := range []struct{ size, checked, void int64 }{{3, 2, 1}, {5, 2, 0}, {8, 3, 0}} {
		m := w.cosigned(build(t, x.size, func(i int64) []byte { return leaves[i] }), 0, 1, 2)
		a := Audit{Source: m, Judge: w.lt.Policy.Final, Signed: w.lt.Policy.Signed, Genesis: w.lt.Genesis, State: filepath.Join(w.dir, "state.json"), Signatures: true}
		r, err := a.Run(t.Context())
		if err != nil || r.Issuers.Done != x.checked || r.Voids != x.void {
			t.Errorf("%d entries: got %+v, %v", x.size, r, err)
		}
	}
}
