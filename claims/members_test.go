package claims

import (
	"reflect"
	"strings"
	"testing"
)

const membersHead = "member_id,family,subscriber_id,last,first,birth,coverage_from,coverage_until\n"

func TestParseMembers(t *testing.T) {
	got, err := ParseMembers([]byte("\ufeff" + membersHead + "M-2,F,M-1,DOE,LEIF,2014-06-09,2026-01-01,2026-06-30\n\"M-1\",F,M-1,DOE,INGRID,1984-03-17,2026-01-01,\n"))
	want := []Member{
		{"M-2", "M-1", "DOE", "LEIF", "2014-06-09", "2026-01-01", "2026-06-30"},
		{"M-1", "M-1", "DOE", "INGRID", "1984-03-17", "2026-01-01", ""},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// What is refused is named by its place, never by what stands there.
func TestBadMembers(t *testing.T) {
	const good = "M-1,F,M-1,SECRET,SECRET,1984-03-17,2026-01-01,\n"
	for _, x := range []struct{ file, want string }{
		{"", "members.csv line 1: the file is empty"},
		{membersHead, "it names no member"},
		{strings.Replace(membersHead, "birth", "born", 1) + good, "members.csv line 1: the column birth is missing"},
		{membersHead + good + "M-2,F,M-1,SECRET,,1984-03-17,2026-01-01,\n", "members.csv line 3: first is missing"},
		{membersHead + "M-2,F,M-1,SECRET,SECRET,SECRET,2026-01-01,\n", "members.csv line 2: birth: want a date"},
		{membersHead + "M-2,F,M-1,SECRET,SECRET,1984-03-17,2026-13-01,\n", "members.csv line 2: coverage_from: want a date"},
		{membersHead + "M-2,F,M-1,SECRET,SECRET,1984-03-17,2026-02-01,2026-01-31\n", "members.csv line 2: coverage_until lies before coverage_from"},
		{membersHead + good + "SECRET,F\n", "members.csv line 3 column 1: wrong number of fields"},
		{membersHead + "\xff", "not UTF-8"},
		{strings.Repeat("x", maxFile+1), "larger than"},
	} {
		_, err := ParseMembers([]byte(x.file))
		if err == nil || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("got %v, want %q", err, x.want)
		}
	}
}
