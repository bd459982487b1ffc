package contract

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

func TestPercent(t *testing.T) {
	for _, test := range []struct {
		name      string
		got, want claims.Cents
	}{
		{"60% of 100.00", PercentOfCharge(100_00, 60_00), 60_00},
		{"62.5% of 0.01 is 0.00625", PercentOfCharge(1, 62_50), 1},
		{"33.33% of 1.00", PercentOfCharge(1_00, 33_33), 33},
		{"49.99% of 0.01 is 0.004999", PercentOfCharge(1, 49_99), 0},
		{"more than all", PercentOfCharge(100_00, 120_00), 100_00},
		{"110% of Medicare's 91.00", PercentOfMedicare(200_00, 91_00, 110_00), 100_10},
		{"and no more than the charge", PercentOfMedicare(100_09, 91_00, 110_00), 100_09},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, test.got, test.want)
		}
	}
}

func TestCaseRate(t *testing.T) {
	for _, test := range []struct {
		name    string
		amount  claims.Cents
		charges []claims.Cents
		want    []claims.Cents
	}{
		{"no lines", 100_00, nil, nil},
		{"one line", 100_00, []claims.Cents{150_00}, []claims.Cents{100_00}},
		{"by charge", 100_00, []claims.Cents{300_00, 100_00}, []claims.Cents{75_00, 25_00}},
		// A third each is 33.333…: the cent left over goes to the first.
		{"a cent left", 100_00, []claims.Cents{200_00, 200_00, 200_00}, []claims.Cents{33_34, 33_33, 33_33}},
		// 0.10 × 1/7, 2/7, 4/7 = 1.43, 2.86, 5.71 cents: 1+2+5, and two cents to 0.86 and 0.71.
		{"two cents left", 10, []claims.Cents{10, 20, 40}, []claims.Cents{1, 3, 6}},
		{"no more than charged", 100_00, []claims.Cents{30_00, 20_00}, []claims.Cents{30_00, 20_00}},
		{"a line of nothing", 10_00, []claims.Cents{0, 50_00}, []claims.Cents{0, 10_00}},
		{"nothing", 0, []claims.Cents{10_00}, []claims.Cents{0}},
	} {
		if got := CaseRate(test.amount, test.charges); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

// Whatever the amounts, no cent is lost and none is beyond its charge.
func TestCaseRateAddsUp(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 2026))
	for range 20000 {
		charges := make([]claims.Cents, 1+r.IntN(12))
		var total claims.Cents
		for i := range charges {
			charges[i] = claims.Cents(r.Int64N(1 + r.Int64N(1+r.Int64N(10_000_000_000))))
			total += charges[i]
		}
		amount := claims.Cents(r.Int64N(int64(total)*3/2 + 2))
		var sum claims.Cents
		for i, part := range CaseRate(amount, charges) {
			if sum += part; part < 0 || part > charges[i] {
				t.Fatalf("%s among %v: line %d gets %s", amount, charges, i, part)
			}
		}
		if want := min(amount, total); sum != want {
			t.Fatalf("%s among %v: got %s, want %s", amount, charges, sum, want)
		}
	}
}

func TestDays(t *testing.T) {
	for _, test := range []struct {
		from, to credentials.Date
		want     int // 0 is refused
	}{
		{"2026-02-27", "2026-02-27", 1},
		{"2026-02-27", "2026-02-28", 1},
		{"2026-02-27", "2026-03-01", 2},
		{"2024-02-27", "2024-03-01", 3},
		{"2026-02-28", "2026-02-27", 0},
		{"2000-01-01", "2026-01-01", 0},
	} {
		if got, err := Days(test.from, test.to); got != test.want || (err == nil) != (test.want > 0) {
			t.Errorf("%s to %s: got %d, %v, want %d", test.from, test.to, got, err, test.want)
		}
	}
}

