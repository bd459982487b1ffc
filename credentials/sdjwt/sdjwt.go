// Package sdjwt lets the holder of a credential show parts of its subject:
// SD-JWT (RFC 9901) over our credentials, as VC-JOSE-COSE has it ("vc+sd-jwt").
//
// The issuer signs digests of what may be withheld and binds the whole to the
// holder's key. The holder chooses what to show, and signs that choice for one
// verifier and one challenge (key binding, RFC 9901, section 4.3). There is no
// presentation without it: what was captured can neither be shown again nor be
// completed.
//
// Whatever a verifier has to know stands in the open: all but the subject, and
// of the subject its handle, id, type and jurisdiction. The package never reads
// a clock, a network or a source of randomness. Only compact serialization and
// SHA-256 are read.
package sdjwt

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

const (
	typIssuer = "vc+sd-jwt" // VC-JOSE-COSE, section 3.2.1
	hashName  = "sha-256"
	saltLabel = "countersign sd-jwt salt 1\n"

	// maxPresentation bounds what is decoded, maxDisclosures what is compared.
	maxPresentation = 1 << 20
	maxDisclosures  = 512
)

var b64 = base64.RawURLEncoding.Strict()

// open lists the members of a subject that cannot be withheld.
var open = []string{"handle", "id", "type", "jurisdiction"}

// A Document is what Issue signs.
type Document[T any] struct {
	Kind        credentials.Kind
	Handle      credentials.Handle
	From, Until time.Time // zero Until: without an end
	Status      []credentials.StatusEntry
	Subject     T
	// Withhold names what the holder may leave out: JSON pointers (RFC 6901)
	// into the subject, such as "/npi" or "/addresses/0".
	Withhold []string
}

// Issue signs a credential bound to the holder's key, with all of its
// disclosures: it is for the holder alone. Like credentials.Issue it repeats
// itself, salts and all, as far as the signer's signatures repeat.
func Issue[T any](s credentials.Signer, holder credentials.Key, d Document[T]) (string, error) {
	token, err := issue(s, holder, d)
	if err != nil {
		return "", fmt.Errorf("issue SD-JWT: %w", err)
	}
	return token, nil
}

func issue[T any](s credentials.Signer, holder credentials.Key, d Document[T]) (string, error) {
	payload, err := credentials.Draft(s, d.Kind, d.Handle, d.From, d.Until, d.Status, d.Subject)
	if err != nil {
		return "", err
	}
	var top map[string]any
	if err := json.Unmarshal(payload, &top); err != nil {
		return "", err
	}
	for _, place := range d.Withhold {
		if parts, err := split(place); err != nil || slices.Contains(open, parts[0]) {
			return "", fmt.Errorf("%q cannot be withheld", place)
		}
	}
	salts, err := salter(s, payload, holder, d.Withhold)
	if err != nil {
		return "", err
	}
	subject, disclosures, err := conceal(top["credentialSubject"], d.Withhold, salts)
	if err != nil {
		return "", err
	}
	top["credentialSubject"], top["_sd_alg"] = subject, hashName
	if top["cnf"], err = confirm(holder); err != nil {
		return "", err
	}
	if payload, err = credentials.CanonicalJSON(top); err != nil {
		return "", err
	}
	token, err := credentials.SignAs(s, typIssuer, payload)
	if err != nil {
		return "", err
	}
	token += "~"
	for _, disclosure := range disclosures {
		token += disclosure + "~"
	}
	// Whatever Prove would refuse must not leave the house signed.
	p, err := cut(token)
	if err != nil {
		return "", err
	}
	if _, _, err := p.prove(payload, d.Kind, s.KeyID(), credentials.Key{}); err != nil {
		return "", err
	}
	return token, nil
}

// salter derives salts from a signature that is never shown. Its message starts
// with a label that no token starts with.
func salter(s credentials.Signer, payload []byte, holder credentials.Key, places []string) (func(string) string, error) {
	sum := sha256.Sum256(payload)
	secret, err := s.Sign(fmt.Appendf(nil, "%s%x\n%s\n%q", saltLabel, sum, holder.Multikey(), places))
	if err != nil {
		return nil, fmt.Errorf("derive salts: %w", err)
	}
	return func(place string) string {
		h := hmac.New(sha256.New, secret)
		h.Write([]byte(place))
		return b64.EncodeToString(h.Sum(nil)[:16]) // 128 bits (RFC 9901, section 9.3)
	}, nil
}

// A Presented credential is what its holder showed of it.
type Presented struct {
	// Credential has a subject of what is open and what was disclosed. What was
	// withheld is missing there: look members up, and decode none into a struct
	// whose zero value means something.
	Credential *credentials.Credential[map[string]any]
	Envelope   *credentials.Envelope
	Bound      time.Time // when the holder says that they signed
}

// Prove checks a presentation: the issuer's signature, each disclosure against
// it, and the holder's own signature over exactly these. It is silent on dates,
// and on the challenge and the verifier for which it was made: those stand in
// the envelope, for Policy.Judge.
func Prove(presentation string, kind credentials.Kind, keys credentials.ResolveKey) (*Presented, error) {
	p, err := read(presentation, kind, keys)
	if err != nil {
		return nil, fmt.Errorf("open SD-JWT: %w", err)
	}
	return p, nil
}

