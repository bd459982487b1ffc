package witness

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
)

// maxRequest holds 63 hashes and a checkpoint with far more signatures than
// any log sends.
const maxRequest = 16 << 10

const maxProof = 63 // hashes, c2sp.org/tlog-witness

// A request is the body of add-checkpoint: "old N", the hashes of a consistency
// proof, an empty line, and the checkpoint as a signed note.
type request struct {
	old        int64
	proof      tlog.TreeProof
	note       []byte
	checkpoint ledger.Checkpoint // not yet verified
}

func parseRequest(body []byte) (r request, err error) {
	head, signed, ok := strings.Cut(string(body), "\n\n")
	if !ok {
		return r, errors.New("want an empty line before the checkpoint")
	}
	lines := strings.Split(head, "\n")
	old, ok := strings.CutPrefix(lines[0], "old ")
	if r.old, err = strconv.ParseInt(old, 10, 64); !ok || err != nil || r.old < 0 || strconv.FormatInt(r.old, 10) != old {
		return r, errors.New("want the line \"old SIZE\" first")
	}
	if len(lines)-1 > maxProof {
		return r, errors.New("the proof has more than 63 hashes")
	}
	for _, line := range lines[1:] {
		b, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(b) != tlog.HashSize {
			return r, errors.New("a line of the proof is not a hash in base64")
		}
		r.proof = append(r.proof, tlog.Hash(b))
	}
	text, _, ok := strings.Cut(signed, "\n\n")
	if !ok {
		return r, errors.New("the checkpoint is not a signed note")
	}
	r.note = []byte(signed)
	if r.checkpoint, err = ledger.ParseCheckpoint(text + "\n"); err != nil {
		return r, err
	}
	if r.old > r.checkpoint.Size {
		return r, errors.New("the old size is beyond the checkpoint's")
	}
	return r, nil
}
