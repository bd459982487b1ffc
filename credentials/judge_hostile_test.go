package credentials

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// What no verifier may accept, by the one check that has to refuse it.
func TestJudgeHostileTokens(t *testing.T) {
	board, mallory := testKey(1), testKey(2)
	policy := testPolicy(t)
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
	anOrder, err := Issue(NewSigner("", board), KindBoardOrder, handle(7), testTime, nil, Order{Handle: handle(7), License: handle(7), Action: OrderRevoke, Effective: testTime})
	if err != nil {
		t.Fatal(err)
	}
	saltless := regexp.MustCompile(`"salt":"[0-9a-f]*"`).ReplaceAllString(payload, `"salt":"`+Digest{}.String()+`"`)
	none := b64.EncodeToString([]byte(strings.Replace(head, "EdDSA", "none", 1))) + "." + parts[1] + "."

	tests := []struct {
		name, token string
		check       Check
		want        string // in Why
	}{
		{"empty", "", CheckForm, "three parts"},
		{"only dots", "..", CheckHeader, "header"},
		{"two parts", parts[0] + "." + parts[1], CheckForm, "three parts"},
		{"four parts", good + ".x", CheckForm, "three parts"},
		{"alg none", none, CheckAlgorithm, "none"},
		{"alg none with a signature", none + parts[2], CheckAlgorithm, "none"},
		{"alg none, capital letters", forge(board, strings.Replace(head, "EdDSA", "NONE", 1), payload), CheckAlgorithm, "NONE"},
		{"HS256 with the public key", hs256(pubOf(board)), CheckAlgorithm, "HS256"},
		{"HS256 with the key's text", hs256([]byte(EncodeMultikey(pubOf(board)))), CheckAlgorithm, "HS256"},
		{"ES256", forge(board, strings.Replace(head, "EdDSA", "ES256", 1), payload), CheckAlgorithm, "ES256"},
		{"alg Ed25519 (RFC 9864) is another spelling", forge(board, strings.Replace(head, "EdDSA", "Ed25519", 1), payload), CheckAlgorithm, "Ed25519"},
		{"wrong typ", forge(board, strings.Replace(head, "vc+jwt", "JWT", 1), payload), CheckHeader, "type"},
		{"request as a credential", forge(board, strings.Replace(head, "vc+jwt", typRequest, 1), payload), CheckHeader, "type"},
		{"no typ", forge(board, fmt.Sprintf(`{"alg":"EdDSA","kid":"%s"}`, KeyID(pubOf(board))), payload), CheckHeader, "canonical"},
		{"no kid", forge(board, `{"alg":"EdDSA","typ":"vc+jwt"}`, payload), CheckHeader, "canonical"},
		{"empty kid", forge(board, `{"alg":"EdDSA","kid":"","typ":"vc+jwt"}`, payload), CheckHeader, "fragment"},
		{"kid without #", forge(board, fmt.Sprintf(`{"alg":"EdDSA","kid":"%s","typ":"vc+jwt"}`, KeyDID(pubOf(board))), payload), CheckHeader, "fragment"},
		{"kid ends at #", forge(board, fmt.Sprintf(`{"alg":"EdDSA","kid":"%s#","typ":"vc+jwt"}`, KeyDID(pubOf(board))), payload), CheckHeader, "fragment"},
		{"kid did#z", forge(board, fmt.Sprintf(`{"alg":"EdDSA","kid":"%s#z","typ":"vc+jwt"}`, KeyDID(pubOf(board))), payload), CheckHeader, "repeat"},
		{"another key signed", forge(mallory, head, payload), CheckSignature, "signature"},
		{"foreign kid for the board's issuer", forge(mallory, goodHeader(mallory), payload), CheckIssuer, "issuer"},
		{"crit", forge(board, strings.Replace(head, `,"kid"`, `,"crit":["b64"],"kid"`, 1), payload), CheckHeader, "unknown"},
		{"b64", forge(board, strings.Replace(head, `,"kid"`, `,"b64":false,"kid"`, 1), payload), CheckHeader, "unknown"},
		{"jwk in the header", forge(mallory, strings.Replace(head, `,"kid"`, `,"jwk":{},"kid"`, 1), payload), CheckHeader, "unknown"},
		{"unknown header member", forge(board, strings.Replace(head, `{`, `{"a":1,`, 1), payload), CheckHeader, "unknown"},
		{"header member twice", forge(board, strings.Replace(head, `,"kid"`, `,"alg":"EdDSA","kid"`, 1), payload), CheckHeader, "twice"},
		{"header name folded", forge(board, strings.Replace(head, `"alg"`, `"ALG"`, 1), payload), CheckHeader, "unknown"},
		{"header not canonical", forge(board, strings.Replace(head, `,`, `, `, 1), payload), CheckHeader, "canonical"},
		{"header is an array", forge(board, `[]`, payload), CheckHeader, "header"},
		{"header is null", forge(board, `null`, payload), CheckHeader, "header"},
		{"header is huge", forge(board, strings.Repeat("[", 1<<16), payload), CheckSize, "header"},
		{"payload empty", forge(board, head, ""), CheckContent, "too early"},
		{"payload {}", forge(board, head, "{}"), CheckKind, "type"},
		{"payload null", forge(board, head, "null"), CheckContent, "null"},
		{"payload an array", forge(board, head, "[]"), CheckContent, "decode"},
		{"payload with a vc claim", forge(board, head, `{"vc":`+payload+`}`), CheckContent, "/vc"},
		{"another kind", swap(`"LicenseCredential"]`, `"BoardOrder"]`), CheckKind, "BoardOrder"},
		{"a whole document of another kind", anOrder, CheckKind, "BoardOrder"},
		{"unknown kind", swap(`"LicenseCredential"]`, `"Diploma"]`), CheckKind, "not known"},
		{"two kinds", swap(`"LicenseCredential"]`, `"LicenseCredential","BoardOrder"]`), CheckKind, "type"},
		{"kinds the other way round", swap(`["VerifiableCredential","LicenseCredential"]`, `["LicenseCredential","VerifiableCredential"]`), CheckKind, "type"},
		{"issuer of another", swap(`"issuer":"`+string(KeyDID(pubOf(board))), `"issuer":"`+string(KeyDID(pubOf(mallory)))), CheckIssuer, "issuer"},
		{"issuer as an object", swap(`"issuer":"`+string(KeyDID(pubOf(board)))+`"`, `"issuer":{"id":"x"}`), CheckContent, "issuer"},
		{"unknown field", swap(`"issuer"`, `"iss":"x","issuer"`), CheckContent, "/iss"},
		{"unknown field in the subject", swap(`"npi"`, `"nda":1,"npi"`), CheckContent, "/credentialSubject/nda"},
		{"name twice", swap(`"issuer"`, `"id":"x","issuer"`), CheckContent, "twice"},
		{"name twice in the subject", swap(`"npi"`, `"name":"x","npi"`), CheckContent, "twice"},
		{"folded name", swap(`"issuer"`, `"Issuer"`), CheckContent, "/Issuer"},
		{"folded name in the subject", swap(`"npi"`, `"NPI"`), CheckContent, "/NPI"},
		{"not UTF-8", swap("Test Person", "Test \xff"), CheckContent, "UTF-8"},
		{"surrogate", swap("Test Person", `\ud800`), CheckContent, "surrogate"},
		{"not canonical: space", swap(`"name":`, `"name": `), CheckCanonical, "canonical"},
		{"not canonical: escape", swap("Test Person", `\u0054est Person`), CheckCanonical, "canonical"},
		{"not canonical: order", forge(board, head, reorder(t, payload)), CheckCanonical, "canonical"},
		{"trailing data", forge(board, head, payload+"{}"), CheckContent, "follows"},
		{"trailing line break", forge(board, head, payload+"\n"), CheckCanonical, "canonical"},
		{"deep", forge(board, head, strings.Repeat(`{"credentialSubject":`, 5000)), CheckContent, "unknown"},
		{"deep inside a known field", swap(`"Test Person"`, strings.Repeat("[", 5000)), CheckContent, "levels"},
		{"another context", swap("https://www.w3.org/ns/credentials/v2", "https://evil.example/v2"), CheckContent, "/@context"},
		{"another schema", swap("LicenseCredential:1", "LicenseCredential:2"), CheckContent, "/credentialSchema"},
		{"another URN", swap(`"urn:countersign:07`, `"urn:elsewhere:07`), CheckContent, "/id"},
		{"no URN", swap(`"urn:countersign:07`, `"07`), CheckContent, "/id"},
		{"handle of zeros", swap(`"urn:countersign:`+handle(7).String(), `"urn:countersign:`+Handle{}.String()), CheckContent, "/id"},
		{"ends before it begins", swap(`"validFrom":"2026-03-01T12:00:00Z"`, `"validFrom":"2026-03-01T12:00:00Z","validUntil":"2026-03-01T11:00:00Z"`), CheckContent, "/validUntil"},
		{"ends within a second", swap(`"validFrom":"2026-03-01T12:00:00Z"`, `"validFrom":"2026-03-01T12:00:00Z","validUntil":"2026-03-01T13:00:00.5Z"`), CheckContent, "/validUntil"},
		{"begins in the year 1", swap(`"2026-03-01T12:00:00Z"`, `"0001-01-01T00:00:00Z"`), CheckContent, "/validFrom"},
		{"salt of zeros", forge(board, head, saltless), CheckContent, "/salt"},
		{"upper-case handle", swap("urn:countersign:07", "urn:countersign:0A"), CheckContent, "/id"},
		{"fractions of a second", swap("12:00:00Z", "12:00:00.5Z"), CheckContent, "/validFrom"},
		{"status for another purpose", swap(`"statusPurpose":"revocation"`, `"statusPurpose":"refresh"`), CheckContent, "/credentialStatus"},
		{"status list at no URL", swap(`https://board.example/status/1`, `https://board.example/%zz`), CheckContent, "/credentialStatus"},
		{"status list at a path", swap(`https://board.example/status/1`, `//board.example/status/1`), CheckContent, "/credentialStatus"},
		{"status list at no host", swap(`https://board.example/status/1`, `https:///status/1`), CheckContent, "/credentialStatus"},
		{"status of another type", swap("BitstringStatusListEntry", "StatusList2021Entry"), CheckContent, "/credentialStatus"},
		{"status index with a zero in front", swap(`"statusListIndex":"5"`, `"statusListIndex":"05"`), CheckContent, "/credentialStatus"},
		{"status index outside", swap(`"statusListIndex":"5"`, `"statusListIndex":"131072"`), CheckContent, "/credentialStatus"},
		{"10 MB", good + strings.Repeat("A", 10<<20), CheckSize, "bytes"},
		{"10 MB of dots", strings.Repeat(".", 10<<20), CheckSize, "bytes"},
		{"leading space", " " + good, CheckForm, "base64url"},
		{"trailing line break behind the token", good + "\n", CheckForm, "base64url"},
		{"carriage return inside", parts[0] + "." + parts[1][:40] + "\r" + parts[1][40:] + "." + parts[2], CheckForm, "line break"},
		{"line break inside", parts[0] + "." + parts[1][:40] + "\n" + parts[1][40:] + "." + parts[2], CheckForm, "line break"},
		{"padding", parts[0] + "==." + parts[1] + "." + parts[2], CheckForm, "base64url"},
		{"standard base64", parts[0] + "." + parts[1] + "." + strings.Repeat("+/", 43), CheckForm, "base64url"},
		{"signature short", parts[0] + "." + parts[1] + "." + parts[2][:40], CheckSignature, "bytes"},
		{"signature of zeros", parts[0] + "." + parts[1] + "." + strings.Repeat("A", 86), CheckSignature, "signature"},
		{"JSON serialization", `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, CheckForm, "three parts"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, v := Judge[License](tt.token, KindLicense, policy)
			if v.Outcome != Bad || v.Check != tt.check || !strings.Contains(v.Why, tt.want) {
				t.Errorf("verdict %.300v, want bad by %s: …%s…", v, tt.check, tt.want)
			}
			if len(v.Why) > 500 || strings.Contains(v.Why, "\n") || strings.Contains(v.Why, "Test Person") {
				t.Errorf("it is long, of several lines or personal: %.600q", v.Why)
			}
			if c != nil && v.Check != CheckIssuer {
				t.Errorf("it came with a credential: %+v", c)
			}
			if _, err := Open[License](tt.token, KindLicense, ResolveDIDKey); err == nil || VerdictOf(err) != v {
				t.Errorf("Open says %v", err)
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

func TestJudgeEveryFlippedByte(t *testing.T) {
	policy := testPolicy(t)
	token := testToken(t, testKey(1))
	for i := range len(token) {
		for _, flip := range []byte{0x01, 0x02, 0x20, 0x80, token[i] ^ 'A', token[i] ^ '.', token[i] ^ '\n'} {
			if flip == 0 {
				continue
			}
			b := []byte(token)
			b[i] ^= flip
			if _, v := Judge[License](string(b), KindLicense, policy); v.IsGood() {
				t.Fatalf("byte %d changed from %q to %q: %+v", i, token[i], b[i], v)
			}
		}
		if _, v := Judge[License](token[:i], KindLicense, policy); v.IsGood() {
			t.Fatalf("cut after %d bytes: not bad", i)
		}
	}
}
