package fhir

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// aClaim makes a claim that a FHIR Claim can say in full.
func aClaim(r *rand.Rand, institutional bool) *claims.Claim {
	pick := func(all ...string) string { return all[r.IntN(len(all))] }
	person := func(member string) claims.Person {
		p := claims.Person{MemberID: member, Last: pick("DOE", "O'NEIL", "ÅNGSTRÖM"), First: pick("JO", "KIM"), Middle: pick("", "Q"), Sex: pick("F", "M", "U", "")}
		if r.IntN(2) == 0 {
			p.Birth = "1980-02-29"
			p.Address = claims.Address{Street: "1 WAY", City: "DAVIS", State: pick("CA", "NV"), ZIP: "95616"}
		}
		return p
	}
	clinician := func() *claims.Provider {
		return &claims.Provider{NPI: credentials.NPI(pick("2999002019", "2999002183", "2999002050")), Name: "AMARANTH", First: pick("", "NADIA"), Taxonomy: pick("", "207Q00000X")}
	}
	c := &claims.Claim{
		Number: pick("C1", "PCN-0001"), Frequency: claims.Original, Place: "11", Payer: claims.Payer{ID: "DEMOPPO", Name: "DEMO-PPO"},
		Billing: claims.Provider{NPI: "2999001003", Organization: r.IntN(4) > 0, Name: "MISSION", TaxID: pick("", "990000001"),
			Address: claims.Address{Street: "1 WAY", City: "SACRAMENTO", State: "CA", ZIP: "95814"}},
		Subscriber: person("M1"), Authorization: pick("", "AUTH-1"), ServiceState: pick("CA", "NV"), Diagnoses: []string{"J069", "M5450", "I10"}[:r.IntN(4)],
	}
	if c.Diagnoses == nil {
		c.Diagnoses = []string{}
	}
	if r.IntN(3) == 0 {
		patient := person(pick("M1", "M1-2"))
		patient.Relationship = pick("01", "19", "G8")
		c.Patient, c.Subscriber.Sex = &patient, ""
	} else {
		c.Subscriber.Relationship = "18"
	}
	if r.IntN(3) > 0 {
		c.Rendering = clinician()
	}
	for i := range 1 + r.IntN(5) {
		l := claims.Line{Number: 2*i + 1, Code: pick("99213", "J1100", "0001U"), Unit: "UN", Units: claims.Quantity(1 + r.IntN(5000)), Charge: claims.Cents(r.IntN(1_000_000)), From: "2026-10-01", To: "2026-10-01"}
		if r.IntN(2) == 0 {
			l.Modifiers, l.To = []string{"25", "RT"}[:1+r.IntN(2)], "2026-10-03"
		}
		for p := range r.IntN(len(c.Diagnoses) + 1) {
			l.Pointers = append(l.Pointers, p+1)
		}
		if !institutional && i > 0 {
			l.Place = pick("", "22")
			l.Unit = pick("UN", "MJ")
		}
		c.Charge, c.Lines = c.Charge+l.Charge, append(c.Lines, l)
	}
	if r.IntN(3) == 0 && len(c.Lines) > 1 { // of several clinicians each line names its own
		c.Rendering = nil
		for i := range c.Lines {
			c.Lines[i].Rendering = &claims.Provider{NPI: credentials.NPI(fmt.Sprintf("29990020%02d", i%2)), Name: "RUSKIN"}
		}
	}
	if institutional {
		c.Place, c.Frequency = "", claims.Frequency(pick("1", "1", "2"))
		in := &claims.Institutional{Facility: pick("11", "13"), From: "2026-10-01", Through: "2026-10-04", Admitted: credentials.Date(pick("", "2026-10-01")), AdmissionType: pick("", "1"),
			AdmissionSource: pick("", "7"), PatientStatus: pick("", "01"), DRG: pick("", "470")}
		if r.IntN(2) == 0 {
			in.Attending, in.Operating = clinician(), clinician()
			in.Procedures = []claims.Procedure{{Code: "0SR90JZ", On: "2026-10-02"}, {Code: "0SR9019"}}
		}
		if len(c.Diagnoses) > 0 && r.IntN(2) == 0 {
			in.Present = append([]string{"Y"}, make([]string, len(c.Diagnoses)-1)...)
		}
		for i := range c.Lines {
			l := &c.Lines[i]
			l.Revenue, l.Code, l.Unit = "0120", pick("", "80053"), pick("UN", "DA")
			if l.Code == "" {
				l.Modifiers = nil
			}
		}
		c.Institutional = in
	}
	return c
}

