//go:build linux && houses

package outages

import (
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
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
	random := rand.New(rand.NewPCG(s, 9))
	var order []string
	for range kills {
		for _, i := range random.Perm(len(daemons)) { // so that nobody is killed twice in a row and then left alone
			order = append(order, daemons[i])
		}
	}
	v := settle(t, houses.Options{}, *claims, len(order), s) // a file for each kill
	var done atomic.Int64
	var others sync.WaitGroup
	began := time.Now()
	paced := func(i int) {
		for int(done.Load()) < i {
			time.Sleep(50 * time.Millisecond)
		}
		switch i {
		case len(v.files) / 2:
			others.Go(v.revoke)
		case len(v.files) / 4, len(v.files) * 3 / 4:
			others.Go(v.pays)
		}
	}
	busy, idle := map[string]int{}, 0 // kills while claims were under way, and others
	others.Go(func() {
		for _, name := range order {
			time.Sleep(time.Duration(200+random.IntN(2000)) * time.Millisecond)
			n := v.underWay()
			for v.Kill(name) != nil { // it is down from the last time
				time.Sleep(20 * time.Millisecond)
			}
			if done.Add(1); n > 0 {
				busy[name]++
			} else {
				idle++
			}
		}
	})
	v.bill(v.files, paced)
	others.Wait()
	t.Logf("%d kills while %d claims were billed in %s; of each daemon's %d so many while claims were under way: %v", len(order), len(v.bills), time.Since(began).Round(time.Second), kills, busy)
	f := v.judge()
	v.orderCame(f)
	v.verify(f)
	for _, name := range daemons {
		if n := v.Starts(name); n <= kills {
			t.Errorf("%s was started %d times, after %d kills", name, n, kills)
		}
		if kills >= 10 && busy[name] == 0 {
			t.Errorf("%s was never killed while claims were under way", name)
		}
	}
	if idle > len(order)/2 {
		t.Errorf("%d of %d kills came while no claim was under way: make them quicker", idle, len(order))
	}
}

// underWay is how many claims are being decided and documents being recorded.
// It is 0 where the books do not answer.
func (v *town) underWay() (n int) {
	v.books.QueryRow(`SELECT (SELECT count(*) FROM submission WHERE state = 'received') + (SELECT count(*) FROM outbox WHERE recorded = 0)`).Scan(&n)
	return n
}
