package claims

import (
	"strings"
	"testing"
)

// aStay is a sound claim of a hospital: three days in a room, and a test.
func aStay(t *testing.T) *Claim {
	c, _ := aCase(goldPlan(t), aLine{code: "", charge: 900_00}, aLine{code: "80053", charge: 100_00})
	c.Place, c.Rendering = "", nil
	c.Institutional = &Institutional{
		Facility: "11", From: "2026-03-01", Through: "2026-03-04", Admitted: "2026-03-01", AdmissionHour: "0930", DischargeHour: "1100",
		AdmissionType: "1", AdmissionSource: "7", PatientStatus: "01", Attending: &Provider{NPI: drA, Name: "A"}, DRG: "470",
		Present: []string{"Y"}, Admitting: "M545", Procedures: []Procedure{{"0SR90JZ", "2026-03-01"}},
		Values: []ValueCode{{"A1", 10_00}}, Conditions: []string{"09"}, Occurred: []Occurrence{{"11", "2026-03-01", ""}},
	}
	for i := range c.Lines {
		l := &c.Lines[i]
		l.Pointers, l.Revenue = nil, []string{"0120", "0300"}[i]
	}
	c.Lines[0].Unit, c.Lines[0].Units = "DA", 3000
	return c
}

// sample is the claim that a test breaks.
func sample(t *testing.T, name string) *Claim {
	if strings.HasPrefix(name, "stay: ") {
		return aStay(t)
	}
	c, _ := aCase(goldPlan(t), aLine{code: "73610", charge: 50_00, fee: 50_00})
	return c
}

var hospitalTests = []struct {
	name string
	with func(c *Claim)
	want string
}{
	{"stay: nothing wrong", func(c *Claim) {}, ""},
	{"stay: bill type", func(c *Claim) { c.Institutional.Facility = "1" }, "CLM05-1 A7:228, HI01-2 A7:465"},
	{"stay: place", func(c *Claim) { c.Place = "11" }, "CLM05-1 A7:249"},
	{"stay: statement", func(c *Claim) { c.Institutional.Through = "2026-02-28"; c.Institutional.Admitted = "2026-02-28" }, "DTP03 A8:187, DTP03 A8:187, DTP03 A7:194"},
	{"stay: statement to come", func(c *Claim) { c.Institutional.Through = "2026-04-02" }, "DTP03 A7:194"},
	{"stay: attending", func(c *Claim) { c.Institutional.Attending = nil }, "NM109 A6:562"},
	{"stay: attending's NPI", func(c *Claim) { c.Institutional.Attending = &Provider{NPI: "1234567890"} }, "NM109 A7:562"},
	{"stay: operating's NPI", func(c *Claim) { c.Institutional.Operating = &Provider{} }, "NM109 A6:562"},
	{"stay: no admission", func(c *Claim) { c.Institutional.Admitted = "" }, "DTP03 A6:189"},
	{"stay: outpatient", func(c *Claim) {
		c.Institutional.Facility, c.Institutional.Admitted, c.Institutional.AdmissionType, c.Institutional.Procedures = "13", "", "", nil
	}, ""},
	{"stay: admitted after it", func(c *Claim) { c.Institutional.Admitted = "2026-03-05" }, "DTP03 A7:189"},
	{"stay: hour", func(c *Claim) { c.Institutional.AdmissionHour = "0960" }, "DTP03 A7:230"},
	{"stay: discharge hour", func(c *Claim) { c.Institutional.DischargeHour = "2400" }, "DTP03 A7:233"},
	{"stay: no admission type", func(c *Claim) { c.Institutional.AdmissionType = "" }, "CL101 A6:231"},
	{"stay: admission type", func(c *Claim) { c.Institutional.AdmissionType = "6" }, "CL101 A7:231"},
	{"stay: admission source", func(c *Claim) { c.Institutional.AdmissionSource = "77" }, "CL102 A7:229"},
	{"stay: status", func(c *Claim) { c.Institutional.PatientStatus = "" }, "CL103 A7:234"},
	{"stay: outpatient's procedure", func(c *Claim) { c.Institutional.Facility = "13" }, "HI01-2 A7:465"},
	{"stay: procedure", func(c *Claim) { c.Institutional.Procedures[0].Code = "0SR9OJZ" }, "HI01-2 A7:465"},
	{"stay: DRG", func(c *Claim) { c.Institutional.DRG = "47" }, "HI01-2 A7:256"},
	{"stay: present", func(c *Claim) { c.Institutional.Present[0] = "X" }, "HI01-9 A7:688"},
	{"stay: value code", func(c *Claim) { c.Institutional.Values[0].Code = "A" }, "HI01-2 A7:725"},
	{"stay: condition code", func(c *Claim) { c.Institutional.Conditions[0] = "" }, "HI01-2 A7:460"},
	{"stay: occurrence code", func(c *Claim) { c.Institutional.Occurred[0].Code = "1?" }, "HI01-2 A7:719"},
	{"stay: no revenue code", func(c *Claim) { c.Lines[0].Revenue = "" }, "SV201 A7:455"},
	{"stay: total line", func(c *Claim) { c.Lines[0].Revenue = "0001" }, "SV201 A7:455"},
	{"stay: interim bill", func(c *Claim) { c.Frequency = "3" }, "CLM05-3 A3:535"},
	{"interim bill of a clinician", func(c *Claim) { c.Frequency = "3" }, "CLM05-3 A7:535"},
	{"stay: HIPPS code", func(c *Claim) { c.Lines[0].Revenue, c.Lines[0].Code = "0022", "KAGD1" }, ""},
	{"stay: HIPPS code like HCPCS", func(c *Claim) { c.Lines[0].Revenue, c.Lines[0].Code = "0024", "A0101" }, ""},
	{"stay: no HIPPS code", func(c *Claim) { c.Lines[0].Revenue = "0023" }, "SV202-2 A7:454"},
	{"stay: HIPPS code elsewhere", func(c *Claim) { c.Lines[0].Revenue, c.Lines[0].Code = "0025", "KAGD1" }, "SV202-2 A7:454"},
	{"stay: minutes", func(c *Claim) { c.Lines[0].Unit = "MJ" }, "SV204 A7:476, SV204 A7:476"},
	{"stay: pointers", func(c *Claim) { c.Lines[0].Pointers = []int{1} }, "SV204 A7:476"},
	{"stay: procedure of a line", func(c *Claim) { c.Lines[1].Code = "8005" }, "SV202-2 A7:454"},
	{"stay: not covered", func(c *Claim) { c.Lines[0].NonCovered = 900_01 }, "SV207 A7:178"},
	{"stay: before the statement", func(c *Claim) { c.Lines[0].From = "2026-02-28" }, "DTP03 A8:187"},
	{"stay: 13 diagnoses", func(c *Claim) {
		for range 12 {
			c.Diagnoses = append(c.Diagnoses, "M545")
		}
	}, ""},
	{"stay: 26 diagnoses", func(c *Claim) {
		for range 25 {
			c.Diagnoses = append(c.Diagnoses, "M545")
		}
	}, "HI01 A7:255"},
}

