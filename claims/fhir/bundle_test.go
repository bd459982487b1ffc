package fhir

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
)

func example(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../../examples/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestExamples(t *testing.T) {
	mission := claims.Provider{NPI: "2999001003", Organization: true, Name: "MISSION CREEK HOSPITAL",
		Address: claims.Address{Street: "100 EXAMPLE WAY", City: "SACRAMENTO", State: "CA", ZIP: "95814"}}
	want := &claims.AuthorizationRequest{
		Number: "AUTH-A", Requester: mission, Clinician: claims.Provider{NPI: "2999002019", Name: "AMARANTH", First: "NADIA"},
		Patient: claims.Person{MemberID: "DPB200001", Last: "BELLWETHER", First: "MARCUS", Birth: "1971-09-22", Sex: "M", Relationship: "18",
			Address: claims.Address{Street: "48 QUARRY ROAD", City: "SACRAMENTO", State: "CA", ZIP: "95816"}},
		Payer: claims.Payer{ID: "DEMOPPO", Name: "DEMO-PPO"}, State: "CA", Diagnoses: []string{"M5450"},
		Items: []claims.RequestItem{{Sequence: 1, Code: "72148", Units: 1000, From: "2026-10-01", Until: "2026-12-31"}},
	}
	got, err := ParseBundle(example(t, "auth-a.json"))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, want := range map[string]claims.RequestItem{
		"auth-b.json": {Sequence: 1, Code: "97110", Units: 12000, From: "2026-11-01", Until: "2027-01-31"},
		"auth-c.json": {Sequence: 1, Code: "97110", Units: 8000, From: "2026-10-18", Until: "2026-11-30"},
	} {
		r, err := ParseBundle(example(t, name))
		if err != nil || !reflect.DeepEqual(r.Items, []claims.RequestItem{want}) || r.Clinician.NPI != "2999002183" || r.Patient.MemberID != "DPD400001" {
			t.Errorf("%s: got %+v, %v", name, r, err)
		}
		if problems := claims.CheckRequest(r, claims.Edits{}); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// TestProblems spoils one place of a good bundle at a time.
func TestProblems(t *testing.T) {
	const claim = "/entry/0/resource"
	tests := []struct{ old, new, want string }{
		{`"use": "preauthorization"`, `"use": "claim"`, claim + "/use: want preauthorization"},
		{`"use": "preauthorization"`, `"Use": "preauthorization"`, claim + "/use: is missing"},
		{`"use": "preauthorization"`, `"use": "claim", "Use": "preauthorization"`, claim + "/use: want preauthorization"},
		{`"use": "preauthorization"`, `"use": "claim", "use": "preauthorization"`, "/entry/0/resource/use"},
		{`"use": "preauthorization"`, `"use": 1`, claim + "/use: want text"},
		{`"status": "active"`, `"status": "cancelled"`, claim + "/status: want active"},
		{`"status": "active"`, `"related": [{}], "status": "active"`, claim + "/related: changing an earlier request is not taken yet"},
		{`"type": "collection"`, `"type": "batch"`, "/type: want collection"},
		{`"resourceType": "Bundle"`, `"resourceType": "Claim"`, "/resourceType: want a Bundle"},
		{`"resourceType": "Claim"`, `"resourceType": "ClaimResponse"`, claim + "/resourceType: want the Claim as the first entry"},
		{`"reference": "Patient/DPB200001"`, `"reference": "Patient/nobody"`, claim + "/patient/reference: no entry of the bundle answers to it"},
		{`"reference": "Patient/DPB200001"`, `"reference": "Organization/demo-ppo"`, claim + "/patient/reference: want a Patient, found a Organization"},
		{`"reference": "Patient/DPB200001"`, `"reference": "#p"`, claim + "/patient/reference: contained resources are not taken"},
		{`"fullUrl": "https://missioncreek.example/fhir/Patient/DPB200001"`, `"fullUrl": "https://missioncreek.example/fhir/Claim/auth-a"`, "/entry/1/fullUrl: another entry has the same"},
		{`"id": "mission-creek"`, `"id": "demo-ppo"`, claim + "/insurer/reference: two entries answer to it"},
		{`"code": "72148"`, `"code": ""`, claim + "/item/0/productOrService/coding/0/code: is missing"},
		{`"system": "http://www.ama-assn.org/go/cpt"`, `"system": "other"`, claim + "/item/0/productOrService: want a CPT or HCPCS code"},
		{`"value": 1` + "\n", `"value": 1.0005` + "\n", claim + "/item/0/quantity/value: want a number above 0"},
		{`"value": 1` + "\n", `"value": -1` + "\n", claim + "/item/0/quantity/value: want a number above 0"},
		{`"value": 1` + "\n", `"value": "1"` + "\n", claim + "/item/0/quantity/value: want a number"},
		{`"start": "2026-10-01"`, `"start": "2026-10"`, claim + "/item/0/servicedPeriod/start: want a whole date"},
		{`"start": "2026-10-01"`, `"start": "2027-10-01"`, claim + "/item/0/servicedPeriod: it ends before it starts"},
		{`"end": "2026-12-31"`, `"x": ""`, claim + "/item/0/servicedPeriod/end: is missing"},
		{`"servicedPeriod": {`, `"servicedDate": "2026-10-01", "servicedPeriod": {`, claim + "/item/0/servicedDate: want either"},
		{`"servicedPeriod": {`, `"other": {`, claim + "/item/0/servicedPeriod: want servicedPeriod or servicedDate"},
		{`"code": "I"`, `"code": "3"`, claim + "/item/0/extension/0: only initial requests"},
		{`"family": "BELLWETHER"`, `"family": ""`, "/entry/1/resource/name: want the patient's family name"},
		{`"birthDate": "1971-09-22"`, `"birthDate": "1971"`, "/entry/1/resource/birthDate: want a whole date"},
		{`"value": "2999002019"`, `"other": "2999002019"`, "/entry/5/resource/identifier/0/value: is missing"},
		{`"value": "AUTH-A"`, `"value": ""`, claim + "/identifier/0/value: is missing"},
		{`"postalCode": "95814"`, `"postalCode": 95814`, "/entry/4/resource/address/0/postalCode: want text"},
	}
	good := example(t, "auth-a.json")
	for _, tt := range tests {
		bad := bytes.Replace(good, []byte(tt.old), []byte(tt.new), 1)
		if bytes.Equal(bad, good) {
			t.Fatalf("%s is not in the example", tt.old)
		}
		if r, err := ParseBundle(bad); err == nil || r != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.new, err, tt.want)
		} else if strings.Contains(err.Error(), "BELLWETHER") || strings.Contains(err.Error(), "DPB200001") {
			t.Errorf("%v: names the patient", err)
		}
	}
}

// TestWithoutAnEntry takes out each entry in turn: all of them matter.
func TestWithoutAnEntry(t *testing.T) {
	var bundle map[string]any
	if err := json.Unmarshal(example(t, "auth-a.json"), &bundle); err != nil {
		t.Fatal(err)
	}
	entries := bundle["entry"].([]any)
	for i := range entries {
		bundle["entry"] = append(append([]any{}, entries[:i]...), entries[i+1:]...)
		b, err := json.Marshal(bundle)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseBundle(b); err == nil {
			t.Errorf("entry %d may be left out", i)
		}
	}
}

func TestWhoAndWhere(t *testing.T) {
	good := string(example(t, "auth-a.json"))
	parse := func(oldNew ...string) *claims.AuthorizationRequest {
		t.Helper()
		r, err := ParseBundle([]byte(strings.NewReplacer(oldNew...).Replace(good)))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := parse(`"careTeam"`, `"noTeam"`); r.Clinician.NPI != "" {
		t.Errorf("nobody is named: got %+v", r.Clinician)
	}
	if r := parse(`"reference": "Patient/DPB200001"`, `"reference": "https://missioncreek.example/fhir/Patient/DPB200001"`); r.Patient.Last != "BELLWETHER" {
		t.Errorf("by fullUrl: got %+v", r.Patient)
	}
	if r := parse(`"code": "MB"`, `"code": "MR"`); r.Patient.MemberID != "DPB200001" {
		t.Errorf("by coverage: got %+v", r.Patient)
	}
	team := `"careTeam": [{"sequence": 2, "provider": {"reference": "Practitioner/other"}},`
	extra := `{"fullUrl": "urn:x", "resource": {"resourceType": "Practitioner", "id": "other", "name": [{"family": "X"}],
		"identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893"}]}}`
	last := strings.TrimSuffix(strings.TrimRight(good, "\n"), "\n  ]\n}") + ", " + extra + "\n  ]\n}"
	last = strings.Replace(last, `"careTeam": [`, team, 1)
	if r, err := ParseBundle([]byte(last)); err != nil || r.Clinician.NPI != "2999002019" {
		t.Errorf("the primary one of two: %v, %+v", err, r)
	}
	ordering := strings.Replace(last, team, `"careTeam": [{"sequence": 2, "provider": {"reference": "Practitioner/other"},
		"role": {"coding": [{"system": "https://codesystem.x12.org/005010/98", "code": "DK"}]}},`, 1)
	if r, err := ParseBundle([]byte(ordering)); err != nil || r.Clinician.NPI != "2999002019" || r.Ordering == nil || r.Ordering.NPI != "1234567893" {
		t.Errorf("one renders and another orders: %v, %+v", err, r)
	}
	if r := parse(); r.Ordering != nil {
		t.Errorf("nobody orders: got %+v", r.Ordering)
	}
	if _, err := ParseBundle([]byte(strings.Replace(last, `"code": "primary"`, `"code": "assist"`, 1))); err == nil || !strings.Contains(err.Error(), "/careTeam/1: two clinicians") {
		t.Errorf("one of two, without a mark: %v", err)
	}
}

func TestTooLarge(t *testing.T) {
	if _, err := ParseBundle(bytes.Repeat([]byte(" "), MaxBundle+1)); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("got %v", err)
	}
	deep := strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)
	if _, err := ParseBundle([]byte(deep)); err == nil {
		t.Error("a hundred levels are read")
	}
}

