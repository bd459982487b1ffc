package claims

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/countersign-health/countersign/credentials"
)

// A Letter is a signed word about a submission that waits for a person: a
// reviewer asks for something, or whoever submitted gives it, asked or not. It
// settles nothing by itself: a reviewer's Determination does, and names the
// letters that had come.
type Letter struct {
	Handle  credentials.Handle `json:"handle"`
	Subject credentials.Handle `json:"subject"` // the submission
	Number  int                `json:"number"`  // the decision that waits
	Words   string             `json:"words"`
	// Due is the day by which a reviewer asks for an answer. Nothing is decided for
	// its passing.
	Due        credentials.Date `json:"due,omitempty"`
	Enclosures []Enclosure      `json:"enclosures,omitempty"`
}

// An Enclosure is a document that comes with a letter, such as an operative
// report. Nobody here reads what is in it: it is kept, signed for, and shown.
type Enclosure struct {
	Name      string `json:"name"`      // a file's name, without folders
	MediaType string `json:"mediaType"` // one of MediaTypes
	Body      []byte `json:"body"`      // base64
}

const (
	// MaxLetterWords is how many bytes the words of a letter may have.
	MaxLetterWords = MaxAppealWords
	// MaxEnclosures is how many documents may come with one letter, MaxEnclosed how
	// many bytes all of them may have: a signed document is at most a megabyte, and
	// encoding makes two bytes of one. What is larger comes in several letters.
	MaxEnclosures = 10
	MaxEnclosed   = 500_000
	// MaxLetters is how many letters each side may send on one decision.
	MaxLetters = 20
)

// MediaTypes are the kinds of documents that are taken, by the ending of the name.
var MediaTypes = map[string]string{
	".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".txt": "text/plain", ".xml": "application/xml", ".json": "application/json",
}

// A name that a program may write into a folder: no path, no hidden file, no option.
var enclosureName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// Check says what is wrong with a letter by itself.
func (l *Letter) Check() error {
	switch {
	case l.Subject.IsZero() || l.Number < 1:
		return errors.New("it names no submission, or no decision on it")
	case strings.TrimSpace(l.Words) == "":
		return errors.New("it says nothing")
	case len(l.Words) > MaxLetterWords || !utf8.ValidString(l.Words):
		return fmt.Errorf("its words are longer than %d bytes, or no UTF-8", MaxLetterWords)
	case len(l.Enclosures) > MaxEnclosures:
		return fmt.Errorf("%d documents come with it: at most %d, the others with another letter", len(l.Enclosures), MaxEnclosures)
	}
	if l.Due != "" {
		if _, err := credentials.ParseDate(string(l.Due)); err != nil {
			return fmt.Errorf("the day by which it asks for an answer: %w", err)
		}
	}
	size := 0
	for i := range l.Enclosures {
		x := &l.Enclosures[i]
		if err := x.check(); err != nil {
			return fmt.Errorf("document %d: %w", i+1, err)
		}
		if slices.ContainsFunc(l.Enclosures[:i], func(other Enclosure) bool { return strings.EqualFold(other.Name, x.Name) }) {
			return fmt.Errorf("document %d: another one has its name", i+1)
		}
		size += len(x.Body)
	}
	if size > MaxEnclosed {
		return fmt.Errorf("its documents have %d bytes: at most %d, the others with another letter", size, MaxEnclosed)
	}
	return nil
}

func (x *Enclosure) check() error {
	ending := ""
	if i := strings.LastIndexByte(x.Name, '.'); i >= 0 {
		ending = strings.ToLower(x.Name[i:])
	}
	switch {
	case !enclosureName.MatchString(x.Name):
		return errors.New("want a file's name of letters, digits, dots, dashes and underscores")
	case MediaTypes[ending] == "" || MediaTypes[ending] != x.MediaType:
		return errors.New("want a PDF, PNG, JPEG, plain text, XML or JSON file, named so")
	case len(x.Body) == 0:
		return errors.New("it is empty")
	}
	return nil
}

// Content is a digest of what the letter says, whatever its handle: two letters
// with the same content repeat each other.
func (l *Letter) Content() (credentials.Digest, error) {
	said := *l
	said.Handle = credentials.Handle{}
	b, err := credentials.CanonicalJSON(said)
	if err != nil {
		return credentials.Digest{}, fmt.Errorf("digest letter: %w", err)
	}
	return credentials.DigestOf(b), nil
}

// Without is the letter with its documents named and not enclosed.
func (l *Letter) Without() Letter {
	out := *l
	out.Enclosures = slices.Clone(l.Enclosures)
	for i := range out.Enclosures {
		out.Enclosures[i].Body = nil
	}
	return out
}

// Read says why a determination cannot rest on a letter, nil where it can: one
// about the same submission, of the decision that it answers or an earlier one.
func (r *Determination) Read(l *Letter) error {
	switch {
	case !slices.Contains(r.Letters, l.Handle):
		return errors.New("the determination does not name it")
	case l.Subject != r.Subject:
		return errors.New("it is about another submission")
	case l.Number > r.Number:
		return errors.New("it is about a later decision")
	}
	return nil
}
