package codelist

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// eachLine reads a file of fixed columns line by line. CMS writes Latin letters in
// descriptions in an older encoding; only columns of codes and days are looked at.
func eachLine(file string, r io.Reader, each func(line []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<10)
	lines.Split(wholeLine)
	var problems []error
	n := 0
	for ; lines.Scan() && len(problems) < maxProblems; n++ {
		line := lines.Bytes()
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := each(line); err != nil {
			problems = append(problems, fmt.Errorf("%s line %d: %w", file, n+1, err))
		}
	}
	if err := lines.Err(); err != nil {
		problems = append(problems, fmt.Errorf("%s line %d: %w", file, n+1, err))
	}
	return errors.Join(problems...)
}

// wholeLine is bufio.ScanLines, but for a last line without its end: of fixed
// columns, a file that was cut would otherwise pass for a whole one.
func wholeLine(data []byte, atEOF bool) (advance int, line []byte, err error) {
	if atEOF && len(data) > 0 && !bytes.ContainsRune(data, '\n') {
		return 0, nil, errors.New("the last line has no end: the file may be cut short; fetch it again, or end the line if it is whole")
	}
	return bufio.ScanLines(data, atEOF)
}

// column is the text of columns from first to last, counted from 1, without blanks
// around it.
func column(line []byte, first, last int) string {
	if len(line) < first {
		return ""
	}
	return strings.TrimSpace(string(line[first-1 : min(last, len(line))]))
}

// ReadICD10 reads CMS's order file of ICD-10-CM or ICD-10-PCS: number in columns 1
// to 5, code in 7 to 13, in 15 a 1 where it can be billed and a 0 where it is a
// heading, descriptions behind it. Headings of ICD-10-PCS are tables of three
// characters; those are no codes that anybody could mean.
func ReadICD10(file string, kind claims.CodeKind, r io.Reader) (rows []Row, err error) {
	facts, _ := kind.Facts()
	err = eachLine(file, r, func(line []byte) error {
		number, code, flag := column(line, 1, 5), column(line, 7, 13), column(line, 15, 15)
		switch {
		case len(line) < 15 || line[5] != ' ' || line[13] != ' ' || len(number) != 5 || strings.Trim(number, "0123456789") != "":
			return errors.New("want an order file's line: number in columns 1 to 5, code in 7 to 13, 0 or 1 in 15")
		case flag != "0" && flag != "1":
			return fmt.Errorf("column 15 is %q: want 1 for a code and 0 for a heading", flag)
		case kind == claims.KindICD10PCS && flag == "0" && len(code) < 7:
			return nil
		case !facts.Fits(code):
			return fmt.Errorf("%q does not have the form of a code of %s", code, kind)
		case len(rows) > MaxRows:
			return errors.New("the list has too many rows")
		}
		rows = append(rows, Row{Code: code, Heading: flag == "0"})
		return nil
	})
	return rows, err
}

// ReadHCPCS reads CMS's quarterly Alpha-Numeric file: code in columns 1 to 5, of a
// modifier in 4 and 5, kind of record in 11 (3 code, 7 modifier, 4 and 8 more of
// their descriptions), day added in 269 to 276, last day in 285 to 292.
func ReadHCPCS(file string, r io.Reader) (codes, modifiers []Row, err error) {
	ofCodes, _ := claims.KindHCPCS.Facts()
	ofModifiers, _ := claims.KindHCPCSModifier.Facts()
	err = eachLine(file, r, func(line []byte) error {
		record := column(line, 11, 11)
		switch {
		case record == "4" || record == "8":
			return nil
		case record != "3" && record != "7" || len(line) < 276:
			return errors.New("want a record of the Alpha-Numeric file: 3, 4, 7 or 8 in column 11, and days from column 269 on")
		}
		row := Row{Code: column(line, 1, 5)}
		var problem error
		for first, day := range map[int]*credentials.Date{269: &row.From, 285: &row.Until} {
			if text := column(line, first, first+7); text != "" {
				if len(text) != 8 {
					problem = fmt.Errorf("columns %d to %d: %q is no day", first, first+7, text)
				} else if *day, problem = credentials.ParseDate(text[:4] + "-" + text[4:6] + "-" + text[6:]); problem != nil {
					problem = fmt.Errorf("columns %d to %d: %q is no day", first, first+7, text)
				}
			}
			if problem != nil {
				return problem
			}
		}
		facts, rows := &ofCodes, &codes
		if record == "7" {
			facts, rows = &ofModifiers, &modifiers
		}
		switch {
		case record == "3" && (claims.OfKind(claims.KindCPT, row.Code) || claims.OfKind(claims.KindCDT, row.Code)),
			record == "7" && claims.OfKind(claims.KindCPTModifier, row.Code):
			return nil // not CMS's own
		case !facts.Fits(row.Code):
			return fmt.Errorf("%q does not have the form of a code of %s", row.Code, facts.Kind)
		case row.Until != "" && row.Until < row.From:
			return fmt.Errorf("%s ends before it begins", row.Code)
		case len(*rows) > MaxRows:
			return errors.New("the list has too many rows")
		}
		*rows = append(*rows, row)
		return nil
	})
	return codes, modifiers, err
}

