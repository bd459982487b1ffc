package board

import (
	"net/http"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
)

// webDocument is what the board says of itself at its own address: its keys,
// those that were handed over too, and where its services are. There is none
// where the address cannot be a did:web. It helps to find the board; what its
// keys are, and when they were, the ledger says, and whoever reads both compares
// them.
func (b *Board) webDocument() (*credentials.PublicDocument, error) {
	kids, keys, err := b.publicKeys()
	if err != nil {
		return nil, err
	}
	d, err := credentials.NewPublicDocument(b.URL, b.did, kids, keys)
	if err != nil {
		return nil, err
	}
	d.Serve("door", client.ServiceDoor, b.URL)
	d.Serve("feed", client.ServiceFeed, b.URL+"/feed")
	d.Serve("status", client.ServiceStatus, b.URL+"/status")
	return d, nil
}

// publicKeys are those that the ledger has of the board; its own of today where
// the ledger is not asked.
func (b *Board) publicKeys() (kids []string, keys []credentials.Key, err error) {
	if b.PartyKeys != nil {
		all, err := b.PartyKeys(b.did)
		for _, k := range all {
			kids, keys = append(kids, k.KeyID), append(keys, k.Key)
		}
		return kids, keys, err
	}
	_, multikey, err := credentials.ParseKeyID(b.signer.KeyID())
	if err != nil {
		return nil, nil, err
	}
	k, err := credentials.ParseKey(multikey)
	return []string{b.signer.KeyID()}, []credentials.Key{k}, err
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
	if _, err := credentials.WebDID(b.URL); err != nil {
		return answer{}, refuse(http.StatusNotFound, "%v", err)
	}
	doc, err := b.webDocument()
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, body: doc, media: credentials.MediaDIDDocument, maxAge: webMaxAge}, nil
}
