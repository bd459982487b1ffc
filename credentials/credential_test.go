package credentials

import (
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"
	"time"
)

var testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func testLicense() License {
	return License{Handle: handle(7), NPI: "1234567893", Name: "Test Person", Jurisdiction: "MA",
		Profession: "MD", Number: "T-1", From: "2026-01-01", Until: "2027-12-31"}
}

func testToken(t testing.TB, k ed25519.PrivateKey) string {
	t.Helper()
	token, err := Issue(NewSigner("", k), KindLicense, handle(7), testTime, testStatus(), testLicense())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// forge signs any header and payload with k: what a registered party that means
// harm can do.
func forge(k ed25519.PrivateKey, header, payload string) string {
	input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(payload))
	return input + "." + b64.EncodeToString(ed25519.Sign(k, []byte(input)))
}

// payloadOf is the payload of a token as text.
func payloadOf(t testing.TB, token string) string {
	t.Helper()
	b, err := b64.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func goodHeader(k ed25519.PrivateKey) string {
	return fmt.Sprintf(`{"alg":"EdDSA","kid":"%s","typ":"vc+jwt"}`, KeyID(pubOf(k)))
}

func TestIssueAndOpen(t *testing.T) {
	token := testToken(t, testKey(1))
	c, err := Open[License](token, KindLicense, ResolveDIDKey)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Subject.Equal(testLicense()) || c.Issuer != KeyDID(pubOf(testKey(1))) || c.Handle() != handle(7) || !c.ValidFrom.Equal(testTime) {
		t.Errorf("opened %+v", c)
	}
	if i, err := c.Status[0].Place(); err != nil || i != 5 {
		t.Errorf("status place = %d, %v", i, err)
	}
	kind, kid, h, err := Peek(token)
	if err != nil || kind != KindLicense || kid != KeyID(pubOf(testKey(1))) || h != handle(7) {
		t.Errorf("Peek = %s, %s, %s, %v", kind, kid, h, err)
	}
	if again := testToken(t, testKey(1)); again != token {
		t.Error("issuing the same thing twice gave two tokens")
	}
}

// The golden token: a change of one byte here makes every receipt that was ever
// given for a credential worthless. Add a schema number instead.
func TestGoldenToken(t *testing.T) {
	const want = "b7f3f1b1"
	if got := DocumentDigest(testToken(t, testKey(1))).String()[:8]; got != want {
		t.Errorf("digest of the golden token starts with %s, want %s; its payload is now\n%s",
			got, want, payloadOf(t, testToken(t, testKey(1))))
	}
}

func TestValidAt(t *testing.T) {
	until := testTime.Add(time.Hour)
	c := Credential[License]{ValidFrom: testTime, ValidUntil: &until}
	for _, tt := range []struct {
		at time.Time
		ok bool
	}{
		{testTime.Add(-time.Nanosecond), false}, {testTime, true}, {until, true}, {until.Add(time.Nanosecond), false},
	} {
		if err := c.ValidAt(tt.at); (err == nil) != tt.ok {
			t.Errorf("ValidAt(%s) = %v", tt.at, err)
		}
	}
	c.ValidUntil = nil
	if err := c.ValidAt(testTime.AddDate(100, 0, 0)); err != nil {
		t.Errorf("a credential without an end ended: %v", err)
	}
}

// Two people with the same data and another key have other salts, and nobody
// can recompute one from what is public.
func TestSalt(t *testing.T) {
	a, err := Open[License](testToken(t, testKey(1)), KindLicense, ResolveDIDKey)
	if err != nil {
		t.Fatal(err)
	}
	l := testLicense()
	l.Number = "T-2"
	token, err := Issue(NewSigner("", testKey(1)), KindLicense, handle(7), testTime, nil, l)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open[License](token, KindLicense, ResolveDIDKey)
	if err != nil {
		t.Fatal(err)
	}
	if a.Salt == b.Salt || a.Salt.IsZero() {
		t.Errorf("salts %s and %s", a.Salt, b.Salt)
	}
}

func TestIssueRefuses(t *testing.T) {
	s := NewSigner("", testKey(1))
	for name, issue := range map[string]func() (string, error){
		"unknown kind": func() (string, error) { return Issue(s, "Diploma", handle(1), testTime, nil, testLicense()) },
		"no handle":    func() (string, error) { return Issue(s, KindLicense, Handle{}, testTime, nil, testLicense()) },
		"no time":      func() (string, error) { return Issue(s, KindLicense, handle(1), time.Time{}, nil, testLicense()) },
		"bad kid": func() (string, error) {
			return Issue(NewSigner("key-1", testKey(1)), KindLicense, handle(1), testTime, nil, testLicense())
		},
		"bad status": func() (string, error) {
			return Issue(s, KindLicense, handle(1), testTime, []StatusEntry{NewStatusEntry(PurposeRevocation, "https://x.example/1", StatusListSize)}, testLicense())
		},
		"relative status list": func() (string, error) {
			return Issue(s, KindLicense, handle(1), testTime, []StatusEntry{NewStatusEntry(PurposeRevocation, "/status/1", 1)}, testLicense())
		},
		"too large": func() (string, error) {
			return Issue(s, KindLicense, handle(1), testTime, nil, strings.Repeat("x", maxToken))
		},
		"integer beyond 2^53": func() (string, error) {
			return Issue(s, KindLicense, handle(1), testTime, nil, int64(1)<<60)
		},
		"signer fails": func() (string, error) {
			return Issue(NewSigner(s.KeyID(), testKey(1)[:10]), KindLicense, handle(1), testTime, nil, testLicense())
		},
	} {
		if token, err := issue(); err == nil {
			t.Errorf("%s: issued %.60s…", name, token)
		}
	}
}

// A key of another length would make crypto/ed25519 panic: none gets that far.
func TestOpenRefusesBadKeys(t *testing.T) {
	for _, n := range []int{0, 31, 33, 64} {
		if _, err := NewKey(ed25519.PublicKey(make([]byte, n))); err == nil {
			t.Errorf("took a key of %d bytes", n)
		}
	}
	none := func(string) (Key, error) { return Key{}, nil }
	if _, err := Open[License](testToken(t, testKey(1)), KindLicense, none); err == nil {
		t.Error("opened without a key")
	}
}

// The digest must not move when only the signature does.
func TestDocumentDigest(t *testing.T) {
	token := testToken(t, testKey(1))
	i := strings.LastIndexByte(token, '.')
	if got, want := DocumentDigest(token), DigestOf([]byte(token[:i])); got != want {
		t.Errorf("DocumentDigest = %s, want %s", got, want)
	}
	if DocumentDigest(token[:i]+".other") != DocumentDigest(token) {
		t.Error("the signature changes the digest")
	}
	if !DocumentDigest("x").IsZero() {
		t.Error("the digest of no token is not zero")
	}
}

func BenchmarkIssue(b *testing.B) {
	for b.Loop() {
		testToken(b, testKey(1))
	}
}

func BenchmarkOpen(b *testing.B) {
	token := testToken(b, testKey(1))
	for b.Loop() {
		if _, err := Open[License](token, KindLicense, ResolveDIDKey); err != nil {
			b.Fatal(err)
		}
	}
}

// A header is taken apart without a JSON reader only where one would find the
// same three members.
func TestSplitJWSHeader(t *testing.T) {
	token := func(head string) string {
		return b64.EncodeToString([]byte(head)) + ".e30." + b64.EncodeToString(make([]byte, signatureSize))
	}
	if h, _, _, err := splitJWS(token(`{"alg":"EdDSA","kid":"k","typ":"t"}`)); err != nil || h != (header{"EdDSA", "k", "t"}) {
		t.Errorf("%+v, %v", h, err)
	}
	for _, head := range []string{
		`{"alg":"EdDSA","kid":"k","x":"y","typ":"t"}`, `{"alg":"EdDSA","kid":"k","typ":"t","x":"y"}`, `{"alg":"EdDSA","x":"y","kid":"k","typ":"t"}`,
		`{"alg":"EdDSA","kid":"a","kid":"k","typ":"t"}`, `{"alg":"EdDSA","kid":"\u006b","typ":"t"}`, `{"alg":"EdDSA","kid":"k\","typ":"t"}`,
		"{\"alg\":\"EdDSA\",\"kid\":\"k\n\",\"typ\":\"t\"}", "{\"alg\":\"EdDSA\",\"kid\":\"k\xff\",\"typ\":\"t\"}", ` {"alg":"EdDSA","kid":"k","typ":"t"}`,
		`{"alg":"EdDSA","kid":"k","typ":"t"}}`, `{"alg":"EdDSA","kid":"k","typ":"t"`, `{"kid":"k","alg":"EdDSA","typ":"t"}`,
	} {
		if h, _, _, err := splitJWS(token(head)); VerdictOf(err).Check != CheckHeader {
			t.Errorf("%s: %+v, %v", head, h, err)
		}
	}
}
