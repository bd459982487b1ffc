package dossier

import (
	"path"
	"strings"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/pricing"
	"github.com/countersign-health/countersign/claims/promptpay"
	"github.com/countersign-health/countersign/claims/terms"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// clockSkew is how far the clock of an issuer may run ahead of the witnesses'.
const clockSkew = 5 * time.Minute

// A document is a signed document that has passed its own check.
type document[T any] struct {
	name    string
	token   string
	issuer  credentials.DID
	status  []credentials.StatusEntry
	from    time.Time
	subject T
	entry   *recorded // nil for what does not stand on the ledger
}

// open checks a signed document: one token and a line feed, the signature by
// an admitted key, the issuer's role, and that it is what the file's name says.
// A kind that stands on the ledger needs its entry and receipt.
func open[T any](v *verifier, name string, kind credentials.Kind, entry ledger.Kind) (credentials.Handle, *document[T], error) {
	h, err := handleOf(name)
	if err != nil {
		return h, nil, err
	}
	d, got, err := signed[T](v, name, kind)
	if err != nil {
		return h, nil, err
	}
	if got != h {
		return h, nil, found(checkName, "it is the document %s", got)
	}
	if entry == 0 {
		return h, d, nil
	}
	if d.entry, err = v.entryOf(h); err != nil {
		return h, nil, err
	}
	return h, d, v.bind(d.entry, entry, d.token, d.issuer)
}

func signed[T any](v *verifier, name string, kind credentials.Kind) (*document[T], credentials.Handle, error) {
	token, ok := strings.CutSuffix(string(v.files[name]), "\n")
	if !ok {
		return nil, credentials.Handle{}, found(checkFormat, "it does not end in one line feed")
	}
	c, e, err := credentials.Prove[T](token, kind, v.registry.ResolveKey)
	if err != nil {
		return nil, credentials.Handle{}, found(checkSignature, "open %s: %v", kind, err)
	}
	if err := v.mayHold(e, credentials.DocumentDigest(token)); err != nil {
		return nil, e.Handle, err
	}
	return &document[T]{name: name, token: token, issuer: c.Issuer, status: c.Status, from: c.ValidFrom, subject: c.Subject}, e.Handle, nil
}

// mayHold asks whether the issuer might say this, there and then. A document that
// does not stand on the ledger has no time but its own: what holds it is the
// decision that names it. The orders in the dossier say what was revoked, and
// checkStatusList holds the lists against them.
func (v *verifier) mayHold(e *credentials.Envelope, digest credentials.Digest) error {
	p := credentials.Policy{
		Now: e.From, Leeway: clockSkew, Position: credentials.Whenever, Issuer: v.registry.Issuer, Status: credentials.StatusElsewhere,
	}
	if r := v.entries[e.Handle]; r != nil {
		p.Position = ledger.PlaceOf(r.proof.Index, r.entry, e.KeyID)
		if !ledger.DatedByPlace(e.Kind) {
			p.Now = r.proof.Known
		}
	} else if e.Key.BadFrom != 0 {
		if entry := fileOf(Entries, e.Handle); v.failed[entry] != nil {
			return v.need("its ledger entry", entry)
		}
		p.Position = v.heldBy(digest)
	}
	verdict := p.Judge(e)
	switch verdict.Check {
	case credentials.CheckIssuer:
		return found(checkRole, "%s", verdict.Why)
	case credentials.CheckPeriod:
		return found(checkPeriod, "%s", verdict.Why)
	case credentials.CheckDates:
		return found(checkLedger, "%s, and was on the ledger on %s", verdict.Why, p.Now.Format(time.RFC3339))
	}
	if !verdict.IsGood() {
		return found(checkSignature, "%s", verdict.Why)
	}
	return nil
}

// heldBy is where a submission was at the latest, since the first decision that
// names its digest stands there on the ledger. It is asked of a key that was
// declared bad: what was decided before that, the key's party had signed.
func (v *verifier) heldBy(submission credentials.Digest) credentials.Position {
	first := credentials.Latest
	for _, folder := range []string{Decisions, Authorizations} {
		for _, name := range v.names(folder, ".jwt") {
			if index, names := v.decided(name); names == submission {
				first = min(first, index)
			}
		}
	}
	return first.OrBefore()
}

// decided is the place of a decision and the digest of the submission that it
// is about; zero where it does not stand on the ledger under its issuer's key.
func (v *verifier) decided(name string) (index credentials.Position, submission credentials.Digest) {
	token := strings.TrimSuffix(string(v.files[name]), "\n")
	h, err := handleOf(name)
	r := v.entries[h]
	if err != nil || r == nil || r.entry.Document != credentials.DocumentDigest(token) {
		return 0, submission
	}
	if in(name, Authorizations) {
		c, _, no := credentials.Prove[claims.AuthorizationDecisionDocument](token, credentials.KindAuthorizationDecision, v.registry.ResolveKey)
		if err = no; err == nil {
			submission = c.Subject.Submission
		}
	} else {
		c, _, no := credentials.Prove[claims.ClaimDecisionDocument](token, credentials.KindClaimDecision, v.registry.ResolveKey)
		if err = no; err == nil {
			submission = c.Subject.Submission
		}
	}
	return credentials.Position(r.proof.Index), submission
}

// bind ties a document to its ledger entry.
func (v *verifier) bind(r *recorded, kind ledger.Kind, token string, issuer credentials.DID) error {
	switch {
	case r.entry.Kind != kind:
		return found(checkLedger, "its ledger entry records a %v, not a %v", r.entry.Kind, kind)
	case r.entry.Document != credentials.DocumentDigest(token):
		return found(checkLedger, "the ledger records another document under this handle")
	case r.entry.Issuer() != issuer && kind != ledger.KindDetermination:
		return found(checkLedger, "another participant than its issuer has recorded it")
	}
	v.used[r] = true
	return nil
}

func (v *verifier) checkLicense(name string) error {
	h, d, err := open[credentials.License](v, name, credentials.KindLicense, ledger.KindLicense)
	if err != nil {
		return err
	}
	if d.subject.Handle != h {
		return found(checkName, "the license in it has another handle")
	}
	v.licenses[h] = d
	return nil
}

func (v *verifier) checkOrder(name string) error {
	h, d, err := open[credentials.Order](v, name, credentials.KindBoardOrder, ledger.KindBoardOrder)
	if err != nil {
		return err
	}
	o := &d.subject
	if o.Handle != h {
		return found(checkName, "the order in it has another handle")
	}
	if s := d.entry.entry.Subject; s != h && s != o.License {
		return found(checkLedger, "the subject of its ledger entry is neither the order nor its license")
	}
	if err := o.Check(); err != nil {
		return found(checkFormat, "%v", err)
	}
	l := v.licenses[o.License]
	if l == nil {
		return v.need("the license that it is about", fileOf(Licenses, o.License))
	}
	if l.issuer != d.issuer {
		return found(checkRole, "another board than the license's has issued it")
	}
	v.orders[h] = d
	return nil
}

// checkSubmission opens a claim or a request for authorization. Neither stands
// on the ledger; the decision that answers it names its digest.
func (v *verifier) checkSubmission(name string) error {
	kind, _, _, err := credentials.Peek(strings.TrimSuffix(string(v.files[name]), "\n"))
	if err != nil {
		return found(checkFormat, "%v", err)
	}
	if kind == credentials.KindAuthorizationSubmission {
		h, d, err := open[claims.AuthorizationSubmission](v, name, kind, 0)
		if err != nil {
			return err
		}
		if d.subject.Handle != h {
			return found(checkName, "the request in it has another handle")
		}
		v.requests[h] = d
		return nil
	}
	h, d, err := open[claims.Submission](v, name, credentials.KindClaimSubmission, 0)
	if err != nil {
		return err
	}
	if d.subject.Handle != h {
		return found(checkName, "the claim in it has another handle")
	}
	v.submissions[h] = d
	return nil
}

// checkDetermination opens a reviewer's word. It may stand on the ledger, and
// then has to be what stands there.
func (v *verifier) checkDetermination(name string) error {
	h, d, err := open[claims.Determination](v, name, credentials.KindReviewDetermination, 0)
	if err != nil {
		return err
	}
	if r := v.entries[h]; r != nil {
		if err := v.bind(r, ledger.KindDetermination, d.token, d.issuer); err != nil {
			return err
		}
		d.entry = r
	}
	switch {
	case d.subject.Handle != h:
		return found(checkName, "the determination in it has another handle")
	case d.subject.Reviewer != d.issuer:
		return found(checkRole, "it names another reviewer than the one who signed it")
	case d.subject.Standing != nil:
		return found(checkReview, "a reviewer's standing is for the insurer to find, not for the reviewer to state")
	}
	v.determinations[h] = d
	return nil
}

func (v *verifier) openDecision(name string) error {
	h, d, err := open[claims.ClaimDecisionDocument](v, name, credentials.KindClaimDecision, ledger.KindClaimDecision)
	if err != nil {
		return err
	}
	s := &d.subject
	if err := v.answers(name, h, s.Handle, turn{s.Decision.Submission, s.Decision.Number}); err != nil {
		return err
	}
	v.decisions[h] = d
	return nil
}

func (v *verifier) openAuthorization(name string) error {
	h, d, err := open[claims.AuthorizationDecisionDocument](v, name, credentials.KindAuthorizationDecision, ledger.KindAuthorizationDecision)
	if err != nil {
		return err
	}
	s := &d.subject
	if err := v.answers(name, h, s.Handle, turn{s.Decision.Submission, s.Decision.Number}); err != nil {
		return err
	}
	v.authorizations[h] = d
	return nil
}

// answers takes a decision's turn, which only one decision can have.
func (v *verifier) answers(name string, h, named credentials.Handle, t turn) error {
	if named != h {
		return found(checkName, "the decision in it has another handle")
	}
	if other := v.numbered[t]; other != "" && other != name {
		return found(checkSequence, "decision %d on its submission is %s already", t.number, other)
	}
	v.numbered[t] = name
	return nil
}

// checkEvidence opens the evidence of a decision, which names its root.
func (v *verifier) checkEvidence(name string) error {
	h, err := handleOf(name)
	if err != nil {
		return err
	}
	if d := v.decisions[h]; d != nil {
		e, root, err := claims.OpenEvidence[claims.Evidence](v.files[name])
		if err != nil {
			return found(checkEvidence, "%v", err)
		}
		if root != d.subject.Evidence {
			return found(checkEvidence, "its root is %s, the decision names %s", root, d.subject.Evidence)
		}
		v.evidence[h] = e
		return nil
	}
	d := v.authorizations[h]
	if d == nil {
		for _, folder := range []string{Decisions, Authorizations} {
			if v.failed[fileOf(folder, h)] != nil {
				return v.need("its decision", fileOf(folder, h))
			}
		}
		return found(checkRests, "no decision of this handle is in the dossier")
	}
	e, root, err := claims.OpenEvidence[claims.AuthorizationEvidence](v.files[name])
	if err != nil {
		return found(checkEvidence, "%v", err)
	}
	if root != d.subject.Evidence {
		return found(checkEvidence, "its root is %s, the decision names %s", root, d.subject.Evidence)
	}
	v.authEvidence[h] = e
	return nil
}

// An edition is a published plan or fee schedule whose bytes stand on the
// ledger.
type edition[T any] struct {
	name    string // of the file
	insurer credentials.DID
	body    *T
}

func (v *verifier) checkPlan(name string) error {
	r, err := v.placed(checkEdition, name, ledger.KindPlanEdition)
	if err != nil {
		return err
	}
	p, err := claims.ParsePlan(v.files[name])
	if err != nil {
		return found(checkEdition, "%v", err)
	}
	if want := path.Join(Editions, p.Name+"-"+p.Edition+".yaml"); name != want {
		return found(checkName, "it is the edition %s", want)
	}
	if v.conditions[p.Digest], err = terms.Compile(p); err != nil {
		return found(checkEdition, "%v", err)
	}
	if err := promptpay.Check(p); err != nil {
		return found(checkEdition, "%v", err)
	}
	v.plans[p.Digest] = &edition[claims.Plan]{name, r.entry.Issuer(), p}
	return nil
}

func (v *verifier) checkFees(name string) error {
	r, err := v.placed(checkEdition, name, ledger.KindFeeEdition)
	if err != nil {
		return err
	}
	f, err := pricing.ParseFees(v.files[name])
	if err != nil {
		return found(checkEdition, "%v", err)
	}
	v.fees[f.Digest] = &edition[pricing.Fees]{name, r.entry.Issuer(), f}
	return nil
}
