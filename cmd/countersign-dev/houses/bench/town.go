//go:build linux

package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/examples"
)

// A town is whom the insurer covers and who treats them. Each member is a
// family of their own, since claims of one family are decided one after
// another: a run is bound by what a claim costs and not by waiting for turns.
type town struct {
	people     int
	clinicians []credentials.NPI
	licenses   []credentials.Handle // of the clinicians, once issued
	like       x12.Submitted        // the first claim of examples/claims.837
	billed     int
	asked      int
}

const demoPPO = "demo-ppo" // examples/plan.yaml

func newTown(people, clinicians int) (*town, error) {
	t := &town{people: people}
	for n := 299_900_300; len(t.clinicians) < clinicians; n++ {
		for check := 0; check < 10; check++ {
			if npi := credentials.NPI(fmt.Sprintf("%09d%d", n, check)); npi.Valid() {
				t.clinicians = append(t.clinicians, npi)
			}
		}
	}
	file, err := examples.Files.ReadFile("claims.837")
	if err != nil {
		return nil, err
	}
	_, err = x12.ReadClaims(bytes.NewReader(file), func(c x12.Submitted) error {
		if t.like.Claim.Number == "" {
			t.like = c
		}
		return nil
	})
	return t, err
}

func memberID(i int) string { return fmt.Sprintf("BENCH%05d", i) }

// members are as "countersign member enroll" takes them.
func (t *town) members() []byte {
	out := []byte("member_id,subscriber_id,last,first,birth,coverage_from,coverage_until\n")
	for i := range t.people {
		out = fmt.Appendf(out, "%[1]s,%[1]s,EXAMPLE,PERSON,1984-03-17,2026-01-01,\n", memberID(i))
	}
	return out
}

func person(like claims.Person, i int) claims.Person {
	like.MemberID, like.Last, like.First, like.Birth = memberID(i), "EXAMPLE", "PERSON", "1984-03-17"
	return like
}

// claims signs the next n claims, each an office visit that is paid by rule.
// Nobody sees the same clinician for the same on the same day twice.
func (t *town) claims(n int, hospital credentials.Signer) (tokens []string, err error) {
	for range n {
		c := t.like.Claim
		i := t.billed
		t.billed++
		c.Number = fmt.Sprintf("BENCH-%06d", i)
		c.Subscriber, c.Patient = person(c.Subscriber, i%t.people), nil
		rendering := *c.Rendering
		rendering.NPI = t.clinicians[0] // whose license is never touched
		c.Rendering = &rendering
		day := credentials.Date("2026-10-31").AddDays(-(i / t.people))
		line := c.Lines[0]
		line.From, line.To, line.Control = day, day, c.Number+"-1"
		c.Lines = []claims.Line{line}
		s := claims.Submission{Handle: handle(), Salt: handle(), Claim: c, Source: t.like.Source}
		token, err := credentials.Issue(hospital, credentials.KindClaimSubmission, s.Handle, time.Now(), nil, s)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, token)
	}
	return tokens, nil
}

// request signs a request for an image that is approved by rule.
func (t *town) request(clinician int, hospital credentials.Signer) (string, error) {
	like := t.like.Claim
	t.asked++
	r := claims.AuthorizationRequest{
		Number: fmt.Sprintf("BENCH-A%05d", t.asked), Requester: like.Billing,
		Clinician: claims.Provider{NPI: t.clinicians[clinician], Name: "CLINICIAN", First: "SOME"},
		Patient:   person(like.Subscriber, t.asked%t.people), Payer: like.Payer, State: "CA", Diagnoses: []string{"M5450"},
		Items: []claims.RequestItem{{Sequence: 1, Code: "72148", Units: like.Lines[0].Units, From: "2026-10-01", Until: "2026-12-31"}},
	}
	s := claims.AuthorizationSubmission{Handle: handle(), Salt: handle(), Request: r, Source: t.like.Source}
	return credentials.Issue(hospital, credentials.KindAuthorizationSubmission, s.Handle, time.Now(), nil, s)
}

func handle() (h credentials.Handle) {
	rand.Read(h[:])
	return h
}