// bindingLife is how old a key binding may be; a challenge need not be
// remembered for longer.
const bindingLife = 5 * time.Minute

// Judge is credentials.Judge for a presentation. The policy has to say for which
// challenge and verifier it was to be made.
func Judge(presentation string, kind credentials.Kind, p credentials.Policy) (*Presented, credentials.Verdict) {
	if p.Keys == nil {
		return nil, credentials.VerdictOf(credentials.Lack(credentials.CheckKey, "nothing was given to find keys with"))
	}
	got, err := Prove(presentation, kind, p.Keys)
	if err != nil {
		return nil, credentials.VerdictOf(err)
	}
	switch leeway := max(p.Leeway, 0); {
	case p.Now.IsZero(): // Policy.Judge says so
	case got.Bound.After(p.Now.Add(leeway)):
		err = credentials.Refuse(credentials.CheckBinding, "its holder signed in the future: check the clocks")
	case got.Bound.Add(bindingLife).Before(p.Now.Add(-leeway)):
		err = credentials.Refuse(credentials.CheckBinding, "its holder signed more than %s ago", bindingLife)
	}
	if err != nil {
		return got, credentials.VerdictOf(err)
	}
	return got, p.Judge(got.Envelope)
}

// parts are those of a compact SD-JWT. An issued one ends in ~, without a
// binding.
type parts struct {
	token       string
	disclosures []string
	binding     string
	bound       string // what the binding covers
}

func cut(sdjwt string) (p parts, err error) {
	if len(sdjwt) > maxPresentation {
		return p, credentials.Refuse(credentials.CheckSize, "SD-JWT has %d bytes: the most is %d", len(sdjwt), maxPresentation)
	}
	if n := strings.Count(sdjwt, "~"); n == 0 || n > maxDisclosures+1 {
		return p, credentials.Refuse(credentials.CheckForm, "want a token, at most %d disclosures and a binding, with ~ between them", maxDisclosures)
	}
	all := strings.Split(sdjwt, "~")
	p.token, p.disclosures, p.binding = all[0], all[1:len(all)-1], all[len(all)-1]
	p.bound = sdjwt[:len(sdjwt)-len(p.binding)]
	return p, nil
}

func read(sdjwt string, kind credentials.Kind, keys credentials.ResolveKey) (*Presented, error) {
	p, err := cut(sdjwt)
	if err != nil {
		return nil, err
	}
	kid, key, payload, err := credentials.OpenAs(p.token, typIssuer, keys)
	if err != nil {
		return nil, err
	}
	got, holder, err := p.prove(payload, kind, kid, key)
	if err != nil {
		return nil, err
	}
	b, err := openBinding(p, holder)
	if err != nil {
		return nil, err
	}
	got.Bound = time.Unix(b.Issued, 0).UTC()
	got.Envelope.Presented = &credentials.Presentation{Holder: didOf(holder), Challenge: b.Nonce, Domain: b.Audience}
	return got, nil
}

// What the issuer signs is a credential whose subject is concealed, and two
// members more.
type concealed struct {
	credentials.Credential[map[string]any]
	Hash    string `json:"_sd_alg"`
	Confirm any    `json:"cnf"`
}

// prove makes the checks of what the issuer signed, but for its signature.
func (p parts) prove(payload []byte, kind credentials.Kind, kid string, key credentials.Key) (*Presented, credentials.Key, error) {
	refuse := func(where string, err error) (*Presented, credentials.Key, error) {
		return nil, credentials.Key{}, credentials.Refuse(credentials.CheckContent, "at %s: %w", where, err)
	}
	var top concealed
	if err := credentials.DecodeStrict(payload, &top); err != nil {
		return refuse("the top", err)
	}
	if top.Hash != hashName {
		return nil, credentials.Key{}, credentials.Refuse(credentials.CheckAlgorithm, "at /_sd_alg: want %s", hashName)
	}
	holder, err := confirmed(top.Confirm)
	if err != nil {
		return refuse("/cnf", err)
	}
	r, err := reveal(top.Subject, p.disclosures)
	if err != nil {
		return refuse("/credentialSubject", err)
	}
	shown, _ := r.value.(map[string]any)
	if err := standsOpen(top.Subject, shown, kind); err != nil {
		return refuse("/credentialSubject", err)
	}
	top.Subject = shown
	got := &Presented{Credential: &top.Credential}
	if got.Envelope, err = credentials.ProveDecoded(&top.Credential, kind, kid, key); err != nil {
		return nil, credentials.Key{}, err
	}
	got.Envelope.Jurisdiction, _ = shown["jurisdiction"].(string)
	return got, holder, nil
}

// standsOpen wants what a verifier has to know in the open: a license that hid
// its jurisdiction would be judged as one that has none.
func standsOpen(before, after map[string]any, kind credentials.Kind) error {
	if before == nil {
		return errors.New("want an object")
	}
	for _, name := range open {
		_, was := before[name]
		if _, is := after[name]; is != was {
			return fmt.Errorf("its %s was withheld", name)
		}
	}
	if place, _ := after["jurisdiction"].(string); place == "" && kind == credentials.KindLicense {
		return errors.New("the license has no jurisdiction")
	}
	return nil
}

// object decodes a JSON object strictly.
func object(b []byte) (o map[string]any, err error) {
	err = credentials.DecodeStrict(b, &o)
	return o, err
}
