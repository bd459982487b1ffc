package credentials

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Kind says what a credential is for: the second entry of its "type". Open
// wants one kind by name, so that a decision can never be read as a license.
type Kind string

const (
	KindLicense                 Kind = "LicenseCredential"
	KindBoardOrder              Kind = "BoardOrder"
	KindFeedHead                Kind = "BoardFeedHead"
	KindStatusList              Kind = "BitstringStatusListCredential"
	KindClaimSubmission         Kind = "ClaimSubmission"
	KindAuthorizationSubmission Kind = "AuthorizationSubmission"
	KindClaimDecision           Kind = "ClaimDecision"
	KindAuthorizationDecision   Kind = "AuthorizationDecision"
	KindReviewDetermination     Kind = "ReviewDetermination"
	KindStandingAnswer          Kind = "StandingAnswer"
	KindClinicianSignature      Kind = "ClinicianSignature"
	KindClaimAppeal             Kind = "ClaimAppeal"
	KindSubmissionLetter        Kind = "SubmissionLetter"
	KindEstimateRequest         Kind = "ClaimEstimateRequest" // a claim that is asked about: nobody can bill with it
	KindClaimEstimate           Kind = "ClaimEstimate"
)

var kinds = []Kind{
	KindLicense, KindBoardOrder, KindFeedHead, KindStatusList, KindClaimSubmission, KindAuthorizationSubmission,
	KindClaimDecision, KindAuthorizationDecision, KindReviewDetermination, KindStandingAnswer,
	KindClinicianSignature, KindClaimAppeal, KindSubmissionLetter, KindEstimateRequest, KindClaimEstimate,
}

// ParseKind refuses kinds that this release does not know.
func ParseKind(s string) (Kind, error) {
	if slices.Contains(kinds, Kind(s)) {
		return Kind(s), nil
	}
	return "", fmt.Errorf("credential type %q is not known", s)
}

// schema names the form of the subject. A new form of a kind is a new number.
func (k Kind) schema() Schema { return schemas[k] }

const schemaType = "JsonSchema"

var schemas = func() map[Kind]Schema {
	all := map[Kind]Schema{}
	for _, k := range kinds {
		all[k] = Schema{ID: urnPrefix + "schema:" + string(k) + ":1", Type: schemaType}
	}
	return all
}()

// typCredential is the media type of VC-JOSE-COSE, section 3.1.1, without
// "application/". The payload is the credential itself; there is no vc claim.
const typCredential = "vc+jwt"

const (
	baseType  = "VerifiableCredential"
	urnPrefix = "urn:countersign:"
)

// The contexts of every credential: the model's own, and the one that gives
// each term which the model does not define a meaning of its own, so that
// JSON-LD readers drop nothing (VC Data Model 2.0, section 5.2.1, appendix B.3).
var contexts = []string{
	"https://www.w3.org/ns/credentials/v2",
	"https://www.w3.org/ns/credentials/undefined-terms/v2",
}

// A Schema names the form of a credential's subject.
type Schema struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// A Credential is a W3C Verifiable Credential 2.0 about a T.
type Credential[T any] struct {
	Context    []string      `json:"@context"`
	ID         string        `json:"id"` // urn:countersign:HANDLE
	Type       []string      `json:"type"`
	Issuer     DID           `json:"issuer"`
	ValidFrom  time.Time     `json:"validFrom"`
	ValidUntil *time.Time    `json:"validUntil,omitempty"`
	Status     []StatusEntry `json:"credentialStatus,omitempty"` // one for each purpose
	Schema     Schema        `json:"credentialSchema"`
	Subject    T             `json:"credentialSubject"`

	// Salt keeps the digest on the public ledger from being guessed by whoever
	// knows the handle and can guess the rest.
	Salt Digest `json:"salt"`
}

// Handle is the random name of the document, which stands on the ledger too.
func (c *Credential[T]) Handle() Handle {
	h, err := parseURN(c.ID)
	if err != nil {
		return Handle{}
	}
	return h
}

// ValidAt says whether the credential's own dates cover t. It does not say
// whether it was revoked.
func (c *Credential[T]) ValidAt(t time.Time) error {
	if t.Before(c.ValidFrom) {
		return fmt.Errorf("credential is valid from %s", c.ValidFrom.Format(time.RFC3339))
	}
	if c.ValidUntil != nil && t.After(*c.ValidUntil) {
		return fmt.Errorf("credential was valid until %s", c.ValidUntil.Format(time.RFC3339))
	}
	return nil
}

// Issue signs a credential about subject. Times are kept in UTC and whole
// seconds. The salt comes from the signing key (see Salting), so that issuing the same thing
// twice gives the same token (as long as the signer's signatures repeat, which
// Ed25519's do), yet nobody else can compute it.
func Issue[T any](s Signer, kind Kind, handle Handle, validFrom time.Time, status []StatusEntry, subject T) (token string, err error) {
	return issue(s, kind, handle, validFrom, nil, status, subject)
}

