package cli

import (
	"fmt"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
)

func (r *run) clinicianCommand() *urfave.Command {
	text := func(name, usage string) urfave.Flag { return &urfave.StringFlag{Name: name, Usage: usage} }
	return branch("clinician", "prove a clinician's key to the board, and sign orders with it",
		r.leaf(leaf{
			name: "prove", usage: "sign a board's challenge with the key that is to be bound to a license",
			about: "The clerk has the challenge made (countersign license challenge) and binds the key with what this\nwrites (countersign license issue or bind, --holder-key FILE). The key stays where it is.",
			flags: append(keyFlags(),
				&urfave.StringFlag{Name: "board-did", Usage: "the board's `DID`", EnvVars: []string{"COUNTERSIGN_BOARD_DID"}},
				text("npi", "the clinician's own `NPI`"), text("challenge", "the `CHALLENGE`, 64 digits"),
				outFlag("write the proof to `FILE`, which must not be there yet")),
			do: r.clinicianProve,
		}),
		r.leaf(leaf{
			name: "sign", usage: "sign a request for authorization, or a claim, as the clinician who orders it", args: "FILE", min: 1, max: 1,
			about: "FILE is the PAS bundle or the 837P file that the hospital will send. What is signed is patient, clinician,\nservices, diagnoses, days and quantities: read what this prints. Prices and numbers may change. It is good\nfor one insurer and for one submission.",
			flags: append(keyFlags(),
				&urfave.StringFlag{Name: "insurer", Usage: "the insurer's `DID`", EnvVars: []string{"COUNTERSIGN_INSURER"}},
				text("license", "`HANDLE` of the license that the key is bound to, or the file with it"),
				text("claim", "`NUMBER` of the claim, where the file has several"),
				&urfave.DurationFlag{Name: "good-for", Usage: "the insurer has to have it within `DURATION`", Value: 30 * 24 * time.Hour},
				outFlag("write the signature to `FILE`, which must not be there yet")),
			do: r.clinicianSign,
		}),
	)
}

func (r *run) clinicianProve(c *urfave.Context) error {
	var fields []string
	for _, f := range []struct{ name, env string }{{"board-did", "COUNTERSIGN_BOARD_DID"}, {"npi", ""}, {"challenge", ""}} {
		v, err := given(c, f.name, f.env)
		if err != nil {
			return err
		}
		fields = append(fields, v)
	}
	board, err := credentials.ParseDID(fields[0])
	if err != nil {
		return refused(commandName(c), "--board-did: "+err.Error(), "ask the board for its DID")
	}
	challenge, err := credentials.ParseHandle(fields[2])
	if err != nil {
		return refused(commandName(c), "--challenge: "+err.Error(), "copy it whole")
	}
	s, err := r.signer(c)
	if err != nil {
		return err
	}
	proof, err := credentials.ProveKey(s, board, credentials.NPI(fields[1]), challenge, r.now())
	if err != nil {
		return refused(commandName(c), err.Error(), "make a key for this license: countersign key create NAME")
	}
	did, err := credentials.SignerDID(s)
	if err != nil {
		return fmt.Errorf("prove key: %w", err)
	}
	return r.giveToken(c, proof, "the board's clerk", map[string]any{"holder": did, "proof": proof})
}

// giveToken writes a token to --out or to the standard output.
func (r *run) giveToken(c *urfave.Context, token, whom string, row map[string]any) error {
	out := c.String("out")
	if out != "" {
		if err := place(map[string][]byte{out: []byte(token + "\n")}); err != nil {
			return err
		}
	}
	switch {
	case r.json:
		return r.print(row)
	case out != "":
		_, err := fmt.Fprintf(r.Out, "signed: give %s to %s\n", oneLine(out), whom)
		return err
	}
	_, err := fmt.Fprintln(r.Out, token)
	return err
}
