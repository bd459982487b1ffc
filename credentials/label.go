package credentials

import (
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

//go:embed labels.csv
var labelFile string

// A Label is what a board's word for the state of a license comes to. Words
// differ from board to board, and one that is not in the table is refused.
type Label struct {
	State        string // two letters, or * for every board
	Label        string // in lower case
	MayPractice  bool
	Disciplinary bool
	Recoverable  bool   // the same license can come back
	Restricted   bool   // only within restrictions
	ByDate       bool   // says no more than that the last day has passed
	Message      string // one of LicenseMessages, or empty
}

// Action is the order that brings a license under the label, empty where the
// license itself says enough.
func (l Label) Action() OrderAction {
	switch {
	case l.MayPractice && l.Restricted:
		return OrderRestrict
	case l.MayPractice:
		return ""
	case l.Recoverable:
		return OrderSuspend
	}
	return OrderRevoke
}

// Needs is the order that a license with this last day needs now to be what the
// label says. One that ended by its date, as expired says, needs none: to order
// it suspended would say that the board acted where nothing but time did. Where
// the date is still to come, the label contradicts it, and takes its order. A
// day is past when it is over on every meridian, the last of which is UTC-12.
func (l Label) Needs(until Date, now time.Time) OrderAction {
	if l.ByDate && until != "" && until < DateOf(now.UTC().Add(-12*time.Hour)) {
		return ""
	}
	return l.Action()
}

// Labels are all that are known, as labels.csv lists them.
func Labels() []Label { return slices.Clone(labels) }

var labels = mustLabels()

func mustLabels() []Label {
	all, err := parseLabels(labelFile)
	if err != nil {
		panic("credentials: " + err.Error()) // the file is part of the program, and a test reads it
	}
	return all
}

// LabelOf finds what a board's label means.
func LabelOf(state, label string) (Label, error) {
	if l, ok := findLabel(state, label); ok {
		return l, nil
	}
	if strings.TrimSpace(label) == "" {
		return Label{}, errors.New("the label is empty: write active where the license is good")
	}
	var known []string
	for _, l := range labels {
		if l.State == "*" || l.State == state {
			known = append(known, l.Label)
		}
	}
	if r := []rune(label); len(r) > longestTold {
		label = string(r[:longestTold]) + "..."
	}
	return Label{}, fmt.Errorf("the label %q is not known; want one of %s", label, strings.Join(known, ", "))
}

// longestTold is how much of a label is told that nobody knows.
const longestTold = 40

func findLabel(state, label string) (Label, bool) {
	want := strings.ToLower(strings.Join(strings.Fields(label), " "))
	for _, s := range []string{state, "*"} {
		if i := slices.IndexFunc(labels, func(l Label) bool { return l.State == s && l.Label == want }); i >= 0 {
			return labels[i], true
		}
	}
	return Label{}, false
}

func parseLabels(file string) (all []Label, err error) {
	rows := csv.NewReader(strings.NewReader(file))
	rows.Comment = '#'
	lines, err := rows.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	if want := []string{"state", "label", "may_practice", "disciplinary", "recoverable", "restricted", "by_date", "message"}; len(lines) == 0 || !slices.Equal(lines[0], want) {
		return nil, fmt.Errorf("labels: want the columns %q", want)
	}
	for _, f := range lines[1:] {
		l := Label{State: f[0], Label: f[1], Message: f[7]}
		for i, to := range []*bool{&l.MayPractice, &l.Disciplinary, &l.Recoverable, &l.Restricted, &l.ByDate} {
			if *to = f[2+i] == "yes"; !*to && f[2+i] != "no" {
				return nil, fmt.Errorf("labels: %s: %q is neither yes nor no", l.Label, f[2+i])
			}
		}
		switch {
		case l.State != "*" && (len(l.State) != 2 || strings.ToUpper(l.State) != l.State):
			return nil, fmt.Errorf("labels: %s: want two capital letters or *", l.Label)
		case l.Label == "" || l.Label != strings.ToLower(strings.Join(strings.Fields(l.Label), " ")):
			return nil, fmt.Errorf("labels: %q is not in lower case with single spaces", l.Label)
		case l.Restricted && !l.MayPractice || l.MayPractice && !l.Recoverable, l.ByDate && (l.Disciplinary || l.Action() != OrderSuspend):
			return nil, fmt.Errorf("labels: %s: contradicts itself", l.Label)
		case l.Message != "" && slices.Index(LicenseMessages[:], l.Message) < 1:
			return nil, fmt.Errorf("labels: %s: %q is no message", l.Label, l.Message)
		case slices.ContainsFunc(all, func(o Label) bool { return o.State == l.State && o.Label == l.Label }):
			return nil, fmt.Errorf("labels: %s: is there twice", l.Label)
		}
		all = append(all, l)
	}
	return all, nil
}
