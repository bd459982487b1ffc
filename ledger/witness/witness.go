// Package witness countersigns checkpoints of the logs it was told about, as
// long as each only grows (c2sp.org/tlog-witness, tlog-cosignature).
//
// It remembers, in a database of its own, the newest checkpoint it has signed
// for each log, and keeps a new one before it answers. What a log has signed and
// it has refused, it keeps as evidence. It never signs two
// histories, never reads entries, and never judges whether one is right.
package witness

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/store/sqldb"
)

//go:embed schema/*.sql
var schema embed.FS

// A Log is one that the witness follows.
type Log struct {
	Origin string
	Keys   []string // signed-note verifier keys; more than one while a key is changed
}

// A Witness serves the witness protocol over HTTP.
type Witness struct {
	// Log is told what went wrong inside, which no caller is; New's discards it.
	Log *slog.Logger

	db     *sqldb.DB
	signer *torchwood.CosignatureSigner
	logs   map[string]note.Verifiers
	mux    *http.ServeMux
}

// New prepares the database and returns a witness with that name and key.
// Register it with a log before the log's first entry: what it sees first, it
// takes as the log's only history.
func New(ctx context.Context, db *sqldb.DB, name string, key ed25519.PrivateKey, logs ...Log) (*Witness, error) {
	signer, err := torchwood.NewCosignatureSigner(name, key)
	if err != nil {
		return nil, fmt.Errorf("witness key: %w", err)
	}
	files, _ := fs.Sub(schema, "schema")
	if err := sqldb.Migrate(ctx, db, "witness", files); err != nil {
		return nil, err
	}
	w := &Witness{Log: slog.New(slog.DiscardHandler), db: db, signer: signer, logs: map[string]note.Verifiers{}, mux: http.NewServeMux()}
	for _, l := range logs {
		var keys []note.Verifier
		for _, vkey := range l.Keys {
			v, err := note.NewVerifier(vkey)
			if err != nil {
				return nil, fmt.Errorf("key of log %q: %w", l.Origin, err)
			}
			keys = append(keys, v)
		}
		w.logs[l.Origin] = note.VerifierList(keys...)
	}
	w.mux.HandleFunc("POST /add-checkpoint", w.addCheckpoint)
	w.mux.HandleFunc("GET /{origin}/checkpoint", w.checkpoint)
	w.mux.HandleFunc("GET /{origin}/refused", w.refused)
	return w, nil
}

// Key is the witness's cosignature verifier key, for a ledger's genesis.
func (w *Witness) Key() string { return w.signer.Verifier().String() }

// VerifierKey is the verifier key of a witness with that name and key, without
// starting one.
func VerifierKey(name string, key ed25519.PrivateKey) (string, error) {
	s, err := torchwood.NewCosignatureSigner(name, key)
	if err != nil {
		return "", fmt.Errorf("witness key: %w", err)
	}
	return s.Verifier().String(), nil
}

// ServeHTTP serves POST /add-checkpoint, GET /ORIGIN-HASH/checkpoint and, beyond
// the protocol, GET /ORIGIN-HASH/refused.
func (w *Witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) { w.mux.ServeHTTP(rw, r) }

// A refusal is an answer of the protocol other than 200.
type refusal struct {
	status int
	text   string
	size   int64 // with 409: the size of the newest checkpoint signed
	odd    bool  // the log has signed what it should not have: worth keeping
}

func (r *refusal) Error() string { return r.text }

