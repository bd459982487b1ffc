package demo_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/dossier"
)

// A second835 is what the tests' own reader makes of an 835. It shares no code
// with the writer, so that a mistake in one is not the other's too.
type second835 struct {
	total                int64 // BPR02, cents
	paid, patient, claim map[string]int64
	status               map[string]string
}

// balance reads an 835 of one transaction set and adds it up (005010X221A1,
// 1.10.2.1): line, claim, transaction.
func balance(t *testing.T, path string) *second835 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < 106 || string(b[:3]) != "ISA" {
		t.Fatalf("%s does not start with an ISA of 106 characters", path)
	}
	r := &second835{paid: map[string]int64{}, patient: map[string]int64{}, claim: map[string]int64{}, status: map[string]string{}}
	if err := r.add(string(b), string(b[3]), string(b[105])); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return r
}

func (r *second835) add(file, element, segment string) error {
	var claim, owed, adjusted, lineOpen, lineCharges, linePaid, plb int64 // all but the first: what is still to be explained
	var current string
	var count, sets, lines int
	endLine := func() error {
		if lineOpen != 0 {
			return fmt.Errorf("claim %s: a line is off by %d cents", current, lineOpen)
		}
		return nil
	}
	endClaim := func() error {
		if current == "" {
			return nil
		}
		if err := endLine(); err != nil {
			return err
		}
		if lines == 0 { // an institutional claim told as a whole
			lineCharges, linePaid = claim, r.paid[current]
		}
		if lineCharges != claim || linePaid != r.paid[current] || claim-adjusted != r.paid[current] || owed != r.patient[current] {
			return fmt.Errorf("claim %s: charge %d, lines %d; paid %d, lines %d; adjusted %d; patient %d, PR %d",
				current, claim, lineCharges, r.paid[current], linePaid, adjusted, r.patient[current], owed)
		}
		current, owed, adjusted, lineCharges, linePaid, lines = "", 0, 0, 0, 0, 0
		return nil
	}
	for raw := range strings.SplitSeq(strings.TrimRight(file, "\r\n"), segment) {
		e := strings.Split(strings.Trim(raw, "\r\n"), element)
		if e[0] == "ST" {
			count = 0
			sets++
		}
		count++
		var err error
		switch e[0] {
		case "BPR":
			r.total, err = cents(e[2])
		case "CLP":
			if err = endClaim(); err == nil {
				current, r.status[e[1]] = e[1], e[2]
				claim, err = cents(e[3])
				r.claim[current] = claim
				r.paid[current], _ = cents(e[4])
				r.patient[current], _ = cents(append(e, "0", "0")[5])
			}
		case "SVC":
			if err = endLine(); err == nil {
				var charge, paid int64
				lines++
				charge, err = cents(e[2])
				paid, _ = cents(e[3])
				lineOpen, lineCharges, linePaid = charge-paid, lineCharges+charge, linePaid+paid
			}
		case "CAS":
			for i := 3; i < len(e) && err == nil; i += 3 { // reason, amount, quantity
				var amount int64
				amount, err = cents(e[i])
				if adjusted += amount; lines > 0 {
					lineOpen -= amount
				}
				if e[1] == "PR" {
					owed += amount
				}
			}
		case "PLB":
			for i := 4; i < len(e) && err == nil; i += 2 {
				var amount int64
				amount, err = cents(e[i])
				plb += amount
			}
		case "SE":
			if err = endClaim(); err == nil && e[1] != strconv.Itoa(count) {
				err = fmt.Errorf("SE counts %s segments, there are %d", e[1], count)
			}
		}
		if err != nil {
			return err
		}
	}
	var sum int64
	for _, paid := range r.paid {
		sum += paid
	}
	if sets != 1 || sum-plb != r.total {
		return fmt.Errorf("%d transaction sets; the claims come to %d, less %d; the payment is %d", sets, sum, plb, r.total)
	}
	return nil
}

func cents(s string) (int64, error) {
	whole, part, _ := strings.Cut(s, ".")
	if len(part) > 2 {
		return 0, fmt.Errorf("%q has more than two decimals", s)
	}
	return strconv.ParseInt(whole+(part + "00")[:2], 10, 64)
}

// TestRemittance: the 835 pays what was decided, tells what was denied, and
// adds up.
func TestRemittance(t *testing.T) {
	got := balance(t, filepath.Join(builtIn(t).out, dossier.RemittanceFile))
	if got.total != 65_00+136_00+84_00+78_09 {
		t.Errorf("the 835 pays %d cents", got.total)
	}
	told := 0
	for name, a := range story {
		number, decision, _ := strings.Cut(name, "/")
		if decision != "1" {
			continue // decided anew after the run
		}
		switch a.outcome {
		case "paid":
			told++
		case "denied":
			if told++; got.status[number] != "4" || got.paid[number] != 0 || got.claim[number] != int64(a.charge) {
				t.Errorf("%s: the 835 says charge %d, paid %d, status %q; want it denied", number, got.claim[number], got.paid[number], got.status[number])
			}
			continue
		default:
			if _, ok := got.status[number]; ok {
				t.Errorf("%s is in the 835 without a final decision", number)
			}
			continue
		}
		if got.claim[number] != int64(a.charge) || got.paid[number] != int64(a.paid) || got.patient[number] != int64(a.patient) || got.status[number] != "1" {
			t.Errorf("%s: the 835 says charge %d, paid %d, patient %d, status %q; want %d, %d, %d, \"1\"", number,
				got.claim[number], got.paid[number], got.patient[number], got.status[number], a.charge, a.paid, a.patient)
		}
	}
	if len(got.paid) != told {
		t.Errorf("%d claims in the 835, want %d", len(got.paid), told)
	}
}

// TestSecondReader: the tests' own reader does find what does not add up.
func TestSecondReader(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(builtIn(t).out, dossier.RemittanceFile))
	if err != nil {
		t.Fatal(err)
	}
	file := string(b)
	for _, change := range []struct{ from, to string }{
		{"363.09", "363.08"}, {"CAS*PR*3*25.00", "CAS*PR*3*26.00"}, {"CAS*PR*3*25.00", "CAS*OA*3*25.00"}, {"*900.00*136.00*", "*900.00*137.00*"},
	} {
		lie := strings.Replace(file, change.from, change.to, 1)
		r := &second835{paid: map[string]int64{}, patient: map[string]int64{}, claim: map[string]int64{}, status: map[string]string{}}
		if lie == file {
			t.Errorf("%q is not in the 835:\n%s", change.from, file)
		} else if r.add(lie, "*", "~") == nil {
			t.Errorf("%q for %q goes unseen", change.to, change.from)
		}
	}
}
