package witness

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
)

func (w *Witness) addCheckpoint(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxRequest))
	if err != nil {
		http.Error(rw, "the body is too large or was cut short", http.StatusBadRequest)
		return
	}
	line, err := w.cosign(r.Context(), body)
	var no *refusal
	switch {
	case err == nil:
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		rw.Write(line)
	case errors.As(err, &no) && no.status == http.StatusConflict && !no.odd:
		rw.Header().Set("Content-Type", "text/x.tlog.size")
		rw.WriteHeader(no.status)
		fmt.Fprintf(rw, "%d\n", no.size)
	case errors.As(err, &no):
		http.Error(rw, no.text, no.status)
	default:
		// What went wrong inside is no business of whoever asks.
		w.Log.Error("witness: checkpoint is not signed", "error", err)
		http.Error(rw, "the witness could not keep the checkpoint", http.StatusInternalServerError)
	}
}

// checkpoint is the monitoring door: the origin goes by the SHA-256 of its name.
func (w *Witness) checkpoint(rw http.ResponseWriter, r *http.Request) {
	origin, ok := w.followed(r.PathValue("origin"))
	if !ok {
		http.NotFound(rw, r)
		return
	}
	b, err := w.latest(r.Context(), origin)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		http.Error(rw, "nothing signed yet", http.StatusNotFound)
	case err != nil:
		http.Error(rw, "the witness could not read its database", http.StatusInternalServerError)
	default:
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		rw.Header().Set("Cache-Control", "no-cache")
		rw.Write(b)
	}
}

// lastLine is the signature that note.Sign has put last.
func lastLine(signed []byte) []byte {
	return signed[bytes.LastIndexByte(signed[:len(signed)-1], '\n')+1:]
}
