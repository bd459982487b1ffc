package dossier

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/claims/pricing"
	"github.com/countersign-health/countersign/claims/terms"
	"github.com/countersign-health/countersign/claims/x12"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// A Check is what came of checking one file.
type Check struct {
	File   string `json:"file"`
	Name   string `json:"check"` // "signature", "receipt", "recompute", …
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// A Report is what came of verifying a dossier.
type Report struct {
	Trusted ledger.Trust `json:"trusted"`
	// TrustGiven is false where the trust was taken from the dossier itself:
	// then the report says only that the dossier agrees with itself.
	TrustGiven bool `json:"trustGiven"`
	// Known is when the newest receipt became known. Everything is judged by
	// such times, never by the verifier's clock, so that the answer stays the same.
	Known      time.Time `json:"known"`
	Files      int       `json:"files"`
	Entries    int       `json:"entries"`             // receipted, leaf 0 not counted
	Decisions  int       `json:"decisions"`           // on claims and authorizations
	Verified   int       `json:"verified"`            // decisions of which every check passed
	Reproduced int       `json:"reproduced"`          // decisions that came out the same when computed again
	Answers    int       `json:"answers,omitempty"`   // to questions of standing, computed again
	Estimates  int       `json:"estimates,omitempty"` // signed by an insurer upon their questions; no decisions
	Unsigned   []string  `json:"unsigned"`            // files that prove nothing, and are not used
	Failures   []Check   `json:"failures"`            // one a file, the first check that caught it
	// Standings are of the decisions that name status lists.
	Standings []Standing `json:"standings,omitempty"`
	// Extract is the entries of an extract, which has no documents.
	Extract []Extracted `json:"extract,omitempty"`
}

// OK says whether every file passed.
func (r *Report) OK() bool { return len(r.Failures) == 0 }

// Names of the checks.
const (
	checkTrust      = "trust"      // trust.json, and leaf 0 against it
	checkFormat     = "format"     // not in the one spelling that it can have
	checkName       = "name"       // the file is not what its name says
	checkReceipt    = "receipt"    // entry, receipt, quorum
	checkSignature  = "signature"  // of a document
	checkRole       = "role"       // the issuer may not issue this
	checkPeriod     = "key-period" // the issuer's key was not its own there
	checkLedger     = "ledger"     // document and ledger entry belong together
	checkSource     = "source"     // a submission and the file it was read from
	checkEvidence   = "evidence"   // the root that the decision names
	checkRecompute  = "recompute"  // the rules give another decision
	checkEdition    = "edition"    // plan, fee schedule or list of excluded providers
	checkFee        = "fee"
	checkTerms      = "terms"
	checkExclusion  = "exclusions" // who is excluded, by the list
	checkStanding   = "standing"
	checkAuth       = "authorization"
	checkReview     = "review"
	checkClinician  = "clinician" // a clinician's signature
	checkOriginals  = "original"  // a decision that is taken back, and what takes it back
	checkSequence   = "sequence"  // decisions on one submission follow each other
	checkBalance    = "balance"
	checkPayment    = "payment"    // a remittance against the decisions
	checkReversal   = "reversal"   // of what an earlier remittance has told
	checkInterest   = "interest"   // of a law that the plan edition names
	checkForward    = "forward"    // a balance from one remittance to the next
	checkRecoupment = "recoupment" // what was paid too much on a claim, and what is taken of it
	checkRests      = "rests-on"   // something that this file needs has failed or is missing
	checkUncovered  = "uncovered"  // no check covers the file
)

// A finding is why a check failed. Cause is the file to blame, where that is
// another one.
type finding struct{ check, detail, cause string }

func (f *finding) Error() string { return f.detail }

func found(check, format string, args ...any) error {
	return &finding{check: check, detail: fmt.Sprintf(format, args...)}
}

// Verify checks every file of a dossier, without a network and without a
// clock. With no trust given, it takes the dossier's own trust.json and says
// so. It goes on after a failure. Progress may be nil.
func Verify(files Files, trust *ledger.Trust, progress func(done, total int)) *Report {
	return verify(files, trust, progress).report
}

// A verifier gathers what has been proved so far. Only what passed its own
// check is in the maps, so a later check that misses something there fails.
type verifier struct {
	files  Files
	report *Report

	policy   ledger.Policy
	registry *ledger.Registry
	failed   map[string]*finding // by file
	covered  map[string]bool     // files that some check has looked at

	entries  map[credentials.Handle]*recorded
	byDigest map[credentials.Digest]*recorded // what no handle names: editions, remittances
	used     map[*recorded]bool               // entries whose document is there

	plans          map[credentials.Digest]*edition[claims.Plan]
	conditions     map[credentials.Digest]*terms.Conditions // of plans
	fees           map[credentials.Digest]*edition[pricing.Fees]
	lists          map[credentials.Digest]*exclusionList
	licenses       map[credentials.Handle]*document[credentials.License]
	orders         map[credentials.Handle]*document[credentials.Order]
	submissions    map[credentials.Handle]*document[claims.Submission]
	questions      map[credentials.Handle]*document[claims.Submission]
	requests       map[credentials.Handle]*document[claims.AuthorizationSubmission]
	determinations map[credentials.Handle]*document[claims.Determination]
	appeals        map[credentials.Handle]*document[claims.Appeal]
	letters        map[credentials.Handle]*document[claims.Letter]
	signatures     map[credentials.Handle]*document[claims.ClinicianSignature]
	authorizations map[credentials.Handle]*document[claims.AuthorizationDecisionDocument]
	decisions      map[credentials.Handle]*document[claims.ClaimDecisionDocument]
	numbered       map[turn]string // the decision file on a submission with a number

	evidence     map[credentials.Handle]*claims.Evidence
	authEvidence map[credentials.Handle]*claims.AuthorizationEvidence
	verified     map[string]bool // decision files
	reproduced   map[string]bool
	paid         map[credentials.Handle]*Payment // by decision
	remitted     []*remitted                     // the 835 files that stand on the ledger
	takenBack    map[credentials.Handle]*Payment // by the decision that takes another back
	accounts     map[account]x12.Balance         // what payees owe from one remittance to the next
	owing        map[account]owing               // what they owe on claims, of which notice was given
	stood        map[string]time.Time            // decision files, by the newest list on which nothing had followed them
}

// A turn is the place of a decision in the answers to one submission.
type turn struct {
	submission credentials.Handle
	number     int
}

func newVerifier(files Files) *verifier {
	return &verifier{
		files: files, report: &Report{Files: len(files), Unsigned: []string{}, Failures: []Check{}},
		failed: map[string]*finding{}, covered: map[string]bool{},
		entries: map[credentials.Handle]*recorded{}, byDigest: map[credentials.Digest]*recorded{}, used: map[*recorded]bool{},
		plans: map[credentials.Digest]*edition[claims.Plan]{}, conditions: map[credentials.Digest]*terms.Conditions{}, fees: map[credentials.Digest]*edition[pricing.Fees]{},
		lists:          map[credentials.Digest]*exclusionList{},
		licenses:       map[credentials.Handle]*document[credentials.License]{},
		orders:         map[credentials.Handle]*document[credentials.Order]{},
		submissions:    map[credentials.Handle]*document[claims.Submission]{},
		questions:      map[credentials.Handle]*document[claims.Submission]{},
		requests:       map[credentials.Handle]*document[claims.AuthorizationSubmission]{},
		determinations: map[credentials.Handle]*document[claims.Determination]{},
		appeals:        map[credentials.Handle]*document[claims.Appeal]{},
		letters:        map[credentials.Handle]*document[claims.Letter]{},
		signatures:     map[credentials.Handle]*document[claims.ClinicianSignature]{},
		authorizations: map[credentials.Handle]*document[claims.AuthorizationDecisionDocument]{},
		decisions:      map[credentials.Handle]*document[claims.ClaimDecisionDocument]{},
		numbered:       map[turn]string{}, evidence: map[credentials.Handle]*claims.Evidence{},
		authEvidence: map[credentials.Handle]*claims.AuthorizationEvidence{},
		verified:     map[string]bool{}, reproduced: map[string]bool{}, paid: map[credentials.Handle]*Payment{}, stood: map[string]time.Time{},
		takenBack: map[credentials.Handle]*Payment{}, accounts: map[account]x12.Balance{}, owing: map[account]owing{},
	}
}

// A step is one check of all files in one place. Files that failed before are
// passed over.
type step struct {
	folder, ext string
	check       func(*verifier, string) error
}

// steps in an order in which each finds what it needs. Failures come out in
// this order too, so that a cause stands before what rests on it.
var steps = []step{
	{Editions, ".yaml", (*verifier).checkPlan},
	{Editions, ".csv", (*verifier).checkFees},
	{Editions, extExclusions, (*verifier).checkExclusionList},
	{Licenses, ".jwt", (*verifier).checkLicense},
	{Orders, ".jwt", (*verifier).checkOrder},
	{Status, ".jwt", (*verifier).checkStatusList},
	{Answers, ".jwt", (*verifier).checkAnswer},
	{Questions, ".jwt", (*verifier).checkQuestion},
	{Estimates, ".jwt", (*verifier).checkEstimate},
	{Submissions, ".jwt", (*verifier).checkSubmission},
	{Signatures, ".jwt", (*verifier).checkSignature},
	{"", ClaimsFile, (*verifier).checkClaimsFile},
	{Determinations, ".jwt", (*verifier).checkDetermination},
	{Appeals, ".jwt", (*verifier).checkAppeal},
	{Letters, ".jwt", (*verifier).checkLetter},
	{Authorizations, ".jwt", (*verifier).openAuthorization},
	{Decisions, ".jwt", (*verifier).openDecision},
	{Evidence, ".json", (*verifier).checkEvidence},
	{Authorizations, ".jwt", (*verifier).judgeAuthorization},
	{Decisions, ".jwt", (*verifier).judgeClaim},
	{Status, ".jwt", (*verifier).checkDecisionList},
	{"", RemittanceFile, (*verifier).checkRemittance},
	{Remittances, ".835", (*verifier).checkRemittance},
}

func verify(files Files, trust *ledger.Trust, progress func(done, total int)) *verifier {
	v := newVerifier(files)
	defer v.count()
	if err := v.begin(trust); err != nil {
		return v
	}
	receipts := v.names(Receipts, ".tlog-proof")
	total, done := len(receipts), 0
	for _, s := range steps {
		total += len(v.names(s.folder, s.ext))
	}
	tick := func() {
		if done++; progress != nil {
			progress(done, total)
		}
	}
	v.readLedger(tick)
	for _, s := range steps {
		for _, name := range v.names(s.folder, s.ext) {
			v.try(name, s.check)
			tick()
		}
	}
	v.judgeRemittances()
	v.standings()
	v.findUnused()
	v.findUncovered()
	return v
}

// try runs one check on one file. A check that breaks down has not passed.
func (v *verifier) try(name string, check func(*verifier, string) error) {
	v.covered[name] = true
	if v.failed[name] != nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			v.fail(name, found(checkFormat, "the check broke down on it: %v", r))
		}
	}()
	if err := check(v, name); err != nil {
		v.fail(name, err)
	}
}

