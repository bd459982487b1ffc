package fhir

import (
	"reflect"
	"slices"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// stay is a hospital's claim of that facility: a room and a test.
//
//	line 1: 900.00 = 300.00 written off + 60.00 copay + 540.00 paid
//	line 2: 100.00, and 20.00 beyond the charge: 120.00 paid
func stay(facility string) Told {
	x := told()
	c := x.Claim
	c.Place, c.Charge, c.Frequency, c.Rendering = "", 1000_00, "1", nil
	c.Institutional = &claims.Institutional{
		Facility: facility, From: "2026-10-01", Through: "2026-10-04", Admitted: "2026-10-02", AdmissionType: "1", AdmissionSource: "7", PatientStatus: "01",
		Attending: &claims.Provider{NPI: "1234567893", Name: "RUSKIN", First: "PETRA"}, Operating: &claims.Provider{NPI: "1245319599", Name: "OLIN"},
		DRG: "470", Admitting: "M545", Reasons: []string{"R52"}, External: []string{"W010XXA"},
	}
	if facility == "11" {
		c.Institutional.Procedures = []claims.Procedure{{Code: "0SR90JZ", On: "2026-10-02"}, {Code: "0SR9019"}}
	}
	c.Lines = []claims.Line{
		{Number: 1, Revenue: "0120", Charge: 900_00, Unit: "DA", Units: 3000, From: "2026-10-01", To: "2026-10-04"},
		{Number: 2, Revenue: "0305", Code: "85025", Charge: 100_00, Unit: "UN", Units: 1000, From: "2026-10-02", To: "2026-10-02"},
	}
	d := x.Decision
	d.Charge, d.Allowed, d.Paid, d.Patient, d.Whole = 1000_00, 720_00, 660_00, 60_00, facility == "11"
	d.Lines = []claims.LineDecision{
		{Line: 1, Outcome: claims.Paid, Charge: 900_00, Allowed: 600_00, Paid: 540_00, Patient: 60_00, Adjustments: []claims.Adjustment{
			{Group: claims.Contractual, CARC: claims.CARCContractual, Amount: 300_00}, {Group: claims.Patient, CARC: claims.CARCCopay, Amount: 60_00}}},
		{Line: 2, Outcome: claims.Paid, Charge: 100_00, Allowed: 120_00, Paid: 120_00, Adjustments: []claims.Adjustment{
			{Group: claims.Contractual, CARC: claims.CARCAboveCharge, Amount: -20_00}}},
	}
	return x
}

// TestTellStay tells of a stay and of a visit in the profiles for those.
func TestTellStay(t *testing.T) {
	for facility, want := range map[string]struct {
		profile, subtype string
		info             []string
		procedures       int
	}{
		"11": {"ExplanationOfBenefit-Inpatient-Institutional", "inpatient", []string{"clmrecvddate ", "patientaccountnumber ", "typeofbill 111", "pointoforigin 7", "admtype 1", "discharge-status 01", "drg 470", "admissionperiod "}, 2},
		"13": {"ExplanationOfBenefit-Outpatient-Institutional", "outpatient", []string{"clmrecvddate ", "patientaccountnumber ", "typeofbill 131", "pointoforigin 7", "admtype 1", "discharge-status 01", "drg 470"}, 0},
	} {
		b, err := Tell(stay(facility))
		if err != nil {
			t.Fatal(err)
		}
		got, _ := resources(t, b)
		eob := got["ExplanationOfBenefit"]
		if p := eob.field("meta").field("profile").list()[0].text(); p != profileC4BB+want.profile+versionC4BB {
			t.Errorf("%s: profile %s", facility, p)
		}
		if code, _ := eob.field("subType").code(systemC4BBSub); code != want.subtype {
			t.Errorf("%s: subtype %s", facility, code)
		}
		if kind, _ := eob.field("type").code(systemClaimType); kind != "institutional" {
			t.Errorf("%s: type %s", facility, kind)
		}
		var info []string
		for _, s := range eob.field("supportingInfo").list() {
			kind, _ := s.field("category").code(systemC4BBInfo)
			code := ""
			if codings := s.field("code").field("coding").list(); len(codings) > 0 {
				code = codings[0].field("code").text()
			}
			info = append(info, kind+" "+code)
		}
		if !slices.Equal(info, want.info) {
			t.Errorf("%s: told %q, want %q", facility, info, want.info)
		}
		if n := len(eob.field("procedure").list()); n != want.procedures {
			t.Errorf("%s: %d procedures", facility, n)
		}
		var roles []string
		for _, m := range eob.field("careTeam").list() {
			role, _ := m.field("role").code(systemC4BBCare)
			roles = append(roles, role)
		}
		if !slices.Equal(roles, []string{"attending", "operating"}) {
			t.Errorf("%s: care team %v", facility, roles)
		}
		items := eob.field("item").list()
		if revenue, _ := items[0].field("revenue").code(systemRevenu); revenue != "0120" || items[0].field("careTeamSequence").list()[0].value.(interface{ String() string }).String() != "1" {
			t.Errorf("%s: item 1: %v", facility, items[0].value)
		}
		if none, _ := items[0].field("productOrService").code(systemAbsent); none != "not-applicable" || items[0].field("locationCodeableConcept").exists() {
			t.Errorf("%s: item 1: %v", facility, items[0].value)
		}
		if code, _ := items[1].field("productOrService").code(systemCPT); code != "85025" {
			t.Errorf("%s: item 2: %v", facility, items[1].value)
		}
		sums := map[string]string{"submitted": "1000.00", "eligible": "720.00", "deductible": "0.00", "copay": "60.00", "coinsurance": "0.00",
			"discount": "280.00", "noncovered": "0.00", "benefit": "660.00", "paidtoprovider": "660.00", "memberliability": "60.00"}
		whole, lines := amountsOf(eob.field("adjudication")), amountsOf(items[0].field("adjudication"))
		if facility == "11" != (whole["benefit"] == "660.00") || facility == "11" == (lines["benefit"] == "540.00") {
			t.Errorf("%s: amounts of the claim %v, of line 1 %v", facility, whole, lines)
		}
		if g := amountsOf(eob.field("total")); !reflect.DeepEqual(g, sums) {
			t.Errorf("%s: totals %v, want %v", facility, g, sums)
		}
	}
}

// Who rendered a line of a hospital's claim comes before the attending.
func TestStayCareTeam(t *testing.T) {
	x := stay("11")
	x.Claim.Lines[1].Rendering = &claims.Provider{NPI: credentials.NPI("1245319599"), Name: "OLIN"}
	b, err := Tell(x)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := resources(t, b)
	var of []string
	for _, item := range got["ExplanationOfBenefit"].field("item").list() {
		of = append(of, item.field("careTeamSequence").list()[0].value.(interface{ String() string }).String())
	}
	if !slices.Equal(of, []string{"2", "1"}) {
		t.Errorf("the items are by %v of the care team, want 2 and 1", of)
	}
}
