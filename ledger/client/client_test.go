package client_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

func TestMain(m *testing.M) { sqldbtest.Main(m) }

// From the append to a verified receipt, over real HTTP with four witnesses.
func TestAppendToFinalReceipt(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		ctx := context.Background()
		c, _ := ledgertest.New(t).Serve(t, open())
		var took []time.Duration
		for i := range 30 {
			e := ledgertest.Entry(t, fmt.Sprint("e", i))
			start := time.Now()
			a, err := c.Append(ctx, fmt.Sprint("k", i), e)
			if err != nil {
				t.Fatal(err)
			}
			_, p, err := c.Await(ctx, a.Index, e.Marshal())
			if err != nil {
				t.Fatal(err)
			}
			took = append(took, time.Since(start))
			if a.Index != int64(i+1) || p.Index != a.Index || time.Since(p.Known).Abs() > time.Minute {
				t.Errorf("got index %d, proof %+v; want %d, known now", a.Index, p, i+1)
			}
		}
		slices.Sort(took)
		t.Logf("append to final receipt: p50 %v, p95 %v, max %v", took[15], took[28], took[29])
		if took[15] > 500*time.Millisecond {
			t.Errorf("p50 is %v: something waits for a timer", took[15])
		}
	})
}
