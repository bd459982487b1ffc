package aries

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hyperledger/aries-framework-go/pkg/doc/ldcontext/embed"
	"github.com/hyperledger/aries-framework-go/pkg/doc/signature/jsonld"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/integrity"
	"github.com/countersign-health/countersign/credentials/rdfc"
)

// An Importer reads credentials of data model 1.1, as others issued them before
// 2.0: as a JWT with a vc claim (EdDSA, ES256), or as JSON-LD under an
// Ed25519Signature2020. Nothing of ours is issued that way.
//
// aries' parser takes unsigned, expired and foreign documents for valid ones, so
// it is not asked. Its signature check is, of a document whose form was checked
// here before, for the one key that is its issuer's; and its yes counts only
// where our own check of the same bytes agrees.
type Importer struct {
	suite  integrity.Suite
	loader jsonld.ProcessorOpts
}

const (
	contextV1      = "https://www.w3.org/2018/credentials/v1"
	contextEd25519 = "https://w3id.org/security/suites/ed25519-2020/v1"

	baseType    = "VerifiableCredential"
	maxImported = 1 << 20
)

// NewImporter knows the contexts of data model 1.1 and of Ed25519Signature2020,
// and those of rdfc. What the subjects of a board's credentials mean takes that
// board's own contexts, by their URLs; see rdfc.WithContexts.
func NewImporter(more map[string][]byte) (*Importer, error) {
	all := map[string][]byte{}
	for id, text := range more {
		all[id] = text
	}
	for _, doc := range embed.Contexts {
		if doc.URL != contextV1 && doc.URL != contextEd25519 {
			continue
		}
		if all[doc.URL] != nil {
			return nil, fmt.Errorf("import credentials: context %s is fixed", doc.URL)
		}
		all[doc.URL] = doc.Content
	}
	suite, err := rdfc.WithContexts(all)
	if err != nil {
		return nil, fmt.Errorf("import credentials: %w", err)
	}
	loader, err := rdfc.Loader(all)
	if err != nil {
		return nil, fmt.Errorf("import credentials: %w", err)
	}
	return &Importer{suite, jsonld.WithDocumentLoader(loader)}, nil
}

// An Imported credential was signed by its issuer.
type Imported struct {
	// Envelope has the first of Types beside VerifiableCredential as its kind, and
	// a handle made of the digest of what was signed. It names no jurisdiction:
	// where a subject has it, and what it means, the issuer's context says.
	Envelope *credentials.Envelope
	ID       string   // "" where it has none
	Types    []string // sorted: nobody signs the order of types in JSON-LD
	// Subject as it stands there. In JSON-LD a value and a list of it alone say
	// the same, and a list has no order unless its term gives it one.
	Subject map[string]any
	// ForeignStatus says that it names a status list of a kind that is not read.
	ForeignStatus bool
}

// Judge is credentials.Judge for a credential of data model 1.1. What names a
// status list that is not read is unknown, unless the policy looks elsewhere.
func (i *Importer) Judge(document []byte, p credentials.Policy) (*Imported, credentials.Verdict) {
	if p.Keys == nil {
		return nil, credentials.VerdictOf(credentials.Lack(credentials.CheckKey, "nothing was given to find keys with"))
	}
	got, err := i.Prove(document, p.Keys)
	if err != nil {
		return nil, credentials.VerdictOf(err)
	}
	if got.ForeignStatus && p.Status != credentials.StatusElsewhere {
		used := p.Replayed
		p.Replayed = nil // what stays unknown was not used
		if v := p.Judge(got.Envelope); v.Outcome == credentials.Bad && v.Check != credentials.CheckStatus {
			return got, v
		}
		p.Replayed = used
		return got, credentials.VerdictOf(credentials.Lack(credentials.CheckStatus, "its status list is of a kind that is not read"))
	}
	return got, p.Judge(got.Envelope)
}

// Prove checks form and signature, and that the key is one of the issuer's. It
// is silent on dates and status, which stand in the envelope for Policy.Judge.
func (i *Importer) Prove(document []byte, keys credentials.ResolveKey) (*Imported, error) {
	if len(document) > maxImported {
		return nil, fmt.Errorf("import credential: %w", credentials.Refuse(credentials.CheckSize,
			"it has %d bytes: the most is %d", len(document), maxImported))
	}
	var got *Imported
	var err error
	if len(document) > 0 && document[0] == '{' {
		got, err = i.linked(document, keys)
	} else {
		got, err = i.token(string(document), keys)
	}
	if err != nil {
		return nil, fmt.Errorf("import credential: %w", err)
	}
	return got, nil
}

