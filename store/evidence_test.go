package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
)

func TestEditionsByDate(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.publish(books.PlanEdition, "ppo", "2025", "fees", "2025-01-01", "2025-12-31")
		h.publish(books.PlanEdition, "ppo", "2025-spring", "fees", "2025-03-01", "2025-04-30")
		h.publish(books.PlanEdition, "ppo", "2027", "fees", "2027-01-01", "")
		h.publish(books.PlanEdition, "another", "2026-b", "fees", "2026-06-01", "2026-12-31")
		for _, test := range []struct {
			on   credentials.Date
			want string
		}{
			{"2025-03-01", "2025-spring"}, {"2025-05-01", "2025"}, {"2025-12-31", "2025"}, {"2026-01-01", "2026"}, {"2026-12-31", "2026"}, {"2027-01-01", "2027"},
			{"2031-01-01", "2027"}, // open
			{"2024-12-31", "2027"}, // no edition covers it: the latest terms
		} {
			claim := h.receive(string(test.on), on(test.on))
			if got := h.file(claim).Plan.Ref.Edition; got != test.want {
				t.Errorf("on %s: got edition %s, want %s", test.on, got, test.want)
			}
			h.settle(claim, claims.Denied)
		}
	})
}

func TestPlanOfTheDay(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.publish(books.PlanEdition, "hmo", "2027", "fees", "2027-01-01", "2027-12-31")
		moved := store.Member{MemberID: "M3", Family: "M3", Last: "Cedar", First: "Dee", Plan: "ppo", From: "2026-01-01", Until: "2026-12-31"}
		later := moved
		later.Plan, later.From, later.Until = "hmo", "2027-01-01", ""
		h.must(h.Enroll(ctx, []store.Member{moved, later, later}))
		who := by(claims.Person{MemberID: "M3", Last: "Cedar", First: "Dee"})
		for _, test := range []struct {
			on   credentials.Date
			want string
		}{{"2026-07-01", "ppo"}, {"2027-07-01", "hmo"}} {
			claim := h.receive(string(test.on), who, on(test.on))
			f := h.file(claim)
			if f.Plan.Ref.Name != test.want || len(f.Member.Coverage) != 2 {
				t.Errorf("on %s: got plan %s and %d periods, want %s and 2", test.on, f.Plan.Ref.Name, len(f.Member.Coverage), test.want)
			}
			h.settle(claim, claims.Denied)
		}
	})
}

func TestPublishEdition(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		again := anEdition(books.PlanEdition, "ppo", "2026", "fees", "2026-01-01", "2026-12-31")
		stands := again.Handle
		again.Handle = handle("another")
		if got, err := h.PublishEdition(ctx, again, []byte("entry")); err != nil || got != stands {
			t.Errorf("the same again: got %v, %v, want the edition that stands", got, err)
		}
		again.Body, again.Ref.Digest = []byte("changed"), credentials.DigestOf([]byte("changed"))
		if _, err := h.PublishEdition(ctx, again, []byte("entry")); !errors.Is(err, books.ErrEditionTaken) {
			t.Errorf("other content: got %v, want ErrEditionTaken", err)
		}
		renamed := anEdition(books.FeeEdition, "fees", "2026", "", "", "")
		renamed.Ref.Edition, renamed.Handle = "2027", handle("renamed")
		if _, err := h.PublishEdition(ctx, renamed, []byte("entry")); !errors.Is(err, books.ErrContentTaken) {
			t.Errorf("the same content under another name: got %v, want ErrContentTaken", err)
		}
		all, err := h.Editions(ctx)
		if err != nil || len(all) != 2 || h.count("outbox") != 2 {
			t.Errorf("got %d editions, %v, want 2", len(all), err)
		}
	})
}

