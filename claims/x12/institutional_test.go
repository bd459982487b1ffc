package x12

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
)

// staySegments is an 837I set of one claim, with most of what the reader reads.
const staySegments = `BHT*0019*00*REF1*20261102*0900*CH
NM1*41*2*HOSPITAL*****46*HOSPITAL
NM1*40*2*INSURER*****46*INSURER
HL*1**20*1
PRV*BI*PXC*282N00000X
NM1*85*2*MISSION HOSPITAL*****XX*2999001003
N3*1 WAY
N4*SACRAMENTO*CA*958140001
REF*EI*990000001
HL*2*1*22*0
SBR*P*18*******CI
NM1*IL*1*DOE*JANE****MI*M1
N4*DAVIS*CA*95616
DMG*D8*19600229*F
NM1*PR*2*PLAN*****PI*PAYER1
CLM*S1*1100***11:A:1*Y*A*Y*Y
DTP*096*TM*1130
DTP*434*RD8*20261001-20261004
DTP*435*DT*202610010930
CL1*1*7*01
REF*G1*AUTH1
HI*ABK:M1611:::::::Y
HI*ABJ:M2550
HI*APR:R0602*APR:R05
HI*ABN:W1830XA:::::::N
HI*DR:470
HI*ABF:I10:::::::Y*ABF:E119
HI*BBR:0SR90JZ:D8:20261001
HI*BBQ:0SRB0JZ:D8:20261002
HI*BI:71:RD8:20260901-20260905
HI*BH:11:D8:20260930
HI*BE:A1:::10.5*BE:80:::3
HI*BG:09*BG:C1
NM1*71*1*ROE*RICHARD****XX*2999002019
PRV*AT*PXC*207X00000X
NM1*72*1*KNIFE*KIM****XX*2999002183
NM1*82*1*REN*RAY****XX*2999002050
NM1*77*2*OUTPOST*****XX*2999001003
N4*ELKO*NV*89801
LX*1
SV2*0120**900*DA*3**50
LX*2
SV2*0301*HC:80053:91*200*UN*1
DTP*472*D8*20261002
REF*6R*L2
NM1*82*1*LINE*LEO****XX*2999002183
`

func institutionalSet(control, segments string) string {
	return strings.Replace(setOf(control, segments), "005010X222A1", "005010X223A2", 1)
}

func stay() string { return fileOf(institutionalSet("0001", staySegments)) }

func TestReadStay(t *testing.T) {
	f, got := readAll(t, stay())
	if len(f.Refusals)+len(f.Notes) != 0 || len(got) != 1 {
		t.Fatalf("got %+v", f)
	}
	person := func(last, first, npi, taxonomy string) *claims.Provider {
		p := claims.Provider{Name: last, First: first, Taxonomy: taxonomy}
		return &p
	}
	attending, operating := person("ROE", "RICHARD", "", "207X00000X"), person("KNIFE", "KIM", "", "")
	attending.NPI, operating.NPI = "2999002019", "2999002183"
	want := claims.Claim{
		Number: "S1", Frequency: claims.Original, Charge: 110000, Payer: claims.Payer{ID: "PAYER1", Name: "PLAN"},
		Billing: claims.Provider{NPI: "2999001003", Organization: true, Name: "MISSION HOSPITAL", TaxID: "990000001", Taxonomy: "282N00000X",
			Address: claims.Address{Street: "1 WAY", City: "SACRAMENTO", State: "CA", ZIP: "958140001"}},
		Rendering: &claims.Provider{NPI: "2999002050", Name: "REN", First: "RAY"},
		Subscriber: claims.Person{MemberID: "M1", Last: "DOE", First: "JANE", Birth: "1960-02-29", Sex: "F", Relationship: "18",
			Address: claims.Address{City: "DAVIS", State: "CA", ZIP: "95616"}},
		Diagnoses: []string{"M1611", "I10", "E119"}, Authorization: "AUTH1", ServiceState: "NV",
		Institutional: &claims.Institutional{
			Facility: "11", From: "2026-10-01", Through: "2026-10-04", Admitted: "2026-10-01", AdmissionHour: "0930", DischargeHour: "1130",
			AdmissionType: "1", AdmissionSource: "7", PatientStatus: "01", Attending: attending, Operating: operating, DRG: "470",
			Present: []string{"Y", "Y", ""}, Admitting: "M2550", Reasons: []string{"R0602", "R05"}, External: []string{"W1830XA"},
			Procedures: []claims.Procedure{{Code: "0SR90JZ", On: "2026-10-01"}, {Code: "0SRB0JZ", On: "2026-10-02"}},
			Values:     []claims.ValueCode{{Code: "A1", Amount: 1050}, {Code: "80", Amount: 300}}, Conditions: []string{"09", "C1"},
			Occurred: []claims.Occurrence{{Code: "71", From: "2026-09-01", Through: "2026-09-05"}, {Code: "11", From: "2026-09-30"}},
		},
		Lines: []claims.Line{
			{Number: 1, Revenue: "0120", Charge: 90000, Unit: "DA", Units: 3000, NonCovered: 5000, From: "2026-10-01", To: "2026-10-04"},
			{Number: 2, Revenue: "0301", Code: "80053", Modifiers: []string{"91"}, Charge: 20000, Unit: "UN", Units: 1000, From: "2026-10-02", To: "2026-10-02",
				Control: "L2", Rendering: &claims.Provider{NPI: "2999002183", Name: "LINE", First: "LEO"}},
		},
	}
	if !reflect.DeepEqual(got[0].Claim, want) {
		t.Errorf("got  %+v\n     %+v\nwant %+v\n     %+v", got[0].Claim, got[0].Claim.Institutional, want, want.Institutional)
	}
	if found := claims.Check(&got[0].Claim, claims.Edits{}, "2026-11-02"); len(found) > 0 || want.BillType() != "111" {
		t.Errorf("%v", found)
	}
}

