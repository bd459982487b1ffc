package aries

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

// replaced edits a text and fails where there is nothing to edit.
func replaced(t testing.TB, s, from, to string) string {
	t.Helper()
	if !strings.Contains(s, from) {
		t.Fatalf("nothing to edit: %q", from)
	}
	return strings.Replace(s, from, to, 1)
}

// What aries' own parser takes, and what it panics on, as a JWT.
func TestImportRefusesTokens(t *testing.T) {
	i := importer(t)
	board, mallory := importSigner(1), importSigner(3)
	head, claims := jwtHead(board), jwtClaims(testVC())
	good := string(jwtOf(board, head, claims))
	input, sig := good[:strings.LastIndexByte(good, '.')], good[strings.LastIndexByte(good, '.')+1:]
	header := func(from, to string) string { return string(jwtOf(board, replaced(t, head, from, to), claims)) }
	claim := func(from, to string) string { return string(jwtOf(board, head, replaced(t, claims, from, to))) }
	none := b64.EncodeToString([]byte(`{"alg":"none"}`)) + "." + b64.EncodeToString([]byte(claims)) + "."
	pub := strings.SplitN(board.KeyID(), "#", 2)[1]
	hs := b64.EncodeToString([]byte(replaced(t, head, "EdDSA", "HS256"))) + "." + b64.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, []byte(pub))
	mac.Write([]byte(hs))
	for _, tt := range []struct {
		name, doc string
		want      credentials.Check
	}{
		{"good", good, ""},
		{"nothing", "", credentials.CheckForm},
		{"unsigned", none, credentials.CheckAlgorithm},
		{"unsigned, wrapped", `{"jwt":"` + none + `"}`, credentials.CheckForm},
		{"alg none with a signature", header(`"EdDSA"`, `"none"`), credentials.CheckAlgorithm},
		{"the public key as a secret", hs + "." + b64.EncodeToString(mac.Sum(nil)), credentials.CheckAlgorithm},
		{"another algorithm", header(`"EdDSA"`, `"ES256"`), credentials.CheckAlgorithm},
		{"no algorithm", header(`"alg":"EdDSA",`, ``), credentials.CheckAlgorithm},
		{"no signature", input + ".", credentials.CheckSignature},
		{"short signature", input + "." + sig[:40], credentials.CheckSignature},
		{"truncated", good[:len(good)/2], credentials.CheckForm},
		{"four parts", good + ".x", credentials.CheckForm},
		{"line break", good + "\n", credentials.CheckForm},
		{"padding", good + "=", credentials.CheckForm},
		{"SD-JWT", good + "~", credentials.CheckForm},
		{"another's signature", string(jwtOf(mallory, head, claims)), credentials.CheckSignature},
		{"another's key", string(jwtOf(mallory, jwtHead(mallory), claims)), credentials.CheckIssuer},
		{"kid without #", header(board.KeyID(), importDID(1)), credentials.CheckHeader},
		{"kid with nothing behind #", header(board.KeyID(), importDID(1)+"#"), credentials.CheckHeader},
		{"kid that is part of one", header(board.KeyID(), importDID(1)+"#z"), credentials.CheckHeader},
		{"no kid", header(`"kid":"`+board.KeyID()+`",`, ``), credentials.CheckHeader},
		{"crit", header(`"typ"`, `"crit":["b64"],"typ"`), credentials.CheckHeader},
		{"own key", header(`"typ"`, `"jwk":{},"typ"`), credentials.CheckHeader},
		{"data model 2.0", header(`"JWT"`, `"vc+jwt"`), credentials.CheckHeader},
		{"alg twice", header(`"typ"`, `"alg":"EdDSA","typ"`), credentials.CheckHeader},
		{"no claims", string(jwtOf(board, head, `{}`)), credentials.CheckContent},
		{"null", string(jwtOf(board, head, `null`)), credentials.CheckContent},
		{"no vc", claim(`"vc":`, `"VC":`), credentials.CheckContent},
		{"vc missing", string(jwtOf(board, head, `{"iss":"`+importDID(1)+`","nbf":1}`)), credentials.CheckContent},
		{"vc null", string(jwtOf(board, head, `{"iss":"`+importDID(1)+`","vc":null}`)), credentials.CheckContent},
		{"vc list", string(jwtOf(board, head, `{"iss":"`+importDID(1)+`","vc":[]}`)), credentials.CheckContent},
		{"vc with a proof", claim(`"vc":{`, `"vc":{"proof":{},`), credentials.CheckContent},
		{"issuer case-folded", claim(`"iss":`, `"ISS":`), credentials.CheckContent},
		{"no issuer", claim(`"iss":"`+importDID(1)+`",`, ``), credentials.CheckContent},
		{"issuers differ", claim(`"issuer":"`+importDID(1), `"issuer":"`+importDID(3)), credentials.CheckContent},
		{"issuer of another", claim(`"iss":"`+importDID(1), `"iss":"`+importDID(3)), credentials.CheckContent},
		{"issuer is a web page", claim(`"issuer":"`+importDID(1), `"issuer":"https://board.test`), credentials.CheckContent},
		{"claim twice", claim(`"nbf":`, `"iss":"x","nbf":`), credentials.CheckContent},
		{"claim we do not know", claim(`"nbf":`, `"aud":"x","nbf":`), credentials.CheckContent},
		{"ids differ", claim(`"jti":"urn:uuid:1"`, `"jti":"urn:uuid:2"`), credentials.CheckContent},
		{"subjects differ", claim(`"sub":"did:example:s"`, `"sub":"did:example:t"`), credentials.CheckContent},
		{"dates differ", claim(`"nbf":1`, `"nbf":2`), credentials.CheckContent},
		{"an end in exp alone", claim(`"nbf":`, `"exp":1,"nbf":`), ""},
		{"ends differ", string(jwtOf(board, head, replaced(t, replaced(t, claims, `"nbf":`, `"exp":1,"nbf":`), `"issuer":`, `"expirationDate":"2027-01-01T00:00:00Z","issuer":`))), credentials.CheckContent},
		{"end before the epoch", claim(`"nbf":`, `"exp":-1,"nbf":`), credentials.CheckContent},
		{"fraction of a second", claim(fmt.Sprint(importTime.Unix()), fmt.Sprint(importTime.Unix())+".5"), credentials.CheckContent},
		{"no dates", string(jwtOf(board, head, replaced(t, replaced(t, claims, fmt.Sprintf(`"nbf":%d,`, importTime.Unix()), ``), `"issuanceDate":"`+testIssued+`",`, ``))),
			credentials.CheckContent},
		{"date in words", claim(testIssued, "today"), credentials.CheckContent},
		{"subjects", claim(`"credentialSubject":{"id":"did:example:s","degree":"MD"}`, `"credentialSubject":[{"degree":"MD"}]`), credentials.CheckContent},
		{"no subject", claim(`,"credentialSubject":{"id":"did:example:s","degree":"MD"}`, ``), credentials.CheckContent},
		{"contexts of 2.0", claim(`https://www.w3.org/2018/credentials/v1`, `https://www.w3.org/ns/credentials/v2`), credentials.CheckContent},
		{"no contexts", claim(`"@context"`, `"context"`), credentials.CheckContent},
		{"no type", claim(`"VerifiableCredential",`, ``), credentials.CheckContent},
		{"contexts with a number", claim(`"https://board.test/v1"]`, `5]`), credentials.CheckContent},
		{"contexts of nothing", string(jwtOf(board, head, jwtClaims(replaced(t, oneType(testVC()), `"https://www.w3.org/2018/credentials/v1"`, `[]`)))), credentials.CheckContent},
		{"types with a number", claim(`"DegreeCredential"]`, `5]`), credentials.CheckContent},
		{"issuer of neither place", string(jwtOf(board, head, replaced(t, replaced(t, claims, `"iss":"`+importDID(1), `"iss":"https://board.test`),
			`"issuer":"`+importDID(1)+`",`, ``))), credentials.CheckContent},
		{"date of year one", claim(testIssued, "0001-01-01T00:00:00Z"), credentials.CheckContent},
		{"date with a comma", claim(testIssued, "2026-03-01T12:00:00,0Z"), credentials.CheckContent},
		{"place on a status list", claim(`"issuer":`, `"credentialStatus":{"id":"https://board.test/s#x","type":"BitstringStatusListEntry",`+
			`"statusPurpose":"revocation","statusListIndex":"x","statusListCredential":"https://board.test/s"},"issuer":`), credentials.CheckContent},
		{"id is a number", claim(`"id":"urn:uuid:1"`, `"id":5`), credentials.CheckContent},
		{"not UTF-8", claim(`"MD"`, "\"\xff\""), credentials.CheckContent},
		{"half a surrogate", claim(`"MD"`, `"\ud800"`), credentials.CheckContent},
		{"deep", claim(`"MD"`, strings.Repeat("[", 5000)+strings.Repeat("]", 5000)), credentials.CheckContent},
		{"huge", good + strings.Repeat("A", 10<<20), credentials.CheckSize},
	} {
		_, err := i.Prove([]byte(tt.doc), credentials.ResolveDIDKey)
		if v := credentials.VerdictOf(err); v.Check != tt.want || (err == nil) != (tt.want == "") {
			t.Errorf("%s: %+v, %v, want %q", tt.name, v, err, tt.want)
		}
	}
}

