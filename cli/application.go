package cli

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	board "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
)

// licenseColumns are those of a CSV of licenses, in this order.
var licenseColumns = []string{"npi", "name", "jurisdiction", "profession", "number", "from", "until"}

// maxRegister bounds a CSV of licenses, which is held in memory.
const maxRegister = 64 << 20

// applications are the licenses that the flags or the CSV ask for. All of them
// are checked before the first is sent.
func applications(c *urfave.Context) ([]board.Application, error) {
	skip := c.Bool("skip-npi-check-digit")
	flags := []string{"npi", "name", "state", "profession", "number", "from", "until"}
	if path := c.String("from-csv"); path != "" {
		for _, f := range flags {
			if c.IsSet(f) {
				return nil, refused(commandName(c), "--from-csv and --"+f+" exclude each other", "give one of them")
			}
		}
		return readRegister(path, skip)
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

func readRegister(path string, skipCheckDigit bool) ([]board.Application, error) {
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
	rows.FieldsPerRecord = len(licenseColumns)
	head, err := rows.Read()
	if err != nil || !slices.Equal(head, licenseColumns) {
		return nil, refused(path, "line 1: want the columns "+strings.Join(licenseColumns, ","), "write them as the first line")
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
		a, err := application(fields, licenseColumns, skipCheckDigit)
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

func csvWords(err error) string {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return fmt.Sprintf("line %d: %v", p.Line, p.Err)
	}
	return err.Error()
}
