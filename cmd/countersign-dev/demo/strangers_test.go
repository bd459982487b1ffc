package demo_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/cmd/countersign-dev/demo"
)

// corpus is the folder of public samples, which are not in the repository.
func corpus(t *testing.T, folder string) string {
	t.Helper()
	dir := os.Getenv("COUNTERSIGN_CORPUS")
	if dir == "" {
		t.Skip("COUNTERSIGN_CORPUS is not set: public samples are not billed")
	}
	return filepath.Join(dir, "x12-linuxforhealth", folder)
}

// TestStrangers bills the 837P files of LinuxForHealth. Each has one claim, and
// all are older than the example, so that the deductible of 250.00 is unmet and
// nobody knows the members. By hand (codes without a price are allowed 60% of the
// charge, rounded half up; a price higher than the charge is cut to it):
//
//	ambulance   700.00, 8.20, 46.00, 12.30 are allowed 420.00, 4.92, 27.60, 7.38 = 459.90. Deductible 250.00 of the
//	            first; 20% of 170.00, 4.92, 27.60, 7.38 is 34.00, 0.98, 5.52, 1.48 = 41.98; paid 167.92.
//	auto        99201 (no office visit of the plan, whose visits start at 99202) 150.00 and 26010 35.00: 90.00 +
//	            21.00 = 111.00, all deductible.
//	drug 10.1   50.00 and 53.37: 30.00 + 32.02 = 62.02, all deductible.
//	drug 10.2   1400.00, 682.50, 15.12, 67.69, 57.12, 10.50: 840.00, 409.50, 9.07, 40.61, 34.27, 6.30 = 1339.75.
//	and 10.3    Deductible 250.00; 20% of 590.00, 409.50, 9.07, 40.61, 34.27, 6.30 is 118.00, 81.90, 1.81, 8.12,
//	            6.85, 1.26 = 217.94; the patient owes 467.94, the plan 871.81.
//	1 and 2     99213 at 40.00 (fee 90.00) and 99214 at 35.00 (fee 128.00): allowed as charged, copay 25.00 each:
//	            paid 15.00 and 10.00. Two laboratory codes at 15.00 and 10.00: 9.00 and 6.00, of which 10% is 0.90
//	            and 0.60: paid 8.10 and 5.40. Allowed 90.00, paid 38.50, patient 51.50.
//	6           145.50: 87.30, all deductible.
//	7           461.10 and 59.14: 276.66 + 35.48 = 312.14. Deductible 250.00; 20% of 26.66 and 35.48 is 5.33 + 7.10
//	            = 12.43; the patient owes 262.43, the plan 49.71.
//	8           75.00: 45.00, all deductible.
//	9           827.00: 496.20; deductible 250.00, 20% of 246.20 is 49.24; the patient owes 299.24, the plan 196.96.
//	11          25.00 and 3.75: 15.00 + 2.25 = 17.25, all deductible.
//	12          99284 in an emergency room (23): fee 122.00 of 252.71, all deductible.
func TestStrangers(t *testing.T) {
	dir := corpus(t, "837_005010X222A2")
	for _, file := range []struct {
		name                           string
		charge, allowed, paid, patient int64
		first                          string // first date of service
		state                          string // where the service was
		nobody                         bool   // names no rendering provider
	}{
		{"demo.ambulance.example5", 766_50, 459_90, 167_92, 291_98, "2005-02-08", "CO", true},
		{"demo.autoaccident", 185_00, 111_00, 0, 111_00, "2005-10-31", "CA", false},
		{"demo.drug.example10.1", 103_37, 62_02, 0, 62_02, "2004-07-11", "NV", false},
		{"demo.drug.example10.2", 2232_93, 1339_75, 871_81, 467_94, "2004-02-01", "IL", true},
		{"demo.drug.example10.3", 2232_93, 1339_75, 871_81, 467_94, "2004-02-01", "IL", true},
		{"demo.example1", 100_00, 90_00, 38_50, 51_50, "2006-10-03", "FL", true},
		{"demo.example2", 100_00, 90_00, 38_50, 51_50, "2006-10-03", "FL", true},
		{"demo.example6", 145_50, 87_30, 0, 87_30, "2005-02-15", "MD", false},
		{"demo.example7", 520_24, 312_14, 49_71, 262_43, "2005-03-21", "IN", true},
		{"demo.example8", 75_00, 45_00, 0, 45_00, "2005-03-21", "IN", true},
		{"demo.example9", 827_00, 496_20, 196_96, 299_24, "2005-01-12", "TN", false},
		{"demo.example11", 28_75, 17_25, 0, 17_25, "2005-05-14", "IN", false},
		{"demo.example12", 252_71, 122_00, 0, 122_00, "2005-05-06", "MO", false},
	} {
		t.Run(file.name, func(t *testing.T) {
			t.Parallel()
			s, err := tell(t.Context(), demo.Options{Out: filepath.Join(t.TempDir(), "out"), Claims: filepath.Join(dir, file.name+".837")})
			if err != nil {
				t.Fatal(err)
			}
			if c := s.summary.Claims; c.Submitted != 1 || c.Paid != 1 {
				t.Errorf("claims %+v, want one, paid", c)
			}
			got := s.summary.Cents
			if got.Charge != file.charge || got.Allowed != file.allowed || got.Paid != file.paid || got.Patient != file.patient {
				t.Errorf("cents %+v, want charge %d, allowed %d, paid %d, patient %d", got, file.charge, file.allowed, file.paid, file.patient)
			}
			// One decision on the claim, six on the example's authorizations.
			if s.summary.Verified != 7 || s.summary.Reproduced != 7 || !s.summary.TamperCaught {
				t.Errorf("summary %+v", s.summary)
			}
			if r := balance(t, filepath.Join(s.out, "remittance.835")); r.total != file.paid {
				t.Errorf("the 835 pays %d cents, want %d", r.total, file.paid)
			}
			said := []string{
				"the patients of " + file.name + ".837 are enrolled from " + file.first,
				"published for the file's dates too, as edition 2026-01-older",
				"codes that the fee schedule lacks are priced at the plan's share of charges",
				"receipt date: the file's own; NPI check digits are not checked",
				"clinicians of the file who work in " + file.state + ": 1 licensed by its board",
			}
			const rostered = "billing organizations that name no rendering provider: 1, each rostered one demo clinician"
			if file.nobody {
				said = append(said, rostered)
			} else if strings.Contains(s.screen, rostered) {
				t.Errorf("the screen says %q of a file that names a rendering provider", rostered)
			}
			for _, want := range said {
				if !strings.Contains(s.screen, want) {
					t.Errorf("the screen lacks %q:\n%s", want, s.screen)
				}
			}
		})
	}
}

