package x12

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

func TestReadClaims(t *testing.T) {
	text := sound()
	f, got := readAll(t, text)
	if len(f.Refusals)+len(f.Notes) != 0 || f.Sets != 1 || f.Refused != 0 || len(got) != 2 {
		t.Fatalf("got %+v", f)
	}
	if want := credentials.DigestOf([]byte(text)); f.Digest != want {
		t.Errorf("digest %s, want %s", f.Digest, want)
	}
	subscriber := claims.Person{
		MemberID: "M1", Last: "DOE", First: "JANE", Middle: "Q", Birth: "1980-02-29", Sex: "F", Relationship: "18",
		Address: claims.Address{Street: "2 ROAD", City: "DAVIS", State: "CA", ZIP: "95616"},
	}
	first := claims.Claim{
		Number: "C1", Frequency: claims.Replacement, OriginalReference: "OLD1", Charge: 15050, Place: "22",
		Payer: claims.Payer{ID: "PAYER1", Name: "PLAN"},
		Billing: claims.Provider{
			NPI: "2999001003", Organization: true, Name: "MISSION HOSPITAL", TaxID: "990000001", Taxonomy: "282N00000X",
			Address: claims.Address{Street: "1 WAY SUITE 2", City: "SACRAMENTO", State: "CA", ZIP: "958140001"},
		},
		Rendering:  &claims.Provider{NPI: "2999002019", Name: "ROE", First: "RICHARD", Taxonomy: "207Q00000X"},
		Subscriber: subscriber, Diagnoses: []string{"J069", "R05"}, Authorization: "AUTH1", ServiceState: "NV",
		Lines: []claims.Line{{
			Number: 1, Code: "99213", Modifiers: []string{"25", "GT", "59"}, Charge: 10050, Unit: "UN", Units: 1500,
			Place: "11", Pointers: []int{1, 2}, From: "2026-10-01", To: "2026-10-03", Authorization: "AUTH2", Control: "L1",
			Rendering: &claims.Provider{NPI: "2999002183", Name: "LINE", First: "LEO", Taxonomy: "208100000X"},
		}, {
			Number: 2, Code: "00142", Charge: 5000, Unit: "MJ", Units: 61000, Pointers: []int{1}, From: "2026-10-04", To: "2026-10-04",
		}},
	}
	if !reflect.DeepEqual(got[0].Claim, first) {
		t.Errorf("got  %+v\nwant %+v", got[0].Claim, first)
	}
	second := got[1].Claim
	want := &claims.Person{
		Last: "DOE", First: "JUNIOR", Birth: "2015-01-01", Sex: "M", Relationship: "19",
		Address: claims.Address{Street: "2 ROAD", City: "RENO", State: "NV", ZIP: "89501"},
	}
	if !reflect.DeepEqual(second.Patient, want) || second.Subscriber != subscriber || second.Rendering != nil {
		t.Errorf("got %+v, patient %+v", second, second.Patient)
	}
	// Place 10 is telehealth at home: the license is judged where the patient is.
	if second.ServiceState != "NV" {
		t.Errorf("telehealth in %q, want the patient's state", second.ServiceState)
	}
	source := claims.Source{File: f.Digest, Created: "2026-11-02", Place: "ISA 1, ST 1, CLM 2",
		Sender: claims.Sender{Qualifier: "ZZ", ID: "HOSPITAL", Application: "HOSPITAL"}}
	if got[1].Source != source || got[0].Test || got[0].Purpose != "CH" || got[0].Sequence != "P" {
		t.Errorf("got source %+v, test %v, purpose %q, sequence %q", got[1].Source, got[0].Test, got[0].Purpose, got[0].Sequence)
	}
}