// The same as JSON-LD.
func TestImportRefusesDocuments(t *testing.T) {
	i := importer(t)
	board, mallory := importSigner(1), importSigner(3)
	vc, proof := testVC(), ldProof(board)
	good := string(ldOf(t, i, board, vc, proof))
	// signed documents, and such as were edited afterwards
	body := func(from, to string) string { return string(ldOf(t, i, board, replaced(t, vc, from, to), proof)) }
	proven := func(from, to string) string { return string(ldOf(t, i, board, vc, replaced(t, proof, from, to))) }
	after := func(from, to string) string { return replaced(t, good, from, to) }
	value := good[strings.Index(good, `"proofValue":"`)+14:]
	value = value[:strings.IndexByte(value, '"')]
	for _, tt := range []struct {
		name, doc string
		want      credentials.Check
	}{
		{"good", good, ""},
		{"no proof", vc, credentials.CheckForm},
		{"proof null", replaced(t, vc, `{`, `{"proof":null,`), credentials.CheckForm},
		{"no proofs", replaced(t, vc, `{`, `{"proof":[],`), credentials.CheckForm},
		{"two proofs", after(`"proof":{`, `"proof":{},"proof":{`), credentials.CheckContent},
		{"another's signature", string(ldOf(t, i, mallory, vc, proof)), credentials.CheckSignature},
		{"another's key", string(ldOf(t, i, mallory, vc, ldProof(mallory))), credentials.CheckIssuer},
		{"issuer of another", body(`"issuer":"`+importDID(1), `"issuer":"`+importDID(3)), credentials.CheckIssuer},
		{"issuer is a web page", body(`"issuer":"`+importDID(1), `"issuer":"https://board.test`), credentials.CheckContent},
		{"no issuer", body(`"issuer":"`+importDID(1)+`",`, ``), credentials.CheckIssuer},
		{"issuer is ID", body(`"issuer":"`+importDID(1)+`"`, `"issuer":{"ID":"`+importDID(1)+`"}`), credentials.CheckIssuer},
		{"kid without #", proven(board.KeyID(), importDID(1)), credentials.CheckHeader},
		{"kid with nothing behind #", proven(board.KeyID(), importDID(1)+"#"), credentials.CheckHeader},
		{"kid that is part of one", proven(board.KeyID(), importDID(1)+"#z"), credentials.CheckHeader},
		{"for authentication", proven("assertionMethod", "authentication"), credentials.CheckHeader},
		{"other suite", proven("Ed25519Signature2020", "Ed25519Signature2018"), credentials.CheckAlgorithm},
		{"BBS", proven("Ed25519Signature2020", "BbsBlsSignatureProof2020"), credentials.CheckAlgorithm},
		{"BBS with a number as nonce", replaced(t, proven("Ed25519Signature2020", "BbsBlsSignatureProof2020"), `"proofPurpose"`, `"nonce":5,"proofPurpose"`), credentials.CheckForm},
		{"no created", proven(`"created":"`+testIssued+`",`, ``), credentials.CheckHeader},
		{"detached JWS", after(`"proofValue":"`+value, `"jws":"x..y`), credentials.CheckForm},
		{"nonce", after(`"proofPurpose"`, `"nonce":"AAAA","proofPurpose"`), credentials.CheckForm},
		{"proof with an id", after(`"proofPurpose"`, `"id":"urn:x","proofPurpose"`), credentials.CheckForm},
		{"domain", after(`"proofPurpose"`, `"domain":"","proofPurpose"`), credentials.CheckForm},
		{"expiry", after(`"proofPurpose"`, `"expires":"2027-01-01T00:00:00Z","proofPurpose"`), credentials.CheckForm},
		{"value in base64", after(value, "u"+value[1:]), credentials.CheckForm},
		{"value short", after(value, value[:40]), credentials.CheckForm},
		{"value long", after(value, strings.Repeat(value, 1000)), credentials.CheckForm},
		{"undefined term", after(`"degree":`, `"board":"x","degree":`), credentials.CheckContent},
		{"undefined term at the top", after(`"issuer":`, `"restriction":"none","issuer":`), credentials.CheckContent},
		{"undefined type", after(`"DegreeCredential"`, `"DegreeCredential","Unrestricted"`), credentials.CheckContent},
		{"null", after(`"issuer":`, `"expirationDate":null,"issuer":`), credentials.CheckContent},
		{"unknown context", body(`"https://board.test/v1"`, `"https://x.test/v1"`), credentials.CheckContent},
		{"context of its own", body(`"https://board.test/v1"`, `{"degree":"urn:x"}`), credentials.CheckContent},
		{"contexts of 2.0", body(`https://www.w3.org/2018/credentials/v1`, `https://www.w3.org/ns/credentials/v2`), credentials.CheckContent},
		{"member twice", after(`"issuer":`, `"id":"x","issuer":`), credentials.CheckContent},
		{"issuer case-folded", body(`"issuer":`, `"Issuer":`), credentials.CheckIssuer},
		{"no date", body(`"issuanceDate":"`+testIssued+`",`, ``), credentials.CheckContent},
		{"date in words", body(testIssued, "today"), credentials.CheckContent},
		{"end in words", body(`"issuer":`, `"expirationDate":"never","issuer":`), credentials.CheckContent},
		{"subjects", body(`{"id":"did:example:s","degree":"MD"}`, `[{"degree":"MD"}]`), credentials.CheckContent},
		{"not UTF-8", after(`"MD"`, "\"\xff\""), credentials.CheckContent},
		{"deep", after(`"MD"`, strings.Repeat("[", 5000)+strings.Repeat("]", 5000)), credentials.CheckContent},
		{"huge", after(`"MD"`, `"`+strings.Repeat("A", 10<<20)+`"`), credentials.CheckSize},
		{"large for JSON-LD", after(`"MD"`, `"`+strings.Repeat("A", 1<<19)+`"`), credentials.CheckContent},
		{"an object", `{}`, credentials.CheckForm},
		{"half of one", `{`, credentials.CheckContent},
		{"more than one", good + good, credentials.CheckContent},
	} {
		_, err := i.Prove([]byte(tt.doc), credentials.ResolveDIDKey)
		if v := credentials.VerdictOf(err); v.Check != tt.want || (err == nil) != (tt.want == "") {
			t.Errorf("%s: %+v, %v, want %q", tt.name, v, err, tt.want)
		}
	}
}

