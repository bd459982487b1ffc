// Package outages takes one thing at a time away from houses that run for real
// (package houses) while claims are billed, and checks in the end that nothing
// was lost, decided or paid twice. It holds tests alone.
//
//	what fails                         what must hold meanwhile                         test
//	any daemon, killed ten times       the command says "later"; typed again, it goes   TestKilled
//	                                   on where it was; an order that comes meanwhile
//	                                   binds whoever is not settled yet
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
//	                                   believed, so claims pend or wait; workers sign
//	                                   nothing until theirs is right
//
// In the end, after each (check_test.go): every claim has come to what
// expected_test.go worked out for it, by exactly one final decision; every
// decision has one entry on the ledger and no entry is about another; the money
// is in one remittance or held; accumulators are the sums of the decisions'
// shares; nothing that a known order covers was settled as paid or put into a
// remittance; what was settled before stands on the reprocess list. TestCheck
// breaks each of these once and sees that it is noticed. Beyond that, an auditor
// verifies offline what the hospital got, and computes every decision again.
//
// Runs of November 2026, on two processors that had other work too:
//
//	test                     claims  what was done                                          took
//	TestKilled               500     100 kills in 3m18s, 87 with claims under way           4m22s
//	TestAway                 500                                                            5m21s
//	  /PostgreSQL_killed     75      2 kills with claims under way                          29s
//	  /ledger_away           75      75 decisions waited for a minute                       1m12s
//	  /witnesses_away        75      75 decisions waited for 15 s                           35s
//	  /disk_full             75      36 decisions waited                                    16s
//	  /feed_delayed          75      45 claims pended, 5 denied as repeated                 1m8s
//	TestClocks               500     clocks of people, gateway, workers, board and ledger,  6m29s
//	                                 an hour either way
//
// The rest of TestAway's claims are billed once all is there again. Moments are
// random: the seed is logged, and COUNTERSIGN_SEED sets it. docs/operations.md
// says how to run them.
package outages
