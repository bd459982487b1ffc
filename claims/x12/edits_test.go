package x12

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
)

// TestSwitchedReading switches off the edits of reading that can be: what they
// refuse is read.
func TestSwitchedReading(t *testing.T) {
	met := map[string]bool{}
	for _, tt := range []struct{ edit, old, new string }{
		{"segment-count", "SE*66", "SE*65"},
		{"segment-count", "REF*G1*AUTH2~\n", ""},
		{"set-count", "GE*1*7", "GE*2*7"},
		{"group-count", "IEA*1*", "IEA*2*"},
		{"control-numbers", "*0001~\nGE", "*0002~\nGE"},
		{"control-numbers", "GE*1*7", "GE*1*8"},
		{"control-numbers", "IEA*1*000000001", "IEA*1*000000002"},
		{"known-segment", "REF*EI", "RFF*EI"},
	} {
		text := swap(t, sound(), tt.old, tt.new)
		for _, on := range []bool{true, false} {
			n := 0
			f, err := ReadClaimsBy(claims.Edits{Switched: map[string]bool{tt.edit: on}}, strings.NewReader(text), func(Submitted) error { n++; return nil })
			if err != nil || on != (n == 0) || on != (len(f.Refusals) == 1) || on && f.Refusals[0].Edit() != tt.edit {
				t.Errorf("%s %v: %d claims, %+v, %v", tt.edit, on, n, f.Refusals, err)
			}
		}
		met[tt.edit] = true
	}
	for _, e := range claims.AllEdits {
		if e.Loop == "" && e.Level < 3 && e.Needs != claims.ByReading && !met[e.Name] {
			t.Errorf("%s was not switched", e.Name)
		}
	}
}

// TestEveryEditOfReading meets each name that a refusal can have.
func TestEveryEditOfReading(t *testing.T) {
	met := map[string]bool{}
	for _, pair := range [][2]string{
		{"*P*:~", "*P*~~"}, {"REF*EI", "rEF*EI"}, {"D8*19800229", "D8*19810229"}, {"005010X222A1~\nBHT", "005010X224A2~\nBHT"},
		{"CLM*C1*", "CLM**"}, {"REF*F8*OLD1", "REF*G1*OLD1"}, {"REF*6R*L1", "HI*ABF:R05"}, {"22:B:7", "22:B:6"},
		{"SE*66", "SE*65"}, {"GE*1*7", "GE*2*7"}, {"IEA*1*", "IEA*2*"}, {"GE*1*7", "GE*1*8"}, {"REF*EI", "RFF*EI"},
	} {
		f, _ := readAll(t, swap(t, sound(), pair[0], pair[1]))
		met[f.Refusals[0].Edit()] = true
	}
	for _, e := range claims.AllEdits {
		if e.Loop == "" && e.Level < 3 && !met[e.Name] {
			t.Errorf("nothing is refused by %s", e.Name)
		}
	}
}

// withOther is a claim of 150.50 behind another payer, who paid and adjusted so.
func withOther(t *testing.T, paid, adjusted, linePaid, lineAdjusted string) string {
	text := swap(t, sound(), "CAS*PR*1*10~\nAMT*D*0", "CAS*PR*1*"+adjusted+"~\nAMT*D*"+paid)
	return swap(t, text, "SVD*OTHER*5*HC:99213**1~\n", "SVD*OTHER*"+linePaid+"*HC:99213**1~\nCAS*CO*45*"+lineAdjusted+"**253*0~\n")
}

