package x12

import (
	"fmt"
	"strings"
	"testing"
)

const isaHead = "ISA*00*          *00*          *ZZ*HOSPITAL       *ZZ*INSURER        *261102*0900*^*00501*000000001*0*P*:~\n"

// claimSegments is an 837P set of two claims, one of a dependent, with most of
// what the reader reads. ST and SE are added by setOf.
const claimSegments = `BHT*0019*00*REF1*20261102*0900*CH
NM1*41*2*HOSPITAL*****46*HOSPITAL
NM1*40*2*INSURER*****46*INSURER
HL*1**20*1
PRV*BI*PXC*282N00000X
NM1*85*2*MISSION HOSPITAL*****XX*2999001003
N3*1 WAY*SUITE 2
N4*SACRAMENTO*CA*958140001
REF*EI*990000001
NM1*87*2
N3*9 PAY TO
N4*RENO*NV*89501
HL*2*1*22*1
SBR*P*18*GROUP******12
NM1*IL*1*DOE*JANE*Q***MI*M1
N3*2 ROAD
N4*DAVIS*CA*95616
DMG*D8*19800229*F
NM1*PR*2*PLAN*****PI*PAYER1
N4*BOSTON*MA*02108
CLM*C1*150.5***22:B:7*Y*A*Y*Y
REF*G1*AUTH1
REF*F8*OLD1
HI*ABK:J069*ABF:R05
HI*BG:AA
NM1*DN*1*REFER*RAY****XX*2999002050
NM1*82*1*ROE*RICHARD****XX*2999002019
PRV*PE*PXC*207Q00000X
NM1*77*2*OUTPOST*****XX*2999001003
N3*3 STREET
N4*ELKO*NV*89801
SBR*S*18*OTHER******CI
CAS*PR*1*10
AMT*D*0
NM1*IL*1*DOE*JIM****MI*X
NM1*PR*2*OTHER*****PI*OTHER
REF*F8*NOT THIS
REF*G1*NOR THIS
NM1*82*1
LX*1
SV1*HC:99213:25:GT::59:WORDS*100.50*UN*1.5*11**1:2
DTP*472*RD8*20261001-20261003
REF*6R*L1
REF*G1*AUTH2
REF*G1*OTHERS**2U:OTHER
NM1*DK*1*ORDER*OLGA****XX*2999002050
NM1*82*1*LINE*LEO****XX*2999002183
PRV*PE*PXC*208100000X
SVD*OTHER*5*HC:99213**1
DTP*573*D8*20261020
LX*2
SV1*HC:00142*50*MJ*61***1.00
DTP*472*D8*20261004
HL*3*2*23*0
PAT*19
NM1*QC*1*DOE*JUNIOR
N3*2 ROAD
N4*RENO*NV*89501
DMG*D8*20150101*M
CLM*C2*80***10:B:1*Y*A*Y*Y
HI*ABK:J069
LX*1
SV1*HC:99212*80*UN*1***1
DTP*472*D8*20261005
`

// setOf wraps segments, one a line, into ST and SE.
func setOf(control, segments string) string {
	lines := strings.Split(strings.TrimSpace(segments), "\n")
	return fmt.Sprintf("ST*837*%s*005010X222A1~\n%s~\nSE*%d*%s~\n", control, strings.Join(lines, "~\n"), len(lines)+2, control)
}

// fileOf wraps sets into one interchange of one group.
func fileOf(sets ...string) string {
	return isaHead + "GS*HC*HOSPITAL*INSURER*20261102*0900*7*X*005010X222A1~\n" + strings.Join(sets, "") +
		fmt.Sprintf("GE*%d*7~\nIEA*1*000000001~\n", len(sets))
}

// sound is a file of one set that is read without complaint.
func sound() string { return fileOf(setOf("0001", claimSegments)) }

// readAll reads a file that is expected to be readable as a file.
func readAll(t *testing.T, text string) (*File, []Submitted) {
	t.Helper()
	var got []Submitted
	f, err := ReadClaims(strings.NewReader(text), func(s Submitted) error {
		got = append(got, s)
		return nil
	})
	if err != nil {
		t.Fatalf("ReadClaims: %v", err)
	}
	if f.Claims != len(got) {
		t.Errorf("the file counts %d claims and handed out %d", f.Claims, len(got))
	}
	return f, got
}

// swap replaces a text that must be there.
func swap(t *testing.T, text, old, new string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("the sample does not hold %q", old)
	}
	return strings.Replace(text, old, new, 1)
}

// placeOf counts the segments up to the first that starts with the given text.
func placeOf(t *testing.T, file, start string, element int) string {
	t.Helper()
	before, _, found := strings.Cut("\n"+file, "\n"+start)
	if !found {
		t.Fatalf("no segment starts with %q", start)
	}
	id, _, _ := strings.Cut(strings.TrimRight(start, "~"), "*")
	place := fmt.Sprintf("segment %d (%s)", strings.Count(before, "~")+1, id)
	if element > 0 {
		place += fmt.Sprintf(" element %d", element)
	}
	return place
}
