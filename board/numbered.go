package board

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store/sqldb"
)

// clashes are rows that ask for a license number which another clinician has:
// mostly an NPI that was corrected after the license had been issued. A second
// license would leave the first one good, in the name of somebody else.
type clashes map[*row]string

func (c clashes) Error() string { return "license numbers are issued to others" }

// numberOf names a license number. Each profession counts its own.
func numberOf(a client.Application) (string, error) {
	return identityOf("number", a.Jurisdiction, a.Profession, a.Number)
}

// clashing finds, among rows that are about to be registered, those whose number
// is another clinician's. A license that was voided has no number.
func clashing(tx *sqldb.Tx, rows []*row) (clashes, error) {
	no := clashes{}
	others, err := numbered(tx, rows)
	if err != nil {
		return nil, fmt.Errorf("look up license numbers: %w", err)
	}
	first := map[string]credentials.NPI{}
	for _, r := range rows {
		h, err := heldBy(tx, others[r.number], r.ask.License.NPI)
		if err != nil {
			return nil, fmt.Errorf("look up license numbers: %w", err)
		}
		npi, asked := first[r.number]
		switch {
		case h != "":
			no[r] = fmt.Sprintf("at /npi: this license number is issued to another NPI, as license %s: where that was an error, void it first"+
				" (countersign license void %s --license --reason CODE)", h, h)
		case asked && npi != r.ask.License.NPI:
			no[r] = "at /npi: a row before it asks for the same license number for another NPI: correct one of them"
		default:
			first[r.number] = r.ask.License.NPI
		}
	}
	return no, nil
}

// heldBy is a license of another than npi, not voided, if there is one.
func heldBy(tx *sqldb.Tx, all []holding, npi credentials.NPI) (handle string, err error) {
	for _, h := range all {
		if h.npi == npi {
			continue
		}
		if void, err := voided(tx, h.handle); err != nil || !void {
			return h.handle, err
		}
	}
	return "", nil
}

// A holding is a license that has a number.
type holding struct {
	handle string
	npi    credentials.NPI
}

func numbered(tx *sqldb.Tx, rows []*row) (map[string][]holding, error) {
	args, places := make([]any, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		args[i], places[i] = r.number, "$"+strconv.Itoa(i+1)
	}
	found, err := tx.Query(`SELECT numbered, handle, npi FROM register_license WHERE numbered IN (`+strings.Join(places, ", ")+`)`, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	all := map[string][]holding{}
	for found.Next() {
		var number string
		var h holding
		if err := found.Scan(&number, &h.handle, &h.npi); err != nil {
			return nil, err
		}
		all[number] = append(all[number], h)
	}
	return all, found.Err()
}

// voided says whether a license was issued in error, by the board's own order.
func voided(tx *sqldb.Tx, license string) (bool, error) {
	rows, err := tx.Query(`SELECT token FROM register_event WHERE license = $1 AND kind = $2`, license, string(client.EventOrder))
	if err != nil {
		return false, err
	}
	defer rows.Close()
	void := false
	for rows.Next() {
		var token string
		if err := rows.Scan(&token); err != nil {
			return false, err
		}
		o, err := ownSubject[credentials.Order](token)
		if err != nil {
			return false, err
		}
		void = void || o.Action == credentials.OrderVoid && len(o.Upon) == 0
	}
	return void, rows.Err()
}

// numberAll gives the licenses that were registered before there was a number
// theirs.
func (b *Board) numberAll(ctx context.Context) error {
	for {
		done, err := b.numberSome(ctx)
		if err != nil {
			return fmt.Errorf("number licenses: %w", err)
		}
		if done {
			return nil
		}
	}
}

func (b *Board) numberSome(ctx context.Context) (done bool, err error) {
	err = b.db.Tx(ctx, func(tx *sqldb.Tx) error {
		numbers, err := unnumbered(tx)
		if err != nil {
			return err
		}
		done = len(numbers) == 0
		for handle, number := range numbers {
			if _, err := tx.Exec(`UPDATE register_license SET numbered = $1 WHERE handle = $2`, number, handle); err != nil {
				return err
			}
		}
		return nil
	})
	return done, err
}

func unnumbered(tx *sqldb.Tx) (map[string]string, error) {
	rows, err := tx.Query(`
		SELECT l.handle, e.token FROM register_license l JOIN register_event e ON e.document = l.handle WHERE l.numbered IS NULL LIMIT 1000`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	numbers := map[string]string{}
	for rows.Next() {
		var handle, token string
		if err := rows.Scan(&handle, &token); err != nil {
			return nil, err
		}
		l, err := ownSubject[credentials.License](token)
		if err != nil {
			return nil, err
		}
		numbers[handle], err = numberOf(client.Application{Jurisdiction: l.Jurisdiction, Profession: l.Profession, Number: l.Number})
		if err != nil {
			return nil, err
		}
	}
	return numbers, rows.Err()
}

// leaveClashing answers the rows that clash and returns the others; none of them
// is registered.
func leaveClashing(rows []*row, err error, done []client.Imported) (left []*row, clash bool) {
	var no clashes
	if !errors.As(err, &no) {
		return rows, false
	}
	for _, r := range rows {
		if why, ok := no[r]; ok {
			done[r.line] = client.Imported{Refused: why}
		} else {
			left = append(left, r)
		}
	}
	return left, true
}
