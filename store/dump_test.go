package store_test

import (
	"fmt"
	"slices"
	"strings"
)

var tables = []string{"edition", "member", "coverage", "roster", "license", "board_order", "feed", "fence", "signed", "submission",
	"claim_line", "decision", "accumulator", "authorized_item", "determination", "outbox", "remittance",
	"payment", "payment_rest", "payment_hold"}

// dump is everything in the books, row by row.
func (h *house) dump() string {
	h.t.Helper()
	var all []string
	for _, table := range tables {
		all = append(all, h.dumpTable(table)...)
	}
	return strings.Join(all, "\n")
}

func (h *house) dumpTable(table string) (lines []string) {
	h.t.Helper()
	rs, err := h.db.Query(ctx, "SELECT * FROM "+table)
	h.must(err)
	defer rs.Close()
	columns, err := rs.Columns()
	h.must(err)
	for rs.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		h.must(rs.Scan(into...))
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				values[i] = string(b)
			}
		}
		lines = append(lines, fmt.Sprintf("%s %v", table, values))
	}
	h.must(rs.Err())
	slices.Sort(lines)
	return lines
}
