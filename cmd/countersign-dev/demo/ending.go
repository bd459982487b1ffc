package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
)

// The clinician of the last act, and what the board orders.
const (
	revokedNPI    credentials.NPI = "2999002183"
	revokedFrom                   = "2026-10-15T00:00:00-07:00"
	revokedReason                 = "unprofessional-conduct"
)

// tally counts the first decision on each claim of the file, from the signed
// decisions themselves.
func (s *story) tally() error {
	decisions, err := s.decisions()
	if err != nil {
		return err
	}
	sum := &s.summary
	sum.Claims.Submitted = len(s.billed.claims)
	sum.Claims.Refused = len(s.billed.claims) - len(decisions)
	for _, d := range decisions {
		switch d.Outcome {
		case claims.Paid:
			sum.Claims.Paid++
		case claims.Denied:
			sum.Claims.Denied++
		case claims.Pended:
			sum.Claims.Pended++
		}
		sum.Cents.Charge += int64(d.Charge)
		sum.Cents.Allowed += int64(d.Allowed)
		sum.Cents.Paid += int64(d.Paid)
		sum.Cents.Patient += int64(d.Patient)
	}
	return nil
}

// decisions are the first decisions on claims that the dossier holds.
func (s *story) decisions() (first []claims.Decision, err error) {
	files, err := filepath.Glob(filepath.Join(s.Options.Out, dossier.Decisions, "*.jwt"))
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		token, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		d, err := credentials.Open[claims.ClaimDecisionDocument](strings.TrimSpace(string(token)), credentials.KindClaimDecision, credentials.ResolveDIDKey)
		if err != nil {
			return nil, fmt.Errorf("open decision: %w", err)
		}
		if d.Subject.Decision.Number == 1 {
			first = append(first, d.Subject.Decision)
		}
	}
	return first, nil
}

// revoke is the board's order and what it does to open work.
func (s *story) revoke(ctx context.Context) (string, error) {
	license, ok := s.licensed(revokedNPI)
	if !ok {
		return "", fmt.Errorf("nobody is licensed under the NPI of the last act: %w", errStory)
	}
	var shown struct {
		Licenses []struct {
			Orders []credentials.Order `json:"orders"`
		} `json:"licenses"`
	}
	s.say("the board of %s revokes the license of %s (NPI %s), for services from %s", license.Jurisdiction, license.Name, license.NPI, revokedFrom[:len("2026-10-15")])
	next, err := s.awaitNext(ctx)
	if err != nil {
		return "", err
	}
	err = s.atBoard("CA").types(ctx, &shown, "license", "revoke", license.Handle.String(),
		"--effective", revokedFrom, "--reason", revokedReason, "--out", s.Options.Out)
	if err != nil {
		return "", err
	}
	if len(shown.Licenses) != 1 || len(shown.Licenses[0].Orders) != 1 {
		return "", fmt.Errorf("the board shows no order: %w", errStory)
	}
	order := shown.Licenses[0].Orders[0]
	if err := s.reached(ctx, order); err != nil {
		return "", err
	}
	reach, err := s.network.House.Books.Reach(ctx, order.Handle)
	if err != nil {
		return "", err
	}
	s.summary.OrderToLastHoldMS = float64(reach.LastHold.Sub(reach.Accepted).Microseconds()) / 1000
	final, timed, err := next.of(ctx, s, order.Handle)
	if err != nil {
		return "", err
	}
	if timed {
		s.summary.FinalToLastHoldMS = float64(reach.LastHold.Sub(final).Microseconds()) / 1000
	}
	s.count(func(state claims.AuthorizationOutcome) {
		switch state {
		case claims.AuthorizationDenied:
			s.summary.Authorizations.Denied++
		case claims.AuthorizationRevoked:
			s.summary.Authorizations.Revoked++
		}
	})
	for _, r := range s.requests[1:] {
		s.say("%-8s  is now %s", r.Request, r.State)
	}
	if err := s.sayChanged(ctx); err != nil {
		return "", err
	}
	if err := s.keepStatusLists(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d decisions made anew; from the order's acceptance to the last of them settled: %.0f ms",
		reach.Decisions, s.summary.OrderToLastHoldMS), nil
}

// sayChanged fetches every claim once more, for the dossier, and shows those
// that were decided anew.
func (s *story) sayChanged(ctx context.Context) error {
	var status struct {
		Claims []struct {
			Claim     string `json:"claim"`
			Decisions []struct {
				Outcome claims.Outcome `json:"outcome"`
				Reason  string         `json:"reason"`
			} `json:"decisions"`
		} `json:"claims"`
	}
	if err := s.atGateway(parties.Hospital).types(ctx, &status, "claim", "status", "--out", s.Options.Out); err != nil {
		return err
	}
	for _, c := range status.Claims {
		if n := len(c.Decisions); n > 1 {
			s.say("%-8s  was %s, is now %s: %s", c.Claim, c.Decisions[n-2].Outcome, c.Decisions[n-1].Outcome, c.Decisions[n-1].Reason)
		}
	}
	return nil
}

// keepStatusLists has the boards' status lists, as they are after the order,
// written into the dossier.
func (s *story) keepStatusLists(ctx context.Context) error {
	seen := map[string]bool{}
	for _, l := range s.licenses {
		if seen[l.Jurisdiction] {
			continue
		}
		seen[l.Jurisdiction] = true
		if err := s.askingBoard(l.Jurisdiction).types(ctx, nil, "license", "show", l.Handle.String(), "--out", s.Options.Out); err != nil {
			return err
		}
	}
	return nil
}

