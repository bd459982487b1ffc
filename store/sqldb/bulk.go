package sqldb

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/lib/pq"
)

// Insert adds n rows to a table, in few round trips. Neither table nor columns
// may come from outside.
func (tx *Tx) Insert(table string, columns []string, n int, row func(int) []any) (err error) {
	text := fmt.Sprintf(`COPY %s (%s) FROM STDIN`, table, strings.Join(columns, ", "))
	if !tx.db.postgres {
		text = fmt.Sprintf(`INSERT INTO %s (%s) VALUES (?%s)`, table, strings.Join(columns, ", "), strings.Repeat(", ?", len(columns)-1))
	}
	add, err := tx.tx.PrepareContext(tx.ctx, text)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, add.Close()) }()
	for i := range n {
		if _, err := add.ExecContext(tx.ctx, row(i)...); err != nil {
			return err
		}
	}
	if tx.db.postgres {
		_, err = add.ExecContext(tx.ctx) // only now the server says what it thinks of the rows
	}
	return err
}

// Given is a table "given" of n rows, one at least, to join others to, with the
// columns c1, c2, …, all bytes. Its arguments stand from $first on.
func (tx *Tx) Given(first, n int, row func(int) [][]byte) (from string, args []any) {
	var columns []pq.ByteaArray
	var rows [][]string
	for i := range n {
		cells := row(i)
		if columns == nil {
			columns = make([]pq.ByteaArray, len(cells))
		}
		words := make([]string, len(cells))
		for j, b := range cells {
			if columns[j] = append(columns[j], b); !tx.db.postgres {
				words[j] = hex.EncodeToString(b)
			}
		}
		rows = append(rows, words)
	}
	var parts, names []string
	for j, c := range columns {
		names = append(names, fmt.Sprintf("c%d", j+1))
		if tx.db.postgres {
			parts = append(parts, fmt.Sprintf("$%d::bytea[]", first+j))
			args = append(args, c)
		} else {
			parts = append(parts, fmt.Sprintf("unhex(value ->> %d) AS c%d", j, j+1))
		}
	}
	if tx.db.postgres {
		return fmt.Sprintf("unnest(%s) AS given(%s)", strings.Join(parts, ", "), strings.Join(names, ", ")), args
	}
	list, _ := json.Marshal(rows) // strings always marshal
	return fmt.Sprintf("(SELECT %s FROM json_each($%d)) AS given", strings.Join(parts, ", "), first), []any{string(list)}
}