func TestMemberMatching(t *testing.T) {
	ann := claims.Person{MemberID: "M1", Last: "Alder", First: "Ann", Birth: "1980-01-02"}
	with := func(edit func(p *claims.Person)) func(*claims.Claim) {
		p := ann
		edit(&p)
		return by(p)
	}
	tests := []struct {
		name           string
		who            func(*claims.Claim)
		found, matches bool
		family         string
	}{
		{"as on record", with(func(*claims.Person) {}), true, true, "M1"},
		{"case and outer space", with(func(p *claims.Person) { p.Last, p.First = " ALDER", "ann " }), true, true, "M1"},
		{"birth date left out", with(func(p *claims.Person) { p.Birth = "" }), true, true, "M1"},
		{"another birth date", with(func(p *claims.Person) { p.Birth = "1980-02-01" }), true, false, "M1"},
		{"another first name", with(func(p *claims.Person) { p.First = "Anna" }), true, false, "M1"},
		{"unknown id", with(func(p *claims.Person) { p.MemberID = "M7" }), false, false, "unknown/M7"},
		{"id in another case", with(func(p *claims.Person) { p.MemberID = "m1" }), false, false, "unknown/m1"},
		{"no id at all", with(func(p *claims.Person) { p.MemberID = "" }), false, false, "unknown/"},
		{"dependent without an id of his own", func(c *claims.Claim) {
			c.Patient = &claims.Person{Last: "Alder", First: "Ben", Birth: "2012-03-04"}
		}, true, true, "M1"},
		{"dependent under his own id", func(c *claims.Claim) {
			c.Patient = &claims.Person{MemberID: "M1-2", Last: "Alder", First: "Ben"}
		}, true, true, "M1"},
		{"dependent who is not on record", func(c *claims.Claim) {
			c.Patient = &claims.Person{Last: "Alder", First: "Zoe"}
		}, true, false, "M1"},
		{"somebody of another family", func(c *claims.Claim) {
			c.Patient = &claims.Person{MemberID: "M9", Last: "Alder", First: "Ben"}
		}, true, false, "M9"},
	}
	each(t, func(t *testing.T, h *house) {
		for _, test := range tests {
			claim := h.receive(test.name, test.who)
			f := h.file(claim)
			if f.Member.Found != test.found || f.Member.Matches != test.matches {
				t.Errorf("%s: got found %v, matches %v, want %v, %v", test.name, f.Member.Found, f.Member.Matches, test.found, test.matches)
			}
			id, unknown := strings.CutPrefix(test.family, "unknown/")
			want := "family/" + h.Family(id) + "/2026"
			if unknown {
				want = "family/unknown/" + h.Family(id) + "/2026"
			}
			if got := f.Fences[0].Name; got != want {
				t.Errorf("%s: got fence %q, want %q", test.name, got, want)
			}
			h.settle(claim, claims.Denied) // so that the next of the family need not wait
		}
	})
}

func TestDuplicates(t *testing.T) {
	line := func(edit func(l *claims.Line)) func(*claims.Claim) {
		return func(c *claims.Claim) { edit(&c.Lines[0]) }
	}
	same := func(*claims.Claim) {}
	tests := []struct {
		name   string
		before claims.Outcome
		edit   func(*claims.Claim)
		want   claims.Duplicate
	}{
		{"paid before", claims.Paid, same, claims.ExactDuplicate},
		{"pended before", claims.Pended, same, claims.ExactDuplicate},
		{"denied before", claims.Denied, same, claims.NotDuplicate},
		{"repeated on purpose", claims.Paid, line(func(l *claims.Line) { l.Modifiers = []string{"76"} }), claims.NearDuplicate},
		{"another modifier", claims.Paid, line(func(l *claims.Line) { l.Modifiers = []string{"25"} }), claims.NotDuplicate},
		{"another day", claims.Paid, on("2026-12-31"), claims.NotDuplicate},
		{"another code", claims.Paid, line(func(l *claims.Line) { l.Code = "99214" }), claims.NotDuplicate},
		{"another charge", claims.Paid, line(func(l *claims.Line) { l.Charge++ }), claims.NotDuplicate},
		{"more units", claims.Paid, line(func(l *claims.Line) { l.Units *= 2 }), claims.NotDuplicate},
		{"another clinician", claims.Paid, func(c *claims.Claim) { c.Rendering.NPI = reviewer }, claims.NotDuplicate},
		{"another biller", claims.Paid, func(c *claims.Claim) { c.Billing.NPI = reviewer }, claims.NotDuplicate},
		{"another patient", claims.Paid, by(claims.Person{MemberID: "M1-2", Last: "Alder", First: "Ben"}), claims.NotDuplicate},
		{"nobody known", claims.Paid, by(claims.Person{MemberID: "M7"}), claims.NotDuplicate},
	}
	each(t, func(t *testing.T, h *house) {
		for i, test := range tests {
			day := on(credentials.Date("2026-02-01").AddDays(i)) // apart from the other cases
			earlier := h.receive("earlier "+test.name, day)
			h.settle(earlier, test.before)
			later := h.receive(test.name, day, test.edit)
			if got := likeness(h.file(later)); got != test.want {
				t.Errorf("%s: got %q, want %q", test.name, got, test.want)
			}
			h.settle(later, claims.Pended)
			if got := likeness(h.file(earlier)); got != claims.NotDuplicate {
				t.Errorf("%s: the earlier one: got %q; a later copy must not taint it", test.name, got)
			}
		}
	})
}

func likeness(f *books.ClaimFile) claims.Duplicate {
	return claims.Likeness(claims.Rules1, f.Lines[0].Key, f.Lines[0].Earlier)
}

