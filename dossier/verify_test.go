package dossier

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

func failures(r *Report) string {
	s := ""
	for _, c := range r.Failures {
		s += "\n  " + c.File + ": " + c.Name + ": " + c.Detail
	}
	return s
}

func TestVerify(t *testing.T) {
	w := build(t, nil)
	trust := ledger.Trust{Origin: origin, Genesis: w.genesis}
	for name, given := range map[string]*ledger.Trust{"own trust": nil, "given trust": &trust} {
		calls, last := 0, 0
		r := Verify(w.files, given, func(done, total int) { calls, last = done, total })
		if !r.OK() {
			t.Fatalf("%s: a sound dossier fails:%s", name, failures(r))
		}
		if r.Trusted != trust || r.TrustGiven != (given != nil) {
			t.Errorf("%s: got trust %+v, given %v", name, r.Trusted, r.TrustGiven)
		}
		if r.Decisions != 8 || r.Verified != 8 || r.Reproduced != 8 || r.Entries != 15 || r.Files != len(w.files) {
			t.Errorf("%s: got %+v", name, *r)
		}
		if len(r.Unsigned) != 1 || r.Unsigned[0] != SummaryFile {
			t.Errorf("%s: unsigned: got %v, want %s", name, r.Unsigned, SummaryFile)
		}
		if want := w.now.Add(-time.Minute + 3*time.Second); !r.Known.Equal(want) {
			t.Errorf("%s: known: got %v, want %v", name, r.Known, want)
		}
		if calls == 0 || calls != last {
			t.Errorf("%s: progress ended at %d of %d", name, calls, last)
		}
	}
}

func TestVerifyAfterDisk(t *testing.T) {
	w, dir := build(t, nil), t.TempDir()
	if err := w.files.Write(dir); err != nil {
		t.Fatal(err)
	}
	files, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if r := Verify(files, nil, nil); !r.OK() || r.Verified != 8 {
		t.Error(failures(r))
	}
	if err := os.Symlink("/dev/zero", filepath.Join(dir, "submissions", "endless.jwt")); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil {
		t.Error("a link in a dossier: read")
	}
}

// want says that some file of a folder fails by a check.
type want struct{ folder, check string }

func (x want) in(r *Report) bool {
	for _, c := range r.Failures {
		if strings.HasPrefix(c.File, x.folder) && c.Name == x.check {
			return true
		}
	}
	return false
}

