package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/countersign-health/countersign/tracing"
)

const program = "countersign"

// Streams are where a run reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// Traces makes the span of the command; nil: there is none.
	Traces trace.TracerProvider
}

// Run runs one command line, given without the program's name, and returns its
// exit code. It may be called several times at once: it keeps nothing between
// calls, and reads the environment only through flags.
func Run(ctx context.Context, args []string, std Streams) int {
	r := &run{Streams: std, args: args, now: time.Now, json: asksJSON(args)}
	app := r.app()
	if len(args) > 0 && args[0] == completeCommand {
		complete(app, args[1:], std.Out)
		return exitDone
	}
	err := app.RunContext(ctx, append([]string{program}, flagsFirst(app, args)...))
	return r.report(err)
}

// A run is one command line on its way.
type run struct {
	Streams
	args []string
	now  func() time.Time
	json bool
	// told is set once the command has written its JSON object, so that an
	// error does not add a second one.
	told bool
}

func (r *run) app() *urfave.App {
	return &urfave.App{
		Name:        program,
		Usage:       "credentials, claims and decisions that anyone can check",
		UsageText:   program + " COMMAND [FLAGS] [ARGUMENTS]",
		Description: exitCodes,
		Reader:      r.In, Writer: r.Out, ErrWriter: r.Err,
		// The library's own help and version flags are shared by the whole
		// process; every command has its own instead (see leaf).
		HideHelp: true, HideHelpCommand: true, HideVersion: true,
		Flags:          []urfave.Flag{helpFlag()},
		ExitErrHandler: func(*urfave.Context, error) {}, // report does it, once
		OnUsageError:   usageError,
		Action:         group,
		Commands: []*urfave.Command{
			r.keyCommand(), r.claimCommand(), r.authCommand(), r.reviewCommand(), r.licenseCommand(), r.credentialCommand(), r.clinicianCommand(),
			r.planCommand(), r.feesCommand(), r.codesCommand(), r.exclusionsCommand(), r.memberCommand(), r.providerCommand(), r.remitCommand(), r.ledgerCommand(), r.networkCommand(), r.verifyCommand(), r.completionCommand(),
		},
	}
}

// A leaf is a command that does something.
type leaf struct {
	name, usage string
	args        string // how help shows the arguments
	min, max    int    // how many there may be; max -1 is any number
	about       string
	flags       []urfave.Flag
	do          func(*urfave.Context) error
}

func (r *run) leaf(l leaf) *urfave.Command {
	return &urfave.Command{
		Name: l.name, Usage: l.usage, ArgsUsage: l.args, Description: l.about,
		HideHelp: true, HideHelpCommand: true, OnUsageError: usageError,
		Flags: append(l.flags, jsonFlag(), helpFlag()),
		Action: func(c *urfave.Context) error {
			if n := c.NArg(); n < l.min || l.max >= 0 && n > l.max {
				want := l.args
				if want == "" {
					want = "no arguments"
				}
				return refused(commandName(c), fmt.Sprintf("want %s, not %d arguments", want, n), "see "+c.Command.HelpName+" --help")
			}
			return r.traced(c, l.do)
		},
	}
}

// traced runs a command as the root of a trace. Its span has the command's
// name; what stood behind it may be a person's.
func (r *run) traced(c *urfave.Context, do func(*urfave.Context) error) error {
	if r.Traces == nil {
		return do(c)
	}
	ctx, span := r.Traces.Tracer(tracing.Scope).Start(c.Context, c.Command.HelpName)
	defer span.End()
	c.Context = ctx
	err := do(c)
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	return err
}

// branch is a command that only holds others.
func branch(name, usage string, below ...*urfave.Command) *urfave.Command {
	return &urfave.Command{
		Name: name, Usage: usage, Subcommands: below, Action: group,
		HideHelp: true, HideHelpCommand: true, OnUsageError: usageError, Flags: []urfave.Flag{helpFlag()},
	}
}

// group runs where no command of a branch was named.
func group(c *urfave.Context) error {
	what := commandName(c)
	if what == "" {
		what = "command"
	}
	if c.NArg() > 0 {
		return refused(what, fmt.Sprintf("there is no %q", c.Args().First()), "see "+c.Command.HelpName+" --help")
	}
	if c.Command.HelpName == program {
		return urfave.ShowAppHelp(c)
	}
	return refused(what, "it needs to know what to do", "see "+c.Command.HelpName+" --help")
}

func usageError(c *urfave.Context, err error, _ bool) error {
	return refused(commandName(c), oneLine(err.Error()), "see "+c.Command.HelpName+" --help")
}

// commandName is "claim check" for the command of c.
func commandName(c *urfave.Context) string {
	return strings.TrimSpace(strings.TrimPrefix(c.Command.HelpName, program))
}

func asksJSON(args []string) bool {
	for _, a := range args {
		if a == "--" {
			return false
		}
		if slices.Contains([]string{"--json", "-json", "--json=true"}, a) {
			return true
		}
	}
	return false
}

// flagsFirst puts the flags of the command line's last command before its
// arguments. The library stops at the first argument, but people write the
// file first and then how.
func flagsFirst(app *urfave.App, args []string) []string {
	commands, flags, i := app.Commands, app.Flags, 0
	for ; i < len(args); i++ {
		found := slices.IndexFunc(commands, func(c *urfave.Command) bool { return c.HasName(args[i]) })
		if found < 0 {
			break
		}
		flags, commands = commands[found].Flags, commands[found].Subcommands
	}
	if len(commands) > 0 {
		return args // no command yet to take the flags
	}
	var first, rest []string
	for tail := args[i:]; len(tail) > 0; tail = tail[1:] {
		switch a := tail[0]; {
		case a == "--":
			return slices.Concat(args[:i], first, []string{"--"}, rest, tail[1:])
		case len(a) < 2 || a[0] != '-':
			rest = append(rest, a)
		default:
			first = append(first, a)
			if len(tail) > 1 && takesValue(flags, a) {
				first, tail = append(first, tail[1]), tail[1:]
			}
		}
	}
	return slices.Concat(args[:i], first, rest)
}

func takesValue(flags []urfave.Flag, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			_, boolean := f.(*urfave.BoolFlag)
			return !boolean
		}
	}
	return false
}
