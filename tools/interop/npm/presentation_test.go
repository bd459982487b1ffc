//go:build interop && linux

package npm

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/integrity"
)

// open is the verdict on a presentation with a proof of its holder's.
func open(document string, x integrity.Expect) credentials.Verdict {
	_, err := integrity.Open([]byte(document), suites, x, credentials.ResolveDIDKey)
	return credentials.VerdictOf(err)
}

var shown = integrity.Expect{Purpose: integrity.Authentication, Challenge: challenge, Domain: domain}

func verifyPresentation(document, challenge, domain string) question {
	return question{"document": document, "challenge": challenge, "domain": domain, "now": now.Add(time.Minute)}
}

// presentation is one before it is signed. eddsa-rdfc-2022 signs none with a
// credential in it: docs/interop.md says why.
func presentation(t *testing.T, suite string) []byte {
	t.Helper()
	p := map[string]any{"@context": []string{"https://www.w3.org/ns/credentials/v2"}, "type": []string{"VerifiablePresentation"}, "holder": clinician.did()}
	if suite == integrity.JCS.Name {
		draft, err := documents(t)[0].draft(board)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := integrity.Sign(board, integrity.JCS, draft, integrity.Terms{Purpose: integrity.Assertion, Created: now})
		if err != nil {
			t.Fatal(err)
		}
		p["verifiableCredential"] = []json.RawMessage{signed}
	}
	b, err := credentials.CanonicalJSON(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Presentations with a Data Integrity proof, both ways, each for one challenge
// and one verifier.
func TestPresentedProofs(t *testing.T) {
	n := 0
	for _, suite := range suites {
		draft := presentation(t, suite.Name)
		signed, err := integrity.Sign(clinician, suite, draft, integrity.Terms{Purpose: integrity.Authentication, Created: now, Challenge: challenge, Domain: domain})
		if err != nil {
			t.Fatal(err)
		}
		ours := string(signed)
		accepted(t, suite.Name, "verifyPresentation", verifyPresentation(ours, challenge, domain))
		refused(t, suite.Name+", another challenge", []string{"challenge"}, "verifyPresentation", verifyPresentation(ours, "another", domain))
		refused(t, suite.Name+", another verifier", []string{"domain"}, "verifyPresentation", verifyPresentation(ours, challenge, "other.example"))

		theirs := ask(t, "signPresentation", question{"document": string(draft), "suite": suite.Name, "key": clinician.key(), "now": now,
			"challenge": challenge, "domain": domain}).Document
		if v := open(theirs, shown); !v.IsGood() {
			t.Fatalf("%s: %+v", suite.Name, v)
		}
		other := shown
		other.Challenge = "another"
		bad(t, suite.Name+", another challenge", credentials.CheckBinding, open(theirs, other))
		other = shown
		other.Domain = "other.example"
		bad(t, suite.Name+", another verifier", credentials.CheckBinding, open(theirs, other))
		for _, c := range changes(t, ours) {
			refused(t, suite.Name+" ours "+c.at+" "+c.what, []string{""}, "verifyPresentation", verifyPresentation(c.text, challenge, domain))
			n++
		}
		for _, c := range changes(t, theirs) {
			if v := open(c.text, shown); v.IsGood() {
				t.Errorf("%s theirs %s %s: good", suite.Name, c.at, c.what)
			}
			n++
		}
	}
	say(t, "presentations with a proof, a challenge and a domain hold both ways under both suites, and %d changed ones on neither side", n)
}
