package fhir

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

func sample(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// compact writes a text as sample does.
func compact(text string) string { return strings.ReplaceAll(text, `": `, `":`) }

var (
	mission = claims.Provider{NPI: "2999001003", Organization: true, Name: "MISSION CREEK HOSPITAL", TaxID: "990000001",
		Address: claims.Address{Street: "100 EXAMPLE WAY", City: "SACRAMENTO", State: "CA", ZIP: "958140001"}}
	amaranth = claims.Provider{NPI: "2999002019", Name: "AMARANTH", First: "NADIA"}
	ruskin   = claims.Provider{NPI: "2999002183", Name: "RUSKIN", First: "PETRA"}
)

func TestParseClaim(t *testing.T) {
	rendering := amaranth
	rendering.Taxonomy = "207Q00000X"
	want := claims.Claim{
		Number: "FHIR-1", Frequency: claims.Original, Charge: 20050, Place: "11", Payer: claims.Payer{ID: "DEMOPPO", Name: "DEMO-PPO"},
		Billing: mission, Rendering: &rendering, Authorization: "AUTH-9", ServiceState: "CA",
		Subscriber: claims.Person{MemberID: "DPA100001", Last: "HALVORSEN", First: "INGRID", Middle: "B", Birth: "1984-03-17"},
		Patient: &claims.Person{MemberID: "DPA100001", Last: "HALVORSEN", First: "LEIF", Birth: "2015-05-06", Sex: "M", Relationship: "19",
			Address: claims.Address{City: "DAVIS", State: "CA", ZIP: "95616"}},
		Diagnoses: []string{"J069", "R059"},
		Lines: []claims.Line{
			{Number: 1, Code: "99213", Modifiers: []string{"25"}, Charge: 14000, Unit: "UN", Units: 1000, Pointers: []int{1, 2}, From: "2026-10-05", To: "2026-10-05"},
			{Number: 2, Code: "00142", Charge: 6050, Unit: "MJ", Units: 61000, Place: "22", Pointers: []int{2}, From: "2026-10-05", To: "2026-10-06"},
		},
	}
	got, err := ParseClaim([]byte(sample(t, "claim.json")))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Claim, want) || got.Created != "2026-11-02" || got.At != "/entry/0/resource" || !got.Test {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if found := claims.Check(&got.Claim, claims.Edits{}, "2026-11-02"); len(found) > 0 {
		t.Errorf("%v", found)
	}
}

func TestParseStay(t *testing.T) {
	want := claims.Claim{
		Number: "STAY-1", Frequency: claims.Original, Charge: 110000, Payer: claims.Payer{ID: "DEMOPPO", Name: "DEMO-PPO"}, Billing: mission, ServiceState: "CA",
		Subscriber: claims.Person{MemberID: "DPA100001", Last: "HALVORSEN", First: "INGRID", Middle: "B", Birth: "1984-03-17", Sex: "F", Relationship: "18"},
		Diagnoses:  []string{"M1611", "I10"},
		Institutional: &claims.Institutional{Facility: "11", From: "2026-10-01", Through: "2026-10-04", Admitted: "2026-10-01", AdmissionType: "1", AdmissionSource: "7",
			PatientStatus: "01", Attending: &amaranth, Operating: &ruskin, DRG: "470", Present: []string{"Y", ""}, Procedures: []claims.Procedure{{Code: "0SR90JZ", On: "2026-10-01"}}},
		Lines: []claims.Line{
			{Number: 1, Revenue: "0120", Charge: 90000, Unit: "DA", Units: 3000, From: "2026-10-01", To: "2026-10-04"},
			{Number: 2, Revenue: "0301", Code: "80053", Charge: 20000, Unit: "UN", Units: 1000, From: "2026-10-02", To: "2026-10-02"},
		},
	}
	got, err := ParseClaim([]byte(sample(t, "stay.json")))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Claim, want) || got.Created != "2026-11-02" || got.At != "" || got.Test {
		t.Errorf("got  %+v %+v\nwant %+v %+v", got, got.Claim.Institutional, want, want.Institutional)
	}
	if found := claims.Check(&got.Claim, claims.Edits{}, "2026-11-02"); len(found) > 0 {
		t.Errorf("%v", found)
	}
}

