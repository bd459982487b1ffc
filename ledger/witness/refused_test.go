package witness_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/countersign-health/countersign/ledger/witness"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

func refusedBy(t testing.TB, url, origin string) (int, []string) {
	t.Helper()
	sum := sha256.Sum256([]byte(origin))
	resp, err := http.Get(url + "/" + hex.EncodeToString(sum[:]) + "/refused")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	var r witness.Refused
	if err := json.Unmarshal(b, &r); err != nil && resp.StatusCode == 200 {
		t.Fatal(err)
	}
	return resp.StatusCode, r.Refused
}

// What the log has signed against its own history is kept, once each, and
// across a restart. What it has not signed, or what was only badly proved, is not.
func TestRefused(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		url := serve(t, newWitness(t, open()))
		key, vkey := logKey("log")
		thief, _ := logKey("thief")
		ask := func(what, body string, want int) {
			t.Helper()
			if got, _, answer := post(t, url, body); got != want {
				t.Errorf("%s: got %d %q, want %d", what, got, answer, want)
			}
		}
		ask("the first", grow(8, 99, "").request(0, origin, key), 200)
		if code, got := refusedBy(t, url, origin); code != 200 || len(got) != 0 {
			t.Errorf("before: got %d, %d of them", code, len(got))
		}
		if code, _ := refusedBy(t, url, "log.example/b"); code != 404 {
			t.Errorf("a log it does not follow: got %d", code)
		}
		honest := grow(8, 99, "").request(8, origin, key)
		ask("the same, badly proved", strings.Replace(honest, "old 8\n", "old 8\n"+strings.Repeat("A", 43)+"=\n", 1), 422)
		ask("by a thief", grow(8, 2, "x").request(8, origin, thief), 403)
		ask("another size", grow(8, 2, "x").request(3, origin, key), 409)
		ask("a fork as large", grow(8, 2, "x").request(8, origin, key), 409)
		ask("the same fork", grow(8, 2, "x").request(8, origin, key), 409)
		ask("a larger fork", grow(9, 2, "x").request(8, origin, key), 422)
		ask("the honest one", grow(9, 99, "").request(8, origin, key), 200)
		again := serve(t, newWitness(t, open()))
		_, got := refusedBy(t, again, origin)
		if len(got) != 2 || !strings.HasPrefix(got[0], origin+"\n8\n") || !strings.HasPrefix(got[1], origin+"\n9\n") {
			t.Fatalf("got %q, want the two forks", got)
		}
		v, _ := note.NewVerifier(vkey)
		for _, signed := range got {
			if n, err := note.Open([]byte(signed), note.VerifierList(v)); err != nil || len(n.UnverifiedSigs) != 0 {
				t.Errorf("what is kept is no checkpoint that the log alone has signed: %v", err)
			}
		}
		for size := int64(10); size < 100; size++ {
			ask("many forks", grow(size, 2, "x").request(9, origin, key), 422)
		}
		if _, got := refusedBy(t, url, origin); len(got) != 64 {
			t.Errorf("got %d of them, want no more than 64", len(got))
		}
	})
}
