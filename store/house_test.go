package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
	"github.com/countersign-health/countersign/store/storetest"
)

/*
What fails when a check is taken out of the books (each was tried):

	the search by business key in receive           TestReceiveTwice, TestReceiveTheSameClaimAtOnce, TestLostReplies
	ErrHandleTaken in receive                       TestHandleTaken
	family or seq in mustWait                       TestFamilyOrder
	identify in readClaimFile                       TestEnrolledSince
	unmoved in settle                               TestMovedEvidence, TestTwoClaimsOneFence
	"settled already" in settle                     TestSettleTwice, TestLostReplies
	the number of the decision in settle            TestNextNumber
	the family's fence in applyClaim                TestMovedEvidence, TestTwoClaimsOneFence
	the authorization's fence in drawUnits          TestMovedEvidence
	the review's fence in Determine                 TestMovedEvidence
	the clinician's fence in hear or readLine       TestHearTwice, TestMovedEvidence
	"is it new" in bumpIfNew                        TestHearTwice, TestLostReplies
	sequence < $2 in Hear                           TestHearTwice
	"order upon a license that …" in hear           TestOrderUponUnknownLicense
	units - drawn >= $3, MIN(sequence) in drawUnits TestDraws
	the search by key in keepSigned                 TestKeepSignedFirstWins
	remittance = '' in Pay                          TestPayOnce, TestLostReplies
	receipt in PaymentStateOf                       TestPayWaitsForReceipts
	any of the three conditions in Determine        TestDetermine
	seq or state in findDuplicate                   TestDuplicates
	recorded = 0 in KeepReceipt                     TestFirstReceiptStays
	the dates in editionOn; planOn                  TestEditionsByDate; TestPlanOfTheDay
	the digest in PublishEdition; ErrContentTaken   TestPublishEdition
	family = $1 in findMember                       TestMemberMatching
*/

func TestMain(m *testing.M) { sqldbtest.Main(m) }

var ctx = context.Background()

const (
	hospital  = credentials.DID("did:key:hospital")
	board     = credentials.DID("did:key:board")
	clinician = credentials.NPI("1003000126")
	reviewer  = credentials.NPI("1003000134")
	clinic    = credentials.NPI("1003000142")
)

var noon = time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)

var errLost = errors.New("the reply was lost")

// A house is an insurer's books with a plan, a fee schedule and a few members.
type house struct {
	*store.Books
	t      testing.TB
	db     *sqldb.DB
	losing atomic.Bool // commits are made and their replies lost
	clock  *time.Time  // noon where it is nil
}

func handle(name string) credentials.Handle {
	return credentials.Handle(credentials.DigestOf([]byte("handle " + name)))
}
func key(name string) credentials.Digest { return credentials.DigestOf([]byte("key " + name)) }

// openHouse opens empty books.
func openHouse(t testing.TB, db *sqldb.DB) *house {
	t.Helper()
	h := &house{t: t, db: db}
	db.WrapCommit(func(commit func() error) error {
		if err := commit(); err != nil || !h.losing.Load() {
			return err
		}
		return errLost
	})
	var err error
	if h.Books, err = store.Open(ctx, db, storetest.Keys(t), h.now); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) now() time.Time {
	if h.clock != nil {
		return *h.clock
	}
	return noon
}

// each runs f on furnished books, once a database.
func each(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		h := openHouse(t, open())
		h.furnish()
		f(t, h)
	})
}

var family = []store.Member{
	{MemberID: "M1", Family: "M1", Last: "Alder", First: "Ann", Birth: "1980-01-02", Plan: "ppo", From: "2026-01-01"},
	{MemberID: "M1-2", Family: "M1", Last: "Alder", First: "Ben", Birth: "2012-03-04", Plan: "ppo", From: "2026-01-01"},
	{MemberID: "M9", Family: "M9", Last: "Birch", First: "Cy", Birth: "1990-05-06", Plan: "ppo", From: "2026-01-01"},
}

func (h *house) furnish() {
	h.t.Helper()
	h.must(h.Enroll(ctx, family))
	h.publish(books.FeeEdition, "fees", "2026", "", "", "")
	h.publish(books.PlanEdition, "ppo", "2026", "fees", "2026-01-01", "2026-12-31")
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) publish(kind books.EditionKind, name, edition, fees string, from, until credentials.Date) credentials.Handle {
	h.t.Helper()
	got, err := h.PublishEdition(ctx, anEdition(kind, name, edition, fees, from, until), []byte("entry of "+name+edition))
	h.must(err)
	return got
}

