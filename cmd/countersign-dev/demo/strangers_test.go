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

// TestOtherFormats: institutional claims go all the way, of both releases, and
// none is paid or denied: they wait, for no edition says what a stay comes to, or
// are refused by an edit or with their place.
func TestOtherFormats(t *testing.T) {
	waiting := 0
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
			if c.Paid != 0 || c.Denied != 0 || c.Pended+c.Refused != c.Submitted || !s.summary.TamperCaught {
				t.Errorf("%s: %+v", name, c)
			}
			waiting += c.Pended
			if !strings.Contains(s.screen, "an institutional claim is taken in, and waits") {
				t.Errorf("%s: the screen does not say that it waits:\n%s", name, s.screen)
			}
		}
	}
	if waiting == 0 {
		t.Error("no institutional claim was taken in")
	}
}
