package x12

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

var answered = Envelope{Control: 42, Produced: time.Date(2026, 11, 3, 8, 15, 0, 0, time.UTC)}

// received1 reads a file of one interchange.
func received1(t *testing.T, text string) *Interchange {
	t.Helper()
	f, err := ReadClaims(bytes.NewReader([]byte(text)), func(Submitted) error { return nil })
	if err != nil || len(f.Interchanges) != 1 {
		t.Fatalf("%d interchanges, %v", len(f.Interchanges), err)
	}
	return &f.Interchanges[0]
}

// TestWrite999Whole holds one acknowledgement to its text, written by hand after
// 005010X231A1: the envelope turned round, one set for the group, AK9 with the
// sets that its GE counts, those received, those accepted.
func TestWrite999Whole(t *testing.T) {
	in := received1(t, sound())
	got, err := Write999(in.Answer(answered), in)
	want := `ISA*00*          *00*          *ZZ*INSURER        *ZZ*HOSPITAL       *261103*0815*^*00501*000000042*0*P*:~
GS*FA*INSURER*HOSPITAL*20261103*0815*42*X*005010X231A1~
ST*999*0001*005010X231A1~
AK1*HC*7*005010X222A1~
AK2*837*0001*005010X222A1~
IK5*A~
AK9*A*1*1*1~
SE*6*0001~
GE*1*42~
IEA*1*000000042~
`
	if err != nil || string(got) != want {
		t.Errorf("got %v\n%s", err, got)
	}
	ta1, err := WriteTA1(in.Answer(answered), in)
	if err != nil || !strings.HasSuffix(string(ta1), "*:~\nTA1*000000001*261102*0900*A*000~\nIEA*0*000000042~\n") {
		t.Errorf("got %v\n%s", err, ta1)
	}
}

// TestAcknowledgeFaults breaks a sound file in one place each. The segments
// wanted are those between AK2 and SE, by the code lists of the guide.
func TestAcknowledgeFaults(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"element":           {"REF1*20261102", "REF1*20261131", "IK3*BHT*2**8~IK4*4**8~IK5*R*5~AK9*R*1*1*0~"},
		"missing element":   {"CLM*C1*", "CLM**", "IK3*CLM*22*2300*8~IK4*1**1~IK5*R*5~AK9*R*1*1*0~"},
		"amount":            {"CLM*C1*150.5*", "CLM*C1*15O.5*", "IK3*CLM*22*2010BB*8~IK4*2**6~IK5*R*5~AK9*R*1*1*0~"},
		"code in a claim":   {"*100.50*UN*", "*100.50*XX*", "IK3*SV1*42*2400*8~CTX*CLM01:C1~IK4*3**7~IK5*R*5~AK9*R*1*1*0~"},
		"unknown segment":   {"REF*EI", "RFF*EI", "IK3*RFF*10*2010AA*1~IK5*R*5~AK9*R*1*1*0~"},
		"missing segment":   {"DTP*472*RD8*20261001-20261003~\n", "", "IK3*DTP*41*2400*3~CTX*CLM01:C1~IK5*R*5~AK9*R*1*1*0~"},
		"no line":           {"BHT*0019*00*REF1*20261102*0900*CH~\n", "", "IK3*BHT*2**3~IK5*R*5~AK9*R*1*1*0~"},
		"garbled":           {"REF*EI", "rEF*EI", "IK5*R*5~AK9*R*1*1*0~"},
		"set count":         {"SE*66", "SE*65", "IK5*R*4~AK9*R*1*1*0~"},
		"set control":       {"*0001~\nGE", "*0009~\nGE", "IK5*R*3~AK9*R*1*1*0~"},
		"no SE":             {"SE*66*0001~\n", "", "IK5*R*2~AK9*R*1*1*0~"},
		"another guide":     {"0001*005010X222A1", "0001*006020X323", "IK5*R*I6~AK9*R*1*1*0~"},
		"another set":       {"ST*837*", "ST*835*", "IK5*R*1~AK9*R*1*1*0~"},
		"group count":       {"GE*1*7", "GE*3*7", "AK9*R*3*1*0*5~"},
		"group control":     {"GE*1*7", "GE*1*8", "AK9*R*1*1*0*4~"},
		"hostile separator": {"CLM*C1*150.5*", "CLM*C1^C*15O*", "IK3*CLM*22*2010BB*8~IK4*2**6~IK5*R*5~AK9*R*1*1*0~"},
	} {
		text := strings.Replace(sound(), c.old, c.new, 1)
		if text == sound() {
			t.Fatalf("%s: nothing was broken", name)
		}
		in := received1(t, text)
		got, err := Write999(in.Answer(answered), in)
		flat := strings.ReplaceAll(string(got), "\n", "")
		_, after, _ := strings.Cut(flat, "AK1*HC*7*005010X222A1~")
		if strings.HasPrefix(after, "AK2*") {
			_, after, _ = strings.Cut(after, "~")
		}
		body, _, _ := strings.Cut(after, "SE*")
		if err != nil || body != c.want {
			t.Errorf("%s: got %v %s, want %s", name, err, body, c.want)
		}
		readBack(t, name, got)
	}
}

