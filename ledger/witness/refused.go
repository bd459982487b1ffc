package witness

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"

	"golang.org/x/mod/sumdb/note"

	"github.com/countersign-health/countersign/store/sqldb"
)

// maxRefused is how many refused checkpoints are kept of a log; then no more
// are. Whoever sends them needs the log's signature under each, but it may be an
// honest one, sent with a proof of something else.
const maxRefused = 64

// Refused is the answer to GET /ORIGIN-HASH/refused: what the log has signed
// and this witness refused as no continuation of what it has cosigned. It proves
// nothing by itself; held against the log's tree it may (package audit).
type Refused struct {
	Refused []string `json:"refused"` // signed notes, the smallest first
}

// keepRefused keeps a checkpoint that was refused. Nobody waits for it: failing
// to keep it changes nothing about the refusal.
func (w *Witness) keepRefused(ctx context.Context, req request, opened *note.Note) error {
	signed, err := note.Sign(&note.Note{Text: opened.Text, Sigs: opened.Sigs}) // without what a stranger has added
	if err != nil {
		return fmt.Errorf("keep refused checkpoint: %w", err)
	}
	c := req.checkpoint
	return w.db.Tx(ctx, func(tx *sqldb.Tx) error {
		size, root, _, err := newest(tx, c.Origin)
		if err != nil || c.Size == size && c.Root == root {
			return err // the checkpoint is right, only the proof was not
		}
		var n int
		if err := tx.QueryRow(`SELECT count(*) FROM witness_refused WHERE origin = $1`, c.Origin).Scan(&n); err != nil || n >= maxRefused {
			return err
		}
		_, err = tx.Exec(`INSERT INTO witness_refused (origin, size, root, note) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			c.Origin, c.Size, c.Root[:], signed)
		return err
	})
}

// followed is the log whose name has that SHA-256.
func (w *Witness) followed(hash string) (origin string, ok bool) {
	for origin := range w.logs {
		if sum := sha256.Sum256([]byte(origin)); hex.EncodeToString(sum[:]) == hash {
			return origin, true
		}
	}
	return "", false
}

func (w *Witness) refused(rw http.ResponseWriter, r *http.Request) {
	origin, ok := w.followed(r.PathValue("origin"))
	if !ok {
		http.NotFound(rw, r)
		return
	}
	answer := Refused{[]string{}}
	rows, err := w.db.Query(r.Context(), `SELECT note FROM witness_refused WHERE origin = $1 ORDER BY size, root`, origin)
	if err == nil {
		defer rows.Close()
		for rows.Next() {
			var b []byte
			if err = rows.Scan(&b); err != nil {
				break
			}
			answer.Refused = append(answer.Refused, string(b))
		}
		if err == nil {
			err = rows.Err()
		}
	}
	if err != nil {
		http.Error(rw, "the witness could not read its database", http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("Cache-Control", "no-cache")
	json.NewEncoder(rw).Encode(answer)
}
