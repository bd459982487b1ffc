package sdjwt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

// made is a presentation by a party that means harm: any subject, disclosures
// and members at the top, well signed by issuer 1 and holder 2.
func made(t testing.TB, edit func(top map[string]any), disclosures ...string) string {
	t.Helper()
	payload, err := credentials.Draft(testSigner(1), credentials.KindLicense, credentials.Handle{7}, testTime, testTime.AddDate(1, 0, 0), nil, testLicense)
	if err != nil {
		t.Fatal(err)
	}
	top, err := object(payload)
	if err != nil {
		t.Fatal(err)
	}
	top[algName] = hashName
	if top["cnf"], err = confirm(keyOf(t, testSigner(2))); err != nil {
		t.Fatal(err)
	}
	top["credentialSubject"] = map[string]any{"jurisdiction": "MA", "handle": "h"}
	edit(top)
	token, err := credentials.SignAs(testSigner(1), typIssuer, []byte(asJSON(t, top)))
	if err != nil {
		t.Fatal(err)
	}
	return bound(t, token+"~"+strings.Join(append(disclosures, ""), "~"))
}

func bound(t testing.TB, sdjwt string) string {
	t.Helper()
	kb, err := bind(testSigner(2), binding{domain, testTime.Unix(), challenge, digest(sdjwt)})
	if err != nil {
		t.Fatal(err)
	}
	return sdjwt + kb
}

func raw(s string) string { return b64.EncodeToString([]byte(s)) }

