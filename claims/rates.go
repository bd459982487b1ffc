package claims

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/countersign-health/countersign/credentials"
)

// RateTable holds rates that laws and regulations set, each with the days on
// which it is in force. No such number stands in code: a change of law is a row
// more, and what was decided under the old row stays right.
type RateTable struct{ rows map[string][]datedRate }

type datedRate struct {
	from, until credentials.Date // both included; an empty until is open
	rate        Rate
}

// maxTableRate bounds a table's rates: both sides of a body at full value are 200%.
const maxTableRate Rate = 1000_00

var rulePattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// ParseRateTable reads "rule,from,until,rate,source". Lines that start with #
// are comments. Each rate names where it is from; two that are in force on one
// day are refused.
func ParseRateTable(file string, body []byte) (*RateTable, error) {
	t := &RateTable{rows: map[string][]datedRate{}}
	r := csv.NewReader(bytes.NewReader(body))
	r.Comment, r.FieldsPerRecord = '#', 5
	var problems []error
	for first := true; ; first = false {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", file, err))
			break
		}
		if first {
			if strings.Join(row, ",") != "rule,from,until,rate,source" {
				problems = append(problems, fmt.Errorf("%s: want the header rule,from,until,rate,source", file))
			}
			continue
		}
		if err := t.add(row); err != nil {
			line, _ := r.FieldPos(0)
			problems = append(problems, fmt.Errorf("%s line %d: %w", file, line, err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *RateTable) add(row []string) error {
	rule := row[0]
	if !rulePattern.MatchString(rule) || strings.TrimSpace(row[4]) == "" {
		return fmt.Errorf("rule %q: want small letters, digits and '-', and a source", rule)
	}
	d := datedRate{}
	var err error
	if d.from, err = credentials.ParseDate(row[1]); err != nil {
		return fmt.Errorf("from: %w", err)
	}
	if row[2] != "" {
		if d.until, err = credentials.ParseDate(row[2]); err != nil {
			return fmt.Errorf("until: %w", err)
		}
		if d.until < d.from {
			return fmt.Errorf("%s: the last day comes before the first", rule)
		}
	}
	if d.rate, err = ParsePercent(row[3]); err != nil {
		return err
	}
	for _, other := range t.rows[rule] {
		if (other.until == "" || d.from <= other.until) && (d.until == "" || other.from <= d.until) {
			return fmt.Errorf("%s: two rates are in force on one day", rule)
		}
	}
	t.rows[rule] = append(t.rows[rule], d)
	return nil
}

// ParsePercent reads a rate that may exceed the whole, such as "110%".
func ParsePercent(s string) (Rate, error) {
	digits, percent := strings.CutSuffix(s, "%")
	n, err := ParseDecimal(digits, 2)
	if err != nil || !percent || n < 0 || Rate(n) > maxTableRate {
		return 0, fmt.Errorf("rate %q: want a percentage from 0%% to %s, such as 62.5%%", s, maxTableRate)
	}
	return Rate(n), nil
}

// On is the rate in force on a day. None is an error, never zero: what the
// table does not say, nobody may assume.
func (t *RateTable) On(rule string, day credentials.Date) (Rate, error) {
	for _, d := range t.rows[rule] {
		if day.Within(d.from, d.until) {
			return d.rate, nil
		}
	}
	return 0, fmt.Errorf("no rate %s is known for %s", rule, day)
}
