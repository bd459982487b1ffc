package gateway_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// published has the insurer publish the example's plan, and says which edition
// it is.
func (h *house) published() claims.EditionRef {
	h.t.Helper()
	insurer := h.client("insurer")
	if _, err := insurer.PublishFees(ctx, "demo-fees", "2026-01", example(h.t, "fees.csv")); err != nil {
		h.t.Fatal(err)
	}
	e, err := insurer.PublishPlan(ctx, example(h.t, "plan.yaml"))
	if err != nil {
		h.t.Fatal(err)
	}
	return e.Ref
}

// denied settles a denial of line 1 for late filing.
func (h *house) denied(claim credentials.Handle, plan claims.EditionRef) {
	h.t.Helper()
	h.record(h.decide(claim, claims.Denied, func(d *claims.Decision) {
		d.Plan = plan
		d.Lines = []claims.LineDecision{{Line: 1, Outcome: claims.Denied, Charge: 10000,
			Adjustments: []claims.Adjustment{{Group: claims.Contractual, CARC: "29", Amount: 10000}}}}
	}))
}

func TestAppeal(t *testing.T) {
	h := newHouse(t)
	plan := h.published()
	c := h.submit("C1")
	appeal := func(by string, edit func(*claims.Appeal)) (api.Appealed, error) {
		a := claims.Appeal{Handle: random(), Subject: c.Handle, Number: 1, Words: "it came in time"}
		edit(&a)
		return h.client(by).Appeal(ctx, c.Control, sign(t, by, credentials.KindClaimAppeal, a.Handle, a))
	}
	if _, err := appeal("hospital", func(*claims.Appeal) {}); status(err) != 409 {
		t.Errorf("before there is a decision: got %v, want 409", err)
	}
	h.denied(c.Handle, plan)
	for _, test := range []struct {
		name, by string
		edit     func(*claims.Appeal)
		want     int
		says     string
	}{
		{"another party's", "other hospital", func(*claims.Appeal) {}, 404, ""},
		{"about another claim", "hospital", func(a *claims.Appeal) { a.Subject = random() }, 400, "another claim"},
		{"without words", "hospital", func(a *claims.Appeal) { a.Words = "" }, 422, "no reason"},
		{"of another decision", "hospital", func(a *claims.Appeal) { a.Number = 2 }, 409, "not the latest"},
		{"of a line that is not there", "hospital", func(a *claims.Appeal) { a.Lines = []int{2} }, 409, "no line 2"},
	} {
		if _, err := appeal(test.by, test.edit); status(err) != test.want || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, want %d that says %q", test.name, err, test.want, test.says)
		}
	}
	if _, err := h.client("hospital").Appeal(ctx, "CSNOBODY", "x"); status(err) != 400 {
		t.Errorf("no token: got %v, want 400", err)
	}
	first := random()
	for _, again := range []bool{false, true} {
		a, err := appeal("hospital", func(a *claims.Appeal) { a.Handle = first })
		if err != nil || a.Again != again || a.Due != "2026-07-05" || a.State != "open" {
			t.Errorf("got %+v, %v", a, err)
		}
	}
	if _, err := appeal("hospital", func(*claims.Appeal) {}); status(err) != 409 || !strings.Contains(err.Error(), "appealed already") {
		t.Errorf("a second one: got %v, want 409", err)
	}
	s, err := h.client("hospital").Status(ctx, c.Handle, 0, 0, false)
	if err != nil || len(s.Appeals) != 1 || s.Appeals[0].State != "open" {
		t.Errorf("got %+v, %v", s.Appeals, err)
	}

	list, err := h.client("reviewer").Appeals(ctx)
	if err != nil || len(list) != 1 || list[0].Appeal.Due != "2026-07-05" || list[0].Claim == "" {
		t.Errorf("got %+v, %v", list, err)
	}
	answer := func(edit func(*claims.Determination)) error {
		d := claims.Determination{Handle: random(), Subject: c.Handle, Number: 1, Approve: true, Reason: "late-by-us", Reviewer: did("reviewer"),
			Appeal: &first, Words: "our own scanner lay", SetsAside: []claims.SetAside{{Line: 1, CARC: "29"}}}
		edit(&d)
		_, err := h.client("reviewer").AnswerAppeal(ctx, first, sign(t, "reviewer", credentials.KindReviewDetermination, d.Handle, d))
		return err
	}
	for says, edit := range map[string]func(*claims.Determination){
		"another reviewer":        func(d *claims.Determination) { d.Reviewer = did("auditor") },
		"plain words":             func(d *claims.Determination) { d.Words = "" },
		"B7 cannot be set aside":  func(d *claims.Determination) { d.SetsAside[0].CARC = "B7" },
		"was not denied for 18":   func(d *claims.Determination) { d.SetsAside[0].CARC = "18" },
		"answers another appeal":  func(d *claims.Determination) { other := random(); d.Appeal = &other },
		"is for the insurer to f": func(d *claims.Determination) { d.Standing = &claims.StandingFact{} },
	} {
		if err := answer(edit); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v", says, err)
		}
	}
	word := random()
	h.temporal.failing(errors.New("the cluster is away"))
	if err := answer(func(d *claims.Determination) { d.Handle = word }); status(err) != 503 {
		t.Errorf("a contract that cannot be started: got %v, want 503", err)
	}
	h.temporal.failing(nil)
	if err := answer(func(d *claims.Determination) { d.Handle = word }); err != nil {
		t.Errorf("the same answer again: %v", err)
	}
	if len(h.temporal.woken) != 1 {
		t.Errorf("woken: %v, want the claim's contract once", h.temporal.woken)
	}
	if err := answer(func(*claims.Determination) {}); status(err) != 409 {
		t.Errorf("another answer: got %v, want 409", err)
	}
	if s, err = h.client("hospital").Status(ctx, c.Handle, 0, 0, false); err != nil || s.Appeals[0].State != "overturned" || s.Appeals[0].Determination == "" || s.Reopening == nil || s.Reopening.Kind != "appeal" {
		t.Errorf("got %+v, %v", s, err)
	}
}

