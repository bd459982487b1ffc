package worker

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board"
	boardclient "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	keystore "github.com/countersign-health/countersign/credentials/aries"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// A webBoard goes by the did:web of its own door.
type webBoard struct {
	h      *house
	keys   *keystore.KeyStore
	did    credentials.DID
	db     *sqldb.DB
	server *httptest.Server
	open   *board.Board
}

// admitted has the founders let the board in.
func (b *webBoard) admitted(s credentials.Signer) {
	b.h.t.Helper()
	_, multikey, err := credentials.ParseKeyID(s.KeyID())
	b.h.must(err)
	p := ledger.Party{DID: b.did, Name: "Board at an address", Role: ledger.RoleBoard, Jurisdiction: "CA", Key: multikey}
	a := ledger.Admission{Party: p}
	for _, founder := range []string{"board", "insurer"} {
		ok, err := ledger.Approve(b.h.line.genesis.Digest(), p, ledgertest.Signer(founder))
		b.h.must(err)
		a.Approvals = append(a.Approvals, ok)
	}
	e, err := a.Entry()
	b.h.must(err)
	b.h.append("admit "+string(p.DID), e, s)
}

// start opens the register under the key that the store has now.
func (b *webBoard) start(clerk credentials.Signer) {
	b.h.t.Helper()
	s, err := b.keys.Signer("board")
	b.h.must(err)
	b.open, err = board.Open(b.h.ctx, b.db, s, b.h.line, board.Options{
		Jurisdiction: "CA", URL: b.server.URL, Clerks: []string{clerk.KeyID()}, ReceiptWait: time.Minute,
		PartyKeys: b.h.line.PartyKeys, Proofs: func(ctx context.Context) map[string][]byte { return b.h.line.Proofs(ctx) },
		Now: func() time.Time { return noon },
	})
	b.h.must(err)
	b.server.Config.Handler = b.open.Handler()
}

// A board goes by a did:web from its first key on: its licenses reach an insurer,
// stand after its key was replaced, and verify offline by the keys that the
// ledger has of it, whatever the web says then. The document at its address has
// the same keys under the same ids.
func TestBoardByDIDWeb(t *testing.T) {
	h := newHouse(t)
	h.Temporal = &told{}
	b := &webBoard{h: h, db: sqldbtest.Open(t, sqldbtest.SQLite(t)), server: httptest.NewServer(http.NotFoundHandler())}
	t.Cleanup(b.server.Close)
	var err error
	b.did, err = credentials.WebDID(b.server.URL)
	h.must(err)
	b.keys, err = keystore.OpenKeyStore(filepath.Join(t.TempDir(), "keys"), keystore.Lock{Work: 10, Passphrase: func(bool) (string, error) { return "a passphrase of tests", nil }})
	h.must(err)
	first, err := b.keys.CreateUnder("board", b.did)
	h.must(err)
	if did, err := credentials.SignerDID(first); err != nil || did != b.did {
		t.Fatalf("the key signs as %s, %v; want %s", did, err, b.did)
	}
	b.admitted(first)
	clerk := ledgertest.Signer("clerk")
	b.start(clerk)
	c, err := boardclient.New(boardclient.Config{URL: b.server.URL, Board: b.did, Keys: h.line.ResolveKey, Signer: clerk, Now: func() time.Time { return noon }})
	h.must(err)
	h.Boards = []*boardclient.Client{c}
	files := dossier.Files{}
	issue := func(npi credentials.NPI, number string) {
		t.Helper()
		f, err := c.Issue(h.ctx, boardclient.Application{NPI: npi, Name: "N", Jurisdiction: "CA", Profession: "MD", Number: number, From: "2020-01-01", Until: "2099-12-31"})
		h.must(err)
		files.Token(dossier.Licenses, f.License.Handle, f.License.Token)
		files.Receipt(f.License.Handle, f.License.Entry, f.License.Receipt)
		h.must(h.hearOut(h.ctx, c))
		h.stands(npi, credentials.May, true)
	}
	issue(honest, "1")

	next, err := b.keys.Prepare("board")
	h.must(err)
	over, err := ledger.NewHandover(h.line.genesis.Digest(), first, next)
	h.must(err)
	e, err := over.Entry()
	h.must(err)
	h.append("hand over "+first.KeyID(), e, first)
	h.must(b.keys.Promote("board", next.KeyID()))
	b.open.Close()
	_, err = h.line.ReadParticipants(h.ctx)
	h.must(err)
	b.start(clerk)
	t.Cleanup(func() { b.open.Close() })
	issue(forged, "2")
	h.stands(honest, credentials.May, true)

	resp, err := http.Get(b.server.URL + "/.well-known/did.json")
	h.must(err)
	defer resp.Body.Close()
	var doc credentials.PublicDocument
	h.must(json.NewDecoder(resp.Body).Decode(&doc))
	if doc.ID != b.did || len(doc.AlsoKnown) != 0 || len(doc.Methods) != 2 || doc.Methods[0].ID != first.KeyID() || doc.Methods[1].ID != next.KeyID() {
		t.Errorf("the board's document: %+v", doc)
	}
	b.server.Close() // nobody asks the web
	trust := ledger.Trust{Origin: ledgertest.Origin, Genesis: h.line.genesis.Digest()}
	if report := dossier.Verify(files, &trust, nil); report.OK() {
		t.Error("licenses verify without a word of whose keys they were signed with")
	}
	for name, body := range h.line.Proofs(h.ctx) {
		files[name] = body
	}
	if report := dossier.Verify(files, &trust, nil); !report.OK() {
		t.Errorf("offline: %+v", report.Failures)
	}
}

// Nobody signs under a did:web with a key that the ledger does not have of it.
func TestDIDWebOfAnotherKey(t *testing.T) {
	h := newHouse(t)
	stranger := ledgertest.Key("stranger")
	kid := credentials.NextKeyID("did:web:board.example", stranger.Public().(ed25519.PublicKey))
	if _, _, err := h.line.Who(kid); err == nil {
		t.Error("a key under a did:web is taken for a participant's")
	}
	e, err := ledger.Entry{Kind: ledger.KindLicense, Subject: credentials.Handle{1}, Document: credentials.Digest{1}, Effective: noon}.Sign(credentials.NewSigner(kid, stranger))
	h.must(err)
	if _, err := h.line.Append(h.ctx, "stranger", e); err == nil {
		t.Error("the ledger records what it signs")
	}
}