// Three days at 2,000.00, the next four at 1,500.00, then 900.00.
func TestPerDiem(t *testing.T) {
	tiers := []Tier{{1, 2000_00}, {4, 1500_00}, {8, 900_00}}
	for _, test := range []struct {
		days int
		want claims.Cents
	}{
		{1, 2000_00}, {3, 6000_00}, {4, 7500_00}, {7, 12000_00}, {8, 12900_00}, {10, 14700_00},
	} {
		if got, err := PerDiem(test.days, tiers); err != nil || got != test.want {
			t.Errorf("%d days: got %s, %v, want %s", test.days, got, err, test.want)
		}
	}
	for _, test := range []struct {
		name  string
		days  int
		tiers []Tier
		want  string
	}{
		{"no days", 0, tiers, "want from 1"},
		{"too many", 3661, tiers, "want from 1"},
		{"no tiers", 1, nil, "no amount for a day"},
		{"begins late", 3, []Tier{{2, 100}}, "tier 1"},
		{"out of order", 3, []Tier{{1, 100}, {3, 100}, {3, 100}}, "tier 3"},
		{"negative", 3, []Tier{{1, -100}}, "tier 1"},
	} {
		if got, err := PerDiem(test.days, test.tiers); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %s, %v, want %s", test.name, got, err, test.want)
		}
	}
}

func TestSequestrationOn(t *testing.T) {
	for _, test := range []struct {
		day  credentials.Date
		want claims.Rate
	}{
		{"2013-03-31", 0}, {"2013-04-01", 2_00}, {"2020-04-30", 2_00}, {"2020-05-01", 0}, {"2022-03-31", 0},
		{"2022-04-01", 1_00}, {"2022-06-30", 1_00}, {"2022-07-01", 2_00}, {"2026-11-21", 2_00},
	} {
		if got, err := SequestrationOn(test.day); err != nil || got != test.want {
			t.Errorf("%s: got %s, %v, want %s", test.day, got, err, test.want)
		}
	}
	if _, err := SequestrationOn("1966-06-30"); err == nil {
		t.Error("a day before Medicare has a rate")
	}
}

func TestSequestration(t *testing.T) {
	for _, test := range []struct{ paid, want claims.Cents }{
		{80_00, 1_60}, {0, 0}, {24, 0}, {25, 1}, {-80_00, 0}, // 2% of 0.24 is 0.0048, of 0.25 is 0.005
	} {
		if got := Sequestration(test.paid, 2_00); got != test.want {
			t.Errorf("%s: got %s, want %s", test.paid, got, test.want)
		}
	}
}

// TestTransfer: twice the day's part for the first day, once for each other, and never
// more than the whole. 15,000.00 / 3.2 is 4,687.50; 100.00 / 3 is 33.33 and a third.
func TestTransfer(t *testing.T) {
	for _, tt := range []struct {
		amount claims.Cents
		mean   claims.Quantity
		days   int
		want   claims.Cents
	}{
		{15000_00, 3200, 1, 9375_00}, {15000_00, 3200, 2, 14062_50}, {15000_00, 3200, 3, 15000_00}, {15000_00, 3200, 3660, 15000_00},
		{100_00, 3000, 1, 66_67}, {100_00, 3000, 2, 100_00}, {100_00, 1, 1, 100_00}, {1, 4000, 1, 1}, {1, 4001, 1, 0}, {0, 3000, 1, 0},
		{100_000_000_00, 3_660_000, 3658, 99972677_60},
	} {
		if got, err := Transfer(tt.amount, tt.mean, tt.days); err != nil || got != tt.want {
			t.Errorf("%s, mean %s, %d days: got %s, %v, want %s", tt.amount, tt.mean, tt.days, got, err, tt.want)
		}
	}
	for _, bad := range []struct {
		amount claims.Cents
		mean   claims.Quantity
		days   int
	}{{1, 0, 1}, {1, 1, 0}, {1, 1, 3661}, {-1, 1, 1}} {
		if got, err := Transfer(bad.amount, bad.mean, bad.days); err == nil {
			t.Errorf("%+v: got %s", bad, got)
		}
	}
}

// TestOutlier: nothing at the threshold, a share of the rest beyond it, or of all.
func TestOutlier(t *testing.T) {
	for _, tt := range []struct {
		charges claims.Cents
		first   bool
		want    claims.Cents
	}{
		{50000_00, false, 15000_00}, {50000_01, false, 15000_01}, {70000_00, false, 27000_00},
		{50000_00, true, 15000_00}, {50000_01, true, 30000_01}, {0, true, 15000_00},
	} {
		if got := Outlier(15000_00, tt.charges, 50000_00, 60_00, tt.first); got != tt.want {
			t.Errorf("charges of %s, first dollar %t: got %s, want %s", tt.charges, tt.first, got, tt.want)
		}
	}
	if got := Outlier(15000_00, 60000_00, 50000_00, 10_00, true); got != 15000_00 {
		t.Errorf("a share that is less than the case: got %s", got)
	}
}
