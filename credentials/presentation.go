package credentials

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// typPresentation is the media type of VC-JOSE-COSE, section 3.1.2.
const typPresentation = "vp+jwt"

const (
	presentationType = "VerifiablePresentation"
	envelopedType    = "EnvelopedVerifiableCredential"
	envelopedPrefix  = "data:application/" + typCredential + ","
	contextV2        = "https://www.w3.org/ns/credentials/v2"

	// presentationLife is how old a presentation may be; a challenge need not
	// be remembered for longer.
	presentationLife = 5 * time.Minute
	maxPresented     = 32
)

// presentation is the payload of a vp+jwt: the data model's own members, and of
// JWT those that bind it to one verifier, one challenge and one moment.
type presentation struct {
	Context     []string    `json:"@context"`
	Type        []string    `json:"type"`
	Holder      DID         `json:"holder"`
	Credentials []enveloped `json:"verifiableCredential"`
	Audience    string      `json:"aud"`
	Nonce       string      `json:"nonce"`
	Issued      int64       `json:"iat"`
}

// enveloped is a token in a presentation (VC Data Model 2.0, section 4.13.1).
type enveloped struct {
	Context string `json:"@context"`
	ID      string `json:"id"`
	Type    string `json:"type"`
}

// Present shows credentials, as vc+jwt, to one verifier (domain) for its
// challenge, signed by their holder. (Credentials of which parts are shown are
// presented by themselves: sdjwt.Present.)
func Present(holder Signer, tokens []string, challenge, domain string, now time.Time) (string, error) {
	if challenge == "" || domain == "" || now.IsZero() {
		return "", errors.New("present credentials: it takes the verifier's challenge and name, and the time")
	}
	if !utf8.ValidString(challenge) || !utf8.ValidString(domain) { // JSON would hold others
		return "", errors.New("present credentials: the verifier's challenge and name have to be UTF-8")
	}
	did, err := SignerDID(holder)
	if err != nil {
		return "", fmt.Errorf("present credentials: %w", err)
	}
	p := presentation{Context: []string{contextV2}, Type: []string{presentationType}, Holder: did,
		Audience: domain, Nonce: challenge, Issued: now.Unix()}
	for _, token := range tokens {
		p.Credentials = append(p.Credentials, enveloped{contextV2, envelopedPrefix + token, envelopedType})
	}
	payload, err := CanonicalJSON(p)
	if err != nil {
		return "", fmt.Errorf("present credentials: %w", err)
	}
	// Whatever a verifier would refuse must not leave the house signed.
	if _, _, err := readPresentation(payload); err != nil {
		return "", fmt.Errorf("present credentials: %w", err)
	}
	return signJWS(holder, typPresentation, payload)
}

// JudgePresentation is Judge for a presentation: its holder signed it, for the
// challenge and the domain of p.Presented, at most five minutes ago, with a key
// that is theirs now; and each says good of every credential in it. Whether the
// holder is the one whom a credential is about, each has to answer too: a
// vc+jwt alone is bound to nobody, and whoever has it can present it.
func JudgePresentation(token string, p Policy, each func(token string, holder DID) Verdict) (DID, Verdict) {
	holder, tokens, err := proveFor(token, p)
	if err != nil {
		return "", VerdictOf(err)
	}
	answer := Verdict{Outcome: Good}
	for _, t := range tokens {
		switch v := each(t, holder); {
		case v.Outcome == Good:
		case v.Outcome == Bad:
			return holder, v
		case answer.Outcome == Good: // and no verdict at all is no good one
			answer = Verdict{Outcome: NotKnown, Check: v.Check, Why: v.Why}
		}
	}
	return holder, answer
}

func proveFor(token string, policy Policy) (DID, []string, error) {
	if policy.Keys == nil {
		return "", nil, Lack(CheckKey, "nothing was given to find keys with")
	}
	kid, key, payload, err := openJWS(token, typPresentation, policy.Keys)
	if err != nil {
		return "", nil, err
	}
	p, tokens, err := readPresentation(payload)
	if err != nil {
		return "", nil, err
	}
	if d, _, err := ParseKeyID(kid); err != nil || d != p.Holder {
		return "", nil, Refuse(CheckBinding, "its key is not its holder's")
	}
	if err := key.heldAt(Latest); err != nil {
		return "", nil, err
	}
	shown := Envelope{Presented: &Presentation{Holder: p.Holder, Challenge: p.Nonce, Domain: p.Audience}}
	if policy.Presented == nil {
		return "", nil, Lack(CheckBinding, "no challenge and domain were given to hold the presentation against")
	}
	if err := policy.binding(&shown); err != nil {
		return "", nil, err
	}
	issued := time.Unix(p.Issued, 0)
	switch {
	case policy.Now.IsZero() || policy.Leeway < 0:
		err = Lack(CheckDates, "no time was given to judge it by")
	case issued.After(policy.Now.Add(policy.Leeway)):
		err = Refuse(CheckBinding, "its holder signed in the future: check the clocks")
	case issued.Add(presentationLife).Before(policy.Now.Add(-policy.Leeway)):
		err = Refuse(CheckBinding, "its holder signed more than %s ago", presentationLife)
	}
	return p.Holder, tokens, err
}

func readPresentation(payload []byte) (p presentation, tokens []string, err error) {
	if err := DecodeStrict(payload, &p); err != nil {
		return p, nil, Refuse(CheckContent, "%w", err)
	}
	if canonical, err := canonicalize(payload); err != nil || !bytes.Equal(canonical, payload) {
		return p, nil, Refuse(CheckCanonical, "payload is not in canonical JSON")
	}
	switch _, bad := ParseDID(string(p.Holder)); {
	case !slices.Equal(p.Context, []string{contextV2}):
		err = Refuse(CheckContent, "at /@context: want %s alone", contextV2)
	case !slices.Equal(p.Type, []string{presentationType}):
		err = Refuse(CheckKind, "at /type: want %s", presentationType)
	case bad != nil:
		err = Refuse(CheckContent, "at /holder: %w", bad)
	case p.Audience == "" || p.Nonce == "" || p.Issued <= 0:
		err = Refuse(CheckContent, "it lacks its verifier (aud), challenge (nonce) or time (iat)")
	case len(p.Credentials) == 0 || len(p.Credentials) > maxPresented:
		err = Refuse(CheckContent, "at /verifiableCredential: want 1 to %d credentials", maxPresented)
	}
	if err != nil {
		return p, nil, err
	}
	for i, c := range p.Credentials {
		token, ok := strings.CutPrefix(c.ID, envelopedPrefix)
		if !ok || c.Context != contextV2 || c.Type != envelopedType {
			return p, nil, Refuse(CheckContent, "at /verifiableCredential/%d: want an %s with a vc+jwt", i, envelopedType)
		}
		if slices.Contains(tokens, token) {
			return p, nil, Refuse(CheckContent, "at /verifiableCredential/%d: it is there already", i)
		}
		tokens = append(tokens, token)
	}
	return p, tokens, nil
}
