package contracts

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/cmd/countersign-dev/temporalserver"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/store"
)

// A fleet is the insurer's daemons, each a process of its own, over a Temporal
// server, the books and the ledger of a house.
type fleet struct {
	*house
	day credentials.Date // of the services that are billed
}

// openFleet starts all but the insurer's daemons. A daemon goes by today's
// date, so the examples are moved to it.
func openFleet(t *testing.T, door *temporalserver.Door) *fleet {
	t.Helper()
	h := open(t, func(o *parties.Options) { o.WithoutWorker = true })
	s, err := temporalserver.Start(h.ctx, temporalserver.Options{
		Dir: t.TempDir(), Namespace: "insurer", WorkflowTaskTimeout: 2 * time.Second, DrainageAfter: time.Second, Door: door,
	})
	h.must(err)
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	h.TemporalAddress = s.FrontendAddress
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	t.Cleanup(cancel)
	h.ctx = ctx
	f := &fleet{house: h, day: credentials.DateOf(time.Now()).AddDays(-10)}
	f.files = maps.Clone(f.files)
	for file, dates := range map[string][]string{
		"plan.yaml":      {"2026-01-01", "2020-01-01", "2027-12-31", "2099-12-31"},
		"members.csv":    {"2026-01-01", "2020-01-01"},
		"clinicians.csv": {"2027-09-30", "2099-12-31", "2028-02-29", "2099-12-31", "2021-10-01", "2019-10-01"},
		"auth-b.json":    {"2026-11-01", string(f.day), "2027-01-31", string(f.day.AddDays(90))},
	} {
		f.files[file] = []byte(strings.NewReplacer(dates...).Replace(string(f.files[file])))
	}
	f.configure(nil)
	return f
}

// configure writes the insurer's file, with lines under insurer.temporal.
func (f *fleet) configure(temporal []string) {
	f.Helper()
	text := fmt.Sprintf(`drain: 5s
network: {ledger: '%s', trust: trust.json}
worker: {admin: '127.0.0.1:0'}
gateway: {listen: '127.0.0.1:0', admin: '127.0.0.1:0'}
insurer:
  database: {dsn: 'sqlite:insurer/books.db'}
  key: {store: insurer/keys, name: insurer, passphrase_file: passphrase}
  business_key_file: insurer/business.key
  payload_keys: [{id: dev-1, file: insurer/payload.key}]
  wrapping_keys: [{id: dev-1, file: insurer/wrapping.key}]
  reviewers: ['%s']
  boards: [{did: '%s', url: '%s', jurisdiction: CA}]
  payer: {name: PLAN, id: PLAN, tax_id: '991234567', contact: OFFICE, phone: '8005550100', street: 1 PLAZA, city: TOWN, state: CA, zip: '95814'}
  temporal:
    namespace: insurer
`, f.LedgerURL, f.DIDs[parties.Reviewer], f.DIDs[parties.Board], f.Boards["CA"].URL)
	for _, line := range temporal {
		text += "    " + line + "\n"
	}
	f.must(os.WriteFile(filepath.Join(f.Dir, "insurer.yaml"), []byte(text), 0o600))
}

// build builds countersignd, with edits of its source: file, old, new, ….
func (f *fleet) build(name string, edits ...string) (program string) {
	f.Helper()
	root, err := filepath.Abs("../../..")
	f.must(err)
	dir := f.TempDir()
	replaced := map[string]string{}
	for ; len(edits) > 0; edits = edits[3:] {
		path := filepath.Join(root, edits[0])
		from := path
		if replaced[path] != "" {
			from = replaced[path]
		}
		text, err := os.ReadFile(from)
		f.must(err)
		if strings.Count(string(text), edits[1]) != 1 {
			f.Fatalf("%s does not hold this once: %s", edits[0], edits[1])
		}
		replaced[path] = filepath.Join(dir, strings.ReplaceAll(edits[0], "/", "_"))
		f.must(os.WriteFile(replaced[path], []byte(strings.Replace(string(text), edits[1], edits[2], 1)), 0o600))
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	f.must(err)
	f.must(os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600))
	program = filepath.Join(dir, "countersignd-"+name)
	cmd := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, "./cmd/countersignd")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		f.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return program
}

