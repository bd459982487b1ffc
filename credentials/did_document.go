package credentials

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"

	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"

	"github.com/mr-tron/base58"
)

// MaxDIDDocument bounds a DID document, in bytes.
const MaxDIDDocument = 64 << 10

// maxMethods bounds its keys: each costs base58, and the check of a point.
const maxMethods = 64

// A DIDDocument is what a DID document (DID Core 1.0, section 5) says that we
// have a use for. Whoever wrote it vouches for it, and nobody else: hold it
// against the ledger, which alone says which key was a party's when.
type DIDDocument struct {
	DID       DID
	AlsoKnown []DID             // names that it claims
	Keys      map[string]Key    // that may make assertions, by key id
	Unread    map[string]error  // assertion methods that are no key of ours, and why
	Services  map[string]string // endpoint by type
}

// ParseDIDDocument reads the document of a DID. It refuses what two readers
// could read differently (DecodeStrict), a document about another DID, and two
// keys under one id. A key that it cannot read, or that another DID controls,
// stands in Unread: it is nobody's, and the others remain.
func ParseDIDDocument(b []byte, d DID) (*DIDDocument, error) {
	if len(b) > MaxDIDDocument {
		return nil, fmt.Errorf("DID document is larger than %d bytes", MaxDIDDocument)
	}
	var doc map[string]any
	if err := DecodeStrict(b, &doc); err != nil {
		return nil, fmt.Errorf("DID document: %w", err)
	}
	if id, _ := doc["id"].(string); id == "" || id != string(d) {
		return nil, errors.New("the document is about another DID")
	}
	found := &DIDDocument{DID: d, Keys: map[string]Key{}, Unread: map[string]error{}, Services: map[string]string{}}
	if err := found.readMethods(doc); err != nil {
		return nil, fmt.Errorf("DID document: %w", err)
	}
	names, _ := doc["alsoKnownAs"].([]any)
	for _, n := range names {
		s, _ := n.(string)
		if id, err := ParseDID(s); err == nil { // it may be any URI
			found.AlsoKnown = append(found.AlsoKnown, id)
		}
	}
	services, _ := doc["service"].([]any)
	for _, s := range services {
		s, _ := s.(map[string]any)
		kind, _ := s["type"].(string)
		endpoint, _ := s["serviceEndpoint"].(string)
		if kind != "" && endpoint != "" && found.Services[kind] == "" {
			found.Services[kind] = endpoint
		}
	}
	return found, nil
}

// AssertionKey is the key of that id, if the document lets it make assertions.
func (d *DIDDocument) AssertionKey(kid string) (Key, error) {
	if k, ok := d.Keys[kid]; ok {
		return k, nil
	}
	if err := d.Unread[kid]; err != nil {
		return Key{}, err
	}
	return Key{}, errors.New("the document has no assertion method with the key id")
}

// readMethods finds the methods under verificationMethod, and those that stand
// in assertionMethod themselves.
func (d *DIDDocument) readMethods(doc map[string]any) error {
	methods := map[string]map[string]any{}
	add := func(v any) (string, error) {
		m, ok := v.(map[string]any)
		id, _ := m["id"].(string)
		if !ok || id == "" {
			return "", errors.New("a verification method is no object with an id")
		}
		if id = d.absolute(id); methods[id] != nil {
			return "", errors.New("two verification methods have one id")
		}
		methods[id] = m
		if len(methods) > maxMethods {
			return "", fmt.Errorf("more than %d verification methods", maxMethods)
		}
		return id, nil
	}
	all, err := listIn(doc, "verificationMethod")
	if err != nil {
		return err
	}
	for _, v := range all {
		if _, err := add(v); err != nil {
			return err
		}
	}
	asserting, err := listIn(doc, "assertionMethod")
	if err != nil {
		return err
	}
	for _, v := range asserting {
		id, ok := v.(string)
		if id = d.absolute(id); !ok {
			if id, err = add(v); err != nil {
				return err
			}
		}
		k, err := d.methodKey(id, methods[id])
		if d.Keys[id] = k; err != nil {
			delete(d.Keys, id)
			d.Unread[id] = err
		}
	}
	return nil
}

func listIn(doc map[string]any, name string) ([]any, error) {
	v, ok := doc[name]
	list, isList := v.([]any)
	if ok && !isList {
		return nil, fmt.Errorf("%s is no list", name)
	}
	return list, nil
}

// absolute writes the reference "#key" out.
func (d *DIDDocument) absolute(id string) string {
	if len(id) > 0 && id[0] == '#' {
		return string(d.DID) + id
	}
	return id
}

