package cli

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

func (r *run) networkDraft(c *urfave.Context) error {
	g := ledger.Genesis{Schema: draftSchema, Witnesses: manyOf(c, "witness"), Quorum: c.Int("quorum"),
		Admission: c.Int("admission"), Created: r.now().UTC().Truncate(time.Second)}
	var out string
	for name, to := range map[string]*string{"origin": &g.Origin, "log-key": &g.LogKey, "out": &out} {
		var err error
		if *to, err = given(c, name, ""); err != nil {
			return err
		}
	}
	for _, name := range []string{"witness", "quorum", "founder", "admission"} {
		if !c.IsSet(name) {
			return refused(commandName(c), "--"+name+" is missing", "give --"+name)
		}
	}
	for _, path := range manyOf(c, "founder") {
		p, err := readParty(path)
		if err != nil {
			return err
		}
		g.Founders = append(g.Founders, p)
	}
	if err := checkDraft(g); err != nil {
		return refused(commandName(c), err.Error(), "see countersign network draft --help")
	}
	digest, err := digestOf(g)
	if err != nil {
		return fmt.Errorf("write draft: %w", err)
	}
	body, err := document(g)
	if err != nil {
		return err
	}
	if err := place(map[string][]byte{out: body}); err != nil {
		return err
	}
	return r.printNetwork(networkView{Genesis: g, Draft: &digest, File: out})
}

func (r *run) networkSign(c *urfave.Context) error {
	path := c.Args().First()
	g, digest, err := readDraft(path)
	if err != nil {
		return err
	}
	s, err := r.signer(c)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(g.Founders, func(p ledger.Party) bool { return p.Kid() == s.KeyID() })
	if i < 0 {
		return refused(commandName(c), "your key is not a founder's in "+path, "use the key of your party file (--key)")
	}
	a, err := g.Sign(s)
	if err != nil {
		return fmt.Errorf("sign draft: %w", err)
	}
	out := c.String("out")
	if out == "" {
		out = filepath.Join(filepath.Dir(path), fmt.Sprintf("genesis.approval-%d.json", i+1))
	}
	body, err := document(approvalFile{Schema: foundingSchema, Document: digest, Approval: a})
	if err != nil {
		return err
	}
	if err := place(map[string][]byte{out: body}); err != nil {
		return err
	}
	if r.json {
		return r.print(map[string]any{"draft": digest, "founder": g.Founders[i].Name, "did": a.DID, "file": out})
	}
	_, err = fmt.Fprintf(r.Out, "signed  %s, as %s\ndraft   %s\nfile    %s\n", oneLine(g.Origin), oneLine(g.Founders[i].Name), grouped(digest, 8), out)
	return err
}

func (r *run) networkInit(c *urfave.Context) error {
	path := c.Args().First()
	g, digest, err := readDraft(path)
	if err != nil {
		return err
	}
	out, err := given(c, "out", "")
	if err != nil {
		return err
	}
	trustPath, err := given(c, "trust", "")
	if err != nil {
		return err
	}
	if filepath.Clean(out) == filepath.Clean(trustPath) {
		return refused(commandName(c), "--out and --trust name the same file", "give two names")
	}
	files, err := foundersApprove(c, &g, digest)
	if err != nil {
		return err
	}
	s, err := r.signer(c)
	if err != nil {
		return err
	}
	if first := g.Founders[0]; s.KeyID() != first.Kid() {
		return refused(commandName(c), "leaf 0 is signed by the first founder, "+oneLine(first.Name)+", and that is not your key", "have that founder do it, or use its --key")
	}
	leaf, err := g.Leaf(s)
	if err != nil {
		var i int
		if _, no := fmt.Sscanf(err.Error(), "genesis: founder %d: its signature", &i); no == nil && i < len(files) {
			return caught(files[i].path, errors.New("the founder's signature does not hold"), "have it signed again")
		}
		return refused(commandName(c), err.Error(), "")
	}
	trust := ledger.Trust{Origin: g.Origin, Genesis: credentials.DigestOf(leaf)}
	pin, err := trust.Marshal()
	if err != nil {
		return err
	}
	if err := place(map[string][]byte{out: leaf, trustPath: pin}); err != nil {
		return err
	}
	return r.printNetwork(networkView{Genesis: g, Digest: &trust.Genesis, File: out, Trust: trustPath})
}

