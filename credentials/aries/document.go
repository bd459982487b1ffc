package aries

import (
	"errors"
	"fmt"

	"github.com/hyperledger/aries-framework-go/pkg/doc/did"

	"github.com/countersign-health/countersign/credentials"
)

// A Document is what a DID document says that we have a use for. Whoever wrote
// it vouches for it, and nobody else: hold it against the ledger.
type Document struct {
	DID       credentials.DID
	AlsoKnown []credentials.DID          // names that it claims
	Keys      map[string]credentials.Key // that may make assertions, by key id
	Services  map[string]string          // endpoint by type
}

// Document resolves a DID within the bounds of ResolveKey. An assertion method
// of another kind than methodKey reads is refused rather than left out.
func (r *Resolver) Document(d credentials.DID) (*Document, error) {
	if _, err := credentials.ParseDID(string(d)); err != nil {
		return nil, err
	}
	doc, err := r.read(d)
	var found *Document
	if err == nil {
		found, err = documentOf(doc, d)
	}
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", d, err)
	}
	return found, nil
}

func documentOf(doc *did.Doc, d credentials.DID) (found *Document, err error) {
	defer func() { // aries reads the first of an empty list of endpoints
		if p := recover(); p != nil {
			found, err = nil, errors.New("its document is malformed")
		}
	}()
	if doc == nil || doc.ID != string(d) {
		return nil, errors.New("the document is about another DID")
	}
	found = &Document{DID: d, Keys: map[string]credentials.Key{}, Services: map[string]string{}}
	for _, other := range doc.AlsoKnownAs {
		if id, err := credentials.ParseDID(other); err == nil { // it may be any URI
			found.AlsoKnown = append(found.AlsoKnown, id)
		}
	}
	for i := range doc.AssertionMethod {
		kid := doc.AssertionMethod[i].VerificationMethod.ID
		if found.Keys[kid], err = assertionKey(doc, d, kid); err != nil {
			return nil, err
		}
	}
	for i := range doc.Service {
		s := &doc.Service[i]
		kind, ok := s.Type.(string)
		uri, err := s.ServiceEndpoint.URI()
		if ok && err == nil && found.Services[kind] == "" {
			found.Services[kind] = uri
		}
	}
	return found, nil
}
