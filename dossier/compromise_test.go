package dossier

import (
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// compromised hands a party over to its next key and declares the one before
// bad from an entry on.
func (w *world) compromised(party string, from int64) {
	old := signerOf(party)
	did, err := credentials.SignerDID(old)
	w.check(err)
	_, multikey, err := credentials.ParseKeyID(signerOf(party + " next").KeyID())
	w.check(err)
	next := credentials.NewSigner(string(did)+"#"+multikey, keyOf(party+" next"))
	h, err := ledger.NewHandover(w.genesis, old, next)
	w.check(err)
	for i, make := range []func() (ledger.Entry, error){h.Entry, ledger.Compromise{DID: did, Key: old.KeyID(), From: from}.Entry} {
		e, err := make()
		w.check(err)
		e.Effective = w.now
		e, err = e.Sign([]credentials.Signer{old, next}[i])
		w.check(err)
		w.files[fileOf(Entries, e.Subject)] = e.Marshal()
		w.open = append(w.open, e.Subject)
		w.leaf(e.Marshal())
	}
}

// place is where on the ledger the entry of a document stands.
func (w *world) place(folder string, h credentials.Handle) int64 {
	r, err := ledger.ParseReceipt(w.files[fileOf(Receipts, h)])
	w.check(err)
	return r.Index
}

// A dossier that carries the declaration: what the key signed before the place
// holds, and all else is refused, with what rests on it.
func TestCompromised(t *testing.T) {
	license := func(w *world, npi credentials.NPI) int64 { return w.place(Licenses, handle("license "+string(npi))) }
	for name, tt := range map[string]struct {
		party string
		from  func(w *world) int64
		want  []want
		clean []string // folders in which nothing fails
	}{
		"the board, after all that it said": {"board", func(w *world) int64 { return int64(len(w.leaves)) }, []want{{Status, checkPeriod}}, []string{Licenses, Orders, Decisions}},
		"the board, from its order on":      {"board", func(w *world) int64 { return w.place(Orders, w.orders[0].Handle) }, []want{{Entries, checkPeriod}, {Orders, checkRests}, {Decisions, checkRests}}, []string{Licenses}},
		"the board, from its second license on": {"board", func(w *world) int64 { return license(w, revoked) },
			[]want{{fileOf(Entries, handle("license "+string(revoked))), checkPeriod}, {fileOf(Licenses, handle("license "+string(revoked))), checkRests}}, nil},
		"the hospital, after all was decided": {"hospital", func(w *world) int64 { return int64(len(w.leaves)) }, nil, []string{Submissions, Decisions, Authorizations}},
		"the hospital, from the first on":     {"hospital", func(w *world) int64 { return 1 }, []want{{Submissions, checkPeriod}, {Decisions, checkRests}}, []string{Licenses}},
		"the insurer, after all was decided":  {"insurer", func(w *world) int64 { return int64(len(w.leaves)) }, nil, []string{Decisions, Authorizations}},
		"the insurer, from the first on":      {"insurer", func(w *world) int64 { return 1 }, []want{{Entries, checkPeriod}, {Decisions, checkRests}}, []string{Licenses, Submissions}},
	} {
		t.Run(name, func(t *testing.T) {
			w := build(t, nil)
			w.more = nil
			from := tt.from(w)
			w.compromised(tt.party, from)
			w.seal()
			r := Verify(w.files, nil, nil)
			for _, want := range tt.want {
				if !want.in(r) {
					t.Errorf("want %s: %s; got%s", want.folder, want.check, failures(r))
				}
			}
			for _, c := range r.Failures {
				for _, folder := range tt.clean {
					if in(c.File, folder) {
						t.Errorf("%s failed: %s", c.File, c.Detail)
					}
				}
			}
			if (len(tt.want) == 0) != r.OK() {
				t.Errorf("OK is %v%s", r.OK(), failures(r))
			}
		})
	}
}

// A claim that was decided before the place holds, one that was decided behind
// it does not: nothing else says when the hospital signed it.
func TestCompromisedAmongDecisions(t *testing.T) {
	var late credentials.Handle
	w := build(t, func(w *world) {
		w.twist = func(step string, v any) {
			if d, ok := v.(*claims.Decision); ok && step == "decision C4" {
				late = d.Submission
			}
		}
	})
	from := int64(len(w.leaves))
	for name := range w.files {
		if !in(name, Decisions) {
			continue
		}
		h, err := handleOf(name)
		w.check(err)
		c, err := credentials.Open[claims.ClaimDecisionDocument](string(w.files[name][:len(w.files[name])-1]), credentials.KindClaimDecision, credentials.ResolveDIDKey)
		w.check(err)
		if c.Subject.Decision.Submission == late {
			from = w.place(Decisions, h)
		}
	}
	w.compromised("hospital", from)
	w.seal()
	r := Verify(w.files, nil, nil)
	if bad := (want{fileOf(Submissions, late), checkPeriod}); !bad.in(r) {
		t.Errorf("want %s: %s; got%s", bad.folder, bad.check, failures(r))
	}
	for _, c := range r.Failures {
		if in(c.File, Submissions) && c.File != fileOf(Submissions, late) {
			t.Errorf("%s was decided before: %s", c.File, c.Detail)
		}
	}
}
