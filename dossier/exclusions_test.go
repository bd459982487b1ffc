package dossier

import (
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/exclusions"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// list is a published list of some entries, as of a day.
func list(t testing.TB, edition string, asOf credentials.Date, entries ...claims.Exclusion) *exclusions.List {
	t.Helper()
	m, err := exclusions.Make("oig-leie", edition, asOf, nil, &exclusions.Read{Entries: entries})
	if err != nil {
		t.Fatal(err)
	}
	return &m.List
}

// byList has the whole story decided under a plan that asks a list of excluded
// providers, on which whoever bills stands on the day of C1 where excluded says so.
func byList(t testing.TB, excluded bool, twist func(w *world, l *exclusions.List, step string, v any)) func(*world) {
	return func(w *world) {
		var l *exclusions.List
		w.twist = func(step string, v any) {
			if step == "plan" {
				text := strings.Replace(string(*v.(*[]byte)), "rules: rules/1", "rules: rules/2\npendDays: 30\nproviders: {exclusionList: oig-leie, exclusionListMaxAge: 35}", 1)
				*v.(*[]byte) = []byte(text)
				l = list(t, "2026-10", "2026-10-10")
				if excluded {
					l = list(t, "2026-10", "2026-10-10", claims.Exclusion{NPI: "2999001003", Kind: "1128b7", From: "2026-10-05", Reinstated: "2026-10-06"})
				}
				w.file(ledger.KindExclusionList, "editions/oig-leie-2026-10.exclusions", l.Encode())
			}
			if name, ok := strings.CutPrefix(step, "facts "); ok {
				e := v.(*claims.Evidence)
				for i := range w.claims {
					if w.claims[i].Claim.Number == name {
						e.ExclusionList = l.Facts(&w.claims[i].Claim, e, "2026-11-02")
					}
				}
			}
			if twist != nil {
				twist(w, l, step, v)
			}
		}
	}
}

// TestExclusionList: who has the dossier finds again who stands on the list, and who
// does not.
func TestExclusionList(t *testing.T) {
	for _, excluded := range []bool{false, true} {
		w := build(t, byList(t, excluded, nil))
		report, all := ClaimDecisions(w.files, nil, nil)
		if !report.OK() || report.Reproduced != report.Decisions {
			t.Fatalf("%d of %d decisions again:%s", report.Reproduced, report.Decisions, failures(report))
		}
		for _, told := range all {
			d := told.Decision
			if d.ExclusionList == nil || d.ExclusionList.Edition != "2026-10" {
				t.Errorf("%s names the list %+v", d.Claim, d.ExclusionList)
			}
			if denied := d.Outcome == claims.Denied && d.Lines[0].Adjustments[0].CARC == claims.CARCNotLicensed; d.Claim == "C1" && denied != excluded {
				t.Errorf("excluded = %v, and %s is %s", excluded, d.Claim, d.Outcome)
			}
		}
	}
}

// TestExclusionsAreAskedAgain: whatever the evidence says otherwise than the list, or
// about another list, or about one that was too old or not the newest, is caught.
func TestExclusionsAreAskedAgain(t *testing.T) {
	at := func(step string, change func(w *world, l *exclusions.List, f *claims.ExclusionFacts)) func(*world, *exclusions.List, string, any) {
		return func(w *world, l *exclusions.List, got string, v any) {
			if got == step {
				change(w, l, v.(*claims.Evidence).ExclusionList)
			}
		}
	}
	facts := func(change func(w *world, l *exclusions.List, f *claims.ExclusionFacts)) func(*world, *exclusions.List, string, any) {
		return at("facts C1", change)
	}
	for name, tt := range map[string]struct {
		twist func(w *world, l *exclusions.List, step string, v any)
		want  string
	}{
		"an entry left out":         {facts(func(_ *world, _ *exclusions.List, f *claims.ExclusionFacts) { f.Listed = nil }), "says something else of those who had a part"},
		"an end of our own":         {facts(func(_ *world, _ *exclusions.List, f *claims.ExclusionFacts) { f.Listed[0].Reinstated = "2026-10-05" }), "says something else of those who had a part"},
		"a later day of the list":   {facts(func(_ *world, _ *exclusions.List, f *claims.ExclusionFacts) { f.AsOf = "2026-11-01" }), "says something else of those who had a part"},
		"somebody besides":          {facts(func(_ *world, _ *exclusions.List, f *claims.ExclusionFacts) { f.NPIs = append(f.NPIs, "2999009999") }), "says something else of those who had a part"},
		"asked after it was signed": {facts(func(_ *world, _ *exclusions.List, f *claims.ExclusionFacts) { f.On = "2026-11-09" }), "after it was signed"},
		"another edition's name":    {facts(func(_ *world, _ *exclusions.List, f *claims.ExclusionFacts) { f.List.Edition = "2026-11" }), "by the digest of another one"},
		"a list that is not there":  {facts(func(_ *world, _ *exclusions.List, f *claims.ExclusionFacts) { f.List.Digest[0]++ }), "the list of excluded providers that it names is something else than is needed here"},
		"a newer one was published": {func(w *world, _ *exclusions.List, step string, _ any) {
			if step == "plan" {
				w.file(ledger.KindExclusionList, "editions/oig-leie-2026-11.exclusions", list(t, "2026-11", "2026-10-20").Encode())
			}
			if step == "837" {
				w.now = w.now.AddDate(0, 0, 2)
			}
		}, "a newer list was published before it was signed"},
		"it was too old when it was signed": {func(w *world, _ *exclusions.List, step string, _ any) {
			if step == "837" {
				w.now = w.now.AddDate(0, 0, 14) // 35 days from 10 October are over on 14 November
			}
		}, "the list was older than 35 days when it was signed"},
		"under another name": {func(w *world, l *exclusions.List, step string, _ any) {
			if step == "fees" {
				w.files["editions/oig-leie-2026-12.exclusions"] = w.files["editions/oig-leie-2026-10.exclusions"]
				delete(w.files, "editions/oig-leie-2026-10.exclusions")
			}
		}, "it is the edition editions/oig-leie-2026-10.exclusions"},
		"changed behind its back": {func(w *world, _ *exclusions.List, step string, _ any) {
			if step == "remittance" {
				w.files["editions/oig-leie-2026-10.exclusions"] = list(t, "2026-10", "2026-10-10").Encode()
			}
		}, "no exclusion-list entry in the dossier is of these bytes"},
	} {
		w := build(t, byList(t, true, tt.twist))
		if report := Verify(w.files, nil, nil); report.OK() || !strings.Contains(failures(report), tt.want) {
			t.Errorf("%s: got%s\nwant %q", name, failures(report), tt.want)
		}
	}
}