// TestClaimRefusals breaks a sound claim in one place each, and wants its path.
func TestClaimRefusals(t *testing.T) {
	const at = "/entry/0/resource"
	for _, tt := range []struct{ file, old, new, want string }{
		{"claim.json", `"use": "claim"`, `"use": "preauthorization"`, at + "/use: want claim"},
		{"claim.json", `"use": "claim"`, `"Use": "claim"`, at + "/use: is missing"},
		{"claim.json", `"status": "active",`, `"status": "draft",`, at + "/status: want active"},
		{"claim.json", `"code": "professional"`, `"code": "oral"`, at + "/type: want professional or institutional"},
		{"claim.json", `"use": "claim"`, `"use": "claim", "modifierExtension": []`, at + "/modifierExtension: changes what"},
		{"claim.json", `"use": "claim"`, `"use": "claim", "related": [{}]`, at + "/related: changing an earlier claim"},
		{"claim.json", `"created": "2026-11-02"`, `"created": "2026-11"`, at + "/created: want a whole date"},
		{"claim.json", `"value": 200.5`, `"value": "200.5"`, at + "/total/value: want a number"},
		{"claim.json", `"value": 200.5`, `"value": 200.505`, at + "/total/value: want an amount"},
		{"claim.json", `"value": 200.5`, `"value": -200.5`, at + "/total/value: want an amount"},
		{"claim.json", `"value": 200.5`, `"value": 1e300`, "the file: "},
		{"claim.json", `"value": 60.5,`, `"value": 60.5, "value": 61,`, "the file: "},
		{"claim.json", `"value": 60.5,"currency": "USD"`, `"value": 60.5, "currency": "EUR"`, at + "/item/1/net/currency: want USD"},
		{"claim.json", `"focal": true`, `"focal": false`, at + "/insurance: want one focal coverage, found 0"},
		{"claim.json", `"code": "child"`, `"code": "injured"`, "/entry/3/resource/relationship: want self"},
		{"claim.json", `"subscriberId": "DPA100001"`, `"x": "DPA100001"`, "/entry/3/resource/subscriberId: is missing"},
		{"claim.json", `"reference": "Patient/ingrid"`, `"reference": "Patient/nobody"`, "/entry/3/resource/subscriber/reference: no entry"},
		{"claim.json", `"reference": "Organization/mission"`, `"reference": "#mission"`, at + "/provider/reference: contained resources are not taken"},
		{"claim.json", `"http://hl7.org/fhir/sid/icd-10-cm"`, `"http://snomed.info/sct"`, at + "/diagnosis/0/diagnosisCodeableConcept: want an ICD-10-CM code"},
		{"claim.json", `"sequence": 5`, `"sequence": 2`, at + "/diagnosis/1/sequence: another diagnosis"},
		{"claim.json", `[5,2]`, `[5,3]`, at + "/item/0/diagnosisSequence/1: no diagnosis"},
		{"claim.json", `"careTeamSequence": [`, `"careTeamSequence": [9, `, at + "/item/0/careTeamSequence/0: no member"},
		{"claim.json", `"code": "supervisor"`, `"code": "primary"`, at + "/item/1/careTeamSequence: want one clinician who performed it, found 2"},
		{"claim.json", `"code": "min"`, `"code": "h"`, at + "/item/1/quantity/code: want min"},
		{"claim.json", `"servicedDate": "2026-10-05"`, `"x": ""`, at + "/item/0/servicedDate: want servicedDate or"},
		{"claim.json", `"end": "2026-10-06"`, `"end": "2026-10-04"`, at + "/item/1/servicedPeriod: it ends before"},
		{"claim.json", `"servicedDate"`, `"detail": [], "servicedDate"`, at + "/item/0/detail: is not taken"},
		{"claim.json", `"http://www.ama-assn.org/go/cpt","code": "99213"`, `"http://www.ada.org/cdt", "code": "99213"`, at + "/item/0/productOrService: want a CPT"},
		{"claim.json", `Place_of_Service_Code_Set","code": "11"`, `x", "code": "11"`, at + "/item/0/locationCodeableConcept: want a place of service"},
		{"claim.json", `"state": "CA","postalCode": "958140001"`, `"postalCode": "958140001"`, at + "/facility: want a facility"},
		{"claim.json", `"type": "collection"`, `"type": "message"`, "/type: want collection"},
		{"claim.json", `"resourceType": "Organization","id": "demo-ppo"`, `"resourceType": "Claim", "id": "demo-ppo"`, "/entry/4/resource: is a second Claim"},
		{"claim.json", `"value": "2999002019"`, `"value": ""`, "/entry/6/resource/identifier/0/value: is missing"},
		{"stay.json", `"reference": "#mission"`, `"reference": "#other"`, "/provider/reference: contained resources are not taken"},
		{"stay.json", `"code": "0111"`, `"code": "11"`, "/supportingInfo/0/code: want a type of bill"},
		{"stay.json", `"code": "typeofbill"`, `"code": "other"`, "/supportingInfo: want the type of bill"},
		{"stay.json", `"https://www.nubc.org/CodeSystem/RevenueCodes"`, `"x"`, "/item/0/revenue: want a revenue code"},
		{"stay.json", `"http://www.cms.gov/Medicare/Coding/ICD10"`, `"x"`, "/procedure/0/procedureCodeableConcept: want an ICD-10-PCS"},
		{"stay.json", `"billablePeriod"`, `"period"`, "/billablePeriod/start: is missing"},
		{"stay.json", `"id": "ingrid"`, `"id": ""`, "/contained/0/id: is missing"},
	} {
		text := sample(t, tt.file)
		tt.old = compact(tt.old)
		if !strings.Contains(text, tt.old) {
			t.Errorf("%s does not hold %q", tt.file, tt.old)
			continue
		}
		got, err := ParseClaim([]byte(strings.Replace(text, tt.old, tt.new, 1)))
		if err == nil || got != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.new, err, tt.want)
		} else if strings.Contains(err.Error(), "HALVORSEN") || strings.Contains(err.Error(), "DPA100001") {
			t.Errorf("%v: names the patient", err)
		}
	}
	if _, err := ParseClaim(make([]byte, MaxBundle+1)); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("too large: %v", err)
	}
}

