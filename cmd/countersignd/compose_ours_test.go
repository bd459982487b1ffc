package main

import (
	"crypto/ed25519"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/countersign-health/countersign/cmd/countersignd/config"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/ledger/witness"
)

// ours looks at a service of countersignd and at what its configuration says.
func (c *composition) ours(r *running) {
	c.files(r)
	c.databases(r)
	for name := range c.project.Services["temporal"].Networks {
		if _, there := r.Networks[name]; there && r.conf.Insurer == nil {
			c.problem(r.Name, "shares the network %s with temporal, where anybody may end contracts", name)
		}
	}
	if r.command == "migrate up" {
		if len(r.Ports) > 0 || r.HealthCheck != nil {
			c.problem(r.Name, "%s serves nothing", r.command)
		}
		return
	}
	c.health(r)
	host, port := hostOf(r.listen)
	for _, p := range r.Ports {
		if p.Target == 0 || port != p.Published || host != "0.0.0.0" || hostPort(p.Target) != port {
			c.problem(r.Name, "port %s:%d is published, and it listens on %q", p.Published, p.Target, r.listen)
		}
	}
	if r.StopGracePeriod == nil || time.Duration(*r.StopGracePeriod) <= r.conf.Drain {
		c.problem(r.Name, "want a stop_grace_period longer than drain, %v", r.conf.Drain)
	}
	for what, address := range reaches(r) {
		c.reach(r, what, address)
	}
	if r.conf.Insurer != nil && !slices.Contains(c.project.Services["temporal-namespace"].Command, r.conf.Insurer.Temporal.Namespace) {
		c.problem(r.Name, "no service makes the namespace %s", r.conf.Insurer.Temporal.Namespace)
	}
	c.keys(r)
}

// health looks that the health check asks the process's own admin address.
func (c *composition) health(r *running) {
	if r.HealthCheck == nil || len(r.HealthCheck.Test) < 3 || r.HealthCheck.Test[0] != "CMD" || r.HealthCheck.Test[1] != "/countersignd" {
		c.problem(r.Name, "want a health check by CMD /countersignd: the image has nothing else")
		return
	}
	command, _, args, err := parse(r.HealthCheck.Test[2:])
	if err != nil || command != "probe" || len(args) != 1 {
		c.problem(r.Name, "health check %q: want probe URL (%v)", r.HealthCheck.Test, err)
		return
	}
	u, err := url.Parse(args[0])
	if err != nil || u.Scheme != "http" || u.Host != r.admin || (u.Path != "/readyz" && u.Path != "/healthz") {
		c.problem(r.Name, "health check asks %s, and its admin address is %s", args[0], r.admin)
	}
	if host, _ := hostOf(r.admin); host != "127.0.0.1" {
		c.problem(r.Name, "admin address %s: want 127.0.0.1, for it is not for other houses", r.admin)
	}
	if r.HealthCheck.Timeout == nil || time.Duration(*r.HealthCheck.Timeout) <= probeWithin {
		c.problem(r.Name, "health check: want a timeout longer than the probe's %v", probeWithin)
	}
}

// A named file is one that a configuration names.
type named struct {
	field, file string
	secret      bool
}

// namedIn finds the files in a section.
func namedIn(field string, v reflect.Value) (all []named) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return namedIn(field, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
			all = append(all, namedIn(field+"."+tag, v.Field(i))...)
		}
	case reflect.Slice:
		for i := range v.Len() {
			all = append(all, namedIn(field, v.Index(i))...)
		}
	case reflect.String:
		switch v.Interface().(type) {
		case config.File, config.Dir, config.SecretFile:
			if _, secret := v.Interface().(config.SecretFile); v.String() != "" {
				return []named{{field, v.String(), secret}}
			}
		}
		if file, ok := strings.CutPrefix(v.String(), "sqlite:"); ok {
			return []named{{field, path.Dir(file), false}}
		}
	}
	return all
}

