package x12

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkReadClaims reads one set of 5,000 times two claims.
func BenchmarkReadClaims(b *testing.B) {
	body, _, _ := strings.Cut(claimSegments, "HL*1**20*1")
	levels := claimSegments[len(body):]
	text := fileOf(setOf("1", body+strings.Repeat(levels, 5000)))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		f, err := ReadClaims(strings.NewReader(text), func(Submitted) error { return nil })
		if err != nil || f.Claims != 10000 {
			b.Fatal(fmt.Sprint(err, f.Refusals))
		}
	}
}
