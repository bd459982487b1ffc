//go:build linux

package houses

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

// systemPath is where sh, sed and the like are, and a psql or pg_isready that
// lies beside no server.
const systemPath = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"

const module = "cmd/countersign-dev"

// built are the programs and where they come from: ours, and those of the
// Temporal images out of the modules that cmd/countersign-dev requires. The image's server is
// built without cgo; what shows of that is how it looks up its user.
var built = []struct{ name, dir, from, tags string }{
	{"countersign", ".", "./cmd/countersign", ""},
	{"countersignd", ".", "./cmd/countersignd", ""},
	{"temporal-server", module, "go.temporal.io/server/cmd/server", "osusergo"},
	{"temporal-sql-tool", module, "go.temporal.io/server/cmd/tools/sql", ""},
	{"ui-server", module, "github.com/temporalio/ui-server/v2/cmd/server", ""},
	{"stand-in", module, "./houses/standin", ""},
}

// standIns are commands of the images that cannot be built or counted on here;
// houses/standin does exactly what docker-compose.yml and deploy ask of them.
var standIns = []string{"temporal", "nc", "wget"}

// build brings the programs up to date in Bin and links them into Dir, which
// the services' users can reach.
func (h *Houses) build(ctx context.Context) error {
	if err := os.MkdirAll(h.options.Bin, 0o755); err != nil {
		return err
	}
	for _, p := range built {
		at := filepath.Join(h.options.Bin, p.name)
		args := []string{"build", "-ldflags=-s -w", "-tags=" + p.tags}
		if h.options.Overlay != "" && p.dir == "." {
			at += "-overlaid" // leave the real one alone
			args = append(args, "-overlay="+h.options.Overlay)
		}
		cmd := exec.CommandContext(ctx, "go", append(args, "-o", at, p.from)...)
		cmd.Dir = filepath.Join(h.options.Repo, p.dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", p.name, err, tail(out, 20))
		}
		if err := linkOrCopy(at, filepath.Join(h.Dir, "bin", p.name)); err != nil {
			return err
		}
	}
	for _, name := range standIns {
		if err := link("stand-in", filepath.Join(h.Dir, "bin", name)); err != nil {
			return err
		}
	}
	return h.imageFiles(ctx)
}

// imageFiles are what the images bring beside programs. The entrypoint of
// Temporal's image wants busybox's sh, which knows pipefail; Debian's does not.
func (h *Houses) imageFiles(ctx context.Context) error {
	temporal, err := h.moduleDir(ctx, "go.temporal.io/server")
	if err != nil {
		return err
	}
	entrypoint, err := os.ReadFile(filepath.Join(temporal, "docker/scripts/sh/entrypoint.sh"))
	if err != nil {
		return err
	}
	entrypoint = bytes.Replace(entrypoint, []byte("#!/bin/sh\n"), []byte("#!/bin/bash\n"), 1)
	if err := os.WriteFile(filepath.Join(h.Dir, "bin", "temporal-entrypoint.sh"), entrypoint, 0o755); err != nil {
		return err
	}
	ui, err := h.moduleDir(ctx, "github.com/temporalio/ui-server/v2")
	if err != nil {
		return err
	}
	template, err := os.ReadFile(filepath.Join(ui, "config/docker.yaml"))
	if err != nil {
		return err
	}
	// It listens on every interface, which here would be everybody's.
	template = append(template, "\nhost: {{ env \"HOUSES_ADDRESS\" }}\n"...)
	at := filepath.Join(h.Dir, "bin", "ui")
	if err := os.MkdirAll(filepath.Join(at, "config"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(at, "config", "docker.yaml"), template, 0o644); err != nil {
		return err
	}
	if err := link("../ui-server", filepath.Join(at, "ui-server")); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(h.Dir, "bin", "postgres-entrypoint.sh"), []byte(postgresEntrypoint), 0o755)
}

func (h *Houses) moduleDir(ctx context.Context, path string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", path)
	cmd.Dir = filepath.Join(h.options.Repo, module)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("find module %s: %w", path, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// postgresEntrypoint does what the image's docker-entrypoint.sh does with the
// variables that the file sets. Data and address come as arguments, before the
// file's own.
const postgresEntrypoint = `#!/bin/sh
set -eu
if [ ! -s "$1/PG_VERSION" ]; then
	initdb -D "$1" -U postgres --pwfile="$POSTGRES_PASSWORD_FILE" -E UTF8 --locale=C $POSTGRES_INITDB_ARGS
	echo 'host all all all scram-sha-256' >>"$1/pg_hba.conf"
fi
data=$1 address=$2
shift 2
[ $# = 0 ] || shift # "postgres"
exec postgres -D "$data" -c listen_addresses="$address" -c unix_socket_directories= "$@"
`

// findPostgres looks for initdb and postgres, side by side.
func findPostgres() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	sort.Sort(sort.Reverse(sort.StringSlice(dirs)))
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	for _, dir := range dirs {
		_, errInit := os.Stat(filepath.Join(dir, "initdb"))
		_, errServer := os.Stat(filepath.Join(dir, "postgres"))
		if errInit == nil && errServer == nil {
			return dir, nil
		}
	}
	return "", errors.New("no initdb and postgres on PATH or under /usr/lib/postgresql: install PostgreSQL (Debian: apt-get install postgresql)")
}

// link makes a symbolic link, in place of an older one.
func link(to, at string) error {
	if err := os.Remove(at); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Symlink(to, at)
}

func linkOrCopy(from, to string) error {
	if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if os.Link(from, to) == nil {
		return nil
	}
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}
