// Package client speaks to a licensing board's HTTP door: clerks issue licenses
// and order what becomes of them through it, insurers follow the board's feed,
// anyone looks a license up. It also holds the forms that cross the wire, so that a caller
// does not carry the board's database with it.
//
// It checks what it can know: signatures, issuer, order, completeness. Receipts
// are handed on as they came; whoever pins a ledger's policy verifies them.
package client

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// An Application is what a clerk sends to have a license issued: a license
// without the handle, which is the board's to give.
type Application struct {
	NPI          credentials.NPI  `json:"npi"`
	Name         string           `json:"name"`
	Jurisdiction string           `json:"jurisdiction"`
	Profession   string           `json:"profession"`
	Number       string           `json:"number"`
	From         credentials.Date `json:"from"`
	Until        credentials.Date `json:"until"`
	// Taxonomy are codes as in credentials.License, sorted.
	Taxonomy []credentials.Taxonomy `json:"taxonomy,omitempty"`
	// Holder is the did:key that is to be bound to the license, and Proof the
	// clinician's own signature that they have it (credentials.ProveKey).
	Holder credentials.DID `json:"holder,omitempty"`
	Proof  string          `json:"proof,omitempty"`
}

// License is the license that the application asks for, under a handle.
func (a Application) License(h credentials.Handle) credentials.License {
	return credentials.License{Holder: a.Holder, Handle: h, NPI: a.NPI, Name: a.Name, Jurisdiction: a.Jurisdiction,
		Profession: a.Profession, Number: a.Number, From: a.From, Until: a.Until, Taxonomy: a.Taxonomy}
}

// An OrderRequest is what a clerk sends to act upon a license. Effective keeps
// its offset: the civil date in it is the first day on which the order binds.
type OrderRequest struct {
	Action    credentials.OrderAction `json:"action"`
	Effective time.Time               `json:"effective"`
	Reason    string                  `json:"reason"` // the board's reason code
	// The rest is as in credentials.Order.
	Until        credentials.Date     `json:"until,omitempty"`
	Restrictions []string             `json:"restrictions,omitempty"`
	Upon         []credentials.Handle `json:"upon,omitempty"`
	Holder       credentials.DID      `json:"holder,omitempty"`
	Proof        string               `json:"proof,omitempty"` // of Holder, as in Application
}

// Order is the order that the request asks for, under a handle.
func (o OrderRequest) Order(h, license credentials.Handle) credentials.Order {
	return credentials.Order{Handle: h, License: license, Action: o.Action, Effective: o.Effective, Reason: o.Reason,
		Until: o.Until, Restrictions: o.Restrictions, Upon: o.Upon, Holder: o.Holder}
}

// AskedFor says whether an order is what the request asks for. Times compare
// as text: the offset of a time decides the day on which it binds.
func (o OrderRequest) AskedFor(got credentials.Order) bool {
	return o.Action == got.Action && o.Effective.Format(time.RFC3339) == got.Effective.Format(time.RFC3339) && o.Reason == got.Reason &&
		o.Until == got.Until && o.Holder == got.Holder && slices.Equal(o.Restrictions, got.Restrictions) && slices.Equal(o.Upon, got.Upon)
}

// A Challenge is what the board has a clinician sign to prove that they have a
// key. It is good once, for the clinician whom the clerk asked it for.
type Challenge struct {
	NPI       credentials.NPI    `json:"npi"`
	Challenge credentials.Handle `json:"challenge"`
	Expires   time.Time          `json:"expires"`
}

// A ChallengeRequest is what a clerk sends to have one made.
type ChallengeRequest struct {
	NPI credentials.NPI `json:"npi"`
}

// What one request to import may hold.
const (
	MostRows   = 1000
	MostImport = 2 << 20 // bytes
)

// An Import is what a clerk sends to have many licenses issued.
type Import struct {
	Rows []ImportRow `json:"rows"`
	// Check asks what would be refused. Nothing is issued, and no act rests on it.
	Check bool `json:"check,omitempty"`
}

// An ImportRow is one license of a register, and the order that brings it to
// where it stands there.
type ImportRow struct {
	License Application   `json:"license"`
	Order   *OrderRequest `json:"order,omitempty"`
}

// An Imported is the answer for a row. Refused says what is wrong with it, by
// JSON pointer; then nothing was done for it. Known says that the license was
// there before: then no order was made, for the clerk may not know what else was
// ordered upon it.
type Imported struct {
	Handle  credentials.Handle `json:"handle"`
	License string             `json:"license"`         // token
	Order   string             `json:"order,omitempty"` // token
	Known   bool               `json:"known,omitempty"`
	Refused string             `json:"refused,omitempty"`
}

