package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// The books' disk is full: a claim that does not fit is not denied and not
// refused for good. The hospital is told to send it again, the log says why,
// and with room it is taken in as if it had never come.
func TestBooksOnFullDisk(t *testing.T) {
	sqldbtest.EachDisk(t, func(t *testing.T, d sqldbtest.Disk) {
		h := newHouseOn(t, d.Open())
		h.submit("C0")
		d.Fill()
		for n := 1; ; n++ {
			if n > 1000 {
				t.Fatal("the disk was never full")
			}
			signed := signClaim(t, "hospital", aClaim(fmt.Sprint("C", n)))
			_, err := h.client("hospital").SubmitClaim(ctx, signed)
			if err == nil {
				continue
			}
			if status(err) != http.StatusServiceUnavailable || !strings.Contains(err.Error(), "send it again") {
				t.Errorf("got %v, want 503 and to be told to send it again", err)
			}
			if text := strings.ToLower(h.log.String()); !strings.Contains(text, "disk is full") && !strings.Contains(text, "no space left") {
				t.Errorf("the log says %q, want it to say that the disk is full", text)
			}
			if all, err := h.client("hospital").Submissions(ctx, ""); err != nil || len(all) != n {
				t.Errorf("%d submissions, %v, want %d", len(all), err, n)
			}
			d.Free()
			for again := range 2 {
				if a, err := h.client("hospital").SubmitClaim(ctx, signed); err != nil || a.Again != (again > 0) {
					t.Errorf("sent with room: %+v, %v", a, err)
				}
			}
			return
		}
	})
}
