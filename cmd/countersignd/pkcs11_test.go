//go:build pkcs11 && cgo

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	boardclient "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/pkcs11"
	"github.com/countersign-health/countersign/credentials/pkcs11/softhsm"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/client"
)

// A board whose key is in a module licenses, and records it on the ledger. Its
// key gives way to the next one while it runs and is started again in between:
// it signs with the old key until that is handed over, then does not start
// before the next is promoted, and loses nothing.
func TestPKCS11(t *testing.T) {
	module, err := softhsm.Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &town{t: t, dir: t.TempDir(), env: []string{"SOFTHSM2_CONF=" + os.Getenv("SOFTHSM2_CONF")}}
	w.write("token.pin", []byte(softhsm.PIN+"\n"))
	w.boardKey = fmt.Sprintf("{pkcs11: {module: %s, token_label: %s, key_label: board, pin_file: token.pin}}", module, softhsm.Token)
	at := pkcs11.Config{Module: module, Token: softhsm.Token, Key: "board", PIN: func() (string, error) { return softhsm.PIN, nil }}
	key, err := pkcs11.Create(at)
	w.must(err)
	defer key.Close()
	w.board = key
	w.found()

	for _, name := range witnesses {
		w.start("witness", name, name).until(200, "")
	}
	w.start("ledger", "ledger", "ledger").until(200, "")
	house := w.start("board", "board", "board")
	house.until(200, "")
	w.recorded(w.licensed("1245319599", key), key)
	next, err := pkcs11.Prepare(at)
	w.must(err)
	defer next.Close()
	house.stop()
	house = w.start("board", "board", "board")
	house.until(200, "")
	w.recorded(w.licensed("1234567893", key), key)

	w.handOver(key, next)
	waiting := w.licensed("1679576722", key) // signed with a key that the ledger takes no more
	house.stop()
	house = w.start("board", "board", "board")
	select {
	case <-house.ended:
	case <-time.After(time.Minute):
		t.Fatal("the board runs with a key that was handed over")
	}
	if code, said := house.cmd.ProcessState.ExitCode(), house.logs.String(); code == 0 || !strings.Contains(said, "if countersign key rotate was cut off, do it again") {
		t.Errorf("started before its key is promoted: exit %d, %s", code, said)
	}
	w.must(pkcs11.Promote(at, next.KeyID()))
	w.start("board", "board", "board").until(200, "")
	w.recorded(waiting, next)
	w.recorded(w.licensed("1992999999", next), next)
}

// licensed has the board license somebody, and sees which key has signed.
func (w *town) licensed(npi string, by credentials.Signer) credentials.Handle {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	did, _ := credentials.SignerDID(w.board)
	keys := func(kid string) (credentials.Key, error) { // as the ledger would say
		_, multikey, err := credentials.ParseKeyID(kid)
		if err != nil || kid != w.board.KeyID() && kid != by.KeyID() {
			return credentials.Key{}, fmt.Errorf("nobody has the key %q", kid)
		}
		return credentials.ParseKey(multikey)
	}
	c, err := boardclient.New(boardclient.Config{URL: "http://" + w.ports["board"], Board: did, Keys: keys, Signer: w.clerk})
	w.must(err)
	a := application
	a.NPI, a.Number = credentials.NPI(npi), "A"+npi
	file, err := c.Issue(ctx, a)
	w.must(err)
	var kid string
	license, err := credentials.Open[credentials.License](file.License.Token, credentials.KindLicense, func(k string) (credentials.Key, error) {
		kid = k
		return keys(k)
	})
	w.must(err)
	if kid != by.KeyID() || license.Issuer != did {
		w.t.Errorf("signed by %s, want the key in the module, %s", kid, by.KeyID())
	}
	return license.Handle()
}

// recorded waits until the ledger has the license from that key.
func (w *town) recorded(license credentials.Handle, by credentials.Signer) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	c := client.New("http://"+w.ports["ledger"], w.policy, nil)
	for {
		all, err := c.Subject(ctx, license)
		w.must(err)
		if len(all) == 1 {
			r, err := ledger.NewRegistry(w.genesis)
			w.must(err)
			_, err = c.Participants(ctx, r)
			w.must(err)
			w.must(r.CheckAt(all[0].Proof.Index, all[0].Entry))
			if got := all[0].Entry.KeyID; got != by.KeyID() {
				w.t.Errorf("recorded by %s, want %s", got, by.KeyID())
			}
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (w *town) handOver(from, to credentials.Signer) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	h, err := ledger.NewHandover(w.genesis.Digest(), from, to)
	w.must(err)
	e, err := h.Entry()
	w.must(err)
	e.Effective = time.Now().Truncate(time.Second).UTC()
	e, err = e.Sign(from)
	w.must(err)
	c := client.New("http://"+w.ports["ledger"], w.policy, nil)
	handed, err := c.Append(ctx, "hand over "+from.KeyID(), e)
	w.must(err)
	_, _, err = c.Await(ctx, handed.Index, e.Marshal())
	w.must(err)
}
