package rdfc

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/mr-tron/base58"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/credentialstest"
	"github.com/countersign-health/countersign/credentials/integrity"
)

var testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func testSigner(seed byte) credentials.Signer {
	return credentials.NewSigner("", ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)))
}

var testLicense = credentials.License{Handle: credentials.Handle{7}, NPI: "1234567893", Name: "Test Person", Jurisdiction: "MA",
	Profession: "MD", Number: "T-1", From: "2026-01-01", Until: "2027-12-31", Taxonomy: []credentials.Taxonomy{"207R00000X", "208D00000X"}}

func draftOf[T any](t testing.TB, kind credentials.Kind, subject T) []byte {
	t.Helper()
	status := credentials.LicenseStatus(func(p credentials.StatusPurpose) string { return "https://board.test/" + string(p) + "/1" }, [3]int{5, 6, 7})
	b, err := credentials.Draft(testSigner(1), kind, credentials.Handle{7}, testTime, testTime.AddDate(1, 0, 0), status, subject)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func testSigned(t testing.TB) []byte {
	t.Helper()
	b, err := integrity.Sign(testSigner(1), Suite(), draftOf(t, credentials.KindLicense, testLicense),
		integrity.Terms{Purpose: integrity.Assertion, Created: testTime})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(b []byte) (*integrity.Document, error) {
	return integrity.Open(b, []integrity.Suite{Suite()}, integrity.Expect{}, credentials.ResolveDIDKey)
}

func TestSignAndOpen(t *testing.T) {
	signed := testSigned(t)
	c, _, err := integrity.Prove[credentials.License](signed, credentials.KindLicense, []integrity.Suite{Suite()}, credentials.ResolveDIDKey)
	if err != nil || !c.Subject.Equal(testLicense) {
		t.Errorf("Prove = %+v, %v", c, err)
	}
	// What was signed for one suite is nothing to the other.
	if _, err := integrity.Open(signed, []integrity.Suite{integrity.JCS}, integrity.Expect{}, credentials.ResolveDIDKey); err == nil {
		t.Error("opened as eddsa-jcs-2022")
	}
	if _, err := open(bytes.Replace(signed, []byte(Name), []byte("eddsa-jcs-2022"), 1)); err == nil {
		t.Error("opened with the suite's name exchanged")
	}
}

func TestOpenRefusesEveryFlippedByte(t *testing.T) {
	signed := testSigned(t)
	for i := range signed {
		b := bytes.Clone(signed)
		b[i] ^= 1
		if d, err := open(b); err == nil {
			t.Fatalf("byte %d: opened %s", i, d.Payload)
		}
	}
}

// Every field of a document and of its proof, changed, taken away, of another
// type, or one added.
func TestOpenRefusesEveryField(t *testing.T) {
	suites := []integrity.Suite{Suite()}
	n := credentialstest.EachChange(t, testSigned(t), func(c credentialstest.Change, edited []byte) {
		_, _, err := integrity.Prove[credentials.License](edited, credentials.KindLicense, suites, credentials.ResolveDIDKey)
		if credentials.VerdictOf(err).Outcome != credentials.Bad {
			t.Errorf("%+v: %v, want it bad", c, err)
		}
	})
	if n < 90 {
		t.Errorf("%d changes only", n)
	}
}

// What JSON-LD drops without a word must not stand in a document that opens.
func TestOpenRefusesAdditions(t *testing.T) {
	signed := string(testSigned(t))
	for name, edit := range map[string][2]string{
		"undefined term":           {`"npi":`, `"nip":"x","npi":`},
		"undefined term at top":    {`"issuer":`, `"restriction":"none","issuer":`},
		"undefined type":           {`"LicenseCredential"]`, `"LicenseCredential","Unrestricted"]`},
		"type of a URL":            {`"LicenseCredential"]`, `"LicenseCredential","https://x.test/Unrestricted"]`},
		"null":                     {`"npi":`, `"reason":null,"npi":`},
		"empty list":               {`"npi":`, `"reason":[],"npi":`},
		"list of null":             {`"npi":`, `"reason":[null],"npi":`},
		"empty object":             {`"npi":`, `"reason":{},"npi":`},
		"said twice":               {`"npi":"1234567893"`, `"npi":["1234567893","1234567893"]`},
		"list of one":              {`"npi":"1234567893"`, `"npi":["1234567893",null]`},
		"relative id":              {`"npi":`, `"id":"x","npi":`},
		"empty id":                 {`"npi":`, `"id":"","npi":`},
		"blank id":                 {`"npi":`, `"id":"_:b0","npi":`},
		"id with a bracket":        {`"npi":`, `"id":"urn:x> <urn:y> <urn:z","npi":`},
		"empty type":               {`"npi":`, `"type":[],"npi":`},
		"inline context":           {`"npi":`, `"@context":{"npi":null},"npi":`},
		"context at top":           {`"@context":["https://www.w3.org/ns/credentials/v2",`, `"@context":["https://www.w3.org/ns/credentials/v2",{"npi":null},`},
		"unknown context":          {`"@context":["https://www.w3.org/ns/credentials/v2",`, `"@context":["https://www.w3.org/ns/credentials/v2","https://x.test/v1",`},
		"context twice":            {`"@context":["https://www.w3.org/ns/credentials/v2",`, `"@context":["https://www.w3.org/ns/credentials/v2","https://www.w3.org/ns/credentials/v2",`},
		"keyword":                  {`"npi":`, `"@nest":{"reason":"x"},"npi":`},
		"reverse":                  {`"npi":`, `"@reverse":{"reason":"x"},"npi":`},
		"included":                 {`"npi":`, `"@included":[],"npi":`},
		"index":                    {`"npi":`, `"@index":"x","npi":`},
		"value":                    {`"npi":"1234567893"`, `"npi":{"@value":"1234567893"}`},
		"language":                 {`"npi":"1234567893"`, `"npi":{"@value":"1234567893","@direction":"rtl"}`},
		"keyword that is to come":  {`"npi":`, `"@later":"x","npi":`},
		"compact IRI":              {`"npi":`, `"urn:x":"x","npi":`},
		"no context":               {`"@context":["https://www.w3.org/ns/credentials/v2","urn:countersign:context:1"],`, ``},
		"control character":        {`"Test Person"`, `"Test\u0000Person"`},
		"number for text":          {`"1234567893"`, `1234567893`},
		"proof's own context":      {`"proof":{`, `"proof":{"@context":["urn:countersign:context:1"],`},
		"undefined term in proof":  {`"proof":{`, `"proof":{"nonce":"x",`},
		"empty challenge in proof": {`"proof":{`, `"proof":{"challenge":"",`},
	} {
		if !strings.Contains(signed, edit[0]) {
			t.Fatalf("%s: nothing to edit", name)
		}
		d, err := open([]byte(strings.Replace(signed, edit[0], edit[1], 1)))
		if err == nil {
			t.Errorf("%s: opened %s", name, d.Payload)
		}
	}
}

// The vector of Data Integrity EdDSA Cryptosuites 1.0, appendix A: canonical document and proof, their hashes, the signature.
// (Its second one stands under a context that was never frozen, https://w3id.org/citizenship/v4rc1, which is not at hand.)
func TestVector(t *testing.T) {
	const folder = "vc-di-eddsa/TestVectors/eddsa-rdfc-2022/"
	suite, err := WithContexts(map[string][]byte{
		"https://www.w3.org/ns/credentials/examples/v2": credentialstest.Vector(t, "vc-data-model/contexts/credentials/examples/v2"),
	})
	if err != nil {
		t.Fatal(err)
	}
	var hashes []byte
	for _, part := range [][2]string{{"proofConfigDataInt.json", "proofCanonDataInt.txt"}, {"../unsigned.json", "canonDocDataInt.txt"}} {
		got, err := suite.Canonicalize(credentialstest.Vector(t, folder+part[0]))
		if err != nil {
			t.Fatal(err)
		}
		if want := credentialstest.Vector(t, folder+part[1]); !bytes.Equal(got, want) {
			t.Errorf("%s is\n%s, want\n%s", part[0], got, want)
		}
		sum := sha256.Sum256(got)
		hashes = append(hashes, sum[:]...)
	}
	if got, want := hex.EncodeToString(hashes), string(credentialstest.Vector(t, folder+"combinedHashDataInt.txt")); got != want {
		t.Errorf("hashes %s, want %s", got, want)
	}
	var signed struct {
		Proof struct{ VerificationMethod, ProofValue string }
	}
	if err := json.Unmarshal(credentialstest.Vector(t, folder+"signedDataInt.json"), &signed); err != nil {
		t.Fatal(err)
	}
	sig, err := base58.Decode(signed.Proof.ProofValue[1:])
	if err != nil {
		t.Fatal(err)
	}
	pub, err := credentials.ResolveDIDKey(signed.Proof.VerificationMethod)
	if err != nil || !pub.Verify(hashes, sig) {
		t.Errorf("the signature does not verify (%v)", err)
	}
}

// No document may open but those that say what was signed.
func FuzzOpen(f *testing.F) {
	signed := testSigned(f)
	f.Add(signed)
	f.Add(bytes.Replace(signed, []byte(`"npi":`), []byte(`"id":"urn:x","reason":[1,"x"],"npi":`), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, _, err := integrity.Prove[credentials.License](b, credentials.KindLicense, []integrity.Suite{Suite()}, credentials.ResolveDIDKey)
		if err == nil && !c.Subject.Equal(testLicense) {
			t.Errorf("opened %s", b)
		}
	})
}

// Hostile JSON-LD is refused, in time.
func FuzzCanonicalize(f *testing.F) {
	f.Add(draftOf(f, credentials.KindLicense, testLicense))
	f.Add([]byte(`{"@context":"urn:countersign:context:1","claim":{"a":[1,{}]},"number":5}`))
	suite := Suite()
	f.Fuzz(func(t *testing.T, b []byte) {
		start := time.Now()
		out, err := suite.Canonicalize(b)
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("took %s", took)
		}
		if again, err2 := suite.Canonicalize(b); (err == nil) != (err2 == nil) || !bytes.Equal(out, again) {
			t.Errorf("two readings of %s:\n%s\n%s", b, out, again)
		}
	})
}
