package cli

import (
	"bufio"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	board "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
)

// hopeless is how many rows have to be bad before the first good one for the
// reading to be given up: whoever has so many has another file than they think.
const hopeless = 1000

// orderColumns may follow those of a license, in any order: the board's label,
// and what is asked of the order that the label needs.
var orderColumns = []string{"status", "effective", "reason", "restrictions"}

// An importRow is a line of a register that is to be issued.
type importRow struct {
	board.ImportRow
	line int
	key  [16]byte // of what is asked for, at this board
}

// A badRow is a line of which nothing is issued. What is wrong is told by line
// and column, never by what stands there, except for a label that nobody knows.
type badRow struct{ text string }

func (b *badRow) Error() string { return b.text }

func bad(line int, column string, why error) error {
	if column == "" {
		return &badRow{fmt.Sprintf("line %d: %v", line, why)}
	}
	return &badRow{fmt.Sprintf("line %d, column %s: %v", line, column, why)}
}

// A registerFile is a CSV file of licenses, read a row at a time.
type registerFile struct {
	path, did      string
	skipCheckDigit bool
	now            time.Time // one instant for the whole file, so that reading it again finds the same
	// lines are where each license stands first: 16 bytes and a number a row are
	// all that is kept of the file.
	lines map[[16]byte]int32
	good  int
	// unread rows are bad by themselves; reading them again has to find as many.
	unread, left int

	file    *os.File
	rows    *csv.Reader
	columns []string
}

// openRegister opens a register and reads its first line.
func openRegister(path, did string, skipCheckDigit bool, now time.Time) (*registerFile, error) {
	r := &registerFile{path: path, did: did, skipCheckDigit: skipCheckDigit, now: now, lines: map[[16]byte]int32{}}
	var err error
	if r.file, err = openFile(path); err != nil {
		return nil, err
	}
	if err := r.begin(); err != nil {
		r.file.Close()
		return nil, err
	}
	return r, nil
}

func (r *registerFile) begin() error {
	in := bufio.NewReader(r.file)
	if b, _ := in.Peek(3); string(b) == "\ufeff" {
		in.Discard(3)
	}
	r.rows = csv.NewReader(in)
	r.rows.Comment, r.rows.FieldsPerRecord, r.rows.ReuseRecord = '#', -1, true
	head, err := r.rows.Read()
	if err != nil || !registerColumns(head) {
		return refused(r.path, "line 1: want the columns "+strings.Join(licenseColumns, ",")+", and after them any of "+strings.Join(moreColumns, ",")+
			", and, where there are labels, "+strings.Join(orderColumns, ","), "write them as the first line")
	}
	r.columns = slices.Clone(head)
	return nil
}

// registerColumns wants those of a license and then any of the others, the
// label among them, each once.
func registerColumns(head []string) bool {
	labeled := slices.Contains(head, "status")
	others := moreColumns
	if labeled {
		others = slices.Concat(moreColumns, orderColumns)
	}
	return columnsWithin(head, others)
}

// check reads the whole register once, tells what is wrong with it, and goes
// back to its beginning.
func (r *registerFile) check(tell func(*badRow)) error {
	wrong := 0
	for {
		row, err := r.read()
		var b *badRow
		switch {
		case errors.Is(err, io.EOF):
			if r.good+wrong == 0 {
				return refused(r.path, "holds no license", "write one on each line below the columns")
			}
			if _, err := r.file.Seek(0, io.SeekStart); err != nil {
				return fmt.Errorf("read %s once more: %w", r.path, err)
			}
			return r.begin()
		case errors.As(err, &b):
		case err != nil:
			return err
		default:
			license := licenseKey(row.License)
			if first := r.lines[license]; first > 0 {
				b = &badRow{fmt.Sprintf("line %d: is the license of line %d once more", row.line, first)}
				break
			}
			r.lines[license] = int32(row.line)
			r.good++
			continue
		}
		if row == nil {
			r.unread++
		}
		tell(b)
		if wrong++; wrong == hopeless && r.good == 0 {
			return refused(r.path, fmt.Sprintf("none of the first %d rows can be issued; nothing was", hopeless), "see whether it is the right file")
		}
	}
}

// next is the next good row of a register that was checked, or io.EOF.
func (r *registerFile) next() (*importRow, error) {
	for {
		row, err := r.read()
		var b *badRow
		if errors.As(err, &b) {
			if r.left++; r.left > r.unread {
				return nil, refused(r.path, "or a file that it names has changed while it was read; "+b.text, "import it again when nobody writes to it")
			}
			continue // it was told of
		}
		if err != nil {
			return nil, err
		}
		switch first := r.lines[licenseKey(row.License)]; {
		case int(first) == row.line:
			return row, nil
		case first == 0:
			return nil, refused(r.path, "has changed while it was read", "import it again when nobody writes to it")
		}
	}
}

// licenseKey is what makes two rows one license for the board.
func licenseKey(a board.Application) [16]byte {
	return keyOf([]byte(strings.Join([]string{a.Jurisdiction, a.Profession, a.Number, string(a.NPI), string(a.From), string(a.Until)}, "\x00")))
}

func keyOf(b []byte) [16]byte {
	sum := sha256.Sum256(b)
	return [16]byte(sum[:])
}

