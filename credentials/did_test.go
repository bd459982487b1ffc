package credentials

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mr-tron/base58"
)

// testKey is a fixed key, so that golden tokens stay the same.
func testKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func pubOf(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

// corpus is a folder of public test vectors outside of the repository.
func corpus(t testing.TB, folder string) string {
	t.Helper()
	root := os.Getenv("COUNTERSIGN_CORPUS")
	if root == "" {
		t.Skip("COUNTERSIGN_CORPUS is not set: the public test vectors are not at hand")
	}
	return filepath.Join(root, folder)
}

// The example key of did:key's specification and of RFC 8032, section 7.1, test 1.
func TestKeyDIDVector(t *testing.T) {
	raw, _ := hex.DecodeString("2e6fcce36701dc791488e0d0b1745cc1e33a4c1c9fcc41c63bd343dbbe0970e6")
	const want = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
	if d := KeyDID(raw); d != want {
		t.Errorf("KeyDID = %s, want %s", d, want)
	}
	pub, err := KeyFromDIDKey(want)
	if err != nil || !bytes.Equal(pub, raw) {
		t.Errorf("KeyFromDIDKey = %x, %v; want %x", pub, err, raw)
	}
}

func TestKeyDIDCorpus(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(corpus(t, "vc/did-method-key"), "test-vectors/ed25519-x25519.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors map[string]struct {
		DidDocument struct {
			VerificationMethod []struct {
				ID              string
				Type            string
				PublicKeyBase58 string
				PublicKeyJwk    *struct{ X string }
			}
		}
	}
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for id, v := range vectors {
		pub, err := KeyFromDIDKey(DID(id))
		if err != nil {
			t.Errorf("KeyFromDIDKey(%s): %v", id, err)
			continue
		}
		if KeyDID(pub) != DID(id) {
			t.Errorf("KeyDID = %s, want %s", KeyDID(pub), id)
		}
		for _, m := range v.DidDocument.VerificationMethod {
			if strings.Contains(m.ID, "#z6LS") {
				continue // the X25519 key that is derived from it
			}
			if kid, err := ResolveDIDKey(m.ID); err != nil || !bytes.Equal(kid.Ed25519(), pub) {
				t.Errorf("ResolveDIDKey(%s) = %v, %v", m.ID, kid, err)
			}
			want, err := base58.Decode(m.PublicKeyBase58)
			if err == nil && m.PublicKeyBase58 != "" {
				checked++
				if !bytes.Equal(want, pub) {
					t.Errorf("%s: key %x, want %x", id, pub, want)
				}
			}
			if m.PublicKeyJwk != nil {
				checked++
				if x := b64.EncodeToString(pub); x != m.PublicKeyJwk.X {
					t.Errorf("%s: key %s, want %s", id, x, m.PublicKeyJwk.X)
				}
			}
		}
	}
	if checked == 0 {
		t.Error("the vectors hold no Ed25519 key to compare with")
	}
	t.Logf("%d vectors, %d keys compared", len(vectors), checked)
}

// Other key types of did:key are refused, not misread as Ed25519.
func TestKeyFromDIDKeyOtherCurves(t *testing.T) {
	folder := filepath.Join(corpus(t, "vc/did-method-key"), "test-vectors")
	seen := 0
	for _, f := range []string{"bls12381.json", "nist-curves.json", "rsa.json", "secp256k1.json", "x25519.json"} {
		b, err := os.ReadFile(filepath.Join(folder, f))
		if err != nil {
			t.Fatal(err)
		}
		var vectors map[string]json.RawMessage
		if err := json.Unmarshal(b, &vectors); err != nil {
			t.Fatal(err)
		}
		for id := range vectors {
			seen++
			if _, err := KeyFromDIDKey(DID(id)); err == nil {
				t.Errorf("%s: %.40s… was read as an Ed25519 key", f, id)
			}
		}
	}
	t.Logf("%d keys of other types refused", seen)
}

func TestParseMultikey(t *testing.T) {
	good := EncodeMultikey(pubOf(testKey(1)))
	if pub, err := ParseMultikey(good); err != nil || !bytes.Equal(pub, pubOf(testKey(1))) {
		t.Fatalf("ParseMultikey(%s) = %x, %v", good, pub, err)
	}
	withCodec := func(a, b byte) string {
		return "z" + base58.Encode(append([]byte{a, b}, pubOf(testKey(1))...))
	}
	for name, s := range map[string]string{
		"empty":             "",
		"no multibase":      good[1:],
		"base64url":         "u" + b64.EncodeToString(append([]byte{0xed, 1}, pubOf(testKey(1))...)),
		"upper-case Z":      "Z" + good[1:],
		"X25519":            withCodec(0xec, 0x01),
		"codec as two-byte": withCodec(0x01, 0xed),
		"raw key":           "z" + base58.Encode(pubOf(testKey(1))),
		"cut":               good[:len(good)-1],
		"longer":            good + "1",
		"leading one":       "z1" + good[2:],
		"not base58":        good[:10] + "0" + good[11:],
		"not base58: l":     good[:10] + "l" + good[11:],
		"space":             good[:len(good)-1] + " ",
		"unicode":           good[:len(good)-2] + "é",
		"huge":              "z" + strings.Repeat("2", 1<<20),
	} {
		if _, err := ParseMultikey(s); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestParseKeyID(t *testing.T) {
	own := KeyID(pubOf(testKey(1)))
	m := EncodeMultikey(pubOf(testKey(1)))
	for _, s := range []string{own, "did:web:board.example#key-1", "did:web:localhost%3A8080#a", "did:web:board.example:ma#2026.1"} {
		d, f, err := ParseKeyID(s)
		if err != nil {
			t.Errorf("ParseKeyID(%q): %v", s, err)
		} else if string(d)+"#"+f != s {
			t.Errorf("ParseKeyID(%q) = %q, %q", s, d, f)
		}
	}
	for name, s := range map[string]string{
		"empty":                    "",
		"no #":                     "did:key:" + m,
		"nothing behind #":         "did:key:" + m + "#",
		"only a letter behind":     "did:key:" + m + "#z",
		"no key behind":            "did:key:" + m + "#key-1",
		"two #":                    own + "#x",
		"no DID":                   "#" + m,
		"relative":                 "key-1",
		"path":                     "did:web:board.example/x#key-1",
		"query":                    "did:web:board.example?x=1#key-1",
		"white space":              "did:web:board.example# key-1",
		"line break":               "did:web:board.example#key-1\n",
		"percent sign in fragment": "did:web:board.example#key%2D1",
		"quote":                    "did:web:board\".example#key-1",
		"not ASCII":                "did:web:bоard.example#key-1", // a Cyrillic о
		"scheme":                   "https://board.example#key-1",
		"no method":                "did::x#key-1",
		"no id":                    "did:web:#key-1",
		"too long":                 "did:web:" + strings.Repeat("a", 600) + "#key-1",
	} {
		if d, f, err := ParseKeyID(s); err == nil {
			t.Errorf("%s: ParseKeyID(%q) = %q, %q; want an error", name, s, d, f)
		}
	}
}

// A key that followed another has its own id under the old DID, which a
// did:key resolver must not take for the old key.
func TestNextKeyID(t *testing.T) {
	first, next := pubOf(testKey(1)), pubOf(testKey(2))
	kid := NextKeyID(KeyDID(first), next)
	did, fragment, err := ParseKeyID(kid)
	if err != nil || did != KeyDID(first) || fragment != EncodeMultikey(next) {
		t.Fatalf("ParseKeyID(%q) = %q, %q, %v", kid, did, fragment, err)
	}
	if pub, err := ResolveDIDKey(kid); !errors.Is(err, ErrFollowed) || pub.Public() != nil {
		t.Errorf("ResolveDIDKey(%q) = %x, %v", kid, pub.Public(), err)
	}
	for _, signed := range []Signer{NewSigner(kid, testKey(1)), NewSigner(kid, testKey(2))} {
		token, err := Issue(signed, KindLicense, handle(7), testTime, nil, testLicense())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open[License](token, KindLicense, ResolveDIDKey); err == nil {
			t.Error("a document opened whose key only the ledger knows")
		}
	}
}

func TestResolveDIDKeyIsOfflineOnly(t *testing.T) {
	if _, err := ResolveDIDKey("did:web:board.example#key-1"); err == nil {
		t.Error("a did:web was resolved without a network")
	}
}

// Each of these keys verifies a signature that took no private key, for one
// message in eight at the least.
func TestParseMultikeyRefusesLowOrder(t *testing.T) {
	for _, p := range lowOrderPoints {
		pub, err := hex.DecodeString(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, sign := range []byte{0, 0x80} {
			key := bytes.Clone(pub)
			key[31] |= sign
			if _, err := ParseMultikey(EncodeMultikey(key)); err == nil {
				t.Errorf("%x accepted", key)
			}
		}
		forged := false
		for i := range 256 {
			for _, r := range lowOrderPoints {
				sig := make([]byte, 64)
				hex.Decode(sig, []byte(r))
				forged = forged || ed25519.Verify(pub, []byte{byte(i)}, sig)
			}
		}
		if !forged {
			t.Errorf("%s is on the list, but no signature could be forged for it", p)
		}
	}
}
