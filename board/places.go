package board

import (
	"context"
	"database/sql"
	"strings"

	"github.com/countersign-health/countersign/statuslist"
)

// listFill is how many licenses share the status lists of one number, and
// randomPlace gives a place. Tests make both small.
var (
	listFill    int64 = statuslist.Full
	randomPlace func() int
)

// placeColumns are where the register has a license's places, one in the list
// of each purpose (credentials.LicensePurposes).
var placeColumns = [...]string{"place", "suspension_place", "message_place"}

// newPlaces gives new licenses their places in the board's lists.
func (b *Board) newPlaces() *statuslist.Places {
	return &statuslist.Places{Purposes: len(placeColumns), Read: b.takenPlaces, Full: listFill, Random: randomPlace}
}

// takenPlaces reads which places of the newest lists are given.
func (b *Board) takenPlaces(ctx context.Context) (taken statuslist.Taken, err error) {
	if err := b.db.QueryRow(ctx, `SELECT coalesce(max(list), 1) FROM register_license`).Scan(&taken.List); err != nil {
		return taken, err
	}
	rows, err := b.db.Query(ctx, `SELECT `+strings.Join(placeColumns[:], ", ")+` FROM register_license WHERE list = $1`, taken.List)
	if err != nil {
		return taken, err
	}
	defer rows.Close()
	taken.At = make([][]int, len(placeColumns))
	var at [len(placeColumns)]sql.NullInt64 // null: registered when there was but one list
	for rows.Next() {
		if err := rows.Scan(&at[0], &at[1], &at[2]); err != nil {
			return taken, err
		}
		taken.Given++
		for j := range at {
			taken.At[j] = append(taken.At[j], int(at[j].Int64))
		}
	}
	return taken, rows.Err()
}
