//go:build linux && houses

package houses_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/cmd/countersign-dev/houses"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
)

// A story is typed by people at their own machines: nothing reaches past the
// command line.
type story struct {
	*testing.T
	houses *houses.Houses
	out    string // the dossier
}

// One start serves two stories: the demonstration's, and docs/joining.md.
func TestStory(t *testing.T) {
	dir, err := os.MkdirTemp("", "countersign-houses-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	h, err := houses.Start(t.Context(), dir, houses.Options{Screen: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("everything is kept in %s\n%s", dir, h.LastLines(15))
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if !t.Failed() {
			os.RemoveAll(dir)
		}
	})
	t.Run("demo", func(t *testing.T) { (&story{t, h, filepath.Join(dir, "dossier")}).demo() })
	t.Run("joining", func(t *testing.T) {
		(&joining{story: story{t, h, filepath.Join(dir, "newcomer", "admission")}, dir: filepath.Join(dir, "newcomer")}).page()
	})
}

func (s *story) demo() {
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"reviewer joins", s.join}, {"plan, fees, members", s.publish}, {"licenses", s.license}, {"authorizations", s.authorize},
		{"claims", s.bill}, {"payment", s.remit}, {"license revoked", s.revoke}, {"dossier", s.check}, {"logs", s.logs},
	} {
		began := time.Now()
		step.do()
		s.Logf("%s: %s", step.name, time.Since(began).Round(time.Millisecond))
	}
}

// types has somebody type a command and reads its JSON answer.
func (s *story) types(person string, answer any, args ...string) {
	s.Helper()
	out, err := s.houses.CLI(s.Context(), person, append(args, "--json")...)
	if err != nil {
		s.Fatalf("%s: %v\n%s", person, err, out)
	}
	if answer != nil {
		if err := json.Unmarshal(out, answer); err != nil {
			s.Fatalf("%s: %s: %v\n%s", person, args, err, out)
		}
	}
}

// until looks again until done, for a minute.
func (s *story) until(what string, done func() bool) {
	s.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("waited a minute for %s", what)
		}
	}
}

func example(name string) string { return filepath.Join("..", "..", "..", "examples", name) }

func (s *story) join() {
	founding := func(name string) string { return s.houses.Secret("founding", name) }
	s.types("reviewer", nil, "network", "join", founding("reviewer.json"), "--approval", founding("reviewer.approval-board.json"),
		"--approval", founding("reviewer.approval-insurer.json"), "--approval", founding("reviewer.approval-hospital.json"), "--out", s.out)
}

func (s *story) publish() {
	s.types("insurer", nil, "plan", "publish", "--fees", example("fees.csv"), "--name", "demo-fees", "--edition", "2026-01")
	plan := filepath.Join(s.TempDir(), "plan.yaml")
	if err := os.WriteFile(plan, houses.Plan(), 0o600); err != nil {
		s.Fatal(err)
	}
	s.types("insurer", nil, "plan", "publish", plan)
	var enrolled struct{ Members int }
	s.types("insurer", &enrolled, "member", "enroll", example("members.csv"), "--plan", "demo-ppo")
	if enrolled.Members != 5 {
		s.Errorf("%d members are enrolled, want 5", enrolled.Members)
	}
	var refused *houses.CLIError
	if _, err := s.houses.CLI(s.Context(), "hospital", "member", "enroll", example("members.csv"), "--plan", "demo-ppo"); !errors.As(err, &refused) || refused.Code != 2 {
		s.Errorf("the hospital enrolls members: got %v, want exit 2", err)
	}
}

type licenses struct {
	Licenses []struct {
		credentials.License
		Receipt bool                `json:"receipt"`
		Orders  []credentials.Order `json:"orders"`
	} `json:"licenses"`
}

func (s *story) license() {
	var issued licenses
	s.types("clerk", &issued, "license", "issue", "--from-csv", example("clinicians.csv"), "--out", s.out)
	if len(issued.Licenses) != 3 {
		s.Fatalf("%d licenses, want 3", len(issued.Licenses))
	}
	s.heard(time.Now())
}

var feedAge = regexp.MustCompile(`(?m)^countersign_feed_age_seconds\{[^}]*\} (\S+)$`)

// heard waits until the insurer has read the board's feed after a moment.
func (s *story) heard(after time.Time) {
	s.until("the insurer to read the board's feed", func() bool {
		resp, err := http.Get("http://" + s.houses.Address("worker-1", 9101) + "/metrics")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		m := feedAge.FindSubmatch(b)
		if m == nil {
			return false
		}
		age, err := time.ParseDuration(string(m[1]) + "s")
		return err == nil && time.Since(after) > age+time.Second // a reading takes less than that
	})
}

type request struct {
	Request, State string
	Handle         credentials.Handle
}