// TestSameClaims reads files that are spelled differently and say the same.
func TestSameClaims(t *testing.T) {
	_, want := readAll(t, sound())
	for name, text := range map[string]string{
		"one line":     strings.ReplaceAll(sound(), "\n", ""),
		"CRLF":         strings.ReplaceAll(sound(), "\n", "\r\n"),
		"blank lines":  strings.ReplaceAll(sound(), "\n", "\n\n \n"),
		"indentation":  strings.ReplaceAll(sound(), "\n", "\n\t  "),
		"BOM":          "\xEF\xBB\xBF" + sound(),
		"other marks":  strings.NewReplacer("*", "|", ":", "<", "~", "!").Replace(sound()),
		"control mark": strings.NewReplacer("*", "\x1d", ":", "\x1f", "~", "\x1c").Replace(sound()),
		"line ends":    strings.ReplaceAll(sound(), "~\n", "\n"),
		"CR ends":      strings.ReplaceAll(sound(), "~\n", "\r"),
		"X222A2":       strings.ReplaceAll(sound(), "X222A1", "X222A2"),
		"no ST03":      strings.Replace(sound(), "*0001*005010X222A1", "*0001", 1),
		"spaces":       strings.Replace(sound(), "*DOE*JANE*", "*DOE  * JANE*", 1),
	} {
		f, got := readAll(t, text)
		if len(f.Refusals) > 0 {
			t.Errorf("%s: refused: %v", name, f.Refusals[0].Error())
			continue
		}
		for i := range want {
			if !reflect.DeepEqual(got[i].Claim, want[i].Claim) {
				t.Errorf("%s: claim %d differs: got %+v, want %+v", name, i+1, got[i].Claim, want[i].Claim)
			}
		}
	}
}

// TestForeignSeparator reads composites whose separator is not the declared one.
func TestForeignSeparator(t *testing.T) {
	_, want := readAll(t, sound())
	text := strings.ReplaceAll(sound(), ":", ">")
	text = strings.Replace(text, "*P*>~", "*P*:~", 1)
	f, got := readAll(t, text)
	if len(f.Refusals) > 0 || len(got) != 2 || !reflect.DeepEqual(got[0].Claim, want[0].Claim) {
		t.Fatalf("got %+v", f)
	}
	if len(f.Notes) != 1 || f.Notes[0].Where != placeOf(t, text, "CLM*C1", 5) {
		t.Errorf("notes %v", f.Notes)
	}
}

func TestSeveralSets(t *testing.T) {
	a, b := setOf("0001", claimSegments), setOf("0002", claimSegments)
	broken := swap(t, setOf("0003", claimSegments), "*100.50*", "*1O0.50*")
	f, got := readAll(t, fileOf(a, broken, b)+fileOf(a))
	if f.Sets != 4 || f.Refused != 1 || len(got) != 6 || len(f.Refusals) != 1 {
		t.Fatalf("got %+v with %d claims", f, len(got))
	}
	if r := f.Refusals[0]; r.Scope != "ISA 1, ST 2" || r.Where != "segment 110 (SV1) element 2" {
		t.Errorf("got %v", r.Error())
	}
	var places []string
	for _, s := range got {
		places = append(places, s.Source.Place)
	}
	want := "ISA 1, ST 1, CLM 1|ISA 1, ST 1, CLM 2|ISA 1, ST 3, CLM 1|ISA 1, ST 3, CLM 2|ISA 2, ST 1, CLM 1|ISA 2, ST 1, CLM 2"
	if strings.Join(places, "|") != want {
		t.Errorf("got %v", places)
	}
}

