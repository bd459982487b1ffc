package board

import (
	"net/http"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
)

// A didDocument is what the board says of itself at its own address (DID Core
// 1.0, section 5; Multikey is of W3C Controlled Identifiers 1.0, section 2.2.2).
// It helps to find the board. What the board's key is, the ledger says, and
// whoever reads both compares them.
type didDocument struct {
	Context    []string             `json:"@context"`
	ID         credentials.DID      `json:"id"`
	AlsoKnown  []credentials.DID    `json:"alsoKnownAs"`
	Methods    []verificationMethod `json:"verificationMethod"`
	Assertions []string             `json:"assertionMethod"`
	Services   []service            `json:"service"`
}

type verificationMethod struct {
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	Controller credentials.DID `json:"controller"`
	Key        string          `json:"publicKeyMultibase"`
}

type service struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Endpoint string `json:"serviceEndpoint"`
}

// webDocument is the board's document. There is none where the board's address
// cannot be a did:web, or where its key id does not spell its key, as that of
// a did:key does, and of what followed it.
func (b *Board) webDocument() (*didDocument, error) {
	id, err := credentials.WebDID(b.URL)
	if err != nil {
		return nil, err
	}
	_, key, err := credentials.ParseKeyID(b.signer.KeyID())
	if err == nil {
		_, err = credentials.ParseMultikey(key)
	}
	if err != nil {
		return nil, err
	}
	kid := string(id) + "#" + key
	return &didDocument{
		Context: []string{"https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"},
		ID:      id, AlsoKnown: []credentials.DID{b.did},
		Methods:    []verificationMethod{{kid, "Multikey", id, key}},
		Assertions: []string{kid},
		Services: []service{
			{string(id) + "#door", client.ServiceDoor, b.URL},
			{string(id) + "#feed", client.ServiceFeed, b.URL + "/feed"},
			{string(id) + "#status", client.ServiceStatus, b.URL + "/status"},
		},
	}, nil
}

// webPath is where the door serves its document: a server's own lies in
// .well-known, a folder's in the folder.
func (b *Board) webPath() string {
	if b.folder == "" {
		return "/.well-known/did.json"
	}
	return "/did.json"
}

func (b *Board) getWeb(*http.Request, []byte) (answer, error) {
	doc, err := b.webDocument()
	if err != nil {
		return answer{}, refuse(http.StatusNotFound, "%v", err)
	}
	return answer{status: http.StatusOK, body: doc, media: "application/did+ld+json", maxAge: webMaxAge}, nil
}
