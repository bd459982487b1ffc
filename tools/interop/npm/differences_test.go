//go:build interop && linux

package npm

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/mr-tron/base58"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/integrity"
	"github.com/countersign-health/countersign/credentials/rdfc"
	"github.com/countersign-health/countersign/credentials/sdjwt"
)

// A difference is a document that theirs accept and we must not. Each has its
// line and its reason in docs/interop.md.
type difference struct {
	name   string
	ask    string
	theirs question
	ours   credentials.Verdict
	want   credentials.Check
}

// hold wants a yes of theirs, and of ours a no by the check that is meant for it.
func hold(t *testing.T, who string, all []difference) {
	t.Helper()
	for _, d := range all {
		accepted(t, d.name, d.ask, d.theirs)
		bad(t, d.name, d.want, d.ours)
	}
	say(t, "%d things that %s accepts and we refuse are as docs/interop.md has them", len(all), who)
}

func TestTheyAcceptProofs(t *testing.T) {
	license := documents(t)[0]
	draft, err := license.draft(board)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(suite integrity.Suite, terms integrity.Terms) string {
		terms.Purpose = integrity.Assertion
		b, err := integrity.Sign(board, suite, draft, terms)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	jcs, linked := signed(integrity.JCS, integrity.Terms{Created: now}), signed(rdfc.Suite(), integrity.Terms{Created: now})
	set := func(document, at string, v any) string {
		b, err := json.Marshal(edited(decoded(t, document), at, func(any) any { return v }))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	two := ask(t, "addProof", question{"document": linked, "suite": rdfc.Name, "key": thief.key(), "now": now}).Document
	var all []difference
	for _, c := range []struct {
		name, document string
		want           credentials.Check
	}{
		{"a second proof, by a stranger", two, credentials.CheckForm},
		{"a proof that has expired", signed(integrity.JCS, integrity.Terms{Created: now.Add(-time.Hour), Expires: now.Add(-time.Minute)}), credentials.CheckDates},
		{"a proof from the future", signed(rdfc.Suite(), integrity.Terms{Created: now.AddDate(1, 0, 0)}), credentials.CheckDates},
		{"a context put behind the signed ones", set(jcs, "/@context", []string{"https://www.w3.org/ns/credentials/v2", credentials.ContextID, "urn:x"}), credentials.CheckForm},
		{"a member twice", strings.Replace(jcs, `"salt":`, `"salt":"00","salt":`, 1), credentials.CheckContent},
		{"null", set(linked, "/description", nil), credentials.CheckContent},
		{"a statement twice", set(linked, "/type", []string{"VerifiableCredential", "LicenseCredential", "LicenseCredential"}), credentials.CheckContent},
		{"types in another order", set(linked, "/type", []string{"LicenseCredential", "VerifiableCredential"}), credentials.CheckKind},
		{"a member that nobody knows, signed", issued(t, board, integrity.JCS.Name, set(string(draft), "/nickname", "x")), credentials.CheckContent},
		{"an issuer with a name", issued(t, board, rdfc.Name, set(string(draft), "/issuer", map[string]any{"id": board.did(), "name": "Board"})), credentials.CheckContent},
	} {
		all = append(all, difference{c.name, "verifyCredential", verifyCredential(c.document), judge(c.document, license.kind, policy()), c.want})
	}
	hold(t, "vc", all)
}

func TestTheyAcceptPresentations(t *testing.T) {
	draft := string(presentation(t, rdfc.Name))
	sign := func(p party, suite, draft string) string {
		return ask(t, "signPresentation", question{"document": draft, "suite": suite, "key": p.key(), "now": now,
			"challenge": challenge, "domain": domain}).Document
	}
	byThief := sign(thief, rdfc.Name, draft)
	credential := issued(t, board, rdfc.Name, func() string {
		b, err := documents(t)[0].draft(board)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}())
	within := sign(clinician, rdfc.Name, strings.Replace(draft, `{"@context"`, `{"verifiableCredential":[`+credential+`],"@context"`, 1))
	hold(t, "vc", []difference{
		{"a holder whose key did not sign", "verifyPresentation", verifyPresentation(byThief, challenge, domain), open(byThief, shown), credentials.CheckIssuer},
		{"a credential with a proof of its own in one", "verifyPresentation", verifyPresentation(within, challenge, domain), open(within, shown), credentials.CheckContent},
	})
	q := verifyPresentation(sign(clinician, rdfc.Name, draft), challenge, domain)
	delete(q, "domain")
	accepted(t, "no domain to hold it against", "verifyPresentation", q)
	if v := open(q["document"].(string), integrity.Expect{Purpose: integrity.Authentication, Challenge: challenge}); v.Outcome != credentials.NotKnown {
		t.Errorf("no domain to hold it against: %+v", v)
	}
}

func TestTheyAcceptTokens(t *testing.T) {
	license := documents(t)[0]
	token, err := license.token(board)
	if err != nil {
		t.Fatal(err)
	}
	payload := payloadOf(t, token)
	signed := func(header map[string]any, payload string) string {
		for name, v := range board.header("vc+jwt") {
			if header[name] == nil {
				header[name] = v
			}
		}
		return ask(t, "signToken", question{"payload": payload, "header": header, "jwk": board.jwk, "asItIs": true}).Token
	}
	var all []difference
	for _, c := range []struct {
		name, token string
		want        credentials.Check
	}{
		{"bits behind the last byte of base64url", respelled(t, token), credentials.CheckForm},
		{"a header parameter that nobody needs", signed(map[string]any{"jku": "https://thief.example"}, payload), credentials.CheckHeader},
		{"the type written in full", signed(map[string]any{"typ": "application/vc+jwt"}, payload), credentials.CheckHeader},
		{"white space", signed(map[string]any{}, " "+payload), credentials.CheckCanonical},
		{"another order", signed(map[string]any{}, `{"validFrom":"2026-03-01T12:00:00Z",`+strings.TrimPrefix(cut(t, payload, `,"validFrom":"2026-03-01T12:00:00Z"`), "{")), credentials.CheckCanonical},
		{"a member twice", signed(map[string]any{}, strings.Replace(payload, `{"@context"`, `{"issuer":"did:example:other","@context"`, 1)), credentials.CheckContent},
		{"a key for which anyone can sign", anyones(t, payload), credentials.CheckKey},
	} {
		all = append(all, difference{c.name, "verifyToken", verifyToken(c.token, "vc+jwt"), license.judge(c.token, policy()), c.want})
	}
	hold(t, "jose", all)
}

func cut(t *testing.T, text, part string) string {
	t.Helper()
	if strings.Count(text, part) != 1 {
		t.Fatalf("%s does not stand there once", part)
	}
	return strings.Replace(text, part, "", 1)
}

// respelled ends in other characters for the same bytes.
func respelled(t *testing.T, token string) string {
	t.Helper()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(alphabet, token[len(token)-1])
	return token[:len(token)-1] + alphabet[i^1:i^1+1]
}

// anyones is signed under a point of order one, by nobody.
func anyones(t *testing.T, payload string) string {
	t.Helper()
	multikey := "z" + base58.Encode(append([]byte{0xed, 1, 1}, make([]byte, 31)...))
	payload = strings.ReplaceAll(payload, string(board.did()), "did:key:"+multikey)
	header, err := json.Marshal(map[string]string{"alg": "EdDSA", "kid": "did:key:" + multikey + "#" + multikey, "typ": "vc+jwt"})
	if err != nil {
		t.Fatal(err)
	}
	return text(header) + "." + text([]byte(payload)) + "." + text(append([]byte{1}, make([]byte, 63)...))
}

func TestTheyAcceptSDJWT(t *testing.T) {
	issued := issueSDJWT(t, board, clinician)
	bound := func(domain string, at time.Time) string {
		s, err := sdjwt.Present(issued, clinician, nil, challenge, domain, at)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	verdict := func(token string) credentials.Verdict { _, v := judgeSDJWT(token); return v }
	elsewhere, old := bound("other.example", now), bound(domain, now.AddDate(-1, 0, 0))
	unbound := verifySDJWT(issued)
	delete(unbound, "challenge")
	hold(t, "@sd-jwt/core", []difference{
		{"presented to another verifier", "verifySDJWT", verifySDJWT(elsewhere), verdict(elsewhere), credentials.CheckBinding},
		{"presented a year ago", "verifySDJWT", verifySDJWT(old), verdict(old), credentials.CheckBinding},
		{"not presented by its holder", "verifySDJWT", unbound, verdict(issued), credentials.CheckBinding},
	})
}
