package parties

import (
	"bytes"
	"encoding/csv"
	"fmt"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/store"
)

// ReadMembers reads members as examples/members.csv has them, for a plan.
func ReadMembers(file []byte, plan string) (members []store.Member, err error) {
	rows, err := readCSV(file, "member_id", "subscriber_id", "last", "first", "birth", "coverage_from", "coverage_until")
	if err != nil {
		return nil, fmt.Errorf("members: %w", err)
	}
	for _, r := range rows {
		members = append(members, store.Member{
			MemberID: r["member_id"], Family: r["subscriber_id"], Last: r["last"], First: r["first"], Birth: credentials.Date(r["birth"]),
			Plan: plan, From: credentials.Date(r["coverage_from"]), Until: credentials.Date(r["coverage_until"]),
		})
	}
	return members, nil
}

func readCSV(file []byte, columns ...string) (rows []map[string]string, err error) {
	all, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil || len(all) == 0 {
		return nil, fmt.Errorf("read CSV: %w", err)
	}
	for _, record := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = record[i]
		}
		for _, name := range columns {
			if _, ok := row[name]; !ok {
				return nil, fmt.Errorf("column %q is missing", name)
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}
