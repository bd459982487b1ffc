// Package bench measures a board's work: a register imported through the
// command that clerks type, until every license has its receipt from a
// witnessed ledger. "make bench-credentials" runs it.
package bench
