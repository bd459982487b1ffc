package worker

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/statuslist"
)

// A Recovery says what an import brought back, and what is still missing, with
// the reason for each.
type Recovery struct {
	Restored []books.OwnEntry
	Missing  []Lack
}

// A Lack is an entry whose document is still missing, and why.
type Lack struct {
	books.OwnEntry
	Why error
}

var (
	errNoDocument   = errors.New("no file given is its document")
	errNoSubmission = errors.New("no file given is the submission that it answers")
	errNoEvidence   = errors.New("no file given is its evidence")
	errNoSignature  = errors.New("no file given is the clinician's signature that it rests on")
	errNoReview     = errors.New("no file given is the reviewer's determination that it rests on")
	errNoAppeal     = errors.New("no file given is the appeal that it rests on, or the reviewer's answer to it")
	errNoName       = errors.New("no decision given rests on it and says its name")
)

// Recover brings documents back into books that lack them: whatever files
// others have kept, in any order, under any name. A document counts if the
// ledger has its digest under this insurer's own signature; what it rests on
// counts if it names that by digest. So nobody can bring back what was not
// there.
//
// It may be repeated with more files. Nothing may be decided or paid meanwhile.
func (i *Insurer) Recover(ctx context.Context, files dossier.Files) (out Recovery, err error) {
	missing, _, err := i.missing(ctx)
	if err != nil {
		return out, err
	}
	lost, err := i.Books.Lost(ctx)
	if err != nil {
		return out, err
	}
	var wanted []books.OwnEntry
	for _, e := range lost {
		wanted = append(wanted, e.OwnEntry)
	}
	wanted = append(wanted, missing...)
	s := sortOut(files)
	// The ledger's order is nearly the order in which things happened, but
	// receipts overtake each other: so as long as something moves, once more.
	for moved := true; moved; {
		moved = false
		out.Missing = nil
		for _, e := range wanted {
			why := i.restore(ctx, s, e)
			if why == nil {
				out.Restored, moved = append(out.Restored, e), true
				continue
			}
			out.Missing = append(out.Missing, Lack{e, why})
		}
		wanted = nil
		for _, l := range out.Missing {
			wanted = append(wanted, l.OwnEntry)
		}
	}
	return out, ctx.Err()
}

// sorted are files by what can be asked of them.
type sorted struct {
	tokens   map[credentials.Digest]string // by DocumentDigest
	byHandle map[credentials.Handle]string // determinations, appeals and clinicians' signatures, by their own handle
	files    map[credentials.Digest][]byte // by content
	evidence map[credentials.Handle][][]byte
	fees     map[credentials.Digest]claims.EditionRef
}

func sortOut(files dossier.Files) *sorted {
	s := &sorted{map[credentials.Digest]string{}, map[credentials.Handle]string{}, map[credentials.Digest][]byte{},
		map[credentials.Handle][][]byte{}, map[credentials.Digest]claims.EditionRef{}}
	for name, content := range files {
		s.files[credentials.DigestOf(content)] = content
		switch base := path.Base(name); path.Ext(base) {
		case ".jwt":
			token := strings.TrimSuffix(string(content), "\n")
			s.tokens[credentials.DocumentDigest(token)] = token
			if kind, _, h, err := credentials.Peek(token); err == nil && (kind == credentials.KindReviewDetermination || kind == credentials.KindClaimAppeal || kind == credentials.KindClinicianSignature) {
				s.byHandle[h] = token
			}
		case ".json":
			h, err := credentials.ParseHandle(strings.TrimSuffix(base, ".json"))
			if err != nil {
				continue
			}
			s.evidence[h] = append(s.evidence[h], content)
			if e, _, err := claims.OpenEvidence[claims.Evidence](content); err == nil {
				s.fees[e.Fees.Digest] = e.Fees
			}
		}
	}
	return s
}

// restore brings one document back.
func (i *Insurer) restore(ctx context.Context, s *sorted, own books.OwnEntry) error {
	entry, err := ledger.ParseEntry(own.Entry)
	if err != nil {
		return err
	}
	write := map[ledger.Kind]func(context.Context, *sorted, books.OwnEntry, []byte) error{
		ledger.KindClaimDecision: i.restoreClaim, ledger.KindAuthorizationDecision: i.restoreAuthorization,
		ledger.KindRemittance: i.restoreRemittance, ledger.KindPlanEdition: i.restorePlan, ledger.KindFeeEdition: i.restoreFees,
		ledger.KindCodeEdition:   i.restoreCodes,
		ledger.KindExclusionList: i.restoreExclusions,
	}[entry.Kind]
	if write == nil {
		return fmt.Errorf("a %v is nothing that these books keep", entry.Kind)
	}
	if s.tokens[own.Digest] == "" && s.files[own.Digest] == nil {
		return errNoDocument
	}
	receipt, err := i.Ledger.AwaitFinal(ctx, own.Index, entry)
	if err != nil {
		return fmt.Errorf("receipt: %w", err)
	}
	return write(ctx, s, own, receipt)
}

