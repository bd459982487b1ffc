package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	httpproblem "github.com/countersign-health/countersign/problem"
	"github.com/countersign-health/countersign/standing"
)

func (r *run) standingCommand() *urfave.Command {
	text := func(name, usage string) urfave.Flag { return &urfave.StringFlag{Name: name, Usage: usage} }
	return r.leaf(leaf{
		name: "standing", usage: "ask whether a clinician may act, in a state, for a service, on a day",
		about: "The answer is may (exit code 0), may-not (5) or unknown (6), signed by the board, or with --ask insurer\n" +
			"by the insurer for all boards that it follows. It is checked here, and computed again from the license,\n" +
			"the orders and their receipts; with --out it can be checked again offline: countersign verify DIR.\n" +
			"--known asks by what was known then: a time, the end of a DATE (UTC), or the first N entries of the ledger.",
		flags: boardFlags(false, text("npi", "the clinician's `NPI`"), text("state", "two letters of the `STATE`"), text("service", "the `CODE` of the service, such as 99213"),
			text("on", "the `DATE` of the service; today without it"), text("known", "by what was known at a `TIME`, DATE or position; now without it"),
			&urfave.StringFlag{Name: "ask", Usage: "who answers: `HOUSE` is board or insurer", Value: "board"},
			&urfave.StringFlag{Name: "gateway", Usage: "`URL` of the insurer's gateway", EnvVars: []string{"COUNTERSIGN_GATEWAY"}},
			&urfave.StringFlag{Name: "insurer", Usage: "the insurer's `DID`", EnvVars: []string{"COUNTERSIGN_INSURER"}},
			outFlag("write the answer with its proof into `DIR`")),
		do: r.licenseStanding,
	})
}

// A respondent is the house that is asked.
type respondent struct {
	url  string
	did  credentials.DID
	name string // "the board"
	flag string // of its address
	pinned
}

func (r *run) respondent(c *urfave.Context) (*respondent, error) {
	trust, err := givenTrust(c)
	if err != nil {
		return nil, err
	}
	a := &respondent{name: "the board", flag: "--board", pinned: pinned{trust: *trust}}
	did, variable := "board-did", "COUNTERSIGN_BOARD"
	switch c.String("ask") {
	case "board":
	case "insurer":
		a.name, a.flag, did, variable = "the insurer", "--gateway", "insurer", "COUNTERSIGN_GATEWAY"
	default:
		return nil, refused(commandName(c), "--ask: there is no such house", "use board or insurer")
	}
	name := strings.TrimPrefix(a.flag, "--")
	if a.url, err = given(c, name, variable); err != nil {
		return nil, err
	}
	if err := checkURL(c, name, a.url); err != nil {
		return nil, err
	}
	id, err := given(c, did, "")
	if err != nil {
		return nil, err
	}
	if a.did, err = credentials.ParseDID(id); err != nil {
		return nil, refused(commandName(c), "--"+did+": "+err.Error(), "ask "+a.name+" for its DID")
	}
	return a, nil
}

func (r *run) licenseStanding(c *urfave.Context) error {
	on := c.String("on")
	if on == "" {
		on = string(credentials.DateOf(r.now()))
	}
	query := standing.Query(credentials.NPI(c.String("npi")), c.String("state"), c.String("service"), credentials.Date(on), c.String("known"))
	asked, open, err := standing.ParseQuestion(query, r.now().UTC().Truncate(time.Second))
	if err != nil {
		return refused(commandName(c), "--"+err.Error(), "see countersign license standing --help")
	}
	a, err := r.respondent(c)
	if err != nil {
		return err
	}
	client := httpClient(strings.TrimPrefix(a.name, "the "))
	proofs, err := standing.Ledger(c.Context, client, a.url)
	if err != nil {
		return fmt.Errorf("ask which ledger %s stands on: %w", a.name, err)
	}
	if err := a.hold(proofs, a.name, a.flag); err != nil {
		return err
	}
	got, err := a.ask(c.Context, func(ctx context.Context) (*standing.Answer, error) { return standing.Ask(ctx, client, a.url, query) })
	if err != nil {
		return err
	}
	answer, err := a.check(got, asked, open, r.now())
	if err != nil {
		return caught("check the answer", err, "tell "+a.name)
	}
	if out := c.String("out"); out != "" {
		if err := a.keep(got.Files, out); err != nil {
			return err
		}
	}
	return r.printStanding(answer)
}