// Whatever ParseBundle takes can be decided or is refused by the edits; it
// never panics, and problems start with their place.
func FuzzParseBundle(f *testing.F) {
	for _, name := range []string{"auth-a.json", "auth-b.json", "auth-c.json"} {
		f.Add(example(f, name))
	}
	f.Add([]byte(`{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Claim","item":[{}]}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseBundle(b)
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "/") && !strings.HasPrefix(line, "the bundle: ") && !strings.HasPrefix(line, "read PAS bundle: ") {
					t.Errorf("%q does not say where", line)
				}
			}
			return
		}
		if len(r.Items) == 0 || r.Number == "" || r.Patient.MemberID == "" || r.Payer.ID == "" {
			t.Errorf("taken: %+v", r)
		}
		claims.CheckRequest(r, claims.Edits{})
	})
}

// TestDaysOfAStay: a hospital asks for days by a revenue code in place of a procedure.
func TestDaysOfAStay(t *testing.T) {
	b := example(t, "auth-a.json")
	spoil := func(old, with string) []byte {
		t.Helper()
		if !bytes.Contains(b, []byte(old)) {
			t.Fatalf("the example has no %s", old)
		}
		return bytes.Replace(b, []byte(old), []byte(with), 1)
	}
	b = spoil(`"system": "http://www.ama-assn.org/go/cpt"`, `"system": "https://codesystem.x12.org/005010/1365"`)
	b = spoil(`"productOrService": {`, `"revenue": {"coding": [{"system": "https://www.nubc.org/CodeSystem/RevenueCodes", "code": "0120"}]}, "productOrService": {`)
	b = spoil(`"value": 1`+"\n", `"value": 4, "code": "d"`+"\n")
	r, err := ParseBundle(b)
	if err != nil {
		t.Fatal(err)
	}
	if want := (claims.RequestItem{Sequence: 1, Code: "0120", Units: 4000, From: "2026-10-01", Until: "2026-12-31"}); !reflect.DeepEqual(r.Items, []claims.RequestItem{want}) {
		t.Errorf("got %+v", r.Items)
	}
	if problems := claims.CheckRequest(r, claims.Edits{}); len(problems) > 0 {
		t.Error(problems)
	}
	for old, want := range map[string]string{`"code": "d"`: "/quantity/code: want d", `"code": "0120"`: "/revenue: want a revenue code of four digits"} {
		if _, err := ParseBundle(spoil(old, `"code": "012"`)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without %s: got %v", old, err)
		}
	}
	r.Items[0].Units = 4500
	if problems := claims.CheckRequest(r, claims.Edits{}); len(problems) != 1 || !strings.Contains(problems[0].String(), "whole days") {
		t.Errorf("half a day: %v", problems)
	}
}
