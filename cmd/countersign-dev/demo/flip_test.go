package demo_test

import (
	"bytes"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
)

// A flipper flips bytes of a dossier. To verify all of it for each flip would
// take a quarter of an hour, so it first verifies a part of it: the file, what
// bears the same handle, what the ledger says of it. A flip is caught there if
// the file, or its receipt, fails by something that it did not fail by before.
// What is not caught there is verified with all the rest.
type flipper struct {
	sound        dossier.Files
	participants []string                        // entries, and their receipts
	entryOf      map[credentials.Digest][]string // entry and receipt, by the document's digest
	flips, whole atomic.Int64
}

func newFlipper(t *testing.T, dir string) *flipper {
	t.Helper()
	files, err := dossier.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := &flipper{sound: files, entryOf: map[credentials.Digest][]string{}}
	for name, content := range files {
		if path.Dir(name) != dossier.Entries || name == dossier.GenesisFile {
			continue
		}
		e, err := ledger.ParseEntry(content)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		both := []string{name, path.Join(dossier.Receipts, stem(name)+".tlog-proof")}
		f.entryOf[e.Document] = both
		if e.Kind == ledger.KindParticipant {
			f.participants = append(f.participants, both...)
		}
	}
	if r := dossier.Verify(files, nil, nil); !r.OK() {
		t.Fatalf("the dossier fails as it is: %+v", r.Failures)
	}
	return f
}

func stem(name string) string { return strings.TrimSuffix(path.Base(name), path.Ext(name)) }

// part is the part of the dossier in which a file is looked at first.
func (f *flipper) part(name string) dossier.Files {
	p := dossier.Files{}
	take := func(names ...string) {
		for _, n := range names {
			if content, ok := f.sound[n]; ok {
				p[n] = content
			}
		}
	}
	take(name, dossier.TrustFile, dossier.GenesisFile)
	take(f.entryOf[credentials.DigestOf(f.sound[name])]...)
	if path.Dir(name) == dossier.Determinations { // by somebody who is no founder
		take(f.participants...)
	}
	for other := range f.sound {
		if stem(other) == stem(name) && path.Dir(other) != "." {
			take(other)
		}
	}
	if name == dossier.ClaimsFile { // one submission of its claims will do
		for _, other := range slices.Sorted(maps.Keys(f.sound)) {
			if path.Dir(other) == dossier.Submissions && len(failures(dossier.Verify(p, nil, nil), name)) > 0 {
				take(other)
			}
		}
	}
	return p
}

// failures of a file, or of the receipt that proves it.
func failures(r *dossier.Report, name string) map[dossier.Check]bool {
	receipt := path.Join(dossier.Receipts, stem(name)+".tlog-proof")
	all := map[dossier.Check]bool{}
	for _, c := range r.Failures {
		if c.File == name || c.File == receipt {
			all[c] = true
		}
	}
	return all
}

// caught says whether one changed byte of a file is found.
func (f *flipper) caught(part dossier.Files, before map[dossier.Check]bool, name string, at int, mask byte, whole bool) bool {
	f.flips.Add(1)
	content := bytes.Clone(f.sound[name])
	content[at] ^= mask
	if !whole {
		part[name] = content
		after := failures(dossier.Verify(part, nil, nil), name)
		part[name] = f.sound[name]
		for c := range after {
			if !before[c] {
				return true
			}
		}
	}
	f.whole.Add(1)
	all := maps.Clone(f.sound)
	all[name] = content
	return !dossier.Verify(all, nil, nil).OK()
}

func (f *flipper) flip(t *testing.T, name string, every bool) {
	part := f.part(name)
	before := failures(dossier.Verify(part, nil, nil), name)
	size := len(f.sound[name])
	step := 1
	if !every {
		step = max(1, size/64)
	}
	for i := 0; i < size; i += step {
		// Of each file, one flip is verified with the whole dossier.
		if !f.caught(part, before, name, i, 0x01, i == size/2/step*step) {
			t.Errorf("%s: the lowest bit of byte %d goes unseen", name, i)
		}
		if i%8 == 0 && !f.caught(part, before, name, i, 0x80, false) {
			t.Errorf("%s: the highest bit of byte %d goes unseen", name, i)
		}
	}
}

// TestFlip flips every byte of the smallest file of each kind, and 64 of every
// other file of the dossier.
func TestFlip(t *testing.T) {
	f := newFlipper(t, builtIn(t).out)
	smallest := map[string]string{}
	for name, content := range f.sound {
		kind := path.Dir(name) + path.Ext(name)
		if path.Dir(name) == "." || name == dossier.GenesisFile {
			kind = name
		}
		if have, ok := smallest[kind]; !ok || len(content) < len(f.sound[have]) {
			smallest[kind] = name
		}
	}
	// trust.json, claims.837, remittance.835, leaf 0, summary.json, editions of two kinds, and ten folders.
	if kinds := slices.Sorted(maps.Keys(smallest)); len(kinds) != 17 {
		t.Errorf("%d kinds of files: %v", len(kinds), kinds)
	}
	delete(smallest, dossier.SummaryFile)
	work := make(chan string, len(f.sound))
	for _, name := range slices.Sorted(maps.Keys(f.sound)) {
		if name != dossier.SummaryFile {
			work <- name
		}
	}
	close(work)
	kind := func(name string) bool { return slices.Contains(slices.Collect(maps.Values(smallest)), name) }
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for name := range work {
				f.flip(t, name, kind(name))
			}
		})
	}
	wait.Wait()
	t.Logf("%d flips of %d files, all but %d caught by what lies around the file alone", f.flips.Load(), len(f.sound)-1, f.whole.Load())
}

// TestUnsigned: summary.json is the one file that anybody may change, and the
// report says so.
func TestUnsigned(t *testing.T) {
	f := newFlipper(t, builtIn(t).out)
	files := maps.Clone(f.sound)
	files[dossier.SummaryFile] = bytes.Replace(files[dossier.SummaryFile], []byte("9"), []byte("8"), 1)
	r := dossier.Verify(files, nil, nil)
	if !r.OK() || len(r.Unsigned) != 1 || r.Unsigned[0] != dossier.SummaryFile {
		t.Errorf("with another summary.json: unsigned %v, failures %v", r.Unsigned, r.Failures)
	}
	// Nor may anybody put a file beside the others, or take one away.
	files["notes.txt"] = []byte("paid in full\n")
	if dossier.Verify(files, nil, nil).OK() {
		t.Error("a foreign file goes unseen")
	}
	delete(files, "notes.txt")
	for name := range files {
		if path.Dir(name) == dossier.Receipts || path.Dir(name) == dossier.Evidence {
			without := maps.Clone(files)
			delete(without, name)
			if dossier.Verify(without, nil, nil).OK() {
				t.Errorf("the dossier verifies without %s", name)
			}
		}
	}
}
