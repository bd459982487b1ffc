package contract

import (
	_ "embed"
	"fmt"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

//go:embed sequestration.csv
var sequestration []byte

// CARCSequestration is the reason of what Sequestration takes off, in group CO:
// the patient never owes it.
const CARCSequestration = "253"

// SequestrationOn is the rate for services whose last day this is.
func SequestrationOn(last credentials.Date) (claims.Rate, error) {
	t, err := claims.ParseRateTable("sequestration.csv", sequestration)
	if err != nil {
		return 0, fmt.Errorf("read sequestration rates: %w", err)
	}
	return t.On("sequestration", last)
}

// Sequestration is what is taken off what would be paid. It comes after the
// patient's deductible and coinsurance, which it leaves as they are; a payment
// of nothing, or one that is taken back, is the caller's to negate.
func Sequestration(paid claims.Cents, rate claims.Rate) claims.Cents {
	return rate.Of(max(0, paid))
}
