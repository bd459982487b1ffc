package x12

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// MaxRemittanceFile is the longest 835 file that ReadRemittance reads; what it
// reads, it holds in memory.
const MaxRemittanceFile = 64 << 20

// ReadRemittance reads an 835 file (005010X221), one Remittance for each
// transaction set. It reads all of the file or nothing: where anything in it
// is broken, the error is a *Refusal with the place. Whether the amounts add
// up is a question for CheckBalance.
func ReadRemittance(r io.Reader) ([]Remittance, error) {
	limited := &io.LimitedReader{R: r, N: MaxRemittanceFile + 1}
	var read []Remittance
	var refusal *Refusal
	w := &walker{
		scan: newScanner(limited),
		refuse: func(r *Refusal, _, _ int) {
			if refusal == nil {
				refusal = r
			}
		},
		open: func(s *set) (setReader, error) {
			if s.st.at(1) != "835" {
				return nil, s.st.refuse(1, "is not a remittance: only transaction set 835 is", "give a file of 835 005010X221")
			}
			if !strings.HasPrefix(s.version, "005010X221") {
				return nil, s.versionFault("is not the version of 835 that is read here", "give a file of 835 005010X221")
			}
			return &remittanceReader{done: &read}, nil
		},
	}
	if err := w.walk(); err != nil {
		return nil, err
	}
	if limited.N <= 0 {
		return nil, fmt.Errorf("read 835: the file is longer than %d MB; split it", MaxRemittanceFile>>20)
	}
	if refusal != nil {
		return nil, refusal
	}
	if len(read) == 0 {
		return nil, errors.New("read 835: the file holds no transaction set")
	}
	return read, nil
}

// A remittanceReader reads one 835 transaction set.
type remittanceReader struct {
	done *[]Remittance
	r    Remittance
	loop string // 1000A, 1000B, 2000, 2100, 2110
	paid bool   // BPR was read
}

// remittanceSegments are those of the guide.
var remittanceSegments = map[string]bool{
	"BPR": true, "NTE": true, "TRN": true, "CUR": true, "REF": true, "DTM": true, "N1": true, "N3": true, "N4": true,
	"PER": true, "RDM": true, "LX": true, "TS3": true, "TS2": true, "CLP": true, "CAS": true, "NM1": true, "MIA": true,
	"MOA": true, "AMT": true, "QTY": true, "SVC": true, "LQ": true, "PLB": true,
}

func (m *remittanceReader) read(s *segment) error {
	if !remittanceSegments[s.id()] {
		return s.refuse(0, "is not a segment of a remittance", "remove it, or check the segment identifier")
	}
	switch s.id() {
	case "BPR":
		return m.bpr(s)
	case "CLP":
		return m.clp(s)
	case "SVC":
		return m.svc(s)
	case "PLB":
		return m.plb(s)
	case "CAS":
		return m.cas(s)
	case "TRN":
		m.r.Trace, m.r.Payer.TaxID = s.at(2), strings.TrimPrefix(s.at(3), "1")
	case "N1":
		m.n1(s)
	case "LX":
		m.loop = "2000"
	case "DTM":
		return m.dtm(s)
	default:
		return m.detail(s)
	}
	return nil
}

func (m *remittanceReader) close(se *segment) error {
	switch {
	case !m.paid:
		return se.refuse(0, "closes a remittance without BPR", "add the BPR segment with the payment")
	case m.r.Trace == "":
		return se.refuse(0, "closes a remittance without a trace number", "add TRN element 2")
	}
	if m.r.Date == "" {
		m.r.Date = m.r.Produced
	}
	*m.done = append(*m.done, m.r)
	return nil
}

// bpr reads the payment. A date that is none is noted and not refused, since
// nothing is computed from it; DTM*405 stands in for it.
func (m *remittanceReader) bpr(s *segment) (err error) {
	if m.paid {
		return s.refuse(0, "is a second payment of the transaction set", "write one BPR for each ST")
	}
	m.paid = true
	if m.r.Total, err = s.cents(2); err != nil {
		return err
	}
	m.r.Method = s.at(4)
	d, ok := parseD8(s.at(16))
	if !ok {
		m.r.Notes = append(m.r.Notes, Note{Where: s.where(16), What: "is not a date; the production date (DTM*405) is taken for the date of payment"})
	}
	m.r.Date = d
	return nil
}

