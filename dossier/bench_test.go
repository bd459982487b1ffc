package dossier

import "testing"

func BenchmarkVerify(b *testing.B) {
	w := build(b, nil)
	for b.Loop() {
		if r := Verify(w.files, nil, nil); !r.OK() {
			b.Fatal(failures(r))
		}
	}
}
