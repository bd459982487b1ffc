package cli

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// What docs/vc-api.md types prints what it says.
func TestVCPage(t *testing.T) {
	for _, program := range []string{"curl", "jq"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not here", program)
		}
	}
	page, err := os.ReadFile("../docs/vc-api.md")
	if err != nil {
		t.Fatal(err)
	}
	env := startServers(t)
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	code, out, stderr := typed("license", "issue", "--npi", "2999002019", "--name", "Ada Testcase", "--state", "CA", "--profession", "MD",
		"--number", "CA-V-1", "--from", "2021-01-01", "--until", "2199-12-31", "--key", "clerk")
	handle := regexp.MustCompile(`handle   ([0-9a-f]{64})`).FindStringSubmatch(out)
	if code != exitDone || handle == nil {
		t.Fatalf("exit %d: %s%s", code, out, stderr)
	}
	t.Setenv("HANDLE", handle[1])
	t.Setenv("BOARD", os.Getenv("COUNTERSIGN_BOARD"))
	dir := t.TempDir()
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 2 {
		t.Fatalf("%d examples", len(blocks))
	}
	for _, b := range blocks {
		sh := exec.Command("sh", "-eu")
		sh.Dir, sh.Stdin = dir, strings.NewReader(b[1])
		got, err := sh.CombinedOutput()
		if err != nil {
			t.Fatalf("%s\n%s\n%v", b[1], got, err)
		}
		rest := string(got)
		for _, want := range regexp.MustCompile(`(?m)^# prints (.*)$`).FindAllStringSubmatch(b[1], -1) {
			_, after, ok := strings.Cut(rest, want[1])
			if !ok {
				t.Errorf("%s\nprints %s\nwhere %q is missing, or in another place", b[1], got, want[1])
				break
			}
			rest = after
		}
	}
}
