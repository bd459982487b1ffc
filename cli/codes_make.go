package cli

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/codelist"
	"github.com/countersign-health/countersign/credentials"
)

func (r *run) codesCommand() *urfave.Command {
	return branch("codes", "make lists of codes by which claims are checked",
		r.leaf(leaf{
			name: "make", usage: "make editions of a publisher's list", args: "FILE", min: 1, max: 1,
			about: "Reads a list of codes as its publisher gives it, and writes an edition that plan publish --codes and\nclaim check --codes take: codes and days alone, no descriptions.\n" +
				"By its name it knows CMS's order files of ICD-10-CM and ICD-10-PCS (icd10cm_order_2026.txt), CMS's quarterly\nHCPCS file (HCPC2025_OCT_ANWEB.txt), the NUCC's taxonomy (nucc_taxonomy_251.csv) and Medicare's relative\nvalue file (PPRRVU2025_Oct.csv, the codes of CPT).\n" +
				"Any other list is a CSV file \"code,from,until\", with --kind, --edition, --from and --until. Kinds:\n" + kindLines(),
			flags: []urfave.Flag{
				&urfave.StringFlag{Name: "kind", Usage: "`KIND` of a list that no publisher's name tells"},
				&urfave.StringFlag{Name: "edition", Usage: "`NAME` of the edition, such as 2026"},
				&urfave.StringFlag{Name: "from", Usage: "first `DATE` of which the list speaks"},
				&urfave.StringFlag{Name: "until", Usage: "last `DATE` of which the list speaks"},
				outFlag("write KIND-EDITION.csv into the folder `DIR`"),
			},
			do: r.codesMake,
		}),
		r.leaf(leaf{
			name: "fetch", usage: "bring the lists that the insurer has published",
			about: "Writes them into a folder that claim check --codes takes. A list that belongs to somebody (CPT, the NUBC's\ncodes, DRGs) is named and not brought: make it of your own copy, and its digest tells whether it is the same.",
			flags: gatewayFlags(outFlag("write KIND-EDITION.csv into the folder `DIR`")),
			do:    r.codesFetch,
		}),
	)
}

func (r *run) codesMake(c *urfave.Context) error {
	path := c.Args().First()
	f, err := openFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() > maxCMSFile {
		return refused(path, fmt.Sprintf("is larger than %d MB", maxCMSFile>>20), "give the file as it is published")
	}
	source, err := sourceOf(c, filepath.Base(path))
	if err != nil {
		return err
	}
	out, err := given(c, "out", "")
	if err != nil {
		return err
	}
	lists, err := source.Read(filepath.Base(path), f)
	if err != nil {
		return refusedFile(path, filepath.Base(path)+" ", err, "give the file as it is published; nothing was written")
	}
	var made []map[string]any
	for _, l := range lists {
		var b bytes.Buffer
		if err := l.Write(&b); err != nil {
			return err
		}
		file := filepath.Join(out, fmt.Sprintf("%s-%s.csv", l.Kind, l.Edition))
		if err := writeWhole(file, b.Bytes()); err != nil {
			return err
		}
		made = append(made, map[string]any{"file": file, "kind": l.Kind, "edition": l.Edition, "from": l.From, "until": l.Until, "codes": l.Len(), "digest": credentials.DigestOf(b.Bytes())})
		if !r.json {
			fmt.Fprintf(r.Out, "wrote      %s\ncodes      %d, of days from %s to %s\nSHA-256    %s\n", oneLine(file), l.Len(), l.From, l.Until, credentials.DigestOf(b.Bytes()))
		}
	}
	if r.json {
		return r.print(map[string]any{"lists": made})
	}
	return nil
}

// sourceOf is what a file is of, by its name and the flags, which go before it.
func sourceOf(c *urfave.Context, base string) (codelist.Source, error) {
	source, known := codelist.SourceOf(base)
	if kind := claims.CodeKind(c.String("kind")); kind != "" && (!known || kind != source.Kind) {
		source = codelist.Source{Kind: kind}
		if _, there := kind.Facts(); !there {
			return source, refused(commandName(c), fmt.Sprintf("--kind %s: there is no such kind", oneLine(string(kind))), "want "+codelist.KindNames())
		}
	} else if !known {
		return source, refused(base, "is not called as a publisher calls its file", "give --kind, --edition, --from and --until for a CSV file code,from,until")
	}
	if e := c.String("edition"); e != "" {
		source.Edition = e
	}
	for _, d := range []struct {
		flag string
		day  *credentials.Date
	}{{"from", &source.From}, {"until", &source.Until}} {
		if v := c.String(d.flag); v != "" {
			day, err := credentials.ParseDate(v)
			if err != nil {
				return source, refused(commandName(c), "--"+d.flag+": "+err.Error(), "")
			}
			*d.day = day
		}
		if *d.day == "" {
			return source, refused(commandName(c), "--"+d.flag+" is missing", "give the days of which the list speaks")
		}
	}
	if !codelist.GoodName(source.Edition) {
		return source, refused(commandName(c), "--edition: want a name of letters, digits, dots and hyphens", "such as 2026")
	}
	return source, nil
}

// kindLines are the kinds in lines that fit a screen.
func kindLines() string {
	var b strings.Builder
	length := 0
	for i, f := range claims.CodeKinds {
		switch {
		case length > 90:
			b.WriteString(",\n")
			length = 0
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(f.Kind))
		length += len(f.Kind) + 2
	}
	return b.String() + "."
}

func (r *run) codesFetch(c *urfave.Context) error {
	out, err := given(c, "out", "")
	if err != nil {
		return err
	}
	d, err := r.door(c)
	if err != nil {
		return err
	}
	all, err := d.CodeLists(c.Context)
	if err != nil {
		return fmt.Errorf("fetch lists of codes: %w", err)
	}
	fetched := []map[string]any{}
	t := table{head: []string{"list", "edition", "", "SHA-256"}}
	for _, e := range all {
		file, state := "", "not brought: take your own copy"
		if e.Body != nil {
			l, err := codelist.ReadEdition("codes.csv", bytes.NewReader(e.Body))
			if err != nil || credentials.DigestOf(e.Body) != e.Ref.Digest {
				return fmt.Errorf("fetch list %s %s: it is not what its name says", oneLine(e.Ref.Name), oneLine(e.Ref.Edition))
			}
			file = filepath.Join(out, fmt.Sprintf("%s-%s.csv", l.Kind, l.Edition))
			if err := writeWhole(file, e.Body); err != nil {
				return err
			}
			state = file
		}
		fetched = append(fetched, map[string]any{"kind": e.Ref.Name, "edition": e.Ref.Edition, "digest": e.Ref.Digest, "file": file})
		t.add(e.Ref.Name, e.Ref.Edition, state, e.Ref.Digest.String())
	}
	if r.json {
		return r.print(map[string]any{"lists": fetched})
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(r.Out, "the insurer has published no list of codes: it checks codes by their form alone")
		return err
	}
	return t.write(r.Out)
}
