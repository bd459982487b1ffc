package cli

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
)

// wait fetches the first decision on each accepted claim.
func (s *submitting) wait(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	accepted := 0
	for _, row := range s.claims {
		if row.State == stateAccepted {
			accepted++
		}
	}
	n := 0
	for i := range s.claims {
		row := &s.claims[i]
		if row.State != stateAccepted {
			continue
		}
		status, err := s.awaitSigned(ctx, *row.Handle, row.after, s.out != "", s.unsignedClaim)
		if err != nil {
			return waitError(err)
		}
		if row.Decision, err = s.verdict(status, *decided(status)); err != nil {
			return err
		}
		if err := s.keep(status.Files, s.out); err != nil {
			return err
		}
		n++
		s.progress.step(n, accepted, "decided")
	}
	return nil
}

// waitError turns the end of patience into words.
func waitError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return later("wait", "not everything is decided yet", "the claims are safe with the insurer; look again with countersign claim status --wait")
	}
	return err
}

// awaitSigned is await for the first decision, or where a clinician's signature
// came for one that waits for it (unsigned), for the first behind after. Whatever
// waits for something else, a signature does not move.
func (d *door) awaitSigned(ctx context.Context, h credentials.Handle, after int, files bool, unsigned func(*api.Decision) (bool, error)) (*api.Submission, error) {
	s, err := d.await(ctx, h, 0, files)
	if err != nil || decided(s).Number > after {
		return s, err
	}
	if waits, err := unsigned(decided(s)); err != nil || !waits {
		return s, err
	}
	return d.await(ctx, h, after, files)
}

// unsignedClaim says whether a claim's decision is none yet for want of a
// clinician's signature.
func (d *door) unsignedClaim(n *api.Decision) (bool, error) {
	doc, err := openDecision[claims.ClaimDecisionDocument](d, *n, credentials.KindClaimDecision)
	return err == nil && slices.ContainsFunc(doc.Decision.Pends, forSignature), err
}

// unsignedRequest is unsignedClaim for a request for authorization.
func (d *door) unsignedRequest(n *api.Decision) (bool, error) {
	doc, err := openDecision[claims.AuthorizationDecisionDocument](d, *n, credentials.KindAuthorizationDecision)
	return err == nil && slices.ContainsFunc(doc.Decision.Pends, forSignature), err
}

func forSignature(p claims.Pend) bool { return p.Reason == claims.PendSignature }

// await asks until there is a decision numbered above after.
func (d *door) await(ctx context.Context, h credentials.Handle, after int, files bool) (*api.Submission, error) {
	const askFor = 25 * time.Second // below what a gateway waits
	for {
		started := time.Now()
		s, err := d.Status(ctx, h, after, askFor, files)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if s.Handle != h {
			return nil, caught("ask for claim", errors.New("the gateway answers about another submission"), "tell the insurer")
		}
		if n := decided(&s); n != nil && n.Number > after {
			return &s, nil
		}
		if time.Since(started) < time.Second { // a gateway that does not wait is not asked in a rush
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Second):
			}
		}
	}
}
