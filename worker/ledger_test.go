package worker

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// A house reads a handover by itself: from then on it takes the new key for the
// same party and not the old one, except on what may be older.
func TestHandoverIsRead(t *testing.T) {
	l := ledgertest.New(t)
	c, base := serve(t, l)
	line, err := OpenLedger(t.Context(), base, l.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	old := ledgertest.Signer("hospital")
	did, _ := credentials.SignerDID(old)
	_, multikey, _ := credentials.ParseKeyID(ledgertest.Signer("second").KeyID())
	next := credentials.NewSigner(string(did)+"#"+multikey, ledgertest.Key("second"))
	if _, _, err := line.Who(old.KeyID()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := line.Who(next.KeyID()); !errors.Is(err, ledger.ErrUnknownIssuer) {
		t.Errorf("the new key before the handover: %v", err)
	}

	handOver(t, l, c, old, next)
	if _, _, err := line.Who(old.KeyID()); err != nil {
		t.Errorf("read again within a moment of the last time: %v", err)
	}
	line.asked = time.Now().Add(-readAgain - time.Second)
	if _, _, err := line.Who(old.KeyID()); !errors.Is(err, ledger.ErrRetired) {
		t.Errorf("the old key: got %v, want that it is retired", err)
	}
	if _, party, err := line.Who(next.KeyID()); err != nil || party.DID != did || party.Role != ledger.RoleHospital {
		t.Errorf("the new key: %+v, %v", party, err)
	}
	for _, s := range []credentials.Signer{old, next} {
		if _, party, err := line.Whose(s.KeyID()); err != nil || party.DID != did {
			t.Errorf("on what may be older: %+v, %v", party, err)
		}
	}
	late, err := ledger.Entry{Kind: ledger.KindClaimDecision, Subject: credentials.Handle{1}, Document: credentials.Digest{1}}.Sign(old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := line.Append(t.Context(), "late", late); !errors.Is(err, ledger.ErrRetired) {
		t.Errorf("recorded with the old key: %v", err)
	}
	if f := line.Proofs(t.Context()); len(f) != 3 {
		t.Errorf("the proofs have %d files: want leaf 0, and the handover with its receipt", len(f))
	}
}

// A key that follows another is taken at once, also where the participants were
// read a moment before the handover; one that nobody has handed over to is not.
func TestNextKeyIsTakenAtOnce(t *testing.T) {
	l := ledgertest.New(t)
	c, base := serve(t, l)
	line, err := OpenLedger(t.Context(), base, l.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	old := ledgertest.Signer("hospital")
	did, _ := credentials.SignerDID(old)
	_, multikey, _ := credentials.ParseKeyID(ledgertest.Signer("second").KeyID())
	next := credentials.NewSigner(string(did)+"#"+multikey, ledgertest.Key("second"))
	if _, _, err := line.Who(next.KeyID()); !errors.Is(err, ledger.ErrUnknownIssuer) {
		t.Fatalf("before the handover: %v", err)
	}
	handOver(t, l, c, old, next)
	if _, party, err := line.Who(next.KeyID()); err != nil || party.DID != did {
		t.Errorf("after it: %+v, %v", party, err)
	}
	if _, _, err := line.Who(old.KeyID()); !errors.Is(err, ledger.ErrRetired) {
		t.Errorf("the old key: got %v, want that it is retired", err)
	}
}

// A house that asks for its own keys hears of a handover within a second of it
// being final, whoever else has asked before.
func TestOwnKeysAreReadAgain(t *testing.T) {
	l := ledgertest.New(t)
	c, base := serve(t, l)
	line, err := OpenLedger(t.Context(), base, l.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	old := ledgertest.Signer("hospital")
	did, _ := credentials.SignerDID(old)
	_, multikey, _ := credentials.ParseKeyID(ledgertest.Signer("second").KeyID())
	next := credentials.NewSigner(string(did)+"#"+multikey, ledgertest.Key("second"))
	if keys, err := line.PartyKeys(did); err != nil || len(keys) != 1 || ledger.StandsNow(keys, old.KeyID()) != nil {
		t.Fatalf("before the handover: %+v, %v", keys, err)
	}
	handOver(t, l, c, old, next)
	line.asked = time.Now().Add(-askAgain - time.Millisecond)
	keys, err := line.PartyKeys(did)
	if err != nil || len(keys) != 2 || !errors.Is(ledger.StandsNow(keys, old.KeyID()), ledger.ErrRetired) || ledger.StandsNow(keys, next.KeyID()) != nil {
		t.Errorf("after it: %+v, %v", keys, err)
	}
}

// A ledger that does not answer is not asked by every stranger, and what is
// known stays known.
func TestOwnKeysWithoutALedger(t *testing.T) {
	l := ledgertest.New(t)
	_, base := serve(t, l)
	line, err := OpenLedger(t.Context(), base, l.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	hung := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked++; w.WriteHeader(500) }))
	defer hung.Close()
	policy, err := l.Genesis.Policy()
	if err != nil {
		t.Fatal(err)
	}
	line.client = client.New(hung.URL, policy, nil)
	did, _ := credentials.SignerDID(ledgertest.Signer("hospital"))
	for range 5 {
		if keys, err := line.PartyKeys(did); err != nil || len(keys) != 1 {
			t.Errorf("%+v, %v", keys, err)
		}
	}
	if first := asked; first == 0 || first > 10 {
		t.Errorf("asked %d times", first)
	}
}

// handOver has a party's next key recorded, and waits until that is final.
func handOver(t *testing.T, l *ledgertest.Ledger, c *client.Client, old, next credentials.Signer) {
	t.Helper()
	h, err := ledger.NewHandover(l.Genesis.Digest(), old, next)
	if err != nil {
		t.Fatal(err)
	}
	e, err := h.Entry()
	if err == nil {
		e.Effective = time.Now()
		e, err = e.Sign(old)
	}
	if err != nil {
		t.Fatal(err)
	}
	at, err := c.Append(t.Context(), "hand over", e)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Await(t.Context(), at.Index, e.Marshal()); err != nil {
		t.Fatal(err)
	}
}

func serve(t *testing.T, l *ledgertest.Ledger) (*client.Client, string) {
	t.Helper()
	server := httptest.NewServer(l.Open(t, sqldbtest.Open(t, sqldbtest.SQLite(t))).Handler())
	t.Cleanup(server.Close)
	return client.New(server.URL, l.Policy, nil), server.URL
}
