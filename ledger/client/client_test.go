package client_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/client"
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

// The last answer's Date is kept, whatever the answer, unless it comes out of a
// cache.
func TestDate(t *testing.T) {
	var date, age string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = []string{date}
		if age != "" {
			w.Header().Set("Age", age)
		}
		http.Error(w, "not now", http.StatusServiceUnavailable)
	}))
	defer server.Close()
	c := client.New(server.URL, ledger.Policy{}, nil)
	if d := c.Date(); !d.Said.IsZero() {
		t.Errorf("before the first: got %+v", d)
	}
	for _, x := range []struct{ date, age, want string }{
		{"Mon, 02 Nov 2026 12:00:00 GMT", "", "Mon, 02 Nov 2026 12:00:00 GMT"},
		{"Mon, 02 Nov 2026 13:00:00 GMT", "", "Mon, 02 Nov 2026 13:00:00 GMT"},
		{"Mon, 02 Nov 2026 11:00:00 GMT", "60", "Mon, 02 Nov 2026 13:00:00 GMT"},
		{"yesterday", "", "Mon, 02 Nov 2026 13:00:00 GMT"},
	} {
		date, age = x.date, x.age
		before := time.Now()
		c.Head(context.Background())
		d := c.Date()
		if got := d.Said.Format(http.TimeFormat); got != x.want {
			t.Errorf("%s, age %q: got %s, want %s", x.date, x.age, got, x.want)
		}
		if kept := x.date == x.want; kept && (d.Asked.Before(before) || d.Answered.Before(d.Asked) || d.Answered.After(time.Now())) {
			t.Errorf("%s: asked %s, answered %s, want both in between", x.date, d.Asked, d.Answered)
		}
	}
}
