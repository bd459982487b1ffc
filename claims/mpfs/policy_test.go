package mpfs

import (
	"slices"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// in2025 is the policy that the tables of these tests are worked by.
func in2025(t testing.TB) Policy {
	p, err := PolicyOn("2025-10-01")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPolicyOn(t *testing.T) {
	want := Policy{
		Surgery:          [5]claims.Rate{100_00, 50_00, 50_00, 50_00, 50_00},
		ImagingTechnical: 50_00, ImagingProfessional: 95_00, Cardiovascular: 75_00, Ophthalmology: 80_00, Therapy: 50_00,
		Bilateral: 150_00, Assistant: 16_00, AssistantNotPhysician: 13_60, CoSurgeon: 62_50,
	}
	for _, day := range []credentials.Date{"2017-01-01", "2025-10-01"} {
		if got, err := PolicyOn(day); err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", day, got, err, want)
		}
	}
	want.ImagingProfessional = 75_00
	for _, day := range []credentials.Date{"2013-04-01", "2016-12-31"} {
		if got, err := PolicyOn(day); err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", day, got, err, want)
		}
	}
	if got, err := PolicyOn("2013-03-31"); err == nil {
		t.Errorf("a day before the table begins: got %+v, want an error", got)
	}
}

// Each row is worked by hand: what is paid of each amount, and -1 for a person.
func TestSurgeries(t *testing.T) {
	op := func(code string, amount claims.Cents) Procedure { return Procedure{Code: code, Amount: amount} }
	scope := func(code string, amount claims.Cents) Procedure {
		return Procedure{Code: code, EndoscopicBase: "29805", Amount: amount, Base: 200_00}
	}
	for _, test := range []struct {
		name string
		all  []Procedure
		want []claims.Cents
	}{
		{"none", nil, nil},
		{"one", []Procedure{op("A", 600_00)}, []claims.Cents{600_00}},
		// A contractor's published example: 1,043.48 whole, half of 922.90 and of 1,010.60.
		{"three", []Procedure{op("35301", 1043_48), op("35201", 922_90), op("35261", 1010_60)}, []claims.Cents{1043_48, 461_45, 505_30}},
		{"five", []Procedure{op("A", 100_00), op("B", 200_00), op("C", 300_00), op("D", 400_00), op("E", 500_00)},
			[]claims.Cents{50_00, 100_00, 150_00, 200_00, 500_00}},
		{"six", []Procedure{op("A", 100_00), op("B", 200_00), op("C", 300_00), op("D", 400_00), op("E", 500_00), op("F", 600_00)},
			[]claims.Cents{-1, 100_00, 150_00, 200_00, 250_00, 600_00}},
		// Half of 0.05 is 0.025, which rounds up.
		{"half a cent", []Procedure{op("A", 1_00), op("B", 5)}, []claims.Cents{1_00, 3}},
		{"equal amounts", []Procedure{op("A", 100_00), op("B", 100_00)}, []claims.Cents{100_00, 50_00}},
		{"two units of one code", []Procedure{op("A", 100_00), op("A", 100_00)}, []claims.Cents{100_00, 50_00}},
		// A published example: 310.02 + (275.12-200.00) + (270.13-200.00) = 455.27.
		{"a family", []Procedure{scope("29819", 275_12), scope("29807", 310_02), scope("29820", 270_13)}, []claims.Cents{75_12, 310_02, 70_13}},
		{"with its base code, which is in the others", []Procedure{op("29805", 200_00), scope("29807", 310_02)}, []claims.Cents{0, 310_02}},
		{"base code dearer than the other", []Procedure{op("29805", 200_00), scope("29808", 150_00)}, []claims.Cents{0, 150_00}},
		{"base code twice", []Procedure{op("29805", 200_00), op("29805", 200_00), scope("29807", 310_02)}, []claims.Cents{0, 0, 310_02}},
		{"base code alone", []Procedure{op("29805", 200_00), op("A", 300_00)}, []claims.Cents{100_00, 300_00}},
		{"one endoscopy is like any surgery", []Procedure{scope("29807", 310_02), op("A", 310_03)}, []claims.Cents{155_01, 310_03}},
		{"worth less than its base", []Procedure{scope("29807", 310_02), scope("29808", 150_00)}, []claims.Cents{310_02, 0}},
		// The family ranks by its sum 455.27: before 455.26, behind 455.28. Behind, each is halved: 155.01, 37.56, 35.065 -> 35.07.
		{"family first", []Procedure{scope("29807", 310_02), scope("29819", 275_12), scope("29820", 270_13), op("A", 455_26)},
			[]claims.Cents{310_02, 75_12, 70_13, 227_63}},
		{"family second", []Procedure{scope("29807", 310_02), scope("29819", 275_12), scope("29820", 270_13), op("A", 455_28)},
			[]claims.Cents{155_01, 37_56, 35_07, 455_28}},
		{"family and four more fill the five ranks", []Procedure{scope("29807", 310_02), scope("29819", 275_12), op("A", 50_00), op("B", 40_00), op("C", 30_00), op("D", 20_00)},
			[]claims.Cents{310_02, 75_12, 25_00, 20_00, 15_00, 10_00}},
		{"two families", []Procedure{scope("29807", 310_02), {Code: "43239", EndoscopicBase: "43235", Amount: 150_00, Base: 120_00}, scope("29819", 275_12), {Code: "43248", EndoscopicBase: "43235", Amount: 180_00, Base: 120_00}},
			[]claims.Cents{310_02, 15_00, 75_12, 90_00}},
	} {
		var got []claims.Cents
		for _, r := range Surgeries(in2025(t), test.all) {
			if r.Review {
				r.Amount = -1
			}
			got = append(got, r.Amount)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func TestTests(t *testing.T) {
	bound := func(c claims.Cents) *claims.Cents { return &c }
	for _, test := range []struct {
		name string
		all  []Test
		want []TestAmount
	}{
		{"none", nil, nil},
		{"one", []Test{{Whole: 300_00, Technical: 200_00, Professional: 100_00}}, []TestAmount{{300_00, 300_00}}},
		// 250.00 - 180.00/2 - 5% of 70.00 = 156.50.
		{"two", []Test{{Whole: 300_00, Technical: 200_00, Professional: 100_00}, {Whole: 250_00, Technical: 180_00, Professional: 70_00}},
			[]TestAmount{{300_00, 300_00}, {156_50, 156_50}}},
		// Parts rank apart: 300.00 - 5% of 80.00 = 296.00, and 250.00 - 100.00/2 = 200.00.
		{"each dearest in one part", []Test{{Whole: 300_00, Technical: 220_00, Professional: 80_00}, {Whole: 250_00, Technical: 100_00, Professional: 150_00}},
			[]TestAmount{{296_00, 296_00}, {200_00, 200_00}}},
		{"technical parts alone", []Test{{Whole: 10_01, Technical: 10_01}, {Whole: 20_00, Technical: 20_00}}, []TestAmount{{5_01, 5_01}, {20_00, 20_00}}},
		{"equal", []Test{{Whole: 10_00, Technical: 10_00}, {Whole: 10_00, Technical: 10_00}}, []TestAmount{{10_00, 10_00}, {5_00, 5_00}}},
		{"cap on one", []Test{{Whole: 300_00, Technical: 200_00, Professional: 100_00, Cap: bound(249_99), TechnicalCap: bound(150_00)}},
			[]TestAmount{{300_00, 249_99}}},
		{"cap that does not bind", []Test{{Whole: 300_00, Technical: 200_00, Professional: 100_00, Cap: bound(300_01), TechnicalCap: bound(200_01)}},
			[]TestAmount{{300_00, 300_00}}},
		// The second is reduced to 90.00 of 180.00; a cap of 120.00 leaves that, one of 80.00 takes 10.00 more.
		{"reduced below the cap", []Test{{Whole: 200_00, Technical: 200_00}, {Whole: 180_00, Technical: 180_00, Cap: bound(120_00), TechnicalCap: bound(120_00)}},
			[]TestAmount{{200_00, 200_00}, {90_00, 90_00}}},
		{"reduced above the cap", []Test{{Whole: 200_00, Technical: 200_00}, {Whole: 180_00, Technical: 180_00, Cap: bound(80_00), TechnicalCap: bound(80_00)}},
			[]TestAmount{{200_00, 200_00}, {90_00, 80_00}}},
	} {
		if got := Tests(50_00, 95_00, test.all); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

// At ten dollars a unit: a whole is (0.50+0.40+0.02)×10 = 9.20, with half of the
// practice expense (0.50+0.20+0.02)×10 = 7.20; b whole is (0.10+0.60)×10 = 7.00,
// halved 4.00. In a facility b has 0.30: (0.10+0.30)×10 = 4.00, halved 2.50.
func TestTherapies(t *testing.T) {
	one := Weights{1000, 1000, 1000}
	a := Row{Work: 50, NonFacilityPE: 40, FacilityPE: 40, Malpractice: 2, Factor: 10_0000}
	b := Row{Work: 10, NonFacilityPE: 60, FacilityPE: 30, Factor: 10_0000}
	at := func(r *Row) Therapy { return Therapy{r, claims.NonFacility} }
	in := func(r *Row) Therapy { return Therapy{r, claims.Facility} }
	for _, test := range []struct {
		name string
		all  []Therapy
		want []claims.Cents
	}{
		{"none", nil, nil},
		{"one", []Therapy{at(&a)}, []claims.Cents{9_20}},
		{"two units", []Therapy{at(&a), at(&a)}, []claims.Cents{9_20, 7_20}},
		{"most practice expense, not most money, is whole", []Therapy{at(&a), at(&b), at(&a)}, []claims.Cents{7_20, 7_00, 7_20}},
		{"in a facility", []Therapy{in(&a), in(&b)}, []claims.Cents{9_20, 2_50}},
	} {
		if got := Therapies(in2025(t), one, test.all); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func TestModifierRulings(t *testing.T) {
	p := in2025(t)
	for _, test := range []struct {
		name string
		got  Ruling
		want Ruling // without words
	}{
		{"both sides, cannot be", Bilateral(p, &Row{Bilateral: '0'}), pays(100_00, "")},
		{"both sides", Bilateral(p, &Row{Bilateral: '1'}), pays(150_00, "")},
		{"both sides are the code", Bilateral(p, &Row{Bilateral: '2'}), pays(100_00, "")},
		{"each side", Bilateral(p, &Row{Bilateral: '3'}), pays(200_00, "")},
		{"no sides", Bilateral(p, &Row{Bilateral: '9'}), refused("4", "")},
		{"assistant, documents", Assistant(p, &Row{Assistant: '0'}, "80"), review("")},
		{"assistant, by law never", Assistant(p, &Row{Assistant: '1'}, "80"), refused("54", "")},
		{"assistant", Assistant(p, &Row{Assistant: '2'}, "80"), pays(16_00, "")},
		{"least assistant", Assistant(p, &Row{Assistant: '2'}, "81"), pays(16_00, "")},
		{"assistant for a resident", Assistant(p, &Row{Assistant: '2'}, "82"), pays(16_00, "")},
		{"assistant, no physician", Assistant(p, &Row{Assistant: '2'}, "AS"), pays(13_60, "")},
		{"assistant, no surgery", Assistant(p, &Row{Assistant: '9'}, "AS"), refused("54", "")},
		{"not an assistant", Assistant(p, &Row{Assistant: '1'}, "RT"), pays(100_00, "")},
		{"co-surgeon, never", CoSurgeon(p, &Row{CoSurgeon: '0'}), refused("54", "")},
		{"co-surgeon, documents", CoSurgeon(p, &Row{CoSurgeon: '1'}), review("")},
		{"co-surgeon", CoSurgeon(p, &Row{CoSurgeon: '2'}), pays(62_50, "")},
		{"co-surgeon, no surgery", CoSurgeon(p, &Row{CoSurgeon: '9'}), refused("54", "")},
		{"team, never", Team(&Row{Team: '0'}), refused("54", "")},
		{"team, documents", Team(&Row{Team: '1'}), review("")},
		{"team", Team(&Row{Team: '2'}), review("")},
		{"team, no surgery", Team(&Row{Team: '9'}), refused("54", "")},
	} {
		if test.got.Words == "" {
			t.Errorf("%s: no words", test.name)
		}
		if test.got.Words = ""; test.got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, test.got, test.want)
		}
	}
}
