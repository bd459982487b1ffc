package credentials

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
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
	token, err := Issue(NewSigner("", k), KindLicense, handle(7), testTime, NewStatusEntry("https://board.example/status/1", 5), testLicense())
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
	if c.Subject != testLicense() || c.Issuer != KeyDID(pubOf(testKey(1))) || c.Handle() != handle(7) || !c.ValidFrom.Equal(testTime) {
		t.Errorf("opened %+v", c)
	}
	if i, err := c.Status.Place(); err != nil || i != 5 {
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
	const want = "0aa4c3fa"
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
			return Issue(s, KindLicense, handle(1), testTime, NewStatusEntry("https://x.example/1", StatusListSize), testLicense())
		},
		"relative status list": func() (string, error) {
			return Issue(s, KindLicense, handle(1), testTime, NewStatusEntry("/status/1", 1), testLicense())
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

func TestOpenRefusesHostileTokens(t *testing.T) {
	board, mallory := testKey(1), testKey(2)
	good := testToken(t, board)
	head, payload := goodHeader(board), payloadOf(t, good)
	parts := strings.Split(good, ".")
	swap := func(old, new string) string {
		if !strings.Contains(payload, old) {
			t.Fatalf("payload does not hold %s", old)
		}
		return forge(board, head, strings.Replace(payload, old, new, 1))
	}
	hs256 := func(secret []byte) string {
		input := b64.EncodeToString([]byte(strings.Replace(head, "EdDSA", "HS256", 1))) + "." + parts[1]
		m := hmac.New(sha256.New, secret)
		m.Write([]byte(input))
		return input + "." + b64.EncodeToString(m.Sum(nil))
	}
	none := b64.EncodeToString([]byte(strings.Replace(head, "EdDSA", "none", 1))) + "." + parts[1] + "."

	tests := []struct{ name, token, want string }{
		{"empty", "", "three parts"},
		{"only dots", "..", "header"},
		{"two parts", parts[0] + "." + parts[1], "three parts"},
		{"four parts", good + ".x", "three parts"},
		{"alg none", none, "none"},
		{"alg none with a signature", none + parts[2], "none"},
		{"alg none, capital letters", forge(board, strings.Replace(head, "EdDSA", "NONE", 1), payload), "NONE"},
		{"HS256 with the public key", hs256(pubOf(board)), "HS256"},
		{"HS256 with the key's text", hs256([]byte(EncodeMultikey(pubOf(board)))), "HS256"},
		{"ES256", forge(board, strings.Replace(head, "EdDSA", "ES256", 1), payload), "ES256"},
		{"alg Ed25519 (RFC 9864) is another spelling", forge(board, strings.Replace(head, "EdDSA", "Ed25519", 1), payload), "Ed25519"},
		{"wrong typ", forge(board, strings.Replace(head, "vc+jwt", "JWT", 1), payload), "type"},
		{"request as a credential", forge(board, strings.Replace(head, "vc+jwt", typRequest, 1), payload), "type"},
		{"no typ", forge(board, fmt.Sprintf(`{"alg":"EdDSA","kid":"%s"}`, KeyID(pubOf(board))), payload), "canonical"},
		{"no kid", forge(board, `{"alg":"EdDSA","typ":"vc+jwt"}`, payload), "canonical"},
		{"empty kid", forge(board, `{"alg":"EdDSA","kid":"","typ":"vc+jwt"}`, payload), "fragment"},
		{"kid without #", forge(board, fmt.Sprintf(`{"alg":"EdDSA","kid":"%s","typ":"vc+jwt"}`, KeyDID(pubOf(board))), payload), "fragment"},
		{"kid ends at #", forge(board, fmt.Sprintf(`{"alg":"EdDSA","kid":"%s#","typ":"vc+jwt"}`, KeyDID(pubOf(board))), payload), "fragment"},
		{"kid did#z", forge(board, fmt.Sprintf(`{"alg":"EdDSA","kid":"%s#z","typ":"vc+jwt"}`, KeyDID(pubOf(board))), payload), "repeat"},
		{"another key signed", forge(mallory, head, payload), "signature"},
		{"foreign kid for the board's issuer", forge(mallory, goodHeader(mallory), payload), "issuer"},
		{"unknown method", forge(board, `{"alg":"EdDSA","kid":"did:evil:x#k","typ":"vc+jwt"}`, payload), "key"},
		{"crit", forge(board, strings.Replace(head, `,"kid"`, `,"crit":["b64"],"kid"`, 1), payload), "unknown"},
		{"b64", forge(board, strings.Replace(head, `,"kid"`, `,"b64":false,"kid"`, 1), payload), "unknown"},
		{"jwk in the header", forge(mallory, strings.Replace(head, `,"kid"`, `,"jwk":{},"kid"`, 1), payload), "unknown"},
		{"unknown header member", forge(board, strings.Replace(head, `{`, `{"a":1,`, 1), payload), "unknown"},
		{"header member twice", forge(board, strings.Replace(head, `,"kid"`, `,"alg":"EdDSA","kid"`, 1), payload), "twice"},
		{"header name folded", forge(board, strings.Replace(head, `"alg"`, `"ALG"`, 1), payload), "unknown"},
		{"header not canonical", forge(board, strings.Replace(head, `,`, `, `, 1), payload), "canonical"},
		{"header is an array", forge(board, `[]`, payload), "header"},
		{"header is null", forge(board, `null`, payload), "header"},
		{"header is huge", forge(board, strings.Repeat("[", 1<<16), payload), "header"},
		{"payload empty", forge(board, head, ""), "too early"},
		{"payload {}", forge(board, head, "{}"), "type"},
		{"payload null", forge(board, head, "null"), "null"},
		{"payload an array", forge(board, head, "[]"), "decode"},
		{"payload with a vc claim", forge(board, head, `{"vc":`+payload+`}`), "/vc"},
		{"another kind", swap(`"LicenseCredential"]`, `"BoardOrder"]`), "BoardOrder"},
		{"unknown kind", swap(`"LicenseCredential"]`, `"Diploma"]`), "not known"},
		{"two kinds", swap(`"LicenseCredential"]`, `"LicenseCredential","BoardOrder"]`), "type"},
		{"kinds the other way round", swap(`["VerifiableCredential","LicenseCredential"]`, `["LicenseCredential","VerifiableCredential"]`), "type"},
		{"issuer of another", swap(`"issuer":"`+string(KeyDID(pubOf(board))), `"issuer":"`+string(KeyDID(pubOf(mallory)))), "issuer"},
		{"issuer as an object", swap(`"issuer":"`+string(KeyDID(pubOf(board)))+`"`, `"issuer":{"id":"x"}`), "issuer"},
		{"unknown field", swap(`"issuer"`, `"iss":"x","issuer"`), "/iss"},
		{"unknown field in the subject", swap(`"npi"`, `"nda":1,"npi"`), "/credentialSubject/nda"},
		{"name twice", swap(`"issuer"`, `"id":"x","issuer"`), "twice"},
		{"name twice in the subject", swap(`"npi"`, `"name":"x","npi"`), "twice"},
		{"folded name", swap(`"issuer"`, `"Issuer"`), "/Issuer"},
		{"folded name in the subject", swap(`"npi"`, `"NPI"`), "/NPI"},
		{"not UTF-8", swap("Test Person", "Test \xff"), "UTF-8"},
		{"surrogate", swap("Test Person", `\ud800`), "surrogate"},
		{"not canonical: space", swap(`"name":`, `"name": `), "canonical"},
		{"not canonical: escape", swap("Test Person", `\u0054est Person`), "canonical"},
		{"not canonical: order", forge(board, head, reorder(t, payload)), "canonical"},
		{"trailing data", forge(board, head, payload+"{}"), "follows"},
		{"trailing line break", forge(board, head, payload+"\n"), "canonical"},
		{"deep", forge(board, head, strings.Repeat(`{"credentialSubject":`, 5000)), "unknown"},
		{"deep inside a known field", swap(`"Test Person"`, strings.Repeat("[", 5000)), "levels"},
		{"another context", swap("https://www.w3.org/ns/credentials/v2", "https://evil.example/v2"), "/@context"},
		{"another schema", swap("LicenseCredential:1", "LicenseCredential:2"), "/credentialSchema"},
		{"another URN", swap(`"urn:countersign:07`, `"urn:elsewhere:07`), "/id"},
		{"upper-case handle", swap("urn:countersign:07", "urn:countersign:0A"), "/id"},
		{"fractions of a second", swap("12:00:00Z", "12:00:00.5Z"), "/validFrom"},
		{"status of another type", swap("BitstringStatusListEntry", "StatusList2021Entry"), "/credentialStatus"},
		{"status index with a zero in front", swap(`"statusListIndex":"5"`, `"statusListIndex":"05"`), "/credentialStatus"},
		{"status index outside", swap(`"statusListIndex":"5"`, `"statusListIndex":"131072"`), "/credentialStatus"},
		{"10 MB", good + strings.Repeat("A", 10<<20), "bytes"},
		{"10 MB of dots", strings.Repeat(".", 10<<20), "bytes"},
		{"leading space", " " + good, "base64url"},
		{"trailing line break behind the token", good + "\n", "base64url"},
		{"line break inside", parts[0] + "." + parts[1][:40] + "\n" + parts[1][40:] + "." + parts[2], "line break"},
		{"padding", parts[0] + "==." + parts[1] + "." + parts[2], "base64url"},
		{"standard base64", parts[0] + "." + parts[1] + "." + strings.Repeat("+/", 43), "base64url"},
		{"signature short", parts[0] + "." + parts[1] + "." + parts[2][:40], "bytes"},
		{"signature of zeros", parts[0] + "." + parts[1] + "." + strings.Repeat("A", 86), "signature"},
		{"JSON serialization", `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, "three parts"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Open[License](tt.token, KindLicense, ResolveDIDKey)
			if err == nil {
				t.Fatalf("opened: %+v", c)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q does not say %q", err, tt.want)
			}
			if len(err.Error()) > 500 || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "Test Person") {
				t.Errorf("error is long, of several lines or personal: %.600q", err)
			}
			Peek(tt.token) // must not panic
			DocumentDigest(tt.token)
		})
	}
}

// reorder writes the payload with its names the other way round.
func reorder(t *testing.T, payload string) string {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(payload), &m); err != nil {
		t.Fatal(err)
	}
	first := `{"type":` + string(m["type"])
	delete(m, "type")
	rest, err := CanonicalJSON(m)
	if err != nil {
		t.Fatal(err)
	}
	return first + "," + string(rest[1:])
}

func TestOpenRefusesEveryFlippedByte(t *testing.T) {
	token := testToken(t, testKey(1))
	for i := range len(token) {
		for _, flip := range []byte{0x01, 0x02, 0x20, 0x80, token[i] ^ 'A', token[i] ^ '.', token[i] ^ '\n'} {
			if flip == 0 {
				continue
			}
			b := []byte(token)
			b[i] ^= flip
			if _, err := Open[License](string(b), KindLicense, ResolveDIDKey); err == nil {
				t.Fatalf("byte %d changed from %q to %q: still opened", i, token[i], b[i])
			}
		}
		if _, err := Open[License](token[:i], KindLicense, ResolveDIDKey); err == nil {
			t.Fatalf("cut after %d bytes: still opened", i)
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
