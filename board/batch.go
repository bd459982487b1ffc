package board

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/statuslist"
	"github.com/countersign-health/countersign/store/sqldb"
)

// A row is a line of a clerk's request on its way into the register.
type row struct {
	line     int
	ask      client.ImportRow
	identity string
	number   string // see numberOf
	place    statuslist.Place
	events   []event // the license, and its order where one was asked for
}

// issueAll registers the licenses that rows ask for, each with its order, or
// finds those that the same applications got before; what is asked of a license
// that is there already, it leaves to the clerk. A row that cannot be is answered
// for itself and does not stop the others.
func (b *Board) issueAll(ctx context.Context, by request, asked []client.ImportRow) ([]client.Imported, error) {
	done := make([]client.Imported, len(asked))
	todo, again, err := b.sift(asked, done)
	if err == nil {
		todo, err = b.leaveUnproven(ctx, todo, done)
	}
	if err == nil {
		err = b.issueRows(ctx, by, todo, done)
	}
	if err != nil {
		return nil, err
	}
	for line, first := range again {
		done[line] = done[first]
		if done[line].Refused == "" {
			done[line].Known, done[line].Order = true, "" // its own order is another line's business
		}
	}
	return done, boundAsAsked(asked, done)
}

// checkAll answers rows as issueAll would, and registers nothing: what is
// registered meanwhile may change an answer.
func (b *Board) checkAll(ctx context.Context, asked []client.ImportRow) ([]client.Imported, error) {
	done := make([]client.Imported, len(asked))
	todo, again, err := b.sift(asked, done)
	if err == nil {
		todo, err = b.leaveUnproven(ctx, todo, done)
	}
	if err == nil {
		todo, err = b.leaveKnown(ctx, todo, done)
	}
	if err == nil && len(todo) > 0 {
		err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
			no, err := clashing(tx, todo)
			leaveClashing(todo, no, done)
			return err
		})
	}
	for line, first := range again {
		done[line] = done[first]
	}
	if err != nil {
		return nil, fmt.Errorf("check licenses: %w", err)
	}
	return done, boundAsAsked(asked, done)
}

// issueRows registers what is new of rows in one transaction. It is signed
// before that, on all processors, so that a slow key does not hold up others.
func (b *Board) issueRows(ctx context.Context, by request, todo []*row, done []client.Imported) (err error) {
	for tries := 0; ; tries++ {
		if todo, err = b.leaveKnown(ctx, todo, done); err != nil {
			return fmt.Errorf("register licenses: %w", err)
		}
		if len(todo) == 0 {
			return nil
		}
		// Another process has given the same places, or registered the same licenses.
		if err = b.register(ctx, by, todo); sqldb.Duplicate(err) && tries < 64 {
			continue
		}
		if left, clash := leaveClashing(todo, err, done); clash {
			todo = left
			continue
		}
		if err != nil {
			return fmt.Errorf("register licenses: %w", err)
		}
		for _, r := range todo {
			done[r.line] = r.imported()
		}
		b.moved()
		return nil
	}
}

// sift answers the rows that cannot be, and sets aside those that ask again for
// what a row before them asks for.
func (b *Board) sift(asked []client.ImportRow, done []client.Imported) (todo []*row, again map[int]int, err error) {
	again = map[int]int{}
	first := map[string]int{}
	for line, ask := range asked {
		if err := b.checkRow(ask); err != nil {
			done[line] = client.Imported{Refused: err.Error()}
			continue
		}
		identity, err := identityOfLicense(ask.License)
		if err != nil {
			return nil, nil, err
		}
		if i, ok := first[identity]; ok {
			again[line] = i
			continue
		}
		number, err := numberOf(ask.License)
		if err != nil {
			return nil, nil, err
		}
		first[identity] = line
		todo = append(todo, &row{line: line, ask: ask, identity: identity, number: number})
	}
	return todo, again, nil
}

func (b *Board) checkRow(ask client.ImportRow) error {
	if err := b.checkApplication(ask.License); err != nil {
		return err
	}
	if a := ask.License; a.Holder != "" {
		if _, err := b.provenKey(a.Proof, a.Holder, a.NPI); err != nil {
			return err
		}
	}
	if ask.Order == nil {
		return nil
	}
	if ask.Order.Action == credentials.OrderBind {
		return errors.New("at /holder: a license is issued with its key, and bound to another one by an order of its own")
	}
	if err := checkOrder(*ask.Order); err != nil {
		return err
	}
	none := credentials.Handle{}
	if err := credentials.Contradiction(ask.License.License(none), nil, ask.Order.Order(none, none)); err != nil {
		return fmt.Errorf("at /%w", err)
	}
	return nil
}