// methodKey reads the one key of a method, which has to be the DID's own.
func (d *DIDDocument) methodKey(id string, m map[string]any) (Key, error) {
	if m == nil {
		return Key{}, errors.New("the document does not have the key that it names")
	}
	owner, _, err := ParseKeyID(id)
	switch {
	case err != nil:
		return Key{}, err
	case owner != d.DID || m["controller"] != string(d.DID):
		return Key{}, errors.New("the key is controlled by another DID")
	case m["revoked"] != nil || m["expires"] != nil:
		return Key{}, errors.New("the document says that the key ends, and only the ledger says when")
	}
	material := 0
	for _, name := range []string{"publicKeyMultibase", "publicKeyJwk", "publicKeyBase58"} {
		if m[name] != nil {
			material++
		}
	}
	if material != 1 {
		return Key{}, errors.New("the method has no key, or more than one")
	}
	multibase, _ := m["publicKeyMultibase"].(string)
	switch m["type"] {
	case "Multikey":
		return ParseKey(multibase)
	case "Ed25519VerificationKey2020":
		pub, err := ParseMultikey(multibase)
		return Key{ed: pub}, err
	case "Ed25519VerificationKey2018":
		text, _ := m["publicKeyBase58"].(string)
		if len(text) > 44 { // of 32 bytes
			return Key{}, errors.New("the key is not base58 of 32 bytes")
		}
		pub, err := base58.Decode(text)
		if err != nil || base58.Encode(pub) != text {
			return Key{}, errors.New("the key is not base58 of 32 bytes")
		}
		return NewKey(ed25519.PublicKey(pub))
	case "JsonWebKey", "JsonWebKey2020":
		jwk, ok := m["publicKeyJwk"].(map[string]any)
		if !ok {
			return Key{}, errors.New("the key is no JWK")
		}
		return jwkKey(jwk)
	}
	return Key{}, fmt.Errorf("keys of type %.40q are not supported", m["type"])
}

// jwkKey reads a public JWK (RFC 7518, RFC 8037) that is for signing.
func jwkKey(jwk map[string]any) (Key, error) {
	kind, curve := jwk["kty"], jwk["crv"]
	alg := Algorithm("")
	switch {
	case kind == "OKP" && curve == "Ed25519":
		alg = EdDSA
	case kind == "EC" && curve == "P-256":
		alg = ES256
	default:
		return Key{}, errors.New("the key is neither an Ed25519 nor a P-256 JWK")
	}
	switch {
	case jwk["d"] != nil:
		return Key{}, errors.New("the JWK has its private key in it: it is everybody's")
	case jwk["alg"] != nil && jwk["alg"] != string(alg) && !(alg == EdDSA && jwk["alg"] == "Ed25519"):
		return Key{}, errors.New("the JWK names another algorithm than its key has")
	case jwk["use"] != nil && jwk["use"] != "sig":
		return Key{}, errors.New("the JWK is not for signing")
	}
	x, err := coordinate(jwk["x"])
	if err != nil {
		return Key{}, err
	}
	if alg == EdDSA {
		return NewKey(ed25519.PublicKey(x))
	}
	y, err := coordinate(jwk["y"])
	if err != nil {
		return Key{}, err
	}
	return NewKey(&ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int).SetBytes(x), Y: new(big.Int).SetBytes(y)})
}

func coordinate(v any) ([]byte, error) {
	s, _ := v.(string)
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != 32 || len(s) != 43 {
		return nil, errors.New("the JWK does not hold 32 bytes in base64url where it should")
	}
	return b, nil
}

// A VerificationMethod is a key as a DID document publishes it (W3C Controlled
// Identifiers 1.0, section 2.2.2).
type VerificationMethod struct {
	ID         string `json:"id"`
	Type       string `json:"type"`
	Controller DID    `json:"controller"`
	Key        string `json:"publicKeyMultibase"`
}

// A DIDService is where something of a DID's is reached.
type DIDService struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Endpoint string `json:"serviceEndpoint"`
}

// A PublicDocument is a DID document as a house serves it.
type PublicDocument struct {
	Context    []string             `json:"@context"`
	ID         DID                  `json:"id"`
	AlsoKnown  []DID                `json:"alsoKnownAs,omitempty"`
	Methods    []VerificationMethod `json:"verificationMethod"`
	Assertions []string             `json:"assertionMethod"`
	Services   []DIDService         `json:"service,omitempty"`
}

// MediaDIDDocument is the media type of a PublicDocument (DID Core 1.0, section 6.3).
const MediaDIDDocument = "application/did+ld+json"

// NewPublicDocument is the document of a house at an address. It may be known on
// the ledger by the address's own did:web, or by another DID, which then stands
// under alsoKnownAs and whose keys get ids of the did:web. All keys of the party
// stand in it, those that were handed over too, since what they signed before
// still verifies; a key that was declared bad does not. Kids are their key ids.
func NewPublicDocument(address string, party DID, kids []string, keys []Key) (*PublicDocument, error) {
	web, err := WebDID(address)
	if err != nil {
		return nil, err
	}
	d := &PublicDocument{Context: []string{"https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"}, ID: web,
		Methods: []VerificationMethod{}, Assertions: []string{}}
	if party != web {
		d.AlsoKnown = []DID{party}
	}
	for i, k := range keys {
		if k.BadFrom != 0 {
			continue
		}
		kid := kids[i]
		if party != web {
			kid = string(web) + "#" + k.Multikey()
		}
		d.Methods = append(d.Methods, VerificationMethod{kid, "Multikey", web, k.Multikey()})
		d.Assertions = append(d.Assertions, kid)
	}
	return d, nil
}

// Serve names where something of the house's is reached, as DID#NAME.
func (d *PublicDocument) Serve(name, kind, endpoint string) {
	d.Services = append(d.Services, DIDService{string(d.ID) + "#" + name, kind, endpoint})
}
