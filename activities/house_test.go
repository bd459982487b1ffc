package activities_test

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/examples"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/storetest"
)

var (
	ctx     = context.Background()
	noon    = time.Date(2026, 5, 6, 12, 0, 0, 0, time.UTC)
	errAway = errors.New("the database is away")
	secret  = []byte("secret of the tests")
)

const clinician = credentials.NPI("1234567893")

// A house is an insurer's real books, with faults where a test sets them, and
// with the plan, the fees and one member of the examples.
type house struct {
	*faulty
	t     *testing.T
	store *store.Books
	off   error // what is wrong with the house's clock
}

func (h *house) clock() error { return h.off }

// newHouse publishes the example's plan, with some of its text replaced.
func newHouse(t *testing.T, oldNew ...string) *house {
	t.Helper()
	db, err := sqldb.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "books.db"))
	must(t, err)
	t.Cleanup(func() { db.Close() })
	b, err := store.Open(ctx, db, storetest.Keys(t), func() time.Time { return noon })
	must(t, err)
	must(t, b.Enroll(ctx, []store.Member{{MemberID: "M1", Family: "M1", Last: "Alder", First: "Ann", Plan: "demo-ppo", From: "2026-01-01"}}))
	h := &house{faulty: &faulty{Books: b}, t: t, store: b}
	for name, kind := range map[string]books.EditionKind{"plan.yaml": books.PlanEdition, "fees.csv": books.FeeEdition} {
		body, err := examples.Files.ReadFile(name)
		must(t, err)
		body = []byte(strings.NewReplacer(oldNew...).Replace(string(body)))
		e := books.Edition{Kind: kind, Handle: handle(name), Body: body,
			Ref: claims.EditionRef{Name: "demo-fees", Edition: "2026-01", Digest: credentials.DigestOf(body)}}
		if kind == books.PlanEdition {
			e.Ref.Name, e.Fees, e.From, e.Until = "demo-ppo", "demo-fees", "2026-01-01", "2027-12-31"
		}
		_, err = b.PublishEdition(ctx, e, []byte("entry"))
		must(t, err)
	}
	return h
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func handle(name string) credentials.Handle {
	return credentials.Handle(credentials.DigestOf([]byte("handle " + name)))
}

// faulty books fail where they are told to, before or after the effect.
type faulty struct {
	activities.Books
	before, after map[string]error
	signed        sync.Map // by handle, as kept
}

func (f *faulty) KeepSigned(ctx context.Context, s books.Signed) (books.Signed, error) {
	if err := f.before["KeepSigned"]; err != nil {
		return books.Signed{}, err
	}
	kept, err := f.Books.KeepSigned(ctx, s)
	f.signed.Store(kept.Handle, kept)
	if lost := f.after["KeepSigned"]; lost != nil {
		return books.Signed{}, lost
	}
	return kept, err
}

func (f *faulty) FindSigned(ctx context.Context, key string) (books.Signed, error) {
	if err := f.before["FindSigned"]; err != nil && !strings.HasPrefix(key, "submission/") {
		return books.Signed{}, err
	}
	return f.Books.FindSigned(ctx, key)
}

func (f *faulty) KeepReceipt(ctx context.Context, document credentials.Handle, index int64, receipt []byte) error {
	if err := f.before["KeepReceipt"]; err != nil {
		return err
	}
	err := f.Books.KeepReceipt(ctx, document, index, receipt)
	return errors.Join(err, f.after["KeepReceipt"])
}

func (f *faulty) ReceiveClaim(ctx context.Context, c books.NewClaim) (books.Received, error) {
	if err := f.before["ReceiveClaim"]; err != nil {
		return books.Received{}, err
	}
	return f.Books.ReceiveClaim(ctx, c)
}

// kept is a document as the books keep it.
func (h *house) kept(document credentials.Handle) books.Signed {
	h.t.Helper()
	s, ok := h.signed.Load(document)
	if !ok {
		h.t.Fatal("the books never kept this document")
	}
	return s.(books.Signed)
}

// final says whether Temporal would give up on an error at once.
func final(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.NonRetryable()
}

func (h *house) receiving() *activities.Receiving {
	return &activities.Receiving{Books: h, Keys: credentials.ResolveDIDKey, Secret: secret}
}

func aClaim(number string, edits ...func(*claims.Claim)) claims.Submission {
	s := claims.Submission{Handle: handle(number), Salt: handle("salt"), Claim: claims.Claim{
		Number: number, Frequency: claims.Original, Charge: 10000, Place: "11", ServiceState: "CA", Payer: claims.Payer{ID: "P1"},
		Billing: claims.Provider{NPI: "1003000126", Organization: true}, Rendering: &claims.Provider{NPI: clinician},
		Subscriber: claims.Person{MemberID: "M1", Last: "Alder", First: "Ann"}, Diagnoses: []string{"M545"},
		Lines: []claims.Line{{Number: 1, Code: "99213", Charge: 10000, Unit: "UN", Units: 1000, Pointers: []int{1}, From: "2026-05-01", To: "2026-05-01"}},
	}}
	for _, edit := range edits {
		edit(&s.Claim)
	}
	return s
}

func (h *house) token(s claims.Submission) string {
	h.t.Helper()
	token, err := credentials.Issue(ledgertest.Signer("hospital"), credentials.KindClaimSubmission, s.Handle, noon, nil, s)
	must(h.t, err)
	return token
}

func (h *house) receive(s claims.Submission) credentials.Handle {
	h.t.Helper()
	a, err := h.receiving().OpenClaim(ctx, activities.Submitted{Token: h.token(s), Received: "2026-05-06"})
	must(h.t, err)
	return a.Submission
}

// license has the board of California say that the clinician is licensed, in
// a feed that was read at a time.
func (h *house) license(read time.Time, orders ...credentials.Order) {
	h.t.Helper()
	l := credentials.License{Handle: handle("license"), NPI: clinician, Jurisdiction: "CA", From: "2020-01-01", Until: "2026-05-03"}
	events := []store.Heard{{Sequence: 1, Index: 10, Token: "t", Entry: []byte("e"), Receipt: []byte("r"), License: &l}}
	for i, o := range orders {
		o.Handle, o.License, o.Action = handle("order"), l.Handle, cmp.Or(o.Action, credentials.OrderRevoke)
		events = append(events, store.Heard{Sequence: int64(i) + 2, Index: int64(i) + 11, Token: "t", Entry: []byte("e"), Receipt: []byte("r"), Order: &o})
	}
	must(h.t, h.store.Hear(ctx, "did:key:board", "CA", events, read))
}
