package gateway_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/problem"
	"github.com/countersign-health/countersign/standing"
)

// The gateway answers anybody, by its books, as the insurer. What it cannot prove, it does not say. (Answers by real receipts are
// tested with a whole house.)
func TestStanding(t *testing.T) {
	h := newHouse(t)
	ask := func(npi credentials.NPI, state string) (*credentials.StandingAnswer, error) {
		a, err := standing.Ask(t.Context(), http.DefaultClient, h.url, standing.Query(npi, state, "99213", "2026-05-01", ""))
		if err != nil {
			return nil, err
		}
		c, err := credentials.Open[credentials.StandingAnswer](a.Credential, credentials.KindStandingAnswer, credentials.ResolveDIDKey)
		if err != nil || c.Issuer != did("insurer") {
			t.Errorf("signed by %v, %v", c, err)
			return nil, err
		}
		return &c.Subject, nil
	}
	if a, err := ask(clinician, "CA"); err != nil || a.Answer != credentials.Unknown || a.Missing != credentials.MissingBoard {
		t.Errorf("no board is followed: %+v, %v", a, err)
	}
	for name, tt := range map[string]struct {
		read    time.Time
		want    credentials.Answer
		missing string
	}{
		"fresh": {noon, credentials.MayNot, ""},
		"stale": {noon.Add(-6 * time.Minute), credentials.Unknown, credentials.MissingFeed},
	} {
		if err := h.books.Hear(ctx, did("board"), "CA", nil, tt.read); err != nil {
			t.Fatal(err)
		}
		if a, err := ask("1999999984", "CA"); err != nil || a.Answer != tt.want || a.Missing != tt.missing || len(a.Basis.Feeds) != 1 || a.Basis.Feeds[0].Board != did("board") {
			t.Errorf("%s, no license: %+v, %v", name, a, err)
		}
	}
	h.said.Store(new(noon.Add(-time.Hour))) // everybody says that this house's clock is ahead
	if err := h.books.Hear(ctx, did("board"), "CA", nil, noon); err != nil {
		t.Fatal(err)
	}
	if a, err := ask("1999999984", "CA"); err != nil || a.Answer != credentials.Unknown {
		t.Errorf("by a clock that is wrong: %+v, %v", a, err)
	}
	h.said.Store(nil)
	h.license(clinician) // its receipt is none
	var p *problem.Problem
	if _, err := ask(clinician, "CA"); !errors.As(err, &p) || p.Status != http.StatusServiceUnavailable {
		t.Errorf("a receipt that does not hold: %v", err)
	}
}
