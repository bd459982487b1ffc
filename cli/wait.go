package cli

import (
	"context"
	"errors"
	"time"

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
		status, err := s.await(ctx, *row.Handle, 0, s.out != "")
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
