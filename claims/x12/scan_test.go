package x12

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
)

// pieces is a file that is read a few bytes at a time.
type pieces struct {
	*strings.Reader
	size int
}

func (p pieces) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.size)]) }

// TestReadInPieces reads a file whose segments lie across the ends of what is read
// at once, at each of their bytes.
func TestReadInPieces(t *testing.T) {
	long := strings.Replace(sound(), "N3*2 ROAD", "N3*2 ROAD*"+strings.Repeat("X", maxSegment-400), 1)
	read := func(r io.ReadSeeker) (got []claims.Claim) {
		file, err := ReadClaims(r, func(s Submitted) error { got = append(got, s.Claim); return nil })
		if err != nil || len(file.Refusals) > 0 {
			t.Fatalf("%v, %+v", err, file.Refusals)
		}
		return got
	}
	want := read(strings.NewReader(long))
	if len(want) != 2 {
		t.Fatalf("%d claims", len(want))
	}
	for shift := range 120 {
		text := strings.Repeat(" ", shift) + long
		if got := read(strings.NewReader(text)); !reflect.DeepEqual(got, want) {
			t.Fatalf("behind %d spaces: got %+v", shift, got)
		}
	}
	for _, size := range []int{1, 2, 13, maxSegment - 1, maxSegment + 1} {
		if got := read(pieces{strings.NewReader(long), size}); !reflect.DeepEqual(got, want) {
			t.Errorf("%d bytes at a time: got %+v", size, got)
		}
	}
}

// TestKeptClaims: whoever keeps a few claims of a large file, without a clone of
// their strings, keeps little of the file.
func TestKeptClaims(t *testing.T) {
	body, _, _ := strings.Cut(claimSegments, "HL*1**20*1")
	text := fileOf(setOf("1", body+strings.Repeat(claimSegments[len(body):], 10000)))
	heap := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	var keep []Submitted
	before, n := heap(), 0
	if _, err := ReadClaims(strings.NewReader(text), func(s Submitted) error {
		if n++; n%200 == 0 {
			keep = append(keep, s)
		}
		return nil
	}); err != nil || len(keep) != 100 {
		t.Fatalf("%d claims: %v", len(keep), err)
	}
	if each := (heap() - before) / len(keep); each > 64<<10 {
		t.Errorf("%d bytes are kept with each claim, of a file of %d", each, len(text))
	}
	runtime.KeepAlive(keep)
	runtime.KeepAlive(text)
}

// FuzzSplit holds the cutting of eight bytes at once against the plain way.
func FuzzSplit(f *testing.F) {
	f.Add([]byte("SV1*HC:99213:25*100.50*UN*1***1:2~\nDTP*472*D8*20261005~"), byte('*'), byte('~'))
	f.Add([]byte("N3*1 ORCHARD\x7fLANE*Ä~"), byte('*'), byte('~'))
	f.Add([]byte("A\x1dB\x1d\x1c\x00"), byte(0x1d), byte(0x1c))
	f.Add([]byte("**********\r\n~"), byte('*'), byte('\n'))
	f.Fuzz(func(t *testing.T, b []byte, element, terminator byte) {
		if element == terminator || !delimiter(element) || !(delimiter(terminator) || terminator == '\n' || terminator == '\r') || len(b) > maxSegment {
			return
		}
		s := &scanner{marks: marks{element: element, component: ':', terminator: terminator}}
		end, plain := s.split(b)
		text, _, found := bytes.Cut(b, []byte{terminator})
		if end != len(text) {
			t.Fatalf("ends at %d, want %d", end, len(text))
		}
		if odd := bytes.ContainsFunc(bytes.ReplaceAll(text, []byte{element}, nil), func(r rune) bool { return r < ' ' || r > '~' }); found && plain && odd {
			t.Errorf("%q is taken for plain ASCII", text)
		}
		if !found {
			return
		}
		s.open.text = string(text)
		all := bytes.Split(text, []byte{element})
		if want := min(len(all), maxElements+1); s.open.count != want {
			t.Fatalf("%d elements, want %d", s.open.count, want)
		}
		for i := range s.open.count {
			if got, want := s.open.at(i), string(bytes.Trim(all[i], " ")); got != want {
				t.Errorf("element %d is %q, want %q", i, got, want)
			}
		}
	})
}

// FuzzPlain holds the quick ways of reading amounts and dates against the long ones.
func FuzzPlain(f *testing.F) {
	for _, v := range []string{"125.50", "125.5", "125", "-50", ".50", "1.2.50", "12345678.90", "123456789", "20260228", "20260229", "20261131"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		got, ok := plainAmount(v)
		if want, err := claims.ParseCents(v); ok && (err != nil || got != want) {
			t.Errorf("%q is %s, want %s (%v)", v, got, want, err)
		}
		var known dates
		want, valid := parseD8(v)
		for _, before := range []string{v, "20260228", v} {
			known.parse(before)
			if got, ok := known.parse(v); got != want || ok != valid {
				t.Errorf("%q is the date %q %v, want %q %v", v, got, ok, want, valid)
			}
		}
	})
}

// TestKnownDates reads every day of some years, among them days that share a
// place in the memory of dates.
func TestKnownDates(t *testing.T) {
	var known dates
	for range 2 {
		for year := 2019; year <= 2028; year++ {
			for md := 101; md <= 1331; md++ {
				v := fmt.Sprintf("%d%04d", year, md)
				want, valid := parseD8(v)
				if got, ok := known.parse(v); got != want || ok != valid {
					t.Fatalf("%s: got %q %v, want %q %v", v, got, ok, want, valid)
				}
			}
		}
	}
}
