package aries

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mr-tron/base58"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/credentialstest"
)

const testIssued = "2026-03-01T12:00:00Z"

var importTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func importSigner(seed byte) credentials.Signer {
	return credentials.NewSigner("", ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32)))
}

func importDID(seed byte) string { return strings.SplitN(importSigner(seed).KeyID(), "#", 2)[0] }

// boardContext gives the terms of a board that issued under data model 1.1.
var boardContext = map[string][]byte{"https://board.test/v1": []byte(`{"@context":{"DegreeCredential":"https://board.test/v1#DegreeCredential",
	"degree":"https://board.test/v1#degree"}}`)}

func importer(t testing.TB) *Importer {
	t.Helper()
	i, err := NewImporter(boardContext)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// testVC is a credential of data model 1.1 by the issuer of key 1.
func testVC() string {
	return fmt.Sprintf(`{"@context":["https://www.w3.org/2018/credentials/v1","https://w3id.org/security/suites/ed25519-2020/v1","https://board.test/v1"],`+
		`"id":"urn:uuid:1","type":["VerifiableCredential","DegreeCredential"],"issuer":"%s","issuanceDate":"%s",`+
		`"credentialSubject":{"id":"did:example:s","degree":"MD"}}`, importDID(1), testIssued)
}

func jwtOf(s credentials.Signer, head, payload string) []byte {
	input := b64.EncodeToString([]byte(head)) + "." + b64.EncodeToString([]byte(payload))
	sig, _ := s.Sign([]byte(input))
	return []byte(input + "." + b64.EncodeToString(sig))
}

func jwtHead(s credentials.Signer) string {
	return fmt.Sprintf(`{"alg":"%s","kid":"%s","typ":"JWT"}`, s.Algorithm(), s.KeyID())
}

func jwtClaims(vc string) string {
	return fmt.Sprintf(`{"iss":"%s","sub":"did:example:s","jti":"urn:uuid:1","nbf":%d,"vc":%s}`, importDID(1), importTime.Unix(), vc)
}

func ldProof(s credentials.Signer) string {
	return fmt.Sprintf(`{"type":"Ed25519Signature2020","created":"%s","verificationMethod":"%s","proofPurpose":"assertionMethod"}`, testIssued, s.KeyID())
}

// ldOf signs as Ed25519Signature2020 has it; canonical says how the parts are read.
func ldOf(t testing.TB, i *Importer, s credentials.Signer, vc, proof string) []byte {
	t.Helper()
	var doc, options map[string]any
	if err := json.Unmarshal([]byte(vc), &doc); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(proof), &options); err != nil {
		t.Fatal(err)
	}
	options["@context"] = doc["@context"]
	var input []byte
	for _, part := range []map[string]any{options, doc} {
		b, _ := json.Marshal(part)
		c, err := i.suite.Canonicalize(b)
		if err != nil {
			c = b // it will be refused for that, before its signature matters
		}
		sum := sha256.Sum256(c)
		input = append(input, sum[:]...)
	}
	sig, err := s.Sign(input)
	if err != nil {
		t.Fatal(err)
	}
	delete(options, "@context")
	options["proofValue"] = "z" + base58.Encode(sig)
	doc["proof"] = options
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// oneType writes the lists of contexts and types as a text each.
func oneType(vc string) string {
	types, contexts := strings.Index(vc, `"type":[`), strings.Index(vc, `"@context":[`)
	return vc[:contexts] + `"@context":"https://www.w3.org/2018/credentials/v1"` + vc[strings.Index(vc, `],"id"`)+1:types] +
		`"type":"VerifiableCredential"` + vc[strings.Index(vc, `],"issuer"`)+1:]
}

func TestImport(t *testing.T) {
	i := importer(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := credentials.NewES256Signer("", key)
	if err != nil {
		t.Fatal(err)
	}
	p256DID := strings.SplitN(p256.KeyID(), "#", 2)[0]
	for name, doc := range map[string][]byte{
		"EdDSA":                jwtOf(importSigner(1), jwtHead(importSigner(1)), jwtClaims(testVC())),
		"ES256":                jwtOf(p256, jwtHead(p256), strings.ReplaceAll(jwtClaims(testVC()), importDID(1), p256DID)),
		"JWT without issuer":   jwtOf(importSigner(1), jwtHead(importSigner(1)), jwtClaims(strings.Replace(testVC(), `"issuer":"`+importDID(1)+`",`, ``, 1))),
		"JWT of one type":      jwtOf(importSigner(1), jwtHead(importSigner(1)), jwtClaims(oneType(testVC()))),
		"JWT without dates":    jwtOf(importSigner(1), jwtHead(importSigner(1)), jwtClaims(strings.Replace(testVC(), `"issuanceDate":"`+testIssued+`",`, ``, 1))),
		"Ed25519Signature2020": ldOf(t, i, importSigner(1), testVC(), ldProof(importSigner(1))),
		"issuer object": ldOf(t, i, importSigner(1), strings.Replace(testVC(), `"issuer":"`+importDID(1)+`"`, `"issuer":{"id":"`+importDID(1)+`"}`, 1),
			ldProof(importSigner(1))),
	} {
		got, err := i.Prove(doc, credentials.ResolveDIDKey)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		e, kind := got.Envelope, credentials.Kind("DegreeCredential")
		if name == "JWT of one type" {
			kind = baseType
		}
		if got.Subject["degree"] != "MD" || got.ID != "urn:uuid:1" || e.Kind != kind || !e.From.Equal(importTime) || e.Until != nil || e.Handle.IsZero() ||
			name != "ES256" && string(e.Issuer) != importDID(1) {
			t.Errorf("%s: %+v, %+v", name, got, e)
		}
		for at := range doc { // every byte but what is white space or a second spelling of nothing
			b := bytes.Clone(doc)
			b[at] ^= 1
			if got, err := i.Prove(b, credentials.ResolveDIDKey); err == nil && doc[0] != '{' {
				t.Fatalf("%s: byte %d: imported %+v", name, at, got)
			} else if err == nil {
				t.Fatalf("%s: byte %d of %s: imported %+v", name, at, b, got)
			}
		}
	}
}

// The suite fixes the key's kind, though a P-256 signature has as many bytes as Ed25519's.
func TestImportRefusesP256UnderEd25519(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := credentials.NewES256Signer("", key)
	if err != nil {
		t.Fatal(err)
	}
	i := importer(t)
	doc := ldOf(t, i, s, strings.Replace(testVC(), importDID(1), strings.SplitN(s.KeyID(), "#", 2)[0], 1), ldProof(s))
	if _, err := i.Prove(doc, credentials.ResolveDIDKey); credentials.VerdictOf(err).Check != credentials.CheckAlgorithm {
		t.Errorf("Prove = %v", err)
	}
}

// The end of a JWT may stand in exp alone, and aries has a no of its own.
func TestImportTokenAlone(t *testing.T) {
	s := importSigner(1)
	end := importTime.Add(time.Hour)
	doc := jwtOf(s, jwtHead(s), strings.Replace(jwtClaims(testVC()), `"nbf":`, fmt.Sprintf(`"exp":%d,"nbf":`, end.Unix()), 1))
	got, err := importer(t).Prove(doc, credentials.ResolveDIDKey)
	if err != nil {
		t.Fatal(err)
	}
	if u := got.Envelope.Until; u == nil || !u.Equal(end) {
		t.Errorf("in force until %v, want %s", u, end)
	}
	key, err := credentials.ResolveDIDKey(s.KeyID())
	if err != nil {
		t.Fatal(err)
	}
	if err := verifyToken(string(doc), key); err != nil {
		t.Error(err)
	}
	other, err := credentials.ResolveDIDKey(importSigner(3).KeyID())
	if err != nil {
		t.Fatal(err)
	}
	if verifyToken(string(doc), other) == nil {
		t.Error("aries finds a stranger's key good")
	}
}

// A proof that was made after the date of issue is in force from then on only.
func TestImportProofDate(t *testing.T) {
	i := importer(t)
	for created, want := range map[string]time.Time{"2026-03-01T13:00:00Z": importTime.Add(time.Hour), "2026-03-01T11:00:00Z": importTime} {
		got, err := i.Prove(ldOf(t, i, importSigner(1), testVC(), strings.Replace(ldProof(importSigner(1)), testIssued, created, 1)), credentials.ResolveDIDKey)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Envelope.From.Equal(want) {
			t.Errorf("proof of %s: in force from %s, want %s", created, got.Envelope.From, want)
		}
	}
}

func TestImportJudge(t *testing.T) {
	i := importer(t)
	until := strings.Replace(testVC(), `"credentialSubject"`, `"expirationDate":"2026-03-02T12:00:00Z","credentialSubject"`, 1)
	listed := strings.Replace(testVC(), `"credentialSubject"`, `"credentialStatus":{"id":"https://board.test/s#1","type":"BitstringStatusListEntry",`+
		`"statusPurpose":"revocation","statusListIndex":"1","statusListCredential":"https://board.test/s"},"credentialSubject"`, 1)
	foreign := strings.Replace(testVC(), `"credentialSubject"`, `"credentialStatus":{"id":"https://board.test/s#1","type":"StatusList2021Entry"},"credentialSubject"`, 1)
	now, later := importTime.Add(time.Hour), importTime.Add(25*time.Hour)
	for _, tt := range []struct {
		name   string
		vc     string
		now    time.Time
		status credentials.StatusRule
		want   credentials.Outcome
		check  credentials.Check
	}{
		{"good", testVC(), now, credentials.StatusElsewhere, credentials.Good, ""},
		{"too early", testVC(), importTime.Add(-time.Second), credentials.StatusElsewhere, credentials.Bad, credentials.CheckDates},
		{"before its end", until, now, credentials.StatusElsewhere, credentials.Good, ""},
		{"after its end", until, later, credentials.StatusElsewhere, credentials.Bad, credentials.CheckDates},
		{"no status", testVC(), now, credentials.StatusRequired, credentials.Bad, credentials.CheckStatus},
		{"status unread", listed, now, credentials.StatusIfNamed, credentials.NotKnown, credentials.CheckStatus},
		{"status of another kind", foreign, now, credentials.StatusIfNamed, credentials.NotKnown, credentials.CheckStatus},
		{"status of another kind, wanted", foreign, now, credentials.StatusRequired, credentials.NotKnown, credentials.CheckStatus},
		{"status of another kind, too early", foreign, importTime.Add(-time.Second), credentials.StatusIfNamed, credentials.Bad, credentials.CheckDates},
		{"status of another kind, elsewhere", foreign, now, credentials.StatusElsewhere, credentials.Good, ""},
	} {
		doc := jwtOf(importSigner(1), jwtHead(importSigner(1)), jwtClaims(tt.vc))
		got, v := i.Judge(doc, credentials.Policy{Now: tt.now, Keys: credentials.ResolveDIDKey, Status: tt.status,
			Issuer: func(credentials.DID, credentials.Kind, string) error { return nil }})
		if v.Outcome != tt.want || v.Check != tt.check || got == nil {
			t.Errorf("%s: %+v, want %s by %q", tt.name, v, tt.want, tt.check)
		}
	}
	if _, v := i.Judge([]byte(`{}`), credentials.Policy{}); v.Check != credentials.CheckKey {
		t.Errorf("judged without keys: %+v", v)
	}
}

// The W3C's vector of the suite. Its issuer is a web page and not the DID of the key, which is why it is no credential here.
func TestVectorEd25519Signature2020(t *testing.T) {
	file := func(path string) []byte { return credentialstest.Vector(t, path) }
	i, err := NewImporter(map[string][]byte{"https://www.w3.org/ns/credentials/examples/v2": file("vc-data-model/contexts/credentials/examples/v2")})
	if err != nil {
		t.Fatal(err)
	}
	doc := file("vc-di-eddsa/TestVectors/Ed25519Signature2020/signedEdSig.json")
	var vc map[string]any
	if err := json.Unmarshal(doc, &vc); err != nil {
		t.Fatal(err)
	}
	p, sig, err := proofOf(vc)
	if err != nil {
		t.Fatal(err)
	}
	key, err := credentials.ResolveDIDKey(p.VerificationMethod)
	if err != nil {
		t.Fatal(err)
	}
	input, err := i.verifyLinked(doc, vc, key, sig)
	if err != nil {
		t.Fatal(err)
	}
	if want := string(file("vc-di-eddsa/TestVectors/Ed25519Signature2020/combinedHashEdSig.txt")); fmt.Sprintf("%x", input) != want {
		t.Errorf("hashes %x, want %s", input, want)
	}
	sig[0] ^= 1
	if _, err := i.verifyLinked(doc, vc, key, sig); err == nil {
		t.Error("a flipped bit verifies")
	}
	if _, err := i.Prove(doc, credentials.ResolveDIDKey); err == nil {
		t.Error("imported a credential of data model 2.0")
	}
}

func TestNewImporterRefuses(t *testing.T) {
	for _, id := range []string{contextV1, contextEd25519, "https://www.w3.org/ns/credentials/v2", "x"} {
		if _, err := NewImporter(map[string][]byte{id: []byte(`{"@context":{}}`)}); err == nil {
			t.Errorf("%s: replaced", id)
		}
	}
}