// TestLies has the houses sign, record and countersign what is not so. Every
// signature holds; only what the documents say does not agree.
func TestLies(t *testing.T) {
	for name, lie := range map[string]struct {
		twist func(w *world, step string, v any)
		want  want
	}{
		"another amount": {func(_ *world, step string, v any) {
			if d, ok := v.(*claims.Decision); ok && step == "decision C1" {
				d.Lines[0].Paid, d.Paid = d.Paid-1, d.Paid-1
				d.Lines[0].Adjustments[0].Amount++
			}
		}, want{Decisions, checkRecompute}},
		"approval where the rules wait": {func(_ *world, step string, v any) {
			if d, ok := v.(*claims.AuthorizationDecision); ok && step == "authorization decision AUTH-A" {
				d.Items[0].Units++
			}
		}, want{Authorizations, checkRecompute}},
		"another fee": {func(_ *world, step string, v any) {
			if e, ok := v.(*claims.Evidence); ok && step == "evidence C1" {
				*e.Lines[0].Fee--
			}
		}, want{Decisions, checkFee}},
		"no fee": {func(_ *world, step string, v any) {
			if e, ok := v.(*claims.Evidence); ok && step == "evidence C1" {
				e.Lines[0].Fee = nil
			}
		}, want{Decisions, checkFee}},
		"order withheld": {func(w *world, step string, v any) {
			if e, ok := v.(*claims.Evidence); ok && step == "evidence C4" {
				e.Lines[0].Standing.Orders = nil
				e.Lines[0].Standing.Standing = credentials.Standing{Answer: credentials.May, Reason: credentials.ReasonLicensed}
			}
		}, want{Decisions, checkStanding}},
		"order withheld from an authorization": {func(w *world, step string, v any) {
			if e, ok := v.(*claims.AuthorizationEvidence); ok && e.Number == 2 {
				e.Standings[0].Revoked = ""
				for _, f := range []*claims.StandingFact{&e.Standings[0].First, &e.Standings[0].Last} {
					f.Orders, f.Standing = nil, credentials.Standing{Answer: credentials.May, Reason: credentials.ReasonLicensed}
				}
			}
		}, want{Authorizations, checkStanding}},
		"feed read less far than it was": {func(w *world, step string, v any) {
			if f, ok := v.(*claims.StandingFact); ok && f.NPI == revoked && len(f.Orders) > 0 {
				f.Feed = 1
			}
		}, want{Decisions, checkStanding}},
		"feed read beyond the decision": {func(w *world, step string, v any) {
			if f, ok := v.(*claims.StandingFact); ok && f.NPI == good {
				f.Feed = 999
			}
		}, want{Decisions, checkStanding}},
		"license left out": {func(w *world, step string, v any) {
			if e, ok := v.(*claims.Evidence); ok && step == "evidence C1" {
				e.Lines[0].Standing.Licenses = nil
				e.Lines[0].Standing.Standing = credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonNoLicense}
			}
		}, want{Decisions, checkStanding}},
		"another answer": {func(w *world, step string, v any) {
			if e, ok := v.(*claims.Evidence); ok && step == "evidence C4" {
				e.Lines[0].Standing.Standing = credentials.Standing{Answer: credentials.May, Reason: credentials.ReasonLicensed}
			}
		}, want{Decisions, checkStanding}},
		"no revocation inside the dates": {func(w *world, step string, v any) {
			if o, ok := v.(*credentials.Order); ok {
				o.Effective = o.Effective.AddDate(0, 1, 0)
			}
			if e, ok := v.(*claims.AuthorizationEvidence); ok && e.Number == 2 {
				e.Standings[0].Revoked = ""
			}
		}, want{Authorizations, checkStanding}},
		"another state": {func(w *world, step string, v any) {
			if e, ok := v.(*claims.Evidence); ok && step == "evidence C1" {
				e.Lines[0].Standing.State = "NV"
			}
		}, want{Decisions, checkStanding}},
		"authorization for longer": {func(w *world, step string, v any) {
			if e, ok := v.(*claims.Evidence); ok && step == "evidence C2" {
				e.Lines[0].Authorization.Until = "2027-12-31"
			}
		}, want{Decisions, checkAuth}},
		"authorization denied": {func(w *world, step string, v any) {
			if e, ok := v.(*claims.Evidence); ok && step == "evidence C2" {
				e.Lines[0].Authorization.Outcome = claims.AuthorizationDenied
			}
		}, want{Decisions, checkAuth}},
		"authorization of another": {func(w *world, step string, v any) {
			if e, ok := v.(*claims.Evidence); ok && step == "evidence C2" {
				e.Lines[0].Authorization.Handle = decisionOf("AUTH-B", 1)
			}
		}, want{Decisions, checkAuth}},
		"more units left than given": {func(w *world, step string, v any) {
			if e, ok := v.(*claims.Evidence); ok && step == "evidence C2" {
				e.Lines[0].Authorization.Left = 9000
			}
		}, want{Decisions, checkAuth}},
		"authorization without a decision": {func(w *world, step string, v any) {
			if e, ok := v.(*claims.Evidence); ok && step == "evidence C2" {
				e.Lines[0].Authorization.Handle = credentials.Handle{}
			}
		}, want{Decisions, checkAuth}},
		"review that says otherwise": {func(w *world, step string, v any) {
			if e, ok := v.(*claims.Evidence); ok && e.Review != nil {
				r := *e.Review
				r.Reason = "something else"
				e.Review = &r
			}
		}, want{Decisions, checkReview}},
		"review by the hospital": {func(w *world, step string, v any) {
			if by, ok := v.(*string); ok && step == "sign ReviewDetermination" {
				*by = "hospital"
			}
		}, want{Determinations, checkRole}},
		"decision by the hospital": {func(w *world, step string, v any) {
			if by, ok := v.(*string); ok && step == "sign ClaimDecision" {
				*by = "hospital"
			}
		}, want{Decisions, checkRole}},
		"order by the insurer": {func(w *world, step string, v any) {
			if by, ok := v.(*string); ok && step == "sign BoardOrder" {
				*by = "insurer"
			}
		}, want{Orders, checkRole}},
		"license of another state": {func(w *world, step string, v any) {
			if l, ok := v.(*credentials.License); ok && l.NPI == good {
				l.Jurisdiction = "NV"
			}
		}, want{Licenses, checkRole}},
		"submission by a stranger": {func(w *world, step string, v any) {
			if by, ok := v.(*string); ok && step == "sign ClaimSubmission" {
				*by = "stranger"
			}
		}, want{Submissions, checkSignature}},
		"entry by a stranger": {func(w *world, step string, v any) {
			if by, ok := v.(*string); ok && step == "entry remittance" {
				*by = "stranger"
			}
		}, want{Entries, checkRole}},
		"edition recorded by the board": {func(w *world, step string, v any) {
			if by, ok := v.(*string); ok && step == "entry plan-edition" {
				*by = "board"
			}
		}, want{Entries, checkRole}},
		"participant who does not hold the key": {func(w *world, step string, v any) {
			if by, ok := v.(*string); ok && step == "entry participant" {
				*by = "hospital"
			}
		}, want{Entries, checkRole}},
		"claim unlike the file": {func(w *world, step string, v any) {
			if s, ok := v.(*claims.Submission); ok && s.Claim.Number == "C1" {
				s.Claim.Diagnoses = []string{"Z000"}
			}
		}, want{Submissions, checkSource}},
		"claim that the file does not hold": {func(w *world, step string, v any) {
			if s, ok := v.(*claims.Submission); ok && s.Claim.Number == "C1" {
				s.Source.Place = "ISA 1, ST 1, CLM 9"
			}
		}, want{Submissions, checkSource}},
		"answer to another submission": {func(w *world, step string, v any) {
			if d, ok := v.(*claims.ClaimDecisionDocument); ok && step == "document C1" {
				d.Submission = credentials.DigestOf([]byte("another"))
			}
		}, want{Decisions, checkLedger}},
		"other evidence": {func(w *world, step string, v any) {
			if d, ok := v.(*claims.ClaimDecisionDocument); ok && step == "document C1" {
				d.Evidence = credentials.DigestOf([]byte("another"))
			}
		}, want{Evidence, checkEvidence}},
		"payment of another amount": {func(w *world, step string, v any) {
			if r, ok := v.(*x12.Remittance); ok {
				r.Payments = append([]x12.Payment{}, r.Payments...)
				p := &r.Payments[0]
				p.Lines = append([]x12.ServicePayment{}, p.Lines...)
				l := &p.Lines[0]
				l.Adjustments = append([]claims.Adjustment{}, l.Adjustments...)
				l.Adjustments[0].Amount -= 100
				l.Paid, p.Paid = l.Paid+100, p.Paid+100
			}
		}, want{RemittanceFile, checkPayment}},
		"paid twice": {func(w *world, step string, v any) {
			if r, ok := v.(*x12.Remittance); ok {
				r.Payments = append(r.Payments, r.Payments[0])
			}
		}, want{RemittanceFile, checkPayment}},
		"paid to another": {func(w *world, step string, v any) {
			if r, ok := v.(*x12.Remittance); ok {
				r.Payee.NPI = "2999001011"
			}
		}, want{RemittanceFile, checkPayment}},
	} {
		t.Run(name, func(t *testing.T) {
			w := build(t, func(w *world) { w.twist = func(step string, v any) { lie.twist(w, step, v) } })
			r := Verify(w.files, nil, nil)
			if !lie.want.in(r) {
				t.Errorf("got%s\nwant %s: %s", failures(r), lie.want.folder, lie.want.check)
			}
		})
	}
}