func TestClaimPlaces(t *testing.T) {
	for _, tt := range []struct {
		old, new, want string
	}{
		{`"value": 200.5`, `"value": 200.51`, "/entry/0/resource/total/value"},
		{`"code": "25"`, `"code": "2?"`, "/entry/0/resource/item/0/modifier"},
		{`"2999001003"`, `"2999001004"`, "/entry/0/resource/provider"},
		{`"J06.9"`, `"J0"`, "/entry/0/resource/diagnosis"},
		{`"code": "00142"`, `"code": "99214"`, "/entry/0/resource/item/1/quantity"},
		{`"end": "2026-10-06"`, `"end": "2026-11-06"`, "/entry/0/resource/item/1/serviced"},
		{`"2015-05-06"`, `"2026-10-06"`, "/entry/0/resource/patient"},
	} {
		got, err := ParseClaim([]byte(strings.Replace(sample(t, "claim.json"), compact(tt.old), tt.new, 1)))
		if err != nil {
			t.Fatal(err)
		}
		found := claims.Check(&got.Claim, claims.Edits{}, "2026-11-02")
		if len(found) != 1 || got.Place(found[0]) != tt.want {
			t.Errorf("%s: %v", tt.new, found)
		}
	}
}

// TestPublicClaims: every Claim of the public examples is read, or refused with a
// path. Those of the standard name their parties without bringing them along.
func TestPublicClaims(t *testing.T) {
	corpus := os.Getenv("COUNTERSIGN_CORPUS")
	if corpus == "" {
		t.Skip("COUNTERSIGN_CORPUS is not set: the public examples are not read")
	}
	tried := 0
	for _, pattern := range []string{"fhir-r4-examples/Claim-*.json", "cms-bfd/fhir-v2/claim*.json", "pas-ig-2.2.1/*.json"} {
		files, err := filepath.Glob(filepath.Join(corpus, pattern))
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, len(files), err)
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			tried++
			if got, err := ParseClaim(b); err == nil {
				t.Errorf("%s was read: %+v", filepath.Base(name), got)
			} else if at, _, _ := strings.Cut(err.Error(), ": "); !strings.HasPrefix(at, "/") && !strings.HasPrefix(at, "the ") {
				t.Errorf("%s: %v", filepath.Base(name), err)
			}
		}
	}
	if tried < 20 {
		t.Errorf("%d examples", tried)
	}
}

// FuzzParseClaim wants no panic, nothing half read, and every refusal with its path.
func FuzzParseClaim(f *testing.F) {
	f.Add([]byte(sample(f, "claim.json")))
	f.Add([]byte(sample(f, "stay.json")))
	f.Add([]byte(`{"resourceType":"Claim","item":[{"careTeamSequence":[1]}],"careTeam":[{"sequence":1},{"sequence":1}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParseClaim(b)
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if at, _, ok := strings.Cut(line, ": "); !ok || at == "" {
					t.Errorf("no place: %q", line)
				}
			}
			return
		}
		c := &got.Claim
		if c.Number == "" || len(c.Lines) == 0 || c.Charge < 0 || c.Subscriber.Last == "" || c.Subscriber.MemberID == "" || c.Billing.NPI == "" || got.Created == "" || !utf8.ValidString(c.Subscriber.Last) {
			t.Errorf("half a claim: %+v", c)
		}
		for _, l := range c.Lines {
			if l.Number < 1 || l.From == "" || l.To < l.From || l.Units <= 0 || l.Charge < 0 || (l.Revenue == "") != (c.Institutional == nil) || l.Revenue == "" && l.Code == "" {
				t.Errorf("half a line: %+v", l)
			}
		}
		for _, p := range claims.Check(c, claims.Edits{}, "2026-11-02") {
			if !strings.HasPrefix(got.Place(p), "/") {
				t.Errorf("%+v at %q", p, got.Place(p))
			}
		}
		if _, err := credentials.CanonicalJSON(c); err != nil {
			t.Errorf("cannot be signed: %v", err)
		}
		if _, err := json.Marshal(c); err != nil {
			t.Error(err)
		}
	})
}
