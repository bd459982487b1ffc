package integrity

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/mr-tron/base58"

	"github.com/countersign-health/countersign/credentials"
)

// hashed is the signing input of eddsa-jcs-2022, the long way.
func hashed(payload []byte, config object) ([]byte, error) {
	config = maps.Clone(config)
	delete(config, "proofValue")
	text, err := credentials.CanonicalJSON(config)
	if err != nil {
		return nil, err
	}
	one, two := sha256.Sum256(text), sha256.Sum256(payload)
	return append(one[:], two[:]...), nil
}

// forge signs whatever configuration a registered party that means harm writes,
// beside whatever document.
func forge(t testing.TB, seed byte, doc, config string) []byte {
	t.Helper()
	return forgeBy(t, testSigner(seed), doc, config)
}

type object = map[string]json.RawMessage

func encode(s string) json.RawMessage { return json.RawMessage(strconv.Quote(s)) }

func forgeBy(t testing.TB, s credentials.Signer, doc, config string) []byte {
	t.Helper()
	var d, c object
	if err := json.Unmarshal([]byte(doc), &d); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		t.Fatal(err)
	}
	payload, err := credentials.CanonicalJSON(d)
	if err != nil {
		t.Fatal(err)
	}
	input, err := hashed(payload, c)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := s.Sign(input)
	if err != nil {
		t.Fatal(err)
	}
	c["proofValue"] = encode(multibase(sig))
	if d["proof"], err = json.Marshal(c); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func config(seed byte, more string) string {
	return fmt.Sprintf(`{"type":"DataIntegrityProof","cryptosuite":"eddsa-jcs-2022","created":"2026-03-01T12:00:00Z",
		"verificationMethod":%q,"proofPurpose":"assertionMethod"%s}`, testSigner(seed).KeyID(), more)
}

