package dossier

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// VerifyFile checks one file by the proofs in files, which are its dossier, or
// another folder that holds its receipt and what it rests on. Only this file,
// and what it fails by, is in the report. A file that nothing on the ledger
// vouches for fails, however well it is signed.
func VerifyFile(files Files, name string, content []byte, trust *ledger.Trust) *Report {
	place := placeOf(name, content)
	if place == "" {
		r := &Report{Files: 1, Unsigned: []string{}}
		if trust != nil {
			r.Trusted, r.TrustGiven = *trust, true
		}
		r.Failures = []Check{{File: name, Name: checkUncovered, Detail: "it is no file of a dossier that can be checked by itself"}}
		return r
	}
	with := maps.Clone(files)
	if with == nil {
		with = Files{}
	}
	with[place] = content
	v := verify(with, trust, nil)
	if v.failed[place] == nil && v.registry != nil {
		if why := v.unvouched(place); why != "" {
			v.fail(place, found(checkReceipt, "%s", why))
		}
	}
	return v.about(place, name)
}

// placeOf says where in a dossier a file belongs: where its path says so, else
// what is in it.
func placeOf(name string, content []byte) string {
	name = strings.ReplaceAll(name, "\\", "/")
	base, folder := path.Base(name), path.Base(path.Dir(name))
	switch base {
	case ClaimsFile, RemittanceFile, TrustFile:
		return base
	case SummaryFile:
		return ""
	}
	folders := map[string]string{
		Submissions: ".jwt", Decisions: ".jwt", Authorizations: ".jwt", Determinations: ".jwt", Appeals: ".jwt", Letters: ".jwt", Signatures: ".jwt", Licenses: ".jwt", Orders: ".jwt", Answers: ".jwt", Questions: ".jwt", Estimates: ".jwt", Status: ".jwt",
		Evidence: ".json", Editions: ".yaml .csv", Receipts: ".tlog-proof", Entries: ".entry", Remittances: ".835",
	}
	ext := path.Ext(base)
	if exts, ok := folders[folder]; ok && ext != "" && slices.Contains(strings.Fields(exts), ext) {
		return path.Join(folder, base)
	}
	switch ext {
	case ".jwt":
		return placeOfToken(content, base)
	case ".json":
		return path.Join(Evidence, base)
	case ".yaml", ".csv":
		return path.Join(Editions, base)
	case ".tlog-proof":
		return path.Join(Receipts, base)
	case ".entry":
		return path.Join(Entries, base)
	case ".837":
		return ClaimsFile
	case ".835":
		return RemittanceFile
	}
	return ""
}

func placeOfToken(content []byte, base string) string {
	kind, _, h, err := credentials.Peek(strings.TrimSuffix(string(content), "\n"))
	if err != nil {
		return path.Join(Decisions, base) // where it is refused as no token
	}
	folder, ok := map[credentials.Kind]string{
		credentials.KindClaimSubmission: Submissions, credentials.KindAuthorizationSubmission: Submissions,
		credentials.KindClaimDecision: Decisions, credentials.KindAuthorizationDecision: Authorizations,
		credentials.KindReviewDetermination: Determinations, credentials.KindClaimAppeal: Appeals, credentials.KindSubmissionLetter: Letters, credentials.KindClinicianSignature: Signatures, credentials.KindLicense: Licenses, credentials.KindBoardOrder: Orders, credentials.KindStandingAnswer: Answers,
		credentials.KindEstimateRequest: Questions, credentials.KindClaimEstimate: Estimates,
	}[kind]
	if !ok {
		return path.Join(Status, base)
	}
	return fileOf(folder, h)
}

