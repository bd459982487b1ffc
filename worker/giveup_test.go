package worker

import (
	"bytes"
	"maps"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
)

func TestRecoverBelievesOnlyTheLedger(t *testing.T) {
	h, before, all := lived(t)
	whole := h.kept(all[1])
	h.restore(before)
	swap := func(folder string, old, with []byte) dossier.Files {
		f := dossier.Files{}
		for name, content := range whole {
			if strings.HasPrefix(name, folder) {
				if content = bytes.Replace(content, old, with, 1); bytes.Equal(content, whole[name]) {
					t.Fatalf("%s: nothing to change", name)
				}
			}
			f[name] = content
		}
		return f
	}
	for what, f := range map[string]dossier.Files{
		"another decision": swap("decisions/", []byte("ey"), []byte("eZ")),
		"other evidence":   swap("evidence/", []byte(`"2026-05-06"`), []byte(`"2026-05-05"`)),
		"no evidence":      {"decisions/x.jwt": []byte(token(whole, "decisions/"))},
		"a signature gone": {"decisions/x.jwt": []byte(token(whole, "decisions/")[:len(token(whole, "decisions/"))-20])},
	} {
		got, err := h.Recover(h.ctx, f)
		if err != nil || len(got.Restored) != 0 || len(got.Missing) != 4 {
			t.Errorf("%s: got %+v, %v, want nothing restored", what, got, err)
		}
	}
	if got, err := h.Recover(h.ctx, whole); err != nil || len(got.Restored) != 1 {
		t.Errorf("as it was: got %+v, %v", got, err)
	}
}

func token(f dossier.Files, folder string) string {
	for name, content := range f {
		if strings.HasPrefix(name, folder) {
			return string(content)
		}
	}
	return ""
}

// held are the claims that a person has to release, with the code.
func (h *house) held() map[string]string {
	h.t.Helper()
	all, err := h.Books.Payments(h.ctx, noon)
	h.must(err)
	held := map[string]string{}
	for _, p := range all {
		if p.Hold != nil {
			held[p.Claim] = p.Hold.Code
		}
	}
	return held
}

func TestGiveUp(t *testing.T) {
	h, before, all := lived(t)
	size := h.entries()
	h.restore(before)
	lost, err := h.GiveUp(h.ctx, nil)
	if err != nil || len(lost) != 4 {
		t.Fatalf("got %+v, %v, want all four", lost, err)
	}
	if lost[0].Submission != all[1] || lost[0].Number != 1 || !lost[1].Submission.IsZero() || lost[2].Number != 1 || lost[2].Kind != "remittance" {
		t.Errorf("got %+v, want C2's decision, an unknown one, remittance 1 and another unknown one", lost)
	}
	h.must(h.CheckBooks(h.ctx))
	if held := h.held(); len(held) != 1 || held["C1"] != "remittance-lost" {
		t.Errorf("got %v, want C1 held: it may have been paid", held)
	}
	if _, err := h.decide(all[1]); !refused(err) || !strings.Contains(err.Error(), books.ErrDecisionLost.Error()) || h.entries() != size {
		t.Errorf("C2, which was decided: got %v, %d entries", err, h.entries())
	}
	// The service of C2 comes in again under another number: it was decided.
	h.claim("C2 again", "2026-05-02")
	if s, err := h.Books.StatusOf(h.ctx, name("C2 again")); err != nil || s.State != string(claims.Denied) {
		t.Errorf("got %+v, %v, want it denied as a duplicate", s, err)
	}
	// C3 comes in again, signed anew: nobody can tell that it was paid.
	h.claim("C3 again", "2026-05-03")
	if held := h.held(); held["C3 again"] != "may-be-decided" {
		t.Errorf("got %v, want it held", held)
	}
	if run, err := h.Remit(h.ctx, "2026-05-08"); err != nil || len(run.Released) != 0 || len(run.Held) != 3 {
		t.Errorf("got %+v, %v, want nothing paid", run, err)
	}
	// A service after the loss is nobody's lost claim.
	h.claim("C9", "2026-05-08")
	run, err := h.Remit(h.ctx, "2026-05-09")
	if err != nil || len(run.Released) != 1 || run.Released[0].Number != 2 || run.Released[0].Count != 1 {
		t.Fatalf("got %+v, %v, want C9 alone in remittance 2", run, err)
	}
	if row, err := h.Books.Recorded(h.ctx, run.Released[0].Handle); err != nil || !row.Recorded {
		t.Errorf("got %+v, %v, want it paid", row, err)
	}
	if _, err := h.GiveUp(h.ctx, []credentials.Handle{all[0]}); err == nil {
		t.Error("gave up what is not missing")
	}
}