// TestQuorum countersigns the third tree head with fewer, more or other
// witnesses than the policy wants.
func TestQuorum(t *testing.T) {
	for name, who := range map[string][]string{
		"two of four":      {"w1", "w2"},
		"all four":         {"w1", "w2", "w3", "w4"},
		"one twice":        {"w1", "w2", "w2"},
		"a stranger":       {"w1", "w2", "stranger"},
		"in another order": {"w2", "w1", "w3"},
		"the log itself":   {},
	} {
		t.Run(name, func(t *testing.T) {
			seen := 0
			w := build(t, func(w *world) {
				w.seals = func(int) []string {
					if seen++; seen == 3 {
						return who
					}
					return []string{"w1", "w2", "w3"}
				}
			})
			r := Verify(w.files, nil, nil)
			if !(want{Receipts, checkReceipt}).in(r) || !(want{Orders, checkRests}).in(r) {
				t.Errorf("got%s\nwant the receipt of the order refused", failures(r))
			}
		})
	}
}

// TestSwaps puts sound pieces into wrong places.
func TestSwaps(t *testing.T) {
	sound := build(t, nil).files
	c1, c4 := decisionOf("C1", 1), decisionOf("C4", 1)
	swap := func(a, b string) func(Files) { return func(f Files) { f[a], f[b] = f[b], f[a] } }
	for name, x := range map[string]struct {
		do   func(Files)
		want want
	}{
		"two decisions":          {swap(fileOf(Decisions, c1), fileOf(Decisions, c4)), want{Decisions, checkName}},
		"two receipts":           {swap(fileOf(Receipts, c1), fileOf(Receipts, c4)), want{Receipts, checkReceipt}},
		"two entries":            {swap(fileOf(Entries, c1), fileOf(Entries, c4)), want{Receipts, checkReceipt}},
		"two pieces of evidence": {swap(fileOf(Evidence, c1), fileOf(Evidence, c4)), want{Evidence, checkEvidence}},
		"entries and receipts": {func(f Files) {
			swap(fileOf(Receipts, c1), fileOf(Receipts, c4))(f)
			swap(fileOf(Entries, c1), fileOf(Entries, c4))(f)
		}, want{Entries, checkName}},
		"receipt of another entry": {func(f Files) { f[fileOf(Receipts, c1)] = f[fileOf(Receipts, c4)] }, want{Receipts, checkReceipt}},
		"decision among licenses":  {func(f Files) { f[fileOf(Licenses, c1)] = f[fileOf(Decisions, c1)] }, want{Licenses, checkSignature}},
		"receipt beside nothing":   {func(f Files) { f[fileOf(Receipts, handle("x"))] = f[fileOf(Receipts, c4)] }, want{Receipts, checkReceipt}},
		"entry beside nothing":     {func(f Files) { f[fileOf(Entries, handle("x"))] = f[fileOf(Entries, c4)] }, want{Entries, checkReceipt}},
		"an edition twice":         {func(f Files) { f["editions/demo-fees-2026-02.csv"] = f["editions/demo-fees-2026-01.csv"] }, want{Editions, checkEdition}},
		"an edition renamed": {func(f Files) {
			f["editions/demo-fees-2026-02.csv"] = f["editions/demo-fees-2026-01.csv"]
			delete(f, "editions/demo-fees-2026-01.csv")
		}, want{Decisions, checkEdition}},
		"two line feeds":    {func(f Files) { f[fileOf(Decisions, c1)] = append(bytes.Clone(f[fileOf(Decisions, c1)]), '\n') }, want{Decisions, checkSignature}},
		"no line feed":      {func(f Files) { f[fileOf(Decisions, c1)] = bytes.TrimSpace(f[fileOf(Decisions, c1)]) }, want{Decisions, checkFormat}},
		"a stray file":      {func(f Files) { f["decisions/readme.txt"] = []byte("hello") }, want{"decisions/readme.txt", checkUncovered}},
		"a deeper folder":   {func(f Files) { f["decisions/old/"+c1.String()+".jwt"] = f[fileOf(Decisions, c1)] }, want{"decisions/old", checkUncovered}},
		"not a handle":      {func(f Files) { f["decisions/mine.jwt"] = f[fileOf(Decisions, c1)] }, want{"decisions/mine", checkName}},
		"capitals":          {func(f Files) { f["licenses/"+strings.ToUpper(c1.String())+".jwt"] = nil }, want{Licenses, checkName}},
		"empty files":       {func(f Files) { f[fileOf(Evidence, c1)] = nil }, want{Evidence, checkEvidence}},
		"trust of another":  {func(f Files) { _ = f.Trust(ledger.Trust{Origin: origin, Genesis: credentials.DigestOf(nil)}) }, want{GenesisFile, checkTrust}},
		"origin of another": {func(f Files) { _ = f.Trust(ledger.Trust{Origin: "x", Genesis: credentials.DigestOf(f[GenesisFile])}) }, want{GenesisFile, checkTrust}},
	} {
		t.Run(name, func(t *testing.T) {
			f := maps.Clone(sound)
			x.do(f)
			r := Verify(f, nil, nil)
			if !x.want.in(r) {
				t.Errorf("got%s\nwant %s: %s", failures(r), x.want.folder, x.want.check)
			}
		})
	}
	other := ledger.Trust{Origin: origin, Genesis: credentials.DigestOf([]byte("another"))}
	r := Verify(sound, &other, nil)
	if !(want{TrustFile, checkTrust}).in(r) || !(want{GenesisFile, checkTrust}).in(r) || r.Verified != 0 {
		t.Errorf("another trust given: got%s", failures(r))
	}
}

