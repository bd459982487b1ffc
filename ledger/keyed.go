package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/countersign-health/countersign/credentials"
)

// What one request to append may hold.
const (
	MaxKeyed      = 1024
	MaxKeyedBytes = 1 << 20
)

// A Keyed is an entry's bytes under the digest of its issuer's own name for the
// event that it records.
type Keyed struct {
	Business credentials.Digest
	Leaf     []byte
}

// MarshalKeyed is the body of a request to append several entries: of each its
// digest, 32 bytes, its length in two, big-endian, and its bytes.
func MarshalKeyed(all []Keyed) ([]byte, error) {
	var b []byte
	for _, k := range all {
		if len(k.Leaf) == 0 || len(k.Leaf) > MaxEntry {
			return nil, fmt.Errorf("entries: one of %d bytes", len(k.Leaf))
		}
		b = append(b, k.Business[:]...)
		b = binary.BigEndian.AppendUint16(b, uint16(len(k.Leaf)))
		b = append(b, k.Leaf...)
	}
	if len(all) == 0 || len(all) > MaxKeyed || len(b) > MaxKeyedBytes {
		return nil, fmt.Errorf("entries: %d with %d bytes, want 1 to %d with at most %d", len(all), len(b), MaxKeyed, MaxKeyedBytes)
	}
	return b, nil
}

// ParseKeyed reads what MarshalKeyed wrote. The entries themselves are not
// looked into.
func ParseKeyed(b []byte) (all []Keyed, err error) {
	if len(b) > MaxKeyedBytes {
		return nil, fmt.Errorf("entries: %d bytes, the most is %d", len(b), MaxKeyedBytes)
	}
	const head = 32 + 2
	for len(b) > 0 {
		if len(all) == MaxKeyed {
			return nil, fmt.Errorf("entries: more than %d", MaxKeyed)
		}
		if len(b) < head {
			return nil, errors.New("entries: the last is cut short")
		}
		n := int(binary.BigEndian.Uint16(b[32:]))
		if n == 0 || len(b) < head+n {
			return nil, errors.New("entries: one is empty or cut short")
		}
		all = append(all, Keyed{credentials.Digest(b[:32]), b[head : head+n : head+n]})
		b = b[head+n:]
	}
	if len(all) == 0 {
		return nil, errors.New("entries: there is none")
	}
	return all, nil
}