// IssueUntil is Issue for what is good until an instant.
func IssueUntil[T any](s Signer, kind Kind, handle Handle, validFrom, until time.Time, subject T) (token string, err error) {
	return issue(s, kind, handle, validFrom, &until, nil, subject)
}

func issue[T any](s Signer, kind Kind, handle Handle, from time.Time, until *time.Time, status []StatusEntry, subject T) (string, error) {
	payload, err := draft(s, contexts, kind, handle, from, until, status, subject)
	if err != nil {
		return "", fmt.Errorf("issue credential: %w", err)
	}
	return signJWS(s, typCredential, payload)
}

// draft is the payload of a credential: in canonical JSON, salted, unsigned.
func draft[T any](s Signer, contexts []string, kind Kind, handle Handle, from time.Time, until *time.Time, status []StatusEntry, subject T) ([]byte, error) {
	if _, err := ParseKind(string(kind)); err != nil {
		return nil, err
	}
	if handle.IsZero() || from.IsZero() {
		return nil, errors.New("it needs a handle and a first day")
	}
	issuer, err := SignerDID(s)
	if err != nil {
		return nil, err
	}
	c := Credential[T]{
		Context: contexts, ID: urnPrefix + handle.String(), Type: []string{baseType, string(kind)},
		Issuer: issuer, ValidFrom: wholeSecond(from), Status: status, Schema: kind.schema(), Subject: subject,
	}
	if until != nil {
		u := wholeSecond(*until)
		c.ValidUntil = &u
	}
	payload := encodeProbed(&c)
	probed := payload != nil
	if !probed {
		if payload, err = CanonicalJSON(&c); err != nil {
			return nil, err
		}
	}
	if err := c.salted(s, payload); err != nil {
		return nil, err
	}
	// Whatever Open would refuse must not leave the house signed.
	if probed {
		return payload, c.checkEnvelope(kind, contexts)
	}
	if _, err := readPayload[T](payload, kind, contexts); err != nil {
		return nil, err
	}
	return payload, nil
}

// salted fills the salt in, which is zero in the payload still. The last member
// of that name is the credential's own: type and dates alone stand behind it.
func (c *Credential[T]) salted(s Signer, payload []byte) (err error) {
	if c.Salt, err = saltFor(s, payload); err != nil {
		return fmt.Errorf("derive salt: %w", err)
	}
	const name = `"salt":"`
	hex.Encode(payload[bytes.LastIndex(payload, []byte(name))+len(name):], c.Salt[:])
	return nil
}