// A daemon is a running countersignd.
type daemon struct {
	*fleet
	name  string
	cmd   *exec.Cmd
	logs  lines
	ended chan struct{}
}

type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// run is a command of a program on the insurer's file. The flags come last,
// but before the name of a build.
func (f *fleet) run(program string, command ...string) *exec.Cmd {
	named := min(len(command), 2)
	args := append([]string{}, command[:named]...)
	args = append(args, "--config", filepath.Join(f.Dir, "insurer.yaml"), "--temporal-address", f.TemporalAddress)
	cmd := exec.Command(program, append(args, command[named:]...)...)
	cmd.Env = []string{"HOME=/nonexistent"}
	return cmd
}

// start starts a worker or gateway. A worker's build is named, or names itself.
func (f *fleet) start(program, command, build string) *daemon {
	f.Helper()
	d := &daemon{fleet: f, name: strings.TrimSpace(command + " " + build), cmd: f.run(program, command), ended: make(chan struct{})}
	if build != "" {
		d.cmd.Env = append(d.cmd.Env, "COUNTERSIGND_WORKER_BUILD_ID="+build)
	}
	d.cmd.Stdout, d.cmd.Stderr = &d.logs, &d.logs
	f.must(d.cmd.Start())
	go func() { d.cmd.Wait(); close(d.ended) }()
	f.Cleanup(func() {
		d.cmd.Process.Kill()
		<-d.ended
		if f.Failed() {
			said := d.logs.String()
			f.Logf("%s said:\n%s", d.name, said[max(0, len(said)-3000):])
		}
	})
	return d
}

// address is where it listens, as its log says.
func (d *daemon) address(of string) (address string) {
	d.Helper()
	said := regexp.MustCompile(`"msg":"listening".*"for":"` + of + `","address":"([^"]+)"`)
	d.until(d.name+" to listen", func() (bool, error) {
		if m := said.FindStringSubmatch(d.logs.String()); m != nil {
			address = "http://" + m[1]
		}
		return address != "", nil
	})
	return address
}

