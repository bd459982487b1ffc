package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/estimate"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
)

// askFlags are those with which claim check asks the insurer.
func askFlags() []urfave.Flag {
	return gatewayFlags(
		&urfave.BoolFlag{Name: "ask", Usage: "ask the insurer for a signed estimate of each claim; nothing is billed", DisableDefaultText: true},
		outFlag("with --ask: write questions and estimates, with the proofs of who signed them, into `DIR`"), progressFlag(), signatureFlag())
}

// An askedClaim is a claim with the insurer's estimate of it.
type askedClaim struct {
	Claim string `json:"claim"`
	// Handle and Until are the signed estimate's; both are missing where the
	// insurer gave none, and Refused says why.
	Handle   *credentials.Handle `json:"handle,omitempty"`
	Until    *time.Time          `json:"validUntil,omitempty"`
	Estimate *claims.Estimate    `json:"estimate,omitempty"`
	Refused  string              `json:"refused,omitempty"`
	// Own is the calculation by the editions that were given, for the same day.
	Own *estimated `json:"own,omitempty"`
	// Differences say where the two part.
	Differences []difference `json:"differences,omitempty"`
}

type difference struct {
	estimate.Difference
	Why string `json:"why"`
}

// asking is one file on its way to the insurer, as questions.
type asking struct {
	*run
	*door
	*checkedFile
	out      string
	progress *progress
	signed   *signatureFiles
	asked    []askedClaim // of the claims that passed the edits, in file order
}

// ask signs the claims that passed as questions, and keeps the answers that hold.
func (a *asking) ask(ctx context.Context, f *os.File) error {
	good := len(a.claims) - a.refused
	if good == 0 {
		return nil
	}
	if err := a.pin(ctx); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("%s: %w", a.path, err)
	}
	i := 0
	again, err := readClaims(claims.Edits{}, f, func(c *billed) error {
		row := &a.claims[i]
		i++
		if c.Source.File != a.file.Digest || c.Claim.Number != row.Claim {
			return a.changed()
		}
		if row.State != stateNotSent {
			return nil
		}
		a.progress.step(len(a.asked)+1, good, "asking for claim")
		return a.one(ctx, row, c)
	})
	if err == nil && again.Digest != a.file.Digest {
		err = a.changed()
	}
	return err
}

// one asks about one claim. A refusal of the claim is written into its row; an
// error ends the asking.
func (a *asking) one(ctx context.Context, row *claimRow, c *billed) error {
	s := claims.Submission{Handle: newHandle(), Salt: newHandle(), Claim: c.Claim, Source: c.Source}
	question, err := credentials.Issue(a.Signer, credentials.KindEstimateRequest, s.Handle, a.now(), nil, s)
	if err != nil {
		return fmt.Errorf("sign the question about claim %s: %w", row.Claim, err)
	}
	signatures, err := a.signed.upon(c.Claim.ClinicalContent)
	if err != nil {
		return err
	}
	got, err := a.Estimate(ctx, question, signatures...)
	var no *api.Refusal
	if errors.As(err, &no) && aboutTheClaim(no.Status) {
		a.refused++
		row.State = stateRefused
		if len(no.Problems) > 0 {
			for _, p := range a.problemsOf(row.Claim, c, no) {
				a.problem(p)
			}
		}
		a.asked = append(a.asked, askedClaim{Claim: row.Claim, Refused: oneLine(no.Message)})
		return nil
	}
	if err != nil {
		return fmt.Errorf("ask about claim %s: %w", row.Claim, err)
	}
	doc, err := a.holds(got.Token, question, &s)
	if err != nil {
		return caught("check the estimate of claim "+row.Claim, err, "tell the insurer")
	}
	a.asked = append(a.asked, a.compared(row.Claim, c, doc))
	if a.out == "" {
		return nil
	}
	files := dossier.Files{}
	files.Token(dossier.Questions, s.Handle, question)
	files.Token(dossier.Estimates, doc.Handle(), got.Token)
	return a.keep(files, a.out)
}

