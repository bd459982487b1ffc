package operator

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/store/sqldb"
)

const (
	maxWait      = 30 * time.Second // of a request for a receipt
	readTimeout  = 15 * time.Second // for the body of an append
	maxListed    = 256
	appendAnswer = 30 * time.Second
)

// KeyHeader carries the SHA-256, in hexadecimal, of the issuer's own name for
// the event that an entry records.
const KeyHeader = "Idempotency-Key"

// Handler serves the ledger:
//
//	POST /entries                 append; KeyHeader and the entry's bytes
//	POST /batches                 append several, up to the first that is refused (ledger.MarshalKeyed)
//	GET  /entries/INDEX           one leaf, once it is final
//	GET  /entries?subject=HANDLE  (or kind=NAME) final entries, after=INDEX to go on
//	GET  /receipts/INDEX          its receipt; wait=10s to wait for it
//	POST /receipts                receipts of several entries, as far as these are final
//	GET  /lookup/KEY              the index of an idempotency key, final or not
//	GET  /checkpoint, /tile/…     c2sp.org/tlog-tiles
//
// Nothing but lookup shows what is not final. Run it behind a server with
// timeouts for headers and idle connections.
func (l *Log) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /entries", l.serveAppend)
	mux.HandleFunc("POST /batches", l.serveBatch)
	mux.HandleFunc("GET /entries", l.serveList)
	mux.HandleFunc("GET /entries/{index}", l.serveEntry)
	mux.HandleFunc("GET /receipts/{index}", l.serveReceipt)
	mux.HandleFunc("POST /receipts", l.serveReceipts)
	mux.HandleFunc("GET /lookup/{key}", l.serveLookup)
	mux.HandleFunc("GET /checkpoint", l.serveCheckpoint)
	mux.HandleFunc("GET /tile/", l.serveTile)
	return mux
}

// fail answers with a code for programs and a sentence for people.
func (l *Log) fail(w http.ResponseWriter, err error) {
	status, code, text := l.tell(err)
	if code == "try-again" || code == "not-final" {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, status, map[string]string{"code": code, "error": text})
}

func (l *Log) tell(err error) (status int, code, text string) {
	status, code, text = http.StatusServiceUnavailable, "try-again", "the ledger cannot do that now, try again"
	switch {
	case errors.Is(err, ErrKeyReuse):
		status, code, text = http.StatusConflict, "key-reuse", err.Error()
	case errors.Is(err, ledger.ErrRetired):
		status, code, text = http.StatusForbidden, "retired", err.Error()
	case errors.Is(err, ledger.ErrMayNot), errors.Is(err, ledger.ErrUnknownIssuer):
		status, code, text = http.StatusForbidden, "refused", err.Error()
	case errors.Is(err, ErrRefused):
		status, code, text = http.StatusBadRequest, "refused", err.Error()
	case errors.Is(err, ErrNotFinal):
		status, code, text = http.StatusNotFound, "not-final", "not final yet, try again"
	case errors.Is(err, ErrNotFound):
		status, code, text = http.StatusNotFound, "not-found", err.Error()
	case errors.Is(err, errAhead), errors.Is(err, errForked):
		code, text = "halted", err.Error()
	default:
		l.logger.Error("serve ledger", "error", err)
	}
	return status, code, text
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func (l *Log) serveAppend(w http.ResponseWriter, r *http.Request) {
	business, err := credentials.ParseDigest(r.Header.Get(KeyHeader))
	if err != nil {
		l.fail(w, fmt.Errorf("%w: header %s: %w", ErrRefused, KeyHeader, err))
		return
	}
	leaf, ok := l.readBody(w, r, ledger.MaxEntry, "an entry has at most 65535 bytes")
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), appendAnswer)
	defer cancel()
	a, err := l.Append(ctx, business, leaf)
	if err != nil {
		l.fail(w, err)
		return
	}
	writeJSON(w, http.StatusOK, a)
}

