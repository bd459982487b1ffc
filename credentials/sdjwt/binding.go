package sdjwt

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/countersign-health/countersign/credentials"
)

const typBinding = "kb+jwt"

// maxBinding bounds a key binding, of which the audience and the nonce are the
// verifier's own words.
const maxBinding = 8 << 10

// binding is the payload of a key binding (RFC 9901, section 4.3). Wallets other
// than ours may add nothing to it.
type binding struct {
	Audience string `json:"aud"`
	Issued   int64  `json:"iat"`
	Nonce    string `json:"nonce"`
	Hash     string `json:"sd_hash"`
}

type bindingHeader struct {
	Alg credentials.Algorithm `json:"alg"`
	Typ string                `json:"typ"`
}

// Present shows of an issued SD-JWT what the places name (JSON pointers into the
// subject) and what they stand in, to one verifier (domain) for its challenge.
func Present(issued string, holder credentials.Signer, places []string, challenge, domain string, now time.Time) (string, error) {
	if challenge == "" || domain == "" || now.IsZero() {
		return "", errors.New("present SD-JWT: it takes the verifier's challenge and name, and the time")
	}
	if !utf8.ValidString(challenge) || !utf8.ValidString(domain) { // JSON would hold others
		return "", errors.New("present SD-JWT: the verifier's challenge and name have to be UTF-8")
	}
	p, err := cut(issued)
	if err == nil && p.binding != "" {
		err = errors.New("it is a presentation already")
	}
	if err != nil {
		return "", fmt.Errorf("present SD-JWT: %w", err)
	}
	top, err := unverified(p.token)
	if err != nil {
		return "", fmt.Errorf("present SD-JWT: %w", err)
	}
	shown, err := choose(top["credentialSubject"], p.disclosures, places)
	if err != nil {
		return "", fmt.Errorf("present SD-JWT: %w", err)
	}
	bound := p.token + "~"
	for _, s := range shown {
		bound += s + "~"
	}
	kb, err := bind(holder, binding{domain, now.Unix(), challenge, digest(bound)})
	if err != nil {
		return "", fmt.Errorf("present SD-JWT: %w", err)
	}
	cnf, err := confirmed(top["cnf"])
	if err == nil {
		_, err = openBinding(parts{binding: kb, bound: bound}, cnf)
	}
	if err != nil {
		return "", fmt.Errorf("present SD-JWT: it is bound to another key: %w", err)
	}
	return bound + kb, nil
}

// choose picks the disclosures of the places, and of all in which they stand.
func choose(subject any, disclosures, places []string) ([]string, error) {
	r, err := revealAt(subject, disclosures, func(at, name string) string { return at + "/" + escape(name) })
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	var shown []string
	for _, s := range disclosures {
		d := r.disclosures[digest(s)]
		wanted := false
		for _, place := range places {
			if place == d.place {
				found[place] = true
			}
			wanted = wanted || place == d.place || strings.HasPrefix(place, d.place+"/")
		}
		if wanted {
			shown = append(shown, s)
		}
	}
	for _, place := range places {
		if !found[place] {
			return nil, fmt.Errorf("nothing is withheld at %q", place)
		}
	}
	return shown, nil
}

// unverified reads the issuer's payload. The holder has the token from its
// issuer; the verifier will check it.
func unverified(token string) (map[string]any, error) {
	segments := strings.Split(token, ".")
	if len(segments) != 3 {
		return nil, errors.New("the token does not have three parts")
	}
	b, err := b64.DecodeString(segments[1])
	if err != nil {
		return nil, errors.New("the token is not base64url")
	}
	return object(b)
}

func bind(holder credentials.Signer, b binding) (string, error) {
	head, err := credentials.CanonicalJSON(bindingHeader{holder.Algorithm(), typBinding})
	if err != nil {
		return "", err
	}
	payload, err := credentials.CanonicalJSON(b)
	if err != nil {
		return "", err
	}
	input := b64.EncodeToString(head) + "." + b64.EncodeToString(payload)
	sig, err := holder.Sign([]byte(input))
	if err != nil {
		return "", fmt.Errorf("sign key binding: %w", err)
	}
	return input + "." + b64.EncodeToString(sig), nil
}

// openBinding checks that the holder's key has signed for these very
// disclosures. The header may be spelled as other wallets spell it; it names no
// key, for the issuer has.
func openBinding(p parts, holder credentials.Key) (b binding, err error) {
	if p.binding == "" {
		return b, credentials.Refuse(credentials.CheckBinding, "its holder does not present it")
	}
	if len(p.binding) > maxBinding {
		return b, credentials.Refuse(credentials.CheckSize, "key binding has %d bytes: the most is %d", len(p.binding), maxBinding)
	}
	segments := strings.Split(p.binding, ".")
	if len(segments) != 3 || strings.ContainsAny(p.binding, "\r\n") {
		return b, credentials.Refuse(credentials.CheckForm, "key binding does not have three parts")
	}
	var decoded [3][]byte
	for i, s := range segments {
		if decoded[i], err = b64.DecodeString(s); err != nil {
			return b, credentials.Refuse(credentials.CheckForm, "key binding is not strict base64url")
		}
	}
	var h bindingHeader
	if err := credentials.DecodeStrict(decoded[0], &h); err != nil {
		return b, credentials.Refuse(credentials.CheckHeader, "key binding header: %w", err)
	}
	if h.Typ != typBinding {
		return b, credentials.Refuse(credentials.CheckHeader, "key binding is of type %q, not %s", h.Typ, typBinding)
	}
	if h.Alg != holder.Algorithm() {
		return b, credentials.Refuse(credentials.CheckAlgorithm, "key binding is signed with %q: the holder's key signs with %s", h.Alg, holder.Algorithm())
	}
	if credentials.VerifyJWS(segments[0], decoded[1], decoded[2], holder) != nil {
		return b, credentials.Refuse(credentials.CheckBinding, "the holder's key did not sign this key binding")
	}
	if err := credentials.DecodeStrict(decoded[1], &b); err != nil {
		return b, credentials.Refuse(credentials.CheckContent, "key binding: %w", err)
	}
	switch {
	case b.Nonce == "" || b.Audience == "" || b.Issued <= 0:
		return b, credentials.Refuse(credentials.CheckBinding, "key binding lacks its nonce, audience or time")
	case b.Hash != digest(p.bound):
		return b, credentials.Refuse(credentials.CheckBinding, "key binding was made for other disclosures")
	}
	return b, nil
}