func (s *story) authorize() {
	requests := map[string]request{}
	for _, name := range []string{"auth-a.json", "auth-b.json", "auth-c.json"} {
		var r request
		s.types("hospital", &r, "auth", "request", example(name), "--out", s.out)
		requests[r.Request] = r
	}
	for name, want := range map[string]string{"AUTH-A": "approved", "AUTH-B": "pended", "AUTH-C": "pended"} {
		if got := requests[name].State; got != want {
			s.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	b := requests["AUTH-B"].Handle.String()
	s.types("reviewer", nil, "review", "approve", b, "--reason", "criteria-met", "--out", s.out)
	s.authorization(b, "approved")
}

// authorization waits until a request has a state, and keeps its decisions.
func (s *story) authorization(handle, want string) {
	s.Helper()
	s.until("an authorization to be "+want, func() bool {
		var r request
		s.types("hospital", &r, "auth", "status", handle, "--out", s.out)
		return r.State == want
	})
}

func (s *story) bill() {
	out, err := s.houses.CLI(s.Context(), "hospital", "claim", "submit", example("claims.837"), "--wait", "--out", s.out)
	if err != nil {
		s.Fatalf("%v\n%s", err, out)
	}
}

func (s *story) remit() {
	var run struct {
		Remittances []struct {
			Payments []struct {
				TotalCents int64 `json:"totalCents"`
			} `json:"payments"`
		} `json:"remittances"`
	}
	s.types("insurer", &run, "remit", "run", "--on", "2026-11-20")
	var again struct{ Remittances []struct{} }
	s.types("insurer", &again, "remit", "run", "--on", "2026-11-20")
	if len(again.Remittances) != 0 {
		s.Errorf("run twice, it pays %d times more", len(again.Remittances))
	}
	run.Remittances = nil
	s.types("hospital", &run, "remit", "fetch", "--out", s.out)
	var total int64
	for _, r := range run.Remittances {
		for _, p := range r.Payments {
			total += p.TotalCents
		}
	}
	if want := int64(65_00 + 136_00 + 84_00 + 78_09); len(run.Remittances) != 1 || total != want {
		s.Errorf("%d remittances of %d cents, want one of %d", len(run.Remittances), total, want)
	}
}

func (s *story) revoke() {
	var shown licenses
	s.types("clerk", &shown, "license", "show", "--npi", "2999002183")
	if len(shown.Licenses) != 1 {
		s.Fatalf("%d licenses of the NPI, want 1", len(shown.Licenses))
	}
	handle := shown.Licenses[0].Handle.String()
	s.types("clerk", nil, "license", "revoke", handle, "--effective", "2026-10-15T00:00:00-07:00", "--reason", "unprofessional-conduct", "--out", s.out)
	s.until("DEMO-008 to be denied", func() bool {
		var status struct {
			Claims []struct {
				Claim string
				State string
			}
		}
		s.types("hospital", &status, "claim", "status", "--out", s.out)
		for _, c := range status.Claims {
			if c.Claim == "DEMO-008" {
				return c.State == "denied"
			}
		}
		return false
	})
	for name, want := range map[string]string{"auth-b.json": "revoked", "auth-c.json": "denied"} {
		var r request
		s.types("hospital", &r, "auth", "request", example(name)) // the same again is the same one
		s.authorization(r.Handle.String(), want)
	}
	s.types("auditor", nil, "license", "show", handle, "--out", s.out)
}

// story is what each claim comes to, by hand in demo/story_test.go.
var decided = map[string]string{
	"DEMO-001/1": "paid charge 14000 allowed 9000 paid 6500 patient 2500: CO-45 50.00, PR-3 25.00",
	"DEMO-002/1": "denied charge 14000 allowed 0 paid 0 patient 0: CO-18 140.00",
	"DEMO-003/1": "denied charge 190000 allowed 0 paid 0 patient 0: OA-96 1900.00",
	"DEMO-004/1": "denied charge 90000 allowed 0 paid 0 patient 0: CO-197 900.00",
	"DEMO-005/1": "paid charge 90000 allowed 42000 paid 13600 patient 28400: CO-45 480.00, PR-1 250.00, PR-2 34.00",
	"DEMO-006/1": "paid charge 65000 allowed 35500 paid 8400 patient 27100: CO-45 190.00, PR-1 210.00, CO-45 105.00, PR-1 40.00, PR-2 21.00",
	"DEMO-007/1": "denied charge 14000 allowed 0 paid 0 patient 0: CO-B7 140.00",
	"DEMO-008/1": "pended charge 44000 allowed 0 paid 0 patient 0: ",
	"DEMO-008/2": "denied charge 44000 allowed 0 paid 0 patient 0: CO-B7 440.00",
	"DEMO-009/1": "paid charge 20000 allowed 10455 paid 7809 patient 2646: CO-45 50.00, PR-3 25.00, CO-45 45.45, PR-2 1.46",
}

// verdict is what "verify --json" says.
type verdict struct {
	Decisions, Verified, Reproduced int
	Failures                        []struct{ File, Check, Detail string }
}

func (s *story) check() {
	s.types("auditor", nil, "ledger", "participants", "--out", s.out)
	s.decisions()
	var head struct{ Size int64 }
	s.types("auditor", &head, "ledger", "head")
	// Leaf 0, the reviewer's key, plan and fees, 3 licenses, 10 decisions on claims, 6 on authorizations, the order, the 835.
	if want := int64(1 + 1 + 2 + 3 + 10 + 6 + 1 + 1); head.Size != want {
		s.Errorf("the ledger has %d final entries, want %d", head.Size, want)
	}
	var v verdict
	trust := s.houses.Secret("founding", "trust.json")
	s.types("auditor", &v, "verify", "--trust", trust, s.out)
	if want := (verdict{Decisions: 16, Verified: 16, Reproduced: 16}); v.Decisions != 16 || v.Verified != 16 || v.Reproduced != 16 || len(v.Failures) > 0 {
		s.Errorf("got %+v, want %+v", v, want)
	}
	files, err := filepath.Glob(filepath.Join(s.out, dossier.Decisions, "*.jwt"))
	if err != nil || len(files) != 10 {
		s.Fatalf("got %d decisions, %v", len(files), err)
	}
	body, err := os.ReadFile(files[0])
	if err != nil {
		s.Fatal(err)
	}
	flipped := bytes.Clone(body)
	flipped[len(flipped)/2] ^= 1
	if err := os.WriteFile(files[0], flipped, 0o600); err != nil {
		s.Fatal(err)
	}
	defer os.WriteFile(files[0], body, 0o600)
	var refused *houses.CLIError
	out, err := s.houses.CLI(s.Context(), "auditor", "verify", "--json", "--trust", trust, s.out)
	if !errors.As(err, &refused) || refused.Code != 3 || !bytes.Contains(out, []byte(filepath.Base(files[0]))) {
		s.Errorf("one byte changed: got %v, want exit 3 and the file:\n%s", err, out)
	}
}

func (s *story) decisions() {
	got := map[string]string{}
	files, err := filepath.Glob(filepath.Join(s.out, dossier.Decisions, "*.jwt"))
	if err != nil {
		s.Fatal(err)
	}
	for _, name := range files {
		token, err := os.ReadFile(name)
		if err != nil {
			s.Fatal(err)
		}
		c, err := credentials.Open[claims.ClaimDecisionDocument](strings.TrimSpace(string(token)), credentials.KindClaimDecision, credentials.ResolveDIDKey)
		if err != nil {
			s.Fatal(err)
		}
		d := c.Subject.Decision
		var adjustments []string
		for _, l := range d.Lines {
			for _, x := range l.Adjustments {
				adjustments = append(adjustments, fmt.Sprintf("%s-%s %s", x.Group, x.CARC, x.Amount))
			}
		}
		got[fmt.Sprintf("%s/%d", d.Claim, d.Number)] = fmt.Sprintf("%s charge %d allowed %d paid %d patient %d: %s",
			d.Outcome, d.Charge, d.Allowed, d.Paid, d.Patient, strings.Join(adjustments, ", "))
	}
	if !reflect.DeepEqual(got, decided) {
		for name, want := range decided {
			if got[name] != want {
				s.Errorf("%s\n got %s\nwant %s", name, got[name], want)
			}
		}
		s.Errorf("%d decisions, want %d", len(got), len(decided))
	}
}

// personal is what the examples say of people: members' and patients' names,
// ids and birth dates. None of it may stand in any log.
func personal(t *testing.T) (all []string) {
	t.Helper()
	body, err := os.ReadFile(example("members.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := claims.ParseMembers(body)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range rows {
		all = append(all, m.Last, m.First, m.MemberID, string(m.Birth), strings.ReplaceAll(string(m.Birth), "-", ""))
	}
	return append(all, "DEMO-00", "AUTH-A", "AUTH-B", "AUTH-C")
}

func (s *story) logs() {
	looked := 0
	for _, name := range s.houses.Services() {
		log := strings.ToUpper(string(s.houses.Log(name)))
		looked += len(log)
		for _, value := range personal(s.T) {
			if at := strings.Index(log, value); at >= 0 {
				s.Errorf("the log of %s has %q:\n%s", name, value, log[max(0, at-200):min(len(log), at+200)])
			}
		}
	}
	if looked < 10_000 {
		s.Errorf("there are %d bytes of logs: they were not looked at", looked)
	}
}
