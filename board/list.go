package board

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/statuslist"
)

// A listName is the address of a list: its purpose and its number.
type listName = statuslist.Name

func (b *Board) listURL(p credentials.StatusPurpose, number int64) string {
	return listName{Purpose: p, Number: number}.URL(b.URL)
}

// statusAt are the entries of a license.
func (b *Board) statusAt(at statuslist.Place) []credentials.StatusEntry {
	return credentials.LicenseStatus(func(p credentials.StatusPurpose) string { return b.listURL(p, at.List) }, [3]int(at.At))
}

// newLists are the board's signed lists: what they say follows its register.
func (b *Board) newLists() *statuslist.Lists {
	return &statuslist.Lists{
		Base: b.URL, Signer: b.signer, Life: b.ListLife, Purposes: credentials.LicensePurposes[:], Version: b.listVersion, Bits: b.statusBits,
	}
}

// currentList is the list as it has to be now, or statuslist.ErrNone.
func (b *Board) currentList(ctx context.Context, n listName, now time.Time) (statuslist.Signed, error) {
	return b.lists.Current(ctx, n, now)
}

// listVersion is the newest event of the register, if the lists of a number
// have a license.
func (b *Board) listVersion(ctx context.Context, number int64) (newest int64, err error) {
	var any bool
	err = b.db.QueryRow(ctx, `
		SELECT EXISTS (SELECT 1 FROM register_license WHERE list = $1), value FROM register_counter WHERE name = 'event'`,
		number).Scan(&any, &newest)
	if err == nil && !any {
		err = statuslist.ErrNone
	}
	return newest, err
}

// listPause is how soon after one another all lists are looked at, however much
// happens in the register. A test makes it short.
var listPause = time.Second

// keepLists has every list signed again before half of its life is over, and as
// soon as it says something else, although nobody asks for it: so whoever
// copies lists finds fresh ones, and the first who asks after an order does not
// wait for its making.
func (b *Board) keepLists(ctx context.Context) {
	for {
		moved := b.nextMove()
		limited, cancel := context.WithTimeout(ctx, stepTime)
		next, err := b.signLists(limited)
		cancel()
		if err != nil && ctx.Err() == nil {
			b.Log.Warn("board: will try again", "step", "sign status lists", "error", err.Error())
			next = firstPause
		}
		if !wait(ctx, nil, listPause) || !wait(ctx, moved, next) {
			return
		}
	}
}

// signLists brings all lists up to date and says when to look again.
func (b *Board) signLists(ctx context.Context) (next time.Duration, err error) {
	now := b.Now()
	next = b.ListLife / 4
	var last int64
	if err := b.db.QueryRow(ctx, `SELECT coalesce(max(list), 0) FROM register_license`).Scan(&last); err != nil {
		return 0, err
	}
	for number := int64(1); number <= last; number++ {
		for _, p := range credentials.LicensePurposes {
			l, err := b.currentList(ctx, listName{Purpose: p, Number: number}, now)
			if err != nil {
				return 0, err
			}
			next = min(next, max(l.Due().Sub(now), 0))
		}
	}
	return next, nil
}

// statusBits is what the orders upon the licenses of a list come to now, and
// when that changes by itself.
func (b *Board) statusBits(ctx context.Context, n listName, now time.Time) (bits *credentials.StatusList, next time.Time, err error) {
	size := 1
	if n.Purpose == credentials.PurposeMessage {
		size = credentials.MessageSize
	}
	bits = credentials.NewStatusList(size)
	rows, err := b.db.Query(ctx, `
		SELECT l.`+placeColumns[slices.Index(credentials.LicensePurposes[:], n.Purpose)]+`, e.license, e.token FROM register_license l JOIN register_event e ON e.license = l.handle
		WHERE l.list = $1 AND l.ordered = 1 AND e.kind = 'order' ORDER BY e.license, e.sequence`, n.Number)
	if err != nil {
		return nil, next, err
	}
	defer rows.Close()
	var place sql.NullInt64
	l := credentials.License{Jurisdiction: b.Jurisdiction}
	var orders []credentials.Order
	write := func() error {
		listed, changes := credentials.ListedAt(l, orders, now)
		if !changes.IsZero() && (next.IsZero() || changes.Before(next)) {
			next = changes
		}
		if !place.Valid || len(orders) == 0 { // from before there were three lists
			return nil
		}
		return bits.Set(int(place.Int64), listed.Value(n.Purpose))
	}
	for rows.Next() {
		var at sql.NullInt64
		var license, token string
		if err := rows.Scan(&at, &license, &token); err != nil {
			return nil, next, err
		}
		o, err := ownSubject[credentials.Order](token)
		if err != nil {
			return nil, next, err
		}
		if o.License != l.Handle {
			if err := write(); err != nil {
				return nil, next, err
			}
			l.Handle, orders, place = o.License, nil, at
		}
		orders = append(orders, o)
	}
	if err := rows.Err(); err != nil {
		return nil, next, err
	}
	return bits, next, write()
}