// TestStayRefusals breaks a sound set in one place each, and wants that place.
func TestStayRefusals(t *testing.T) {
	for _, c := range []struct {
		old, new, at string
		element      int
		what         string
	}{
		{"11:A:1", "11:B:1", "CLM*S1", 5, "type of bill"},
		{"11:A:1", ":A:1", "CLM*S1", 5, "no type of bill"},
		{"11:A:1", "11:A:9", "CLM*S1", 5, "frequency"},
		{"CL1*1*7*01\n", "CL1*1*7*01\nCL1*1*7*02\n", "CL1*1*7*02", 0, "twice"},
		{"DTP*096*TM*1130", "DTP*434*D8*20261001", "DTP*434*RD8", 0, "twice"},
		{"DTP*096*TM*1130", "DTP*435*D8*20261001", "DTP*435*DT", 0, "twice"},
		{"20261001-20261004", "20261004-20261001", "DTP*434", 3, "before it starts"},
		{"DT*202610010930", "DT*202610320930", "DTP*435", 3, "calendar"},
		{"DT*202610010930", "TM*0930", "DTP*435", 2, "format"},
		{"DTP*434*RD8*20261001-20261004\n", "", "LX*1", 0, "without a date"},
		{"HI*ABK:M1611", "HI*ABF:M1611", "HI*ABF:M1611", 1, "order"},
		{"HI*DR:470", "HI*DR", "HI*DR", 1, "qualifier"},
		{"HI*DR:470", "HI*DR:470*DR:471", "HI*DR:470", 2, "second one"},
		{"*BG:C1", strings.Repeat("*BG:C1", 24), "HI*BG", 25, "more"},
		{"BE:80:::3", "BE:80:3", "HI*BE", 2, "without an amount"},
		{"BH:11:D8:20260930", "BH:11:D8:20260931", "HI*BH", 1, "without its date"},
		{"BI:71:RD8:20260901-20260905", "BI:71:RD8:20260905-20260901", "HI*BI", 1, "without its date"},
		{"HI*BBQ:0SRB0JZ", "HI*BBR:0SRB0JZ", "HI*BBR:0SRB0JZ", 1, "second one"},
		{"*ABF:E119", strings.Repeat("*ABF:E119", 24), "HI*ABF", 25, "more than 25 diagnoses"},
		{"APR:R0602*", "APR:R0602*APR:1*APR:2*", "HI*APR", 4, "more of its kind"},
		{"NM1*72*1*KNIFE", "NM1*71*1*KNIFE", "NM1*71*1*KNIFE", 0, "second attending"},
		{"SV2*0120**900*DA*3**50", "SV1*HC:99213*900*UN*1***1", "SV1", 0, "professional"},
		{"SV2*0120**900*DA*3**50\n", "", "LX*1", 0, "without an SV2"},
		{"SV2*0120*", "SV2**", "SV2**", 1, "missing"},
		{"HC:80053", "HP:80053", "SV2*0301", 2, "HC"},
		{"*900*DA", "*9x0*DA", "SV2*0120", 3, "amount"},
		{"*DA*3", "*MJ*3", "SV2*0120", 4, "unit"},
		{"*DA*3", "*DA*0", "SV2*0120", 5, "units"},
		{"**50", "**5.555", "SV2*0120", 7, "amount"},
		{"LX*2", "LX*1", "LX*1\nSV2*0301", 1, "repeats"},
		{"REF*6R*L2", "SV2*0301**1*UN*1", "SV2*0301**1", 0, "second service"},
		{"CL1*1*7*01", "CR2*1", "", 0, ""},
	} {
		segments := strings.Replace(staySegments, c.old, c.new, 1)
		text := fileOf(institutionalSet("0001", segments))
		f, got := readAll(t, text)
		if c.what == "" {
			if len(got) != 1 {
				t.Errorf("%s: %+v", c.new, f.Refusals)
			}
			continue
		}
		if len(f.Refusals) != 1 || len(got) > 0 {
			t.Errorf("%s: %+v, %d claims", c.new, f.Refusals, len(got))
			continue
		}
		if r := f.Refusals[0]; r.Where != placeOf(t, text, strings.ReplaceAll(c.at, "\n", "~\n"), c.element) || !strings.Contains(r.What, c.what) {
			t.Errorf("%s: got %s", c.new, r.Error())
		}
	}
}

