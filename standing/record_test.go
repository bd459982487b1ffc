package standing

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/problem"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

func TestMain(m *testing.M) { sqldbtest.Main(m) }

func issued[T any](t *testing.T, kind credentials.Kind, h credentials.Handle, subject T) string {
	t.Helper()
	token, err := credentials.Issue(signer, kind, h, noon, nil, subject)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// A record holds what its receipts prove, and nothing of what they do not.
func TestRecordAdd(t *testing.T) {
	l := ledgertest.New(t)
	c, _ := l.Serve(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	var entries, receipts [][]byte
	for i := range 2 {
		e := ledgertest.Entry(t, fmt.Sprint("e", i))
		a, err := c.Append(t.Context(), fmt.Sprint("k", i), e)
		if err != nil {
			t.Fatal(err)
		}
		receipt, _, err := c.Await(t.Context(), a.Index, e.Marshal())
		if err != nil {
			t.Fatal(err)
		}
		entries, receipts = append(entries, e.Marshal()), append(receipts, receipt)
	}
	reader := &Receipts{Proofs: func(context.Context) map[string][]byte { return map[string][]byte{dossier.GenesisFile: l.Leaf} }}
	var r Record
	for _, d := range []Document{
		{Handle: license.Handle, Token: issued(t, credentials.KindLicense, license.Handle, license), Entry: entries[0], Receipt: receipts[0]},
		{Handle: revoke.Handle, Order: true, Token: issued(t, credentials.KindBoardOrder, revoke.Handle, revoke), Entry: entries[1], Receipt: receipts[1]},
	} {
		if err := r.Add(t.Context(), reader, d); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.Documents) != 2 || len(r.Licenses) != 1 || !r.Licenses[0].License.Equal(license) || r.Licenses[0].Index != 1 || r.Licenses[0].Since.IsZero() ||
		len(r.Orders) != 1 || r.Orders[0].Handle != revoke.Handle || r.Orders[0].Index != 2 || time.Since(r.Orders[0].Since).Abs() > time.Hour {
		t.Errorf("got %+v", r)
	}
	good := r.Documents[0]
	for name, edit := range map[string]func(*Document){
		"another's receipt":         func(d *Document) { d.Receipt = receipts[1] },
		"another's entry":           func(d *Document) { d.Entry = entries[1] },
		"no receipt":                func(d *Document) { d.Receipt = nil },
		"no token":                  func(d *Document) { d.Token = "x" },
		"four parts":                func(d *Document) { d.Token = "a.e30.c.d" },
		"bits behind the payload":   func(d *Document) { d.Token = "a.e30gICAg!.c" },
		"a payload that is no JSON": func(d *Document) { d.Token = "a.bm8.c" },
		"an order of no JSON":       func(d *Document) { d.Order, d.Token = true, "a.bm8.c" },
	} {
		d, r := good, Record{}
		edit(&d)
		if err := r.Add(t.Context(), reader, d); err == nil || len(r.Documents)+len(r.Licenses)+len(r.Orders) > 0 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	for name, tt := range map[string]struct {
		leaf []byte
		want string
	}{"no leaf": {nil, "not at hand"}, "another leaf": {entries[0], "leaf 0: "}} {
		reader := &Receipts{Proofs: func(context.Context) map[string][]byte { return map[string][]byte{dossier.GenesisFile: tt.leaf} }}
		if p, err := reader.Read(t.Context(), good.Entry, good.Receipt); err == nil || !strings.Contains(err.Error(), tt.want) || p != (ledger.Proof{}) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

// A signer whose key does not answer.
type away struct{ credentials.Signer }

func (away) Sign([]byte) ([]byte, error) { return nil, errors.New("the key is away") }

// What cannot be answered or signed is no answer.
func TestDoorGivesNoEmptyAnswer(t *testing.T) {
	for name, edit := range map[string]func(*Door, *Record){
		"the key is away":            func(d *Door, _ *Record) { d.Signer = away{signer} },
		"a receipt of half a second": func(_ *Door, r *Record) { r.Orders[0].Since = noon.Truncate(time.Second).Add(1500 * time.Millisecond) },
	} {
		url, log := serve(t, edit)
		a, err := Ask(t.Context(), http.DefaultClient, url, good)
		var p *problem.Problem
		if a != nil || !errors.As(err, &p) || p.Status != http.StatusServiceUnavailable || log.Len() == 0 {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}

// A house whose key counts no longer signs no answer with it, and says so.
func TestDoorThatDoesNotStand(t *testing.T) {
	url, _ := serve(t, func(d *Door, _ *Record) { d.Stands = func() error { return errors.New("the key was declared bad") } })
	a, err := Ask(t.Context(), http.DefaultClient, url, good)
	var p *problem.Problem
	if a != nil || !errors.As(err, &p) || p.Status != http.StatusServiceUnavailable || !strings.Contains(p.Detail, "declared bad") {
		t.Errorf("%+v, %v", a, err)
	}
}

// Whoever asks reads an answer to its end, and none without one.
func TestAskReadsToTheEnd(t *testing.T) {
	const answer = `{"answer":"may","reason":"licensed","credential":"x","files":{}}`
	behind := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if behind == "cut" {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, answer)
			return
		}
		fmt.Fprint(w, answer+behind)
	}))
	t.Cleanup(server.Close)
	if a, err := Ask(t.Context(), http.DefaultClient, server.URL, good); err != nil || a.Credential != "x" {
		t.Fatal(a, err)
	}
	for name, text := range map[string]string{"cut off": "cut", "too much": strings.Repeat(" ", maxAnswer)} {
		behind = text
		if a, err := Ask(t.Context(), http.DefaultClient, server.URL, good); err == nil {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if a, err := Ask(t.Context(), http.DefaultClient, "http://a\x7fb", good); err == nil || strings.Contains(err.Error(), string(npi)) {
		t.Errorf("no address: %+v, %v", a, err)
	}
}
