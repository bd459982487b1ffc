package dossier

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/pricing"
	"github.com/countersign-health/countersign/claims/terms"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

const (
	good    credentials.NPI = "2999002019"
	revoked credentials.NPI = "2999002183"
)

// file837 has four claims: paid, drawing on an authorization, priced by a
// reviewer, and of a clinician whose license is revoked.
const file837 = `ISA*00*          *00*          *ZZ*HOSPITAL       *ZZ*DEMOPPO        *261102*0900*^*00501*000000001*0*P*:~
GS*HC*HOSPITAL*DEMOPPO*20261102*0900*1*X*005010X222A1~
ST*837*0001*005010X222A1~
BHT*0019*00*R1*20261102*0900*CH~
NM1*41*2*HOSPITAL*****46*HOSPITAL~
PER*IC*BILLING*TE*9165550100~
NM1*40*2*DEMO-PPO*****46*DEMOPPO~
HL*1**20*1~
NM1*85*2*HOSPITAL*****XX*2999001003~
N3*100 EXAMPLE WAY~
N4*SACRAMENTO*CA*958140001~
REF*EI*990000001~
HL*2*1*22*0~
SBR*P*18*DEMO-PPO******12~
NM1*IL*1*HALVORSEN*INGRID****MI*DPA100001~
N3*12 ORCHARD LANE~
N4*SACRAMENTO*CA*95816~
DMG*D8*19840317*F~
NM1*PR*2*DEMO-PPO*****PI*DEMOPPO~
CLM*C1*140.00***11:B:1*Y*A*Y*Y~
HI*ABK:J069~
NM1*82*1*AMARANTH*NADIA****XX*2999002019~
LX*1~
SV1*HC:99213*140.00*UN*1***1~
DTP*472*D8*20261005~
CLM*C2*900.00***22:B:1*Y*A*Y*Y~
REF*G1*AUTH-A~
HI*ABK:M5450~
NM1*82*1*AMARANTH*NADIA****XX*2999002019~
LX*1~
SV1*HC:72148*900.00*UN*1***1~
DTP*472*D8*20261009~
CLM*C3*300.00***11:B:1*Y*A*Y*Y~
HI*ABK:J069~
NM1*82*1*AMARANTH*NADIA****XX*2999002019~
LX*1~
SV1*HC:99199*300.00*UN*1***1~
DTP*472*RD8*20261010-20261011~
CLM*C4*140.00***11:B:1*Y*A*Y*Y~
HI*ABK:J069~
NM1*82*1*RUSKIN*PETRA****XX*2999002183~
LX*1~
SV1*HC:99213*140.00*UN*1***1~
DTP*472*D8*20261020~
SE*43*0001~
GE*1*1~
IEA*1*000000001~
`

// build makes a whole dossier. Every piece is the real one but for the keys
// and the ledger, which are in memory.
func build(t testing.TB, change func(*world)) *world {
	w := &world{t: t, files: Files{}, now: began, licensed: map[credentials.NPI]credentials.License{}}
	if change != nil {
		change(w)
	}
	w.found()
	w.admit("reviewer", ledger.RoleReviewer)
	if w.founds != nil {
		w.founds()
	}
	w.publish()
	w.license(good, 7)
	w.license(revoked, 9)
	w.seal()

	w.submit()
	w.authorize("AUTH-A", good, "72148", 1, "2026-10-01", "2026-12-31", 1, "")
	w.authorize("AUTH-B", revoked, "70551", 1, "2026-10-15", "2026-12-31", 1, "")
	w.decide(0, 1, nil)
	w.decide(1, 1, nil)
	w.decide(2, 1, nil)
	w.seal()

	w.revoke(revoked, time.Date(2026, 10, 15, 0, 0, 0, 0, time.UTC))
	w.statusList(9)
	w.seal()
	w.authorize("AUTH-B", revoked, "70551", 1, "2026-10-15", "2026-12-31", 2, claims.AuthorizationApproved)
	w.decide(2, 2, w.determine())
	w.decide(3, 1, nil)
	w.seal()
	if w.more != nil {
		w.more()
		w.seal()
	}
	if w.remits == nil {
		w.remit()
		w.seal()
	} else {
		w.remits()
	}
	w.files[SummaryFile] = []byte("{}\n")
	return w
}

