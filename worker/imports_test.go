package worker

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module     = "github.com/countersign-health/countersign"
	pq         = "github.com/lib/pq"
	aries      = "github.com/hyperledger"
	temporalIO = "go.temporal.io"
	otel       = "go.opentelemetry.io"
	grpc       = "google.golang.org/grpc"
	jsonGold   = "github.com/piprate/json-gold"
)

// outside is what a rule must never reach: whatever can ask the world something makes a decision that the other party cannot
// replay. (go-jose, which credentials needs, stays within these bounds.)
var outside = []string{"net/http", "os/exec", "plugin", "log/slog", "database/sql", pq, aries, temporalIO, otel, "modernc.org/sqlite"}

// mustNotReach lists, for each package, what it must not depend on, directly or not. A name covers what is below it, unless it
// ends in "$".
var mustNotReach = []struct {
	folder string
	banned []string
}{
	{"credentials", append(ours("claims", "ledger", "store", "activities", "workflows", "gateway", "worker", "cli"), outside...)},
	// aries itself reaches net/http, database/sql and more, so that nothing above it can be kept from those.
	{"credentials/aries", append(ours("claims", "ledger", "store", "activities", "workflows", "gateway", "worker", "cli"), pq, temporalIO)},
	{"credentials/pkcs11", append(ours("credentials/aries", "claims", "ledger", "store", "activities", "workflows", "gateway", "worker", "cli"), outside...)},
	{"credentials/integrity", append(append(ours("credentials/aries", "credentials/rdfc", "claims", "ledger", "store", "activities", "workflows", "gateway", "worker", "cli"), jsonGold), outside...)},
	{"credentials/sdjwt", append(append(ours("credentials/aries", "credentials/rdfc", "claims", "ledger", "store", "activities", "workflows", "gateway", "worker", "cli"), jsonGold), outside...)},
	// json-gold reaches net/http for contexts that it may fetch elsewhere; here it is handed all of them.
	{"credentials/rdfc", append(ours("credentials/aries", "claims", "ledger", "store", "activities", "workflows", "gateway", "worker", "cli"), "database/sql", pq, aries, temporalIO, otel)},
	{"claims", append(ours("claims/x12", "claims/fhir", "claims/mpfs", "claims/contract", "claims/pricing", "claims/terms", "claims/promptpay", "claims/codelist", "credentials/aries", "ledger", "store", "activities", "workflows", "gateway", "worker", "cli"), outside...)},
	{"claims/codelist", append(ours("claims/x12", "claims/fhir", "credentials/aries", "ledger", "store", "activities", "workflows", "gateway", "worker", "cli"), outside...)},
	{"claims/x12", append(ours("claims/fhir", "credentials/aries", "ledger", "store", "activities", "workflows", "gateway", "worker", "cli"), outside...)},
	{"claims/fhir", append(ours("claims/x12", "credentials/aries", "ledger", "store", "activities", "workflows", "gateway", "worker", "cli"), outside...)},
	{"claims/contract", append(ours("claims/x12", "claims/fhir", "claims/mpfs", "credentials/aries", "ledger", "store", "activities", "workflows", "gateway", "worker", "cli"), outside...)},
	{"claims/terms", append(ours("claims/x12", "claims/fhir", "claims/mpfs", "claims/contract", "credentials/aries", "ledger", "store", "activities", "workflows", "gateway", "worker", "cli"), outside...)},
	{"claims/estimate", append(ours("claims/x12", "claims/fhir", "credentials/aries", "ledger", "store", "activities", "workflows", "gateway", "worker", "cli"), outside...)},
	{"claims/promptpay", append(ours("claims/x12", "claims/fhir", "claims/mpfs", "claims/contract", "credentials/aries", "ledger", "store", "activities", "workflows", "gateway", "worker", "cli"), outside...)},
	{"claims/exclusions", append(ours("claims/x12", "claims/fhir", "claims/mpfs", "claims/contract", "credentials/aries", "ledger", "store", "activities", "workflows", "gateway", "worker", "cli"), outside...)},
	{"claims/pricing", append(ours("claims/x12", "claims/fhir", "credentials/aries", "ledger", "store", "activities", "workflows", "gateway", "worker", "cli"), outside...)},
	{"claims/mpfs", append(ours("claims/x12", "claims/fhir", "credentials/aries", "ledger", "store", "activities", "workflows", "gateway", "worker", "cli"), outside...)},
	// ledger reaches net/http through torchwood, though a reader of receipts calls none of it.
	{"ledger", append(ours("ledger/operator", "ledger/witness", "ledger/client", "claims", "credentials/aries", "store", "worker", "cli"), "database/sql", pq, aries, temporalIO)},
	{"ledger/client", append(ours("ledger/operator", "ledger/witness", "claims", "store", "worker", "cli"), "database/sql", pq, aries, temporalIO)},
	{"ledger/audit", append(ours("ledger/operator", "ledger/witness", "claims", "store", "worker", "cli"), "database/sql", pq, aries, temporalIO)},
	{"ledger/operator", append(ours("ledger/witness", "claims", "worker", "cli"), aries, temporalIO)},
	{"ledger/witness", append(ours("ledger/operator", "claims", "worker", "cli"), aries, temporalIO)},
	{"books", append(ours("ledger", "store", "activities", "workflows", "gateway", "worker", "cli"), outside...)},
	{"store", append(ours("activities", "workflows", "gateway", "worker", "cli"), "net/http", aries, temporalIO)},
	// Temporal's SDK reaches database/sql/driver, which is interfaces only, through google/uuid.
	{"activities", append(ours("store", "workflows", "gateway", "worker", "cli"), "database/sql$", pq, "modernc.org/sqlite", aries)},
	{"workflows", append(ours("store", "gateway", "worker", "cli"), "database/sql$", pq, "modernc.org/sqlite", aries)},
	{"gateway", append(ours("store", "worker", "cli"), "database/sql$", pq, "modernc.org/sqlite", aries, temporalIO+"/server")},
	{"gateway/api", append(ours("store", "activities", "workflows", "worker", "cli"), "database/sql", pq, aries, temporalIO)},
	{"board", append(ours("store/sqldb/sqldbtest", "activities", "workflows", "gateway", "worker", "cli"), aries, temporalIO)},
	{"board/client", append(ours("store", "activities", "workflows", "gateway", "worker", "cli"), "database/sql", pq, aries, temporalIO)},
	{"standing", append(ours("store", "board", "activities", "workflows", "gateway", "worker", "cli"), "database/sql", pq, aries, temporalIO)},
	{"vcalm", append(ours("store", "board", "activities", "workflows", "gateway", "worker", "cli"), "database/sql", pq, aries, temporalIO)},
	{"statuslist", append(ours("claims", "ledger", "store", "board", "activities", "workflows", "gateway", "worker", "cli"), outside...)},
	{"problem", append(ours("credentials", "ledger", "store", "worker", "cli"), "database/sql", pq, aries, temporalIO)},
	{"dossier", append(ours("store", "activities", "workflows", "gateway", "worker", "cli"), "database/sql", pq, aries, temporalIO)},
	// What people run on their own machine, which talks to the doors of the houses and reads no books. (The gateway itself is
	// banned by what it reaches; gateway/api is what a client of it needs.)
	{"cli", append(ours("store", "activities", "workflows", "worker", "ledger/operator", "ledger/witness"), pq, temporalIO, grpc, otel+"/otel/sdk")},
	// Doors and clients make spans; what sends them is for commands to choose.
	{"tracing", append(ours("tracing/otlp", "credentials", "ledger", "store", "worker", "cli"), "database/sql", pq, aries, temporalIO, grpc, otel+"/otel/sdk")},
	{"tracing/otlp", append(ours("credentials", "ledger", "store", "worker", "cli"), "database/sql$", pq, aries, temporalIO, grpc)},
	// The daemon connects to a Temporal cluster; it brings none. The server's packages are cmd/countersign-dev's alone.
	{"cmd/countersignd", append(ours("cli", "store/sqldb/sqldbtest", "ledger/ledgertest"), temporalIO+"/server")},
	{"cmd/countersign", append(ours("store", "activities", "workflows", "worker", "ledger/operator", "ledger/witness"), pq, temporalIO, grpc)},
}

