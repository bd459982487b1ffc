package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
)

// States of a claim on its way out.
const (
	stateAccepted = "accepted"
	stateRefused  = "refused"
	stateNotSent  = "not sent"
)

// A claimRow is what became of one claim of a file.
type claimRow struct {
	Claim   string              `json:"claim"`
	State   string              `json:"state"`
	Control string              `json:"control,omitempty"`
	Handle  *credentials.Handle `json:"handle,omitempty"`
	// Again: the insurer had the claim already.
	Again    bool     `json:"again,omitempty"`
	Decision *verdict `json:"decision,omitempty"`

	place    string
	problems []claims.Problem // by which it was refused
	after    int              // the newest decision without the signatures that came now
}

func (r *run) claimSubmit(c *urfave.Context) error {
	d, err := r.unpinned(c)
	if err != nil {
		return err
	}
	f, err := openFile(c.Args().First())
	if err != nil {
		return err
	}
	defer f.Close()
	edits, err := editsOf(c, true)
	if err != nil {
		return err
	}
	checked, err := r.checkFile(c, f, edits)
	if err != nil {
		return err
	}
	s := &submitting{run: r, door: d, checkedFile: checked, out: c.String("out"), progress: r.progress(c)}
	if s.signed, err = readSignatures(c, d.Insurer, r.now()); err != nil {
		return err
	}
	if err := s.signed.find(checked.path, f); err != nil {
		return err
	}
	err = r.writeEnvelopeAnswers(checked, c.String("answers"))
	if err == nil {
		err = s.send(c.Context, f)
	}
	err = errors.Join(err, s.writeClaimAnswers(c.Context, f, c.String("answers")))
	if err == nil && c.Bool("wait") {
		err = s.wait(c.Context, c.Duration("for"))
	}
	s.progress.end()
	if err == nil {
		err = s.err()
	}
	return errors.Join(s.print(err), err)
}

// submitting is one file on its way to the insurer.
type submitting struct {
	*run
	*door
	*checkedFile
	out      string
	progress *progress
	signed   *signatureFiles
}

// send pins the insurer's ledger, then signs and posts the claims that passed, in
// file order.
func (s *submitting) send(ctx context.Context, f *os.File) error {
	good := len(s.claims) - s.refused
	if good == 0 {
		return nil
	}
	if err := s.pin(ctx); err != nil {
		return err
	}
	if err := s.keepFile(); err != nil {
		return err
	}
	if _, err := f.Seek(0, 0); err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	i, sent := 0, 0
	again, err := readClaims(claims.Edits{}, f, func(c *billed) error {
		row := &s.claims[i]
		i++
		if c.Source.File != s.file.Digest || c.Claim.Number != row.Claim {
			return s.changed()
		}
		if row.State != stateNotSent {
			return nil
		}
		sent++
		s.progress.step(sent, good, "sending claim")
		return s.post(ctx, row, c)
	})
	if err == nil && again.Digest != s.file.Digest {
		err = s.changed()
	}
	return err
}

// keepFile writes the 837 into the dossier before anything is sent, so that a
// folder which holds another one is refused in time.
func (s *submitting) keepFile() error {
	if s.out == "" || s.fhir {
		return nil // a dossier holds the 837 that was billed
	}
	body, err := os.ReadFile(s.path)
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	if credentials.DigestOf(body) != s.file.Digest {
		return s.changed()
	}
	return write(dossier.Files{dossier.ClaimsFile: body}, s.out)
}

func (f *checkedFile) changed() error {
	return refused(f.path, "the file changed while it was read", "send it again when nothing writes to it")
}

