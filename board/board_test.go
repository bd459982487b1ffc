package board

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

func TestMain(m *testing.M) { sqldbtest.Main(m) }

// A testLedger appends as the real one does: idempotent by key, others' entries
// in between. Fault may fail a call before it did anything ("fail") or after it
// did ("lose").
type testLedger struct {
	mu      sync.Mutex
	byKey   map[string]int64
	entries [][]byte
	fault   func(call string) string
	retired string // key id that was handed over
	awaited int
}

func newTestLedger() *testLedger { return &testLedger{byKey: map[string]int64{}} }

func (l *testLedger) setFault(f func(call string) string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = f
}

func (l *testLedger) faultOf(call string) string {
	if l.fault == nil {
		return ""
	}
	return l.fault(call)
}

func (l *testLedger) AppendAll(ctx context.Context, keys []string, all []ledger.Entry) (indices []int64, err error) {
	for i, e := range all {
		index, err := l.Append(ctx, keys[i], e)
		if err != nil {
			return indices, err
		}
		indices = append(indices, index)
	}
	return indices, nil
}

// AwaitAll has every second call bring one receipt only, as if no more were final.
func (l *testLedger) AwaitAll(ctx context.Context, indices []int64, all []ledger.Entry) (receipts [][]byte, err error) {
	l.mu.Lock()
	l.awaited++
	most := len(all)
	if l.awaited%2 == 0 {
		most = 1
	}
	l.mu.Unlock()
	for i, e := range all[:most] {
		r, err := l.AwaitFinal(ctx, indices[i], e)
		if err != nil {
			return nil, err
		}
		receipts = append(receipts, r)
	}
	return receipts, nil
}

func (l *testLedger) Append(_ context.Context, key string, e ledger.Entry) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fault := l.faultOf("append")
	if fault == "fail" {
		return 0, errors.New("ledger is down")
	}
	if e.KeyID == l.retired {
		return 0, ledger.ErrRetired
	}
	index, known := l.byKey[key]
	switch {
	case known && !bytes.Equal(l.entries[index], e.Marshal()):
		return 0, errors.New("key was used for another entry")
	case !known:
		l.entries = append(l.entries, []byte("another party's entry"), e.Marshal())
		index = int64(len(l.entries) - 1)
		l.byKey[key] = index
	}
	if fault == "lose" {
		return 0, errors.New("reply lost")
	}
	return index, nil
}

func (l *testLedger) AwaitFinal(_ context.Context, index int64, e ledger.Entry) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.faultOf("await") != "" {
		return nil, errors.New("reply lost")
	}
	if !bytes.Equal(l.entries[index], e.Marshal()) {
		return nil, errors.New("another entry stands at this index")
	}
	return receiptOf(index, l.entries[index]), nil
}

func receiptOf(index int64, entry []byte) []byte {
	return fmt.Appendf(nil, "receipt of %d\n%s\n", index, credentials.DigestOf(entry))
}

