package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
)

// chosen is the variable by which a test binary is told which check is out.
const chosen = "COUNTERSIGN_MUTANT"

// A workshop builds mutants and runs their tests. All checks of a package are
// built into one test binary, where the environment says which one is out; what
// is weakened in another way has a binary of its own.
type workshop struct {
	dir string
	all []mutant

	mu    sync.Mutex
	built map[string]func() (string, error) // test binary, by package or name
}

// caught says whether a test fails on the mutant.
func (w *workshop) caught(m mutant) (bool, error) {
	for _, tester := range m.testers() {
		if failed, err := w.fails(m, tester); failed || err != nil {
			return failed, err
		}
	}
	return false, nil
}

// fails says whether a test of a package fails on the mutant.
func (w *workshop) fails(m mutant, tester string) (bool, error) {
	name := filepath.Dir(m.file)
	if m.weak {
		name = m.name
	}
	name += " tested by " + tester
	w.mu.Lock()
	if w.built[name] == nil {
		w.built[name] = sync.OnceValues(func() (string, error) { return w.build(tester, m) })
	}
	binary := w.built[name]
	w.mu.Unlock()
	path, err := binary()
	if err != nil {
		return false, err
	}
	// What is checked is checked over either database: one is enough, and the quicker one.
	test := exec.Command(path, "-test.failfast", "-test.timeout=5m", "-test.skip=/postgres|//postgres", "-test.run="+testsOf[m.file])
	test.Dir = tester
	test.Env = append(os.Environ(), chosen+"="+strconv.Itoa(m.number))
	out, err := test.CombinedOutput()
	var failed *exec.ExitError
	if err != nil && (!errors.As(err, &failed) || len(out) == 0) {
		return false, fmt.Errorf("run its tests: %w", err)
	}
	if m.weak {
		os.Remove(path)
	}
	return err != nil, nil
}

// build makes a package's test binary with one weakened line, or with every check
// of the mutant's package waiting to be taken out.
func (w *workshop) build(tester string, m mutant) (binary string, err error) {
	dir, err := os.MkdirTemp(w.dir, "build")
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	put := func(file, text string) error {
		original, err := filepath.Abs(file)
		if err != nil {
			return err
		}
		replace[original] = filepath.Join(dir, strconv.Itoa(len(replace))+".go")
		return os.WriteFile(replace[original], []byte(text), 0o644)
	}
	if m.weak {
		err = put(m.file, m.text)
	} else {
		err = w.putAll(filepath.Dir(m.file), put)
	}
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay, binary := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "tests")
	if err := os.WriteFile(overlay, b, 0o644); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, "./"+tester).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("it does not build:\n%s", out)
	}
	return binary, nil
}

func (w *workshop) putAll(folder string, put func(file, text string) error) error {
	byFile := map[string][]mutant{}
	for _, m := range w.all {
		if !m.weak && filepath.Dir(m.file) == folder {
			byFile[m.file] = append(byFile[m.file], m)
		}
	}
	for file, all := range byFile {
		slices.SortFunc(all, func(a, b mutant) int { return b.from - a.from }) // from the end, so that places stay
		text := all[0].text
		for _, m := range all {
			// Its operands stay in use, so that it builds.
			text = text[:m.from] + fmt.Sprintf("((%s) && takenOut != %q)", text[m.from:m.to], strconv.Itoa(m.number)) + text[m.to:]
		}
		if err := put(file, text); err != nil {
			return err
		}
	}
	return put(filepath.Join(folder, "taken_out.go"),
		"package "+filepath.Base(folder)+"\n\nimport \"os\"\n\nvar takenOut = os.Getenv(\""+chosen+"\")\n")
}