// TestInterchangeFaults wants a TA1 with its code, and no 999.
func TestInterchangeFaults(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"control":   {"IEA*1*000000001", "IEA*1*000000002", "R*001"},
		"count":     {"IEA*1*", "IEA*2*", "R*021"},
		"cut short": {"IEA*1*000000001~\n", "", "R*023"},
		"structure": {"GS*HC*HOSPITAL*INSURER*20261102*0900*7*X*005010X222A1~\n", "", "R*022"},
	} {
		in := received1(t, strings.Replace(sound(), c.old, c.new, 1))
		got, err := WriteTA1(in.Answer(answered), in)
		if err != nil || !strings.Contains(string(got), "TA1*000000001*261102*0900*"+c.want+"~\n") {
			t.Errorf("%s: got %v\n%s", name, err, got)
		}
		if b, err := Write999(in.Answer(answered), in); err == nil {
			t.Errorf("%s: a 999 was written all the same:\n%s", name, b)
		}
	}
}

// TestAcknowledgeSome has one of two sets refused, then both groups told apart.
func TestAcknowledgeSome(t *testing.T) {
	in := received1(t, fileOf(setOf("1", claimSegments), setOf("2", strings.Replace(claimSegments, "UN*", "XX*", 1)), setOf("3", claimSegments)))
	got, err := Write999(in.Answer(answered), in)
	if err != nil || !strings.Contains(string(got), "AK9*P*3*3*2~\n") || strings.Count(string(got), "IK5*A~") != 2 {
		t.Errorf("got %v\n%s", err, got)
	}
	if _, err := Write999(answered, &Interchange{}); err == nil {
		t.Error("an interchange without a group was acknowledged")
	}
}

func TestAcknowledgeCrowd(t *testing.T) {
	f, err := ReadClaims(strings.NewReader(isaHead+strings.Repeat("GS*HC*A*B*20261102*0900*7*X*005010X222A1~\nGE*0*7~\n", maxReceived)+"IEA*10000*000000001~\n"), nil)
	if err != nil || !errors.Is(f.Acknowledgeable(), ErrCrowded) {
		t.Errorf("got %v, %v", err, f.Acknowledgeable())
	}
	if f, err = ReadClaims(strings.NewReader(sound()), func(Submitted) error { return nil }); err != nil || f.Acknowledgeable() != nil {
		t.Errorf("got %v, %v", err, f.Acknowledgeable())
	}
}

// TestCorpusAcknowledged answers every public sample, sound or broken, and has
// the envelopes of the answers checked as those of any file.
func TestCorpusAcknowledged(t *testing.T) {
	answers := 0
	for _, pattern := range []string{"x12-linuxforhealth/*/*", "x12-imsweb/*/*"} {
		for _, path := range corpus(t, pattern, 5) {
			f, _ := readAll(t, readFile(t, path))
			for i := range f.Interchanges {
				in := &f.Interchanges[i]
				for what, write := range map[string]func(Envelope, *Interchange) ([]byte, error){"TA1": WriteTA1, "999": Write999} {
					if what == "999" && (in.Refusal != nil || len(in.Groups) == 0) {
						continue
					}
					b, err := write(in.Answer(answered), in)
					if err != nil {
						t.Errorf("%s: %v", path, err)
						continue
					}
					readBack(t, path, b)
					answers++
				}
			}
		}
	}
	if answers < 50 {
		t.Errorf("%d answers", answers)
	}
}

// readBack follows the envelopes of a file that was written.
func readBack(t *testing.T, name string, file []byte) {
	t.Helper()
	w := &walker{scan: newScanner(bytes.NewReader(file)), open: func(*set) (setReader, error) { return skipper{}, nil },
		refuse: func(r *Refusal, _, _ int) { t.Errorf("%s: %s\n%s", name, r.Error(), file) }}
	if err := w.walk(); err != nil || w.isas != 1 {
		t.Errorf("%s: %d interchanges, %v", name, w.isas, err)
	}
}
