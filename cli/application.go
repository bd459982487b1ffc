package cli

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	board "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
)

// licenseColumns are those of a CSV of licenses, in this order.
var licenseColumns = []string{"npi", "name", "jurisdiction", "profession", "number", "from", "until"}

// moreColumns may follow those of a license, in any order. What stands in dea is
// checked and sent to nobody (credentials.DEA).
var moreColumns = []string{"taxonomy", "dea", "holder_key"}

// maxRegister bounds a CSV of licenses, which is held in memory.
const maxRegister = 64 << 20

// applications are the licenses that the flags or the CSV ask for. All of them
// are checked before the first is sent.
func applications(c *urfave.Context) ([]board.Application, error) {
	skip := c.Bool("skip-npi-check-digit")
	flags := []string{"npi", "name", "state", "profession", "number", "from", "until"}
	if path := c.String("from-csv"); path != "" {
		for _, f := range append(flags, "taxonomy", "dea", "holder-key") {
			if c.IsSet(f) {
				return nil, refused(commandName(c), "--from-csv and --"+f+" exclude each other", "give one of them")
			}
		}
		return readRegister(path, credentials.DID(c.String("board-did")), skip)
	}
	var fields []string
	for _, f := range flags {
		v, err := given(c, f, "")
		if err != nil {
			return nil, err
		}
		fields = append(fields, v)
	}
	a, err := application(fields, flags, skip)
	if err == nil {
		err = fillMore(a, func(name string) string {
			if name == "holder_key" {
				return "" // read by its own flag
			}
			return c.String(name)
		}, "", "")
	}
	if err != nil {
		return nil, refused(commandName(c), "--"+err.Error(), "see countersign license issue --help")
	}
	return []board.Application{*a}, nil
}

// application checks the fields of one license; names are what they are called
// where they come from.
func application(fields, names []string, skipCheckDigit bool) (*board.Application, error) {
	a := &board.Application{
		NPI: credentials.NPI(fields[0]), Name: fields[1], Jurisdiction: fields[2], Profession: fields[3], Number: fields[4],
	}
	for i, f := range fields {
		if strings.TrimSpace(f) != f || f == "" {
			return nil, fmt.Errorf("%s: is empty or has white space around it", names[i])
		}
	}
	if !a.NPI.WellFormed() || !skipCheckDigit && !a.NPI.Valid() {
		return nil, fmt.Errorf("%s: want an NPI of ten digits whose check digit holds", names[0])
	}
	if len(a.Jurisdiction) != 2 || strings.ToUpper(a.Jurisdiction) != a.Jurisdiction {
		return nil, fmt.Errorf("%s: want the two capital letters of a state", names[2])
	}
	var err error
	if a.From, err = credentials.ParseDate(fields[5]); err != nil {
		return nil, fmt.Errorf("%s: %w", names[5], err)
	}
	if a.Until, err = credentials.ParseDate(fields[6]); err != nil {
		return nil, fmt.Errorf("%s: %w", names[6], err)
	}
	if a.Until < a.From {
		return nil, fmt.Errorf("%s: the license ends before it begins", names[6])
	}
	return a, nil
}

// fillMore reads what a license may have besides, by the name of its column or
// flag, and begins an error with that name. Files are looked for in dir.
func fillMore(a *board.Application, get func(name string) string, dir string, did credentials.DID) (err error) {
	if a.Taxonomy, err = credentials.TaxonomiesOf(codesOf(get("taxonomy"))); err != nil {
		return fmt.Errorf("taxonomy: %w", err)
	}
	if s := get("dea"); s != "" {
		if _, err := credentials.ParseDEA(s); err != nil {
			return fmt.Errorf("dea: %w", err)
		}
	}
	name := get("holder_key")
	if name == "" {
		return nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	a.Holder, a.Proof, err = readProof(name, did)
	if err != nil {
		return fmt.Errorf("holder_key: want the file that countersign clinician prove wrote: %w", err)
	}
	return nil
}

// codesOf takes a list of codes apart: spaces and commas stand between them.
func codesOf(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return c == ' ' || c == ',' })
}

func readRegister(path string, did credentials.DID, skipCheckDigit bool) ([]board.Application, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	body, err := readAll(f, maxRegister)
	if err != nil {
		return nil, err
	}
	rows := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	rows.Comment = '#'
	head, err := rows.Read() // every row has as many
	if err != nil || !columnsWithin(head, moreColumns) {
		return nil, refused(path, "line 1: want the columns "+strings.Join(licenseColumns, ",")+", and after them any of "+strings.Join(moreColumns, ","), "write them as the first line")
	}
	more := func(fields []string) func(string) string {
		return func(name string) string {
			if i := slices.Index(head, name); i >= 0 {
				return fields[i]
			}
			return ""
		}
	}
	var all []board.Application
	for {
		fields, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, refused(path, csvWords(err), "correct the line; no license was issued")
		}
		line, _ := rows.FieldPos(0)
		a, err := application(fields[:len(licenseColumns)], licenseColumns, skipCheckDigit)
		if err == nil {
			err = fillMore(a, more(fields), filepath.Dir(path), did)
		}
		if err != nil {
			return nil, refused(path, fmt.Sprintf("line %d, column %s", line, err), "correct the line; no license was issued")
		}
		all = append(all, *a)
	}
	if len(all) == 0 {
		return nil, refused(path, "holds no license", "write one on each line below the columns")
	}
	return all, nil
}

// columnsWithin wants the columns of a license and then any of others, each once.
func columnsWithin(head, others []string) bool {
	n := len(licenseColumns)
	if len(head) < n || !slices.Equal(head[:n], licenseColumns) {
		return false
	}
	for i, c := range head[n:] {
		if !slices.Contains(others, c) || slices.Contains(head[n:n+i], c) {
			return false
		}
	}
	return true
}

func csvWords(err error) string {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return fmt.Sprintf("line %d: %v", p.Line, p.Err)
	}
	return err.Error()
}
