package x12

import (
	"fmt"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
)

// TestRefusals breaks a sound file in one place each, and wants that place
// named.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		at             string // how the segment to be named starts, or = and the place
		element        int
		what           string
	}{
		{"short ISA", "HOSPITAL       *ZZ", "HOSPITAL      *ZZ", "ISA*", 6, "fixed width"},
		{"letters as marks", "*P*:~", "*P*A~", "ISA*", 16, "marks"},
		{"same marks", "*P*:~", "*P*~~", "ISA*", 16, "marks"},
		{"wrong terminator", "*P*:~", "*P*:!", "=segment 2", 0, "ends inside a segment"},
		{"no ISA", "ISA*", "GSX*", "=segment 1", 0, "does not start with an ISA"},
		{"IEA control", "IEA*1*000000001", "IEA*1*000000002", "IEA*", 2, "control number"},
		{"IEA count", "IEA*1*", "IEA*2*", "IEA*", 1, "should count 1 functional groups"},
		{"no IEA", "IEA*1*000000001~\n", "", "=segment 69", 0, "ends before the IEA"},
		{"GE control", "GE*1*7", "GE*1*8", "GE*", 2, "control number"},
		{"GE count", "GE*1*7", "GE*3*7", "GE*", 1, "should count 1 transaction sets"},
		{"no GE", "GE*1*7~\n", "", "IEA*", 0, "before the GE"},
		{"SE control", "*0001~\nGE", "*0009~\nGE", "SE*", 2, "control number"},
		{"SE count", "SE*66", "SE*65", "SE*", 1, "should count 66 segments"},
		{"SE no number", "SE*66", "SE*x", "SE*", 1, "should count 66 segments"},
		{"no SE", "SE*66*0001~\n", "", "GE*", 0, "before the SE"},
		{"lost segment", "REF*G1*AUTH2~\n", "", "SE*", 1, "should count 65 segments"},
		{"no ST", "ST*837*0001*005010X222A1~\n", "", "BHT*", 0, "outside a transaction set"},
		{"no GS", "GS*HC*HOSPITAL*INSURER*20261102*0900*7*X*005010X222A1~\n", "", "ST*", 0, "outside a functional group"},
		{"after IEA", "IEA*1*000000001~\n", "IEA*1*000000001~\nCLM*C3~\n", "CLM*C3", 0, "after the end"},
		{"837I", "0001*005010X222A1", "0001*005010X223A2", "CLM*C1", 5, "type of bill"},
		{"837D", "0001*005010X222A1", "0001*005010X224A2", "ST*", 3, "dental"},
		{"dental 004010", "0001*005010X222A1", "0001*004010X097A1", "ST*", 3, "004010"},
		{"other guide", "0001*005010X222A1", "0001*006020X323", "ST*", 3, "guide"},
		{"other set", "ST*837*", "ST*835*", "ST*", 1, "is not a claim"},
		{"unknown segment", "REF*EI", "RFF*EI", "RFF*", 0, "not a segment of a professional claim"},
		{"garbled segment", "REF*EI", "rEF*EI", "=segment 12", 0, "identifier"},
		{"lost terminator", "REF*EI*990000001~", "REF*EI*990000001", "REF*EI", 2, "line break"},
		{"control character", "REF*EI*99", "REF*EI*\x0199", "REF*EI", 2, "control character"},
		{"not UTF-8", "DOE*JANE", "DOE*J\xe9NE", "NM1*IL", 4, "UTF-8"},
		{"no BHT", "BHT*0019*00*REF1*20261102*0900*CH~\n", "", "NM1*41", 0, "before the BHT"},
		{"BHT date", "REF1*20261102", "REF1*20261131", "BHT*", 4, "date"},
		{"HL level", "HL*2*1*22*1", "HL*2*1*21*1", "HL*2", 3, "level"},
		{"HL parent", "HL*3*2*23*0", "HL*3*1*23*0", "HL*3", 2, "level above"},
		{"HL without parent", "HL*2*1*22*1", "HL*2**22*1", "HL*2", 2, "level above"},
		{"claim of the provider", "HL*2*1*22*1~\n", "", "CLM*C1", 0, "no subscriber's"},
		{"no billing provider", "NM1*85*2*MISSION HOSPITAL*****XX*2999001003", "NM1*84*2*X", "CLM*C1", 0, "NM1*85"},
		{"no subscriber", "NM1*IL*1*DOE*JANE", "NM1*XX*1*DOE*JANE", "CLM*C1", 0, "NM1*IL"},
		{"no payer", "NM1*PR*2*PLAN", "NM1*XX*2*PLAN", "CLM*C1", 0, "NM1*PR"},
		{"no patient", "NM1*QC*1*DOE", "NM1*XX*1*DOE", "CLM*C2", 0, "NM1*QC"},
		{"two subscribers", "N3*2 ROAD~\nN4*DAVIS", "NM1*IL*1*ROE~\nN4*DAVIS", "NM1*IL*1*ROE", 1, "second party"},
		{"birth", "D8*19800229", "D8*19810229", "DMG*D8*1981", 2, "date"},
		{"birth format", "DMG*D8*19800229", "DMG*D6*800229", "DMG*D6", 1, "D8"},
		{"no claim number", "CLM*C1*", "CLM**", "CLM**", 1, "missing"},
		{"no charge", "CLM*C1*150.5*", "CLM*C1**", "CLM*C1*", 2, "amount"},
		{"charge in words", "CLM*C1*150.5*", "CLM*C1*$150.5*", "CLM*C1*", 2, "amount"},
		{"charge of mills", "CLM*C1*150.5*", "CLM*C1*150.505*", "CLM*C1*", 2, "amount"},
		{"charge too long", "CLM*C1*150.5*", "CLM*C1*12345678901*", "CLM*C1*", 2, "amount"},
		{"negative charge", "CLM*C1*150.5*", "CLM*C1*-150.5*", "CLM*C1*", 2, "negative"},
		{"no place", "22:B:7", ":B:7", "CLM*C1*", 5, "place of service"},
		{"bill type", "22:B:7", "22:A:7", "CLM*C1*", 5, "not B"},
		{"frequency", "22:B:7", "22:B:6", "CLM*C1*", 5, "frequency"},
		{"two authorizations", "REF*F8*OLD1", "REF*G1*OLD1", "REF*G1*OLD1", 1, "repeats"},
		{"empty authorization", "REF*G1*AUTH1", "REF*G1", "REF*G1~", 2, "missing"},
		{"diagnosis without code", "ABF:R05", "ABF", "HI*AB", 2, "without a code"},
		{"diagnosis without qualifier", "ABF:R05", "R05", "HI*AB", 2, "qualifier"},
		{"no principal diagnosis", "ABK:J069*ABF", "ABF:J069*ABF", "HI*AB", 1, "order"},
		{"two principal diagnoses", "ABF:R05", "ABK:R05", "HI*AB", 2, "order"},
		{"thirteen diagnoses", "ABF:R05", strings.TrimSuffix(strings.Repeat("ABF:R05*", 12), "*"), "HI*AB", 13, "more than 12"},
		{"no lines", "LX*1~\nSV1*HC:99212*80*UN*1***1~\nDTP*472*D8*20261005~\n", "", "CLM*C2", 0, "without a service line"},
		{"no LX", "LX*1~\nSV1*HC:99213", "SV1*HC:99213", "SV1*HC:99213", 0, "outside a service line"},
		{"no SV1", "SV1*HC:00142*50*MJ*61***1.00~\n", "", "LX*2", 0, "without an SV1"},
		{"no date", "DTP*472*D8*20261004~\n", "", "LX*2", 0, "without a date of service"},
		{"LX number", "LX*2", "LX*two", "LX*two", 1, "line number"},
		{"LX twice", "LX*2", "LX*1", "LX*1~\nSV1*HC:00142", 1, "repeats"},
		{"two services", "DTP*472*D8*20261004", "SV1*HC:1*1*UN*1", "SV1*HC:1*", 0, "second service"},
		{"other code set", "HC:00142", "IV:00142", "SV1*IV", 1, "HC"},
		{"no code", "HC:00142", "HC", "SV1*HC*50", 1, "without a code"},
		{"wrong separator", "HC:00142", "HC/00142", "SV1*HC/", 1, "HC"},
		{"line charge", "*50*MJ", "*5,0*MJ", "SV1*HC:00142", 2, "amount"},
		{"negative line charge", "*50*MJ", "*-50*MJ", "SV1*HC:00142", 2, "negative"},
		{"unit", "*MJ*", "*DA*", "SV1*HC:00142", 3, "unit"},
		{"no units", "*MJ*61*", "*MJ*0*", "SV1*HC:00142", 4, "units"},
		{"pointer", "***1.00", "***1.50", "SV1*HC:00142", 7, "point"},
		{"pointer range", "***1.00", "***13", "SV1*HC:00142", 7, "point"},
		{"five pointers", "***1.00", "***1:2:3:4:5", "SV1*HC:00142", 7, "point"},
		{"service date", "D8*20261004", "D8*20260931", "DTP*472*D8*20260931", 3, "date"},
		{"short date", "D8*20261004", "D8*261004", "DTP*472*D8*261004", 3, "date"},
		{"date format", "DTP*472*D8*20261004", "DTP*472*DT*202610041200", "DTP*472*DT", 2, "format"},
		{"no range", "20261001-20261003", "20261001", "DTP*472*RD8", 3, "range"},
		{"range backwards", "20261001-20261003", "20261003-20261001", "DTP*472*RD8", 3, "before it starts"},
		{"second date", "REF*6R*L1", "DTP*472*D8*20261009", "DTP*472*D8*20261009", 0, "second date"},
		{"late diagnosis", "REF*6R*L1", "HI*ABF:R05", "HI*ABF:R05", 0, "inside a service line"},
		{"line in another state", "NM1*82*1*LINE", "NM1*77*2*SITE~\nN4*X*CA*9~\nNM1*82*1*LINE", "N4*X*CA", 2, "another state"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := swap(t, sound(), c.old, c.new)
			f, got := readAll(t, text)
			if len(f.Refusals) != 1 {
				t.Fatalf("got %d refusals: %+v", len(f.Refusals), f.Refusals)
			}
			r := f.Refusals[0]
			where, literal := strings.CutPrefix(c.at, "=")
			if !literal {
				where = placeOf(t, text, c.at, c.element)
			}
			if r.Where != where || !strings.Contains(r.What, c.what) || r.Do == "" || r.Scope == "" {
				t.Errorf("got %s, want %s", r.Error(), where)
			}
			if e, known := claims.EditNamed(r.Edit()); !known || e.Level > 2 || e.Answer() != "999" {
				t.Errorf("edit %q", r.Edit())
			}
			if len(got) != 0 && c.name != "after IEA" {
				t.Errorf("%d claims of a refused set went through", len(got))
			}
		})
	}
}

