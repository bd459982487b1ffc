// Package ledgertest sets up a whole ledger for tests: founders, four
// witnesses that really listen, each with its own database, and an operator on
// whatever database the test has. Its keys are made from names, so that they
// are the same in every run and must never be used outside tests.
package ledgertest

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/ledger/internal/anyquorum"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/ledger/witness"
	"github.com/countersign-health/countersign/store/sqldb"
)

// Origin is the name of every ledger made here.
const Origin = "ledger.example/test"

// Key is the key that belongs to a name.
func Key(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("countersign test key " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// Signer signs with the did:key of a name.
func Signer(name string) credentials.Signer {
	pub := Key(name).Public().(ed25519.PublicKey)
	return credentials.NewSigner(credentials.KeyID(pub), Key(name))
}

// Party is the participant of that name.
func Party(name string, role ledger.Role) ledger.Party {
	pub := Key(name).Public().(ed25519.PublicKey)
	p := ledger.Party{DID: credentials.KeyDID(pub), Name: name, Role: role, Key: credentials.EncodeMultikey(pub)}
	if role == ledger.RoleBoard {
		p.Jurisdiction = "CA"
	}
	return p
}

// A Ledger is a genesis with its witnesses. The founders are "board",
// "insurer" and "hospital", of whom two admit; three of four witnesses are a quorum.
type Ledger struct {
	Leaf      []byte // leaf 0
	Genesis   *ledger.Genesis
	Policy    ledger.Policy
	LogKey    note.Signer
	Witnesses []*Witness
}

// A Witness is one that listens on loopback.
type Witness struct {
	*witness.Witness
	Name string
	URL  string
	DSN  string
	// Fault, where set, answers in the witness's stead.
	Fault atomic.Pointer[http.HandlerFunc]
}

// Break has f answer instead of the witness; nil mends it.
func (w *Witness) Break(f http.HandlerFunc) {
	if f == nil {
		w.Fault.Store(nil)
		return
	}
	w.Fault.Store(&f)
}

func (w *Witness) handle(rw http.ResponseWriter, r *http.Request) {
	if f := w.Fault.Load(); f != nil {
		(*f)(rw, r)
		return
	}
	w.ServeHTTP(rw, r)
}

// Draft is the document of New before anyone has signed it, with the names
// whose keys sign.
func Draft() (ledger.Genesis, []credentials.Signer) { return draft(3, 4) }

func draft(quorum, witnesses int) (ledger.Genesis, []credentials.Signer) {
	_, vkey, err := operator.NewKey(Origin, Key("log"))
	if err != nil {
		panic(err) // Origin is a constant
	}
	g := ledger.Genesis{Origin: Origin, LogKey: vkey, Quorum: quorum, Admission: 2,
		Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Founders: []ledger.Party{Party("board", ledger.RoleBoard), Party("insurer", ledger.RoleInsurer),
			Party("hospital", ledger.RoleHospital)}}
	for i := range witnesses {
		w, _ := witness.VerifierKey(witnessName(i), Key(fmt.Sprint("w", i+1)))
		g.Witnesses = append(g.Witnesses, w)
	}
	return g, []credentials.Signer{Signer("board"), Signer("insurer"), Signer("hospital")}
}

// witnessName is the name of a witness whose key is that of "w1", "w2" and so on.
func witnessName(i int) string { return fmt.Sprint("witness.example/w", i+1) }

// New signs a genesis and starts its four witnesses.
func New(t testing.TB) *Ledger {
	t.Helper()
	return NewOf(t, 3, 4)
}

// AnyQuorum allows policies that one lying witness breaks, until the test ends.
func AnyQuorum(t testing.TB) {
	anyquorum.Allowed.Store(true)
	t.Cleanup(func() { anyquorum.Allowed.Store(false) })
}

// NewOf is New with so many witnesses, of whom so many are a quorum.
func NewOf(t testing.TB, quorum, witnesses int) *Ledger {
	t.Helper()
	l := &Ledger{}
	g, founders := draft(quorum, witnesses)
	var err error
	if l.Leaf, err = ledger.NewGenesis(g, founders...); err != nil {
		t.Fatal(err)
	}
	if l.Genesis, err = ledger.ParseGenesis(l.Leaf); err != nil {
		t.Fatal(err)
	}
	if l.Policy, err = l.Genesis.Policy(); err != nil {
		t.Fatal(err)
	}
	if l.LogKey, _, err = operator.NewKey(Origin, Key("log")); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for i := range witnesses {
		l.Witnesses = append(l.Witnesses, l.startWitness(t, i, "sqlite:"+filepath.Join(dir, fmt.Sprint("w", i+1, ".db"))))
	}
	return l
}

func (l *Ledger) startWitness(t testing.TB, i int, dsn string) *Witness {
	t.Helper()
	ctx := context.Background()
	db, err := sqldb.Open(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := &Witness{Name: witnessName(i), DSN: dsn}
	if w.Witness, err = witness.New(ctx, db, w.Name, Key(fmt.Sprint("w", i+1)), witness.Log{Origin: Origin, Keys: []string{l.Genesis.LogKey}}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(w.handle))
	t.Cleanup(server.Close)
	w.URL = server.URL
	return w
}

// Config is what an operator of this ledger on db needs.
func (l *Ledger) Config(db *sqldb.DB) operator.Config {
	c := operator.Config{DB: db, Genesis: l.Leaf, Key: l.LogKey, Witnesses: map[string]string{}}
	for _, w := range l.Witnesses {
		c.Witnesses[w.Name] = w.URL
	}
	return c
}

// Open starts an operator on db, which is closed when the test ends.
func (l *Ledger) Open(t testing.TB, db *sqldb.DB) *operator.Log {
	t.Helper()
	log, err := operator.Open(context.Background(), l.Config(db))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log
}

// Serve starts an operator on db, listens on loopback, and returns a client.
func (l *Ledger) Serve(t testing.TB, db *sqldb.DB) (*client.Client, *operator.Log) {
	t.Helper()
	log := l.Open(t, db)
	server := httptest.NewServer(log.Handler())
	t.Cleanup(server.Close)
	return client.New(server.URL, l.Policy, nil), log
}

// Entry is a signed claim decision of the insurer, the same for the same name.
func Entry(t testing.TB, name string) ledger.Entry {
	t.Helper()
	return EntryBy(t, "insurer", ledger.KindClaimDecision, name)
}

// EntryBy is a signed entry of that party and kind, the same for the same name.
func EntryBy(t testing.TB, party string, kind ledger.Kind, name string) ledger.Entry {
	t.Helper()
	e, err := ledger.Entry{Kind: kind, Subject: credentials.Handle(credentials.DigestOf([]byte("subject " + name))),
		Document: credentials.DigestOf([]byte(name)), Effective: time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)}.Sign(Signer(party))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Admission is the signed participant entry of a newcomer whom those founders
// approve.
func (l *Ledger) Admission(t testing.TB, name string, role ledger.Role, founders ...string) ledger.Entry {
	t.Helper()
	return l.AdmissionOf(t, Signer(name), Party(name, role), founders...)
}

// AdmissionOf is Admission for somebody with a key of their own.
func (l *Ledger) AdmissionOf(t testing.TB, s credentials.Signer, p ledger.Party, founders ...string) ledger.Entry {
	t.Helper()
	a := ledger.Admission{Party: p}
	for _, f := range founders {
		ap, err := ledger.Approve(l.Genesis.Digest(), a.Party, Signer(f))
		if err != nil {
			t.Fatal(err)
		}
		a.Approvals = append(a.Approvals, ap)
	}
	e, err := a.Entry()
	if err != nil {
		t.Fatal(err)
	}
	e.Effective = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	if e, err = e.Sign(s); err != nil {
		t.Fatal(err)
	}
	return e
}