func TestRoster(t *testing.T) {
	nobody := func(c *claims.Claim) { c.Rendering = nil }
	each(t, func(t *testing.T, h *house) {
		claim := h.receive("C1", nobody)
		for i, want := range []credentials.NPI{"", clinician, ""} { // none, one, and two that leave it open
			if got := h.file(claim).Lines[0].Practitioner; got.NPI != want || got.Rostered != (want != "") {
				t.Errorf("with %d on the roster: got %q (rostered %v), want %q", i, got.NPI, got.Rostered, want)
			}
			h.must(h.PutOnRoster(ctx, clinic, []credentials.NPI{clinician, reviewer, reviewer}[i]))
		}
	})
}

func TestAuthorizationOfALine(t *testing.T) {
	therapy := func(number string) func(*claims.Claim) {
		return func(c *claims.Claim) { c.Authorization, c.Lines[0].Code = number, "97110" }
	}
	each(t, func(t *testing.T, h *house) {
		asked, err := h.ReceiveAuthorization(ctx, aRequest("A1", 3000))
		h.must(err)
		if got := h.file(h.receive("C0", therapy("A1"))).Lines[0].Authorization; !got.Found || got.Outcome != claims.AuthorizationPended || !got.Handle.IsZero() {
			t.Errorf("before its decision: got %+v, want it pended", got)
		}
		h.settle(handle("C0"), claims.Pended)
		document := h.grant(asked.Submission, claims.AuthorizationApproved)
		for _, test := range []struct {
			name           string
			number, code   string
			sender         credentials.DID
			found, matches bool
		}{
			{"the requester's number", "A1", "97110", hospital, true, true},
			{"our number", asked.Control, "97110", hospital, true, true},
			{"our number, another hospital", asked.Control, "97110", "did:key:other", true, true},
			{"the requester's number, another hospital", "A1", "97110", "did:key:other", false, false},
			{"no such number", "A2", "97110", hospital, false, false},
			{"another code", "A1", "97112", hospital, true, false},
		} {
			c := aClaim("C "+test.name, therapy(test.number), func(c *claims.Claim) { c.Lines[0].Code = test.code })
			c.Submitter = test.sender
			got, err := h.ReceiveClaim(ctx, c)
			h.must(err)
			fact := h.file(got.Submission).Lines[0].Authorization
			if fact.Found != test.found || fact.Matches != test.matches || test.matches && (fact.Left != 3000 || fact.Handle != document) {
				t.Errorf("%s: got %+v", test.name, fact)
			}
			h.settle(got.Submission, claims.Pended)
		}
		ben := h.file(h.receive("ben", therapy("A1"), by(claims.Person{MemberID: "M1-2", Last: "Alder", First: "Ben"})))
		if got := ben.Lines[0].Authorization; !got.Found || got.Matches {
			t.Errorf("another patient: got %+v, want no match", got)
		}
	})
}

// TestHistory: what was paid on earlier claims is known, line by line, as far back
// as any rule looks; what waits, was denied or is another's is not.
func TestHistory(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		paid := h.receive("paid", on("2026-03-01"), func(c *claims.Claim) { c.Lines[0].Units, c.Lines[0].Modifiers = 2000, []string{"LT"} })
		h.settle(paid, claims.Paid)
		h.settle(h.receive("denied", on("2026-03-02")), claims.Denied)
		h.settle(h.receive("waits", on("2026-03-03")), claims.Pended)
		h.settle(h.receive("another's", on("2026-03-04"), by(claims.Person{MemberID: "M1-2", Last: "Alder", First: "Ben"})), claims.Paid)
		h.settle(h.receive("long ago", on("2025-09-22")), claims.Paid)
		h.settle(h.receive("of last year", on("2025-12-01")), claims.Paid)
		now := h.receive("now", on("2026-01-05"))
		f := h.file(now)
		var got []string
		for _, l := range f.History {
			got = append(got, fmt.Sprint(l.On, " ", l.Units, l.Modifiers))
			if l.NPI != clinician || l.Code != f.Submission.Claim.Lines[0].Code {
				t.Errorf("got %+v", l)
			}
		}
		if want := "2025-12-01 1 [] 2026-03-01 2 [LT]"; strings.Join(got, " ") != want {
			t.Errorf("got %q, want %q", strings.Join(got, " "), want)
		}
		// 100 days before 5 January lie in 2025: what the family settles there is fenced.
		if !slices.ContainsFunc(f.Fences, func(x books.Fence) bool { return strings.HasSuffix(x.Name, "/2025") }) {
			t.Errorf("fences %v", f.Fences)
		}
		h.settle(now, claims.Denied) // the family's next claim waits for it
		// A line that is denied in a claim that is paid was not paid.
		two := h.receive("two", on("2026-04-01"), func(c *claims.Claim) {
			l := c.Lines[0]
			l.Number, l.From, l.To = 2, "2026-04-02", "2026-04-02"
			c.Lines, c.Charge = append(c.Lines, l), 2*c.Charge
		})
		h.settleLines(two, claims.Paid, claims.Denied)
		got = nil
		for _, l := range h.file(h.receive("later", on("2026-06-01"))).History {
			got = append(got, string(l.On))
		}
		if want := "2026-03-01 2026-04-01"; strings.Join(got, " ") != want {
			t.Errorf("got %q, want %q", strings.Join(got, " "), want)
		}
		if day := f.Lines[0].Recorded; day == "" || day > credentials.DateOf(time.Now().UTC()) {
			t.Errorf("coverage recorded %q", day)
		}
	})
}

