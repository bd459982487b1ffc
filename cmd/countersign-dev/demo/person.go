package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/countersign-health/countersign/cli"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
)

// A person types commands with a key of their own.
type person struct {
	story *story
	keys  []string
	doors []string // flags that say whom they talk to
}

// atGateway is somebody who talks to the insurer.
func (s *story) atGateway(party string) person {
	return person{s, s.keyFlags(party), []string{"--gateway", s.network.GatewayURL,
		"--insurer", string(s.network.DIDs[parties.Insurer]), "--trust", s.network.TrustFile()}}
}

// atBoard is the clerk of the board of a state; askingBoard is anybody.
func (s *story) atBoard(state string) person {
	p := s.askingBoard(state)
	p.keys = s.keyFlags(parties.Clerk)
	return p
}

func (s *story) askingBoard(state string) person {
	b := s.network.Boards[state]
	return person{s, nil, []string{"--board", b.URL, "--board-did", string(b.DID), "--trust", s.network.TrustFile()}}
}

// atLedger is anybody who reads the ledger.
func (s *story) atLedger() person { return person{s, nil, s.ledgerFlags()} }

func (s *story) keyFlags(party string) []string {
	return []string{"--keys", s.network.Keys(party), "--passphrase-file", s.network.PassphraseFile(), "--key", party}
}

func (s *story) ledgerFlags() []string {
	return []string{"--ledger", s.network.LedgerURL, "--trust", s.network.TrustFile()}
}

// types runs a command and reads its JSON answer into answer, which may be nil.
func (p person) types(ctx context.Context, answer any, args ...string) error {
	return p.typesOr(ctx, 0, answer, args...)
}

// typesOr is types where the exit code also is an answer too.
func (p person) typesOr(ctx context.Context, also int, answer any, args ...string) error {
	var out, told bytes.Buffer
	code := p.run(ctx, append(args, "--json"), &out, &told)
	if code != 0 && code != also {
		return fmt.Errorf("countersign %s: exit %d: %s", strings.Join(args[:2], " "), code, bytes.TrimSpace(told.Bytes()))
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(out.Bytes(), answer); err != nil {
		return fmt.Errorf("countersign %s: read its answer: %w", strings.Join(args[:2], " "), err)
	}
	return nil
}

// shows runs a command and prints what a person would see. The exit
// codes 0 and also are part of the story.
func (p person) shows(ctx context.Context, also int, args ...string) error {
	var out bytes.Buffer
	code := p.run(ctx, args, &out, &out)
	// Not indented: tables are as wide as a terminal.
	fmt.Fprintf(p.story.Screen, "%s\n\n", strings.TrimRight(out.String(), "\n"))
	if code != 0 && code != also {
		return fmt.Errorf("countersign %s: exit %d", strings.Join(args[:2], " "), code)
	}
	return nil
}

func (p person) run(ctx context.Context, args []string, out, told io.Writer) (code int) {
	std := cli.Streams{In: strings.NewReader(""), Out: out, Err: told}
	return cli.Run(ctx, append(append(append([]string{}, args...), p.keys...), p.doors...), std)
}