// unvouched says why nothing on the ledger vouches for a file that passed; ""
// where something does.
func (v *verifier) unvouched(place string) string {
	h, _ := handleOf(place)
	switch path.Dir(place) {
	case Submissions:
		for name, d := range v.verified {
			b, _ := handleOf(name)
			if c := v.decisions[b]; d && c != nil && c.subject.Decision.Submission == h {
				return ""
			}
			if a := v.authorizations[b]; d && a != nil && a.subject.Decision.Submission == h {
				return ""
			}
		}
		return "a submission has no receipt of its own, and no verified decision here answers it"
	case Determinations:
		if v.determinations[h].entry != nil {
			return ""
		}
		for name, d := range v.verified {
			b, _ := handleOf(name)
			if e := v.evidence[b]; d && e != nil && (e.Review != nil && e.Review.Handle == h || slices.ContainsFunc(e.Appeals, func(r claims.Determination) bool { return r.Handle == h })) {
				return ""
			}
			if e := v.authEvidence[b]; d && e != nil && e.Review != nil && e.Review.Handle == h {
				return ""
			}
		}
		return "it has no receipt, and no verified decision here rests on it"
	case Appeals:
		for name, d := range v.verified {
			b, _ := handleOf(name)
			if e := v.evidence[b]; d && e != nil && slices.ContainsFunc(e.Appeals, func(r claims.Determination) bool { return r.Appeal != nil && *r.Appeal == h }) {
				return ""
			}
		}
		return "it has no receipt, and no verified decision here rests on it"
	case Letters:
		names := func(r *claims.Determination) bool { return r != nil && slices.Contains(r.Letters, h) }
		for name, d := range v.verified {
			b, _ := handleOf(name)
			if e := v.evidence[b]; d && e != nil && names(e.Review) {
				return ""
			}
			if e := v.authEvidence[b]; d && e != nil && names(e.Review) {
				return ""
			}
		}
		return "it has no receipt, and no verified decision here rests on it"
	case Signatures:
		upon := func(facts []claims.SignatureFact) bool {
			return slices.ContainsFunc(facts, func(f claims.SignatureFact) bool { return f.Handle == h })
		}
		for name, d := range v.verified {
			b, _ := handleOf(name)
			if e := v.evidence[b]; d && e != nil && upon(e.Signatures) {
				return ""
			}
			if e := v.authEvidence[b]; d && e != nil && upon(e.Signatures) {
				return ""
			}
		}
		return "a clinician's signature has no receipt of its own, and no verified decision here rests on it"
	case Questions:
		return "a question stands on no ledger: nothing vouches for it but its signature"
	case Estimates:
		return "an estimate stands on no ledger and is no decision: nothing vouches for it but its signature"
	case Status:
		_, _, list, err := credentials.Peek(strings.TrimSuffix(string(v.files[place]), "\n"))
		if err == nil && v.entries[list] != nil {
			return ""
		}
		return "a status list without a receipt proves nothing by itself"
	case ".":
		if place == TrustFile && !v.report.TrustGiven {
			return "it is where trust starts: nothing in a dossier can vouch for it"
		}
		if place == ClaimsFile {
			return v.unanswered()
		}
	}
	return ""
}

// unanswered wants some claim of the 837 to have a verified decision.
func (v *verifier) unanswered() string {
	digest := credentials.DigestOf(v.files[ClaimsFile])
	for name, ok := range v.verified {
		h, _ := handleOf(name)
		if d := v.decisions[h]; ok && d != nil {
			if s := v.submissions[d.subject.Decision.Submission]; s != nil && s.subject.Source.File == digest {
				return ""
			}
		}
	}
	return "an 837 has no receipt of its own, and no verified decision here answers a claim of it"
}

// about narrows the report to one file: its failure, and the failures that it
// comes from. Whatever keeps anything from being checked stays too.
func (v *verifier) about(place, name string) *Report {
	r := *v.report
	r.Files, r.Decisions, r.Verified, r.Reproduced, r.Unsigned = 1, 0, 0, 0, []string{}
	keep := map[string]bool{TrustFile: true, GenesisFile: true}
	for at := place; at != "" && !keep[at]; {
		keep[at] = true
		f := v.failed[at]
		if f == nil {
			break
		}
		at = f.cause
	}
	r.Standings = slices.DeleteFunc(slices.Clone(r.Standings), func(s Standing) bool { return s.File != place })
	r.Failures = []Check{}
	for _, c := range v.report.Failures {
		if keep[c.File] {
			if c.File == place {
				c.File = name
			}
			r.Failures = append(r.Failures, c)
		}
	}
	if dir := path.Dir(place); dir == Decisions || dir == Authorizations {
		r.Decisions = 1
		if v.reproduced[place] {
			r.Reproduced = 1
		}
		if v.verified[place] && v.failed[place] == nil {
			r.Verified = 1
		}
	}
	return &r
}
