package dossier

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/pricing"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

const origin = "ledger.example/dossier"

var began = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func keyOf(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("dossier test " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func signerOf(name string) credentials.Signer { return credentials.NewSigner("", keyOf(name)) }

func partyOf(name string, role ledger.Role) ledger.Party {
	pub := keyOf(name).Public().(ed25519.PublicKey)
	p := ledger.Party{DID: credentials.KeyDID(pub), Name: name, Role: role, Key: credentials.EncodeMultikey(pub)}
	if role == ledger.RoleBoard {
		p.Jurisdiction = "CA"
	}
	return p
}

// handle is a handle that is the same in every run.
func handle(name string) credentials.Handle {
	return credentials.Handle(credentials.DigestOf([]byte("handle " + name)))
}

// A world makes a dossier step by step, as the houses would. A test changes a
// step by way of twist, which sees everything before it is signed, and seal,
// which names who countersigns.
type world struct {
	t         testing.TB
	files     Files
	genesis   credentials.Digest
	leaves    [][]byte
	hashes    []tlog.Hash
	open      []credentials.Handle // appended since the last seal
	now       time.Time
	logKey    note.Signer
	witnesses []string

	twist func(step string, v any)
	seals func(int) []string // who countersigns a checkpoint of that size
	more  func()             // before the remittance
	// remits stands in for the one remittance, if it is not nil.
	remits func()
	// beside adds to the remittance of a trace what is owed on claims.
	beside map[string]func(*x12.Remittance)
	// founds is done when the ledger was founded, if it is not nil.
	founds func()

	// places has decisions stand in the insurer's status lists, if it is not nil.
	places map[credentials.Handle]int

	plan     *claims.Plan
	fees     *pricing.Fees
	feesRef  claims.EditionRef
	claims   []claims.Submission
	licensed map[credentials.NPI]credentials.License
	orders   []credentials.Order
	feed     int64
	payments []x12.Payment
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) twisted(step string, v any) {
	if w.twist != nil {
		w.twist(step, v)
	}
}

func (w *world) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = w.hashes[x]
	}
	return out, nil
}

func (w *world) leaf(b []byte) int64 {
	i := int64(len(w.leaves))
	h, err := tlog.StoredHashes(i, b, w)
	w.check(err)
	w.leaves, w.hashes = append(w.leaves, b), append(w.hashes, h...)
	return i
}

// found writes leaf 0.
func (w *world) found() {
	logPublic := keyOf("log").Public().(ed25519.PublicKey)
	vkey, err := note.NewEd25519VerifierKey(origin, logPublic)
	w.check(err)
	hash, _, _ := strings.Cut(strings.TrimPrefix(vkey, origin+"+"), "+")
	w.logKey, err = note.NewSigner("PRIVATE+KEY+" + origin + "+" + hash + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, keyOf("log").Seed()...)))
	w.check(err)
	g := ledger.Genesis{Origin: origin, LogKey: vkey, Quorum: 3, Admission: 2, Created: began,
		Founders: []ledger.Party{partyOf("board", ledger.RoleBoard), partyOf("insurer", ledger.RoleInsurer), partyOf("hospital", ledger.RoleHospital)}}
	for _, name := range []string{"w1", "w2", "w3", "w4"} {
		s, err := torchwood.NewCosignatureSigner("witness.example/"+name, keyOf(name))
		w.check(err)
		g.Witnesses = append(g.Witnesses, s.Verifier().String())
		w.witnesses = append(w.witnesses, name)
	}
	leaf, err := ledger.NewGenesis(g, signerOf("board"), signerOf("insurer"), signerOf("hospital"))
	w.check(err)
	w.genesis = credentials.DigestOf(leaf)
	w.leaf(leaf)
	w.files.Genesis(leaf)
	w.check(w.files.Trust(ledger.Trust{Origin: origin, Genesis: w.genesis}))
}

func (w *world) admit(name string, role ledger.Role) {
	a := ledger.Admission{Party: partyOf(name, role)}
	for _, f := range []string{"board", "insurer"} {
		ap, err := ledger.Approve(w.genesis, a.Party, signerOf(f))
		w.check(err)
		a.Approvals = append(a.Approvals, ap)
	}
	e, err := a.Entry()
	w.check(err)
	w.append(e.Subject, e, name)
}

// append signs an entry and puts it on the ledger under a file name.
func (w *world) append(file credentials.Handle, e ledger.Entry, signer string) int64 {
	w.now = w.now.Add(time.Minute)
	e.Effective = w.now
	by := &signer
	w.twisted("entry "+e.Kind.String(), by)
	e, err := e.Sign(signerOf(*by))
	w.check(err)
	w.files[fileOf(Entries, file)] = e.Marshal()
	w.open = append(w.open, file)
	return w.leaf(e.Marshal())
}

func (w *world) cosign(name, text string, at time.Time) string {
	full := "witness.example/" + name
	s, err := torchwood.NewCosignatureSigner(full, keyOf(name))
	w.check(err)
	sig := ed25519.Sign(keyOf(name), fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at.Unix(), text))
	raw := binary.BigEndian.AppendUint32(nil, s.KeyHash())
	raw = binary.BigEndian.AppendUint64(raw, uint64(at.Unix()))
	return "— " + full + " " + base64.StdEncoding.EncodeToString(append(raw, sig...)) + "\n"
}

