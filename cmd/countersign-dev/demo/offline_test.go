package demo_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/countersign-health/countersign/cli"
	"github.com/countersign-health/countersign/dossier"
)

// root of the repository, as seen from here.
const root = "../../.."

// countersign builds the binary that people verify with.
func countersign(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "countersign")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "./cmd/countersign")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build countersign: %v\n%s", err, out)
	}
	return binary
}

// TestOffline verifies the dossier from another place, in new processes without
// an environment, each in a network namespace of its own in which nothing is up.
func TestOffline(t *testing.T) {
	s := builtIn(t)
	copied := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.CopyFS(copied, os.DirFS(s.out)); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The look for a network does find the one of this process.
	if out, code, err := ends(exec.Command(self, "without-network", l.Addr().String(), "/bin/true")); err != nil || code != networkFound {
		t.Fatalf("with a network: exit %d, %s (%v)", code, out, err)
	}
	binary := countersign(t)
	for _, args := range [][]string{
		{binary, "verify", "--json", copied},
		{binary, "verify", "--json", "--trust", filepath.Join(copied, dossier.TrustFile), copied},
		{self, "verify", "--json", copied}, // what countersign-dev starts
	} {
		out, code, err := ends(offline(t, exec.Command(self, append([]string{"without-network", l.Addr().String()}, args...)...)))
		if err != nil {
			t.Fatal(err)
		}
		if code != 0 {
			t.Errorf("%v: exit %d: %s", args[1:], code, out)
			continue
		}
		var r dossier.Report
		if err := json.Unmarshal(out, &r); err != nil {
			t.Fatalf("%v: %v: %s", args[1:], err, out)
		}
		if !r.OK() || r.Verified != 16 || r.Reproduced != 16 || r.Decisions != 16 || r.TrustGiven != (len(args) > 4) {
			t.Errorf("%v: %+v", args[1:], r)
		}
		if len(r.Unsigned) != 1 || r.Unsigned[0] != dossier.SummaryFile {
			t.Errorf("%v: unsigned %v, want summary.json alone", args[1:], r.Unsigned)
		}
	}
}

// offline has a command run in a network namespace of its own.
func offline(t *testing.T, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Getuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
	}
	try := exec.Command("/bin/true")
	try.SysProcAttr = attr
	if err := try.Run(); err != nil {
		t.Skipf("this kernel lets us make no network namespace, so that nothing is shown here: %v", err)
	}
	cmd.SysProcAttr = attr
	return cmd
}

// TestYearLater verifies the dossier at other times, by clocks that every call
// of time.Now obeys: the report is the same, to the byte.
func TestYearLater(t *testing.T) {
	s := builtIn(t)
	report := func() []byte {
		var out, told bytes.Buffer
		if code := cli.Run(t.Context(), []string{"verify", "--json", s.out}, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &told}); code != 0 {
			t.Errorf("exit %d: %s%s", code, out.Bytes(), told.Bytes())
		}
		return out.Bytes()
	}
	now := time.Now()
	want := report()
	synctest.Test(t, func(t *testing.T) {
		// The clock starts at midnight, 2000-01-01: long before there was anything to verify.
		for _, at := range []time.Time{time.Now(), now.AddDate(1, 0, 0), now.AddDate(50, 0, 0)} {
			time.Sleep(time.Until(at))
			if got := time.Now(); !got.Equal(at) {
				t.Fatalf("the clock says %v, want %v", got, at)
			}
			if got := report(); !bytes.Equal(got, want) {
				t.Errorf("at %v verify says\n%s\nand today\n%s", at, got, want)
			}
		}
	})
}

// TestNoClock: what verifying is made of does not even name a clock.
func TestNoClock(t *testing.T) {
	clock := map[string]bool{"Now": true, "Since": true, "Until": true, "After": true, "AfterFunc": true, "Tick": true, "NewTicker": true, "NewTimer": true, "Sleep": true}
	for _, folder := range []string{"dossier", "ledger", "claims", "claims/x12", "credentials"} {
		files := 0
		for _, name := range sources(t, filepath.Join(root, folder)) {
			files++
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if p, ok := s.X.(*ast.Ident); ok && p.Name == "time" && clock[s.Sel.Name] {
						t.Errorf("%s: time.%s", set.Position(n.Pos()), s.Sel.Name)
					}
				}
				return true
			})
		}
		if files == 0 {
			t.Errorf("no source in %s", folder)
		}
	}
}

// sources are the Go files of one folder that are no tests.
func sources(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range list {
		if !strings.HasSuffix(name, "_test.go") {
			names = append(names, filepath.Join(dir, name))
		}
	}
	return names
}
