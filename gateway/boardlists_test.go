package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	boardclient "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/store/sqldb"
)

// A listDoor is a board that serves its status lists, counts who asks, and may
// be away.
type listDoor struct {
	mu    sync.Mutex
	url   string
	from  time.Time
	set   bool // the bit for suspension, at place 2
	away  bool
	asked int
}

func (d *listDoor) change(f func(*listDoor)) (asked int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(d)
	return d.asked
}

func (d *listDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	p := credentials.StatusPurpose(strings.Split(r.URL.Path, "/")[2])
	bits := credentials.NewStatusList(map[bool]int{true: credentials.MessageSize, false: 1}[p == credentials.PurposeMessage])
	if p == credentials.PurposeSuspension && d.set {
		bits.Set(2, 1)
	}
	token, err := credentials.IssueStatusList(ledgertest.Signer("board"), random(), p, d.at(p), bits, d.from, d.from.Add(5*time.Minute))
	if err != nil || d.away {
		http.Error(w, "away", http.StatusServiceUnavailable)
		return
	}
	io.WriteString(w, token)
}

// at is where the board says that its lists stand: not where it is asked.
func (d *listDoor) at(p credentials.StatusPurpose) string {
	return "https://board.test/status/" + string(p) + "/1"
}

// A board's lists are kept, until an event of the board on the ledger: from then
// on no list that was kept before is used, and one that cannot be had is unknown.
func TestBoardListsAreFlushed(t *testing.T) {
	d := &listDoor{from: noon.Add(-time.Minute)}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	board, err := boardclient.New(boardclient.Config{URL: server.URL, Board: did("board"), Keys: credentials.ResolveDIDKey, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqldb.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "books.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	h := newHouseOn(t, db, board)
	sequence := int64(0)
	hear := func(e store.Heard, kind ledger.Kind, subject credentials.Handle) {
		t.Helper()
		sequence++
		entry, err := ledger.Entry{Kind: kind, Subject: subject, Document: credentials.DocumentDigest(e.Token), Effective: noon}.Sign(ledgertest.Signer("board"))
		if err != nil {
			t.Fatal(err)
		}
		e.Sequence, e.Index, e.Receipt, e.Entry = sequence, 10*sequence, []byte("receipt"), entry.Marshal()
		if err := h.books.Hear(ctx, did("board"), "CA", []store.Heard{e}, noon); err != nil {
			t.Fatal(err)
		}
	}
	license := func(npi credentials.NPI, status []credentials.StatusEntry) (credentials.License, string) {
		l := credentials.License{Handle: random(), NPI: npi, Name: canary, Jurisdiction: "CA", Profession: "MD", Number: "1", From: "2020-01-01", Until: "2028-12-31"}
		token, err := credentials.Issue(ledgertest.Signer("board"), credentials.KindLicense, l.Handle, noon.AddDate(-1, 0, 0), status, l)
		if err != nil {
			t.Fatal(err)
		}
		hear(store.Heard{Token: token, License: &l}, ledger.KindLicense, l.Handle)
		return l, token
	}
	var last credentials.Handle
	order := func(l credentials.License, action credentials.OrderAction) {
		o := credentials.Order{Handle: random(), License: l.Handle, Action: action, Effective: noon.Add(-time.Hour), Reason: "R-1"}
		if action == credentials.OrderReinstate {
			o.Upon = []credentials.Handle{last}
		}
		last = o.Handle
		token, err := credentials.Issue(ledgertest.Signer("board"), credentials.KindBoardOrder, o.Handle, noon, nil, o)
		if err != nil {
			t.Fatal(err)
		}
		hear(store.Heard{Token: token, Order: &o}, ledger.KindBoardOrder, o.Handle)
	}
	l, token := license(clinician, credentials.LicenseStatus(d.at, [3]int{1, 2, 3}))
	other, _ := license("1003000126", nil)

	for _, step := range []struct {
		name  string
		do    func()
		want  int
		asked int
	}{
		{"for the first time", func() {}, 200, 3},
		{"again", func() {}, 200, 3},
		{"the board is away", func() { d.change(func(d *listDoor) { d.away = true }) }, 200, 3},
		{"away, and an order upon another license", func() { order(other, credentials.OrderRevoke) }, 503, 6},
		{"it is back", func() { d.change(func(d *listDoor) { d.away = false }) }, 200, 9},
		{"again, kept", func() {}, 200, 9},
		{"its key was declared bad, and it is away", func() { h.bad.Store(99); d.change(func(d *listDoor) { d.away = true }) }, 503, 12},
		{"back once more", func() { d.change(func(d *listDoor) { d.away = false }) }, 200, 15},
		{"suspended, and the list is from before", func() { order(l, credentials.OrderSuspend) }, 422, 18},
		{"reinstated, and the list is from before", func() { order(l, credentials.OrderReinstate) }, 503, 21},
		{"the lists are of now, and after an event", func() { d.change(func(d *listDoor) { d.from = noon }); order(other, credentials.OrderRevoke) }, 200, 24},
		{"the list says more than the orders", func() { d.change(func(d *listDoor) { d.set = true }); order(other, credentials.OrderRevoke) }, 422, 27},
	} {
		step.do()
		if status, answer := h.examine(token); status != step.want {
			t.Errorf("%s: %d %v, want %d", step.name, status, answer, step.want)
		}
		if asked := d.change(func(*listDoor) {}); asked != step.asked {
			t.Errorf("%s: the board was asked %d times, want %d", step.name, asked, step.asked)
		}
	}
}
