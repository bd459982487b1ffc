package dossier

import (
	"testing"
)

func failures(r *Report) string {
	s := ""
	for _, c := range r.Failures {
		s += "\n  " + c.File + ": " + c.Name + ": " + c.Detail
	}
	return s
}

func TestVerify(t *testing.T) {
	w := build(t, nil)
	r := Verify(w.files, nil, nil)
	if !r.OK() {
		t.Fatal("a sound dossier fails:", failures(r))
	}
	t.Logf("%+v", *r)
}