// needs are the files that the command opens.
func needs(r *running) (all []named) {
	if r.command != "migrate up" {
		for _, section := range (&config.Config{}).Lacks(r.command) {
			all = append(all, namedIn(section, sectionOf(r.conf, section))...)
		}
		return all
	}
	for _, section := range r.args {
		all = append(all, namedIn(section+".database", sectionOf(r.conf, section).FieldByName("Database"))...)
	}
	return all
}

// files looks that what the configuration names is mounted, can be used by the
// image's user alone, and that nothing else is mounted.
func (c *composition) files(r *running) {
	mounts := c.mounts(r.ServiceConfig)
	used := map[string]bool{r.file: true}
	for _, n := range needs(r) {
		source, ok := mounts[n.file]
		if !ok {
			c.problem(r.Name, "%s: %s is not mounted", n.field, n.file)
			continue
		}
		used[n.file] = true
		switch stored := !filepath.IsAbs(source); {
		case stored != strings.HasSuffix(n.field, ".dsn"):
			c.problem(r.Name, "%s: want a volume for a database, a file or folder for the rest", n.field)
		case n.secret:
			if err := config.SecretFile(source).Check(); err != nil {
				c.problem(r.Name, "%s: %v", n.field, err)
			}
			if !strings.Contains(source, "/deploy/secrets/") {
				c.problem(r.Name, "%s: %s is not in deploy/secrets, which git ignores", n.field, source)
			}
		}
	}
	for target := range mounts {
		if !used[target] {
			c.problem(r.Name, "%s is mounted, and %s opens no such file", target, r.command)
		}
	}
}

// databases looks that the role and the database of each DSN are made, with
// the password that is mounted here.
func (c *composition) databases(r *running) {
	for _, section := range []string{"insurer", "board", "ledger"} {
		v := sectionOf(r.conf, section)
		if !v.IsValid() {
			continue
		}
		d := v.FieldByName("Database").Interface().(config.Database)
		c.reach(r, section+".database.dsn", d.DSN)
		u, err := url.Parse(d.DSN)
		if err != nil {
			continue
		}
		maker := c.project.Services["databases"]
		role := u.User.Username()
		if pair := role + ":" + strings.TrimPrefix(u.Path, "/"); !slices.Contains(maker.Command, pair) {
			c.problem(r.Name, "%s.database.dsn: no service makes %s", section, pair)
		}
		if mine, its := c.mounts(r.ServiceConfig)[string(d.PasswordFile)], c.mounts(maker)["/run/secrets/"+role+".password"]; mine != its {
			c.problem(r.Name, "%s.database.password_file: role %s is made with another password", section, role)
		}
	}
}

// connections looks that PostgreSQL has enough for everybody at once, as
// docs/postgresql.md counts them.
func (c *composition) connections() {
	const superuser, temporals = 3, 4 * (20 + 10) // four services, each with a pool and one for visibility
	most, need := 100, superuser+temporals
	for _, arg := range c.project.Services["postgres"].Command {
		fmt.Sscanf(arg, "max_connections=%d", &most)
	}
	for _, r := range c.daemons {
		for _, section := range []string{"insurer", "board", "ledger"} {
			if v := sectionOf(r.conf, section); v.IsValid() && !strings.HasPrefix(r.command, "migrate") {
				replicas := 1
				if r.Scale != nil {
					replicas = *r.Scale
				}
				need += replicas * (v.FieldByName("Database").Interface().(config.Database).Pool.MaxOpen + 3)
			}
		}
	}
	if need > most {
		c.problem("postgres", "max_connections is %d, and all together may want %d", most, need)
	}
}

// reaches are the addresses that a daemon goes to.
func reaches(r *running) map[string]string {
	all := map[string]string{}
	used := (&config.Config{}).Lacks(r.command)
	if slices.Contains(used, "network") {
		all["network.ledger"] = r.conf.Network.Ledger
	}
	if slices.Contains(used, "insurer") {
		all["insurer.temporal.address"] = r.conf.Insurer.Temporal.Address
		for _, b := range r.conf.Insurer.Boards {
			all["insurer.boards "+b.DID] = b.URL
		}
	}
	if r.command == "ledger" {
		for _, w := range r.conf.Ledger.Witnesses {
			all["ledger.witnesses "+w.Name] = w.URL
		}
	}
	return all
}

