package cli

import (
	"fmt"
	"os"
	"path/filepath"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/exclusions"
	"github.com/countersign-health/countersign/credentials"
)

// maxLEIE bounds what is read of a file of the OIG's; the whole list has 15 MB.
const maxLEIE = 64 << 20

func (r *run) exclusionsCommand() *urfave.Command {
	return branch("exclusions", "publish who is excluded from all payment",
		r.leaf(leaf{
			name: "read", usage: "say what a list of excluded providers has", args: "FILE", min: 1, max: 1,
			about: "Reads the list of excluded individuals and entities (LEIE) as the Office of Inspector General publishes it\n(UPDATED.csv, or a monthly supplement), or a list that was made of it, and says what it has.",
			flags: []urfave.Flag{&urfave.StringFlag{Name: "npi", Usage: "show what the list says of the provider with this `NPI`"}},
			do:    r.exclusionsRead,
		}),
		r.leaf(leaf{
			name: "make", usage: "make a list that can be published of the OIG's files", args: "FILE ...", min: 1, max: -1,
			about: "Writes numbers, kinds and days of the OIG's UPDATED.csv and nothing else of it; supplements of reinstatements\n(REIN.csv) beside it say when an exclusion ended. With --before, whoever stands on the list before and in none of\nthe files stays with the day of the new list as the end, so that their days before are not paid.",
			flags: []urfave.Flag{
				&urfave.StringFlag{Name: "name", Usage: "`NAME` of the list, as plans call it", Value: "oig-leie"},
				&urfave.StringFlag{Name: "edition", Usage: "`EDITION` of the list, such as 2026-11"},
				&urfave.StringFlag{Name: "as-of", Usage: "the `DAY` on which the OIG published it, such as 2026-11-10"},
				&urfave.StringFlag{Name: "before", Usage: "the list in `FILE` that was published before it"},
				outFlag("write the list to `FILE`"),
			},
			do: r.exclusionsMake,
		}),
		r.leaf(leaf{
			name: "publish", usage: "publish an edition of a list, as the insurer", args: "FILE", min: 1, max: 1,
			about: "Publishes a list that exclusions make wrote, which names itself. Plans name it under providers. From then on\nclaims are decided by it; what was decided before and would not be now stands in remit reprocess.",
			flags: gatewayFlags(), do: r.exclusionsPublish,
		}),
	)
}

