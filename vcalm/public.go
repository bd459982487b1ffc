package vcalm

import (
	"fmt"
	"net/http"
	"path"
	"time"

	"github.com/countersign-health/countersign/credentials/rdfc"
	"github.com/countersign-health/countersign/docs/json"
)

// publicFor is how long others may keep what never changes under its name.
const publicFor = 24 * time.Hour

func context1(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("name") != rdfc.OurContextFile {
		http.NotFound(w, r)
		return
	}
	public(w, "application/ld+json", rdfc.OurContext())
}

func schema1(w http.ResponseWriter, r *http.Request) {
	b, err := schemas.Files.ReadFile(path.Base(r.PathValue("name")))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	public(w, "application/schema+json", b)
}

func public(w http.ResponseWriter, media string, b []byte) {
	w.Header().Set("Content-Type", media)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(publicFor.Seconds())))
	w.Write(b)
}
