package mpfs

import (
	"bytes"
	"encoding/csv"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/countersign-health/countersign/claims"
)

// corpus opens CMS's own files, which are not ours to publish.
func corpus(t testing.TB, name string) *os.File {
	root := os.Getenv("COUNTERSIGN_CORPUS")
	if root == "" {
		t.Skip("COUNTERSIGN_CORPUS is not set: CMS's fee schedule is not at hand")
	}
	f, err := os.Open(filepath.Join(root, "mpfs-2025", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// year2025 reads the files once for all tests, which never change what is read.
func year2025(t testing.TB) (*Schedule, Localities) {
	rvu, gpci := corpus(t, "PPRRVU2025_Oct.nodesc.csv"), corpus(t, "GPCI2025.csv")
	readYear.Do(func() {
		var err, more error
		yearSchedule, err = NewSchedule("PPRRVU2025_Oct.csv", rvu)
		yearLocalities, more = NewLocalities("GPCI2025.csv", gpci)
		yearError = errors.Join(err, more)
	})
	if yearError != nil {
		t.Fatal(yearError)
	}
	return yearSchedule, yearLocalities
}

var (
	readYear       sync.Once
	yearSchedule   *Schedule
	yearLocalities Localities
	yearError      error
)

// A listed price is one line of CMS's own price list: year, contractor,
// locality, code, modifier, non-facility and facility amount, a filler, PC/TC,
// status, multiple procedure, two therapy amounts, OPPS indicator and amounts.
type listed struct {
	row      *Row
	locality *Locality
	amounts  Amounts
}

func california(t *testing.T) (all []listed) {
	s, localities := year2025(t)
	lines, err := csv.NewReader(corpus(t, "PFREV4-california.txt")).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range lines {
		code, modifier := l[3], strings.TrimSpace(l[4])
		p := listed{row: s.Row(code, modifier), locality: localities[LocalityID{l[1], l[2]}]}
		if p.row == nil || p.locality == nil {
			t.Fatalf("line %d: %s-%s in %s-%s is in none of the files", i+1, code, modifier, l[1], l[2])
		}
		if got := [3]string{p.row.PCTC.String(), string(p.row.Status), p.row.MultipleProcedure.String()}; got != [3]string{l[8], l[9], l[10]} {
			t.Errorf("line %d: %s: indicators: got %v, want %v", i+1, p.row.Name(), got, l[8:11])
		}
		p.amounts.NonFacility, err = claims.ParseCents(l[5])
		if err != nil {
			t.Fatal(err)
		}
		if p.amounts.Facility, err = claims.ParseCents(l[6]); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// Every amount of CMS's list for California comes out to the cent.
func TestCalifornia(t *testing.T) {
	list := california(t)
	for _, p := range list {
		if got := p.row.Price(p.locality.Weights).Schedule; got != p.amounts {
			t.Errorf("%s in %s: got %v, want %v", p.row.Name(), p.locality.ID, got, p.amounts)
		}
	}
	if got, want := len(list), 406; got != want {
		t.Errorf("got %d rows, want %d", got, want)
	}
}

// Other orders of rounding that people have come up with contradict CMS's list;
// so the one in cents is no accident. Half to even alone cannot be told apart
// here, since no amount of the list is a tie.
func TestEveryOtherRoundingFails(t *testing.T) {
	list := california(t)
	for _, test := range []struct {
		name  string
		price func(p *listed, pe RVU) *big.Rat
		want  int // amounts that come out wrong, of 812
	}{
		{"exact", func(p *listed, pe RVU) *big.Rat { return rounded(dollars(p, sum(terms(p, pe))), 2) }, 0},
		{"sum to 2 places", func(p *listed, pe RVU) *big.Rat {
			return rounded(dollars(p, rounded(sum(terms(p, pe)), 2)), 2)
		}, 752},
		{"sum to 4 places", func(p *listed, pe RVU) *big.Rat {
			return rounded(dollars(p, rounded(sum(terms(p, pe)), 4)), 2)
		}, 76},
		{"each term to 3 places", func(p *listed, pe RVU) *big.Rat {
			all := terms(p, pe)
			for i := range all {
				all[i] = rounded(all[i], 3)
			}
			return rounded(dollars(p, sum(all)), 2)
		}, 664},
		{"each term to cents", func(p *listed, pe RVU) *big.Rat {
			all := terms(p, pe)
			for i := range all {
				all[i] = rounded(dollars(p, all[i]), 2)
			}
			return sum(all)
		}, 260},
		{"cut off", func(p *listed, pe RVU) *big.Rat {
			return rounded(new(big.Rat).Sub(dollars(p, sum(terms(p, pe))), big.NewRat(1, 200)), 2)
		}, 388},
	} {
		wrong := 0
		for i := range list {
			p := &list[i]
			if test.price(p, p.row.NonFacilityPE).Cmp(big.NewRat(int64(p.amounts.NonFacility), 100)) != 0 {
				wrong++
			}
			if test.price(p, p.row.FacilityPE).Cmp(big.NewRat(int64(p.amounts.Facility), 100)) != 0 {
				wrong++
			}
		}
		if wrong != test.want {
			t.Errorf("%s: got %d amounts wrong, want %d", test.name, wrong, test.want)
		}
	}
}

// terms are the three products, each weighed.
func terms(p *listed, pe RVU) []*big.Rat {
	w := p.locality.Weights
	product := func(r RVU, g GPCI) *big.Rat { return big.NewRat(int64(r)*int64(g), 100*1000) }
	return []*big.Rat{product(p.row.Work, w.Work), product(pe, w.PE), product(p.row.Malpractice, w.Malpractice)}
}

func sum(all []*big.Rat) *big.Rat {
	total := new(big.Rat)
	for _, r := range all {
		total.Add(total, r)
	}
	return total
}

func dollars(p *listed, units *big.Rat) *big.Rat {
	return new(big.Rat).Mul(units, big.NewRat(int64(p.row.Factor), 10000))
}

// rounded is half up, for what is not negative.
func rounded(r *big.Rat, places int) *big.Rat {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(places)), nil)
	x := new(big.Rat).Add(new(big.Rat).Mul(r, new(big.Rat).SetInt(scale)), big.NewRat(1, 2))
	return new(big.Rat).SetFrac(new(big.Int).Div(x.Num(), x.Denom()), scale)
}

// The whole of the year's files is read, and every price is what exact fractions
// give.
func TestYear(t *testing.T) {
	s, localities := year2025(t)
	if len(s.rows) != 19090 || len(localities) != 109 {
		t.Errorf("got %d rows and %d localities, want 19090 and 109", len(s.rows), len(localities))
	}
	capped := 0
	for _, r := range s.rows {
		for _, l := range localities {
			if l.ID.Contractor != "01112" {
				continue
			}
			p := listed{row: r, locality: l}
			got := r.Price(l.Weights)
			for _, check := range []struct {
				got claims.Cents
				pe  RVU
			}{{got.Schedule.NonFacility, r.NonFacilityPE}, {got.Schedule.Facility, r.FacilityPE}} {
				if l.ID.String() != "01112-05" {
					continue // exact fractions take their time
				}
				if want := rounded(dollars(&p, sum(terms(&p, check.pe))), 2); big.NewRat(int64(check.got), 100).Cmp(want) != 0 {
					t.Fatalf("%s in %s: got %s, want %s", r.Name(), l.ID, check.got, want.FloatString(2))
				}
			}
			if got.Payable() != got.Schedule && r.Priced() {
				capped++
			}
		}
	}
	if capped == 0 {
		t.Error("the outpatient cap binds nowhere")
	}
}

// An edition made of the year prices California as CMS's list does.
func TestEditionOfCalifornia(t *testing.T) {
	list := california(t)
	s, localities := year2025(t)
	editions := map[LocalityID]*claims.Fees{}
	for _, p := range list {
		if n := p.locality.ID.Number; n != "05" && n != "18" {
			continue // each edition takes its time
		}
		if editions[p.locality.ID] == nil {
			var b bytes.Buffer
			if err := WriteFees(&b, s.FeeList(localities[p.locality.ID].Weights, 100_00)); err != nil {
				t.Fatal(err)
			}
			f, err := claims.ParseFees(b.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			editions[p.locality.ID] = f
		}
		var modifiers []string
		if p.row.Modifier != "" {
			modifiers = []string{p.row.Modifier}
		}
		office, hospital := editions[p.locality.ID].Price(p.row.Code, modifiers, "11"), editions[p.locality.ID].Price(p.row.Code, modifiers, "21")
		if office == nil || hospital == nil || (Amounts{*office, *hospital}) != p.amounts {
			t.Errorf("%s in %s: got %v and %v, want %v", p.row.Name(), p.locality.ID, office, hospital, p.amounts)
		}
	}
}
