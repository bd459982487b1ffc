//go:build interop && linux

package npm

import (
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/sdjwt"
)

// withheld is what the holder of a license may leave out.
var withheld = []string{"from", "name", "npi", "number", "profession", "until"}

func places(names []string) (out []string) {
	for _, n := range names {
		out = append(out, "/"+n)
	}
	return out
}

func issueSDJWT(t *testing.T, issuer, holder party) string {
	t.Helper()
	key, err := credentials.ResolveDIDKey(holder.KeyID())
	if err != nil {
		t.Fatal(err)
	}
	token, err := sdjwt.Issue(issuer, key, sdjwt.Document[credentials.License]{Kind: credentials.KindLicense, Handle: handle, From: now,
		Subject: licensed, Withhold: places(withheld)})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func verifySDJWT(token string) question {
	return question{"sdjwt": token, "challenge": challenge, "now": now}
}

func judgeSDJWT(token string) (*sdjwt.Presented, credentials.Verdict) {
	p := policy()
	p.Presented = &credentials.Presentation{Challenge: challenge, Domain: domain}
	return sdjwt.Judge(token, credentials.KindLicense, p)
}

// SD-JWTs of ours, presented by us, and by a wallet of theirs.
func TestOurSDJWT(t *testing.T) {
	n := 0
	for _, issuer := range []party{board, p256Board} {
		for _, holder := range []party{clinician, p256Party(5)} {
			what := string(issuer.Algorithm()) + ", held with " + string(holder.Algorithm())
			issued := issueSDJWT(t, issuer, holder)
			shown, err := sdjwt.Present(issued, holder, places([]string{"until", "name"}), challenge, domain, now)
			if err != nil {
				t.Fatal(err)
			}
			got := accepted(t, what, "verifySDJWT", verifySDJWT(shown))
			subject := decoded(t, got.Payload).(map[string]any)["credentialSubject"].(map[string]any)
			if subject["name"] != oddName || subject["until"] != "2027-12-31" || subject["npi"] != nil || subject["jurisdiction"] != "MA" {
				t.Errorf("%s: @sd-jwt/core reads %v", what, subject)
			}
			n += brokenSDJWT(t, shown, func(c change) {
				refused(t, what+" "+c.at+" "+c.what, []string{""}, "verifySDJWT", verifySDJWT(c.text))
			})
			wallet := ask(t, "presentSDJWT", question{"sdjwt": issued, "show": []string{"until"}, "jwk": holder.jwk, "alg": holder.Algorithm(),
				"binding": question{"iat": now.Unix(), "aud": domain, "nonce": challenge}}).SDJWT
			if p, v := judgeSDJWT(wallet); !v.IsGood() || p.Credential.Subject["until"] != "2027-12-31" || p.Credential.Subject["npi"] != nil {
				t.Errorf("%s, presented by theirs: %+v", what, v)
			}
		}
	}
	say(t, "@sd-jwt/core reads what we issue and present (EdDSA and ES256, issuer and holder), presents it to us, and refuses %d broken ones", n)
}

// SD-JWTs of theirs, presented by them.
func TestTheirSDJWT(t *testing.T) {
	n := 0
	for _, issuer := range []party{board, p256Board} {
		for _, holder := range []party{clinician, p256Party(5)} {
			what := string(issuer.Algorithm()) + ", held with " + string(holder.Algorithm())
			draft, err := credentials.Draft(issuer, credentials.KindLicense, handle, now, now.AddDate(1, 0, 0), nil, licensed)
			if err != nil {
				t.Fatal(err)
			}
			payload := decoded(t, string(draft)).(map[string]any)
			jwk := map[string]string{"kty": holder.jwk["kty"], "crv": holder.jwk["crv"], "x": holder.jwk["x"]}
			if y := holder.jwk["y"]; y != "" {
				jwk["y"] = y
			}
			payload["cnf"] = map[string]any{"jwk": jwk}
			b, err := credentials.CanonicalJSON(payload)
			if err != nil {
				t.Fatal(err)
			}
			issued := ask(t, "issueSDJWT", question{"payload": string(b), "header": issuer.header("vc+sd-jwt"), "jwk": issuer.jwk, "withhold": withheld}).SDJWT
			shown := ask(t, "presentSDJWT", question{"sdjwt": issued, "show": []string{"until", "name"}, "jwk": holder.jwk, "alg": holder.Algorithm(),
				"binding": question{"iat": now.Unix(), "aud": domain, "nonce": challenge}}).SDJWT
			p, v := judgeSDJWT(shown)
			if !v.IsGood() || p.Credential.Subject["name"] != oddName || p.Credential.Subject["npi"] != nil {
				t.Fatalf("%s: %+v", what, v)
			}
			n += brokenSDJWT(t, shown, func(c change) {
				_, v := judgeSDJWT(c.text)
				bad(t, what+" "+c.at+" "+c.what, brokenBy[c.at], v)
			})
		}
	}
	say(t, "we find what @sd-jwt/core issues and presents good (EdDSA and ES256, issuer and holder), and %d broken ones bad", n)
}

// brokenBy is the check that finds each of brokenSDJWT's changes.
var brokenBy = map[string]credentials.Check{
	"payload":          credentials.CheckSignature,
	"signature":        credentials.CheckSignature,
	"disclosure":       credentials.CheckContent,
	"disclosures":      credentials.CheckBinding,
	"binding":          credentials.CheckBinding,
	"binding, signed":  credentials.CheckBinding,
	"binding's header": credentials.CheckHeader,
}

// brokenSDJWT breaks a presentation in each of its parts.
func brokenSDJWT(t *testing.T, shown string, each func(change)) (n int) {
	t.Helper()
	parts := strings.Split(shown, "~")
	with := func(at, what string, i int, part string) {
		edited := slices.Clone(parts)
		edited[i] = part
		each(change{at, what, strings.Join(edited, "~")})
		n++
	}
	for _, c := range changes(t, payloadOf(t, parts[0])) {
		with("payload", c.at+" "+c.what, 0, withPayload(parts[0], c.text))
	}
	with("signature", "another", 0, flipped(t, parts[0]))
	last := len(parts) - 1
	for i := 1; i < last; i++ {
		for _, c := range changes(t, payloadOf(t, "."+parts[i])) {
			if c.what == "changed" {
				with("disclosure", c.at+" "+c.what, i, text([]byte(c.text)))
			}
		}
		each(change{"disclosures", "one withheld after all", strings.Join(slices.Delete(slices.Clone(parts), i, i+1), "~")})
		n++
	}
	for _, c := range changes(t, payloadOf(t, parts[last])) {
		with("binding", c.at+" "+c.what, last, withPayload(parts[last], c.text))
	}
	with("binding, signed", "another signature", last, flipped(t, parts[last]))
	header := strings.Split(parts[last], ".")
	header[0] = text([]byte(strings.Replace(payloadOf(t, "."+header[0]), "kb+jwt", "JWT", 1)))
	with("binding's header", "another type", last, strings.Join(header, "."))
	return n
}
