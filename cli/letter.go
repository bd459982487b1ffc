package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/ledger"
)

const aboutInform = "A reviewer at the insurer reads it; it decides nothing by itself. At most 10 documents and 500,000 bytes come\n" +
	"with one (PDF, PNG, JPEG, text, XML, JSON); send the others with another. The same once more does nothing twice."

// informCommand is "claim inform" and "auth inform".
func (r *run) informCommand(kind, name string) *urfave.Command {
	return r.leaf(leaf{
		name: "inform", usage: "sign and send information for what waits, with documents", args: "HANDLE", min: 1, max: 1,
		about: aboutHandles + "\n" + aboutInform,
		flags: gatewayFlags(
			&urfave.StringFlag{Name: "words", Usage: "`FILE` of plain text for the reviewer"},
			&urfave.StringSliceFlag{Name: "file", Usage: "a document's `FILE`; may be repeated"},
			outFlag("write the letter into `DIR`")),
		do: func(c *urfave.Context) error { return r.inform(c, kind, name) },
	})
}

func (r *run) inform(c *urfave.Context, kind, name string) error {
	l := claims.Letter{Handle: newHandle()}
	var err error
	if l.Words, err = wordsOf(c, "words"); err != nil {
		return err
	}
	if l.Enclosures, err = enclosures(c); err != nil {
		return err
	}
	d, err := r.door(c)
	if err != nil {
		return err
	}
	h, err := find(c.Args().First(), commandName(c), d.all(c.Context, kind))
	if err != nil {
		return err
	}
	s, err := d.Status(c.Context, h, 0, 0, false)
	if err != nil {
		return fmt.Errorf("find the decision: %w", err)
	}
	if s.Kind != kind {
		return refused(commandName(c), fmt.Sprintf("%s is no %s", oneLine(c.Args().First()), name), "see countersign claim status, countersign auth status")
	}
	return r.sendLetter(c, d, &s, &l)
}

// sendLetter signs a letter about what a submission waits for, and sends it.
func (r *run) sendLetter(c *urfave.Context, d *door, s *api.Submission, l *claims.Letter) error {
	n := decided(s)
	if n == nil || !waits(s, n) {
		return refused(commandName(c), "it does not wait for anybody", "to say that a decision is wrong, see countersign claim appeal")
	}
	l.Subject, l.Number = s.Handle, n.Number
	if err := l.Check(); err != nil {
		return refused(commandName(c), oneLine(err.Error()), "mend it and send it again")
	}
	token, err := credentials.Issue(d.Signer, credentials.KindSubmissionLetter, l.Handle, r.now(), nil, *l)
	if err != nil {
		return fmt.Errorf("sign letter: %w", err)
	}
	answer, err := d.SendLetter(c.Context, s.Handle, token)
	if err != nil {
		return fmt.Errorf("send letter: %w", err)
	}
	if !answer.Again {
		f := dossier.Files{}
		f.Token(dossier.Letters, l.Handle, token)
		if err := write(f, c.String("out")); err != nil {
			return err
		}
	}
	if r.json {
		return r.print(answer)
	}
	word := "sent"
	if answer.Again {
		word = "was sent before"
	}
	_, err = fmt.Fprintf(r.Out, "%s %s, decision %d: letter %s %s, with %s\n", s.Kind, oneLine(s.Number), l.Number, short(answer.Handle), word,
		plural(len(l.Enclosures), "document"))
	return err
}

// waits says whether a person is to look at the latest decision.
func waits(s *api.Submission, n *api.Decision) bool {
	return n.Outcome == string(claims.Pended) || s.Reopening != nil && s.Reopening.State == "waiting"
}

