package fhir

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// maxProblems bounds how many problems one refusal lists.
const maxProblems = 20

// A reader collects every problem of a bundle with its JSON pointer (RFC 6901).
type reader struct {
	problems []error
}

func (r *reader) problem(at, format string, args ...any) {
	err := fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...))
	again := func(o error) bool { return o.Error() == err.Error() } // what is referred to twice is read twice
	if len(r.problems) < maxProblems && !slices.ContainsFunc(r.problems, again) {
		r.problems = append(r.problems, err)
	}
}

func (r *reader) err() error { return errors.Join(r.problems...) }

// A node is a place in the bundle. Names are matched in exactly their own
// spelling, which encoding/json does not do: FHIR allows fields that we do not
// know, and one spelled "Use" must not pass for "use".
type node struct {
	*reader
	at    string
	value any // nil: nothing there
}

func (n node) exists() bool { return n.value != nil }

// field of an object; a node with nothing there if it has no such field.
func (n node) field(name string) node {
	object, _ := n.value.(map[string]any)
	return node{n.reader, n.at + "/" + name, object[name]}
}

// list is the elements of an array, none where nothing is there.
func (n node) list() (all []node) {
	elements, ok := n.value.([]any)
	if !ok && n.exists() {
		n.problem(n.at, "want a list")
	}
	for i, v := range elements {
		all = append(all, node{n.reader, n.at + "/" + strconv.Itoa(i), v})
	}
	return all
}

// optional text, "" where nothing is there.
func (n node) optional() string {
	s, ok := n.value.(string)
	if !ok && n.exists() {
		n.problem(n.at, "want text")
	}
	if len(s) > 200 || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' }) {
		n.problem(n.at, "want one short line of text")
		return ""
	}
	return s
}

// text that must be there.
func (n node) text() string {
	s := n.optional()
	if s == "" {
		n.problem(n.at, "is missing")
	}
	return s
}

// number is a whole number above zero.
func (n node) number() int {
	f, ok := n.value.(float64)
	if !ok || f < 1 || f > 1e6 || f != float64(int(f)) {
		n.problem(n.at, "want a whole number above 0")
		return 0
	}
	return int(f)
}

// quantity of units.
func (n node) quantity() claims.Quantity {
	f, ok := n.value.(float64)
	if !ok {
		n.problem(n.at, "want a number")
		return 0
	}
	q, err := claims.ParseQuantity(strconv.FormatFloat(f, 'f', -1, 64))
	if err != nil || q <= 0 {
		n.problem(n.at, "want a number above 0 with at most 3 decimals")
	}
	return q
}

// date is the civil date of a FHIR date or dateTime, as it is written there. A
// month or a year alone does not say on which day.
func (n node) date() credentials.Date {
	s := n.text()
	if day, _, hasTime := strings.Cut(s, "T"); hasTime {
		s = day
	}
	d, err := credentials.ParseDate(s)
	if err != nil && s != "" {
		n.problem(n.at, "want a whole date, YYYY-MM-DD")
	}
	return d
}

// code in one of the systems, of a CodeableConcept.
func (n node) code(systems ...string) (string, bool) {
	for _, c := range n.field("coding").list() {
		for _, s := range systems {
			if c.field("system").optional() == s {
				return c.field("code").text(), true
			}
		}
	}
	return "", false
}

// extension with the URL that ends in name, nothing where there is none.
func (n node) extension(name string) node {
	for _, x := range n.field("extension").list() {
		if strings.HasSuffix(x.field("url").optional(), "/"+name) {
			return x
		}
	}
	return node{n.reader, n.at + "/extension", nil}
}
