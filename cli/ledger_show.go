package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
	ledgerclient "github.com/countersign-health/countersign/ledger/client"
)

// maxShown is how many entries one answer holds; each is fetched with its
// receipt.
const maxShown = 10000

func (r *run) ledgerShowCommand() *urfave.Command {
	return r.leaf(leaf{name: "show", usage: "show the entries about a handle, by an organization, of a kind, known between two dates", args: "[HANDLE|INDEX]", max: 1,
		about: "Each entry is proved by its receipt. Known is when a quorum of witnesses had countersigned it: --since and\n" +
			"--until are about that time, not about what the issuer asserts. A ledger could leave entries out of its\n" +
			"lists; with --whole every entry up to its newest checkpoint is read, so that none can be.",
		flags: ledgerFlags(
			&urfave.StringFlag{Name: "by", Usage: "only entries of the participant with this `DID`, or exact name"},
			&urfave.StringFlag{Name: "kind", Usage: "only entries of this `KIND`, as in board-order"},
			&urfave.StringFlag{Name: "since", Usage: "only what was known on this `DATE` (UTC) or later; or an instant as in RFC 3339"},
			&urfave.StringFlag{Name: "until", Usage: "only what was known by the end of this `DATE` (UTC); or by an instant"},
			&urfave.BoolFlag{Name: "whole", Usage: "read the whole ledger; as without HANDLE and --kind anyway", DisableDefaultText: true},
			outFlag("write the entries with their proofs into `DIR`, for countersign verify"), progressFlag()),
		do: r.ledgerShow})
}

// A query is what ledger show was asked for. What is zero does not matter.
type query struct {
	subject      credentials.Handle
	by           credentials.DID
	kind         ledger.Kind
	since, until time.Time
	whole        bool
}

func (q query) matches(e ledger.Entry) bool {
	return (q.subject.IsZero() || e.Subject == q.subject) && (q.by == "" || e.Issuer() == q.by) && (q.kind == 0 || e.Kind == q.kind)
}

func (q query) inTime(known time.Time) bool {
	return (q.since.IsZero() || !known.Before(q.since)) && (q.until.IsZero() || !known.After(q.until))
}

// queryOf reads everything but --by, which only the ledger can.
func queryOf(c *urfave.Context) (q query, err error) {
	q.whole = c.Bool("whole")
	if arg := c.Args().First(); arg != "" {
		if q.subject, err = credentials.ParseHandle(arg); err != nil {
			return q, refused(commandName(c), fmt.Sprintf("%q is neither a handle nor an index", arg), "give 64 hexadecimal digits or a number")
		}
	}
	if s := c.String("kind"); s != "" {
		if q.kind, err = ledger.ParseKind(s); err != nil {
			return q, refused(commandName(c), "--kind: "+err.Error(), "kinds are "+strings.Join(ledger.KindNames(), ", "))
		}
	}
	if q.since, err = parseWhen(c.String("since"), false); err == nil {
		q.until, err = parseWhen(c.String("until"), true)
	}
	if err == nil && !q.until.IsZero() && q.until.Before(q.since) {
		err = errors.New("--until is before --since")
	}
	if err != nil {
		return q, refused(commandName(c), err.Error(), "give a date as 2026-11-30, or an instant as 2026-11-30T12:00:00Z")
	}
	return q, nil
}

// parseWhen reads a date, of which it takes the first or the last moment, or an
// instant.
func parseWhen(s string, end bool) (t time.Time, err error) {
	if s == "" {
		return t, nil
	}
	if t, err = time.Parse(time.DateOnly, s); err == nil {
		if end {
			t = t.AddDate(0, 0, 1).Add(-time.Nanosecond)
		}
		return t, nil
	}
	if t, err = time.Parse(time.RFC3339, s); err != nil {
		return t, fmt.Errorf("%q is neither a date nor an instant", s)
	}
	return t, nil
}

func (r *run) ledgerShow(c *urfave.Context) error {
	index, err := strconv.ParseInt(c.Args().First(), 10, 64)
	byIndex := err == nil && len(c.Args().First()) < 20
	var q query
	if !byIndex {
		if q, err = queryOf(c); err != nil {
			return err
		}
		if q == (query{}) && c.String("by") == "" {
			return refused(commandName(c), "it needs to know what to show", "give a HANDLE or INDEX, --by, --kind, --since or --until, or --whole for everything")
		}
	}
	l, err := r.ledger(c)
	if err != nil {
		return err
	}
	f := finding{reader: l, query: q, progress: r.entryProgress(c)}
	if byIndex {
		err = f.one(c, index)
	} else {
		err = f.run(c)
	}
	r.progress(c).end()
	if err != nil {
		return err
	}
	if err := f.write(c); err != nil {
		return err
	}
	return r.printEntries(f.rows(), &f)
}

// A finding is the entries that a query matches.
type finding struct {
	*reader
	query
	progress func(done, total int64)

	registry *ledger.Registry
	news     []ledgerclient.Proven // participants that were let in
	size     int64                 // entries that were read, where that was all
	all      []ledgerclient.Proven
}

func (f *finding) one(c *urfave.Context, index int64) error {
	for _, name := range []string{"by", "kind", "since", "until", "whole"} {
		if c.IsSet(name) {
			return refused(commandName(c), "an index is one entry, whatever --"+name+" says", "give one of them")
		}
	}
	if index <= 0 {
		return refused(commandName(c), "leaf 0 is the genesis, which the trust file pins", "see countersign ledger participants")
	}
	p, err := f.Entry(c.Context, index)
	f.all = []ledgerclient.Proven{p}
	if err != nil {
		return err
	}
	return f.participants(c.Context)
}

