package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
)

func (r *run) reviewCommand() *urfave.Command {
	reasonFlag := func() urfave.Flag {
		return &urfave.StringFlag{Name: "reason", Usage: "the reason's `CODE`; nothing personal"}
	}
	npiFlag := func(usage string) urfave.Flag { return &urfave.StringFlag{Name: "npi", Usage: usage} }
	about := "A HANDLE may be shortened to its first digits (at least 8), or be the submission's own number.\n"
	return branch("review", "decide what waits for a person",
		r.leaf(leaf{name: "list", usage: "list what waits", flags: gatewayFlags(), do: r.reviewList}),
		r.leaf(leaf{name: "show", usage: "show one of them as it was sent, with what it waits for", args: "HANDLE", min: 1, max: 1,
			about: about, flags: gatewayFlags(&urfave.StringFlag{Name: "documents", Usage: "write what came with letters into `DIR`"}), do: r.reviewShow}),
		r.reviewAskCommand(),
		r.leaf(leaf{name: "approve", usage: "sign an approval", args: "HANDLE", min: 1, max: 1, about: about,
			flags: gatewayFlags(reasonFlag(), npiFlag("your `NPI`, if you have one"),
				&urfave.StringFlag{Name: "units", Usage: "approve only `UNITS` of a request for one service"}, outFlag("write the determination into `DIR`")),
			do: func(c *urfave.Context) error { return r.determine(c, true) }}),
		r.leaf(leaf{name: "deny", usage: "sign a denial, as a licensed clinician", args: "HANDLE", min: 1, max: 1,
			about: about + "A denial is a clinician's: the insurer checks that your license stands (42 CFR 422.566(d)).",
			flags: gatewayFlags(reasonFlag(), npiFlag("your `NPI`"), outFlag("write the determination into `DIR`")),
			do:    func(c *urfave.Context) error { return r.determine(c, false) }}),
		r.reviewAppealCommand(),
	)
}

// A reviewRow is one pended submission.
type reviewRow struct {
	Handle   credentials.Handle `json:"handle"`
	Kind     string             `json:"kind"`
	Number   string             `json:"number"`
	Decision int                `json:"decision"`
	Waits    string             `json:"waitsFor"`
	Letters  int                `json:"letters,omitempty"` // from whoever submitted
	SettleBy credentials.Date   `json:"settleBy,omitempty"`
	Late     bool               `json:"late,omitempty"` // the day has passed; nothing is decided for that
}

func (r *run) reviewList(c *urfave.Context) error {
	d, err := r.door(c)
	if err != nil {
		return err
	}
	all, err := d.Reviews(c.Context)
	if err != nil {
		return fmt.Errorf("list reviews: %w", err)
	}
	rows := []reviewRow{}
	for i := range all {
		row, err := d.review(&all[i])
		if err != nil {
			return err
		}
		rows = append(rows, *row)
	}
	firstDue(rows, credentials.DateOf(r.now()))
	t := table{head: []string{"handle", "kind", "number", "letters", "by", "waits for"}}
	for _, row := range rows {
		letters := ""
		if row.Letters > 0 {
			letters = fmt.Sprint(row.Letters)
		}
		by := string(row.SettleBy)
		if row.Late {
			by += " late"
		}
		t.add(short(row.Handle), row.Kind, row.Number, letters, by, row.Waits)
	}
	if r.json {
		return r.print(map[string]any{"reviews": rows})
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintln(r.Out, "nothing waits")
		return err
	}
	return t.write(r.Out)
}

// firstDue puts what is due first on top, what has no day last, and marks what is
// late.
func firstDue(rows []reviewRow, today credentials.Date) {
	for i := range rows {
		rows[i].Late = rows[i].SettleBy != "" && today > rows[i].SettleBy
	}
	slices.SortStableFunc(rows, func(a, b reviewRow) int {
		return cmp.Compare(cmp.Or(a.SettleBy, "9999"), cmp.Or(b.SettleBy, "9999"))
	})
}

