//go:build pkcs11 && cgo

package cli

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

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
