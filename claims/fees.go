package claims

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/countersign-health/countersign/credentials"
)

// Fees is one published edition of a fee schedule.
type Fees struct {
	Digest credentials.Digest
	rows   map[feeKey]Cents
}

type feeKey struct{ code, modifier, class string }

// The classes of place that a schedule may price apart.
const (
	Facility    = "facility"
	NonFacility = "non-facility"
)

// facilityPlaces are the places of service where somebody else bears the cost
// of the room, so that the clinician is paid the facility amount (CMS list).
var facilityPlaces = []string{"02", "19", "21", "22", "23", "24", "26", "31", "34", "41", "42", "51", "52", "53", "56", "61"}

// PlaceClass is the class of a place-of-service code.
func PlaceClass(place string) string {
	if slices.Contains(facilityPlaces, place) {
		return Facility
	}
	return NonFacility
}

// pricedModifiers change what a service costs. A line that carries one is not
// priced by a row without it: that would overpay, so it is left to a person.
var pricedModifiers = []string{"22", "26", "50", "52", "53", "54", "55", "56", "62", "66", "73", "74", "80", "81", "82", "AS", "TC"}

// Ref names the edition by content.
func (f *Fees) Ref(name, edition string) EditionRef {
	return EditionRef{Name: name, Edition: edition, Digest: f.Digest}
}

// Price is the amount for one unit of a code, nil where the schedule does not
// price it. Place is the line's place-of-service code. The most particular row
// wins: with the modifier before without, for the class of place before any.
func (f *Fees) Price(code string, modifiers []string, place string) *Cents {
	class := PlaceClass(place)
	for _, m := range modifiers {
		if c := f.row(code, m, class); c != nil {
			return c
		}
	}
	for _, m := range modifiers {
		if slices.Contains(pricedModifiers, m) {
			return nil
		}
	}
	return f.row(code, "", class)
}

func (f *Fees) row(code, modifier, class string) *Cents {
	for _, c := range []string{class, ""} {
		if amount, ok := f.rows[feeKey{code, modifier, c}]; ok {
			return &amount
		}
	}
	return nil
}

// ParseFees reads a fee schedule: a header "code,modifier,place_class,amount"
// and a row a price. Lines that start with # are comments. Every problem is
// one line with its line and column.
func ParseFees(file []byte) (*Fees, error) {
	switch {
	case len(file) > maxFile:
		return nil, fmt.Errorf("fees.csv: larger than %d bytes", maxFile)
	case !utf8.Valid(file):
		return nil, errors.New("fees.csv: not UTF-8 text; save it as CSV UTF-8")
	}
	f := &Fees{Digest: credentials.DigestOf(file), rows: map[feeKey]Cents{}}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\ufeff"))))
	r.Comment = '#'
	r.FieldsPerRecord = -1
	var problems []error
	for first := true; ; first = false {
		row, err := r.Read()
		if err == io.EOF {
			if first {
				problems = append(problems, errors.New("fees.csv line 1: the file is empty; want the header code,modifier,place_class,amount"))
			}
			break
		}
		if err != nil {
			problems = append(problems, csvProblem(err))
			break
		}
		problems = append(problems, f.add(row, first, r.FieldPos)...)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return f, nil
}

// csvProblem turns the reader's error into our form.
func csvProblem(err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return fmt.Errorf("fees.csv line %d column %d: %w", p.Line, p.Column, p.Err)
	}
	return fmt.Errorf("fees.csv: %w", err)
}

func (f *Fees) add(row []string, first bool, pos func(int) (line, column int)) (problems []error) {
	problem := func(field int, format string, args ...any) {
		line, column := pos(field)
		problems = append(problems, fmt.Errorf("fees.csv line %d column %d: %s", line, column, fmt.Sprintf(format, args...)))
	}
	if first {
		if strings.Join(row, ",") != "code,modifier,place_class,amount" {
			problem(0, "want the header code,modifier,place_class,amount")
		}
		return problems
	}
	if len(row) != 4 {
		problem(0, "%d columns; want code,modifier,place_class,amount", len(row))
		return problems
	}
	if !procedureCode(row[0]) {
		problem(0, "code %q: want five characters such as 99213 or J0120", row[0])
	}
	if row[1] != "" && !modifierCode(row[1]) {
		problem(1, "modifier %q: want two capitals or digits, or nothing", row[1])
	}
	if row[2] != "" && row[2] != Facility && row[2] != NonFacility {
		problem(2, "place_class %q: want %s, %s or nothing", row[2], Facility, NonFacility)
	}
	price, err := amount(row[3])
	if err != nil {
		problem(3, "%v", err)
	}
	key := feeKey{row[0], row[1], row[2]}
	if _, twice := f.rows[key]; twice {
		problem(0, "code %s is priced twice for the same modifier and place", row[0])
	}
	f.rows[key] = price
	return problems
}
