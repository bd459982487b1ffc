package contracts

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/csv"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	boardclient "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/fhir"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/cmd/countersign-dev/faults"
	"github.com/countersign-health/countersign/cmd/countersign-dev/parties"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/examples"
	"github.com/countersign-health/countersign/gateway/api"
)

func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "8") // the tests wait for timeouts most of their time, however few cores there are
	faults.Main(m, work)
}

// The clinicians of the examples whom the tests name.
const (
	amaranth credentials.NPI = "2999002019" // licensed throughout
	ruskin   credentials.NPI = "2999002183" // loses her license in the last act
)

// soon bounds every wait: a machine under load is slow, and a contract that
// hangs has to fail its test all the same.
const soon = 90 * time.Second

// A house is a network of all parties and the people who use it.
type house struct {
	*testing.T
	*parties.Network
	ctx      context.Context
	hospital *api.Client
	insurer  *api.Client
	reviewer *api.Client
	clerk    *boardclient.Client
	files    map[string][]byte
	licenses map[credentials.NPI]credentials.Handle
}

// open starts a network of its own for a test.
func open(t *testing.T, change ...func(*parties.Options)) *house {
	t.Helper()
	o := parties.Options{Dir: t.TempDir(), Jurisdictions: []string{"CA"}, ReceiptFromFile: true}
	for _, c := range change {
		c(&o)
	}
	n, err := parties.Prepare(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), soon) // not t.Context: what runs must outlive the test's end
	t.Cleanup(cancel)
	t.Cleanup(func() {
		if err := n.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(n.Dir, "countersign.log"))
			t.Logf("log of all parties:\n%s", log[max(0, len(log)-4000):])
		}
	})
	if err := n.Start(ctx); err != nil {
		t.Fatal(err)
	}
	h := &house{T: t, Network: n, ctx: ctx, files: exampleFiles(t), licenses: map[credentials.NPI]credentials.Handle{}}
	h.hospital, h.insurer, h.reviewer = h.at(parties.Hospital), h.at(parties.Insurer), h.at(parties.Reviewer)
	h.clerk, err = boardclient.New(boardclient.Config{
		URL: n.Boards["CA"].URL, Board: n.DIDs[parties.Board], Keys: credentials.ResolveDIDKey, Signer: h.key(parties.Clerk),
	})
	h.must(err)
	return h
}

func exampleFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, name := range []string{"plan.yaml", "fees.csv", "members.csv", "clinicians.csv", "claims.837", "auth-a.json", "auth-b.json", "auth-c.json"} {
		b, err := examples.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = b
	}
	return files
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) key(party string) credentials.Signer {
	h.Helper()
	ks, err := h.KeyStore(party)
	h.must(err)
	s, err := ks.Signer(party)
	h.must(err)
	return s
}

func (h *house) at(party string) *api.Client {
	return &api.Client{URL: h.GatewayURL, Insurer: h.DIDs[parties.Insurer], Signer: h.key(party), Now: time.Now, HTTP: http.DefaultClient}
}

// again does what a caller does who is told that nothing is done twice.
func (h *house) again(do func() error) {
	h.Helper()
	for range 20 {
		err := do()
		var no *api.Refusal
		if !errors.As(err, &no) || no.Status != http.StatusServiceUnavailable {
			h.must(err)
			return
		}
	}
	h.Fatal("the gateway is never available")
}

