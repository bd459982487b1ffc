//go:build interop && linux

package npm

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/rdfc"
)

// A maker makes the same documents in every run, of these letters.
type maker struct {
	*rand.Rand
	letters []rune
}

func newMaker(letters ...rune) maker { return maker{rand.New(rand.NewPCG(5, 2026)), letters} }

func one[T any](m maker, of ...T) T { return of[m.IntN(len(of))] }

// Letters of which canonical forms may differ.
var (
	letters  = []rune("aZ0 \"\\/<>&'\n\r\t\u0080\u00a0\u00e9\u0301\u20ac\u2028\u2029\ud7ff\U00010000\U0001f600\U0010ffff")
	controls = []rune("\b\f\x1f\x7f")
	high     = []rune("\ue000\ufb33\ufeff\ufffd\ufffe\uffff") // before the surrogates as letters, behind them in UTF-16
)

func (m maker) text() string {
	var s strings.Builder
	for range m.IntN(12) {
		s.WriteRune(one(m, one(m, m.letters...), rune(m.IntN(0xd7e0)+' ')))
	}
	return s.String()
}

func (m maker) number() float64 {
	switch m.IntN(6) {
	case 0:
		return float64(m.IntN(2000) - 1000)
	case 1:
		return float64(m.IntN(1<<53)) * one(m, 1.0, -1)
	case 2:
		return one(m, 0, 1e21, 1e20, 999999999999999900000, 1e-6, 1e-7, 123456789012345680000, 5e-324, math.MaxFloat64, 1<<53, 0.1, 1.0/3)
	case 3:
		return m.Float64()
	case 4:
		return m.Float64() * math.Pow(10, float64(m.IntN(40)-20))
	}
	for {
		if f := math.Float64frombits(m.Uint64()); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
	}
}

// value is any JSON, at most so deep.
func (m maker) value(deep int) any {
	switch n := m.IntN(9); {
	case n < 3:
		return m.text()
	case n < 5:
		return m.number()
	case n == 5:
		return one[any](m, true, false, nil)
	case deep == 0:
		return ""
	case n == 6:
		list := []any{}
		for range m.IntN(4) {
			list = append(list, m.value(deep-1))
		}
		return list
	}
	o := map[string]any{}
	for range m.IntN(6) {
		o[m.text()] = m.value(deep - 1)
	}
	return o
}

// Canonical JSON is the same to the byte, whatever stands in it.
func TestSameCanonicalJSON(t *testing.T) {
	m := newMaker(slices.Concat(letters, controls, high)...)
	var texts, ours []string
	refused := 0
	for range 3000 {
		b, err := json.Marshal(m.value(5))
		if err != nil {
			t.Fatal(err)
		}
		c, err := credentials.CanonicalJSON(json.RawMessage(b))
		if err != nil {
			refused++ // integers that a double does not hold
			continue
		}
		texts, ours = append(texts, string(b)), append(ours, string(c))
	}
	for i, theirs := range ask(t, "canonical", question{"texts": texts}).Texts {
		if theirs != ours[i] {
			t.Errorf("%s is to us\n%s and to canonicalize\n%s", texts[i], ours[i], theirs)
		}
	}
	if len(texts) < 1000 {
		t.Errorf("only %d values were read: %d refused", len(texts), refused)
	}
	say(t, "canonicalize makes the same canonical JSON of %d random values; %d more, with integers that a double does not hold, we refuse", len(texts), refused)
}

// linked is a random document under the data model's context and ours.
func (m maker) linked() map[string]any {
	doc := m.object(3)
	doc["@context"] = []string{"https://www.w3.org/ns/credentials/v2", credentials.ContextID}
	doc["type"] = []string{"VerifiableCredential", one(m, "LicenseCredential", "BoardOrder", "ClaimDecision")}
	doc["credentialSubject"] = m.object(3)
	return doc
}

// object has members that have a meaning, and some that have none.
func (m maker) object(deep int) map[string]any {
	o := map[string]any{}
	if m.IntN(3) == 0 {
		o["id"] = one(m, "urn:x:"+fmt.Sprint(m.IntN(5)), "did:example:a", "https://example.org/a?b=c#d", "urn:x:é")
	}
	if m.IntN(4) == 0 {
		o["type"] = one(m, "BitstringStatusList", "JsonSchema")
	}
	for range m.IntN(5) {
		name := one(m, "action", "handle", "npi", "name", "number", "reason", "until", "license", "salt", "description", "approve", "after", "from", "evidence")
		switch m.IntN(8) {
		case 0:
			o[name] = float64(m.IntN(1<<53)) * one(m, 1.0, -1, 0)
		case 1:
			o[name] = m.IntN(2) == 0
		case 2:
			o[name] = []any{m.text(), m.text() + "x", float64(m.IntN(9))}
		case 3:
			if deep > 0 {
				o[name] = m.object(deep - 1)
			}
		case 4:
			if deep > 0 {
				o[name] = []any{m.object(deep - 1), m.object(deep - 1)}
			}
		default:
			o[name] = m.text()
		}
	}
	if m.IntN(3) == 0 {
		o[one(m, "restrictions", "upon")] = []any{m.text(), m.text(), m.text()}
	}
	if m.IntN(3) == 0 {
		o[one(m, "claim", "decision", "head", "request", "source", "standing")] = map[string]any{m.text(): m.value(3), m.text(): m.value(3)}
	}
	if m.IntN(20) == 0 {
		o[one(m, "nickname", "validFrom", "issuer")] = m.text()
	}
	return o
}

// Whatever we read as JSON-LD, jsonld.js in its safe mode reads as the same
// statements, in the same order unless letters beyond the basic plane meet some
// of its end: it sorts by UTF-16 (docs/interop.md). What we refuse, it may take.
func TestSameStatements(t *testing.T) {
	m := newMaker(slices.Concat(slices.Repeat(letters, 8), controls)...)
	same, refused := 0, 0
	for range 1500 {
		b, err := json.Marshal(m.linked())
		if err != nil {
			t.Fatal(err)
		}
		ours, err := rdfc.Suite().Canonicalize(b)
		if err != nil {
			refused++
			continue
		}
		theirs := ask(t, "statements", question{"document": string(b)})
		if theirs.Text != string(ours) {
			t.Errorf("%s\nare to us\n%s and to jsonld.js\n%s%s", b, ours, theirs.Text, theirs.Refused)
		}
		same++
	}
	sorts := `{"@context":"https://www.w3.org/ns/credentials/v2","id":"urn:x:1","name":["דּ","𐀀"]}`
	ours, err := rdfc.Suite().Canonicalize([]byte(sorts))
	if theirs := ask(t, "statements", question{"document": sorts}); err != nil || theirs.Text == string(ours) || sorted(theirs.Text) != string(ours) {
		t.Errorf("docs/interop.md says in which order jsonld.js sorts: it makes\n%sand we %v\n%s", theirs.Text, err, ours)
	}
	if same < 200 {
		t.Errorf("only %d documents were read: %d refused", same, refused)
	}
	say(t, "jsonld.js makes the same statements of %d random documents; %d more we refuse", same, refused)
}

// sorted has the lines in the order of their letters.
func sorted(lines string) string {
	all := strings.SplitAfter(lines, "\n")
	slices.Sort(all)
	return strings.Join(all, "")
}
