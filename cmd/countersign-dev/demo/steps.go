package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
)

// found starts every party: keys, ledger with its witnesses, board, insurer.
func (s *story) found(ctx context.Context) (string, error) {
	if err := s.network.Start(ctx); err != nil {
		return "", err
	}
	for _, party := range []string{parties.Board, parties.Insurer, parties.Hospital, parties.Auditor} {
		s.say("%-9s %s", party, s.network.DIDs[party])
	}
	files := dossier.Files{}
	files.Genesis(s.network.Genesis)
	if err := files.Trust(s.network.Trust); err != nil {
		return "", err
	}
	if err := files.Write(s.Options.Out); err != nil {
		return "", err
	}
	return "four founders signed the ledger's first entry; entries are final with three of four witnesses", nil
}

// publish is the insurer's: fee schedule, plan, and whom it covers.
func (s *story) publish(ctx context.Context) (string, error) {
	staff := s.atGateway(parties.Insurer)
	if err := staff.types(ctx, nil, "plan", "publish", "--fees", s.input("fees.csv"), "--name", "demo-fees", "--edition", "2026-01"); err != nil {
		return "", err
	}
	var plan api.Edition
	if err := staff.types(ctx, &plan, "plan", "publish", s.input("plan.yaml")); err != nil {
		return "", err
	}
	csv, err := os.ReadFile(s.input("members.csv"))
	if err != nil {
		return "", err
	}
	members, err := parties.ReadMembers(csv, plan.Ref.Name)
	if err != nil {
		return "", err
	}
	if s.billed.stranger {
		file, name := "plan.yaml", plan.Ref.Name
		if s.billed.hospitals() && s.Plan == "" {
			var theirs api.Edition
			file = "hospital-plan.yaml"
			if err := staff.types(ctx, &theirs, "plan", "publish", s.input(file)); err != nil {
				return "", err
			}
			name = theirs.Ref.Name
			s.say("the file has institutional claims: its patients are enrolled in %s, which has terms for hospitals", name)
		}
		members = append(members, s.billed.members(name)...)
		first, _ := s.billed.span()
		if err := s.publishOlder(ctx, file, first); err != nil {
			return "", err
		}
		s.say("the patients of %s are enrolled from %s, its first date of service", filepath.Base(s.Claims), first)
		s.say("codes that the fee schedule lacks are priced at the plan's share of charges")
		s.say("receipt date: the file's own; NPI check digits are not checked")
	}
	if err := s.network.House.Books.Enroll(ctx, members); err != nil {
		return "", err
	}
	return fmt.Sprintf("plan %s %s and its fees are on the ledger; %d members", plan.Ref.Name, plan.Ref.Edition, len(members)), nil
}

// publishOlder publishes the same plan as an edition for a stranger's dates,
// where they lie before the example's.
func (s *story) publishOlder(ctx context.Context, file string, first credentials.Date) error {
	body, err := os.ReadFile(s.input(file))
	if err != nil {
		return err
	}
	plan, err := claims.ParsePlan(body)
	if err != nil || first >= plan.From {
		return err
	}
	older := effectiveLine.ReplaceAll(body, fmt.Appendf(nil, "effective: {from: %s, to: %s}", first, plan.From.AddDays(-1)))
	older = editionLine.ReplaceAll(older, []byte("edition: "+plan.Edition+"-older"))
	path := filepath.Join(s.inputs, "plan-older.yaml")
	if err := os.WriteFile(path, older, 0o600); err != nil {
		return err
	}
	s.say("the plan's terms are published for the file's dates too, as edition %s-older", plan.Edition)
	return s.atGateway(parties.Insurer).types(ctx, nil, "plan", "publish", path)
}

var (
	effectiveLine = regexp.MustCompile(`(?m)^effective:.*$`)
	editionLine   = regexp.MustCompile(`(?m)^edition:.*$`)
)