// review reads what the latest decision waits for.
func (d *door) review(s *api.Submission) (*reviewRow, error) {
	row := &reviewRow{Handle: s.Handle, Kind: s.Kind, Number: s.Number}
	n := decided(s)
	if n == nil {
		return row, nil
	}
	row.Decision = n.Number
	for _, l := range s.Letters {
		if l.From == api.FromSubmitter {
			row.Letters++
		}
	}
	if s.Kind == "claim" {
		v, err := d.verdict(s, *n)
		if err != nil {
			return nil, err
		}
		row.Waits, row.SettleBy = v.Reason, v.SettleBy
		if o := s.Reopening; o != nil && o.State == "waiting" {
			row.Waits = "open again: " + pendsOf(o.Waits)
		}
		return row, nil
	}
	doc, err := openDecision[claims.AuthorizationDecisionDocument](d, *n, credentials.KindAuthorizationDecision)
	if err != nil {
		return nil, err
	}
	row.Waits = pendWords(doc.Decision.Pends)
	return row, nil
}

// pended fetches the submission that the first argument names.
func (d *door) pended(c *urfave.Context) (*api.Review, error) {
	h, err := find(c.Args().First(), commandName(c), func() ([]api.Submission, error) { return d.Reviews(c.Context) })
	if err != nil {
		return nil, err
	}
	v, err := d.Review(c.Context, h)
	if err != nil {
		return nil, fmt.Errorf("show review: %w", err)
	}
	if v.Submission.Handle != h {
		return nil, caught("show review", errors.New("the gateway answers about another submission"), "tell the insurer")
	}
	return &v, nil
}

// A reviewJSON is what a reviewer is shown.
type reviewJSON struct {
	reviewRow
	Claim   *claims.Claim                `json:"claim,omitempty"`
	Request *claims.AuthorizationRequest `json:"request,omitempty"`
	Written []letterRow                  `json:"written,omitempty"`
}

func (r *run) reviewShow(c *urfave.Context) error {
	d, err := r.door(c)
	if err != nil {
		return err
	}
	v, err := d.pended(c)
	if err != nil {
		return err
	}
	row, err := d.review(&v.Submission)
	if err != nil {
		return err
	}
	shown := reviewJSON{reviewRow: *row}
	if v.Submission.Kind == "claim" {
		doc, err := judged[claims.Submission](&d.pinned, v.Token, credentials.KindClaimSubmission, nil, nil)
		if err == nil && doc.Subject.Handle != row.Handle {
			err = errors.New("it is another claim")
		}
		if err != nil {
			return caught("check submission", err, "tell the insurer")
		}
		shown.Claim = &doc.Subject.Claim
	} else {
		doc, err := judged[claims.AuthorizationSubmission](&d.pinned, v.Token, credentials.KindAuthorizationSubmission, nil, nil)
		if err == nil && doc.Subject.Handle != row.Handle {
			err = errors.New("it is another request")
		}
		if err != nil {
			return caught("check submission", err, "tell the insurer")
		}
		shown.Request = &doc.Subject.Request
	}
	if shown.Written, err = d.letters(c.Context, &v.Submission); err != nil {
		return err
	}
	if err := keepEnclosures(c.String("documents"), shown.Written); err != nil {
		return err
	}
	if r.json {
		return r.print(shown)
	}
	if err := r.printReview(&shown); err != nil {
		return err
	}
	r.showLetters(shown.Written)
	return nil
}

