package credentials

import (
	"strings"
	"testing"
)

// TestLabels holds every label of the boards' legends against what it means.
func TestLabels(t *testing.T) {
	for _, tt := range []struct {
		state, label                               string
		may, disciplinary, recoverable, restricted bool
		action                                     OrderAction
	}{
		{"AZ", "Active", true, false, true, false, ""},
		{"FL", "CLEAR", true, false, true, false, ""},
		{"CA", "Probation", true, true, true, true, OrderRestrict},
		{"CA", "Expired", false, false, true, false, OrderSuspend},
		{"CA", "delinquent", false, false, true, false, OrderSuspend},
		{"AZ", "Administrative  Suspension", false, false, true, false, OrderSuspend},
		{"AZ", "Suspended", false, true, true, false, OrderSuspend},
		{"AZ", "Summary Suspension", false, true, true, false, OrderSuspend},
		{"AZ", "Surrendered", false, true, false, false, OrderRevoke},
		{"AZ", "Revoked", false, true, false, false, OrderRevoke},
		{"AZ", "Void", false, false, false, false, OrderRevoke},
		{"NC", "Active - Non-Practice Agreement", false, true, true, false, OrderSuspend},
	} {
		l, err := LabelOf(tt.state, tt.label)
		if err != nil {
			t.Errorf("LabelOf(%s, %s): %v", tt.state, tt.label, err)
			continue
		}
		if l.MayPractice != tt.may || l.Disciplinary != tt.disciplinary || l.Recoverable != tt.recoverable || l.Restricted != tt.restricted || l.Action() != tt.action {
			t.Errorf("LabelOf(%s, %s) = %+v, action %q", tt.state, tt.label, l, l.Action())
		}
	}
	for _, tt := range [][2]string{{"AZ", "Active - Non-Practice Agreement"}, {"CA", "fine"}, {"CA", ""}, {"*", "Activ"}} {
		if l, err := LabelOf(tt[0], tt[1]); err == nil {
			t.Errorf("LabelOf(%s, %q) = %+v, want an error", tt[0], tt[1], l)
		}
	}
	if len(Labels()) < 26 {
		t.Errorf("the table has %d labels", len(Labels()))
	}
}

func TestLabelsAreStrict(t *testing.T) {
	const head = "state,label,may_practice,disciplinary,recoverable,restricted,message\n"
	for _, tt := range []struct{ name, file, want string }{
		{"no such message", head + "*,odd,yes,no,yes,no,odd\n", "no message"},
		{"a message that is none", head + "*,odd,yes,no,yes,no,none\n", "no message"},
		{"no columns", "*,active,yes,no,yes,no,\n", "columns"},
		{"neither yes nor no", head + "*,active,Yes,no,yes,no,\n", "neither"},
		{"a field too few", head + "*,active,yes,no,yes\n", "number of fields"},
		{"twice", head + "*,active,yes,no,yes,no,\n*,active,no,no,yes,no,\n", "twice"},
		{"capital letters", head + "*,Active,yes,no,yes,no,\n", "lower case"},
		{"a state that is none", head + "ca,active,yes,no,yes,no,\n", "two capital"},
		{"restricted and may not", head + "*,odd,no,no,yes,yes,\n", "contradicts"},
		{"may practice and never comes back", head + "*,odd,yes,no,no,no,\n", "contradicts"},
	} {
		if _, err := parseLabels(tt.file); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestParseNumbers(t *testing.T) {
	for s, want := range map[string]bool{
		"AP5836727": true, "BB1388568": true, "F91234563": true, "AP5836727-12A": true,
		"AP5836728": false, "AP583672": false, "ap5836727": false, "A15836727": false, "AP5836727-": false, " AP5836727": false, "AP5836727\n": false, "": false,
	} {
		if _, err := ParseDEA(s); (err == nil) != want {
			t.Errorf("ParseDEA(%q): %v", s, err)
		}
	}
	for s, want := range map[string]bool{
		"207R00000X": true, "363LF0000X": true,
		"207R00000Y": false, "207r00000x": false, "207R0000X": false, "207R00000XX": false, "207R00000X\n": false, "": false,
	} {
		if _, err := ParseTaxonomy(s); (err == nil) != want {
			t.Errorf("ParseTaxonomy(%q): %v", s, err)
		}
	}
}
