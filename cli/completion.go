package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// completeCommand is what the shells' scripts call: the words of the command
// line, the last one being the one that is typed. The library's own way reads
// os.Args, which is not ours to read.
const completeCommand = "__complete"

var completions = map[string]string{
	"bash": `# countersign completion bash > /etc/bash_completion.d/countersign
_countersign() {
  local IFS=$'\n'
  COMPREPLY=($(countersign __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _countersign countersign
`,
	"zsh": `#compdef countersign
# countersign completion zsh > "${fpath[1]}/_countersign"
_countersign() {
  local -a found
  found=("${(@f)$(countersign __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "${found[1]}" ]]; then compadd -- "${found[@]}"; else _files; fi
}
compdef _countersign countersign
`,
	"fish": `# countersign completion fish > ~/.config/fish/completions/countersign.fish
function __countersign_complete
    set -l words (commandline -opc) (commandline -ct)
    set -e words[1]
    countersign __complete $words 2>/dev/null
end
complete -c countersign -a '(__countersign_complete)'
`,
}

func (r *run) completionCommand() *urfave.Command {
	return r.leaf(leaf{
		name: "completion", usage: "print the completion script of a shell", args: "bash|zsh|fish", min: 1, max: 1,
		about: "For this session of bash: source <(countersign completion bash)",
		do: func(c *urfave.Context) error {
			script, ok := completions[c.Args().First()]
			if !ok {
				return refused("completion", fmt.Sprintf("there is none for %q", c.Args().First()), "ask for bash, zsh or fish")
			}
			if r.json {
				return r.print(map[string]string{"script": script})
			}
			_, err := io.WriteString(r.Out, script)
			return err
		},
	})
}

// complete prints what the last word may become: a command, or a flag where it
// starts with one. Where it prints nothing, the shell offers files.
func complete(app *urfave.App, words []string, w io.Writer) {
	if len(words) == 0 {
		words = []string{""}
	}
	commands, flags := app.Commands, app.Flags
	before, last := words[:len(words)-1], words[len(words)-1]
	for _, word := range before {
		i := slices.IndexFunc(commands, func(c *urfave.Command) bool { return c.HasName(word) })
		if i < 0 {
			break // a flag or an argument
		}
		commands, flags = commands[i].Subcommands, commands[i].Flags
	}
	var found []string
	if strings.HasPrefix(last, "-") {
		for _, f := range flags {
			found = append(found, "--"+f.Names()[0])
		}
	} else if n := len(before); n == 0 || !strings.HasPrefix(before[n-1], "-") {
		for _, c := range commands {
			found = append(found, c.Name)
		}
	}
	for _, f := range found {
		if strings.HasPrefix(f, last) {
			fmt.Fprintln(w, f)
		}
	}
}
