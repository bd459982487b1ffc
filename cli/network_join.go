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

func (r *run) networkApprove(c *urfave.Context) error {
	p, err := readParty(c.Args().First())
	if err != nil {
		return err
	}
	out, err := given(c, "out", "")
	if err != nil {
		return err
	}
	s, err := r.signer(c)
	if err != nil {
		return err
	}
	trust, err := givenTrust(c)
	if err != nil {
		return err
	}
	if c.String("ledger") != "" {
		if err := r.mayApprove(c, p, s); err != nil {
			return err
		}
	}
	a, err := ledger.Approve(trust.Genesis, p, s)
	if err != nil {
		return err
	}
	digest, err := digestOf(p)
	if err != nil {
		return fmt.Errorf("approve: %w", err)
	}
	body, err := document(approvalFile{Schema: admissionSchema, Genesis: &trust.Genesis, Document: digest, Approval: a})
	if err != nil {
		return err
	}
	if err := place(map[string][]byte{out: body}); err != nil {
		return err
	}
	if r.json {
		return r.print(map[string]any{"ledger": trust.Origin, "party": p, "did": a.DID, "file": out})
	}
	_, err = fmt.Fprintf(r.Out, "approved  %s, %s, on %s\nDID       %s\nfile      %s\n", oneLine(p.Name), p.Role, oneLine(trust.Origin), p.DID, out)
	return err
}

// mayApprove spares the founders an approval that would come to nothing.
func (r *run) mayApprove(c *urfave.Context, p ledger.Party, s credentials.Signer) error {
	l, err := r.ledger(c)
	if err != nil {
		return err
	}
	registry, err := l.registry(c.Context)
	if err != nil {
		return err
	}
	_, party, err := registry.Current(s.KeyID())
	if err != nil || !slices.ContainsFunc(l.genesis.Founders, func(f ledger.Party) bool { return f.DID == party.DID }) {
		return refused(commandName(c), "your key is not a founder's of this ledger", "use a founder's --key")
	}
	have, err := l.standing(c.Context, p)
	if err == nil && have != nil {
		err = refused(commandName(c), fmt.Sprintf("%s is admitted already, by entry %d", oneLine(p.Name), have.Proof.Index), "nothing is left to do")
	}
	return err
}

// standing is how p was let in, nil if it was not. It refuses a key that is a
// participant's under another name or in another role.
func (l *reader) standing(ctx context.Context, p ledger.Party) (*admission, error) {
	for _, f := range l.genesis.Founders {
		if f.DID == p.DID || f.Key == p.Key {
			return nil, refused("join", "that key is admitted already: it is the founder "+oneLine(f.Name)+"'s", "make another key for a newcomer")
		}
	}
	all, err := l.admitted(ctx)
	if err != nil {
		return nil, err
	}
	for i, a := range all { // the first with that key is the entry that let it in
		if a.party == p {
			return &all[i], nil
		}
		if a.party.DID == p.DID || a.party.Key == p.Key {
			return nil, refused("join", fmt.Sprintf("that key is admitted already, as %s in the role %s", oneLine(a.party.Name), a.party.Role), "make another key for another party")
		}
	}
	return nil, nil
}

func (r *run) networkJoin(c *urfave.Context) error {
	path := c.Args().First()
	p, err := readParty(path)
	if err != nil {
		return err
	}
	approvals, err := readApprovals(manyOf(c, "approval"), admissionSchema, "approve")
	if err != nil {
		return err
	}
	s, err := r.signer(c)
	if err != nil {
		return err
	}
	if s.KeyID() != p.Kid() {
		return refused(commandName(c), "your key is not the one in "+path, "use the key that it was made with (--key)")
	}
	l, err := r.ledger(c)
	if err != nil {
		return err
	}
	have, err := l.standing(c.Context, p)
	if err != nil {
		return err
	}
	if have == nil {
		if have, err = r.admit(c, l, p, approvals, s); err != nil {
			return err
		}
	}
	files := dossier.Files{}
	files.Receipt(have.Entry.Subject, have.Leaf, have.Receipt)
	if err := write(files, c.String("out")); err != nil {
		return err
	}
	if r.json {
		return r.print(map[string]any{"party": p, "index": have.Proof.Index, "size": have.Proof.Size, "known": have.Proof.Known})
	}
	_, err = fmt.Fprintf(r.Out, "admitted  %s, %s, on %s\nDID       %s\nentry     %d of %d, known %s\n", oneLine(p.Name), p.Role, oneLine(l.genesis.Origin),
		p.DID, have.Proof.Index, have.Proof.Size, have.Proof.Known.Format(time.RFC3339))
	return err
}

