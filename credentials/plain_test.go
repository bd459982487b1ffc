package credentials

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
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
	for _, meant := range append(plainTypes[1:], filledTypes...) {
		checkFill(t, b, meant)
	}
	return taken
}

// checkFill wants what was read at once to be what encoding/json reads.
func checkFill(t *testing.T, b []byte, meant reflect.Type) {
	t.Helper()
	text, got := plainInto(b, meant)
	if text == nil {
		return
	}
	want := reflect.New(meant)
	if err := json.Unmarshal(b, want.Interface()); err != nil {
		t.Errorf("%q for %v: taken, though %v", b, meant, err)
	} else if !reflect.DeepEqual(got.Interface(), want.Elem().Interface()) {
		t.Errorf("%q: got %#v, want %#v", b, got, want.Elem())
	}
	if only := plain(b, meant); !bytes.Equal(only, text) {
		t.Errorf("%q: got %q, and %q where it is read as well", b, only, text)
	}
}

// Every kind of value that our documents have, and some that they do not.
type filled struct {
	Text    string          `json:"text"`
	Yes     bool            `json:"yes"`
	Small   int8            `json:"small"`
	Count   uint16          `json:"count"`
	Ratio   float64         `json:"ratio"`
	Handle  Handle          `json:"handle"`
	Maybe   *Handle         `json:"maybe"`
	When    time.Time       `json:"when"`
	Later   *time.Time      `json:"later"`
	Deep    **string        `json:"deep"`
	Raw     json.RawMessage `json:"raw"`
	Any     any             `json:"any"`
	Bytes   []byte          `json:"bytes"`
	Words   []string        `json:"words"`
	Pair    [2]int          `json:"pair"`
	Map     map[string]int  `json:"map"`
	Loose   map[string]any  `json:"loose"`
	Anyway  []any           `json:"anyway"`
	Named   namedAny        `json:"named"`
	Records map[string]any  `json:"records,omitempty"`
	Chosen  namedMap        `json:"chosen"`
	Inner   *filled         `json:"inner"`
	List    []filled        `json:"list"`
	Outcome Outcome         `json:"outcome"`
	Untold  string          `json:"-"`
	hidden  string
	beside
}

type beside struct {
	Beside string `json:"beside"`
}

type (
	quoted struct {
		A int `json:"a,string"`
	}
	pointed struct{ *beside }
	named   struct{ List }
	List    []int

	namedAny any
	namedMap map[string]any
	byName   map[loud]any // whose names have a say in what they are
)

func (l *loud) UnmarshalText(b []byte) error {
	if *l = loud(b); len(b) == 0 {
		return errors.New("silent")
	}
	return nil
}

var filledTypes = []reflect.Type{reflect.TypeFor[filled](), reflect.TypeFor[quoted](), reflect.TypeFor[pointed](), reflect.TypeFor[named](), reflect.TypeFor[[]*int](), reflect.TypeFor[string](),
	reflect.TypeFor[any](), reflect.TypeFor[*any](), reflect.TypeFor[map[string]any](), reflect.TypeFor[[]any](), reflect.TypeFor[[2]any](),
	reflect.TypeFor[map[string]*any](), reflect.TypeFor[byName](), reflect.TypeFor[Credential[map[string]any]](), reflect.TypeFor[Credential[any]]()}