func (r *run) printReview(v *reviewJSON) error {
	say := func(name, text string) {
		if text != "" {
			fmt.Fprintf(r.Out, "%-13s  %s\n", name, oneLine(text))
		}
	}
	say(v.Kind, v.Number)
	say("handle", v.Handle.String())
	say("waits for", v.Waits)
	if q := v.Request; q != nil {
		say("patient", person(&q.Patient))
		say("clinician", provider(&q.Clinician))
		if q.Ordering != nil {
			say("ordered by", provider(q.Ordering))
		}
		say("diagnoses", strings.Join(q.Diagnoses, " "))
		fmt.Fprintln(r.Out)
		t := table{head: []string{"item", "units", "from", "until", "code"}}
		for _, it := range q.Items {
			t.add(fmt.Sprint(it.Sequence), it.Units.String(), string(it.From), string(it.Until), code(it.Code, it.Modifiers))
		}
		return t.write(r.Out)
	}
	say("patient", person(v.Claim.PatientPerson()))
	say("billed by", provider(&v.Claim.Billing))
	say("diagnoses", strings.Join(v.Claim.Diagnoses, " "))
	fmt.Fprintln(r.Out)
	t := table{head: []string{"line", "charge", "units", "from", "until", "code", "rendered by"}}
	for i := range v.Claim.Lines {
		l := &v.Claim.Lines[i]
		t.add(fmt.Sprint(l.Number), l.Charge.String(), l.Units.String(), string(l.From), string(l.To), code(l.Key(), l.Modifiers), provider(v.Claim.Clinician(l)))
	}
	return t.write(r.Out)
}

func code(c string, modifiers []string) string {
	return strings.Join(append([]string{c}, modifiers...), " ")
}

func person(p *claims.Person) string {
	parts := []string{p.Last}
	for _, s := range []struct{ before, text string }{{"", p.First}, {"born ", string(p.Birth)}, {"member ", p.MemberID}} {
		if s.text != "" {
			parts = append(parts, s.before+s.text)
		}
	}
	return strings.Join(parts, ", ")
}

func provider(p *claims.Provider) string {
	if p == nil {
		return "nobody named"
	}
	name := p.Name
	if p.First != "" {
		name += ", " + p.First
	}
	return name + " (NPI " + string(p.NPI) + ")"
}

// determine signs the reviewer's word on the latest pended decision.
func (r *run) determine(c *urfave.Context, approve bool) error {
	code, err := given(c, "reason", "")
	if err != nil {
		return err
	}
	npi := credentials.NPI(c.String("npi"))
	switch {
	case npi != "" && !npi.Valid():
		return refused(commandName(c), "--npi is no NPI: want ten digits whose check digit holds", "give your own")
	case npi == "" && !approve:
		return refused(commandName(c), "a denial needs a licensed clinician (42 CFR 422.566(d))", "give your NPI with --npi")
	}
	var units claims.Quantity
	if text := c.String("units"); text != "" {
		if units, err = claims.ParseQuantity(text); err != nil || units <= 0 {
			return refused(commandName(c), "--units: want a number of units above 0, such as 6", "leave it out to approve all that was asked for")
		}
	}
	d, err := r.door(c)
	if err != nil {
		return err
	}
	v, err := d.pended(c)
	if err != nil {
		return err
	}
	n := decided(&v.Submission)
	if n == nil || !waits(&v.Submission, n) {
		return refused(commandName(c), "it does not wait for anybody", "see countersign review list")
	}
	det := claims.Determination{Handle: newHandle(), Subject: v.Submission.Handle, Number: n.Number, Approve: approve,
		Reason: code, Reviewer: d.did, NPI: npi, Units: units, Letters: read(&v.Submission)}
	err = r.sendDetermination(c, d, &det, func(token string) error {
		_, err := d.Determine(c.Context, det.Subject, token)
		return err
	})
	if err != nil {
		return err
	}
	if r.json {
		return r.print(det)
	}
	word := map[bool]string{true: "approved", false: "denied"}[approve]
	_, err = fmt.Fprintf(r.Out, "%s %s: %s (%s), determination %s\n", v.Submission.Kind, oneLine(v.Submission.Number), word, oneLine(code), short(det.Handle))
	return err
}

// sendDetermination signs what a reviewer has determined, sends it, and keeps it
// where --out says.
func (r *run) sendDetermination(c *urfave.Context, d *door, det *claims.Determination, send func(token string) error) error {
	token, err := credentials.Issue(d.Signer, credentials.KindReviewDetermination, det.Handle, r.now(), nil, *det)
	if err != nil {
		return fmt.Errorf("sign determination: %w", err)
	}
	if err := send(token); err != nil {
		return fmt.Errorf("send determination: %w", err)
	}
	f := dossier.Files{}
	f.Token(dossier.Determinations, det.Handle, token)
	return write(f, c.String("out"))
}
