package store_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

type tableOf struct {
	name   string
	sealed []string
}

// tables are those of the books, with the columns that are sealed in each.
var tables = []tableOf{
	{"edition", nil}, {"member", []string{"sealed"}}, {"coverage", nil}, {"roster", nil}, {"license", nil}, {"board_order", nil},
	{"feed", nil}, {"fence", nil}, {"signed", []string{"token", "body", "evidence"}}, {"submission", []string{"body", "label"}},
	{"claim_line", nil}, {"decision", nil}, {"accumulator", nil}, {"authorized_item", nil},
	{"determination", []string{"body", "token"}}, {"outbox", nil}, {"remittance", []string{"body"}}, {"data_key", []string{"wrapped"}},
	{"payment", nil}, {"payee_balance", nil}, {"overpayment", nil}, {"recouped", nil}, {"refund", nil}, {"payment_rest", nil}, {"payment_hold", nil}, {"ledger_read", nil}, {"lost_entry", nil}, {"status_place", nil},
	{"reopening", nil}, {"appeal", []string{"body", "token"}}, {"appeal_answer", []string{"body", "token"}}, {"letter", []string{"body", "token"}}, {"directory_change", nil}, {"exclusion_change", nil}, {"line_involved", nil},
}

// dump is everything in the books, row by row, with what is sealed opened and
// the data keys themselves left out: two books that say the same have the same.
func (h *house) dump() string {
	h.t.Helper()
	var all []string
	for _, table := range tables {
		rows := h.dumpTable(table.name, func(row map[string]any) {
			for _, column := range table.sealed {
				row[column] = h.plain(table.name, column, row)
			}
		})
		all = append(all, rows...)
	}
	return strings.Join(all, "\n")
}

// plain opens a sealed column of a row.
func (h *house) plain(table, column string, row map[string]any) string {
	h.t.Helper()
	if table == "data_key" {
		return "a key"
	}
	at := map[string]any{"member": row["person"], "submission": row["handle"], "signed": row["handle"], "remittance": row["trace"], "appeal": row["handle"], "letter": row["handle"], "appeal_answer": row["appeal"],
		"determination": fmt.Sprint(row["submission"], "/", row["number"])}[table]
	holder := row["holder"]
	if table == "member" {
		holder = row["person"]
	}
	b, err := h.Unseal(ctx, fmt.Sprint(holder), table, column, fmt.Sprint(at), []byte(row[column].(string)))
	h.must(err)
	return string(b)
}

// raw is everything in the books as it is stored.
func (h *house) raw() string {
	h.t.Helper()
	var all []string
	for _, table := range tables {
		all = append(all, h.dumpTable(table.name, func(map[string]any) {})...)
	}
	return strings.Join(all, "\n")
}

func (h *house) dumpTable(table string, each func(row map[string]any)) (lines []string) {
	h.t.Helper()
	for _, row := range h.readTable(table) {
		each(row)
		line := table
		for _, column := range slices.Sorted(maps.Keys(row)) {
			line += fmt.Sprintf(" %s=%v", column, row[column])
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// readTable reads every column, bytes as text.
func (h *house) readTable(table string) (all []map[string]any) {
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
		row := map[string]any{}
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			row[columns[i]] = v
		}
		all = append(all, row)
	}
	h.must(rs.Err())
	return all
}
