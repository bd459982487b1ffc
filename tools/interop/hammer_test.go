//go:build interop && linux

package interop

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

var hammerFor = flag.Duration("hammer", time.Minute, "how long Tessera's hammer writes and verifies; with -short 5s")

// Tessera's hammer writes to our ledger, and checks that each checkpoint
// continues the one before. It writes bytes of its own, and our ledger takes
// signed entries alone: so it writes at a door of this test, which signs an
// entry about each of its leaves and sends that to the daemon as anyone would.
func TestHammer(t *testing.T) {
	b := startLedger(t, sqldbtest.Postgres(t), urls(fourWitnesses(t)))
	d := &hammerDoor{t: t, b: b, at: map[int64][]byte{}}
	long := *hammerFor
	if testing.Short() {
		long = 5 * time.Second
	}
	said, _ := run(t, t.TempDir(), long+time.Minute, "hammer", "-log_public_key", b.genesis.LogKey, "-log_url", d.serve(b.url)+"/",
		"-num_writers", "64", "-max_write_ops", "1000", "-leaf_min_size", "200", "-max_read_ops", "100",
		"-max_runtime", long.String(), "-show_ui=false")
	// It exits 1 at its time's end as it does on an error; on a fork it says F.
	if !contains(said, "Max runtime reached") {
		t.Fatalf("hammer has ended early:\n%s", tail(said))
	}
	complaints := regexp.MustCompile(`(?m)^[WEF]\d{4} .*$`).FindAllString(said, -1)
	complaints = slices.DeleteFunc(complaints, func(s string) bool { return strings.HasSuffix(s, ": context canceled") }) // by itself, when its time is over
	if len(complaints) > 0 {
		t.Errorf("hammer complains %d times, first: %s", len(complaints), complaints[0])
	}
	d.check()
}

// A hammerDoor is where hammer writes, and reads our ledger behind it.
type hammerDoor struct {
	t *testing.T
	b *book

	mu    sync.Mutex
	at    map[int64][]byte // hammer's leaves by the index that it was told
	again int              // answers for leaves that were sent before
}

func (d *hammerDoor) serve(ledger string) string {
	target, err := url.Parse(ledger)
	if err != nil {
		d.t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add", d.add)
	mux.Handle("GET /", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorLog: log.New(io.Discard, "", 0)}) // hammer breaks its reads off when its time is over
	s := httptest.NewServer(mux) // on loopback
	d.t.Cleanup(s.Close)
	return s.URL
}

func (d *hammerDoor) add(w http.ResponseWriter, r *http.Request) {
	leaf, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	e, err := about(leaf)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	a, err := d.b.client.Append(r.Context(), string(leaf), e)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if have, ok := d.at[a.Index]; ok {
		d.again++
		if !bytes.Equal(have, leaf) {
			d.t.Errorf("index %d was given to two leaves", a.Index)
		}
	}
	d.at[a.Index] = leaf
	fmt.Fprint(w, a.Index)
}

// about is a signed decision whose document is hammer's leaf, the same for the
// same leaf.
func about(leaf []byte) (ledger.Entry, error) {
	return ledger.Entry{Kind: ledger.KindClaimDecision, Subject: credentials.Handle(credentials.DigestOf(append([]byte("subject "), leaf...))),
		Document: credentials.DigestOf(leaf), Effective: time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)}.Sign(ledgertest.Signer("insurer"))
}

// check holds the log against what hammer was told, which hammer itself does
// not: that each of its leaves is at its index, once, and nothing else is there.
func (d *hammerDoor) check() {
	d.t.Helper()
	var newest int64
	for i := range d.at {
		newest = max(newest, i)
	}
	e, err := about(d.at[newest])
	if err != nil {
		d.t.Fatal(err)
	}
	d.b.await(d.t, newest, e.Marshal())
	var n int64
	for i, leaf := range follower(d.t, d.b)(1) {
		e, err := ledger.ParseEntry(leaf)
		if hammers, ok := d.at[i]; err != nil || ok && e.Document != credentials.DigestOf(hammers) {
			d.t.Fatalf("entry %d is not the leaf that hammer was told stands there: %v", i, err)
		} else if ok {
			n++
		}
	}
	if n != int64(len(d.at)) || n == 0 {
		d.t.Errorf("%d of hammer's %d leaves are in the log", n, len(d.at))
	}
	whole, said := fsckSays(d.t, d.b.url, d.b.genesis.LogKey)
	if !whole {
		d.t.Errorf("Tessera's fsck after hammer:\n%s", tail(said))
	}
	say(d.t, "hammer wrote %d leaves and sent %d of them again, and complains of nothing; each is at its index, and Tessera's fsck passes", n, d.again)
}
