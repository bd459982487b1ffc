package integrity

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/mr-tron/base58"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/credentialstest"
)

// vector is one of the W3C's for the EdDSA suites.
func vector(t testing.TB, path string) []byte {
	t.Helper()
	return credentialstest.Vector(t, "vc-di-eddsa/TestVectors/"+path)
}

// The vectors of Data Integrity EdDSA Cryptosuites 1.0, appendix A: both hashes, the signature that the key makes, and that it
// verifies. Their issuer is a web page and not the DID of the key, which is why Open refuses them as credentials.
func TestVectorJCS(t *testing.T) {
	signed := vector(t, "eddsa-jcs-2022/signedJCS.json")
	d, s, err := read(signed, suites, Expect{})
	if err != nil {
		t.Fatal(err)
	}
	if got := vector(t, "eddsa-jcs-2022/canonDocJCS.txt"); !bytes.Equal(got, d.Payload) {
		t.Errorf("canonical document is\n%s, want\n%s", d.Payload, got)
	}
	input, err := signingInput(JCS, s.payload, s.config)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(input), string(vector(t, "eddsa-jcs-2022/combinedHashJCS.txt")); got != want {
		t.Errorf("hashes %s, want %s", got, want)
	}
	if got, want := hex.EncodeToString(s.signature), string(vector(t, "eddsa-jcs-2022/sigHexJCS.txt")); got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
	owner, _, err := credentials.ParseKeyID(s.kid)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.verify(owner, credentials.ResolveDIDKey); err != nil {
		t.Error(err)
	}
	s.signature[0] ^= 1
	if _, err := s.verify(owner, credentials.ResolveDIDKey); err == nil {
		t.Error("a flipped bit verifies")
	}
	if _, err := Open(signed, suites, Expect{}, credentials.ResolveDIDKey); err == nil || !strings.Contains(err.Error(), "/issuer") {
		t.Errorf("Open = %v, want it to miss the issuer's DID", err)
	}
}

func TestVectorSign(t *testing.T) {
	var pair struct{ PrivateKeyMultibase string }
	if err := json.Unmarshal(vector(t, "keyPair.json"), &pair); err != nil {
		t.Fatal(err)
	}
	b, err := base58.Decode(pair.PrivateKeyMultibase[1:])
	if err != nil {
		t.Fatal(err)
	}
	s := credentials.NewSigner("", ed25519.NewKeyFromSeed(b[2:])) // behind the multicodec
	created := time.Date(2023, 2, 24, 23, 36, 38, 0, time.UTC)
	doc, err := parse(vector(t, "unsigned.json"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := sign(s, JCS, doc, Terms{Purpose: Assertion, Created: created})
	if err != nil {
		t.Fatal(err)
	}
	want, err := credentials.ParseObject(vector(t, "eddsa-jcs-2022/signedJCS.json"))
	if err != nil || !bytes.Equal(signed, want.Text()) {
		t.Errorf("signed %s", signed)
	}
}

// Sets and chains of proofs are refused whole: one proof says who vouches.
func TestVectorProofSets(t *testing.T) {
	for _, name := range []string{"signedProofSet1", "signedProofSet2", "signedProofChain1", "signedProofChain2"} {
		_, err := Open(vector(t, "proof-set-chain/"+name+".json"), suites, Expect{}, credentials.ResolveDIDKey)
		if err == nil || !strings.Contains(err.Error(), "want one proof") && !strings.Contains(err.Error(), "at /id: unknown field") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