// onlyImporters lists who alone may import a library: its oddities stay behind one door.
var onlyImporters = map[string][]string{
	aries:                     ours("credentials/aries"),
	"github.com/miekg/pkcs11": ours("credentials/pkcs11"),
	jsonGold:                  ours("credentials/rdfc"),
	"cel.dev/cel-go":          ours("claims/terms"),
	pq:                        ours("store/sqldb"),
	"modernc.org/sqlite":      ours("store/sqldb"),
	"github.com/prometheus":   ours("cmd/countersignd/run"),
	otel + "/otel/sdk":        ours("tracing/otlp", "tracing/tracetest"),
}

func ours(folders ...string) []string {
	all := make([]string, len(folders))
	for i, f := range folders {
		all[i] = module + "/" + f
	}
	return all
}

func TestMustNotReach(t *testing.T) {
	imports := importGraph(t)
	for _, rule := range mustNotReach {
		t.Run(rule.folder, func(t *testing.T) {
			from := module + "/" + rule.folder
			if imports[from] == nil {
				if _, err := os.Stat(filepath.Join("..", rule.folder)); errors.Is(err, os.ErrNotExist) {
					t.Skip("not built yet")
				}
				t.Fatal("no package there")
			}
			for _, banned := range rule.banned {
				if path := pathTo(imports, from, banned); path != nil {
					t.Errorf("%s must not reach %s, but does: %s", rule.folder, banned, strings.Join(path, " -> "))
				}
			}
		})
	}
}