func (i *Insurer) restoreClaim(ctx context.Context, s *sorted, own books.OwnEntry, receipt []byte) error {
	token := s.tokens[own.Digest]
	doc, err := credentials.Open[claims.ClaimDecisionDocument](token, credentials.KindClaimDecision, i.errands.Receiving.Keys)
	if err != nil {
		return err
	}
	d := &doc.Subject.Decision
	file, e, err := evidenceOf[claims.Evidence](s, own.Document, doc.Subject.Evidence)
	if err != nil {
		return err
	}
	receive := func(token string) (activities.Accepted, error) {
		return i.errands.Receiving.OpenClaim(ctx, activities.Submitted{Token: token, Received: e.Received})
	}
	if err := i.restoreSubmission(ctx, s, d.Submission, doc.Subject.Submission, receive); err != nil {
		return err
	}
	if err := i.restoreSignatures(ctx, s, d.Submission, e.Signatures); err != nil {
		return err
	}
	if err := i.restoreAppeals(ctx, s, d.Submission, e.Appeals); err != nil {
		return err
	}
	r := books.Restored{Own: own, Matches: e.Member.Matches, Receipt: receipt}
	if r.Signed, err = restored(own, credentials.KindClaimDecision, d.Submission, d.Number, token, d, e, file); err != nil {
		return err
	}
	if err := i.restoreReview(ctx, s, e.Review); err != nil {
		return err
	}
	r.Signed.Place = i.placeOf(doc.Status)
	return i.Books.RestoreClaim(ctx, r)
}

func (i *Insurer) restoreAuthorization(ctx context.Context, s *sorted, own books.OwnEntry, receipt []byte) error {
	token := s.tokens[own.Digest]
	doc, err := credentials.Open[claims.AuthorizationDecisionDocument](token, credentials.KindAuthorizationDecision, i.errands.Receiving.Keys)
	if err != nil {
		return err
	}
	d := &doc.Subject.Decision
	file, e, err := evidenceOf[claims.AuthorizationEvidence](s, own.Document, doc.Subject.Evidence)
	if err != nil {
		return err
	}
	receive := func(token string) (activities.Accepted, error) {
		return i.errands.Receiving.OpenAuthorization(ctx, activities.Submitted{Token: token, Received: e.Received})
	}
	if err := i.restoreSubmission(ctx, s, d.Submission, doc.Subject.Submission, receive); err != nil {
		return err
	}
	if err := i.restoreSignatures(ctx, s, d.Submission, e.Signatures); err != nil {
		return err
	}
	r := books.Restored{Own: own, Matches: e.Member.Matches, Receipt: receipt}
	if r.Signed, err = restored(own, credentials.KindAuthorizationDecision, d.Submission, d.Number, token, d, e, file); err != nil {
		return err
	}
	if err := i.restoreReview(ctx, s, e.Review); err != nil {
		return err
	}
	r.Signed.Place = i.placeOf(doc.Status)
	return i.Books.RestoreAuthorization(ctx, r)
}

// restoreSignatures writes back what clinicians had signed before a decision,
// under the time at which the evidence says that it came in. One that the books
// still have stays as it is.
func (i *Insurer) restoreSignatures(ctx context.Context, s *sorted, submission credentials.Handle, facts []claims.SignatureFact) error {
	if len(facts) == 0 {
		return nil
	}
	kept, err := i.Books.Signatures(ctx, submission)
	if err != nil {
		return err
	}
	for _, f := range facts {
		if slices.ContainsFunc(kept, func(k books.Signature) bool { return k.Handle == f.Handle }) {
			continue
		}
		token := s.byHandle[f.Handle]
		if token == "" {
			return errNoSignature
		}
		if _, _, err := i.Books.AddSignatures(ctx, submission, []books.Signature{{Handle: f.Handle, Token: token, Received: f.Received}}); err != nil {
			return err
		}
	}
	return nil
}

func restored(own books.OwnEntry, kind credentials.Kind, submission credentials.Handle, number int, token string, decision, evidence any, file []byte) (books.Signed, error) {
	body, err := credentials.CanonicalJSON(decision)
	if err != nil {
		return books.Signed{}, err
	}
	key, err := activities.SignedKey(kind, submission, number, evidence)
	return books.Signed{Key: key, Handle: own.Document, Submission: submission, Token: token, Body: body, Evidence: file, Entry: own.Entry}, err
}

