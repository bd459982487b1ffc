package ledger_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/witness"
)

func renamed(t testing.TB, name, key string) string {
	t.Helper()
	vkey, err := witness.VerifierKey(name, ledgertest.Key(key))
	if err != nil {
		t.Fatal(err)
	}
	return vkey
}

// cosignAt is a cosignature line with a time of our choosing.
func cosignAt(t testing.TB, name, text string, at time.Time) string {
	t.Helper()
	full := "witness.example/" + name
	v, err := torchwood.NewCosignatureVerifier(renamed(t, full, name))
	if err != nil {
		t.Fatal(err)
	}
	sig := ed25519.Sign(ledgertest.Key(name), fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at.Unix(), text))
	raw := binary.BigEndian.AppendUint32(nil, v.KeyHash())
	raw = binary.BigEndian.AppendUint64(raw, uint64(at.Unix()))
	return "— " + full + " " + base64.StdEncoding.EncodeToString(append(raw, sig...)) + "\n"
}

// A tree in memory, made by x/mod.
type tree struct {
	leaves [][]byte
	hashes []tlog.Hash
}

func (tr *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = tr.hashes[x]
	}
	return out, nil
}

func (tr *tree) add(leaf []byte) {
	h, _ := tlog.StoredHashes(int64(len(tr.leaves)), leaf, tr)
	tr.leaves, tr.hashes = append(tr.leaves, leaf), append(tr.hashes, h...)
}

func (tr *tree) checkpoint() ledger.Checkpoint {
	n := int64(len(tr.leaves))
	root, _ := tlog.TreeHash(n, tr)
	return ledger.Checkpoint{Origin: ledgertest.Origin, Size: n, Root: root}
}

// receipt has the given witnesses sign, each a minute after the one before.
func (tr *tree) receipt(t testing.TB, l *ledgertest.Ledger, index int64, witnesses ...string) ledger.Receipt {
	t.Helper()
	c := tr.checkpoint()
	signed, err := note.Sign(&note.Note{Text: c.Text()}, l.LogKey)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range witnesses {
		signed = append(signed, cosignAt(t, w, c.Text(), start.Add(time.Duration(i)*time.Minute))...)
	}
	path, err := tlog.ProveRecord(c.Size, index, tr)
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Receipt{Index: index, Path: path, Checkpoint: signed}
}

var start = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func newTree(t testing.TB, n int) *tree {
	tr := &tree{}
	for i := range n {
		tr.add(ledgertest.Entry(t, fmt.Sprint(i)).Marshal())
	}
	return tr
}

