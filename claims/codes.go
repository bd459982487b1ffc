package claims

import (
	"fmt"
	"strings"
)

// A CodeRange is the procedure codes from From to To, both included. Both ends
// have the same shape, so that 97110-97546 never takes in 9711F.
type CodeRange struct {
	From, To string
}

// ParseCodeRange reads "99213", "J0120-J3590" or "0001T-0042T".
func ParseCodeRange(s string) (CodeRange, error) {
	from, to, isRange := strings.Cut(s, "-")
	if !isRange {
		to = from
	}
	if !procedureCode(from) || !procedureCode(to) {
		return CodeRange{}, fmt.Errorf("code %q: want five characters such as 99213 or J0120, or a range such as 97110-97546", s)
	}
	if codeShape(from) != codeShape(to) || from > to {
		return CodeRange{}, fmt.Errorf("range %q: want both ends alike and the lower one first", s)
	}
	return CodeRange{from, to}, nil
}

// Has says whether the code lies in the range.
func (r CodeRange) Has(code string) bool {
	return codeShape(code) == codeShape(r.From) && r.From <= code && code <= r.To
}

// String writes the range as it is read.
func (r CodeRange) String() string {
	if r.From == r.To {
		return r.From
	}
	return r.From + "-" + r.To
}

// A CodeSet is a list of codes and ranges.
type CodeSet []CodeRange

// Has says whether any range of the set has the code.
func (s CodeSet) Has(code string) bool {
	for _, r := range s {
		if r.Has(code) {
			return true
		}
	}
	return false
}

// overlap finds a code that is in both sets, "" where there is none.
func (s CodeSet) overlap(t CodeSet) string {
	for _, a := range s {
		for _, b := range t {
			if b.Has(max(a.From, b.From)) && a.Has(max(a.From, b.From)) {
				return max(a.From, b.From)
			}
		}
	}
	return ""
}

// procedureCode accepts CPT I (99213), II (1234F), III (0042T), PLA (0001U) and
// HCPCS II (J0120), in capitals as on the wire. Which of them exist on a given
// day is the fee schedule's affair.
func procedureCode(s string) bool {
	switch codeShape(s) {
	case "d", "dF", "dT", "dU", "dM":
		return true
	}
	return len(codeShape(s)) == 2 && codeShape(s)[1] == 'd' && s[0] <= 'V'
}

// codeShape is the code with its run of digits written as one "d"; "" where it
// is no code of five characters with at most one letter, first or last.
func codeShape(s string) string {
	if len(s) != 5 || !digits(s[1:4]) {
		return ""
	}
	first, last := s[:1], s[4:]
	switch {
	case digits(first) && digits(last):
		return "d"
	case letter(first) && digits(last):
		return first + "d"
	case digits(first) && letter(last):
		return "d" + last
	}
	return ""
}

func letter(s string) bool { return s[0] >= 'A' && s[0] <= 'Z' }

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// modifierCode accepts the two characters of a procedure modifier.
func modifierCode(s string) bool {
	if len(s) != 2 {
		return false
	}
	for i := range len(s) {
		if c := s[i : i+1]; !digits(c) && !letter(c) {
			return false
		}
	}
	return true
}
