package gateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

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
		List: g.list, OrdersAlone: true, FollowedBy: g.followedBy, Now: g.Now, Log: g.Log}
}

// list is the insurer's own list of a decision. It reads nobody else's.
func (g *Gateway) list(ctx context.Context, issuer credentials.DID, entry credentials.StatusEntry) (*credentials.SignedList, error) {
	name, ok := statuslist.NameOf(g.URL, entry.Credential)
	if issuer != g.Insurer || !ok {
		return nil, errors.New("it is another house's, which is not asked here")
	}
	l, _, err := g.currentList(ctx, name)
	if err != nil {
		return nil, err
	}
	return credentials.ReadStatusList(l.Token, g.Keys)
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
	var doc struct {
		Issuer  credentials.DID     `json:"issuer"`
		Subject credentials.License `json:"credentialSubject"`
	}
	_, rest, _ := strings.Cut(d.Token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	b, err := base64.RawURLEncoding.DecodeString(payload)
	if err == nil {
		err = json.Unmarshal(b, &doc)
	}
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