// readBody reads a body of at most so many bytes, or answers that it will not.
func (l *Log) readBody(w http.ResponseWriter, r *http.Request, most int64, tooLarge string) (b []byte, ok bool) {
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(readTimeout))
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	http.NewResponseController(w).SetReadDeadline(time.Time{}) // or it would cut the wait for the commit short
	var larger *http.MaxBytesError
	switch {
	case errors.As(err, &larger):
		writeJSON(w, http.StatusRequestEntityTooLarge, map[string]string{"code": "refused", "error": tooLarge})
	case err != nil:
		l.fail(w, err)
	}
	return b, err == nil
}

// serveBatch answers for the entries up to the first that was refused, with
// why that one was; the status is the refused one's.
func (l *Log) serveBatch(w http.ResponseWriter, r *http.Request) {
	body, ok := l.readBody(w, r, ledger.MaxKeyedBytes, fmt.Sprintf("at most %d bytes in one request", ledger.MaxKeyedBytes))
	if !ok {
		return
	}
	all, err := ledger.ParseKeyed(body)
	if err != nil {
		l.fail(w, fmt.Errorf("%w: %w", ErrRefused, err))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), appendAnswer)
	defer cancel()
	done, err := l.AppendAll(ctx, all)
	status, answer := http.StatusOK, map[string]any{"appended": done}
	if err != nil {
		status, answer["code"], answer["error"] = l.tell(err)
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, status, answer)
}

func parseIndex(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != s {
		return 0, fmt.Errorf("%w: an index is a number from 0 on", ErrRefused)
	}
	return n, nil
}

func (l *Log) serveReceipt(w http.ResponseWriter, r *http.Request) {
	index, err := parseIndex(r.PathValue("index"))
	wait, wrong := parseWait(r)
	if err = errors.Join(err, wrong); err != nil {
		l.fail(w, err)
		return
	}
	b, err := l.Receipt(r.Context(), index, wait)
	if err != nil {
		l.fail(w, err)
		return
	}
	forEver(w, "text/plain; charset=utf-8", b)
}

func parseWait(r *http.Request) (time.Duration, error) {
	s := r.URL.Query().Get("wait")
	if s == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(s)
	if err != nil || wait < 0 {
		return 0, fmt.Errorf("%w: wait is a duration such as 10s", ErrRefused)
	}
	return min(wait, maxWait), nil
}

func (l *Log) serveReceipts(w http.ResponseWriter, r *http.Request) {
	body, ok := l.readBody(w, r, 64<<10, "at most 65536 bytes")
	if !ok {
		return
	}
	wait, err := parseWait(r)
	var indices []int64
	if err == nil {
		indices, err = parseIndices(body)
	}
	var all []Covered
	if err == nil {
		all, err = l.Receipts(r.Context(), indices, wait)
	}
	if err != nil {
		l.fail(w, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, map[string]any{"covered": all})
}

func parseIndices(body []byte) ([]int64, error) {
	var ask struct{ Indices []int64 }
	if err := json.Unmarshal(body, &ask); err != nil || len(ask.Indices) == 0 || len(ask.Indices) > ledger.MaxKeyed {
		return nil, fmt.Errorf("%w: want {\"indices\": […]}, 1 to %d of them", ErrRefused, ledger.MaxKeyed)
	}
	last := int64(-1)
	for _, i := range ask.Indices {
		if i <= last {
			return nil, fmt.Errorf("%w: indices are numbers from 0 on, in ascending order", ErrRefused)
		}
		last = i
	}
	return ask.Indices, nil
}

func forEver(w http.ResponseWriter, contentType string, b []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Write(b)
}

func (l *Log) serveEntry(w http.ResponseWriter, r *http.Request) {
	index, err := parseIndex(r.PathValue("index"))
	if err == nil && index >= l.final.size() {
		err = ErrNotFinal
	}
	var leaf []byte
	if err == nil {
		err = l.db.Read(r.Context(), func(tx *sqldb.Tx) error {
			return tx.QueryRow(`SELECT leaf FROM ledger_entry WHERE idx = $1`, index).Scan(&leaf)
		})
	}
	if err != nil {
		l.fail(w, err)
		return
	}
	forEver(w, "application/octet-stream", leaf)
}

func (l *Log) serveLookup(w http.ResponseWriter, r *http.Request) {
	key, err := credentials.ParseDigest(r.PathValue("key"))
	if err != nil {
		l.fail(w, fmt.Errorf("%w: key: %w", ErrRefused, err))
		return
	}
	a := Appended{Key: key}
	err = l.db.QueryRow(r.Context(), `SELECT idx FROM ledger_entry WHERE key = $1`, key[:]).Scan(&a.Index)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		l.fail(w, err)
		return
	}
	writeJSON(w, http.StatusOK, a)
}