// leaveKnown answers the rows whose licenses are there already, and returns the
// others.
func (b *Board) leaveKnown(ctx context.Context, rows []*row, done []client.Imported) (fresh []*row, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	identities := make([]string, len(rows))
	for i, r := range rows {
		identities[i] = r.identity
	}
	known, err := b.findAll(ctx, identities)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		f, ok := known[r.identity]
		if !ok {
			fresh = append(fresh, r)
			continue
		}
		done[r.line] = client.Imported{Handle: f.handle, License: f.token, Known: true}
	}
	return fresh, nil
}

// register gives rows their places, signs them and writes them.
func (b *Board) register(ctx context.Context, by request, rows []*row) error {
	given, err := b.places.Take(ctx, len(rows))
	if err != nil {
		return err
	}
	for i, r := range rows {
		r.place = given[i]
	}
	if err := eachOf(rows, b.sign); err != nil {
		return err
	}
	var events []event
	for _, r := range rows {
		events = append(events, r.events...)
	}
	err = b.commit(ctx, by, events, func(tx *sqldb.Tx) error {
		if no, err := clashing(tx, rows); err != nil {
			return err
		} else if len(no) > 0 {
			return no
		}
		for _, r := range rows {
			if a := r.ask.License; a.Holder != "" {
				if err := b.possessed(tx, a.Proof, a.Holder, a.NPI); err != nil {
					return err
				}
			}
		}
		return insertLicenses(tx, rows)
	})
	if err != nil {
		b.places.Forget() // whatever it was, the places may be free
	}
	return err
}

// sign makes a row's documents and ledger entries. Every try makes new ones,
// and only those that are committed leave the house.
func (b *Board) sign(r *row) error {
	h, now := randomHandle(), b.Now()
	token, err := credentials.Issue(b.signer, credentials.KindLicense, h, now, b.statusAt(r.place), r.ask.License.License(h))
	if err != nil {
		return err
	}
	e, err := b.newEvent(client.EventLicense, h, h, r.identity, token, now)
	if err != nil {
		return err
	}
	e.line = r.line
	r.events = []event{e}
	if r.ask.Order == nil {
		return nil
	}
	o := randomHandle()
	if token, err = credentials.Issue(b.signer, credentials.KindBoardOrder, o, now, nil, r.ask.Order.Order(o, h)); err != nil {
		return err
	}
	identity, err := identityOf(orderParts(h, *r.ask.Order)...)
	if err != nil {
		return err
	}
	if e, err = b.newEvent(client.EventOrder, o, h, identity, token, r.ask.Order.Effective); err != nil {
		return err
	}
	e.line = r.line
	r.events = append(r.events, e)
	return nil
}

// imported is the answer for a row that was registered.
func (r *row) imported() client.Imported {
	a := client.Imported{Handle: r.events[0].document, License: r.events[0].token}
	if len(r.events) > 1 {
		a.Order = r.events[1].token
	}
	return a
}

func insertLicenses(tx *sqldb.Tx, rows []*row) error {
	columns := append([]string{"handle", "identity", "numbered", "npi", "ordered", "list"}, placeColumns[:]...)
	return tx.Insert("register_license", columns, len(rows), func(i int) []any {
		r, ordered := rows[i], 0
		if r.ask.Order != nil && r.ask.Order.Action != credentials.OrderRenew {
			ordered = 1
		}
		values := []any{r.events[0].document.String(), r.identity, r.number, string(r.ask.License.NPI), ordered, r.place.List}
		for _, at := range r.place.At {
			values = append(values, at)
		}
		return values
	})
}

// eachOf does something with every row, on all processors.
func eachOf(rows []*row, do func(*row) error) error {
	errs := make([]error, len(rows))
	var next atomic.Int64
	var hands sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(rows)) {
		hands.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(rows); i = int(next.Add(1)) - 1 {
				errs[i] = do(rows[i])
			}
		})
	}
	hands.Wait()
	return errors.Join(errs...)
}

func (b *Board) postImport(r *http.Request, by request) (answer, error) {
	if err := plainPath(r); err != nil {
		return answer{}, err
	}
	var ask client.Import
	if err := credentials.DecodeStrict(by.body, &ask); err != nil {
		return answer{}, refuse(http.StatusBadRequest, "import: %v", err)
	}
	if len(ask.Rows) == 0 || len(ask.Rows) > client.MostRows {
		return answer{}, refuse(http.StatusUnprocessableEntity, "import: want 1 to %d rows", client.MostRows)
	}
	if ask.Check {
		rows, err := b.checkAll(r.Context(), ask.Rows)
		return answer{status: http.StatusOK, body: client.ImportAnswer{Rows: rows}}, err
	}
	rows, err := b.issueAll(r.Context(), by, ask.Rows)
	return answer{status: http.StatusOK, body: client.ImportAnswer{Rows: rows}}, err
}
