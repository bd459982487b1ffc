package credentials

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// No token but the one that was signed may open, whatever is done to it.
func FuzzOpen(f *testing.F) {
	good := testToken(f, testKey(1))
	f.Add(good)
	f.Add(forge(testKey(1), goodHeader(testKey(1)), `{}`))
	f.Add(forge(testKey(2), goodHeader(testKey(2)), payloadOf(f, good)))
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		Peek(token)
		DocumentDigest(token)
		if _, err := Open[License](token, KindLicense, ResolveDIDKey); err == nil && token != good {
			t.Errorf("opened %q", token)
		}
	})
}

// Whatever a stranger sends, whatever an issuer signs: an answer, the checks in
// their order, and good for nothing but the one token.
func FuzzJudge(f *testing.F) {
	p := testPolicy(f)
	good := testToken(f, testKey(1))
	head, payload := goodHeader(testKey(1)), payloadOf(f, good)
	f.Add(head, payload, false)
	f.Add(head, payload, true)
	f.Add(strings.Replace(head, "EdDSA", "none", 1), payload, true)
	f.Add(strings.Replace(head, "EdDSA", "ES256", 1), payload, true)
	f.Add(head, strings.Replace(payload, `"issuer"`, `"iss":"x","issuer"`, 1), true)
	f.Add(head, strings.Replace(payload, `"npi"`, `"NPI"`, 1), true)
	f.Add(head, strings.Replace(payload, "Test Person", strings.Repeat("[", 40), 1), true)
	f.Fuzz(func(t *testing.T, head, payload string, signed bool) {
		token := head + "." + payload
		if signed {
			token = forge(testKey(1), head, payload)
		}
		c, v := Judge[License](token, KindLicense, p)
		switch v.Outcome {
		case Good:
			// Of what the board signs itself any license is good that keeps the form.
			if !signed && token != good || c == nil || c.Issuer != KeyDID(pubOf(testKey(1))) || c.Status == nil || c.Subject.Jurisdiction != "MA" {
				t.Errorf("good: %q", token)
			}
		case Bad, NotKnown:
			if v.Check == "" || v.Why == "" || v.Err() == nil {
				t.Errorf("verdict %+v", v)
			}
		default:
			t.Errorf("outcome %q", v.Outcome)
		}
	})
}

// A payload that is signed may hold anything; what opens has to read the same
// when it is written again.
func FuzzOpenPayload(f *testing.F) {
	f.Add([]byte(payloadOf(f, testToken(f, testKey(1)))))
	f.Fuzz(func(t *testing.T, payload []byte) {
		token := forge(testKey(1), goodHeader(testKey(1)), string(payload))
		c, err := Open[License](token, KindLicense, ResolveDIDKey)
		if err != nil {
			return
		}
		again, err := CanonicalJSON(c)
		if err != nil {
			t.Fatal(err)
		}
		var back Credential[License]
		if err := DecodeStrict(again, &back); err != nil {
			t.Errorf("what opened does not decode again: %v\n%s", err, again)
		}
	})
}

func FuzzParseKeyID(f *testing.F) {
	f.Add(KeyID(pubOf(testKey(1))))
	f.Add("did:web:board.example%3A8080:x#key-1")
	f.Fuzz(func(t *testing.T, kid string) {
		d, fragment, err := ParseKeyID(kid)
		if err != nil {
			return
		}
		if string(d)+"#"+fragment != kid {
			t.Errorf("ParseKeyID(%q) = %q, %q", kid, d, fragment)
		}
		if _, err := ParseDID(string(d)); err != nil {
			t.Error(err)
		}
	})
}

// A key has one spelling, of either algorithm.
func FuzzParseKey(f *testing.F) {
	f.Add(EncodeMultikey(pubOf(testKey(1))))
	k, err := NewKey(&p256Key(f, 1).PublicKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(k.Multikey())
	f.Fuzz(func(t *testing.T, s string) {
		if pub, err := ParseMultikey(s); err == nil && EncodeMultikey(pub) != s {
			t.Errorf("%q is a second spelling of %q", s, EncodeMultikey(pub))
		}
		if k, err := ParseKey(s); err == nil && (k.Multikey() != s || k.Algorithm() == "") {
			t.Errorf("%q is a second spelling of %q", s, k.Multikey())
		}
	})
}

// What names somebody or something reads as it is written.
func FuzzIdentifiers(f *testing.F) {
	for _, s := range []string{string(KeyDID(pubOf(testKey(1)))), "did:web:board.example%3A8080:x", handle(7).String(), "2026-02-28", "AB1234563", "207R00000X", "1234567893"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for what, read := range map[string]func() (string, error){
			"DID":      func() (string, error) { v, err := ParseDID(s); return string(v), err },
			"digest":   func() (string, error) { v, err := ParseDigest(s); return v.String(), err },
			"handle":   func() (string, error) { v, err := ParseHandle(s); return v.String(), err },
			"date":     func() (string, error) { v, err := ParseDate(s); return string(v), err },
			"DEA":      func() (string, error) { v, err := ParseDEA(s); return string(v), err },
			"taxonomy": func() (string, error) { v, err := ParseTaxonomy(s); return string(v), err },
			"kind":     func() (string, error) { v, err := ParseKind(s); return string(v), err },
			"action":   func() (string, error) { v, err := ParseOrderAction(s); return string(v), err },
		} {
			if got, err := read(); err == nil && got != s {
				t.Errorf("%s %q is a second spelling of %q", what, s, got)
			}
		}
		if n := NPI(s); n.Valid() && !n.WellFormed() {
			t.Errorf("NPI %q is valid, and not well formed", s)
		}
		WebDID(s)
	})
}

