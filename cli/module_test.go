//go:build pkcs11 && cgo

package cli

import (
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/pkcs11/softhsm"
)

// The script founds a ledger with a founder whose key is in a module, and
// replaces that key.
func TestPKCS11(t *testing.T) {
	module, err := softhsm.Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := foundingScripts("testdata/module")
	p.Setup = func(e *testscript.Env) error {
		e.Vars = append(e.Vars, "MODULE="+module, "TOKEN="+softhsm.Token, "SOFTHSM2_CONF="+os.Getenv("SOFTHSM2_CONF"))
		return os.WriteFile(e.WorkDir+"/pin", []byte(softhsm.PIN+"\n"), 0o600)
	}
	testscript.Run(t, p)
}

// A module is asked once for the secret of the salts, not for each document: it
// signs slowly, and an SD-JWT is salted by each of its parts.
func TestPKCS11Salts(t *testing.T) {
	module, err := softhsm.Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pin := t.TempDir() + "/pin"
	if err := os.WriteFile(pin, []byte(softhsm.PIN+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &run{Streams: Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}}
	var set flag.FlagSet
	for name, value := range map[string]string{"pkcs11": module, "token": softhsm.Token, "pin-file": pin, "keys": ""} {
		set.String(name, value, "")
	}
	c := urfave.NewContext(urfave.NewApp(), &set, nil)
	if _, err := r.moduleCreate(c, "salts"); err != nil {
		t.Fatal(err)
	}
	opened, err := r.moduleSigner(c, "salts", "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.module(c, "")
	if err != nil {
		t.Fatal(err)
	}
	named, err := moduleKeys(m).Signer("salts")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []credentials.Signer{opened, named} {
		if credentials.Salting(s) != s {
			t.Errorf("%T makes its secret anew for each document", s)
		}
	}
}