// TestTruncated cuts a file anywhere: nothing of an interchange without its
// end goes through.
func TestTruncated(t *testing.T) {
	text := sound()
	for n := range len(text) - 2 {
		f, got := readAll(t, text[:n])
		if len(got) != 0 || len(f.Refusals) == 0 {
			t.Fatalf("cut at %d of %d: %d claims, %d refusals", n, len(text), len(got), len(f.Refusals))
		}
	}
}

// TestWholeIsRefused breaks an envelope around two sets of which one is broken
// itself.
func TestWholeIsRefused(t *testing.T) {
	text := fileOf(setOf("0001", claimSegments), setOf("0001", claimSegments), setOf("0002", claimSegments))
	f, got := readAll(t, text)
	if f.Refused != 1 || len(got) != 4 || f.Refusals[0].Where != "segment 69 (ST) element 2" {
		t.Errorf("a repeated control number: %+v, %d claims", f, len(got))
	}
	f, got = readAll(t, swap(t, text, "GE*3*7", "GE*4*7"))
	if f.Refused != 3 || len(got) != 0 || len(f.Refusals) != 2 || f.Refusals[1].Scope != "ISA 1, GS 1" {
		t.Errorf("a group that miscounts: %+v, %d claims", f, len(got))
	}
}

// TestNothingPersonal wants refusals that do not repeat the file.
func TestNothingPersonal(t *testing.T) {
	for _, old := range []string{"150.5", "19800229", "22:B:7", "ABK:J069", "HC:99213:25:GT::59:WORDS", "20261001-20261003", "1:2", "UN", "1.5"} {
		f, _ := readAll(t, swap(t, sound(), old, "SECRET"))
		if len(f.Refusals) != 1 || strings.Contains(fmt.Sprint(f.Refusals[0].Error()), "SECRET") {
			t.Errorf("%s: got %+v", old, f.Refusals)
		}
	}
}

