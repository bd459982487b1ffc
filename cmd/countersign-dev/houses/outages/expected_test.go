package outages

import (
	"testing"

	"github.com/countersign-health/countersign/cmd/countersign-dev/houses"
)

// An answer is what a claim has to come to.
type answer struct {
	Outcome                string
	Allowed, Paid, Patient int64 // cents
}

// orderDay is the day of October from which the order upon Ruskin binds.
const orderDay = 15

// covered says whether the order, once known, takes the payment away.
func covered(b houses.Bill) bool { return b.Kind == houses.Ruskin && b.Day >= orderDay }

// expected works out by examples/plan.yaml and examples/fees.csv, and not by
// package claims, what each claim comes to where no order is known: office
// visits cost 25.00, laboratory 10%, and the rest 20% after a deductible of
// 250.00 a person and 500.00 a family, in the order of bills.
func expected(bills []houses.Bill) map[string]answer {
	const visit, lab, xray, wound = 90_00, 14_55, 145_00, 210_00 // fees
	spent := map[string]int64{}                                  // of the deductible, by person and family
	underDeductible := func(b houses.Bill, fees ...int64) answer {
		a := answer{Outcome: "paid"}
		for _, fee := range fees {
			deductible := min(fee, 250_00-spent["person "+b.Person], 500_00-spent["family "+b.Family])
			spent["person "+b.Person] += deductible
			spent["family "+b.Family] += deductible
			patient := deductible + ((fee-deductible)*20+50)/100
			a.Allowed, a.Patient, a.Paid = a.Allowed+fee, a.Patient+patient, a.Paid+fee-patient
		}
		return a
	}
	all := map[string]answer{}
	for _, b := range bills {
		switch b.Kind {
		case houses.Visit, houses.Ruskin:
			all[b.Number] = answer{"paid", visit, visit - 25_00, 25_00}
		case houses.Laboratory:
			all[b.Number] = answer{"paid", visit + lab, visit - 25_00 + lab - 1_46, 25_00 + 1_46}
		case houses.Xray:
			all[b.Number] = underDeductible(b, xray)
		case houses.Wound:
			all[b.Number] = underDeductible(b, wound, xray)
		default:
			all[b.Number] = answer{Outcome: "denied"}
		}
	}
	return all
}

// TestExpected, by hand: a family of three X-rays, of which one person has two.
func TestExpected(t *testing.T) {
	got := expected([]houses.Bill{
		{Number: "1", Family: "F", Person: "F", Kind: houses.Xray},    // 145.00 of deductible
		{Number: "2", Family: "F", Person: "F-2", Kind: houses.Wound}, // 210.00; then 40.00 and 20% of 105.00
		{Number: "3", Family: "F", Person: "F", Kind: houses.Xray},    // 105.00 are left, and 20% of 40.00
		{Number: "4", Family: "F", Person: "F", Kind: houses.Xray},    // 20% of 145.00
	})
	for number, want := range map[string]answer{
		"1": {"paid", 145_00, 0, 145_00}, "2": {"paid", 355_00, 84_00, 271_00},
		"3": {"paid", 145_00, 32_00, 113_00}, "4": {"paid", 145_00, 116_00, 29_00},
	} {
		if got[number] != want {
			t.Errorf("%s: got %+v, want %+v", number, got[number], want)
		}
	}
}
