package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// maxAnswer bounds what a client reads of an answer.
const maxAnswer = 64 << 20

// ErrUnreachable says that no answer came; sending again does nothing twice.
var ErrUnreachable = errors.New("the insurer's gateway does not answer: check --gateway and the network, then send again (nothing is done twice)")

// A Client asks a gateway on behalf of one key.
type Client struct {
	URL     string // of the gateway
	Insurer credentials.DID
	Signer  credentials.Signer
	Now     func() time.Time
	HTTP    *http.Client
}

// Ledger fetches the proofs of who the participants are. They prove nothing
// before leaf 0 among them has been held against a pinned digest.
func (c *Client) Ledger(ctx context.Context) (l Ledger, err error) {
	return l, c.do(ctx, "GET", "/ledger", nil, &l)
}

// SubmitClaim sends a signed claim submission, with clinicians' signatures upon
// it where there are any. Sent again with a signature, a claim that waits for it
// goes on.
func (c *Client) SubmitClaim(ctx context.Context, token string, signatures ...string) (a Acceptance, err error) {
	return a, c.do(ctx, "POST", "/claims", submitted(token, signatures), &a)
}

// Estimate asks what a claim would come to. The question is signed as one
// (credentials.KindEstimateRequest); nothing is billed by it. Clinicians'
// signatures are those that will go with the claim.
func (c *Client) Estimate(ctx context.Context, question string, signatures ...string) (e Estimate, err error) {
	return e, c.do(ctx, "POST", "/estimates", submitted(question, signatures), &e)
}

// SubmitAuthorization sends a signed prior-authorization request in the same way.
func (c *Client) SubmitAuthorization(ctx context.Context, token string, signatures ...string) (a Acceptance, err error) {
	return a, c.do(ctx, "POST", "/authorizations", submitted(token, signatures), &a)
}

// submitted is a submission and what clinicians signed upon it, a token a line.
func submitted(token string, signatures []string) []byte {
	return []byte(strings.Join(append([]string{token}, signatures...), "\n"))
}

// Status asks where a submission stands. With wait, it answers once there is a
// decision numbered above after, or when wait is over; with files, it brings
// the documents and proofs.
func (c *Client) Status(ctx context.Context, h credentials.Handle, after int, wait time.Duration, files bool) (s Submission, err error) {
	q := url.Values{}
	if wait > 0 {
		q.Set("after", strconv.Itoa(after))
		q.Set("wait", strconv.Itoa(int(wait.Seconds())))
	}
	if files {
		q.Set("files", "1")
	}
	return s, c.do(ctx, "GET", withQuery("/submissions/"+h.String(), q), nil, &s)
}

// Submissions lists what the caller has submitted.
func (c *Client) Submissions(ctx context.Context, state string) (all []Submission, err error) {
	q := url.Values{}
	if state != "" {
		q.Set("state", state)
	}
	return all, c.do(ctx, "GET", withQuery("/submissions", q), nil, &all)
}

// Reviews lists what waits for a reviewer.
func (c *Client) Reviews(ctx context.Context) (all []Submission, err error) {
	return all, c.do(ctx, "GET", "/reviews", nil, &all)
}

// Review shows one pended submission.
func (c *Client) Review(ctx context.Context, h credentials.Handle) (r Review, err error) {
	return r, c.do(ctx, "GET", "/reviews/"+h.String(), nil, &r)
}

// Determine sends a reviewer's signed determination.
func (c *Client) Determine(ctx context.Context, subject credentials.Handle, token string) (a Acceptance, err error) {
	return a, c.do(ctx, "POST", "/reviews/"+subject.String(), []byte(token), &a)
}

// PublishPlan publishes a plan edition, which names itself.
func (c *Client) PublishPlan(ctx context.Context, body []byte) (e Edition, err error) {
	return e, c.do(ctx, "POST", "/editions/plan", body, &e)
}

// PublishFees publishes a fee schedule edition under a name.
func (c *Client) PublishFees(ctx context.Context, name, edition string, body []byte) (e Edition, err error) {
	q := url.Values{"name": {name}, "edition": {edition}}
	return e, c.do(ctx, "POST", withQuery("/editions/fees", q), body, &e)
}

// PublishCodes publishes an edition of a list of codes, which names itself.
func (c *Client) PublishCodes(ctx context.Context, body []byte) (e Edition, err error) {
	return e, c.do(ctx, "POST", "/editions/codes", body, &e)
}

// PublishExclusions publishes an edition of a list of excluded providers, which names
// itself.
func (c *Client) PublishExclusions(ctx context.Context, body []byte) (e Edition, err error) {
	return e, c.do(ctx, "POST", "/editions/exclusion-list", body, &e)
}

// Enroll enrolls the members of a CSV file in a plan.
func (c *Client) Enroll(ctx context.Context, plan string, file []byte) (e Enrolled, err error) {
	return e, c.do(ctx, "POST", withQuery("/members", url.Values{"plan": {plan}}), file, &e)
}

// Cover writes the coverage of a CSV file, of members who are enrolled.
func (c *Client) Cover(ctx context.Context, plan string, file []byte) (r Rostered, err error) {
	return r, c.do(ctx, "POST", withQuery("/coverage", url.Values{"plan": {plan}}), file, &r)
}

// Roster writes the providers of a CSV file.
func (c *Client) Roster(ctx context.Context, file []byte) (r Rostered, err error) {
	return r, c.do(ctx, "POST", "/providers", file, &r)
}

// CodeLists lists the published lists of codes. Those that belong to somebody come
// without their bodies.
func (c *Client) CodeLists(ctx context.Context) (all []Edition, err error) {
	return all, c.do(ctx, "GET", withQuery("/editions", url.Values{"kind": {"codes"}}), nil, &all)
}

// Editions lists the published editions of plans and fees.
func (c *Client) Editions(ctx context.Context) (all []Edition, err error) {
	return all, c.do(ctx, "GET", "/editions", nil, &all)
}

func withQuery(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

func (c *Client) do(ctx context.Context, method, path string, body []byte, answer any) error {
	var id credentials.Handle
	rand.Read(id[:])
	token, err := credentials.SignRequest(c.Signer, method, path, string(c.Insurer), body, id, c.Now())
	if err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	w, err := c.HTTP.Do(r)
	if err != nil {
		return fmt.Errorf("%w (%w)", ErrUnreachable, err)
	}
	defer w.Body.Close()
	text, err := io.ReadAll(io.LimitReader(w.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%w (%w)", ErrUnreachable, err)
	}
	if w.StatusCode != http.StatusOK {
		no := &Refusal{Status: w.StatusCode}
		if json.Unmarshal(text, no) != nil || no.Message == "" {
			no.Message = fmt.Sprintf("the gateway answered %s", w.Status)
		}
		return no
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("read the gateway's answer: %w", err)
	}
	return nil
}
