package contracts

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/cli"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/gateway/api"
)

// TestSuperseded: a request is pended, approved by a reviewer and revoked by a
// board order. Each decision stands until the next one has its receipt, and what
// a hospital types says so.
func TestSuperseded(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.begin()
	b := h.request("auth-b.json")
	dir := t.TempDir()
	var tokens []string
	next := func(number int, state string) {
		t.Helper()
		s := h.decided(b, number)
		if s.State != state {
			t.Fatalf("decision %d: %s, want %s", number, s.State, state)
		}
		tokens = append(tokens, s.Decisions[number-1].Token)
		for i, token := range tokens {
			file := filepath.Join(dir, "decision.jwt")
			h.must(os.WriteFile(file, []byte(token+"\n"), 0o600))
			want, code := "^good: AuthorizationDecision as jwt, issued by ", 0
			if i+1 < number {
				want = "^bad: status: its issuer says that it is (superseded|revoked): " + s.Decisions[i+1].Handle.String() + " has taken its place\n$"
				code = 3
			}
			h.says(code, want, "credential", "verify", file, "--gateway", h.GatewayURL, "--trust", h.TrustFile())
		}
		h.says(0, h.standing(s), h.hospitals("auth", "status", b.Handle.String(), "--out", filepath.Join(dir, "dossier"))...)
	}
	next(1, "pended")
	h.approve(b, 1)
	next(2, "approved")
	h.reached(h.revoke())
	next(3, "revoked")

	kept := filepath.Join(dir, "dossier")
	h.says(0, `(?s)3 of 3 decisions computed again.*superseded: authorizations/.*superseded: authorizations/.*nothing had followed 1 decision by`,
		"verify", kept, "--trust", h.TrustFile())
	h.says(6, `^unknown: status: its status was not read\n$`, "credential", "verify", filepath.Join(dir, "decision.jwt"), "--offline", "--dir", kept, "--trust", h.TrustFile())
	// By another name of the gateway's, and at a door that has other lists.
	h.says(0, `^good: `, "credential", "verify", filepath.Join(dir, "decision.jwt"),
		"--gateway", strings.Replace(h.GatewayURL, "127.0.0.1", "localhost", 1), "--trust", h.TrustFile())
	h.says(6, `^unknown: status: read its status list for revocation: `, "credential", "verify", filepath.Join(dir, "decision.jwt"),
		"--gateway", h.Boards["CA"].URL, "--trust", h.TrustFile())
}

// standing is what "auth status" says of each decision: all but the last are
// superseded by the one that follows.
func (h *house) standing(s api.Submission) string {
	var want strings.Builder
	want.WriteString("(?s)")
	for i, d := range s.Decisions {
		want.WriteString("decision " + regexp.QuoteMeta(string(rune('1'+i))) + "      " + d.Outcome + ": ")
		if i+1 < len(s.Decisions) {
			want.WriteString(`superseded \(` + s.Decisions[i+1].Handle.String() + ` has taken its place\)\n`)
		} else {
			want.WriteString("good\n")
		}
	}
	return want.String()
}

// hospitals are the arguments of a command that a hospital types.
func (h *house) hospitals(args ...string) []string { return h.typedBy(parties.Hospital, args...) }

func (h *house) typedBy(party string, args ...string) []string {
	return append(args, "--gateway", h.GatewayURL, "--insurer", string(h.DIDs[parties.Insurer]), "--trust", h.TrustFile(),
		"--keys", h.Keys(party), "--passphrase-file", h.PassphraseFile(), "--key", party)
}

// says wants a command to end with a code and to print what a pattern says.
func (h *house) says(code int, want string, args ...string) {
	h.Helper()
	var out, told bytes.Buffer
	got := cli.Run(h.ctx, args, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &told})
	if got != code || !regexp.MustCompile(want).MatchString(out.String()) {
		h.Errorf("countersign %v: exit %d, want %d and %s\n%s%s", args, got, code, want, out.String(), told.String())
	}
}
