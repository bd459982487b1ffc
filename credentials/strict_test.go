package credentials

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

type inner struct {
	Name string   `json:"name"`
	Days []string `json:"days"`
}

type base struct {
	Base string `json:"base"`
}

type outer struct {
	base
	Count  int              `json:"count"`
	Inner  inner            `json:"inner"`
	List   []inner          `json:"list,omitempty"`
	Map    map[string]inner `json:"map,omitempty"`
	Maybe  *inner           `json:"maybe,omitempty"`
	Pair   [2]int           `json:"pair"`
	Any    any              `json:"any"`
	Raw    json.RawMessage  `json:"raw"`
	Digest Digest           `json:"digest"`
	Plain  string
	Hidden string `json:"-"`
}

func TestDecodeStrictAccepts(t *testing.T) {
	in := outer{base: base{"b"}, Count: 3, Inner: inner{"n", []string{"x"}}, List: []inner{{}, {"ü", nil}},
		Map: map[string]inner{"a": {}, "A": {}}, Maybe: &inner{}, Pair: [2]int{1, 2}, Any: map[string]any{"k": []any{"v", nil}},
		Raw: json.RawMessage(`{"deep":[1]}`), Digest: DigestOf(nil), Plain: "p"}
	b, err := json.MarshalIndent(in, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	var out outer
	if err := DecodeStrict(b, &out); err != nil {
		t.Fatal(err)
	}
	out.Raw = json.RawMessage(`{"deep":[1]}`) // indented on the way
	if !reflect.DeepEqual(in, out) {
		t.Errorf("got  %+v\nwant %+v", out, in)
	}
}

// A mistake of ours is an error, no panic.
func TestDecodeStrictIntoNothing(t *testing.T) {
	for _, v := range []any{nil, outer{}, "text"} {
		if err := DecodeStrict([]byte(`{}`), v); err == nil {
			t.Errorf("decoded into %T", v)
		}
	}
}

func TestDecodeStrictRefuses(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", ``, "too early"},
		{"white space", ` `, "too early"},
		{"not JSON", `x`, "invalid character"},
		{"cut", `{"count":1`, "too early"},
		{"trailing value", `{} {}`, "follows"},
		{"trailing brace", `{}}`, "follows"},
		{"trailing NUL", "{}\x00", "follows"},
		{"trailing comma", `{"count":1,}`, "invalid character"},
		{"comment", `{} // x`, "follows"},
		{"not UTF-8", "{\"Plain\":\"\xff\"}", "not UTF-8"},
		{"UTF-16", "\xff\xfe{\x00}\x00", "not UTF-8"},
		{"byte order mark", "\xef\xbb\xbf{}", "invalid character"},
		{"half a surrogate pair", `{"Plain":"\ud800"}`, "surrogate"},
		{"second half alone", `{"Plain":"\udc00"}`, "surrogate"},
		{"two first halves", `{"Plain":"\ud800\ud800"}`, "surrogate"},
		{"half, then text", `{"Plain":"\ud800x"}`, "surrogate"},
		{"half in a name", `{"map":{"\ud800":{}}}`, "surrogate"},
		{"twice", `{"count":1,"count":1}`, "/count"},
		{"twice by escape", `{"count":1,"c\u006funt":1}`, "/count"},
		{"twice inside", `{"inner":{"name":"a","name":"b"}}`, "/inner/name"},
		{"twice in a map", `{"map":{"a":{},"a":{}}}`, "/map/a"},
		{"twice in any", `{"any":[{"a":1,"a":2}]}`, "/any/0/a"},
		{"twice in raw", `{"raw":{"a":1,"a":2}}`, "/raw/a"},
		{"folded case", `{"Count":1}`, "/Count: unknown"},
		{"folded case of an untagged name", `{"plain":"x"}`, "/plain: unknown"},
		{"folded K (Kelvin sign)", "{\"\u212aount\":1}", "unknown"},
		{"unknown", `{"other":1}`, "/other: unknown"},
		{"unknown inside a list", `{"list":[{},{"x":1}]}`, "/list/1/x: unknown"},
		{"unknown inside a map", `{"map":{"a":{"x":1}}}`, "/map/a/x: unknown"},
		{"unknown behind a pointer", `{"maybe":{"x":1}}`, "/maybe/x: unknown"},
		{"pointer is escaped", `{"a/b~c":1}`, "/a~1b~0c"},
		{"hidden", `{"Hidden":"x"}`, "/Hidden: unknown"},
		{"dash", `{"-":"x"}`, "/-: unknown"},
		{"null text", `{"Plain":null}`, "/Plain: null"},
		{"null struct", `{"inner":null}`, "/inner: null"},
		{"null digest", `{"digest":null}`, "/digest: null"},
		{"null at the top", `null`, "null"},
		{"wrong type", `{"count":"1"}`, "/count"},
		{"wrong type inside", `{"inner":{"name":5}}`, "/inner/name"},
		{"fraction as an integer", `{"count":1.5}`, "/count"},
		{"array too short", `{"pair":[1]}`, "/pair"},
		{"array too long", `{"pair":[1,2,3]}`, "/pair"},
		{"beyond 2^53", `{"count":9007199254740992}`, "2^53"},
		{"beyond 2^53 in any", `{"any":[-9007199254740993]}`, "/any/0"},
		{"number out of range", `{"any":1e999}`, "/any"},
		{"leading zero", `{"count":01}`, "invalid character"},
		{"too deep", strings.Repeat("[", 33) + strings.Repeat("]", 33), "levels"},
		{"very deep", strings.Repeat("[", 1<<20), "levels"},
		{"very deep objects", strings.Repeat(`{"any":`, 1<<18), "levels"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var v outer
			err := DecodeStrict([]byte(tt.in), &v)
			if err == nil {
				t.Fatalf("accepted as %+v", v)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q does not say %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 {
				t.Errorf("error is not one short line: %q", err)
			}
		})
	}
	var nothing any
	if err := DecodeStrict([]byte(strings.Repeat("[", 32)+strings.Repeat("]", 32)), &nothing); err != nil {
		t.Errorf("32 levels: %v", err)
	}
	if err := DecodeStrict([]byte(`{}`), outer{}); err == nil {
		t.Error("a value that is no pointer was accepted")
	}
	var pair string
	if err := DecodeStrict([]byte(`"\ud83d\ude00 \\ud800"`), &pair); err != nil || pair != "😀 \\ud800" {
		t.Errorf("a whole surrogate pair: %q, %v", pair, err)
	}
}

