package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	composecli "github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/cmd/countersignd/config"
	"github.com/countersign-health/countersign/cmd/countersignd/run"
)

// A composition is docker-compose.yml with all that it mounts, and what was
// found wrong with it.
type composition struct {
	project  *types.Project
	daemons  map[string]*running // our services by name, once their configuration was read
	problems []string
}

// running is what one of our services would run.
type running struct {
	types.ServiceConfig
	command       string // "worker" or "migrate up"
	args          []string
	file          string // the configuration, in the container
	conf          *config.Config
	listen, admin string
}

// others are the images that are not built here: the port that each serves,
// and the variables that it reads. Sources: docker-entrypoint.sh of postgres;
// common/config/config_template_embedded.yaml and tools/sql/main.go of the
// Temporal server; server/config of its UI.
var others = map[string]struct{ port, env string }{
	"postgres":               {"5432", "POSTGRES_PASSWORD_FILE POSTGRES_INITDB_ARGS PGHOST PGUSER"},
	"temporalio/server":      {"7233", "DB DB_PORT POSTGRES_SEEDS POSTGRES_USER NUM_HISTORY_SHARDS BIND_ON_IP DYNAMIC_CONFIG_FILE_PATH USER"},
	"temporalio/admin-tools": {"", "SQL_PLUGIN SQL_HOST SQL_PORT SQL_USER TEMPORAL_ADDRESS"},
	"temporalio/ui":          {"8080", "TEMPORAL_ADDRESS TEMPORAL_DEFAULT_NAMESPACE TEMPORAL_UI_PORT TEMPORAL_DISABLE_WRITE_ACTIONS"},
}

// checkComposition compares docker-compose.yml in dir, and deploy beside it,
// with what the binaries accept.
func checkComposition(dir string) []string {
	options, err := composecli.NewProjectOptions([]string{filepath.Join(dir, "docker-compose.yml")}, composecli.WithWorkingDirectory(dir))
	if err != nil {
		return []string{err.Error()}
	}
	project, err := options.LoadProject(context.Background()) // finds cycles, too
	if err != nil {
		return []string{err.Error()}
	}
	c := &composition{project: project, daemons: map[string]*running{}}
	for _, name := range project.ServiceNames() {
		s := project.Services[name]
		c.hardened(s)
		c.published(s)
		c.mounted(s)
		c.waits(s)
		if s.Build != nil {
			c.read(s)
		} else {
			c.foreign(s)
		}
	}
	for _, name := range project.ServiceNames() {
		if r := c.daemons[name]; r != nil {
			c.ours(r)
		}
	}
	c.connections()
	c.unused()
	return c.problems
}

func (c *composition) problem(service, format string, args ...any) {
	c.problems = append(c.problems, service+": "+fmt.Sprintf(format, args...))
}

var pinned = regexp.MustCompile(`^\d+\.\d+(\.\d+)?(-[a-z]+)?$`)

func (c *composition) hardened(s types.ServiceConfig) {
	repository, tag, _ := strings.Cut(s.Image, ":")
	if s.Build == nil && !pinned.MatchString(tag) {
		c.problem(s.Name, "image %q: want a version such as 1.2.3", s.Image)
	}
	if strings.HasSuffix(repository, "auto-setup") {
		c.problem(s.Name, "image %q is no longer made", s.Image)
	}
	if s.Privileged || len(s.CapAdd) > 0 || len(s.Devices) > 0 || s.NetworkMode != "" || s.Pid != "" || s.Ipc != "" || s.UserNSMode != "" {
		c.problem(s.Name, "has more privileges than it needs")
	}
	if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
		c.problem(s.Name, "want security_opt no-new-privileges:true")
	}
	if s.Build != nil && (!s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || s.User != "65532:65532") {
		c.problem(s.Name, "want read_only, no capabilities, and the image's user")
	}
	if s.Restart == "" {
		c.problem(s.Name, "has no restart policy")
	}
}

func (c *composition) published(s types.ServiceConfig) {
	for _, p := range s.Ports {
		if ip := net.ParseIP(p.HostIP); ip == nil || !ip.IsLoopback() {
			c.problem(s.Name, "port %d is published on %q: want 127.0.0.1", p.Target, p.HostIP)
		}
		inside := true
		for name := range s.Networks {
			inside = inside && bool(c.project.Networks[name].Internal)
		}
		if inside {
			c.problem(s.Name, "port %d is published, and all its networks are internal", p.Target)
		}
	}
}

// mounts maps a path in the container to the file or folder outside; a volume
// of the engine's stands as its name.
func (c *composition) mounts(s types.ServiceConfig) map[string]string {
	m := map[string]string{}
	for _, v := range s.Volumes {
		m[v.Target] = v.Source
	}
	for _, secret := range s.Secrets {
		target := secret.Target // compose-go makes a default absolute
		if !path.IsAbs(target) {
			target = path.Join("/run/secrets", target)
		}
		m[target] = c.project.Secrets[secret.Source].File
	}
	return m
}

func (c *composition) mounted(s types.ServiceConfig) {
	for _, v := range s.Volumes {
		if v.Type == types.VolumeTypeBind && !v.ReadOnly {
			c.problem(s.Name, "%s can be written: mount it :ro", v.Target)
		}
		if strings.HasSuffix(v.Source, "docker.sock") {
			c.problem(s.Name, "has the engine in its hands")
		}
	}
	for target, source := range c.mounts(s) {
		if !filepath.IsAbs(source) {
			continue
		}
		if _, err := os.Stat(source); err != nil {
			c.problem(s.Name, "%s: %v", target, err)
		}
	}
}

