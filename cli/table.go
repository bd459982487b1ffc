package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// tableWidth is what fits a terminal and a printed page.
const tableWidth = 100

// A table aligns its columns; the last one wraps. Columns that hold amounts
// (amounts) are aligned to the right.
type table struct {
	head []string
	rows [][]string
}

// amounts are the columns of every decision.
var amounts = []string{"charge", "allowed", "paid", "patient", "before", "after", "total", "units", "index", "amount", "interest", "late", "claims", "non-facility", "facility"}

func (t *table) add(cells ...string) {
	for i := range cells {
		cells[i] = oneLine(cells[i])
	}
	t.rows = append(t.rows, cells)
}

func (t *table) write(w io.Writer) error {
	width := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	last := len(t.head) - 1
	used := 0
	for _, n := range width[:last] {
		used += n + 2
	}
	var b strings.Builder
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row[:last] {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if slices.Contains(amounts, t.head[i]) {
				cell = pad + cell
			} else {
				cell += pad
			}
			b.WriteString(cell + "  ")
		}
		lines := wrap(row[last], max(tableWidth-used, 30))
		b.WriteString(strings.Join(lines, "\n"+strings.Repeat(" ", used)))
		trimmed := strings.TrimRight(b.String(), " ")
		b.Reset()
		if _, err := fmt.Fprintln(w, trimmed); err != nil {
			return err
		}
	}
	return nil
}

// wrap breaks text at spaces into lines of at most width, where it has spaces.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// count is "1 claim" or "3 claims".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
