package vcalm

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/integrity"
	"github.com/countersign-health/countersign/ledger"
)

const (
	presentationType = "VerifiablePresentation"
	contextV2        = "https://www.w3.org/ns/credentials/v2"
	// presentationLife is how old a presentation may be.
	presentationLife = 5 * time.Minute
	maxPresented     = 32
)

// A Presented is the answer to a presentation that holds.
type Presented struct {
	Verified bool            `json:"verified"` // always true
	Holder   credentials.DID `json:"holder,omitempty"`
	// Credentials are those in it, in their sequence.
	Credentials []Verified `json:"credentialResults"`
	Warnings    []string   `json:"warnings"`
}

const warnUnsigned = "nobody has signed the presentation: it says of no holder that they have shown it"

func (h *House) verifyPresentation(r *http.Request, q request) (any, error) {
	var o map[string]json.RawMessage
	raw := q.members["verifiablePresentation"]
	if json.Unmarshal(raw, &o) != nil {
		return nil, malformed("at /verifiablePresentation: want a JSON object")
	}
	var want *credentials.Presentation
	var err error
	signed := o["proof"] != nil || only(o["type"], envelopedPresentation)
	if signed || q.options.challenge != "" {
		if want, err = h.expected(q); err != nil {
			return nil, err
		}
	}
	return h.presentation(r.Context(), raw, o, want)
}

// presentation judges one as it was parsed, for what it has to be bound to.
func (h *House) presentation(ctx context.Context, raw []byte, o map[string]json.RawMessage, want *credentials.Presentation) (_ *Presented, err error) {
	signed := o["proof"] != nil || only(o["type"], envelopedPresentation)
	if signed != (want != nil) {
		return nil, refused(credentials.VerdictOf(credentials.Refuse(credentials.CheckBinding, "a challenge is answered by who signs the presentation, and by nobody else")))
	}
	a := &Presented{Verified: true, Credentials: []Verified{}, Warnings: []string{}}
	var all []shown
	switch {
	case !signed:
		a.Warnings = append(a.Warnings, warnUnsigned)
		all, err = unsigned(o)
	case o["proof"] != nil:
		a.Holder, all, err = h.linked(raw, want)
	default:
		a.Holder, all, err = h.enveloped(o, want)
	}
	if err != nil {
		return nil, refusedBy(ctx, err)
	}
	return a, h.judgeAll(ctx, a, all, want)
}

// judgeAll wants every credential to hold. Of several that do not, one that is
// bad is the answer.
func (h *House) judgeAll(ctx context.Context, a *Presented, all []shown, want *credentials.Presentation) (first error) {
	for _, s := range all {
		var bound *credentials.Presentation
		if s.form == FormSDJWT {
			bound = want
			if want == nil {
				return refused(credentials.VerdictOf(credentials.Refuse(credentials.CheckBinding, "an SD-JWT is presented for a challenge")))
			}
		}
		v, err := h.judge(ctx, s, bound, a.Holder)
		var no *Refused
		switch {
		case err == nil:
			a.Credentials = append(a.Credentials, v)
		case errors.As(err, &no) && no.Status == http.StatusUnprocessableEntity:
			return err
		case first == nil:
			first = err
		}
	}
	return first
}

// enveloped reads a vp+jwt.
func (h *House) enveloped(o map[string]json.RawMessage, want *credentials.Presentation) (holder credentials.DID, all []shown, err error) {
	id, err := dataURL(o)
	if err != nil {
		return "", nil, err
	}
	token, ok := strings.CutPrefix(id, dataVP)
	if !ok {
		return "", nil, credentials.Refuse(credentials.CheckForm, "at /id: want %s and a token", dataVP)
	}
	policy := credentials.Policy{Now: h.Now(), Leeway: leeway, Keys: h.holderKey, Presented: want}
	holder, v := credentials.JudgePresentation(token, policy, func(token string, _ credentials.DID) credentials.Verdict {
		all = append(all, shown{FormJWT, []byte(token)}) // judged below, as in any other presentation
		return credentials.Verdict{Outcome: credentials.Good}
	})
	return holder, all, v.Err()
}

// linked reads a presentation under a Data Integrity proof.
func (h *House) linked(raw []byte, want *credentials.Presentation) (holder credentials.DID, all []shown, err error) {
	d, err := integrity.Open(raw, suites, integrity.Expect{Purpose: integrity.Authentication, Challenge: want.Challenge, Domain: want.Domain}, h.holderKey)
	if err != nil {
		return "", nil, err
	}
	until := d.Created.Add(presentationLife)
	if !d.Expires.IsZero() && d.Expires.Before(until) {
		until = d.Expires
	}
	shownBy := &credentials.Presentation{Holder: d.Signer, Challenge: d.Challenge, Domain: d.Domain}
	v := credentials.Policy{Now: h.Now(), Leeway: leeway, Position: credentials.Latest, Status: credentials.StatusElsewhere, Presented: want,
		Issuer: func(credentials.DID, credentials.Kind, string) error { return nil }, // anybody may hold
	}.Judge(&credentials.Envelope{Issuer: d.Signer, KeyID: d.KeyID, Key: d.Key, From: d.Created, Until: &until, Presented: shownBy})
	if !v.IsGood() {
		return "", nil, v.Err()
	}
	var o map[string]json.RawMessage
	if err := json.Unmarshal(d.Payload, &o); err != nil {
		return "", nil, err
	}
	all, err = unsigned(o)
	return d.Signer, all, err
}

// unsigned reads the members of a presentation without its proof.
func unsigned(o map[string]json.RawMessage) (all []shown, err error) {
	var contexts []string
	if json.Unmarshal(o["@context"], &contexts) != nil || len(contexts) == 0 || contexts[0] != contextV2 ||
		slices.ContainsFunc(contexts[1:], func(s string) bool { return s != credentials.ContextID }) {
		return nil, credentials.Refuse(credentials.CheckContent, "at /@context: want %s first, and behind it ours alone", contextV2)
	}
	for name := range o {
		if !slices.Contains([]string{"@context", "id", "type", "holder", "verifiableCredential", "proof"}, name) {
			return nil, credentials.Refuse(credentials.CheckContent, "the presentation has a member that is not defined")
		}
	}
	if !only(o["type"], presentationType) {
		return nil, credentials.Refuse(credentials.CheckKind, "at /type: want %s", presentationType)
	}
	var list []json.RawMessage
	if json.Unmarshal(o["verifiableCredential"], &list) != nil {
		list = []json.RawMessage{o["verifiableCredential"]} // one need not stand in a list
	}
	if len(list) == 0 || len(list) > maxPresented {
		return nil, credentials.Refuse(credentials.CheckContent, "at /verifiableCredential: want 1 to %d credentials", maxPresented)
	}
	for _, raw := range list {
		s, err := recognize(raw)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// holderKey finds the key of a holder: a participant's, as the ledger has it, or
// anybody's did:key.
func (h *House) holderKey(kid string) (credentials.Key, error) {
	key, _, err := h.Whose(kid)
	if errors.Is(err, ledger.ErrUnknownIssuer) {
		return credentials.ResolveDIDKey(kid)
	}
	return key, err
}
