//go:build linux && houses

package outages

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/cmd/countersign-dev/houses"
	"github.com/countersign-health/countersign/credentials/aries"
	"github.com/countersign-health/countersign/gateway/api"
)

// patience is short, so that a test can outwait it; longer than the 20 s for
// which a feed with nothing to say is asked.
const patience = 40 * time.Second

// TestAway takes one thing after the other away from one set of houses, each
// while claims are billed, and checks after each that all is well again.
func TestAway(t *testing.T) {
	feed := newLine(t)
	v := settle(t, houses.Options{Edit: func(service, path string, body []byte) []byte {
		body = impatient(service, path, body)
		if strings.HasSuffix(path, "/insurer.yaml") {
			body = bytes.Replace(body, []byte("http://board:8102"), []byte(feed.URL+"/board:8102"), 1)
		}
		return body
	}}, *claims, 20, seed(t))
	files := v.files
	some := func() (these []string) { // a sixth of the files at a time
		n := max(1, len(v.files)/6)
		these, files = files[:min(n, len(files))], files[min(n, len(files)):]
		return these
	}
	for _, outage := range []struct {
		name string
		do   func(v *town, files []string)
	}{
		{"PostgreSQL killed", postgresKilled}, {"ledger away", ledgerAway}, {"witnesses away", witnessesAway},
		{"disk full", diskFull}, {"feed delayed", func(v *town, files []string) { feedDelayed(v, files, feed) }},
	} {
		these := some()
		began := time.Now()
		ok := t.Run(outage.name, func(t *testing.T) {
			outer := v.T
			v.T = t
			defer func() { v.T = outer }()
			outage.do(v, these)
			v.calm()
		})
		t.Logf("%s: %s", outage.name, time.Since(began).Round(time.Second))
		if !ok {
			t.FailNow()
		}
	}
	v.bill(files, now)
	f := v.judge()
	v.verify(f)
	if f.Order != 0 { // "-run TestAway/ledger" leaves the feed alone
		v.orderCame(f)
	}
}

// impatient gives the insurer little patience.
func impatient(_, path string, body []byte) []byte {
	if strings.HasSuffix(path, "/insurer.yaml") {
		return bytes.Replace(body, []byte("\nworker:"), fmt.Appendf(nil, "  patience: %s\n\nworker:", patience), 1)
	}
	return body
}

// meanwhile bills files while do takes something away and brings it back.
func (v *town) meanwhile(files []string, do func()) {
	v.Helper()
	var billing sync.WaitGroup
	before := v.count(`SELECT count(*) FROM decision`)
	billing.Go(func() { v.bill(files, now) })
	v.until("the first decisions", func() bool { return v.count(`SELECT count(*) FROM decision`) > before })
	do()
	billing.Wait()
}

// postgresKilled: books, ledger, register and Temporal lose their database at
// once, twice, as by a power cut of that machine.
func postgresKilled(v *town, files []string) {
	v.meanwhile(files, func() {
		for range 2 {
			starts, n := v.Starts("postgres"), 0
			v.until("claims under way", func() bool { n = v.underWay(); return n > 0 })
			if err := v.Kill("postgres"); err != nil {
				v.Fatal(err)
			}
			v.Logf("PostgreSQL is killed with %d claims under way", n)
			v.until("PostgreSQL to be there again", func() bool { return v.Starts("postgres") > starts && v.books.Ping() == nil })
		}
	})
}

// gate asks the gateway as somebody, without the ledger, which countersign
// would ask first.
func (v *town) gate(person string) *api.Client {
	v.Helper()
	store, err := aries.OpenKeyStore(v.Secret(person, "keys"), aries.FileLock(v.Secret(person, "passphrase")))
	if err != nil {
		v.Fatal(err)
	}
	signer, err := store.Signer(person)
	if err != nil {
		v.Fatal(err)
	}
	return &api.Client{URL: "http://" + v.Address("gateway", 8101), Insurer: v.insurer(), Signer: signer, Now: time.Now, HTTP: http.DefaultClient}
}

// shown is how many claims have a decision that the hospital can see.
func (v *town) shown(c *api.Client) (n int) {
	v.Helper()
	ctx, cancel := context.WithTimeout(v.Context(), time.Minute)
	defer cancel()
	all, err := c.Submissions(ctx, "")
	if err != nil {
		v.Fatal(err)
	}
	for _, s := range all {
		if len(s.Decisions) > 0 {
			n++
		}
	}
	return n
}

// nothingFinal watches for a while that decisions are settled and wait, and
// that none of them is shown.
func (v *town) nothingFinal(c *api.Client, long time.Duration) {
	v.Helper()
	const waiting = `SELECT count(*) FROM outbox WHERE recorded = 0`
	v.until("decisions that wait for their receipt", func() bool { return v.count(waiting) > 0 })
	time.Sleep(2 * time.Second) // what was on its way
	shown, final := v.shown(c), v.count(`SELECT count(*) FROM outbox WHERE recorded <> 0`)
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(time.Second) {
		if got := v.count(`SELECT count(*) FROM outbox WHERE recorded <> 0`); got != final {
			v.Fatalf("%d more documents got receipts, from nobody", got-final)
		}
	}
	n := v.count(waiting)
	if got := v.shown(c); got != shown {
		v.Errorf("%d more claims show a decision without its receipt", got-shown)
	}
	if taken := v.unproven(); taken > 0 {
		v.Errorf("%d cents were paid for decisions without receipts", taken)
	}
	v.Logf("%d decisions waited for their receipt, %d claims were shown decided before", n, shown)
}

// unproven makes a payment run and says how many cents it took for decisions
// that have no receipt.
func (v *town) unproven() (taken int64) {
	v.Helper()
	ctx, cancel := context.WithTimeout(v.Context(), 10*time.Second)
	defer cancel()
	v.gate("insurer").RunPayments(ctx, "2026-11-20") // its own entry may not become final either
	return v.count(`SELECT COALESCE(sum(p.amount), 0) FROM payment p JOIN decision d ON d.document = p.document JOIN outbox o ON o.document = p.document
		WHERE d.remittance <> '' AND o.recorded = 0`)
}

// ledgerAway: for a minute nobody answers for the ledger.
func ledgerAway(v *town, files []string) {
	hospital := v.gate("hospital")
	v.meanwhile(files, func() {
		if err := v.Stop(v.Context(), "ledger"); err != nil {
			v.Fatal(err)
		}
		v.nothingFinal(hospital, time.Minute)
		if err := v.Houses.Run("ledger"); err != nil {
			v.Fatal(err)
		}
	})
}

// witnessesAway: with two of four away nothing becomes final; with one away
// everything does.
func witnessesAway(v *town, files []string) {
	hospital := v.gate("hospital")
	two := []string{"witness-board", "witness-auditor"}
	v.meanwhile(files, func() {
		for _, w := range two {
			if err := v.Stop(v.Context(), w); err != nil {
				v.Fatal(err)
			}
		}
		v.nothingFinal(hospital, 15*time.Second)
		if err := v.Houses.Run(two[0]); err != nil { // the other stays away
			v.Fatal(err)
		}
	})
	v.calm()
	if err := v.Houses.Run(two[1]); err != nil {
		v.Fatal(err)
	}
}