func TestOtherPayerBalance(t *testing.T) {
	for _, tt := range []struct{ paid, adjusted, linePaid, lineAdjusted, want string }{
		{"90", "10", "100", "50.50", ""},
		{"100", "0", "100", "50.50", ""},
		{"100", "10", "100", "50.50", "another payer paid 100.00, and its lines (SVD) less the claim's adjustments (CAS) come to 90.00"},
		{"90", "10", "100", "50.49", "the charge is 150.50, and what another payer paid and all its adjustments come to 150.49"},
		{"unread", "10", "100", "1", ""},
	} {
		text := strings.Replace(withOther(t, tt.paid, tt.adjusted, tt.linePaid, tt.lineAdjusted), "SE*66", "SE*67", 1)
		f, got := readAll(t, text)
		if len(got) != 2 {
			t.Fatalf("%+v", f.Refusals)
		}
		var found []string
		for _, p := range got[0].Check(claims.Edits{}) {
			found = append(found, p.Message)
			if place := got[0].Positions.Place(p); place != placeOf(t, text, "AMT*D", 2) {
				t.Errorf("at %s", place)
			}
		}
		if strings.Join(found, "; ") != tt.want {
			t.Errorf("%+v: got %q", tt, found)
		}
		off := claims.Edits{Switched: map[string]bool{"other-payer-balance": false}}
		if len(got[0].Check(off)) > 0 || len(got[1].Check(claims.Edits{})) > 0 {
			t.Errorf("%+v: switched off, or of a claim without another payer", tt)
		}
	}
}

// TestFileEdits are of what stands around the claims.
func TestFileEdits(t *testing.T) {
	text := swap(t, swap(t, swap(t, sound(), "*0*P*:", "*0*T*:"), "0900*CH", "0900*RP"), "SBR*P", "SBR*S")
	_, got := readAll(t, text)
	for _, name := range []string{"production-file", "to-be-paid", "first-payer"} {
		for _, on := range []bool{true, false} {
			found := got[0].Check(claims.Edits{Switched: map[string]bool{name: on}})
			if on != slices.ContainsFunc(found, func(p claims.Problem) bool { return p.Edit == name }) {
				t.Errorf("%s %v: %+v", name, on, found)
			}
		}
	}
	_, got = readAll(t, sound())
	on := claims.Edits{Switched: map[string]bool{"production-file": true, "to-be-paid": true, "first-payer": true, "other-payer-balance": false}}
	if found := got[0].Check(on); len(found) > 0 {
		t.Errorf("a sound file: %+v", found)
	}
}

// TestFaultsOfClaims: a claim that was read and fails is told of in the 999 with
// its place; edits of level 5 on are not.
func TestFaultsOfClaims(t *testing.T) {
	text := fileOf(setOf("0001", claimSegments), setOf("0002", claimSegments))
	problems := []claims.Problem{
		{Edit: "claim-balance", Loop: "2300", Segment: "CLM", Element: "CLM02", Code: "A8:400"},
		{Edit: "member-id", Loop: "2010BA", Segment: "NM1", Element: "NM109", Code: "A6:164"},
		{Edit: "service-date", Loop: "2400", Segment: "XX", Element: "XX03", Line: 2, Code: "A6:187"},
		{Edit: "diagnosis-code", Loop: "2300", Segment: "HI", Element: "HI01-2", Code: "A7:255"},
		{Edit: "not an edit", Loop: "2300", Segment: "HI", Element: "HI01-2", Code: "A7:255"},
	}
	n := 0
	f, err := ReadClaims(strings.NewReader(text), func(s Submitted) error {
		n++
		for _, p := range problems {
			if n == 3 { // the first of the second set
				s.Fault(p)
			}
		}
		return nil
	})
	if err != nil || n != 4 {
		t.Fatal(n, err, f.Refusals)
	}
	b, err := Write999(envelope, &f.Interchanges[0])
	if err != nil {
		t.Fatal(err)
	}
	want := "AK2*837*0001*005010X222A1~ IK5*A~ AK2*837*0002*005010X222A1~" +
		" IK3*CLM*22*2300*8~ CTX*CLM01:C1~ IK4*2**7~ IK3*NM1*16*2010BA*8~ CTX*CLM01:C1~ IK4*9**1~ IK3*XX*52*2400*3~ CTX*CLM01:C1~ IK5*E*5~ AK9*E*2*2*2~"
	_, got, _ := strings.Cut(strings.ReplaceAll(string(b), "\n", " "), "AK1*HC*7*005010X222A1~ ")
	got, _, _ = strings.Cut(got, " SE*")
	if fmt.Sprint(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