func TestFill(t *testing.T) {
	handle := strings.Repeat("0a", 32)
	taken := 0
	for in, wanted := range map[string]bool{
		`{"text":"a \"b\" \\ ü","yes":true,"small":-128,"count":65535}`:                                                true,
		`{"handle":"` + handle + `","maybe":"` + handle + `","when":"2026-11-02T09:00:00Z"}`:                           true,
		`{"maybe":null,"later":null,"deep":null,"any":null,"words":null,"map":null,"inner":null}`:                      true,
		`{"later":"2026-11-02T09:00:00Z","deep":"x","raw":{"b":1,"a":[]},"any":{"x":[1,"y"]}}`:                         true,
		`{"words":[],"list":[],"map":{},"inner":{}}`:                                                                   true,
		`{"words":["a","b","c","d","e"],"pair":[1,2],"map":{"a":1},"list":[{"text":"x"},{}]}`:                          true,
		`{"inner":{"inner":{"list":[{"small":1}]}},"outcome":"good","beside":"b"}`:                                     true,
		`{"loose":{"b":{"z":[],"y":{}},"a":[null,true,false,-7,0,9007199254740991,"","\"\\","ü"]},"anyway":[{},[[]]]}`: true,
		`{"loose":{},"anyway":[],"any":[],"records":{"a":null}}`:                                                       true,
		`{"loose":null,"anyway":null,"any":false,"named":{"b":1,"a":2},"chosen":{"b":[1],"a":{}}}`:                     true,
		`{"loose":{"message":"none","x":"0x1","y":"VerifiableCredential"}}`:                                            true,
		`{"loose":[]}`: false, `{"loose":"x"}`: false, `{"loose":1}`: false, `{"loose":true}`: false, `{"anyway":{}}`: false, `{"anyway":"x"}`: false,
		`{"loose":{"a":1,"a":2}}`: false, `{"loose":{"b":1,"a":2,"b":3}}`: false, `{"any":[{"a":1,"a":1}]}`: false, `{"any":[1.5]}`: false,
		`{"any":{"a":1}`: false, `{"any":[1}`: false, `{"any":[nul]}`: false, `{"any":"\n"}`: false, `{"any":{"ü":1}}`: false, `{"loose":{"a":tru}}`: false,
		`{"loose":` + strings.Repeat(`{"a":`, 32) + "1" + strings.Repeat("}", 32) + `}`: false,
		`{"small":128}`: false, `{"count":-1}`: false, `{"count":65536}`: false, `{"ratio":1}`: false, `{"yes":"true"}`: false,
		`{"text":1}`: false, `{"text":true}`: false, `{"handle":"x"}`: false, `{"handle":1}`: false, `{"when":"today"}`: false,
		`{"outcome":"fine"}`: false, `{"pair":[1]}`: false, `{"pair":[1,2,3]}`: false, `{"map":{"a":"b"}}`: false,
		`{"bytes":"AAAA"}`: false, `{"list":{}}`: false, `{"inner":[]}`: false, `{"hidden":"x"}`: false, `{"Untold":"x"}`: false, `{"words":[1]}`: false,
		`{"text":"a","text":"b"}`: false, `{"handle":null}`: false,
	} {
		text, _ := plainInto([]byte(in), filledTypes[0])
		if (text != nil) != wanted {
			t.Errorf("%s: taken %v, want %v", in, text != nil, wanted)
		}
		if text != nil {
			taken++
		}
		checkPlain(t, []byte(in))
	}
	for _, in := range []string{`{"b":{"c":null},"a":[1,"x"]}`, `["x",null]`, `{"a":null}`, `{"":1}`, `{"":null}`, `{}`, `[]`, `true`, `1`, `{"a":"1"}`, `{"a":1}`, `{"beside":"x"}`, `{"List":[1]}`, `[1,null,2]`, `"x"`, `null`} {
		checkPlain(t, []byte(in))
	}
	if (filled{hidden: "x"}).hidden != "x" || taken == 0 {
		t.Error("nothing was read")
	}
}

// TestDecodeIntoWhatIsThere has a value that holds something already read the
// long way, which adds to it as encoding/json does.
func TestDecodeIntoWhatIsThere(t *testing.T) {
	v := filled{Text: "before", Map: map[string]int{"a": 1}}
	if err := DecodeStrict([]byte(`{"map":{"b":2},"yes":true}`), &v); err != nil || v.Text != "before" || len(v.Map) != 2 || !v.Yes {
		t.Errorf("got %+v, %v", v, err)
	}
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
	for _, in := range []string{`{"b":1,"a":[{"d":{},"c":[]}]}`, `{"count":1,"pair":[1,2],"list":[{"name":"n","days":["x"]}]}`, `{"a":1,"a":2}`, `"\u0041"`, `-0`, `[1.0]`, `{"loose":{"b":{},"a":[null,true,-7,"x"]},"anyway":[{}],"any":{"":0},"chosen":{"a":1}}`, `{"credentialSubject":{"a":[{}]},"type":["VerifiableCredential"]}`} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 1<<16 {
			checkPlain(t, b)
		}
	})
}
