package credentials

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

var plainTypes = []reflect.Type{nil, reflect.TypeFor[outer](), reflect.TypeFor[map[string]inner](), reflect.TypeFor[Credential[License]]()}

// checkPlain holds the short way against the long one: what it takes, the long
// one takes too, and makes the same of it.
func checkPlain(t *testing.T, b []byte) (taken int) {
	t.Helper()
	for _, meant := range plainTypes {
		got := plain(b, meant)
		if got == nil {
			continue
		}
		taken++
		if err := check(b, meant); err != nil {
			t.Errorf("%q for %v: taken, though %v", b, meant, err)
		}
		if want, err := canonicalize(b); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q: got %q, want %q, %v", b, got, want, err)
		}
	}
	return taken
}

func TestPlain(t *testing.T) {
	// What it takes: losing one of these makes no harm but slowness.
	for _, in := range []string{
		`{}`, `[]`, `""`, `0`, `-1`, `9007199254740991`, `true`, `false`, `null`, `{"b":1,"a":[{"d":{},"c":[]}]}`, `"ü \" \\ /"`,
		`{"a":{"z":0,"y":{"k":1,"j":2}},"A":"😀"}`, strings.Repeat("[", 32) + strings.Repeat("]", 32),
	} {
		if checkPlain(t, []byte(in)) == 0 {
			t.Errorf("%q is not taken", in)
		}
	}
	// What it leaves to the long way.
	for _, in := range []string{
		``, ` {}`, `{} `, `{"a": 1}`, `{"a":1,}`, `[1,]`, `[,1]`, `{,}`, `{'a":1}`, `{"a"1}`, `[1"a"]`, `[txue]`, `{"a"}`, `{"a":}`, `{a:1}`, `[1 2]`, `{"a":1"b":2}`, `01`, `-`, `-0`, `-01`, `1.5`, `1e3`, `+1`,
		`9007199254740992`, `99999999999999999`, `nul`, `nullx`, `tru`, `"`, `"\`, `"\n"`, `"\u0041"`, "\"\n\"", "\"\xff\"", `{"a":1,"a":2}`, `{"a":1,"b":2,"a":3}`,
		`{"ü":1}`, `{"\"":1}`, strings.Repeat("[", 33) + strings.Repeat("]", 33), `{}{}`, `[`, `{`, `{"a":1`, `[1`,
	} {
		if got := plain([]byte(in), nil); got != nil {
			t.Errorf("%q: got %q, want it left alone", in, got)
		}
	}
	for _, in := range []string{`{"Count":1}`, `{"other":1}`, `{"inner":null}`, `{"pair":[1]}`, `{"pair":[1,2,3]}`, `{"list":[{"x":1}]}`, `{"map":{"a":{"x":1}}}`, `null`} {
		if got := plain([]byte(in), plainTypes[1]); got != nil {
			t.Errorf("%q: got %q, want it left alone", in, got)
		}
	}
}

func FuzzPlain(f *testing.F) {
	for _, in := range []string{`{"b":1,"a":[{"d":{},"c":[]}]}`, `{"count":1,"pair":[1,2],"list":[{"name":"n","days":["x"]}]}`, `{"a":1,"a":2}`, `"\u0041"`, `-0`, `[1.0]`} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 1<<16 {
			checkPlain(t, b)
		}
	})
}
