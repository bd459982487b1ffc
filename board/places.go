package board

import (
	"context"
	"database/sql"
	"encoding/binary"
	"strings"
	"sync"

	"github.com/countersign-health/countersign/credentials"
)

// listFill is how many licenses share the status lists of one number. Half full,
// a random place is free every other time, and a set bit points to nobody.
var listFill int64 = credentials.StatusListSize / 2 // a test makes it small

// placeColumns are where the register has a license's places, one in the list
// of each purpose (credentials.LicensePurposes).
var placeColumns = [...]string{"place", "suspension_place", "message_place"}

// A place is where a license stands in the status lists of a number.
type place struct {
	list int64
	at   [len(placeColumns)]int
}

// places gives new licenses their random places, without asking the database
// for each. It knows what this process has given away; where another process
// gave the same, the register's unique indexes say so, and it reads anew.
type places struct {
	mu    sync.Mutex
	list  int64 // that new licenses go into; 0 before it was read
	given int64 // licenses in it
	taken [len(placeColumns)]map[int]bool
}

// take gives n licenses places that were free, and keeps them.
func (p *places) take(ctx context.Context, b *Board, n int) ([]place, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.list == 0 {
		if err := p.read(ctx, b); err != nil {
			return nil, err
		}
	}
	all := make([]place, n)
	for i := range all {
		if p.given >= listFill {
			p.begin(p.list + 1)
		}
		p.given++
		all[i].list = p.list
		for j := range p.taken {
			all[i].at[j] = p.free(j)
		}
	}
	return all, nil
}

// free is a random place that nobody has in a list of this purpose. What the
// lists of other purposes gave says nothing about it.
func (p *places) free(purpose int) int {
	for {
		if at := randomPlace(); !p.taken[purpose][at] {
			p.taken[purpose][at] = true
			return at
		}
	}
}

// forget has the next take read the register.
func (p *places) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = 0
}

func (p *places) begin(list int64) {
	p.list, p.given = list, 0
	for j := range p.taken {
		p.taken[j] = map[int]bool{}
	}
}

func (p *places) read(ctx context.Context, b *Board) error {
	var newest int64
	if err := b.db.QueryRow(ctx, `SELECT coalesce(max(list), 1) FROM register_license`).Scan(&newest); err != nil {
		return err
	}
	rows, err := b.db.Query(ctx, `SELECT `+strings.Join(placeColumns[:], ", ")+` FROM register_license WHERE list = $1`, newest)
	if err != nil {
		return err
	}
	defer rows.Close()
	p.begin(newest)
	var at [len(placeColumns)]sql.NullInt64 // null: registered when there was but one list
	for rows.Next() {
		if err := rows.Scan(&at[0], &at[1], &at[2]); err != nil {
			p.list = 0
			return err
		}
		p.given++
		for j := range at {
			p.taken[j][int(at[j].Int64)] = true
		}
	}
	if err := rows.Err(); err != nil {
		p.list = 0
		return err
	}
	return nil
}

// randomPlace is uniform: the list's size is a power of two. A test makes it
// small.
var randomPlace = func() int {
	h := randomHandle()
	return int(binary.BigEndian.Uint32(h[:]) % credentials.StatusListSize)
}
