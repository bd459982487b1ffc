package credentials

import (
	"errors"
	"regexp"
	"slices"
)

// A DEA is a registration number of the Drug Enforcement Administration: two
// letters and seven digits, of which the last is a check digit. It is checked
// and stands in no document: a board's register is public, the number is what a
// forged prescription needs, and it is not the board who gives it.
type DEA string

var deaForm = regexp.MustCompile(`^[A-Z][A-Z9][0-9]{7}(-[0-9A-Z]{1,6})?$`)

// ParseDEA refuses what cannot be a DEA number (21 CFR 1301.35; the check digit
// is (d1+d3+d5) + 2(d2+d4+d6), last digit). An institution's number may carry
// the suffix of whoever writes under it. The second letter is the surname's
// initial at registration, or 9; surnames change, so that it proves nothing.
func ParseDEA(s string) (DEA, error) {
	if !deaForm.MatchString(s) {
		return "", errors.New("not a DEA number: want two letters and seven digits, such as AP5836727")
	}
	d := func(i int) int { return int(s[1+i] - '0') }
	if (d(1)+d(3)+d(5)+2*(d(2)+d(4)+d(6)))%10 != d(7) {
		return "", errors.New("not a DEA number: its check digit does not hold")
	}
	return DEA(s), nil
}

// A Taxonomy is a code of the Health Care Provider Taxonomy (NUCC): what kind
// of provider somebody is.
type Taxonomy string

var taxonomyForm = regexp.MustCompile(`^[0-9A-Z]{9}X$`)

// ParseTaxonomy refuses what cannot be a taxonomy code. Which codes there are
// changes every half year; it is not looked up.
func ParseTaxonomy(s string) (Taxonomy, error) {
	if !taxonomyForm.MatchString(s) {
		return "", errors.New("not a taxonomy code: want ten letters and digits that end in X, such as 207R00000X")
	}
	return Taxonomy(s), nil
}

// UnmarshalText parses as ParseTaxonomy does.
func (t *Taxonomy) UnmarshalText(b []byte) (err error) {
	*t, err = ParseTaxonomy(string(b))
	return err
}

// MostTaxonomies is how many codes one clinician may have, as in the NPI's registry.
const MostTaxonomies = 15

// CheckTaxonomies wants the codes of a license in their one spelling: sorted,
// none twice.
func CheckTaxonomies(codes []Taxonomy) error {
	for i, c := range codes {
		if i > 0 && c <= codes[i-1] {
			return errors.New("want taxonomy codes sorted, none twice")
		}
	}
	if len(codes) > MostTaxonomies {
		return errors.New("want 15 taxonomy codes at most")
	}
	return nil
}

// TaxonomiesOf reads codes in any order and puts them into their one spelling.
func TaxonomiesOf(codes []string) ([]Taxonomy, error) {
	var all []Taxonomy
	for _, s := range codes {
		t, err := ParseTaxonomy(s)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	slices.Sort(all)
	return all, CheckTaxonomies(all)
}