func wholeSecond(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// Open verifies a token and returns its credential: signed by the key that its
// kid names, issued by the DID of that key, of exactly this kind, in canonical
// JSON without a member that this release does not know. It is silent on dates,
// status and the issuer's right to issue: what somebody acts upon is for Judge.
func Open[T any](token string, kind Kind, keys ResolveKey) (*Credential[T], error) {
	c, e, err := Prove[T](token, kind, keys)
	if err == nil {
		err = e.ownKey()
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", kind, err)
	}
	return c, nil
}

// Prove makes the checks of a vc+jwt up to CheckCanonical. Its envelope is for
// Policy.Judge.
func Prove[T any](token string, kind Kind, keys ResolveKey) (*Credential[T], *Envelope, error) {
	kid, key, payload, err := openJWS(token, typCredential, keys)
	if err != nil {
		return nil, nil, err
	}
	return provePayload[T](payload, kind, contexts, kid, key)
}

func provePayload[T any](payload []byte, kind Kind, contexts []string, kid string, key Key) (*Credential[T], *Envelope, error) {
	c, err := readPayload[T](payload, kind, contexts)
	if err != nil {
		return nil, nil, err
	}
	return c, c.envelope(kind, kid, key), nil
}

func (c *Credential[T]) envelope(kind Kind, kid string, key Key) *Envelope {
	return &Envelope{Kind: kind, Handle: c.Handle(), Issuer: c.Issuer, KeyID: kid, Key: key,
		From: c.ValidFrom, Until: c.ValidUntil, Jurisdiction: JurisdictionOf(c.Subject), Status: c.Status}
}

func readPayload[T any](payload []byte, kind Kind, contexts []string) (*Credential[T], error) {
	var c Credential[T]
	canonical, err := decodeStrict(payload, &c)
	if err != nil {
		// Another kind has other fields: say that rather than name the first.
		if k, _, peeked := peekPayload(payload); peeked == nil && k != kind {
			return nil, Refuse(CheckKind, "this is a %s, not a %s", k, kind)
		}
		return nil, Refuse(CheckContent, "%w", err)
	}
	if err := c.checkEnvelope(kind, contexts); err != nil {
		return nil, err
	}
	if canonical == nil {
		canonical, err = canonicalize(payload)
	}
	if err != nil || !bytes.Equal(canonical, payload) {
		return nil, Refuse(CheckCanonical, "payload is not in canonical JSON")
	}
	return &c, nil
}

// checkEnvelope holds everything but the subject against the kind that was
// asked for.
func (c *Credential[T]) checkEnvelope(kind Kind, contexts []string) error {
	if k, err := kindOf(c.Type); err != nil {
		return Refuse(CheckKind, "%w", err)
	} else if k != kind {
		return Refuse(CheckKind, "this is a %s, not a %s", k, kind)
	}
	if _, err := parseURN(c.ID); err != nil {
		return Refuse(CheckContent, "at /id: %w", err)
	}
	if !slices.Equal(c.Context, contexts) {
		return Refuse(CheckContent, "at /@context: not the two contexts of this form")
	}
	if c.Schema != kind.schema() {
		return Refuse(CheckContent, "at /credentialSchema: want %s", kind.schema().ID)
	}
	if _, err := ParseDID(string(c.Issuer)); err != nil {
		return Refuse(CheckContent, "at /issuer: %w", err)
	}
	if c.ValidFrom.IsZero() || !c.ValidFrom.Equal(wholeSecond(c.ValidFrom)) {
		return Refuse(CheckContent, "at /validFrom: want whole seconds")
	}
	if c.ValidUntil != nil && (c.ValidUntil.Before(c.ValidFrom) || !c.ValidUntil.Equal(wholeSecond(*c.ValidUntil))) {
		return Refuse(CheckContent, "at /validUntil: want whole seconds, not before validFrom")
	}
	if c.Salt.IsZero() {
		return Refuse(CheckContent, "at /salt: it is not set")
	}
	if c.Status != nil && len(c.Status) == 0 {
		return Refuse(CheckContent, "at /credentialStatus: it is empty")
	}
	if err := checkStatus(c.Status); err != nil {
		return Refuse(CheckContent, "at /credentialStatus%w", err)
	}
	return nil
}

// Peek reads kind, key id and handle without verifying anything: for routing
// only.
func Peek(token string) (kind Kind, kid string, handle Handle, err error) {
	h, payload, _, err := splitJWS(token)
	if err != nil {
		return "", "", Handle{}, fmt.Errorf("peek at token: %w", err)
	}
	if h.Typ != typCredential {
		return "", "", Handle{}, fmt.Errorf("peek at token: it is of type %q, not %q", h.Typ, typCredential)
	}
	if _, _, err := ParseKeyID(h.Kid); err != nil {
		return "", "", Handle{}, fmt.Errorf("peek at token: %w", err)
	}
	kind, handle, err = peekPayload(payload)
	if err != nil {
		return "", "", Handle{}, fmt.Errorf("peek at token: %w", err)
	}
	return kind, h.Kid, handle, nil
}

func peekPayload(payload []byte) (Kind, Handle, error) {
	var c Credential[json.RawMessage]
	if err := DecodeStrict(payload, &c); err != nil {
		return "", Handle{}, err
	}
	return nameOf(c.Type, c.ID)
}

// nameOf reads kind and handle out of a credential's type and id.
func nameOf(types []string, id string) (Kind, Handle, error) {
	kind, err := kindOf(types)
	if err != nil {
		return "", Handle{}, err
	}
	handle, err := parseURN(id)
	if err != nil {
		return "", Handle{}, fmt.Errorf("at /id: %w", err)
	}
	return kind, handle, nil
}

func kindOf(types []string) (Kind, error) {
	if len(types) != 2 || types[0] != baseType {
		return "", fmt.Errorf("at /type: want %s and one kind", baseType)
	}
	kind, err := ParseKind(types[1])
	if err != nil {
		return "", fmt.Errorf("at /type/1: %w", err)
	}
	return kind, nil
}

// A URN is a document's id, urn:countersign:HANDLE.
type URN struct{ handle Handle }

// Handle is the handle in it.
func (u URN) Handle() Handle { return u.handle }

// MarshalText writes the id.
func (u URN) MarshalText() ([]byte, error) { return []byte(urnPrefix + u.handle.String()), nil }

// UnmarshalText reads an id in its one spelling.
func (u *URN) UnmarshalText(b []byte) (err error) {
	u.handle, err = parseURN(string(b))
	return err
}

func parseURN(id string) (Handle, error) {
	s, ok := strings.CutPrefix(id, urnPrefix)
	if !ok {
		return Handle{}, errors.New("want " + urnPrefix + " and a handle")
	}
	h, err := ParseHandle(s)
	if err == nil && h.IsZero() {
		err = errors.New("the handle is zero")
	}
	return h, err
}

// DocumentDigest is what stands on the ledger for a token: the SHA-256 of its
// signing input, "header.payload". The signature stays out, because another
// valid one for the same document must not look like another document. The
// digest of something that is no token is zero.
func DocumentDigest(token string) Digest {
	i := strings.LastIndexByte(token, '.')
	if i < 0 {
		return Digest{}
	}
	return DigestOf([]byte(token[:i]))
}
