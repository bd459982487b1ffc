package vcalm

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/integrity"
	"github.com/countersign-health/countersign/credentials/rdfc"
	"github.com/countersign-health/countersign/credentials/sdjwt"
	"github.com/countersign-health/countersign/ledger"
)

// suites are those of Data Integrity that are taken.
var suites = []integrity.Suite{integrity.JCS, rdfc.Suite()}

// Verified is the answer to a credential that holds.
type Verified struct {
	Verified bool             `json:"verified"` // always true
	Kind     credentials.Kind `json:"kind"`
	Issuer   credentials.DID  `json:"issuer"`
	Form     string           `json:"form"`
	// Warnings are what a person should know of it all the same.
	Warnings []string `json:"warnings"`

	restrictions string // of a license
}

// The words for what holds, and is not all that somebody may want.
const (
	warnRestricted = "the license is limited by %s: a person has to hold the service against that"
	warnUnbound    = "it is bound to nobody's key: whoever has it can show it"
)

// The forms of a credential.
const (
	FormJWT   = "jwt"    // vc+jwt
	FormJCS   = "jcs"    // Data Integrity, eddsa-jcs-2022
	FormRDFC  = "rdfc"   // Data Integrity, eddsa-rdfc-2022
	FormSDJWT = "sd-jwt" // vc+sd-jwt with key binding
)

// Media types of what is enveloped (VC Data Model 2.0, section 4.13).
const (
	envelopedCredential   = "EnvelopedVerifiableCredential"
	envelopedPresentation = "EnvelopedVerifiablePresentation"
	dataJWT               = "data:application/vc+jwt,"
	dataSDJWT             = "data:application/vc+sd-jwt,"
	dataVP                = "data:application/vp+jwt,"
)

// A shown is a credential as it was handed in, not verified yet.
type shown struct {
	form string
	text []byte // a token, or the document with its proof
}

// recognize says in which form a value is.
func recognize(raw json.RawMessage) (s shown, err error) {
	var o map[string]json.RawMessage
	if json.Unmarshal(raw, &o) != nil {
		return s, credentials.Refuse(credentials.CheckForm, "want a credential: a JSON object")
	}
	if !only(o["type"], envelopedCredential) {
		if o["proof"] == nil {
			return s, credentials.Refuse(credentials.CheckForm, "it has no proof, and is no %s", envelopedCredential)
		}
		s = shown{FormJCS, raw}
		var p struct {
			Cryptosuite string `json:"cryptosuite"`
		}
		if json.Unmarshal(o["proof"], &p) == nil && p.Cryptosuite == suites[1].Name {
			s.form = FormRDFC
		}
		return s, nil
	}
	id, err := dataURL(o)
	if err != nil {
		return s, err
	}
	if token, ok := strings.CutPrefix(id, dataJWT); ok {
		return shown{FormJWT, []byte(token)}, nil
	}
	if token, ok := strings.CutPrefix(id, dataSDJWT); ok {
		return shown{FormSDJWT, []byte(token)}, nil
	}
	return s, credentials.Refuse(credentials.CheckForm, "at /id: want %s or %s and a token", dataJWT, dataSDJWT)
}

// dataURL is the id of an enveloped object, which has nothing else of its own.
func dataURL(o map[string]json.RawMessage) (id string, err error) {
	for name := range o {
		if name != "@context" && name != "id" && name != "type" {
			return "", credentials.Refuse(credentials.CheckContent, "an enveloped object has a context, an id and a type, and nothing else")
		}
	}
	// It has to define these terms (VC Data Model 2.0, section 4.13.1).
	if !only(o["@context"], contextV2) {
		return "", credentials.Refuse(credentials.CheckContent, "at /@context: want %s", contextV2)
	}
	if json.Unmarshal(o["id"], &id) != nil {
		return "", credentials.Refuse(credentials.CheckForm, "at /id: want a data: URL")
	}
	return id, nil
}

// only says whether a value is this text, by itself or alone in a list.
func only(raw json.RawMessage, want string) bool {
	var one string
	var all []string
	if json.Unmarshal(raw, &one) == nil {
		return one == want
	}
	return json.Unmarshal(raw, &all) == nil && len(all) == 1 && all[0] == want
}

// A proved is a credential whose proof holds.
type proved struct {
	*credentials.Envelope
	subject any
	digest  credentials.Digest // of a vc+jwt
}

