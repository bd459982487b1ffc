//go:build pkcs11 && cgo

package main

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/pkcs11"
	"github.com/countersign-health/countersign/credentials/pkcs11/softhsm"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/client"
)

// A board whose key is in a module licenses, and records it on the ledger.
func TestPKCS11(t *testing.T) {
	module, err := softhsm.Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &town{t: t, dir: t.TempDir(), env: []string{"SOFTHSM2_CONF=" + os.Getenv("SOFTHSM2_CONF")}}
	w.write("token.pin", []byte(softhsm.PIN+"\n"))
	w.boardKey = fmt.Sprintf("{pkcs11: {module: %s, token_label: %s, key_label: board, pin_file: token.pin}}", module, softhsm.Token)
	key, err := pkcs11.Create(pkcs11.Config{Module: module, Token: softhsm.Token, Key: "board", PIN: func() (string, error) { return softhsm.PIN, nil }})
	w.must(err)
	defer key.Close()
	w.board = key
	w.found()

	for _, name := range witnesses {
		w.start("witness", name, name).until(200, "")
	}
	w.start("ledger", "ledger", "ledger").until(200, "")
	w.start("board", "board", "board").until(200, "")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	file, err := w.clerkClient().Issue(ctx, application)
	w.must(err)
	license, err := credentials.Open[credentials.License](file.License.Token, credentials.KindLicense, credentials.ResolveDIDKey)
	w.must(err)
	if did, _ := credentials.SignerDID(key); license.Issuer != did {
		t.Errorf("signed by %s, want the key in the module, %s", license.Issuer, did)
	}
	for {
		all, err := client.New("http://"+w.ports["ledger"], w.policy, nil).Subject(ctx, license.Handle())
		w.must(err)
		if len(all) == 1 {
			r, err := ledger.NewRegistry(w.genesis)
			w.must(err)
			w.must(r.CheckAt(all[0].Proof.Index, all[0].Entry))
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}
