package claims

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocsListEdits holds the table in docs/edits.md to AllEdits.
// COUNTERSIGN_UPDATE=1 writes it anew.
func TestDocsListEdits(t *testing.T) {
	const path, begin, end = "../docs/edits.md", "holds it so -->\n", "<!-- end -->"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(b), begin)
	_, after, found := strings.Cut(rest, end)
	if !found {
		t.Fatalf("%s has no place for the list", path)
	}
	var list strings.Builder
	list.WriteString("\n| level | edit | comes | where | wants that | told by |\n|---|---|---|---|---|---|\n")
	for _, e := range AllEdits {
		comes := map[bool]string{false: "on", true: "off"}[e.Off]
		if e.Needs != ByNothing {
			comes += ", needed by " + string(e.Needs)
		}
		fmt.Fprintf(&list, "| %d | `%s` | %s | %s | %s | %s |\n", e.Level, e.Name, comes, strings.TrimSpace(e.Loop+" "+e.Element), e.Words, e.Answer())
	}
	list.WriteString("\n")
	want := before + begin + list.String() + end + after
	if os.Getenv("COUNTERSIGN_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(b) {
		t.Errorf("%s differs from AllEdits; COUNTERSIGN_UPDATE=1 writes it", path)
	}
}

func TestEditTable(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	for i, e := range AllEdits {
		if !name.MatchString(e.Name) || e.Level < 1 || e.Level > 7 || e.Segment == "" || e.Element == "" || e.Words == "" || e.Off && e.Needs != ByNothing {
			t.Errorf("%+v", e)
		}
		if i > 0 && AllEdits[i-1].Level > e.Level {
			t.Errorf("%s stands below level %d", e.Name, AllEdits[i-1].Level)
		}
		if slices.ContainsFunc(AllEdits[:i], func(o Edit) bool { return o.Name == e.Name }) {
			t.Errorf("%s stands twice", e.Name)
		}
	}
}

func TestParseEdits(t *testing.T) {
	for _, tt := range []struct {
		switches string
		door     bool
		want     string // of the error; empty where it is none
	}{
		{"npi-check-digit=off,patient-birth=on", true, ""},
		{"claim-balance=off", false, ""},
		{"claim-balance=off", true, "decisions rest on it"},
		{"claim-balance=on", true, ""},
		{"envelope=off", false, "cannot be read"},
		{"npi=off", true, `there is no edit "npi" (npi-present?)`},
		{"", true, `there is no edit ""`},
		{"npi-check-digit", true, "want npi-check-digit=on or npi-check-digit=off"},
		{"npi-check-digit=no", true, "want npi-check-digit=on"},
		{"npi-check-digit=off,npi-check-digit=on", true, "switched twice"},
	} {
		_, err := ParseEdits(strings.Split(tt.switches, ","), tt.door)
		if got := fmt.Sprint(err); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %v, want %q", tt.switches, err, tt.want)
		}
	}
	if edits, err := ParseEdits(nil, true); err != nil || !edits.On("npi-check-digit") || edits.On("patient-birth") || !edits.On("not an edit") {
		t.Errorf("as they come: %+v, %v", edits, err)
	}
}
