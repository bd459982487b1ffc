package dossier

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/fhir"
	"github.com/countersign-health/countersign/claims/x12"
)

// The signed decision, the 835 and the FHIR resources say the same of each
// claim, to the cent.
func TestThreeAgree(t *testing.T) {
	w := build(t, nil)
	report, all := ClaimDecisions(w.files, nil, nil)
	if !report.OK() || len(all) != 4 {
		t.Fatalf("%d claims, want 4:%s", len(all), failures(report))
	}
	sets, err := x12.ReadRemittance(bytes.NewReader(w.files[RemittanceFile]))
	if err != nil {
		t.Fatal(err)
	}
	payments := map[string]*x12.Payment{}
	for i := range sets[0].Payments {
		payments[sets[0].Payments[i].Number] = &sets[0].Payments[i]
	}
	paid := 0
	for _, d := range all {
		told := fhir.Told{Handle: d.Handle, Claim: d.Claim, Decision: d.Decision, Created: d.Created, Received: d.Received, Decided: d.Decided}
		if d.Payment != nil {
			told.Paid = &fhir.Paid{Trace: d.Payment.Trace, On: d.Payment.On}
		}
		b, err := fhir.Tell(told)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), `"resourceType": "Claim",`) || !strings.Contains(string(b), `"created": "`+string(d.Created)+`"`) || d.Created == "" {
			t.Errorf("%s: no Claim of the day when it was made", d.Claim.Number)
		}
		totals := totalsIn(t, b)
		if d.Payment == nil {
			continue
		}
		p := payments[d.Claim.Number]
		paid++
		if totals["ClaimResponse"] != totals["ExplanationOfBenefit"] {
			t.Errorf("%s: the ClaimResponse says %v, the ExplanationOfBenefit %v", d.Claim.Number, totals["ClaimResponse"], totals["ExplanationOfBenefit"])
		}
		want := amounts{p.Charge.String(), p.Paid.String(), p.Patient.String()}
		if decided := (amounts{d.Decision.Charge.String(), d.Decision.Paid.String(), d.Decision.Patient.String()}); totals["ClaimResponse"] != want || decided != want {
			t.Errorf("%s: the 835 says %v, the decision %v, FHIR %v", d.Claim.Number, want, decided, totals["ClaimResponse"])
		}
		if d.Payment.Trace != "T1" || d.Payment.On != "2026-11-05" || d.Payment.File != RemittanceFile {
			t.Errorf("%s: paid by %+v", d.Claim.Number, d.Payment)
		}
	}
	if paid == 0 || paid != len(payments) {
		t.Errorf("%d claims are paid, %d stand in the 835", paid, len(payments))
	}
}

type amounts struct{ charge, paid, patient string }

// totalsIn reads the totals of each resource of a bundle.
func totalsIn(t *testing.T, b []byte) map[string]amounts {
	t.Helper()
	var bundle struct {
		Entry []struct {
			Resource struct {
				ResourceType string
				Total        json.RawMessage // of a Claim no list
			}
		}
	}
	if err := json.Unmarshal(b, &bundle); err != nil {
		t.Fatal(err)
	}
	all := map[string]amounts{}
	for _, e := range bundle.Entry {
		var a amounts
		var totals []struct {
			Category struct{ Coding []struct{ Code string } }
			Amount   struct{ Value json.Number }
		}
		if e.Resource.ResourceType == "Claim" || e.Resource.Total == nil {
			continue
		}
		if err := json.Unmarshal(e.Resource.Total, &totals); err != nil {
			t.Fatal(err)
		}
		for _, total := range totals {
			switch total.Category.Coding[0].Code {
			case "submitted":
				a.charge = total.Amount.Value.String()
			case "benefit":
				a.paid = total.Amount.Value.String()
			case "memberliability":
				a.patient = total.Amount.Value.String()
			}
		}
		all[e.Resource.ResourceType] = a
	}
	return all
}

// Of a dossier that fails, nothing is listed; of a claim that was decided twice,
// the last decision.
func TestClaimDecisions(t *testing.T) {
	w := build(t, nil)
	_, all := ClaimDecisions(w.files, nil, nil)
	twice := 0
	for _, d := range all {
		if d.Claim.Number != "C3" {
			continue
		}
		if twice++; d.Decision.Number != 2 || d.Decision.Outcome == claims.Pended {
			t.Errorf("C3: got decision %d (%s), want the second", d.Decision.Number, d.Decision.Outcome)
		}
	}
	if twice != 1 {
		t.Errorf("C3 is listed %d times", twice)
	}
	w.files["note.txt"] = []byte("hello")
	if report, all := ClaimDecisions(w.files, nil, nil); report.OK() || len(all) > 0 {
		t.Errorf("with a file that nothing covers: %d claims", len(all))
	}
}