// admit sends the entry, unless it was sent before, and waits until it is final.
func (r *run) admit(c *urfave.Context, l *reader, p ledger.Party, approvals []approvalFile, s credentials.Signer) (*admission, error) {
	ctx, cancel := context.WithTimeout(c.Context, max(c.Duration("wait"), time.Second))
	defer cancel()
	business := "admit " + string(p.DID)
	index, err := l.Lookup(ctx, p.DID, business)
	if errors.Is(err, ledgerclient.ErrNotFound) {
		var e ledger.Entry
		if e, err = l.admissionEntry(ctx, p, approvals, s, r.now()); err != nil {
			return nil, err
		}
		var at ledgerclient.Appended
		at, err = l.Append(ctx, business, e)
		index = at.Index
		// The same newcomer may have sent it at the same time, with another
		// time or other approvals in it. The first one stands.
		if errors.Is(err, ledgerclient.ErrKeyReuse) || errors.Is(err, ledgerclient.ErrRefused) {
			if first, no := l.Lookup(ctx, p.DID, business); no == nil {
				index, err = first, nil
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if err := l.final(ctx, "join", index); err != nil {
		return nil, err
	}
	have, err := l.standing(c.Context, p)
	if err == nil && have == nil {
		err = caught("join", fmt.Errorf("entry %d does not let %s in", index, oneLine(p.Name)), "tell those who run the ledger")
	}
	return have, err
}

// final waits until an entry has its receipt.
func (l *reader) final(ctx context.Context, what string, index int64) error {
	for {
		_, err := l.Entry(ctx, index)
		if err == nil || ledgerclient.Permanent(err) {
			return err
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return later(what, fmt.Sprintf("entry %d is sent and has no receipt yet", index), "run the same command again; nothing is done twice")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// admissionEntry is the newcomer's signed entry with the approvals in the
// founders' order.
func (l *reader) admissionEntry(ctx context.Context, p ledger.Party, approvals []approvalFile, s credentials.Signer, now time.Time) (e ledger.Entry, err error) {
	digest, err := digestOf(p)
	if err != nil {
		return e, fmt.Errorf("join: %w", err)
	}
	for _, f := range approvals {
		switch {
		case f.Genesis == nil || *f.Genesis != l.trust.Genesis:
			return e, refused(f.path, "approves on another ledger", "have the founder approve with this --trust")
		case f.Document != digest:
			return e, refused(f.path, "approves another party, or another name or role of it", "have the founder approve this file")
		case !slices.ContainsFunc(l.genesis.Founders, func(q ledger.Party) bool { return q.DID == f.Approval.DID }):
			return e, refused(f.path, "is the approval of somebody who is no founder", "leave it out")
		}
	}
	if have, want := len(approvals), l.genesis.Admission; have < want {
		return e, refused("join", fmt.Sprintf("%d of the %d founders who are needed approve", have, want), "give an --approval of each")
	}
	a := ledger.Admission{Party: p}
	var paths []string
	for _, q := range l.genesis.Founders {
		for _, f := range approvals {
			if f.Approval.DID == q.DID {
				a.Approvals, paths = append(a.Approvals, f.Approval), append(paths, f.path)
			}
		}
	}
	if e, err = a.Entry(); err != nil {
		return e, err
	}
	e.Effective = now
	if e, err = e.Sign(s); err != nil {
		return e, err
	}
	registry, err := l.registry(ctx)
	if err != nil {
		return e, err
	}
	if err := registry.Check(e); err != nil {
		var i int
		if _, no := fmt.Sscanf(err.Error(), "approval %d is not", &i); no == nil && i < len(paths) {
			return e, caught(paths[i], errors.New("the founder's signature does not hold"), "have it approved again")
		}
		return e, refused("join", err.Error(), "")
	}
	return e, nil
}
