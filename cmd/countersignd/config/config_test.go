package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

const example = "../countersignd.example.yaml"

// change returns the example with one line replaced, and the number of that
// line; a replacement of "" takes the line out.
func change(t *testing.T, old, with string) ([]byte, int) {
	t.Helper()
	b, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(b), old)
	if !found {
		t.Fatalf("the example has no %q", old)
	}
	return []byte(before + with + after), strings.Count(before, "\n") + 1
}

func TestExampleIsGolden(t *testing.T) {
	b, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"COUNTERSIGND_LOG_LEVEL": "warn"}
	c, err := Read(example, b, env)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	c.Show(&got, example, env)
	const golden = "testdata/example.golden"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("config check shows something else than %s (go test -update writes it):\n%s", golden, got.String())
	}
}

// Every field is in the example, so that nobody has to read Go to find it.
// What docs/joining.md has a newcomer write is a whole configuration. The page
// is typed against real houses by cmd/countersign-dev/houses.
func TestJoiningPage(t *testing.T) {
	b, err := os.ReadFile("../../../docs/joining.md")
	if err != nil {
		t.Fatal(err)
	}
	_, file, _ := strings.Cut(string(b), "cat > insurer.yaml <<END\n")
	file, _, found := strings.Cut(file, "\nEND\n")
	if !found {
		t.Fatal("the page writes no insurer.yaml")
	}
	const did = "did:key:z6MktNWXFy7fn9kNfwfvD9e2rDK3RPetS4MRKtZH8AxQzg9y"
	file = strings.NewReplacer("$COUNTERSIGN_LEDGER", "https://ledger.example", "$TEMPORAL_ADDRESS", "temporal.example:7233",
		"$board", did, "$reviewer", did).Replace(file)
	if _, err := Read("insurer.yaml", []byte(strings.Replace(file, "did: "+did, "did: did:web:board.example", 1)), nil); err != nil || !strings.Contains(file, "did: "+did) {
		t.Errorf("a board by a did:web: %v", err)
	}
	c, err := Read("insurer.yaml", []byte(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"worker", "gateway"} {
		if lacks := c.Lacks(command); len(lacks) > 0 {
			t.Errorf("%s lacks %s", command, lacks)
		}
	}
}

func TestExampleHasEveryField(t *testing.T) {
	b, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	var look func(reflect.Type)
	look = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice:
			look(typ.Elem())
		case reflect.Struct:
			for i := range typ.NumField() {
				field, _ := name(typ.Field(i))
				if field != "server_name" && !regexp.MustCompile(`(?m)^[ #-]*`+field+`:`).Match(b) {
					t.Errorf("the example has no %s", field)
				}
				look(typ.Field(i).Type)
			}
		}
	}
	look(reflect.TypeFor[Config]())
}

func TestDefaults(t *testing.T) {
	c, err := Read("x/countersignd.yaml", []byte("worker: {}\ngateway: {}\nwitness:\n  database: {dsn: 'sqlite:w.db'}\n  name: w\n  key_file: /k\n  logs:\n    - {origin: o, keys: []}\n"), nil)
	if err == nil || !strings.Contains(err.Error(), "countersignd.yaml line 8: witness.logs[0].keys: want the log's verifier key") || strings.Count(err.Error(), "\n") > 0 {
		t.Fatalf("got %v, want only the missing key", err)
	}
	dir, _ := filepath.Abs("x")
	for _, x := range []struct{ what, got, want string }{
		{"level", c.Log.Level, "info"},
		{"worker", c.Worker.Admin, "127.0.0.1:9101"},
		{"gateway", c.Gateway.Listen, "127.0.0.1:8101"},
		{"witness", c.Witness.Admin, "127.0.0.1:9105"},
		{"relative database", c.Witness.Database.DSN, "sqlite:" + filepath.Join(dir, "w.db")},
		{"absolute file", string(c.Witness.KeyFile), "/k"},
		{"lacks", strings.Join(c.Lacks("worker"), " "), "insurer network"},
		{"lacks nothing", strings.Join(c.Lacks("witness"), " "), ""},
	} {
		if x.got != x.want {
			t.Errorf("%s: got %q, want %q", x.what, x.got, x.want)
		}
	}
	if c.Drain != 25*time.Second || c.Insurer != nil {
		t.Errorf("got drain %v, insurer %v", c.Drain, c.Insurer)
	}
}

