package parties_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/csv"
	"net/http"
	"os"
	"testing"
	"time"

	boardclient "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/aries"
	"github.com/countersign-health/countersign/examples"
	"github.com/countersign-health/countersign/gateway/api"
)

func example(t *testing.T, name string) []byte {
	t.Helper()
	b, err := examples.Files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func signer(t *testing.T, n *parties.Network, name string) credentials.Signer {
	t.Helper()
	ks, err := aries.OpenKeyStore(n.Keys(name))
	if err != nil {
		t.Fatal(err)
	}
	s, err := ks.Signer(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSmoke(t *testing.T) {
	start := time.Now()
	n, err := parties.Prepare(parties.Options{Dir: t.TempDir(), Jurisdictions: []string{"CA"}, ReceiptFromFile: true, Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer n.Stop()
	t.Log("started", time.Since(start))

	insurer := &api.Client{URL: n.GatewayURL, Insurer: n.DIDs[parties.Insurer], Signer: signer(t, n, parties.Insurer), Now: time.Now, HTTP: http.DefaultClient}
	hospital := &api.Client{URL: n.GatewayURL, Insurer: n.DIDs[parties.Insurer], Signer: signer(t, n, parties.Hospital), Now: time.Now, HTTP: http.DefaultClient}
	if _, err := insurer.PublishFees(t.Context(), "demo-fees", "2026-01", example(t, "fees.csv")); err != nil {
		t.Fatal(err)
	}
	if _, err := insurer.PublishPlan(t.Context(), example(t, "plan.yaml")); err != nil {
		t.Fatal(err)
	}
	members, err := parties.ReadMembers(example(t, "members.csv"), "demo-ppo")
	if err != nil {
		t.Fatal(err)
	}
	if err := n.House.Books.Enroll(t.Context(), members); err != nil {
		t.Fatal(err)
	}
	t.Log("published", time.Since(start))

	board, err := boardclient.New(boardclient.Config{URL: n.Boards["CA"].URL, Board: n.DIDs[parties.Board], Keys: credentials.ResolveDIDKey, Signer: signer(t, n, parties.Clerk)})
	if err != nil {
		t.Fatal(err)
	}
	rows, _ := csv.NewReader(bytes.NewReader(example(t, "clinicians.csv"))).ReadAll()
	for _, r := range rows[1:] {
		_, err := board.Issue(t.Context(), boardclient.Application{NPI: credentials.NPI(r[0]), Name: r[1], Jurisdiction: r[2], Profession: r[3], Number: r[4], From: credentials.Date(r[5]), Until: credentials.Date(r[6])})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Log("licensed", time.Since(start))

	file := example(t, "claims.837")
	var handles []credentials.Handle
	_, err = x12.ReadClaims(bytes.NewReader(file), func(s x12.Submitted) error {
		sub := claims.Submission{Claim: s.Claim, Source: s.Source}
		rand.Read(sub.Handle[:])
		rand.Read(sub.Salt[:])
		token, err := credentials.Issue(hospital.Signer, credentials.KindClaimSubmission, sub.Handle, time.Now(), nil, sub)
		if err != nil {
			return err
		}
		a, err := hospital.SubmitClaim(t.Context(), token)
		if err != nil {
			return err
		}
		handles = append(handles, a.Handle)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Log("submitted", time.Since(start))
	for _, h := range handles {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		s, err := hospital.Status(ctx, h, 0, 20*time.Second, true)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		t.Log(s.Number, s.Control, s.State, len(s.Files), time.Since(start))
		for _, d := range s.Decisions {
			c, err := credentials.Open[claims.ClaimDecisionDocument](d.Token, credentials.KindClaimDecision, credentials.ResolveDIDKey)
			if err != nil {
				t.Fatal(err)
			}
			dd := c.Subject.Decision
			t.Logf("   %+v charge %s allowed %s paid %s patient %s pends %v", dd.Outcome, dd.Charge, dd.Allowed, dd.Paid, dd.Patient, dd.Pends)
		}
	}
	rs, err := n.House.Remit(t.Context(), "2026-11-02")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(string(bytes.ReplaceAll(rs[0].Body, []byte("~"), []byte("~\n"))))
}
