package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/ledger"
)

// correspondent lets the two in who may read and write letters about a
// submission: whoever sent it, and the insurer's own reviewers.
func (g *Gateway) correspondent(c *call) (s *books.Status, reviewer bool, err error) {
	h, err := credentials.ParseHandle(c.PathValue("handle"))
	if err != nil {
		return nil, false, refuse(http.StatusBadRequest, "handle: %v", err)
	}
	if reviewer = c.party.Role == ledger.RoleReviewer; reviewer && !slices.Contains(g.Reviewers, c.party.DID) {
		return nil, false, refuse(http.StatusForbidden, "you are no reviewer of this insurer")
	}
	if s, err = g.Books.StatusOf(c.Context(), h); err != nil {
		return nil, false, err
	}
	if !reviewer && s.Submitter != c.party.DID {
		return nil, false, books.ErrNotFound // somebody else's submission is none
	}
	return s, reviewer, nil
}

// postLetter takes a signed letter about a submission that waits. It wakes no
// contract: a person reads it.
func (g *Gateway) postLetter(c *call) (any, error) {
	s, reviewer, err := g.correspondent(c)
	if err != nil {
		return nil, err
	}
	doc, err := judged[claims.Letter](g, c, string(c.body), credentials.KindSubmissionLetter, "letter")
	if err != nil {
		return nil, err
	}
	l := doc.Subject
	if l.Subject != s.Handle || l.Handle != doc.Handle() {
		return nil, refuse(http.StatusBadRequest, "the letter is about another submission, or has another handle than its document")
	}
	if err := l.Check(); err != nil {
		return nil, refuse(http.StatusUnprocessableEntity, "letter: %v", err)
	}
	if l.Due != "" && !reviewer {
		return nil, refuse(http.StatusUnprocessableEntity, "letter: only a reviewer asks for an answer by a day")
	}
	kept, again, err := g.Books.KeepLetter(c.Context(), books.LetterFile{Letter: l, FromReviewer: reviewer, Token: string(c.body)})
	switch {
	case errors.Is(err, books.ErrNotWaiting):
		return nil, refuse(http.StatusConflict, "%v: look at it again", err)
	case errors.Is(err, books.ErrLetters):
		return nil, refuse(http.StatusConflict, "%v: there are %d from your side already", err, claims.MaxLetters)
	case err != nil:
		return nil, fmt.Errorf("keep letter: %w", err)
	}
	return api.Acceptance{Handle: kept.Handle, Again: again}, nil
}

// getLetters hands out the letters about a submission as they were signed.
func (g *Gateway) getLetters(c *call) (any, error) {
	s, _, err := g.correspondent(c)
	if err != nil {
		return nil, err
	}
	all, err := g.Books.Letters(c.Context(), s.Handle)
	if err != nil {
		return nil, fmt.Errorf("read letters: %w", err)
	}
	out := []api.Letter{}
	for i := range all {
		l, err := g.Books.Letter(c.Context(), all[i].Handle)
		if err != nil {
			return nil, fmt.Errorf("read letter: %w", err)
		}
		one := letter(&l)
		one.Token = l.Token
		out = append(out, one)
	}
	return out, nil
}

func letter(l *books.LetterFile) api.Letter {
	side := api.FromSubmitter
	if l.FromReviewer {
		side = api.FromReviewer
	}
	return api.Letter{Handle: l.Handle, Number: l.Number, From: side, Sent: l.Sent, Due: l.Due, Documents: len(l.Enclosures)}
}

// addLetters says which letters there are about a submission that waits.
func (g *Gateway) addLetters(ctx context.Context, out *api.Submission, s *books.Status) error {
	if latest := s.Latest(); latest == nil || latest.Outcome != string(claims.Pended) && (out.Reopening == nil || out.Reopening.State != string(books.ReopeningWaiting)) {
		return nil
	}
	all, err := g.Books.Letters(ctx, s.Handle)
	if err != nil {
		return fmt.Errorf("read letters: %w", err)
	}
	for i := range all {
		out.Letters = append(out.Letters, letter(&all[i]))
	}
	return nil
}

// mayRest wants each letter that a determination names to be about what it
// answers.
func (g *Gateway) mayRest(ctx context.Context, d *claims.Determination) error {
	if len(d.Letters) == 0 {
		return nil
	}
	all, err := g.Books.Letters(ctx, d.Subject)
	if err != nil {
		return fmt.Errorf("read letters: %w", err)
	}
	for _, h := range d.Letters {
		i := slices.IndexFunc(all, func(l books.LetterFile) bool { return l.Handle == h })
		if i < 0 {
			return refuse(http.StatusUnprocessableEntity, "the determination names a letter that is not about this submission")
		}
		if err := d.Read(&all[i].Letter); err != nil {
			return refuse(http.StatusUnprocessableEntity, "the determination names a letter: %v", err)
		}
	}
	return nil
}

// addRead adds to a dossier the letters that a reviewer had.
func (g *Gateway) addRead(ctx context.Context, f dossier.Files, r *claims.Determination) error {
	if r == nil {
		return nil
	}
	for _, h := range r.Letters {
		l, err := g.Books.Letter(ctx, h)
		if err != nil {
			return fmt.Errorf("read letter: %w", err)
		}
		f.Token(dossier.Letters, h, l.Token)
	}
	return nil
}
