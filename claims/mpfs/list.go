package mpfs

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"slices"

	"github.com/countersign-health/countersign/claims"
)

// A Fee is one price of a fee schedule edition (claims.ParseFees).
type Fee struct {
	Code, Modifier, Class string // an empty class is any place
	Amount                claims.Cents
}

// FeeList is what Medicare pays for each service by itself, in one locality and
// at a percentage that a contract agrees on, in order of code. Codes for which
// the schedule sets no price are not in it.
func (s *Schedule) FeeList(w Weights, percent claims.Rate) []Fee {
	var list []Fee
	for _, r := range s.rows {
		if !r.Priced() {
			continue
		}
		a := r.Price(w).Payable()
		facility, elsewhere := percent.Of(a.Facility), percent.Of(a.NonFacility)
		if facility == elsewhere {
			list = append(list, Fee{r.Code, r.Modifier, "", facility})
			continue
		}
		list = append(list, Fee{r.Code, r.Modifier, claims.Facility, facility}, Fee{r.Code, r.Modifier, claims.NonFacility, elsewhere})
	}
	slices.SortFunc(list, func(x, y Fee) int {
		return cmp.Or(cmp.Compare(x.Code, y.Code), cmp.Compare(x.Modifier, y.Modifier), cmp.Compare(x.Class, y.Class))
	})
	return list
}

// WriteFees writes the CSV file of an edition, with its header.
func WriteFees(w io.Writer, list []Fee) error {
	c := csv.NewWriter(w)
	if err := c.Write([]string{"code", "modifier", "place_class", "amount"}); err != nil {
		return fmt.Errorf("write fees: %w", err)
	}
	for _, f := range list {
		if err := c.Write([]string{f.Code, f.Modifier, f.Class, f.Amount.String()}); err != nil {
			return fmt.Errorf("write fees: %w", err)
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("write fees: %w", err)
	}
	return nil
}
