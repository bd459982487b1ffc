// Package outages takes one thing at a time away from houses that run for real
// (package houses) while claims are billed, and checks in the end that nothing
// was lost, decided or paid twice. It holds tests alone.
//
//	what fails                         what must hold meanwhile                         test
//	any daemon, killed ten times       the command says "later"; typed again, it goes   TestKilled
//	                                   on where it was
//	PostgreSQL, killed twice           the same                                         TestAway/PostgreSQL_killed
//	ledger, stopped for a minute       claims are decided and wait for their receipt;   TestAway/ledger_away
//	                                   no decision is shown or paid without it
//	two of four witnesses              the same                                         TestAway/witnesses_away
//	one of four witnesses              everything goes on                               TestAway/witnesses_away
//	room on the ledger's disk          appends are refused for the time being, what     TestAway/disk_full
//	                                   is final is read on
//	the board's feed, beyond patience  claims pend and none is paid, nor denied but for TestAway/feed_delayed
//	                                   repeating another; the payment run pays nothing
//	a clock, by an hour either way     who is refused is told to look at the clocks;    TestClocks
//	                                   a feed or witness from another hour is not
//	                                   believed, so claims pend or wait
//
// In the end, after each (check_test.go): every claim has come to what
// expected_test.go worked out for it, by exactly one final decision; every
// decision has one entry on the ledger and no entry is about another; the money
// is in one remittance or held; accumulators are the sums of the decisions'
// shares; nothing that a known order covers was settled as paid or put into a
// remittance; what was settled before stands on the reprocess list. TestCheck
// breaks each of these once and sees that it is noticed.
//
// Moments are random: the seed is logged, and COUNTERSIGN_SEED sets it. Run
// them with "make test-faults", shorter with CLAIMS=100.
package outages
