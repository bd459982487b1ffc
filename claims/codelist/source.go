package codelist

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/mpfs"
	"github.com/countersign-health/countersign/credentials"
)

// A Source says what a file of a publisher is of. None of these files say it
// themselves: it stands in their names.
type Source struct {
	Kind        claims.CodeKind // KindHCPCS stands for codes and modifiers
	Edition     string
	From, Until credentials.Date // the days of which the file speaks
	read        func(file string, s Source, r io.Reader) ([]*List, error)
}

var quarters = map[string]int{"JAN": 1, "APR": 4, "JUL": 7, "OCT": 10}

// names are how publishers call their files.
var names = []struct {
	name *regexp.Regexp
	of   func(m []string) Source
}{
	// ICD-10 is in force from 1 October to 30 September, and may have an update of
	// 1 April, which has the whole list again.
	{regexp.MustCompile(`(?i)^icd10(cm|pcs)[-_]order[-_](april[-_])?(\d{4})\.txt$`), func(m []string) Source {
		s := Source{Kind: claims.KindICD10CM, Edition: m[3], Until: credentials.Date(m[3] + "-09-30"), read: readICD10}
		if strings.EqualFold(m[1], "pcs") {
			s.Kind = claims.KindICD10PCS
		}
		year, _ := strconv.Atoi(m[3])
		s.From = credentials.Date(fmt.Sprintf("%04d-10-01", year-1))
		if m[2] != "" {
			s.Edition, s.From = m[3]+"-04", credentials.Date(m[3]+"-04-01")
		}
		return s
	}},
	{regexp.MustCompile(`(?i)^HCPC(\d{4})_(JAN|APR|JUL|OCT)_ANWEB\w*\.txt$`), func(m []string) Source {
		return quarter(Source{Kind: claims.KindHCPCS, read: readHCPCS}, m[1], m[2])
	}},
	{regexp.MustCompile(`(?i)^PPRRVU(\d{4})_(JAN|APR|JUL|OCT)[\w.]*\.csv$`), func(m []string) Source {
		return quarter(Source{Kind: claims.KindCPT, read: readRVU}, m[1], m[2])
	}},
	// The NUCC's versions .0 and .1 are in force from 1 January and 1 July on.
	{regexp.MustCompile(`(?i)^nucc_taxonomy_(\d\d)([01])\.csv$`), func(m []string) Source {
		s := Source{Kind: claims.KindTaxonomy, Edition: m[1] + "." + m[2], read: readTaxonomy}
		s.From, s.Until = credentials.Date("20"+m[1]+"-01-01"), credentials.Date("20"+m[1]+"-06-30")
		if m[2] == "1" {
			s.From, s.Until = credentials.Date("20"+m[1]+"-07-01"), credentials.Date("20"+m[1]+"-12-31")
		}
		return s
	}},
}

// quarter dates a list that is replaced every three months.
func quarter(s Source, year, month string) Source {
	first := quarters[strings.ToUpper(month)]
	s.Edition = fmt.Sprintf("%s-%02d", year, first)
	s.From = credentials.Date(s.Edition + "-01")
	s.Until = credentials.Date(fmt.Sprintf("%s-%02d-%02d", year, first+2, map[int]int{1: 31, 4: 30, 7: 30, 10: 31}[first]))
	return s
}

// SourceOf finds by its name what a file of a publisher is of; false where it is
// not called as its publisher calls it.
func SourceOf(name string) (Source, bool) {
	for _, n := range names {
		if m := n.name.FindStringSubmatch(name); m != nil {
			return n.of(m), true
		}
	}
	return Source{}, false
}

// Read reads a file of a publisher, or a plain one where the source is of a kind
// and not of a publisher's name. CMS's HCPCS file has two lists in it.
func (s Source) Read(file string, r io.Reader) ([]*List, error) {
	if s.read == nil {
		s.read = readPlain
	}
	lists, err := s.read(file, s, r)
	if err != nil {
		return nil, err
	}
	return lists, nil
}

// list makes the one list of a file.
func (s Source) list(file string, kind claims.CodeKind, rows []Row, err error) (*List, error) {
	if err != nil {
		return nil, err
	}
	l, err := New(kind, s.Edition, s.From, s.Until, rows)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return l, nil
}

func one(l *List, err error) ([]*List, error) { return []*List{l}, err }

func readPlain(file string, s Source, r io.Reader) ([]*List, error) {
	rows, err := ReadPlain(file, s.Kind, r)
	return one(s.list(file, s.Kind, rows, err))
}

func readICD10(file string, s Source, r io.Reader) ([]*List, error) {
	rows, err := ReadICD10(file, s.Kind, r)
	return one(s.list(file, s.Kind, rows, err))
}

func readTaxonomy(file string, s Source, r io.Reader) ([]*List, error) {
	rows, err := ReadTaxonomy(file, r)
	return one(s.list(file, s.Kind, rows, err))
}

func readHCPCS(file string, s Source, r io.Reader) ([]*List, error) {
	codes, modifiers, err := ReadHCPCS(file, r)
	if err != nil {
		return nil, err
	}
	a, err := s.list(file, claims.KindHCPCS, codes, nil)
	b, err2 := s.list(file, claims.KindHCPCSModifier, modifiers, nil)
	return []*List{a, b}, errors.Join(err, err2)
}

// readRVU takes the codes of CPT from Medicare's relative value file, which has
// those too that Medicare does not pay for. It knows no modifiers beside its own.
func readRVU(file string, s Source, r io.Reader) ([]*List, error) {
	var rows []Row
	for row, err := range mpfs.ReadRVU(file, r) {
		switch {
		case err != nil:
			return nil, err
		case row.Modifier == "" && claims.OfKind(claims.KindCPT, row.Code):
			rows = append(rows, Row{Code: row.Code})
		}
	}
	return one(s.list(file, claims.KindCPT, rows, nil))
}