// readExclusions reads a file in either form.
func readExclusions(path string) (list *exclusions.List, leie *exclusions.Read, err error) {
	f, err := openFile(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() > maxLEIE {
		return nil, nil, refused(path, fmt.Sprintf("is larger than %d MB", maxLEIE>>20), "give the file as the OIG publishes it")
	}
	head := make([]byte, len(exclusions.Schema)+1)
	if n, _ := f.ReadAt(head, 0); exclusions.IsList(head[:n]) {
		if list, err = readList(f); err != nil {
			return nil, nil, refusedFile(path, "exclusions.csv ", err, "give the list as exclusions make wrote it")
		}
		return list, nil, nil
	}
	base := filepath.Base(path)
	if leie, err = exclusions.ReadLEIE(base, f); err != nil {
		return nil, nil, refusedFile(path, base+" ", err, "give the file as the OIG publishes it; nothing of it was taken")
	}
	return nil, leie, nil
}

func readList(f *os.File) (*exclusions.List, error) {
	body, err := readAll(f, maxEdition)
	if err != nil {
		return nil, err
	}
	return exclusions.Parse(body)
}

// An exclusionsJSON is what exclusions read and make print.
type exclusionsJSON struct {
	File       string             `json:"file"`
	List       *claims.EditionRef `json:"list,omitempty"`
	AsOf       credentials.Date   `json:"asOf,omitempty"`
	Rows       int                `json:"rows"`
	WithoutNPI int                `json:"withoutNpi"`
	Entries    int                `json:"entries"`
	Providers  int                `json:"providers"`
	Reinstated int                `json:"reinstated"`
	Waivers    int                `json:"waivers"`
	Carried    int                `json:"carried"`
	Of         []claims.Exclusion `json:"of,omitempty"`
}

func (x *exclusionsJSON) count(entries []claims.Exclusion) {
	x.Entries = len(entries)
	npis := map[credentials.NPI]bool{}
	for _, e := range entries {
		npis[e.NPI] = true
		if e.Reinstated != "" {
			x.Reinstated++
		}
		if e.Waived != "" {
			x.Waivers++
		}
	}
	x.Providers = len(npis)
}

func (r *run) exclusionsRead(c *urfave.Context) error {
	x := exclusionsJSON{File: c.Args().First()}
	list, leie, err := readExclusions(x.File)
	if err != nil {
		return err
	}
	entries := []claims.Exclusion{}
	if list != nil {
		ref := list.Ref()
		x.List, x.AsOf, x.Rows, entries = &ref, list.AsOf, len(list.Entries), list.Entries
	} else {
		x.Rows, x.WithoutNPI, entries = leie.Rows, leie.WithoutNPI, leie.Entries
	}
	x.count(entries)
	if v := c.String("npi"); v != "" {
		if !credentials.NPI(v).Valid() {
			return refused(commandName(c), "--npi: want ten digits whose check digit holds", "")
		}
		for _, e := range entries {
			if e.NPI == credentials.NPI(v) {
				x.Of = append(x.Of, e)
			}
		}
	}
	return r.printExclusions(c, &x)
}

func (r *run) printExclusions(c *urfave.Context, x *exclusionsJSON) error {
	if r.json {
		return r.print(x)
	}
	if x.List != nil {
		fmt.Fprintf(r.Out, "list       %s %s of %s\nSHA-256    %s\n", x.List.Name, x.List.Edition, x.AsOf, x.List.Digest)
	}
	fmt.Fprintf(r.Out, "rows       %d\nno NPI     %d of them, of whom nobody can be found by a claim\nproviders  %d\nentries    %d, of which %d have ended and %d have a waiver\n",
		x.Rows, x.WithoutNPI, x.Providers, x.Entries, x.Reinstated, x.Waivers)
	if x.Carried > 0 {
		fmt.Fprintf(r.Out, "carried    %d of the list before, of whom the files say nothing more\n", x.Carried)
	}
	if c.String("npi") != "" && len(x.Of) == 0 {
		fmt.Fprintf(r.Out, "NPI %s does not stand on it\n", c.String("npi"))
	}
	for _, e := range x.Of {
		fmt.Fprintf(r.Out, "NPI %s is excluded from %s on (%s)%s%s\n", e.NPI, e.From, oneLine(e.Kind),
			map[bool]string{true: ", reinstated on " + string(e.Reinstated)}[e.Reinstated != ""],
			map[bool]string{true: ", with a waiver for " + e.WaiverState + " from " + string(e.Waived) + " on"}[e.Waived != ""])
	}
	return nil
}

func (r *run) exclusionsMake(c *urfave.Context) error {
	var values [3]string
	for i, name := range []string{"edition", "as-of", "out"} {
		var err error
		if values[i], err = given(c, name, ""); err != nil {
			return err
		}
	}
	name, edition, out := c.String("name"), values[0], values[2]
	asOf, err := credentials.ParseDate(values[1])
	if err != nil {
		return refused(commandName(c), "--as-of: "+err.Error(), "")
	}
	if !exclusions.Plain(name) || !exclusions.Plain(edition) {
		return refused(commandName(c), "want --name and --edition of small letters, digits, dots and hyphens", "")
	}
	var files []*exclusions.Read
	for _, path := range c.Args().Slice() {
		list, leie, err := readExclusions(path)
		if err != nil {
			return err
		}
		if list != nil {
			return refused(path, "is a list that was made already", "give the OIG's files; a list before this one goes with --before")
		}
		files = append(files, leie)
	}
	var before *exclusions.List
	if path := c.String("before"); path != "" {
		if before, _, err = readExclusions(path); err != nil {
			return err
		}
		if before == nil {
			return refused(path, "is a file of the OIG's", "give --before the list that was published of it")
		}
	}
	m, err := exclusions.Make(name, edition, asOf, before, files...)
	if err != nil {
		return refused(commandName(c), oneLine(err.Error()), "")
	}
	body := m.Encode()
	if _, err := exclusions.Parse(body); err != nil {
		return fmt.Errorf("make a list: %w", err)
	}
	if err := writeWhole(out, body); err != nil {
		return err
	}
	ref := m.Ref()
	x := exclusionsJSON{File: out, List: &ref, AsOf: asOf, Rows: m.Rows, WithoutNPI: m.WithoutNPI, Carried: m.Carried}
	x.count(m.Entries)
	return r.printExclusions(c, &x)
}

func (r *run) exclusionsPublish(c *urfave.Context) error {
	path := c.Args().First()
	list, _, err := readExclusions(path)
	if err != nil {
		return err
	}
	if list == nil {
		return refused(path, "is the OIG's file, with names and birthdays in it", "make a list of it first: countersign exclusions make")
	}
	body := list.Encode()
	d, err := r.door(c)
	if err != nil {
		return err
	}
	e, err := d.PublishExclusions(c.Context, body)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if r.json {
		return r.print(map[string]any{"kind": e.Kind, "ref": e.Ref, "handle": e.Handle})
	}
	_, err = fmt.Fprintf(r.Out, "published  %s %s of %s\nSHA-256    %s\nhandle     %s\n", oneLine(e.Ref.Name), oneLine(e.Ref.Edition), list.AsOf, e.Ref.Digest, e.Handle)
	return err
}

// exclusionsGiven is the list with which claims are worked out here: a published one,
// or the OIG's own file as of the day, under the name that the plan wants.
func exclusionsGiven(path, name string, today credentials.Date) (*exclusions.List, error) {
	list, leie, err := readExclusions(path)
	if err != nil || list != nil {
		return list, err
	}
	m, err := exclusions.Make(name, "as-given", today, nil, leie)
	if err != nil {
		return nil, refused(path, oneLine(err.Error()), "")
	}
	return &m.List, nil
}