// fail keeps the first finding about a file.
func (v *verifier) fail(name string, err error) {
	v.covered[name] = true
	if v.failed[name] != nil {
		return
	}
	var f *finding
	if !errors.As(err, &f) {
		f = &finding{check: checkFormat, detail: err.Error()}
	}
	v.failed[name] = f
	v.report.Failures = append(v.report.Failures, Check{File: name, Name: f.check, Detail: f.detail})
}

// names lists the files in one folder with one extension, sorted; with no
// folder, the file of that name.
func (v *verifier) names(folder, ext string) (names []string) {
	if folder == "" {
		if _, ok := v.files[ext]; ok {
			return []string{ext}
		}
		return nil
	}
	for _, base := range v.files.in(folder, ext) {
		if base != "" && !strings.Contains(base, "/") {
			names = append(names, path.Join(folder, base+ext))
		}
	}
	slices.Sort(names)
	return names
}

// need says why a file that another one rests on cannot be relied upon.
func (v *verifier) need(what, name string) error {
	detail := fmt.Sprintf("%s is not in the dossier: want %s", what, name)
	if f := v.failed[name]; f != nil {
		detail = fmt.Sprintf("%s failed its own check: %s", what, name)
	} else if _, ok := v.files[name]; ok {
		detail = fmt.Sprintf("%s is something else than is needed here: %s", what, name)
	}
	return &finding{check: checkRests, detail: detail, cause: name}
}

