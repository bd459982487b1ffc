package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
	ledgerclient "github.com/countersign-health/countersign/ledger/client"
)

// keyCompromised declares a key bad from a place on the ledger on, or shows what
// that would hit.
func (r *run) keyCompromised(c *urfave.Context) error {
	d, err := r.declaration(c)
	if err != nil {
		return err
	}
	if err := d.count(c.Context); err != nil {
		return err
	}
	if c.Bool("dry-run") {
		return r.tellCompromise(d, "would be bad", nil)
	}
	if path := c.String("ask-founders"); path != "" {
		return r.askFounders(d, path)
	}
	ctx, cancel := context.WithTimeout(c.Context, max(c.Duration("wait"), time.Second))
	defer cancel()
	e, err := d.Entry()
	if err != nil {
		return err
	}
	e.Effective = r.now()
	if e, err = e.Sign(d.signer); err != nil {
		return err
	}
	if err := d.send(ctx, e); err != nil {
		return err
	}
	if d.Next != "" && !d.promoted {
		if err := d.keys.Promote(d.name, d.signer.KeyID()); err != nil {
			return fmt.Errorf("key compromised: %w", err)
		}
	}
	all, err := d.ledger.Subject(c.Context, d.Handle())
	if err != nil {
		return err
	}
	files := dossier.Files{}
	for _, p := range all {
		files.Receipt(p.Entry.Subject, p.Leaf, p.Receipt)
	}
	if err := write(files, c.String("out")); err != nil {
		return err
	}
	return r.tellCompromise(d, "is bad", all)
}

// A declared is a declaration on its way to the ledger.
type declared struct {
	ledger.Compromise
	name     string
	keys     replacer
	signer   credentials.Signer // of its entry
	promoted bool               // the key that follows signs for the name already
	ledger   *reader
	registry *ledger.Registry
	before   int            // entries of the key that stand
	hit      map[string]int // entries that do not, by kind
}

// declaration puts together what was asked for: signed by the key of today or,
// with the founders, by the one that follows.
func (r *run) declaration(c *urfave.Context) (*declared, error) {
	keys, err := r.replacer(c)
	if err != nil {
		return nil, err
	}
	d := &declared{name: c.Args().First(), keys: keys, hit: map[string]int{}}
	if d.signer, err = keys.Signer(d.name); err != nil {
		return nil, moduleFault("open keys", err, "see countersign key list")
	}
	if d.ledger, err = r.ledger(c); err != nil {
		return nil, err
	}
	if d.registry, err = d.ledger.registry(c.Context); err != nil {
		return nil, err
	}
	if path := c.String("declaration"); path != "" {
		return d, d.fromFounders(path, manyOf(c, "approval"))
	}
	d.DID = issuerOf(d.signer)
	all, err := d.registry.Keys(d.DID)
	if err != nil {
		return nil, refused(commandName(c), "the ledger does not know this key, so that nothing rests on it", "")
	}
	bad, err := chosen(c, all, c.String("ask-founders") != "")
	if err != nil {
		return nil, err
	}
	d.Key = bad.KeyID
	if d.From, err = d.ledger.from(c, bad, r.now()); err != nil {
		return nil, err
	}
	if c.String("ask-founders") != "" && !c.Bool("dry-run") {
		next, err := keys.Prepare(d.name)
		if err != nil {
			return nil, refused(commandName(c), err.Error(), "")
		}
		_, d.Next, err = credentials.ParseKeyID(next.KeyID())
		return d, err
	}
	return d, nil
}

// chosen is the key that --bad names: by itself the one before today's, or
// where the founders are asked today's own.
func chosen(c *urfave.Context, all []ledger.PartyKey, founders bool) (ledger.PartyKey, error) {
	kid := c.String("bad")
	switch n := len(all); {
	case kid == "" && founders:
		return all[n-1], nil
	case kid == "" && n > 1:
		return all[n-2], nil
	case kid == "":
		return ledger.PartyKey{}, refused(commandName(c), "this party has had one key only, and a key does not declare itself bad",
			"replace it first: countersign key rotate; or ask the founders: --ask-founders FILE")
	}
	i := slices.IndexFunc(all, func(k ledger.PartyKey) bool { return k.KeyID == kid })
	if i < 0 {
		return ledger.PartyKey{}, refused(commandName(c), "--bad is no key of this party", "see countersign ledger keys DID")
	}
	return all[i], nil
}