// once says that a service ends when it is done.
func once(s types.ServiceConfig) bool {
	return s.Restart == "no" || strings.HasPrefix(s.Restart, "on-failure")
}

func (c *composition) waits(s types.ServiceConfig) {
	for name, d := range s.DependsOn {
		on := c.project.Services[name]
		switch {
		case once(on) != (d.Condition == types.ServiceConditionCompletedSuccessfully):
			c.problem(s.Name, "waits for %s with %s, which %s never is", name, d.Condition, name)
		case d.Condition == types.ServiceConditionHealthy && on.HealthCheck == nil:
			c.problem(s.Name, "waits for the health of %s, which has no health check", name)
		}
	}
}

var (
	inScript = regexp.MustCompile(`/run/secrets/[\w.-]+`)
	comment  = regexp.MustCompile(`(?m)^\s*#.*$`)
)

// foreign looks that another image's variables are ones that it reads, and
// that the files it is told of are mounted.
func (c *composition) foreign(s types.ServiceConfig) {
	repository, _, _ := strings.Cut(s.Image, ":")
	known, ok := others[repository]
	if !ok {
		c.problem(s.Name, "image %q is not one that is known here", s.Image)
	}
	mounts := c.mounts(s)
	needed := slices.DeleteFunc(slices.Concat(s.Entrypoint, s.Command), func(arg string) bool { return !strings.HasPrefix(arg, "/etc/countersign/") })
	for name, value := range s.Environment {
		if !slices.Contains(strings.Fields(known.env), name) {
			c.problem(s.Name, "the image does not read %s", name)
		}
		if value != nil && strings.HasPrefix(*value, "/") {
			needed = append(needed, *value)
		}
	}
	for _, file := range slices.Clone(needed) {
		if script, err := os.ReadFile(mounts[file]); err == nil {
			needed = append(needed, inScript.FindAllString(comment.ReplaceAllString(string(script), ""), -1)...)
		}
	}
	for _, file := range needed {
		if mounts[file] == "" {
			c.problem(s.Name, "%s is not mounted", file)
		}
	}
	for _, p := range s.Ports {
		if fmt.Sprint(p.Target) != known.port {
			c.problem(s.Name, "port %d is published, and %s listens on %q", p.Target, repository, known.port)
		}
	}
}

// parse takes a command line apart by the flags that countersignd defines.
func parse(args []string) (command, file string, rest []string, err error) {
	app := (&daemon{out: io.Discard, logs: io.Discard}).app()
	var watch func([]*urfave.Command, string)
	watch = func(all []*urfave.Command, above string) {
		for _, sub := range all {
			name := strings.TrimSpace(above + " " + sub.Name)
			watch(sub.Subcommands, name)
			if len(sub.Subcommands) == 0 {
				sub.Action = func(ctx *urfave.Context) error {
					command, file, rest = name, ctx.String("config"), ctx.Args().Slice()
					return nil
				}
			}
		}
	}
	watch(app.Commands, "")
	err = app.Run(append([]string{"countersignd"}, args...))
	if err == nil && command == "" {
		err = errors.New("it runs no command")
	}
	return command, file, rest, err
}

// read reads what a service of ours would run, and with which configuration.
func (c *composition) read(s types.ServiceConfig) {
	r := &running{ServiceConfig: s}
	var err error
	if r.command, r.file, r.args, err = parse(s.Command); err != nil {
		c.problem(s.Name, "command %q: %v", s.Command, err)
		return
	}
	if s.Entrypoint != nil {
		c.problem(s.Name, "want the image's own entrypoint")
	}
	env := map[string]string{}
	for name, value := range s.Environment {
		if !strings.HasPrefix(name, "COUNTERSIGND_") || value == nil {
			c.problem(s.Name, "countersignd does not read %s", name)
			continue
		}
		env[name] = *value
	}
	source := c.mounts(s)[r.file]
	text, err := os.ReadFile(source)
	if err != nil {
		c.problem(s.Name, "configuration %s: not mounted, or not there", r.file)
		return
	}
	if r.conf, err = config.Read(r.file, text, env); err != nil {
		c.problem(s.Name, "%v", err)
		return
	}
	if r.command == "migrate up" {
		if _, err := run.Houses(r.conf, r.args); err != nil || !once(s) || len(r.args) == 0 {
			c.problem(s.Name, "want migrate up of a section, once (%v)", err)
			return
		}
	} else if lacks := r.conf.Lacks(r.command); len(lacks) > 0 || len(r.args) > 0 || once(s) {
		c.problem(s.Name, "%s lacks %v in %s, has arguments %q, or does not restart", r.command, lacks, r.file, r.args)
		return
	} else {
		section := sectionOf(r.conf, r.command)
		r.admin = section.FieldByName("Admin").String()
		if l := section.FieldByName("Listen"); l.IsValid() {
			r.listen = l.String()
		}
	}
	c.daemons[s.Name] = r
}

// sectionOf is a section of a configuration by its name in the file.
func sectionOf(conf *config.Config, name string) reflect.Value {
	v := reflect.ValueOf(conf).Elem()
	for i := range v.NumField() {
		if tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ","); tag == name {
			return reflect.Indirect(v.Field(i))
		}
	}
	return reflect.Value{}
}

// hostOf splits the address of a URL or HOST:PORT.
func hostOf(address string) (host, port string) {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		if port = u.Port(); port == "" && strings.HasPrefix(u.Scheme, "postgres") {
			port = others["postgres"].port
		}
		return u.Hostname(), port
	}
	host, port, _ = net.SplitHostPort(address)
	return host, port
}
