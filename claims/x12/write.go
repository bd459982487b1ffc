package x12

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// An Envelope is what a file needs around its transaction sets. The caller
// numbers and dates the file, so that the same arguments give the same bytes.
type Envelope struct {
	Sender   string        // ISA06, up to 15 characters
	As       string        // ISA05, the qualifier of the sender; ZZ where empty
	To       claims.Sender // ISA07, ISA08 (up to 15 characters) and GS03, as they named themselves
	Control  int           // ISA13, from 1 to 999999999
	Produced time.Time     // ISA09 and ISA10, in its own location
	Test     bool          // ISA15
}

// WriteRemittance writes an 835 file (005010X221A1), one transaction set for
// each remittance. It writes nothing that does not balance (CheckBalance).
// Marks that would be taken for delimiters are replaced in names and addresses
// and refused in numbers and codes.
func WriteRemittance(e Envelope, remittances ...Remittance) ([]byte, error) {
	if len(remittances) == 0 {
		return nil, errors.New("write 835: there is no remittance to write")
	}
	for i := range remittances {
		if err := CheckBalance(&remittances[i]); err != nil {
			return nil, fmt.Errorf("write 835: remittance %d: %w", i+1, err)
		}
	}
	w := &writer{}
	w.open(e, "HP", "005010X221A1")
	for i := range remittances {
		w.about = fmt.Sprintf("remittance %d", i+1)
		w.set(i+1, &remittances[i])
	}
	return w.close(e, "835", len(remittances))
}

// A writer keeps the first fault and writes on, so that the order of segments
// stands unbroken in the code.
type writer struct {
	out   strings.Builder
	count int    // segments of the open set
	about string // what is being written, for errors
	err   error
}

// A composite is an element of several components.
type composite []string

func (w *writer) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(w.about+": "+format, args...)
	}
}

// segment writes a segment; elements are strings or composites. Empty elements
// at its end are left off.
func (w *writer) segment(id string, elements ...any) {
	text := make([]string, 0, len(elements)+1)
	text = append(text, id)
	for i, e := range elements {
		parts, ok := e.(composite)
		if !ok {
			parts = composite{e.(string)}
		}
		for _, p := range parts {
			if strings.IndexFunc(p, unwritable) >= 0 {
				w.fail("%s element %d holds a delimiter or a character that X12 cannot carry", id, i+1)
			}
		}
		text = append(text, strings.TrimRight(strings.Join(parts, ":"), ":"))
	}
	for text[len(text)-1] == "" {
		text = text[:len(text)-1]
	}
	w.out.WriteString(strings.Join(text, "*"))
	w.out.WriteString("~\n")
	w.count++
}

// Addressable says whether a file can be sent to a name, so that a name out of
// somebody's file cannot keep another's remittance from being written.
func Addressable(to claims.Sender) bool {
	for _, p := range []string{to.Qualifier, to.ID, to.Application} {
		if len(p) > 15 || strings.IndexFunc(p, unwritable) >= 0 {
			return false
		}
	}
	return strings.TrimSpace(to.ID) != "" && (to.Qualifier == "" || len(to.Qualifier) == 2)
}

func unwritable(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune("*:~^", r) }

// need refuses an element that the guide requires.
func (w *writer) need(what, value string) string {
	if strings.TrimSpace(value) == "" {
		w.fail("%s is missing", what)
	}
	return value
}

// latin spells the letters of X12's extended character set in its basic one,
// which every receiver reads.
var latin = strings.NewReplacer(
	"À", "A", "Á", "A", "Â", "A", "Ã", "A", "Ä", "A", "Å", "A", "Æ", "AE", "Ç", "C", "È", "E", "É", "E", "Ê", "E", "Ë", "E",
	"Ì", "I", "Í", "I", "Î", "I", "Ï", "I", "Ñ", "N", "Ò", "O", "Ó", "O", "Ô", "O", "Õ", "O", "Ö", "O", "Ø", "O", "Ù", "U",
	"Ú", "U", "Û", "U", "Ü", "U", "Ý", "Y", "ß", "ss", "à", "a", "á", "a", "â", "a", "ã", "a", "ä", "a", "å", "a", "æ", "ae",
	"ç", "c", "è", "e", "é", "e", "ê", "e", "ë", "e", "ì", "i", "í", "i", "î", "i", "ï", "i", "ñ", "n", "ò", "o", "ó", "o",
	"ô", "o", "õ", "o", "ö", "o", "ø", "o", "ù", "u", "ú", "u", "û", "u", "ü", "u", "ý", "y", "ÿ", "y",
)

// clean makes free text safe to write: what could be taken for a delimiter
// becomes a space, and what is too long is cut.
func clean(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r > '~':
			return '?'
		case unwritable(r):
			return ' '
		}
		return r
	}, latin.Replace(s))
	s = strings.Join(strings.Fields(s), " ")
	return strings.TrimSpace(s[:min(len(s), most)])
}

