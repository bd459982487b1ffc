// Package credentials holds what a signed statement is: who signed (DIDs, and
// Ed25519 or P-256 keys), what was signed (W3C Verifiable Credentials 2.0 as vc+jwt),
// whether it was withdrawn (Bitstring Status Lists), and what follows for a
// clinician on one day (StandingOn).
//
// A document is made with Issue. Judge says whether it may be acted upon: good,
// bad by one check, or unknown. Open is the lower step, which accepts exactly one
// spelling of it and nothing that it does not understand. What Open returns was
// signed by its issuer; whether it is in force, whether it was revoked, and
// whether that issuer may say such things at all, a Policy says.
//
// The package never reads a clock, a network, a database, a file or a source of
// randomness, and it never keeps a private key beyond the Signer it is handed.
package credentials
