//go:build interop && linux

package npm

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/integrity"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/vcalm"
)

// door is a house's door for the VC API. The house knows two boards, in whose
// feed the license stands, bound to the clinician.
func door(t *testing.T) string {
	t.Helper()
	house := &vcalm.House{
		Domain: domain, Now: func() time.Time { return now.Add(time.Minute) }, Log: slog.New(slog.DiscardHandler),
		Whose: func(kid string) (credentials.Key, ledger.Party, error) {
			for _, p := range []party{board, p256Board} {
				if kid == p.KeyID() {
					key, err := credentials.ResolveDIDKey(kid)
					return key, ledger.Party{DID: p.did(), Role: ledger.RoleBoard, Jurisdiction: "MA"}, err
				}
			}
			return credentials.Key{}, ledger.Party{}, ledger.ErrUnknownIssuer
		},
		Place: func(context.Context, *credentials.Envelope, credentials.Digest) (credentials.Position, error) {
			return credentials.Unplaced, nil
		},
		License: func(context.Context, *credentials.Envelope, credentials.License) (vcalm.Currently, error) {
			return vcalm.Currently{Standing: credentials.Standing{Answer: credentials.May, Reason: credentials.ReasonLicensed}, Holder: clinician.did()}, nil
		},
	}
	mux := http.NewServeMux()
	house.Mount(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + vcalm.Base
}

// post gives the status and the answer.
func post(t *testing.T, url string, body any) (int, map[string]any) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(url, "application/json", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	var answer map[string]any
	if err != nil || json.Unmarshal(all, &answer) != nil {
		t.Fatalf("%s answers %d %q: %v", url, resp.StatusCode, all, err)
	}
	return resp.StatusCode, answer
}

func envelope(kind, data string) question {
	return question{"@context": "https://www.w3.org/ns/credentials/v2", "type": kind, "id": data}
}

// What others have signed goes in at the door for the VC API, in each form.
func TestVerifyingDoor(t *testing.T) {
	at, n := door(t), 0
	license := documents(t)[0]
	draft, err := license.draft(board)
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string]any{}
	for _, suite := range suites {
		forms[suite.Name] = json.RawMessage(issued(t, board, suite.Name, string(draft)))
	}
	for _, p := range []party{board, p256Board} {
		token, err := license.token(p)
		if err != nil {
			t.Fatal(err)
		}
		forms["vc+jwt, "+string(p.Algorithm())] = envelope("EnvelopedVerifiableCredential", "data:application/vc+jwt,"+signedBy(t, p, "vc+jwt", payloadOf(t, token)))
	}
	for what, vc := range forms {
		if status, a := post(t, at+"/credentials/verify", question{"verifiableCredential": vc}); status != 200 || a["verified"] != true {
			t.Errorf("%s: got %d %v", what, status, a)
		}
		b, err := json.Marshal(vc)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes(t, string(b)) {
			// Whatever is wrong with it, it is not verified, and it is not the door's trouble. A
			// key that did:key does not know is nobody's here.
			status, a := post(t, at+"/credentials/verify", question{"verifiableCredential": json.RawMessage(c.text)})
			unknown := status == 503 && a["check"] == "key"
			if a["verified"] == true || status < 400 || status >= 500 && !unknown {
				t.Errorf("%s %s %s: got %d %v", what, c.at, c.what, status, a)
			}
			n++
		}
	}
	stranger, err := license.draft(thief)
	if err != nil {
		t.Fatal(err)
	}
	if status, a := post(t, at+"/credentials/verify", question{"verifiableCredential": json.RawMessage(issued(t, thief, integrity.JCS.Name, string(stranger)))}); status < 400 || a["verified"] == true {
		t.Errorf("a stranger's: got %d %v", status, a)
	}
	say(t, "the door for the VC API verifies licenses that vc and jose signed, in %d forms, and no changed one of %d", len(forms), n)
}

// Presentations that others have signed, for a challenge of the door's own.
func TestPresentingAtTheDoor(t *testing.T) {
	at := door(t)
	license := documents(t)[0]
	token, err := license.token(board)
	if err != nil {
		t.Fatal(err)
	}
	draft, err := license.draft(board)
	if err != nil {
		t.Fatal(err)
	}
	linked := issued(t, board, integrity.JCS.Name, string(draft))
	sdJWT := issueSDJWT(t, board, clinician)
	mint := func() string {
		_, a := post(t, at+"/challenges", question{})
		challenge, _ := a["challenge"].(string)
		if a["domain"] != domain || challenge == "" {
			t.Fatalf("no challenge: %v", a)
		}
		return challenge
	}
	presented := func(p party, challenge string) map[string]question {
		vp, err := credentials.Present(p, []string{token}, challenge, domain, now)
		if err != nil {
			t.Fatal(err)
		}
		unsigned := `{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiablePresentation"],"holder":"` + string(p.did()) + `","verifiableCredential":[` + linked + `]}`
		return map[string]question{
			"vp+jwt": {"verifiablePresentation": envelope("EnvelopedVerifiablePresentation", "data:application/vp+jwt,"+signedBy(t, p, "vp+jwt", payloadOf(t, vp)))},
			"eddsa-jcs-2022": {"verifiablePresentation": json.RawMessage(ask(t, "signPresentation", question{"document": unsigned, "suite": integrity.JCS.Name,
				"key": p.key(), "now": now, "challenge": challenge, "domain": domain}).Document)},
			"SD-JWT": {"verifiableCredential": envelope("EnvelopedVerifiableCredential", "data:application/vc+sd-jwt,"+ask(t, "presentSDJWT", question{"sdjwt": sdJWT,
				"show": []string{"until"}, "jwk": p.jwk, "alg": p.Algorithm(), "binding": question{"iat": now.Unix(), "aud": domain, "nonce": challenge}}).SDJWT)},
		}
	}
	n := 0
	for what := range presented(clinician, "x") {
		path := "/presentations/verify"
		if what == "SD-JWT" {
			path = "/credentials/verify"
		}
		send := func(p party, challenge, spent string) (int, map[string]any) {
			q := presented(p, challenge)[what]
			q["options"] = question{"challenge": spent, "domain": domain}
			return post(t, at+path, q)
		}
		challenge := mint()
		if status, a := send(clinician, challenge, challenge); status != 200 || a["verified"] != true {
			t.Errorf("%s: got %d %v", what, status, a)
		}
		n++
		other := mint()
		for _, c := range []struct {
			what             string
			by               party
			challenge, spent string
		}{
			{"the same challenge again", clinician, challenge, challenge},
			{"for another challenge", clinician, challenge, other},
			{"by another than the clinician", thief, "", ""},
		} {
			if c.challenge == "" {
				c.challenge = mint()
				c.spent = c.challenge
			}
			if status, a := send(c.by, c.challenge, c.spent); a["verified"] == true || status < 400 || status >= 500 {
				t.Errorf("%s, %s: got %d %v", what, c.what, status, a)
			}
		}
	}
	say(t, "the door takes what jose, vc and @sd-jwt/core present for its challenge, once, by the clinician alone, in %d forms", n)
}
