package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
	ledgerclient "github.com/countersign-health/countersign/ledger/client"
)

func (r *run) ledgerCommand() *urfave.Command {
	return branch("ledger", "read the shared ledger; everything is checked before it is shown",
		r.leaf(leaf{name: "head", usage: "show how far the ledger is final", flags: ledgerFlags(), do: r.ledgerHead}),
		r.ledgerShowCommand(),
		r.leaf(leaf{name: "prove", usage: "write the proof of an entry, to be checked offline", args: "HANDLE|INDEX", min: 1, max: 1,
			about: "The proof is a C2SP tlog-proof. Of several entries about a HANDLE it is the newest.",
			flags: ledgerFlags(outFlag("write the proof to `FILE.tlog-proof`, and the entry to FILE.entry beside it")), do: r.ledgerProve}),
		r.leaf(leaf{name: "policy", usage: "print what makes a checkpoint final, for programs of others", flags: ledgerFlags(),
			about: "It is a C2SP tlog-policy, by which they judge checkpoints and proofs as countersign does.", do: r.ledgerPolicy}),
		r.leaf(leaf{name: "participants", usage: "show who may sign what", flags: ledgerFlags(outFlag("write leaf 0, the participants' entries and their proofs, and trust.json, into `DIR`")),
			do: r.ledgerParticipants}),
		r.leaf(leaf{name: "keys", usage: "show the keys that a participant has had, and from where to where", args: "DID|NAME", min: 1, max: 1,
			about: "Not before is the entry that made the key its party's, retired the one that handed it over, bad from the first\nentry that is void since the key was declared bad; each with the day on which it became known.",
			flags: ledgerFlags(), do: r.ledgerKeys}),
		r.ledgerFsck(), r.ledgerAudit(), r.ledgerExport(), r.ledgerForget(),
	)
}

func ledgerFlags(more ...urfave.Flag) []urfave.Flag {
	return append(more,
		&urfave.StringFlag{Name: "ledger", Usage: "`URL` of the ledger", EnvVars: []string{"COUNTERSIGN_LEDGER"}}, trustFlag())
}

// A reader is the ledger as seen from a pinned leaf 0.
type reader struct {
	*ledgerclient.Client
	trust   ledger.Trust
	genesis *ledger.Genesis
}

