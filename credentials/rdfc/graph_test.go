package rdfc

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/piprate/json-gold/ld"
)

const testContexts = `"@context":["https://www.w3.org/ns/credentials/v2","urn:countersign:context:1"]`

func TestCanonicalizeRefuses(t *testing.T) {
	alike := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat(`{"number":"1"},`, n), ",") + "]" }
	for _, tt := range []struct{ name, body, want string }{
		{"good", `"npi":"1"`, ""},
		{"as many alike as may be", `"reason":` + alike(maxAlike), ""},
		{"more alike", `"reason":` + alike(maxAlike+1), "say the same"},
		{"empty ones alike", `"reason":[{},{},{},{},{},{},{}]`, "say the same"},
		{"many objects", `"claim":{"a":` + alike(maxObjects+1) + `}`, "objects"},
		{"large", `"npi":"` + strings.Repeat("x", maxBytes) + `"`, "bytes"},
		{"many statements", `"reason":[` + numbered(maxStatements) + `]`, "statements"},
		{"a fraction", `"number":0.30000000000000004`, "round"},
		{"JSON literal of text", `"decision":"paid"`, "JSON literal"},
		{"JSON literal of a list", `"decision":[{"a":1}]`, "JSON literal"},
		{"JSON literals", `"decision":[{"a":1},{"a":2}]`, "JSON literal"},
		{"JSON literal", `"decision":{"a":[1.5,"é",{}]}`, ""},
		{"relative type", `"type":"Restricted"`, "no URL"},
		{"injected statement", `"npi":"1","id":"urn:a> <urn:b> <urn:c"`, "no URL"},
		{"injected type", `"type":"urn:a> . <urn:b> <urn:c> <urn:d"`, "no URL"},
		{"space in an id", `"npi":"1","id":"urn:a b"`, "no URL"},
		{"blank type", `"type":"_:b1"`, "no URL"},
		{"nothing but a name", `"id":"urn:a"`, "says nothing"},
		{"undefined", `"nip":"1"`, "defined in none"},
		{"null", `"npi":null`, "null says nothing"},
		{"null in a list", `"npi":["1",null]`, "null says nothing"},
		{"empty list", `"npi":[]`, "empty list"},
		{"empty list of types", `"npi":"1","type":[]`, "empty list"},
		{"keyword", `"npi":"1","@id":"urn:a"`, "not a term"},
		{"keyword within", `"reason":{"@id":"urn:a","npi":"1"}`, "not a term"},
		{"keyword that is to come", `"npi":"1","@later":"x"`, "not a term"},
		{"value object", `"npi":{"@value":"1","@direction":"rtl"}`, "not a term"},
		{"compact IRI", `"npi":"1","urn:x":"1"`, "not a term"},
		{"empty name", `"npi":"1","":"1"`, "not a term"},
		{"control character", `"npi":"a\u0000b"`, "control character"},
		{"delete", `"npi":"a\u007fb"`, "control character"},
		{"delete in a name within a literal", `"claim":{"a\u007fb":1}`, "control character"},
		{"blank id", `"reason":{"id":"_:b0","npi":"1"}`, "blank node"},
		{"list of lists", `"upon":[["a"],["b","c"]]`, ""},
		{"empty list in a list", `"upon":[["a"],[]]`, ""},
		{"empty list within", `"upon":[{"npi":[]}]`, "empty list"},
		{"a graph within", `"type":"VerifiablePresentation","verifiableCredential":[{"id":"urn:a","type":"https://x.test/t"}]`, "defined in none"},
		{"said twice", `"npi":["1","1"]`, "said twice"},
		{"one node in two places", `"reason":[{"id":"urn:a","npi":"1"},{"id":"urn:a","npi":"1"}]`, "said twice"},
		{"deep", `"reason":` + strings.Repeat(`{"reason":`, 40) + "1" + strings.Repeat("}", 40), "levels"},
	} {
		_, err := Suite().Canonicalize([]byte("{" + testContexts + "," + tt.body + "}"))
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestCanonicalizeRefusesContexts(t *testing.T) {
	for _, tt := range []struct{ context, want string }{
		{`["https://www.w3.org/ns/credentials/v2","urn:countersign:context:1"]`, ""},
		{`"urn:countersign:context:1"`, ""},
		{`[]`, "want a list"},
		{`{}`, "want a list"},
		{`{"npi":"urn:x"}`, "want a list"},
		{`5`, "want a list"},
		{`["urn:countersign:context:1",{"npi":"urn:x"}]`, "not a context"},
		{`["urn:countersign:context:1","https://x.test/v1"]`, "not a context"},
		{`["urn:countersign:context:1","https://www.w3.org/ns/credentials/undefined-terms/v2"]`, "not a context"},
		{`["urn:countersign:context:1","urn:countersign:context:1","urn:countersign:context:1"]`, "too many"},
	} {
		_, err := Suite().Canonicalize([]byte(`{"@context":` + tt.context + `,"npi":"1"}`))
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.context, err, tt.want)
		}
	}
}