func plural(n int, word string) string {
	switch n {
	case 0:
		return "no " + word
	case 1:
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// enclosures reads the files that --document names.
func enclosures(c *urfave.Context) (all []claims.Enclosure, err error) {
	for _, path := range c.StringSlice("file") {
		name := filepath.Base(path)
		x := claims.Enclosure{Name: name, MediaType: claims.MediaTypes[strings.ToLower(filepath.Ext(name))]}
		info, err := os.Stat(path)
		if err == nil && info.Size() > claims.MaxEnclosed {
			err = fmt.Errorf("%s has %d bytes: at most %d", name, info.Size(), claims.MaxEnclosed)
		}
		if err == nil {
			x.Body, err = os.ReadFile(path)
		}
		if err != nil {
			return nil, refused(commandName(c), "--file: "+oneLine(err.Error()), "name a file that can be read, and split a large one")
		}
		all = append(all, x)
	}
	return all, nil
}

// reviewAskCommand is the other side of it.
func (r *run) reviewAskCommand() *urfave.Command {
	return r.leaf(leaf{
		name: "ask", usage: "sign and send a question to whoever submitted what waits", args: "HANDLE", min: 1, max: 1,
		about: "A HANDLE may be shortened to its first digits (at least 8), or be the submission's own number. Nothing is decided\n" +
			"when the day passes. `review show` has the answer.",
		flags: gatewayFlags(
			&urfave.StringFlag{Name: "words", Usage: "`FILE` of plain text that says what is needed"},
			&urfave.StringFlag{Name: "due", Usage: "the `DATE` by which an answer is asked for"},
			&urfave.StringSliceFlag{Name: "file", Usage: "a document's `FILE`, such as a form; may be repeated"},
			outFlag("write the letter into `DIR`")),
		do: r.reviewAsk,
	})
}

func (r *run) reviewAsk(c *urfave.Context) error {
	l := claims.Letter{Handle: newHandle()}
	var err error
	if l.Words, err = wordsOf(c, "words"); err != nil {
		return err
	}
	if l.Enclosures, err = enclosures(c); err != nil {
		return err
	}
	if text := c.String("due"); text != "" {
		if l.Due, err = credentials.ParseDate(text); err != nil || l.Due < credentials.DateOf(r.now()) {
			return refused(commandName(c), "--due: want a day to come, such as 2026-12-31", "leave it out to name none")
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
	return r.sendLetter(c, d, &v.Submission, &l)
}

// A letterRow is a letter whose signature was checked.
type letterRow struct {
	Handle    credentials.Handle `json:"handle"`
	From      string             `json:"from"`
	Sent      time.Time          `json:"sent"`
	Due       credentials.Date   `json:"due,omitempty"`
	Words     string             `json:"words"`
	Documents []string           `json:"documents,omitempty"`

	enclosures []claims.Enclosure
}

// letters fetches and checks what was written about a submission that waits.
func (d *door) letters(ctx context.Context, s *api.Submission) (all []letterRow, err error) {
	if len(s.Letters) == 0 {
		return nil, nil
	}
	list, err := d.Letters(ctx, s.Handle)
	if err != nil {
		return nil, fmt.Errorf("fetch letters: %w", err)
	}
	for _, l := range list {
		doc, err := judged[claims.Letter](&d.pinned, l.Token, credentials.KindSubmissionLetter, nil, nil)
		if err == nil {
			err = d.checkLetter(&l, doc, s)
		}
		if err != nil {
			return nil, caught("check a letter", err, "tell the insurer")
		}
		row := letterRow{Handle: l.Handle, From: l.From, Sent: l.Sent, Due: doc.Subject.Due, Words: doc.Subject.Words, enclosures: doc.Subject.Enclosures}
		for _, x := range doc.Subject.Enclosures {
			row.Documents = append(row.Documents, x.Name)
		}
		all = append(all, row)
	}
	return all, nil
}

func (d *door) checkLetter(l *api.Letter, doc *credentials.Credential[claims.Letter], s *api.Submission) error {
	if doc.Subject.Subject != s.Handle || doc.Subject.Handle != l.Handle || doc.Handle() != l.Handle {
		return errors.New("it is another letter")
	}
	p, err := d.registry.PartyOf(doc.Issuer)
	if err != nil {
		return err
	}
	if reviewer := p.Role == ledger.RoleReviewer; reviewer != (l.From == api.FromReviewer) {
		return errors.New("it is from the other side than the gateway says")
	}
	return doc.Subject.Check()
}

// line is what status shows of a letter.
func (l *letterRow) line() string {
	day := l.Sent.UTC().Format(time.DateOnly)
	if l.From != api.FromReviewer {
		return fmt.Sprintf("information sent on %s (%s), with %s", day, short(l.Handle), plural(len(l.Documents), "document"))
	}
	due := ""
	if l.Due != "" {
		due = ", by " + string(l.Due)
	}
	return fmt.Sprintf("the insurer asked on %s%s: %s", day, due, l.Words)
}

func (r *run) printLetters(number string, all []letterRow) {
	for i := range all {
		fmt.Fprintf(r.Out, "%s: %s\n", oneLine(number), oneLine(all[i].line()))
	}
}

// showLetters is what a reviewer reads: the words whole.
func (r *run) showLetters(all []letterRow) {
	for i := range all {
		l := &all[i]
		fmt.Fprintf(r.Out, "\nletter %s from the %s, %s", short(l.Handle), l.From, l.Sent.UTC().Format(time.DateOnly))
		if l.Due != "" {
			fmt.Fprintf(r.Out, ", answer asked for by %s", l.Due)
		}
		if len(l.Documents) > 0 {
			fmt.Fprintf(r.Out, ", with %s", strings.Join(l.Documents, ", "))
		}
		fmt.Fprintln(r.Out)
		for line := range strings.Lines(l.Words) {
			fmt.Fprintln(r.Out, "  "+oneLine(line))
		}
	}
}

// keepEnclosures writes the documents of letters into a folder, each under its
// letter's first digits and its own name.
func keepEnclosures(dir string, all []letterRow) error {
	f := dossier.Files{}
	for i := range all {
		for _, x := range all[i].enclosures {
			f[short(all[i].Handle)+"-"+x.Name] = x.Body
		}
	}
	if dir == "" || len(f) == 0 {
		return nil
	}
	err := f.Write(dir)
	if errors.Is(err, dossier.ErrOtherContent) {
		return refused("write into "+dir, err.Error(), "give --documents another folder; nothing is overwritten")
	}
	return err
}

// read names the letters that a determination rests on.
func read(s *api.Submission) (all []credentials.Handle) {
	for _, l := range s.Letters {
		if !slices.Contains(all, l.Handle) {
			all = append(all, l.Handle)
		}
	}
	return all
}
