package board

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// numberedAs is an application for one license number by another NPI.
func numberedAs(number, npi int) client.Application {
	a := application(number)
	a.NPI = credentials.NPI(fmt.Sprintf("12345%05d", npi))
	return a
}

// A license number that another clinician has is refused until the license was
// voided, at each door, and whoever registered it: here a process before there
// were numbers.
func TestOneNumberOneClinician(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		db, l := open(), newTestLedger()
		h := openHouse(t, db, l)
		c, ctx := h.client(t), t.Context()
		first, err := c.Issue(ctx, application(1))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Tx(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(`UPDATE register_license SET numbered = NULL`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		h = openHouse(t, open(), l)
		c = h.client(t)
		want := "at /npi: this license number is issued to another NPI, as license " + first.License.Handle.String()
		refused(t, c, numberedAs(1, 2), http.StatusConflict, want)

		other := numberedAs(1, 4)
		other.Profession = "DO"
		later := application(1) // the same clinician's, for another term
		later.From, later.Until = later.Until.AddDays(1), later.Until.AddDays(400)
		rows := []client.ImportRow{{License: numberedAs(1, 2)}, {License: application(3)}, {License: numberedAs(3, 2)}, {License: other}, {License: later}}
		wants := []string{want, "", "at /npi: a row before it asks for the same license number", "", ""}
		checked, err := c.CheckImport(ctx, rows)
		if err != nil {
			t.Fatal(err)
		}
		if all, err := deeds(c); err != nil || len(all) != 1 {
			t.Errorf("checking issued: %d acts, %v", len(all), err)
		}
		got, err := c.Import(ctx, rows)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range got {
			if (r.Refused == "") != (wants[i] == "") || !strings.HasPrefix(r.Refused, wants[i]) || checked[i] != r.Refused {
				t.Errorf("row %d: %q, checked %q, want %q", i, r.Refused, checked[i], wants[i])
			}
		}
		if _, err := c.Order(ctx, first.License.Handle, ask(credentials.OrderVoid, string(application(1).From), "")); err != nil {
			t.Fatal(err)
		}
		refused(t, c, numberedAs(1, 2), http.StatusConflict, "as license "+got[4].Handle.String()) // of the later term
		if _, err := c.Order(ctx, got[1].Handle, ask(credentials.OrderVoid, string(application(3).From), "")); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Issue(ctx, numberedAs(3, 2)); err != nil {
			t.Errorf("after the first was voided: %v", err)
		}
	})
}

// Two clerks ask for one number at once, for two clinicians: one gets it.
func TestOneNumberAtOnce(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		l := newTestLedger()
		houses := []*house{openHouse(t, open(), l), openHouse(t, open(), l)}
		for n := range 8 {
			var wait sync.WaitGroup
			var errs [2]error
			for i := range errs {
				wait.Go(func() { _, errs[i] = houses[i].client(t).Issue(t.Context(), numberedAs(100+n, 200+2*n+i)) })
			}
			wait.Wait()
			var no *client.Refusal
			if (errs[0] == nil) == (errs[1] == nil) || !errors.As(errors.Join(errs[:]...), &no) {
				t.Errorf("number %d: %v", n, errs)
			}
		}
	})
}

// What a clerk signed to have rows checked is no order to issue them.
func TestCheckIsNoAct(t *testing.T) {
	h := openHouse(t, sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger())
	if _, err := h.client(t).Issue(t.Context(), application(1)); err != nil {
		t.Fatal(err)
	}
	for _, check := range []bool{false, true} {
		page, err := h.acts(t.Context(), 0, "")
		if err != nil {
			t.Fatal(err)
		}
		body, err := credentials.CanonicalJSON(client.Import{Rows: []client.ImportRow{{License: application(1)}}, Check: check})
		if err != nil {
			t.Fatal(err)
		}
		token := signRequest(t, clerkKey, "/imports", string(h.DID()), string(body), time.Now())
		claims, err := credentials.VerifyRequest(token, http.MethodPost, "/imports", string(h.DID()), body, time.Now(), credentials.ResolveDIDKey)
		if err != nil {
			t.Fatal(err)
		}
		page.Acts[0].Request = claims.ID.String()
		page.Requests[0] = client.Request{ID: claims.ID.String(), Path: "/imports", Body: body, Accepted: time.Now(), Token: token}
		b, err := json.Marshal(page)
		if err != nil {
			t.Fatal(err)
		}
		between, err := client.New(client.Config{URL: h.server.URL, Board: h.DID(), Keys: credentials.ResolveDIDKey,
			Signer: clerkKey, HTTP: &http.Client{Transport: always(b)}})
		if err != nil {
			t.Fatal(err)
		}
		if all, err := deeds(between); errors.Is(err, client.ErrEvidence) != check || !check && len(all) != 1 {
			t.Errorf("asked to check %v: %d acts, %v", check, len(all), err)
		}
	}
}
