// Package npm holds Countersign's credentials against libraries that others
// wrote in JavaScript: Digital Bazaar's for Data Integrity, JSON-LD, did:key and
// status lists, jose and did-jwt-vc for signed tokens, the OpenWallet
// Foundation's for SD-JWT, and ajv for JSON Schemas. What we sign they verify, what they sign we judge,
// and of either every member is changed in turn and has to be refused.
//
// It holds nothing but tests, behind the build tag "interop". They need node and
// npm, fetch the libraries that package-lock.json pins into the user's cache
// folder, and run them in one process without a network. Where the others say
// yes and we must not, docs/interop.md says why. Run them with make interop.
package npm
