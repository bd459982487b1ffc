package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

func (r *run) reviewAppealCommand() *urfave.Command {
	return r.leaf(leaf{
		name: "appeal", usage: "list appeals, show one, or answer it: --uphold the decision, or --overturn denials", args: "[APPEAL]", max: 1,
		about: "An APPEAL may be shortened to its first digits (at least 8). --overturn names denials by line and code, such as\n" +
			"1:29,2:18: those are set aside, and all other rules go on when the claim is decided anew. A denial for want of a\n" +
			"license (B7) or of membership (26, 27, 31, 200) cannot be set aside. Who decided the claim before may not answer.",
		flags: gatewayFlags(
			&urfave.BoolFlag{Name: "uphold", Usage: "the decision stands", DisableDefaultText: true},
			&urfave.StringFlag{Name: "overturn", Usage: "set aside the `DENIALS`"},
			&urfave.StringFlag{Name: "words", Usage: "`FILE` of plain text for whoever appealed"},
			&urfave.StringFlag{Name: "reason", Usage: "the reason's `CODE`; nothing personal"},
			outFlag("write the determination into `DIR`")),
		do: r.reviewAppeal,
	})
}

func (r *run) reviewAppeal(c *urfave.Context) error {
	d, err := r.door(c)
	if err != nil {
		return err
	}
	if !c.Args().Present() {
		return r.listAppeals(c, d)
	}
	h, err := find(c.Args().First(), commandName(c), func() ([]api.Submission, error) { return d.appealHandles(c.Context) })
	if err != nil {
		return err
	}
	a, err := d.AppealNamed(c.Context, h)
	if err != nil {
		return fmt.Errorf("show appeal: %w", err)
	}
	doc, err := judged[claims.Appeal](&d.pinned, a.Token, credentials.KindClaimAppeal, nil, nil)
	if err == nil && (doc.Subject.Handle != h || doc.Subject.Subject != a.Submission.Handle) {
		err = errors.New("it is another appeal")
	}
	if err != nil {
		return caught("check appeal", err, "tell the insurer")
	}
	if c.Bool("uphold") == (c.String("overturn") != "") {
		if c.Bool("uphold") {
			return refused(commandName(c), "--uphold and --overturn exclude each other", "give one of them")
		}
		return r.showAppeal(d, &a, &doc.Subject)
	}
	return r.answerAppeal(c, d, &a, &doc.Subject)
}

// appealHandles are the appeals that wait, in the form in which names are looked up.
func (d *door) appealHandles(ctx context.Context) (all []api.Submission, err error) {
	list, err := d.Appeals(ctx)
	for _, a := range list {
		all = append(all, api.Submission{Handle: a.Appeal.Handle, Number: a.Submission.Number})
	}
	return all, err
}

func (r *run) listAppeals(c *urfave.Context, d *door) error {
	list, err := d.Appeals(c.Context)
	if err != nil {
		return fmt.Errorf("list appeals: %w", err)
	}
	if r.json {
		return r.print(map[string]any{"appeals": list})
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(r.Out, "no appeal waits")
		return err
	}
	t := table{head: []string{"appeal", "claim", "decision", "filed", "answer due", "late"}}
	today := credentials.DateOf(r.now())
	for _, a := range list {
		late := ""
		if today > a.Appeal.Due {
			late = "late"
		}
		t.add(short(a.Appeal.Handle), a.Submission.Number, fmt.Sprint(a.Appeal.Number), a.Appeal.Filed.UTC().Format("2006-01-02"), string(a.Appeal.Due), late)
	}
	return t.write(r.Out)
}

func (r *run) showAppeal(d *door, a *api.AppealUnderReview, said *claims.Appeal) error {
	row, err := d.review(&a.Submission)
	if err != nil {
		return err
	}
	if r.json {
		return r.print(map[string]any{"appeal": a.Appeal, "words": said.Words, "claim": row.Number, "decided": row.Waits})
	}
	lines := "all lines"
	if len(said.Lines) > 0 {
		lines = "lines " + strings.Trim(fmt.Sprint(said.Lines), "[]")
	}
	fmt.Fprintf(r.Out, "claim      %s, decision %d, %s\nappeal     %s\nfiled      %s\ndue        %s\ndecided    %s\n\n", oneLine(row.Number), said.Number, lines, a.Appeal.Handle,
		a.Appeal.Filed.UTC().Format("2006-01-02"), a.Appeal.Due, oneLine(row.Waits))
	for line := range strings.Lines(said.Words) {
		fmt.Fprintln(r.Out, oneLine(line))
	}
	return nil
}

func (r *run) answerAppeal(c *urfave.Context, d *door, a *api.AppealUnderReview, said *claims.Appeal) error {
	code, err := given(c, "reason", "")
	if err != nil {
		return err
	}
	words, err := wordsOf(c, "words")
	if err != nil {
		return err
	}
	det := claims.Determination{Handle: newHandle(), Subject: said.Subject, Number: said.Number, Approve: !c.Bool("uphold"),
		Reason: code, Reviewer: d.did, Appeal: &said.Handle, Words: words}
	if det.SetsAside, err = denials(c); err != nil {
		return err
	}
	for _, n := range a.Submission.Decisions {
		if n.Number != said.Number {
			continue
		}
		v, err := openDecision[claims.ClaimDecisionDocument](d, n, credentials.KindClaimDecision)
		if err != nil {
			return err
		}
		if err := det.Answers(said, &v.Decision); err != nil {
			return refused(commandName(c), oneLine(err.Error()), "look at the decision: countersign review appeal "+short(said.Handle))
		}
	}
	err = r.sendDetermination(c, d, &det, func(token string) error {
		_, err := d.AnswerAppeal(c.Context, said.Handle, token)
		return err
	})
	if err != nil {
		return err
	}
	if r.json {
		return r.print(det)
	}
	word := "the decision is upheld"
	if det.Approve {
		word = "set aside " + asides(det.SetsAside) + "; the claim is decided anew"
	}
	_, err = fmt.Fprintf(r.Out, "claim %s: %s, determination %s\n", oneLine(a.Submission.Number), word, short(det.Handle))
	return err
}

// denials reads LINE:CARC,….
func denials(c *urfave.Context) (all []claims.SetAside, err error) {
	if c.Bool("uphold") {
		return nil, nil
	}
	for _, one := range strings.Split(c.String("overturn"), ",") {
		line, carc, ok := strings.Cut(strings.TrimSpace(one), ":")
		n, err := strconv.Atoi(line)
		if err != nil || !ok || n < 1 || carc == "" {
			return nil, refused(commandName(c), "--overturn: want denials by line and code, such as 1:29,2:18", "")
		}
		all = append(all, claims.SetAside{Line: n, CARC: carc})
	}
	return all, nil
}
