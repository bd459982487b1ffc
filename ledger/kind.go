package ledger

import "fmt"

// A Kind says what an entry records.
type Kind uint16

// The kinds of this release. Their numbers stand in signed entries and never
// change.
const (
	KindGenesis Kind = iota + 1
	KindParticipant
	KindPlanEdition
	KindFeeEdition
	KindLicense
	KindBoardOrder
	KindStatusList
	KindClaimDecision
	KindAuthorizationDecision
	KindRemittance
	KindDetermination
	KindCodeEdition
	KindExclusionList
)

var kindNames = map[Kind]string{
	KindGenesis:               "genesis",
	KindParticipant:           "participant",
	KindPlanEdition:           "plan-edition",
	KindFeeEdition:            "fee-edition",
	KindLicense:               "license",
	KindBoardOrder:            "board-order",
	KindStatusList:            "status-list",
	KindClaimDecision:         "claim-decision",
	KindAuthorizationDecision: "authorization-decision",
	KindRemittance:            "remittance",
	KindDetermination:         "determination",
	KindCodeEdition:           "code-edition",
	KindExclusionList:         "exclusion-list",
}

// String is the kind's name, as in "board-order".
func (k Kind) String() string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	return fmt.Sprintf("kind %d", uint16(k))
}

// ParseKind refuses names that this release does not know.
func ParseKind(s string) (Kind, error) {
	for k, name := range kindNames {
		if name == s {
			return k, nil
		}
	}
	return 0, fmt.Errorf("%q is not a kind of ledger entry", s)
}

// KindNames lists the names of all kinds, in the order of their numbers.
func KindNames() (names []string) {
	for k := KindGenesis; kindNames[k] != ""; k++ {
		names = append(names, kindNames[k])
	}
	return names
}

// governance says whether entries of this kind carry a payload: the ledger's
// own constitution is on the ledger, everything else only as a digest.
func (k Kind) governance() bool { return k == KindGenesis || k == KindParticipant }

// A Role is what a participant does, and decides what it may record.
type Role string

// The roles of this release.
const (
	RoleBoard    Role = "board"
	RoleInsurer  Role = "insurer"
	RoleHospital Role = "hospital"
	RoleReviewer Role = "reviewer"
	RoleAuditor  Role = "auditor"
	RoleOperator Role = "operator"
)

// mayIssue is the whole of who may record what. A participant entry is signed
// by the newcomer and needs the founders' approvals instead of a role.
var mayIssue = map[Kind][]Role{
	KindPlanEdition:           {RoleInsurer},
	KindFeeEdition:            {RoleInsurer},
	KindLicense:               {RoleBoard},
	KindBoardOrder:            {RoleBoard},
	KindStatusList:            {RoleBoard, RoleInsurer},
	KindClaimDecision:         {RoleInsurer},
	KindAuthorizationDecision: {RoleInsurer},
	KindRemittance:            {RoleInsurer},
	KindCodeEdition:           {RoleInsurer},
	KindExclusionList:         {RoleInsurer},
	KindDetermination:         {RoleReviewer, RoleInsurer}, // the insurer records what its reviewer signed
}

// MayIssue says whether participants of this role may record entries of this
// kind.
func MayIssue(role Role, kind Kind) bool {
	for _, r := range mayIssue[kind] {
		if r == role {
			return true
		}
	}
	return false
}

// ParseRole refuses roles that this release does not know.
func ParseRole(s string) (Role, error) {
	switch r := Role(s); r {
	case RoleBoard, RoleInsurer, RoleHospital, RoleReviewer, RoleAuditor, RoleOperator:
		return r, nil
	}
	return "", fmt.Errorf("%q is not a role of a participant", s)
}
