package operator

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// packers are kept, since each holds some hundred kilobytes of tables.
var packers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // a constant, valid level
	return w
}}

// serveBundle compresses a bundle of entries for whoever takes gzip, as
// c2sp.org/tlog-tiles has it. That halves it; more effort gains nothing, since
// the other half is digests and signatures.
func serveBundle(w http.ResponseWriter, r *http.Request, b []byte) {
	w.Header().Set("Vary", "Accept-Encoding")
	if takesGzip(r.Header.Values("Accept-Encoding")) {
		w.Header().Set("Content-Encoding", "gzip")
		var packed bytes.Buffer
		p := packers.Get().(*gzip.Writer)
		p.Reset(&packed)
		p.Write(b)
		p.Close()
		packers.Put(p)
		b = packed.Bytes()
	}
	forEver(w, "application/octet-stream", b)
}

// takesGzip reads Accept-Encoding (RFC 9110, section 12.5.3). Whoever says
// nothing of gzip gets the bytes as they are.
func takesGzip(values []string) bool {
	for _, coding := range strings.Split(strings.Join(values, ","), ",") {
		name, params, _ := strings.Cut(coding, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		weight, weighted := strings.CutPrefix(strings.ToLower(strings.TrimSpace(params)), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		return !weighted || err == nil && q > 0
	}
	return false
}