// settleLines settles a paid claim with an outcome for each line.
func (h *house) settleLines(submission credentials.Handle, outcomes ...claims.Outcome) {
	h.t.Helper()
	f := h.file(submission)
	d := h.decision(f, claims.Paid)
	for i := range d.Lines {
		d.Lines[i].Outcome = outcomes[i]
	}
	document := h.signClaim(f, d)
	out, err := h.SettleClaim(ctx, books.Settlement{Submission: submission, Document: document, Fences: f.Fences})
	h.must(err)
	if out.Moved {
		h.t.Fatal("the evidence moved")
	}
}

// TestRosterByDay: who is on the roster on the day of service rendered it, and the
// last file counts.
func TestRosterByDay(t *testing.T) {
	nobody := func(c *claims.Claim) { c.Rendering = nil }
	each(t, func(t *testing.T, h *house) {
		claim := h.receive("C1", nobody)
		day := h.file(claim).Lines[0].Key.On
		entry := func(npi credentials.NPI, from, until credentials.Date) claims.RosterEntry {
			return claims.RosterEntry{Billing: clinic, NPI: npi, Network: "PPO", From: from, Until: until}
		}
		for i, step := range []struct {
			file []claims.RosterEntry
			want credentials.NPI
		}{
			{[]claims.RosterEntry{entry(clinician, day.AddDays(1), ""), entry(reviewer, "2020-01-01", day.AddDays(-1))}, ""},
			{[]claims.RosterEntry{entry(clinician, day, day)}, clinician},
			{[]claims.RosterEntry{entry(reviewer, "2020-01-01", "")}, ""},
			{[]claims.RosterEntry{entry(clinician, "2020-01-01", day.AddDays(-1))}, reviewer},
		} {
			h.must(h.Books.Roster(ctx, step.file))
			if got := h.file(claim).Lines[0].Practitioner; got.NPI != step.want || got.Rostered != (step.want != "") {
				t.Errorf("step %d: got %q (rostered %v), want %q", i, got.NPI, got.Rostered, step.want)
			}
		}
	})
}

// TestCover: periods are added to members on record, all of a file or none.
func TestCover(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.must(h.Enroll(ctx, []store.Member{{MemberID: "V1", Family: "V1", Last: "Span", First: "Sue", Birth: "1990-01-01", Plan: "ppo", From: "2026-01-01", Until: "2026-03-31"}}))
		span := func(line int, id string, from, until credentials.Date) claims.CoverageSpan {
			return claims.CoverageSpan{Line: line, MemberID: id, First: "sue", Birth: "1990-01-01", From: from, Until: until}
		}
		before := h.dump()
		for want, spans := range map[string][]claims.CoverageSpan{
			"coverage.csv line 3: no member on record":                  {span(2, "V1", "2026-05-01", ""), span(3, "V2", "2026-05-01", "")},
			"coverage.csv line 7: coverage_until: the period on record": {span(7, "V1", "2026-01-01", "2026-04-30")},
		} {
			var no *store.RosterError
			if err := h.Cover(ctx, "ppo", spans); !errors.As(err, &no) || !strings.HasPrefix(no.Error(), want) || h.dump() != before {
				t.Errorf("got %v, want %q and nothing written", err, want)
			}
		}
		for range 2 { // twice is once
			h.must(h.Cover(ctx, "ppo", []claims.CoverageSpan{span(2, "V1", "2026-01-01", "2026-03-31"), span(3, "V1", "2026-05-01", "")}))
		}
		claim := h.receive("C9", func(c *claims.Claim) {
			c.Subscriber = claims.Person{MemberID: "V1", Last: "Span", First: "Sue", Birth: "1990-01-01"}
			c.Patient = nil
		})
		want := []claims.Coverage{{From: "2026-01-01", Until: "2026-03-31"}, {From: "2026-05-01"}}
		if got := h.file(claim).Member.Coverage; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