// findUncovered refuses what no check has looked at: it could say anything.
func (v *verifier) findUncovered() {
	var rest []string
	for name := range v.files {
		switch {
		case name == SummaryFile:
			v.report.Unsigned = append(v.report.Unsigned, name)
		case !v.covered[name]:
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	for _, name := range rest {
		v.fail(name, found(checkUncovered, "no check covers this file: take it out of the dossier"))
	}
}

func (v *verifier) count() {
	for _, folder := range []string{Authorizations, Decisions} {
		for _, name := range v.names(folder, ".jwt") {
			v.report.Decisions++
			if v.verified[name] && v.failed[name] == nil {
				v.report.Verified++
			}
			if v.reproduced[name] {
				v.report.Reproduced++
			}
		}
	}
}

// handleOf reads the handle in a file's name.
func handleOf(name string) (credentials.Handle, error) {
	base, _, _ := strings.Cut(path.Base(name), ".")
	h, err := credentials.ParseHandle(base)
	if err != nil || h.IsZero() {
		return h, found(checkName, "its name is not a handle: want 64 lower-case hexadecimal digits")
	}
	return h, nil
}

func fileOf(folder string, h credentials.Handle) string {
	ext := ".jwt"
	switch folder {
	case Evidence:
		ext = ".json"
	case Receipts:
		ext = ".tlog-proof"
	case Entries:
		ext = ".entry"
	}
	return path.Join(folder, h.String()+ext)
}