func TestBrokenInputIsBounded(t *testing.T) {
	long := swap(t, sound(), "WORDS", strings.Repeat("W", maxSegment))
	if f, _ := readAll(t, long); len(f.Refusals) != 1 || f.Refusals[0].Where != "segment 44" {
		t.Errorf("a segment without end: %+v", f.Refusals)
	}
	wide := swap(t, sound(), "ABF:R05", strings.Repeat("*", maxElements))
	if f, _ := readAll(t, wide); len(f.Refusals) != 1 || f.Refusals[0].Where != "segment 27 (HI)" {
		t.Errorf("a segment of too many elements: %+v", f.Refusals)
	}
	many := fileOf(strings.Repeat(setOf("1", "CLM*X"), maxListed+5))
	if f, _ := readAll(t, many); len(f.Refusals) != maxListed || f.More() == 0 || f.Refused != maxListed+5 {
		t.Errorf("%d refusals listed, %d more, %d sets refused", len(f.Refusals), f.More(), f.Refused)
	}
	lines := strings.Repeat("LX*%d~\nSV1*HC:99213*1*UN*1***1~\nDTP*472*D8*20261004~\n", 1)
	var b strings.Builder
	for i := range maxLines + 1 {
		fmt.Fprintf(&b, lines, i+10)
	}
	if f, _ := readAll(t, swap(t, sound(), "HL*3*2*23*0~\n", b.String()+"HL*3*2*23*0~\n")); len(f.Refusals) != 1 || !strings.Contains(f.Refusals[0].What, "more than 50") {
		t.Errorf("too many lines: %+v", f.Refusals)
	}
}
