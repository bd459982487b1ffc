package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// Where a board's door takes a clerk's requests in the words of the W3C's VC API.
const (
	IssuePath  = "/vc/credentials/issue"
	StatusPath = "/vc/credentials/status"
)

// An Issuing is a request for a license in the words of the VC API. The board
// gives handle, dates, status and salt; whoever names them is refused.
type Issuing struct {
	Credential struct {
		Context []string        `json:"@context"`
		Type    []string        `json:"type"`
		Issuer  credentials.DID `json:"issuer,omitempty"`
		Subject Application     `json:"credentialSubject"`
	} `json:"credential"`
	// Options may hold what other issuers understand; ours are Type, Cryptosuite
	// and Withhold.
	Options map[string]json.RawMessage `json:"options,omitempty"`
}

// ErrKind says that the board issues no such credential.
var ErrKind = errors.New("at /credential/type: this board issues a LicenseCredential; orders are made by " + StatusPath)

// ParseIssuing reads a request as strictly as the board's own: no term that is
// not defined, no context that gives terms a meaning of their own.
func ParseIssuing(body []byte) (*Issuing, error) {
	var i Issuing
	if err := credentials.DecodeStrict(body, &i); err != nil {
		return nil, err
	}
	c := i.Credential
	if len(c.Context) == 0 || c.Context[0] != "https://www.w3.org/ns/credentials/v2" ||
		slices.ContainsFunc(c.Context[1:], func(s string) bool { return s != credentials.ContextID }) {
		return nil, errors.New("at /credential/@context: want https://www.w3.org/ns/credentials/v2 first, and behind it " + credentials.ContextID + " alone")
	}
	if !slices.Equal(c.Type, []string{"VerifiableCredential", string(credentials.KindLicense)}) {
		return nil, ErrKind
	}
	return &i, nil
}

// A StatusRequest is a request for another status in the words of the VC API. A
// status is never changed but by an order, of which it has to say the rest.
type StatusRequest struct {
	Credential credentials.URN `json:"credentialId"`
	Entry      struct {
		Type    string `json:"type"`
		Purpose string `json:"statusPurpose"`
		// The rest is what the credential says itself.
		ID    string `json:"id,omitempty"`
		Index string `json:"statusListIndex,omitempty"`
		List  string `json:"statusListCredential,omitempty"`
	} `json:"credentialStatus"`
	Status    bool   `json:"status"`
	Allocator string `json:"indexAllocator,omitempty"`
	Order     *struct {
		Effective time.Time            `json:"effective"`
		Reason    string               `json:"reason"`
		Until     credentials.Date     `json:"until,omitempty"`
		Upon      []credentials.Handle `json:"upon,omitempty"`
	} `json:"order,omitempty"`
}

// ParseStatus reads a request, and says which order upon which license it is.
func ParseStatus(body []byte) (license credentials.Handle, o OrderRequest, err error) {
	var s StatusRequest
	if err := credentials.DecodeStrict(body, &s); err != nil {
		return license, o, err
	}
	if s.Entry.Type != "BitstringStatusListEntry" {
		return license, o, errors.New("at /credentialStatus/type: want BitstringStatusListEntry")
	}
	if s.Order == nil || s.Order.Reason == "" || s.Order.Effective.IsZero() {
		return license, o, errors.New(`at /order: a status changes by a board's order alone: want {"effective": TIME, "reason": CODE}`)
	}
	o = OrderRequest{Effective: s.Order.Effective, Reason: s.Order.Reason, Until: s.Order.Until, Upon: s.Order.Upon}
	switch purpose := s.Entry.Purpose; {
	case purpose == "revocation" && s.Status:
		o.Action = credentials.OrderRevoke
	case purpose == "revocation":
		return license, o, errors.New("at /status: a revocation is not taken back; one that was ordered in error is voided, by POST /licenses/HANDLE/orders")
	case purpose == "suspension" && s.Status:
		o.Action = credentials.OrderSuspend
	case purpose == "suspension":
		o.Action = credentials.OrderReinstate
	default:
		return license, o, errors.New("at /credentialStatus/statusPurpose: want revocation or suspension")
	}
	return s.Credential.Handle(), o, nil
}

// FormOf is in which form a request wants its license: "jwt", "jcs", "rdfc" or
// "sd-jwt", and what the holder of the last may withhold.
func (i *Issuing) FormOf() (form string, withhold []string, err error) {
	var kind, suite string
	for name, to := range map[string]any{"type": &kind, "cryptosuite": &suite, "withhold": &withhold} {
		if raw, ok := i.Options[name]; ok && json.Unmarshal(raw, to) != nil {
			return "", nil, fmt.Errorf("at /options/%s: it is of another type", name)
		}
	}
	switch {
	case suite == "eddsa-jcs-2022" && (kind == "" || kind == "DataIntegrityProof"):
		form = "jcs"
	case suite == "eddsa-rdfc-2022" && (kind == "" || kind == "DataIntegrityProof"):
		form = "rdfc"
	case suite != "" || kind == "DataIntegrityProof":
		return "", nil, errors.New("at /options/cryptosuite: want eddsa-jcs-2022 or eddsa-rdfc-2022")
	case kind == "" || kind == "vc+jwt":
		form = "jwt"
	case kind == "vc+sd-jwt":
		form = "sd-jwt"
	default:
		return "", nil, errors.New("at /options/type: want DataIntegrityProof, vc+jwt or vc+sd-jwt")
	}
	if len(withhold) > 0 && form != "sd-jwt" || len(withhold) > 16 {
		return "", nil, errors.New("at /options/withhold: only of a vc+sd-jwt is something withheld, at most 16 members")
	}
	return form, withhold, nil
}

// fromVC reads what was asked for in the words of the VC API; false where it
// was not.
func (r *asked) fromVC(body []byte) (bool, error) {
	switch {
	case strings.HasSuffix(r.path, IssuePath):
		i, err := ParseIssuing(body)
		if err == nil {
			r.license = &i.Credential.Subject
		}
		return true, err
	case strings.HasSuffix(r.path, StatusPath):
		license, o, err := ParseStatus(body)
		r.order, r.upon = &o, license
		return true, err
	}
	return false, nil
}
