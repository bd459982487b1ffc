package dossier

import (
	"bytes"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// original is the decision on a claim of the story, as the evidence of what takes
// it back has it.
func (w *world) original(i int) *claims.OriginalFact {
	s := &w.claims[i]
	token := string(bytes.TrimSpace(w.files[fileOf(Decisions, decisionOf(s.Claim.Number, 1))]))
	if token == "" { // the insurer has not signed it yet
		return &claims.OriginalFact{Submission: s.Handle, Received: "2026-11-02"}
	}
	d, err := credentials.Open[claims.ClaimDecisionDocument](token, credentials.KindClaimDecision, credentials.ResolveDIDKey)
	w.check(err)
	return &claims.OriginalFact{Submission: s.Handle, Document: d.Subject.Handle, Received: "2026-11-02", Decision: d.Subject.Decision}
}

// change has the hospital replace or void C1, and the insurer take it back. C1
// was not paid yet, so no remittance tells of it.
func (w *world) change(number string, f claims.Frequency) {
	s := w.claims[0]
	s.Handle, s.Salt = handle("claim "+number), handle("salt "+number)
	s.Source.File = credentials.DigestOf([]byte("the file of " + number))
	s.Claim.Number, s.Claim.Frequency, s.Claim.OriginalReference = number, f, claims.ControlNumber(w.claims[0].Handle)
	w.twisted("change "+number, &s)
	w.claims = append(w.claims, s)
	by := "hospital"
	w.twisted("who changes", &by)
	token := issue(w, Submissions, by, credentials.KindClaimSubmission, s.Handle, nil, s, 0)
	e := w.evidenceFor(len(w.claims)-1, 1, nil)
	e.Original = w.original(0)
	if f == claims.Void {
		e.Lines, e.Accumulators = []claims.LineFact{}, []claims.Accumulators{}
	}
	w.twisted("evidence "+number, e)
	d, err := claims.Adjudicate(&s.Claim, w.plan, e)
	w.check(err)
	file, root, err := claims.SealEvidence(e, handle("seed "+number))
	w.check(err)
	h := decisionOf(number, 1)
	status, _ := w.listed(h, number, 1)
	issue(w, Decisions, "insurer", credentials.KindClaimDecision, h, status, claims.ClaimDecisionDocument{
		Handle: h, Salt: handle("salt2 " + number), Decision: *d, Evidence: root, Submission: credentials.DocumentDigest(token)}, ledger.KindClaimDecision)
	w.files.Evidence(h, file)
}

func decisionFile(number string) string { return fileOf(Decisions, decisionOf(number, 1)) }

// TestChanged has a claim be replaced, and be voided: what takes it back is
// computed again, and the decision taken back is followed by it.
func TestChanged(t *testing.T) {
	for _, f := range []claims.Frequency{claims.Replacement, claims.Void} {
		w := build(t, func(w *world) {
			w.places = map[credentials.Handle]int{}
			w.more = func() {
				w.change("R1", f)
				w.payments = w.payments[1:]
				w.decisionLists("insurer", decisionOf("C1", 1), decisionOf("AUTH-B", 1), decisionOf("C3", 1))
			}
		})
		r := Verify(w.files, nil, nil)
		if !r.OK() {
			t.Errorf("frequency %s: %s", f, failures(r))
		}
		for _, s := range r.Standings {
			if h, _ := handleOf(s.File); h == decisionOf("C1", 1) && s.SupersededBy != decisionOf("R1", 1) {
				t.Errorf("frequency %s: C1 is followed by %s", f, s.SupersededBy)
			}
		}
	}
}

// TestChangedLies has the insurer take back what it may not. Each decision
// follows from its evidence, which does not agree with the other documents.
func TestChangedLies(t *testing.T) {
	evidence := func(change func(o *claims.OriginalFact, w *world)) func(*world) {
		return func(w *world) {
			w.twist = func(step string, v any) {
				if e, ok := v.(*claims.Evidence); ok && step == "evidence R1" {
					change(e.Original, w)
				}
			}
		}
	}
	claim := func(change func(c *claims.Claim)) func(*world) {
		return func(w *world) {
			w.twist = func(step string, v any) {
				if s, ok := v.(*claims.Submission); ok && step == "change R1" {
					change(&s.Claim)
				}
			}
		}
	}
	for name, x := range map[string]struct {
		lie  func(*world)
		want want
	}{
		"another decision than was signed": {evidence(func(o *claims.OriginalFact, _ *world) {
			o.Decision.Met, o.Decision.Lines = nil, nil
			o.Decision.Charge, o.Decision.Allowed, o.Decision.Paid, o.Decision.Patient = 0, 0, 0, 0
		}), want{Decisions, checkOriginals}},
		"another claim's decision": {evidence(func(o *claims.OriginalFact, w *world) { *o = *w.original(1) }), want{Decisions, checkOriginals}},
		"a decision that nobody has": {evidence(func(o *claims.OriginalFact, _ *world) { o.Document = handle("nothing") }),
			want{Decisions, checkRests}},
		"an earlier day of receipt": {evidence(func(o *claims.OriginalFact, _ *world) { o.Received = "2026-01-02" }), want{Decisions, checkOriginals}},
		"a claim that names none":   {claim(func(c *claims.Claim) { c.OriginalReference = "CSNOTHING" }), want{Decisions, checkOriginals}},
		"another provider":          {claim(func(c *claims.Claim) { c.Billing.NPI = good }), want{Decisions, checkOriginals}},
		"another patient":           {claim(func(c *claims.Claim) { c.Subscriber.Birth = "2001-02-03" }), want{Decisions, checkOriginals}},
		"another submitter": {func(w *world) {
			w.twist = func(step string, v any) {
				if by, ok := v.(*string); ok && step == "who changes" {
					*by = "clinic"
				}
			}
			more := w.more
			w.more = func() { w.admit("clinic", ledger.RoleHospital); w.seal(); more() }
		}, want{Decisions, checkOriginals}},
		"before it was decided": {func(w *world) {
			w.more = func() { w.payments = w.payments[1:] }
			w.twist = func(step string, v any) {
				if doc, ok := v.(*claims.ClaimDecisionDocument); ok && step == "document C1" {
					decide := w.twist
					w.twist = func(step string, v any) {
						if e, ok := v.(*claims.Evidence); ok && step == "evidence R1" {
							e.Original.Document, e.Original.Decision = doc.Handle, doc.Decision
						}
					}
					w.change("R1", claims.Void)
					w.twist = decide
				}
			}
		}, want{Decisions, checkOriginals}},
		"another insurer's": {func(w *world) {
			w.twist = func(step string, v any) {
				if by, ok := v.(*string); ok && (step == "sign ClaimDecision" || step == "entry claim-decision") && len(w.claims) == 4 && w.files[fileOf(Decisions, decisionOf("C1", 1))] == nil {
					*by = "insurer2"
				}
			}
			w.founds = func() { w.admit("insurer2", ledger.RoleInsurer) }
		}, want{Decisions, checkOriginals}},
		"a claim that nobody has": {func(w *world) {
			more := w.more
			w.more = func() { more(); delete(w.files, fileOf(Submissions, w.claims[0].Handle)) }
		}, want{decisionFile("R1"), checkRests}},
		"without the evidence of what it takes back": {func(w *world) {
			more := w.more
			w.more = func() { more(); delete(w.files, fileOf(Evidence, decisionOf("C1", 1))) }
		}, want{decisionFile("R1"), checkRests}},
		"taken back twice": {func(w *world) {
			more := w.more
			w.more = func() { more(); w.change("R2", claims.Void) }
		}, want{Decisions, checkOriginals}},
	} {
		t.Run(name, func(t *testing.T) {
			w := build(t, func(w *world) {
				w.more = func() {
					w.change("R1", claims.Void)
					w.payments = w.payments[1:]
				}
				x.lie(w)
			})
			if r := Verify(w.files, nil, nil); !x.want.in(r) {
				t.Errorf("got%s\nwant %s: %s", failures(r), x.want.folder, x.want.check)
			}
		})
	}
}
