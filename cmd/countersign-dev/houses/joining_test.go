//go:build linux && houses

package houses_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/countersign-health/countersign/cmd/countersign-dev/houses"
)

// A joining is docs/joining.md typed from its first line to its last: by a new
// insurer with a folder, a database, a namespace, a worker and a gateway of its
// own, by three founders, and by the hospital.
type joining struct {
	story
	dir     string // of the newcomer
	host    string // where the newcomer listens
	insurer string // the newcomer's DID
	typists map[string]*typist
	table   string // of the page: when it is refused
}

// A block is what one of them types at a time. "```sh founder" says on the
// page who that is; nothing after "sh" is the newcomer.
type block struct{ who, lines string }

var fenced = regexp.MustCompile("(?ms)^```sh( [a-z]+)?\n(.*?)^```$")

// page types every block before "When it is refused", in order.
func (j *joining) page() {
	j.prepare()
	for _, b := range j.blocks() {
		began := time.Now()
		switch b.who {
		case "founder":
			j.approve(b.lines)
		case "hospital":
			j.typists["hospital"].types(strings.ReplaceAll(b.lines, "did:key:THE-INSURER", j.insurer))
		default:
			j.typists["newcomer"].types(b.lines)
			j.insurer = j.typists["newcomer"].says("echo ${COUNTERSIGN_INSURER-}")
		}
		first, _, _ := strings.Cut(b.lines, "\n")
		j.Logf("%s: %s", first, time.Since(began).Round(time.Millisecond))
	}
	j.paid()
	j.recorded()
	j.refused()
	j.named()
}

// blocks reads the page, with the addresses of this run in place of its own.
func (j *joining) blocks() (all []block) {
	body, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "joining.md"))
	if err != nil {
		j.Fatal(err)
	}
	page, rest, ok := strings.Cut(string(body), "\n## When it is refused\n")
	if j.table = rest; !ok {
		j.Fatal("docs/joining.md has no part \"When it is refused\"")
	}
	repo, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		j.Fatal(err)
	}
	postgres, _, _ := strings.Cut(j.houses.Address("postgres", 5432), ":")
	for _, s := range []struct{ from, to string }{
		{"git clone https://github.com/countersign-health/countersign\n", "ln -s " + repo + " countersign\n"},
		{"(cd countersign ", "(cd " + repo + " "}, // by the link's name, Go would compile everything anew
		{"https://ledger.example", "http://" + j.houses.Address("ledger", 8103)},
		{"https://board.example", "http://" + j.houses.Address("board", 8102)},
		{"https://claims.newplan.example", "http://" + j.host + ":8101"}, // nothing does TLS here
		{"temporal.example:7233", j.houses.Address("temporal", 7233)},
		{", tls: {}", ""},
		{"db.example", postgres},
		{"sslmode=verify-full", "sslmode=disable"},
		{"127.0.0.1", j.host},
		{"did:key:THE-BOARD", j.variable("board", "COUNTERSIGN_BOARD_DID")},
		{"cp countersign/examples/plan.yaml ", "cp ../plan/plan.yaml "}, // its claims are old: houses.Plan
	} {
		if !strings.Contains(page, s.from) {
			j.Errorf("the page does not say %q: correct the test", s.from)
		}
		page = strings.ReplaceAll(page, s.from, s.to)
	}
	steps := regexp.MustCompile(`(?m)^\*\*\d+\. `).FindAllString(page, -1)
	if len(steps) != 10 || steps[9] != "**10. " {
		j.Errorf("got the steps %q, want ten", steps)
	}
	for _, m := range fenced.FindAllStringSubmatch(page, -1) {
		all = append(all, block{strings.TrimSpace(m[1]), m[2]})
	}
	return all
}

// variable is one of a person's variables.
func (j *joining) variable(person, name string) string {
	env, err := j.houses.Environment(person)
	if err != nil {
		j.Fatal(err)
	}
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	j.Fatalf("%s has no %s", person, name)
	return ""
}

