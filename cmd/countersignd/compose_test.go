package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/cli"
)

const root = "../.."

// asTool makes this test binary be countersign, before TestMain looks.
const asTool = "TEST_AS_COUNTERSIGN"

func init() {
	if os.Getenv(asTool) != "" {
		os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
}

func hostPort(port uint32) string { return fmt.Sprint(port) }

// deployed is a copy of docker-compose.yml and deploy, with secrets as
// make-secrets.sh makes them.
func deployed(t *testing.T) string {
	t.Helper()
	dir, bin := t.TempDir(), t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	from, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	shell(t, dir, `tar -C "$0" --exclude=deploy/secrets --exclude=deploy/secrets.new -cf - docker-compose.yml Dockerfile deploy | tar xf -`, from)
	if err := os.WriteFile(filepath.Join(bin, "countersign"), fmt.Appendf(nil, "#!/bin/sh\n%s=1 exec '%s' \"$@\"\n", asTool, self), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	shell(t, dir, "deploy/make-secrets.sh")
	return dir
}

func shell(t *testing.T, dir, script string, args ...string) string {
	t.Helper()
	cmd := exec.Command("sh", append([]string{"-ec", script}, args...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

func TestComposition(t *testing.T) {
	dir := deployed(t)
	for _, problem := range checkComposition(dir) {
		t.Error(problem)
	}
	t.Run("the reviewer", func(t *testing.T) {
		did := shell(t, dir, `sed -n 's/^ *"did": "\(.*\)".*/\1/p' deploy/secrets/founding/reviewer.json`)
		b, err := os.ReadFile(filepath.Join(dir, "deploy/secrets/insurer/insurer.yaml"))
		if want := "  reviewers:\n    - " + strings.TrimSpace(did) + "\n"; err != nil || did == "" || !strings.Contains(string(b), want) {
			t.Errorf("insurer.yaml has no %q (%v):\n%s", want, err, b)
		}
	})
	t.Run("again", func(t *testing.T) {
		out, err := exec.Command(filepath.Join(dir, "deploy/make-secrets.sh")).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "is there already") {
			t.Errorf("got %v, want that nothing is replaced:\n%s", err, out)
		}
	})
	const compose, insurer, ledger = "docker-compose.yml", "deploy/secrets/insurer/insurer.yaml", "deploy/secrets/ledger/ledger.yaml"
	for _, x := range []struct{ what, file, old, with, want string }{
		{"no version", compose, "postgres:16.10-bookworm", "postgres:latest", `image "postgres:latest": want a version`},
		{"the old image", compose, "temporalio/server:", "temporalio/auto-setup:", "is no longer made"},
		{"an unknown flag", compose, "[worker, --config,", "[worker, --conf,", `worker: command ["worker" "--conf"`},
		{"an unknown command", compose, "[gateway, --config,", "[gatewya, --config,", "gateway: command"},
		{"another section's file", compose, "[board, --config, /etc/countersign/board.yaml]", "[witness, --config, /etc/countersign/board.yaml]", "lacks [witness]"},
		{"an unknown variable", compose, "COUNTERSIGND_WITNESS_NAME: witness.auditor.example", "COUNTERSIGND_WITNESS_NAM: witness.auditor.example", "COUNTERSIGND_WITNESS_NAM: no field"},
		{"a password in the environment", compose, "COUNTERSIGND_WITNESS_NAME: witness.auditor.example", "PGPASSWORD: x", "does not read PGPASSWORD"},
		{"a variable that Temporal does not read", compose, "NUM_HISTORY_SHARDS:", "HISTORY_SHARDS:", "does not read HISTORY_SHARDS"},
		{"too few connections", compose, "max_connections=300", "max_connections=250", "max_connections is 250, and all together may want 258"},
		{"the default of connections", compose, "    command: [postgres, -c, max_connections=300]\n", "", "max_connections is 100"},
		{"open to the network", compose, "127.0.0.1:8101:8101", "8101:8101", `gateway: port 8101 is published on "": want 127.0.0.1`},
		{"open to the network, in words", compose, "127.0.0.1:8080:8080", "0.0.0.0:8080:8080", "temporal-ui: port 8080 is published on"},
		{"another port", compose, "127.0.0.1:8103:8103", "127.0.0.1:8103:8104", `port 8103:8104 is published, and it listens on "0.0.0.0:8103"`},
		{"the admin port", compose, "127.0.0.1:8102:8102", "127.0.0.1:9103:9103", "board: port 9103:9103 is published"},
		{"asks another's health", compose, "http://127.0.0.1:9104/readyz", "http://127.0.0.1:9103/readyz", "ledger: health check asks"},
		{"asks no health", compose, "http://127.0.0.1:9101/readyz", "http://127.0.0.1:9101/ready", "worker: health check asks"},
		{"asks by a shell", compose, `[CMD, /countersignd, probe, "http://127.0.0.1:9102/readyz"]`, "[CMD-SHELL, curl http://127.0.0.1:9102/readyz]", "gateway: want a health check by CMD"},
		{"a secret is not mounted", compose, "business.key, payload-1.key, wrapping-1.key]", "business.key, payload-1.key]", "/run/secrets/wrapping-1.key is not mounted"},
		{"a secret too many", compose, "secrets: [board.password]", "secrets: [board.password, log.key]", "/run/secrets/log.key is mounted, and migrate up opens no such file"},
		{"another witness's key", compose, "source: witness-auditor.key", "source: witness-board.key", "the genesis names no witness with this name and key"},
		{"another role's password", compose, "board.password: {file: ./deploy/secrets/board/board.password}", "board.password: {file: ./deploy/secrets/board/nobody.password}", "nobody.password"},
		{"keys that can be written", compose, "insurer/keys:/etc/countersign/keys:ro", "insurer/keys:/etc/countersign/keys", "can be written"},
		{"a volume that is gone", compose, "- witness-auditor:/var/lib/countersign", "- witness-auditor:/var/lib/elsewhere", "/var/lib/countersign is not mounted"},
		{"a cycle", compose, "networks: [databases, insurer]\n", "networks: [databases, insurer]\n    depends_on: [temporal]\n", "dependency cycle"},
		{"waits for ever", compose, "migrate-ledger: {condition: service_completed_successfully}", "migrate-ledger: {condition: service_healthy}", "ledger: waits for migrate-ledger"},
		{"privileged", compose, "shm_size: 128mb", "privileged: true", "more privileges"},
		{"killed too soon", compose, "stop_grace_period: 40s", "stop_grace_period: 20s", "longer than drain"},
		{"no network in common", compose, "networks: [insurer, street]", "networks: [databases, street]", "worker: insurer.temporal.address: it shares no network"},
		{"another house at Temporal", compose, "networks: [databases, street]", "networks: [databases, street, insurer]", "board: shares the network insurer with temporal"},
		{"no field of it", insurer, "business_key_file:", "busines_key_file:", `has no field "busines_key_file"`},
		{"a ledger at another port", insurer, "http://ledger:8103", "http://ledger:8102", "network.ledger: ledger does not listen on 8102"},
		{"Temporal nowhere", insurer, "temporal:7233", "temporal.example:7233", `there is no service "temporal.example"`},
		{"a namespace that nobody makes", insurer, "namespace: insurer", "namespace: other", "no service makes the namespace other"},
		{"a database that nobody makes", insurer, "postgres/books", "postgres/book", "no service makes insurer:book"},
		{"a door for nobody", ledger, "0.0.0.0:8103", "127.0.0.1:8103", "ledger does not listen on 8103 for others"},
		{"witnesses exchanged", ledger, "http://witness-board:", "http://witness-insurer:", "witness-insurer has another name"},
		{"admin for all", ledger, "admin: 127.0.0.1:9104", "admin: 0.0.0.0:9104", "ledger: admin address 0.0.0.0:9104"},
		{"another trust file", "deploy/secrets/founding/trust.json", `"genesis":"`, `"genesis":"0`, "network.trust"},
	} {
		t.Run(x.what, func(t *testing.T) {
			copied := t.TempDir()
			shell(t, copied, `cp -a "$0"/. .`, dir)
			file := filepath.Join(copied, x.file)
			b, err := os.ReadFile(file)
			if err != nil || !strings.Contains(string(b), x.old) {
				t.Fatalf("%s has no %q (%v)", x.file, x.old, err)
			}
			if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(b), x.old, x.with)), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(checkComposition(copied), "\n"); !strings.Contains(got, x.want) {
				t.Errorf("got %q, want %q", got, x.want)
			}
		})
	}
	t.Run("a key that all can read", func(t *testing.T) {
		if err := os.Chmod(filepath.Join(dir, "deploy/secrets/ledger/log.key"), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(checkComposition(dir), "\n"); !strings.Contains(got, "can be read by others") {
			t.Errorf("got %q", got)
		}
	})
}

// What is committed is an example that can be checked by itself.
func TestDeployConfigurations(t *testing.T) {
	files, err := filepath.Glob(root + "/deploy/*.yaml")
	if err != nil || len(files) != 4 {
		t.Fatalf("got %v, %v", files, err)
	}
	for _, file := range files {
		if out, err := command("config", "check", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
}

func TestDockerfile(t *testing.T) {
	b, err := os.ReadFile(root + "/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	goMod, err := os.ReadFile(root + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\S+)$`).FindSubmatch(goMod)[1]
	build, final, _ := strings.Cut(string(b), "\nFROM scratch\n")
	for _, want := range []string{"\nFROM golang:" + string(version) + "-", "CGO_ENABLED=0", "./cmd/countersignd ./cmd/countersign\n"} {
		if !strings.Contains(build, want) {
			t.Errorf("Dockerfile: the build has no %q", want)
		}
	}
	for _, want := range []string{"/etc/ssl/certs/ca-certificates.crt\n", "\nUSER 65532:65532\n", "\nENTRYPOINT [\"/countersignd\"]\n", "--chown=65532:65532 /out/data /var/lib/countersign\n"} {
		if !strings.Contains(final, want) {
			t.Errorf("Dockerfile: what runs has no %q", want)
		}
	}
	if strings.Contains(final, "\nFROM ") || strings.Contains(final, "\nRUN ") {
		t.Error("Dockerfile: scratch is not its last stage")
	}
	ignored, err := os.ReadFile(root + "/.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(ignored), "\n") // secrets never reach the engine
	if slices.Index(lines, "*") < 0 || slices.Contains(lines, "!deploy") || slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "!*") }) {
		t.Error(".dockerignore may let deploy/secrets through")
	}
	packages := shell(t, root, `go list -deps -f '{{if .Module}}{{if .Module.Main}}{{.ImportPath}}{{end}}{{end}}' ./cmd/countersignd ./cmd/countersign`)
	for _, path := range strings.Fields(packages) {
		if folder := strings.Split(path, "/")[3]; !slices.Contains(lines, "!"+folder) {
			t.Errorf(".dockerignore leaves out %s, which %s is in", folder, path)
		}
	}
	git, err := os.ReadFile(root + "/.gitignore")
	if err != nil || !strings.Contains(string(git), "\n/deploy/secrets/\n") {
		t.Errorf(".gitignore does not name deploy/secrets (%v)", err)
	}
}

func TestProbe(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			w.WriteHeader(503)
		}
		fmt.Fprintln(w, "it waits for the ledger")
	}))
	defer s.Close()
	for _, x := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"probe", s.URL + "/readyz"}, 0, "it waits for the ledger\n"},
		{[]string{"probe", s.URL + "/other"}, 1, "countersignd: probe: 503 Service Unavailable: it waits for the ledger\n"},
		{[]string{"probe", "http://127.0.0.1:1/readyz"}, 1, "connection refused"},
		{[]string{"probe", "127.0.0.1:9101"}, 2, "want one URL"},
		{[]string{"probe"}, 2, "want one URL"},
		{[]string{"probe", s.URL, s.URL}, 2, "want one URL"},
	} {
		cmd := command(x.args...)
		cmd.Env = append(cmd.Env, "HTTP_PROXY=http://127.0.0.1:1")
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != x.code || !strings.Contains(string(out), x.want) {
			t.Errorf("%v: got exit %d, want %d and %q:\n%s", x.args, got, x.code, x.want, out)
		}
	}
}