// An ImportAnswer answers for every row of an import, in its order.
type ImportAnswer struct {
	Rows []Imported `json:"rows"`
}

// A Document is a license or an order as the board signed it. Until the ledger
// has given its receipt it has none, and nobody else need believe it.
type Document struct {
	Handle  credentials.Handle `json:"handle"`
	Token   string             `json:"token"`
	Entry   []byte             `json:"entry"` // the ledger's leaf that records it
	Index   int64              `json:"index"` // on the ledger; -1 without a receipt
	Receipt []byte             `json:"receipt,omitempty"`
}

// A Ledger proves who the participants are: leaf 0 and the entries that
// admitted them with their receipts, by their place in a dossier.
type Ledger struct {
	Files map[string][]byte `json:"files"`
}

// A File is one license with everything that was ordered upon it.
type File struct {
	License Document   `json:"license"`
	Orders  []Document `json:"orders"`
}

// EventKind says what an event of the feed brings.
type EventKind string

// The kinds of events.
const (
	EventLicense EventKind = "license"
	EventOrder   EventKind = "order"
)

// An Event is one line of the feed. Sequences have no gaps, and later events
// stand later on the ledger.
type Event struct {
	Sequence int64     `json:"sequence"`
	Index    int64     `json:"index"`
	Kind     EventKind `json:"kind"`
	Token    string    `json:"token"`
	Receipt  []byte    `json:"receipt"`
}

// A Head says how far the feed is complete: everything that the board did
// before Time is in the events up to Sequence. An order that still waits for
// its receipt holds Time back, so that the feed turns stale, not silent.
type Head struct {
	Sequence int64     `json:"sequence"`
	Index    int64     `json:"index"` // of the last event; -1 where there is none
	Time     time.Time `json:"time"`
}

// FeedPage is the answer to one reading of the feed. Proof is what the board
// signed of it: without it, whoever stands between could leave events out.
type FeedPage struct {
	Events []Event `json:"events"`
	Head   Head    `json:"head"`
	Proof  string  `json:"proof"`
	// Signed is what the board's clock said when it answered, as the proof has
	// it. Head.Time may be older.
	Signed time.Time `json:"-"`
}

// A PageProof is what the board signs of a page.
type PageProof struct {
	After  int64              `json:"after"`
	Events credentials.Digest `json:"events"`
	Head   Head               `json:"head"`
}

// Prove is the proof's subject for a page that was read after a sequence.
func (p FeedPage) Prove(after int64) PageProof {
	b := []byte("countersign board feed page 1\n")
	for _, e := range p.Events {
		b = binary.BigEndian.AppendUint64(b, uint64(e.Sequence))
		b = binary.BigEndian.AppendUint64(b, uint64(e.Index))
		for _, part := range [][]byte{[]byte(e.Kind), []byte(e.Token), e.Receipt} {
			d := credentials.DigestOf(part)
			b = append(b, d[:]...)
		}
	}
	return PageProof{After: after, Events: credentials.DigestOf(b), Head: p.Head}
}

// An Act is one line of the register: what the board signed, and which line of
// which clerk's request had it do so. A request without lines has line 0.
type Act struct {
	Sequence int64     `json:"sequence"`
	Kind     EventKind `json:"kind"`
	Token    string    `json:"token"` // license or order
	Request  string    `json:"request"`
	Line     int       `json:"line"`
}

// A Request is a clerk's request as it came. The token is the clerk's
// signature upon path, body and time.
type Request struct {
	ID       string    `json:"id"` // the token's jti
	Path     string    `json:"path"`
	Token    string    `json:"token"`
	Body     []byte    `json:"body"`
	Accepted time.Time `json:"accepted"` // by the board's clock
}

// ActPage is the answer to one reading of the acts, with the requests that they
// name. Last is the newest act of the register, Proven the newest of which the
// ledger's receipt is there.
type ActPage struct {
	Acts     []Act     `json:"acts"`
	Requests []Request `json:"requests"`
	Last     int64     `json:"last"`
	Proven   int64     `json:"proven"`
}

// The services that a board's did:web document names.
const (
	ServiceDoor   = "CountersignBoard"
	ServiceFeed   = "CountersignBoardFeed"
	ServiceStatus = "CountersignStatusLists"
)

// Refused is how the board answers what it does not accept.
type Refused struct {
	Error string `json:"error"`
}