func (f *finding) participants(ctx context.Context) (err error) {
	if f.registry, err = ledger.NewRegistry(f.genesis); err != nil {
		return caught("open ledger", err, "")
	}
	f.news, err = f.Participants(ctx, f.registry)
	return err
}

func (f *finding) run(c *urfave.Context) error {
	if err := f.participants(c.Context); err != nil {
		return err
	}
	if by := c.String("by"); by != "" {
		var err error
		if f.by, err = f.party(c, by); err != nil {
			return err
		}
	}
	var err error
	if f.whole || f.subject.IsZero() && f.kind == 0 {
		err = f.read(c)
	} else {
		err = f.listed(c.Context)
	}
	if err != nil {
		return err
	}
	if len(f.all) == 0 && !f.subject.IsZero() {
		return refused(commandName(c), "the ledger shows no entry about this handle", "check the handle; a new entry takes a moment to be final")
	}
	return nil
}

// party is the participant that was named by DID or exact name.
func (f *finding) party(c *urfave.Context, by string) (found credentials.DID, err error) {
	all := append([]ledger.Party{}, f.genesis.Founders...)
	for _, p := range f.news {
		if party, err := f.registry.PartyOf(p.Entry.Issuer()); err == nil {
			all = append(all, party)
		}
	}
	for _, p := range all {
		if string(p.DID) == by {
			return p.DID, nil
		}
		if p.Name == by && found != "" && found != p.DID {
			return "", refused(commandName(c), "--by: two participants have this name", "give the DID; see countersign ledger participants")
		}
		if p.Name == by {
			found = p.DID
		}
	}
	if found == "" {
		err = refused(commandName(c), "--by: no participant has this DID or name", "see countersign ledger participants")
	}
	return found, err
}

// listed asks the ledger's own list, which it could shorten.
func (f *finding) listed(ctx context.Context) (err error) {
	var all []ledgerclient.Proven
	if f.subject.IsZero() {
		all, err = f.Kind(ctx, f.kind)
	} else {
		all, err = f.Subject(ctx, f.subject)
	}
	for _, p := range all {
		if f.matches(p.Entry) && f.inTime(p.Proof.Known) {
			f.all = append(f.all, p)
		}
	}
	return err
}

// read goes through the whole ledger. Entries that one checkpoint made final
// became known at one time, so that a receipt says it of all of them.
func (f *finding) read(c *urfave.Context) error {
	head, _, err := f.Head(c.Context)
	if err != nil {
		return err
	}
	var until int64 // entries before this one are known since then
	var known time.Time
	f.size, err = f.Log(c.Context, 0, func(index int64, leaf []byte, e ledger.Entry) error {
		f.progress(index+1, max(index+1, head.Size))
		if index == 0 || !f.matches(e) || index < until && !f.inTime(known) {
			return nil
		}
		b, proof, err := f.Receipt(c.Context, index, leaf)
		if err != nil {
			return err
		}
		if until, known = proof.Size, proof.Known; !f.inTime(known) {
			return nil
		}
		if f.all = append(f.all, ledgerclient.Proven{Entry: e, Leaf: leaf, Receipt: b, Proof: proof}); len(f.all) > maxShown {
			return refused(commandName(c), fmt.Sprintf("more than %d entries match", maxShown), "narrow it with --since and --until")
		}
		return nil
	})
	return err
}

// write leaves the entries with all that it takes to prove them.
func (f *finding) write(c *urfave.Context) error {
	files := dossier.Files{}
	if err := files.Trust(f.trust); err != nil {
		return err
	}
	files.ExtractGenesis(f.genesis.MarshalLeaf())
	for _, p := range append(append([]ledgerclient.Proven{}, f.news...), f.all...) {
		files.ExtractEntry(p.Proof.Index, p.Leaf, p.Receipt)
	}
	return write(files, c.String("out"))
}

// rows says of each entry who issued it and whether it could.
func (f *finding) rows() []entryRow {
	rows := []entryRow{}
	for _, p := range f.all {
		e := p.Entry
		row := entryRow{Index: p.Proof.Index, Kind: e.Kind.String(), Subject: e.Subject, Document: e.Document,
			DID: e.Issuer(), Effective: e.Effective, Known: p.Proof.Known}
		if _, party, err := f.registry.Key(e.KeyID); err == nil {
			row.Issuer = party.Name
		}
		if err := f.registry.CheckAt(p.Proof.Index, e); err != nil {
			row.Void = err.Error()
		}
		rows = append(rows, row)
	}
	return rows
}

func (r *run) printEntries(rows []entryRow, f *finding) error {
	if r.json {
		return r.print(map[string]any{"entries": rows, "whole": f.size > 0, "read": f.size})
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
	if len(rows) > 0 && (f.size > 0 || !f.subject.IsZero() || f.kind != 0) {
		fmt.Fprintln(r.Out)
	}
	switch {
	case f.size > 0:
		fmt.Fprintf(r.Out, "%d of %d entries; all were read, so that none was left out\n", len(rows), f.size)
	case !f.subject.IsZero() || f.kind != 0:
		fmt.Fprintf(r.Out, "%d entries, as the ledger lists them; --whole makes sure that none was left out\n", len(rows))
	}
	return nil
}
