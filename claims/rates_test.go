package claims

import (
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

const rateHeader = "rule,from,until,rate,source\n"

func TestRateTable(t *testing.T) {
	table, err := ParseRateTable("t.csv", []byte(rateHeader+"# a comment\ncut,2020-01-01,2020-03-31,2%,a law\ncut,2020-04-01,2020-04-30,0%,a law\ncut,2020-05-01,,62.5%,a law\nboth,2020-01-01,,200%,b\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		rule, day, want string
	}{
		{"cut", "2019-12-31", "no rate cut is known for 2019-12-31"},
		{"cut", "2020-01-01", "2%"}, {"cut", "2020-03-31", "2%"},
		{"cut", "2020-04-01", "0%"}, {"cut", "2020-04-30", "0%"},
		{"cut", "2020-05-01", "62.5%"}, {"cut", "2099-01-01", "62.5%"},
		{"both", "2020-01-01", "200%"},
		{"other", "2020-01-01", "no rate other is known for 2020-01-01"},
	} {
		rate, err := table.On(test.rule, credentials.Date(test.day))
		got := rate.String()
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s on %s: got %s, want %s", test.rule, test.day, got, test.want)
		}
	}
}

func TestRateTableRefuses(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{"header", "rule,rate\n", "wrong number of fields"},
		{"other header", "a,b,c,d,e\n", "want the header"},
		{"no source", rateHeader + "x,2020-01-01,,2%,\n", "t.csv line 2: rule"},
		{"name", rateHeader + "X Y,2020-01-01,,2%,a\n", "t.csv line 2: rule"},
		{"from", rateHeader + "x,2020,,2%,a\n", "t.csv line 2: from"},
		{"until", rateHeader + "x,2020-01-01,never,2%,a\n", "t.csv line 2: until"},
		{"backwards", rateHeader + "x,2020-01-02,2020-01-01,2%,a\n", "the last day comes before the first"},
		{"no percent", rateHeader + "x,2020-01-01,,2,a\n", `rate "2"`},
		{"negative", rateHeader + "x,2020-01-01,,-2%,a\n", `rate "-2%"`},
		{"too large", rateHeader + "x,2020-01-01,,1000.01%,a\n", `rate "1000.01%"`},
		{"overlap", rateHeader + "x,2020-01-01,2020-01-31,2%,a\nx,2020-01-31,,2%,a\n", "two rates are in force on one day"},
		{"overlap from before", rateHeader + "x,2020-01-31,,2%,a\nx,2020-01-01,2020-01-31,2%,a\n", "two rates are in force on one day"},
		{"overlap of open ones", rateHeader + "x,2020-01-01,,2%,a\nx,2019-01-01,,2%,a\n", "two rates are in force on one day"},
	} {
		_, err := ParseRateTable("t.csv", []byte(test.file))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
}
