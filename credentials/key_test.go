package credentials

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/mr-tron/base58"
)

func p256Key(t testing.TB, seed byte) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func es256Signer(t testing.TB, seed byte) Signer {
	t.Helper()
	s, err := NewES256Signer("", p256Key(t, seed))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// RFC 6979, A.2.5: P-256, SHA-256, message "sample".
func TestES256Vector(t *testing.T) {
	raw, _ := hex.DecodeString("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewES256Signer("did:web:x.example#k", key)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := s.Sign([]byte("sample"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716" +
		"f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
	if hex.EncodeToString(sig) != want {
		t.Errorf("signed %x, want %s", sig, want)
	}
	pub, err := NewKey(&key.PublicKey)
	if err != nil || !pub.Verify([]byte("sample"), sig) || pub.Verify([]byte("Sample"), sig) || pub.Verify([]byte("sample"), sig[:63]) {
		t.Errorf("the signature does not hold, or another does: %v", err)
	}
	if wide := append(append(bytes.Clone(sig[:32]), 0), sig[32:]...); pub.Verify([]byte("sample"), wide) {
		t.Error("a signature of 65 bytes holds")
	}
	ed, err := NewKey(pubOf(testKey(1)))
	if sig := ed25519.Sign(testKey(1), []byte("sample")); err != nil || !ed.Verify([]byte("sample"), sig) || ed.Verify([]byte("Sample"), sig) {
		t.Errorf("the Ed25519 signature does not hold, or another does: %v", err)
	}
}

func TestES256Token(t *testing.T) {
	signer := es256Signer(t, 1)
	issue := func() string {
		token, err := Issue(signer, KindLicense, handle(7), testTime, nil, testLicense())
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	token := issue()
	did, _ := SignerDID(signer)
	if token != issue() {
		t.Error("issuing the same thing twice gave two tokens")
	}
	p := testPolicy(t)
	p.Status, p.Issuer = StatusIfNamed, func(who DID, _ Kind, _ string) error {
		if who != did {
			return Refuse(CheckIssuer, "another")
		}
		return nil
	}
	if c, v := Judge[License](token, KindLicense, p); !v.IsGood() || !c.Subject.Equal(testLicense()) {
		t.Errorf("verdict %+v", v)
	}
	if !strings.Contains(headerOf(t, token), `"alg":"ES256"`) {
		t.Errorf("header %s", headerOf(t, token))
	}

	head, payload := headerOf(t, token), payloadOf(t, token)
	input := token[:strings.LastIndexByte(token, '.')]
	sig, _ := b64.DecodeString(token[len(input)+1:])
	signedAs := func(alg string) string {
		in := b64.EncodeToString([]byte(strings.Replace(head, "ES256", alg, 1))) + "." + b64.EncodeToString([]byte(payload))
		s, err := signer.Sign([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		return in + "." + b64.EncodeToString(s)
	}
	mac := hmac.New(sha256.New, []byte(strings.Split(signer.KeyID(), "#")[1]))
	mac.Write([]byte(input))
	zero := make([]byte, 32)
	for _, tt := range []struct {
		name, token string
		check       Check
	}{
		{"EdDSA with a P-256 key", signedAs("EdDSA"), CheckAlgorithm},
		{"ES384", signedAs("ES384"), CheckAlgorithm},
		{"ES256K", signedAs("ES256K"), CheckAlgorithm},
		{"HS256 with the key's text", signedAs("HS256"), CheckAlgorithm},
		{"HS256, 32 bytes", input + "." + b64.EncodeToString(mac.Sum(nil)), CheckSignature},
		{"another P-256 key signed", func() string {
			s, _ := es256Signer(t, 2).Sign([]byte(input))
			return input + "." + b64.EncodeToString(s)
		}(), CheckSignature},
		{"Ed25519 signed for a P-256 key", forge(testKey(1), head, payload), CheckSignature},
		{"R and S of zero (CVE-2022-21449)", input + "." + b64.EncodeToString(append(zero, zero...)), CheckSignature},
		{"R of zero", input + "." + b64.EncodeToString(append(zero, sig[32:]...)), CheckSignature},
		{"S of the order", input + "." + b64.EncodeToString(append(bytes.Clone(sig[:32]), elliptic.P256().Params().N.Bytes()...)), CheckSignature},
		{"R beyond the order", input + "." + b64.EncodeToString(append(bytes.Repeat([]byte{0xff}, 32), sig[32:]...)), CheckSignature},
	} {
		if _, v := Judge[License](tt.token, KindLicense, p); v.Outcome != Bad || v.Check != tt.check {
			t.Errorf("%s: got %+v, want bad by %s", tt.name, v, tt.check)
		}
	}

	// The twin (R, -S) is a signature as well, of the same document.
	twin := make([]byte, 32)
	new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(sig[32:])).FillBytes(twin)
	other := input + "." + b64.EncodeToString(append(bytes.Clone(sig[:32]), twin...))
	if _, v := Judge[License](other, KindLicense, p); !v.IsGood() || DocumentDigest(other) != DocumentDigest(token) {
		t.Errorf("the twin signature: %+v, another document: %v", v, DocumentDigest(other) != DocumentDigest(token))
	}
}

func headerOf(t testing.TB, token string) string {
	t.Helper()
	b, err := b64.DecodeString(strings.Split(token, ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// did:key vectors of the W3C CCG did:key method, section "P-256".
func TestParseKey(t *testing.T) {
	for _, m := range []string{
		"zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169",
		"zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv",
		EncodeMultikey(pubOf(testKey(1))),
	} {
		k, err := ParseKey(m)
		if err != nil || k.Multikey() != m {
			t.Errorf("ParseKey(%s) = %v, %v", m, k, err)
		}
		again, err := NewKey(k.Public())
		if err != nil || !again.Equal(k) || again.Equal(Key{}) || (Key{}).Equal(again) {
			t.Errorf("NewKey(%v) = %v, %v", k, again, err)
		}
		if _, err := ResolveDIDKey("did:key:" + m + "#" + m); err != nil {
			t.Errorf("ResolveDIDKey: %v", err)
		}
	}
	point := elliptic.MarshalCompressed(elliptic.P256(), p256Key(t, 1).X, p256Key(t, 1).Y)
	off := append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...)
	for name, m := range map[string]string{
		"not on the curve":    "z" + base58.Encode(append([]byte{0x80, 0x24}, off...)),
		"uncompressed prefix": "z" + base58.Encode(append([]byte{0x80, 0x24, 4}, point[1:]...)),
		"secp256k1":           "z" + base58.Encode(append([]byte{0xe7, 0x01}, point...)),
		"P-384 codec":         "z" + base58.Encode(append([]byte{0x81, 0x24}, point...)),
		"one more byte":       "z" + base58.Encode(append(append([]byte{0x80, 0x24}, point...), 0)),
		"another base":        "u" + base58.Encode(append([]byte{0x80, 0x24}, point...)),
		"no base58":           "z" + strings.Repeat("0", 48),
		"zeros":               "z" + strings.Repeat("1", 48),
		"Ed25519, zeros":      "z" + strings.Repeat("1", 47),
		"empty":               "",
	} {
		if k, err := ParseKey(m); err == nil {
			t.Errorf("%s: ParseKey(%s) = %v", name, m, k)
		}
	}
}

func TestNewKeyRefuses(t *testing.T) {
	small, _ := hex.DecodeString(lowOrderPoints[0])
	p384, err := ecdsa.ParseRawPrivateKey(elliptic.P384(), bytes.Repeat([]byte{1}, 48))
	if err != nil {
		t.Fatal(err)
	}
	for name, pub := range map[string]any{
		"nothing": nil, "text": "key", "a secret": []byte("secret"), "an Ed25519 key of low order": ed25519.PublicKey(small),
		"no P-256 key": (*ecdsa.PublicKey)(nil), "P-384": &p384.PublicKey, "an empty point": &ecdsa.PublicKey{Curve: elliptic.P256()},
		"half a point": &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1)}, "the other half": &ecdsa.PublicKey{Curve: elliptic.P256(), Y: big.NewInt(1)},
		"a point off the curve": &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)},
	} {
		if k, err := NewKey(pub); err == nil {
			t.Errorf("%s: NewKey = %v", name, k)
		}
	}
	for _, kid := range []string{"", "did:key:z", "did:key:zzz#zzz", "did:key:z6Mk#z6Mk"} {
		if k, err := ResolveDIDKey(kid); VerdictOf(err).Outcome != Bad || k.Public() != nil {
			t.Errorf("ResolveDIDKey(%q) = %v, %v", kid, k, err)
		}
	}
	var zero Key
	if zero.Verify(nil, make([]byte, 64)) || zero.Algorithm() != "" || zero.Public() != nil || zero.Multikey() != "" {
		t.Error("the zero key is one")
	}
	if _, err := NewES256Signer("", p384); err == nil {
		t.Error("made an ES256 signer with a P-384 key")
	}
}

// The key that a document names has to be its owner's; what a resolver could not
// find out leaves it open, even if a key came along.
func TestFindKey(t *testing.T) {
	k, other := testKey(1), testKey(2)
	kid, did := KeyID(pubOf(k)), KeyDID(pubOf(k))
	good, err := ResolveDIDKey(kid)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		kid     string
		keys    ResolveKey
		outcome Outcome
		check   Check
	}{
		{"good", kid, ResolveDIDKey, Good, ""},
		{"no key id", string(did), ResolveDIDKey, Bad, CheckHeader},
		{"another's", KeyID(pubOf(other)), ResolveDIDKey, Bad, CheckIssuer},
		{"refused", kid, func(string) (Key, error) { return good, Refuse(CheckKey, "no") }, Bad, CheckKey},
		{"unknown", kid, func(string) (Key, error) { return good, errors.New("no network") }, NotKnown, CheckKey},
		{"none", kid, func(string) (Key, error) { return Key{}, nil }, NotKnown, CheckKey},
	} {
		got, err := FindKey(tt.kid, did, tt.keys)
		if v := VerdictOf(err); v.Outcome != tt.outcome || v.Check != tt.check || got.Equal(good) != (tt.outcome == Good) {
			t.Errorf("%s: %v, %+v", tt.name, got, v)
		}
	}
}
