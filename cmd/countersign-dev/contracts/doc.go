// Package contracts holds no code: it is where the contracts of an insurer are
// tested against a real Temporal server, with real books, ledger, witnesses
// and board, while replies are lost, workers are killed, files come twice and
// board orders come in between.
package contracts
