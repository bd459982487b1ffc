package rdfc

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/piprate/json-gold/ld"

	"github.com/countersign-health/countersign/credentials"
)

// ContextV2 is the URL of the data model's own context.
const ContextV2 = "https://www.w3.org/ns/credentials/v2"

var (
	//go:embed contexts/credentials-v2.jsonld
	contextV2 []byte
	//go:embed contexts/countersign-1.jsonld
	contextOurs []byte
)

// library answers with the contexts that are in the program, and with no others.
type library map[string]any

func newLibrary(more map[string][]byte) (library, error) {
	all := map[string][]byte{ContextV2: contextV2, credentials.ContextID: contextOurs}
	for id := range more {
		if all[id] != nil {
			return nil, fmt.Errorf("context %s is fixed", id)
		}
	}
	maps.Copy(all, more)
	l := library{}
	for id, text := range all {
		if u, err := url.Parse(id); err != nil || u.Scheme == "" || strings.ContainsAny(id, " \t\n") {
			return nil, fmt.Errorf("context %q: want a URL", id)
		}
		var doc map[string]any
		if err := credentials.DecodeStrict(text, &doc); err != nil {
			return nil, fmt.Errorf("context %s: %w", id, err)
		}
		if doc["@context"] == nil {
			return nil, fmt.Errorf("context %s: it has no member @context", id)
		}
		l[id] = doc
	}
	return l, nil
}

// LoadDocument implements ld.DocumentLoader without a network.
func (l library) LoadDocument(id string) (*ld.RemoteDocument, error) {
	doc, ok := l[id]
	if !ok {
		return nil, ld.NewJsonLdError(ld.LoadingRemoteContextFailed, errors.New("the context is not one of this program's"))
	}
	return &ld.RemoteDocument{DocumentURL: id, Document: ld.CloneDocument(doc)}, nil
}

// Loader finds these contexts and the program's own, without a network: for
// credentials/aries, whose library reads JSON-LD too.
func Loader(more map[string][]byte) (ld.DocumentLoader, error) {
	l, err := newLibrary(more)
	if err != nil {
		return nil, fmt.Errorf("load contexts: %w", err)
	}
	return l, nil
}

// OurContextFile is the name under which doors hand our context out.
const OurContextFile = "countersign-1.jsonld"

// OurContext is the text of the context that documents name credentials.ContextID.
func OurContext() []byte { return slices.Clone(contextOurs) }
