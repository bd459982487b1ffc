package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// The running board's own document is found, and the key in it is the one that
// the ledger admitted. A document that says otherwise is not believed.
func TestNetworkFind(t *testing.T) {
	env := map[string]string{}
	for _, line := range startServers(t) {
		name, value, _ := strings.Cut(line, "=")
		env[name] = value
	}
	find := func(address string) (int, string, string) {
		return typed("network", "find", address, "--loopback", "--ledger", env["COUNTERSIGN_LEDGER"], "--trust", env["COUNTERSIGN_TRUST"])
	}
	web, err := credentials.WebDID(env["COUNTERSIGN_BOARD"])
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{env["COUNTERSIGN_BOARD"], string(web)} {
		code, out, stderr := find(address)
		if code != exitDone || !strings.Contains(out, "DID    "+env["COUNTERSIGN_BOARD_DID"]+"\n") || !strings.Contains(out, "door   "+env["COUNTERSIGN_BOARD"]+"\n") {
			t.Errorf("network find %s: exit %d, %s%s", address, code, out, stderr)
		}
	}
	if code, _, stderr := typed("network", "find", string(web), "--ledger", env["COUNTERSIGN_LEDGER"], "--trust", env["COUNTERSIGN_TRUST"]); code != exitLater {
		t.Errorf("without --loopback: exit %d, %s", code, stderr)
	}

	board := ledgertest.Party("board", ledger.RoleBoard)
	stranger := ledgertest.Party("stranger", ledger.RoleBoard)
	for _, tt := range []struct {
		name, known string
		keys        []string
		code        int
		want        string
	}{
		{"the board's", string(board.DID), []string{board.Key}, exitDone, ""},
		{"another key under the board's name", string(board.DID), []string{stranger.Key}, exitCaught, "is not the key of"},
		{"another key beside the board's", string(board.DID), []string{board.Key, stranger.Key}, exitCaught, "is not the key of"},
		{"no key", string(board.DID), nil, exitCaught, "names no key"},
		{"a stranger", string(stranger.DID), []string{stranger.Key}, exitCaught, "let nobody in"},
		{"the board's key under a stranger's name", string(stranger.DID), []string{board.Key}, exitCaught, "let nobody in"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var id credentials.DID
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				methods, kids := []string{}, []string{}
				for _, key := range tt.keys {
					kid := fmt.Sprintf("%q", string(id)+"#"+key)
					methods = append(methods, fmt.Sprintf(`{"id":%s,"type":"Multikey","controller":%q,"publicKeyMultibase":%q}`, kid, id, key))
					kids = append(kids, kid)
				}
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprintf(w, `{"@context":["https://www.w3.org/ns/did/v1"],"id":%q,"alsoKnownAs":[%q],"verificationMethod":[%s],"assertionMethod":[%s]}`,
					id, tt.known, strings.Join(methods, ","), strings.Join(kids, ","))
			}))
			defer srv.Close()
			if id, err = credentials.WebDID(srv.URL); err != nil {
				t.Fatal(err)
			}
			if code, out, stderr := find(srv.URL); code != tt.code || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit %d, %s%s; want %d and %q", code, out, stderr, tt.code, tt.want)
			}
		})
	}
	for _, bad := range []string{"did:key:z6Mk", "ftp://x", "board.example"} {
		if code, _, stderr := find(bad); code != exitRefused {
			t.Errorf("network find %s: exit %d, %s", bad, code, stderr)
		}
	}
}
