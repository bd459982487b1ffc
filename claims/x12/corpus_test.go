package x12

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
)

// corpus lists public sample files, which are not part of the repository.
func corpus(t *testing.T, pattern string, atLeast int) []string {
	t.Helper()
	root := os.Getenv("COUNTERSIGN_CORPUS")
	if root == "" {
		t.Skip("COUNTERSIGN_CORPUS is not set: the public sample files are not read")
	}
	files, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil || len(files) < atLeast {
		t.Fatalf("%s: %d files, want at least %d (%v)", pattern, len(files), atLeast, err)
	}
	return files
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCorpusProfessional(t *testing.T) {
	for _, path := range corpus(t, "x12-linuxforhealth/837_005010X222A2/*", 13) {
		text := readFile(t, path)
		f, got := readAll(t, text)
		if len(f.Refusals) > 0 || len(got) == 0 {
			t.Errorf("%s: %d claims, %+v", filepath.Base(path), len(got), f.Refusals)
		}
		lines, want := 0, strings.Count(text, "\nLX*")
		for _, s := range got {
			lines += len(s.Claim.Lines)
			// The samples misnumber NPIs and hold ICD-9 codes of before 2015.
			for _, p := range claims.Check(&s.Claim, claims.Edits{SkipNPICheckDigit: true}, "2026-11-02") {
				if p.Element != "NM109" && p.Segment != "HI" {
					t.Errorf("%s: %s: %s", filepath.Base(path), s.Positions.Place(p), p)
				}
			}
			if s.Claim.ServiceState == "" || s.Claim.Payer.ID == "" || len(s.Claim.Diagnoses) == 0 {
				t.Errorf("%s: got %+v", filepath.Base(path), s.Claim)
			}
		}
		if lines != want {
			t.Errorf("%s: %d lines, the file has %d", filepath.Base(path), lines, want)
		}
	}
}

// TestCorpus4010 reads professional claims of the version before. One of the
// samples writes the frequency code 1 as 1.00.
func TestCorpus4010(t *testing.T) {
	for _, path := range corpus(t, "x12-linuxforhealth/837_004010X098A1/*", 6) {
		f, got := readAll(t, readFile(t, path))
		if filepath.Base(path) == "dependent-commercial-insurance-01.837" {
			if len(f.Refusals) != 1 || f.Refusals[0].Where != "segment 28 (CLM) element 5" {
				t.Errorf("%s: %d claims, %+v", path, len(got), f.Refusals)
			}
			continue
		}
		if len(got) != 1 || len(f.Notes) == 0 || !strings.Contains(f.Notes[0].What, "004010") || len(got[0].Claim.Lines) == 0 {
			t.Errorf("%s: %d claims, %+v, %+v", path, len(got), f.Refusals, f.Notes)
		}
	}
}

func TestCorpusRefused(t *testing.T) {
	for pattern, want := range map[string]string{
		"x12-linuxforhealth/835_005010X221A1/*": "is not a claim",
		"x12-linuxforhealth/27*/*":              "is not a claim",
		"x12-imsweb/27*/*":                      "is not a claim",
	} {
		for _, path := range corpus(t, pattern, 1) {
			f, got := readAll(t, readFile(t, path))
			if len(got) > 0 || len(f.Refusals) == 0 || !strings.Contains(f.Refusals[0].What, want) {
				t.Errorf("%s: %d claims, %+v", filepath.Base(path), len(got), f.Refusals)
			}
		}
	}
}

// TestCorpusBroken reads files that are broken on purpose or by neglect: their
// segment counts are wrong, among other things.
func TestCorpusBroken(t *testing.T) {
	for _, path := range corpus(t, "x12-imsweb/837_5010/*", 20) {
		f, got := readAll(t, readFile(t, path))
		if len(got) == 0 && len(f.Refusals) == 0 {
			t.Errorf("%s: neither read nor refused", filepath.Base(path))
		}
		for _, r := range f.Refusals {
			if !strings.HasPrefix(r.Where, "segment ") || r.What == "" || r.Do == "" {
				t.Errorf("%s: %s", filepath.Base(path), r.Error())
			}
		}
	}
}

// TestCorpusRepaired corrects the one fault that most samples of imsweb have,
// the count in SE, and reads them.
func TestCorpusRepaired(t *testing.T) {
	for name, want := range map[string]struct {
		se     string
		claims int
	}{"x12_writer_test.txt": {"SE*31*", 1}, "x12_ambiguous_loop.txt": {"SE*33*", 1}, "x12_no_errors.txt": {"SE*43*", 2}} {
		path := corpus(t, "x12-imsweb/837_5010/"+name, 1)[0]
		f, got := readAll(t, strings.Replace(readFile(t, path), "SE*25*", want.se, 1))
		if len(f.Refusals) == 0 && len(got) == want.claims {
			continue
		}
		// x12_no_errors has a diagnosis split by the wrong mark as well.
		if name != "x12_no_errors.txt" || !strings.Contains(f.Refusals[0].Error(), "(HI) element 1: has a qualifier without a code") {
			t.Errorf("%s: %d claims, %+v", name, len(got), f.Refusals)
		}
	}
}

func TestCorpusRemittances(t *testing.T) {
	for name, total := range map[string]claims.Cents{
		"managed-care.835": 94500, "medicare-part-a.835": 15000000, "secondary-payment.835": 122200, "cob-contractural-adjustment.835": 3400,
	} {
		text := readFile(t, corpus(t, "x12-linuxforhealth/835_005010X221A1/"+name, 1)[0])
		got, err := ReadRemittance(strings.NewReader(text))
		if err != nil || len(got) != 1 {
			t.Errorf("%s: %d remittances, %v", name, len(got), err)
			continue
		}
		if err := CheckBalance(&got[0]); err != nil || got[0].Total != total || got[0].Date == "" {
			t.Errorf("%s: total %s of %s, %v", name, got[0].Total, got[0].Date, err)
		}
		if err := secondReader(text); err != nil {
			t.Errorf("%s: the second reader: %v", name, err)
		}
	}
	text := readFile(t, corpus(t, "x12-linuxforhealth/835_005010X221A1/tertiary-payment.835", 1)[0])
	_, err := ReadRemittance(strings.NewReader(text))
	if want := placeOf(t, text, "SVC*", 1); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("tertiary-payment.835: got %v, want %s", err, want)
	}
}
