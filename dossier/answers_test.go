package dossier

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// recordIn gathers what a house that has heard everything in a dossier holds of a clinician.
func recordIn(t testing.TB, files Files, npi credentials.NPI) (r credentials.StandingRecord, last *recorded) {
	t.Helper()
	v := verify(files, nil, nil)
	for _, l := range v.licenses {
		if l.subject.NPI == npi {
			r.Licenses = append(r.Licenses, credentials.KnownLicense{License: l.subject, Index: l.entry.proof.Index, Since: l.entry.proof.Known})
			last = l.entry
		}
	}
	for _, o := range v.orders {
		if o.subject.License == r.Licenses[0].Handle {
			r.Orders = append(r.Orders, credentials.KnownOrder{Order: o.subject, Index: o.entry.proof.Index, Since: o.entry.proof.Known})
			last = o.entry
		}
	}
	did, _ := credentials.SignerDID(signerOf("board"))
	r.Feeds = []credentials.FeedMark{{Board: did, Position: last.proof.Index + 1, Read: last.proof.Known.Add(time.Minute), Fresh: true}}
	return r, last
}

// answered adds an answer to a dossier, signed by a name.
func answered(t testing.TB, files Files, signer string, a credentials.StandingAnswer, at time.Time) Files {
	t.Helper()
	a.Handle = handle("answer")
	token, err := credentials.Issue(signerOf(signer), credentials.KindStandingAnswer, a.Handle, at, nil, a)
	if err != nil {
		t.Fatal(err)
	}
	all := maps.Clone(files)
	all.Token(Answers, a.Handle, token)
	return all
}