// ledger pins leaf 0 to the trust file before anything else is asked.
func (r *run) ledger(c *urfave.Context) (*reader, error) {
	url, err := given(c, "ledger", "COUNTERSIGN_LEDGER")
	if err != nil {
		return nil, err
	}
	if err := checkURL(c, "ledger", url); err != nil {
		return nil, err
	}
	trust, err := givenTrust(c)
	if err != nil {
		return nil, err
	}
	genesis, err := ledgerclient.Genesis(c.Context, url, *trust)
	if err != nil {
		if !ledgerclient.Permanent(err) && !errors.Is(err, context.Canceled) {
			return nil, later("open ledger", oneLine(err.Error()), "check --ledger and the network, then try again")
		}
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	policy, err := genesis.Policy()
	if err != nil {
		return nil, caught("open ledger", err, "")
	}
	return &reader{ledgerclient.New(url, policy, nil), *trust, genesis}, nil
}

func readTrust(path string) (*ledger.Trust, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	body, err := readAll(f, 1<<20)
	if err != nil {
		return nil, err
	}
	t, err := ledger.ParseTrust(body)
	if err != nil {
		return nil, refused(path, err.Error(), "ask those who run the ledger for its trust file")
	}
	return &t, nil
}

func (r *run) ledgerHead(c *urfave.Context) error {
	l, err := r.ledger(c)
	if err != nil {
		return err
	}
	cp, known, err := l.Head(c.Context)
	if err != nil {
		return err
	}
	if r.json {
		return r.print(map[string]any{"origin": cp.Origin, "size": cp.Size, "root": cp.Root.String(), "known": known,
			"quorum": l.Policy().Quorum, "witnesses": l.Policy().WitnessNames()})
	}
	_, err = fmt.Fprintf(r.Out, "ledger   %s\nentries  %d, countersigned by %d of %d witnesses\nknown    %s\nroot     %s\n",
		cp.Origin, cp.Size, l.Policy().Quorum, len(l.Policy().WitnessNames()), known.Format(time.RFC3339), cp.Root)
	return err
}

func (r *run) ledgerPolicy(c *urfave.Context) error {
	l, err := r.ledger(c)
	if err != nil {
		return err
	}
	url, err := given(c, "ledger", "COUNTERSIGN_LEDGER")
	if err != nil {
		return err
	}
	text := l.genesis.PolicyText(url)
	if r.json {
		return r.print(map[string]any{"origin": l.trust.Origin, "quorum": l.genesis.Quorum, "policy": text})
	}
	_, err = fmt.Fprint(r.Out, text)
	return err
}

// entries are the final ones that the argument names, oldest first.
func (l *reader) entries(c *urfave.Context) ([]ledgerclient.Proven, error) {
	arg := c.Args().First()
	if h, err := credentials.ParseHandle(arg); err == nil {
		all, err := l.Subject(c.Context, h)
		if err == nil && len(all) == 0 {
			err = refused(commandName(c), "the ledger shows no entry about this handle", "check the handle; a new entry takes a moment to be final")
		}
		return all, err
	}
	i, err := strconv.ParseInt(arg, 10, 64)
	if err != nil || i < 0 {
		return nil, refused(commandName(c), fmt.Sprintf("%q is neither a handle nor an index", arg), "give 64 hexadecimal digits or a number")
	}
	if i == 0 {
		return nil, refused(commandName(c), "leaf 0 is the genesis, which the trust file pins", "see countersign ledger participants")
	}
	p, err := l.Entry(c.Context, i)
	return []ledgerclient.Proven{p}, err
}

// An entryRow is an entry as it is shown.
type entryRow struct {
	Index     int64              `json:"index"`
	Kind      string             `json:"kind"`
	Subject   credentials.Handle `json:"subject"`
	Document  credentials.Digest `json:"document"`
	Issuer    string             `json:"issuer"` // name of the participant
	DID       credentials.DID    `json:"did"`
	Effective time.Time          `json:"effective"`
	Known     time.Time          `json:"known"`
	// Void says why the entry means nothing, though it is on the ledger.
	Void string `json:"void,omitempty"`
}

// registry knows the participants as the ledger has them now.
func (l *reader) registry(ctx context.Context) (*ledger.Registry, error) {
	registry, err := ledger.NewRegistry(l.genesis)
	if err != nil {
		return nil, caught("open ledger", err, "")
	}
	_, err = l.Participants(ctx, registry)
	return registry, err
}

func (r *run) ledgerProve(c *urfave.Context) error {
	out, err := given(c, "out", "")
	if err != nil {
		return err
	}
	l, err := r.ledger(c)
	if err != nil {
		return err
	}
	all, err := l.entries(c)
	if err != nil {
		return err
	}
	p := all[len(all)-1]
	entry := strings.TrimSuffix(out, ".tlog-proof") + ".entry"
	files := dossier.Files{filepath.Base(out): p.Receipt, filepath.Base(entry): p.Leaf}
	if err := write(files, filepath.Dir(out)); err != nil {
		return err
	}
	if r.json {
		return r.print(map[string]any{"index": p.Proof.Index, "size": p.Proof.Size, "known": p.Proof.Known, "proof": out, "entry": entry})
	}
	_, err = fmt.Fprintf(r.Out, "entry %d of %d, known %s: %s, %s\n", p.Proof.Index, p.Proof.Size, p.Proof.Known.Format(time.RFC3339), out, entry)
	return err
}

// exists says whether there is a file or folder of that name.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
