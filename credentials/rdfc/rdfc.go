// Package rdfc is the suite eddsa-rdfc-2022 (Data Integrity EdDSA Cryptosuites
// 1.0, section 3.2) for credentials/integrity: a document is hashed as the set
// of statements (RDF) that it makes, whatever its JSON looks like.
//
// What makes no statement is not signed, and JSON-LD is generous in dropping
// things: unknown terms, relative names, null, the order of a list. So this
// package refuses whatever would be lost, merged or rounded on the way, and
// takes documents under contexts that are in the program only. It never fetches
// a context, and it never lets a document choose how much work it makes.
//
// It alone imports json-gold, which turns JSON-LD into RDF and sorts it.
package rdfc

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/piprate/json-gold/ld"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/integrity"
)

// Name is the suite's name in a proof.
const Name = "eddsa-rdfc-2022"

// Suite accepts documents under the data model's context and ours.
func Suite() integrity.Suite {
	s, err := WithContexts(nil)
	if err != nil {
		panic("credentials/rdfc: " + err.Error()) // the embedded contexts are tested
	}
	return s
}

// WithContexts accepts documents under these contexts too, by their URLs. Whoever
// adds one vouches for it: a context with @vocab defines every term that anybody
// may think of.
func WithContexts(more map[string][]byte) (integrity.Suite, error) {
	l, err := newLibrary(more)
	if err != nil {
		return integrity.Suite{}, fmt.Errorf("load contexts: %w", err)
	}
	return integrity.Suite{Name: Name, Linked: true, Canonicalize: l.canonicalize}, nil
}

// canonicalize turns a JSON-LD object into canonical N-Quads (RDF Dataset
// Canonicalization, "RDFC-1.0"), or refuses it.
func (l library) canonicalize(object []byte) (out []byte, err error) {
	defer func() { // the last net: nothing is known that makes it panic
		if p := recover(); p != nil {
			out, err = nil, errors.New("the document is malformed JSON-LD")
		}
	}()
	var doc map[string]any
	if err := credentials.DecodeStrict(object, &doc); err != nil {
		return nil, err
	}
	if err := l.checkDocument(object, doc); err != nil {
		return nil, err
	}
	opts := ld.NewJsonLdOptions("")
	opts.DocumentLoader, opts.SafeMode = l, true
	expanded, err := ld.NewJsonLdProcessor().Expand(doc, opts)
	if err != nil {
		return nil, plain(err)
	}
	var said census
	if err := said.take(expanded); err != nil {
		return nil, err
	}
	api := ld.NewJsonLdApi()
	graph, err := api.ToRDF(expanded, opts)
	if err != nil {
		return nil, plain(err)
	}
	if err := checkGraph(graph, &said); err != nil {
		return nil, err
	}
	opts.Algorithm, opts.Format = ld.AlgorithmURDNA2015, "application/n-quads"
	canonical, err := api.Normalize(graph, opts)
	if err != nil {
		return nil, plain(err)
	}
	text, ok := canonical.(string)
	if !ok {
		return nil, errors.New("canonicalize the graph: it gave no text")
	}
	return []byte(text), nil
}

// plain keeps the library's name for what is wrong and leaves its details out,
// which may quote the document.
func plain(err error) error {
	var e *ld.JsonLdError
	if errors.As(err, &e) {
		if e.Code == ld.InvalidProperty {
			return errors.New("a term is defined in none of the document's contexts")
		}
		return fmt.Errorf("read JSON-LD: %s", e.Code)
	}
	return errors.New("read JSON-LD: it is malformed")
}

// encoded is a string as JSON has it, for messages.
func encoded(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