// What DecodeStrict accepts, encoding/json and JCS read in the same way.
func FuzzDecodeStrict(f *testing.F) {
	f.Add([]byte(`{"count":1,"inner":{"name":"x","days":null},"any":[{"a":1e3}],"Plain":"\ud83d\ude00"}`))
	f.Add([]byte(`{"base":"b","pair":[1,2],"map":{"a":{},"A":{}},"maybe":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v outer
		if err := DecodeStrict(b, &v); err != nil {
			return
		}
		if !json.Valid(b) {
			t.Fatalf("accepted what is not JSON: %q", b)
		}
		var one, two any
		canonical, err := canonicalize(b)
		if err != nil {
			t.Fatalf("JCS refuses what was accepted: %v: %q", err, b)
		}
		if json.Unmarshal(b, &one) != nil || json.Unmarshal(canonical, &two) != nil {
			t.Fatalf("canonical form is not JSON: %q", canonical)
		}
		x, errX := json.Marshal(one)
		y, errY := json.Marshal(two)
		if errX != nil || errY != nil || !bytes.Equal(x, y) {
			t.Errorf("canonical form means something else:\n%s\n%s", x, y)
		}
	})
}

func FuzzDecodeStatusList(f *testing.F) {
	f.Add(NewStatusList(1).Encode())
	f.Add(NewStatusList(MessageSize).Encode())
	f.Add(packed(make([]byte, 1<<20)))
	f.Fuzz(func(t *testing.T, s string) {
		l, err := DecodeStatusList(s)
		if err != nil {
			return
		}
		if back, err := DecodeStatusList(l.Encode()); err != nil || !back.Equal(l) {
			t.Errorf("round trip: %v", err)
		}
	})
}

func FuzzVerifyRequest(f *testing.F) {
	good, err := SignRequest(NewSigner("", testKey(1)), "GET", "/", "a", nil, handle(1), testTime)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := VerifyRequest(token, "GET", "/", "a", nil, testTime, ResolveDIDKey); err == nil && token != good {
			t.Errorf("accepted %q", token)
		}
	})
}

// A list that its issuer signs may hold anything; what is read unpacks within
// bounds and answers for every place.
func FuzzReadStatusList(f *testing.F) {
	good, err := IssueStatusList(NewSigner("", testKey(1)), handle(1), PurposeRevocation, testListURL, NewStatusList(1), testTime, testTime.Add(time.Hour))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payloadOf(f, good))
	f.Fuzz(func(t *testing.T, payload string) {
		list, err := ReadStatusList(forge(testKey(1), goodHeader(testKey(1)), payload), ResolveDIDKey)
		if err == nil && (list.issuer != KeyDID(pubOf(testKey(1))) || list.until.Before(list.from)) {
			t.Errorf("read %s", payload)
		}
	})
}

// Whatever a clinician signs, for whichever board.
func FuzzOpenKeyProof(f *testing.F) {
	const board = DID("did:web:board.example")
	good, err := ProveKey(NewSigner("", testKey(1)), board, "1234567893", handle(1), testTime)
	if err != nil {
		f.Fatal(err)
	}
	head := strings.Replace(goodHeader(testKey(1)), typCredential, typKeyProof, 1)
	f.Add(head, payloadOf(f, good), false)
	f.Add(head, payloadOf(f, good), true)
	f.Fuzz(func(t *testing.T, head, payload string, signed bool) {
		token := head + "." + payload
		if signed {
			token = forge(testKey(1), head, payload)
		}
		p, err := OpenKeyProof(token, board)
		if err == nil && (!signed && token != good || p.Holder != KeyDID(pubOf(testKey(1))) || p.Challenge.IsZero() || !p.NPI.WellFormed()) {
			t.Errorf("opened %q as %+v", token, p)
		}
	})
}
