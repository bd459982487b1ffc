package cli

import (
	"time"

	urfave "github.com/urfave/cli/v2"
)

// aboutHandles stands in the help of every command that takes handles.
const aboutHandles = "A HANDLE may be shortened to its first digits (at least 8), or be the claim's own number."

// aboutOut says how a dossier becomes one that can be verified.
const aboutOut = "What --out writes can be verified once the ledger's participants lie beside it:\ncountersign ledger participants --out DIR."

func (r *run) claimCommand() *urfave.Command {
	return branch("claim", "check claims, bill them, and see what became of them",
		r.leaf(leaf{
			name: "check", usage: "check an 837 file or a FHIR Claim without sending it", args: "FILE", min: 1, max: 1,
			about: "Each problem is one line: the file, the segment and element, what is wrong and what to do.\n" +
				"A broken envelope or syntax refuses its whole transaction set, an edit its one claim.\n" +
				"With --plan and --fees, as the insurer published them, it also says what each claim would come to by\n" +
				"the insurer's own rules, and what was taken for granted because only the insurer or a board knows it.\n" +
				"With --ask, the insurer says, signed, what each claim would come to on what it knows; both together show\n" +
				"where the two part, and by which of those facts. An estimate is no decision, and nothing is billed by it.\n" +
				"countersign credential verify --gateway URL judges one; those that --out writes, countersign verify checks.",
			flags: append(append(append(editFlags(), estimateFlags()...), receivedFlag(), answersFlag(), codesFlag()), askFlags()...), do: r.claimCheck,
		}),
		r.leaf(leaf{
			name: "edits", usage: "list what is checked of a claim before it is taken in",
			about: "The level is WEDI's SNIP level. Levels 1 to 4 are told by a 999, 5 to 7 by a 277CA.\n" +
				"What money or a license rests on can be switched off in claim check alone, and not at an insurer's door.",
			flags: editFlags(), do: r.claimEdits,
		}),
		r.leaf(leaf{
			name: "submit", usage: "check, sign and send the claims of an 837 file, or a FHIR Claim", args: "FILE", min: 1, max: 1,
			about: "Every claim is checked before the first one is sent. Refused claims stay behind, the others go\n" +
				"through in the order of the file. Sending a file again does nothing twice.\n" + aboutOut,
			flags: gatewayFlags(append(editFlags(), receivedFlag(), answersFlag(), codesFlag(), progressFlag(), signatureFlag(),
				&urfave.BoolFlag{Name: "wait", Usage: "wait for the decisions and show them", DisableDefaultText: true},
				forFlag("wait at most `DURATION`", 5*time.Minute),
				outFlag("write the claims, submissions and decisions with their proofs into `DIR`"))...),
			do: r.claimSubmit,
		}),
		r.leaf(leaf{
			name: "status", usage: "show where claims stand; all that you sent if none is named", args: "[HANDLE…]", max: -1,
			about: aboutHandles + "\n" + aboutOut,
			flags: gatewayFlags(progressFlag(),
				&urfave.BoolFlag{Name: "wait", Usage: "wait until each has a decision", DisableDefaultText: true},
				forFlag("wait at most `DURATION`", 5*time.Minute),
				outFlag("write the decisions with their proofs into `DIR`")),
			do: r.claimStatus,
		}),
		r.leaf(leaf{
			name: "watch", usage: "print each decision on a claim as it comes, until it is paid or denied", args: "HANDLE", min: 1, max: 1,
			about: aboutHandles + "\nWith --json, each decision is one object on a line of its own.",
			flags: gatewayFlags(forFlag("watch at most `DURATION`; without end if 0", 0)),
			do:    r.claimWatch,
		}),
		r.informCommand("claim", "claim"),
		r.claimAppealCommand(),
		r.claimReopenCommand(),
		r.claimFHIRCommand(),
		r.claimExplainCommand(),
	)
}

func receivedFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "received", Usage: "check as if received on `DATE` (default: today, or the file's own date where that is later)"}
}
