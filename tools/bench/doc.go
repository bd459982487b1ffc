// Package bench measures the ledger beside others' logs, in one run on one
// machine. "make bench-ledger" runs it.
//
// Rounds of all contestants alternate, each on a database or folder of its
// own, and medians are compared. PostgreSQL writes through to the disk.
package bench
