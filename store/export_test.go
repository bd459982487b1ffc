package store

import (
	"context"
	"math/rand/v2"

	"github.com/countersign-health/countersign/credentials"
)

// Family is how the books name a family by its subscriber's member id.
func (b *Books) Family(memberID string) string { return b.keys.memberID(memberID) }

// FewPlaces has the books give places below most, and begin a list anew once
// full documents stand in one.
func (b *Books) FewPlaces(full int64, most int) {
	b.places.Full, b.places.Random = full, func() int { return rand.IntN(most) }
}

// Person is Keys.Person.
func (b *Books) Person(memberID, first string, birth credentials.Date) string {
	return b.keys.Person(memberID, first, birth)
}

// Unseal opens one sealed value, for tests that look at what the books hold.
func (b *Books) Unseal(ctx context.Context, holder, table, column, row string, sealed []byte) (plain []byte, err error) {
	err = b.tx(ctx, func(tx *sealedTx) error {
		plain, err = tx.unseal(cell{holder, table, column, row}, sealed)
		return err
	})
	return plain, err
}
