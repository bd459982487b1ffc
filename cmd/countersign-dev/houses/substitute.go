//go:build linux

package houses

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
)

// What a container has of its own, a process has not: addresses, host names
// and files. These are all the replacements, made in commands, environment,
// health checks and the text files that are mounted:
//
//	/run/secrets/NAME, /etc/countersign/…, a volume's path   where the service's copy lies
//	/countersignd, /etc/temporal/entrypoint.sh               the program that was built
//	a service's name before a port or path of a URL          that service's address
//	a service's name alone in one of hostVariables           that service's address
//	127.0.0.1 before a port that a service publishes there    that service's address
//	0.0.0.0 and 127.0.0.1 elsewhere                          the service's own address

// hostVariables hold a host and nothing else. Elsewhere "postgres" may be a
// user, and "ledger" what is to be migrated.
var hostVariables = []string{"PGHOST", "SQL_HOST", "POSTGRES_SEEDS"}

// images are those of the file, by repository: what runs where a service names
// no entrypoint, files that the image brings, who runs there, how it is stopped.
var images = map[string]struct {
	entrypoint []string
	files      map[string]string // in the image, and in Dir
	users      []string          // as root, where the file names none: the first that this machine has
	stopSignal string
}{
	"countersign/countersignd": {entrypoint: []string{"/countersignd"}, files: map[string]string{"/countersignd": "bin/countersignd"}},
	"postgres": {entrypoint: []string{"/usr/local/bin/docker-entrypoint.sh", "/var/lib/postgresql/data", "0.0.0.0"},
		files: map[string]string{"/usr/local/bin/docker-entrypoint.sh": "bin/postgres-entrypoint.sh"},
		users: []string{"postgres", "nobody"}, stopSignal: "SIGINT"},
	"temporalio/server":      {files: map[string]string{"/etc/temporal/entrypoint.sh": "bin/temporal-entrypoint.sh"}},
	"temporalio/admin-tools": {},
	"temporalio/ui": {entrypoint: []string{"/home/ui-server/ui-server", "--root", "/home/ui-server", "--env", "docker", "start"},
		files: map[string]string{"/home/ui-server": "bin/ui"},
		users: []string{"nobody"}},
}

// substitution is one text for another, in a service's surroundings. Of what
// it finds, the groups "before" and "after" stay.
type substitution struct {
	find *regexp.Regexp
	with string
}

func (s *service) substitute(find, with string) {
	s.substitutions = append(s.substitutions, substitution{regexp.MustCompile(find), with})
}

// text makes all substitutions. What one has put in is hidden from the others
// until all are made.
func (s *service) text(in string) string {
	for i, x := range s.substitutions {
		in = x.find.ReplaceAllString(in, fmt.Sprintf("${before}\x00%d\x00${after}", i))
	}
	for i, x := range s.substitutions {
		in = strings.ReplaceAll(in, fmt.Sprintf("\x00%d\x00", i), x.with)
	}
	return in
}

