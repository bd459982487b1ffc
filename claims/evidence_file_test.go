package claims

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

var seed = credentials.Handle{9, 9, 9}

func someEvidence(t testing.TB) *Evidence {
	p := goldPlan(t)
	c, e := aCase(p, aLine{code: "72148", charge: 60_00, fee: 60_00}, aLine{code: "73610", charge: 50_00, fee: -1})
	authorize(c, e, 0, 2000)
	e.Number, e.Review = 2, &Determination{Subject: e.Submission, Number: 1, Approve: true, Reviewer: "did:key:z6Mk"}
	return e
}

func someAuthorizationEvidence() *AuthorizationEvidence {
	s := StandingFact{NPI: drA, State: "IL", On: "2026-03-02", Standing: licensed, Fresh: true}
	return &AuthorizationEvidence{
		Submission: credentials.Handle{1}, Number: 1, Received: "2026-02-01", Before: AuthorizationPended,
		Member:    MemberFact{Found: true, Matches: true, Coverage: []Coverage{{From: "2026-01-01"}}},
		Standings: []ItemStanding{{Sequence: 1, First: s, Last: s}, {Sequence: 2, First: s, Last: s}},
	}
}

func TestSealAndOpen(t *testing.T) {
	e := someEvidence(t)
	file, root, err := SealEvidence(e, seed)
	if err != nil {
		t.Fatal(err)
	}
	got, again, err := OpenEvidence[Evidence](file)
	if err != nil || again != root || !reflect.DeepEqual(got, e) {
		t.Errorf("got %+v, %s, %v", got, again, err)
	}
	if same, _, _ := SealEvidence(e, seed); !bytes.Equal(same, file) {
		t.Error("the same seed writes another file")
	}
	if _, other, _ := SealEvidence(e, credentials.Handle{8}); other == root {
		t.Error("another seed gives the same root")
	}
	a := someAuthorizationEvidence()
	file, root, err = SealEvidence(a, seed)
	if err != nil {
		t.Fatal(err)
	}
	gotA, again, err := OpenEvidence[AuthorizationEvidence](file)
	if err != nil || again != root || !reflect.DeepEqual(gotA, a) {
		t.Errorf("got %+v, %s, %v", gotA, again, err)
	}
	if _, _, err := OpenEvidence[Evidence](file); err == nil || !strings.Contains(err.Error(), "authorization") {
		t.Errorf("evidence of another kind: %v", err)
	}
	if _, _, err := SealEvidence(struct{}{}, seed); err == nil {
		t.Error("anything can be sealed")
	}
}

// TestEveryByte changes every byte in two ways and leaves every byte out: each
// file is refused, or has another root. None passes for the same evidence.
func TestEveryByte(t *testing.T) {
	file, root, err := SealEvidence(someEvidence(t), seed)
	if err != nil {
		t.Fatal(err)
	}
	for i := range file {
		for _, x := range []byte{0x01, 0x20} {
			bad := bytes.Clone(file)
			bad[i] ^= x
			if _, got, err := OpenEvidence[Evidence](bad); err == nil && got == root {
				t.Fatalf("byte %d (%q) may be %q", i, file[i], bad[i])
			}
			if got, err := ViewRoot(bad); err == nil && got == root {
				t.Fatalf("byte %d (%q) may be %q in a view", i, file[i], bad[i])
			}
		}
		if got, err := ViewRoot(append(bytes.Clone(file[:i]), file[i+1:]...)); err == nil && got == root {
			t.Fatalf("byte %d may be left out", i)
		}
	}
	for _, more := range []string{"\n", " ", "{}", "\x00"} {
		if _, _, err := OpenEvidence[Evidence](append(bytes.Clone(file), more...)); err == nil {
			t.Errorf("%q may follow", more)
		}
	}
}

func TestWithheldFacts(t *testing.T) {
	file, root, err := SealEvidence(someEvidence(t), seed)
	if err != nil {
		t.Fatal(err)
	}
	view, err := WithholdFacts(file, "member", "lines/1")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ViewRoot(view); err != nil || got != root {
		t.Errorf("root of the view: %s, %v, want %s", got, err, root)
	}
	if bytes.Contains(view, []byte(`"coverage"`)) || !bytes.Contains(view, []byte(`"accumulators"`)) {
		t.Error("the view shows the wrong facts")
	}
	if _, _, err := OpenEvidence[Evidence](view); err == nil || !strings.Contains(err.Error(), `fact "lines/1" is withheld`) {
		t.Errorf("opened a view: %v", err)
	}
	if _, err := WithholdFacts(file, "nothing"); err == nil {
		t.Error("withheld what is not there")
	}
	// Two facts that change names, or places, are other evidence.
	renamed := bytes.Replace(view, []byte(`"name":"lines/1"`), []byte(`"name":"lines/2"`), 1)
	if got, err := ViewRoot(renamed); err == nil && got == root {
		t.Error("a withheld fact may change its name")
	}
}

func TestEvidenceIsWrittenOneWay(t *testing.T) {
	file, _, err := SealEvidence(someEvidence(t), seed)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ old, new string }{
		{EvidenceSchema, "countersign/evidence/2"},
		{`"kind":"claim"`, `"kind":"other"`},
		{`"name":"lines/0"`, `"name":"lines/7"`},
		{`"name":"lines/0"`, `"name":"lines"`},
		{`"name":"number"`, `"name":"Number"`},
		{`"name":"number"`, `"name":"member"`},
		{`"value":2}`, `"value":2.0}`},
		{`"value":2}`, `"value":2,"x":1}`},
		{`"value":2}`, `"hash":"` + strings.Repeat("0", 64) + `","value":2}`},
		{`"standing":{`, `"standing":{"extra":1,`},
		{"{", " {"},
	}
	for _, tt := range tests {
		bad := bytes.Replace(file, []byte(tt.old), []byte(tt.new), 1)
		if bytes.Equal(bad, file) {
			t.Fatalf("%q is not in the file", tt.old)
		}
		if _, _, err := OpenEvidence[Evidence](bad); err == nil {
			t.Errorf("%q for %q is taken", tt.new, tt.old)
		}
	}
}

// TestEvidenceVector pins the bytes that others have to compute too.
func TestEvidenceVector(t *testing.T) {
	_, root, err := SealEvidence(someAuthorizationEvidence(), seed)
	if err != nil {
		t.Fatal(err)
	}
	const want = "78ee1ae34c8fd3f6c0af44cccb6cd7d548413010af24bda43b63c22d72ca1602"
	if root.String() != want {
		t.Errorf("got %s, want %s: released evidence would no longer verify", root, want)
	}
}
