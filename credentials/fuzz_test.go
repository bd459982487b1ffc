package credentials

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
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

func FuzzParseMultikey(f *testing.F) {
	f.Add(EncodeMultikey(pubOf(testKey(1))))
	f.Fuzz(func(t *testing.T, s string) {
		if pub, err := ParseMultikey(s); err == nil && EncodeMultikey(pub) != s {
			t.Errorf("%q is a second spelling of %q", s, EncodeMultikey(pub))
		}
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
	var l StatusList
	f.Add(l.Encode())
	f.Add(packed(make([]byte, 1<<20)))
	f.Fuzz(func(t *testing.T, s string) {
		l, err := DecodeStatusList(s)
		if err != nil {
			return
		}
		if back, err := DecodeStatusList(l.Encode()); err != nil || back.bits != l.bits {
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
