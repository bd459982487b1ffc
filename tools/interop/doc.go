// Package interop runs Countersign's ledger and witness, as the daemons that
// people run, against programs that others wrote, unmodified: litewitness,
// litebastion and spicy of torchwood, and Tessera's fsck, hammer and POSIX
// logs. It holds nothing but tests, behind the build tag "interop": they build
// all those programs first. Run them with make interop.
//
// What only a test may do lives here and never in the daemons: the door at
// which Tessera's hammer writes is in hammer_test.go, listens on loopback, and
// signs what it is given with a key that is public.
package interop
