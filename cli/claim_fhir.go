package cli

import (
	"fmt"
	"path/filepath"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/fhir"
)

func (r *run) claimFHIRCommand() *urfave.Command {
	return r.leaf(leaf{
		name: "fhir", usage: "write the decisions of a dossier as FHIR, without asking anyone", args: "DIR", min: 1, max: 1,
		about: "One file for each claim, of its last decision: a FHIR R4 bundle with the Claim, the ClaimResponse, for a\n" +
			"final decision the ExplanationOfBenefit in the shape of CARIN's guide (Blue Button 2.0.0), and who they name.\n" +
			"The amounts are the signed decision's, which are the 835's. The dossier is verified first: of one that\n" +
			"fails, nothing is written. The files are not signed; they name the patient.",
		flags: []urfave.Flag{
			&urfave.StringFlag{Name: "trust", Usage: "trust `FILE` that reached you by another way than the evidence", EnvVars: []string{"COUNTERSIGN_TRUST"}},
			outFlag("write the files into `DIR`, named for the insurer's control numbers"),
			progressFlag(),
		},
		do: r.claimFHIR,
	})
}

// A writtenFHIR is one line of the answer.
type writtenFHIR struct {
	Claim   string         `json:"claim"`
	Outcome claims.Outcome `json:"outcome"`
	Paid    claims.Cents   `json:"paidCents"`
	Patient claims.Cents   `json:"patientCents"`
	File    string         `json:"file"`
}

func (r *run) claimFHIR(c *urfave.Context) error {
	out, err := given(c, "out", "")
	if err != nil {
		return err
	}
	all, err := r.toldIn(c)
	if err != nil {
		return err
	}
	files, lines := map[string][]byte{}, []writtenFHIR{}
	for i := range all {
		t := &all[i]
		told := fhir.Told{Handle: t.Handle, Claim: t.Claim, Decision: t.Decision, Created: t.Created, Received: t.Received, Decided: t.Decided, TakenBackBy: t.TakenBackBy}
		if t.Payment != nil {
			told.Paid = &fhir.Paid{Trace: t.Payment.Trace, On: t.Payment.On}
		}
		name := claims.ControlNumber(t.Decision.Submission) + ".json"
		if files[name], err = fhir.Tell(told); err != nil {
			return fmt.Errorf("claim fhir: %s: %w", t.Claim.Number, err)
		}
		lines = append(lines, writtenFHIR{t.Claim.Number, t.Decision.Outcome, t.Decision.Paid, t.Decision.Patient, filepath.Join(out, name)})
	}
	if err := write(files, out); err != nil {
		return err
	}
	if r.json {
		return r.print(map[string]any{"decisions": lines})
	}
	if len(lines) == 0 {
		_, err = fmt.Fprintln(r.Out, "no decision on a claim is in "+c.Args().First())
		return err
	}
	return r.tellFHIR(lines)
}

func (r *run) tellFHIR(lines []writtenFHIR) error {
	t := table{head: []string{"claim", "status", "paid", "patient", "file"}}
	for _, l := range lines {
		t.add(l.Claim, string(l.Outcome), l.Paid.String(), l.Patient.String(), l.File)
	}
	return t.write(r.Out)
}
