package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/fhir"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
)

func (r *run) authCommand() *urfave.Command {
	return branch("auth", "ask for prior authorization",
		r.leaf(leaf{
			name: "request", usage: "sign and send a PAS bundle, and show the decision", args: "BUNDLE.json", min: 1, max: 1,
			about: "The bundle is a Da Vinci PAS request: its first entry is a Claim with use \"preauthorization\".\n" +
				"Sending a bundle again does nothing twice.",
			flags: gatewayFlags(skipNPIFlag(), signatureFlag(),
				&urfave.DurationFlag{Name: "wait", Usage: "wait for the decision at most `DURATION`; 0 does not wait", Value: 10 * time.Second},
				outFlag("write the request and its decision with their proofs into `DIR`")),
			do: r.authRequest,
		}),
		r.leaf(leaf{
			name: "status", usage: "show what was decided on a request", args: "HANDLE", min: 1, max: 1,
			about: "A HANDLE may be shortened to its first digits (at least 8), or be the request's own number.",
			flags: gatewayFlags(outFlag("write the decisions with their proofs into `DIR`")), do: r.authStatus,
		}),
		r.informCommand("authorization", "prior-authorization request"),
	)
}

func (r *run) authRequest(c *urfave.Context) error {
	path := c.Args().First()
	sub, err := r.readBundle(c, path)
	if err != nil {
		return err
	}
	d, err := r.door(c)
	if err != nil {
		return err
	}
	signed, err := readSignatures(c, d.Insurer, r.now())
	if err != nil {
		return err
	}
	signatures, err := signed.upon(sub.Request.ClinicalContent)
	if err == nil {
		err = signed.unused(path)
	}
	if err != nil {
		return err
	}
	token, err := credentials.Issue(d.Signer, credentials.KindAuthorizationSubmission, sub.Handle, r.now(), nil, *sub)
	if err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	a, err := d.SubmitAuthorization(c.Context, token, signatures...)
	if err != nil {
		return fmt.Errorf("request authorization: %w", err)
	}
	if !a.Again {
		if a.Handle != sub.Handle {
			return caught("request authorization", errors.New("the gateway took it under another handle than it was signed with"), "tell the insurer")
		}
		f := dossier.Files{}
		f.Token(dossier.Submissions, a.Handle, token)
		signed.keep(f)
		if err := write(f, c.String("out")); err != nil {
			return err
		}
	}
	return r.authDecision(c, d, a.Handle, a.After, c.Duration("wait"))
}

// readBundle reads and checks a request, and makes the submission of it.
func (r *run) readBundle(c *urfave.Context, path string) (*claims.AuthorizationSubmission, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	body, err := readAll(f, fhir.MaxBundle)
	if err != nil {
		return nil, err
	}
	request, err := fhir.ParseBundle(body)
	if err != nil {
		return nil, refusedFile(path, "", err, "correct the bundle and send it again")
	}
	found := claims.CheckRequest(request, claims.Edits{SkipNPICheckDigit: c.Bool("skip-npi-check-digit")})
	if len(found) > 0 {
		var all []error
		for _, p := range found {
			all = append(all, errors.New(p.String()))
		}
		return nil, refusedFile(path, "", errors.Join(all...), "correct the bundle and send it again")
	}
	return &claims.AuthorizationSubmission{
		Handle: newHandle(), Salt: newHandle(), Request: *request,
		Source: claims.Source{File: credentials.DigestOf(body), Created: bundleDate(body, r.now()), Place: "/entry/0/resource"},
	}, nil
}

// bundleDate is the date on which the bundle says that its Claim was made, else
// today. Nothing is decided by it but in demonstrations.
func bundleDate(body []byte, now time.Time) credentials.Date {
	var b struct {
		Entry []struct{ Resource struct{ Created string } }
	}
	if json.Unmarshal(body, &b) == nil && len(b.Entry) > 0 {
		created := b.Entry[0].Resource.Created
		if d, err := credentials.ParseDate(created[:min(len(created), len(time.DateOnly))]); err == nil {
			return d
		}
	}
	return credentials.DateOf(now)
}

func (r *run) authStatus(c *urfave.Context) error {
	d, err := r.door(c)
	if err != nil {
		return err
	}
	h, err := find(c.Args().First(), "auth status", d.all(c.Context, "authorization"))
	if err != nil {
		return err
	}
	return r.authDecision(c, d, h, 0, 0)
}

// An authorizationRow is where one request stands.
type authorizationRow struct {
	Request   string              `json:"request"`
	State     string              `json:"state"`
	Control   string              `json:"control"`
	Handle    credentials.Handle  `json:"handle"`
	Decisions []authorizationWord `json:"decisions"`
	Letters   []letterRow         `json:"letters,omitempty"`
}

type authorizationWord struct {
	Handle  credentials.Handle          `json:"handle"`
	Number  int                         `json:"number"`
	Outcome claims.AuthorizationOutcome `json:"outcome"`
	Reason  string                      `json:"reason"`
	Items   []claims.ItemDecision       `json:"items"`
	Settled time.Time                   `json:"settled"`
	// Status is nil where the decision names no list.
	Status *decisionStatus `json:"status,omitempty"`

	supersedes *credentials.Handle
}