func TestReceipt(t *testing.T) {
	l, tr := ledgertest.New(t), newTree(t, 11)
	b := tr.receipt(t, l, 6, "w1", "w3", "w4").Marshal()
	r, err := ledger.ParseReceipt(b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Verify(l.Policy, tr.leaves[6])
	want := ledger.Proof{Index: 6, Size: 11, Known: start.Add(2 * time.Minute)}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if _, err := r.Verify(l.Policy, tr.leaves[7]); err == nil {
		t.Error("another leaf: accepted")
	}
	if _, err := r.Verify(ledger.Policy{}, tr.leaves[6]); err == nil {
		t.Error("no policy: accepted")
	}
}

// Torchwood's own verifier, which shares nothing with Receipt.Verify but the
// libraries below, accepts the same receipts.
func TestReceiptByTorchwood(t *testing.T) {
	l, tr := ledgertest.New(t), newTree(t, 5)
	log, _ := note.NewVerifier(l.Genesis.LogKey)
	var witnesses []torchwood.Policy
	for _, vkey := range l.Genesis.Witnesses {
		v, _ := torchwood.NewCosignatureVerifier(vkey)
		witnesses = append(witnesses, torchwood.SingleVerifierPolicy(v))
	}
	policy := torchwood.ThresholdPolicy(3, torchwood.OriginPolicy(ledgertest.Origin), torchwood.SingleVerifierPolicy(log),
		torchwood.ThresholdPolicy(3, witnesses...))
	for i := range tr.leaves {
		b := tr.receipt(t, l, int64(i), "w1", "w2", "w3").Marshal()
		if err := torchwood.VerifyProof(policy, tlog.RecordHash(tr.leaves[i]), b); err != nil {
			t.Errorf("leaf %d: %v", i, err)
		}
	}
}

// Every bit of a receipt, and of its leaf.
func TestReceiptEveryBit(t *testing.T) {
	l, tr := ledgertest.New(t), newTree(t, 7)
	b, leaf := tr.receipt(t, l, 5, "w1", "w2", "w4").Marshal(), tr.leaves[5]
	accepted := func(b, leaf []byte) bool {
		r, err := ledger.ParseReceipt(b)
		if err != nil {
			return false
		}
		_, err = r.Verify(l.Policy, leaf)
		return err == nil
	}
	if !accepted(b, leaf) {
		t.Fatal("the whole receipt is refused")
	}
	for i := range b {
		for bit := range 8 {
			bad := bytes.Clone(b)
			bad[i] ^= 1 << bit
			if accepted(bad, leaf) {
				t.Fatalf("byte %d bit %d of the receipt flipped: accepted:\n%s", i, bit, bad)
			}
		}
		if accepted(b[:i], leaf) {
			t.Fatalf("cut at %d: accepted", i)
		}
		if accepted(append(bytes.Clone(b[:i]), b[i+1:]...), leaf) {
			t.Fatalf("byte %d left out: accepted", i)
		}
		if accepted(append(append(bytes.Clone(b[:i]), b[i]), b[i:]...), leaf) {
			t.Fatalf("byte %d doubled: accepted", i)
		}
	}
	for i := range leaf {
		for bit := range 8 {
			bad := bytes.Clone(leaf)
			bad[i] ^= 1 << bit
			if accepted(b, bad) {
				t.Fatalf("byte %d bit %d of the leaf flipped: accepted", i, bit)
			}
		}
	}
}

func TestReceiptWantsExactlyTheQuorum(t *testing.T) {
	l, tr := ledgertest.New(t), newTree(t, 3)
	for _, c := range []struct {
		what      string
		witnesses []string
		want      bool
	}{
		{"three of four", []string{"w1", "w2", "w3"}, true},
		{"another three", []string{"w2", "w3", "w4"}, true},
		{"none", nil, false},
		{"two of four", []string{"w1", "w2"}, false},
		{"all four", []string{"w1", "w2", "w3", "w4"}, false},
		{"one twice", []string{"w1", "w2", "w2"}, false},
		{"one twice beside three", []string{"w1", "w2", "w3", "w3"}, false},
		{"out of order", []string{"w2", "w1", "w3"}, false},
		{"a stranger beside three", []string{"w1", "w2", "w3", "w9"}, false},
		{"a stranger as the third", []string{"w1", "w2", "w9"}, false},
	} {
		r, err := ledger.ParseReceipt(tr.receipt(t, l, 1, c.witnesses...).Marshal())
		if err == nil {
			_, err = r.Verify(l.Policy, tr.leaves[1])
		}
		if got := err == nil; got != c.want {
			t.Errorf("%s: got %v (%v), want %v", c.what, got, err, c.want)
		}
	}
}

// A published checkpoint may hold more than the quorum: then the known time is
// that of the quorum-th cosignature, in order of time.
func TestFinal(t *testing.T) {
	l, tr := ledgertest.New(t), newTree(t, 3)
	c := tr.checkpoint()
	signed, _ := note.Sign(&note.Note{Text: c.Text()}, l.LogKey)
	note := string(signed)
	minutes := map[string]int{"w1": 40, "w2": 10, "w3": 30, "w4": 20}
	for _, w := range []string{"w1", "w2", "w3", "w4"} {
		note += cosignAt(t, w, c.Text(), start.Add(time.Duration(minutes[w])*time.Minute))
	}
	got, known, err := l.Policy.Final([]byte(note))
	if err != nil || got != c || !known.Equal(start.Add(30*time.Minute)) {
		t.Errorf("got %+v, %v, %v; want the third of four", got, known, err)
	}
	lines := strings.SplitAfter(note, "\n")
	two := strings.Join(lines[:7], "") // text, empty line, log, two cosignatures
	if _, _, err := l.Policy.Final([]byte(two)); err == nil || !strings.Contains(err.Error(), "2 of 3") {
		t.Errorf("two cosignatures: got %v, want not final", err)
	}
	noLog := strings.Join(lines[:4], "") + strings.Join(lines[5:], "")
	if _, _, err := l.Policy.Final([]byte(noLog)); err == nil {
		t.Error("without the log's signature: accepted")
	}
	forged := note[:len(note)-10] + "AAAAAAAA\n"
	if _, _, err := l.Policy.Final([]byte(forged)); err == nil {
		t.Error("with one cosignature that does not hold: accepted")
	}
	year := tr.checkpoint()
	year.Origin = "ledger.example/other"
	if _, _, err := l.Policy.Final([]byte(strings.Replace(note, ledgertest.Origin, year.Origin, 1))); err == nil {
		t.Error("another origin: accepted")
	}
}

// Two libraries that share no code agree on every inclusion proof up to 130.
func TestInclusionByTwoLibraries(t *testing.T) {
	l, tr := ledgertest.New(t), &tree{}
	for n := int64(1); n <= 130; n++ {
		tr.add([]byte(fmt.Sprint("leaf ", n)))
		root := tr.checkpoint().Root
		for i := int64(0); i < n; i++ {
			path, err := tlog.ProveRecord(n, i, tr)
			if err != nil {
				t.Fatal(err)
			}
			var other [][]byte
			for _, h := range path {
				other = append(other, h[:])
			}
			err = proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(i), uint64(n), rfc6962.DefaultHasher.HashLeaf(tr.leaves[i]), other, root[:])
			if err != nil {
				t.Fatalf("leaf %d of %d: %v", i, n, err)
			}
		}
	}
	r := tr.receipt(t, l, 77, "w1", "w2", "w3")
	for i := range r.Path { // and both refuse a changed path
		bad := r
		bad.Path = append([]tlog.Hash(nil), r.Path...)
		bad.Path[i][0] ^= 1
		if _, err := bad.Verify(l.Policy, tr.leaves[77]); err == nil {
			t.Errorf("hash %d of the path changed: accepted", i)
		}
	}
}

func FuzzParseReceipt(f *testing.F) {
	l, tr := ledgertest.New(f), newTree(f, 5)
	f.Add(tr.receipt(f, l, 2, "w1", "w2", "w3").Marshal(), tr.leaves[2])
	f.Add(tr.receipt(f, l, 4).Marshal(), tr.leaves[4])
	f.Fuzz(func(t *testing.T, b, leaf []byte) {
		r, err := ledger.ParseReceipt(b)
		if err != nil {
			return
		}
		if !bytes.Equal(r.Marshal(), b) {
			t.Error("parsed, and marshals to other bytes")
		}
		if _, err := r.Verify(l.Policy, leaf); err == nil && !bytes.Equal(leaf, tr.leaves[r.Index]) {
			t.Error("accepted for a leaf that is not there")
		}
	})
}
