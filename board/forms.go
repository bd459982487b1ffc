package board

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/integrity"
	"github.com/countersign-health/countersign/credentials/rdfc"
	"github.com/countersign-health/countersign/credentials/sdjwt"
	"github.com/countersign-health/countersign/vcalm"
)

// withheld are the members of a license that its holder may leave out, where a
// clerk does not say which.
var withheld = []string{"/npi", "/name", "/number"}

// canForm says why a license cannot be handed out in a form.
func (b *Board) canForm(form string, holder credentials.DID) error {
	switch form {
	case vcalm.FormJWT:
	case vcalm.FormJCS, vcalm.FormRDFC:
		if b.signer.Algorithm() != credentials.EdDSA {
			return refuse(http.StatusUnprocessableEntity, "this board's key signs with %s, and Data Integrity wants EdDSA: ask for vc+jwt", b.signer.Algorithm())
		}
	case vcalm.FormSDJWT:
		if holder == "" {
			return refuse(http.StatusUnprocessableEntity, "an SD-JWT is bound to its holder's key: the subject needs holder and proof")
		}
	default:
		return refuse(http.StatusBadRequest, "form: want jwt, jcs or rdfc")
	}
	return nil
}

// formed is a license that the register holds in another form: the same words
// under another proof. Each form has its own; the ledger has the token's.
func (b *Board) formed(f client.File, form string, withhold []string) (any, error) {
	if form == vcalm.FormJWT {
		return enveloped(vcalm.FormJWT, f.License.Token), nil
	}
	var c credentials.Credential[credentials.License]
	if err := ownDocument(f.License.Token, &c); err != nil {
		return nil, err
	}
	switch form {
	case vcalm.FormJCS:
		signed, err := signLinked(b.signer, integrity.JCS, credentials.KindLicense, &c)
		return json.RawMessage(signed), err
	case vcalm.FormRDFC:
		signed, err := signLinked(b.signer, rdfc.Suite(), credentials.KindLicense, &c)
		return json.RawMessage(signed), err
	}
	key, err := credentials.ResolveDIDKey(string(c.Subject.Holder) + "#" + strings.TrimPrefix(string(c.Subject.Holder), "did:key:"))
	if err != nil {
		return nil, fmt.Errorf("holder's key: %w", err)
	}
	if len(withhold) == 0 {
		withhold = withheld
	}
	token, err := sdjwt.Issue(b.signer, key, sdjwt.Document[credentials.License]{
		Kind: credentials.KindLicense, Handle: c.Handle(), From: c.ValidFrom, Status: c.Status, Subject: c.Subject, Withhold: withhold})
	if err != nil {
		return nil, refuse(http.StatusUnprocessableEntity, "at /options/withhold: %v", err)
	}
	return enveloped(vcalm.FormSDJWT, token), nil
}

// enveloped is a token as the data model has it (section 4.13).
func enveloped(form, token string) map[string]string {
	media := map[string]string{vcalm.FormJWT: "vc+jwt", vcalm.FormSDJWT: "vc+sd-jwt"}[form]
	return map[string]string{"@context": "https://www.w3.org/ns/credentials/v2", "id": "data:application/" + media + "," + token, "type": "EnvelopedVerifiableCredential"}
}

// signLinked signs what a token says under a Data Integrity proof, of the same
// moment: the same again is the same again.
func signLinked[T any](s credentials.Signer, suite integrity.Suite, kind credentials.Kind, c *credentials.Credential[T]) ([]byte, error) {
	until := time.Time{}
	if c.ValidUntil != nil {
		until = *c.ValidUntil
	}
	draft, err := credentials.Draft(s, kind, c.Handle(), c.ValidFrom, until, c.Status, c.Subject)
	if err != nil {
		return nil, err
	}
	return integrity.Sign(s, suite, draft, integrity.Terms{Purpose: integrity.Assertion, Created: c.ValidFrom})
}

// ownDocument reads what the board itself signed; see ownSubject.
func ownDocument[T any](token string, c *credentials.Credential[T]) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return errors.New("read own document: not a token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return fmt.Errorf("read own document: %w", err)
	}
	if err := json.Unmarshal(payload, c); err != nil {
		return fmt.Errorf("read own document: %w", err)
	}
	return nil
}
