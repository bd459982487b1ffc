package contracts

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/worker"
	"github.com/countersign-health/countersign/workflows"
)

// TestFileTwiceAtOnce has two clerks of the hospital sign and send the same
// file at the same time, and a third send it again when all is decided.
func TestFileTwiceAtOnce(t *testing.T) {
	t.Parallel()
	once := open(t)
	once.begin()
	for _, a := range once.bill() {
		once.decided(a, 1)
	}
	want := once.left()

	h := open(t)
	h.begin()
	var got [2]map[string]api.Acceptance
	var both sync.WaitGroup
	for i := range got {
		both.Go(func() { got[i] = h.bill() })
	}
	both.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for _, a := range got[0] {
		h.decided(a, 1)
	}
	late := h.bill()
	h.recorded()
	for number, a := range got[0] {
		if a.Control == "" || got[1][number].Control != a.Control || got[1][number].Handle != a.Handle {
			t.Errorf("%s: one caller is told %v, the other %v", number, a, got[1][number])
		}
		if l := late[number]; l.Control != a.Control || !l.Again {
			t.Errorf("%s: sent again, it is told %v, want %v again", number, l, a)
		}
	}
	compare(t, h.left(), want)
}

// TestClaimTwiceBeforeItIsKnown has the second copy of a claim come while the
// books are still writing the first: it joins the contract that runs.
func TestClaimTwiceBeforeItIsKnown(t *testing.T) {
	t.Parallel()
	var posts atomic.Int64
	h := open(t, func(o *parties.Options) {
		o.Seen = func(r *http.Request) {
			if r.URL.Path == "/claims" {
				posts.Add(1)
			}
		}
		o.WrapBooks = func(b activities.Books) activities.Books { return slowBooks{b, &posts} }
	})
	h.begin()
	s := h.claimsOf("claims.837")[5]
	var got [2]api.Acceptance
	var both sync.WaitGroup
	for i := range got {
		token := h.sign(s.Claim, s.Source)
		both.Go(func() {
			var err error
			if got[i], err = h.hospital.SubmitClaim(h.ctx, token); err != nil {
				t.Errorf("not taken at the first try: %v", err)
			}
		})
	}
	both.Wait()
	if got[0].Handle != got[1].Handle || got[0].Control != got[1].Control || got[0].Again == got[1].Again {
		t.Errorf("one is told %v, the other %v, want the same, and one of them again", got[0], got[1])
	}
	h.decided(got[0], 1)
	h.recorded()
	h.checkOnce(got[0])
}

// slowBooks write a claim when two were posted and the second has had time to
// get through the gateway.
type slowBooks struct {
	activities.Books
	posts *atomic.Int64
}

func (b slowBooks) ReceiveClaim(ctx context.Context, c books.NewClaim) (books.Received, error) {
	for b.posts.Load() < 2 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(300 * time.Millisecond)
	return b.Books.ReceiveClaim(ctx, c)
}

// TestRequestTokenTwice sends the very same request again, as somebody would
// who recorded it.
func TestRequestTokenTwice(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.begin()
	tape := &recorder{}
	h.hospital.HTTP = &http.Client{Transport: tape}
	h.decided(h.bill("DEMO-001")["DEMO-001"], 1)
	sent := tape.first.Clone(h.ctx)
	sent.Body, _ = tape.first.GetBody()
	answer, err := http.DefaultClient.Do(sent)
	h.must(err)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("the same request token was let in twice: %s", answer.Status)
	}
}

type recorder struct{ first *http.Request }

func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	if r.first == nil {
		r.first = q
	}
	return http.DefaultTransport.RoundTrip(q)
}

// TestDeterminationTwice sends a reviewer's determination again, before and
// after it was acted upon.
func TestDeterminationTwice(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.begin()
	b := h.request("auth-b.json")
	h.decided(b, 1)
	token := h.approve(b, 1)
	for range 2 {
		if _, err := h.reviewer.Determine(h.ctx, b.Handle, token); err != nil {
			t.Errorf("the same determination again: %v", err)
		}
		h.decided(b, 2)
	}
	h.idle(b)
	h.recorded()
	if l := h.left(); len(l.decisions) != 2 {
		t.Errorf("%d decisions, want 2: %v", len(l.decisions), l.decisions)
	}
}

// TestContractAgain starts the contract of a claim that was decided once more,
// past the gateway, when Temporal has forgotten the first run of it.
func TestContractAgain(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.begin()
	var token string
	for _, s := range h.claimsOf("claims.837") {
		if s.Claim.Number == "DEMO-006" {
			token = h.sign(s.Claim, s.Source)
		}
	}
	a := h.submit(token)
	h.decided(a, 1)
	h.idle(a)
	c := h.temporal()
	run, err := c.ExecuteWorkflow(h.ctx, client.StartWorkflowOptions{ID: h.contract(a), TaskQueue: workflows.TaskQueue},
		workflows.Claim, activities.Submitted{Token: token, Received: "2026-11-02"})
	h.must(err)
	h.must(run.Get(h.ctx, nil))
	h.recorded()
	h.checkOnce(a)
}

