// Package anyquorum is the flag with which a test gets a policy that one lying
// witness breaks, to show the break. Only ledgertest sets it; nothing outside
// the ledger's packages can.
package anyquorum

import "sync/atomic"

// Allowed is false in every program.
var Allowed atomic.Bool