// The very document comes again whose decision was given up while the books did
// not have it: the ledger has no place for another decision on it.
func TestTheVeryDocumentAgain(t *testing.T) {
	h, before, all := lived(t)
	size := h.entries()
	h.restore(before)
	_, err := h.GiveUp(h.ctx, nil)
	h.must(err)
	if again := h.receive("C3", "2026-05-03"); again != all[2] {
		t.Fatalf("got %s, want C3 under its handle", again)
	}
	if _, err := h.decide(all[2]); !refused(err) {
		t.Errorf("got %v, want the ledger to refuse", err)
	}
	s, err := h.Books.StatusOf(h.ctx, all[2])
	if err != nil || s.Latest() != nil || h.entries() != size {
		t.Errorf("got %+v, %v, %d entries: a decision without its receipt is none", s.Latest(), err, h.entries())
	}
	if run, err := h.Remit(h.ctx, "2026-05-08"); err != nil || len(run.Released) != 0 {
		t.Errorf("got %d remittances, %v, want nothing paid", len(run.Released), err)
	}
}

// What was given up and turns up after all is taken back.
func TestFoundAfterAll(t *testing.T) {
	h, before, all := lived(t)
	whole := h.remittances(h.kept(all...))
	want := h.standing()
	h.restore(before)
	_, err := h.GiveUp(h.ctx, nil)
	h.must(err)
	got, err := h.Recover(h.ctx, whole)
	if err != nil || len(got.Restored) != 4 || len(got.Missing) != 0 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if lost, err := h.Books.Lost(h.ctx); err != nil || len(lost) != 0 {
		t.Errorf("got %+v, %v, want nothing lost any more", lost, err)
	}
	for i, now := range h.standing() {
		if was := strings.Replace(want[i], " payable ", " held ", 1); now != want[i] && now != was {
			t.Errorf("got %q, want %q", now, want[i])
		}
	}
	h.must(h.CheckBooks(h.ctx))
}

// Decisions that are brought back once the remittance that paid them was given
// up are not paid a second time. C4 was decided after it.
func TestBroughtBackAfterItsRemittance(t *testing.T) {
	h, before, all := lived(t)
	decisions := h.kept(all...)
	paid, err := h.Books.Remittances(h.ctx, "")
	h.must(err)
	h.restore(before)
	_, err = h.GiveUp(h.ctx, []credentials.Handle{paid[0].Handle})
	h.must(err)
	if got, err := h.Recover(h.ctx, decisions); err != nil || len(got.Restored) != 3 {
		t.Fatalf("got %+v, %v, want three decisions back", got, err)
	}
	want := map[string]string{"C1": "remittance-lost", "C2": "remittance-lost", "C3": "remittance-lost"}
	if held := h.held(); !maps.Equal(held, want) {
		t.Errorf("got %v, want %v", held, want)
	}
	run, err := h.Remit(h.ctx, "2026-05-08")
	if err != nil || len(run.Released) != 1 || run.Released[0].Count != 1 || run.Released[0].Number != 2 {
		t.Errorf("got %+v, %v, want C4 alone, in the second remittance", run, err)
	}
}

// Decisions that turn up after the remittance that paid them was given up are
// not paid a second time.
func TestFoundWithoutItsRemittance(t *testing.T) {
	h, before, all := lived(t)
	decisions := h.kept(all...)
	h.restore(before)
	_, err := h.GiveUp(h.ctx, nil)
	h.must(err)
	if got, err := h.Recover(h.ctx, decisions); err != nil || len(got.Restored) != 3 || len(got.Missing) != 1 {
		t.Fatalf("got %+v, %v, want the remittance alone missing", got, err)
	}
	run, err := h.Remit(h.ctx, "2026-05-08")
	if err != nil || len(run.Released) != 0 || len(run.Held) != 4 {
		t.Errorf("got %+v, %v, want all four held for a person", run, err)
	}
}