// TestFirstBytesStay has every signing done twice, as by two workers who both
// found nothing signed, and every receipt kept twice: what was kept first is
// what is settled and recorded, and nothing of it moves.
func TestFirstBytesStay(t *testing.T) {
	t.Parallel()
	l := newLosses()
	first := &firsts{losses: l, signed: map[string]credentials.Handle{}, kept: map[credentials.Handle]time.Time{}}
	h := open(t, func(o *parties.Options) {
		o.WrapBooks = func(b activities.Books) activities.Books { return blindBooks{lossyBooks{b, l}, first} }
	})
	h.begin()
	h.decided(h.request("auth-a.json"), 1)
	for _, a := range h.bill("DEMO-001", "DEMO-005", "DEMO-006") {
		h.decided(a, 1)
		h.idle(a)
	}
	h.recorded()
	got := h.left()
	if len(got.decisions) != 4 || got.signed != 4 || l.count("KeepSigned") != 4 {
		t.Errorf("%d decisions, %d signed, %d replies lost: want 4 of each", len(got.decisions), got.signed, l.count("KeepSigned"))
	}
	b := h.db(parties.Insurer, "books.db")
	for _, handle := range first.signed { // four keys, four documents: those who came second kept nothing
		if now := h.query(b, `SELECT d.document FROM decision d JOIN signed s ON s.handle = d.document WHERE s.handle = $1`, handle.String()); len(now) != 1 {
			t.Errorf("%v settled, want the first that was signed, %s", now, handle)
		}
	}
	for document, at := range first.kept {
		var recorded int64
		h.must(b.QueryRow(h.ctx, `SELECT recorded FROM outbox WHERE document = $1`, document.String()).Scan(&recorded))
		if time.UnixMicro(recorded).After(at) {
			t.Errorf("the receipt of %s was written again", document)
		}
	}
}

// firsts remembers what was kept first.
type firsts struct {
	*losses
	signed map[string]credentials.Handle
	kept   map[credentials.Handle]time.Time
}

// blindBooks never say what they hold already.
type blindBooks struct {
	activities.Books
	*firsts
}

func (b blindBooks) FindSigned(ctx context.Context, key string) (books.Signed, error) {
	s, err := b.Books.FindSigned(ctx, key)
	if err == nil && len(s.Entry) > 0 { // a decision; submissions have none
		return books.Signed{}, books.ErrNotFound
	}
	return s, err
}

func (b blindBooks) KeepSigned(ctx context.Context, s books.Signed) (books.Signed, error) {
	b.mu.Lock()
	if _, known := b.signed[s.Key]; !known {
		b.signed[s.Key] = s.Handle
	}
	b.mu.Unlock()
	return b.Books.KeepSigned(ctx, s)
}

func (b blindBooks) Outbox(ctx context.Context, document credentials.Handle) (books.OutboxRow, error) {
	row, err := b.Books.Outbox(ctx, document)
	row.Recorded = false
	return row, err
}

func (b blindBooks) KeepReceipt(ctx context.Context, document credentials.Handle, index int64, receipt []byte) error {
	err := b.Books.KeepReceipt(ctx, document, index, receipt)
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.kept[document]; !known {
		b.kept[document] = time.Now()
	}
	return err
}

// TestOtherKeyEachTime gives the ledger another business key at each attempt
// and loses replies. The ledger holds an entry once, under one key for ever; the
// second attempt is refused for good, and no receipt is shown that is none.
func TestOtherKeyEachTime(t *testing.T) {
	t.Parallel()
	l := newLosses()
	f := forgetful{on: new(atomic.Bool), times: new(atomic.Int64)}
	h := open(t, func(o *parties.Options) {
		o.WrapLedger = func(k worker.Ledger) worker.Ledger { f.Ledger = lossyLedger{k, l}; return f }
	})
	h.begin()
	f.on.Store(true)
	a := h.bill("DEMO-001")["DEMO-001"]
	h.until("two attempts", func() (bool, error) { return f.times.Load() >= 2, nil })
	h.idle(a)
	entries := h.query(h.db("ledger", "ledger.db"), `SELECT idx FROM ledger_entry WHERE kind = $1`, int64(ledger.KindClaimDecision))
	if len(entries) != 1 {
		t.Errorf("%d entries for one decision", len(entries))
	}
	if s, err := h.hospital.Status(h.ctx, a.Handle, 0, 0, false); err != nil || len(s.Decisions) != 0 || s.State != "received" {
		t.Errorf("a decision without its receipt is shown: %v, %v", s, err)
	}
}

// forgetful names the same event anew each time.
type forgetful struct {
	worker.Ledger
	on    *atomic.Bool
	times *atomic.Int64
}

func (f forgetful) Append(ctx context.Context, key string, e ledger.Entry) (int64, error) {
	if f.on.Load() {
		key += fmt.Sprint(" ", f.times.Add(1))
	}
	return f.Ledger.Append(ctx, key, e)
}
