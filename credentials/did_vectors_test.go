package credentials

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every did:key of the W3C CCG vectors is read: Ed25519 and P-256 are keys, and
// each of the others is refused with a reason, by the DID and by its key id.
func TestDIDKeyVectors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(corpus(t, "vc/did-method-key"), "test-vectors", "*.json"))
	if err != nil || len(files) < 6 {
		t.Fatalf("%v, %v", files, err)
	}
	ours := map[string]Algorithm{"did:key:z6Mk": EdDSA, "did:key:zDn": ES256} // as multicodec and base58 spell them
	read := map[Algorithm]int{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var vectors map[string]json.RawMessage
		if err := json.Unmarshal(b, &vectors); err != nil {
			t.Fatal(err)
		}
		if nested, ok := vectors["didDocument"]; ok { // x25519.json has its DIDs one level deeper
			vectors = nil
			if err := json.Unmarshal(nested, &vectors); err != nil {
				t.Fatal(err)
			}
		}
		for did := range vectors {
			want := Algorithm("")
			for prefix, alg := range ours {
				if strings.HasPrefix(did, prefix) {
					want = alg
				}
			}
			multikey := strings.TrimPrefix(did, "did:key:")
			key, err := ResolveDIDKey(did + "#" + multikey)
			read[want]++
			switch {
			case want != "" && (err != nil || key.Algorithm() != want || key.Multikey() != multikey):
				t.Errorf("%s of %s: %v, %v", did, filepath.Base(file), key, err)
			case want == "" && (err == nil || err.Error() == "" || VerdictOf(err).Outcome != Bad || VerdictOf(err).Check != CheckKey):
				t.Errorf("%s of %s: %v, %v, want a reason", did, filepath.Base(file), key, err)
			}
		}
	}
	if read[EdDSA] == 0 || read[ES256] == 0 || read[""] < 10 {
		t.Errorf("read %v", read)
	}
	t.Logf("%d Ed25519, %d P-256, %d others refused", read[EdDSA], read[ES256], read[""])
}
