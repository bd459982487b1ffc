package demo

import (
	"encoding/json"
	"fmt"
	"os"
)

// Summary is the figures of a run. It is the one file of the dossier that
// nobody signed.
type Summary struct {
	Claims struct {
		Submitted int `json:"submitted"`
		Refused   int `json:"refused"`
		Paid      int `json:"paid"`
		Denied    int `json:"denied"`
		Pended    int `json:"pended"`
	} `json:"claims"`
	// Cents sums the first decision on each claim, as Claims counts them: what
	// the last act changes is not in them.
	Cents struct {
		Charge  int64 `json:"charge"`
		Allowed int64 `json:"allowed"`
		Paid    int64 `json:"paid"`
		Patient int64 `json:"patient"`
	} `json:"cents"`
	// Authorizations counts Approved and Pended before the last act, Denied and
	// Revoked after it: a request that moved stands under both.
	Authorizations struct {
		Approved int `json:"approved"`
		Pended   int `json:"pended"`
		Denied   int `json:"denied"`
		Revoked  int `json:"revoked"`
	} `json:"authorizations"`
	Ledger struct {
		Size      int64 `json:"size"`
		Final     int64 `json:"final"`
		Witnesses int   `json:"witnesses"`
		Quorum    int   `json:"quorum"`
	} `json:"ledger"`
	// OrderToLastHoldMS runs from the insurer's acceptance of the board order
	// to the last settlement that it caused.
	OrderToLastHoldMS float64 `json:"order_to_last_hold_ms"`
	// FinalToLastHoldMS runs to the same settlement from the moment in which
	// the order became final on the ledger: it holds the board's feed and all
	// that the insurer checks too. 0 where it could not be timed.
	FinalToLastHoldMS float64 `json:"final_to_last_hold_ms"`
	Verified          int     `json:"verified"`      // decisions whose every proof holds
	Reproduced        int     `json:"reproduced"`    // decisions computed again to the same bytes
	TamperCaught      bool    `json:"tamper_caught"` // one changed byte was found
	Seconds           float64 `json:"seconds"`
}

func (s *Summary) write(path string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
