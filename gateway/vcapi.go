package gateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/statuslist"
	"github.com/countersign-health/countersign/vcalm"
)

// vc is the VC API's verifier by the insurer's books. An insurer issues nothing
// by it: its decisions come from contracts.
func (g *Gateway) vc() *vcalm.House {
	return &vcalm.House{Domain: string(g.Insurer), Whose: g.Whose, Place: g.placeOf, License: g.currently,
		List: g.list, OrdersAlone: g.others == nil, ListsSince: g.listsSince, FollowedBy: g.followedBy, Now: g.Now, Log: g.Log}
}

// list is the insurer's own list of a decision, or a board's of a license, kept
// until its end or the next event of that board's on the ledger.
func (g *Gateway) list(ctx context.Context, issuer credentials.DID, entry credentials.StatusEntry) (*credentials.SignedList, error) {
	name, ok := statuslist.NameOf(g.URL, entry.Credential)
	if issuer != g.Insurer && g.others != nil {
		return g.others.List(ctx, issuer, entry)
	}
	if issuer != g.Insurer || !ok {
		return nil, errors.New("it is another house's, which is not asked here")
	}
	l, _, err := g.currentList(ctx, name)
	if err != nil {
		return nil, err
	}
	return credentials.ReadStatusList(l.Token, g.Keys)
}

// heardOf changes with every event of a board's that the books have read, and
// with every word on the ledger about its keys: that one was handed over, or
// declared bad.
func (g *Gateway) heardOf(ctx context.Context, board credentials.DID) (string, error) {
	events, err := g.Books.HeardOf(ctx, board)
	if err != nil {
		return "", err
	}
	word := strconv.FormatInt(events, 10)
	if g.PartyKeys == nil {
		return word, nil
	}
	keys, err := g.PartyKeys(board)
	if err != nil {
		return "", err
	}
	for _, k := range keys {
		word += fmt.Sprintf(" %s %d %d", k.KeyID, k.Key.Until, k.Key.BadFrom)
	}
	return word, nil
}

// listsSince is when the newest order was signed that the lists tell of. A list
// that a board signed before is old, whoever still serves it.
func (g *Gateway) listsSince(ctx context.Context, e *credentials.Envelope) (since time.Time, err error) {
	if e.Kind != credentials.KindLicense {
		return since, nil // the insurer's own lists follow its books
	}
	d, err := g.documentOf(ctx, e.Handle, false)
	if err != nil || d == nil {
		return since, err // License says that it is not known
	}
	l, err := saidIn[credentials.License](d.Token)
	if err != nil {
		return since, err
	}
	file, err := g.Books.ClinicianIn(ctx, l.Subject.NPI, l.Subject.Jurisdiction)
	if err != nil {
		return since, err
	}
	for _, d := range file.Documents {
		if !d.Order {
			continue
		}
		o, err := saidIn[credentials.Order](d.Token)
		if err != nil {
			return since, err
		}
		told := o.Subject.Action != credentials.OrderRenew && o.Subject.Action != credentials.OrderBind
		if told && o.Subject.License == e.Handle && o.From.After(since) {
			since = o.From
		}
	}
	return since, nil
}

// A said is what the books look for in a document that they took in.
type said[T any] struct {
	Issuer  credentials.DID `json:"issuer"`
	From    time.Time       `json:"validFrom"`
	Subject T               `json:"credentialSubject"`
}

func saidIn[T any](token string) (doc said[T], err error) {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	b, err := base64.RawURLEncoding.DecodeString(payload)
	if err == nil {
		err = json.Unmarshal(b, &doc)
	}
	return doc, err
}

// followedBy is known of the books' own documents alone.
func (g *Gateway) followedBy(ctx context.Context, e *credentials.Envelope, document credentials.Digest) (h credentials.Handle, err error) {
	if place, err := g.placeOf(ctx, e, document); err != nil || place == credentials.Unplaced {
		return h, err
	}
	if h, err = g.Books.FollowedBy(ctx, e.Handle); errors.Is(err, books.ErrNotFound) {
		err = nil
	}
	return h, err
}

// placeOf finds a document of the books on the ledger.
func (g *Gateway) placeOf(ctx context.Context, e *credentials.Envelope, document credentials.Digest) (credentials.Position, error) {
	if document.IsZero() {
		return credentials.Unplaced, nil // another form than the ledger has
	}
	var leaf []byte
	var index int64
	if e.Kind == credentials.KindLicense || e.Kind == credentials.KindBoardOrder {
		d, err := g.documentOf(ctx, e.Handle, e.Kind == credentials.KindBoardOrder)
		if err != nil || d == nil || credentials.DocumentDigest(d.Token) != document {
			return credentials.Unplaced, err
		}
		leaf, index = d.Entry, d.Index
	} else {
		row, err := g.Books.Recorded(ctx, e.Handle)
		if errors.Is(err, books.ErrNotFound) || err == nil && !row.Recorded {
			return credentials.Unplaced, nil
		}
		if err != nil {
			return 0, err
		}
		leaf, index = row.Entry, row.Index
	}
	entry, err := ledger.ParseEntry(leaf)
	if err != nil || entry.Document != document {
		return credentials.Unplaced, err
	}
	return ledger.PlaceOf(index, entry, e.KeyID), nil
}

// documentOf is a license or an order of the books, nil where they have none.
func (g *Gateway) documentOf(ctx context.Context, h credentials.Handle, order bool) (*books.Document, error) {
	licenses, orders := []credentials.Handle{h}, []credentials.Handle(nil)
	if order {
		licenses, orders = orders, licenses
	}
	docs, err := g.Books.LicenseDocuments(ctx, licenses, orders)
	if errors.Is(err, books.ErrNotFound) || err == nil && len(docs) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &docs[0], nil
}

// currently is what the books hold of a license, if its board's feed is fresh.
func (g *Gateway) currently(ctx context.Context, e *credentials.Envelope, said credentials.License) (now vcalm.Currently, err error) {
	missing := credentials.Lack(credentials.CheckStatus, "the books do not hold it: its board is not followed, or its feed has not been read that far")
	d, err := g.documentOf(ctx, said.Handle, false)
	if err != nil {
		return now, err
	}
	if d == nil {
		return now, missing
	}
	doc, err := saidIn[credentials.License](d.Token)
	if err != nil || doc.Issuer != e.Issuer {
		return now, missing
	}
	p, err := g.Books.PractitionerIn(ctx, doc.Subject.NPI, doc.Subject.Jurisdiction)
	if err != nil {
		return now, err
	}
	i := slices.IndexFunc(p.Licenses, func(l credentials.License) bool { return l.Handle == said.Handle })
	if i < 0 {
		return now, missing
	}
	t := g.Now()
	fresh := books.Fresh(p.FeedRead, t, g.Patience) && (g.Clock == nil || g.Clock() == nil)
	now.Standing = credentials.StandingOn(p.Licenses[i:i+1], p.Orders, doc.Subject.Jurisdiction, credentials.DateOf(t), fresh)
	if now.Holder, err = credentials.HolderAt(p.Licenses[i], p.Orders, t); err != nil {
		return now, credentials.Lack(credentials.CheckBinding, "%w", err)
	}
	return now, nil
}
