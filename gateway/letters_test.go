package gateway_test

import (
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// TestLetters: a reviewer asks about a claim that waits, the hospital answers with
// a document, and the determination names both.
func TestLetters(t *testing.T) {
	h := newHouse(t)
	c := h.submit("C1")
	send := func(by string, edit func(*claims.Letter)) (api.Acceptance, error) {
		l := claims.Letter{Handle: random(), Subject: c.Handle, Number: 1, Words: "two visits; the notes are enclosed",
			Enclosures: []claims.Enclosure{{Name: "notes.txt", MediaType: "text/plain", Body: []byte("seen at 9 and at 16")}}}
		edit(&l)
		return h.client(by).SendLetter(ctx, c.Handle, sign(t, by, credentials.KindSubmissionLetter, l.Handle, l))
	}
	if _, err := send("hospital", func(*claims.Letter) {}); status(err) != 409 {
		t.Errorf("before it waits: got %v, want 409", err)
	}
	h.record(h.decide(c.Handle, claims.Pended))
	for _, test := range []struct {
		name, by string
		edit     func(*claims.Letter)
		want     int
		says     string
	}{
		{"another party's", "other hospital", func(*claims.Letter) {}, 404, ""},
		{"another insurer's reviewer", "foreign reviewer", func(*claims.Letter) {}, 403, "no reviewer"},
		{"about another claim", "hospital", func(l *claims.Letter) { l.Subject = random() }, 400, "another submission"},
		{"without words", "hospital", func(l *claims.Letter) { l.Words = "" }, 422, "says nothing"},
		{"with a program", "hospital", func(l *claims.Letter) { l.Enclosures[0].Name = "notes.exe" }, 422, "want a PDF"},
		{"with a day, from the hospital", "hospital", func(l *claims.Letter) { l.Due = "2026-07-01" }, 422, "only a reviewer"},
		{"on another decision", "hospital", func(l *claims.Letter) { l.Number = 2 }, 409, "look at it again"},
	} {
		if _, err := send(test.by, test.edit); status(err) != test.want || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, want %d that says %q", test.name, err, test.want, test.says)
		}
	}
	asked, err := send("reviewer", func(l *claims.Letter) { l.Words, l.Enclosures, l.Due = "why twice?", nil, "2026-07-01" })
	if err != nil {
		t.Fatal(err)
	}
	given, err := send("hospital", func(*claims.Letter) {})
	if err != nil || given.Again {
		t.Fatal(given, err)
	}
	if again, err := send("hospital", func(*claims.Letter) {}); err != nil || !again.Again || again.Handle != given.Handle {
		t.Errorf("the same again: got %+v, %v", again, err)
	}
	s, err := h.client("hospital").Status(ctx, c.Handle, 0, 0, false)
	if err != nil || len(s.Letters) != 2 || s.Letters[0].From != api.FromReviewer || s.Letters[0].Due != "2026-07-01" || s.Letters[1].Documents != 1 || s.Letters[1].Token != "" {
		t.Errorf("got %+v, %v", s.Letters, err)
	}
	for _, by := range []string{"hospital", "reviewer"} {
		if all, err := h.client(by).Letters(ctx, c.Handle); err != nil || len(all) != 2 || all[1].Token == "" {
			t.Errorf("%s: got %+v, %v", by, all, err)
		}
	}
	if _, err := h.client("other hospital").Letters(ctx, c.Handle); status(err) != 404 {
		t.Errorf("another hospital reads them: got %v, want 404", err)
	}
	if len(h.temporal.woken) != 0 {
		t.Errorf("letters woke %v", h.temporal.woken)
	}
	d := claims.Determination{Handle: random(), Subject: c.Handle, Number: 1, Approve: true, Reason: "two-visits", Reviewer: did("reviewer"),
		Letters: []credentials.Handle{asked.Handle, random()}}
	determine := func() error {
		_, err := h.client("reviewer").Determine(ctx, c.Handle, sign(t, "reviewer", credentials.KindReviewDetermination, d.Handle, d))
		return err
	}
	if err := determine(); status(err) != 422 || !strings.Contains(err.Error(), "not about this submission") {
		t.Errorf("a letter that is none: got %v, want 422", err)
	}
	d.Letters[1] = given.Handle
	if err := determine(); err != nil {
		t.Error(err)
	}
	if s, err := h.client("reviewer").Review(ctx, c.Handle); err != nil || len(s.Submission.Letters) != 2 {
		t.Errorf("got %+v, %v", s.Submission.Letters, err)
	}
}
