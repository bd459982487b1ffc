package fhir

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// told is a claim of two lines: the first is shared between plan and patient,
// the second refused.
//
//	line 1: 900.00 = 480.00 written off + 250.00 deductible + 34.00 of 170.00 + 136.00 paid
//	line 2:  50.00 = 50.00 not covered
func told() Told {
	c := &claims.Claim{
		Number: "C1", Frequency: claims.Original, Charge: 950_00, Place: "11", Payer: claims.Payer{ID: "DEMOPPO", Name: "DEMO PPO"},
		Billing:    claims.Provider{NPI: "1993999998", Organization: true, Name: "BAY CLINIC", Address: claims.Address{Street: "1 Way", City: "Oakland", State: "CA", ZIP: "94601"}},
		Rendering:  &claims.Provider{NPI: "1234567893", Name: "RUSKIN", First: "PETRA"},
		Subscriber: claims.Person{MemberID: "M1", Last: "DOE", First: "JO", Birth: "1980-02-03", Sex: "F"},
		Patient:    &claims.Person{Last: "DOE", First: "KIM", Relationship: "19"},
		Diagnoses:  []string{"M545", "J069"}, ServiceState: "CA",
		Lines: []claims.Line{
			{Number: 1, Code: "72148", Modifiers: []string{"26", "RT"}, Charge: 900_00, Unit: "UN", Units: 1000, Pointers: []int{1}, From: "2026-10-02", To: "2026-10-02"},
			{Number: 2, Code: "A4550", Charge: 50_00, Unit: "UN", Units: 1500, Pointers: []int{1, 2}, From: "2026-10-02", To: "2026-10-03", Place: "12"},
		},
	}
	d := &claims.Decision{
		Submission: credentials.Handle{7}, Claim: "C1", Number: 1, Outcome: claims.Paid, Charge: 950_00, Allowed: 420_00, Paid: 136_00, Patient: 284_00,
		Lines: []claims.LineDecision{
			{Line: 1, Outcome: claims.Paid, Charge: 900_00, Allowed: 420_00, Paid: 136_00, Patient: 284_00, Adjustments: []claims.Adjustment{
				{Group: claims.Contractual, CARC: claims.CARCContractual, Amount: 480_00},
				{Group: claims.Patient, CARC: claims.CARCDeductible, Amount: 250_00},
				{Group: claims.Patient, CARC: claims.CARCCoinsurance, Amount: 34_00},
			}},
			{Line: 2, Outcome: claims.Denied, Charge: 50_00, Adjustments: []claims.Adjustment{
				{Group: claims.OtherAdjust, CARC: claims.CARCExcluded, RARC: claims.RARCPlanExcludes, Amount: 50_00},
			}},
		},
	}
	return Told{Handle: credentials.Handle{9}, Claim: c, Decision: d, Created: "2026-10-31", Received: "2026-11-01",
		Decided: time.Date(2026, 11, 2, 3, 4, 5, 0, time.UTC), Paid: &Paid{"T1-1", "2026-11-05"}}
}

// resources are the resources of a bundle by their type; of several the last.
func resources(t testing.TB, b []byte) (byType map[string]node, r *reader) {
	t.Helper()
	var v any
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	r, byType = new(reader), map[string]node{}
	for _, e := range (node{r, "", v}).field("entry").list() {
		byType[e.field("resource").field("resourceType").text()] = e.field("resource")
	}
	return byType, r
}

// amountsOf reads a list of adjudications or totals: code to amount.
func amountsOf(n node) map[string]string {
	all := map[string]string{}
	for _, a := range n.list() {
		code := a.field("category").field("coding").list()[0].field("code").text()
		if reason := a.field("reason").field("coding").list(); len(reason) > 0 {
			code += " " + reason[0].field("code").text()
		}
		if v, ok := a.field("amount").field("value").value.(json.Number); ok {
			all[code] = v.String()
		} else {
			all[code] = ""
		}
	}
	return all
}