func (r *registerFile) read() (*importRow, error) {
	fields, err := r.rows.Read()
	var broken *csv.ParseError
	switch {
	case errors.As(err, &broken):
		return nil, &badRow{fmt.Sprintf("line %d, column %d: %v", broken.Line, broken.Column, broken.Err)}
	case err != nil && !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("read %s: %w", r.path, err)
	case err != nil:
		return nil, err
	}
	line, _ := r.rows.FieldPos(0)
	if len(fields) != len(r.columns) {
		return nil, bad(line, "", fmt.Errorf("has %d columns, not %d", len(fields), len(r.columns)))
	}
	a, err := application(fields[:len(licenseColumns)], licenseColumns, r.skipCheckDigit)
	if err == nil {
		err = fillMore(a, r.field(fields), filepath.Dir(r.path), credentials.DID(r.did))
	}
	if err != nil {
		return nil, &badRow{fmt.Sprintf("line %d, column %v", line, oneLine(err.Error()))}
	}
	row := &importRow{ImportRow: board.ImportRow{License: *a}, line: line}
	if column, err := r.label(row, fields); err != nil {
		return nil, bad(line, column, err)
	}
	b, err := credentials.CanonicalJSON([]any{r.did, row.ImportRow})
	if err != nil {
		return nil, bad(line, "", err)
	}
	row.key = keyOf(b)
	return row, nil
}

// field reads a row by the name of a column; of one that is not there, nothing.
func (r *registerFile) field(fields []string) func(column string) string {
	return func(column string) string {
		if i := slices.Index(r.columns, column); i >= 0 {
			return fields[i]
		}
		return ""
	}
}

// label reads the board's label, and the order without which the license would
// not be what the label says.
func (r *registerFile) label(row *importRow, fields []string) (column string, err error) {
	if !slices.Contains(r.columns, "status") {
		return "", nil
	}
	get := r.field(fields)
	label, err := credentials.LabelOf(row.License.Jurisdiction, get("status"))
	if err != nil {
		return "status", err
	}
	o := &board.OrderRequest{Action: label.Needs(row.License.Until, r.now)}
	if o.Action == "" {
		why := "the label takes no order, so nothing may stand here"
		if label.ByDate {
			why = fmt.Sprintf("the license ended by its date, %s, so the label takes no order and nothing may stand here", row.License.Until)
		}
		for _, c := range orderColumns[1:] {
			if get(c) != "" {
				return c, errors.New(why)
			}
		}
		return "", nil
	}
	need := func(column string) error {
		if get(column) == "" {
			if label.ByDate {
				return fmt.Errorf("is missing: the label takes an order to %s, since the license runs until %s; where it ended before, correct until", o.Action, row.License.Until)
			}
			return fmt.Errorf("is missing: the label takes an order to %s", o.Action)
		}
		return nil
	}
	if err := need("effective"); err != nil {
		return "effective", err
	}
	if o.Effective, err = instant(get("effective")); err != nil {
		return "effective", errors.New("is neither a date nor a time with its offset")
	}
	if err := need("reason"); err != nil {
		return "reason", err
	}
	o.Reason = get("reason")
	if o.Action == credentials.OrderRestrict {
		if err := need("restrictions"); err != nil {
			return "restrictions", err
		}
	}
	if s := get("restrictions"); s != "" {
		o.Restrictions = codesOf(s)
		slices.Sort(o.Restrictions)
	}
	none := credentials.Handle{}
	if err := credentials.Contradiction(row.License.License(none), nil, o.Order(none, none)); err != nil {
		column, why := columnOf(err.Error())
		return column, errors.New(why)
	}
	if o.Order(none, none).SaysLess(row.License.Jurisdiction, label) {
		return "reason", fmt.Errorf("want %s, as the label says: the list of messages goes by the reason", label.Message)
	}
	row.Order = o
	return "", nil
}

// columnOf takes a message apart that begins with the name of a field.
func columnOf(message string) (column, why string) {
	name, why, ok := strings.Cut(message, ": ")
	switch name {
	case "holder", "proof", "holder and /proof":
		name = "holder_key"
	}
	if ok && slices.Contains(slices.Concat(licenseColumns, moreColumns, orderColumns), name) {
		return name, why
	}
	return "", message
}

// refusedRow is what the board has against a row, by JSON pointer, as people
// look for it in their file.
func refusedRow(line int, message string) *badRow {
	column, why := columnOf(strings.TrimPrefix(message, "at /"))
	if column == "" {
		why = message
	}
	return bad(line, column, errors.New(oneLine(why))).(*badRow)
}

// labelsHelp lists the labels by the order that each needs.
func labelsHelp() string {
	var b strings.Builder
	b.WriteString("Labels for status, by the order that they need:")
	for _, action := range []credentials.OrderAction{"", credentials.OrderRestrict, credentials.OrderSuspend, credentials.OrderRevoke} {
		name := string(action)
		if action == "" {
			name = "none"
		}
		line := fmt.Sprintf("\n  %-9s", name)
		for i, l := range slices.DeleteFunc(credentials.Labels(), func(l credentials.Label) bool { return l.Action() != action }) {
			word := l.Label
			if l.State != "*" {
				word += " (" + l.State + ")"
			}
			if l.ByDate {
				word += "*"
			}
			if i > 0 {
				line += ","
			}
			if len(line)+len(word) > 108 {
				b.WriteString(line)
				line = "\n" + strings.Repeat(" ", 11)
			}
			line += " " + word
		}
		b.WriteString(line)
	}
	b.WriteString("\n* none where until has passed: such a license ended by its date")
	return b.String()
}
