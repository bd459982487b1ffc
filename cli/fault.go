package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	board "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
	ledgerclient "github.com/countersign-health/countersign/ledger/client"
)

// The exit codes (package comment).
const (
	exitDone    = 0
	exitLater   = 1
	exitRefused = 2
	exitCaught  = 3
	exitSplit   = 4
	exitNo      = 5
	exitUnknown = 6
)

// An answerGiven ends a command that has said all there is to say.
type answerGiven struct{ code int }

func (v *answerGiven) Error() string { return "" }

// A fault ends a command: what was being done, why it was not, what to do.
type fault struct {
	code          int
	what, why, do string
	all           []string // the problems, where there are several
}

func (f *fault) Error() string {
	line := f.why
	if f.what != "" {
		line = f.what + ": " + line
	}
	if f.do != "" {
		line += "; " + f.do
	}
	return line
}

// refused is for input that trying again will not make good.
func refused(what, why, do string) error {
	return &fault{code: exitRefused, what: what, why: why, do: do}
}

// refusedFile refuses a file with all that is wrong in it, a line each, as its
// parser says it. Parsers name the file as the examples do; prefix is that name.
func refusedFile(path, prefix string, err error, do string) error {
	var all []string
	for line := range strings.Lines(err.Error()) {
		all = append(all, strings.TrimPrefix(oneLine(line), prefix))
	}
	if len(all) == 1 {
		return refused(path, all[0], do)
	}
	return &fault{code: exitRefused, what: path, why: count(len(all), "problem"), do: do, all: all}
}

// later is for what may well go the next time.
func later(what, why, do string) error { return &fault{code: exitLater, what: what, why: why, do: do} }

// caught is for a check that failed.
func caught(what string, err error, do string) error {
	return &fault{code: exitCaught, what: what, why: err.Error(), do: do}
}

// split is for a log that has shown two histories, which is proven.
func split(what, why, do string) error {
	return &fault{code: exitSplit, what: what, why: why, do: do}
}

// codeOf finds the exit code of an error, whoever made it.
func codeOf(err error) int {
	var f *fault
	var gate *api.Refusal
	var clerk *board.Refusal
	var syntax *x12.Refusal
	var said *answerGiven
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &said):
		return said.code
	case errors.As(err, &f):
		return f.code
	case errors.As(err, &gate):
		return codeOfStatus(gate.Status)
	case errors.As(err, &clerk), errors.As(err, &syntax), errors.Is(err, dossier.ErrOtherContent),
		errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission),
		errors.Is(err, ledgerclient.ErrRefused), errors.Is(err, ledgerclient.ErrNotFound):
		return exitRefused
	case errors.Is(err, ledgerclient.ErrEvidence), errors.Is(err, board.ErrEvidence):
		return exitCaught
	}
	return exitLater
}

func codeOfStatus(status int) int {
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return exitLater
	case status >= 400:
		return exitRefused
	}
	return exitLater
}

// adviceFor says what to do where the error does not: nobody answers, or the
// gateway refuses the caller rather than what was sent.
func adviceFor(err error) string {
	var gate *api.Refusal
	if !errors.As(err, &gate) {
		var u *url.Error
		var dial *net.OpError // what is left of it where the address would repeat a question
		if (errors.As(err, &u) || errors.As(err, &dial)) && !errors.Is(err, api.ErrUnreachable) {
			return "; check the address and the network, then try again (nothing is done twice)"
		}
		return ""
	}
	switch gate.Status {
	case http.StatusUnauthorized:
		return "; check --key, --insurer and this computer's clock"
	case http.StatusForbidden:
		return "; use the key of a party that may (--key)"
	case http.StatusNotFound:
		return "; check the handle, and that --key is the key that sent it"
	}
	return ""
}

// report tells of an error, once, and returns the exit code.
func (r *run) report(err error) int {
	if err == nil {
		return exitDone
	}
	var said *answerGiven
	if errors.As(err, &said) {
		return said.code
	}
	code, line := codeOf(err), lineOf(err)
	var f *fault
	var all []string
	if errors.As(err, &f) {
		all = f.all
	}
	if r.json && !r.told {
		r.print(struct {
			ending
			Problems []string `json:"problems,omitempty"`
		}{endingOf(err), all})
	} else if !r.json {
		for _, p := range all {
			fmt.Fprintf(r.Out, "%s: %s\n", f.what, p)
		}
	}
	fmt.Fprintf(r.Err, "%s: %s\n", program, line)
	return code
}

// lineOf is an error in one line, without addresses, which may hold a handle.
func lineOf(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted; what was sent stands, and sending it again does nothing twice"
	}
	line := oneLine(err.Error())
	var u *url.Error
	if errors.As(err, &u) {
		why := u.Err.Error()
		if u.Timeout() {
			why = "no answer in time"
		}
		line = strings.Replace(line, oneLine(u.Error()), oneLine(why), 1)
	}
	return line + adviceFor(err)
}

// An ending tells in a command's JSON object that it did not end well.
type ending struct {
	Error string `json:"error,omitempty"`
	Exit  int    `json:"exit,omitempty"`
}

func endingOf(err error) ending {
	if err == nil {
		return ending{}
	}
	return ending{lineOf(err), codeOf(err)}
}

// print writes the one JSON object of a command.
func (r *run) print(v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	r.told = true
	_, err = r.Out.Write(append(b, '\n'))
	return err
}

// oneLine keeps a stranger's text from moving the cursor or faking lines.
func oneLine(s string) string {
	s = strings.ReplaceAll(strings.TrimSpace(s), "\n", "; ")
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, s)
}