// cosign checks the request, keeps the checkpoint and returns the line of the
// cosignature. The check and the keeping are one transaction, so that of two
// requests at once the second sees what the first has kept.
func (w *Witness) cosign(ctx context.Context, body []byte) ([]byte, error) {
	req, err := parseRequest(body)
	if err != nil {
		return nil, &refusal{status: http.StatusBadRequest, text: err.Error()}
	}
	keys, ok := w.logs[req.checkpoint.Origin]
	if !ok {
		return nil, &refusal{status: http.StatusNotFound, text: "this witness does not follow that log"}
	}
	opened, err := note.Open(req.note, keys)
	var unsigned *note.UnverifiedNoteError
	var forged *note.InvalidSignatureError
	switch {
	case errors.As(err, &unsigned), errors.As(err, &forged):
		return nil, &refusal{status: http.StatusForbidden, text: "no signature by a key of that log, or one that does not hold"}
	case err != nil:
		return nil, &refusal{status: http.StatusBadRequest, text: "the checkpoint is not a signed note"}
	}
	var line []byte
	err = w.db.Tx(ctx, func(tx *sqldb.Tx) error {
		line, err = w.cosignIn(tx, req, opened)
		return err
	})
	var no *refusal
	if errors.As(err, &no) && no.odd {
		if err := w.keepRefused(ctx, req, opened); err != nil {
			w.Log.Error("witness: evidence is not kept", "origin", req.checkpoint.Origin, "error", err)
		}
	}
	return line, err
}

func (w *Witness) cosignIn(tx *sqldb.Tx, req request, opened *note.Note) ([]byte, error) {
	c := req.checkpoint
	size, root, found, err := newest(tx, c.Origin)
	if err != nil {
		return nil, err
	}
	if req.old != size {
		return nil, &refusal{status: http.StatusConflict, size: size}
	}
	if found && size > 0 {
		// tlog-witness has 409 for another root at the same size, and no size with
		// it; what has grown out of another history is 422.
		if c.Size == size && c.Root != root {
			return nil, &refusal{status: http.StatusConflict, text: "another tree of this size was signed before", odd: true}
		}
		if err := tlog.CheckTree(req.proof, c.Size, c.Root, size, root); err != nil {
			return nil, &refusal{status: http.StatusUnprocessableEntity, text: "the new tree does not continue the one signed before", odd: true}
		}
	} else if len(req.proof) != 0 {
		return nil, &refusal{status: http.StatusUnprocessableEntity, text: "a proof from size 0 has to be empty"}
	}
	if c.Size == 0 && c.Root != emptyRoot() {
		return nil, &refusal{status: http.StatusUnprocessableEntity, text: "that is not the root of the empty tree", odd: true}
	}
	// The note that is kept holds the log's signature and this witness's own,
	// nothing that a stranger has added.
	signed, err := note.Sign(&note.Note{Text: opened.Text, Sigs: opened.Sigs}, w.signer)
	if err != nil {
		return nil, fmt.Errorf("cosign checkpoint: %w", err)
	}
	_, err = tx.Exec(`INSERT INTO witness_log (origin, size, root, note) VALUES ($1, $2, $3, $4)
		ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note`,
		c.Origin, c.Size, c.Root[:], signed)
	if err != nil {
		return nil, fmt.Errorf("keep checkpoint: %w", err)
	}
	return lastLine(signed), nil
}

func emptyRoot() tlog.Hash {
	h, _ := tlog.TreeHash(0, nil) // reads nothing for an empty tree
	return h
}

func newest(tx *sqldb.Tx, origin string) (size int64, root tlog.Hash, found bool, err error) {
	var b []byte
	err = tx.QueryRow(`SELECT size, root FROM witness_log WHERE origin = $1`, origin).Scan(&size, &b)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, root, false, nil
	case err != nil:
		return 0, root, false, fmt.Errorf("read newest checkpoint: %w", err)
	case len(b) != tlog.HashSize || size < 0:
		return 0, root, false, errors.New("read newest checkpoint: the row is damaged")
	}
	return size, tlog.Hash(b), true, nil
}

// latest is the newest checkpoint signed for origin, as a note.
func (w *Witness) latest(ctx context.Context, origin string) (b []byte, err error) {
	err = w.db.QueryRow(ctx, `SELECT note FROM witness_log WHERE origin = $1`, origin).Scan(&b)
	return b, err
}
