package gateway

import (
	"encoding/json"
	"net/http"

	"github.com/countersign-health/countersign/credentials"
)

// ServiceGateway is the type of the service in an insurer's DID document that is
// its gateway.
const ServiceGateway = "CountersignGateway"

// web serves the insurer's DID document, at the place that its address gives it
// (did:web): its keys, those that were handed over too. Whose keys they are, and
// when they were, the ledger says.
func (g *Gateway) web(w http.ResponseWriter, r *http.Request) {
	doc, err := g.webDocument()
	if err != nil {
		g.answer(w, r, nil, err)
		return
	}
	b, err := json.Marshal(doc)
	if err != nil {
		g.answer(w, r, nil, err)
		return
	}
	w.Header().Set("Content-Type", credentials.MediaDIDDocument)
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Write(b)
}

func (g *Gateway) webDocument() (*credentials.PublicDocument, error) {
	if g.PartyKeys == nil || g.URL == "" {
		return nil, refuse(http.StatusNotFound, "this gateway does not know its own address (insurer.url)")
	}
	if _, err := credentials.WebDID(g.URL); err != nil {
		return nil, refuse(http.StatusNotFound, "%v", err)
	}
	all, err := g.PartyKeys(g.Insurer)
	if err != nil {
		return nil, err
	}
	var kids []string
	var keys []credentials.Key
	for _, k := range all {
		kids, keys = append(kids, k.KeyID), append(keys, k.Key)
	}
	d, err := credentials.NewPublicDocument(g.URL, g.Insurer, kids, keys)
	if err != nil {
		return nil, err
	}
	d.Serve("gateway", ServiceGateway, g.URL)
	return d, nil
}
