package dossier

import (
	"bytes"
	"maps"
	"path"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// own runs the checks that Verify makes of one file by itself, with all other
// files proved before. Where it answers no, Verify does.
func (v *verifier) own(name string, content []byte) bool {
	v.failed, v.report = map[string]*finding{}, &Report{}
	v.files[name] = content
	clear(v.used)
	clear(v.paid)
	clear(v.takenBack)
	switch {
	case name == TrustFile, name == GenesisFile:
		fresh := newVerifier(v.files)
		return fresh.begin(nil) == nil
	case in(name, Receipts):
		v.prove(name)
	case in(name, Entries):
		h, _ := handleOf(name)
		v.prove(fileOf(Receipts, h))
	default:
		for _, s := range steps {
			if s.folder == "" && s.ext == name || path.Dir(name) == s.folder && path.Ext(name) == s.ext {
				v.try(name, s.check)
			}
		}
	}
	return len(v.report.Failures) == 0
}

// flips are the bytes of a file that are to be flipped: all, or 64 spread.
func flips(size int, all bool) (at []int) {
	for i := range size {
		if all || size <= 64 || i*64/size != (i-1)*64/size || i == 0 {
			at = append(at, i)
		}
	}
	return at
}

// kindOf is what a file is one of many of.
func kindOf(name string) string {
	if path.Dir(name) == "." || name == GenesisFile {
		return name
	}
	return path.Dir(name) + path.Ext(name)
}

// TestFlip flips every byte of the smallest file of each kind and 64 bytes of
// every other, the lowest bit and the highest. Each flip is caught by the
// file's own check; one of each kind is verified with the whole dossier, to
// show that what the own check catches, Verify does.
func TestFlip(t *testing.T) {
	sound := build(t, nil).files
	delete(sound, SummaryFile)
	smallest := map[string]string{}
	for name := range sound {
		if s, ok := smallest[kindOf(name)]; !ok || len(sound[name]) < len(sound[s]) || len(sound[name]) == len(sound[s]) && name < s {
			smallest[kindOf(name)] = name
		}
	}
	if len(smallest) != 16 {
		t.Errorf("%d kinds of files: %v", len(smallest), smallest)
	}
	names := slices.Sorted(maps.Keys(sound))
	work := make(chan string, len(names))
	for _, name := range names {
		work <- name
	}
	close(work)
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			v := verify(maps.Clone(sound), nil, nil)
			for name := range work {
				v.flip(t, sound, name, smallest[kindOf(name)] == name)
			}
		}()
	}
	wait.Wait()
}

func (v *verifier) flip(t *testing.T, sound Files, name string, all bool) {
	defer func() { v.own(name, sound[name]) }() // for the next one
	if content := sound[name]; !v.own(name, content) {
		t.Errorf("%s: its own check fails as it is: %s", name, failures(v.report))
		return
	}
	at := flips(len(sound[name]), all)
	for n, i := range at {
		for _, mask := range []byte{0x01, 0x80} {
			content := bytes.Clone(sound[name])
			content[i] ^= mask
			if v.own(name, content) {
				t.Errorf("%s: byte %d flipped by %#x goes unseen", name, i, mask)
			}
			if all && mask == 0x01 && n == len(at)/2 {
				f := maps.Clone(sound)
				f[name] = content
				if r := Verify(f, nil, nil); r.OK() || r.Failures[0].File != name && !in(name, Entries) && name != TrustFile {
					t.Errorf("%s: byte %d flipped: Verify says%s", name, i, failures(r))
				}
			}
		}
	}
}