func TestCheckStay(t *testing.T) {
	for _, tt := range hospitalTests {
		c := sample(t, tt.name)
		tt.with(c)
		var got []string
		for _, p := range Check(c, Edits{}, "2026-04-01") {
			got = append(got, p.Element+" "+p.Code)
		}
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%s: got %v, want %q", tt.name, got, tt.want)
		}
	}
}

// TestStayWaitsWithoutTerms: under an edition without terms for hospitals, whatever the evidence, a hospital's claim waits, and no
// reviewer's word lets it be priced as single services.
func TestStayWaitsWithoutTerms(t *testing.T) {
	c := aStay(t)
	p := goldPlan(t)
	_, e := aCase(p, aLine{code: "73610", charge: 900_00, fee: 900_00}, aLine{code: "80053", charge: 100_00, fee: 90_00})
	for i := range e.Lines {
		e.Lines[i].Standing.Rostered = true
	}
	e.Number = 2
	about := Determination{Subject: e.Submission, Number: 1, Reason: "96"}
	approves := about
	approves.Approve = true
	for _, review := range []*Determination{nil, &approves, &about} {
		e.Review = review
		d, err := Adjudicate(c, p, e)
		if err != nil || d.Outcome != Pended || pends(d) != "1 institutional-terms, 2 institutional-terms" || d.Paid+d.Patient != 0 || len(d.Met) > 0 {
			t.Errorf("review %+v: %+v, %v", review, d, err)
		}
	}
	c.Institutional, e.Review = nil, nil
	if d, err := Adjudicate(c, p, e); err != nil || d.Outcome != Paid {
		t.Errorf("the same as a professional claim: %+v, %v", d, err)
	}
}