// ask says what a problem means for the caller.
func (a *respondent) ask(ctx context.Context, ask func(context.Context) (*standing.Answer, error)) (*standing.Answer, error) {
	got, err := ask(ctx)
	var p *httpproblem.Problem
	if errors.As(err, &p) {
		if codeOfStatus(p.Status) == exitRefused {
			return nil, refused("ask "+a.name, p.Error(), "")
		}
		return nil, later("ask "+a.name, p.Error(), "try again; until then it is unknown")
	}
	return got, err
}

// check wants the answer to be of the house and to the question that was asked,
// and computes it again from its proof.
func (a *respondent) check(got *standing.Answer, asked credentials.StandingQuestion, open bool, now time.Time) (*credentials.StandingAnswer, error) {
	doc, err := judged[credentials.StandingAnswer](&a.pinned, got.Credential, credentials.KindStandingAnswer, nil, nil)
	if err != nil {
		return nil, err
	}
	s := &doc.Subject
	if doc.Issuer != a.did {
		return nil, errors.New("another than " + a.name + " has signed it")
	}
	question := s.Question
	if open { // asked for now, by the house's clock and the witnesses'
		if off := question.Known.Sub(now).Abs(); off > clockSkew {
			return nil, fmt.Errorf("it is by what was known on %s, and now was asked for: check the clocks", question.Known.Format(time.RFC3339))
		}
		question.Known = asked.Known
	}
	if question != asked {
		return nil, errors.New("it answers another question than was asked")
	}
	if got.Answer != s.Answer || got.Reason != s.Standing.Reason || got.Missing != s.Missing {
		return nil, errors.New("what was told is not what was signed")
	}
	all := maps.Clone(a.proofs)
	maps.Copy(all, got.Files)
	if string(all[dossier.Answers+"/"+doc.Handle().String()+".jwt"]) != got.Credential+"\n" {
		return nil, errors.New("it is not among the files of its proof")
	}
	if report := dossier.Verify(all, &a.trust, nil); !report.OK() {
		first := report.Failures[0]
		return nil, fmt.Errorf("%s: %s: %s", first.File, first.Name, first.Detail)
	}
	return s, nil
}

// exitOf is the exit code of an answer; only may is 0.
func exitOf(a credentials.Answer) int {
	switch a {
	case credentials.May:
		return exitDone
	case credentials.MayNot:
		return exitNo
	}
	return exitUnknown
}

func (r *run) printStanding(a *credentials.StandingAnswer) error {
	code := exitOf(a.Answer)
	if r.json {
		if err := r.print(a); err != nil {
			return err
		}
	} else {
		q := a.Question
		known := fmt.Sprintf("the first %d entries of the ledger", q.Position)
		if q.Position == 0 {
			known = "what was known on " + q.Known.Format(time.RFC3339)
		}
		fmt.Fprintf(r.Out, "%s (%s)\n", a.Answer, standingWords(a))
		fmt.Fprintf(r.Out, "  asked    %s in %s on %s\n  by       %s\n", oneLine(q.Service), q.State, q.On, known)
		if !a.License.IsZero() {
			fmt.Fprintf(r.Out, "  license  %s\n", a.License)
		}
		if !a.Order.IsZero() {
			fmt.Fprintf(r.Out, "  order    %s\n", a.Order)
		}
		for _, f := range a.Basis.Feeds {
			fmt.Fprintf(r.Out, "  feed     of %s, read up to entry %d, until %s\n", oneLine(string(f.Board)), f.Position, f.Read.Format(time.RFC3339))
		}
	}
	if code == exitDone {
		return nil
	}
	return &answerGiven{code}
}

// standingWords are why, and what is missing.
func standingWords(a *credentials.StandingAnswer) string {
	words := string(a.Standing.Reason)
	switch {
	case a.Day != "" && a.Standing.Reason == credentials.ReasonNotYet:
		words += ", begins on " + string(a.Day)
	case a.Day != "":
		words += ", last day " + string(a.Day)
	}
	switch a.Missing {
	case credentials.MissingReview:
		return words + ", limited by " + limits(a.Standing.Restrictions) + ": a person has to hold the service against that"
	case credentials.MissingFeed:
		return words + ": the board's feed was not read that far, or an act is on its way to the ledger"
	case credentials.MissingBoard:
		return words + ": no board of the state is followed here"
	case credentials.MissingOrders:
		return words + ": the orders do not fit together; ask the board"
	}
	return words
}
