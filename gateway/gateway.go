// Package gateway is the insurer's door. It asks who is calling and whether
// they may, checks what they bring, and starts contracts; it judges nothing
// that the contract judges, but for estimates, which bind nobody.
package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/countersign-health/countersign/activities"
	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/standing"
	"github.com/countersign-health/countersign/statuslist"
)

// Books is what the gateway asks of the insurer's books.
type Books interface {
	FindSubmission(ctx context.Context, key credentials.Digest) (books.Received, error)
	// Change is what they know of the claim that a replacement or void names.
	Change(ctx context.Context, submitter credentials.DID, control string) (claims.Change, error)
	StatusOf(ctx context.Context, h credentials.Handle) (*books.Status, error)
	// Decided is the number of the latest decision with a receipt on each of some
	// submissions; those without one are left out.
	Decided(ctx context.Context, submissions []credentials.Handle) (map[credentials.Handle]int, error)
	StatusOfDecision(ctx context.Context, document credentials.Handle) (*books.Status, error)
	Submissions(ctx context.Context, submitter credentials.DID, state string) ([]credentials.Handle, error)
	PractitionerIn(ctx context.Context, npi credentials.NPI, state string) (books.Practitioner, error)
	Pended(ctx context.Context) ([]credentials.Handle, error)
	AddSignatures(ctx context.Context, submission credentials.Handle, signatures []books.Signature) (work books.Work, waits bool, err error)
	Signatures(ctx context.Context, submission credentials.Handle) ([]books.Signature, error)
	Determine(ctx context.Context, d claims.Determination, token string) (books.Work, error)
	Editions(ctx context.Context) ([]books.Edition, error)
	// EditionRefs names those of a kind, of which Edition is one.
	EditionRefs(ctx context.Context, kind books.EditionKind) ([]claims.EditionRef, error)
	Edition(ctx context.Context, digest credentials.Digest) (books.Edition, error)
	Remittances(ctx context.Context, submitter credentials.DID) ([]books.Remittance, error)
	Payments(ctx context.Context, current time.Time) ([]books.Payment, error)
	// Reopen opens a decided claim again, once for each cause; Reopenings are those of a claim.
	Reopen(ctx context.Context, r books.Reopening) (books.Reopening, books.Work, error)
	Reopenings(ctx context.Context, submission credentials.Handle) ([]books.Reopening, error)
	KeepLetter(ctx context.Context, l books.LetterFile) (kept books.LetterFile, again bool, err error)
	Letters(ctx context.Context, submission credentials.Handle) ([]books.LetterFile, error)
	Letter(ctx context.Context, h credentials.Handle) (books.LetterFile, error)
	KeepAppeal(ctx context.Context, a books.AppealFile) (kept books.AppealFile, again bool, err error)
	Appeal(ctx context.Context, h credentials.Handle) (books.AppealFile, error)
	// Appeals are those of a claim, or those that wait where it names none.
	Appeals(ctx context.Context, submission credentials.Handle) ([]books.AppealFile, error)
	AnswerAppeal(ctx context.Context, d claims.Determination, token string, by, request string) (books.Work, error)
	SetStaffHold(ctx context.Context, h books.StaffHold) error
	// Owed lists what payees owe on claims, and every refund; Refund registers one.
	Owed(ctx context.Context) ([]books.Overpayment, []books.Refund, error)
	Refund(ctx context.Context, r books.Refund) (kept books.Refund, again bool, err error)
	ClaimByControl(ctx context.Context, control string) (credentials.Handle, error)
	LicenseDocuments(ctx context.Context, licenses, orders []credentials.Handle) ([]books.Document, error)
	Recorded(ctx context.Context, document credentials.Handle) (books.OutboxRow, error)
	// StatusVersion moves whenever what the status lists of a number say has
	// moved; books.ErrNotFound where there are none.
	StatusVersion(ctx context.Context, list int64) (int64, error)
	// Followed lists the places in them of decisions that others have followed.
	Followed(ctx context.Context, list int64) ([]books.Followed, error)
	// FollowedBy is the decision that followed one, or books.ErrNotFound.
	FollowedBy(ctx context.Context, document credentials.Handle) (credentials.Handle, error)
	// HeardOf is how many events of a board's feed have been read.
	HeardOf(ctx context.Context, board credentials.DID) (int64, error)
	ClinicianIn(ctx context.Context, npi credentials.NPI, state string) (books.ClinicianFile, error)
}