// post signs one claim and sends it. A refusal of the claim is written into its
// row; an error ends the sending.
func (s *submitting) post(ctx context.Context, row *claimRow, c *billed) error {
	sub := claims.Submission{Handle: newHandle(), Salt: newHandle(), Claim: c.Claim, Source: c.Source}
	token, err := credentials.Issue(s.Signer, credentials.KindClaimSubmission, sub.Handle, s.now(), nil, sub)
	if err != nil {
		return fmt.Errorf("sign claim %s: %w", row.Claim, err)
	}
	signatures, err := s.signed.upon(c.Claim.ClinicalContent)
	if err != nil {
		return err
	}
	a, err := s.SubmitClaim(ctx, token, signatures...)
	var no *api.Refusal
	if errors.As(err, &no) && aboutTheClaim(no.Status) {
		row.State = stateRefused
		s.refused++
		for _, p := range s.problemsOf(row.Claim, c, no) {
			s.problem(p)
		}
		row.problems = refusedBy(no)
		return nil
	}
	if err != nil {
		return fmt.Errorf("submit claim %s: %w", row.Claim, err)
	}
	if !a.Again && a.Handle != sub.Handle {
		return caught("submit claim "+row.Claim, errors.New("the gateway took it under another handle than it was signed with"), "tell the insurer")
	}
	row.State, row.Control, row.Handle, row.Again, row.after = stateAccepted, a.Control, &a.Handle, a.Again, a.After
	if s.out == "" {
		return nil
	}
	if a.Again { // the insurer keeps what was signed the first time
		return s.keepEarlier(ctx, a.Handle)
	}
	files := dossier.Files{}
	files.Token(dossier.Submissions, a.Handle, token)
	for _, h := range s.signed.all {
		if slices.Contains(signatures, h.token) {
			h.keep(files)
		}
	}
	return write(files, s.out)
}

// aboutTheClaim says whether a refusal concerns one claim, and not the caller
// or the hour.
func aboutTheClaim(status int) bool {
	return codeOfStatus(status) == exitRefused && status != 401 && status != 403 && status != 404
}

// keepEarlier fetches the submission that was signed the first time.
func (s *submitting) keepEarlier(ctx context.Context, h credentials.Handle) error {
	status, err := s.Status(ctx, h, 0, 0, true)
	if err != nil {
		return fmt.Errorf("fetch the earlier submission: %w", err)
	}
	name := dossier.Submissions + "/" + h.String() + ".jwt"
	if body, ok := status.Files[name]; ok {
		return write(dossier.Files{name: body}, s.out)
	}
	return nil
}

func (s *submitting) print(ended error) error {
	if s.json {
		return s.run.print(struct {
			checkJSON
			Claims []claimRow `json:"claims"`
		}{s.object(ended), s.claims})
	}
	s.printNotes(s.Err)
	s.printProblems(s.Out)
	if len(s.claims) == 0 {
		return nil
	}
	t := table{head: []string{"claim", "state", "control number", "handle", ""}}
	decisions := table{head: decisionHead}
	waited := false
	for _, row := range s.claims {
		handle, note := "", ""
		if row.Handle != nil {
			handle = short(*row.Handle)
		}
		if row.Again {
			note = "received before"
		}
		t.add(row.Claim, row.State, row.Control, handle, note)
		if row.Decision != nil {
			waited = true
			decisions.add(append([]string{row.Claim}, row.Decision.cells()...)...)
		}
	}
	if err := t.write(s.Out); err != nil || !waited {
		return err
	}
	fmt.Fprintln(s.Out)
	return decisions.write(s.Out)
}

var decisionHead = []string{"claim", "decision", "charge", "allowed", "paid", "patient", "reason"}

// cells are a verdict's in a table, from the decision on. What waits has no
// amounts yet.
func (v *verdict) cells() []string {
	if v.Outcome == claims.Pended {
		reason := v.Reason
		if v.SettleBy != "" {
			reason += "; to be settled by " + string(v.SettleBy)
		}
		return []string{string(v.Outcome), v.Cents.Charge.String(), "", "", "", reason}
	}
	return []string{string(v.Outcome), v.Cents.Charge.String(), v.Cents.Allowed.String(), v.Cents.Paid.String(), v.Cents.Patient.String(), v.Reason}
}

func newHandle() (h credentials.Handle) {
	rand.Read(h[:]) // never fails (crypto/rand)
	return h
}

// short is how a table names a handle; commands take it back.
func short(h credentials.Handle) string { return h.String()[:12] }

// write adds files to a dossier; an empty dir means none is kept.
func write(files map[string][]byte, dir string) error {
	if dir == "" || len(files) == 0 {
		return nil
	}
	if err := dossier.Files(files).Write(dir); err != nil {
		if errors.Is(err, dossier.ErrOtherContent) {
			return refused("write into "+dir, err.Error(), "give --out another folder; nothing is overwritten")
		}
		return fmt.Errorf("write into %s: %w", dir, err)
	}
	return nil
}
