package cli

import (
	"fmt"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
)

func holderFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "holder-key", Usage: "bind it to the key of the proof in `FILE`, which countersign clinician prove made"}
}

// licenseChallenge has the board make what a clinician signs to prove that they
// have a key.
func (r *run) licenseChallenge(c *urfave.Context) error {
	text, err := given(c, "npi", "")
	if err != nil {
		return err
	}
	npi := credentials.NPI(text)
	if !npi.WellFormed() {
		return refused(commandName(c), "--npi: want ten digits", "check it")
	}
	d, err := r.desk(c, true)
	if err != nil {
		return err
	}
	made, err := d.Challenge(c.Context, npi)
	if err != nil {
		return err
	}
	if r.json {
		return r.print(made)
	}
	_, err = fmt.Fprintf(r.Out, "challenge  %s\nfor NPI    %s\nuntil      %s\nThe clinician signs it: countersign clinician prove --board-did %s --npi %s --challenge %s --out proof.jwt\n",
		made.Challenge, made.NPI, made.Expires.Format(time.RFC3339), d.Board, made.NPI, made.Challenge)
	return err
}

// holderProof reads the proof that --holder-key names; nothing where it names none.
func (r *run) holderProof(c *urfave.Context) (holder credentials.DID, proof string, err error) {
	path := c.String("holder-key")
	if path == "" {
		return "", "", nil
	}
	return readProof(path, credentials.DID(c.String("board-did")))
}

// readProof reads a clinician's proof that they have a key.
func readProof(path string, board credentials.DID) (holder credentials.DID, proof string, err error) {
	if proof, err = readToken(path); err != nil {
		return "", "", err
	}
	p, err := credentials.OpenKeyProof(proof, board)
	if err != nil {
		return "", "", refused(path, err.Error(), "have the clinician make it again: countersign clinician prove")
	}
	return p.Holder, proof, nil
}

// maxTokenFile bounds a file with one token.
const maxTokenFile = 1 << 20

func readToken(path string) (string, error) {
	f, err := openFile(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := readAll(f, maxTokenFile)
	return strings.TrimSuffix(string(b), "\n"), err
}