func (w *world) publish() {
	plan, fees := readTestdata(w, "plan.yaml"), readTestdata(w, "fees.csv")
	w.twisted("plan", &plan)
	w.twisted("fees", &fees)
	var err error
	w.plan, err = claims.ParsePlan(plan)
	w.check(err)
	w.fees, err = pricing.ParseFees(fees)
	w.check(err)
	w.feesRef = w.fees.Ref("demo-fees", "2026-01")
	w.file(ledger.KindPlanEdition, "editions/demo-ppo-2026-01.yaml", plan)
	w.file(ledger.KindFeeEdition, "editions/demo-fees-2026-01.csv", fees)
}

// submit signs the claims of the 837.
func (w *world) submit() {
	billed := file837
	w.twisted("837", &billed)
	w.files[ClaimsFile] = []byte(billed)
	f, err := x12.ReadClaims(strings.NewReader(billed), func(s x12.Submitted) error {
		sub := claims.Submission{Handle: handle("claim " + s.Claim.Number), Salt: handle("salt " + s.Claim.Number), Claim: s.Claim, Source: s.Source}
		w.twisted("submission", &sub)
		w.claims = append(w.claims, sub)
		issue(w, Submissions, "hospital", credentials.KindClaimSubmission, sub.Handle, nil, sub, 0)
		return nil
	})
	w.check(err)
	if len(f.Refusals) > 0 || len(w.claims) != 4 {
		w.t.Fatalf("837: %d claims, %v", len(w.claims), f.Refusals)
	}
}

func decisionOf(name string, number int) credentials.Handle {
	return handle("decision " + name + " " + string(rune('0'+number)))
}

func (w *world) authorize(name string, npi credentials.NPI, code string, units int, from, until credentials.Date, number int, before claims.AuthorizationOutcome) {
	s := claims.AuthorizationSubmission{Handle: handle("request " + name), Salt: handle("salt " + name), Source: claims.Source{Created: "2026-11-02", Place: "/entry/0/resource"}, Request: claims.AuthorizationRequest{
		Number: name, Requester: claims.Provider{NPI: "2999001003", Organization: true, Name: "HOSPITAL"}, Clinician: claims.Provider{NPI: npi, Name: "CLINICIAN"},
		Patient: w.claims[0].Claim.Subscriber, Payer: w.claims[0].Claim.Payer, State: "CA",
		Items: []claims.RequestItem{{Sequence: 1, Code: code, Units: claims.Quantity(1000 * units), From: from, Until: until}},
	}}
	token := string(bytes.TrimSpace(w.files[fileOf(Submissions, s.Handle)]))
	if token == "" {
		token = issue(w, Submissions, "hospital", credentials.KindAuthorizationSubmission, s.Handle, nil, s, 0)
	}
	e := &claims.AuthorizationEvidence{Submission: s.Handle, Number: number, Received: "2026-09-15", Plan: w.plan.Ref(), Before: before,
		Member: claims.MemberFact{Found: true, Matches: true, Coverage: []claims.Coverage{{From: "2026-01-01"}}}}
	first, last := w.standing(npi, from), w.standing(npi, until)
	licenses, orders := []credentials.License{w.licensed[npi]}, w.orders
	e.Standings = []claims.ItemStanding{{Sequence: 1, First: first, Last: last}}
	e.Standings[0].TakenAway(licenses, orders, from, until)
	w.twisted("authorization evidence "+name, e)
	d, err := claims.Authorize(&s.Request, w.plan, e)
	w.check(err)
	w.twisted("authorization decision "+name, d)
	file, root, err := claims.SealEvidence(e, handle("seed "+name))
	w.check(err)
	h := decisionOf(name, number)
	status, supersedes := w.listed(h, name, number)
	w.twisted("supersedes "+name, &supersedes)
	issue(w, Authorizations, "insurer", credentials.KindAuthorizationDecision, h, status, claims.AuthorizationDecisionDocument{
		Handle: h, Salt: handle("salt2 " + name), Decision: *d, Evidence: root, Submission: credentials.DocumentDigest(token), Supersedes: supersedes}, ledger.KindAuthorizationDecision)
	w.files.Evidence(h, file)
}

