package claims

import (
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
)

func TestLetter(t *testing.T) {
	good := func() Letter {
		return Letter{Handle: credentials.Handle{1}, Subject: credentials.Handle{2}, Number: 1, Words: "the operative report", Due: "2026-07-01",
			Enclosures: []Enclosure{{"report.pdf", "application/pdf", []byte("%PDF")}}}
	}
	for says, edit := range map[string]func(*Letter){
		"":                      func(*Letter) {},
		"names no submission":   func(l *Letter) { l.Subject = credentials.Handle{} },
		"or no decision":        func(l *Letter) { l.Number = 0 },
		"says nothing":          func(l *Letter) { l.Words = " \n" },
		"longer than":           func(l *Letter) { l.Words = strings.Repeat("a", MaxLetterWords+1) },
		"no UTF-8":              func(l *Letter) { l.Words = "\xff" },
		"the day by which":      func(l *Letter) { l.Due = "2026-02-30" },
		"a file's name":         func(l *Letter) { l.Enclosures[0].Name = "../report.pdf" },
		"document 1: want a fi": func(l *Letter) { l.Enclosures[0].Name = "-rf.pdf" },
		"want a PDF":            func(l *Letter) { l.Enclosures[0].Name = "report.exe" },
		"PNG, JPEG":             func(l *Letter) { l.Enclosures[0].MediaType = "text/html" },
		"it is empty":           func(l *Letter) { l.Enclosures[0].Body = nil },
		"another one has its name": func(l *Letter) {
			l.Enclosures = append(l.Enclosures, Enclosure{"REPORT.pdf", "application/pdf", []byte("b")})
		},
		"11 documents":       func(l *Letter) { l.Enclosures = make([]Enclosure, MaxEnclosures+1) },
		"500001 bytes: at m": func(l *Letter) { l.Enclosures[0].Body = make([]byte, MaxEnclosed+1) },
	} {
		l := good()
		edit(&l)
		if err := l.Check(); (says == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
	l := good()
	l.Enclosures[0].Body = make([]byte, MaxEnclosed)
	if err := l.Check(); err != nil {
		t.Errorf("as much as may come: %v", err)
	}
}

// Two letters with other handles that say the same have one content; whatever
// else differs, down to a byte of a document, makes another.
func TestLetterContent(t *testing.T) {
	a := Letter{Handle: credentials.Handle{1}, Subject: credentials.Handle{2}, Number: 1, Words: "w", Enclosures: []Enclosure{{"a.txt", "text/plain", []byte("x")}}}
	content := func(l Letter) credentials.Digest {
		d, err := l.Content()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	same := a
	same.Handle = credentials.Handle{9}
	if content(same) != content(a) {
		t.Error("another handle is another content")
	}
	for name, edit := range map[string]func(*Letter){
		"subject":  func(l *Letter) { l.Subject = credentials.Handle{3} },
		"number":   func(l *Letter) { l.Number = 2 },
		"words":    func(l *Letter) { l.Words = "v" },
		"due":      func(l *Letter) { l.Due = "2026-07-01" },
		"document": func(l *Letter) { l.Enclosures = []Enclosure{{"a.txt", "text/plain", []byte("y")}} },
		"name":     func(l *Letter) { l.Enclosures = []Enclosure{{"b.txt", "text/plain", []byte("x")}} },
	} {
		other := a
		edit(&other)
		if content(other) == content(a) {
			t.Errorf("another %s is the same content", name)
		}
	}
	if w := a.Without(); w.Enclosures[0].Body != nil || a.Enclosures[0].Body == nil {
		t.Errorf("got %+v of %+v", w, a)
	}
}

func TestRead(t *testing.T) {
	l := Letter{Handle: credentials.Handle{1}, Subject: credentials.Handle{2}, Number: 2}
	for says, r := range map[string]Determination{
		"":                   {Subject: l.Subject, Number: 2, Letters: []credentials.Handle{l.Handle}},
		"does not name":      {Subject: l.Subject, Number: 2},
		"another submission": {Subject: credentials.Handle{3}, Number: 2, Letters: []credentials.Handle{l.Handle}},
		"a later decision":   {Subject: l.Subject, Number: 1, Letters: []credentials.Handle{l.Handle}},
	} {
		if err := r.Read(&l); (says == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
}