// inactive finds in the notes of a taxonomy code the day on which it ceased.
var inactive = regexp.MustCompile(`(?i)\b(\d{1,2})/(\d{1,2})/(\d{4}):? *marked inactive`)

// ReadTaxonomy reads the NUCC's CSV file, whose first column is Code. A code that
// is no longer valid stays in it with a note that says when it was marked inactive.
func ReadTaxonomy(file string, r io.Reader) ([]Row, error) {
	t := newTable(file, r)
	t.csv.LazyQuotes = true
	head, err := t.read()
	if err == io.EOF || err == nil && head[0] != "Code" {
		return nil, fmt.Errorf("%s line 1: want the headings of the NUCC's file, Code first", file)
	}
	if err != nil {
		return nil, err
	}
	notes := -1
	for i, h := range head {
		if h == "Notes" {
			notes = i
		}
	}
	facts, _ := claims.KindTaxonomy.Facts()
	var rows []Row
	var problems []error
	for len(problems) < maxProblems && len(rows) <= MaxRows {
		fields, err := t.read()
		if err == io.EOF {
			break
		}
		if err != nil {
			problems = append(problems, err)
			break
		}
		if len(fields) != len(head) {
			problems = append(problems, t.at(0, "%d columns; want %d, as in the headings: the file may be cut short", len(fields), len(head)))
			continue
		}
		row := Row{Code: strings.Clone(strings.TrimSpace(fields[0]))}
		if !facts.Fits(row.Code) {
			problems = append(problems, t.at(0, "%q does not have the form of a taxonomy code", row.Code))
			continue
		}
		if notes >= 0 && notes < len(fields) {
			if m := inactive.FindStringSubmatch(fields[notes]); m != nil {
				day, err := credentials.ParseDate(fmt.Sprintf("%s-%02s-%02s", m[3], m[1], m[2]))
				if err != nil {
					problems = append(problems, t.at(notes, "%q is no day", m[1]+"/"+m[2]+"/"+m[3]))
					continue
				}
				row.Until = day.AddDays(-1)
			}
		}
		rows = append(rows, row)
	}
	return rows, errors.Join(problems...)
}

// ReadPlain reads a CSV file "code,from,until" of any kind, for what a house has a
// license to. Columns beyond those are refused: they would hold descriptions.
func ReadPlain(file string, kind claims.CodeKind, r io.Reader) ([]Row, error) {
	facts, known := kind.Facts()
	if !known {
		return nil, fmt.Errorf("there is no list of the kind %q; want %s", kind, KindNames())
	}
	t := newTable(file, r)
	t.csv.Comment = '#'
	head, err := t.read()
	if err == io.EOF || err == nil && (head[0] != "code" || len(head) > 3) {
		return nil, fmt.Errorf("%s line 1: want the headings code,from,until, or code alone", file)
	}
	if err != nil {
		return nil, err
	}
	return t.rows(facts, 2)
}
