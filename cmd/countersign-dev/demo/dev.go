package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
)

// Dev starts every party with the example's plan, fees, members and licenses,
// and stays up until ctx ends. What it did before in the same folder is still
// there.
func Dev(ctx context.Context, data string, screen io.Writer) error {
	o := Options{Screen: screen, Keep: data}
	s := &story{Options: o}
	s.inputs = filepath.Join(data, "inputs")
	var err error
	if s.network, err = parties.Prepare(parties.Options{
		Dir: data, Jurisdictions: []string{"CA"}, UI: true, Edits: claims.Edits{}, ReceiptFromFile: true,
	}); err != nil {
		return err
	}
	defer s.close()
	if err := s.layOut(); err != nil {
		return err
	}
	if s.billed, err = readBilled(s.input("claims.837"), false); err != nil {
		return err
	}
	if s.Options.Out, err = os.MkdirTemp(data, "setup-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.Options.Out)
	for _, step := range []func(context.Context) (string, error){s.found, s.publish, s.license} {
		figure, err := step(ctx)
		if err != nil {
			return err
		}
		s.say("%s", figure)
	}
	os.RemoveAll(s.Options.Out) // not only at the end, which a kill may cut off
	s.tellAddresses()
	<-ctx.Done()
	fmt.Fprintln(screen, "\nstopping")
	return nil
}

func (s *story) tellAddresses() {
	n := s.network
	for _, line := range n.Moved {
		s.say("note: %s", line)
	}
	ca := n.Boards["CA"]
	fmt.Fprintf(s.Screen, `
   gateway   %s
   board     %s
   ledger    %s
   workflows %s

Try next, in another terminal:

  export COUNTERSIGN_KEYS=%s COUNTERSIGN_KEY=%s COUNTERSIGN_PASSPHRASE_FILE=%s \
         COUNTERSIGN_GATEWAY=%s COUNTERSIGN_INSURER=%s \
         COUNTERSIGN_BOARD=%s COUNTERSIGN_BOARD_DID=%s COUNTERSIGN_LEDGER=%s COUNTERSIGN_TRUST=%s
  go run ./cmd/countersign auth request examples/auth-a.json
  go run ./cmd/countersign auth request examples/auth-c.json
  go run ./cmd/countersign claim submit examples/claims.837 --wait

Keys of the others are in %s/{%s,%s,%s}/keys. Ctrl-C stops everything; the state stays.
`, n.GatewayURL, ca.URL, n.LedgerURL, n.UIURL,
		n.Keys(parties.Hospital), parties.Hospital, n.PassphraseFile(), n.GatewayURL, n.DIDs[parties.Insurer],
		ca.URL, ca.DID, n.LedgerURL, n.TrustFile(), n.Dir, parties.Clerk, parties.Insurer, parties.Reviewer)
}
