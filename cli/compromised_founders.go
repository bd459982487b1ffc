package cli

import (
	"fmt"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// The files by which founders say that a key is bad.
const (
	compromiseSchema         = "countersign/compromise/1"
	compromiseApprovalSchema = "countersign/compromise-approval/1"
)

type compromiseFile struct {
	Schema     string            `json:"schema"`
	Compromise ledger.Compromise `json:"compromise"` // without approvals
}

// askFounders writes down what the founders are to approve, with the key that
// follows.
func (r *run) askFounders(d *declared, path string) error {
	body, err := document(compromiseFile{compromiseSchema, d.Compromise})
	if err != nil {
		return err
	}
	if err := place(map[string][]byte{path: body}); err != nil {
		return err
	}
	if r.json {
		return r.print(map[string]any{"did": d.DID, "key": d.Key, "from": d.From, "next": d.Next, "file": path})
	}
	_, err = fmt.Fprintf(r.Out, "key      %s\nbad      from entry %d on, if %d other founders approve\nfollows  %s#%s\nfile     %s\n"+
		"Read it out to the founders. They approve it with countersign network approve-compromise; then give it back with --declaration and --approval.\n",
		d.Key, d.From, d.ledger.genesis.Admission, d.DID, d.Next, path)
	return err
}

func readCompromise(path string) (c ledger.Compromise, err error) {
	body, err := readSmall(path)
	if err != nil {
		return c, err
	}
	var f compromiseFile
	err = decodeAs(body, compromiseSchema, &f)
	if c = f.Compromise; err == nil && (c.Next == "" || len(c.Approvals) > 0) {
		err = fmt.Errorf("it names no key that follows, or has approvals in it")
	}
	if err != nil {
		return c, refused(path, err.Error(), "make it with countersign key compromised --ask-founders")
	}
	return c, nil
}

// fromFounders takes the file back with the founders' approvals.
func (d *declared) fromFounders(path string, paths []string) (err error) {
	if d.Compromise, err = readCompromise(path); err != nil {
		return err
	}
	if d.DID != issuerOf(d.signer) {
		return refused(path, "is about another party's key", "use the key store of that party (--keys)")
	}
	want := string(d.DID) + "#" + d.Next
	if d.promoted = d.signer.KeyID() == want; !d.promoted { // else it was done before
		if d.signer, err = d.keys.Prepare(d.name); err != nil { // the same as was prepared before
			return refused("key compromised", err.Error(), "")
		}
	}
	if d.signer.KeyID() != want {
		return refused(path, "names another key than the one that is prepared here", "use the key store in which it was made, or make the file anew")
	}
	approvals, err := readApprovals(paths, compromiseApprovalSchema, "approve-compromise")
	if err != nil {
		return err
	}
	digest, err := digestOf(d.Compromise)
	if err != nil {
		return fmt.Errorf("key compromised: %w", err)
	}
	for _, f := range approvals {
		switch {
		case f.Genesis == nil || *f.Genesis != d.ledger.trust.Genesis:
			return refused(f.path, "approves on another ledger", "have the founder approve with this --trust")
		case f.Document != digest:
			return refused(f.path, "approves another declaration", "have the founder approve this file")
		case f.Approval.DID == d.DID:
			return refused(f.path, "is the approval of the party itself, which has no voice here", "have other founders approve")
		}
		d.Approvals = append(d.Approvals, f.Approval)
	}
	if have, want := len(d.Approvals), d.ledger.genesis.Admission; have < want {
		return refused("key compromised", fmt.Sprintf("%d of the %d founders who are needed approve", have, want), "give an --approval of each")
	}
	return nil
}

// networkApproveCompromise is a founder's word on another party's key.
func (r *run) networkApproveCompromise(c *urfave.Context) error {
	asked, err := readCompromise(c.Args().First())
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
	l, err := r.ledger(c)
	if err != nil {
		return err
	}
	registry, err := l.registry(c.Context)
	if err != nil {
		return err
	}
	_, own, err := registry.Current(s.KeyID())
	if err != nil || !slices.ContainsFunc(l.genesis.Founders, func(f ledger.Party) bool { return f.DID == own.DID }) || own.DID == asked.DID {
		return refused(commandName(c), "your key is not a founder's of this ledger, or it is the one that this is about", "use another founder's --key")
	}
	_, party, err := registry.Key(asked.Key)
	if err != nil || party.DID != asked.DID {
		return refused(commandName(c), "the key that it is about never was the party's", "call the party: the file may have been changed")
	}
	return r.approveCompromise(l, asked, party, s, out)
}

func (r *run) approveCompromise(l *reader, asked ledger.Compromise, party ledger.Party, s credentials.Signer, out string) error {
	a, err := ledger.ApproveCompromise(l.trust.Genesis, asked, s)
	if err != nil {
		return err
	}
	digest, err := digestOf(asked)
	if err != nil {
		return fmt.Errorf("approve: %w", err)
	}
	body, err := document(approvalFile{Schema: compromiseApprovalSchema, Genesis: &l.trust.Genesis, Document: digest, Approval: a})
	if err != nil {
		return err
	}
	if err := place(map[string][]byte{out: body}); err != nil {
		return err
	}
	if r.json {
		return r.print(map[string]any{"ledger": l.trust.Origin, "compromise": asked, "did": a.DID, "file": out})
	}
	_, err = fmt.Fprintf(r.Out, "approved  that a key of %s, %s, is bad from entry %d on\nkey       %s\nfollows   %s#%s\nfile      %s\n",
		oneLine(party.Name), party.Role, asked.From, asked.Key, asked.DID, asked.Next, out)
	return err
}