// reach looks that a service listens at an address, on a network in common.
func (c *composition) reach(r *running, what, address string) {
	host, port := hostOf(address)
	to, ok := c.project.Services[host]
	if !ok {
		c.problem(r.Name, "%s: there is no service %q", what, host)
		return
	}
	shared := false
	for name := range r.Networks {
		_, there := to.Networks[name]
		shared = shared || there
	}
	if !shared {
		c.problem(r.Name, "%s: it shares no network with %s", what, host)
	}
	at, interfaces := others[strings.Split(to.Image, ":")[0]].port, "0.0.0.0"
	if peer := c.daemons[host]; peer != nil {
		interfaces, at = hostOf(peer.listen)
		if name, ok := strings.CutPrefix(what, "ledger.witnesses "); ok && (peer.conf.Witness == nil || peer.conf.Witness.Name != name) {
			c.problem(r.Name, "%s: %s has another name", what, host)
		}
	}
	if at != port || interfaces != "0.0.0.0" {
		c.problem(r.Name, "%s: %s does not listen on %s for others", what, host, port)
	}
}

// genesis is leaf 0 as it is mounted.
func (c *composition) genesis() (*ledger.Genesis, []byte, error) {
	leaf, err := os.ReadFile(c.project.Secrets["genesis.entry"].File)
	if err != nil {
		return nil, nil, err
	}
	g, err := ledger.ParseGenesis(leaf)
	return g, leaf, err
}

// unused looks that all that is declared is used.
func (c *composition) unused() {
	used := map[string]bool{}
	for _, s := range c.project.Services {
		for _, v := range s.Volumes {
			used["volume "+v.Source] = true
		}
		for _, secret := range s.Secrets {
			used["secret "+secret.Source] = true
		}
		for name := range s.Networks {
			used["network "+name] = true
		}
	}
	for name := range c.project.Volumes {
		if !used["volume "+name] {
			c.problem(name, "no service uses this volume")
		}
	}
	for name := range c.project.Secrets {
		if !used["secret "+name] {
			c.problem(name, "no service uses this secret")
		}
	}
	for name := range c.project.Networks {
		if !used["network "+name] {
			c.problem(name, "no service uses this network")
		}
	}
}

// keys looks that genesis, trust and the keys that are mounted belong together.
func (c *composition) keys(r *running) {
	seed := func(file config.SecretFile) ed25519.PrivateKey {
		b, err := config.SecretFile(c.mounts(r.ServiceConfig)[string(file)]).Seed()
		if err != nil {
			c.problem(r.Name, "%v", err)
			b = make([]byte, ed25519.SeedSize)
		}
		return ed25519.NewKeyFromSeed(b)
	}
	g, leaf, err := c.genesis()
	if err != nil {
		c.problem(r.Name, "%v", err)
		return
	}
	switch r.command {
	case "witness":
		w := r.conf.Witness
		if key, err := witness.VerifierKey(w.Name, seed(w.KeyFile)); err != nil || !slices.Contains(g.Witnesses, key) {
			c.problem(r.Name, "the genesis names no witness with this name and key (%v)", err)
		}
		if l := w.Logs[0]; len(w.Logs) != 1 || l.Origin != g.Origin || !slices.Contains(l.Keys, g.LogKey) {
			c.problem(r.Name, "it follows another log than that of the genesis")
		}
	case "ledger":
		if _, key, err := operator.NewKey(g.Origin, seed(r.conf.Ledger.LogKeyFile)); err != nil || key != g.LogKey {
			c.problem(r.Name, "the genesis names another log key (%v)", err)
		}
	default:
		text, err := os.ReadFile(c.mounts(r.ServiceConfig)[string(r.conf.Network.Trust)])
		if err != nil {
			return // said already
		}
		trust, err := ledger.ParseTrust(text)
		if err == nil {
			_, err = trust.Check(leaf)
		}
		if err != nil {
			c.problem(r.Name, "network.trust: %v", err)
		}
	}
}
