package api

import (
	"context"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// The sides of a correspondence about a submission.
const (
	FromReviewer  = "reviewer"
	FromSubmitter = "submitter"
)

// A Letter is one that was sent about a submission that waits.
type Letter struct {
	Handle    credentials.Handle `json:"handle"`
	Number    int                `json:"number"` // the decision that waits
	From      string             `json:"from"`
	Sent      time.Time          `json:"sent"`
	Due       credentials.Date   `json:"due,omitempty"` // of a reviewer's: the day by which an answer is asked for
	Documents int                `json:"documents,omitempty"`
	// Token is the signed letter, a vc+jwt of a claims.Letter; only where letters
	// are asked for.
	Token string `json:"token,omitempty"`
}

// SendLetter sends a signed letter about a submission.
func (c *Client) SendLetter(ctx context.Context, submission credentials.Handle, token string) (a Acceptance, err error) {
	return a, c.do(ctx, "POST", "/submissions/"+submission.String()+"/letters", []byte(token), &a)
}

// Letters fetches the letters about a submission, the oldest first.
func (c *Client) Letters(ctx context.Context, submission credentials.Handle) (all []Letter, err error) {
	return all, c.do(ctx, "GET", "/submissions/"+submission.String()+"/letters", nil, &all)
}
