//go:build pkcs11 && cgo

package pkcs11

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What people type, from the key to leaf 0 of a ledger: the tool built with the
// tag signs in the module; the one built without checks every signature, and
// says in one line that it cannot sign so itself.
func TestBinaries(t *testing.T) {
	bin, dir := t.TempDir(), t.TempDir()
	build := func(name string, env, tags string) {
		cmd := exec.Command("go", "build", "-tags", tags, "-o", filepath.Join(bin, name), "github.com/countersign-health/countersign/cmd/countersign")
		cmd.Env = append(os.Environ(), env)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	build("with", "CGO_ENABLED=1", "pkcs11")
	build("without", "CGO_ENABLED=0", "")
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("pin", pin+"\n")
	write("passphrase", "a passphrase of tests\n")
	types := func(tool, line string) (string, error) {
		cmd := exec.Command(filepath.Join(bin, tool), strings.Fields(line)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	must := func(tool, line string) string {
		t.Helper()
		out, err := types(tool, line)
		if err != nil {
			t.Fatalf("countersign %s: %v: %s", line, err, out)
		}
		return out
	}
	inside := " --pkcs11 " + module + " --token house --pin-file pin"
	made := must("with", "key create founder"+inside)
	_, kid, _ := strings.Cut(strings.TrimSpace(made), "key id  ")
	if got := must("with", "key export-public founder --as keyid"+inside); !strings.HasPrefix(kid, "did:key:z6Mk") || strings.TrimSpace(got) != kid {
		t.Errorf("made %s, exported %s", made, got)
	}
	if got := must("with", "key list"+inside); !regexp.MustCompile(`(?m)^founder +signs +module +` + kid + `$`).MatchString(got) {
		t.Errorf("listed %s, want founder, %s", got, kid)
	}
	founders := ""
	for _, name := range []string{"insurer", "hospital"} {
		must("without", "key create "+name+" --keys "+name+" --passphrase-file passphrase")
		must("without", "network party --keys "+name+" --passphrase-file passphrase --name "+name+" --role "+name+" --out "+name+".json")
		founders += " --founder " + name + ".json"
	}
	must("with", "network party --key founder"+inside+" --name board --role board --jurisdiction CA --out board.json")
	must("without", "network keys ledger --name ledger.example --out .")
	vkey := func(path string) string {
		b, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	draft := "network draft --origin ledger.example --quorum 3 --admission 2 --out draft.json --founder board.json" + founders + " --log-key " + vkey("log.vkey")
	for _, name := range []string{"w1", "w2", "w3", "w4"} {
		must("without", "network keys witness --name "+name+".example --out "+name)
		draft += " --witness " + vkey(name+"/witness.vkey")
	}
	must("without", draft)
	must("with", "network sign draft.json --key founder"+inside+" --out board.approval")
	for _, name := range []string{"insurer", "hospital"} {
		must("without", "network sign draft.json --keys "+name+" --passphrase-file passphrase --out "+name+".approval")
	}
	must("with", "network init draft.json --key founder"+inside+" --approval board.approval --approval insurer.approval --approval hospital.approval --out genesis.entry --trust trust.json")
	if out := must("without", "network show genesis.entry --trust trust.json"); !strings.Contains(out, "ledger.example") {
		t.Errorf("leaf 0 is shown as %s", out)
	}

	for _, refused := range []struct{ tool, line, want string }{
		{"without", "key create another" + inside, "countersign: key: this program was built without PKCS #11: build it with CGO_ENABLED=1 and -tags pkcs11\n"},
		{"with", "key create founder" + inside, `there is a key with the label "founder" already; check`},
		{"without", "key list" + inside, "built without PKCS #11"},
		{"with", "key create another --pkcs11 " + module + " --token house", "the token's PIN is needed; type it at a terminal, or give --pin-file FILE"},
		{"with", "key create another --pkcs11 " + module + " --pin-file pin", "--token is missing"},
		{"with", "key create another --pkcs11 /nowhere.so --token house --pin-file pin", "/nowhere.so is no PKCS #11 module, or does not load; check --pkcs11"},
		{"with", "key create another" + inside + " --keys insurer", "--keys and --pkcs11 both say where the keys are; leave one out"},
		{"with", "network sign draft.json" + inside, "the label of the key on the token is missing; name it with --key LABEL"},
		{"with", "network sign draft.json --key nobody" + inside, `no private Ed25519 key with the label "nobody"; check --pkcs11, --token and --pin-file, and see countersign key list`},
		{"with", "key export-public" + inside, "the label of the key on the token is missing; say which"},
		{"without", "key rotate founder" + inside, "built without PKCS #11"},
		{"with", "key rotate nobody" + inside, `no private Ed25519 key with the label "nobody"; see countersign key list`},
	} {
		out, err := types(refused.tool, refused.line)
		if err == nil || !strings.Contains(out, refused.want) || strings.Count(out, "\n") != 1 {
			t.Errorf("countersign %s: %v: %s", refused.line, err, out)
		}
	}
}