func anEdition(kind books.EditionKind, name, edition, fees string, from, until credentials.Date) books.Edition {
	body := fmt.Sprint(kind, name, edition, from, until)
	return books.Edition{Kind: kind, Fees: fees, From: from, Until: until, Handle: handle(body), Body: []byte(body),
		Ref: claims.EditionRef{Name: name, Edition: edition, Digest: credentials.DigestOf([]byte(body))}}
}

// aClaim is one office visit of Ann's, under a number.
func aClaim(number string, edits ...func(*claims.Claim)) books.NewClaim {
	c := claims.Claim{
		Number: number, Frequency: claims.Original, Charge: 10000, Place: "11", ServiceState: "CA",
		Billing: claims.Provider{NPI: clinic, Organization: true}, Rendering: &claims.Provider{NPI: clinician},
		Subscriber: claims.Person{MemberID: "M1", Last: "Alder", First: "Ann", Birth: "1980-01-02"},
		Lines:      []claims.Line{{Number: 1, Code: "99213", Charge: 10000, Unit: "UN", Units: 1000, From: "2026-03-02", To: "2026-03-02"}},
	}
	for _, edit := range edits {
		edit(&c)
	}
	return books.NewClaim{Key: key(number), Submitter: hospital, Token: "token " + number, Received: "2026-04-01",
		Submission: claims.Submission{Handle: handle(number), Claim: c}}
}

func on(day credentials.Date) func(*claims.Claim) {
	return func(c *claims.Claim) { c.Lines[0].From, c.Lines[0].To = day, day }
}

func by(p claims.Person) func(*claims.Claim) { return func(c *claims.Claim) { c.Subscriber = p } }

func authorizedBy(number string) func(*claims.Claim) {
	return func(c *claims.Claim) { c.Authorization = number }
}

func (h *house) receive(number string, edits ...func(*claims.Claim)) credentials.Handle {
	h.t.Helper()
	got, err := h.ReceiveClaim(ctx, aClaim(number, edits...))
	h.must(err)
	return got.Submission
}

// ask receives a request for therapy for Ann, in items of the given units.
func (h *house) ask(number string, units ...claims.Quantity) credentials.Handle {
	h.t.Helper()
	got, err := h.ReceiveAuthorization(ctx, aRequest(number, units...))
	h.must(err)
	return got.Submission
}

func aRequest(number string, units ...claims.Quantity) books.NewAuthorization {
	r := claims.AuthorizationRequest{Number: number, State: "CA", Clinician: claims.Provider{NPI: clinician},
		Patient: claims.Person{MemberID: "M1", Last: "Alder", First: "Ann"}}
	for i, n := range units {
		r.Items = append(r.Items, claims.RequestItem{Sequence: i + 1, Code: "97110", Units: n, From: "2026-03-01", Until: "2026-06-30"})
	}
	return books.NewAuthorization{Key: key(number), Submitter: hospital, Token: "token " + number, Received: "2026-02-01",
		Submission: claims.AuthorizationSubmission{Handle: handle(number), Request: r}}
}

func (h *house) file(submission credentials.Handle) *books.ClaimFile {
	h.t.Helper()
	f, err := h.ClaimFile(ctx, submission)
	h.must(err)
	return f
}

// sign keeps a decision as signed under a name.
func (h *house) sign(name string, decision any) credentials.Handle {
	h.t.Helper()
	kept, err := h.KeepSigned(ctx, h.signed(name, decision))
	h.must(err)
	return kept.Handle
}

func (h *house) signed(name string, decision any) books.Signed {
	h.t.Helper()
	body, err := credentials.CanonicalJSON(decision)
	h.must(err)
	var of struct{ Submission credentials.Handle }
	h.must(json.Unmarshal(body, &of))
	s := books.Signed{Key: "decision/" + name, Handle: handle("decision " + name), Submission: of.Submission, Token: "token of decision " + name,
		Body: body, Evidence: []byte("evidence"), Entry: []byte("entry")}
	if d, ok := decision.(claims.Decision); ok {
		s.Evidence = h.seal(claims.Evidence{Submission: d.Submission, Number: d.Number, Lines: []claims.LineFact{}})
	}
	return s
}

