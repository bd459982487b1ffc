package credentials

import (
	"fmt"
	"strings"
	"testing"
	"time"
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

// TestLabelNeeds: a license that ended by its date needs no order to say so, and
// any other label is an order whatever the date.
func TestLabelNeeds(t *testing.T) {
	noon := time.Date(2026, 7, 2, 11, 59, 0, 0, time.UTC)
	for _, tt := range []struct {
		label string
		until Date
		now   time.Time
		want  OrderAction
	}{
		{"expired", "2024-12-31", noon, ""},
		{"Lapsed", "2024-12-31", noon, ""},
		{"delinquent", "2024-12-31", noon, ""},
		{"expired", "2026-07-01", noon, OrderSuspend}, // 23:59 of that day at UTC-12
		{"expired", "2026-07-01", noon.Add(time.Minute), ""},
		{"expired", "2026-07-01", noon.Add(time.Minute).In(time.FixedZone("", -10*3600)), ""},
		{"expired", "2026-07-02", noon.Add(time.Minute), OrderSuspend},
		{"lapsed", "2199-12-31", noon, OrderSuspend},
		{"delinquent", "2199-12-31", noon, OrderSuspend},
		{"expired", "", noon, OrderSuspend},
		{"inactive", "2024-12-31", noon, OrderSuspend},
		{"suspended", "2024-12-31", noon, OrderSuspend},
		{"administrative suspension", "2024-12-31", noon, OrderSuspend},
		{"probation", "2024-12-31", noon, OrderRestrict},
		{"revoked", "2024-12-31", noon, OrderRevoke},
		{"active", "2024-12-31", noon, ""},
	} {
		l, err := LabelOf("CA", tt.label)
		if err != nil {
			t.Errorf("LabelOf(CA, %s): %v", tt.label, err)
			continue
		}
		if got := l.Needs(tt.until, tt.now); got != tt.want {
			t.Errorf("%s until %s at %v needs %q, want %q", tt.label, tt.until, tt.now, got, tt.want)
		}
	}
}

// TestUnknownLabel: the message says what stood there and what may.
func TestUnknownLabel(t *testing.T) {
	for _, tt := range []struct{ state, label, want, not string }{
		{"CA", "splendid", `the label "splendid" is not known; want one of active, clear, `, "non-practice"},
		{"NC", "splendid", "active - non-practice agreement", "\n"},
		{"CA", "", "is empty: write active", "want one of"},
		{"CA", " \t", "is empty: write active", "want one of"},
		{"CA", "a\nb\x1b", `"a\nb\x1b"`, "\n"},
		{"CA", strings.Repeat("é", 99), `"` + strings.Repeat("é", 40) + `..."`, strings.Repeat("é", 41)},
	} {
		_, err := LabelOf(tt.state, tt.label)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), tt.not) {
			t.Errorf("LabelOf(%s, %q): %v, want %q and no %q", tt.state, tt.label, err, tt.want, tt.not)
		}
	}
}

func TestLabelsAreStrict(t *testing.T) {
	const head = "state,label,may_practice,disciplinary,recoverable,restricted,by_date,message\n"
	for _, tt := range []struct{ name, file, want string }{
		{"no such message", head + "*,odd,yes,no,yes,no,no,odd\n", "no message"},
		{"a message that is none", head + "*,odd,yes,no,yes,no,no,none\n", "no message"},
		{"no columns", "*,active,yes,no,yes,no,no,\n", "columns"},
		{"neither yes nor no", head + "*,active,Yes,no,yes,no,no,\n", "neither"},
		{"a field too few", head + "*,active,yes,no,yes\n", "number of fields"},
		{"twice", head + "*,active,yes,no,yes,no,no,\n*,active,no,no,yes,no,no,\n", "twice"},
		{"capital letters", head + "*,Active,yes,no,yes,no,no,\n", "lower case"},
		{"a state that is none", head + "ca,active,yes,no,yes,no,no,\n", "two capital"},
		{"restricted and may not", head + "*,odd,no,no,yes,yes,no,\n", "contradicts"},
		{"may practice and never comes back", head + "*,odd,yes,no,no,no,no,\n", "contradicts"},
		{"by its date and may practice", head + "*,odd,yes,no,yes,no,yes,\n", "contradicts"},
		{"by its date and disciplinary", head + "*,odd,no,yes,yes,no,yes,\n", "contradicts"},
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

// A license says its taxonomy codes in one spelling; a code that is none is
// refused wherever a license is read. One without codes is what it was before.
func TestTaxonomyOfALicense(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "208D00000X 207R00000X": "207R00000X 208D00000X", "207R00000X 207R00000X": "none twice", "207R00000x": "not a taxonomy code",
		strings.Repeat("207R00000X ", 16): "none twice",
	} {
		codes, err := TaxonomiesOf(strings.Fields(text))
		got := strings.Trim(fmt.Sprint(codes), "[]")
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	many := make([]Taxonomy, MostTaxonomies+1)
	for i := range many {
		many[i] = Taxonomy(fmt.Sprintf("207R000%02dX", i))
	}
	if CheckTaxonomies(many[1:]) != nil || CheckTaxonomies(many) == nil || CheckTaxonomies([]Taxonomy{many[1], many[0]}) == nil {
		t.Error("too many, or codes that are not sorted, pass; or as many as may be do not")
	}
	l := testLicense()
	l.Taxonomy = many[:2]
	token, err := Issue(NewSigner("", testKey(1)), KindLicense, handle(7), testTime, testStatus(), l)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open[License](token, KindLicense, ResolveDIDKey)
	if err != nil || !c.Subject.Equal(l) || c.Subject.Equal(testLicense()) {
		t.Errorf("opened %+v, %v", c, err)
	}
	payload := strings.Replace(payloadOf(t, token), "207R00000X", "207R000000", 1)
	if _, err := Open[License](forge(testKey(1), goodHeader(testKey(1)), payload), KindLicense, ResolveDIDKey); err == nil || !strings.Contains(err.Error(), "taxonomy") {
		t.Errorf("a code that is none: %v", err)
	}
	l.Taxonomy = []Taxonomy{"internist"}
	if _, err := Issue(NewSigner("", testKey(1)), KindLicense, handle(7), testTime, testStatus(), l); err == nil {
		t.Error("a license with a code that is none was signed")
	}
}
