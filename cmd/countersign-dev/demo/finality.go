package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/countersign-health/countersign/credentials"
	ledgerclient "github.com/countersign-health/countersign/ledger/client"
)

// A finality is when the ledger's next entry became final: when the operator
// had the cosignature that makes the quorum, as somebody hears who waits for
// the receipt as the issuer does.
type finality struct {
	index int64
	at    chan time.Time // closed without a time where nothing was heard
}

// awaitNext starts to wait for an entry that is not on the ledger yet.
func (s *story) awaitNext(ctx context.Context) (*finality, error) {
	head, _, err := ledgerclient.New(s.network.LedgerURL, s.network.Policy, nil).Head(ctx)
	if err != nil {
		return nil, err
	}
	f := &finality{head.Size, make(chan time.Time, 1)}
	url := fmt.Sprintf("%s/receipts/%d?wait=10s", s.network.LedgerURL, f.index)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	go func() {
		defer close(f.at)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err == nil && resp.StatusCode == http.StatusOK {
			f.at <- time.Now()
		}
	}()
	return f, nil
}

// of is when the entry about a subject became final; false where another
// entry came in between, so that it was not timed.
func (f *finality) of(ctx context.Context, s *story, subject credentials.Handle) (time.Time, bool, error) {
	at, heard := <-f.at
	all, err := ledgerclient.New(s.network.LedgerURL, s.network.Policy, nil).Subject(ctx, subject)
	if err != nil {
		return at, false, err
	}
	return at, heard && len(all) == 1 && all[0].Proof.Index == f.index, nil
}