// until waits for something that comes by itself.
func (h *house) until(what string, done func() (bool, error)) {
	h.Helper()
	for {
		ok, err := done()
		if ok && err == nil {
			return
		}
		select {
		case <-h.ctx.Done():
			h.Fatalf("waited in vain for %s (last: %v)", what, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// begin publishes, enrolls and licenses as the examples say.
func (h *house) begin() {
	h.Helper()
	h.again(func() error {
		_, err := h.insurer.PublishFees(h.ctx, "demo-fees", "2026-01", h.files["fees.csv"])
		return err
	})
	h.again(func() error { _, err := h.insurer.PublishPlan(h.ctx, h.files["plan.yaml"]); return err })
	members, err := parties.ReadMembers(h.files["members.csv"], "demo-ppo")
	h.must(err)
	h.must(h.House.Books.Enroll(h.ctx, members))
	rows, err := csv.NewReader(bytes.NewReader(h.files["clinicians.csv"])).ReadAll()
	h.must(err)
	for _, r := range rows[1:] {
		f, err := h.clerk.Issue(h.ctx, boardclient.Application{
			NPI: credentials.NPI(r[0]), Name: r[1], Jurisdiction: r[2], Profession: r[3], Number: r[4],
			From: credentials.Date(r[5]), Until: credentials.Date(r[6]),
		})
		h.must(err)
		h.licenses[credentials.NPI(r[0])] = f.License.Handle
	}
	if !h.WithoutWorker {
		h.heard(len(h.licenses))
	}
}

// heard waits until the insurer has read so many events of the board's feed.
func (h *house) heard(events int) {
	h.Helper()
	h.until("the board's feed", func() (bool, error) {
		f, err := h.House.Books.FeedOf(h.ctx, h.DIDs[parties.Board])
		return f.Sequence >= int64(events) && time.Since(f.ReadAt) < time.Minute, err
	})
}

func newHandle() (h credentials.Handle) {
	rand.Read(h[:])
	return h
}

// sign makes a submission of a claim, under a new handle and salt each time.
func (h *house) sign(c claims.Claim, source claims.Source) string {
	h.Helper()
	sub := claims.Submission{Handle: newHandle(), Salt: newHandle(), Claim: c, Source: source}
	token, err := credentials.Issue(h.hospital.Signer, credentials.KindClaimSubmission, sub.Handle, time.Now(), nil, sub)
	h.must(err)
	return token
}

// claimsOf reads the example file, in its order.
func (h *house) claimsOf(file string) (all []x12.Submitted) {
	h.Helper()
	_, err := x12.ReadClaims(bytes.NewReader(h.files[file]), func(s x12.Submitted) error {
		all = append(all, s)
		return nil
	})
	h.must(err)
	if len(all) == 0 {
		h.Fatal("no claims in the file")
	}
	return all
}

// bill signs and sends the claims of the example file, or those of them that
// are named.
func (h *house) bill(numbers ...string) map[string]api.Acceptance {
	h.Helper()
	got := map[string]api.Acceptance{}
	for _, s := range h.claimsOf("claims.837") {
		if len(numbers) > 0 && !contains(numbers, s.Claim.Number) {
			continue
		}
		got[s.Claim.Number] = h.submit(h.sign(s.Claim, s.Source))
	}
	return got
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

func (h *house) submit(token string) (a api.Acceptance) {
	h.Helper()
	h.again(func() (err error) { a, err = h.hospital.SubmitClaim(h.ctx, token); return err })
	return a
}

// request signs and sends a PAS bundle of the examples.
func (h *house) request(file string) (a api.Acceptance) {
	h.Helper()
	r, err := fhir.ParseBundle(h.files[file])
	h.must(err)
	sub := claims.AuthorizationSubmission{
		Handle: newHandle(), Salt: newHandle(), Request: *r,
		Source: claims.Source{File: credentials.DigestOf(h.files[file]), Created: "2026-09-15", Place: "/entry/0/resource"},
	}
	token, err := credentials.Issue(h.hospital.Signer, credentials.KindAuthorizationSubmission, sub.Handle, time.Now(), nil, sub)
	h.must(err)
	h.again(func() (err error) { a, err = h.hospital.SubmitAuthorization(h.ctx, token); return err })
	return a
}

// approve has the reviewer approve what is pended.
func (h *house) approve(a api.Acceptance, number int) string {
	h.Helper()
	d := claims.Determination{
		Handle: newHandle(), Subject: a.Handle, Number: number, Approve: true, Reason: "criteria-met", Reviewer: h.DIDs[parties.Reviewer],
	}
	token, err := credentials.Issue(h.reviewer.Signer, credentials.KindReviewDetermination, d.Handle, time.Now(), nil, d)
	h.must(err)
	h.again(func() error { _, err := h.reviewer.Determine(h.ctx, a.Handle, token); return err })
	return token
}

// decided waits for a decision with its receipt, numbered so or higher.
func (h *house) decided(a api.Acceptance, number int) (s api.Submission) {
	h.Helper()
	h.until("a decision", func() (bool, error) {
		err := error(nil)
		s, err = h.hospital.Status(h.ctx, a.Handle, number-1, 10*time.Second, false)
		return len(s.Decisions) >= number, err
	})
	return s
}

// revoke has the board revoke Ruskin's license as of mid October.
func (h *house) revoke() credentials.Handle {
	h.Helper()
	effective, err := time.Parse(time.RFC3339, "2026-10-15T00:00:00-07:00")
	h.must(err)
	d, err := h.clerk.Revoke(h.ctx, h.licenses[ruskin], effective, "unprofessional-conduct")
	h.must(err)
	return d.Handle
}

// reached waits until nothing open rests on Ruskin's license and all that was
// decided has its receipt.
func (h *house) reached(order credentials.Handle) {
	h.Helper()
	h.until("the order to reach open work", func() (bool, error) {
		if _, err := h.House.Books.Reach(h.ctx, order); err != nil {
			return false, nil
		}
		open, err := h.House.Books.OpenWork(h.ctx, h.licenses[ruskin])
		return len(open) == 0, err
	})
	h.recorded()
}

// recorded waits until every settled document has its receipt.
func (h *house) recorded() {
	h.Helper()
	h.until("receipts", func() (bool, error) {
		waiting, err := h.House.Books.Unrecorded(h.ctx, credentials.Handle{}, 1)
		return len(waiting) == 0, err
	})
}

// tell is the whole story: authorizations, claims, 835, revocation.
func (h *house) tell() {
	h.Helper()
	h.begin()
	h.decided(h.request("auth-a.json"), 1)
	b, c := h.request("auth-b.json"), h.request("auth-c.json")
	h.decided(b, 1)
	h.decided(c, 1)
	h.approve(b, 1)
	h.decided(b, 2)
	for _, a := range h.bill() {
		h.decided(a, 1)
	}
	h.recorded()
	h.remit()
	h.reached(h.revoke())
}

// remit releases what is payable. Where its reply is lost the outbox's drain
// puts it on the ledger.
func (h *house) remit() {
	h.Helper()
	if _, err := h.House.Remit(h.ctx, "2026-11-03"); err != nil {
		h.Logf("remit: %v", err)
	}
	h.recorded()
}