// TestOtherFormats: institutional claims go all the way, of both releases: decided
// by examples/hospital-plan.yaml, or refused by an edit or with their place. By hand
// (everything goes to the deductible of 250.00):
//
//	out-of-network  82270 at 14.84: 75% is 11.13.
//	ppo-repriced    178.00 and 59.50: 62.5% is 111.25 and 37.1875, 37.19.
//	two-claims      13.39 at 75% is 10.0425, 10.04; 76.56 at 62.5% is 47.85; 50.00 at 75% is 37.50.
func TestOtherFormats(t *testing.T) {
	allowed := map[string]int64{"out-of-network-repriced-claim.837i": 11_13, "ppo-repriced-claim.837i": 148_44, "two-claims-single-provider.837i": 95_39}
	decided := 0
	for _, folder := range []string{"837_005010X223A3", "837_004010X096A1"} {
		names, err := filepath.Glob(filepath.Join(corpus(t, folder), "*.837*"))
		if err != nil || len(names) == 0 {
			t.Fatalf("no files in %s: %v", folder, err)
		}
		for _, name := range names {
			s, err := tell(t.Context(), demo.Options{Out: filepath.Join(t.TempDir(), "out"), Claims: name})
			var refusal *demo.Refusal
			if errors.As(err, &refusal) { // nothing of the file can be read
				if got := refusal.Error(); !strings.Contains(got, "ISA 1, ST 1 refused: segment ") || strings.Contains(got, "\n") {
					t.Errorf("refused by %q, want one line with the place", got)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			c := s.summary.Claims
			if c.Pended != 0 || c.Denied != 0 || c.Paid+c.Refused != c.Submitted || !s.summary.TamperCaught {
				t.Errorf("%s: %+v", name, c)
			}
			decided += c.Paid
			want := allowed[filepath.Base(name)]
			if got := s.summary.Cents; got.Allowed != want || got.Patient != want || got.Paid != 0 {
				t.Errorf("%s: %+v, want %d allowed, which the patient owes", name, got, want)
			}
		}
	}
	if decided != 4 {
		t.Errorf("%d institutional claims were decided, want 4", decided)
	}
}

// hospitalFile is an 837I file of a stay and of a visit to the emergency room.
const hospitalFile = `ISA*00*          *00*          *ZZ*MISSIONCREEK   *ZZ*DEMOPPO        *261102*0900*^*00501*000000001*0*P*:~
GS*HC*MISSIONCREEK*DEMOPPO*20261102*0900*1*X*005010X223A2~
ST*837*0001*005010X223A2~
BHT*0019*00*T-1*20261102*0900*CH~
NM1*41*2*MISSION CREEK HOSPITAL*****46*MISSIONCREEK~
NM1*40*2*DEMO-PPO*****46*DEMOPPO~
HL*1**20*1~
NM1*85*2*MISSION CREEK HOSPITAL*****XX*2999001003~
N3*100 EXAMPLE WAY~
N4*SACRAMENTO*CA*958140001~
REF*EI*990000001~
HL*2*1*22*0~
SBR*P*18*DEMO-PPO******12~
NM1*IL*1*TORVALD*ASTRID****MI*HSP100001~
DMG*D8*19520317*F~
NM1*PR*2*DEMO-PPO*****PI*DEMOPPO~
CLM*STAY-1*20000.00***11:A:1*Y*A*Y*Y~
DTP*096*TM*1130~
DTP*434*RD8*20261001-20261004~
DTP*435*DT*202610010930~
CL1*1*7*01~
HI*ABK:M1611:::::::Y~
HI*DR:470~
HI*BBR:0SR90JZ:D8:20261001~
NM1*71*1*AMARANTH*NADIA****XX*2999002019~
LX*1~
SV2*0120**12000*DA*3~
LX*2~
SV2*0360**8000*UN*1~
HL*3*1*22*0~
SBR*P*18*DEMO-PPO******12~
NM1*IL*1*LINDQVIST*OLE****MI*HSP100002~
DMG*D8*19840317*M~
NM1*PR*2*DEMO-PPO*****PI*DEMOPPO~
CLM*VISIT-1*1000.00***13:A:1*Y*A*Y*Y~
DTP*434*RD8*20261005-20261005~
CL1*1*1*01~
HI*ABK:S93401A~
NM1*71*1*AMARANTH*NADIA****XX*2999002019~
LX*1~
SV2*0450*HC:99284*1000*UN*1~
DTP*472*D8*20261005~
SE*41*0001~
GE*1*1~
IEA*1*000000001~
`

// TestHospital decides a stay by its DRG and a visit by a share of its charge. By hand:
//
//	STAY-1   15,000.00 of 20,000.00. Copay 300.00, deductible 250.00, 10% of 14,450.00: 1,995.00; paid 13,005.00.
//	VISIT-1  62.5% of 1,000.00: 625.00, of which the copay is 150.00; paid 475.00.
func TestHospital(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "hospital.837")
	if err := os.WriteFile(file, []byte(hospitalFile), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := tell(t.Context(), demo.Options{Out: filepath.Join(dir, "out"), Claims: file})
	if err != nil {
		t.Fatal(err)
	}
	if c := s.summary.Claims; c.Submitted != 2 || c.Paid != 2 {
		t.Errorf("claims %+v, want two, paid\n%s", c, s.screen)
	}
	if got := s.summary.Cents; got.Charge != 21000_00 || got.Allowed != 15625_00 || got.Paid != 13480_00 || got.Patient != 2145_00 {
		t.Errorf("cents %+v", got)
	}
	if !s.summary.TamperCaught || s.summary.Reproduced != s.summary.Verified {
		t.Errorf("summary %+v", s.summary)
	}
	if r := balance(t, filepath.Join(s.out, "remittance.835")); r.total != 13480_00 {
		t.Errorf("the 835 pays %d cents", r.total)
	}
	b, err := os.ReadFile(filepath.Join(s.out, "remittance.835"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CAS*CO*45*5000.00~\nCAS*PR*3*300.00**1*250.00**2*1445.00~", "QTY*CA*3~", "SVC*HC:99284*1000.00*475.00*0450*1~"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the 835 lacks %s:\n%s", want, b)
		}
	}
}
