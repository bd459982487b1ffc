package parties

import (
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/store"
)

// ReadMembers reads members as examples/members.csv has them, for a plan.
func ReadMembers(file []byte, plan string) ([]store.Member, error) {
	rows, err := claims.ParseMembers(file)
	return store.MembersOf(rows, plan), err
}
