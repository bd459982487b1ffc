//go:build interop && linux

package npm

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/integrity"
	"github.com/countersign-health/countersign/credentials/rdfc"
)

var suites = []integrity.Suite{integrity.JCS, rdfc.Suite()}

// judge is the verdict on a document with a proof. Its subject is read as it is.
func judge(document string, kind credentials.Kind, p credentials.Policy) credentials.Verdict {
	_, v := integrity.Judge[json.RawMessage]([]byte(document), kind, suites, p)
	return v
}

func verifyCredential(document string) question {
	return question{"document": document, "now": now.Add(time.Minute)}
}

// theirWhy is why Digital Bazaar's libraries have to refuse a change: within
// what is signed it is the signature, or that JSON-LD knows no such term. The
// envelope they refuse for its form, each member in words of its own.
func theirWhy(c change) []string {
	if strings.HasPrefix(c.at, "/credentialSubject/") || strings.HasPrefix(c.at, "/credentialSchema/") || c.at == "/salt" || c.at == "/id" {
		return []string{"Invalid signature", "Safe mode validation error"}
	}
	return []string{""}
}

// Digital Bazaar's libraries verify each kind of ours under either suite, and
// none in which anything is changed.
func TestOurProofs(t *testing.T) {
	kinds, n := 0, 0
	for _, suite := range suites {
		for _, d := range documents(t) {
			what := string(d.kind) + ", " + suite.Name
			draft, err := d.draft(board)
			if err != nil {
				t.Fatal(err)
			}
			signed, err := integrity.Sign(board, suite, draft, integrity.Terms{Purpose: integrity.Assertion, Created: now})
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			accepted(t, what, "verifyCredential", verifyCredential(string(signed)))
			accepted(t, what+", by its schema", "holdAgainstSchema", question{"document": string(draft)})
			for _, c := range changes(t, string(signed)) {
				refused(t, what+" "+c.at+" "+c.what, theirWhy(c), "verifyCredential", verifyCredential(c.text))
				n++
			}
			kinds++
		}
	}
	say(t, "Digital Bazaar's vc verifies %d documents of ours with proofs (each kind, eddsa-jcs-2022 and eddsa-rdfc-2022), and refuses %d changed ones", kinds, n)
}

// What Digital Bazaar's libraries sign we find good, and bad where anything is
// changed: by the signature, if the place is not one that is looked at before.
func TestTheirProofs(t *testing.T) {
	kinds, n := 0, 0
	for _, suite := range suites {
		for _, d := range documents(t) {
			what := string(d.kind) + ", " + suite.Name
			draft, err := d.draft(board)
			if err != nil {
				t.Fatal(err)
			}
			signed := issued(t, board, suite.Name, string(draft))
			if v := judge(signed, d.kind, policy()); !v.IsGood() {
				t.Fatalf("%s: %+v\n%s", what, v, signed)
			}
			for _, c := range changes(t, signed) {
				oursIs(t, what+" "+c.at+" "+c.what, c, suite.Name, judge(c.text, d.kind, policy()))
				n++
			}
			early := policy()
			early.Now = now.AddDate(0, 0, -1)
			bad(t, what+", too early", credentials.CheckDates, judge(signed, d.kind, early))
			stranger, err := d.draft(thief)
			if err != nil {
				t.Fatal(err)
			}
			bad(t, what+", a stranger's", credentials.CheckIssuer, judge(issued(t, thief, suite.Name, string(stranger)), d.kind, policy()))
			kinds++
		}
	}
	say(t, "we find %d documents with proofs by Digital Bazaar's vc good (each kind, both suites), and %d changed ones bad by the check that is meant for it", kinds, n)
}

func issued(t *testing.T, p party, suite, draft string) string {
	t.Helper()
	return ask(t, "issueCredential", question{"document": draft, "suite": suite, "key": p.key(), "now": now}).Document
}

// oursIs holds a verdict against what the change of a place has to lead to.
// Whose key signed is asked of the ledger, where a did:key does not say: here,
// where there is none, that stays open.
func oursIs(t *testing.T, what string, c change, suite string, got credentials.Verdict) {
	t.Helper()
	want := []credentials.Check{credentials.CheckSignature}
	switch name, _ := cutPointer(c.at + "/"); {
	case c.at == "/proof/verificationMethod" && c.what == "changed":
		if got.Outcome != credentials.NotKnown || got.Check != credentials.CheckKey {
			t.Errorf("%s: got %+v, want it unknown for want of the key", what, got)
		}
		return
	case checksOf[c.at+" "+c.what] != "":
		want = []credentials.Check{checksOf[c.at+" "+c.what]}
	case name == "@context" && suite == rdfc.Name:
		want = []credentials.Check{credentials.CheckContent} // it is no context of ours
	case name == "@context" || strings.HasPrefix(c.at, "/proof/@context/"):
		want = []credentials.Check{credentials.CheckForm} // the proof's own is another
	case suite == rdfc.Name && name != "proof":
		want = append(want, credentials.CheckContent) // terms and types that no context has
	}
	if !slices.Contains(want, got.Check) || got.Outcome != credentials.Bad {
		t.Errorf("%s: got %s by %q (%s), want bad by %v", what, got.Outcome, got.Check, got.Why, want)
	}
}

// checksOf is what is asked before a signature is looked at.
var checksOf = map[string]credentials.Check{
	"/type gone":                     credentials.CheckContent,
	"/type/0 changed":                credentials.CheckContent,
	"/issuer gone":                   credentials.CheckContent,
	"/issuer changed":                credentials.CheckIssuer,
	"/proof gone":                    credentials.CheckForm,
	"/proof one more":                credentials.CheckForm,
	"/proof/created gone":            credentials.CheckHeader,
	"/proof/created changed":         credentials.CheckHeader,
	"/proof/cryptosuite gone":        credentials.CheckAlgorithm,
	"/proof/cryptosuite changed":     credentials.CheckAlgorithm,
	"/proof/proofPurpose gone":       credentials.CheckHeader,
	"/proof/proofPurpose changed":    credentials.CheckHeader,
	"/proof/proofValue gone":         credentials.CheckForm,
	"/proof/type gone":               credentials.CheckHeader,
	"/proof/type changed":            credentials.CheckHeader,
	"/proof/verificationMethod gone": credentials.CheckHeader,
}

// Our N-Quads are jsonld.js's, to the byte, which reads our contexts in its safe
// mode.
func TestStatements(t *testing.T) {
	n := 0
	for _, d := range documents(t) {
		draft, err := d.draft(board)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := rdfc.Suite().Canonicalize(draft)
		if err != nil {
			t.Fatal(err)
		}
		theirs := ask(t, "statements", question{"document": string(draft)})
		if theirs.Refused != "" || theirs.Text != string(ours) {
			t.Errorf("%s: jsonld.js makes\n%s%s\nand we\n%s", d.kind, theirs.Text, theirs.Refused, ours)
		}
		n += strings.Count(theirs.Text, "\n")
	}
	for _, d := range documents(t) {
		token, err := d.token(board)
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(t, "statements", question{"document": payloadOf(t, token)}); got.Refused != "" {
			t.Errorf("%s: jsonld.js refuses a token's payload: %s", d.kind, got.Refused)
		}
	}
	say(t, "jsonld.js in safe mode makes the same %d canonical statements of our documents and contexts", n)
}
