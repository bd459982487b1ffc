// Command countersignd runs the processes of a house that are always on: an
// insurer's worker and gateway, a board, a ledger's operator, a witness. What
// each of them does is in its own package; this reads the configuration and
// the environment, which nothing below it does, and hands them over.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/cmd/countersignd/config"
	"github.com/countersign-health/countersign/cmd/countersignd/run"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1 // something outside, or a key that is not the right one
	exitUsage  = 2 // the command line or the configuration
	exitWaits  = 3 // migrate status: some migration has not run; recover: the books lack something
)

func main() {
	os.Exit(Main(os.Args, os.Environ(), os.Stdout, os.Stderr))
}

// Main runs one command line until it ends or a signal comes. A second signal
// ends it at once.
func Main(args, environ []string, out, logs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	d := &daemon{env: map[string]string{}, out: out, logs: logs}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if strings.HasPrefix(name, "COUNTERSIGND_") && name != configVariable {
			d.env[name] = value
		}
		if name == "PGPASSWORD" { // lib/pq would take it
			fmt.Fprintln(logs, "countersignd: PGPASSWORD: no secret is taken from the environment: use password_file or PGPASSFILE")
			return exitUsage
		}
	}
	err := d.app().RunContext(ctx, args)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, run.ErrLogged):
		return exitFailed // the log has said why
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintln(logs, "countersignd:", strings.TrimSuffix(line, "\n"))
	}
	var wrong *usageError
	switch {
	case errors.As(err, &wrong):
		return exitUsage
	case errors.Is(err, run.ErrMigrationsWait), errors.Is(err, run.ErrLacking):
		return exitWaits
	}
	return exitFailed
}

// usageError is a mistake in the command line or the configuration.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usage(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

const configVariable = "COUNTERSIGND_CONFIG"

type daemon struct {
	env       map[string]string
	out, logs io.Writer
}

func (d *daemon) app() *urfave.App {
	app := &urfave.App{
		Name: "countersignd", Usage: "the processes of a house that are always on",
		Description: "Each command reads one YAML file; countersignd.example.yaml describes every field. A variable such as\n" +
			"COUNTERSIGND_WORKER_ADMIN replaces the field worker.admin. Secrets lie in files that the configuration names.",
		HideHelpCommand: true, HideVersion: true, Writer: d.out, ErrWriter: d.logs,
		ExitErrHandler: func(*urfave.Context, error) {}, // Main prints the error, once
		OnUsageError:   func(_ *urfave.Context, err error, _ bool) error { return &usageError{err} },
		Action: func(c *urfave.Context) error {
			if c.NArg() > 0 {
				return usage("there is no command %q: see countersignd --help", c.Args().First())
			}
			return urfave.ShowAppHelp(c)
		},
		Commands: []*urfave.Command{d.migrateCommand(), d.buildsCommand(), d.booksCommand(), d.recoverCommand(), d.configCommand(), d.probeCommand()},
	}
	for _, r := range []struct{ name, usage string }{
		{"worker", "serve the insurer's contracts, follow the boards' feeds, drain the outbox"},
		{"gateway", "the insurer's door to hospitals and reviewers"},
		{"board", "a licensing board's register and its door"},
		{"ledger", "order the ledger's entries"},
		{"witness", "countersign checkpoints of logs"},
	} {
		app.Commands = append(app.Commands, &urfave.Command{
			Name: r.name, Usage: r.usage, Flags: flagsOf(r.name), OnUsageError: app.OnUsageError, HideHelpCommand: true,
			Action: func(c *urfave.Context) error { return d.serve(c, r.name) },
		})
	}
	return app
}

func configFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "config", Usage: "the configuration `FILE`", Value: "countersignd.yaml", EnvVars: []string{configVariable}}
}

func (d *daemon) serve(c *urfave.Context, command string) error {
	if c.NArg() > 0 {
		return usage("%s takes no arguments", command)
	}
	conf, err := d.read(c)
	if err != nil {
		return err
	}
	if err := lacks(conf, command, c.String("config")); err != nil {
		return err
	}
	return run.Run(c.Context, command, conf, d.logs)
}

