package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/codelist"
	"github.com/countersign-health/countersign/claims/exclusions"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/aries"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/store/sqldb"
)

// startServers starts everybody whom the scripts talk to, and returns the
// environment that leads there.
func startServers(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys")
	passphrase := filepath.Join(dir, "passphrase")
	if err := os.WriteFile(passphrase, []byte("a passphrase of tests\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lock := aries.FileLock(passphrase)
	lock.Work = 5 // the scripts open it often
	store, err := aries.OpenKeyStore(keys, lock)
	if err != nil {
		t.Fatal(err)
	}
	signers := map[string]credentials.Signer{}
	for _, name := range []string{"hospital", "clerk", "reviewer"} {
		s, err := store.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		signers[name] = s
	}

	l := ledgertest.New(t)
	operator := l.Open(t, openDB(t, filepath.Join(dir, "ledger.db")))
	books := httptest.NewServer(operator.Handler())
	t.Cleanup(books.Close)
	reader := client.New(books.URL, l.Policy, nil)
	if _, err := reader.Append(t.Context(), "admit auditor", l.Admission(t, "auditor", ledger.RoleAuditor, "board", "insurer")); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Append(t.Context(), "admit rival", l.Admission(t, "rival", ledger.RoleInsurer, "board", "insurer")); err != nil {
		t.Fatal(err)
	}
	// Those whose documents others read.
	for name, role := range map[string]ledger.Role{"hospital": ledger.RoleHospital, "reviewer": ledger.RoleReviewer} {
		key, err := credentials.ResolveDIDKey(signers[name].KeyID())
		pub := key.Ed25519()
		if err != nil {
			t.Fatal(err)
		}
		p := ledger.Party{DID: credentials.KeyDID(pub), Name: "typing " + name, Role: role, Key: credentials.EncodeMultikey(pub)}
		if _, err := reader.Append(t.Context(), "admit "+name, l.AdmissionOf(t, signers[name], p, "board", "insurer")); err != nil {
			t.Fatal(err)
		}
	}
	trust, err := ledger.Trust{Origin: ledgertest.Origin, Genesis: l.Genesis.Digest()}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	pinned := filepath.Join(dir, "pinned.json")
	if err := os.WriteFile(pinned, trust, 0o600); err != nil {
		t.Fatal(err)
	}

	door := httptest.NewUnstartedServer(nil)
	b, err := board.Open(t.Context(), openDB(t, filepath.Join(dir, "board.db")), ledgertest.Signer("board"), reader, board.Options{
		Jurisdiction: "CA", URL: "http://" + door.Listener.Addr().String(), Clerks: []string{signers["clerk"].KeyID()},
		Proofs: func(ctx context.Context) map[string][]byte { return proofs(t, ctx, reader, l) },
		Log:    slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	door.Config.Handler = b.Handler()
	door.Start()
	t.Cleanup(b.Close)
	t.Cleanup(door.Close)

	gate := httptest.NewServer(newGate(t, reader, l))
	t.Cleanup(gate.Close)
	fork := serveFork(t, filepath.Join(dir, "fork.db"))
	did := func(name string) string { return string(ledgertest.Party(name, ledger.RoleInsurer).DID) }
	return []string{
		"COUNTERSIGN_KEYS=" + keys, "COUNTERSIGN_PASSPHRASE_FILE=" + passphrase, "COUNTERSIGN_LEDGER=" + books.URL, "COUNTERSIGN_TRUST=" + pinned,
		"COUNTERSIGN_BOARD=" + door.URL, "COUNTERSIGN_BOARD_DID=" + did("board"),
		"COUNTERSIGN_GATEWAY=" + gate.URL, "COUNTERSIGN_INSURER=" + did("insurer"),
		"WITNESS1=" + l.Witnesses[0].Name + "=" + l.Witnesses[0].URL, "FORK=" + fork,
		"DEAD=http://127.0.0.1:1", // where nobody may listen but root; a port that was given back is soon another test's
		"STRANGER=" + did("stranger"),
	}
}

// forkEntries is more than the scripts make, imports and all.
const forkEntries = 3000

// serveFork is another history of the ledger, longer than the scripts make
// theirs: the same keys, witnesses without a memory, and other entries.
func serveFork(t *testing.T, path string) string {
	t.Helper()
	log := ledgertest.New(t).Open(t, openDB(t, path))
	var all sync.WaitGroup
	for i := range forkEntries {
		all.Go(func() {
			name := fmt.Sprint("fork ", i)
			if _, err := log.Append(t.Context(), credentials.DigestOf([]byte(name)), ledgertest.Entry(t, name).Marshal()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if _, err := log.Receipt(t.Context(), forkEntries, time.Minute); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(log.Handler())
	t.Cleanup(server.Close)
	return server.URL
}

func openDB(t *testing.T, path string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// A gate answers as a gateway does, without contracts or books behind it: it
// checks tokens, refuses claim BAD-NPI, pends PEND-* until a reviewer speaks,
// pays half of the rest. What gateways really decide is tested with the demo.
type gate struct {
	t      *testing.T
	mu     sync.Mutex
	byName map[string]credentials.Handle // number: the first handle
	all    map[credentials.Handle]*api.Submission
	tokens map[credentials.Handle]string
	order  []credentials.Handle
	signed map[credentials.Handle]func() // what waited for a signature that came: its next decision, once somebody waits for it

	founded *ledgertest.Ledger
	ledger  *client.Client
	paid    []api.Remittance
	ran     bool // a payment run
	cleared bool // of holds
	codes   []api.Edition
	sent    *api.Refund
}

func newGate(t *testing.T, l *client.Client, founded *ledgertest.Ledger) http.Handler {
	g := &gate{t: t, ledger: l, founded: founded, byName: map[string]credentials.Handle{}, all: map[credentials.Handle]*api.Submission{}, tokens: map[credentials.Handle]string{}, signed: map[credentials.Handle]func(){}}
	mux := http.NewServeMux()
	for pattern, f := range map[string]func(*http.Request, []byte) (any, error){
		"POST /claims": g.postClaim, "POST /estimates": g.postEstimate, "POST /authorizations": g.postAuthorization,
		"GET /submissions/{handle}": g.get, "GET /submissions": g.list, "GET /reviews": g.reviews,
		"GET /reviews/{handle}": g.review, "POST /reviews/{handle}": g.determine,
		"POST /editions/{kind}": g.publish, "GET /editions": g.editions, "POST /members": g.enroll, "POST /coverage": g.cover, "POST /providers": g.roster, "GET /remittances": g.remittances,
		"POST /remittances": g.pay, "GET /payments": g.payments, "GET /reprocess": g.reprocess, "POST /reprocess": g.reopen, "POST /claims/{claim}/{hold}": g.hold, "GET /owed": g.owed, "POST /claims/{claim}/refund": g.refund, "GET /ledger": g.proofs,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			insurer, _ := credentials.SignerDID(ledgertest.Signer("insurer"))
			var answer any
			_, err := credentials.VerifyRequest(token, r.Method, r.URL.RequestURI(), string(insurer), body, time.Now(), credentials.ResolveDIDKey)
			if err != nil && pattern != "GET /ledger" { // which is open to all
				err = &api.Refusal{Status: 401, Message: "request token: " + err.Error()}
			} else {
				g.mu.Lock()
				answer, err = f(r, body)
				g.mu.Unlock()
			}
			var no *api.Refusal
			if errors.As(err, &no) {
				w.WriteHeader(no.Status)
				answer = no
			} else if err != nil {
				w.WriteHeader(503)
				answer = &api.Refusal{Message: "try again"}
			}
			json.NewEncoder(w).Encode(answer)
		})
	}
	return mux
}

func (g *gate) take(kind, number, token string, h credentials.Handle) (any, bool) {
	if first, ok := g.byName[kind+number]; ok {
		return api.Acceptance{Handle: first, Control: g.all[first].Control, Again: true}, true
	}
	g.byName[kind+number], g.tokens[h] = h, token
	g.all[h] = &api.Submission{Handle: h, Kind: kind, Number: number, Control: "C-" + number, State: "received", Decisions: []api.Decision{}}
	g.order = append(g.order, h)
	return api.Acceptance{Handle: h, Control: "C-" + number}, false
}

// late has the first decision wait for a clinician's signature, and the second one
// made when the caller waits for it.
func (g *gate) late(a api.Acceptance, signatures string, decide func(credentials.Handle, claims.Outcome)) api.Acceptance {
	if !a.Again {
		decide(a.Handle, claims.Pended)
	} else if signatures != "" && len(g.all[a.Handle].Decisions) == 1 {
		a.After = 1
		g.signed[a.Handle] = func() { decide(a.Handle, claims.Paid) }
	}
	return a
}

// signedUpon is what the insurer's door sees of clinicians' signatures.
func signedUpon(signatures string, content func() (credentials.Digest, error)) error {
	digest, err := content()
	if err != nil || signatures == "" {
		return err
	}
	insurer, _ := credentials.SignerDID(ledgertest.Signer("insurer"))
	for token := range strings.SplitSeq(signatures, "\n") {
		if _, v := (claims.SignatureCase{Insurer: insurer, Content: digest, Received: time.Now()}).Intake(token); !v.IsGood() {
			return v.Err()
		}
	}
	return nil
}

func (g *gate) postClaim(_ *http.Request, body []byte) (any, error) {
	token, signatures, _ := strings.Cut(string(body), "\n")
	doc, err := credentials.Open[claims.Submission](token, credentials.KindClaimSubmission, credentials.ResolveDIDKey)
	if err == nil {
		err = signedUpon(signatures, doc.Subject.Claim.ClinicalContent)
	}
	if err != nil {
		return nil, &api.Refusal{Status: 400, Message: err.Error()}
	}
	c := &doc.Subject.Claim
	if c.Number == "BAD-NPI" {
		return nil, &api.Refusal{Status: 422, Message: "claim is refused", Problems: []api.Problem{
			{Segment: "CLM", Element: "CLM02", Loop: "2300", Code: "A8:400", Message: "the gateway found another total"}}}
	}
	a, again := g.take("claim", c.Number, token, doc.Subject.Handle)
	if strings.HasPrefix(c.Number, "UNSIGNED") {
		return g.late(a.(api.Acceptance), signatures, func(h credentials.Handle, o claims.Outcome) { g.decide(h, c, o) }), nil
	}
	if !again && c.Number != "NEVER" {
		outcome := claims.Paid
		if strings.HasPrefix(c.Number, "PEND") {
			outcome = claims.Pended
		}
		g.decide(doc.Subject.Handle, c, outcome)
	}
	return a, nil
}

// decide signs the next decision: half is paid, half is the deductible.
func (g *gate) decide(h credentials.Handle, c *claims.Claim, outcome claims.Outcome) {
	s := g.all[h]
	d := claims.Decision{Submission: h, Claim: c.Number, Number: len(s.Decisions) + 1, Outcome: outcome, Rules: claims.RulesEdition, Charge: c.Charge, Lines: []claims.LineDecision{}}
	switch outcome {
	case claims.Pended:
		d.Pends = []claims.Pend{{Reason: claims.PendNearDuplicate}}
		if strings.HasPrefix(c.Number, "UNSIGNED") {
			d.Pends = []claims.Pend{{Reason: claims.PendSignature, Note: "no clinician has signed for it"}}
		}
	case claims.Denied:
		d.Lines = append(d.Lines, claims.LineDecision{Line: 1, Outcome: outcome, Charge: c.Charge, Steps: []claims.Step{},
			Adjustments: []claims.Adjustment{{Group: claims.Contractual, CARC: claims.CARCDuplicate, Amount: c.Charge}}})
	default:
		half := c.Charge / 2
		d.Allowed, d.Paid, d.Patient = c.Charge, c.Charge-half, half
		d.Lines = append(d.Lines, claims.LineDecision{Line: 1, Outcome: outcome, Charge: c.Charge, Allowed: c.Charge, Paid: c.Charge - half, Patient: half, Steps: []claims.Step{},
			Adjustments: []claims.Adjustment{{Group: claims.Patient, CARC: claims.CARCDeductible, Amount: half}}})
	}
	signDecision(g, s, credentials.KindClaimDecision, string(outcome), func(doc credentials.Handle) claims.ClaimDecisionDocument {
		return claims.ClaimDecisionDocument{Handle: doc, Salt: newHandle(), Decision: d}
	})
}

func signDecision[T any](g *gate, s *api.Submission, kind credentials.Kind, outcome string, subject func(credentials.Handle) T) {
	doc := newHandle()
	signer := ledgertest.Signer("insurer")
	if strings.HasSuffix(s.Number, "FORGED") {
		signer = ledgertest.Signer("stranger")
	}
	token, err := credentials.Issue(signer, kind, doc, time.Now(), nil, subject(doc))
	if err != nil {
		g.t.Error(err)
	}
	s.State = outcome
	d := api.Decision{Handle: doc, Number: len(s.Decisions) + 1, Outcome: outcome, Settled: time.Now(), Token: token}
	entered, digest := ledger.KindClaimDecision, credentials.DocumentDigest(token)
	if kind == credentials.KindAuthorizationDecision {
		entered = ledger.KindAuthorizationDecision
	}
	if strings.HasSuffix(s.Number, "UNRECORDED") { // what stands on the ledger is something else
		digest[0] ^= 1
	}
	d.Entry, d.Receipt = g.record(entered, doc, digest)
	s.Decisions = append(s.Decisions, d)
}

// record puts a document of the insurer on the ledger and waits for its receipt.
func (g *gate) record(kind ledger.Kind, subject credentials.Handle, document credentials.Digest) (leaf, receipt []byte) {
	e, err := ledger.Entry{Kind: kind, Subject: subject, Document: document, Effective: time.Now().Truncate(time.Second).UTC()}.Sign(ledgertest.Signer("insurer"))
	if err != nil {
		g.t.Error(err)
		return nil, nil
	}
	at, err := g.ledger.Append(g.t.Context(), subject.String(), e)
	if err == nil {
		receipt, _, err = g.ledger.Await(g.t.Context(), at.Index, e.Marshal())
	}
	if err != nil {
		g.t.Error(err)
	}
	return e.Marshal(), receipt
}

func (g *gate) proofs(r *http.Request, _ []byte) (any, error) {
	return api.Ledger{Files: proofs(g.t, r.Context(), g.ledger, g.founded)}, nil
}

func proofs(t *testing.T, ctx context.Context, l *client.Client, founded *ledgertest.Ledger) dossier.Files {
	f := dossier.Files{}
	f.Genesis(founded.Leaf)
	registry, err := ledger.NewRegistry(founded.Genesis)
	if err != nil {
		t.Error(err)
		return nil
	}
	admitted, err := l.Participants(ctx, registry)
	if err != nil {
		t.Error(err)
	}
	for _, p := range admitted {
		f.Receipt(p.Entry.Subject, p.Leaf, p.Receipt)
	}
	return f
}

func (g *gate) postAuthorization(_ *http.Request, body []byte) (any, error) {
	token, signatures, _ := strings.Cut(string(body), "\n")
	doc, err := credentials.Open[claims.AuthorizationSubmission](token, credentials.KindAuthorizationSubmission, credentials.ResolveDIDKey)
	if err == nil {
		err = signedUpon(signatures, doc.Subject.Request.ClinicalContent)
	}
	if err != nil {
		return nil, &api.Refusal{Status: 400, Message: err.Error()}
	}
	q := &doc.Subject.Request
	a, again := g.take("authorization", q.Number, token, doc.Subject.Handle)
	if strings.HasSuffix(q.Number, "UNSIGNED") {
		return g.late(a.(api.Acceptance), signatures, func(h credentials.Handle, o claims.Outcome) { g.approve(h, q, o == claims.Pended) }), nil
	}
	if again {
		return a, nil
	}
	d := claims.AuthorizationDecision{Submission: doc.Subject.Handle, Request: q.Number, Number: 1, Outcome: claims.AuthorizationPended,
		Rules: claims.RulesEdition, NPI: q.Clinician.NPI, Items: []claims.ItemDecision{}, Pends: []claims.Pend{{Reason: claims.PendReview}}}
	for _, it := range q.Items {
		d.Items = append(d.Items, claims.ItemDecision{Sequence: it.Sequence, Outcome: claims.AuthorizationPended, Action: "A4",
			Code: it.Code, Units: it.Units, From: it.From, Until: it.Until, Reason: string(claims.PendReview), Rule: "review"})
	}
	signDecision(g, g.all[doc.Subject.Handle], credentials.KindAuthorizationDecision, "pended", func(h credentials.Handle) claims.AuthorizationDecisionDocument {
		return claims.AuthorizationDecisionDocument{Handle: h, Salt: newHandle(), Decision: d}
	})
	return a, nil
}

// approve decides a request that waits for nothing but a clinician's signature.
func (g *gate) approve(submission credentials.Handle, q *claims.AuthorizationRequest, unsigned bool) {
	d := claims.AuthorizationDecision{Submission: submission, Request: q.Number, Number: len(g.all[submission].Decisions) + 1, Outcome: claims.AuthorizationApproved,
		Rules: claims.RulesEdition, NPI: q.Clinician.NPI, Items: []claims.ItemDecision{}}
	if unsigned {
		d.Outcome, d.Pends = claims.AuthorizationPended, []claims.Pend{{Reason: claims.PendSignature, Note: "no clinician has signed for it"}}
	}
	signDecision(g, g.all[submission], credentials.KindAuthorizationDecision, string(d.Outcome), func(h credentials.Handle) claims.AuthorizationDecisionDocument {
		return claims.AuthorizationDecisionDocument{Handle: h, Salt: newHandle(), Decision: d}
	})
}

func (g *gate) named(r *http.Request) (*api.Submission, error) {
	h, _ := credentials.ParseHandle(r.PathValue("handle"))
	if s, ok := g.all[h]; ok {
		return s, nil
	}
	return nil, &api.Refusal{Status: 404, Message: "nothing of yours has this handle"}
}

func (g *gate) get(r *http.Request, _ []byte) (any, error) {
	s, err := g.named(r)
	if err == nil && r.URL.Query().Get("after") == "1" && g.signed[s.Handle] != nil {
		g.signed[s.Handle]()
		delete(g.signed, s.Handle)
	}
	if err != nil || r.URL.Query().Get("files") == "" {
		return s, err
	}
	with := *s
	f := dossier.Files{}
	f.Token(dossier.Submissions, s.Handle, g.tokens[s.Handle])
	for _, d := range s.Decisions {
		f.Token(dossier.Decisions, d.Handle, d.Token)
	}
	with.Files = f
	return &with, nil
}

func (g *gate) list(*http.Request, []byte) (any, error) {
	all := []*api.Submission{}
	for _, h := range g.order {
		if !strings.HasSuffix(g.all[h].Number, "FORGED") {
			all = append(all, g.all[h])
		}
	}
	return all, nil
}

func (g *gate) reviews(*http.Request, []byte) (any, error) {
	all := []*api.Submission{}
	for _, h := range g.order {
		if g.all[h].State == "pended" {
			all = append(all, g.all[h])
		}
	}
	return all, nil
}

func (g *gate) review(r *http.Request, _ []byte) (any, error) {
	s, err := g.named(r)
	if err != nil {
		return nil, err
	}
	return api.Review{Submission: *s, Token: g.tokens[s.Handle]}, nil
}

func (g *gate) determine(r *http.Request, body []byte) (any, error) {
	s, err := g.named(r)
	if err != nil {
		return nil, err
	}
	doc, err := credentials.Open[claims.Determination](string(body), credentials.KindReviewDetermination, credentials.ResolveDIDKey)
	if err != nil || doc.Subject.Subject != s.Handle || doc.Subject.Number != len(s.Decisions) || doc.Subject.Reviewer != doc.Issuer {
		return nil, &api.Refusal{Status: 400, Message: "determination is not about the latest decision"}
	}
	if s.Kind == "claim" {
		c, err := credentials.Open[claims.Submission](g.tokens[s.Handle], credentials.KindClaimSubmission, credentials.ResolveDIDKey)
		if err != nil {
			return nil, err
		}
		g.decide(s.Handle, &c.Subject.Claim, map[bool]claims.Outcome{true: claims.Paid, false: claims.Denied}[doc.Subject.Approve])
	}
	return api.Acceptance{Handle: doc.Subject.Handle}, nil
}

func (g *gate) publish(r *http.Request, body []byte) (any, error) {
	e := api.Edition{Kind: r.PathValue("kind"), Handle: newHandle(), Body: body}
	if e.Kind == "plan" {
		p, err := claims.ParsePlan(body)
		if err != nil {
			return nil, &api.Refusal{Status: 422, Message: err.Error()}
		}
		e.Ref = p.Ref()
		return e, nil
	}
	if e.Kind == "exclusion-list" {
		l, err := exclusions.Parse(body)
		if err != nil {
			return nil, &api.Refusal{Status: 422, Message: err.Error()}
		}
		e.Ref = l.Ref()
		return e, nil
	}
	e.Ref = claims.EditionRef{Name: r.URL.Query().Get("name"), Edition: r.URL.Query().Get("edition"), Digest: credentials.DigestOf(body)}
	if e.Kind == "codes" {
		l, err := codelist.ReadEdition("codes.csv", bytes.NewReader(body))
		if err != nil {
			return nil, &api.Refusal{Status: 422, Message: err.Error()}
		}
		e.Ref.Name, e.Ref.Edition = string(l.Kind), l.Edition
		g.codes = append(g.codes, e)
	}
	return e, nil
}

// editions are the lists of codes that were published; a revenue code's is kept back.
func (g *gate) editions(r *http.Request, _ []byte) (any, error) {
	out := []api.Edition{}
	for _, e := range g.codes {
		if e.Ref.Name == "revenue" {
			e.Body = nil
		}
		out = append(out, e)
	}
	return out, nil
}

func (g *gate) enroll(r *http.Request, body []byte) (any, error) {
	rows, err := claims.ParseMembers(body)
	if plan := r.URL.Query().Get("plan"); err != nil || plan != "demo-ppo" {
		return nil, &api.Refusal{Status: 422, Message: "no edition of a plan \"" + plan + "\" is published"}
	}
	return api.Enrolled{Plan: "demo-ppo", Members: len(rows)}, nil
}

func (g *gate) cover(r *http.Request, body []byte) (any, error) {
	rows, err := claims.ParseCoverage(body)
	if err != nil || rows[0].MemberID == "NOBODY" {
		return nil, &api.Refusal{Status: 422, Message: "coverage.csv line 2: no member on record has this member_id, first and birth; enroll them first"}
	}
	return api.Rostered{Rows: len(rows)}, nil
}

func (g *gate) roster(_ *http.Request, body []byte) (any, error) {
	rows, err := claims.ParseProviders(body)
	return api.Rostered{Rows: len(rows)}, err
}

// remittances are two payments of what was paid last.
func (g *gate) remittances(*http.Request, []byte) (any, error) {
	all := g.paid
	if all != nil {
		return all, nil
	}
	for i, trace := range []string{"T1", "T2"} {
		pay := x12.Payment{Number: "CLAIM-" + trace, Status: "1", Charge: 10000, Paid: 8000, Patient: 2000, Filing: "12", Control: "C1", Place: "11", Frequency: "1",
			Person: claims.Person{Last: "EXAMPLE", First: "ANN", MemberID: "M1"},
			Lines: []x12.ServicePayment{{Code: "99213", Charge: 10000, Paid: 8000, Units: 1000, From: "2026-10-05", To: "2026-10-05", Control: "1", Allowed: 10000,
				Adjustments: []claims.Adjustment{{Group: claims.Patient, CARC: claims.CARCCoinsurance, Amount: 2000}}}}}
		day := credentials.Date("2026-11-02").AddDays(i)
		body, err := x12.WriteRemittance(x12.Envelope{Sender: "DEMOPPO", To: claims.Sender{ID: "HOSPITAL"}, Control: i + 1, Produced: time.Date(2026, 11, 2+i, 0, 0, 0, 0, time.UTC)}, x12.Remittance{
			Payer: x12.Payer{Name: "DEMO-PPO", ID: "DEMOPPO", TaxID: "990000002", Address: claims.Address{Street: "1 PAYER ST", City: "SACRAMENTO", State: "CA", ZIP: "95814"}, Contact: "EDI", Phone: "9165550100"},
			Payee: claims.Provider{NPI: "2999001003", Organization: true, Name: "MISSION CREEK HOSPITAL", TaxID: "990000001", Address: claims.Address{Street: "100 EXAMPLE WAY", City: "SACRAMENTO", State: "CA", ZIP: "958140001"}},
			Trace: trace, Total: 8000, Method: "CHK", Date: day, Produced: day, Payments: []x12.Payment{pay},
		})
		if err != nil {
			g.t.Error(err)
		}
		h := newHandle()
		f := dossier.Files{}
		entry, receipt := g.record(ledger.KindRemittance, h, credentials.DigestOf(body))
		f.Receipt(h, entry, receipt)
		all = append(all, api.Remittance{Trace: trace, State: claims.PaymentPaid, Released: time.Date(2026, 11, 2+i, 0, 0, 0, 0, time.UTC), Body: body, Handle: h, Files: f})
	}
	g.paid = all
	return all, nil
}