// Each mistake is one line that says where it is and what to do.
func TestBadLines(t *testing.T) {
	for _, x := range []struct{ old, with, want string }{
		{"drain: 25s", "drian: 25s", `the file has no field "drian"`},
		{"drain: 25s", "drain: 25", "drain: want a time such as 25s or 5m"},
		{"drain: 25s", "drain: -1s", "drain: want a time"},
		{"    name: board\n    passphrase_file", "    passphrase_file", "board.key.name: it is missing"},
		{"    name: board\n    passphrase_file", "    name: board\n    pkcs11: {module: /m.so, token_label: t, key_label: k, pin_file: p}\n    passphrase_file", "board.key: the key is in a key store (store, name) or in a module (pkcs11), not in both"},
		{"    name: insurer\n    passphrase_file", "    name: insurer\n    pkcs11: {module: /m.so}\n    passphrase_file", "insurer.key.pkcs11.token_label: it is missing"},
		{"drain: 25s", "drain: [25s]", "drain: want one value"},
		{"drain: 25s", "drain: null", "drain: want a value, not null"},
		{"drain: 25s", "drain: &a 25s", "drain: want one value"},
		{"drain: 25s", "log: {}", "log stands here twice"},
		{"level: info", "level: loud", "log.level: want debug, info, warn or error"},
		{"  level: info", "  - info", "log: want fields"},
		{"endpoint: http://127.0.0.1:4318 #", "endpoint: 127.0.0.1:4318 #", "tracing.endpoint: want an http(s) URL"},
		{"  endpoint: http://127.0.0.1:4318 # /v1/traces is added\n", "", "tracing.endpoint: it is missing"},
		{"sample: 1", "sample: 1.5", "tracing.sample: want a share above 0"},
		{"sample: 1", "sample: 0", "tracing.sample: want a share above 0"},
		{"sample: 1", "sample: NaN", "tracing.sample: want a share above 0"},
		{"sample: 1", "sample: some", "tracing.sample: want a number"},
		{"ledger: https://ledger.example", "ledger: ledger.example", "network.ledger: want an http(s) URL"},
		{"ledger: https://ledger.example", "ledger: https://me:secret@ledger.example", "network.ledger: want an http(s) URL without user"},
		{"store: keys\n    name: insurer", "store: keys", "insurer.key.name: it is missing"},
		{"dsn: postgres://countersign@db.example", "dsn: postgres://countersign:secret@db.example", "insurer.database.dsn: it holds a password"},
		{"dsn: postgres://countersign@db.example/books?", "dsn: postgres://countersign@db.example/books?password=secret&", "insurer.database.dsn: it holds a password"},
		{"dsn: postgres://countersign@db.example", "dsn: postgres://db.example", "password_file needs the name of the user"},
		{"dsn: postgres://countersign@db.example", "dsn: mysql://secret", "insurer.database.dsn: want sqlite:PATH or postgres://USER@HOST/NAME"},
		{"dsn: postgres://countersign@db.example/books?", "dsn: postgres://countersign@db.example/books?statement_timeout=5&", "insurer.database.dsn: statement_timeout does not go in here: set statement_timeout beside dsn"},
		{"dsn: postgres://countersign@db.example/books?", "dsn: postgres://countersign@db1:5432,db2:5432/books?", "insurer.database.dsn: want sqlite:PATH or postgres://USER@HOST/NAME; several hosts go as"},
		{"dsn: sqlite:witness.db", "dsn: postgres://w@db1,db2/witness", "witness.database.dsn: want one host"},
		{"max_open: 24", "max_open: some", "insurer.database.pool.max_open: want a number from 1 on"},
		{"max_open: 24", "max_open: 0", "insurer.database.pool.max_open: want a number from 1 on"},
		{"max_idle: 12", "max_idle: 25", "insurer.database.pool.max_idle: want no more than max_open, which is 24"},
		{"statement_timeout: 30s", "statement_timeout: 30", "insurer.database.statement_timeout: want a time"},
		{"dsn: sqlite:witness.db", "dsn: 'sqlite::memory:'", "witness.database.dsn: want the path of a file"},
		{"skip_npi_check_digit: false # true", "skip_npi_check_digit: yes # true", "insurer.edits.skip_npi_check_digit: want true or false"},
		{"payer-ours=on", "payer-our=on", `insurer.edits.switched: there is no edit "payer-our" (payer-id?)`},
		{"payer-ours=on", "claim-balance=off", "insurer.edits.switched: edit claim-balance cannot be switched off where claims are taken in"},
		{"tax_id: \"991234567\"", "tax_id: 99-1234567", "insurer.payer.tax_id: want nine digits"},
		{"state: CA", "state: California", "insurer.payer.state: want a two-letter state code"},
		{"address: temporal.example:7233", "address: temporal.example", "insurer.temporal.address: want HOST:PORT"},
		{"      cert_file: tls/client.pem\n", "", "insurer.temporal.tls: a client certificate needs cert_file and key_file both"},
		{"    tls: #", "    api_key_file: k\n    tls_: #", `insurer.temporal has no field "tls_"`},
		{"- did: did:key:", "- did: did:web:", "insurer.boards[0].did: want a did:key or a did:web"},
		{"jurisdiction: CA\n  reviewers", "jurisdiction: ca\n  reviewers", "insurer.boards[0].jurisdiction: want a two-letter state code"},
		{"- did:key:z6Mkf", "- did:web:z6Mkf", "insurer.reviewers[0]: want the reviewer's did:key"},
		{"    - did:key:z6Mkf", "    - did:key:z6MkfzAsotYPubDXP4HYhTsR5ZS2S5xpiqFy5jkCdJpQXQfb\n    - did:key:z6Mkf", "insurer.reviewers[1]: this reviewer stands here twice"},
		{"  reviewers: # this", "  reviewer: # this", `insurer has no field "reviewer"`},
		{"    - did:key:z6MktNWXFy7fn9kNfwfvD9e2rDK3RPetS4MRKtZH8AxQzg9y#", "    - x:did:key:z6MktNWXFy7fn9kNfwfvD9e2rDK3RPetS4MRKtZH8AxQzg9y#", "board.clerks[0]: want the id of a key"},
		{"admin: 127.0.0.1:9102", "admin: 127.0.0.1:8101", "gateway.admin: it is the address of the door, too"},
		{"listen: 127.0.0.1:8104", "listen: 127.0.0.1", "witness.listen: want HOST:PORT"},
		{"  # bastion:\n  #   address: bastion.example:443\n", "  bastion: {address: bastion.example}\n", "witness.bastion.address: want HOST:PORT"},
		{"  # bastion:\n  #   address: bastion.example:443\n", "  bastion: {ca_file: ca.pem}\n", "witness.bastion.address: it is missing"},
		{"- name: witness.insurer.example", "- name: witness.board.example", "ledger.witnesses[1].name: two witnesses have this name"},
		{"- origin: ledger.example", "- origin: other.example", "witness.logs[0].keys[0]: want the log's verifier key, named as its origin"},
	} {
		b, line := change(t, x.old, x.with)
		_, err := Read("/etc/countersignd.yaml", b, nil)
		if err == nil {
			t.Errorf("%q: got no error, want %q", x.with, x.want)
			continue
		}
		text := err.Error()
		if !strings.Contains(text, x.want) || strings.Contains(text, "secret") {
			t.Errorf("%q: got %q, want %q", x.with, text, x.want)
		}
		got := regexp.MustCompile(`^countersignd\.yaml line (\d+): `).FindStringSubmatch(text)
		if got == nil {
			t.Errorf("%q: got %q, which does not say where", x.with, text)
			continue
		}
		// The mistake is on the changed line or, where lines were added or left out, beside it.
		if near := lineOf(got[1]) - line; near < -2 || near > 2 {
			t.Errorf("%q: got line %s, want about %d", x.with, got[1], line)
		}
	}
}