// What a resolver answers is no more to be trusted than its question.
func TestImportRefusesKeys(t *testing.T) {
	i := importer(t)
	docs := [][]byte{jwtOf(importSigner(1), jwtHead(importSigner(1)), jwtClaims(testVC())), ldOf(t, i, importSigner(1), testVC(), ldProof(importSigner(1)))}
	for name, tt := range map[string]struct {
		keys credentials.ResolveKey
		want credentials.Outcome
	}{
		"none":    {func(string) (credentials.Key, error) { return credentials.Key{}, nil }, credentials.NotKnown},
		"unknown": {func(string) (credentials.Key, error) { return credentials.Key{}, fmt.Errorf("no network") }, credentials.NotKnown},
		"refused": {func(string) (credentials.Key, error) {
			return credentials.Key{}, credentials.Refuse(credentials.CheckKey, "no such key")
		}, credentials.Bad},
		"another": {func(string) (credentials.Key, error) { return credentials.ResolveDIDKey(importSigner(3).KeyID()) }, credentials.Bad},
	} {
		for _, doc := range docs {
			if _, err := i.Prove(doc, tt.keys); credentials.VerdictOf(err).Outcome != tt.want {
				t.Errorf("%s: %v, want %s", name, err, tt.want)
			}
		}
	}
}

