// Package cli is the commands that people type, for those who know claims
// rather than cryptography. Run is all of them in one call, so that a program
// can type them too.
//
// It never decides what is owed or who may practice: it reads files, signs
// with the caller's key, asks the houses' doors, and checks what they answer
// before it shows it. It never prints a secret, and opens no database.
//
// Exit codes, the same for every command:
//
//	0  done
//	1  could not be done now (a server does not answer, the time is up): try
//	   again, nothing is done twice
//	2  the input is refused (a bad file or flag, an edit, an answer of 4xx):
//	   trying the same again is of no use
//	3  a check failed: a signature, a receipt or a decision does not hold
//	4  a ledger has signed two histories, and the proof of it holds (ledger audit,
//	   verify)
//	5  the answer is no: may-not (license standing)
//	6  the answer is unknown, which is no yes (license standing, credential verify,
//	   and a decision of which it is not known that it still stands)
//
// An error is one line on stderr: "countersign: WHAT: WHY; DO". With --json, the
// result is one JSON object on stdout, and so is an error; amounts are integer
// cents.
package cli

// exitCodes is that table as --help shows it.
const exitCodes = `Exit codes:
   0  done
   1  could not be done now (a server does not answer, the time is up): try again, nothing is done twice
   2  the input is refused (a bad file or flag, an edit, an answer of 4xx)
   3  a check failed: a signature, a receipt or a decision does not hold
   4  a ledger has signed two histories, and the proof of it holds (ledger audit, verify)
   5  the answer is no: may-not (license standing)
   6  the answer is unknown, which is no yes (license standing, credential verify, a decision that may not stand)`
