package credentials

// DecisionMessages are what the list of messages can say of a decision on a
// claim or on an authorization: nothing, that a later decision has taken its
// place, or that this one took away what had been approved.
var DecisionMessages = [4]string{"none", "superseded", "revoked", "reserved"}

// The messages of DecisionMessages that are said.
const (
	DecisionStands = iota
	DecisionSuperseded
	DecisionRevoked
)

// DecisionPurposes are the lists that a decision stands in, in the order of its
// entries. It is never suspended: it holds, or another one follows it.
var DecisionPurposes = [2]StatusPurpose{PurposeRevocation, PurposeMessage}

// DecisionStatus are the entries of a decision, given the addresses of the lists
// and its place in each. The places have nothing to do with each other.
func DecisionStatus(listURL func(StatusPurpose) string, places [2]int) []StatusEntry {
	return []StatusEntry{
		NewStatusEntry(PurposeRevocation, listURL(PurposeRevocation), places[0]),
		NewMessageEntry(listURL(PurposeMessage), places[1], DecisionMessages),
	}
}