// No value of a document may reach an error text: it could be personal.
func TestDecodeStrictKeepsValuesOut(t *testing.T) {
	for _, in := range []string{
		`{"count":"Jane Doe"}`, `{"inner":{"name":["Jane Doe"]}}`, `{"inner":"Jane Doe"}`,
		`{"count":1} "Jane Doe"`, `{"Plain":"Jane Doe","Plain":""}`, `{"digest":"Jane Doe"}`,
	} {
		var v outer
		if err := DecodeStrict([]byte(in), &v); err == nil || strings.Contains(err.Error(), "Jane") {
			t.Errorf("%s: error is %v", in, err)
		}
	}
}

func TestCanonicalJSON(t *testing.T) {
	got, err := CanonicalJSON(map[string]any{
		"b": "<&>\u2028é\x01", "a": []any{1, 1e-7, 0.5, -0.0, nil, true}, "\uff5e": 1, "\U0001f600": 2})
	// Names sort by UTF-16: the emoji's first half, d83d, comes before ff5e.
	want := "{\"a\":[1,1e-7,0.5,0,null,true],\"b\":\"<&>\u2028é\\u0001\",\"\U0001f600\":2,\"\uff5e\":1}"
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
	if _, err := CanonicalJSON(int64(1) << 53); err == nil {
		t.Error("an integer that a reader would round was encoded")
	}
	if got, err := CanonicalJSON(int64(1)<<53 - 1); err != nil || string(got) != "9007199254740991" {
		t.Errorf("2^53-1 = %s, %v", got, err)
	}
}

func TestCanonicalJSONCorpus(t *testing.T) {
	folder := filepath.Join(corpus(t, "vc/jcs-rfc8785"), "testdata")
	for _, name := range []string{"arrays", "french", "structures", "unicode", "values", "weird"} {
		in, err := os.ReadFile(filepath.Join(folder, "input", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		outhex, err := os.ReadFile(filepath.Join(folder, "outhex", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		want, err := hex.DecodeString(strings.Join(strings.Fields(string(outhex)), ""))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := canonicalize(in); err != nil || string(got) != string(want) {
			t.Errorf("%s:\ngot  %s, %v\nwant %s", name, got, err, want)
		}
	}
}
