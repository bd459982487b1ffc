package ledger

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Checkpoint is a tree head: how many entries, under which root.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// Text is the body that the log and the witnesses sign
// (c2sp.org/tlog-checkpoint), without extension lines.
func (c Checkpoint) Text() string {
	return torchwood.Checkpoint{Origin: c.Origin, Tree: tlog.Tree{N: c.Size, Hash: c.Root}}.String()
}

// ParseCheckpoint reads what Text wrote, and nothing else.
func ParseCheckpoint(text string) (Checkpoint, error) {
	t, err := torchwood.ParseCheckpoint(text)
	if err != nil {
		return Checkpoint{}, err
	}
	c := Checkpoint{t.Origin, t.N, t.Hash}
	if c.Text() != text {
		return Checkpoint{}, errors.New("malformed checkpoint: extension lines, or base64 in another spelling")
	}
	return c, nil
}

const signaturePrefix = "— " // em dash, space (c2sp.org/signed-note)

// splitNote takes a signed note apart. x/mod's note.Open reads base64 loosely,
// so that a bit of it can be flipped unseen; here each line must be the one
// spelling of what it says.
func splitNote(b []byte) (text string, sigs []note.Signature, err error) {
	text, rest, ok := strings.Cut(string(b), "\n\n")
	if !ok || !strings.HasSuffix(rest, "\n") {
		return "", nil, errors.New("malformed note")
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(rest, "\n"), "\n") {
		sig, err := parseSignature(line)
		if err != nil {
			return "", nil, err
		}
		sigs = append(sigs, sig)
	}
	return text + "\n", sigs, nil
}

func parseSignature(line string) (note.Signature, error) {
	line, ok := strings.CutPrefix(line, signaturePrefix)
	name, b64, ok2 := strings.Cut(line, " ")
	if !ok || !ok2 || name == "" {
		return note.Signature{}, errors.New("malformed signature line")
	}
	raw, err := decode64(b64)
	if err != nil || len(raw) < 5 {
		return note.Signature{}, errors.New("malformed signature line")
	}
	return note.Signature{Name: name, Hash: binary.BigEndian.Uint32(raw), Base64: b64}, nil
}

func formatSignature(s note.Signature) string {
	return signaturePrefix + s.Name + " " + s.Base64 + "\n"
}

// decode64 accepts the one spelling of the bytes in padded standard base64.
func decode64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || base64.StdEncoding.EncodeToString(b) != s {
		return nil, fmt.Errorf("malformed base64")
	}
	return b, nil
}

// rawKey is the algorithm and the key of a vkey, "name+hash+base64".
func rawKey(vkey string) (name string, alg byte, key string, err error) {
	name, rest, _ := strings.Cut(vkey, "+")
	_, b64, _ := strings.Cut(rest, "+")
	b, err := decode64(b64)
	if err != nil || len(b) < 2 {
		return "", 0, "", errors.New("malformed verifier key")
	}
	return name, b[0], string(b[1:]), nil
}