// reached waits until nothing open rests on the license any more, and until
// the decisions have their receipts.
func (s *story) reached(ctx context.Context, order credentials.Order) error {
	books := s.network.House.Books
	err := s.until(ctx, "the order to reach all open work", func() (bool, error) {
		if _, err := books.Reach(ctx, order.Handle); err != nil {
			return false, nil // not heard yet
		}
		open, err := books.OpenWork(ctx, order.License)
		return len(open) == 0, err
	})
	if err != nil {
		return err
	}
	return s.until(ctx, "the receipts of the new decisions", func() (bool, error) {
		waiting, err := books.Unrecorded(ctx, credentials.Handle{}, 1)
		if err != nil || len(waiting) > 0 {
			return false, err
		}
		for i := range s.requests {
			if err := s.refresh(ctx, i); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// A report is what `countersign verify --json` says.
type report struct {
	Decisions  int `json:"decisions"`
	Verified   int `json:"verified"`
	Reproduced int `json:"reproduced"`
	Failures   []struct {
		File   string `json:"file"`
		Name   string `json:"check"`
		Detail string `json:"detail"`
	} `json:"failures"`
}

// verify adds what a verifier needs of the ledger, then has another process
// check everything, and once more with one byte changed.
func (s *story) verify(ctx context.Context) (string, error) {
	if err := s.atLedger().types(ctx, nil, "ledger", "participants", "--out", s.Options.Out); err != nil {
		return "", err
	}
	if err := s.readHead(ctx); err != nil {
		return "", err
	}
	s.network.Stop() // from here on there is nobody to ask
	r, err := s.check(ctx, s.Options.Out, 0)
	if err != nil {
		return "", err
	}
	s.summary.Verified, s.summary.Reproduced = r.Verified, r.Reproduced
	if r.Verified == 0 || r.Verified != r.Decisions || r.Reproduced != r.Decisions {
		return "", fmt.Errorf("%d of %d decisions verified, %d reproduced: %w", r.Verified, r.Decisions, r.Reproduced, errStory)
	}
	s.say("%d decisions verified and computed again to the same bytes, without a network", r.Verified)
	if err := s.tamper(ctx); err != nil {
		return "", err
	}
	return "all that was signed holds, and one changed byte does not", nil
}

func (s *story) readHead(ctx context.Context) error {
	var head struct {
		Size int64 `json:"size"`
	}
	if err := s.atLedger().types(ctx, &head, "ledger", "head"); err != nil {
		return err
	}
	size, err := s.network.LedgerSize(ctx)
	l := &s.summary.Ledger
	l.Size, l.Final, l.Witnesses, l.Quorum = size, head.Size, s.network.Witnesses(), s.network.Policy.Quorum
	return err
}

// check runs the verifier, which has to end with the given code.
func (s *story) check(ctx context.Context, dir string, want int) (*report, error) {
	out, code, err := s.Verify(ctx, "verify", "--json", dir)
	if err != nil {
		return nil, fmt.Errorf("start verifier: %w", err)
	}
	if code != want {
		return nil, fmt.Errorf("verify %s: exit %d, want %d: %s", dir, code, want, bytes.TrimSpace(out))
	}
	r := new(report)
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(r); err != nil {
		return nil, fmt.Errorf("read the verifier's report: %w", err)
	}
	return r, nil
}

// tamper changes one byte of one decision in a copy and has it checked.
func (s *story) tamper(ctx context.Context) error {
	files, err := dossier.Read(s.Options.Out)
	if err != nil {
		return err
	}
	var names []string
	for name := range files {
		if strings.HasPrefix(name, dossier.Decisions+"/") {
			names = append(names, name)
		}
	}
	for name := range files {
		if len(names) == 0 && strings.HasPrefix(name, dossier.Authorizations+"/") { // every claim was refused
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("there is no decision to tamper with: %w", errStory)
	}
	sort.Strings(names)
	body := bytes.Clone(files[names[0]])
	at := len(body) / 2
	body[at] ^= 1
	files[names[0]] = body
	copied, err := os.MkdirTemp("", "countersign-tampered-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(copied)
	if err := files.Write(copied); err != nil {
		return err
	}
	const checkFailed = 3
	r, err := s.check(ctx, copied, checkFailed)
	if err != nil {
		return err
	}
	for _, f := range r.Failures {
		if f.File == names[0] {
			s.summary.TamperCaught = true
			s.say("byte %d of %s changed: caught by the check %q (%s)", at, shortName(names[0]), f.Name, f.Detail)
			return nil
		}
	}
	return fmt.Errorf("a changed byte was not caught: %w", errStory)
}

func shortName(name string) string {
	folder, file := filepath.Split(name)
	return folder + file[:8] + "….jwt"
}

// farewell says what there is now and what to try next.
func (s *story) farewell() {
	fmt.Fprintf(s.Screen, "%s holds everything that was signed, with its proofs (%.1f s in all).\n", s.Options.Out, s.summary.Seconds)
	fmt.Fprintf(s.Screen, "summary.json is the one file that nobody signed. Check the rest yourself, offline:\n\n")
	fmt.Fprintf(s.Screen, "  go run ./cmd/countersign verify --trust %s %s\n", filepath.Join(s.Options.Out, dossier.TrustFile), s.Options.Out)
}