// holds wants an estimate to be the insurer's, in force, and of this question.
func (a *asking) holds(token, question string, s *claims.Submission) (*credentials.Credential[claims.ClaimEstimate], error) {
	doc, err := judged[claims.ClaimEstimate](&a.pinned, token, credentials.KindClaimEstimate, nil, nil)
	switch {
	case err != nil:
		return nil, err
	case doc.Issuer != a.Insurer:
		return nil, errors.New("another than the insurer has signed it")
	case doc.ValidUntil == nil || doc.ValidUntil.After(doc.ValidFrom.Add(claims.EstimateLife)):
		return nil, errors.New("it does not say until when it holds, or for too long")
	case doc.ValidFrom.After(a.now().Add(clockSkew)) || doc.ValidUntil.Before(a.now()):
		return nil, errors.New("it is not valid now: check the clocks")
	case doc.Subject.Handle != doc.Handle():
		return nil, errors.New("it is another document than it says")
	}
	return doc, doc.Subject.Answers(s, credentials.DocumentDigest(question))
}

// compared holds an estimate against one's own calculation for the same day.
func (a *asking) compared(number string, c *billed, doc *credentials.Credential[claims.ClaimEstimate]) askedClaim {
	h, e := doc.Handle(), &doc.Subject.Estimate
	row := askedClaim{Claim: number, Handle: &h, Until: doc.ValidUntil, Estimate: e}
	if a.edition == nil {
		return row
	}
	own := estimateOf(a.edition, &c.Claim, e.Received)
	row.Own = &own
	if d, _, err := a.edition.Of(&c.Claim, e.Received); err == nil {
		for _, x := range estimate.Compare(&c.Claim, d, e) {
			row.Differences = append(row.Differences, difference{x, x.Why()})
		}
	}
	return row
}

// printAsked shows the insurer's estimates, and where they part from one's own.
func (a *asking) printAsked(w io.Writer) error {
	if len(a.asked) == 0 {
		return nil
	}
	t := table{head: []string{"claim", "", "would be", "charge", "allowed", "paid", "patient", "why"}}
	line := func(e *estimated, number, who string) {
		t.add(number, who, string(e.Outcome), e.Charge.String(), e.Allowed.String(), e.Paid.String(), e.Patient.String(), e.why())
	}
	until := time.Time{}
	for i := range a.asked {
		row := &a.asked[i]
		if row.Own != nil {
			line(row.Own, row.Claim, "own")
		}
		if row.Estimate == nil {
			t.add(row.Claim, "insurer", "", "", "", "", "", row.Refused)
			continue
		}
		if until.IsZero() || row.Until.Before(until) {
			until = *row.Until
		}
		e := row.Estimate
		line(&estimated{Outcome: e.Outcome, Charge: e.Charge, Allowed: e.Allowed, Paid: e.Paid, Patient: e.Patient, Lines: e.Lines, Pends: e.Pends}, row.Claim, "insurer")
	}
	if err := t.write(w); err != nil {
		return err
	}
	for i := range a.asked {
		for _, d := range a.asked[i].Differences {
			fmt.Fprintln(w, oneLine(d.line(a.asked[i].Claim)))
		}
	}
	if !until.IsZero() {
		fmt.Fprintf(w, "the insurer's estimates are signed and hold until %s; they are no decisions, and nothing was billed\n", until.UTC().Format("2006-01-02 15:04 MST"))
	}
	return nil
}

func (d *difference) line(claim string) string {
	at := "claim " + claim
	if d.Line > 0 {
		at += ", line " + fmt.Sprint(d.Line)
	}
	say := func(words string) string {
		if words == "" {
			return "does not ask"
		}
		return "says " + words
	}
	return fmt.Sprintf("%s, %s: the insurer %s; own calculation %s (%s)", at, d.Rule, say(d.Insurer), say(d.Own), d.Why)
}

// claimAsk is claim check with --ask.
func (r *run) claimAsk(c *urfave.Context, f *os.File, d *door, checked *checkedFile) error {
	a := &asking{run: r, door: d, checkedFile: checked, out: c.String("out"), progress: r.progress(c), asked: []askedClaim{}}
	checked.estimates = nil // those of the insurer's day of receipt take their place
	var err error
	if a.signed, err = readSignatures(c, d.Insurer, r.now()); err != nil {
		return err
	}
	if err := a.signed.find(checked.path, f); err != nil {
		return err
	}
	ended := a.ask(c.Context, f)
	a.progress.end()
	if ended == nil {
		ended = checked.err()
	}
	if r.json {
		return errors.Join(r.print(struct {
			checkJSON
			Asked []askedClaim `json:"asked"`
		}{checked.object(ended), a.asked}), ended)
	}
	checked.printNotes(r.Err)
	checked.printProblems(r.Out)
	if err := a.printAsked(r.Out); err != nil {
		return err
	}
	return ended
}