func TestOnlyImporters(t *testing.T) {
	for from, imported := range importGraph(t) {
		if !within(from, module) {
			continue
		}
		for _, to := range imported {
			for library, allowed := range onlyImporters {
				if within(to, library) && !slices.Contains(allowed, from) {
					t.Errorf("%s imports %s; only %s may", from, to, strings.Join(allowed, ", "))
				}
			}
		}
	}
}

// TestPathTo shows that the guard sees what it should: a guard that never fires guards nothing.
func TestPathTo(t *testing.T) {
	imports := map[string][]string{"m/a": {"m/b", "net"}, "m/b": {"m/c"}, "m/c": {"net/http", "m/a"}, "m/bb": nil}
	for _, test := range []struct{ from, to, want string }{
		{"m/a", "net/http", "m/a m/b m/c net/http"},
		{"m/a", "m/b", "m/a m/b"},
		{"m/a", "net$", "m/a net"},
		{"m/b", "m$", ""},
		{"m/a", "net", "m/a net"},
		{"m/a", "m/bb", ""},
		{"m/a", "m/a", ""}, // itself is no dependency
		{"m/bb", "net", ""},
	} {
		if got := strings.Join(pathTo(imports, test.from, test.to), " "); got != test.want {
			t.Errorf("%s to %s: got %q, want %q", test.from, test.to, got, test.want)
		}
	}
}

// importGraph is what every package of the module, and every package that these need, imports. Tests are left out.
func importGraph(t *testing.T) map[string][]string {
	t.Helper()
	list := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports", "./...")
	list.Dir = ".."
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	imports := map[string][]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err == io.EOF {
			return imports
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		imports[p.ImportPath] = append([]string{}, p.Imports...) // never nil: nil means unknown
	}
}

// pathTo is a shortest way from a package to another, or to one below it; nil where there is none.
func pathTo(imports map[string][]string, from, to string) []string {
	cameFrom := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range imports[queue[0]] {
			if _, seen := cameFrom[next]; seen {
				continue
			}
			cameFrom[next] = queue[0]
			if within(next, to) {
				var path []string
				for at := next; at != ""; at = cameFrom[at] {
					path = append([]string{at}, path...)
				}
				return path
			}
			queue = append(queue, next)
		}
	}
	return nil
}

func within(pkg, folder string) bool {
	if alone, ok := strings.CutSuffix(folder, "$"); ok {
		return pkg == alone
	}
	return pkg == folder || strings.HasPrefix(pkg, folder+"/")
}
