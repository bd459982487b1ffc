package board

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
)

// checkApplication says in one line what is wrong with an application, by JSON
// pointer, and never what stands there.
func (b *Board) checkApplication(a client.Application) error {
	switch {
	case !a.NPI.WellFormed():
		return errors.New("at /npi: want an NPI: ten digits")
	case b.CheckNPI && !a.NPI.Valid():
		return errors.New("at /npi: no NPI: the first digit is 1 or 2 and the check digit has to hold")
	case !plainText(a.Name, 200):
		return errors.New("at /name: want 1 to 200 characters")
	case a.Jurisdiction != b.Jurisdiction:
		return fmt.Errorf("at /jurisdiction: this board licenses for %s", b.Jurisdiction)
	case !code(a.Profession, 20):
		return errors.New("at /profession: want a code such as MD, of letters, digits, - and .")
	case !plainText(a.Number, 60):
		return errors.New("at /number: want 1 to 60 characters")
	case a.From == "" || a.Until == "":
		return errors.New("at /from and /until: want two dates, YYYY-MM-DD")
	case a.Until < a.From:
		return errors.New("at /until: it lies before /from")
	}
	if err := credentials.CheckTaxonomies(a.Taxonomy); err != nil {
		return fmt.Errorf("at /taxonomy: %w", err)
	}
	return provenBeside(a.Holder, a.Proof)
}

// provenBeside wants a key and its proof together, or neither.
func provenBeside(holder credentials.DID, proof string) error {
	if (holder == "") != (proof == "") {
		return errors.New("at /holder and /proof: want the clinician's key and their proof that they have it, or neither")
	}
	return nil
}

func checkOrder(o client.OrderRequest) error {
	if err := o.Order(credentials.Handle{}, credentials.Handle{}).Check(); err != nil {
		return fmt.Errorf("at /%w", err)
	}
	if y := o.Effective.Year(); o.Effective.Nanosecond() != 0 || y < 1900 || y > 2200 {
		return errors.New("at /effective: want an RFC 3339 time in whole seconds, such as 2026-03-02T00:00:00-05:00")
	}
	if !code(o.Reason, 40) {
		return errors.New("at /reason: want the board's reason code, of letters, digits, - and . (no free text: it is published)")
	}
	if y := o.Until; y != "" && (y < "1900-01-01" || y > "2200-12-31") {
		return errors.New("at /until: want a date up to 2200")
	}
	return provenBeside(o.Holder, o.Proof)
}

func plainText(s string, most int) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	n := utf8.RuneCountInString(s)
	return n > 0 && n <= most && s[0] != ' ' && s[len(s)-1] != ' '
}

func code(s string, most int) bool {
	for _, c := range []byte(s) {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= most
}

func stateCode(s string) bool {
	return len(s) == 2 && 'A' <= s[0] && s[0] <= 'Z' && 'A' <= s[1] && s[1] <= 'Z'
}