// An answer holds if it follows from what is in the dossier; whoever lies about the answer, or about what it rests on, is found.
func TestAnswers(t *testing.T) {
	w := build(t, nil)
	npi := func() credentials.NPI { // whose license was revoked
		for npi, l := range w.licensed {
			if l.Handle == w.orders[0].License {
				return npi
			}
		}
		return ""
	}()
	record, last := recordIn(t, w.files, npi)
	order, license := fileOf(Orders, w.orders[0].Handle), fileOf(Licenses, w.orders[0].License)
	day := w.orders[0].EffectiveDate()
	now := last.proof.Known.Add(time.Minute)
	ask := func(on credentials.Date, known time.Time) credentials.StandingAnswer {
		a, err := credentials.AnswerStanding(credentials.StandingQuestion{NPI: npi, State: "CA", Service: "99213", On: on, Known: known}, record)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	byPosition := func(n int64) credentials.StandingAnswer {
		a, err := credentials.AnswerStanding(credentials.StandingQuestion{NPI: npi, State: "CA", Service: "99213", On: day, Position: n}, record)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for _, tt := range []struct {
		name   string
		answer credentials.StandingAnswer
		want   credentials.Answer
	}{
		{"the day before the order", ask(day.AddDays(-1), now), credentials.May},
		{"its first day", ask(day, now), credentials.MayNot},
		{"a second before it was known", ask(day, last.proof.Known.Add(-time.Second)), credentials.May},
		{"when it was known", ask(day, last.proof.Known), credentials.MayNot},
		{"below its entry", byPosition(last.proof.Index), credentials.May},
		{"with its entry", byPosition(last.proof.Index + 1), credentials.MayNot},
		{"no license", ask(day, began.AddDate(0, 0, -1)), credentials.MayNot},
	} {
		for _, signer := range []string{"board", "insurer"} {
			r := Verify(answered(t, w.files, signer, tt.answer, now), nil, nil)
			if tt.answer.Answer != tt.want || !r.OK() || r.Answers != 1 {
				t.Errorf("%s, by the %s: %s, want %s%s", tt.name, signer, tt.answer.Answer, tt.want, failures(r))
			}
		}
	}
	lie := func(edit func(*credentials.StandingAnswer)) Files {
		a := ask(day, now)
		a.Basis.Orders, a.Basis.Feeds = slices.Clone(a.Basis.Orders), slices.Clone(a.Basis.Feeds)
		edit(&a)
		return answered(t, w.files, "insurer", a, now)
	}
	without := func(names ...string) Files {
		f := answered(t, w.files, "insurer", ask(day, now), now)
		for _, n := range names {
			delete(f, n)
		}
		return f
	}
	unrevoked := record
	unrevoked.Orders = nil
	leftOut, err := credentials.AnswerStanding(credentials.StandingQuestion{NPI: npi, State: "CA", Service: "99213", On: day, Known: now}, unrevoked)
	if err != nil || leftOut.Answer != credentials.May {
		t.Fatal(leftOut, err)
	}
	h := w.orders[0].Handle
	for name, tt := range map[string]struct {
		files Files
		want  want
	}{
		"another answer":        {lie(func(a *credentials.StandingAnswer) { a.Answer = credentials.May }), want{Answers, checkRecompute}},
		"another reason":        {lie(func(a *credentials.StandingAnswer) { a.Standing.Reason = credentials.ReasonSuspended }), want{Answers, checkRecompute}},
		"another day asked for": {lie(func(a *credentials.StandingAnswer) { a.Question.On = day.AddDays(-1) }), want{Answers, checkRecompute}},
		"another state":         {lie(func(a *credentials.StandingAnswer) { a.Question.State = "MA" }), want{Answers, checkRole}},
		"the order left out":    {answered(t, w.files, "insurer", leftOut, now), want{Answers, checkStanding}},
		"and the feed read less": {answered(t, w.files, "insurer", func() credentials.StandingAnswer {
			a := leftOut
			a.Basis.Feeds = []credentials.FeedMark{record.Feeds[0]}
			a.Basis.Feeds[0].Position = last.proof.Index
			a.Question.Known = now.Add(25 * time.Hour)
			a.Basis.Feeds[0].Read = now.Add(25 * time.Hour)
			return a
		}(), now.Add(26*time.Hour)), want{Answers, checkStanding}},
		"the file of the order":   {without(order), want{Answers, checkRests}},
		"the order and its entry": {without(order, fileOf(Entries, h), fileOf(Receipts, h)), want{Answers, checkRests}},
		"the file of the license": {without(license), want{Answers, checkRests}},
		"a feed called fresh":     {lie(func(a *credentials.StandingAnswer) { a.Basis.Feeds[0].Read = now.Add(-25 * time.Hour) }), want{Answers, checkStanding}},
		"a feed of the insurer": {lie(func(a *credentials.StandingAnswer) {
			a.Basis.Feeds[0].Board, _ = credentials.SignerDID(signerOf("insurer"))
		}), want{Answers, checkRole}},
		"a feed twice":            {lie(func(a *credentials.StandingAnswer) { a.Basis.Feeds = append(a.Basis.Feeds, a.Basis.Feeds[0]) }), want{Answers, checkStanding}},
		"no feed":                 {lie(func(a *credentials.StandingAnswer) { a.Basis.Feeds = []credentials.FeedMark{} }), want{Answers, checkStanding}},
		"an order twice":          {lie(func(a *credentials.StandingAnswer) { a.Basis.Orders = append(a.Basis.Orders, h) }), want{Answers, checkStanding}},
		"other rules":             {lie(func(a *credentials.StandingAnswer) { a.Rules = "standing/2" }), want{Answers, checkRecompute}},
		"no question":             {lie(func(a *credentials.StandingAnswer) { a.Question.Service = "" }), want{Answers, checkFormat}},
		"known later than signed": {lie(func(a *credentials.StandingAnswer) { a.Question.Known = now.Add(clockSkew + time.Second) }), want{Answers, checkStanding}},
		"signed by a hospital":    {answered(t, w.files, "hospital", ask(day, now), now), want{Answers, checkRole}},
		"signed by nobody":        {answered(t, w.files, "stranger", ask(day, now), now), want{Answers, checkSignature}},
		"a board by other feeds":  {answered(t, w.files, "board", func() credentials.StandingAnswer { a := ask(day, now); a.Basis.Feeds = nil; return a }(), now), want{Answers, checkRole}},
	} {
		if r := Verify(tt.files, nil, nil); !tt.want.in(r) || r.Answers != 0 {
			t.Errorf("%s: got%s\nwant %s: %s", name, failures(r), tt.want.folder, tt.want.check)
		}
	}
	f := answered(t, w.files, "insurer", ask(day, now), now)
	name := fileOf(Answers, handle("answer"))
	content := f[name]
	delete(f, name)
	if r := VerifyFile(f, "somewhere/else.jwt", content, nil); !r.OK() || r.Answers != 1 {
		t.Errorf("by itself:%s", failures(r))
	}
	delete(f, order)
	if r := VerifyFile(f, "somewhere/else.jwt", content, nil); r.OK() {
		t.Error("by itself, without the order: verified")
	}
}
