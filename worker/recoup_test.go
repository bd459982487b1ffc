package worker

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
)

/*
What fails when a check is taken out (each was tried):

	Unasked in tell                         TestAskedForIsTakenAtOnce
	From, Stayed in Due                     TestRecoupAfterNotice, TestAppealStaysRecoupment
	givesNotice in readDebts                TestRecoupAfterNotice
	own in recoup                           TestPaidMoreAgain
	Defer, Recoup, Return in settle         TestRecoupAfterNotice, TestRefundIsTold
	restoreRecoupment                       TestRecoverRecoupment
*/

const colleague = credentials.NPI("1003000134")

func byColleague(c *claims.Claim) { c.Rendering = &claims.Provider{NPI: colleague} }

// overpaid is a house that has paid C1, on May 7, to whom a board took the license
// away for its day: the claim is decided anew, and nothing is payable.
func overpaid(t *testing.T, more ...string) (h *house, c1 credentials.Handle) {
	h = newHouse(t, more...)
	license := credentials.License{Handle: name("colleague's"), NPI: colleague, Jurisdiction: "CA", From: "2020-01-01", Until: "2028-12-31"}
	h.hear(2, store.Heard{License: &license})
	c1 = h.claim("C1", "2026-05-01")
	h.runs("2026-05-07", "C1 1 65.00 of 65.00")
	h.hear(3, store.Heard{Order: &credentials.Order{Handle: name("order"), License: name("license"), Action: credentials.OrderRevoke,
		Effective: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), Reason: "discipline"}})
	return h, c1
}

func (h *house) hear(n int64, w store.Heard) {
	h.t.Helper()
	w.Sequence, w.Index, w.Token, w.Entry, w.Receipt = n, n, "t", []byte("e"), []byte("r")
	h.must(h.Books.Hear(h.ctx, "did:key:board", "CA", []store.Heard{w}, noon))
}

// anew opens a claim again and decides it, as its contract would.
func (h *house) anew(c credentials.Handle, because string) {
	h.t.Helper()
	_, _, err := h.Books.Reopen(h.ctx, books.Reopening{Submission: c, Cause: books.Cause{Kind: books.CauseCorrection, Reference: because}, By: "key", Token: "request"})
	h.must(err)
	h.again(c)
}

func (h *house) again(c credentials.Handle) {
	h.t.Helper()
	g, err := h.errands.Evidence.GatherClaim(h.ctx, c)
	h.must(err)
	document := h.sign(g)
	out, err := h.errands.Settling.SettleClaim(h.ctx, books.Settlement{Submission: c, Document: document, Fences: g.Fences})
	if err != nil || out.Moved {
		h.t.Fatal(out, err)
	}
	h.must(h.errands.Recording.Record(h.ctx, document))
}

// runs wants a payment run of a day to pay one payee what it should, line by
// line: claims with their status, then the adjustments.
func (h *house) runs(on credentials.Date, want string) {
	h.t.Helper()
	run, err := h.Remit(h.ctx, on)
	h.must(err)
	var got []string
	for _, p := range run.Held {
		got = append(got, fmt.Sprintf("held %s %s", p.Claim, p.Hold.Reason))
	}
	for _, r := range run.Released {
		sets, err := x12.ReadRemittance(bytes.NewReader(r.Body))
		h.must(err)
		for i := range sets {
			h.must(x12.CheckBalance(&sets[i]))
			got = append(got, h.says(&sets[i]))
		}
	}
	if all := strings.Join(got, "; "); all != want {
		h.t.Errorf("on %s: got\n%s\nwant\n%s", on, all, want)
	}
}

func (h *house) says(r *x12.Remittance) string {
	numbers, out := map[string]string{}, ""
	all, err := h.Books.Payments(h.ctx, noon)
	h.must(err)
	for _, p := range all {
		numbers[p.Control] = p.Claim
	}
	for _, p := range r.Payments {
		out += fmt.Sprintf("%s %s %s ", p.Number, p.Status, p.Paid)
	}
	for _, a := range r.Adjustments {
		reference := numbers[a.Reference]
		if a.Reason == x12.ReasonForward {
			reference = "balance"
		}
		out += fmt.Sprintf("%s:%s %s ", a.Reason, reference, a.Amount)
	}
	return out + "of " + r.Total.String()
}