func ed25519KeyOf(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func testKey(seed byte) credentials.Signer {
	return credentials.NewSigner("", ed25519KeyOf(seed))
}

var (
	boardKey = testKey(1)
	clerkKey = testKey(2)
)

// A house is a running board with everything around it.
type house struct {
	*Board
	ledger *testLedger
	server *httptest.Server
	log    *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *syncBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func openHouse(t *testing.T, db *sqldb.DB, l *testLedger, change ...func(*Options)) *house {
	t.Helper()
	return openHouseAs(t, boardKey, db, l, change...)
}

func openHouseAs(t *testing.T, signer credentials.Signer, db *sqldb.DB, l *testLedger, change ...func(*Options)) *house {
	t.Helper()
	h := &house{ledger: l, log: new(syncBuffer)}
	h.server = httptest.NewUnstartedServer(nil)
	o := Options{Jurisdiction: "MA", URL: "http://" + h.server.Listener.Addr().String(),
		Clerks: []string{clerkKey.KeyID()}, Log: slog.New(slog.NewTextHandler(h.log, nil))}
	for _, c := range change {
		c(&o)
	}
	b, err := Open(t.Context(), db, signer, l, o)
	if err != nil {
		t.Fatal(err)
	}
	h.Board = b
	h.server.Config.Handler = b.Handler()
	h.server.Start()
	t.Cleanup(func() { h.shut() })
	return h
}

func (h *house) shut() {
	h.Board.Close()
	h.server.Close()
}

// client speaks to the house with the clerk's key.
func (h *house) client(t *testing.T) *client.Client { return h.clientOf(t, clerkKey) }

func (h *house) clientOf(t *testing.T, clerk credentials.Signer) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{URL: h.server.URL, Board: h.DID(), Keys: credentials.ResolveDIDKey, Signer: clerk})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// bySomeone is a request whose clerk does not matter.
func bySomeone() request {
	return request{RequestClaims: credentials.RequestClaims{KeyID: clerkKey.KeyID(), ID: randomHandle()}, token: "token", body: []byte("{}")}
}

func application(number int) client.Application {
	return client.Application{NPI: "1234567893", Name: "Jane Testperson", Jurisdiction: "MA", Profession: "MD",
		Number: fmt.Sprintf("MA-%d", number), From: "2026-01-01", Until: "2027-12-31"}
}

// wholeFeed reads the feed to its head.
func wholeFeed(t *testing.T, c *client.Client) []client.Event {
	t.Helper()
	var events []client.Event
	for {
		p, err := c.Feed(t.Context(), int64(len(events)), 0)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, p.Events...)
		if int64(len(events)) == p.Head.Sequence {
			return events
		}
	}
}

// awaitFeed waits until the feed has n events.
func awaitFeed(t *testing.T, c *client.Client, n int) []client.Event {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if events := wholeFeed(t, c); len(events) >= n || time.Now().After(end) {
			if len(events) != n {
				t.Fatalf("the feed has %d events, want %d", len(events), n)
			}
			return events
		}
	}
}

