package cli

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/codelist"
	"github.com/countersign-health/countersign/credentials"
)

func codesFlag() urfave.Flag {
	return &urfave.StringSliceFlag{Name: "codes", Usage: "check codes by the lists in `FILE` or folder: editions, or files as CMS and the NUCC publish them"}
}

// askedCodes are the lists that a caller gave, and what was asked of them in vain.
type askedCodes struct {
	lists *codelist.Lists
	edits claims.Edits
	vain  map[claims.CodeKind]*vainly
}

// A vainly is what was asked of a kind that no list answers.
type vainly struct {
	listed      bool // there are lists of the kind, of other days
	times       int
	first, last credentials.Date
}

// listsOf reads the lists that --codes names; there may be none.
func listsOf(c *urfave.Context, edits claims.Edits) (*askedCodes, error) {
	var all []*codelist.List
	for _, path := range c.StringSlice("codes") {
		lists, err := readCodes(path)
		if err != nil {
			return nil, err
		}
		all = append(all, lists...)
	}
	return &askedCodes{codelist.Together(all...), edits, map[claims.CodeKind]*vainly{}}, nil
}

// ask is codelist.Lists.Ask, and remembers what was asked in vain.
func (a *askedCodes) ask(kind claims.CodeKind, code string, day credentials.Date) claims.CodeAnswer {
	answer := a.lists.Ask(kind, code, day)
	if answer.State > claims.CodeNotCovered || kind == claims.KindPlace { // there is a list of places built in
		return answer
	}
	if facts, _ := kind.Facts(); !a.edits.On(facts.Edit) {
		return answer
	}
	v := a.vain[kind]
	if v == nil {
		v = &vainly{first: day, last: day}
		a.vain[kind] = v
	}
	v.times++
	v.listed = answer.State == claims.CodeNotCovered
	v.first, v.last = min(v.first, day), max(v.last, day)
	return answer
}

// notes say what was taken for granted of the codes of a file.
func (a *askedCodes) notes() (all []string) {
	var none []string
	for _, f := range claims.CodeKinds {
		switch v := a.vain[f.Kind]; {
		case v == nil:
		case v.listed && v.first == v.last:
			all = append(all, fmt.Sprintf("codes of %s on %s were not judged: no list that was given speaks of that day", f.Kind, v.first))
		case v.listed:
			all = append(all, fmt.Sprintf("codes of %s on days from %s to %s were not judged: no list that was given speaks of them", f.Kind, v.first, v.last))
		default:
			none = append(none, string(f.Kind))
		}
	}
	if none != nil {
		all = append(all, "assumed that the codes exist on the day: no list was given (--codes) of "+strings.Join(none, ", "))
	}
	return all
}

// readCodes reads the lists of a file, or of a folder's files. Of a folder what is
// not a list is passed over.
func readCodes(path string) ([]*codelist.List, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, refused(path, fileWords(err), "check the name")
	}
	if !info.IsDir() {
		lists, known, err := readCodeFile(path)
		if err == nil && !known {
			err = refused(path, "is not an edition of codes, nor called as a publisher calls its file", "make an edition of it: countersign codes make --kind KIND")
		}
		return lists, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, refused(path, fileWords(err), "check the name")
	}
	var all []*codelist.List
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		lists, _, err := readCodeFile(filepath.Join(path, e.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, lists...)
	}
	if len(all) == 0 {
		return nil, refused(path, "has no list of codes in it", "name a folder with editions of codes, or files as they are published")
	}
	return all, nil
}

func readCodeFile(path string) (lists []*codelist.List, known bool, err error) {
	f, err := openFile(path)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	base := filepath.Base(path)
	source, known := codelist.SourceOf(base)
	b := bufio.NewReader(f)
	head, _ := b.Peek(len(codelist.EditionSchema) + 4) // an error shows when the file is read
	edition := codelist.IsEdition(head)
	switch info, err := f.Stat(); {
	case !edition && !known:
		return nil, false, nil
	case err != nil || info.Size() > maxCMSFile:
		return nil, true, refused(path, fmt.Sprintf("is larger than %d MB", maxCMSFile>>20), "give the file as it is published")
	}
	if edition {
		var l *codelist.List
		l, err = codelist.ReadEdition(base, b)
		lists = []*codelist.List{l}
	} else {
		lists, err = source.Read(base, b)
	}
	if err != nil {
		return nil, true, refusedFile(path, base+" ", err, "give the file as it is published")
	}
	return lists, true, nil
}

// codeNotes are on what was taken for granted, once for the whole file.
func (f *checkedFile) codeNotes(a *askedCodes) {
	for _, message := range a.notes() {
		if !slices.ContainsFunc(f.notes, func(n note) bool { return n.Message == message }) {
			f.notes = append(f.notes, note{"lists", message})
		}
	}
}
