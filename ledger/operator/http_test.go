package operator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

func serve(t testing.TB, l *operator.Log) string {
	s := httptest.NewServer(l.Handler())
	t.Cleanup(s.Close)
	return s.URL
}

func request(t testing.TB, method, url, key string, body []byte) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set(operator.KeyHeader, key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func TestHTTP(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		lt := ledgertest.New(t)
		l := lt.Open(t, open())
		url := serve(t, l)
		e := ledgertest.Entry(t, "a")
		issuer, key := e.Issuer(), business("a").String()
		ledgerKey := ledger.EntryKey(ledgertest.Origin, issuer, business("a")).String()
		mustReceipt(t, l, mustAppend(t, l, "a", e))
		for _, c := range []struct {
			method, path, key string
			body              []byte
			status            int
			want              string
		}{
			{"POST", "/entries", key, e.Marshal(), 200, `{"index":1,"key":"` + ledgerKey + `"}`},
			{"POST", "/entries", key, ledgertest.Entry(t, "b").Marshal(), 409, "key-reuse"},
			{"POST", "/entries", "", e.Marshal(), 400, "Idempotency-Key"},
			{"POST", "/entries", strings.ToUpper(key), e.Marshal(), 400, "Idempotency-Key"},
			{"POST", "/entries", key, []byte("hello"), 400, "not an entry"},
			{"POST", "/entries", key, make([]byte, 65536), 413, "65535"},
			{"POST", "/entries", business("x").String(), ledgertest.EntryBy(t, "stranger", ledger.KindLicense, "x").Marshal(), 403, "not a participant's"},
			{"POST", "/entries", business("x").String(), ledgertest.EntryBy(t, "hospital", ledger.KindLicense, "x").Marshal(), 403, "hospital may not record a license"},
			{"DELETE", "/entries", "", nil, 405, ""},
			{"GET", "/entries/0", "", nil, 200, string(lt.Leaf)},
			{"GET", "/entries/1", "", nil, 200, string(e.Marshal())},
			{"GET", "/entries/2", "", nil, 404, "not-final"},
			{"GET", "/entries/-1", "", nil, 400, "index"},
			{"GET", "/entries/01", "", nil, 400, "index"},
			{"GET", "/entries/99999999999999999999", "", nil, 400, "index"},
			{"GET", "/entries", "", nil, 400, "subject"},
			{"GET", "/entries?subject=abc", "", nil, 400, "subject"},
			{"GET", "/entries?kind=nonsense", "", nil, 400, "kind"},
			{"GET", "/entries?kind=claim-decision&subject=" + e.Subject.String(), "", nil, 400, "subject"},
			{"GET", "/entries?subject=" + credentials.Handle{7}.String(), "", nil, 200, `"entries":[]`},
			{"GET", "/receipts/1", "", nil, 200, "c2sp.org/tlog-proof@v1\nindex 1\n"},
			{"GET", "/receipts/2", "", nil, 404, "not-final"},
			{"GET", "/receipts/2?wait=50ms", "", nil, 404, "not-final"},
			{"GET", "/receipts/1?wait=soon", "", nil, 400, "wait"},
			{"GET", "/receipts/1?wait=-1s", "", nil, 400, "wait"},
			{"GET", "/lookup/" + ledgerKey, "", nil, 200, `"index":1`},
			{"GET", "/lookup/" + key, "", nil, 404, "not-found"},
			{"GET", "/lookup/abc", "", nil, 400, "key"},
			{"GET", "/checkpoint", "", nil, 200, ledgertest.Origin + "\n2\n"},
			{"GET", "/tile/0/000.p/2", "", nil, 200, ""},
			{"GET", "/tile/0/000.p/1", "", nil, 200, ""},
			{"GET", "/tile/0/000.p/3", "", nil, 404, ""},
			{"GET", "/tile/0/000", "", nil, 404, ""},
			{"GET", "/tile/1/000.p/1", "", nil, 404, ""},
			{"GET", "/tile/0/x999/x999/x999/x999/x999/x999/x999/999", "", nil, 404, ""},
			{"GET", "/tile/63/000.p/1", "", nil, 404, ""},
			{"GET", "/tile/nonsense", "", nil, 404, ""},
			{"GET", "/tile/entries/000.p/2", "", nil, 200, string(lt.Leaf)},
			{"GET", "/tile/entries/000.p/3", "", nil, 404, ""},
			{"GET", "/nothing", "", nil, 404, ""},
		} {
			resp, body := request(t, c.method, url+c.path, c.key, c.body)
			if resp.StatusCode != c.status || !strings.Contains(body, c.want) {
				t.Errorf("%s %s: got %d %.200q, want %d with %q", c.method, c.path, resp.StatusCode, body, c.status, c.want)
			}
			if strings.Contains(body, `"not-final"`) && resp.Header.Get("Retry-After") == "" {
				t.Errorf("%s %s: no Retry-After", c.method, c.path)
			}
			immutable := strings.Contains(resp.Header.Get("Cache-Control"), "immutable")
			if immutable && (resp.StatusCode != 200 || c.path == "/checkpoint") {
				t.Errorf("%s %s: to be cached for ever", c.method, c.path)
			}
		}
	})
}

