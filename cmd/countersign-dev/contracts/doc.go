// Package contracts holds no code: it is where the contracts of an insurer are
// tested against a real Temporal server, with real books, ledger, witnesses
// and board, while replies are lost, workers are killed, files come twice and
// board orders come in between. The insurer's daemons are also run here as
// processes of their own, several at once and of two builds.
//
// Each of these checks was taken out, and the test named with it failed:
//
//	books: business key of a submission       LostReplies, ContractAgain, FirstBytesStay
//	books: first signed bytes stay            FirstBytesStay
//	books: a document settles once            LostReplies
//	books: fences of the evidence             OrderAmongClaims, OrderBetweenEvidenceAndSettlement
//	books: a settlement moves its fences      ReviewsAtOnce
//	books: an order moves the standing fence  OrderBetweenEvidenceAndSettlement
//	books: claims of a family in order        FamilyInOrder
//	books: first receipt stays                FirstBytesStay
//	books: the same determination again       DeterminationTwice
//	signing: look for what is signed          LostReplies
//	claim: paid or denied is final            ContractAgain
//	gateway: the books know a submission      FileTwiceAtOnce
//	gateway: a running contract is joined     ClaimTwiceBeforeItIsKnown (conflict policy and update id cover each other)
//	gateway: a request token counts once      RequestTokenTwice
//	ledger: a key stands for one entry        LostReplies, OtherKeyEachTime
//
//	worker: each build has its own name       UpgradeUnderOneName shows what happens without
//	worker: License goes over by itself       RollingUpgrade
//	builds: move begins anew, no replay       RollingUpgrade
//
// Two more stand behind those and fall only in the tests of their own package:
// the number of the next decision (store), and that what has its receipt is
// not appended again (activities).
package contracts