// head countersigns all that was appended so far.
func (w *world) head() (n int64, signed []byte) {
	n = int64(len(w.leaves))
	root, err := tlog.TreeHash(n, w)
	w.check(err)
	c := ledger.Checkpoint{Origin: origin, Size: n, Root: root}
	signed, err = note.Sign(&note.Note{Text: c.Text()}, w.logKey)
	w.check(err)
	who := []string{"w1", "w2", "w4"}
	if w.seals != nil {
		who = w.seals(int(n))
	}
	for i, name := range who {
		signed = append(signed, w.cosign(name, c.Text(), w.now.Add(time.Duration(i+1)*time.Second))...)
	}
	return n, signed
}

// seal makes what was appended final, with three of the four witnesses.
func (w *world) seal() {
	n, signed := w.head()
	for i, h := range w.open {
		index := n - int64(len(w.open)) + int64(i)
		p, err := tlog.ProveRecord(n, index, w)
		w.check(err)
		w.files[fileOf(Receipts, h)] = ledger.Receipt{Index: index, Path: p, Checkpoint: signed}.Marshal()
	}
	w.open, w.now = nil, w.now.Add(time.Minute)
}

func (w *world) file(kind ledger.Kind, name string, content []byte) {
	w.files[name] = content
	h := handle(name)
	w.append(h, ledger.Entry{Kind: kind, Subject: h, Document: credentials.DigestOf(content)}, "insurer")
}

// issue signs a document; kind 0 leaves it off the ledger.
func issue[T any](w *world, folder, signer string, kind credentials.Kind, h credentials.Handle, status []credentials.StatusEntry, subject T, entry ledger.Kind) string {
	w.now = w.now.Add(time.Second)
	by := &signer
	w.twisted("sign "+string(kind), by)
	at := w.now
	w.twisted("time of "+string(kind), &at)
	token, err := credentials.Issue(signerOf(*by), kind, h, at, status, subject)
	w.check(err)
	w.files.Token(folder, h, token)
	if entry != 0 {
		w.append(h, ledger.Entry{Kind: entry, Subject: h, Document: credentials.DocumentDigest(token)}, *by)
	}
	return token
}

func listURL(p credentials.StatusPurpose) string {
	return "https://board.example/status/" + string(p) + "/1"
}

func (w *world) license(npi credentials.NPI, place int) {
	l := credentials.License{Handle: handle("license " + string(npi)), NPI: npi, Name: "A. Clinician", Jurisdiction: "CA",
		Profession: "MD", Number: string(npi[5:]), From: "2020-01-01", Until: "2028-12-31"}
	w.twisted("license", &l)
	issue(w, Licenses, "board", credentials.KindLicense, l.Handle, credentials.LicenseStatus(listURL, [3]int{place, place + 1, place + 2}), l, ledger.KindLicense)
	w.licensed[npi] = l
	w.feed = int64(len(w.leaves))
}

func (w *world) revoke(npi credentials.NPI, effective time.Time) {
	o := credentials.Order{Handle: handle("order " + string(npi)), License: w.licensed[npi].Handle, Action: credentials.OrderRevoke, Effective: effective, Reason: "discipline"}
	w.twisted("order", &o)
	issue(w, Orders, "board", credentials.KindBoardOrder, o.Handle, nil, o, ledger.KindBoardOrder)
	w.orders = append(w.orders, o)
	w.feed = int64(len(w.leaves))
}

func (w *world) statusList(places ...int) {
	lists := map[credentials.StatusPurpose]*credentials.StatusList{
		credentials.PurposeRevocation: credentials.NewStatusList(1),
		credentials.PurposeSuspension: credentials.NewStatusList(1),
		credentials.PurposeMessage:    credentials.NewStatusList(credentials.MessageSize),
	}
	for _, p := range places {
		w.check(lists[credentials.PurposeRevocation].Set(p, 1))
	}
	w.twisted("status lists", &lists)
	for p, l := range lists {
		token, err := credentials.IssueStatusList(signerOf("board"), handle("list "+string(p)), p, listURL(p), l, w.now, w.now.Add(time.Hour))
		w.check(err)
		w.files[path.Join(Status, string(p)+".jwt")] = []byte(token + "\n")
	}
}

func (w *world) standing(npi credentials.NPI, on credentials.Date) claims.StandingFact {
	f := claims.StandingFact{NPI: npi, State: "CA", On: on, Feed: w.feed, Fresh: true}
	var licenses []credentials.License
	var orders []credentials.Order
	if l, ok := w.licensed[npi]; ok {
		licenses, f.Licenses = append(licenses, l), append(f.Licenses, l.Handle)
		for _, o := range w.orders {
			if o.License == l.Handle {
				orders, f.Orders = append(orders, o), append(f.Orders, o.Handle)
			}
		}
	}
	w.twisted("standing", &f)
	if len(f.Orders) == 0 {
		orders = nil
	}
	f.Standing = credentials.StandingOn(licenses, orders, "CA", on, true)
	return f
}

func readTestdata(w *world, name string) []byte {
	b, err := os.ReadFile("testdata/" + name)
	w.check(err)
	return b
}