// A listed entry is one of GET /entries?subject=….
type listed struct {
	Index int64  `json:"index"`
	Leaf  []byte `json:"leaf"`
}

func (l *Log) serveList(w http.ResponseWriter, r *http.Request) {
	column, value, after, err := listQuery(r)
	if err != nil {
		l.fail(w, err)
		return
	}
	list, err := l.list(r.Context(), column, value, after)
	if err != nil {
		l.fail(w, err)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	writeJSON(w, http.StatusOK, map[string]any{"entries": list, "more": len(list) == maxListed})
}

func listQuery(r *http.Request) (column string, value any, after int64, err error) {
	after = -1
	if s := r.FormValue("after"); s != "" {
		if after, err = parseIndex(s); err != nil {
			return "", nil, 0, err
		}
	}
	subject, kind := r.FormValue("subject"), r.FormValue("kind")
	switch {
	case subject != "" && kind == "":
		h, err := credentials.ParseHandle(subject)
		if err != nil {
			return "", nil, 0, fmt.Errorf("%w: subject: %w", ErrRefused, err)
		}
		return "subject", h[:], after, nil
	case kind != "" && subject == "":
		k, err := ledger.ParseKind(kind)
		if err != nil {
			return "", nil, 0, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		return "kind", int64(k), after, nil
	}
	return "", nil, 0, fmt.Errorf("%w: want subject=HANDLE or kind=NAME", ErrRefused)
}

func (l *Log) list(ctx context.Context, column string, value any, after int64) (list []listed, err error) {
	final := l.final.size()
	err = l.db.Read(ctx, func(tx *sqldb.Tx) error {
		if list, err = listIn(tx, column, value, after, final); err != nil {
			return err
		}
		// A standby that lacks final entries would leave them out unseen.
		var newest sql.NullInt64
		if err := tx.QueryRow(`SELECT max(idx) FROM ledger_entry`).Scan(&newest); err != nil {
			return err
		}
		if !newest.Valid || newest.Int64 < final-1 {
			return errBehind
		}
		return nil
	})
	return list, err
}

// errBehind is a standby that has not heard of what is final.
var errBehind = errors.New("the database that answers lacks entries that are final")

func listIn(tx *sqldb.Tx, column string, value any, after, final int64) ([]listed, error) {
	rows, err := tx.Query(`SELECT idx, leaf FROM ledger_entry WHERE `+column+` = $1 AND idx > $2 AND idx < $3 ORDER BY idx LIMIT $4`,
		value, after, final, maxListed)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []listed{}
	for rows.Next() {
		var e listed
		if err := rows.Scan(&e.Index, &e.Leaf); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

func (l *Log) serveCheckpoint(w http.ResponseWriter, r *http.Request) {
	_, signed, _ := l.final.get()
	if signed == nil {
		l.fail(w, ErrNotFinal)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Write(signed)
}

func (l *Log) serveTile(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	t, err := torchwood.ParseTilePath(path)
	if err != nil || torchwood.TilePath(t) != path || !l.published(t) { // it also reads older names of bundles
		http.NotFound(w, r)
		return
	}
	var b []byte
	if t.L == -1 {
		b, err = l.readBundle(r.Context(), t)
	} else {
		b, err = l.readTile(r.Context(), t)
	}
	switch {
	case err != nil:
		l.fail(w, err)
	case t.L == -1:
		serveBundle(w, r, b)
	default: // hashes do not compress
		forEver(w, "application/octet-stream", b)
	}
}

// published says whether the whole tile lies under the newest final
// checkpoint. What does not may still be lost, and must not be seen.
func (l *Log) published(t tlog.Tile) bool {
	size := l.final.size()
	for range max(t.L, 0) {
		size /= tileWidth
	}
	return t.N < 1<<40 && t.N*tileWidth+int64(t.W) <= size
}