func lacks(conf *config.Config, command, path string) error {
	if sections := conf.Lacks(command); len(sections) > 0 {
		return usage("%s: %s needs the section %s", filepath.Base(path), command, strings.Join(sections, " and "))
	}
	return nil
}

// temporalFlags say where the cluster is, instead of the file.
func temporalFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "temporal-address", Usage: "`HOST:PORT` of the Temporal frontend, instead of insurer.temporal.address"},
		&urfave.StringFlag{Name: "temporal-namespace", Usage: "the insurer's `NAMESPACE`, instead of insurer.temporal.namespace"},
	}
}

func flagsOf(command string) []urfave.Flag {
	if command == "worker" || command == "gateway" {
		return append([]urfave.Flag{configFlag()}, temporalFlags()...)
	}
	return []urfave.Flag{configFlag()}
}

// read reads the configuration that --config names, with what other flags replace.
func (d *daemon) read(c *urfave.Context) (*config.Config, error) {
	for _, flag := range config.Flags {
		if name := strings.TrimPrefix(flag, "--"); c.IsSet(name) {
			d.env[flag] = c.String(name)
		}
	}
	return d.readFile(c.String("config"))
}

func (d *daemon) readFile(path string) (*config.Config, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage("%s: there is no such file: name the configuration with --config", path)
	}
	if err != nil {
		return nil, usage("read configuration: %w", err)
	}
	conf, err := config.Read(path, b, d.env)
	if err != nil {
		return nil, &usageError{err}
	}
	return conf, nil
}

func (d *daemon) configCommand() *urfave.Command {
	return &urfave.Command{
		Name: "config", Usage: "look at a configuration", HideHelpCommand: true,
		Action: func(*urfave.Context) error { return usage("want \"config check FILE\"") },
		Subcommands: []*urfave.Command{{
			Name: "check", Usage: "say what would run, with every value; exit 2 where something is wrong", ArgsUsage: "FILE",
			OnUsageError: func(_ *urfave.Context, err error, _ bool) error { return &usageError{err} }, HideHelpCommand: true,
			Flags:  []urfave.Flag{&urfave.BoolFlag{Name: "files", Usage: "look for the files that it names, too"}},
			Action: d.check,
		}},
	}
}

func (d *daemon) check(c *urfave.Context) error {
	if c.NArg() != 1 {
		return usage("config check: want one file")
	}
	conf, err := d.readFile(c.Args().First())
	if err != nil {
		return err
	}
	if c.Bool("files") {
		if missing := conf.Missing(); len(missing) > 0 {
			return &usageError{errors.Join(missing...)}
		}
	}
	conf.Show(d.out, c.Args().First(), d.env)
	return nil
}

func (d *daemon) migrateCommand() *urfave.Command {
	command := func(name, usageText string, do func(context.Context, io.Writer, *config.Config, []string) error) *urfave.Command {
		return &urfave.Command{
			Name: name, Usage: usageText, ArgsUsage: "[insurer|board|ledger|witness]…", Flags: []urfave.Flag{configFlag()}, HideHelpCommand: true,
			OnUsageError: func(_ *urfave.Context, err error, _ bool) error { return &usageError{err} },
			Action: func(c *urfave.Context) error {
				conf, err := d.read(c)
				if err != nil {
					return err
				}
				houses, err := run.Houses(conf, c.Args().Slice())
				if err != nil {
					return &usageError{err}
				}
				return do(c.Context, d.out, conf, houses)
			},
		}
	}
	return &urfave.Command{
		Name: "migrate", Usage: "the schemas of the databases that the configuration names", HideHelpCommand: true,
		Action: func(*urfave.Context) error { return usage("want \"migrate status\" or \"migrate up\"") },
		Subcommands: []*urfave.Command{
			command("status", "say what has run and what would; changes nothing; exit 3 where something would", run.MigrateStatus),
			command("up", "bring them up to date; every process does so itself when it starts", run.MigrateUp),
		},
	}
}
