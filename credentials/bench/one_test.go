//go:build bench

package bench

import "testing"

// BenchmarkOne is one operation at a time, for a profile.
func BenchmarkOne(b *testing.B) {
	for _, o := range append(append(tokens(b), readable(b)...), presented(b)...) {
		b.Run(o.name+"-bare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				o.bare()
			}
		})
		b.Run(o.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := o.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