// asked calls aries. What is known to make it panic was refused before; this is
// the last net.
func asked(check func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = credentials.Refuse(credentials.CheckForm, "the document is malformed")
		}
	}()
	if check() != nil { // its words may quote the document
		return credentials.Refuse(credentials.CheckSignature, "its signature does not verify")
	}
	return nil
}

// read takes the members of a credential out of its JSON. Names are compared
// exactly, for encoding/json would fold their case.
func read(vc map[string]any) (*Imported, error) {
	got := &Imported{Envelope: &credentials.Envelope{}}
	bad := func(where, want string) (*Imported, error) {
		return nil, credentials.Refuse(credentials.CheckContent, "at /%s: want %s", where, want)
	}
	contexts, ok := texts(vc["@context"])
	if !ok || len(contexts) == 0 || contexts[0] != contextV1 {
		return bad("@context", contextV1+" and other URLs")
	}
	if got.Types, ok = texts(vc["type"]); !ok || !slices.Contains(got.Types, baseType) {
		return bad("type", baseType+" among others")
	}
	slices.Sort(got.Types)
	got.Envelope.Kind = baseType
	if j := slices.IndexFunc(got.Types, func(t string) bool { return t != baseType }); j >= 0 {
		got.Envelope.Kind = credentials.Kind(got.Types[j])
	}
	if got.ID, ok = vc["id"].(string); !ok && vc["id"] != nil {
		return bad("id", "a URL")
	}
	if got.Subject, ok = vc["credentialSubject"].(map[string]any); !ok {
		return bad("credentialSubject", "one object")
	}
	var err error
	if got.Envelope.From, err = moment(vc["issuanceDate"]); err != nil {
		return bad("issuanceDate", "a time such as 2026-01-31T12:00:00Z")
	}
	if until, err := moment(vc["expirationDate"]); err != nil {
		return bad("expirationDate", "a time such as 2026-01-31T12:00:00Z")
	} else if !until.IsZero() {
		got.Envelope.Until = &until
	}
	return got, got.status(vc["credentialStatus"])
}

// issuerOf reads a DID, or an object with one as its id; "" where there is none.
func issuerOf(v any) (credentials.DID, error) {
	if o, ok := v.(map[string]any); ok {
		v = o["id"]
	}
	if v == nil {
		return "", nil
	}
	id, _ := v.(string)
	did, err := credentials.ParseDID(id)
	if err != nil {
		return "", credentials.Refuse(credentials.CheckContent, "at /issuer: %w", err)
	}
	return did, nil
}

func (got *Imported) status(v any) error {
	if v == nil {
		return nil
	}
	b, _ := json.Marshal(v) // it was decoded from JSON
	var entry struct {
		ID string `json:"id"`
		credentials.StatusEntry
	}
	if credentials.DecodeStrict(b, &entry) != nil || entry.Type != "BitstringStatusListEntry" || entry.Purpose != credentials.PurposeRevocation {
		got.ForeignStatus = true
		return nil
	}
	if _, err := entry.Place(); err != nil {
		return credentials.Refuse(credentials.CheckContent, "at /credentialStatus: %w", err)
	}
	got.Envelope.Status = []credentials.StatusEntry{entry.StatusEntry}
	return nil
}

// texts reads a text, or a list of texts.
func texts(v any) ([]string, bool) {
	if s, ok := v.(string); ok {
		return []string{s}, true
	}
	list, ok := v.([]any)
	var all []string
	for _, item := range list {
		s, isText := item.(string)
		ok = ok && isText
		all = append(all, s)
	}
	return all, ok
}

// moment reads a time; zero where there is none.
func moment(v any) (time.Time, error) {
	if v == nil {
		return time.Time{}, nil
	}
	s, _ := v.(string)
	t, _ := time.Parse(time.RFC3339, s) // zero where it is none
	if t.IsZero() || strings.Contains(s, ",") {
		return time.Time{}, errors.New("no time")
	}
	return t.UTC(), nil
}
