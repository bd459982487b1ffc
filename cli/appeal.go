package cli

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
)

func (r *run) claimAppealCommand() *urfave.Command {
	return r.leaf(leaf{
		name: "appeal", usage: "sign and send an appeal of the latest decision on a claim", args: "CLAIM", min: 1, max: 1,
		about: "CLAIM is the insurer's control number, or the claim's handle or number. A person at the insurer answers it;\n" +
			"`claim status` shows how it stands and by when the answer is due. A decision is appealed once: a second appeal is refused.",
		flags: gatewayFlags(
			&urfave.StringFlag{Name: "reason", Usage: "`FILE` of plain text that says why the decision is wrong"},
			&urfave.StringFlag{Name: "lines", Usage: "the `LINES` that it is about, such as 1,3; all where left out"},
			outFlag("write the appeal into `DIR`")),
		do: r.claimAppeal,
	})
}

func (r *run) claimAppeal(c *urfave.Context) error {
	words, err := wordsOf(c, "reason")
	if err != nil {
		return err
	}
	lines, err := lineNumbers(c)
	if err != nil {
		return err
	}
	d, err := r.door(c)
	if err != nil {
		return err
	}
	h, err := find(c.Args().First(), commandName(c), d.all(c.Context, "claim"))
	if err != nil {
		return err
	}
	s, err := d.Status(c.Context, h, 0, 0, false)
	if err != nil {
		return fmt.Errorf("find the decision: %w", err)
	}
	n := decided(&s)
	if n == nil || s.Kind != "claim" {
		return refused(commandName(c), "there is no decision on it yet", "see countersign claim status")
	}
	a := claims.Appeal{Handle: newHandle(), Subject: s.Handle, Number: n.Number, Lines: lines, Words: words}
	v, err := openDecision[claims.ClaimDecisionDocument](d, *n, credentials.KindClaimDecision)
	if err != nil {
		return err
	}
	if err := errors.Join(a.Check(), a.Against(&v.Decision)); err != nil {
		return refused(commandName(c), oneLine(err.Error()), "see countersign claim explain")
	}
	token, err := credentials.Issue(d.Signer, credentials.KindClaimAppeal, a.Handle, r.now(), nil, a)
	if err != nil {
		return fmt.Errorf("sign appeal: %w", err)
	}
	answer, err := d.Appeal(c.Context, h.String(), token)
	if err != nil {
		return fmt.Errorf("send appeal: %w", err)
	}
	f := dossier.Files{}
	f.Token(dossier.Appeals, a.Handle, token)
	if err := write(f, c.String("out")); err != nil {
		return err
	}
	if r.json {
		return r.print(answer)
	}
	_, err = fmt.Fprintf(r.Out, "claim %s: decision %d is appealed, appeal %s; the answer is due by %s\n", oneLine(s.Number), a.Number, short(a.Handle), answer.Due)
	return err
}

// wordsOf reads the file of plain words that a flag names.
func wordsOf(c *urfave.Context, flag string) (string, error) {
	path, err := given(c, flag, "")
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", refused(commandName(c), "--"+flag+": "+oneLine(err.Error()), "name a file of plain text")
	}
	words := strings.TrimSpace(string(b))
	if words == "" || len(words) > claims.MaxAppealWords {
		return "", refused(commandName(c), fmt.Sprintf("--%s: want from 1 to %d bytes of plain text", flag, claims.MaxAppealWords), "")
	}
	return words, nil
}

func lineNumbers(c *urfave.Context) (lines []int, err error) {
	text := c.String("lines")
	if text == "" {
		return nil, nil
	}
	for _, s := range strings.Split(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 1 {
			return nil, refused(commandName(c), "--lines: want the numbers of lines, such as 1,3", "see countersign claim explain")
		}
		lines = append(lines, n)
	}
	return lines, nil
}

// An appealRow is how an appeal stands, its answer's signature checked.
type appealRow struct {
	api.Appeal
	Words     string            `json:"words,omitempty"` // of the answer
	SetsAside []claims.SetAside `json:"setsAside,omitempty"`
}

// appeals reads the answers to a claim's appeals.
func (d *door) appeals(s *api.Submission) (all []appealRow, err error) {
	for _, a := range s.Appeals {
		row := appealRow{Appeal: a}
		if a.Determination != "" {
			doc, err := judged[claims.Determination](&d.pinned, a.Determination, credentials.KindReviewDetermination, nil, nil)
			if err == nil && (doc.Subject.Appeal == nil || *doc.Subject.Appeal != a.Handle || doc.Subject.Subject != s.Handle) {
				err = errors.New("it answers another appeal")
			}
			if err != nil {
				return nil, caught("check the answer to an appeal", err, "tell the insurer")
			}
			row.Words, row.SetsAside = doc.Subject.Words, doc.Subject.SetsAside
		}
		all = append(all, row)
	}
	return all, nil
}

// line is the row in words.
func (a *appealRow) line() string {
	switch a.State {
	case "open":
		return fmt.Sprintf("decision %d is appealed (%s); the answer is due by %s", a.Number, short(a.Handle), a.Due)
	case "upheld":
		return fmt.Sprintf("the appeal of decision %d was refused: %s", a.Number, a.Words)
	case "overturned":
		return fmt.Sprintf("the appeal of decision %d was granted (%s): %s", a.Number, asides(a.SetsAside), a.Words)
	}
	return fmt.Sprintf("the appeal of decision %d was overtaken by a later decision; appeal that one", a.Number)
}

func asides(all []claims.SetAside) string {
	var parts []string
	for _, s := range all {
		parts = append(parts, fmt.Sprintf("%d:%s", s.Line, s.CARC))
	}
	return strings.Join(parts, ",")
}

// pendsOf says what a reopened claim waits for.
func pendsOf(reasons string) string {
	var words []string
	for _, r := range strings.Fields(reasons) {
		words = append(words, claims.PendReason(r).Words())
	}
	return strings.Join(words, "; ")
}
