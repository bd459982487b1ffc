//go:build linux

package houses

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"

	composecli "github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// understood are the keys that the file may use, and what becomes of them.
// Everything else is refused, so that nobody takes for tried what is not.
var understood = map[string]string{
	"name":             noEffect, // names containers
	"networks.*":       noEffect, // every service reaches every other
	"volumes.*.name":   "a folder in volumes",
	"secrets.*.name":   noEffect,
	"secrets.*.file":   "copied for each service",
	"services.*.image": "chooses the programs (images)",
	"services.*.build": noEffect, // the programs are built without an image
	"services.*.scale": "replicas NAME-1, NAME-2, …",

	"services.*.entrypoint":    "run as it stands, with substitutions",
	"services.*.command":       "run as it stands, with substitutions",
	"services.*.environment.*": "as it stands, with substitutions",
	"services.*.user":          "as root; others run everything as themselves",

	"services.*.restart":           "kept, unless Options.NoRestart",
	"services.*.stop_grace_period": "kept: SIGTERM, then SIGKILL",
	"services.*.stop_signal":       "kept",

	"services.*.depends_on.*.condition": "kept",
	"services.*.depends_on.*.required":  noEffect, // true where left out; a service that is not there is refused

	"services.*.healthcheck.test":         "run in the service's surroundings; at first more often than the file says",
	"services.*.healthcheck.interval":     "kept",
	"services.*.healthcheck.timeout":      "kept",
	"services.*.healthcheck.retries":      "kept",
	"services.*.healthcheck.start_period": "kept",

	"services.*.secrets.source":    "copied, readable by the service's user alone",
	"services.*.secrets.target":    "below the service's folder",
	"services.*.volumes.type":      "bind is copied, volume is a folder in volumes",
	"services.*.volumes.source":    "as above",
	"services.*.volumes.target":    "below the service's folder",
	"services.*.volumes.read_only": noEffect,
	"services.*.volumes.bind":      noEffect,
	"services.*.volumes.volume":    noEffect,

	"services.*.ports":        noEffect, // each service has an address of its own: Address
	"services.*.networks":     noEffect,
	"services.*.pull_policy":  noEffect,
	"services.*.read_only":    noEffect,
	"services.*.cap_drop":     noEffect,
	"services.*.security_opt": noEffect,
	"services.*.shm_size":     noEffect,
	"services.*.tmpfs":        "TMPDIR is a folder of the service's own",
}

const noEffect = "no effect here"

// load reads the file of Dir and refuses what is not understood.
func (h *Houses) load(ctx context.Context) (*types.Project, error) {
	options, err := composecli.NewProjectOptions([]string{filepath.Join(h.Dir, "docker-compose.yml")}, composecli.WithWorkingDirectory(h.Dir))
	if err != nil {
		return nil, err
	}
	project, err := options.LoadProject(ctx)
	if err != nil {
		return nil, err
	}
	project.Extensions = nil // x-…: anchors
	b, err := json.Marshal(project)
	if err != nil {
		return nil, err
	}
	var all map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	if strange := notUnderstood(all, ""); len(strange) > 0 {
		return nil, fmt.Errorf("the harness does not know what to do with %s: see understood in houses/compose.go", strings.Join(strange, ", "))
	}
	return project, nil
}

// notUnderstood are the keys below at that are not in the list.
func notUnderstood(v any, at string) (strange []string) {
	if _, ok := understood[generic(at)]; ok || v == nil {
		return nil
	}
	switch v := v.(type) {
	case map[string]any:
		for key, below := range v {
			path := key
			if at != "" {
				path = at + "." + escape(key)
			}
			strange = append(strange, notUnderstood(below, path)...)
		}
	case []any:
		for _, below := range v {
			strange = append(strange, notUnderstood(below, at)...)
		}
	default:
		strange = []string{at}
	}
	sort.Strings(strange)
	return slices.Compact(strange)
}

// escape keeps the dot in a name from being one of the path.
func escape(key string) string { return strings.ReplaceAll(key, ".", "·") }

var named = regexp.MustCompile(`^((?:services|secrets|volumes|networks)\.)[^.]+|((?:environment|depends_on)\.)[^.]+`)

// generic has a star for each name that the file's author chose.
func generic(path string) string { return named.ReplaceAllString(path, "$1$2*") }

// plan turns the file into services, each with an address of the network.
func (h *Houses) plan(ctx context.Context, network string) error {
	project, err := h.load(ctx)
	if err != nil {
		return err
	}
	hosts := map[string]string{}
	for _, name := range project.ServiceNames() {
		if slices.Contains(h.options.Without, name) {
			continue
		}
		conf := project.Services[name]
		replicas := 1
		if conf.Scale != nil {
			replicas = *conf.Scale
		}
		if n, ok := h.options.Replicas[name]; ok {
			replicas = n
		}
		for n := 1; n <= replicas; n++ {
			s := &service{houses: h, begun: make(chan struct{}), name: name, conf: conf, address: fmt.Sprintf("%s%d", network, len(h.services)+2)}
			if conf.Scale != nil {
				s.name = fmt.Sprintf("%s-%d", name, n)
			}
			if n == 1 {
				hosts[name] = s.address
			}
			h.services = append(h.services, s)
			h.byName[s.name] = s
		}
	}
	for _, s := range h.services {
		for needed := range s.conf.DependsOn {
			if hosts[needed] == "" {
				return fmt.Errorf("%s depends on %s, which is left out", s.name, needed)
			}
		}
		if err := s.furnish(project, hosts); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}
