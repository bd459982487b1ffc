package vcalm

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// A house that reads a license's lists as well: what could not be read, or is
// older than what is known, leaves unknown, and what an order says is bad counts
// all the same.
func TestLicenseLists(t *testing.T) {
	at := func(p credentials.StatusPurpose) string { return "https://board.test/status/" + string(p) + "/1" }
	token, err := credentials.Issue(board, credentials.KindLicense, license.Handle, noon.AddDate(0, -1, 0), credentials.LicenseStatus(at, [3]int{1, 2, 3}), license)
	if err != nil {
		t.Fatal(err)
	}
	list := func(p credentials.StatusPurpose, set bool) (*credentials.SignedList, error) {
		bits := credentials.NewStatusList(1)
		if p == credentials.PurposeMessage {
			bits = credentials.NewStatusList(credentials.MessageSize)
		} else if set && p == credentials.PurposeSuspension {
			bits.Set(2, 1)
		}
		signed, err := credentials.IssueStatusList(board, credentials.Handle{9}, p, at(p), bits, noon.Add(-time.Minute), noon.Add(time.Minute))
		if err != nil {
			return nil, err
		}
		return credentials.ReadStatusList(signed, credentials.ResolveDIDKey)
	}
	mayNot := credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonRevoked}
	for _, tt := range []struct {
		name   string
		change func(*testHouse)
		set    bool
		err    error
		want   int
	}{
		{"read", func(*testHouse) {}, false, nil, http.StatusOK},
		{"not to be had", func(*testHouse) {}, false, errors.New("away"), http.StatusServiceUnavailable},
		{"not to be had, and revoked by an order", func(h *testHouse) { h.known.Standing = mayNot }, false, errors.New("away"), http.StatusUnprocessableEntity},
		{"read, and revoked by an order", func(h *testHouse) { h.known.Standing = mayNot }, false, nil, http.StatusUnprocessableEntity},
		{"suspended by the list alone", func(*testHouse) {}, true, nil, http.StatusUnprocessableEntity},
		{"orders alone", func(h *testHouse) { h.OrdersAlone = true }, true, errors.New("away"), http.StatusOK},
		{"older than the newest order", func(h *testHouse) {
			h.ListsSince = func(context.Context, *credentials.Envelope) (time.Time, error) { return noon, nil }
		}, false, nil, http.StatusServiceUnavailable},
		{"as old as it", func(h *testHouse) {
			h.ListsSince = func(context.Context, *credentials.Envelope) (time.Time, error) { return noon.Add(-time.Minute), nil }
		}, false, nil, http.StatusOK},
		{"the newest order is not known", func(h *testHouse) {
			h.ListsSince = func(context.Context, *credentials.Envelope) (time.Time, error) {
				return time.Time{}, errors.New("the books are away")
			}
		}, false, nil, http.StatusServiceUnavailable},
	} {
		h := open(t)
		h.List = func(_ context.Context, _ credentials.DID, e credentials.StatusEntry) (*credentials.SignedList, error) {
			if tt.err != nil {
				return nil, tt.err
			}
			return list(e.Purpose, tt.set)
		}
		tt.change(h)
		a := h.credential(t, object{"@context": contextV2, "id": dataJWT + token, "type": envelopedCredential})
		if a.status != tt.want {
			t.Errorf("%s: got %d %s: %s, want %d", tt.name, a.status, a.Check, a.Detail, tt.want)
		}
	}
}
