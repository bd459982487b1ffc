//go:build linux && houses

package outages

import (
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersign-health/countersign/cmd/countersign-dev/houses"
)

// daemons are ours and Temporal's server.
var daemons = []string{"worker-1", "worker-2", "gateway", "board", "ledger", "witness-board", "witness-insurer", "witness-hospital", "witness-auditor", "temporal"}

// seed comes from the clock, so that every run has other moments; with
// COUNTERSIGN_SEED a run is made again, as far as processes can be.
func seed(t *testing.T) uint64 {
	t.Helper()
	s := uint64(time.Now().Unix()) % 100_000
	if text := os.Getenv("COUNTERSIGN_SEED"); text != "" {
		var err error
		if s, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("COUNTERSIGN_SEED=%d", s)
	return s
}

// TestKilled kills each daemon with -9 ten times (once for 50 claims), at random
// moments of a run of 500 claims in which an order is heard and payments are
// made. The restart policy of docker-compose.yml brings them up again.
func TestKilled(t *testing.T) {
	s, kills := seed(t), max(1, *claims/50)
	v := settle(t, houses.Options{}, *claims, s)
	random := rand.New(rand.NewPCG(s, 9))
	var order []string
	for range kills {
		for _, i := range random.Perm(len(daemons)) { // so that nobody is killed twice in a row and then left alone
			order = append(order, daemons[i])
		}
	}
	var done atomic.Int64
	began := time.Now()
	paced := func(i int) { // files are spread over the kills
		for int(done.Load()) < i*len(order)/len(v.files) {
			time.Sleep(50 * time.Millisecond)
		}
		switch i {
		case len(v.files) / 2:
			v.revoke()
		case len(v.files) / 4, len(v.files) * 3 / 4:
			v.pays()
		}
	}
	go func() {
		for _, name := range order {
			time.Sleep(time.Duration(200+random.IntN(2400)) * time.Millisecond)
			for v.Kill(name) != nil { // it is down from the last time
				time.Sleep(20 * time.Millisecond)
			}
			done.Add(1)
		}
	}()
	v.bill(v.files, paced)
	v.within(10*time.Minute, "the last kill", func() bool { return done.Load() == int64(len(order)) })
	t.Logf("%d kills while %d claims were billed in %s", len(order), len(v.bills), time.Since(began).Round(time.Second))
	f := v.judge()
	if f.Order == 0 {
		t.Error("the insurer never heard of the order")
	}
	for _, name := range daemons {
		if n := v.Starts(name); n <= kills {
			t.Errorf("%s was started %d times, after %d kills", name, n, kills)
		}
	}
}