// says waits until /readyz answers with a status and a text.
func (d *daemon) says(status int, text string) {
	d.Helper()
	admin := d.address("admin")
	d.until(fmt.Sprintf("%s to say %d %q", d.name, status, text), func() (bool, error) {
		select {
		case <-d.ended:
			d.Fatalf("%s ended: %v\n%s", d.name, d.cmd.ProcessState, d.logs.String())
		default:
		}
		resp, err := http.Get(admin + "/readyz")
		if err != nil {
			return false, err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != status || !strings.Contains(string(b), text) {
			return false, fmt.Errorf("%s (%v)", b, err)
		}
		return true, nil
	})
}

func (d *daemon) ready() {
	d.Helper()
	d.says(http.StatusOK, "ready")
}

// drain stops it as a supervisor does.
func (d *daemon) drain() {
	d.Helper()
	d.cmd.Process.Signal(syscall.SIGTERM)
	<-d.ended
	if code := d.cmd.ProcessState.ExitCode(); code != 0 {
		d.Errorf("%s: exit %d", d.name, code)
	}
}

func (d *daemon) kill() {
	d.cmd.Process.Kill()
	<-d.ended
}

// through has everybody speak to this gateway.
func (f *fleet) through(gateway *daemon) {
	f.Helper()
	url := gateway.address("door")
	f.hospital.URL, f.insurer.URL, f.reviewer.URL = url, url, url
}

// builds runs "countersignd builds" and returns what it says.
func (f *fleet) builds(program string, args ...string) string {
	f.Helper()
	out, err := f.run(program, append([]string{"builds"}, args...)...).CombinedOutput()
	if err != nil {
		f.Fatalf("builds %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// member enrolls a person of its own family.
func (f *fleet) member(id string) claims.Person {
	f.Helper()
	f.must(f.House.Books.Enroll(f.ctx, []store.Member{{
		MemberID: id, Family: id, Last: "FLEET", First: "ANA", Birth: "1980-01-01", Plan: "demo-ppo", From: "2020-01-01",
	}}))
	return claims.Person{MemberID: id, Last: "FLEET", First: "ANA", Birth: "1980-01-01", Sex: "F", Relationship: "18"}
}

// visit is a signed claim for an office visit. A modifier 76 says that it is
// repeated on purpose, which a person has to look at if it is.
func (f *fleet) visit(number string, who claims.Person, npi credentials.NPI, modifiers ...string) string {
	f.Helper()
	template := f.claimsOf("claims.837")[0]
	c := template.Claim
	c.Number, c.Subscriber = number, who
	c.Rendering = &claims.Provider{NPI: npi, Name: "FLEET", First: "DOC"}
	c.Lines = append([]claims.Line{}, c.Lines...)
	c.Lines[0].From, c.Lines[0].To, c.Lines[0].Modifiers = f.day, f.day, modifiers
	return f.sign(c, template.Source)
}

// history is what happened to a contract, over all its runs that are kept.
type history struct {
	builds  []string // that did its tasks, in their order
	markers int      // of versions
	broken  []string // tasks that a worker could not do as the history says
}

func (f *fleet) historyOf(id string) (h history) {
	f.Helper()
	c := f.temporal()
	var list *workflowservice.ListWorkflowExecutionsResponse
	f.until("the list to have the contract's latest run", func() (bool, error) {
		latest, err := c.DescribeWorkflowExecution(f.ctx, id, "")
		if err != nil {
			return false, err
		}
		list, err = c.ListWorkflow(f.ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: fmt.Sprintf("WorkflowId = '%s'", id)})
		return len(list.GetExecutions()) > 0 && list.Executions[0].Execution.RunId == latest.WorkflowExecutionInfo.Execution.RunId, err
	})
	for i := len(list.Executions) - 1; i >= 0; i-- { // the newest come first
		events := c.GetWorkflowHistory(f.ctx, id, list.Executions[i].Execution.RunId, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for events.HasNext() {
			e, err := events.Next()
			f.must(err)
			h.add(e)
		}
	}
	return h
}

func (h *history) add(e *historypb.HistoryEvent) {
	if d := e.GetWorkflowTaskCompletedEventAttributes(); d != nil {
		if build := d.GetDeploymentVersion().GetBuildId(); len(h.builds) == 0 || h.builds[len(h.builds)-1] != build {
			h.builds = append(h.builds, build)
		}
	}
	if m := e.GetMarkerRecordedEventAttributes(); m.GetMarkerName() == "Version" {
		h.markers++
	}
	if broken := e.GetWorkflowTaskFailedEventAttributes(); broken != nil && broken.Cause != enumspb.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW {
		h.broken = append(h.broken, broken.Cause.String()+": "+broken.GetFailure().GetMessage())
	}
}

// unbroken wants no contract of the namespace to have met a build that it does
// not fit.
func (f *fleet) unbroken() {
	f.Helper()
	list, err := f.temporal().ListWorkflow(f.ctx, &workflowservice.ListWorkflowExecutionsRequest{PageSize: 1000})
	f.must(err)
	if len(list.Executions) == 0 {
		f.Error("no contracts at all")
	}
	for _, e := range list.Executions {
		if h := f.historyOf(e.Execution.WorkflowId); len(h.broken) > 0 {
			f.Errorf("%s: %v", e.Execution.WorkflowId, h.broken)
		}
	}
}

// wantBuilds says which builds did the tasks of a contract.
func (f *fleet) wantBuilds(what, id string, want ...string) {
	f.Helper()
	if got := f.historyOf(id).builds; fmt.Sprint(got) != fmt.Sprint(want) {
		f.Errorf("%s: done by builds %v, want %v", what, got, want)
	}
}

// in waits until a submission is in a state.
func (f *fleet) in(a api.Acceptance, state claims.Outcome) {
	f.Helper()
	f.until(a.Control+" to be "+string(state), func() (bool, error) {
		s, err := f.hospital.Status(f.ctx, a.Handle, 0, 0, false)
		if err == nil && s.State != string(state) {
			err = fmt.Errorf("it is %s", s.State)
		}
		return err == nil, err
	})
}
