package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"
)

// maxReceipt is far above what 15 witnesses and 2^63 entries need.
const maxReceipt = 16 << 10

const (
	receiptHeader = "c2sp.org/tlog-proof@v1\n"
	maxPath       = 63
)

// A Receipt is a C2SP tlog-proof: where an entry stands, the path from it to
// the root, and the first final checkpoint that covers it, with the log's
// signature and exactly Quorum cosignatures. There is one receipt for an entry,
// for ever, since its time is when the entry became known.
type Receipt struct {
	Index      int64
	Path       []tlog.Hash
	Checkpoint []byte // signed note
}

// Marshal is the receipt's one encoding.
func (r Receipt) Marshal() []byte {
	return torchwood.FormatProof(r.Index, r.Path, r.Checkpoint)
}

// ParseReceipt reads what Marshal wrote, and nothing else: every byte of a
// receipt means something, so none can be changed unseen.
func ParseReceipt(b []byte) (Receipt, error) {
	r, err := parseReceipt(b)
	if err != nil {
		return Receipt{}, fmt.Errorf("receipt: %w", err)
	}
	return r, nil
}

func parseReceipt(b []byte) (r Receipt, err error) {
	if len(b) > maxReceipt {
		return r, fmt.Errorf("%d bytes, the most is %d", len(b), maxReceipt)
	}
	rest, ok := strings.CutPrefix(string(b), receiptHeader)
	if !ok {
		return r, errors.New("not a c2sp.org/tlog-proof@v1")
	}
	head, signed, ok := strings.Cut(rest, "\n\n")
	if !ok {
		return r, errors.New("no checkpoint in it")
	}
	lines := strings.Split(head, "\n")
	index, ok := strings.CutPrefix(lines[0], "index ")
	if r.Index, err = strconv.ParseInt(index, 10, 64); !ok || err != nil || r.Index < 0 {
		return r, errors.New("want an index line")
	}
	if len(lines)-1 > maxPath {
		return r, errors.New("path is longer than any tree is high")
	}
	for _, line := range lines[1:] {
		h, err := decode64(line)
		if err != nil || len(h) != tlog.HashSize {
			return r, errors.New("malformed hash in the path")
		}
		r.Path = append(r.Path, tlog.Hash(h))
	}
	r.Checkpoint = []byte(signed)
	text, _, err := splitNote(r.Checkpoint)
	if err != nil {
		return r, err
	}
	if _, err := ParseCheckpoint(text); err != nil {
		return r, err
	}
	if !bytes.Equal(r.Marshal(), b) {
		return r, errors.New("not in its canonical spelling")
	}
	return r, nil
}

// A Proof is what a verified receipt says about its leaf.
type Proof struct {
	Index int64     // the leaf's place in the ledger
	Size  int64     // entries under the checkpoint
	Known time.Time // when a quorum had countersigned it
}

// Verify checks that leaf stands at the receipt's index in a history that is
// final under the policy, and that the receipt holds nothing beyond what that
// takes: the log's signature first, then exactly Quorum cosignatures by distinct
// witnesses in the policy's order.
func (r Receipt) Verify(p Policy, leaf []byte) (Proof, error) {
	c, err := p.Cover(r.Checkpoint)
	if err != nil {
		return Proof{}, err
	}
	return c.Prove(r.Index, r.Path, leaf)
}

// A Cover is a checkpoint of receipts whose signatures hold. One covers many
// entries: its signatures are checked once, the path of each entry by itself.
type Cover struct {
	checkpoint Checkpoint
	signed     []byte
	known      time.Time
}

// Cover checks the signatures of a receipt's checkpoint as Receipt.Verify does.
func (p Policy) Cover(signed []byte) (*Cover, error) {
	if len(signed) > maxReceipt/2 {
		return nil, fmt.Errorf("receipt: a checkpoint of %d bytes", len(signed))
	}
	c, cosigs, strays, err := p.open(signed)
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	if strays != 0 || len(cosigs) != p.Quorum {
		return nil, fmt.Errorf("receipt: %d cosignatures and %d other lines: want the log's signature and then exactly %d cosignatures, in the policy's order",
			len(cosigs), strays, p.Quorum)
	}
	return &Cover{c, signed, p.known(cosigs)}, nil
}

// Size is how many entries the checkpoint covers.
func (c *Cover) Size() int64 { return c.checkpoint.Size }

// Prove checks that leaf stands at an index under the checkpoint.
func (c *Cover) Prove(index int64, path []tlog.Hash, leaf []byte) (Proof, error) {
	if err := tlog.CheckRecord(path, c.checkpoint.Size, c.checkpoint.Root, index, tlog.RecordHash(leaf)); err != nil {
		return Proof{}, fmt.Errorf("receipt: the entry is not at index %d of the ledger: %w", index, err)
	}
	return Proof{index, c.checkpoint.Size, c.known}, nil
}

// Receipt is the receipt of an entry that Prove has let pass.
func (c *Cover) Receipt(index int64, path []tlog.Hash) Receipt {
	return Receipt{Index: index, Path: path, Checkpoint: c.signed}
}