func TestPlaces(t *testing.T) {
	_, got := readAll(t, sound())
	for _, c := range []struct {
		claim   int
		problem claims.Problem
		start   string // how the segment to be named starts
		element int
	}{
		{0, claims.Problem{Segment: "CLM", Element: "CLM02", Loop: "2300"}, "CLM*C1", 2},
		{0, claims.Problem{Segment: "CLM", Element: "CLM05-3", Loop: "2300"}, "CLM*C1", 5},
		{0, claims.Problem{Segment: "NM1", Element: "NM109", Loop: "2010AA"}, "NM1*85", 9},
		{0, claims.Problem{Segment: "NM1", Element: "NM109", Loop: "2310B"}, "NM1*82*1*ROE", 9},
		{0, claims.Problem{Segment: "NM1", Element: "NM109", Loop: "2420A", Line: 1}, "NM1*82*1*LINE", 9},
		{0, claims.Problem{Segment: "SV1", Element: "SV101-2", Loop: "2400", Line: 2}, "SV1*HC:00142", 1},
		{0, claims.Problem{Segment: "DTP", Element: "DTP03", Loop: "2400", Line: 2}, "DTP*472*D8*20261004", 3},
		{1, claims.Problem{Segment: "CLM", Element: "CLM02", Loop: "2300"}, "CLM*C2", 2},
		{1, claims.Problem{Segment: "DMG", Element: "DMG02", Loop: "2010CA"}, "DMG*D8*2015", 2},
		{1, claims.Problem{Segment: "NM1", Element: "NM109", Loop: "2010BA"}, "NM1*IL", 9},
		// What is missing is missing from its claim or line.
		{1, claims.Problem{Segment: "NM1", Element: "NM109", Loop: "2310B"}, "CLM*C2", 0},
		{1, claims.Problem{Segment: "NM1", Element: "NM109", Loop: "2420A", Line: 1}, "LX*1~\nSV1*HC:99212", 0},
	} {
		want := placeOf(t, sound(), c.start, c.element)
		if at := got[c.claim].Positions.Place(c.problem); at != want {
			t.Errorf("claim %d, %+v: got %s, want %s", c.claim+1, c.problem, at, want)
		}
	}
}

func TestReadClaimsErrors(t *testing.T) {
	boom := errors.New("boom")
	n := 0
	_, err := ReadClaims(strings.NewReader(sound()), func(Submitted) error { n++; return boom })
	if err != boom || n != 1 {
		t.Errorf("got %v after %d claims", err, n)
	}
	// A refusal of the caller's own must not be taken for one of the file.
	if _, err := ReadClaims(strings.NewReader(sound()), func(Submitted) error { return &Refusal{What: "mine"} }); err == nil {
		t.Error("the caller's refusal was lost")
	}
	if _, err := ReadClaims(&changing{Reader: bytes.NewReader([]byte(sound()))}, func(Submitted) error { return nil }); err == nil || !strings.Contains(err.Error(), "changed") {
		t.Errorf("a file that changes between the passes: %v", err)
	}
	if _, err := ReadClaims(failing{}, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

// changing is a file that is written to after its first reading.
type changing struct {
	*bytes.Reader
	seeks int
}

func (c *changing) Seek(offset int64, whence int) (int64, error) {
	if c.seeks++; c.seeks == 2 {
		c.Reader = bytes.NewReader([]byte(strings.Replace(sound(), "JANE", "JOAN", 1)))
	}
	return c.Reader.Seek(offset, whence)
}

type failing struct{}

func (failing) Read([]byte) (int, error)       { return 0, io.ErrClosedPipe }
func (failing) Seek(int64, int) (int64, error) { return 0, nil }

// TestClaimsAreApart: what is handed out shares no list with another claim, and a
// claim without diagnoses has an empty list, as it was always signed.
func TestClaimsAreApart(t *testing.T) {
	text := fileOf(setOf("1", strings.Replace(claimSegments, "HI*ABK:J069*ABF:R05\nHI*BG:AA\n", "", 1)), setOf("2", claimSegments))
	_, got := readAll(t, text)
	if len(got) != 4 {
		t.Fatalf("%d claims", len(got))
	}
	if d := got[0].Claim.Diagnoses; d == nil || len(d) > 0 {
		t.Errorf("no diagnoses: %#v", d)
	}
	for i := range got {
		c, p := &got[i].Claim, got[i].Positions
		first, places := c.Lines[0], p.Segment("CLM", "2300", 0)
		for j := range got {
			if j != i {
				got[j].Claim.Lines[0], got[j].Claim.Diagnoses = claims.Line{}, append(got[j].Claim.Diagnoses[:0], "X")
			}
		}
		if !reflect.DeepEqual(first, c.Lines[0]) || i == 1 && c.Diagnoses[0] != "J069" || p.Segment("CLM", "2300", 0) != places {
			t.Errorf("claim %d changed with another", i)
		}
		_, got = readAll(t, text)
	}
}
