package sqldbtest

import (
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A Cluster is a primary and a standby that streams from it, each a server of
// its own on a free loopback port, for one test. Commits are kept as in life
// (synchronous_commit is on), except that nothing waits for the disk.
type Cluster struct {
	Primary, Standby *Node
	password         string
}

// A Node is one server.
type Node struct {
	t    testing.TB
	bin  string
	dir  string
	port int
	args []string
	pipe io.Closer
	cmd  *exec.Cmd
}

// NewCluster starts both and waits until the standby follows. With
// synchronous, a commit waits until the standby has replayed it.
func NewCluster(t testing.TB, synchronous bool) *Cluster {
	t.Helper()
	c := &Cluster{password: randomName()}
	c.Primary = newNode(t)
	if err := initServer(c.Primary.bin, c.Primary.dir, c.password); err != nil {
		t.Fatal(err)
	}
	c.Primary.Start()
	c.Standby = newNode(t)
	copied := asServerUser(exec.Command(filepath.Join(c.Standby.bin, "pg_basebackup"), "-D", filepath.Join(c.Standby.dir, "data"),
		"-h", "127.0.0.1", "-p", strconv.Itoa(c.Primary.port), "-U", "test", "-R", "-X", "stream", "-c", "fast", "--no-sync"))
	copied.Dir = c.Standby.dir
	copied.Env = append(copied.Env, "PGPASSWORD="+c.password)
	if out, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("pg_basebackup: %v: %s", err, lastLine(out))
	}
	c.Standby.Start()
	if synchronous {
		c.Primary.Kill()
		c.Primary.args = []string{"-c", "synchronous_standby_names=*", "-c", "synchronous_commit=remote_apply"}
		c.Primary.Start()
	}
	return c
}

// Durable starts a server that loses nothing, as one in life, where the others
// here spare the disk. It is for measurements.
func Durable(t testing.TB) (dsn string) {
	t.Helper()
	c := &Cluster{Primary: newNode(t), password: randomName()}
	if err := initServer(c.Primary.bin, c.Primary.dir, c.password); err != nil {
		t.Fatal(err)
	}
	c.Primary.args = []string{"-c", "fsync=on", "-c", "shared_buffers=512MB", "-c", "max_wal_size=4GB", "-c", "max_connections=200"}
	c.Primary.Start()
	return c.DSN(c.Primary)
}

// DSN names the given nodes, as an operator would.
func (c *Cluster) DSN(nodes ...*Node) string {
	var hosts, ports []string
	for _, n := range nodes {
		hosts, ports = append(hosts, "127.0.0.1"), append(ports, strconv.Itoa(n.port))
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword("test", c.password), Host: strings.Join(hosts, ","), Path: "/postgres",
		RawQuery: "sslmode=disable&port=" + strings.Join(ports, ",")}
	return u.String()
}

func newNode(t testing.TB) *Node {
	t.Helper()
	n := &Node{t: t}
	var err error
	if n.bin, err = findServer(); err != nil {
		t.Fatal(err)
	}
	// PATH may hold links to some of the programs only.
	if real, err := filepath.EvalSymlinks(filepath.Join(n.bin, "postgres")); err == nil {
		n.bin = filepath.Dir(real)
	}
	if n.dir, err = os.MkdirTemp("", "countersign-pg-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(n.dir) })
	t.Cleanup(n.Kill)
	if err := handOver(n.dir); err != nil {
		t.Fatal(err)
	}
	if n.port, err = freePort(); err != nil {
		t.Fatal(err)
	}
	return n
}

// guard stops the server when the test binary closes the pipe, however it ends.
const guard = `
bin=$1 dir=$2 port=$3; shift 3
"$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses=127.0.0.1 -p "$port" -c fsync=off \
	-c wal_receiver_status_interval=1 -c wal_retrieve_retry_interval=100 "$@" >>"$dir/log" 2>&1 </dev/null &
read -r _
kill -QUIT $! 2>/dev/null
wait $!
`

// Start starts the server and waits until it answers.
func (n *Node) Start() {
	n.t.Helper()
	n.cmd = asServerUser(exec.Command("sh", append([]string{"-c", guard, "sh", n.bin, n.dir, strconv.Itoa(n.port)}, n.args...)...))
	n.cmd.Dir = n.dir
	pipe, err := n.cmd.StdinPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	n.pipe = pipe
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		ready := asServerUser(exec.Command(filepath.Join(n.bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(n.port)))
		ready.Dir = n.dir
		if ready.Run() == nil {
			return
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(n.dir, "log"))
			n.t.Fatalf("the server does not start: %s", lastLine(log))
		}
	}
}

// Kill is an immediate stop: no session is told, nothing is written any more.
func (n *Node) Kill() {
	if n.pipe == nil {
		return
	}
	n.pipe.Close()
	n.cmd.Wait()
	n.pipe = nil
}

// Promote makes a standby a primary.
func (n *Node) Promote() {
	n.t.Helper()
	promote := asServerUser(exec.Command(filepath.Join(n.bin, "pg_ctl"), "promote", "-w", "-D", filepath.Join(n.dir, "data")))
	promote.Dir = n.dir
	if out, err := promote.CombinedOutput(); err != nil {
		n.t.Fatalf("promote: %v: %s", err, lastLine(out))
	}
}