func (w *world) determine() *claims.Determination {
	did, _ := credentials.SignerDID(signerOf("reviewer"))
	d := claims.Determination{Handle: handle("determination"), Subject: w.claims[2].Handle, Number: 1, Approve: true, Reason: "price-accepted", Reviewer: did}
	w.twisted("determination", &d)
	issue(w, Determinations, "reviewer", credentials.KindReviewDetermination, d.Handle, nil, d, 0)
	return &d
}

func (w *world) evidenceFor(i, number int, review *claims.Determination) *claims.Evidence {
	s := &w.claims[i]
	e := &claims.Evidence{Submission: s.Handle, Number: number, Received: "2026-11-02", Plan: w.plan.Ref(), Fees: w.feesRef, Review: review,
		Member:       claims.MemberFact{Found: true, Matches: true, Coverage: []claims.Coverage{{From: "2026-01-01"}}},
		Accumulators: []claims.Accumulators{{Period: "2026"}}}
	for j := range s.Claim.Lines {
		l := &s.Claim.Lines[j]
		f := claims.LineFact{Line: l.Number, Standing: w.standing(s.Claim.Renderer(l).NPI, l.From)}
		conditions, err := terms.Compile(w.plan)
		w.check(err)
		f.Terms = conditions.Facts(&s.Claim, l)
		if l.From != l.To {
			last := w.standing(s.Claim.Renderer(l).NPI, l.To)
			f.StandingLast = &last
			if day := l.DoubtWithin([]credentials.License{w.licensed[f.Standing.NPI]}, w.orders, "CA"); day != "" {
				within := w.standing(f.Standing.NPI, day)
				f.StandingWithin = &within
			}
		}
		if n := s.Claim.AuthorizationOf(l); n != "" {
			f.Authorization = &claims.AuthorizationFact{Number: n, Handle: decisionOf(n, 1), Found: true, Outcome: claims.AuthorizationApproved, Matches: true,
				From: "2026-10-01", Until: "2026-12-31", Left: 1000}
		}
		e.Lines = append(e.Lines, f)
	}
	w.twisted("facts "+s.Claim.Number, e)
	w.check(w.fees.Complete(&s.Claim, w.plan, e))
	return e
}

func (w *world) decide(i, number int, review *claims.Determination) {
	s := &w.claims[i]
	name := s.Claim.Number
	e := w.evidenceFor(i, number, review)
	w.twisted("evidence "+name, e)
	d, err := claims.Adjudicate(&s.Claim, w.plan, e)
	w.check(err)
	w.twisted("decision "+name, d)
	file, root, err := claims.SealEvidence(e, handle("seed "+name))
	w.check(err)
	h := decisionOf(name, number)
	token := bytes.TrimSpace(w.files[fileOf(Submissions, s.Handle)])
	doc := claims.ClaimDecisionDocument{Handle: h, Salt: handle("salt2 " + name), Decision: *d, Evidence: root, Submission: credentials.DocumentDigest(string(token))}
	var status []credentials.StatusEntry
	status, doc.Supersedes = w.listed(h, name, number)
	w.twisted("document "+name, &doc)
	issue(w, Decisions, "insurer", credentials.KindClaimDecision, h, status, doc, ledger.KindClaimDecision)
	w.files.Evidence(h, file)
	if d.Outcome != claims.Pended {
		p, err := x12.PaymentOf(&s.Claim, d, claims.ControlNumber(s.Handle))
		w.check(err)
		w.payments = append(w.payments, p)
	}
}

func (w *world) remit() {
	r := x12.Remittance{
		Payer:    x12.Payer{Name: "DEMO-PPO", ID: "DEMOPPO", TaxID: "123456789", Contact: "Provider services", Phone: "8005550100", Address: claims.Address{Street: "1 Plan Way", City: "Boston", State: "MA", ZIP: "02108"}},
		Payee:    w.claims[0].Claim.Billing,
		Trace:    "T1",
		Date:     "2026-11-05",
		Produced: "2026-11-05",
		Payments: w.payments,
	}
	w.twisted("remittance", &r)
	r.Total = r.Sum()
	b, err := x12.WriteRemittance(x12.Envelope{Sender: "DEMOPPO", To: claims.Sender{ID: "HOSPITAL"}, Control: 1, Produced: w.now}, r)
	w.check(err)
	w.file(ledger.KindRemittance, RemittanceFile, b)
}
