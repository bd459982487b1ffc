//go:build interop && linux

package npm

import (
	"testing"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/aries"
)

// A board that issued under data model 1.1, with terms of its own.
const (
	boardContextURL = "https://board.example/contexts/1"
	boardContext    = `{"@context":{"@protected":true,"PhysicianLicense":"https://board.example/terms#PhysicianLicense",
"licenseNumber":"https://board.example/terms#licenseNumber","profession":"https://board.example/terms#profession"}}`
)

func oldLicense(p party) string {
	return `{"@context":["https://www.w3.org/2018/credentials/v1","` + boardContextURL + `","https://w3id.org/security/suites/ed25519-2020/v1"],` +
		`"id":"urn:uuid:5f2b1c9e-0000-4000-8000-000000000001","type":["VerifiableCredential","PhysicianLicense"],` +
		`"issuer":"` + string(p.did()) + `","issuanceDate":"2026-03-01T12:00:00Z","expirationDate":"2027-03-01T12:00:00Z",` +
		`"credentialSubject":{"id":"` + string(clinician.did()) + `","licenseNumber":"T-1","profession":"MD Zoë"}}`
}

// What others issued under data model 1.1 is imported.
func TestImports(t *testing.T) {
	importer, err := aries.NewImporter(map[string][]byte{boardContextURL: []byte(boardContext)})
	if err != nil {
		t.Fatal(err)
	}
	judge := func(document string) (*aries.Imported, credentials.Verdict) {
		return importer.Judge([]byte(document), func() credentials.Policy { p := policy(); p.Status = credentials.StatusIfNamed; return p }())
	}
	good := func(what, document string) {
		t.Helper()
		got, v := judge(document)
		if !v.IsGood() || got.Subject["licenseNumber"] != "T-1" || got.Envelope.Kind != "PhysicianLicense" || got.Envelope.Until == nil {
			t.Fatalf("%s: %+v\n%s", what, v, document)
		}
	}
	n := 0
	linked := ask(t, "issueLinked1", question{"document": oldLicense(board), "key": board.key(), "now": now,
		"context": question{"url": boardContextURL, "text": boardContext}}).Document
	good("Ed25519Signature2020", linked)
	for _, c := range changes(t, linked) {
		// Whose another key is, only the ledger could say.
		if _, v := judge(c.text); v.Outcome != credentials.Bad && (c.at != "/proof/verificationMethod" || v.IsGood()) {
			t.Errorf("Ed25519Signature2020 %s %s: %+v", c.at, c.what, v)
		}
		n++
	}
	for _, p := range []party{board, p256Board} {
		token := ask(t, "issueToken1", question{"document": oldLicense(p), "key": p.key(), "alg": p.Algorithm()}).Token
		good(string(p.Algorithm()), token)
		for _, c := range changes(t, payloadOf(t, token)) {
			if _, v := judge(withPayload(token, c.text)); v.Outcome != credentials.Bad {
				t.Errorf("%s %s %s: %+v", p.Algorithm(), c.at, c.what, v)
			}
			n++
		}
		_, v := judge(flipped(t, token))
		bad(t, string(p.Algorithm())+", another signature", credentials.CheckSignature, v)
	}
	_, v := judge(ask(t, "issueToken1", question{"document": oldLicense(thief), "key": thief.key(), "alg": thief.Algorithm()}).Token)
	bad(t, "a stranger's", credentials.CheckIssuer, v)
	say(t, "credentials of data model 1.1 by did-jwt-vc (EdDSA, ES256) and by Digital Bazaar (Ed25519Signature2020) are imported, and %d changed ones are not", n)
}
