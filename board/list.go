package board

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// listCache holds the signed status lists. They are signed again when a bit was
// set, or when half of their short life is over.
type listCache struct {
	mu    sync.Mutex
	lists map[int64]signedList
}

type signedList struct {
	token   string
	revoked int64
	until   time.Time // end of its validity
}

func (b *Board) listURL(list int64) string { return b.URL + "/status/" + strconv.FormatInt(list, 10) }

// statusAt is the entry of a license in the status list.
func (b *Board) statusAt(p place) *credentials.StatusEntry {
	return credentials.NewStatusEntry(b.listURL(p.list), p.at[0])
}

// statusList returns the current status list, signed, and for how long others
// may keep it, or sql.ErrNoRows. Bits are only ever set, so their number says
// whether the list is another one.
func (b *Board) statusList(ctx context.Context, list int64) (token string, keep time.Duration, err error) {
	b.lists.mu.Lock()
	defer b.lists.mu.Unlock()
	now := b.Now()
	var any bool
	var revoked int64
	err = b.db.QueryRow(ctx, `
		SELECT EXISTS (SELECT 1 FROM register_license WHERE list = $1),
			(SELECT count(*) FROM register_license WHERE list = $1 AND revoked = 1)`, list).Scan(&any, &revoked)
	if err != nil {
		return "", 0, fmt.Errorf("read status list: %w", err)
	}
	if !any {
		return "", 0, sql.ErrNoRows
	}
	if kept, ok := b.lists.lists[list]; ok && kept.revoked == revoked {
		// More than its whole life is left to a list that was signed while the clock was ahead.
		if left := kept.until.Sub(now); left > b.ListLife/2 && left <= b.ListLife {
			return kept.token, left / 2, nil
		}
	}
	bits, err := b.statusBits(ctx, list)
	if err != nil {
		return "", 0, fmt.Errorf("read status list: %w", err)
	}
	url := b.listURL(list)
	handle := credentials.Handle(credentials.DigestOf([]byte("countersign status list 1\n" + url)))
	token, err = credentials.IssueStatusList(b.signer, handle, url, bits, now, now.Add(b.ListLife))
	if err != nil {
		return "", 0, err
	}
	if b.lists.lists == nil {
		b.lists.lists = map[int64]signedList{}
	}
	b.lists.lists[list] = signedList{token, revoked, now.Add(b.ListLife)}
	return token, b.ListLife / 2, nil
}

func (b *Board) statusBits(ctx context.Context, list int64) (*credentials.StatusList, error) {
	rows, err := b.db.Query(ctx, `SELECT place FROM register_license WHERE list = $1 AND revoked = 1`, list)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	bits := new(credentials.StatusList)
	for rows.Next() {
		var place int
		if err := rows.Scan(&place); err != nil {
			return nil, err
		}
		if err := bits.Set(place); err != nil {
			return nil, err
		}
	}
	return bits, rows.Err()
}
