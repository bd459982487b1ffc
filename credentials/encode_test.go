package credentials

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// longWay is what encodePlain is short for.
func longWay(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err == nil {
		err = check(b, nil)
	}
	if err != nil {
		return nil, err
	}
	return canonicalize(b)
}

// checkEncode holds the short way against the long one.
func checkEncode(t testing.TB, v any) (short bool) {
	t.Helper()
	got := encodePlain(v)
	if got == nil {
		return false
	}
	if want, err := longWay(v); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%T: the short way gives\n%s, the long one\n%s, %v", v, got, want, err)
	}
	return true
}

type odd struct{ V int }

func (o *odd) MarshalJSON() ([]byte, error) { return []byte(`"odd"`), nil }

type loud string

func (l loud) MarshalText() ([]byte, error) { return []byte("LOUD" + l), nil }

type plainText string

type nested struct {
	List []nested           `json:"list,omitempty"`
	Map  map[string]*nested `json:"map"`
	Next *nested            `json:"next,omitempty"`
}

// What the short way takes, and what it leaves to the long one.
func TestEncodePlain(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 5000, time.FixedZone("", 3600))
	var none *License
	for _, v := range []any{
		testLicense(), &Credential[License]{ValidFrom: now, ValidUntil: &now, Context: contexts, Subject: testLicense()}, none,
		map[string]any{"b": 1.0, "a": []any{nil, map[string]any(nil), []any(nil), map[string]any{}, []any{}}, "c": &License{}}, map[string]any(nil), []any(nil),
		[]any{"a", 1.0, -5.0, 0.0, true, nil, map[string]any{"b": 1, "a": []string{}, "A": nil}}, map[plainText]int{"x": 1},
		"<&>\u2028é😀\x7f", `a"b\c`, loud("x"), json.RawMessage(`{"b":1,"a":[]}`), now, [2]int8{-1, 2}, uint64(1<<53 - 1), int64(-(1<<53 - 1)),
		struct {
			B string `json:"b,omitempty"`
			A *int   `json:"a,omitempty"`
			C any
			h int
			D string `json:"-"`
		}{h: 1}, nested{List: []nested{{}, {}}, Map: map[string]*nested{"a": nil, "b": {}}}, struct{}{}, [0]int{}, []loud{"a"},
	} {
		if !checkEncode(t, v) {
			t.Errorf("%T %v: not taken", v, v)
		}
	}
	twice := reflect.StructOf([]reflect.StructField{{Name: "A", Type: reflect.TypeFor[int](), Tag: `json:"a"`}, {Name: "B", Type: reflect.TypeFor[int](), Tag: `json:"a"`}})
	deep, round := any(1), any(nil)
	for range maxDepth + 1 {
		deep = []any{deep}
	}
	round = &round
	for _, v := range []any{
		[]any{1.5}, map[string]any{"ü": 1.0}, map[string]any{"a": []any{"\n"}}, []any{odd{1}}, map[string]any{"a": func() {}},
		nil, 1.5, math.Copysign(0, -1), float64(1 << 53), math.NaN(), float32(1), uint64(1 << 53), int64(-(1 << 53)), "\x00", "\n", "\xff", []byte("a"), map[int]int{},
		map[string]int{"ü": 1}, map[string]int{`"`: 1}, map[string]int{"a-b": 1}, odd{1}, []odd{{1}}, &odd{1}, json.RawMessage(`{"a":1,"a":2}`), json.RawMessage(`null`),
		json.RawMessage(` 1`), json.RawMessage(``), json.RawMessage(nil), deep, round, outer{}, func() {}, make(chan int), complex(1, 1),
		struct {
			A string `json:"a,omitzero"`
		}{}, struct {
			A int `json:"a,string"`
		}{}, struct {
			A int `json:"-,"`
		}{}, reflect.Zero(twice).Interface(), struct{ E error }{errOf("x")}, struct {
			A int `json:"<"`
		}{},
	} {
		if got := encodePlain(v); got != nil {
			t.Errorf("%T: got %s, want it left alone", v, got)
		}
	}
}

type errOf string

func (e errOf) Error() string { return string(e) }

// What was encoded from a type and has a value in it that its own decoder
// refuses is not signed.
func TestEncodeProbed(t *testing.T) {
	type document struct {
		Day  Date     `json:"day"`
		By   *Outcome `json:"by,omitempty"`
		Salt *Digest  `json:"salt,omitempty"`
	}
	by, salt := Outcome("good"), DigestOf(nil)
	wrong := Outcome("fine")
	for _, tt := range []struct {
		in   document
		want bool
	}{
		{document{Day: "2026-11-03"}, true},
		{document{Day: "2026-11-03", By: &by, Salt: &salt}, true},
		{document{Day: "2026-11-31"}, false},
		{document{Day: "2026-11-03", By: &wrong}, false},
	} {
		b, err := json.Marshal(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		var out document
		if refused := DecodeStrict(b, &out) != nil; refused == tt.want {
			t.Errorf("%s: decoding refuses it: %t", b, refused)
		}
		if got := encodeProbed(tt.in) != nil; got != tt.want {
			t.Errorf("%s: got %t, want %t", b, got, tt.want)
		}
	}
}

// Whatever our types hold.
func FuzzEncodePlain(f *testing.F) {
	license, _ := json.Marshal(Credential[License]{Subject: testLicense()})
	f.Add(license, "x", int64(1), 1.0)
	f.Add([]byte(`{"b":[1,{"a":null}],"a":"\u2028<é"}`), "a\"b", int64(1<<53), -0.5)
	f.Fuzz(func(t *testing.T, b []byte, s string, n int64, x float64) {
		if len(b) > 1<<16 {
			return
		}
		var of struct {
			license Credential[License]
			order   Credential[Order]
			entry   StatusEntry
			outer   outer
			any     any
		}
		for _, v := range []any{&of.license, &of.order, &of.entry, &of.outer, &of.any} {
			json.Unmarshal(b, v) // as far as it comes
			checkEncode(t, v)
			checkEncode(t, reflect.ValueOf(v).Elem().Interface())
		}
		checkEncode(t, json.RawMessage(b))
		checkEncode(t, map[string]any{s: n, "s": []any{s, loud(s), x, uint16(n)}, strings.ToUpper(s): plainText(s)})
	})
}
