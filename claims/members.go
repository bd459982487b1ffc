package claims

import (
	"errors"

	"github.com/countersign-health/countersign/credentials"
)

// A Member is a row of a file of members: who is covered, and on which dates.
type Member struct {
	MemberID    string
	Subscriber  string // member id of the subscriber: the family
	Last, First string
	Birth       credentials.Date
	From        credentials.Date
	Until       credentials.Date // included; empty where the end is open
}

// memberColumns have to be in the file; others (such as the relationship) may
// be, and are not read.
var memberColumns = []string{"member_id", "subscriber_id", "last", "first", "birth", "coverage_from", "coverage_until"}

// ParseMembers reads a CSV file of members. The error has a line for each
// problem and repeats nothing of what stands there, since it is about people.
func ParseMembers(file []byte) (members []Member, err error) {
	err = readRoster("members.csv", file, memberColumns, func(r *rosterRow) {
		m := Member{MemberID: r.text("member_id"), Subscriber: r.text("subscriber_id"), Last: r.text("last"), First: r.text("first"),
			Birth: r.date("birth", true), From: r.date("coverage_from", true), Until: r.date("coverage_until", false)}
		if r.good() && m.Until != "" && m.Until < m.From {
			r.problem("coverage_until", "lies before coverage_from")
		}
		members = append(members, m)
	})
	if err == nil && len(members) == 0 {
		err = errors.New("members.csv: it names no member")
	}
	return members, err
}
