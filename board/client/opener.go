package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/credentials"
)

// An opener makes sure of acts, one after the other. It opens a request once
// for all the acts that name it.
type opener struct {
	*Client
	asked map[string]*asked // of the newest page
	seen  map[line]bool
	last  Deed
	from  line // of the last
}

// A line is what an act is for: one line of one request, and what of it.
type line struct {
	request credentials.Handle
	number  int
	kind    EventKind
}

// An asked is a request whose clerk was made sure of. One of license, order and
// rows is what was asked for.
type asked struct {
	credentials.RequestClaims
	path    string
	request Request
	license *Application
	order   *OrderRequest
	upon    credentials.Handle // the license, where the path does not say it
	rows    []ImportRow
}

func (c *Client) newOpener() *opener {
	return &opener{Client: c, asked: map[string]*asked{}, seen: map[line]bool{}}
}

// open checks that a clerk has signed for exactly what the board then signed,
// and that no other act was for the same line.
func (o *opener) open(ctx context.Context, p ActPage, a Act) (d Deed, err error) {
	r, err := o.request(p, a.Request)
	if err != nil {
		return d, err
	}
	l := line{r.ID, a.Line, a.Kind}
	if o.seen[l] {
		return d, errors.New("its request was for another act")
	}
	d = Deed{Sequence: a.Sequence, Clerk: r.KeyID, Signed: r.Issued, Accepted: r.request.Accepted}
	switch a.Kind {
	case EventLicense:
		if d.License, err = o.issuance(r, a); err == nil {
			d.Document = d.License.Handle
		}
	case EventOrder:
		if d.Order, err = o.ordering(ctx, r, a); err == nil {
			d.Document = d.Order.Handle
		}
	default:
		err = fmt.Errorf("kind %q is not known", a.Kind)
	}
	if err == nil {
		o.seen[l], o.last, o.from = true, d, l
	}
	return d, err
}

// request opens a request of a page. Those of earlier pages are let go, but for
// the one that goes on.
func (o *opener) request(p ActPage, id string) (*asked, error) {
	i := slices.IndexFunc(p.Requests, func(r Request) bool { return r.ID == id })
	if i < 0 {
		return nil, errors.New("no clerk's request is kept with it")
	}
	r := p.Requests[i]
	if kept := o.asked[id]; kept != nil && kept.request.same(r) {
		return kept, nil
	}
	claims, err := credentials.VerifyRequest(r.Token, http.MethodPost, r.Path, string(o.Board), r.Body, r.Accepted, credentials.ResolveDIDKey)
	if err == nil && claims.ID.String() != id {
		err = errors.New("it has another id")
	}
	if err != nil {
		return nil, fmt.Errorf("the clerk's request: %w", err)
	}
	opened := &asked{RequestClaims: claims, path: r.Path, request: r}
	if err := opened.read(r.Body); err != nil {
		return nil, fmt.Errorf("the clerk's request: %w", err)
	}
	if len(o.asked) >= 64 {
		clear(o.asked)
	}
	o.asked[id] = opened
	return opened, nil
}

func (r Request) same(other Request) bool {
	return r.Path == other.Path && r.Token == other.Token && string(r.Body) == string(other.Body) && r.Accepted.Equal(other.Accepted)
}

// read reads what was asked for, which depends on where it was asked for.
func (r *asked) read(body []byte) error {
	if is, err := r.fromVC(body); is {
		return err
	}
	switch {
	case strings.HasSuffix(r.path, "/imports"):
		var all Import
		err := credentials.DecodeStrict(body, &all)
		if r.rows = all.Rows; all.Check {
			return errNotAsked
		}
		return err
	case strings.HasSuffix(r.path, "/orders"):
		r.order = new(OrderRequest)
		return credentials.DecodeStrict(body, r.order)
	case strings.HasSuffix(r.path, "/licenses"):
		r.license = new(Application)
		return credentials.DecodeStrict(body, r.license)
	}
	return errNotAsked
}

// row is a line of an import, or nil.
func (r *asked) row(line int) *ImportRow {
	if line < 0 || line >= len(r.rows) {
		return nil
	}
	return &r.rows[line]
}

func (o *opener) issuance(r *asked, a Act) (*credentials.License, error) {
	doc, err := credentials.Open[credentials.License](a.Token, credentials.KindLicense, o.Keys)
	if err != nil {
		return nil, err
	}
	want := r.license
	if row := r.row(a.Line); row != nil {
		want = &row.License
	} else if a.Line != 0 {
		want = nil
	}
	if want == nil || !want.License(doc.Handle()).Equal(doc.Subject) {
		return nil, errNotAsked
	}
	if want.Holder != "" {
		p, err := credentials.OpenKeyProof(want.Proof, o.Board)
		if err != nil || p.Holder != want.Holder || p.NPI != want.NPI {
			return nil, errUnproven
		}
	}
	return &doc.Subject, nil
}

func (o *opener) ordering(ctx context.Context, r *asked, a Act) (*credentials.Order, error) {
	doc, err := credentials.Open[credentials.Order](a.Token, credentials.KindBoardOrder, o.Keys)
	if err != nil {
		return nil, err
	}
	want, upon := r.order, doc.Subject.License
	if row := r.row(a.Line); row != nil {
		want = row.Order
		if upon, err = o.imported(ctx, r, a, upon); err != nil {
			return nil, err
		}
	} else if r.upon != upon && !strings.HasSuffix(r.path, "/licenses/"+upon.String()+"/orders") || a.Line != 0 {
		want = nil
	}
	if want == nil || upon != doc.Subject.License || !want.AskedFor(doc.Subject) || doc.Subject.Handle != doc.Handle() {
		return nil, errNotAsked
	}
	if want.Holder != "" {
		if p, err := credentials.OpenKeyProof(want.Proof, o.Board); err != nil || p.Holder != want.Holder {
			return nil, errUnproven
		}
	}
	return &doc.Subject, nil
}

// imported is the license that the line of an order had issued: that of the act
// before it, which whoever begins to read in between has to fetch.
func (o *opener) imported(ctx context.Context, r *asked, a Act, said credentials.Handle) (credentials.Handle, error) {
	if o.from == (line{r.ID, a.Line, EventLicense}) {
		return o.last.Document, nil
	}
	f, err := o.Show(ctx, said)
	if err != nil {
		return said, err
	}
	doc, err := credentials.Open[credentials.License](f.License.Token, credentials.KindLicense, o.Keys)
	if err != nil {
		return said, err
	}
	if !r.rows[a.Line].License.License(said).Equal(doc.Subject) {
		return said, errNotAsked
	}
	return said, nil
}
