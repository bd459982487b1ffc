package codelist

import (
	"cmp"
	"slices"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// Lists are editions of lists of any kinds. They do not change once they are made,
// so that many may ask at once.
type Lists struct {
	of map[claims.CodeKind][]*List
}

// Together makes Lists of editions. Where several of a kind speak of a day, the one
// that begins last does: an update of April goes before the year that it is in. Of
// two that begin on one day it is the one whose name sorts last.
func Together(all ...*List) *Lists {
	ls := &Lists{map[claims.CodeKind][]*List{}}
	for _, l := range all {
		ls.of[l.Kind] = append(ls.of[l.Kind], l)
	}
	for _, of := range ls.of {
		slices.SortFunc(of, func(a, b *List) int {
			return cmp.Or(cmp.Compare(b.From, a.From), cmp.Compare(b.Edition, a.Edition))
		})
	}
	return ls
}

// Ask is what claims.Edits.Codes asks.
func (ls *Lists) Ask(kind claims.CodeKind, code string, day credentials.Date) claims.CodeAnswer {
	of := ls.of[kind]
	for _, l := range of {
		if l.Covers(day) {
			return l.Ask(code, day)
		}
	}
	if len(of) == 0 {
		return claims.CodeAnswer{State: claims.CodeNoList}
	}
	return claims.CodeAnswer{State: claims.CodeNotCovered}
}