// from is the place that was asked for: an index, or the first entry that
// became known at an instant or later.
func (l *reader) from(c *urfave.Context, bad ledger.PartyKey, now time.Time) (int64, error) {
	head, _, err := l.Head(c.Context)
	if err != nil {
		return 0, err
	}
	if c.IsSet("from") == c.IsSet("since") {
		return 0, refused(commandName(c), "want one of --from INDEX and --since DATE", "")
	}
	index := c.Int64("from")
	if c.IsSet("since") {
		since, err := parseWhen(c.String("since"), false)
		if err != nil {
			return 0, refused(commandName(c), err.Error(), "give a date as 2026-11-30, or an instant as 2026-11-30T12:00:00Z")
		}
		if since.After(now) {
			return 0, refused(commandName(c), "--since "+c.String("since")+" is to come, and what was stolen was stolen before now", "give the day from which on the key may have been in other hands")
		}
		if index, err = l.firstKnown(c.Context, int64(bad.Key.Since)+1, head.Size, since); err != nil {
			return 0, err
		}
	}
	if index <= int64(bad.Key.Since) {
		return 0, refused(commandName(c), fmt.Sprintf("that key was let in by entry %d", bad.Key.Since), fmt.Sprintf("give --from %d or more", bad.Key.Since+1))
	}
	if index > head.Size {
		return 0, refused(commandName(c), fmt.Sprintf("the ledger has %d entries, and a place to come cannot be named", head.Size), "")
	}
	return index, nil
}

// firstKnown is the first entry from an index on that became known at a time or
// later, by bisection, since entries become known in their order. It is size
// where none did.
func (l *reader) firstKnown(ctx context.Context, from, size int64, since time.Time) (int64, error) {
	for from < size {
		middle := from + (size-from)/2
		p, err := l.Entry(ctx, middle)
		if err != nil {
			return 0, err
		}
		if p.Proof.Known.Before(since) {
			from = middle + 1
		} else {
			size = middle
		}
	}
	return from, nil
}

// count says what the declaration hits: the entries of the key and, where the
// founders make it, of the keys that came of it.
func (d *declared) count(ctx context.Context) error {
	all, err := d.registry.Keys(d.DID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(k ledger.PartyKey) bool { return k.KeyID == d.Key })
	if i < 0 {
		return refused("key compromised", "the key that it is about never was the party's", "see countersign ledger keys DID")
	}
	hit := func(kid string) bool { return kid == d.Key }
	if d.Next != "" {
		hit = func(kid string) bool {
			return slices.ContainsFunc(all[i:], func(k ledger.PartyKey) bool { return k.KeyID == kid })
		}
	}
	_, err = d.ledger.Log(ctx, int64(all[i].Key.Since)+1, func(index int64, _ []byte, e ledger.Entry) error {
		switch {
		case !hit(e.KeyID) || e.Kind == ledger.KindParticipant || d.registry.CheckThen(index, e) != nil:
		case index < d.From:
			d.before++
		default:
			d.hit[e.Kind.String()]++
		}
		return nil
	})
	return err
}

// send records the entry, unless it was sent before, and waits until it is final.
func (d *declared) send(ctx context.Context, e ledger.Entry) error {
	business := "declare " + d.Handle().String()
	index, err := d.ledger.Lookup(ctx, d.DID, business)
	if errors.Is(err, ledgerclient.ErrNotFound) {
		if err := d.registry.Check(e); err != nil {
			return refused("key compromised", err.Error(), "see countersign ledger keys "+string(d.DID))
		}
		var at ledgerclient.Appended
		at, err = d.ledger.Append(ctx, business, e)
		index = at.Index
		if ledgerclient.Permanent(err) {
			if first, no := d.ledger.Lookup(ctx, d.DID, business); no == nil {
				index, err = first, nil
			}
		}
	}
	if err != nil {
		return err
	}
	return d.ledger.final(ctx, "key compromised", index)
}

func (r *run) tellCompromise(d *declared, words string, all []ledgerclient.Proven) error {
	kinds := []string{}
	total := 0
	for _, k := range ledger.KindNames() {
		if n := d.hit[k]; n > 0 {
			kinds, total = append(kinds, fmt.Sprintf("%d %s", n, k)), total+n
		}
	}
	var index int64
	if len(all) > 0 {
		index = all[0].Proof.Index
	}
	if r.json {
		return r.print(map[string]any{"did": d.DID, "key": d.Key, "from": d.From, "index": index, "void": d.hit, "stand": d.before, "keyId": d.signer.KeyID()})
	}
	fmt.Fprintf(r.Out, "key      %s\n%-8s from entry %d on\nstand    %s of that key before it\nvoid     %s", d.Key, words, d.From, entries(d.before), entries(total))
	for i, k := range kinds {
		fmt.Fprintf(r.Out, "%s%s", []string{", ", ": "}[max(0, 1-i)], k)
	}
	if index == 0 {
		_, err := fmt.Fprintln(r.Out, "\nNothing was changed.")
		return err
	}
	_, err := fmt.Fprintf(r.Out, "\nsaid     by entry %d, signed by %s\nIssue anew what of the void entries was yours: countersign ledger show --by %s lists them.\n", index, d.signer.KeyID(), d.DID)
	return err
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}