func (m *remittanceReader) n1(s *segment) {
	m.loop = ""
	switch s.at(1) {
	case "PR":
		m.loop = "1000A"
		m.r.Payer.Name = s.at(2)
	case "PE":
		m.loop = "1000B"
		m.r.Payee = claims.Provider{Organization: true, Name: s.at(2)}
		if s.at(3) == "XX" {
			m.r.Payee.NPI = credentials.NPI(s.at(4))
		}
	}
}

func (m *remittanceReader) payment() *Payment {
	if len(m.r.Payments) == 0 {
		return nil
	}
	return &m.r.Payments[len(m.r.Payments)-1]
}

func (m *remittanceReader) line() *ServicePayment {
	p := m.payment()
	return &p.Lines[len(p.Lines)-1]
}

// detail takes what describes the party, claim or line above it.
func (m *remittanceReader) detail(s *segment) error {
	switch m.loop {
	case "1000A":
		p := &m.r.Payer
		address(&p.Address, s)
		switch {
		case s.id() == "REF" && s.at(1) == "2U":
			p.ID = s.at(2)
		case s.id() == "PER" && s.at(1) == "BL":
			p.Contact, p.Phone = s.at(2), s.at(4)
		}
	case "1000B":
		address(&m.r.Payee.Address, s)
		if s.id() == "REF" && s.at(1) == "TJ" {
			m.r.Payee.TaxID = s.at(2)
		}
	case "2100":
		if err := m.claimDetail(s); err != nil {
			return err
		}
		return m.statement(s)
	case "2110":
		return m.lineDetail(s)
	}
	return nil
}

func (m *remittanceReader) claimDetail(s *segment) (err error) {
	p := m.payment()
	switch {
	case s.id() == "NM1" && s.at(1) == "QC":
		name(&p.Person, s)
		if p.Person.MemberID == "" {
			p.Person.MemberID = s.at(9)
		}
	case s.id() == "NM1" && s.at(1) == "IL":
		p.Subscriber = &claims.Person{}
		name(p.Subscriber, s)
	case s.id() == "NM1" && s.at(1) == "82":
		provider := readProvider(s)
		p.Rendering = &provider
	case s.id() == "MOA":
		for i := 3; i <= 7; i++ {
			if s.at(i) != "" {
				p.Remarks = append(p.Remarks, s.at(i))
			}
		}
	case s.id() == "REF" && s.at(1) == "F8":
		p.Original = s.at(2)
	case s.id() == "AMT" && s.at(1) == "I":
		p.Interest, err = s.cents(2)
	}
	return err
}

func (m *remittanceReader) lineDetail(s *segment) (err error) {
	l := m.line()
	switch {
	case s.id() == "REF" && s.at(1) == "6R":
		l.Control = s.at(2)
	case s.id() == "REF" && s.at(1) == "HPI":
		l.Rendering = credentials.NPI(s.at(2))
	case s.id() == "AMT" && s.at(1) == "B6":
		l.Allowed, err = s.cents(2)
	case s.id() == "LQ" && s.at(1) == "HE":
		l.Remarks = append(l.Remarks, s.at(2))
	case s.id() == "NM1":
		return s.refuse(0, "stands inside a service line", "put it before the first SVC of the claim")
	}
	return err
}

func (m *remittanceReader) dtm(s *segment) error {
	if s.at(2) == "" {
		return s.refuse(2, "is missing", "write the date as CCYYMMDD")
	}
	service := m.loop == "2110" && oneOf(s.at(1), "472", "150", "151")
	if s.at(1) != "405" && !service {
		if m.loop == "2100" {
			return m.statement(s)
		}
		return nil
	}
	d, err := s.date(2)
	if err != nil {
		return err
	}
	if !service {
		m.r.Produced = d
		return nil
	}
	l := m.line()
	if s.at(1) != "151" {
		l.From = d
	}
	if s.at(1) != "150" {
		l.To = d
	}
	return nil
}
