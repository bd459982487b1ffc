package ledger

import (
	"slices"

	"github.com/countersign-health/countersign/credentials"
)

// signs is the whole of who may sign which document. What of it stands on the
// ledger, and who may record it there, mayIssue says.
var signs = map[credentials.Kind][]Role{
	credentials.KindLicense:                 {RoleBoard},
	credentials.KindBoardOrder:              {RoleBoard},
	credentials.KindFeedHead:                {RoleBoard},
	credentials.KindStatusList:              {RoleBoard, RoleInsurer}, // each of its own documents alone; see SignedList
	credentials.KindStandingAnswer:          {RoleBoard, RoleInsurer},
	credentials.KindClaimSubmission:         {RoleHospital},
	credentials.KindAuthorizationSubmission: {RoleHospital},
	credentials.KindClaimDecision:           {RoleInsurer},
	credentials.KindAuthorizationDecision:   {RoleInsurer},
	credentials.KindReviewDetermination:     {RoleReviewer},
	credentials.KindClaimAppeal:             {RoleHospital},
	credentials.KindSubmissionLetter:        {RoleHospital, RoleReviewer}, // one gives, the other asks
	credentials.KindEstimateRequest:         {RoleHospital},
	credentials.KindClaimEstimate:           {RoleInsurer},
}

// MaySign refuses a party whose role, or whose jurisdiction, does not let it
// issue documents of this kind. A board that was let in without a jurisdiction
// may license anywhere.
func MaySign(p Party, kind credentials.Kind, jurisdiction string) error {
	roles, ok := signs[kind]
	switch {
	case !ok:
		return credentials.Refuse(credentials.CheckIssuer, "no role may issue a %s", kind)
	case !slices.Contains(roles, p.Role):
		return credentials.Refuse(credentials.CheckIssuer, "a participant in the role %s issued it; want a %s", p.Role, roles[0])
	case jurisdiction != "" && p.Jurisdiction != "" && jurisdiction != p.Jurisdiction:
		return credentials.Refuse(credentials.CheckIssuer, "a board of %s licenses for %s", p.Jurisdiction, jurisdiction)
	}
	return nil
}

// DatedByPlace says whether a document counts from where it stands on the ledger,
// whatever date it bears: a board's does, since an order binds even if the
// board's clock is wrong. Of any other, one that was recorded before its own date
// is refused.
func DatedByPlace(kind credentials.Kind) bool {
	return slices.Equal(signs[kind], []Role{RoleBoard}) || kind == credentials.KindStatusList // only a board records one
}

// Issuer is the Issuer of a credentials.Policy: participants, each for what its
// role signs.
func (r *Registry) Issuer(who credentials.DID, kind credentials.Kind, jurisdiction string) error {
	p, err := r.PartyOf(who)
	if err != nil {
		return err
	}
	return MaySign(p, kind, jurisdiction)
}

// PlaceOf is where on the ledger the key of a document is judged, given the
// document's entry. A party that has signed the entry with its next key stands
// in for what it signed with the one before, which was no later.
func PlaceOf(index int64, e Entry, kid string) credentials.Position {
	if e.KeyID == kid {
		return credentials.Position(index)
	}
	return credentials.Position(index).OrBefore()
}
