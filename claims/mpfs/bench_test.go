package mpfs

import (
	"bytes"
	"io"
	"testing"
)

func BenchmarkPrice(b *testing.B) {
	r := Row{Work: 1_18, NonFacilityPE: 2_18, FacilityPE: 2_18, Malpractice: 4, Factor: 32_3465}
	for b.Loop() {
		r.Price(Weights{1088, 1419, 445})
	}
}

// The same by exact fractions, which is what the integers stand in for.
func BenchmarkPriceByFractions(b *testing.B) {
	p := listed{row: &Row{Work: 1_18, NonFacilityPE: 2_18, FacilityPE: 2_18, Malpractice: 4, Factor: 32_3465}, locality: &Locality{Weights: Weights{1088, 1419, 445}}}
	for b.Loop() {
		rounded(dollars(&p, sum(terms(&p, p.row.NonFacilityPE))), 2)
		rounded(dollars(&p, sum(terms(&p, p.row.FacilityPE))), 2)
	}
}

func BenchmarkReadRVU(b *testing.B) {
	file, err := io.ReadAll(corpus(b, "PPRRVU2025_Oct.nodesc.csv"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		for _, err := range ReadRVU("rvu.csv", bytes.NewReader(file)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