// provers are the kinds that are verified here: of each, its own members alone.
// The head of a feed is checked with its page, by who follows it.
var provers = map[credentials.Kind]func(shown, credentials.ResolveKey) (proved, error){
	credentials.KindLicense:                 proverOf[credentials.License](credentials.KindLicense),
	credentials.KindBoardOrder:              proverOf[credentials.Order](credentials.KindBoardOrder),
	credentials.KindStatusList:              proverOf[credentials.StatusListSubject](credentials.KindStatusList),
	credentials.KindStandingAnswer:          proverOf[credentials.StandingAnswer](credentials.KindStandingAnswer),
	credentials.KindClaimSubmission:         proverOf[claims.Submission](credentials.KindClaimSubmission),
	credentials.KindAuthorizationSubmission: proverOf[claims.AuthorizationSubmission](credentials.KindAuthorizationSubmission),
	credentials.KindClaimDecision:           proverOf[claims.ClaimDecisionDocument](credentials.KindClaimDecision),
	credentials.KindAuthorizationDecision:   proverOf[claims.AuthorizationDecisionDocument](credentials.KindAuthorizationDecision),
	credentials.KindReviewDetermination:     proverOf[claims.Determination](credentials.KindReviewDetermination),
	credentials.KindClaimAppeal:             proverOf[claims.Appeal](credentials.KindClaimAppeal),
	credentials.KindSubmissionLetter:        proverOf[claims.Letter](credentials.KindSubmissionLetter),
	credentials.KindEstimateRequest:         proverOf[claims.Submission](credentials.KindEstimateRequest),
	credentials.KindClaimEstimate:           proverOf[claims.ClaimEstimate](credentials.KindClaimEstimate),
}

func proverOf[T any](kind credentials.Kind) func(shown, credentials.ResolveKey) (proved, error) {
	return func(s shown, keys credentials.ResolveKey) (p proved, err error) {
		var c *credentials.Credential[T]
		switch s.form {
		case FormJWT:
			c, p.Envelope, err = credentials.Prove[T](string(s.text), kind, keys)
			p.digest = credentials.DocumentDigest(string(s.text))
		default:
			c, p.Envelope, err = integrity.Prove[T](s.text, kind, suites, keys)
		}
		if err == nil {
			p.subject = c.Subject
		}
		return p, err
	}
}

// kindOf reads what a credential says that it is, before anything is verified.
func kindOf(s shown) (credentials.Kind, error) {
	if s.form == FormJWT {
		kind, _, _, err := credentials.Peek(string(s.text))
		if err != nil {
			return "", credentials.Refuse(credentials.CheckForm, "%w", err)
		}
		return kind, nil
	}
	var doc struct {
		Type []string `json:"type"`
	}
	if json.Unmarshal(s.text, &doc) != nil || len(doc.Type) != 2 {
		return "", credentials.Refuse(credentials.CheckKind, "at /type: want VerifiableCredential and one kind")
	}
	kind, err := credentials.ParseKind(doc.Type[1])
	if err != nil {
		return "", credentials.Refuse(credentials.CheckKind, "at /type/1: this kind is not known here")
	}
	return kind, nil
}

func (h *House) prove(s shown) (p proved, err error) {
	keys := func(kid string) (credentials.Key, error) {
		key, _, err := h.Whose(kid)
		return key, err
	}
	if s.form == FormSDJWT {
		shown, err := sdjwt.Prove(string(s.text), credentials.KindLicense, keys)
		if err != nil {
			return p, err
		}
		if age := h.Now().Sub(shown.Bound); age > presentationLife+leeway || age < -leeway {
			return p, credentials.Refuse(credentials.CheckBinding, "its holder signed more than %s ago, or in the future", presentationLife)
		}
		return proved{Envelope: shown.Envelope}, nil
	}
	kind, err := kindOf(s)
	if err != nil {
		return p, err
	}
	prover := provers[kind]
	if prover == nil {
		return p, credentials.Refuse(credentials.CheckKind, "a %s is not verified here", kind)
	}
	return prover(s, keys)
}