// TestPlacesOfStay: an edit names the very segment among those of one name.
func TestPlacesOfStay(t *testing.T) {
	for _, tt := range []struct {
		old, new, at string
		element      int
		edit         string
	}{
		{"TM*1130", "TM*1160", "DTP*096", 3, "discharge-hour"},
		{"DT*202610010930", "DT*202610012530", "DTP*435", 3, "admission-hour"},
		{"DT*202610010930", "DT*202610050930", "DTP*435", 3, "admission"},
		{"DTP*435*DT*202610010930", "DTP*573*D8*20261001", "CLM*S1", 0, "admission"},
		{"ABF:E119", "ABF:E1*ABF:E119", "HI*ABF", 2, "diagnosis-code"},
		{"ABF:I10:::::::Y", "ABF:I10:::::::X", "HI*ABF", 1, "present-on-admission"},
		{"ABK:M1611:::::::Y", "ABK:M1611:::::::X", "HI*ABK", 1, "present-on-admission"},
		{"BE:80", "BE:8", "HI*BE", 2, "hospital-code"},
		{"BG:C1", "BG:C", "HI*BG", 2, "hospital-code"},
		{"DR:470", "DR:47", "HI*DR", 1, "drg-code"},
		{"0SR90JZ", "0SR90J", "HI*BBR", 1, "inpatient-procedures"},
		{"CL1*1*7*01", "CL1*1*7", "CL1", 3, "patient-status"},
		{"SV2*0120", "SV2*120", "SV2*120", 1, "revenue-code"},
		{"80053:91", "8005", "SV2*0301", 2, "procedure-code"},
		{"472*D8*20261002", "472*D8*20261005", "DTP*472", 3, "within-statement"},
		{"NM1*71*1*ROE*RICHARD****XX*2999002019", "NM1*71*1*ROE", "NM1*71", 9, "npi-present"},
		{"XX*2999002050", "XX*299900205", "NM1*82*1*REN", 9, "npi-format"},
	} {
		text := fileOf(institutionalSet("0001", strings.Replace(staySegments, tt.old, tt.new, 1)))
		_, got := readAll(t, text)
		if len(got) != 1 {
			t.Errorf("%s: not read", tt.new)
			continue
		}
		found := claims.Check(&got[0].Claim, claims.Edits{}, "2026-11-02")
		if len(found) != 1 || found[0].Edit != tt.edit || got[0].Positions.Place(found[0]) != placeOf(t, text, tt.at, tt.element) {
			t.Errorf("%s: got %v", tt.new, found)
			for _, p := range found {
				t.Log(got[0].Positions.Place(p))
			}
		}
	}
}

