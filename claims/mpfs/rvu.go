package mpfs

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/claims"
)

// The columns of the relative value file, in order. The third is the AMA's
// descriptor, which is passed over. CMS's headings are the last of several lines,
// so that alone most of them say little.
var rvuHeadings = strings.Split("HCPCS,MOD,DESCRIPTION,CODE,PAYMENT,RVU,PE RVU,INDICATOR,PE RVU,INDICATOR,RVU,TOTAL,TOTAL,IND,DAYS,"+
	"OP,OP,OP,PROC,SURG,SURG,SURG,SURG,BASE,FACTOR,PROCEDURES,FLAG,INDICATOR,AMOUNT,AMOUNT,AMOUNT", ",")

var (
	codePattern   = regexp.MustCompile(`^([0-9]{5}|[0-9]{4}[FTUM]|[A-V][0-9]{4})$`)
	globalDays    = []string{"000", "010", "090", "MMM", "XXX", "YYY", "ZZZ"}
	rvuModifiers  = []string{"", "26", "TC", "53"}
	supervision   = regexp.MustCompile(`^[0-9][0-9A]$`)
	imagingFamily = regexp.MustCompile(`^[0-9]{2}$`)
)

// ReadRVU reads the relative value file (PPRRVU) record by record, in constant
// memory. A record that is not as CMS defines it is an error that names line and
// column; reading goes on behind it, but not behind a line that is no CSV.
func ReadRVU(file string, r io.Reader) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		s := newSheet(file, r)
		var want []func(string) bool
		for _, h := range rvuHeadings {
			want = append(want, is(h))
		}
		want[2] = is("DESCRIPTION", "")
		if err := s.heading("HCPCS", want...); err != nil {
			yield(nil, err)
			return
		}
		for {
			fields, err := s.csv.Read()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, s.syntax(err))
				return
			}
			if !yield(s.rvuRow(fields)) {
				return
			}
		}
	}
}

// rvuRow reads one record; all that is wrong in it is one error.
func (s *sheet) rvuRow(fields []string) (*Row, error) {
	if len(fields) != len(rvuHeadings) {
		return nil, s.at(0, "%d columns; want %d", len(fields), len(rvuHeadings))
	}
	f := &rvuFields{sheet: s, fields: fields}
	r := &Row{
		Code:     f.matching(0, codePattern, "a code such as 99213 or G0105"),
		Modifier: f.oneOf(1, rvuModifiers...),
		Status:   f.status(3),
		Work:     f.rvu(5), NonFacilityPE: f.rvu(6), FacilityPE: f.rvu(8), Malpractice: f.rvu(10),
		NotForMedicare:    f.oneOf(4, "", "+") != "",
		SeldomNonFacility: f.oneOf(7, "", "NA") != "", SeldomFacility: f.oneOf(9, "", "NA") != "",
		PCTC:   f.indicator(13, "0123456789"),
		Global: f.oneOf(14, globalDays...),
		Pre:    f.share(15), Intra: f.share(16), Post: f.share(17),
		MultipleProcedure: f.indicator(18, "02345679"),
		Bilateral:         f.indicator(19, "01239"),
		Assistant:         f.indicator(20, "0129"),
		CoSurgeon:         f.indicator(21, "0129"),
		Team:              f.indicator(22, "0129"),
		EndoscopicBase:    f.base(23),
		Factor:            Factor(f.number(24, 4, int64(maxFactor))),
		Supervision:       f.matching(25, supervision, "two digits, or a digit and A"),
		CalculationFlag:   f.oneOf(26, "0", "1"),
		ImagingFamily:     f.matching(27, imagingFamily, "two digits"),
		Cap:               Cap{NonFacilityPE: f.rvu(28), FacilityPE: f.rvu(29), Malpractice: f.rvu(30)},
	}
	f.total(11, r.Work+r.NonFacilityPE+r.Malpractice)
	f.total(12, r.Work+r.FacilityPE+r.Malpractice)
	if (r.MultipleProcedure == '3') != (r.EndoscopicBase != "") {
		f.problem(23, "multiple procedure indicator %s with the base code %q: indicator 3 has one, others have none", r.MultipleProcedure, r.EndoscopicBase)
	}
	if err := errors.Join(f.problems...); err != nil {
		return nil, err
	}
	r.line, _ = s.csv.FieldPos(0)
	return r, nil
}

// rvuFields reads the fields of one record and collects what is wrong.
type rvuFields struct {
	sheet    *sheet
	fields   []string
	problems []error
}

func (f *rvuFields) problem(field int, format string, args ...any) {
	f.problems = append(f.problems, f.sheet.at(field, format, args...))
}

func (f *rvuFields) matching(i int, p *regexp.Regexp, want string) string {
	if !p.MatchString(f.fields[i]) {
		f.problem(i, "%q: want %s", f.fields[i], want)
	}
	return strings.Clone(f.fields[i])
}

func (f *rvuFields) oneOf(i int, known ...string) string {
	at := slices.Index(known, f.fields[i])
	if at < 0 {
		f.problem(i, "%q: want %s", f.fields[i], oneOfWords(known))
		return ""
	}
	return known[at]
}

func (f *rvuFields) status(i int) Status {
	s := Status(strings.Clone(f.fields[i]))
	if _, known := statuses[s]; !known {
		f.problem(i, "status %q is not known", s)
	}
	return s
}

func (f *rvuFields) indicator(i int, digits string) Indicator {
	if v := f.fields[i]; len(v) == 1 && strings.Contains(digits, v) {
		return Indicator(v[0])
	}
	f.problem(i, "indicator %q: want one of the digits %s", f.fields[i], digits)
	return 0
}

func (f *rvuFields) base(i int) string {
	if f.fields[i] == "" {
		return ""
	}
	return f.matching(i, codePattern, "the code of the base endoscopy, or nothing")
}

// number reads a decimal that is not negative and has at most so many places.
func (f *rvuFields) number(i, places int, most int64) int64 {
	n, err := claims.ParseDecimal(f.fields[i], places)
	if err != nil {
		f.problem(i, "%q: %v", f.fields[i], err)
	} else if n < 0 || n > most {
		f.problem(i, "%q: out of bounds", f.fields[i])
		n = 0
	}
	return n
}

func (f *rvuFields) rvu(i int) RVU { return RVU(f.number(i, 2, int64(maxRVU))) }

// share reads a part of one, such as 0.69.
func (f *rvuFields) share(i int) claims.Rate { return claims.Rate(100 * f.number(i, 2, 100)) }

// total holds the file's own sum against the parts that are priced.
func (f *rvuFields) total(i int, sum RVU) {
	if got := f.number(i, 2, 3*int64(maxRVU)); len(f.problems) == 0 && RVU(got) != sum {
		f.problem(i, "total %s, but its parts sum up to %s", RVU(got), sum)
	}
}

// oneOfWords lists what a field may hold.
func oneOfWords(known []string) string {
	var words []string
	for _, a := range known {
		if a == "" {
			a = "nothing"
		}
		words = append(words, a)
	}
	return fmt.Sprintf("one of %s", strings.Join(words, ", "))
}
