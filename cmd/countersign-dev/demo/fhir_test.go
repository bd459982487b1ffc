package demo_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/countersign-health/countersign/dossier"
)

// TestFHIR: the ExplanationOfBenefit of each claim that the 835 pays or denies,
// if it was not decided anew since, says the same to the cent. It is written by
// the command that people use, from the folder alone.
func TestFHIR(t *testing.T) {
	s := builtIn(t)
	paid := balance(t, filepath.Join(s.out, dossier.RemittanceFile))
	out := filepath.Join(t.TempDir(), "fhir")
	b, err := exec.Command(countersign(t), "claim", "fhir", s.out, "--out", out, "--json").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	var answer struct {
		Decisions []struct{ Claim, Outcome, File string }
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, d := range answer.Decisions {
		b, err := os.ReadFile(d.File)
		if err != nil {
			t.Fatal(err)
		}
		totals, trace := benefit(t, b)
		if (totals == nil) != (d.Outcome == "pended") {
			t.Errorf("%s is %s and has an ExplanationOfBenefit: %v", d.Claim, d.Outcome, totals != nil)
		}
		if trace == "" {
			continue
		}
		compared++
		for code, want := range map[string]int64{"submitted": paid.claim[d.Claim], "benefit": paid.paid[d.Claim], "memberliability": paid.patient[d.Claim]} {
			if got, err := cents(totals[code]); err != nil || got != want {
				t.Errorf("%s: %s is %q, %v; the 835 says %d cents", d.Claim, code, totals[code], err, want)
			}
		}
	}
	if compared < 5 {
		t.Errorf("%d of %d claims were compared", compared, len(answer.Decisions))
	}
}

// benefit reads the totals of a bundle's ExplanationOfBenefit, nil where it has
// none, and the number of the payment.
func benefit(t *testing.T, b []byte) (totals map[string]string, trace string) {
	t.Helper()
	var bundle struct {
		Entry []struct {
			Resource struct {
				ResourceType string
				Total        json.RawMessage // of a Claim no list
				Payment      struct{ Identifier struct{ Value string } }
			}
		}
	}
	if err := json.Unmarshal(b, &bundle); err != nil {
		t.Fatal(err)
	}
	for _, e := range bundle.Entry {
		if e.Resource.ResourceType != "ExplanationOfBenefit" {
			continue
		}
		var list []struct {
			Category struct{ Coding []struct{ Code string } }
			Amount   struct{ Value json.Number }
		}
		if err := json.Unmarshal(e.Resource.Total, &list); err != nil {
			t.Fatal(err)
		}
		totals = map[string]string{}
		for _, x := range list {
			totals[x.Category.Coding[0].Code] = x.Amount.Value.String()
		}
		trace = e.Resource.Payment.Identifier.Value
	}
	return totals, trace
}
