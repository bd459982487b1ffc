//go:build interop && linux

package npm

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

func (p party) header(typ string) map[string]string {
	return map[string]string{"alg": string(p.Algorithm()), "kid": p.KeyID(), "typ": typ}
}

func verifyToken(token, typ string) question {
	return question{"token": token, "typ": typ, "now": now}
}

// signedBy is a token by jose.
func signedBy(t *testing.T, p party, typ, payload string) string {
	t.Helper()
	return ask(t, "signToken", question{"payload": payload, "header": p.header(typ), "jwk": p.jwk}).Token
}

func payloadOf(t *testing.T, token string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// withPayload keeps header and signature.
func withPayload(token, payload string) string {
	parts := strings.Split(token, ".")
	return parts[0] + "." + text([]byte(payload)) + "." + parts[2]
}

// flipped turns one bit of the signature over.
func flipped(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	b, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	b[40] ^= 1
	return parts[0] + "." + parts[1] + "." + text(b)
}

const noSignature = "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"

// jose reads each kind of ours, under either algorithm, and none in which
// anything is changed.
func TestOurTokens(t *testing.T) {
	kinds, n := 0, 0
	for _, p := range []party{board, p256Board} {
		for _, d := range documents(t) {
			what := string(d.kind) + ", " + string(p.Algorithm())
			token, err := d.token(p)
			if err != nil {
				t.Fatal(err)
			}
			payload := payloadOf(t, token)
			got := accepted(t, what, "verifyToken", verifyToken(token, "vc+jwt"))
			if !sameJSON(t, got.Payload, payload) {
				t.Errorf("%s: jose read %s, and we signed %s", what, got.Payload, payload)
			}
			accepted(t, what+", by its schema", "holdAgainstSchema", question{"document": payload})
			for _, c := range changes(t, payload) {
				refused(t, what+" "+c.at+" "+c.what, []string{noSignature}, "verifyToken", verifyToken(withPayload(token, c.text), "vc+jwt"))
				n++
			}
			refused(t, what+", another signature", []string{noSignature}, "verifyToken", verifyToken(flipped(t, token), "vc+jwt"))
			refused(t, what+", as another type", []string{"typ"}, "verifyToken", verifyToken(token, "vp+jwt"))
			kinds++
		}
	}
	say(t, "jose verifies %d vc+jwt of ours (each kind, EdDSA and ES256), ajv finds them as their schemas say, and jose refuses %d changed ones", kinds, n)
}

// What jose signs we find good under either algorithm, and bad by the check
// that is meant to find it where anything is changed.
func TestTheirTokens(t *testing.T) {
	kinds, n := 0, 0
	for _, p := range []party{board, p256Board} {
		for _, d := range documents(t) {
			what := string(d.kind) + ", " + string(p.Algorithm())
			ours, err := d.token(p)
			if err != nil {
				t.Fatal(err)
			}
			payload := payloadOf(t, ours)
			token := signedBy(t, p, "vc+jwt", payload)
			if v := d.judge(token, policy()); !v.IsGood() {
				t.Fatalf("%s: %+v", what, v)
			}
			if p.Algorithm() == credentials.EdDSA && token != ours {
				t.Errorf("%s: jose signs other bytes than we do", what)
			}
			for _, c := range changes(t, payload) {
				bad(t, what+" "+c.at+" "+c.what, credentials.CheckSignature, d.judge(withPayload(token, c.text), policy()))
				n++
			}
			bad(t, what+", another signature", credentials.CheckSignature, d.judge(flipped(t, token), policy()))
			bad(t, what+", a stranger's", credentials.CheckIssuer, d.judge(signedBy(t, thief, "vc+jwt", payload), policy()))
			bad(t, what+", a request", credentials.CheckHeader, d.judge(signedBy(t, p, "JWT", payload), policy()))
			late := policy()
			late.Now = now.AddDate(0, 0, -1)
			bad(t, what+", too early", credentials.CheckDates, d.judge(token, late))
			kinds++
		}
	}
	say(t, "we find %d vc+jwt by jose good (each kind, EdDSA and ES256), and %d changed ones bad by their signature", kinds, n)
}

func bad(t *testing.T, what string, want credentials.Check, got credentials.Verdict) {
	t.Helper()
	if got.Outcome != credentials.Bad || got.Check != want {
		t.Errorf("%s: got %s by %q (%s), want bad by %s", what, got.Outcome, got.Check, got.Why, want)
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	x, err := credentials.CanonicalJSON(decoded(t, a))
	if err != nil {
		t.Fatal(err)
	}
	y, err := credentials.CanonicalJSON(decoded(t, b))
	if err != nil {
		t.Fatal(err)
	}
	return string(x) == string(y)
}

const (
	challenge = "n-0S6_WzA2Mj"
	domain    = "insurer.example"
)

// Presentations of tokens, both ways.
func TestPresentedTokens(t *testing.T) {
	d := documents(t)[0]
	want := policy()
	want.Presented = &credentials.Presentation{Challenge: challenge, Domain: domain}
	n := 0
	for _, holder := range []party{clinician, p256Party(5)} {
		inner, err := d.token(board)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := credentials.Present(holder, []string{inner}, challenge, domain, now)
		if err != nil {
			t.Fatal(err)
		}
		q := verifyToken(ours, "vp+jwt")
		q["audience"] = domain
		got := accepted(t, "ours", "verifyToken", q)
		if !strings.Contains(got.Payload, `"nonce":"`+challenge+`"`) || !strings.Contains(got.Payload, inner) {
			t.Errorf("jose read %s", got.Payload)
		}
		q["audience"] = "other.example"
		refused(t, "ours, at another's door", []string{`"aud"`}, "verifyToken", q)

		// The inner token is bound to nobody: its own verdict asks for no presentation.
		judge := func(token string, p credentials.Policy) (credentials.DID, credentials.Verdict) {
			return credentials.JudgePresentation(token, p, func(inner string, _ credentials.DID) credentials.Verdict { return d.judge(inner, policy()) })
		}
		isBad := func(what string, check credentials.Check, token string, p credentials.Policy) {
			t.Helper()
			_, v := judge(token, p)
			bad(t, what, check, v)
		}
		payload := payloadOf(t, ours)
		theirs := signedBy(t, holder, "vp+jwt", payload)
		if who, v := judge(theirs, want); !v.IsGood() || who != holder.did() {
			t.Errorf("theirs: %+v, by %s", v, who)
		}
		for _, c := range changes(t, payload) {
			refused(t, "ours "+c.at+" "+c.what, []string{noSignature}, "verifyToken", verifyToken(withPayload(ours, c.text), "vp+jwt"))
			isBad("theirs "+c.at+" "+c.what, credentials.CheckSignature, withPayload(theirs, c.text), want)
			n++
		}
		other := want
		other.Presented = &credentials.Presentation{Challenge: "another", Domain: domain}
		isBad("theirs, for another challenge", credentials.CheckBinding, theirs, other)
		other.Presented = &credentials.Presentation{Challenge: challenge, Domain: "other.example"}
		isBad("theirs, for another verifier", credentials.CheckBinding, theirs, other)
		isBad("theirs, by another than its holder", credentials.CheckBinding, signedBy(t, thief, "vp+jwt", payload), want)
	}
	say(t, "vp+jwt under both algorithms, with challenge and domain, hold both ways, and %d changed ones on neither side", n)
}
