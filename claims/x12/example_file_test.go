package x12

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// table reads a CSV file of the examples into rows by column name.
func table(t *testing.T, path string) (rows []map[string]string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, cells := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = cells[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// TestExampleFile holds the example claims against the example members and
// clinicians: everyone is known, and every claim passes the intake edits.
func TestExampleFile(t *testing.T) {
	b, err := os.ReadFile("../../examples/claims.837")
	if err != nil {
		t.Fatal(err)
	}
	f, got := readAll(t, string(b))
	if len(f.Refusals)+len(f.Notes) > 0 || len(got) != 9 {
		t.Fatalf("got %+v", f)
	}
	members := map[string]map[string]string{}
	for _, m := range table(t, "../../examples/members.csv") {
		members[m["subscriber_id"]+"/"+m["first"]] = m
	}
	clinicians := map[string]map[string]string{}
	for _, c := range table(t, "../../examples/clinicians.csv") {
		if !credentials.NPI(c["npi"]).Valid() {
			t.Errorf("the check digit of %s does not hold", c["npi"])
		}
		clinicians[c["npi"]] = c
	}
	unlicensed := []string{}
	for i, s := range got {
		c := s.Claim
		if want := "DEMO-00" + string(rune('1'+i)); c.Number != want {
			t.Errorf("claim %d is %s, want %s", i+1, c.Number, want)
		}
		for _, p := range claims.Check(&c, claims.Edits{}, "2026-11-02") {
			t.Errorf("%s: %s: %s", c.Number, s.Positions.Place(p), p)
		}
		person := c.PatientPerson()
		m := members[c.Subscriber.MemberID+"/"+person.First]
		if m == nil || m["last"] != person.Last || m["birth"] != string(person.Birth) || m["relationship"] != person.Relationship {
			t.Errorf("%s: the patient is not the member %v", c.Number, m)
		}
		d := clinicians[string(c.Rendering.NPI)]
		if d == nil || d["jurisdiction"] != c.ServiceState || d["name"] != title(c.Rendering.First)+" "+title(c.Rendering.Name) {
			t.Errorf("%s: the clinician is not %v", c.Number, d)
		}
		if !c.FirstService().Within(credentials.Date(d["from"]), credentials.Date(d["until"])) {
			unlicensed = append(unlicensed, c.Number)
		}
		if s.Source.Created != "2026-11-02" || c.Payer.ID != "DEMOPPO" || c.ServiceState != "CA" || s.Test {
			t.Errorf("%s: got %+v", c.Number, s)
		}
	}
	if strings.Join(unlicensed, " ") != "DEMO-007" {
		t.Errorf("unlicensed on the day of service: %v", unlicensed)
	}
	second := got[1].Claim
	second.Number, second.Lines[0].Control = got[0].Claim.Number, got[0].Claim.Lines[0].Control
	if a, b := got[0].Claim, second; a.Lines[0].Code != b.Lines[0].Code || a.Lines[0].From != b.Lines[0].From || a.Charge != b.Charge || *a.Rendering != *b.Rendering {
		t.Error("DEMO-002 is no copy of DEMO-001")
	}
	for i, want := range map[int]string{3: "", 4: "AUTH-A", 7: "AUTH-C"} {
		if got[i].Claim.Authorization != want {
			t.Errorf("%s names authorization %q, want %q", got[i].Claim.Number, got[i].Claim.Authorization, want)
		}
	}
}

func title(s string) string { return s[:1] + strings.ToLower(s[1:]) }