func lineOf(s string) (n int) {
	for _, c := range s {
		n = 10*n + int(c-'0')
	}
	return n
}

func TestBadFiles(t *testing.T) {
	for _, x := range []struct{ file, want string }{
		{"", "countersignd.yaml line 1: the file is empty"},
		{"- a", "countersignd.yaml line 1: the file: want fields"},
		{"log: {level: info\nx: 1\n", "countersignd.yaml line "},
		{"log: {}\n---\nlog: {}\n", "countersignd.yaml line 2: a second document"},
		{"a: \x01", "countersignd.yaml line 1: "},
		{strings.Repeat("#", maxFile+1), "larger than"},
		{"insurer: {}", "insurer.payload_keys: it is missing: want a list"},
		{"insurer: {}", "insurer.wrapping_keys: it is missing: want a list"},
		{"insurer: {payload_keys: 1}", "insurer.payload_keys: want a list"},
	} {
		_, err := Read("countersignd.yaml", []byte(x.file), nil)
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%.20q: got %v, want %q", x.file, err, x.want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	b, _ := change(t, "drain: 25s", "drain: 25s")
	read := func(name, value string) (*Config, error) {
		return Read("countersignd.yaml", b, map[string]string{name: value})
	}
	c, err := read("COUNTERSIGND_INSURER_DATABASE_DSN", "postgres://other@db2.example/books")
	if err != nil || c.Insurer.Database.DSN != "postgres://other@db2.example/books" {
		t.Errorf("got %v, want the DSN of the environment", err)
	}
	if c, err = read("COUNTERSIGND_TRACING_SAMPLE", "0.25"); err != nil || c.Tracing.Sample != 0.25 {
		t.Errorf("got %v, want 0.25", err)
	}
	if c, err = read("COUNTERSIGND_DRAIN", "3s"); err != nil || c.Drain != 3*time.Second {
		t.Errorf("got %v, want 3s", err)
	}
	for _, x := range []struct{ name, value, want string }{
		{"COUNTERSIGND_DRIAN", "3s", "COUNTERSIGND_DRIAN: no field"},
		{"COUNTERSIGND_DRAIN", "soon", "COUNTERSIGND_DRAIN: drain: want a time"},
		{"COUNTERSIGND_BOARD_DATABASE_DSN", "postgres://u:secret@h/d", "COUNTERSIGND_BOARD_DATABASE_DSN: board.database.dsn: it holds a password"},
	} {
		_, err := read(x.name, x.value)
		if err == nil || !strings.HasPrefix(err.Error(), x.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want %q", x.name, err, x.want)
		}
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) SecretFile {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return SecretFile(path)
	}
	seed := strings.Repeat("k", 32)
	for _, x := range []struct {
		what string
		file SecretFile
		good bool
	}{
		{"the owner's", write("a", seed, 0o600), true},
		{"a group may read", write("b", seed, 0o440), true},
		{"all may read", write("c", seed, 0o644), false},
		{"a group may write", write("d", seed, 0o660), false},
		{"short", write("e", "k", 0o600), false},
		{"zeros", write("f", strings.Repeat("\x00", 32), 0o600), false},
		{"a line feed too many", write("g", seed+"\n", 0o600), false},
		{"missing", SecretFile(filepath.Join(dir, "none")), false},
	} {
		if _, err := x.file.Seed(); (err == nil) != x.good {
			t.Errorf("%s: got %v", x.what, err)
		} else if err != nil && strings.Contains(err.Error(), seed) {
			t.Errorf("%s: the error tells the secret", x.what)
		}
	}
	if got, err := write("p", "pass word\n", 0o400).Line(); err != nil || got != "pass word" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := write("q", "two\nlines\n", 0o400).Line(); err == nil {
		t.Error("two lines were taken for a password")
	}
}

func FuzzRead(f *testing.F) {
	b, err := os.ReadFile(example)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("worker: {admin: 1}\n"))
	f.Add([]byte("insurer: {boards: [{}, 1]}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Read("countersignd.yaml", b, nil)
		if err == nil {
			c.Show(&bytes.Buffer{}, "countersignd.yaml", nil)
		}
	})
}
