package board

import (
	"strings"
	"testing"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// Rows of an import bring the proofs of their clinicians' keys. A row whose
// proof is not good is refused by itself, and each proof is good once.
func TestImportBindsKeys(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		h := openHouse(t, open(), newTestLedger())
		c, ctx := h.client(t), t.Context()
		row := func(number int, key byte) client.ImportRow {
			r := client.ImportRow{License: application(number)}
			r.License.Holder, r.License.Proof = prove(t, c, r.License.NPI, testKey(key))
			return r
		}
		first, bare := row(1, 11), client.ImportRow{License: application(2)}
		twice, other := first, row(3, 13)
		twice.License.Number += "-B"
		other.License.Proof = first.License.Proof
		stolen := row(4, 14)
		stolen.License.Holder = first.License.Holder
		rows := []client.ImportRow{first, twice, bare, other, stolen}
		want := []string{"", "at /proof: its challenge is another row's too", "", "at /proof: it is of another key", "at /proof: it is of another key"}
		check := func(rows []client.ImportRow, want []string, known bool) []client.Imported {
			t.Helper()
			got, err := c.Import(ctx, rows)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range got {
				if (r.Refused == "") != (want[i] == "") || !strings.HasPrefix(r.Refused, want[i]) || r.Refused == "" && r.Known != known {
					t.Errorf("row %d: %+v; want %q", i, r, want[i])
				}
			}
			return got
		}
		got := check(rows, want, false)
		l, err := credentials.Open[credentials.License](got[0].License, credentials.KindLicense, credentials.ResolveDIDKey)
		if err != nil || l.Subject.Holder != first.License.Holder {
			t.Errorf("bound to %q, %v", l.Subject.Holder, err)
		}
		// Once more: what is there is found, and a used challenge is no reason to refuse it.
		want[1] = "at /proof: its challenge is not one of this board's, or was used before"
		check(rows, want, true)
		// A license that was issued without the key is not found for it.
		late := bare
		late.License.Holder, late.License.Proof = prove(t, c, late.License.NPI, testKey(12))
		check([]client.ImportRow{late}, []string{"at /holder: license " + got[2].Handle.String() + " is issued already, without this key"}, true)
		if all, err := deeds(c); err != nil || len(all) != 2 || all[0].License.Holder != first.License.Holder {
			t.Errorf("acts %+v, %v", all, err)
		}
		if text := h.log.text(); text != "" {
			t.Errorf("logged: %s", text)
		}
	})
}
