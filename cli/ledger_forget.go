package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
)

func (r *run) ledgerForget() *urfave.Command {
	return r.leaf(leaf{name: "forget", usage: "destroy your documents, with the salts in them, and keep only what is on the ledger", args: "DIR", min: 1, max: 1,
		about: "DIR is a dossier, as --out writes one. Its documents are overwritten and removed: what they said cannot be\n" +
			"opened from the ledger any more, nor guessed. Their entries and receipts go to --out, and still prove that\n" +
			"something was recorded, when and by whom. It reaches no copy elsewhere: an insurer forgets with\n" +
			"countersignd books forget, and whoever else has the documents by themselves.",
		flags: []urfave.Flag{
			&urfave.StringSliceFlag{Name: "submission", Usage: "forget this `HANDLE` alone, and the files that it shares with others; may be given again"},
			outFlag("keep the ledger's entries and receipts in `KEEP`"),
		},
		do: r.forget})
}

func (r *run) forget(c *urfave.Context) error {
	keep, err := given(c, "out", "")
	if err != nil {
		return err
	}
	var handles []credentials.Handle
	for _, s := range c.StringSlice("submission") {
		h, err := credentials.ParseHandle(s)
		if err != nil {
			return refused(commandName(c), "--submission: "+err.Error(), "the files in submissions are named by their handles")
		}
		handles = append(handles, h)
	}
	dir := c.Args().First()
	files, err := dossier.Read(dir)
	if err != nil {
		return refused(commandName(c), oneLine(err.Error()), "name the folder of a dossier")
	}
	g, err := files.Forget(handles...)
	if err != nil {
		return refused(commandName(c), oneLine(err.Error()), "nothing was destroyed")
	}
	if within(keep, dir) {
		return refused(commandName(c), "--out lies in the folder that is to be forgotten", "give one beside it")
	}
	if err := write(g.Extract, keep); err != nil {
		return err
	}
	for _, name := range g.Gone {
		if err := destroy(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return fmt.Errorf("forget: %w; say it again", err)
		}
	}
	entries := len(dossier.VerifyExtract(g.Extract, nil).Extract)
	if r.json {
		return r.print(map[string]any{"destroyed": g.Gone, "kept": entries, "out": keep, "left": len(g.Rest)})
	}
	_, err = fmt.Fprintf(r.Out, "%s destroyed; %d entries of the ledger with their receipts are in %s\n"+
		"copies elsewhere are not reached: backups, mail, and what the other parties hold\n", count(len(g.Gone), "file"), entries, keep)
	return err
}

func within(path, dir string) bool {
	a, err1 := filepath.Abs(path)
	b, err2 := filepath.Abs(dir)
	if err1 != nil || err2 != nil {
		return true
	}
	rel, err := filepath.Rel(b, a)
	return err == nil && filepath.IsLocal(rel)
}

// destroy overwrites a file before it is removed, and sees that on the disk.
// What the disk itself keeps elsewhere, only its encryption covers.
func destroy(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.Write(make([]byte, info.Size()))
	}
	if err == nil {
		err = f.Sync()
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = os.Remove(name)
	}
	return err
}
