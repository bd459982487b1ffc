package books_test

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/countersign-health/countersign/books"
)

func TestCompareClocks(t *testing.T) {
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	const s, m, h = time.Second, time.Minute, time.Hour
	// word is of somebody whose clock is ahead of ours by so much: asked and
	// answered so long ago, when it looked at its clock in the moment of answering.
	word := func(who string, ahead, asked, answered time.Duration) books.Word {
		return books.Word{Who: who, Said: now.Add(ahead - answered), Asked: asked, Answered: answered}
	}
	at := func(who string, ahead time.Duration) books.Word { return word(who, ahead, 0, 0) }
	for name, c := range map[string]struct {
		words []books.Word
		by    time.Duration // 0: it is believed
		who   []string
	}{
		"nobody heard":                       {},
		"the same time":                      {words: []books.Word{at("A", 0)}},
		"a minute behind, a minute ahead":    {words: []books.Word{at("A", m), at("B", -m)}},
		"a second more ahead":                {[]books.Word{at("A", -m-s)}, m + s, []string{"A"}},
		"a second more behind":               {[]books.Word{at("A", m+s)}, -m - s, []string{"A"}},
		"an hour ahead of everybody":         {[]books.Word{at("A", -h-s), at("B", -h), at("C", -h-2*s)}, h, []string{"A", "B", "C"}},
		"an hour behind everybody":           {[]books.Word{at("A", h), at("B", h+s)}, -h, []string{"A", "B"}},
		"one agrees, first":                  {words: []books.Word{at("A", 0), at("B", -h), at("C", -h)}},
		"one agrees, last":                   {words: []books.Word{at("A", -h), at("B", -h), at("C", 0)}},
		"they contradict each other":         {words: []books.Word{at("A", -h), at("B", h)}},
		"they contradict each other, turned": {words: []books.Word{at("A", h), at("B", -h)}},

		// A long poll, in which the other may have looked at its clock at any time.
		"asked long before it answered, ahead":      {words: []books.Word{word("A", -2*m, m, 0)}},
		"asked long before it answered, far ahead":  {[]books.Word{word("A", -2*m-s, m, 0)}, m + s, []string{"A"}},
		"asked long before it answered, behind":     {[]books.Word{word("A", m+s, m, 0)}, -m - s, []string{"A"}},
		"nine minutes ago, and still the same time": {words: []books.Word{word("A", 0, 9*m, 9*m)}},
		"nine minutes ago, set ahead since":         {[]books.Word{word("A", -h, 9*m, 9*m)}, h, []string{"A"}},
		"too long ago":                              {words: []books.Word{word("A", -h, 11*m, 11*m)}},
		"too long ago to speak for it":              {[]books.Word{word("A", 0, 11*m, 11*m), at("B", -h)}, h, []string{"B"}},

		"a year that nobody lives in": {[]books.Word{{Who: "A", Said: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), Asked: m}}, math.MinInt64, []string{"A"}},
		"no time at all":              {[]books.Word{{Who: "A", Asked: m}}, math.MaxInt64, []string{"A"}},
	} {
		err := books.CompareClocks(now, c.words)
		var off *books.ClockError
		switch {
		case err == nil && c.by == 0:
		case !errors.As(err, &off):
			t.Errorf("%s: got %v, want it off by %s", name, err, c.by)
		case off.By != c.by || !slices.Equal(off.Who, c.who):
			t.Errorf("%s: got off by %s, says %q; want %s, %q", name, off.By, off.Who, c.by, c.who)
		}
	}
}

func TestClockErrorSays(t *testing.T) {
	for by, want := range map[time.Duration]string{
		time.Hour:  "this house's clock is at least 1h0m0s ahead of A and B: nothing is decided, signed or paid until it is right; set it, and run NTP",
		-time.Hour: "this house's clock is at least 1h0m0s behind A and B: nothing is decided, signed or paid until it is right; set it, and run NTP",
	} {
		if got := (&books.ClockError{By: by, Who: []string{"A", "B"}}).Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