// owes is what the books say is owed on claims.
func (h *house) owes(want ...string) {
	h.t.Helper()
	all, _, err := h.Books.Owed(h.ctx)
	h.must(err)
	var got []string
	for _, o := range all {
		got = append(got, fmt.Sprintf("%s of %s from %s, stayed %t", o.Owed, o.Amount, o.From, o.Stayed))
	}
	if !slices.Equal(got, want) {
		h.t.Errorf("owed: got %q, want %q", got, want)
	}
}

// TestRecoupAfterNotice tells what was paid too much and takes it 41 days later:
// nothing is kept back meanwhile, nothing is taken a day early, and nothing twice.
func TestRecoupAfterNotice(t *testing.T) {
	h, c1 := overpaid(t, "recoupAfterDays: 41")
	h.claim("C2", "2026-05-02", byColleague)
	h.runs("2026-05-08", "C2 1 65.00 of 65.00") // not kept against a debt of which nobody was told
	h.anew(c1, "order")
	h.runs("2026-05-08", "C1 22 -65.00 C1 4 0.00 WO:C1 -65.00 of 0.00")
	h.owes("65.00 of 65.00 from 2026-06-18, stayed false")
	h.claim("C3", "2026-05-03", byColleague)
	h.runs("2026-06-17", "C3 1 65.00 of 65.00")
	h.claim("C4", "2026-05-04", byColleague)
	h.runs("2026-06-18", "C4 1 65.00 WO:C1 65.00 of 0.00")
	h.owes()
	h.claim("C5", "2026-05-05", byColleague)
	h.runs("2026-06-19", "C5 1 65.00 of 65.00")
}

// TestRecoupAtOnce has an edition without the field take it as ever.
func TestRecoupAtOnce(t *testing.T) {
	h, c1 := overpaid(t)
	h.anew(c1, "order")
	h.claim("C2", "2026-05-02", byColleague)
	h.runs("2026-05-08", "C1 22 -65.00 C1 4 0.00 C2 1 65.00 of 0.00")
	h.owes()
}

// TestAskedForIsTakenAtOnce gives no notice of what the biller asked for.
func TestAskedForIsTakenAtOnce(t *testing.T) {
	h := newHouse(t, "recoupAfterDays: 41")
	c1 := h.claim("C1", "2026-05-01")
	c2 := h.claim("C2", "2026-05-02")
	h.runs("2026-05-07", "C1 1 65.00 C2 1 65.00 of 130.00")
	h.change("V1", claims.Void, c1, 100_00)
	h.change("R2", claims.Replacement, c2, 80_00)
	h.claim("C3", "2026-05-03")
	h.runs("2026-05-08", "C1 22 -65.00 C2 22 -65.00 R2 1 55.00 C3 1 65.00 FB:balance -10.00 of 0.00")
	h.owes()
}

// TestAppealStaysRecoupment takes nothing while an appeal waits for its answer, or
// the claim is open again, however late it is.
func TestAppealStaysRecoupment(t *testing.T) {
	h, c1 := overpaid(t, "recoupAfterDays: 41")
	h.anew(c1, "order")
	h.runs("2026-05-08", "C1 22 -65.00 C1 4 0.00 WO:C1 -65.00 of 0.00")
	_, _, err := h.Books.KeepAppeal(h.ctx, books.AppealFile{Appeal: claims.Appeal{Handle: name("appeal"), Subject: c1, Number: 2, Words: "Why?"}, Due: "2026-07-07", Token: "token"})
	h.must(err)
	h.owes("65.00 of 65.00 from 2026-06-18, stayed true")
	h.claim("C3", "2026-05-03", byColleague)
	h.runs("2026-07-01", "C3 1 65.00 of 65.00")
	appeal := name("appeal")
	_, err = h.Books.AnswerAppeal(h.ctx, claims.Determination{Handle: name("answer"), Subject: c1, Number: 2, Appeal: &appeal, Words: "Because."}, "token", "key", "request")
	h.must(err)
	_, _, err = h.Books.Reopen(h.ctx, books.Reopening{Submission: c1, Cause: books.Cause{Kind: books.CauseCorrection, Reference: "look"}, By: "key", Token: "request"})
	h.must(err)
	h.owes("65.00 of 65.00 from 2026-06-18, stayed true")
	_, err = h.Books.AnswerReopening(h.ctx, books.ReopeningAnswer{Submission: c1, Number: 2, State: books.ReopeningUpheld})
	h.must(err)
	h.claim("C4", "2026-05-04", byColleague)
	h.runs("2026-07-02", "C4 1 65.00 WO:C1 65.00 of 0.00")
}