// A board's restrictions have an order, which a graph of plain statements would lose.
func TestOrderCounts(t *testing.T) {
	one, err := Suite().Canonicalize([]byte("{" + testContexts + `,"restrictions":["a","b"]}`))
	if err != nil {
		t.Fatal(err)
	}
	two, err := Suite().Canonicalize([]byte("{" + testContexts + `,"restrictions":["b","a"]}`))
	if err != nil || string(one) == string(two) {
		t.Errorf("both orders make\n%s (%v)", two, err)
	}
}

// What the library makes of a document is held against the document, even where nothing is known to come out wrong.
func TestCheckGraph(t *testing.T) {
	quad := func(subject ld.Node, predicate string, object ld.Node) *ld.Quad {
		return ld.NewQuad(subject, ld.NewIRI(predicate), object, "@default")
	}
	a := ld.NewIRI("urn:a")
	for _, tt := range []struct {
		name, want string
		quad       *ld.Quad
		said       census
	}{
		{"good", "", quad(a, "urn:p", ld.NewLiteral("x", "urn:t", "")), census{statements: 1}},
		{"good literal", "", quad(a, "urn:p", ld.NewLiteral("{}", ld.RDFJSONLiteral, "")), census{statements: 1, literals: []string{"{}"}}},
		{"other literal", "JSON literal", quad(a, "urn:p", ld.NewLiteral("error", ld.RDFJSONLiteral, "")), census{statements: 1, literals: []string{"{}"}}},
		{"one more", "said twice", quad(a, "urn:p", a), census{statements: 2}},
		{"one less", "said twice", quad(a, "urn:p", a), census{}},
		{"predicate", "no URL", quad(a, "urn:p> <urn:q", a), census{statements: 1}},
		{"datatype", "no URL", quad(a, "urn:p", ld.NewLiteral("x", "t", "")), census{statements: 1}},
		{"relative", "no URL", quad(ld.NewIRI("a"), "urn:p", a), census{statements: 1}},
	} {
		graph := ld.NewRDFDataset()
		graph.Graphs["@default"] = []*ld.Quad{tt.quad}
		err := checkGraph(graph, &tt.said)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// Whatever else than nodes the library may expand to one day is refused, not passed over.
func TestCensusRefuses(t *testing.T) {
	type o = map[string]any
	value := func(v any) []any { return []any{o{"urn:p": []any{v}}} }
	for name, expanded := range map[string][]any{
		"no node":             {"x"},
		"name that is a list": {o{"@id": []any{"urn:a"}}},
		"blank name":          {o{"@id": "_:a"}},
		"one value":           {o{"urn:p": "x"}},
		"no values":           {o{"urn:p": []any{}}},
		"type that is none":   {o{"@type": []any{5}}},
		"blank type":          {o{"@type": []any{"_:a"}}},
		"graph":               {o{"@graph": []any{o{}}}},
		"text":                value("x"),
		"direction":           value(o{"@value": "x", "@direction": "rtl"}),
		"list of text":        value(o{"@list": []any{"x"}}),
		"fraction":            value(o{"@value": 0.5}),
		"literal of text":     value(o{"@value": "x", "@type": "@json"}),
		"literal too large":   value(o{"@value": o{"a": 1e300}, "@type": "@json"}),
	} {
		var c census
		if err := c.take(expanded); err == nil {
			t.Errorf("%s: taken as %+v", name, c)
		}
	}
	var c census
	if err := c.take(value(o{"@value": o{"a": 1}, "@type": "@json"})); err != nil || c.statements != 1 || len(c.literals) != 1 {
		t.Errorf("a JSON literal: %+v, %v", c, err)
	}
}

// Nodes that say different things are not alike: a text, the same text of another type, a name.
func TestCheckAlikeTellsApart(t *testing.T) {
	graph := ld.NewRDFDataset()
	var quads []*ld.Quad
	for i, object := range []ld.Node{
		ld.NewLiteral("urn:x", "urn:t", ""), ld.NewLiteral("urn:x", "urn:u", ""), ld.NewLiteral("urn:x", "urn:v", ""), ld.NewLiteral("urn:x", "urn:t", "en"),
		ld.NewLiteral("urn:x", "urn:t", "de"), ld.NewLiteral("urn:x", "urn:t", "fr"), ld.NewIRI("urn:x"),
	} {
		quads = append(quads, ld.NewQuad(ld.NewBlankNode(fmt.Sprint("_:b", i)), ld.NewIRI("urn:p"), object, "@default"))
	}
	graph.Graphs["@default"] = quads
	if err := checkAlike(graph); err != nil {
		t.Error(err)
	}
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"%d",`, i)
	}
	return b.String() + `"last"`
}

// Two documents that differ in one place make two graphs, whatever stands there.
func TestEachPlaceCounts(t *testing.T) {
	seen := map[string]string{}
	for _, value := range []string{`"a"`, `"b"`, `"A"`, `1`, `"1"`, `true`, `"true"`, `-1`, `{}`, `{"npi":"1"}`, `{"npi":"2"}`, `{"id":"urn:a"}`, `"urn:a"`,
		`["a","b"]`, `[1,"a"]`, `"a\nb"`, `"a\\nb"`, `"a\" b"`, `"a\tb"`, `"a\\tb"`, `"é"`, `"e\u0301"`, `"\ud83d\ude00"`, `"_:b0"`, `9007199254740991`, `9007199254740990`} {
		out, err := Suite().Canonicalize([]byte("{" + testContexts + `,"reason":` + value + "}"))
		if err != nil {
			t.Errorf("%s: %v", value, err)
		}
		if other, ok := seen[string(out)]; ok {
			t.Errorf("%s and %s make the same graph:\n%s", value, other, out)
		}
		seen[string(out)] = value
	}
}

// Whatever tree a stranger grows, it is refused or sorted in time. Trees of nodes that look alike are the worst that a document
// without names for blank nodes can hold.
func TestNoPoison(t *testing.T) {
	suite := Suite()
	accepted := 0
	var worst time.Duration
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		groups := 1 + r.IntN(30)
		text, err := json.Marshal(tree(r, groups, new(int), 0))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := suite.Canonicalize([]byte("{" + testContexts + `,"reason":` + string(text) + "}")); err == nil {
			accepted++
		}
		worst = max(worst, time.Since(start))
	}
	if worst > 30*time.Second {
		t.Errorf("one took %s", worst)
	}
	if accepted < 20 {
		t.Errorf("%d of 400 trees were taken: they do not try the bounds", accepted)
	}
	t.Logf("%d of 400 trees taken, the slowest in %s", accepted, worst)
}

// tree has identical twins at each fork, down to the same depth.
func tree(r *rand.Rand, groups int, made *int, depth int) any {
	node := map[string]any{"number": fmt.Sprint("group ", depth, r.IntN(2))}
	if *made++; depth >= min(groups, 25) || *made > 200 {
		return node
	}
	twins := 1
	if r.IntN(4) == 0 {
		twins = 2 + r.IntN(2)
	}
	child := tree(r, groups, made, depth+1)
	var all []any
	for range twins {
		all = append(all, child)
	}
	node["reason"] = all
	return node
}
