package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

const (
	// maxList is more than a signed list of four bits an entry has.
	maxList = 512 << 10
	// listWithin is how long a list may take. What has not come by then is unknown.
	listWithin = 10 * time.Second
)

// StatusList fetches what stands at the address of a status list. It proves
// nothing before credentials.ReadStatusList has read it. An answer that leads
// elsewhere is none: the address was signed, another one was not.
func StatusList(ctx context.Context, client *http.Client, address string) (token string, err error) {
	b, err := public(ctx, client, http.MethodGet, address, nil)
	return string(b), err
}

// SupersededBy asks a gateway what has taken the place of a decision, zero where
// it does not say. Whoever shows the decision may know.
func SupersededBy(ctx context.Context, client *http.Client, gateway, decision string) (h credentials.Handle, err error) {
	shown := map[string]any{"verifiableCredential": map[string]any{"@context": "https://www.w3.org/ns/credentials/v2",
		"id": "data:application/vc+jwt," + decision, "type": "EnvelopedVerifiableCredential"}}
	ask, err := json.Marshal(shown)
	if err != nil {
		return h, err
	}
	b, err := public(ctx, client, http.MethodPost, gateway+"/vc/credentials/verify", ask)
	if err != nil {
		return h, err
	}
	var answer struct {
		SupersededBy credentials.Handle `json:"supersededBy"`
	}
	err = json.Unmarshal(b, &answer)
	return answer.SupersededBy, err
}

// public asks without a token. Of the VC API, a refusal is an answer.
func public(ctx context.Context, client *http.Client, method, address string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, listWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	straight := *client
	straight.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	w, err := straight.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%s does not answer: check the network, then ask again", address)
	}
	defer w.Body.Close()
	b, err := io.ReadAll(io.LimitReader(w.Body, maxList+1))
	switch {
	case err != nil || len(b) > maxList:
		return nil, fmt.Errorf("the answer of %s could not be read to its end", address)
	case w.StatusCode != http.StatusOK && !(body != nil && w.StatusCode == http.StatusUnprocessableEntity):
		return nil, fmt.Errorf("%s answered %s", address, w.Status)
	}
	return b, nil
}
