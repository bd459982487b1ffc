package standing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/problem"
)

// maxAnswer bounds an answer with its proof.
const maxAnswer = 8 << 20

// Query writes a question's parameters; known as it was typed, "" for now.
func Query(npi credentials.NPI, state, service string, on credentials.Date, known string) string {
	v := url.Values{"npi": {string(npi)}, "state": {state}, "service": {service}, "on": {string(on)}}
	if known != "" {
		v.Set("known", known)
	}
	return v.Encode()
}

// Ask puts a question to a door at base. It believes nothing: whoever asks
// checks the credential. A refusal is a *problem.Problem.
func Ask(ctx context.Context, client *http.Client, base, query string) (*Answer, error) {
	var a Answer
	if err := get(ctx, client, strings.TrimSuffix(base, "/")+Path+"?"+query, &a); err != nil {
		return nil, fmt.Errorf("ask for standing: %w", err)
	}
	return &a, nil
}

// Ledger brings the proofs of who the participants are, from the door of a board
// or an insurer.
func Ledger(ctx context.Context, client *http.Client, base string) (dossier.Files, error) {
	var l struct {
		Files map[string][]byte `json:"files"`
	}
	err := get(ctx, client, strings.TrimSuffix(base, "/")+"/ledger", &l)
	return l.Files, err
}

func get(ctx context.Context, client *http.Client, address string, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, 3*answerWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return errors.New("the address cannot be asked")
	}
	resp, err := client.Do(req)
	if err != nil {
		var u *url.Error // it would repeat the question
		if errors.As(err, &u) {
			err = u.Err
		}
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil || len(b) > maxAnswer {
		return errors.New("the answer could not be read to its end")
	}
	if resp.StatusCode != http.StatusOK {
		p := &problem.Problem{}
		if json.Unmarshal(b, p) != nil || p.Title == "" {
			p.Title = "the door answers " + resp.Status
		}
		p.Status = resp.StatusCode
		return p
	}
	return credentials.DecodeStrict(b, answer)
}
