package dossier

import (
	"path"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

func decisionList(p credentials.StatusPurpose) string {
	return "https://insurer.example/status/" + string(p) + "/1"
}

// listed gives a decision its places, and names the one before it.
func (w *world) listed(h credentials.Handle, name string, number int) (status []credentials.StatusEntry, supersedes *credentials.Handle) {
	if w.places == nil {
		return nil, nil
	}
	at := len(w.places) + 1
	w.places[h] = at
	if number > 1 {
		before := decisionOf(name, number-1)
		supersedes = &before
	}
	return credentials.DecisionStatus(decisionList, [2]int{at, 1000 + at}), supersedes
}

// decisionLists writes the insurer's lists, with the bits of these decisions set.
func (w *world) decisionLists(by string, followed ...credentials.Handle) {
	bits, messages := credentials.NewStatusList(1), credentials.NewStatusList(credentials.MessageSize)
	for _, h := range followed {
		w.check(bits.Set(w.places[h], 1))
		w.check(messages.Set(1000+w.places[h], credentials.DecisionSuperseded))
	}
	for p, l := range map[credentials.StatusPurpose]*credentials.StatusList{credentials.PurposeRevocation: bits, credentials.PurposeMessage: messages} {
		token, err := credentials.IssueStatusList(signerOf(by), handle("insurer's list "+string(p)), p, decisionList(p), l, w.now, w.now.Add(time.Hour))
		w.check(err)
		w.files[path.Join(Status, "insurer-"+string(p)+w.now.Format("150405")+".jwt")] = []byte(token + "\n")
	}
}

// putList writes a list of revoked decisions as nobody should sign one.
func (w *world) putList(by string, s credentials.StatusListSubject) {
	s.ID, s.Type = decisionList(credentials.PurposeRevocation)+"#list", "BitstringStatusList"
	token, err := credentials.Issue(signerOf(by), credentials.KindStatusList, handle("a list"), w.now, nil, s)
	w.check(err)
	w.files[path.Join(Status, "insurer-odd.jwt")] = []byte(token + "\n")
}

// What a dossier says of its decisions: superseded by what is in it, standing
// when a list said so, and else not asked.
func TestStandings(t *testing.T) {
	authB, c3 := decisionOf("AUTH-B", 1), decisionOf("C3", 1)
	for name, x := range map[string]struct {
		lists func(*world)
		asked bool
	}{
		"without lists": {func(*world) {}, false},
		"with lists":    {func(w *world) { w.decisionLists("insurer", authB, c3) }, true},
		"with old ones": {func(w *world) { w.decisionLists("insurer") }, true},
		"with two of each": {func(w *world) {
			w.decisionLists("insurer")
			w.now = w.now.Add(time.Minute)
			w.decisionLists("insurer", c3, authB)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var signed time.Time
			w := build(t, func(w *world) {
				w.places = map[credentials.Handle]int{}
				w.more = func() { x.lists(w); signed = w.now.Truncate(time.Second) }
			})
			r := Verify(w.files, nil, nil)
			if !r.OK() || len(r.Standings) != len(w.places) {
				t.Fatalf("got%s, %d standings, want %d", failures(r), len(r.Standings), len(w.places))
			}
			for _, s := range r.Standings {
				h, err := handleOf(s.File)
				w.check(err)
				want := Standing{File: s.File}
				if next, ok := map[credentials.Handle]credentials.Handle{authB: decisionOf("AUTH-B", 2), c3: decisionOf("C3", 2)}[h]; ok {
					want.SupersededBy = next
				} else if x.asked {
					want.AsOf = signed
				}
				if s.SupersededBy != want.SupersededBy || !s.AsOf.Equal(want.AsOf) {
					t.Errorf("got %+v, want %+v", s, want)
				}
				one := VerifyFile(w.files, s.File, w.files[s.File], nil)
				if !one.OK() || len(one.Standings) != 1 || one.Standings[0].File != s.File {
					t.Errorf("by itself: got %+v", one.Standings)
				}
			}
		})
	}
}

// What an insurer cannot say of its decisions.
func TestSupersedesWrongly(t *testing.T) {
	other := handle("another decision")
	for name, x := range map[string]struct {
		change func(*world)
		want   want
	}{
		"a bit, and the decision that follows left out": {func(w *world) {
			w.more = func() { w.decisionLists("insurer", decisionOf("C4", 1)) }
		}, want{Status, checkStanding}},
		"a list of another issuer": {func(w *world) {
			w.more = func() { w.decisionLists("hospital", decisionOf("C4", 1)) }
		}, want{Status, checkRole}},
		"a bit, and the decision that follows does not hold": {func(w *world) {
			w.twist = func(step string, v any) {
				if d, ok := v.(*claims.ClaimDecisionDocument); ok && step == "document C3" && d.Supersedes != nil {
					d.Supersedes = &other
				}
			}
			w.more = func() { w.decisionLists("insurer", decisionOf("C3", 1)) }
		}, want{Status, checkStanding}},
		"a list for another purpose": {func(w *world) {
			w.more = func() {
				w.putList("insurer", credentials.StatusListSubject{Purpose: credentials.PurposeSuspension, Encoded: credentials.NewStatusList(1).Encode()})
			}
		}, want{Status, checkFormat}},
		"a list that does not unpack": {func(w *world) {
			w.more = func() {
				w.putList("insurer", credentials.StatusListSubject{Purpose: credentials.PurposeRevocation, Encoded: "u"})
			}
		}, want{Status, checkFormat}},
		"the ledger records another list": {func(w *world) {
			w.more = func() {
				h := handle("list revocation")
				w.append(h, ledger.Entry{Kind: ledger.KindStatusList, Subject: h, Document: credentials.DigestOf([]byte("another list"))}, "board")
				w.seal()
			}
		}, want{Status, checkLedger}},
		"it supersedes another": {func(w *world) {
			w.twist = func(step string, v any) {
				if d, ok := v.(*claims.ClaimDecisionDocument); ok && step == "document C3" && d.Supersedes != nil {
					d.Supersedes = &other
				}
			}
		}, want{Decisions, checkSequence}},
		"it does not say what it supersedes": {func(w *world) {
			w.twist = func(step string, v any) {
				if h, ok := v.(**credentials.Handle); ok && step == "supersedes AUTH-B" {
					*h = nil
				}
			}
		}, want{Authorizations, checkSequence}},
		"the first supersedes something": {func(w *world) {
			w.twist = func(step string, v any) {
				if d, ok := v.(*claims.ClaimDecisionDocument); ok && step == "document C1" {
					d.Supersedes = &other
				}
			}
		}, want{Decisions, checkSequence}},
	} {
		t.Run(name, func(t *testing.T) {
			w := build(t, func(w *world) { w.places = map[credentials.Handle]int{}; x.change(w) })
			if r := Verify(w.files, nil, nil); !x.want.in(r) || strings.Contains(failures(r), "broke down") {
				t.Errorf("got%s\nwant %s: %s", failures(r), x.want.folder, x.want.check)
			}
		})
	}
}

// Decisions from before there were lists are as good as they were, and nothing
// is said of their status.
func TestStandingsOfOlderDecisions(t *testing.T) {
	w := build(t, nil)
	if r := Verify(w.files, nil, nil); !r.OK() || len(r.Standings) != 0 {
		t.Errorf("got%s, %+v", failures(r), r.Standings)
	}
}
