package board

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// listCache holds the signed status lists. They are signed again when they say
// something else, or when half of their short life is over.
type listCache struct {
	mu    sync.Mutex
	lists map[listName]signedList
}

// A listName is the address of a list: its purpose and its number.
type listName struct {
	purpose credentials.StatusPurpose
	number  int64
}

type signedList struct {
	token       string
	bits        *credentials.StatusList
	event       int64 // the newest of the register when it was computed
	from, until time.Time
	next        time.Time // when it changes by itself; zero where it does not
}

func (b *Board) listURL(p credentials.StatusPurpose, number int64) string {
	return b.URL + "/status/" + string(p) + "/" + strconv.FormatInt(number, 10)
}

// statusAt are the entries of a license.
func (b *Board) statusAt(at place) []credentials.StatusEntry {
	return credentials.LicenseStatus(func(p credentials.StatusPurpose) string { return b.listURL(p, at.list) }, at.at)
}

// statusList returns the current status list, signed, and for how long others
// may keep it, or sql.ErrNoRows.
func (b *Board) statusList(ctx context.Context, n listName) (token string, keep time.Duration, err error) {
	now := b.Now()
	l, err := b.currentList(ctx, n, now)
	return l.token, l.until.Sub(now) / 2, err
}

// currentList is the list as it has to be now: the one that is kept, where it
// still says what is so and has more than half of its life before it.
func (b *Board) currentList(ctx context.Context, n listName, now time.Time) (signedList, error) {
	b.lists.mu.Lock()
	defer b.lists.mu.Unlock()
	var any bool
	var newest int64
	err := b.db.QueryRow(ctx, `
		SELECT EXISTS (SELECT 1 FROM register_license WHERE list = $1), value FROM register_counter WHERE name = 'event'`,
		n.number).Scan(&any, &newest)
	if err != nil {
		return signedList{}, fmt.Errorf("read status list: %w", err)
	}
	if !any || !slices.Contains(credentials.LicensePurposes[:], n.purpose) {
		return signedList{}, sql.ErrNoRows
	}
	kept, ok := b.lists.lists[n]
	// A list of more than its whole life was signed while the clock was ahead.
	young := ok && now.Before(kept.due()) && kept.until.Sub(now) <= b.ListLife
	if young && kept.event == newest {
		return kept, nil
	}
	bits, next, err := b.statusBits(ctx, n, now)
	if err != nil {
		return signedList{}, fmt.Errorf("read status list: %w", err)
	}
	if !young || !kept.bits.Equal(bits) || !kept.next.Equal(next) {
		if kept, err = b.signList(n, bits, now, next); err != nil {
			return signedList{}, err
		}
	}
	kept.event = newest // what came after it is computed next time
	if b.lists.lists == nil {
		b.lists.lists = map[listName]signedList{}
	}
	b.lists.lists[n] = kept
	return kept, nil
}

// due is when half of its life is over, and the next one has to be there.
func (l signedList) due() time.Time { return l.from.Add(l.until.Sub(l.from) / 2) }

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
			l, err := b.currentList(ctx, listName{p, number}, now)
			if err != nil {
				return 0, err
			}
			next = min(next, max(l.due().Sub(now), 0))
		}
	}
	return next, nil
}

// signList signs a list until the end of its life, or until it changes by
// itself: a copy that nobody renews is then no longer believed.
func (b *Board) signList(n listName, bits *credentials.StatusList, now, next time.Time) (signedList, error) {
	until := now.Add(b.ListLife)
	if last := next.Add(-time.Second); !next.IsZero() && last.Before(until) {
		until = last
	}
	from := now.Truncate(time.Second)
	if until.Before(from) {
		until = from
	}
	url := b.listURL(n.purpose, n.number)
	handle := credentials.Handle(credentials.DigestOf([]byte("countersign status list 1\n" + url)))
	token, err := credentials.IssueStatusList(b.signer, handle, n.purpose, url, bits, from, until)
	return signedList{token: token, bits: bits, from: from, until: until, next: next}, err
}

// statusBits is what the orders upon the licenses of a list come to now, and
// when that changes by itself.
func (b *Board) statusBits(ctx context.Context, n listName, now time.Time) (bits *credentials.StatusList, next time.Time, err error) {
	size := 1
	if n.purpose == credentials.PurposeMessage {
		size = credentials.MessageSize
	}
	bits = credentials.NewStatusList(size)
	rows, err := b.db.Query(ctx, `
		SELECT l.`+placeColumns[slices.Index(credentials.LicensePurposes[:], n.purpose)]+`, e.license, e.token FROM register_license l JOIN register_event e ON e.license = l.handle
		WHERE l.list = $1 AND l.ordered = 1 AND e.kind = 'order' ORDER BY e.license, e.sequence`, n.number)
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
		return bits.Set(int(place.Int64), listed.Value(n.purpose))
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
