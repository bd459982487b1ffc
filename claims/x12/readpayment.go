package x12

import "github.com/countersign-health/countersign/claims"

func (m *remittanceReader) clp(s *segment) (err error) {
	if !m.paid {
		return s.refuse(0, "stands before the BPR segment", "start the remittance with ST and BPR")
	}
	p := Payment{
		Number: s.at(1), Status: s.at(2), Filing: s.at(6), Control: s.at(7), Place: s.at(8), Frequency: s.at(9), segment: s.number,
	}
	if p.Number == "" {
		return s.refuse(1, "is missing", "write the claim's number")
	}
	if !oneOf(p.Status, "1", "2", "3", "4", "19", "20", "21", "22", "23", "25") {
		return s.refuse(2, "is not a claim status", "write 1, 2 or 3 for a processed claim, 4 for a denied one, 22 for a reversal")
	}
	if p.Charge, err = s.cents(3); err != nil {
		return err
	}
	if p.Paid, err = s.cents(4); err != nil {
		return err
	}
	if s.at(5) != "" {
		if p.Patient, err = s.cents(5); err != nil {
			return err
		}
	}
	m.r.Payments = append(m.r.Payments, p)
	m.loop = "2100"
	return nil
}

func (m *remittanceReader) svc(s *segment) (err error) {
	if m.loop != "2100" && m.loop != "2110" {
		return s.refuse(0, "stands outside a claim", "start the claim with CLP")
	}
	code, _ := s.components(1)
	if len(code[0]) != 2 || part(code, 1) == "" {
		return s.refuse(1, "is not a code with its qualifier", "write the code as HC:CODE, with modifiers after it; check that the element separator does not stand between them")
	}
	l := ServicePayment{Code: code[1], Revenue: s.at(4), segment: s.number, Units: 1000}
	if code[0] == "NU" {
		l.Code, l.Revenue = "", code[1]
	}
	for i := 2; i < min(len(code), 6); i++ {
		if code[i] != "" {
			l.Modifiers = append(l.Modifiers, code[i])
		}
	}
	if l.Charge, err = s.cents(2); err != nil {
		return err
	}
	if l.Paid, err = s.cents(3); err != nil {
		return err
	}
	// Units paid are one where SVC05 is absent, and none on a denied line.
	if l.Units, err = units(s, 5, l.Units); err != nil {
		return err
	}
	if l.Submitted, err = units(s, 7, 0); err != nil {
		return err
	}
	p := m.payment()
	p.Lines = append(p.Lines, l)
	m.loop = "2110"
	return nil
}

// units reads a count of units that may be nought or absent.
func units(s *segment, i int, absent claims.Quantity) (claims.Quantity, error) {
	if s.at(i) == "" {
		return absent, nil
	}
	q, err := claims.ParseQuantity(s.at(i))
	if err != nil || len(s.at(i)) > 15 {
		return 0, s.refuse(i, "is not a number of units", "write a number such as 1 or 1.5")
	}
	return q, nil
}

// cas reads one group code with up to six trios of reason, amount, quantity.
func (m *remittanceReader) cas(s *segment) error {
	to := (*[]claims.Adjustment)(nil)
	switch m.loop {
	case "2100":
		to = &m.payment().Adjustments
	case "2110":
		to = &m.line().Adjustments
	default:
		return s.refuse(0, "stands outside a claim", "put it after the CLP or SVC whose amount it changes")
	}
	// CR is the group of old reversals.
	if !oneOf(s.at(1), "CO", "PR", "OA", "PI", "CR") {
		return s.refuse(1, "is not an adjustment group", "write CO, PR, OA or PI")
	}
	found := false
	for i := 2; i < s.count; i += 3 {
		if s.at(i) == "" && s.at(i+1) == "" {
			continue
		}
		if s.at(i) == "" {
			return s.refuse(i, "is missing", "write the adjustment reason code (CARC)")
		}
		amount, err := s.cents(i + 1)
		if err != nil {
			return err
		}
		*to = append(*to, claims.Adjustment{Group: claims.Group(s.at(1)), CARC: s.at(i), Amount: amount})
		found = true
	}
	if !found {
		return s.refuse(2, "is missing", "write the adjustment reason code (CARC) and the amount")
	}
	return nil
}

// plb reads up to six provider adjustments of one payee.
func (m *remittanceReader) plb(s *segment) error {
	if !m.paid {
		return s.refuse(0, "stands before the BPR segment", "start the remittance with ST and BPR")
	}
	m.loop = "PLB"
	year, err := s.date(2)
	if err != nil {
		return err
	}
	if s.count < 5 {
		return s.refuse(3, "is missing", "write the adjustment's reason and amount")
	}
	for i := 3; i < s.count; i += 2 {
		amount, err := s.cents(i + 1)
		if err != nil {
			return err
		}
		reason, _ := s.components(i)
		m.r.Adjustments = append(m.r.Adjustments, ProviderAdjustment{
			Provider: s.at(1), Year: year, Reason: reason[0], Reference: part(reason, 1), Amount: amount,
		})
	}
	return nil
}
