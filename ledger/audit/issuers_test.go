package audit

import (
	"strings"
	"testing"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// Entries that fit the tree and mean nothing are found, each with its reason.
// The tree of these is right: an operator who takes rubbish makes such ones.
func TestIssuers(t *testing.T) {
	lt := ledgertest.New(t)
	forged := ledgertest.Entry(t, "forged")
	forged.Document[0] ^= 1
	early := ledgertest.EntryBy(t, "reviewer", ledger.KindDetermination, "early")
	leaves := [][]byte{0: lt.Leaf, 1: early.Marshal(), 2: lt.Admission(t, "reviewer", ledger.RoleReviewer, "board", "insurer").Marshal(),
		3: ledgertest.EntryBy(t, "reviewer", ledger.KindDetermination, "late").Marshal(), 4: forged.Marshal(),
		5: ledgertest.EntryBy(t, "hospital", ledger.KindLicense, "may not").Marshal(), 6: ledgertest.EntryBy(t, "stranger", ledger.KindLicense, "s").Marshal(),
		7: []byte("no entry"), 8: lt.Admission(t, "friend", ledger.RoleInsurer, "board").Marshal()}
	want := map[int64]string{1: "let in only later", 4: "signature does not hold", 5: "not allowed", 6: "not a participant", 7: "not an entry", 8: "1 founders approve, want 2"}
	const size = 600 // the rest holds
	m := build(t, size, func(i int64) []byte {
		if i < int64(len(leaves)) {
			return leaves[i]
		}
		return ledgertest.Entry(t, "e").Marshal()
	})
	_, vkey := testKey(t)
	judge, err := LogKey(vkey)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Fsck{Source: m, Judge: judge, Genesis: lt.Genesis}.Run(t.Context())
	if err != nil || r.Damaged != 0 || r.Entries != size || r.Issuers.Done != size-1 || r.Voids != int64(len(want)) || r.OK() || r.OnlyUnread() {
		t.Fatalf("got %+v, %v", r, err)
	}
	for _, v := range r.Void {
		if why, ok := want[v.Index]; !ok || !strings.Contains(v.Detail, why) {
			t.Errorf("entry %d: got %q, want %q", v.Index, v.Detail, why)
		}
	}
	leaves[0] = leaves[3]
	m = build(t, 3, func(i int64) []byte { return leaves[i] })
	if r, err = (Fsck{Source: m, Judge: judge, Genesis: lt.Genesis}).Run(t.Context()); err != nil || r.Damaged != 1 || *r.Problems[0].Entry != 0 {
		t.Errorf("another genesis: got %+v, %v", r, err)
	}
	if r, err = (Fsck{Source: m, Judge: judge}).Run(t.Context()); err != nil || !r.OK() || r.Issuers.Done != 0 {
		t.Errorf("without issuers: got %+v, %v", r, err)
	}
}
