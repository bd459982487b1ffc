package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
)

// A decisionStatus says whether a decision still stands: good, bad where another
// one has followed it, unknown where that could not be read.
type decisionStatus struct {
	credentials.Verdict
	// SupersededBy is the decision that has taken its place, if it was shown.
	SupersededBy *credentials.Handle `json:"supersededBy,omitempty"`
}

// word is the status in one word.
func (s *decisionStatus) word() string {
	switch {
	case s == nil:
		return ""
	case s.Outcome == credentials.Bad && s.Message != "":
		return s.Message
	}
	return string(s.Outcome)
}

// line is the status on one line, with its reason where it is not good.
func (s *decisionStatus) line() string {
	if s.IsGood() {
		return s.word()
	}
	return s.word() + " (" + s.Why + ")"
}

// statusLists are the lists that a command has fetched, each once.
type statusLists struct {
	http *http.Client
	door string // of the house whose lists they are
	keys credentials.ResolveKey
	read map[string]*fetchedList
}

type fetchedList struct {
	token string
	list  *credentials.SignedList
	err   error
}

// fetch asks the house's door, under whatever address the list was signed: the
// list itself says which, and is compared with the entry. So nobody makes this
// computer ask elsewhere.
func (l *statusLists) fetch(ctx context.Context, address string) *fetchedList {
	if l.read == nil {
		l.read = map[string]*fetchedList{}
	}
	f := l.read[address]
	if f == nil {
		f = &fetchedList{err: errors.New("its list is at no gateway's address")}
		if _, path, ok := strings.Cut(address, "/status/"); ok {
			f.token, f.err = api.StatusList(ctx, l.http, l.door+"/status/"+path)
		}
		if f.err == nil {
			f.list, f.err = credentials.ReadStatusList(f.token, l.keys)
		}
		l.read[address] = f
	}
	return f
}

// status judges whether a decision of the insurer's still stands, by the lists
// that it names. That the insurer has signed it, and when, has been judged
// before. Nil where it names no list: it was signed before there were any.
func (d *door) status(ctx context.Context, e *credentials.Envelope) *decisionStatus {
	if len(e.Status) == 0 {
		return nil
	}
	v := credentials.Policy{
		Now: d.Now(), Leeway: listSkew, Position: credentials.Whenever, Issuer: d.registry.Issuer,
		List: func(_ credentials.DID, entry credentials.StatusEntry) (*credentials.SignedList, error) {
			f := d.lists.fetch(ctx, entry.Credential)
			return f.list, f.err
		},
	}.Judge(e)
	if v.Outcome == credentials.Bad && v.Message != "" {
		v.Why = "its issuer says that it is " + v.Message
	}
	return &decisionStatus{Verdict: v}
}

// standing is the status of one of a submission's decisions. One that another of
// them names is superseded, whatever the list says: the other is signed and has
// its receipt.
func (d *door) standing(ctx context.Context, s *api.Submission, i int, supersedes func(int) *credentials.Handle) (*decisionStatus, error) {
	n := s.Decisions[i]
	for j := range s.Decisions {
		if by := supersedes(j); by != nil && *by == n.Handle {
			return superseded(s.Decisions[j].Handle), nil
		}
	}
	kind, prove := credentials.KindClaimDecision, envelopeOf[claims.ClaimDecisionDocument]
	if s.Kind == "authorization" {
		kind, prove = credentials.KindAuthorizationDecision, envelopeOf[claims.AuthorizationDecisionDocument]
	}
	e, err := prove(n.Token, kind, d.keys)
	if err != nil {
		return nil, caught("check decision", err, "tell the insurer")
	}
	return d.status(ctx, e), nil
}

func envelopeOf[T any](token string, kind credentials.Kind, keys credentials.ResolveKey) (*credentials.Envelope, error) {
	_, e, err := credentials.Prove[T](token, kind, keys)
	return e, err
}

// keepListed writes documents with the lists by which they were judged.
func (d *door) keepListed(files dossier.Files, dir string) error {
	if dir == "" {
		return nil
	}
	lists, err := d.lists.files()
	if err != nil {
		return err
	}
	maps.Copy(lists, files)
	return d.keep(lists, dir)
}

// listSkew is by how much this computer's clock and the insurer's may differ.
const listSkew = time.Minute

func superseded(by credentials.Handle) *decisionStatus {
	return &decisionStatus{Verdict: credentials.Verdict{Outcome: credentials.Bad, Check: credentials.CheckStatus,
		Why: by.String() + " has taken its place", Message: credentials.DecisionMessages[credentials.DecisionSuperseded]}, SupersededBy: &by}
}

// files are the lists that were read, named for the moment of their signing.
func (l *statusLists) files() (dossier.Files, error) {
	files := dossier.Files{}
	for _, f := range l.read {
		if f.err != nil {
			continue
		}
		list, err := credentials.Open[credentials.StatusListSubject](f.token, credentials.KindStatusList, l.keys)
		if err != nil {
			return nil, caught("check status list", err, "tell the insurer")
		}
		// Named for what it says too: a list may be signed twice in a second.
		name := fmt.Sprintf("%s/%s-%s-%s.jwt", dossier.Status, list.Handle().String()[:16], list.ValidFrom.Format("20060102T150405Z"),
			credentials.DocumentDigest(f.token).String()[:8])
		files[name] = []byte(f.token + "\n")
	}
	return files, nil
}

// corrected says of a claim's latest decision that another claim's has taken it
// back, where the gateway shows that one, signed.
func (d *door) corrected(row *statusRow, by *api.Decision) error {
	if by == nil || len(row.Decisions) == 0 {
		return nil
	}
	doc, err := openDecision[claims.ClaimDecisionDocument](d, *by, credentials.KindClaimDecision)
	if err != nil {
		return err
	}
	latest := row.Decisions[len(row.Decisions)-1]
	if r := doc.Decision.Reversal; r == nil || r.Document != latest.Handle {
		return caught("check the decision that is said to take this one back", errors.New("it takes back another one"), "tell the insurer")
	}
	latest.Status = superseded(doc.Handle)
	row.ReversedBy = claims.ControlNumber(doc.Decision.Submission)
	return nil
}

// unsure is the exit code of a command that has shown decisions which may not be
// relied upon as they stand.
func unsure(all ...*decisionStatus) error {
	for _, s := range all {
		if s != nil && s.Outcome != credentials.Good && s.SupersededBy == nil { // what took its place was shown
			return &answerGiven{exitUnknown}
		}
	}
	return nil
}
