// Package bench measures what a hospital's file costs: reading a large 837, and
// checking one from the command line. What a decision costs is measured where
// the claims for it are made, in claims/oracle. "make bench-claims" runs both.
package bench