// aries' own no counts, and so does a panic of its.
func TestAsked(t *testing.T) {
	for name, check := range map[string]func() error{
		"no":    func() error { return fmt.Errorf("no") },
		"panic": func() error { panic("index out of range") },
	} {
		if err := asked(check); credentials.VerdictOf(err).Outcome != credentials.Bad {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := asked(func() error { return nil }); err != nil {
		t.Error(err)
	}
}

// No document may be imported but those that say what was signed.
func FuzzImport(f *testing.F) {
	i := importer(f)
	f.Add(jwtOf(importSigner(1), jwtHead(importSigner(1)), jwtClaims(testVC())))
	f.Add(ldOf(f, i, importSigner(1), testVC(), ldProof(importSigner(1))))
	f.Add([]byte(`{"proof":{"nonce":5}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		got, err := i.Prove(doc, credentials.ResolveDIDKey)
		if err == nil && (got.Subject["degree"] != "MD" || string(got.Envelope.Issuer) != importDID(1) || !got.Envelope.From.Equal(importTime)) {
			t.Errorf("imported %s", doc)
		}
	})
}

// What the issuer signs may hold anything; what is imported has one reading.
func FuzzImportClaims(f *testing.F) {
	i := importer(f)
	f.Add(jwtHead(importSigner(1)), jwtClaims(testVC()))
	f.Add(jwtHead(importSigner(1)), `{"vc":{}}`)
	f.Fuzz(func(t *testing.T, head, claims string) {
		got, err := i.Prove(jwtOf(importSigner(1), head, claims), credentials.ResolveDIDKey)
		if err == nil && (string(got.Envelope.Issuer) != importDID(1) || got.Envelope.From.IsZero() || got.Subject == nil) {
			t.Errorf("imported %s", claims)
		}
	})
}