// placeOf is where a decision says that it stands in the insurer's status lists;
// nowhere, where it was signed without them or they stood at another address.
func (i *Insurer) placeOf(status []credentials.StatusEntry) (p books.StatusPlace) {
	var at books.StatusPlace
	for n, purpose := range credentials.DecisionPurposes {
		k := slices.IndexFunc(status, func(e credentials.StatusEntry) bool { return e.Purpose == purpose })
		if k < 0 {
			return p
		}
		name, ok := statuslist.NameOf(strings.TrimSuffix(i.URL, "/"), status[k].Credential)
		place, err := status[k].Place()
		if !ok || err != nil || n > 0 && name.Number != at.List {
			return p
		}
		at.List, at.At[n] = name.Number, place
	}
	return at
}

func evidenceOf[T claims.Sealable](s *sorted, decision credentials.Handle, want credentials.Digest) ([]byte, *T, error) {
	for _, file := range s.evidence[decision] {
		if e, root, err := claims.OpenEvidence[T](file); err == nil && root == want {
			return file, e, nil
		}
	}
	return nil, nil, errNoEvidence
}

// restoreSubmission sees to it that the books hold the very submission that a
// decision answers.
func (i *Insurer) restoreSubmission(ctx context.Context, s *sorted, h credentials.Handle, digest credentials.Digest, receive func(token string) (activities.Accepted, error)) error {
	kept, err := i.Books.FindSigned(ctx, books.SubmissionKey(h))
	if err == nil {
		if credentials.DocumentDigest(kept.Token) != digest {
			return errors.New("the books hold another submission under the handle that it answers")
		}
		return nil
	}
	if !errors.Is(err, books.ErrNotFound) {
		return err
	}
	token := s.tokens[digest]
	if token == "" {
		return errNoSubmission
	}
	got, err := receive(token)
	if err == nil && got.Submission != h {
		err = fmt.Errorf("the submission that it answers was received again since, as %s: restore the books again", got.Submission)
	}
	return err
}

// restoreReview writes a reviewer's determination back. The reviewer's standing
// is the evidence's, not the reviewer's.
func (i *Insurer) restoreReview(ctx context.Context, s *sorted, review *claims.Determination) error {
	if review == nil {
		return nil
	}
	token := s.byHandle[review.Handle]
	if token == "" {
		kept, err := i.Books.HasDetermination(ctx, review.Subject, review.Handle)
		if err == nil && !kept {
			err = errNoReview
		}
		return err
	}
	doc, err := credentials.Open[claims.Determination](token, credentials.KindReviewDetermination, i.errands.Receiving.Keys)
	if err != nil {
		return err
	}
	_, err = i.Books.Determine(ctx, doc.Subject, token)
	return err
}

// restoreAppeals writes back the appeals that set denials aside before a decision,
// each with the answer that the evidence names. No other appeal stands anywhere
// that the ledger proves: whoever sent one sends it again.
func (i *Insurer) restoreAppeals(ctx context.Context, s *sorted, submission credentials.Handle, answers []claims.Determination) error {
	for n := range answers {
		r := &answers[n]
		if kept, err := i.Books.Appeal(ctx, *r.Appeal); err == nil && kept.Answer != nil {
			continue
		} else if err != nil && !errors.Is(err, books.ErrNotFound) {
			return err
		}
		token, said := s.byHandle[*r.Appeal], s.byHandle[r.Handle]
		if token == "" || said == "" {
			return errNoAppeal
		}
		a, err := credentials.Open[claims.Appeal](token, credentials.KindClaimAppeal, i.errands.Receiving.Keys)
		if err != nil {
			return fmt.Errorf("appeal: %w", err)
		}
		answer, err := credentials.Open[claims.Determination](said, credentials.KindReviewDetermination, i.errands.Receiving.Keys)
		if err != nil {
			return fmt.Errorf("the answer to an appeal: %w", err)
		}
		status, err := i.Books.StatusOf(ctx, submission)
		if err != nil {
			return err
		}
		if a.Subject.Handle != *r.Appeal || a.Subject.Subject != submission || a.Subject.Number != r.Number || a.Issuer != status.Submitter || answer.Subject.Appeal == nil || !answer.Subject.Same(r) {
			return errNoAppeal
		}
		err = i.Books.RestoreAppeal(ctx, books.AppealFile{Appeal: a.Subject, Filed: a.ValidFrom, Token: token, Answer: &answer.Subject, AnswerToken: said, Answered: answer.ValidFrom})
		if err != nil {
			return fmt.Errorf("appeal: %w", err)
		}
	}
	return nil
}