// authDecision shows what is decided once something is, or when wait is over.
// After is the decision of before a clinician's signature came.
func (r *run) authDecision(c *urfave.Context, d *door, h credentials.Handle, after int, wait time.Duration) error {
	s, err := d.authorization(c.Context, h, after, wait, c.String("out") != "")
	if err != nil {
		return fmt.Errorf("authorization: %w", err)
	}
	if s.Kind != "authorization" {
		return refused(commandName(c), "that is a claim", "use countersign claim status")
	}
	row := authorizationRow{Request: s.Number, State: s.State, Control: s.Control, Handle: s.Handle, Decisions: []authorizationWord{}}
	for _, n := range s.Decisions {
		doc, err := openDecision[claims.AuthorizationDecisionDocument](d, n, credentials.KindAuthorizationDecision)
		if err != nil {
			return err
		}
		v := doc.Decision
		if v.Submission != s.Handle || v.Number != n.Number {
			return caught("read decision", errors.New("it answers another request"), "tell the insurer")
		}
		row.Decisions = append(row.Decisions, authorizationWord{Handle: n.Handle, Number: v.Number, Outcome: v.Outcome, Reason: pendWords(v.Pends),
			Items: v.Items, Settled: n.Settled, supersedes: doc.Supersedes})
	}
	for i := range row.Decisions {
		row.Decisions[i].Status, err = d.standing(c.Context, s, i, func(j int) *credentials.Handle { return row.Decisions[j].supersedes })
		if err != nil {
			return err
		}
	}
	if row.Letters, err = d.letters(c.Context, s); err != nil {
		return err
	}
	if err := d.keepListed(s.Files, c.String("out")); err != nil {
		return err
	}
	if err := r.printAuthorization(row); err != nil {
		return err
	}
	if n := decided(s); n != nil && n.Number <= after && wait > 0 {
		if waits, err := d.unsignedRequest(n); err != nil {
			return err
		} else if waits {
			return later("wait", "what is shown was decided before the signature came; there is nothing newer yet", "look again with countersign auth status "+short(h))
		}
	}
	if len(row.Decisions) == 0 && wait > 0 {
		return later("wait", "the request is not decided yet", "look again with countersign auth status "+short(h))
	}
	if n := len(row.Decisions); n > 0 {
		return unsure(row.Decisions[n-1].Status)
	}
	return nil
}

func (d *door) authorization(ctx context.Context, h credentials.Handle, after int, wait time.Duration, files bool) (*api.Submission, error) {
	if wait > 0 {
		within, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		s, err := d.awaitSigned(within, h, after, files, d.unsignedRequest)
		if !errors.Is(err, context.DeadlineExceeded) {
			return s, err
		}
	}
	s, err := d.Status(ctx, h, 0, 0, files)
	return &s, err
}

// pendText says what is waited for. Of a clinician's signature there is more to
// say: what is wrong with the one that came, and what to do.
func pendText(p claims.Pend) string {
	if p.Reason == claims.PendSignature {
		return p.Note
	}
	return p.Reason.Words()
}

func pendWords(pends []claims.Pend) string {
	var all []string
	for _, p := range pends {
		all = append(all, pendText(p))
	}
	return strings.Join(all, "; ")
}

func (r *run) printAuthorization(row authorizationRow) error {
	if r.json {
		return r.print(row)
	}
	fmt.Fprintf(r.Out, "request         %s\nstate           %s\ncontrol number  %s\nhandle          %s\n", oneLine(row.Request), oneLine(row.State), oneLine(row.Control), row.Handle)
	if len(row.Decisions) == 0 {
		return nil
	}
	last := row.Decisions[len(row.Decisions)-1]
	if last.Reason != "" {
		fmt.Fprintf(r.Out, "waits for       %s\n", oneLine(last.Reason))
	}
	for _, d := range row.Decisions {
		if d.Status != nil {
			fmt.Fprintf(r.Out, "decision %d      %s: %s\n", d.Number, d.Outcome, oneLine(d.Status.line()))
		}
	}
	r.printLetters("letter", row.Letters)
	fmt.Fprintln(r.Out)
	t := table{head: []string{"item", "code", "units", "from", "until", "decision", "reason"}}
	for _, it := range last.Items {
		t.add(fmt.Sprint(it.Sequence), it.Code, it.Units.String(), string(it.From), string(it.Until), string(it.Outcome), itemWords(it))
	}
	return t.write(r.Out)
}

// itemWords spells out the codes of an item's reason: a denial's CARC, a pend's
// reason, or the rules' own word ("license-revoked").
func itemWords(it claims.ItemDecision) string {
	if w := claims.Words(it.Reason); w != "" {
		return w
	}
	if w := claims.PendReason(it.Reason).Words(); w != it.Reason {
		return w
	}
	return strings.ReplaceAll(it.Reason, "-", " ")
}