// judge says whether the house would act on a credential now. Holder is who
// presents it, "" where nobody does.
func (h *House) judge(ctx context.Context, s shown, want *credentials.Presentation, holder credentials.DID) (Verified, error) {
	p, err := h.prove(s)
	if err != nil {
		return Verified{}, refusedBy(ctx, err)
	}
	policy := credentials.Policy{
		Now: h.Now(), Leeway: leeway, Issuer: h.issuer(p.KeyID), Status: credentials.StatusIfNamed, Presented: want,
	}
	if policy.Position, err = h.Place(ctx, p.Envelope, p.digest); err != nil {
		return Verified{}, err
	}
	if h.List != nil {
		policy.List = func(issuer credentials.DID, entry credentials.StatusEntry) (*credentials.SignedList, error) {
			return h.List(ctx, issuer, entry)
		}
	}
	if p.Kind == credentials.KindLicense && (h.List == nil || h.OrdersAlone) {
		policy.Status = credentials.StatusElsewhere // by the orders, below
	} else if h.ListsSince != nil {
		if policy.ListsSince, err = h.ListsSince(ctx, p.Envelope); err != nil {
			return Verified{}, err
		}
	}
	if v := policy.Judge(p.Envelope); !v.IsGood() {
		if v.Outcome != credentials.Bad && v.Check == credentials.CheckStatus && p.Kind == credentials.KindLicense {
			// What an order says counts, whether its list was to be had or not.
			if _, _, err := h.license(ctx, p, holder); credentials.VerdictOf(err).Outcome == credentials.Bad {
				return Verified{}, refusedBy(ctx, err)
			}
		}
		return Verified{}, h.over(ctx, p, v)
	}
	a := Verified{Verified: true, Kind: p.Kind, Issuer: p.Issuer, Form: s.form, Warnings: []string{}}
	if p.Kind == credentials.KindLicense {
		if a.Warnings, a.restrictions, err = h.license(ctx, p, holder); err != nil {
			return Verified{}, refusedBy(ctx, err)
		}
	}
	return a, nil
}

// over refuses what is not good. Of a decision that another one has followed it
// says which: whoever shows it may know.
func (h *House) over(ctx context.Context, p proved, v credentials.Verdict) error {
	if v.Outcome != credentials.Bad || v.Check != credentials.CheckStatus || v.Message == "" || p.Kind == credentials.KindLicense {
		return refused(v)
	}
	v.Why = "its issuer says that it is " + v.Message
	var next credentials.Handle
	if h.FollowedBy != nil {
		var err error
		if next, err = h.FollowedBy(ctx, p.Envelope, p.digest); err != nil {
			return err
		}
	}
	if !next.IsZero() {
		v.Why += ": " + next.String() + " has taken its place"
	}
	no := refused(v)
	no.SupersededBy = next
	return no
}

// refusedBy makes an answer of an error that carries a verdict. An error that
// carries none is the house's own trouble.
func refusedBy(ctx context.Context, err error) error {
	if v := credentials.VerdictOf(err); v.Check != "" && ctx.Err() == nil {
		return refused(v)
	}
	return err
}

// issuer accepts participants for what their role signs.
func (h *House) issuer(kid string) func(credentials.DID, credentials.Kind, string) error {
	return func(who credentials.DID, kind credentials.Kind, jurisdiction string) error {
		_, party, err := h.Whose(kid)
		if err != nil {
			return err
		}
		if party.DID != who {
			return credentials.Refuse(credentials.CheckIssuer, "another party than its issuer has signed it")
		}
		return ledger.MaySign(party, kind, jurisdiction)
	}
}

// license asks what became of a license since it was issued.
func (h *House) license(ctx context.Context, p proved, holder credentials.DID) (warnings []string, restrictions string, err error) {
	l, _ := p.subject.(credentials.License) // of an SD-JWT, only the handle is sure to be there
	l.Handle = p.Handle
	if p.Presented != nil {
		holder = p.Presented.Holder
	}
	now, err := h.License(ctx, p.Envelope, l)
	if err != nil {
		return nil, "", err
	}
	switch s := now.Standing; s.Answer {
	case credentials.May:
		warnings = []string{}
	case credentials.MayRestricted:
		restrictions = strings.ReplaceAll(s.Restrictions, " ", ", ")
		warnings = []string{strings.ReplaceAll(warnRestricted, "%s", restrictions)}
	case credentials.MayNot:
		return nil, "", credentials.Refuse(credentials.CheckStatus, "it does not count today: %s", s.Reason)
	default:
		return nil, "", credentials.Lack(credentials.CheckStatus, "what became of it is not known: %s", s.Reason)
	}
	switch {
	case holder == "":
	case now.Holder == "":
		warnings = append(warnings, warnUnbound)
	case now.Holder != holder:
		return nil, "", credentials.Refuse(credentials.CheckBinding, "another presents it than the clinician to whose key it is bound")
	}
	return warnings, restrictions, nil
}

func (h *House) verifyCredential(r *http.Request, q request) (any, error) {
	s, err := recognize(q.members["verifiableCredential"])
	if err != nil {
		return nil, refused(credentials.VerdictOf(err))
	}
	var want *credentials.Presentation
	if q.options.challenge != "" || s.form == FormSDJWT {
		if want, err = h.expected(q); err != nil {
			return nil, err
		}
	}
	if want != nil && s.form != FormSDJWT {
		return nil, malformed("at /options/challenge: only an SD-JWT is presented by itself; present others in a presentation")
	}
	a, err := h.judge(r.Context(), s, want, "")
	if err != nil {
		return nil, err
	}
	return a, nil
}