// TestManyLines: an institutional claim holds 999, in any order of numbers.
func TestManyLines(t *testing.T) {
	head, _, _ := strings.Cut(staySegments, "LX*1\n")
	file := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "LX*%d\nSV2*0120**1*DA*1\n", 2000-i)
		}
		return fileOf(institutionalSet("1", head+b.String()))
	}
	if f, got := readAll(t, file(999)); len(got) != 1 || len(got[0].Claim.Lines) != 999 {
		t.Errorf("999 lines: %+v", f.Refusals)
	}
	if f, _ := readAll(t, file(1000)); len(f.Refusals) != 1 || !strings.Contains(f.Refusals[0].What, "more than 999") {
		t.Errorf("1000 lines: %+v", f.Refusals)
	}
}

// TestStayAnswers: a 277CA names the lines by revenue code, and who attends.
func TestStayAnswers(t *testing.T) {
	_, got := readAll(t, stay())
	a := Answered{Payer: got[0].Claim.Payer, Submitter: got[0].Submitter, Reference: "R", Received: "2026-11-02", Processed: "2026-11-02",
		Claims: []ClaimAnswer{{Claim: &got[0].Claim, Problems: []claims.Problem{
			{Loop: "2310A", Code: "A6:562"}, {Loop: "2310B", Code: "A6:562"},
			{Loop: "2400", Line: 1, Code: "A7:455"}, {Loop: "2400", Line: 2, Code: "A7:454"}}}}}
	e := answered
	e.As, e.Sender, e.To = "ZZ", "INSURER", claims.Sender{Qualifier: "ZZ", ID: "HOSPITAL"}
	b, err := WriteClaimAnswers(e, a)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"STC*A6:562:71*20261102*U*1100.00******A6:562:72~", "SVC*NU:0120*900.00~", "SVC*HC:80053*200.00**0301~"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in\n%s", want, b)
		}
	}
}

// TestCorpusInstitutional reads every institutional sample, or refuses it with a
// place: two of them are not as the guide has them.
func TestCorpusInstitutional(t *testing.T) {
	refused := map[string]string{
		"x223-test.txt":           "segment 25 (CLM) element 5", // writes a place of service, 11:B
		"automobile-accident.837": "segment 32 (HI) element 1",  // repeats its principal diagnosis
	}
	files := corpus(t, "x12-linuxforhealth/837_005010X223A3/*", 4)
	files = append(files, corpus(t, "x12-linuxforhealth/837_004010X096A1/*", 5)...)
	for _, path := range append(files, corpus(t, "x12-imsweb/837_5010/x223-test.txt", 1)...) {
		text, name := readFile(t, path), filepath.Base(path)
		f, got := readAll(t, text)
		if at := refused[name]; at != "" {
			if len(got) > 0 || len(f.Refusals) != 1 || f.Refusals[0].Where != at {
				t.Errorf("%s: %d claims, %+v", name, len(got), f.Refusals)
			}
			continue
		}
		lines := 0
		for _, s := range got {
			lines += len(s.Claim.Lines)
			in := s.Claim.Institutional
			if in == nil || in.From == "" || in.Attending == nil || len(s.Claim.Diagnoses) == 0 || s.Claim.ServiceState == "" {
				t.Errorf("%s: got %+v", name, s.Claim)
			}
			if !strings.Contains(path, "X223") {
				continue // those of 004010 are from before the NPI
			}
			for _, p := range claims.Check(&s.Claim, claims.Edits{SkipNPICheckDigit: true}, "2026-11-02") {
				if name != "institutional-claim.837i" || p.Edit != "npi-present" || s.Positions.Place(p) != "segment 30 (NM1) element 9" {
					t.Errorf("%s: %s: %s", name, s.Positions.Place(p), p)
				}
			}
		}
		if len(f.Refusals) > 0 || lines == 0 || lines != strings.Count(text, "\nLX*") {
			t.Errorf("%s: %d lines, %+v", name, lines, f.Refusals)
		}
	}
}