// open writes ISA and, where kind is not empty, the GS of a group of that kind
// and guide.
func (w *writer) open(e Envelope, kind, guide string) {
	w.about = "envelope"
	if e.Control < 1 || e.Control > 999999999 {
		w.fail("the control number is not from 1 to 999999999")
	}
	if len(e.Sender) > 15 || len(e.To.ID) > 15 || len(e.To.Application) > 15 {
		w.fail("the sender or receiver is longer than 15 characters")
	}
	if e.To.Qualifier == "" {
		e.To.Qualifier = "ZZ" // mutually defined
	}
	if e.To.Application == "" {
		e.To.Application = e.To.ID
	}
	if e.As == "" {
		e.As = "ZZ"
	}
	if len(e.To.Qualifier) != 2 || len(e.As) != 2 {
		w.fail("a qualifier is not two characters")
	}
	usage := "P"
	if e.Test {
		usage = "T"
	}
	w.need("the sender", e.Sender)
	w.need("the receiver", e.To.ID)
	for _, p := range []string{e.Sender, e.As, e.To.Qualifier, e.To.ID, e.To.Application} {
		if strings.IndexFunc(p, unwritable) >= 0 {
			w.fail("the sender or receiver holds a delimiter")
		}
	}
	// ISA declares the delimiters, so it cannot be written by segment.
	fmt.Fprintf(&w.out, "ISA*00*%10s*00*%10s*%s*%-15s*%s*%-15s*%s*%s*^*00501*%09d*0*%s*:~\n", "", "",
		e.As, e.Sender, e.To.Qualifier, e.To.ID, e.Produced.Format("060102"), e.Produced.Format("1504"), e.Control, usage)
	if kind != "" {
		w.segment("GS", kind, e.Sender, e.To.Application, e.Produced.Format("20060102"), e.Produced.Format("1504"), fmt.Sprint(e.Control), "X", guide)
	}
}

// close ends what open began, around so many sets, and gives the file.
func (w *writer) close(e Envelope, what string, sets int) ([]byte, error) {
	groups := 0
	if sets > 0 {
		groups = 1
		w.segment("GE", fmt.Sprint(sets), fmt.Sprint(e.Control))
	}
	w.segment("IEA", fmt.Sprint(groups), fmt.Sprintf("%09d", e.Control))
	if w.err != nil {
		return nil, fmt.Errorf("write %s: %w", what, w.err)
	}
	return []byte(w.out.String()), nil
}

func (w *writer) set(n int, r *Remittance) {
	control := fmt.Sprintf("%04d", n)
	w.count = 0
	w.segment("ST", "835", control)
	w.financial(r)
	w.payer(&r.Payer)
	w.payee(&r.Payee)
	if len(r.Payments) > 0 {
		w.segment("LX", "1")
	}
	about := w.about
	for i := range r.Payments {
		w.about = fmt.Sprintf("%s, claim %d", about, i+1)
		w.payment(&r.Payments[i])
	}
	w.about = about
	w.providerAdjustments(r.Adjustments)
	w.segment("SE", fmt.Sprint(w.count+1), control)
}

// date writes a date that must be there and be one.
func (w *writer) date(what string, d credentials.Date) string {
	if _, err := credentials.ParseDate(string(d)); err != nil {
		w.fail("%s is not a date", what)
	}
	return d8(d)
}

// financial writes BPR, TRN and DTM. A payment by ACH would need the accounts
// of both sides, which are not this package's to know.
func (w *writer) financial(r *Remittance) {
	method := r.Method
	if method == "" {
		method = "CHK"
		if r.Total == 0 {
			method = "NON"
		}
	}
	if !oneOf(method, "CHK", "NON") || (method == "NON") != (r.Total == 0) {
		w.fail("the payment method has to be CHK, or NON where nothing is paid")
	}
	handling := "I"
	if method == "NON" {
		handling = "H"
	}
	w.segment("BPR", handling, r.Total.String(), "C", method, "", "", "", "", "", "", "", "", "", "", "", w.date("the date of payment", r.Date))
	if len(r.Payer.TaxID) != 9 || strings.Trim(r.Payer.TaxID, "0123456789") != "" {
		w.fail("the payer's tax number is not nine digits")
	}
	w.segment("TRN", "1", w.need("the trace number", r.Trace), "1"+r.Payer.TaxID)
	w.segment("DTM", "405", w.date("the production date", r.Produced))
}

func (w *writer) payer(p *Payer) {
	w.segment("N1", "PR", w.need("the payer's name", clean(p.Name, 60)))
	w.need("the payer's street and city", p.Address.Street+p.Address.City)
	w.address(p.Address)
	if p.ID != "" {
		w.segment("REF", "2U", p.ID)
	}
	w.segment("PER", "BL", clean(p.Contact, 60), "TE", w.need("the payer's telephone number", clean(p.Phone, 256)))
}

func (w *writer) address(a claims.Address) {
	if a == (claims.Address{}) {
		return
	}
	w.segment("N3", w.need("the street of an address", clean(a.Street, 55)))
	w.segment("N4", w.need("the city of an address", clean(a.City, 30)), a.State, a.ZIP)
}

func (w *writer) payee(p *claims.Provider) {
	name := p.Name
	if !p.Organization && p.First != "" {
		name = p.First + " " + p.Name
	}
	w.segment("N1", "PE", w.need("the payee's name", clean(name, 60)), "XX", w.need("the payee's NPI", string(p.NPI)))
	w.address(p.Address)
	if p.TaxID != "" {
		w.segment("REF", "TJ", p.TaxID)
	}
}