func TestProveRefusesDisclosures(t *testing.T) {
	npi, same := raw(`["salt-1","npi","1"]`), raw(`["salt-2","npi","2"]`)
	element := raw(`["salt-3","x"]`)
	subject := func(s string) func(map[string]any) {
		return func(top map[string]any) {
			o := fromJSON(t, s).(map[string]any)
			o["handle"], o["jurisdiction"] = "h", "MA"
			top["credentialSubject"] = o
		}
	}
	sd := func(disclosures ...string) string {
		var all []string
		for _, d := range disclosures {
			all = append(all, fmt.Sprintf("%q", digest(d)))
		}
		return `"_sd":[` + strings.Join(all, ",") + `]`
	}
	for _, tt := range []struct {
		name, want, subject string
		disclosures         []string
	}{
		{"good", "", `{` + sd(npi) + `}`, []string{npi}},
		{"decoy", "", `{` + sd(npi, "decoy") + `}`, []string{npi}},
		{"element", "", `{"a":["b",{"...":"` + digest(element) + `"}]}`, []string{element}},
		{"withheld element", "", `{"a":["b",{"...":"` + digest(element) + `"}]}`, nil},
		{"nested", "", `{` + sd(raw(`["s","name",{`+sd(npi)+`}]`)) + `}`, []string{npi, raw(`["s","name",{` + sd(npi) + `}]`)}},
		{"of nothing", "nothing that was signed", `{}`, []string{npi}},
		{"nested in a withheld one", "nothing that was signed", `{` + sd(raw(`["s","name",{`+sd(npi)+`}]`)) + `}`, []string{npi}},
		{"twice", "twice", `{` + sd(npi) + `}`, []string{npi, npi}},
		{"digest twice in a list", "twice", `{` + sd(npi, npi) + `}`, []string{npi}},
		{"digest twice, withheld", "twice", `{` + sd(npi, npi) + `}`, nil},
		{"digest in two places", "twice", `{` + sd(npi) + `,"a":{` + sd(npi) + `}}`, []string{npi}},
		{"digest of member and element", "at /credentialSubject", `{` + sd(npi) + `,"a":[{"...":"` + digest(npi) + `"}]}`, []string{npi}},
		{"member that is there", "there already", `{` + sd(npi) + `,"npi":"2"}`, []string{npi}},
		{"two of one name", "there already", `{` + sd(npi, same) + `}`, []string{npi, same}},
		{"id", "id was withheld", `{` + sd(raw(`["s","id","urn:x"]`)) + `}`, []string{raw(`["s","id","urn:x"]`)}},
		{"member for an element", "other way round", `{"a":[{"...":"` + digest(npi) + `"}]}`, []string{npi}},
		{"element for a member", "other way round", `{` + sd(element) + `}`, []string{element}},
		{"beside the dots", "beside", `{"a":[{"...":"` + digest(element) + `","b":1}]}`, []string{element}},
		{"dots in an object", "cannot", `{"a":{"...":"` + digest(element) + `"}}`, nil},
		{"dots that are no text", "not a text", `{"a":[{"...":5}]}`, nil},
		{"digest that is no text", "not a text", `{"_sd":[5]}`, nil},
		{"no list", "not a list", `{"_sd":"` + digest(npi) + `"}`, nil},
		{"null", "not a list", `{"_sd":null}`, nil},
		{"algorithm inside", "cannot", `{"_sd_alg":"sha-256"}`, nil},
		{"name _sd", "cannot be withheld", `{` + sd(raw(`["s","_sd",["x"]]`)) + `}`, []string{raw(`["s","_sd",["x"]]`)}},
		{"name ...", "cannot be withheld", `{` + sd(raw(`["s","...","x"]`)) + `}`, []string{raw(`["s","...","x"]`)}},
		{"name _sd_alg", "cannot be withheld", `{` + sd(raw(`["s","_sd_alg","x"]`)) + `}`, []string{raw(`["s","_sd_alg","x"]`)}},
		{"name that is a number", "cannot be withheld", `{` + sd(raw(`["s",5,"x"]`)) + `}`, []string{raw(`["s",5,"x"]`)}},
		{"no salt", "salt", `{` + sd(raw(`["","npi","x"]`)) + `}`, []string{raw(`["","npi","x"]`)}},
		{"salt that is a number", "salt", `{` + sd(raw(`[5,"npi","x"]`)) + `}`, []string{raw(`[5,"npi","x"]`)}},
		{"four parts", "a disclosure has", `{` + sd(raw(`["s","npi","x",1]`)) + `}`, []string{raw(`["s","npi","x",1]`)}},
		{"one part", "a disclosure has", `{}`, []string{raw(`["s"]`)}},
		{"null disclosure", "a disclosure has", `{}`, []string{raw(`null`)}},
		{"an object", "disclosure", `{}`, []string{raw(`{"a":1}`)}},
		{"name twice", "twice", `{` + sd(raw(`["s","npi",{"a":1,"a":2}]`)) + `}`, []string{raw(`["s","npi",{"a":1,"a":2}]`)}},
		{"no JSON", "disclosure", `{}`, []string{raw(`[`)}},
		{"no base64url", "base64url", `{}`, []string{"!"}},
		{"padding", "base64url", `{` + sd(npi+"=") + `}`, []string{npi + "="}},
		{"line break", "line break", `{` + sd(npi+"\n") + `}`, []string{npi + "\n"}},
		{"empty", "disclosure", `{}`, []string{""}},
	} {
		edit := subject(tt.subject)
		_, err := prove(made(t, edit, tt.disclosures...))
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestProveRefusesNesting(t *testing.T) {
	inner := raw(`["s","x",1]`)
	all := []string{inner}
	for range 60 {
		inner = raw(fmt.Sprintf(`["s","x",{"_sd":[%q]}]`, digest(inner)))
		all = append(all, inner)
	}
	p := made(t, func(top map[string]any) {
		top["credentialSubject"].(map[string]any)["_sd"] = []string{digest(inner)}
	}, all...)
	if _, err := prove(p); err == nil || !strings.Contains(err.Error(), "levels") {
		t.Errorf("disclosures inside of disclosures: %v", err)
	}
}

func TestProveRefusesTops(t *testing.T) {
	type tops = map[string]any
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x, y := b64.EncodeToString(key.X.FillBytes(make([]byte, 32))), b64.EncodeToString(key.Y.FillBytes(make([]byte, 32)))
	hidden := raw(`["s","validUntil","2099-01-01T00:00:00Z"]`)
	license := raw(`["s","jurisdiction","MA"]`)
	for _, tt := range []struct {
		name, want  string
		edit        func(tops)
		disclosures []string
	}{
		{"good", "", func(tops) {}, nil},
		{"no algorithm", "_sd_alg", func(o tops) { delete(o, algName) }, nil},
		{"other algorithm", "_sd_alg", func(o tops) { o[algName] = "sha-1" }, nil},
		{"algorithms", "_sd_alg", func(o tops) { o[algName] = []string{hashName} }, nil},
		{"no key", "/cnf", func(o tops) { delete(o, "cnf") }, nil},
		{"key null", "/cnf", func(o tops) { o["cnf"] = nil }, nil},
		{"kid alone", "/cnf", func(o tops) { o["cnf"] = tops{"kid": "x"} }, nil},
		{"two keys", "/cnf", func(o tops) { o["cnf"] = tops{"jwk": o["cnf"].(tops)["jwk"], "kid": "x"} }, nil},
		{"private key", "/cnf", func(o tops) {
			k := o["cnf"].(tops)["jwk"].(tops)
			o["cnf"] = tops{"jwk": tops{"kty": k["kty"], "crv": k["crv"], "x": k["x"], "d": k["x"]}}
		}, nil},
		{"symmetric key", "/cnf", func(o tops) { o["cnf"] = tops{"jwk": tops{"kty": "oct", "k": "AAAA"}} }, nil},
		{"short key", "/cnf", func(o tops) { o["cnf"] = tops{"jwk": tops{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}} }, nil},
		{"key in another spelling", "/cnf", func(o tops) {
			k := o["cnf"].(tops)["jwk"].(tops)
			o["cnf"] = tops{"jwk": tops{"kty": k["kty"], "crv": k["crv"], "x": k["x"].(string) + "="}}
		}, nil},
		{"key with bits behind it", "/cnf", func(o tops) {
			k := o["cnf"].(tops)["jwk"].(tops)
			last := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", k["x"].(string)[42])
			o["cnf"] = tops{"jwk": tops{"kty": k["kty"], "crv": k["crv"], "x": k["x"].(string)[:42] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last+1])}}
		}, nil},
		{"point off the curve", "/cnf", func(o tops) { o["cnf"] = tops{"jwk": tops{"kty": "EC", "crv": "P-256", "x": x, "y": x}} }, nil},
		{"half a point", "/cnf", func(o tops) { o["cnf"] = tops{"jwk": tops{"kty": "EC", "crv": "P-256", "x": x}} }, nil},
		{"other curve", "/cnf", func(o tops) { o["cnf"] = tops{"jwk": tops{"kty": "EC", "crv": "P-384", "x": x, "y": y}} }, nil},
		{"another's key", "signs with", func(o tops) { o["cnf"] = tops{"jwk": tops{"kty": "EC", "crv": "P-256", "x": x, "y": y}} }, nil},
		{"key with more", "/cnf", func(o tops) { o["cnf"] = tops{"jwk": tops{"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "k"}} }, nil},
		{"key of low order", "/cnf", func(o tops) {
			o["cnf"] = tops{"jwk": tops{"kty": "OKP", "crv": "Ed25519", "x": strings.Repeat("A", 43)}}
		}, nil},
		{"withheld date", "unknown field", func(o tops) { o["_sd"] = []string{digest(hidden)} }, []string{hidden}},
		{"withheld date, kept", "unknown field", func(o tops) { o["_sd"] = []string{digest(hidden)} }, nil},
		{"vc claim", "unknown field", func(o tops) { o["vc"] = tops{} }, nil},
		{"jurisdiction shown", "jurisdiction was withheld", func(o tops) {
			o["credentialSubject"] = tops{"handle": "h", "_sd": []string{digest(license)}}
		}, []string{license}},
		{"jurisdiction kept", "no jurisdiction", func(o tops) {
			o["credentialSubject"] = tops{"handle": "h", "_sd": []string{digest(license)}}
		}, nil},
		{"no subject", "credentialSubject", func(o tops) { delete(o, "credentialSubject") }, nil},
		{"subjects", "credentialSubject", func(o tops) { o["credentialSubject"] = []any{o["credentialSubject"]} }, nil},
		{"other kind", "not a LicenseCredential", func(o tops) { o["type"] = []string{"VerifiableCredential", "BoardOrder"} }, nil},
		{"contexts of a token", "@context", func(o tops) {
			o["@context"] = []string{"https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/undefined-terms/v2"}
		}, nil},
	} {
		_, err := prove(made(t, tt.edit, tt.disclosures...))
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// Whoever captures a presentation must not show more of it, less of it, or show
// it as somebody else.
func TestProveRefusesMovedBindings(t *testing.T) {
	one, two := testPresented(t, "/npi"), testPresented(t, "/npi", "/name")
	cutOne, err := cut(one)
	if err != nil {
		t.Fatal(err)
	}
	cutTwo, err := cut(two)
	if err != nil {
		t.Fatal(err)
	}
	kb := func(head, payload string) string {
		input := raw(head) + "." + raw(payload)
		sig, err := testSigner(2).Sign([]byte(input))
		if err != nil {
			t.Fatal(err)
		}
		return cutOne.bound + input + "." + b64.EncodeToString(sig)
	}
	const head = `{"alg":"EdDSA","typ":"kb+jwt"}`
	claims := func(edits ...string) string {
		s := fmt.Sprintf(`{"aud":"insurer.test","iat":%d,"nonce":"challenge-1","sd_hash":"%s"}`, testTime.Unix(), digest(cutOne.bound))
		return strings.NewReplacer(edits...).Replace(s)
	}
	stranger, err := bind(testSigner(3), binding{domain, testTime.Unix(), challenge, digest(cutOne.bound)})
	if err != nil {
		t.Fatal(err)
	}
	other := made(t, func(map[string]any) {})
	cutOther, err := cut(other)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, want, p string }{
		{"good", "", one},
		{"good by another wallet", "", kb(`{"typ":"kb+jwt", "alg":"EdDSA"}`, claims())},
		{"to more disclosures", "other disclosures", cutTwo.bound + cutOne.binding},
		{"to fewer disclosures", "other disclosures", cutOne.bound + cutTwo.binding},
		{"to another credential", "other disclosures", cutOther.bound + cutOne.binding},
		{"in another order", "other disclosures", cutTwo.token + "~" + cutTwo.disclosures[1] + "~" + cutTwo.disclosures[0] + "~" + cutTwo.binding},
		{"none", "does not present", cutOne.bound},
		{"none and no ~", "~", cutOne.token},
		{"all of it, as issued", "does not present", testIssued(t)},
		{"a stranger's", "did not sign", cutOne.bound + stranger},
		{"the credential itself", "unknown field", cutOne.bound + cutOne.token},
		{"a request", "of type", kb(`{"alg":"EdDSA","typ":"countersign-request+jwt"}`, claims())},
		{"no type", "of type", kb(`{"alg":"EdDSA"}`, claims())},
		{"alg none", "signs with", kb(`{"alg":"none","typ":"kb+jwt"}`, claims())},
		{"no alg", "signs with", kb(`{"typ":"kb+jwt"}`, claims())},
		{"other alg", "signs with", kb(`{"alg":"ES256","typ":"kb+jwt"}`, claims())},
		{"crit", "unknown field", kb(`{"alg":"EdDSA","typ":"kb+jwt","crit":["x"],"x":1}`, claims())},
		{"own key", "unknown field", kb(`{"alg":"EdDSA","typ":"kb+jwt","jwk":{}}`, claims())},
		{"alg twice", "twice", kb(`{"alg":"EdDSA","alg":"EdDSA","typ":"kb+jwt"}`, claims())},
		{"case-folded", "unknown field", kb(`{"Alg":"EdDSA","typ":"kb+jwt"}`, claims())},
		{"no nonce", "lacks", kb(head, claims(`"nonce":"challenge-1",`, ``))},
		{"no audience", "lacks", kb(head, claims(`"aud":"insurer.test",`, ``))},
		{"no time", "lacks", kb(head, claims(fmt.Sprintf(`"iat":%d,`, testTime.Unix()), ``))},
		{"case-folded time", "unknown field", kb(head, claims(`"iat"`, `"IAT"`))},
		{"no hash", "other disclosures", kb(head, claims(`,"sd_hash":"`+digest(cutOne.bound)+`"`, ``))},
		{"more claims", "unknown field", kb(head, claims(`{"aud"`, `{"exp":1,"aud"`))},
		{"not signed", "three parts", cutOne.bound + "a.b"},
		{"no base64url", "base64url", cutOne.bound + "a.!.c"},
		{"long", "bytes", cutOne.bound + strings.Repeat("a", maxBinding+1)},
		{"huge", "bytes", strings.Repeat("a", maxPresentation+1)},
		{"many", "at most", cutOne.token + strings.Repeat("~", maxDisclosures+2)},
		{"nothing", "~", ""},
		{"tildes", "three parts", "~~~"},
	} {
		_, err := prove(tt.p)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// A vc+jwt is no SD-JWT, nor the other way round, whoever signed it.
func TestFormsDoNotMix(t *testing.T) {
	token, err := credentials.Issue(testSigner(1), credentials.KindLicense, credentials.Handle{7}, testTime, nil, testLicense)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := prove(bound(t, token+"~")); err == nil {
		t.Error("a vc+jwt was proved as an SD-JWT")
	}
	p, err := cut(testIssued(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := credentials.Open[credentials.License](p.token, credentials.KindLicense, credentials.ResolveDIDKey); err == nil {
		t.Error("an SD-JWT was opened as a vc+jwt")
	}
	for _, typ := range []string{"vc+jwt", "countersign-request+jwt", "", `a"b`} {
		if s, err := credentials.SignAs(testSigner(1), typ, []byte(`{}`)); err == nil {
			t.Errorf("signed as %q: %s", typ, s)
		}
	}
	if _, _, _, err := credentials.OpenAs(token, "vc+jwt", credentials.ResolveDIDKey); err == nil {
		t.Error("a vc+jwt was opened without its checks")
	}
}

func TestProveRefusesEveryFlippedByte(t *testing.T) {
	p := testPresented(t, "/npi", "/name")
	for i := range p {
		b := []byte(p)
		b[i] ^= 1
		if _, err := prove(string(b)); err == nil {
			t.Fatalf("byte %d of %d: proved", i, len(p))
		}
	}
}

func FuzzProve(f *testing.F) {
	good := testPresented(f, "/npi")
	f.Add(good)
	f.Add(testIssued(f))
	f.Add("a.b.c~d~e.f.g")
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := prove(s); err == nil && s != good {
			t.Errorf("proved %q", s)
		}
	})
}

// Whatever issuer and holder sign, both of them well: what is proved is bound to
// that holder, and says where a license holds.
func FuzzSigned(f *testing.F) {
	p, err := cut(testPresented(f, "/npi"))
	if err != nil {
		f.Fatal(err)
	}
	issuer, holder := strings.Split(p.token, "."), strings.Split(p.binding, ".")
	head := decoded(f, issuer[0])
	f.Add(decoded(f, issuer[1]), decoded(f, p.disclosures[0]), decoded(f, holder[0]), decoded(f, holder[1]))
	f.Add([]byte(`{"_sd_alg":"sha-256","cnf":{"jwk":{}}}`), []byte(`["s","a",{"_sd":[]}]`), []byte(`{"alg":"EdDSA","typ":"kb+jwt"}`), []byte(`{}`))
	me, _ := credentials.SignerDID(testSigner(2))
	f.Fuzz(func(t *testing.T, payload, disclosure, kbHead, kbPayload []byte) {
		bound := signedAs(t, 1, head, payload) + "~" + b64.EncodeToString(disclosure) + "~"
		// The holder's payload names the digest of what it shows, if it names the good one's.
		kbPayload = bytes.Replace(kbPayload, []byte(digest(p.bound)), []byte(digest(bound)), 1)
		got, err := prove(bound + signedAs(t, 2, kbHead, kbPayload))
		if err == nil && (got.Envelope.Presented == nil || got.Envelope.Presented.Holder != me || got.Envelope.Jurisdiction == "" || got.Credential.Subject == nil) {
			t.Errorf("proved %+v of %s, %s", got.Envelope, payload, kbPayload)
		}
	})
}

// Whatever an issuer signs and a holder discloses, no withheld digest is left,
// and no disclosure goes unused.
func FuzzReveal(f *testing.F) {
	one := raw(`["s","npi","1"]`)
	f.Add(`{"_sd":["`+digest(one)+`"]}`, one, raw(`["s",{"_sd":[]}]`))
	f.Add(`{"a":[{"...":"x"},5]}`, one, "")
	f.Fuzz(func(t *testing.T, subject, a, b string) {
		o, err := object([]byte(subject))
		if err != nil {
			return
		}
		var all []string
		for _, d := range []string{a, b} {
			if d != "" {
				all = append(all, d)
			}
		}
		r, err := reveal(o, all)
		if err != nil {
			return
		}
		text := asJSON(t, r.value)
		for _, name := range []string{`"_sd":`, `"...":`, `"_sd_alg":`} {
			if strings.Contains(text, name) {
				t.Errorf("%s is left in %s", name, text)
			}
		}
	})
}
