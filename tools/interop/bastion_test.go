//go:build interop && linux

package interop

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// Our witness is reached through torchwood's litebastion, which it dials: a
// ledger that needs all of its three witnesses becomes final with it.
func TestBastion(t *testing.T) {
	dir := t.TempDir()
	authority := certify(t, dir)
	hash := fmt.Sprintf("%x", sha256.Sum256(ledgertest.Key("w3").Public().(ed25519.PublicKey)))
	write(t, filepath.Join(dir, "backends"), []byte(hash+"\n"))
	gate, front := freePort(t), freePort(t)
	args := []string{"-listen", gate, "-listen-http", front, "-tls-cert", "cert.pem", "-tls-key", "key.pem", "-backends", "backends"}
	bastion := start(t, dir, "litebastion", args...)
	bastion.answers(t, front)

	draft, _ := ledgertest.Draft()
	at := urls([]*liteWitness{startLiteWitness(t, "w1", ledgertest.Origin, draft.LogKey), startLiteWitness(t, "w2", ledgertest.Origin, draft.LogKey)})
	w := startWitness(t, "w3", ledgertest.Origin, draft.LogKey, fmt.Sprintf("  bastion: {address: '%s', ca_file: '%s'}\n", gate, authority))
	if !contains(w.said.String(), "https://"+gate+"/"+hash) {
		t.Errorf("our witness does not say where it is:\n%s", w.said.String())
	}
	at[w.name] = "http://" + front + "/" + hash
	b := startLedger(t, sqldbtest.SQLite(t), at)
	index, leaf := b.append(t, "through the bastion", 10)
	b.await(t, index, leaf)

	bastion.kill()
	index, leaf = b.append(t, "without the bastion", 1)
	time.Sleep(500 * time.Millisecond)
	if _, _, err := b.client.Receipt(ctx, index, leaf); err == nil {
		t.Error("final without the witness behind the bastion")
	}
	start(t, dir, "litebastion", args...).answers(t, front)
	b.await(t, index, leaf)
	say(t, "our witness, which dials litebastion, countersigns through it, and again after the bastion was away")
}

// certify writes a certificate of this machine's and its key, and returns the
// file of who vouches for it: itself.
func certify(t *testing.T, dir string) string {
	t.Helper()
	c := ledgertest.Certificate(t)
	private, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	return write(t, filepath.Join(dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Leaf.Raw}))
}