// TestFork shows two histories to two readers and puts their receipts into one
// folder: everything in each is countersigned by a quorum.
func TestFork(t *testing.T) {
	one := build(t, nil)
	two := build(t, func(w *world) {
		w.twist = func(step string, v any) {
			if o, ok := v.(*credentials.Order); ok {
				o.Reason = "another"
			}
		}
	})
	f := maps.Clone(one.files)
	c4 := decisionOf("C4", 1)
	f[fileOf(Entries, c4)], f[fileOf(Receipts, c4)] = two.files[fileOf(Entries, c4)], two.files[fileOf(Receipts, c4)]
	r := Verify(f, nil, nil)
	if !(want{Entries, checkReceipt}).in(r) || !strings.Contains(failures(r), "forked") {
		t.Errorf("got%s\nwant a fork", failures(r))
	}
}

// TestLaterReceipt proves the first entry under the newest tree head: sound in
// itself, but it would move the time from which the entry counts as known.
func TestLaterReceipt(t *testing.T) {
	w := build(t, nil)
	for name := range w.files {
		if !in(name, Receipts) {
			continue
		}
		receipt, err := ledger.ParseReceipt(w.files[name])
		w.check(err)
		if receipt.Index != 1 {
			continue
		}
		n, signed := w.head()
		receipt.Checkpoint = signed
		receipt.Path, err = tlog.ProveRecord(n, 1, w)
		w.check(err)
		w.files[name] = receipt.Marshal()
	}
	if r := Verify(w.files, nil, nil); !(want{Entries, checkReceipt}).in(r) || !strings.Contains(failures(r), "not of the first final checkpoint") {
		t.Errorf("got%s\nwant the receipt refused", failures(r))
	}
}