func TestTell(t *testing.T) {
	b, err := Tell(told())
	if err != nil {
		t.Fatal(err)
	}
	got, _ := resources(t, b)
	line1 := map[string]string{"submitted": "900.00", "eligible": "420.00", "deductible": "250.00", "copay": "0.00", "coinsurance": "34.00",
		"discount": "480.00", "noncovered": "0.00", "benefit": "136.00", "paidtoprovider": "136.00", "memberliability": "284.00"}
	line2 := map[string]string{"submitted": "50.00", "eligible": "0.00", "deductible": "0.00", "copay": "0.00", "coinsurance": "0.00",
		"discount": "0.00", "noncovered": "50.00", "benefit": "0.00", "paidtoprovider": "0.00", "memberliability": "0.00"}
	sum := map[string]string{"submitted": "950.00", "eligible": "420.00", "deductible": "250.00", "copay": "0.00", "coinsurance": "34.00",
		"discount": "480.00", "noncovered": "50.00", "benefit": "136.00", "paidtoprovider": "136.00", "memberliability": "284.00"}
	with := func(m map[string]string, more ...string) map[string]string {
		out := map[string]string{}
		for k, v := range m {
			out[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			out[more[i]] = more[i+1]
		}
		return out
	}
	for name, want := range map[string][]map[string]string{
		"ClaimResponse":        {with(line1, "CO 45", "480.00", "PR 1", "250.00", "PR 2", "34.00"), with(line2, "OA 96", "50.00")},
		"ExplanationOfBenefit": {with(line1, "benefitpaymentstatus other", "", "allowedunits", ""), with(line2, "benefitpaymentstatus other", "", "allowedunits", "", "denialreason 96", "")},
	} {
		for i, item := range got[name].field("item").list() {
			if g := amountsOf(item.field("adjudication")); !reflect.DeepEqual(g, want[i]) {
				t.Errorf("%s, line %d: got %v, want %v", name, i+1, g, want[i])
			}
		}
		if g := amountsOf(got[name].field("total")); !reflect.DeepEqual(g, sum) {
			t.Errorf("%s, totals: got %v, want %v", name, g, sum)
		}
		if p := got[name].field("payment"); p.field("identifier").field("value").text() != "T1-1" || p.field("date").date() != "2026-11-05" {
			t.Errorf("%s: the payment is %v", name, p.value)
		}
	}
	eob := got["ExplanationOfBenefit"]
	if status, _ := eob.field("payment").field("type").code(systemC4BBStatus); status != "partiallypaid" {
		t.Errorf("payment status: got %q, want partiallypaid: a line is refused", status)
	}
	if d := eob.field("diagnosis").list(); d[0].field("diagnosisCodeableConcept").field("coding").list()[0].field("code").text() != "M54.5" {
		t.Errorf("diagnosis: got %v, want it with its point", d[0].value)
	}
	item := eob.field("item").list()[1]
	if code, _ := item.field("productOrService").code(systemHCPCS2); code != "A4550" || item.field("servicedPeriod").field("end").text() != "2026-10-03" {
		t.Errorf("line 2: got %v", item.value)
	}
}

// Every reference leads into the bundle, and a name stands once.
func TestTellIsWhole(t *testing.T) {
	b, err := Tell(told())
	if err != nil {
		t.Fatal(err)
	}
	got, _ := resources(t, b)
	for _, name := range []string{"Claim", "Patient", "Coverage", "Organization", "Practitioner"} {
		if !got[name].exists() {
			t.Errorf("no %s", name)
		}
	}
	claim := "urn:uuid:" + got["Claim"].field("id").text()
	if request, of := got["ClaimResponse"].field("request"), got["ExplanationOfBenefit"].field("claim"); request.field("reference").text() != claim || of.field("reference").text() != claim {
		t.Errorf("they are about %v and %v, want %s", request.value, of.value, claim)
	}
	var bundle struct {
		Entry []struct {
			FullURL string
		}
	}
	if err := json.Unmarshal(b, &bundle); err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, e := range bundle.Entry {
		if there[e.FullURL] {
			t.Errorf("two resources are %s", e.FullURL)
		}
		there[e.FullURL] = true
	}
	for _, line := range strings.Split(string(b), "\n") {
		if _, to, ok := strings.Cut(line, `"reference": "`); ok && !there[strings.TrimRight(to, `",`)] && !strings.HasPrefix(to, "#") {
			t.Errorf("nothing answers to %s", to)
		}
	}
	again, _ := Tell(told())
	if string(again) != string(b) {
		t.Error("told twice, the bytes differ")
	}
}

// A pended claim has no ExplanationOfBenefit: the plan has not said what it pays.
func TestTellPended(t *testing.T) {
	x := told()
	x.Decision.Outcome, x.Decision.Pends = claims.Pended, []claims.Pend{{Line: 1, Reason: claims.PendStanding}}
	x.Decision.Allowed, x.Decision.Paid, x.Decision.Patient, x.Paid = 0, 0, 0, nil
	for i := range x.Decision.Lines {
		l := &x.Decision.Lines[i]
		*l = claims.LineDecision{Line: l.Line, Outcome: claims.Pended, Charge: l.Charge}
	}
	b, err := Tell(x)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := resources(t, b)
	if r := got["ClaimResponse"]; r.field("outcome").text() != "partial" || !strings.Contains(string(b), claims.PendStanding.Words()) {
		t.Errorf("outcome: got %v, and the reason is said: %v", r.field("outcome").value, strings.Contains(string(b), claims.PendStanding.Words()))
	}
	if got["ExplanationOfBenefit"].exists() {
		t.Error("it has an ExplanationOfBenefit")
	}
}

// What does not add up, or is about another claim, is told to nobody.
func TestTellRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Told)
		want   string
	}{
		"another claim":     {func(x *Told) { x.Claim.Number = "C2" }, "about another claim"},
		"a line's payment":  {func(x *Told) { x.Decision.Lines[0].Paid++ }, "line 1 does not add up"},
		"an adjustment":     {func(x *Told) { x.Decision.Lines[1].Adjustments[0].Amount-- }, "line 2 does not add up"},
		"the patient's":     {func(x *Told) { x.Decision.Lines[0].Patient++ }, "line 1 does not add up"},
		"the claim's total": {func(x *Told) { x.Decision.Paid++ }, "the lines do not add up to the claim"},
		"allowed":           {func(x *Told) { x.Decision.Allowed++ }, "the lines do not add up to the claim"},
	} {
		x := told()
		test.change(&x)
		if _, err := Tell(x); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

// However a charge is divided, the buckets add up to it.
func TestBucketsAddUp(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	kinds := []claims.Adjustment{
		{Group: claims.Contractual, CARC: claims.CARCContractual}, {Group: claims.Patient, CARC: claims.CARCDeductible},
		{Group: claims.Patient, CARC: claims.CARCCopay}, {Group: claims.Patient, CARC: claims.CARCCoinsurance},
		{Group: claims.OtherAdjust, CARC: claims.CARCExcluded}, {Group: claims.Contractual, CARC: claims.CARCNotLicensed},
		{Group: claims.Contractual, CARC: "253"},
	}
	for range 1000 {
		l := claims.LineDecision{Line: 1, Outcome: claims.Paid, Paid: claims.Cents(rnd.IntN(10000))}
		l.Charge = l.Paid
		for _, a := range kinds {
			if a.Amount = claims.Cents(rnd.IntN(10000)); rnd.IntN(2) == 0 {
				l.Adjustments = append(l.Adjustments, a)
				l.Charge += a.Amount
				if a.Group == claims.Patient {
					l.Patient += a.Amount
				}
			}
		}
		b, err := bucketsOf(&l)
		if err != nil {
			t.Fatal(err)
		}
		if sum := b.Deductible + b.Copay + b.Coinsurance + b.Discount + b.Noncovered + b.Benefit; sum != b.Submitted || b.MemberLiability != l.Patient {
			t.Fatalf("%+v: the buckets add up to %s", l, sum)
		}
	}
}
