package ledger_test

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// splitOf is the proof that the second tree does not continue the first, as
// whoever has both trees can make it.
func splitOf(t testing.TB, l *ledgertest.Ledger, small, large *tree, witnesses ...string) ledger.SplitView {
	t.Helper()
	s := ledger.SplitView{Genesis: l.Leaf, Smaller: small.receipt(t, l, 0, witnesses...).Checkpoint, Larger: large.receipt(t, l, 0, witnesses...).Checkpoint}
	m, n := int64(len(small.leaves)), int64(len(large.leaves))
	if m < n {
		s.Prefix, _ = tlog.TreeHash(m, large)
		var err error
		if s.Proof, err = tlog.ProveTree(n, m, large); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// fork is a tree that agrees with newTree up to an entry.
func fork(t testing.TB, n, from int) *tree {
	tr := newTree(t, from)
	for i := from; i < n; i++ {
		tr.add(ledgertest.Entry(t, fmt.Sprint("fork ", i)).Marshal())
	}
	return tr
}

func TestSplitView(t *testing.T) {
	l := ledgertest.New(t)
	for _, size := range []int{5, 6, 8, 300} {
		s := splitOf(t, l, newTree(t, 5), fork(t, size, 4), "w1", "w3")
		b, err := s.Marshal()
		if err != nil || !ledger.IsSplitView(b) {
			t.Fatal(err)
		}
		parsed, err := ledger.ParseSplitView(b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parsed.Check(l.Policy.Signed)
		if err != nil || got.Smaller.Size != 5 || got.Larger.Size != int64(size) || len(got.Both) != 2 {
			t.Errorf("5 and %d: got %+v, %v", size, got, err)
		}
	}
}

// Nobody can be accused of what they have not done.
func TestSplitViewRefused(t *testing.T) {
	l := ledgertest.New(t)
	five := newTree(t, 5)
	good := splitOf(t, l, five, fork(t, 8, 4))
	by := func(c ledger.Checkpoint, s note.Signer) []byte {
		b, err := note.Sign(&note.Note{Text: c.Text()}, s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	same := splitOf(t, l, five, newTree(t, 5))
	continues := splitOf(t, l, five, newTree(t, 8))
	edit := func(f func(*ledger.SplitView)) ledger.SplitView {
		s := good
		s.Proof = append(tlog.TreeProof(nil), good.Proof...)
		f(&s)
		return s
	}
	other := fork(t, 8, 3).checkpoint()
	for what, s := range map[string]ledger.SplitView{
		"the same tree":                            same,
		"a tree that continues":                    continues,
		"continues, prefix forged":                 edit(func(s *ledger.SplitView) { s.Larger, s.Proof = continues.Larger, continues.Proof }),
		"continues, its own proof, another prefix": edit(func(s *ledger.SplitView) { *s = continues; s.Prefix[0] ^= 1 }),
		"the other order":                          edit(func(s *ledger.SplitView) { s.Smaller, s.Larger = s.Larger, s.Smaller }),
		"no proof":                                 edit(func(s *ledger.SplitView) { s.Proof = nil }),
		"no prefix":                                edit(func(s *ledger.SplitView) { s.Prefix = tlog.Hash{} }),
		"proof of another tree":                    edit(func(s *ledger.SplitView) { s.Proof[0][0] ^= 1 }),
		"unsigned":                                 edit(func(s *ledger.SplitView) { s.Larger = []byte(other.Text() + "\n") }),
		"of another origin": edit(func(s *ledger.SplitView) {
			other.Origin = "other.example/log"
			s.Larger = by(other, l.LogKey)
		}),
		"signature of another checkpoint": edit(func(s *ledger.SplitView) {
			i := bytes.Index(s.Larger, []byte("\n\n"))
			s.Larger = append([]byte(fork(t, 8, 2).checkpoint().Text()), s.Larger[i+1:]...)
		}),
	} {
		if got, err := s.Check(l.Policy.Signed); err == nil {
			t.Errorf("%s: accepted as %+v", what, got)
		}
	}
	if _, err := good.Check(l.Policy.Signed); err != nil {
		t.Fatal(err)
	}
	b, err := good.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for i := bytes.Index(b, []byte(`"larger"`)); i < len(b); i++ { // before it stands leaf 0, which the trust pins
		bad := bytes.Clone(b)
		bad[i] ^= 1
		if s, err := ledger.ParseSplitView(bad); err == nil {
			if _, err = s.Check(l.Policy.Signed); err == nil {
				t.Errorf("byte %d (%q) changed: accepted", i, b[i])
			}
		}
	}
}

func FuzzParseSplitView(f *testing.F) {
	l := ledgertest.New(f)
	b, err := splitOf(f, l, newTree(f, 2), fork(f, 3, 1)).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ledger.ParseSplitView(b)
		if err != nil {
			return
		}
		if again, err := s.Marshal(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("read %q, wrote %q, %v", b, again, err)
		}
		s.Check(l.Policy.Signed)
	})
}