// Config is what a gateway is made of. Every field is needed unless it says
// otherwise.
type Config struct {
	Books    Books
	Temporal client.Client
	// Who names the admitted party that signs with a key now; the ledger says so.
	Who func(kid string) (credentials.Key, ledger.Party, error)
	// Whose names the party that signs, or has signed, with a key.
	Whose func(kid string) (credentials.Key, ledger.Party, error)
	// Keys are those of documents that were taken before, of keys too that have
	// been handed over since.
	Keys credentials.ResolveKey
	// Proofs are leaf 0 and the entries that admitted the participants, so that
	// callers can hold answers against the leaf 0 that they pin.
	Proofs func(ctx context.Context) dossier.Files
	// Lists brings the status list of a license from its board. Nil reads none: the
	// orders in the books say it all.
	Lists func(ctx context.Context, board credentials.DID, entry credentials.StatusEntry) (*credentials.SignedList, error)
	// ListLife is how long a signed status list is valid; statuslist.Life where 0.
	ListLife time.Duration
	// URL is where the gateway can be reached from outside: status lists stand
	// there, none where it is empty. PartyKeys are the
	// keys that the ledger has of a party: for its DID document, which is not
	// served where one is missing.
	URL       string
	PartyKeys func(credentials.DID) ([]ledger.PartyKey, error)
	// Publish puts an edition into the books and on the ledger, under the
	// insurer's own key.
	Publish func(ctx context.Context, kind books.EditionKind, name, edition string, body []byte) (books.Edition, error)
	// Enroll writes the members of a CSV file into the books, as covered by a
	// plan, and says how many they are.
	Enroll func(ctx context.Context, plan string, file []byte) (int, error)
	// Cover and Roster write the coverage of members who are on record, and who
	// renders the services of organizations, from CSV files likewise.
	Cover  func(ctx context.Context, plan string, file []byte) (int, error)
	Roster func(ctx context.Context, file []byte) (int, error)
	// Remit releases what is payable as of a day of payment.
	Remit func(ctx context.Context, on credentials.Date) (books.PaymentRun, error)
	// Gather reads the facts for a claim that was not received, and writes nothing.
	Gather func(ctx context.Context, submitter credentials.DID, s *claims.Submission, received credentials.Date, signatures []books.Signature) (*activities.ClaimGathered, error)
	// EstimatesAnHour is how many a party may ask for; defaultEstimatesAnHour where 0.
	EstimatesAnHour int
	// Reprocess lists the decided claims whose result would change by what was
	// heard since; Restart has the contract of a claim that was opened again go on.
	Reprocess func(ctx context.Context) ([]books.Reprocess, error)
	Restart   func(ctx context.Context, submission credentials.Handle, work books.Work) error
	// Insurer is the DID whose key may publish editions, and the audience of
	// request tokens.
	Insurer credentials.DID
	// Signer signs answers to questions of standing, as the insurer.
	Signer credentials.Signer
	// Clock says why this house's clock is not to be believed; nil asks nobody.
	Clock func() error
	// Reviewers are the insurer's own. The ledger admits reviewers and does not
	// say whose they are; nobody else's sees or answers what waits here.
	Reviewers []credentials.DID
	// Secret keys business keys; see claims.Submission.BusinessKey.
	Secret []byte
	// Edits that a claim must pass before a contract starts.
	Edits claims.Edits
	// ReceiptFromFile takes the receipt date from the file that is billed
	// instead of the clock: for demonstrations with old files only.
	ReceiptFromFile bool
	// Patience is how old a board's last word may be and still prove standing.
	Patience time.Duration
	Now      func() time.Time
	Log      *slog.Logger
}

// Gateway serves the insurer's HTTP interface.
type Gateway struct {
	Config
	replays *replays
	eye     *eye
	lists   *statuslist.Lists
	others  *statuslist.Cache // nil without Lists

	pace       *pace
	estimating chan struct{}
	codes      *shelf
}

// New returns a gateway.
func New(c Config) *Gateway {
	c.URL = strings.TrimSuffix(c.URL, "/")
	if c.EstimatesAnHour == 0 {
		c.EstimatesAnHour = defaultEstimatesAnHour
	}
	g := &Gateway{Config: c, replays: newReplays(), eye: newEye(c.Books), pace: newPace(c.EstimatesAnHour), estimating: make(chan struct{}, estimatesAtOnce), codes: newShelf(c.Books)}
	g.lists = g.newLists()
	if c.Lists != nil {
		g.others = &statuslist.Cache{Fetch: c.Lists, Event: g.heardOf, Now: c.Now}
	}
	return g
}