// What is committed and not final is not shown, save by lookup.
func TestNothingIsShownBeforeItIsFinal(t *testing.T) {
	lt := ledgertest.New(t)
	l := lt.Open(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	url := serve(t, l)
	mustReceipt(t, l, 0)
	lt.Witnesses[0].Break(down)
	lt.Witnesses[1].Break(down)
	e := ledgertest.Entry(t, "a")
	mustAppend(t, l, "a", e)
	for path, want := range map[string]int{
		"/entries/1": 404, "/receipts/1": 404, "/tile/0/000.p/2": 404, "/tile/entries/000.p/2": 404, "/tile/0/000.p/1": 200,
		"/lookup/" + ledger.EntryKey(ledgertest.Origin, e.Issuer(), business("a")).String(): 200,
	} {
		if resp, _ := request(t, "GET", url+path, "", nil); resp.StatusCode != want {
			t.Errorf("%s: got %d, want %d", path, resp.StatusCode, want)
		}
	}
	if _, body := request(t, "GET", url+"/entries?subject="+e.Subject.String(), "", nil); !strings.Contains(body, `"entries":[]`) {
		t.Errorf("listed before it is final: %s", body)
	}
	// A request that waits is answered as soon as it is.
	go func() { time.Sleep(200 * time.Millisecond); lt.Witnesses[1].Break(nil) }()
	resp, body := request(t, "GET", url+"/receipts/1?wait=10s", "", nil)
	if resp.StatusCode != 200 {
		t.Fatalf("got %d %s", resp.StatusCode, body)
	}
	mustVerify(t, lt.Policy, []byte(body), e.Marshal())
}

func TestListPages(t *testing.T) {
	lt := ledgertest.New(t)
	l := lt.Open(t, sqldbtest.Open(t, sqldbtest.SQLite(t)))
	url := serve(t, l)
	if err := l.AppendUnchecked(ctx, 600); err != nil {
		t.Fatal(err)
	}
	mustReceipt(t, l, 600)
	after, n := "", 0
	for pages := 1; ; pages++ {
		_, body := request(t, "GET", url+"/entries?kind=claim-decision"+after, "", nil)
		var page struct {
			Entries []struct{ Index int64 }
			More    bool
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err)
		}
		n += len(page.Entries)
		if !page.More {
			if n != 600 || pages != 3 {
				t.Errorf("got %d entries on %d pages, want 600 on 3", n, pages)
			}
			return
		}
		after = fmt.Sprint("&after=", page.Entries[len(page.Entries)-1].Index)
	}
}
