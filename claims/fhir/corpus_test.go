package fhir

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPublicBundles reads the request bundles of the PAS guide. Two of the three
// ask for too little to be decided, and are told so by JSON pointer.
func TestPublicBundles(t *testing.T) {
	corpus := os.Getenv("COUNTERSIGN_CORPUS")
	if corpus == "" {
		t.Skip("COUNTERSIGN_CORPUS is not set: the PAS guide's bundles are not read")
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(corpus, "pas-ig-2.2.1", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	r, err := ParseBundle(read("Bundle-MedicalServicesAuthorizationBundleExample.json"))
	if err != nil {
		t.Fatal(err)
	}
	it := r.Items[0]
	if r.Number != "111099" || r.Patient.MemberID != "1122334455" || r.Patient.Last != "SMITH" || r.Patient.Relationship != "18" ||
		r.Payer.ID != "1234567893" || r.Requester.NPI != "8189991234" || r.State != "CA" || r.Clinician.NPI != "" ||
		it.Code != "99212" || it.Units != 1000 || it.From != "2005-05-10" || it.Until != "2005-05-10" {
		t.Errorf("got %+v", r)
	}
	for name, want := range map[string]string{
		"Bundle-HomecareAuthorizationBundleExample.json":         "/entry/0/resource/item/1/servicedPeriod: want",
		"Bundle-ReferralAuthorizationBundleExample.json":         "/entry/0/resource/item/0/productOrService: want a CPT",
		"Bundle-ReferralAuthorizationResponseBundleExample.json": "/entry/0/resource/resourceType: want the Claim",
		"Bundle-PASSubscriptionNotification.json":                "want",
	} {
		if _, err := ParseBundle(read(name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}

// beside are the places of our resources that the guide's public examples do not
// use, all from FHIR R4 itself, or from X12 through it.
var beside = []string{
	"ExplanationOfBenefit.claim", "ExplanationOfBenefit.claim.reference", "ExplanationOfBenefit.disposition", "ExplanationOfBenefit.item.careTeamSequence", "ExplanationOfBenefit.item.diagnosisSequence",
	"ExplanationOfBenefit.item.net", "ExplanationOfBenefit.item.noteNumber", "ExplanationOfBenefit.item.quantity", "ExplanationOfBenefit.item.modifier",
	"ExplanationOfBenefit.item.servicedPeriod", "ExplanationOfBenefit.item.adjudication.value", "ExplanationOfBenefit.payment", "ExplanationOfBenefit.processNote",
}

// TestCARINShape holds our ExplanationOfBenefit, of each kind, and the resources
// about it against the public examples of CARIN's guide: it uses their places and
// their code systems, and what every example of the kind has.
func TestCARINShape(t *testing.T) {
	corpus := os.Getenv("COUNTERSIGN_CORPUS")
	if corpus == "" {
		t.Skip("COUNTERSIGN_CORPUS is not set: the examples of CARIN's guide are not read")
	}
	theirs, always, number := map[string]bool{}, map[string]int{}, map[string]int{}
	files, err := filepath.Glob(filepath.Join(corpus, "carin-bb", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no example", err)
	}
	kinds := []string{"EOBProfessional", "EOBInpatient", "EOBOutpatient"}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		places(v["resourceType"].(string), v, seen)
		for at := range seen {
			theirs[at] = true
		}
		for _, kind := range kinds {
			if strings.Contains(name, kind) {
				number[kind]++
				for at := range seen {
					always[kind+" "+at]++
				}
			}
		}
	}
	for i, x := range []Told{told(), stay("11"), stay("13")} {
		kind := kinds[i]
		b, err := Tell(x)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := resources(t, b)
		ours := map[string]bool{}
		for _, name := range []string{"ExplanationOfBenefit", "Patient", "Coverage", "Practitioner", "Organization"} {
			places(name, got[name].value, ours)
		}
		for at := range ours {
			if !theirs[at] && !slices.ContainsFunc(beside, func(p string) bool { return at == p || strings.HasPrefix(at, p+".") }) && !strings.Contains(at, " ") {
				t.Errorf("%s: %s stands in no example", kind, at)
			}
			if place, system, ok := strings.Cut(at, " "); ok && strings.Contains(system, "carin-bb") && !theirs[at] &&
				!slices.ContainsFunc(beside, func(p string) bool { return strings.HasPrefix(place, p) }) {
				t.Errorf("%s: %s: no example has a code of %s there", kind, place, system)
			}
		}
		for key, n := range always {
			of, at, _ := strings.Cut(key, " ")
			if of == kind && n == number[kind] && !ours[at] && !strings.HasPrefix(at, "ExplanationOfBenefit.text") && !strings.Contains(at, ".display") && !strings.Contains(at, ".text") &&
				!slices.Contains([]string{"ExplanationOfBenefit.identifier.system", "ExplanationOfBenefit.language"}, at) && !strings.Contains(at, " ") {
				t.Errorf("every %s example has %s", kind, at)
			}
		}
	}
}

// places are the paths of all members of a value, and behind a space the code
// system that is used there.
func places(at string, v any, seen map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			place := at + "." + name
			seen[place] = true
			if system, ok := member.(string); ok && name == "system" && strings.HasSuffix(at, ".coding") {
				seen[at+" "+system] = true
			}
			places(place, member, seen)
		}
	case []any:
		for _, e := range v {
			places(at, e, seen)
		}
	}
}