// furnish lays a service's files out and makes its command and environment.
func (s *service) furnish(project *types.Project, hosts map[string]string) error {
	repository, _, _ := strings.Cut(s.conf.Image, ":")
	image, ok := images[repository]
	if !ok {
		return fmt.Errorf("there is no program for the image %s: see images in houses/substitute.go", s.conf.Image)
	}
	dir := s.houses.Dir
	s.log = filepath.Join(dir, "logs", s.name+".log")
	s.root = filepath.Join(dir, "services", s.name)
	if err := s.settleUser(image.users); err != nil {
		return err
	}
	if err := os.RemoveAll(s.root); err != nil { // volumes lie elsewhere
		return err
	}
	for _, d := range []string{s.root, filepath.Join(s.root, "tmp")} {
		if err := s.makeDir(d); err != nil {
			return err
		}
	}
	for in, at := range image.files {
		s.substitute(regexp.QuoteMeta(in)+`\b`, filepath.Join(dir, at))
	}
	s.substitute(`/run/secrets\b`, filepath.Join(s.root, "run/secrets"))
	s.substitute(`/etc/countersign\b`, filepath.Join(s.root, "etc/countersign"))
	for _, v := range s.conf.Volumes {
		if v.Type == types.VolumeTypeVolume {
			s.substitute(regexp.QuoteMeta(v.Target)+`\b`, filepath.Join(dir, "volumes", v.Source))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		s.substitute(`(?P<before>^|[/@ ])`+name+`(?P<after>:\d+\b|/)`, hosts[name])
	}
	for name, published := range project.Services {
		for _, port := range published.Ports {
			if port.HostIP == "127.0.0.1" && hosts[name] != "" {
				s.substitute(`\b127\.0\.0\.1:`+regexp.QuoteMeta(port.Published)+`\b`, fmt.Sprintf("%s:%d", hosts[name], port.Target))
			}
		}
	}
	s.substitute(`\b(0\.0\.0\.0|127\.0\.0\.1)\b`, s.address)
	if err := s.mount(project); err != nil {
		return err
	}
	return s.settleCommand(image.entrypoint, image.stopSignal, hosts)
}

func (s *service) settleCommand(entrypoint []string, stopSignal string, hosts map[string]string) error {
	args := append(slices.Clone([]string(s.conf.Entrypoint)), s.conf.Command...)
	if len(s.conf.Entrypoint) == 0 {
		args = append(slices.Clone(entrypoint), s.conf.Command...)
	}
	if len(args) == 0 {
		return fmt.Errorf("it names no entrypoint, and the image %s is not known to have one", s.conf.Image)
	}
	s.argv = args
	postgres, err := findPostgres()
	if err != nil {
		return err
	}
	s.env = []string{"PATH=" + filepath.Join(s.houses.Dir, "bin") + ":" + postgres + ":" + systemPath,
		"HOME=" + s.root, "TMPDIR=" + filepath.Join(s.root, "tmp"), "LC_ALL=C", "HOUSES_ADDRESS=" + s.address}
	for _, name := range slices.Sorted(maps.Keys(s.conf.Environment)) {
		v := s.conf.Environment[name]
		switch {
		case v == nil:
			return fmt.Errorf("environment: %s has no value", name)
		case slices.Contains(hostVariables, name):
			if hosts[*v] == "" {
				return fmt.Errorf("environment: %s: there is no service %q", name, *v)
			}
			s.env = append(s.env, name+"="+hosts[*v])
		default:
			s.env = append(s.env, name+"="+s.text(*v))
		}
	}
	for name, v := range s.houses.options.Env[s.conf.Name] {
		s.env = append(s.env, name+"="+v)
	}
	s.grace = 10 * time.Second // Docker's own
	if s.conf.StopGracePeriod != nil {
		s.grace = time.Duration(*s.conf.StopGracePeriod)
	}
	if s.conf.StopSignal != "" {
		stopSignal = s.conf.StopSignal
	}
	return s.settleStop(stopSignal)
}

// mount copies what the file mounts into the service's folder.
func (s *service) mount(project *types.Project) error {
	for _, secret := range s.conf.Secrets {
		declared, ok := project.Secrets[secret.Source]
		if !ok {
			return fmt.Errorf("secret %s is not declared", secret.Source)
		}
		target := secret.Target
		if !path.IsAbs(target) {
			target = "/run/secrets/" + target
		}
		if err := s.copyFile(declared.File, target); err != nil {
			return err
		}
	}
	for _, v := range s.conf.Volumes {
		switch v.Type {
		case types.VolumeTypeVolume:
			if err := s.makeDir(filepath.Join(s.houses.Dir, "volumes", v.Source)); err != nil {
				return err
			}
		case types.VolumeTypeBind:
			err := filepath.WalkDir(v.Source, func(name string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				below, err := filepath.Rel(v.Source, name)
				if err != nil {
					return err
				}
				return s.copyFile(name, path.Join(v.Target, below))
			})
			if err != nil {
				return err
			}
		default:
			return fmt.Errorf("volume of type %q", v.Type)
		}
	}
	return nil
}

// copyFile copies a file to where it is in the container, below the service's
// folder. Text is substituted; keys and secrets are taken as they are.
func (s *service) copyFile(from, target string) error {
	body, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if path.Dir(target) == "/etc/countersign" {
		if edit := s.houses.options.Edit; edit != nil {
			body = edit(s.conf.Name, target, body)
		}
		body = []byte(s.text(string(bytes.TrimSpace(body))) + "\n")
	}
	at := filepath.Join(s.root, filepath.FromSlash(target))
	if err := s.makeDir(filepath.Dir(at)); err != nil {
		return err
	}
	if err := os.WriteFile(at, body, 0o600); err != nil {
		return err
	}
	return s.own(at)
}

// makeDir makes a folder, and those above it up to the service's own.
func (s *service) makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if strings.HasPrefix(filepath.Dir(dir), s.root) {
		if err := s.makeDir(filepath.Dir(dir)); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	return s.own(dir)
}