// foundersApprove puts every founder's approval into g, and returns their files,
// both in the founders' order.
func foundersApprove(c *urfave.Context, g *ledger.Genesis, draft credentials.Digest) ([]approvalFile, error) {
	all, err := readApprovals(manyOf(c, "approval"), foundingSchema, "sign")
	if err != nil {
		return nil, err
	}
	for _, f := range all {
		if f.Document != draft || f.Genesis != nil {
			return nil, refused(f.path, "approves another draft", "have the founder sign this one")
		}
		if !slices.ContainsFunc(g.Founders, func(p ledger.Party) bool { return p.DID == f.Approval.DID }) {
			return nil, refused(f.path, "is the approval of somebody who is no founder", "leave it out")
		}
	}
	var missing []string
	var files []approvalFile
	for _, p := range g.Founders {
		i := slices.IndexFunc(all, func(f approvalFile) bool { return f.Approval.DID == p.DID })
		if i < 0 {
			missing = append(missing, oneLine(p.Name))
			continue
		}
		g.Signatures = append(g.Signatures, all[i].Approval)
		files = append(files, all[i])
	}
	if len(missing) > 0 {
		return nil, refused(commandName(c), fmt.Sprintf("%d of %d founders have approved, missing: %s", len(files), len(g.Founders), strings.Join(missing, ", ")),
			"give every founder's --approval")
	}
	return files, nil
}

func (r *run) networkShow(c *urfave.Context) error {
	path := c.Args().First()
	if path == "" {
		l, err := r.ledger(c)
		if err != nil {
			return err
		}
		return r.printNetwork(networkView{Genesis: *l.genesis, Digest: &l.trust.Genesis})
	}
	body, err := readSmall(path)
	if err != nil {
		return err
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		g, digest, err := parseDraft(path, body)
		if err != nil {
			return err
		}
		return r.printNetwork(networkView{Genesis: g, Draft: &digest})
	}
	g, err := ledger.ParseGenesis(body)
	if pin := c.String("trust"); pin != "" && err == nil {
		var trust *ledger.Trust
		if trust, err = readTrust(pin); err != nil {
			return err
		}
		_, err = trust.Check(body)
	}
	if err != nil {
		return caught(path, err, "ask a founder for leaf 0")
	}
	digest := g.Digest()
	return r.printNetwork(networkView{Genesis: *g, Digest: &digest})
}

// A networkView is a founding document as it is shown: a draft, or leaf 0.
type networkView struct {
	ledger.Genesis
	Digest, Draft *credentials.Digest
	File, Trust   string // written
}

func (r *run) printNetwork(v networkView) error {
	if r.json {
		return r.print(struct {
			Origin    string              `json:"origin"`
			Digest    *credentials.Digest `json:"digest,omitempty"` // of leaf 0
			Draft     *credentials.Digest `json:"draft,omitempty"`  // of the draft
			Created   time.Time           `json:"created"`
			LogKey    string              `json:"logKey"`
			Witnesses []string            `json:"witnesses"`
			Quorum    int                 `json:"quorum"`
			Founders  []ledger.Party      `json:"founders"`
			Admission int                 `json:"admission"`
			File      string              `json:"file,omitempty"`
			Trust     string              `json:"trust,omitempty"`
		}{v.Origin, v.Digest, v.Draft, v.Created, v.LogKey, v.Witnesses, v.Quorum, v.Founders, v.Admission, v.File, v.Trust})
	}
	fmt.Fprintf(r.Out, "ledger     %s\ncreated    %s\nlog key    %s\nquorum     %d of %d witnesses make an entry final\n",
		oneLine(v.Origin), v.Created.Format(time.RFC3339), oneLine(v.LogKey), v.Quorum, len(v.Witnesses))
	for _, w := range v.Witnesses {
		fmt.Fprintf(r.Out, "witness    %s\n", oneLine(w))
	}
	fmt.Fprintf(r.Out, "admission  %d of %d founders let a newcomer in\n\n", v.Admission, len(v.Founders))
	t := table{head: []string{"founder", "role", "state", "DID"}}
	for _, p := range v.Founders {
		t.add(p.Name, string(p.Role), p.Jurisdiction, string(p.DID))
	}
	if err := t.write(r.Out); err != nil {
		return err
	}
	if v.Draft != nil {
		fmt.Fprintf(r.Out, "\ndraft      %s\n           it counts once every founder has signed it: countersign network sign\n", grouped(*v.Draft, 11))
	}
	if v.Digest != nil {
		fmt.Fprintf(r.Out, "\ndigest     %s\n", grouped(*v.Digest, 11))
	}
	if v.Trust != "" {
		fmt.Fprintf(r.Out, "           read it out to everybody, who compares it with countersign network show:\n           a digest that comes with the file it vouches for proves nothing\ntrust      %s\n", v.Trust)
	}
	if v.File != "" {
		fmt.Fprintf(r.Out, "file       %s\n", v.File)
	}
	return nil
}

// grouped is a digest to be read out: two lines of eight groups, the second
// one indented.
func grouped(d credentials.Digest, indent int) string {
	var groups []string
	for s := d.String(); s != ""; s = s[4:] {
		groups = append(groups, s[:4])
	}
	return strings.Join(groups[:8], " ") + "\n" + strings.Repeat(" ", indent) + strings.Join(groups[8:], " ")
}
