package ledger_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// Nothing in an entry of any kind has room for words, but the issuer's key id
// and, of governance, the payload: each other byte belongs to a field of fixed
// width. A kind that is added later is walked, too.
func TestFixedWidth(t *testing.T) {
	governance := map[string]bool{"genesis": true, "participant": true}
	names := ledger.KindNames()
	if len(names) < 11 {
		t.Fatalf("got the kinds %q", names)
	}
	for _, name := range names {
		kind, err := ledger.ParseKind(name)
		if err != nil {
			t.Fatal(err)
		}
		e := ledger.Entry{Kind: kind, Document: credentials.Digest{2}, Effective: time.Unix(1700000000, 999999999)}
		if name != "genesis" {
			e.Subject = credentials.Handle{1}
		}
		const words = "Jane Roe, born 1980-02-03, member M1"
		with := e
		with.Payload = []byte(words)
		withWords, err := with.Sign(ledgertest.Signer("insurer"))
		if governance[name] {
			if err != nil || len(withWords.Marshal()) != fixed+len(withWords.KeyID)+len(words) {
				t.Errorf("%s: got %v", name, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: an entry with a payload was signed", name)
		}
		if e, err = e.Sign(ledgertest.Signer("insurer")); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		b := e.Marshal()
		if len(b) != fixed+len(e.KeyID) {
			t.Errorf("%s: got %d bytes, want %d and a key id", name, len(b), fixed)
		}
		if _, _, err := credentials.ParseKeyID(e.KeyID); err != nil {
			t.Errorf("%s: its key id is words: %v", name, err)
		}
		if at := int64(binary.BigEndian.Uint64(b[74:])); at != 1700000000 {
			t.Errorf("%s: effective is kept as %d: finer than a second", name, at)
		}
		// The same entry with room made for words is none.
		end := len(b) - 64
		forced := fmt.Appendf(append([]byte{}, b[:end-4]...), "%s%s%s", binary.BigEndian.AppendUint32(nil, uint32(len(words))), words, b[end:])
		if _, err := ledger.ParseEntry(forced); err == nil {
			t.Errorf("%s: an entry with words in it was read", name)
		}
	}
}

// fixed is the sum of the fields of fixed width: magic, kind, subject, document,
// effective, two lengths, signature.
const fixed = 8 + 2 + 32 + 32 + 8 + 2 + 4 + 64
