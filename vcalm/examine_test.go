package vcalm

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/integrity"
	"github.com/countersign-health/countersign/credentials/sdjwt"
)

const here, challenge = "did:web:house.test", "a challenge"

// held is the license as an SD-JWT, shown by its holder for a challenge.
func held(t testing.TB, challenge, domain string, at time.Time) string {
	t.Helper()
	key, err := credentials.ResolveDIDKey(holder.KeyID())
	if err != nil {
		t.Fatal(err)
	}
	issued, err := sdjwt.Issue(board, key, sdjwt.Document[credentials.License]{Kind: credentials.KindLicense, Handle: license.Handle,
		From: noon.AddDate(0, -1, 0), Subject: license, Withhold: []string{"/name"}})
	if err != nil {
		t.Fatal(err)
	}
	shown, err := sdjwt.Present(issued, holder, nil, challenge, domain, at)
	if err != nil {
		t.Fatal(err)
	}
	return shown
}

// presented is a presentation by the holder under a Data Integrity proof.
func presented(t testing.TB, vcs ...any) []byte {
	t.Helper()
	b, err := json.Marshal(object{"@context": []string{contextV2}, "type": presentationType, "holder": didOf(holder), "verifiableCredential": vcs})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := integrity.Sign(holder, integrity.JCS, b, integrity.Terms{Purpose: integrity.Authentication, Created: noon, Challenge: challenge, Domain: here})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func vpOf(t testing.TB, tokens ...string) string {
	t.Helper()
	vp, err := credentials.Present(holder, tokens, challenge, here, noon)
	if err != nil {
		t.Fatal(err)
	}
	return vp
}

// A file holds a credential or a presentation in any form, or what is neither.
func TestExamine(t *testing.T) {
	h := open(t)
	good, asked := token(t, board, license), &credentials.Presentation{Challenge: challenge, Domain: here}
	revoked, restricted := credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonRevoked}, may
	restricted.Answer, restricted.Restrictions = credentials.MayRestricted, "NO-OPIOIDS"
	for name, tt := range map[string]struct {
		text     string
		want     *credentials.Presentation
		standing credentials.Standing
		outcome  credentials.Outcome
		check    credentials.Check
		kind     string // and form
	}{
		"token":                     {good, nil, may, credentials.Good, "", "LicenseCredential jwt"},
		"white space about it":      {"\n " + good + "\n", nil, may, credentials.Good, "", "LicenseCredential jwt"},
		"jcs":                       {string(linked(t, integrity.JCS)), nil, may, credentials.Good, "", "LicenseCredential jcs"},
		"an SD-JWT":                 {held(t, challenge, here, noon), asked, may, credentials.Good, "", "LicenseCredential sd-jwt"},
		"an SD-JWT unasked":         {held(t, challenge, here, noon), nil, may, credentials.NotKnown, credentials.CheckBinding, " sd-jwt"},
		"a presentation":            {string(presented(t, jwt(good))), asked, may, credentials.Good, "", "presentation LicenseCredential presentation"},
		"a vp+jwt":                  {vpOf(t, good), asked, may, credentials.Good, "", "presentation LicenseCredential presentation"},
		"a presentation in one":     {string(asJSON(t, enveloped(dataVP, vpOf(t, good), envelopedPresentation))), asked, may, credentials.Good, "", "presentation LicenseCredential presentation"},
		"a presentation unasked":    {string(presented(t, jwt(good))), nil, may, credentials.Bad, credentials.CheckBinding, " "},
		"a token asked for":         {good, asked, may, credentials.Bad, credentials.CheckBinding, " jwt"},
		"revoked":                   {good, nil, revoked, credentials.Bad, credentials.CheckStatus, " jwt"},
		"revoked, in one":           {string(presented(t, jwt(good))), asked, revoked, credentials.Bad, credentials.CheckStatus, " "},
		"nothing known":             {good, nil, credentials.Standing{}, credentials.NotKnown, credentials.CheckStatus, " jwt"},
		"restricted":                {good, nil, restricted, credentials.NotKnown, credentials.CheckStatus, "LicenseCredential jwt"},
		"restricted, in one":        {string(presented(t, jwt(good))), asked, restricted, credentials.NotKnown, credentials.CheckStatus, "presentation LicenseCredential presentation"},
		"tampered":                  {good[:len(good)-4] + "AAAA", nil, may, credentials.Bad, credentials.CheckSignature, " jwt"},
		"without a proof":           {`{"type":["VerifiableCredential","LicenseCredential"]}`, nil, may, credentials.Bad, credentials.CheckForm, " "},
		"a name twice":              {`{"type":"x","type":"y"}`, nil, may, credentials.Bad, credentials.CheckContent, " "},
		"nothing":                   {"", nil, may, credentials.Bad, credentials.CheckForm, " "},
		"a handle":                  {strings.Repeat("0a", 32), nil, may, credentials.Bad, credentials.CheckForm, " "},
		"a token without a type":    {"e30." + good[strings.IndexByte(good, '.')+1:], nil, may, credentials.Bad, credentials.CheckForm, " "},
		"a header that is no JSON":  {"e30x." + good[strings.IndexByte(good, '.')+1:], nil, may, credentials.Bad, credentials.CheckForm, " "},
		"a header in no base64":     {"." + good[strings.IndexByte(good, '.')+1:], nil, may, credentials.Bad, credentials.CheckForm, " "},
		"a header and nothing more": {good[:strings.IndexByte(good, '.')+1], nil, may, credentials.Bad, credentials.CheckForm, " "},
		"too large":                 {`{"a":"` + strings.Repeat("x", maxBody) + `"}`, nil, may, credentials.Bad, credentials.CheckSize, " "},
	} {
		h.known = Currently{Standing: tt.standing}
		f, err := h.Examine(t.Context(), []byte(tt.text), tt.want)
		if err != nil || f.Outcome != tt.outcome || f.Check != tt.check || f.Warnings == nil || f.Kind+" "+f.Form != tt.kind {
			t.Errorf("%s: %+v, %v; want %s by %q of %q", name, f, err, tt.outcome, tt.check, tt.kind)
		}
	}
	h.err = errors.New("the database is away")
	for _, text := range []string{good, string(presented(t, jwt(good)))} {
		want := asked
		if text == good {
			want = nil
		}
		if f, err := h.Examine(t.Context(), []byte(text), want); err == nil || f.IsGood() {
			t.Errorf("a house in trouble: %+v, %v", f, err)
		}
	}
}

func asJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What a header says of its token, whatever stands there.
func TestTypeOf(t *testing.T) {
	for token, want := range map[string]string{"eyJ0eXAiOiJ2cCtqd3QifQ.x.y": "vp+jwt", "eyJ0eXAiOiJ2cCtqd3QifSAg!.x.y": "", "eyJ0eXAiOiJ2cCtqd3QiLCJ0eXAiOjF9.x": "", "e30.": "", "": ""} {
		if got := typeOf(token); got != want {
			t.Errorf("%q: %q, want %q", token, got, want)
		}
	}
}

// An SD-JWT is judged by when its holder signed, and by nothing that it says itself.
func TestVerifySDJWT(t *testing.T) {
	h := open(t)
	for name, tt := range map[string]struct {
		at     time.Duration
		edit   func(string) string
		status int
		check  credentials.Check
	}{
		"now":        {0, nil, 200, ""},
		"just now":   {-presentationLife - leeway, nil, 200, ""},
		"clocks":     {leeway, nil, 200, ""},
		"old":        {-presentationLife - leeway - time.Second, nil, 422, credentials.CheckBinding},
		"tomorrow's": {leeway + time.Second, nil, 422, credentials.CheckBinding},
		"tampered":   {0, func(s string) string { return s[:len(s)-4] + "AAAA" }, 422, credentials.CheckBinding},
		"unbound":    {0, func(s string) string { return s[:strings.LastIndexByte(s, '~')+1] }, 422, credentials.CheckBinding},
	} {
		c := h.challenge(t)
		text := held(t, c, here, noon.Add(tt.at))
		if tt.edit != nil {
			text = tt.edit(text)
		}
		b := asJSON(t, object{"verifiableCredential": enveloped(dataSDJWT, text, envelopedCredential), "options": object{"challenge": c, "domain": here}})
		if a := h.send(t, "/vc/credentials/verify", "application/json", b); a.status != tt.status || a.Check != tt.check {
			t.Errorf("%s: %d by %q (%s), want %d by %q", name, a.status, a.Check, a.Detail, tt.status, tt.check)
		}
	}
	// In a presentation that nobody has signed, nobody shows it.
	vp := object{"@context": []string{contextV2}, "type": presentationType, "verifiableCredential": enveloped(dataSDJWT, held(t, "x", here, noon), envelopedCredential)}
	if a := h.present(t, vp, "", ""); a.status != 422 || a.Check != credentials.CheckBinding {
		t.Errorf("shown by nobody: %d by %q", a.status, a.Check)
	}
	// Another form is not presented by itself.
	b := asJSON(t, object{"verifiableCredential": jwt(token(t, board, license)), "options": object{"challenge": h.challenge(t), "domain": here}})
	if a := h.send(t, "/vc/credentials/verify", "application/json", b); a.status != 400 {
		t.Errorf("a token for a challenge: %d by %q", a.status, a.Check)
	}
}

// What the house does not know is not held against a credential, and what it
// does know is.
func TestVerifyByTheHouse(t *testing.T) {
	h := open(t)
	whose, place := h.Whose, h.Place
	good := jwt(token(t, board, license))
	asked := 0
	for name, tt := range map[string]struct {
		edit   func()
		status int
		check  credentials.Check
	}{
		"as it is": {func() {}, 200, ""},
		"its place is not found out": {func() {
			h.Place = func(context.Context, *credentials.Envelope, credentials.Digest) (credentials.Position, error) {
				return credentials.Unplaced, errors.New("the ledger is away")
			}
		}, 503, ""},
		"the key is another's": {func() {
			h.Whose = func(kid string) (credentials.Key, ledgerParty, error) {
				key, p, err := whose(kid)
				p.DID = didOf(stranger)
				return key, p, err
			}
		}, 422, credentials.CheckIssuer},
		"the participants are away by then": {func() {
			h.Whose = func(kid string) (credentials.Key, ledgerParty, error) {
				if asked++; asked > 1 {
					return credentials.Key{}, ledgerParty{}, errors.New("the ledger is away")
				}
				return whose(kid)
			}
		}, 503, credentials.CheckIssuer},
	} {
		h.Whose, h.Place = whose, place
		tt.edit()
		if a := h.credential(t, good); a.status != tt.status || a.Check != tt.check {
			t.Errorf("%s: %d by %q (%s), want %d by %q", name, a.status, a.Check, a.Detail, tt.status, tt.check)
		}
	}
}
