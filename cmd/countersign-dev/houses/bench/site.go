//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	boardclient "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/cmd/countersign-dev/houses"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/aries"
	"github.com/countersign-health/countersign/examples"
	"github.com/countersign-health/countersign/gateway/api"
)

// A site is an insurer with its board and ledger that can be billed: the
// houses on PostgreSQL, or everything in one process.
type site struct {
	Name            string
	Gateway, Board  string // URLs
	Ledger          string
	Insurer, BoardI credentials.DID
	Temporal        string // its frontend
	keys            func(party string) (dir, passphrase string)
	logs            func() [][]byte // of the insurer's workers
	// processes are those that take part, by what they are part of.
	processes func() map[string][]int
}

// onHouses is the insurer in the houses of docker-compose.yml.
func onHouses(h *houses.Houses, insurer, board credentials.DID) *site {
	return &site{
		Name: "PostgreSQL", Gateway: "http://" + h.Address("gateway", 8101), Board: "http://" + h.Address("board", 8102),
		Ledger: "http://" + h.Address("ledger", 8103), Insurer: insurer, BoardI: board, Temporal: h.Address("temporal", 7233),
		keys: func(party string) (string, string) { return h.Secret(party, "keys"), h.Secret(party, "passphrase") },
		logs: func() (all [][]byte) {
			for _, name := range h.Services() {
				if strings.HasPrefix(name, "worker") {
					all = append(all, h.Log(name))
				}
			}
			return all
		},
		processes: func() map[string][]int {
			all := map[string][]int{}
			for _, name := range h.Services() {
				all[name] = h.Processes(name)
			}
			return all
		},
	}
}

func (s *site) signer(party string) (credentials.Signer, error) {
	dir, passphrase := s.keys(party)
	ks, err := aries.OpenKeyStore(dir, aries.FileLock(passphrase))
	if err != nil {
		return nil, err
	}
	return ks.Signer(party)
}

// transport keeps one connection for each that asks at the same time.
var transport = &http.Transport{MaxIdleConnsPerHost: 256}

func (s *site) asking(party string) (*api.Client, error) {
	signer, err := s.signer(party)
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", party, err)
	}
	return &api.Client{URL: s.Gateway, Insurer: s.Insurer, Signer: signer, Now: time.Now, HTTP: &http.Client{Transport: transport}}, nil
}

func (s *site) clerk() (*boardclient.Client, error) {
	signer, err := s.signer("clerk")
	if err != nil {
		return nil, err
	}
	return boardclient.New(boardclient.Config{URL: s.Board, Board: s.BoardI, Keys: credentials.ResolveDIDKey, Signer: signer})
}

// settle publishes plan and fees, enrolls everybody, licenses the clinicians.
func (s *site) settle(ctx context.Context, t *town) error {
	insurer, err := s.asking("insurer")
	if err != nil {
		return err
	}
	fees, err := examples.Files.ReadFile("fees.csv")
	if err != nil {
		return err
	}
	if _, err := insurer.PublishFees(ctx, "demo-fees", "2026-01", fees); err != nil {
		return fmt.Errorf("publish fees: %w", err)
	}
	if _, err := insurer.PublishPlan(ctx, houses.Plan()); err != nil {
		return fmt.Errorf("publish plan: %w", err)
	}
	if _, err := insurer.Enroll(ctx, demoPPO, t.members()); err != nil {
		return fmt.Errorf("enroll: %w", err)
	}
	clerk, err := s.clerk()
	if err != nil {
		return err
	}
	for i, npi := range t.clinicians {
		a := boardclient.Application{NPI: npi, Name: fmt.Sprintf("Clinician %d", i), Profession: "MD", Number: fmt.Sprintf("CA-%05d", i),
			From: "2020-01-01", Until: "2029-12-31"}
		a.Jurisdiction = "CA"
		f, err := clerk.Issue(ctx, a)
		if err != nil {
			return fmt.Errorf("license: %w", err)
		}
		l, err := credentials.Open[credentials.License](f.License.Token, credentials.KindLicense, credentials.ResolveDIDKey)
		if err != nil {
			return err
		}
		t.licenses = append(t.licenses, l.Subject.Handle)
	}
	return nil
}
