package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/vcalm"
)

func (r *run) credentialCommand() *urfave.Command {
	return branch("credential", "check a credential in whatever form somebody shows it",
		r.leaf(leaf{
			name: "verify", usage: "say whether a credential or a presentation is good", args: "FILE", min: 1, max: 1,
			about: "FILE holds a vc+jwt, an SD-JWT, a vp+jwt, or JSON with a Data Integrity proof or an envelope; - is the\n" +
				"standard input. One line says good (exit code 0), bad (3) or unknown (6), by which check and why. The board\n" +
				"that --board names says what became of a license, and the insurer's gateway that --gateway names, whether a\n" +
				"decision still stands or which has followed it; with --offline nobody is asked, so that both are at most\n" +
				"unknown. Who the participants are, the same houses say, or a folder given with --dir.",
			flags: boardFlags(false,
				&urfave.StringFlag{Name: "challenge", Usage: "the `CHALLENGE` that you gave the holder"},
				&urfave.StringFlag{Name: "domain", Usage: "the `NAME` that you gave the holder"},
				&urfave.StringFlag{Name: "gateway", Usage: "`URL` of the gateway of the insurer that decided", EnvVars: []string{"COUNTERSIGN_GATEWAY"}},
				&urfave.StringFlag{Name: "dir", Usage: "take the participants, and the receipts of decisions, from the dossier in `DIR`"},
				&urfave.BoolFlag{Name: "offline", Usage: "ask nobody", DisableDefaultText: true}),
			do: r.credentialVerify,
		}))
}

func (r *run) credentialVerify(c *urfave.Context) error {
	text, err := r.readCredential(c.Args().First())
	if err != nil {
		return err
	}
	var want *credentials.Presentation
	if challenge, domain := c.String("challenge"), c.String("domain"); challenge != "" && domain != "" {
		want = &credentials.Presentation{Challenge: challenge, Domain: domain}
	} else if challenge != "" || domain != "" {
		return refused(commandName(c), "--challenge and --domain belong together", "give both, as you gave them to the holder")
	}
	house, err := r.examiner(c, text)
	if err != nil {
		return err
	}
	f, err := house.Examine(c.Context, text, want)
	if err != nil {
		return err
	}
	return r.printFinding(f)
}

func (r *run) readCredential(name string) ([]byte, error) {
	if name == "-" {
		b, err := io.ReadAll(io.LimitReader(r.In, maxCredential))
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return b, nil
	}
	f, err := openFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, maxCredential)
}

// examiner is what this computer knows together with the house that has to say
// what became of the credential: the insurer of a decision, else the board.
func (r *run) examiner(c *urfave.Context, text []byte) (*vcalm.House, error) {
	if c.Bool("offline") {
		return r.alone(c)
	}
	token := strings.TrimSpace(string(text))
	if kind, _, _, err := credentials.Peek(token); err == nil && ofInsurer[kind] {
		return r.insurerOf(c, token)
	}
	d, err := r.desk(c, false)
	if err != nil {
		return nil, err
	}
	return d.house(), nil
}

// ofInsurer are the kinds of which the insurer's gateway says who its key is, and
// whether they still stand.
var ofInsurer = map[credentials.Kind]bool{
	credentials.KindClaimDecision: true, credentials.KindAuthorizationDecision: true, credentials.KindClaimEstimate: true,
}

// alone is a house that asks nobody.
func (r *run) alone(c *urfave.Context) (*vcalm.House, error) {
	dir, err := given(c, "dir", "")
	if err != nil {
		return nil, err
	}
	trust, err := givenTrust(c)
	if err != nil {
		return nil, err
	}
	files, err := dossier.Read(dir)
	if err != nil {
		return nil, refused(commandName(c), err.Error(), "check --dir")
	}
	p := pinned{trust: *trust}
	if err := p.hold(participantsOf(files), "the folder", "--dir"); err != nil {
		return nil, err
	}
	return &vcalm.House{Whose: p.registry.Key, Now: r.now, Place: unplaced,
		License: func(context.Context, *credentials.Envelope, credentials.License) (now vcalm.Currently, err error) {
			return now, credentials.Lack(credentials.CheckStatus, "nobody was asked what became of it")
		}}, nil
}