// TestRemove takes out one file at a time. Nothing may be missed but what is
// said to be unsigned, and what others can be checked without.
func TestRemove(t *testing.T) {
	sound := build(t, nil).files
	harmless := map[string]bool{
		SummaryFile:             true,
		"status/revocation.jwt": true, // the orders say when, a list only that
		"status/suspension.jwt": true,
		"status/message.jwt":    true,
		ClaimsFile:              true, // the submissions are signed themselves
	}
	for name := range sound {
		f := maps.Clone(sound)
		delete(f, name)
		if r := Verify(f, nil, nil); r.OK() != harmless[name] {
			t.Errorf("without %s: got%s, want a failure: %v", name, failures(r), !harmless[name])
		}
	}
}

// TestHostile hands over what nobody would have written.
func TestHostile(t *testing.T) {
	for name, f := range map[string]Files{
		"nothing":     nil,
		"empty trust": {TrustFile: nil},
		"no genesis":  {TrustFile: build(t, nil).files[TrustFile]},
		"only junk":   {"": nil, "/": nil, "receipts/.tlog-proof": nil, "../x": []byte("y")},
	} {
		r := Verify(f, nil, nil)
		if r.OK() || r.Verified != 0 {
			t.Errorf("%s: passes", name)
		}
	}
}
