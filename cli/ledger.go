package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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
		r.leaf(leaf{name: "show", usage: "show the entries about a document or subject, or one by its index", args: "HANDLE|INDEX", min: 1, max: 1,
			flags: ledgerFlags(), do: r.ledgerShow}),
		r.leaf(leaf{name: "prove", usage: "write the proof of an entry, to be checked offline", args: "HANDLE|INDEX", min: 1, max: 1,
			about: "The proof is a C2SP tlog-proof. Of several entries about a HANDLE it is the newest.",
			flags: ledgerFlags(outFlag("write the proof to `FILE.tlog-proof`, and the entry to FILE.entry beside it")), do: r.ledgerProve}),
		r.leaf(leaf{name: "participants", usage: "show who may sign what", flags: ledgerFlags(outFlag("write leaf 0, the participants' entries and their proofs, and trust.json, into `DIR`")),
			do: r.ledgerParticipants}),
	)
}

func ledgerFlags(more ...urfave.Flag) []urfave.Flag {
	return append(more,
		&urfave.StringFlag{Name: "ledger", Usage: "`URL` of the ledger", EnvVars: []string{"COUNTERSIGN_LEDGER"}},
		&urfave.StringFlag{Name: "trust", Usage: "trust `FILE`: the ledger's name and the digest of its leaf 0, which you were given by hand", EnvVars: []string{"COUNTERSIGN_TRUST"}})
}

// A reader is the ledger as seen from a pinned leaf 0.
type reader struct {
	*ledgerclient.Client
	url     string
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
	path, err := given(c, "trust", "COUNTERSIGN_TRUST")
	if err != nil {
		return nil, err
	}
	trust, err := readTrust(path)
	if err != nil {
		return nil, err
	}
	genesis, err := ledgerclient.Genesis(c.Context, url, *trust)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	policy, err := genesis.Policy()
	if err != nil {
		return nil, caught("open ledger", err, "")
	}
	return &reader{ledgerclient.New(url, policy, nil), strings.TrimSuffix(url, "/"), *trust, genesis}, nil
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

// rows says of each entry who issued it and whether it could.
func (l *reader) rows(ctx context.Context, all []ledgerclient.Proven) ([]entryRow, error) {
	registry, err := ledger.NewRegistry(l.genesis)
	if err != nil {
		return nil, caught("open ledger", err, "")
	}
	if err := l.Participants(ctx, registry); err != nil {
		return nil, err
	}
	var rows []entryRow
	for _, p := range all {
		e := p.Entry
		row := entryRow{Index: p.Proof.Index, Kind: e.Kind.String(), Subject: e.Subject, Document: e.Document,
			DID: e.Issuer(), Effective: e.Effective, Known: p.Proof.Known}
		if _, party, err := registry.Key(e.KeyID); err == nil {
			row.Issuer = party.Name
		}
		if err := registry.CheckAt(p.Proof.Index, e); err != nil {
			row.Void = err.Error()
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (r *run) ledgerShow(c *urfave.Context) error {
	l, err := r.ledger(c)
	if err != nil {
		return err
	}
	all, err := l.entries(c)
	if err != nil {
		return err
	}
	rows, err := l.rows(c.Context, all)
	if err != nil {
		return err
	}
	if r.json {
		return r.print(map[string]any{"entries": rows})
	}
	for i, e := range rows {
		if i > 0 {
			fmt.Fprintln(r.Out)
		}
		fmt.Fprintf(r.Out, "entry      %d, %s\nissuer     %s\n           %s\nsubject    %s\ndocument   %s\neffective  %s\nknown      %s\n",
			e.Index, e.Kind, oneLine(e.Issuer), e.DID, e.Subject, e.Document, e.Effective.Format(time.RFC3339), e.Known.Format(time.RFC3339))
		if e.Void != "" {
			fmt.Fprintf(r.Out, "void       %s\n", oneLine(e.Void))
		}
	}
	return nil
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

// A participantRow is who may sign.
type participantRow struct {
	DID   credentials.DID `json:"did"`
	Name  string          `json:"name"`
	Role  ledger.Role     `json:"role"`
	State string          `json:"state,omitempty"`
	Since int64           `json:"since"` // index of the entry that let it in; 0 for founders
}

func (r *run) ledgerParticipants(c *urfave.Context) error {
	l, err := r.ledger(c)
	if err != nil {
		return err
	}
	entries, err := l.admitted(c.Context)
	if err != nil {
		return err
	}
	rows := []participantRow{}
	for _, p := range l.genesis.Founders {
		rows = append(rows, participantRow{p.DID, p.Name, p.Role, p.Jurisdiction, 0})
	}
	files := dossier.Files{}
	files.Genesis(l.genesis.MarshalLeaf())
	if err := files.Trust(l.trust); err != nil {
		return err
	}
	for _, p := range entries {
		rows = append(rows, participantRow{p.party.DID, p.party.Name, p.party.Role, p.party.Jurisdiction, p.Proof.Index})
		files.Receipt(p.Entry.Subject, p.Leaf, p.Receipt)
	}
	if err := write(files, c.String("out")); err != nil {
		return err
	}
	if r.json {
		return r.print(map[string]any{"participants": rows})
	}
	t := table{head: []string{"name", "role", "state", "index", "DID"}}
	for _, p := range rows {
		t.add(p.Name, string(p.Role), p.State, strconv.FormatInt(p.Since, 10), string(p.DID))
	}
	return t.write(r.Out)
}

// An admission is a participant entry that holds.
type admission struct {
	ledgerclient.Proven
	party ledger.Party
}

// admitted are the participants that were let in after the genesis. The
// ledger's list only says where to look: each entry is proved.
func (l *reader) admitted(ctx context.Context) ([]admission, error) {
	registry, err := ledger.NewRegistry(l.genesis)
	if err != nil {
		return nil, caught("open ledger", err, "")
	}
	var all []admission
	for after, more := int64(0), true; more; {
		var page struct {
			Entries []struct{ Index int64 }
			More    bool
		}
		if err := l.list(ctx, after, &page); err != nil {
			return nil, err
		}
		more = page.More && len(page.Entries) > 0
		for _, e := range page.Entries {
			if e.Index <= after {
				return nil, caught("list participants", errors.New("the ledger's list is out of order"), "tell those who run the ledger")
			}
			after = e.Index
			p, err := l.Entry(ctx, e.Index)
			if err != nil {
				return nil, err
			}
			if p.Entry.Kind != ledger.KindParticipant || registry.Admit(e.Index, p.Entry) != nil {
				continue // void for every reader
			}
			_, party, err := registry.Key(p.Entry.KeyID)
			if err != nil {
				return nil, fmt.Errorf("list participants: %w", err)
			}
			all = append(all, admission{p, party})
		}
	}
	return all, nil
}

func (l *reader) list(ctx context.Context, after int64, page any) error {
	url := fmt.Sprintf("%s/entries?kind=%s&after=%d", l.url, ledger.KindParticipant, after)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("list participants: %w", err)
	}
	resp, err := (&http.Client{Timeout: answerWithin}).Do(req)
	if err != nil {
		return fmt.Errorf("list participants: reach the ledger: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil || resp.StatusCode != http.StatusOK {
		return later("list participants", "the ledger answers "+resp.Status, "try again")
	}
	if err := json.Unmarshal(body, page); err != nil {
		return caught("list participants", err, "tell those who run the ledger")
	}
	return nil
}

// exists says whether there is a file or folder of that name.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