// prepare gives everybody what the page says that they have: the newcomer a
// trust file, the administrator's way into PostgreSQL and the command temporal;
// the hospital its keys and a claim; the board's clinicians their licenses.
func (j *joining) prepare() {
	gateway := strings.Split(j.houses.Address("gateway", 8101), ".")
	j.host = strings.Join(append(gateway[:3], "200"), ".")
	j.types("clerk", nil, "license", "issue", "--from-csv", example("clinicians.csv"))
	hospital, tools := filepath.Join(j.dir, "..", "hospital"), filepath.Join(j.dir, "..", "tools")
	trust := j.read(j.houses.Secret("founding", "trust.json"))
	password := bytes.TrimSpace(j.read(j.houses.Secret("postgres", "postgres.password")))
	for name, body := range map[string][]byte{
		filepath.Join(j.dir, "trust.json"):              trust,
		filepath.Join(hospital, "trust.json"):           trust,
		filepath.Join(hospital, "claims.837"):           firstClaim(j.read(example("claims.837"))),
		filepath.Join(j.dir, "..", "plan", "plan.yaml"): houses.Plan(),
		filepath.Join(j.dir, "..", "home", ".pgpass"):   fmt.Appendf(nil, "*:*:*:postgres:%s\n", password),
		filepath.Join(tools, "temporal alone"):          nil,
	} {
		j.write(name, body)
	}
	if err := os.Symlink(filepath.Join(j.houses.Dir, "bin", "temporal"), filepath.Join(tools, "temporal")); err != nil {
		j.Fatal(err)
	}
	env := []string{"HOME=" + filepath.Join(j.dir, "..", "home"), "PATH=" + tools + ":" + programs(j), "LC_ALL=C"}
	out, err := exec.Command("go", "env", "GOENV", "GOPATH", "GOCACHE", "GOMODCACHE", "GOFLAGS").Output()
	if err != nil {
		j.Fatal(err)
	}
	for i, value := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		env = append(env, []string{"GOENV", "GOPATH", "GOCACHE", "GOMODCACHE", "GOFLAGS"}[i]+"="+value)
	}
	j.typists = map[string]*typist{"newcomer": j.sit(j.dir, env), "hospital": j.sit(hospital, j.own("hospital"))}
}

// programs are the folders in which this machine has go and psql.
func programs(j *joining) string {
	found := []string{"/usr/bin", "/bin"}
	for _, name := range []string{"go", "psql"} {
		path, err := exec.LookPath(name)
		if err != nil {
			j.Fatal(err)
		}
		found = append(found, filepath.Dir(path))
	}
	return strings.Join(found, ":")
}

// own is a person's environment without what the page has them set, and with
// countersign on the PATH.
func (j *joining) own(person string) (env []string) {
	all, err := j.houses.Environment(person)
	if err != nil {
		j.Fatal(err)
	}
	for _, v := range all {
		name, value, _ := strings.Cut(v, "=")
		switch name {
		case "COUNTERSIGN_GATEWAY", "COUNTERSIGN_INSURER", "COUNTERSIGN_TRUST":
		case "PATH":
			env = append(env, "PATH="+filepath.Join(j.houses.Dir, "bin")+":"+value)
		default:
			env = append(env, v)
		}
	}
	return append(env, "COUNTERSIGN_TRUST=trust.json")
}

// approve has three founders type the block, each in a folder of their own with
// what the newcomer has sent, and brings back what they send.
func (j *joining) approve(lines string) {
	for _, founder := range []string{"board", "insurer", "hospital"} {
		dir := filepath.Join(j.dir, "..", "founder-"+founder)
		for to, from := range map[string]string{
			"trust.json":             j.houses.Secret("founding", "trust.json"),
			"party-of-newcomer.json": filepath.Join(j.dir, "party.json"), "reviewer-of-newcomer.json": filepath.Join(j.dir, "reviewer.json"),
		} {
			j.write(filepath.Join(dir, to), j.read(from))
		}
		j.sit(dir, j.own(founder)).types(strings.ReplaceAll(lines, "approval-board.json", "approval-"+founder+".json"))
		for _, name := range []string{"approval-" + founder + ".json", "reviewer-approval-" + founder + ".json"} {
			j.write(filepath.Join(j.dir, name), j.read(filepath.Join(dir, name)))
		}
	}
}

// firstClaim is the first claim of an 837P file of one transaction set.
func firstClaim(file []byte) []byte {
	text := string(file)
	second := regexp.MustCompile(`(?m)^CLM\*`).FindAllStringIndex(text, 2)[1][0]
	text = text[:second]
	segments := strings.Count(text[strings.Index(text, "ST*"):], "~") + 1
	return fmt.Appendf(nil, "%sSE*%d*0001~\nGE*1*1~\nIEA*1*000000001~\n", text, segments)
}
