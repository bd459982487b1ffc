package mpfs

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/claims"
)

// An Edition is a fee edition with payment rules, as it is published: the
// schedule of one locality, at a percentage that a contract agrees on.
type Edition struct {
	Schedule *Schedule
	Locality LocalityID
	Weights  Weights
	Percent  claims.Rate
}

// EditionSchema begins the first record of such a file.
const EditionSchema = "countersign/fee-rules/1"

// The first record names what holds for all rows; a row has what Session asks of
// it, and the amounts that it comes to, which people read and ReadEdition checks.
var (
	editionHead  = []string{EditionSchema, "locality", "work_gpci", "pe_gpci", "malpractice_gpci", "percent"}
	editionNames = strings.Split("code,modifier,status,not_medicare,work,nonfacility_pe,facility_pe,malpractice,pc_tc,global,"+
		"multiple_procedure,bilateral,assistant,co_surgeon,team,endoscopic_base,factor,imaging_family,"+
		"cap_nonfacility_pe,cap_facility_pe,cap_malpractice,nonfacility_amount,facility_amount", ",")
)

// IsEdition says whether a file begins as an edition with payment rules does.
func IsEdition(file []byte) bool {
	for line := range bytes.Lines(bytes.TrimPrefix(file, []byte("\ufeff"))) {
		if len(bytes.TrimSpace(line)) > 0 && line[0] != '#' {
			return bytes.HasPrefix(line, []byte(EditionSchema))
		}
	}
	return false
}

// Write writes the edition's CSV file, in order of code.
func (e *Edition) Write(w io.Writer) error {
	c := csv.NewWriter(w)
	records := [][]string{
		editionHead,
		{"", e.Locality.String(), e.Weights.Work.String(), e.Weights.PE.String(), e.Weights.Malpractice.String(), e.Percent.String()},
		editionNames,
	}
	var rows []*Row
	for _, r := range e.Schedule.rows {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(x, y *Row) int { return cmp.Or(cmp.Compare(x.Code, y.Code), cmp.Compare(x.Modifier, y.Modifier)) })
	for _, r := range rows {
		records = append(records, e.record(r))
	}
	if err := c.WriteAll(records); err != nil {
		return fmt.Errorf("write fee edition: %w", err)
	}
	return nil
}

func (e *Edition) record(r *Row) []string {
	other := ""
	if r.NotForMedicare {
		other = "+"
	}
	nonFacility, facility := e.amounts(r)
	return []string{
		r.Code, r.Modifier, string(r.Status), other, r.Work.String(), r.NonFacilityPE.String(), r.FacilityPE.String(), r.Malpractice.String(),
		r.PCTC.String(), r.Global, r.MultipleProcedure.String(), r.Bilateral.String(), r.Assistant.String(), r.CoSurgeon.String(), r.Team.String(),
		r.EndoscopicBase, r.Factor.String(), r.ImagingFamily, r.Cap.NonFacilityPE.String(), r.Cap.FacilityPE.String(), r.Cap.Malpractice.String(),
		nonFacility, facility,
	}
}

// amounts are what a row by itself comes to; nothing where it has no price.
func (e *Edition) amounts(r *Row) (nonFacility, facility string) {
	if !r.Priced() {
		return "", ""
	}
	a := r.Price(e.Weights).Payable()
	return e.Percent.Of(a.NonFacility).String(), e.Percent.Of(a.Facility).String()
}

// ReadEdition reads what Write writes. Nothing is taken of a file with a bad row,
// with two rows for one thing, or with an amount that its row does not come to.
func ReadEdition(file string, r io.Reader) (*Edition, error) {
	s := newSheet(file, r)
	s.csv.Comment = '#'
	e := &Edition{Schedule: &Schedule{rows: map[rowKey]*Row{}}}
	if err := e.head(s); err != nil {
		return nil, err
	}
	var problems []error
	for len(problems) < maxProblems {
		fields, err := s.csv.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			problems = append(problems, s.syntax(err))
			break
		}
		if err := e.add(s, fields); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) == 0 && len(e.Schedule.rows) == 0 {
		problems = append(problems, fmt.Errorf("%s line 1: a heading and no rows", file))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Edition) head(s *sheet) error {
	for _, want := range [][]string{editionHead, nil, editionNames} {
		fields, err := s.csv.Read()
		switch {
		case err == io.EOF:
			return fmt.Errorf("%s: ends before its heading does", s.file)
		case err != nil:
			return s.syntax(err)
		case want != nil && !slices.Equal(fields, want):
			return s.at(0, "want the heading %s", strings.Join(want, ","))
		case want != nil:
			continue
		case len(fields) != len(editionHead):
			return s.at(0, "%d columns; want %d", len(fields), len(editionHead))
		}
		var problems []error
		index := func(i int) GPCI {
			n, err := claims.ParseDecimal(fields[i], 3)
			if err != nil || n <= 0 || n > int64(maxGPCI) {
				problems = append(problems, s.at(i, "%q: want a geographic index", fields[i]))
			}
			return GPCI(n)
		}
		e.Weights = Weights{Work: index(2), PE: index(3), Malpractice: index(4)}
		if e.Locality, err = ParseLocality(fields[1]); err != nil {
			problems = append(problems, s.at(1, "%v", err))
		}
		if e.Percent, err = claims.ParsePercent(fields[5]); err != nil {
			problems = append(problems, s.at(5, "%v", err))
		}
		if err := errors.Join(problems...); err != nil {
			return err
		}
	}
	return nil
}

func (e *Edition) add(s *sheet, fields []string) error {
	if len(fields) != len(editionNames) {
		return s.at(0, "%d columns; want %d", len(fields), len(editionNames))
	}
	f := &rvuFields{sheet: s, fields: fields}
	r := &Row{
		Code: f.matching(0, codePattern, "a code such as 99213 or G0105"), Modifier: f.oneOf(1, rvuModifiers...),
		Status: f.status(2), NotForMedicare: f.oneOf(3, "", "+") != "",
		Work: f.rvu(4), NonFacilityPE: f.rvu(5), FacilityPE: f.rvu(6), Malpractice: f.rvu(7),
		PCTC: f.indicator(8, "0123456789"), Global: f.oneOf(9, globalDays...), MultipleProcedure: f.indicator(10, "02345679"),
		Bilateral: f.indicator(11, "01239"), Assistant: f.indicator(12, "0129"), CoSurgeon: f.indicator(13, "0129"), Team: f.indicator(14, "0129"),
		EndoscopicBase: f.base(15), Factor: Factor(f.number(16, 4, int64(maxFactor))),
		ImagingFamily: f.matching(17, imagingFamily, "two digits"),
		Cap:           Cap{NonFacilityPE: f.rvu(18), FacilityPE: f.rvu(19), Malpractice: f.rvu(20)},
	}
	if (r.MultipleProcedure == '3') != (r.EndoscopicBase != "") {
		f.problem(15, "multiple procedure indicator %s with the base code %q: indicator 3 has one, others have none", r.MultipleProcedure, r.EndoscopicBase)
	}
	key := rowKey{r.Code, r.Modifier}
	if e.Schedule.rows[key] != nil {
		f.problem(0, "%s is there twice", r.Name())
	}
	if len(f.problems) == 0 {
		if nonFacility, facility := e.amounts(r); nonFacility != fields[21] || facility != fields[22] {
			f.problem(21, "the amounts of %s are %q and %q, but its row comes to %q and %q", r.Name(), fields[21], fields[22], nonFacility, facility)
		}
	}
	if err := errors.Join(f.problems...); err != nil {
		return err
	}
	e.Schedule.rows[key] = r
	return nil
}