// TestPaidMoreAgain sets what a claim is paid again against what is owed on it,
// before any of it is due: the payee has that money.
func TestPaidMoreAgain(t *testing.T) {
	h, c1 := overpaid(t, "recoupAfterDays: 41")
	h.anew(c1, "order")
	h.runs("2026-05-08", "C1 22 -65.00 C1 4 0.00 WO:C1 -65.00 of 0.00")
	h.hear(4, store.Heard{Order: &credentials.Order{Handle: name("void"), License: name("license"), Action: credentials.OrderVoid,
		Effective: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), Reason: "error", Upon: []credentials.Handle{name("order")}}})
	h.anew(c1, "void")
	h.runs("2026-05-09", "C1 22 0.00 C1 1 65.00 WO:C1 65.00 of 0.00")
	h.owes()
}

func (h *house) refund(c credentials.Handle, reference string, amount claims.Cents) error {
	_, _, err := h.Books.Refund(h.ctx, books.Refund{Submission: c, Reference: reference, Amount: amount, By: "key", Token: "request"})
	return err
}

// TestRefundIsTold acknowledges a check on the payee's next payment: what it
// settles is not taken any more, and the payment is as it would be without.
func TestRefundIsTold(t *testing.T) {
	h, c1 := overpaid(t, "recoupAfterDays: 41")
	h.anew(c1, "order")
	h.runs("2026-05-08", "C1 22 -65.00 C1 4 0.00 WO:C1 -65.00 of 0.00")
	h.must(h.refund(c1, "check-1", 20_00))
	h.owes("45.00 of 65.00 from 2026-06-18, stayed false")
	h.claim("C3", "2026-05-03", byColleague)
	h.runs("2026-05-20", "C3 1 65.00 WO:C1 20.00 72:C1 -20.00 of 65.00")
	h.must(h.refund(c1, "check-2", 8_00)) // told and due in one payment
	h.claim("C4", "2026-05-04", byColleague)
	h.runs("2026-06-18", "C4 1 65.00 WO:C1 8.00 72:C1 -8.00 WO:C1 37.00 of 28.00")
	h.owes()
	h.claim("C5", "2026-05-05", byColleague)
	h.runs("2026-06-19", "C5 1 65.00 of 65.00")
}

// TestRefundOfABalance has a check lower what a payment could not bear.
func TestRefundOfABalance(t *testing.T) {
	h, c1 := overpaid(t)
	h.anew(c1, "order")
	h.runs("2026-05-08", "C1 22 -65.00 C1 4 0.00 FB:balance -65.00 of 0.00")
	h.must(h.refund(c1, "check-1", 30_00))
	h.claim("C3", "2026-05-03", byColleague)
	h.runs("2026-05-20", "C3 1 65.00 72:C1 -30.00 FB:balance 65.00 of 30.00")
}

// TestRecoverRecoupment brings back books that lack every remittance that told of,
// took and acknowledged something: what is owed is what was.
func TestRecoverRecoupment(t *testing.T) {
	h, c1 := overpaid(t, "recoupAfterDays: 41")
	c2 := h.claim("C2", "2026-05-02", byColleague)
	h.runs("2026-05-08", "C2 1 65.00 of 65.00")
	h.anew(c1, "order")
	before := h.backup()
	h.runs("2026-05-08", "C1 22 -65.00 C1 4 0.00 WO:C1 -65.00 of 0.00")
	h.must(h.refund(c1, "check-1", 20_00))
	c3 := h.claim("C3", "2026-05-03", byColleague)
	h.runs("2026-05-20", "C3 1 65.00 WO:C1 20.00 72:C1 -20.00 of 65.00")
	whole := h.remittances(h.kept(c1, c2, c3))
	h.restore(before)
	got, err := h.Recover(h.ctx, whole)
	if err != nil || len(got.Missing) != 0 {
		t.Fatalf("got %+v, %v", got, err)
	}
	h.owes("45.00 of 65.00 from 2026-06-18, stayed false")
	if err := h.refund(c1, "check-1", 46_00); err == nil {
		t.Error("more than is owed was taken")
	}
	h.claim("C4", "2026-05-04", byColleague)
	h.runs("2026-06-18", "C4 1 65.00 WO:C1 45.00 of 20.00")
	h.owes()
}