// An appeal within the plan's window is taken, one after it is told until when it
// might have come.
func TestAppealTooLate(t *testing.T) {
	h := newHouse(t)
	plan := h.published()
	c := h.submit("C1")
	h.denied(c.Handle, plan)
	h.after.Store(180 * 24 * 3600e9)
	a := claims.Appeal{Handle: random(), Subject: c.Handle, Number: 1, Words: "w"}
	token := sign(t, "hospital", credentials.KindClaimAppeal, a.Handle, a)
	if _, err := h.client("hospital").Appeal(ctx, c.Control, token); err != nil {
		t.Errorf("on the last day: %v", err)
	}
	h.after.Add(24 * 3600e9)
	if _, err := h.client("hospital").Appeal(ctx, c.Control, token); err != nil {
		t.Errorf("the same once more, a day later: %v", err)
	}
	c2 := h.submit("C2")
	h.after.Store(0)
	h.denied(c2.Handle, plan)
	h.after.Store(181 * 24 * 3600e9)
	a = claims.Appeal{Handle: random(), Subject: c2.Handle, Number: 1, Words: "w"}
	_, err := h.client("hospital").Appeal(ctx, c2.Control, sign(t, "hospital", credentials.KindClaimAppeal, a.Handle, a))
	if status(err) != 422 || !strings.Contains(err.Error(), "until 2026-11-02") {
		t.Errorf("a day too late: got %v, want 422 that says until when", err)
	}
}

func TestReopen(t *testing.T) {
	h := newHouse(t)
	plan := h.published()
	c := h.submit("C1")
	order := func(o api.ReopenOrder) (api.ReopenAnswer, error) {
		body, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		return h.client("insurer").Reopen(ctx, body)
	}
	got, err := order(api.ReopenOrder{Claims: []string{c.Control}, Because: "price-error"})
	if err != nil || len(got.Reopened) != 1 || !strings.Contains(got.Reopened[0].Refused, "nothing to decide anew") {
		t.Errorf("not decided: got %+v, %v", got, err)
	}
	h.denied(c.Handle, plan)
	for name, test := range map[string]struct {
		order api.ReopenOrder
		want  int
	}{
		"nothing named":        {api.ReopenOrder{Because: "x"}, 400},
		"both":                 {api.ReopenOrder{Claims: []string{"x"}, All: true, Because: "x"}, 400},
		"no cause":             {api.ReopenOrder{Claims: []string{c.Control}}, 400},
		"a name for a code":    {api.ReopenOrder{Claims: []string{c.Control}, Because: "Mrs Doe"}, 400},
		"a cause that is none": {api.ReopenOrder{Claims: []string{c.Control}, Because: random().String()}, 409},
		"an unknown claim":     {api.ReopenOrder{Claims: []string{c.Control, "CSNOBODY"}, Because: "x"}, 404},
	} {
		if _, err := order(test.order); status(err) != test.want {
			t.Errorf("%s: got %v, want %d", name, err, test.want)
		}
	}
	if len(h.temporal.woken) != 0 {
		t.Errorf("refused orders woke %v", h.temporal.woken)
	}
	for _, again := range []bool{false, true} {
		got, err := order(api.ReopenOrder{Claims: []string{c.Control}, Because: "price-error"})
		if err != nil || len(got.Reopened) != 1 || got.Reopened[0].Again != again || got.Reopened[0].State != "open" || got.Reopened[0].Cause.Kind != "correction" {
			t.Errorf("again %t: got %+v, %v", again, got, err)
		}
	}
	if got, err := order(api.ReopenOrder{Claims: []string{c.Control}, Because: "another"}); err != nil || !strings.Contains(got.Reopened[0].Refused, "open again already") {
		t.Errorf("for another cause: got %+v, %v", got, err)
	}
	if all, err := h.books.Reopenings(ctx, c.Handle); err != nil || len(all) != 1 || all[0].By == "" || all[0].Token == "" {
		t.Errorf("who asked is not kept: %+v, %v", all, err)
	}
	if got, err := order(api.ReopenOrder{All: true, Because: random().String()}); err != nil || len(got.Reopened) != 0 {
		t.Errorf("all of no cause: got %+v, %v", got, err)
	}
}
