package ledger

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/countersign-health/countersign/credentials"
)

// MaxEntry is the most bytes an entry may have: entry bundles give each a
// length of 16 bits (c2sp.org/tlog-tiles).
const MaxEntry = 65535

// An entry is, in order and big-endian:
//
//	magic      8   "CSENTRY" and the version, 1
//	kind       2
//	subject   32
//	document  32
//	effective  8   seconds since 1970, signed
//	key id     2 + its bytes
//	payload    4 + its bytes, none unless governance
//	signature 64   Ed25519 over signPrefix and everything above
const (
	magic      = "CSENTRY\x01"
	signPrefix = "countersign ledger entry v1\n"
	fixedSize  = 8 + 2 + 32 + 32 + 8 + 2 + 4 + 64
)

// Effective times are kept inside the years that RFC 3339 can write.
const (
	minEffective = -62135596800 // 0001-01-01
	maxEffective = 253402300799 // 9999-12-31
)

// An Entry is one signed statement on the ledger: that the issuer has made a
// document about a subject, effective from an instant. It holds no word of the
// document.
type Entry struct {
	Kind      Kind
	Subject   credentials.Handle // random name of what the document is about
	Document  credentials.Digest // of the document's signing input
	Effective time.Time          // what the issuer asserts; whole seconds, UTC
	KeyID     string             // the issuer's key, a DID URL
	Payload   []byte             // governance entries only
	Signature [64]byte
}

// Issuer is the DID that the entry claims to come from.
func (e Entry) Issuer() credentials.DID {
	did, _, _ := credentials.ParseKeyID(e.KeyID) // ParseEntry and Sign have checked it
	return did
}

// Sign returns the entry with the signer's key id and signature.
func (e Entry) Sign(s credentials.Signer) (Entry, error) {
	e.KeyID = s.KeyID()
	e.Effective = e.Effective.UTC().Truncate(time.Second)
	if err := e.check(); err != nil {
		return Entry{}, fmt.Errorf("sign ledger entry: %w", err)
	}
	if s.Algorithm() != credentials.EdDSA {
		return Entry{}, fmt.Errorf("sign ledger entry: the key signs with %s, and an entry wants EdDSA", s.Algorithm())
	}
	sig, err := s.Sign(e.signed())
	if err != nil {
		return Entry{}, fmt.Errorf("sign ledger entry: %w", err)
	}
	if len(sig) != len(e.Signature) {
		return Entry{}, fmt.Errorf("sign ledger entry: signature of %d bytes, want 64", len(sig))
	}
	copy(e.Signature[:], sig)
	return e, nil
}

// Verify checks the signature under pub. Whether pub belongs to the key id,
// and whether its holder may say this, is for Registry.CheckAt.
func (e Entry) Verify(pub ed25519.PublicKey) error {
	if len(pub) != ed25519.PublicKeySize || !ed25519.Verify(pub, e.signed(), e.Signature[:]) {
		return errors.New("ledger entry: the issuer's signature does not hold")
	}
	return nil
}

// Marshal is the entry's one encoding, which is the leaf of the ledger's tree.
func (e Entry) Marshal() []byte {
	return append(e.unsigned(make([]byte, 0, fixedSize+len(e.KeyID)+len(e.Payload))), e.Signature[:]...)
}

// ParseEntry reads what Marshal wrote, and nothing else: there is one spelling
// of every entry. It does not check the signature.
func ParseEntry(b []byte) (Entry, error) {
	e, err := parseEntry(b)
	if err != nil {
		return Entry{}, fmt.Errorf("ledger entry: %w", err)
	}
	return e, nil
}

func parseEntry(b []byte) (e Entry, err error) {
	if len(b) > MaxEntry {
		return e, fmt.Errorf("%d bytes, the most is %d", len(b), MaxEntry)
	}
	if len(b) < fixedSize || string(b[:8]) != magic {
		return e, errors.New("not an entry of version 1")
	}
	e.Kind = Kind(binary.BigEndian.Uint16(b[8:]))
	copy(e.Subject[:], b[10:])
	copy(e.Document[:], b[42:])
	e.Effective = time.Unix(int64(binary.BigEndian.Uint64(b[74:])), 0).UTC()
	keyLen := int(binary.BigEndian.Uint16(b[82:]))
	rest := b[84:]
	if len(rest) < keyLen+4+64 {
		return e, errors.New("ends inside the key id")
	}
	e.KeyID, rest = string(rest[:keyLen]), rest[keyLen:]
	payloadLen := binary.BigEndian.Uint32(rest)
	if rest = rest[4:]; uint64(len(rest)) != uint64(payloadLen)+64 {
		return e, errors.New("payload and signature do not fill it exactly")
	}
	if payloadLen > 0 {
		e.Payload = append([]byte(nil), rest[:payloadLen]...)
	}
	copy(e.Signature[:], rest[payloadLen:])
	return e, e.check()
}

func (e Entry) check() error {
	if _, ok := kindNames[e.Kind]; !ok {
		return fmt.Errorf("%v is not known to this release", e.Kind)
	}
	if _, _, err := credentials.ParseKeyID(e.KeyID); err != nil {
		return err
	}
	if t := e.Effective.Unix(); t < minEffective || t > maxEffective {
		return errors.New("effective time is out of range")
	}
	if e.Document.IsZero() {
		return errors.New("document digest is missing")
	}
	if e.Subject.IsZero() != (e.Kind == KindGenesis) {
		return errors.New("subject is missing, or given for a genesis")
	}
	if (len(e.Payload) > 0) != e.Kind.governance() {
		return fmt.Errorf("a %v entry with a payload of %d bytes", e.Kind, len(e.Payload))
	}
	if size := fixedSize + len(e.KeyID) + len(e.Payload); size > MaxEntry {
		return fmt.Errorf("%d bytes, the most is %d", size, MaxEntry)
	}
	return nil
}

func (e Entry) signed() []byte {
	return e.unsigned(append(make([]byte, 0, len(signPrefix)+fixedSize+len(e.KeyID)+len(e.Payload)), signPrefix...))
}

func (e Entry) unsigned(b []byte) []byte {
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint16(b, uint16(e.Kind))
	b = append(b, e.Subject[:]...)
	b = append(b, e.Document[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Effective.Unix()))
	b = binary.BigEndian.AppendUint16(b, uint16(len(e.KeyID)))
	b = append(b, e.KeyID...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.Payload)))
	return append(b, e.Payload...)
}

// EntryKey is the idempotency key of an entry: of this ledger, this issuer and
// the digest of the issuer's own name for the event (its business key). The
// issuer is part of it so that nobody can take another's key first.
func EntryKey(origin string, issuer credentials.DID, business credentials.Digest) credentials.Digest {
	b := []byte("countersign ledger key v1\n")
	b = binary.BigEndian.AppendUint16(b, uint16(len(origin)))
	b = append(b, origin...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(issuer)))
	b = append(b, issuer...)
	return credentials.DigestOf(append(b, business[:]...))
}
