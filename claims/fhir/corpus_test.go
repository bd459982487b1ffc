package fhir

import (
	"os"
	"path/filepath"
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