// written is the Claim of a bundle that tells of a claim, nil where there is none.
func written(t *testing.T, c *claims.Claim) []byte {
	t.Helper()
	d := &claims.Decision{Submission: credentials.Handle{7}, Claim: c.Number, Number: 1, Outcome: claims.Pended, Charge: c.Charge}
	for _, l := range c.Lines {
		d.Lines = append(d.Lines, claims.LineDecision{Line: l.Number, Outcome: claims.Pended, Charge: l.Charge})
	}
	b, err := Tell(Told{Handle: credentials.Handle{9}, Claim: c, Decision: d, Created: "2026-10-31", Received: "2026-11-01"})
	if err != nil {
		t.Fatal(err)
	}
	var told struct {
		Entry []struct {
			FullURL  string
			Resource json.RawMessage
		}
	}
	if err := json.Unmarshal(b, &told); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(told.Entry[0].Resource), `"resourceType": "Claim"`) {
		if strings.Contains(string(b), `"request"`) {
			t.Error("a response names a Claim that is not there")
		}
		return nil
	}
	var response struct{ Request struct{ Reference string } }
	if err := json.Unmarshal(told.Entry[1].Resource, &response); err != nil || response.Request.Reference != told.Entry[0].FullURL {
		t.Errorf("the response is to %q, the Claim is %q (%v)", response.Request.Reference, told.Entry[0].FullURL, err)
	}
	return told.Entry[0].Resource
}

// TestClaimIsTheSameAgain: the Claim that is written is read as the claim that was
// decided, to the last field; of one that says more than FHIR, as all the rest.
func TestClaimIsTheSameAgain(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 37))
	for i := range 400 {
		c := aClaim(r, i%2 == 1)
		read := func() claims.Claim {
			b := written(t, c)
			if b == nil {
				t.Fatalf("not written: %+v %+v", c, c.Institutional)
			}
			got, err := ParseClaim(b)
			if err != nil || got.Created != "2026-10-31" {
				t.Fatalf("%v: %+v", err, got)
			}
			return got.Claim
		}
		if got := read(); !reflect.DeepEqual(got, *c) {
			t.Fatalf("got  %+v %+v\nwant %+v %+v", got, got.Institutional, c, c.Institutional)
		}
		if t.Failed() {
			return
		}
		full := *c
		c.DelayReason, c.Billing.Taxonomy = "8", "282N00000X"
		for j := range c.Lines {
			c.Lines[j].Control, c.Lines[j].Authorization = "L1", "AUTH-2"
		}
		if c.Institutional != nil {
			c.Institutional.Admitting, c.Institutional.Conditions, c.Institutional.AdmissionHour = "R05", []string{"09"}, "0930"
			c.Lines[0].NonCovered = 1
		}
		got := read()
		full.Lines = append([]claims.Line{}, c.Lines...)
		for j := range full.Lines {
			full.Lines[j].Control, full.Lines[j].Authorization, full.Lines[j].NonCovered = "", "", 0
		}
		if in := full.Institutional; in != nil {
			in.Admitting, in.Conditions, in.AdmissionHour = "", nil, ""
		}
		if !reflect.DeepEqual(got, full) {
			t.Fatalf("of a claim that says more: got %+v, want %+v", got, full)
		}
	}
}

// TestClaimIsNotWritten: what a FHIR Claim cannot say the same is left out, and
// nothing refers to it.
func TestClaimIsNotWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, edit := range map[string]func(*claims.Claim){
		"a replacement":          func(c *claims.Claim) { c.Frequency, c.OriginalReference = claims.Replacement, "CS1" },
		"nobody's member id":     func(c *claims.Claim) { c.Subscriber.MemberID, c.Patient = "", nil },
		"a unit of another kind": func(c *claims.Claim) { c.Lines[0].Unit = "ZZ" },
		"of an organization's care": func(c *claims.Claim) {
			c.Rendering = &claims.Provider{NPI: "2999001003", Organization: true, Name: "X"}
		},
		"no state": func(c *claims.Claim) { c.ServiceState, c.Billing.Address.State = "", "" },
	} {
		c := aClaim(r, false)
		for i := range c.Lines {
			c.Lines[i].Rendering = nil
		}
		if edit(c); written(t, c) != nil {
			t.Errorf("%s: it is written", name)
		}
	}
}
