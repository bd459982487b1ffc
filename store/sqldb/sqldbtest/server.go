package sqldbtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"sync"
	"time"

	"github.com/countersign-health/countersign/store/sqldb"
)

// server is the DSN of the one server of this test binary.
var server = sync.OnceValues(func() (string, error) {
	if dsn := os.Getenv("COUNTERSIGN_TEST_POSTGRES"); dsn != "" {
		return dsn, nil
	}
	return startServer()
})

// stopServer stops the server, if one runs, and waits until it is gone.
var stopServer = func() {}

// watchdog starts the server, and stops it and removes its folder when the
// test binary closes the pipe, which it does however it ends.
const watchdog = `
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses=127.0.0.1 -p "$3" -c max_connections=200 \
	-c fsync=off -c synchronous_commit=off -c full_page_writes=off >"$2/log" 2>&1 </dev/null &
pid=$!
read -r _
kill -INT $pid 2>/dev/null
wait $pid
rm -rf "$2"
`

func startServer() (string, error) {
	bin, err := findServer()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "countersign-pg-")
	if err != nil {
		return "", err
	}
	if err := handOver(dir); err != nil {
		os.RemoveAll(dir)
		return "", fmt.Errorf("hand the temporary folder to a user who may run PostgreSQL: %w", err)
	}
	password := randomName()
	if err := initServer(bin, dir, password); err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	port, err := freePort()
	if err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	if err := startWatchdog(bin, dir, port); err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	dsn := fmt.Sprintf("postgres://test:%s@127.0.0.1:%d/postgres?sslmode=disable", password, port)
	if err := waitUntilUp(dsn); err != nil {
		out, _ := os.ReadFile(filepath.Join(dir, "log"))
		stopServer()
		return "", fmt.Errorf("start postgres: %w: %s", err, lastLine(out))
	}
	return dsn, nil
}

// initServer makes dir/data, for a user test with a password.
func initServer(bin, dir, password string) error {
	initdb := asServerUser(exec.Command("sh", "-c",
		`umask 077; cat >"$2/password"; "$1/initdb" -D "$2/data" -U test -A scram-sha-256 --pwfile="$2/password" --no-sync -E UTF8 --locale=C`, "sh", bin, dir))
	initdb.Dir = dir
	initdb.Stdin = bytes.NewBufferString(password + "\n")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, lastLine(out))
	}
	return nil
}

func startWatchdog(bin, dir string, port int) error {
	cmd := asServerUser(exec.Command("sh", "-c", watchdog, "sh", bin, dir, fmt.Sprint(port)))
	cmd.Dir = dir
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	stopServer = sync.OnceFunc(func() {
		io.WriteString(pipe, "stop\n")
		cmd.Wait()
	})
	return nil
}

// findServer looks for initdb and postgres, side by side.
func findServer() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	sort.Sort(sort.Reverse(sort.StringSlice(dirs)))
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append([]string{filepath.Dir(path)}, dirs...)
	}
	for _, dir := range dirs {
		_, errInit := os.Stat(filepath.Join(dir, "initdb"))
		_, errServer := os.Stat(filepath.Join(dir, "postgres"))
		if errInit == nil && errServer == nil {
			return dir, nil
		}
	}
	return "", errors.New("no initdb and postgres on PATH or under /usr/lib/postgresql")
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func waitUntilUp(dsn string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		var db *sqldb.DB
		if db, err = sqldb.Open(ctx, dsn); err == nil {
			return db.Close()
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}

func lastLine(out []byte) string {
	out = bytes.TrimSpace(out)
	return string(out[bytes.LastIndexByte(out, '\n')+1:])
}
