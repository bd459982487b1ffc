// Package promptpay is what a law adds to a clean claim that was paid late: the
// day on which it was due, and simple interest from the day after through the day
// of payment. The laws are a table with dates. It never says which law applies:
// that is for who insures, where.
package promptpay

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"regexp"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

//go:embed laws.csv
var laws []byte

// A term is one row of the table.
type term struct {
	law                       string
	receivedFrom, receivedEnd credentials.Date // both included; an empty end is open
	paidFrom, paidEnd         credentials.Date
	days                      int
	rate                      int64 // a year's, in thousandths of a percent
	source                    string
}

// Laws are the names of the laws in the table, sorted.
func Laws() []string {
	var names []string
	for _, t := range known() {
		names = append(names, t.law)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Check refuses a plan edition that names a law which the table does not know.
func Check(p *claims.Plan) error {
	if p.PromptPay != "" && !slices.Contains(Laws(), p.PromptPay) {
		return fmt.Errorf("plan.yaml: promptPay: %w", unknown(p.PromptPay))
	}
	return nil
}

func unknown(law string) error {
	return fmt.Errorf("law %q is not known: want one of %s", law, strings.Join(Laws(), ", "))
}

// A Clock is one claim before a law: when it was due, and what a payment on a
// day owes beside it.
type Clock struct {
	Law  string           `json:"law"`
	Due  credentials.Date `json:"due"`  // the last day in time
	On   credentials.Date `json:"on"`   // of payment, or of asking
	Late int              `json:"late"` // days after Due, 0 where it is in time
	Rate string           `json:"rate,omitempty"`
	// Interest is Paid x rate x Late / 365, rounded half up to the cent.
	Interest claims.Cents `json:"interestCents"`
	Source   string       `json:"source"`
}

// On holds a clean claim against a law: received on one day, with that much to
// pay, paid on another. An amount of nothing or below earns nothing (Claims
// Processing Manual chapter 1 section 80.2.2). A law or a day that the table does
// not know is an error, never zero.
func On(law string, received credentials.Date, paid claims.Cents, on credentials.Date) (Clock, error) {
	if on < received {
		return Clock{}, fmt.Errorf("paid on %s, before it was received on %s", on, received)
	}
	if !slices.Contains(Laws(), law) {
		return Clock{}, unknown(law)
	}
	var t *term
	for _, row := range known() {
		if row.law != law || !received.Within(row.receivedFrom, row.receivedEnd) {
			continue
		}
		due := received.AddDays(row.days)
		if on <= due { // in time, whatever the rate
			return Clock{Law: law, Due: due, On: on, Source: row.source}, nil
		}
		if on.Within(row.paidFrom, row.paidEnd) {
			t = &row
			break
		}
	}
	if t == nil {
		return Clock{}, fmt.Errorf("%s: no rate is known for a claim received on %s and paid on %s", law, received, on)
	}
	c := Clock{Law: law, Due: received.AddDays(t.days), On: on, Rate: percent(t.rate), Source: t.source}
	c.Late = c.Due.DaysUntil(on)
	if paid > 0 {
		c.Interest = interest(paid, t.rate, c.Late)
	}
	return c, nil
}

// Owed holds the decision on a claim against a law. The interest is nothing, and
// asks is true, where nobody but a person can say whether the claim was clean and
// what was late: it waited for a person before it was decided, or the decision
// takes another one back.
func Owed(law string, received credentials.Date, d *claims.Decision, on credentials.Date) (c Clock, asks bool, err error) {
	if c, err = On(law, received, d.Paid, on); err != nil {
		return c, false, err
	}
	if d.Number > 1 || d.Reversal != nil {
		c.Interest = 0
		return c, true, nil
	}
	return c, false, nil
}

// interest is simple, by days of a year of 365, rounded half up to the cent. The
// product is taken in 128 bits: no amount of a claim can overflow it.
func interest(paid claims.Cents, rate int64, days int) claims.Cents {
	const year = 365 * 100_000 // a rate of 100% is 100,000 thousandths of a percent
	hi, lo := bits.Mul64(uint64(paid), uint64(rate)*uint64(days))
	lo, carry := bits.Add64(lo, year/2, 0)
	quotient, _ := bits.Div64(hi+carry, lo, year)
	return claims.Cents(quotient)
}

func percent(rate int64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%03d", rate/1000, rate%1000), "0"), ".") + "%"
}

// known is the table of this release, whose form a test holds.
func known() []term {
	t, err := parse(laws)
	if err != nil {
		panic(err)
	}
	return t
}

var lawPattern = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

// parse reads the table. Two rows of a law that a claim could fall under, paid on
// one day, are refused.
func parse(body []byte) (all []term, err error) {
	r := csv.NewReader(bytes.NewReader(body))
	r.Comment, r.FieldsPerRecord = '#', 8
	var problems []error
	for first := true; ; first = false {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("laws.csv: %w", err)
		}
		if first {
			if strings.Join(row, ",") != "law,received_from,received_until,paid_from,paid_until,days,rate,source" {
				return nil, errors.New("laws.csv: want the header law,received_from,received_until,paid_from,paid_until,days,rate,source")
			}
			continue
		}
		t, err := parseTerm(row)
		if err == nil {
			err = t.alone(all)
		}
		if err != nil {
			line, _ := r.FieldPos(0)
			problems = append(problems, fmt.Errorf("laws.csv line %d: %w", line, err))
		}
		all = append(all, t)
	}
	return all, errors.Join(problems...)
}

func parseTerm(row []string) (t term, err error) {
	t.law, t.source = row[0], row[7]
	if !lawPattern.MatchString(t.law) || strings.TrimSpace(t.source) == "" {
		return t, fmt.Errorf("law %q: want small letters and '-', and a source", t.law)
	}
	for i, d := range []*credentials.Date{&t.receivedFrom, &t.receivedEnd, &t.paidFrom, &t.paidEnd} {
		if text := row[1+i]; text != "" || i%2 == 0 {
			if *d, err = credentials.ParseDate(text); err != nil {
				return t, err
			}
		}
	}
	if t.receivedEnd != "" && t.receivedEnd < t.receivedFrom || t.paidEnd != "" && t.paidEnd < t.paidFrom {
		return t, fmt.Errorf("%s: a last day comes before its first", t.law)
	}
	days, err := claims.ParseDecimal(row[5], 0)
	if err != nil || days < 1 || days > 365 {
		return t, fmt.Errorf("days %q: want from 1 to 365", row[5])
	}
	t.days = int(days)
	digits, ok := strings.CutSuffix(row[6], "%")
	if t.rate, err = claims.ParseDecimal(digits, 3); err != nil || !ok || t.rate < 0 || t.rate > 100_000 {
		return t, fmt.Errorf("rate %q: want a percentage a year, such as 4.625%%", row[6])
	}
	return t, nil
}

// alone says that no row before it answers for the same claim and payment.
func (t *term) alone(before []term) error {
	overlap := func(aFrom, aEnd, bFrom, bEnd credentials.Date) bool {
		return (bEnd == "" || aFrom <= bEnd) && (aEnd == "" || bFrom <= aEnd)
	}
	for _, o := range before {
		received := overlap(t.receivedFrom, t.receivedEnd, o.receivedFrom, o.receivedEnd)
		if o.law == t.law && received && overlap(t.paidFrom, t.paidEnd, o.paidFrom, o.paidEnd) {
			return fmt.Errorf("%s: two rows answer for one claim", t.law)
		}
		if o.law == t.law && received && o.days != t.days {
			return fmt.Errorf("%s: a claim received on one day has two due days", t.law)
		}
	}
	return nil
}