func TestOpenRefusesForgedProofs(t *testing.T) {
	doc := string(testDraft(t))
	edit := func(s, from, to string) string {
		if !strings.Contains(s, from) {
			t.Fatalf("nothing to edit: %q", from)
		}
		return strings.Replace(s, from, to, 1)
	}
	good := config(1, "")
	if _, err := Open(forge(t, 1, doc, good), suites, Expect{}, credentials.ResolveDIDKey); err != nil {
		t.Fatal(err)
	}
	object := fmt.Sprintf(`{"type":["VerifiableCredential"],"issuer":{"id":%q,"name":"Board"}}`, didOf(1))
	if _, err := Open(forge(t, 1, object, good), suites, Expect{}, credentials.ResolveDIDKey); err != nil {
		t.Errorf("an issuer that is an object: %v", err)
	}
	for _, tt := range []struct {
		name, want  string
		seed        byte
		doc, config string
	}{
		{"another's key", "not its issuer's", 2, doc, config(2, "")},
		{"another's key, named as the issuer's", "does not verify", 2, doc, good},
		{"issuer object of another", "not its issuer's", 2, object, config(2, "")},
		{"issuer object with ID", "at /issuer", 1, strings.Replace(object, `"id"`, `"ID"`, 1), good},
		{"no issuer", "at /issuer", 1, `{"type":["VerifiableCredential"]}`, good},
		{"issuer null", "at /issuer", 1, `{"type":["VerifiableCredential"],"issuer":null}`, good},
		{"holder only", "at /issuer", 1, fmt.Sprintf(`{"type":["VerifiableCredential"],"holder":%q}`, didOf(1)), good},
		{"no type", "at /type", 1, fmt.Sprintf(`{"issuer":%q}`, didOf(1)), good},
		{"a presentation", "at /type", 1, fmt.Sprintf(`{"type":"VerifiablePresentation","issuer":%q}`, didOf(1)), good},
		{"other purpose", "proofPurpose", 1, doc, edit(good, "assertionMethod", "authentication")},
		{"other type", "/proof/type", 1, doc, edit(good, "DataIntegrityProof", "Ed25519Signature2020")},
		{"other suite", "cryptosuite", 1, doc, edit(good, "eddsa-jcs-2022", "eddsa-rdfc-2022")},
		{"no suite", "cryptosuite", 1, doc, edit(good, `"cryptosuite":"eddsa-jcs-2022",`, "")},
		{"no created", "created", 1, doc, edit(good, `"created":"2026-03-01T12:00:00Z",`, "")},
		{"created without a zone", "created", 1, doc, edit(good, "12:00:00Z", "12:00:00")},
		{"expires before created", "expires", 1, doc, config(1, `,"expires":"2026-03-01T11:59:59Z"`)},
		{"expires in words", "expires", 1, doc, config(1, `,"expires":"never"`)},
		{"challenge nobody gave out", "challenge", 1, doc, config(1, `,"challenge":"x"`)},
		{"domain nobody named", "domain", 1, doc, config(1, `,"domain":"x"`)},
		{"domains", "domain", 1, doc, config(1, `,"domain":["x"]`)},
		{"nonce", "unknown field", 1, doc, config(1, `,"nonce":"x"`)},
		{"id", "unknown field", 1, doc, config(1, `,"id":"urn:x"`)},
		{"chain", "unknown field", 1, doc, config(1, `,"previousProof":"urn:x"`)},
		{"case-folded member", "unknown field", 1, doc, config(1, `,"Expires":"2030-01-01T00:00:00Z"`)},
		{"other contexts", "@context", 1, doc, config(1, `,"@context":["https://www.w3.org/ns/credentials/v2"]`)},
		{"contexts null", "null", 1, doc, config(1, `,"created":null`)},
		{"key id without fragment", "key", 1, doc, edit(good, testSigner(1).KeyID(), string(didOf(1)))},
		{"key id of nobody", "key", 1, doc, edit(good, testSigner(1).KeyID(), "x")},
	} {
		_, err := Open(forge(t, tt.seed, tt.doc, tt.config), suites, Expect{}, credentials.ResolveDIDKey)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// What is not signed must not be in the document, however harmless it looks.
func TestOpenRefusesAdditions(t *testing.T) {
	signed := string(testSigned(t))
	value := signed[strings.Index(signed, `"proofValue":"`)+14:]
	value = value[:strings.IndexByte(value, '"')]
	for name, s := range map[string]string{
		"member":                  strings.Replace(signed, `{"@context"`, `{"a":1,"@context"`, 1),
		"proof without it":        strings.Replace(signed, `"proof":{`, `"proof":{"challenge":"",`, 1),
		"empty domain":            strings.Replace(signed, `"proof":{`, `"proof":{"domain":"",`, 1),
		"second proof":            strings.Replace(signed, `"proof":{`, `"proof":{},"proof":{`, 1),
		"escaped second":          strings.Replace(signed, `"proof":{`, `"pr\u006fof":{},"proof":{`, 1),
		"set":                     strings.Replace(signed, `"proof":{`, `"proof":[{`, 1)[:len(signed)] + "]}",
		"no proof":                string(testDraft(t)),
		"proof null":              strings.Replace(string(testDraft(t)), `{`, `{"proof":null,`, 1),
		"proof empty":             strings.Replace(string(testDraft(t)), `{`, `{"proof":{},`, 1),
		"proof text":              strings.Replace(string(testDraft(t)), `{`, `{"proof":"x",`, 1),
		"proof list":              strings.Replace(string(testDraft(t)), `{`, `{"proof":[],`, 1),
		"later expiry":            strings.Replace(signed, "T13:00:00Z", "T14:00:00Z", 1),
		"no expiry":               strings.Replace(signed, `"expires":"2026-03-01T13:00:00Z",`, "", 1),
		"signature in base64":     strings.Replace(signed, value, "u"+value[1:], 1),
		"signature with a one":    strings.Replace(signed, value, "z1"+value[1:], 1),
		"signature too short":     strings.Replace(signed, value, "z"+base58.Encode(make([]byte, 63)), 1),
		"signature of megabytes":  strings.Replace(signed, value, "z"+strings.Repeat("2", 500_000), 1),
		"signature missing":       strings.Replace(signed, `,"proofValue":"`+value+`"`, "", 1),
		"trailing":                signed + "{}",
		"not UTF-8":               strings.Replace(signed, "Test Person", "Test \xff", 1),
		"too large":               strings.Replace(signed, `{`, `{"a":"`+strings.Repeat("x", maxDocument)+`",`, 1),
		"deep":                    strings.Replace(signed, `{`, `{"a":`+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+`,`, 1),
		"null":                    "null",
		"nothing":                 "",
		"list":                    "[]",
		"a number beyond a float": strings.Replace(signed, `{`, `{"a":9007199254740993,`, 1),
	} {
		if s == signed {
			t.Errorf("%s: nothing was changed", name)
		}
		if d, err := Open([]byte(s), suites, Expect{}, credentials.ResolveDIDKey); err == nil {
			t.Errorf("%s: opened %s", name, d.Payload)
		}
	}
}

func TestOpenRefusesEveryFlippedByte(t *testing.T) {
	signed := testSigned(t)
	for i := range signed {
		for _, bit := range []byte{0x01, 0x20, 0x80} {
			b := bytes.Clone(signed)
			b[i] ^= bit
			if d, err := Open(b, suites, Expect{}, credentials.ResolveDIDKey); err == nil {
				t.Fatalf("byte %d ^ %#x: opened %s", i, bit, d.Payload)
			}
		}
	}
}

// A resolver is asked about text that nobody has verified yet. Only its plain no is one; what it could not find out stays open.
func TestOpenRefusesKeys(t *testing.T) {
	bad, unknown := credentials.Bad, credentials.NotKnown
	for name, tt := range map[string]struct {
		keys  credentials.ResolveKey
		want  credentials.Outcome
		check credentials.Check
	}{
		"none":    {func(string) (credentials.Key, error) { return credentials.Key{}, nil }, unknown, credentials.CheckKey},
		"unknown": {func(string) (credentials.Key, error) { return credentials.Key{}, fmt.Errorf("no network") }, unknown, credentials.CheckKey},
		"refused": {func(string) (credentials.Key, error) {
			return credentials.Key{}, credentials.Refuse(credentials.CheckKey, "no such key")
		}, bad, credentials.CheckKey},
		"another": {func(string) (credentials.Key, error) {
			return credentials.ResolveDIDKey(testSigner(2).KeyID())
		}, bad, credentials.CheckSignature},
	} {
		_, err := Open(testSigned(t), suites, Expect{}, tt.keys)
		if v := credentials.VerdictOf(err); v.Outcome != tt.want || v.Check != tt.check {
			t.Errorf("%s: %+v, want %s by %s", name, v, tt.want, tt.check)
		}
	}
	if _, err := Open(testSigned(t), nil, Expect{}, credentials.ResolveDIDKey); credentials.VerdictOf(err).Check != credentials.CheckAlgorithm {
		t.Errorf("opened with no suite accepted: %v", err)
	}
}

// Each reason has its name.
func TestOpenNamesTheCheck(t *testing.T) {
	signed := string(testSigned(t))
	for _, tt := range []struct {
		doc  string
		want credentials.Check
	}{
		{strings.Replace(signed, `{`, `{"a":"`+strings.Repeat("x", maxDocument)+`",`, 1), credentials.CheckSize},
		{"null", credentials.CheckContent}, {"[]", credentials.CheckContent}, {"", credentials.CheckContent},
		{`{"a":1,"a":2}`, credentials.CheckContent}, {string(testDraft(t)), credentials.CheckForm},
		{strings.Replace(signed, `"proofValue":"z`, `"proofValue":"u`, 1), credentials.CheckForm},
		{strings.Replace(signed, `"proofValue":"z`, `"proofValue":"z1`, 1), credentials.CheckForm},
		{strings.Replace(signed, `"proofValue":"z`, `"proofValue":"z0`, 1), credentials.CheckForm},
		{strings.Replace(signed, "T-1", "T-2", 1), credentials.CheckSignature},
	} {
		if _, err := Open([]byte(tt.doc), suites, Expect{}, credentials.ResolveDIDKey); credentials.VerdictOf(err).Check != tt.want {
			t.Errorf("%.60s: %v, want %s", tt.doc, err, tt.want)
		}
	}
}

// What other checks stand behind as well, by itself.
func TestOpenByItself(t *testing.T) {
	signed, doc := string(testSigned(t)), string(testDraft(t))
	value := signed[strings.Index(signed, `"proofValue":"`)+14:]
	value = value[:strings.IndexByte(value, '"')]
	issuer := func(types, issuer string) []byte {
		return forge(t, 1, fmt.Sprintf(`{"type":%s,"issuer":%s}`, types, issuer), config(1, ""))
	}
	for _, tt := range []struct {
		name, doc string
		check     credentials.Check
		want      string
	}{
		{"set of proofs", strings.Replace(doc, `{`, `{"proof":[{}],`, 1), credentials.CheckForm, "want one proof"},
		{"63 bytes", strings.Replace(signed, value, "z"+base58.Encode(make([]byte, 63)), 1), credentials.CheckForm, "64 bytes"},
		{"other letter before them", strings.Replace(signed, value, "x"+value[1:], 1), credentials.CheckForm, "canonical"},
		{"nothing", strings.Replace(signed, value, "", 1), credentials.CheckForm, "behind a z"},
		{"90 characters", strings.Replace(signed, value, "z"+strings.Repeat("2", 89), 1), credentials.CheckForm, "89 characters"},
		{"type with a number", string(issuer(`["VerifiableCredential",5]`, fmt.Sprintf("%q", didOf(1)))), credentials.CheckContent, "/type"},
		{"issuer a list", string(issuer(`"VerifiableCredential"`, `["x"]`)), credentials.CheckContent, "/issuer"},
		{"issuer's id a number", string(issuer(`"VerifiableCredential"`, `{"id":5}`)), credentials.CheckContent, "/issuer"},
		{"created before all time", string(forge(t, 1, doc, strings.Replace(config(1, ""), "2026-03", "0000-03", 1))), credentials.CheckHeader, "created"},
		{"expires at no time", string(forge(t, 1, doc, strings.Replace(config(1, `,"expires":"0001-01-01T00:00:00Z"`), "2026-03", "0000-03", 1))), credentials.CheckHeader, "created"},
	} {
		_, err := Open([]byte(tt.doc), suites, Expect{}, credentials.ResolveDIDKey)
		if credentials.VerdictOf(err).Check != tt.check || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s: %q", tt.name, err, tt.check, tt.want)
		}
	}
}

// A suite that refuses to hash has hashed nothing, whoever signed nothing.
func TestOpenRefusesWhatItsSuiteRefuses(t *testing.T) {
	refuses := Suite{Name: JCS.Name, Canonicalize: func([]byte) ([]byte, error) { return nil, errors.New("no") }}
	var o object
	if err := json.Unmarshal(testSigned(t), &o); err != nil {
		t.Fatal(err)
	}
	var proof object
	if err := json.Unmarshal(o["proof"], &proof); err != nil {
		t.Fatal(err)
	}
	nothing := sha256.Sum256(nil)
	for _, input := range [][]byte{nil, append(nothing[:], nothing[:]...)} {
		sig, err := testSigner(1).Sign(input)
		if err != nil {
			t.Fatal(err)
		}
		proof["proofValue"] = encode(multibase(sig))
		o["proof"], _ = json.Marshal(proof)
		b, _ := json.Marshal(o)
		if _, err := Open(b, []Suite{refuses}, Expect{}, credentials.ResolveDIDKey); credentials.VerdictOf(err).Check != credentials.CheckContent {
			t.Errorf("Open = %v", err)
		}
	}
}

// No document may open but those that say what was signed.
func FuzzOpen(f *testing.F) {
	signed := testSigned(f)
	f.Add(signed)
	f.Add(forge(f, 1, `{"type":"VerifiableCredential"}`, config(1, "")))
	f.Add([]byte(`{"proof":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Open(b, suites, Expect{}, credentials.ResolveDIDKey)
		if err != nil {
			return
		}
		canonical, err := credentials.CanonicalJSON(json.RawMessage(b))
		if err != nil || !bytes.Equal(canonical, signed) {
			t.Errorf("opened %s (%v) as %s", b, err, d.Payload)
		}
	})
}

// A proof that is signed may hold anything: what opens was wanted.
func FuzzProof(f *testing.F) {
	draft := string(testDraft(f))
	f.Add(config(1, ""))
	f.Add(config(1, `,"expires":"2026-03-01T13:00:00Z"`))
	f.Fuzz(func(t *testing.T, c string) {
		var o object
		if credentials.DecodeStrict([]byte(c), &o) != nil || o == nil {
			return
		}
		d, err := Open(forge(t, 1, draft, c), suites, Expect{}, credentials.ResolveDIDKey)
		if err == nil && (d.Signer != didOf(1) || d.Purpose != Assertion || d.Challenge != "" || d.Domain != "" || string(d.Payload) != draft) {
			t.Errorf("opened %+v from %s", d, c)
		}
	})
}