// participantsOf leaves out what says nothing of who the participants are.
func participantsOf(files dossier.Files) dossier.Files {
	f := dossier.Files{dossier.GenesisFile: files[dossier.GenesisFile]}
	for name, leaf := range files {
		base, ok := strings.CutPrefix(name, dossier.Entries+"/")
		if e, err := ledger.ParseEntry(leaf); ok && err == nil && e.Kind == ledger.KindParticipant {
			receipt := dossier.Receipts + "/" + strings.TrimSuffix(base, ".entry") + ".tlog-proof"
			f[name], f[receipt] = leaf, files[receipt]
		}
	}
	return f
}

func unplaced(context.Context, *credentials.Envelope, credentials.Digest) (credentials.Position, error) {
	return credentials.Unplaced, nil
}

// house asks the board what became of its licenses: by its orders, and by the
// status lists that they name.
func (d *desk) house() *vcalm.House {
	return &vcalm.House{
		Whose: d.registry.Key, Now: d.Now,
		Place: func(ctx context.Context, e *credentials.Envelope, document credentials.Digest) (credentials.Position, error) {
			if e.Issuer != d.Board || e.Kind != credentials.KindLicense {
				return credentials.Unplaced, nil
			}
			f, err := d.Show(ctx, e.Handle)
			if err != nil || len(f.License.Receipt) == 0 || credentials.DocumentDigest(f.License.Token) != document {
				return credentials.Unplaced, nil // what became of it is asked below, and says what is wrong
			}
			proof, entry, err := d.place(e.Handle, document, f.License.Entry, f.License.Receipt)
			if err != nil {
				return 0, caught("check ledger entry", err, "tell the board")
			}
			return ledger.PlaceOf(proof.Index, entry, e.KeyID), nil
		},
		License: d.currently,
		List: func(ctx context.Context, _ credentials.DID, entry credentials.StatusEntry) (*credentials.SignedList, error) {
			token, _, err := d.StatusList(ctx, &entry)
			if err != nil {
				return nil, err
			}
			return credentials.ReadStatusList(token, d.keys)
		},
	}
}

func (d *desk) currently(ctx context.Context, e *credentials.Envelope, l credentials.License) (now vcalm.Currently, err error) {
	if e.Issuer != d.Board {
		return now, credentials.Lack(credentials.CheckStatus, "it is another board's license: ask that one with --board")
	}
	f, err := d.Show(ctx, l.Handle)
	if err != nil {
		return now, credentials.Lack(credentials.CheckStatus, "ask the board what became of it: %s", lineOf(err))
	}
	row, err := d.row(f)
	if err != nil {
		return now, err
	}
	now.Standing = row.Standing
	if now.Holder, err = credentials.HolderAt(row.License, row.Orders, d.Now()); err != nil {
		return now, credentials.Lack(credentials.CheckBinding, "%w", err)
	}
	return now, nil
}

func (r *run) printFinding(f vcalm.Finding) error {
	code := map[credentials.Outcome]int{credentials.Good: exitDone, credentials.Bad: exitCaught}[f.Outcome]
	if f.Outcome != credentials.Good && f.Outcome != credentials.Bad {
		code = exitUnknown
	}
	switch {
	case r.json:
		if err := r.print(f); err != nil {
			return err
		}
	case f.IsGood():
		line := fmt.Sprintf("good: %s as %s", oneLine(f.Kind), f.Form)
		if f.Issuer != "" {
			line += ", issued by " + oneLine(string(f.Issuer))
		}
		if f.Holder != "" {
			line += ", presented by " + oneLine(string(f.Holder))
		}
		for _, w := range f.Warnings {
			line += "; note: " + oneLine(w)
		}
		fmt.Fprintln(r.Out, line)
	default:
		fmt.Fprintf(r.Out, "%s: %s: %s\n", f.Outcome, f.Check, oneLine(f.Why))
	}
	if code == exitDone {
		return nil
	}
	return &answerGiven{code}
}

// maxCredential is more than any form has.
const maxCredential = 2 << 20