// settle signs and settles the next decision on a claim, on what its file
// says now.
func (h *house) settle(submission credentials.Handle, outcome claims.Outcome, edits ...func(*claims.Decision)) credentials.Handle {
	h.t.Helper()
	f := h.file(submission)
	d := h.decision(f, outcome, edits...)
	document := h.signClaim(f, d)
	out, err := h.SettleClaim(ctx, books.Settlement{Submission: submission, Document: document, Fences: f.Fences})
	h.must(err)
	if out.Moved {
		h.t.Fatal("the evidence moved, though nothing happened")
	}
	return document
}

// decision answers every line of a claim alike.
func (h *house) decision(f *books.ClaimFile, outcome claims.Outcome, edits ...func(*claims.Decision)) claims.Decision {
	c := &f.Submission.Claim
	d := claims.Decision{Submission: f.Submission.Handle, Claim: c.Number, Number: f.Number, Outcome: outcome, Charge: c.Charge}
	if outcome == claims.Paid {
		d.Paid = 7500
	}
	for _, edit := range edits {
		edit(&d)
	}
	for i, l := range c.Lines {
		ld := claims.LineDecision{Line: l.Number, Outcome: outcome, Charge: l.Charge}
		if i == 0 {
			ld.Paid = d.Paid
		}
		d.Lines = append(d.Lines, ld)
	}
	return d
}

func (h *house) seal(e claims.Evidence) []byte {
	h.t.Helper()
	e.Received, e.Accumulators = "2026-04-01", []claims.Accumulators{}
	sealed, _, err := claims.SealEvidence(&e, handle("seed"))
	h.must(err)
	return sealed
}

// signClaim keeps a decision as signed, with the evidence of a clinician in
// good standing.
func (h *house) signClaim(f *books.ClaimFile, d claims.Decision) credentials.Handle {
	h.t.Helper()
	s := h.signed(fmt.Sprint(d.Submission, d.Number), d)
	e := claims.Evidence{Submission: d.Submission, Number: d.Number, Lines: []claims.LineFact{}}
	for i := range f.Lines {
		l := f.Submission.Claim.Lines[i]
		at := func(on credentials.Date) claims.StandingFact {
			p := f.Lines[i].Practitioner
			standing := credentials.StandingOn(p.Licenses, p.Orders, p.State, on, true)
			if standing.Answer != credentials.MayRestricted { // else a reviewer has seen the restrictions
				standing = credentials.Standing{Answer: credentials.May, Reason: credentials.ReasonLicensed}
			}
			return claims.StandingFact{NPI: p.NPI, State: p.State, On: on, Fresh: true, Standing: standing}
		}
		fact := claims.LineFact{Line: l.Number, Standing: at(l.From)}
		if l.To != l.From {
			last := at(l.To)
			fact.StandingLast = &last
		}
		e.Lines = append(e.Lines, fact)
	}
	s.Evidence = h.seal(e)
	kept, err := h.KeepSigned(ctx, s)
	h.must(err)
	return kept.Handle
}

// grant approves every item of a request in full.
func (h *house) grant(submission credentials.Handle, outcome claims.AuthorizationOutcome) credentials.Handle {
	h.t.Helper()
	f, err := h.AuthorizationFile(ctx, submission)
	h.must(err)
	d := claims.AuthorizationDecision{Submission: submission, Number: f.Number, Outcome: outcome}
	for _, it := range f.Submission.Request.Items {
		d.Items = append(d.Items, claims.ItemDecision{Sequence: it.Sequence, Outcome: outcome, Code: it.Code, Units: it.Units, From: it.From, Until: it.Until})
	}
	document := h.sign(fmt.Sprint(submission, d.Number), d)
	out, err := h.SettleAuthorization(ctx, books.Settlement{Submission: submission, Document: document, Fences: f.Fences})
	h.must(err)
	if out.Moved {
		h.t.Fatal("the evidence moved, though nothing happened")
	}
	return document
}

func met(deductible, outOfPocket claims.Cents) func(*claims.Decision) {
	return func(d *claims.Decision) {
		d.Met = []claims.Accumulators{{Period: "2026", DeductibleIndividual: deductible, DeductibleFamily: deductible,
			OutOfPocketPerson: outOfPocket, OutOfPocketFamily: outOfPocket}}
	}
}

func draw(authorization credentials.Handle, units claims.Quantity) func(*claims.Decision) {
	return func(d *claims.Decision) {
		d.Draws = append(d.Draws, claims.Draw{Authorization: authorization, Line: 1, Code: "97110", Units: units})
	}
}

// count counts the rows of a table.
func (h *house) count(table string) (n int) {
	h.t.Helper()
	h.must(h.db.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n))
	return n
}
