// Package ledger is what a reader of the shared ledger needs: to read an entry,
// to know who may have signed it, and to check offline that a quorum of
// witnesses has seen it in a history that only grew.
//
// The ledger is a transparency log as C2SP specifies it (c2sp.org/tlog-tiles,
// tlog-checkpoint, tlog-cosignature, tlog-proof). One operator orders the
// entries. It cannot forge one, since each is signed by its issuer, and it
// cannot change or drop one unseen, since nothing is final before k of n
// witnesses have countersigned the checkpoint that covers it.
//
// A verifier starts from a Trust, which it was given by hand and which pins
// leaf 0. Leaf 0 is the Genesis, signed by every founder; it fixes the Policy
// and the founders in the Registry. Participant entries add to the Registry: who
// is let in (Admission), which key gives way to which (Handover), and which one
// is bad from where on (Compromise). A Receipt then proves one leaf.
//
// What witnesses attest is that history was append-only, not that an entry is
// right: a reader checks each entry with Registry.CheckAt and passes over what
// fails, as everyone else does.
//
// The package reads no clock, network, file or database, and holds no key.
package ledger