func TestLifeOfALicense(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		h := openHouse(t, open(), newTestLedger())
		c, ctx := h.client(t), t.Context()
		file, err := c.Issue(ctx, application(1))
		if err != nil {
			t.Fatal(err)
		}
		cred, err := credentials.Open[credentials.License](file.License.Token, credentials.KindLicense, credentials.ResolveDIDKey)
		if err != nil {
			t.Fatal(err)
		}
		if want := application(1).License(file.License.Handle); !cred.Subject.Equal(want) || cred.Issuer != h.DID() {
			t.Errorf("license %+v by %s, want %+v", cred.Subject, cred.Issuer, want)
		}
		if want := receiptOf(1, h.ledger.entries[1]); !bytes.Equal(file.License.Receipt, want) || file.License.Index != 1 {
			t.Errorf("receipt %q at %d, want %q at 1", file.License.Receipt, file.License.Index, want)
		}
		checkEntry(t, h.ledger.entries[1], ledger.KindLicense, file.License.Handle, file.License.Token)
		if revoked, err := c.Status(ctx, &cred.Status[0]); err != nil || revoked != 0 {
			t.Errorf("status = %v, %v; want not revoked", revoked, err)
		}

		again, err := c.Issue(ctx, application(1))
		if err != nil || again.License.Token != file.License.Token || again.License.Handle != file.License.Handle {
			t.Errorf("issued again: %v, %v; want the first license", again.License.Handle, err)
		}
		renamed := application(1)
		renamed.Name = "Jane T. Testperson"
		if again, err := c.Issue(ctx, renamed); err != nil || again.License.Handle != file.License.Handle {
			t.Errorf("issued under another name: %v, %v; want the first license", again.License.Handle, err)
		}
		other, err := c.Issue(ctx, application(2))
		if err != nil || other.License.Handle == file.License.Handle {
			t.Errorf("another number: %v, %v", other.License.Handle, err)
		}

		eastern := time.FixedZone("", -5*3600)
		effective := time.Date(2026, 3, 2, 22, 0, 0, 0, eastern)
		order, err := c.Revoke(ctx, file.License.Handle, effective, "R-12")
		if err != nil {
			t.Fatal(err)
		}
		oc, err := credentials.Open[credentials.Order](order.Token, credentials.KindBoardOrder, credentials.ResolveDIDKey)
		if err != nil {
			t.Fatal(err)
		}
		if oc.Subject.EffectiveDate() != "2026-03-02" || !oc.Subject.Effective.Equal(effective) || oc.Subject.Reason != "R-12" {
			t.Errorf("order %+v: the board's own day is 2 March", oc.Subject)
		}
		e := checkEntry(t, h.ledger.entries[order.Index], ledger.KindBoardOrder, order.Handle, order.Token)
		if !e.Effective.Equal(effective) {
			t.Errorf("the ledger's effective time is %s, want %s", e.Effective, effective)
		}
		if again, err := c.Revoke(ctx, file.License.Handle, effective, "R-12"); err != nil || again.Token != order.Token {
			t.Errorf("ordered again: %v, %v; want the first order", again.Handle, err)
		}
		if revoked, err := c.Status(ctx, &cred.Status[0]); err != nil || revoked != 1 {
			t.Errorf("status = %v, %v; want revoked at once", revoked, err)
		}

		shown, err := c.Show(ctx, file.License.Handle)
		if err != nil || len(shown.Orders) != 1 || shown.Orders[0].Token != order.Token || len(shown.Orders[0].Receipt) == 0 {
			t.Errorf("shown: %d orders, %v", len(shown.Orders), err)
		}
		if found, err := c.Find(ctx, "1234567893"); err != nil || len(found) != 2 || found[0].License.Token != file.License.Token {
			t.Errorf("found %d licenses, %v; want 2, oldest first", len(found), err)
		}
		if found, err := c.Find(ctx, "1999999999"); err != nil || len(found) != 0 {
			t.Errorf("found %d licenses of nobody, %v", len(found), err)
		}

		events := wholeFeed(t, c)
		var got []string
		for i, e := range events {
			got = append(got, fmt.Sprintf("%d %s", e.Sequence, e.Kind))
			if i > 0 && e.Index <= events[i-1].Index {
				t.Errorf("event %d is at %d, after %d", e.Sequence, e.Index, events[i-1].Index)
			}
		}
		if want := "1 license, 2 license, 3 order"; strings.Join(got, ", ") != want {
			t.Errorf("feed: %s; want %s", strings.Join(got, ", "), want)
		}
		if events[2].Token != order.Token || !bytes.Equal(events[2].Receipt, order.Receipt) {
			t.Error("the feed brings another order than the clerk got")
		}
		if text := h.log.text(); text != "" {
			t.Errorf("logged: %s", text)
		}
	})
}

func checkEntry(t *testing.T, b []byte, kind ledger.Kind, subject credentials.Handle, token string) ledger.Entry {
	t.Helper()
	e, err := ledger.ParseEntry(b)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := credentials.ResolveDIDKey(boardKey.KeyID())
	if err != nil {
		t.Fatal(err)
	}
	if e.Kind != kind || e.Subject != subject || e.Document != credentials.DocumentDigest(token) || e.Verify(pub.Ed25519()) != nil {
		t.Errorf("entry %+v is not the board's %s for the token", e, kind)
	}
	return e
}

func TestOpenRefusesOptions(t *testing.T) {
	db := sqldbtest.Open(t, sqldbtest.SQLite(t))
	for name, o := range map[string]Options{
		"no URL":           {Jurisdiction: "MA"},
		"relative URL":     {Jurisdiction: "MA", URL: "/board"},
		"no jurisdiction":  {URL: "https://board.example"},
		"bad jurisdiction": {URL: "https://board.example", Jurisdiction: "Mass."},
		"bad clerk":        {URL: "https://board.example", Jurisdiction: "MA", Clerks: []string{"clerk"}},
	} {
		if b, err := Open(t.Context(), db, boardKey, newTestLedger(), o); err == nil {
			b.Close()
			t.Errorf("%s: opened", name)
		}
	}
}