// Handler is the interface; every call but GET /healthz carries a request
// token of an admitted key. GET /ledger, GET /standing, the status lists, the DID
// document and the VC API's verifier need none either: what they tell is public, or is what the
// caller has shown.
func (g *Gateway) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /ledger", func(w http.ResponseWriter, r *http.Request) {
		g.answer(w, r, api.Ledger{Files: g.Proofs(r.Context())}, nil)
	})
	mux.Handle("GET "+standing.Path, g.standing())
	mux.HandleFunc("GET /status/{purpose}/{list}", g.getStatus)
	g.vc().Mount(mux)
	mux.HandleFunc("GET /.well-known/did.json", g.web) // of a gateway at the root of its server
	mux.HandleFunc("GET /did.json", g.web)             // of one in a folder, which the server before it takes off
	mux.Handle("POST /claims", g.door(g.postClaim, ledger.RoleHospital))
	mux.Handle("POST /estimates", g.door(g.postEstimate, ledger.RoleHospital))
	mux.Handle("POST /authorizations", g.door(g.postAuthorization, ledger.RoleHospital))
	mux.Handle("GET /submissions", g.door(g.listSubmissions, ledger.RoleHospital))
	mux.Handle("GET /submissions/{handle}", g.door(g.getSubmission, ledger.RoleHospital, ledger.RoleInsurer))
	mux.Handle("GET /submissions/{handle}/letters", g.door(g.getLetters, ledger.RoleHospital, ledger.RoleReviewer))
	mux.Handle("POST /submissions/{handle}/letters", g.door(g.postLetter, ledger.RoleHospital, ledger.RoleReviewer))
	mux.Handle("GET /remittances", g.door(g.getRemittances, ledger.RoleHospital, ledger.RoleInsurer))
	mux.Handle("POST /remittances", g.door(g.insurers(g.postRemittances), ledger.RoleInsurer))
	mux.Handle("GET /payments", g.door(g.insurers(g.getPayments), ledger.RoleInsurer))
	mux.Handle("GET /reprocess", g.door(g.insurers(g.getReprocess), ledger.RoleInsurer))
	mux.Handle("POST /reprocess", g.door(g.insurers(g.postReprocess), ledger.RoleInsurer))
	mux.Handle("POST /claims/{claim}/appeal", g.door(g.postAppeal, ledger.RoleHospital))
	mux.Handle("GET /appeals", g.door(g.own(g.listAppeals), ledger.RoleReviewer))
	mux.Handle("GET /appeals/{handle}", g.door(g.own(g.getAppeal), ledger.RoleReviewer))
	mux.Handle("POST /appeals/{handle}", g.door(g.own(g.postAppealAnswer), ledger.RoleReviewer))
	mux.Handle("GET /owed", g.door(g.getOwed, ledger.RoleHospital, ledger.RoleInsurer))
	mux.Handle("POST /claims/{claim}/refund", g.door(g.insurers(g.postRefund), ledger.RoleInsurer))
	mux.Handle("POST /claims/{claim}/hold", g.door(g.insurers(g.postHold), ledger.RoleInsurer))
	mux.Handle("POST /claims/{claim}/release", g.door(g.insurers(g.postHold), ledger.RoleInsurer))
	mux.Handle("GET /reviews", g.door(g.own(g.listReviews), ledger.RoleReviewer))
	mux.Handle("GET /reviews/{handle}", g.door(g.own(g.getReview), ledger.RoleReviewer))
	mux.Handle("POST /reviews/{handle}", g.door(g.own(g.postReview), ledger.RoleReviewer))
	mux.Handle("POST /editions/{kind}", g.door(g.postEdition, ledger.RoleInsurer))
	mux.Handle("POST /members", g.door(g.postMembers, ledger.RoleInsurer))
	mux.Handle("POST /coverage", g.door(g.postCoverage, ledger.RoleInsurer))
	mux.Handle("POST /providers", g.door(g.postProviders, ledger.RoleInsurer))
	mux.Handle("GET /editions", g.door(g.getEditions, ledger.RoleHospital, ledger.RoleInsurer, ledger.RoleAuditor, ledger.RoleReviewer))
	return mux
}
