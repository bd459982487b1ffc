package dossier

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
)

// FuzzVerify puts anything in the place of one file. It never passes, and no
// check breaks down on it.
func FuzzVerify(f *testing.F) {
	sound := build(f, nil).files
	delete(sound, SummaryFile)
	names := slices.Sorted(maps.Keys(sound))
	for i, name := range names {
		f.Add(uint8(i), sound[name])
	}
	v := verify(maps.Clone(sound), nil, nil)
	f.Fuzz(func(t *testing.T, i uint8, content []byte) {
		name := names[int(i)%len(names)]
		passes := v.own(name, content)
		if passes != bytes.Equal(content, sound[name]) || strings.Contains(failures(v.report), "broke down") {
			t.Errorf("%s: passes: %v%s", name, passes, failures(v.report))
		}
		v.own(name, sound[name]) // for the next one
	})
}