// license is the board's: one credential for each clinician.
func (s *story) license(ctx context.Context) (string, error) {
	if err := s.issueFrom(ctx, "CA", s.input("clinicians.csv")); err != nil {
		return "", err
	}
	for _, l := range s.licenses {
		s.say("%s, %s %s, from %s to %s", l.Name, l.Jurisdiction, l.Profession, l.From, l.Until)
	}
	if s.billed.stranger {
		if err := s.licenseStrangers(ctx); err != nil {
			return "", err
		}
	}
	if err := s.heard(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d licenses signed, each on the ledger", len(s.licenses)), nil
}

func (s *story) issueFrom(ctx context.Context, state, csv string) error {
	var issued struct {
		Licenses []credentials.License `json:"licenses"`
	}
	clerk := s.atBoard(state)
	args := []string{"license", "issue", "--from-csv", csv, "--out", s.Options.Out}
	if s.billed.stranger {
		args = append(args, "--skip-npi-check-digit")
	}
	if err := clerk.types(ctx, &issued, args...); err != nil {
		return err
	}
	for _, l := range issued.Licenses {
		s.licenses = append(s.licenses, l)
	}
	return nil
}

// licenseStrangers licenses whom a stranger's file names, in every state where
// they rendered a service, and rosters a clinician for whom it does not name.
func (s *story) licenseStrangers(ctx context.Context) error {
	for _, state := range s.network.Jurisdictions {
		csv, count := s.billed.licensesCSV(state, s.holds)
		if count == 0 {
			continue
		}
		path := filepath.Join(s.inputs, "clinicians-"+state+".csv")
		if err := os.WriteFile(path, []byte(csv), 0o600); err != nil {
			return err
		}
		if err := s.issueFrom(ctx, state, path); err != nil {
			return err
		}
		s.say("clinicians of the file who work in %s: %d licensed by its board", state, count)
	}
	_, nobody, _ := s.billed.practices()
	for _, o := range nobody {
		if err := s.network.House.Books.PutOnRoster(ctx, o.NPI, rosterNPI); err != nil {
			return err
		}
	}
	if len(nobody) > 0 {
		s.say("billing organizations that name no rendering provider: %d, each rostered one demo clinician", len(nobody))
	}
	return nil
}

// heard waits until the insurer's books have every license of the boards.
func (s *story) heard(ctx context.Context) error {
	return s.until(ctx, "the insurer to hear of every license", func() (bool, error) {
		for _, l := range s.licenses {
			if _, err := s.network.House.Books.LicenseDocuments(ctx, []credentials.Handle{l.Handle}, nil); err != nil {
				return false, nil
			}
		}
		return true, nil
	})
}

// until looks again until done, for half a minute.
func (s *story) until(ctx context.Context, what string, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		ok, err := done()
		if err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited half a minute for %s: %w", what, errStory)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// A request is what the command line says of an authorization.
type request struct {
	Request   string             `json:"request"`
	State     string             `json:"state"`
	Handle    credentials.Handle `json:"handle"`
	Decisions []struct {
		Handle  credentials.Handle          `json:"handle"`
		Number  int                         `json:"number"`
		Outcome claims.AuthorizationOutcome `json:"outcome"`
		Reason  string                      `json:"reason"`
	} `json:"decisions"`
}

// authorize asks for three: one is approved by rule in the same call, two wait
// for a reviewer, who approves one.
func (s *story) authorize(ctx context.Context) (string, error) {
	hospital, reviewer := s.atGateway(parties.Hospital), s.atGateway(parties.Reviewer)
	for _, name := range []string{"auth-a.json", "auth-b.json", "auth-c.json"} {
		started := time.Now()
		var r request
		if err := hospital.types(ctx, &r, "auth", "request", s.input(name), "--out", s.Options.Out); err != nil {
			return "", err
		}
		s.requests = append(s.requests, r)
		s.say("%s  %-8s in %s", r.Request, r.State, time.Since(started).Round(time.Millisecond))
	}
	b := s.requests[1]
	if err := reviewer.types(ctx, nil, "review", "approve", b.Handle.String(), "--reason", "criteria-met", "--out", s.Options.Out); err != nil {
		return "", err
	}
	err := s.until(ctx, "the reviewer's approval", func() (bool, error) {
		err := s.refresh(ctx, 1)
		return s.requests[1].State == string(claims.AuthorizationApproved), err
	})
	if err != nil {
		return "", err
	}
	s.say("%s  approved by the reviewer", b.Request)
	s.count(func(state claims.AuthorizationOutcome) {
		switch state {
		case claims.AuthorizationApproved:
			s.summary.Authorizations.Approved++
		case claims.AuthorizationPended:
			s.summary.Authorizations.Pended++
		}
	})
	return fmt.Sprintf("%d approved, %d waiting", s.summary.Authorizations.Approved, s.summary.Authorizations.Pended), nil
}

// refresh reads where a request stands, and keeps its decisions. A decision that
// is followed by another while it is read is shown as unknown, by exit code 6.
func (s *story) refresh(ctx context.Context, i int) error {
	return s.atGateway(parties.Hospital).typesOr(ctx, 6, &s.requests[i], "auth", "status", s.requests[i].Handle.String(), "--out", s.Options.Out)
}

func (s *story) count(each func(claims.AuthorizationOutcome)) {
	for _, r := range s.requests {
		each(claims.AuthorizationOutcome(r.State))
	}
}

// bill sends the file. A claim that is refused does not stop the others.
func (s *story) bill(ctx context.Context) (string, error) {
	hospital := s.atGateway(parties.Hospital)
	args := []string{"claim", "submit", s.input("claims.837"), "--wait", "--out", s.Options.Out}
	if s.billed.stranger {
		args = append(args, "--skip-npi-check-digit")
	}
	const refusedSome = 2
	if err := hospital.shows(ctx, refusedSome, args...); err != nil {
		return "", err
	}
	if err := s.tally(); err != nil {
		return "", err
	}
	c := &s.summary.Claims
	noun := "claims"
	if c.Submitted == 1 {
		noun = "claim"
	}
	return fmt.Sprintf("%d %s: %d paid, %d denied, %d waiting, %d refused; every one a workflow",
		c.Submitted, noun, c.Paid, c.Denied, c.Pended, c.Refused), nil
}

// remit has the insurer release what is payable, and the hospital fetch it.
func (s *story) remit(ctx context.Context) (string, error) {
	var run struct {
		Remittances []struct{} `json:"remittances"`
	}
	err := s.atGateway(parties.Insurer).types(ctx, &run, "remit", "run", "--on", string(s.paymentDate()))
	if err != nil {
		return "", err
	}
	if len(run.Remittances) == 0 {
		return "nothing is payable", nil
	}
	if err := s.atGateway(parties.Hospital).shows(ctx, 0, "remit", "fetch", "--out", s.Options.Out); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s paid by one 835, which balances at line, claim and transaction", claims.Cents(s.summary.Cents.Paid)), nil
}

// paymentDate is the day after the file was made, so that the same file gives
// the same remittance whenever it is billed.
func (s *story) paymentDate() credentials.Date {
	return max(s.billed.created, s.billed.last).AddDays(1)
}

// holds says whether somebody was licensed in a state already, whose license
// then is the one that counts.
func (s *story) holds(npi credentials.NPI, state string) bool {
	return slices.ContainsFunc(s.licenses, func(l credentials.License) bool { return l.NPI == npi && l.Jurisdiction == state })
}

func (s *story) licensed(npi credentials.NPI) (credentials.License, bool) {
	i := slices.IndexFunc(s.licenses, func(l credentials.License) bool { return l.NPI == npi })
	if i < 0 {
		return credentials.License{}, false
	}
	return s.licenses[i], true
}
