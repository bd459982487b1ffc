package claims

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// hospital reads the section "institutional".
func (r *yamlReader) hospital(n *yaml.Node) *HospitalTerms {
	t := &HospitalTerms{}
	r.fields(n, "institutional", map[string]func(*yaml.Node){
		"contracts": func(n *yaml.Node) {
			r.list(n, "contracts", func(n *yaml.Node) { t.Contracts = append(t.Contracts, r.hospitalContract(n)) })
		},
		"benefits?": func(n *yaml.Node) {
			r.list(n, "benefits", func(n *yaml.Node) { t.Benefits = append(t.Benefits, r.hospitalBenefit(n)) })
		},
		"authorization?": func(n *yaml.Node) { t.Authorization = r.stayAuthorization(n) },
	})
	for i := range t.Contracts {
		for j := range i {
			if t.Contracts[i].Name == t.Contracts[j].Name {
				r.problem(n, "institutional: two contracts are called %q", t.Contracts[i].Name)
			}
		}
	}
	for i := range t.Benefits {
		for j := range i {
			if t.Benefits[i].Name == t.Benefits[j].Name {
				r.problem(n, "institutional: two benefits are called %q", t.Benefits[i].Name)
			}
		}
	}
	return t
}

// hospitalLines are the fields by which contracts and benefits choose lines.
func (r *yamlReader) hospitalLines(name *string, bills *[]string, revenue *RevenueSet, codes *CodeSet) map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"name":     func(n *yaml.Node) { *name = r.text(n, "name") },
		"bills":    func(n *yaml.Node) { *bills = r.bills(n) },
		"revenue?": func(n *yaml.Node) { *revenue = r.revenue(n) },
		"codes?":   func(n *yaml.Node) { *codes = r.codes(n, "codes") },
	}
}

func (r *yamlReader) hospitalContract(n *yaml.Node) (k HospitalContract) {
	terms, charge := 0, false
	fields := r.hospitalLines(&k.Name, &k.Bills, &k.Revenue, &k.Codes)
	for name, read := range r.span(n, &k.From, &k.Until) {
		fields[name] = read
	}
	fields["providers?"] = func(n *yaml.Node) {
		r.list(n, "providers", func(n *yaml.Node) { k.Providers = append(k.Providers, r.npi(n, "providers")) })
	}
	fields["caseRates?"] = func(n *yaml.Node) { terms++; k.CaseRates = r.caseRates(n) }
	fields["perDiem?"] = func(n *yaml.Node) { terms++; k.PerDiem = r.perDiem(n) }
	fields["perUnit?"] = func(n *yaml.Node) { terms++; v := parsed(r, n, "perUnit", amount); k.PerUnit = &v }
	fields["percentOfCharge?"] = func(n *yaml.Node) { terms++; k.PercentOfCharge = percentOf(r, n, "percentOfCharge", ParseRate) }
	fields["percentOfFees?"] = func(n *yaml.Node) { terms++; k.PercentOfFees = percentOf(r, n, "percentOfFees", ParsePercent) }
	fields["lesserOfCharge?"] = func(n *yaml.Node) { charge = true; k.LesserOfCharge = r.yes(n, "lesserOfCharge") }
	fields["transfer?"] = func(n *yaml.Node) {
		r.list(n, "transfer", func(n *yaml.Node) { k.Transfer = append(k.Transfer, parsed(r, n, "transfer", patientStatus)) })
	}
	fields["outlier?"] = func(n *yaml.Node) { k.Outlier = r.outlier(n) }
	r.fields(n, "a hospital's contract", fields)
	switch {
	case terms != 1:
		r.problem(n, "contract %q: want one of caseRates, perDiem, perUnit, percentOfCharge and percentOfFees", k.Name)
	case charge == (k.PercentOfCharge != nil):
		// Whether more than the charge is paid is never left to be guessed.
		r.problem(n, "contract %q: want lesserOfCharge, true or false, beside each term but percentOfCharge", k.Name)
	case k.Outlier != nil && k.CaseRates == nil && k.PerDiem == nil:
		r.problem(n, "contract %q: an outlier is for caseRates or perDiem", k.Name)
	case k.Transfer != nil && (k.CaseRates == nil || slices.ContainsFunc(k.CaseRates, func(c CaseRate) bool { return c.MeanStay == 0 })):
		r.problem(n, "contract %q: a transfer is for caseRates, each with its meanStay", k.Name)
	}
	return k
}

func (r *yamlReader) outlier(n *yaml.Node) *Outlier {
	o := &Outlier{}
	r.fields(n, "outlier", map[string]func(*yaml.Node){
		"threshold":       func(n *yaml.Node) { o.Threshold = parsed(r, n, "threshold", amount) },
		"percentOfCharge": func(n *yaml.Node) { o.PercentOfCharge = parsed(r, n, "percentOfCharge", ParseRate) },
		// What counts once the threshold is passed is never left to be guessed.
		"firstDollar": func(n *yaml.Node) { o.FirstDollar = r.yes(n, "firstDollar") },
	})
	return o
}

func patientStatus(s string) (string, error) {
	if len(s) != 2 || !digits(s) || s == "30" {
		return "", fmt.Errorf("%q: want a patient status of two digits in quotes, such as \"02\", and not of a patient who is still there", s)
	}
	return s, nil
}

// meanStay is a number of days with at most three decimals.
func meanStay(s string) (Quantity, error) {
	q, err := ParseQuantity(s)
	if err == nil && (q <= 0 || q > maxStay*1000) {
		return 0, fmt.Errorf("%q: want a number of days above 0", s)
	}
	return q, err
}

func (r *yamlReader) hospitalBenefit(n *yaml.Node) (b HospitalBenefit) {
	fields := r.hospitalLines(&b.Name, &b.Bills, &b.Revenue, &b.Codes)
	fields["copay?"] = func(n *yaml.Node) { b.Copay = parsed(r, n, "copay", amount) }
	fields["deductibleWaived?"] = func(n *yaml.Node) { b.DeductibleWaived = r.yes(n, "deductibleWaived") }
	fields["coinsurance?"] = func(n *yaml.Node) { b.Coinsurance = r.optionalRate(n, "coinsurance") }
	r.fields(n, "a hospital's benefit", fields)
	return b
}

func (r *yamlReader) caseRates(n *yaml.Node) (all []CaseRate) {
	r.list(n, "caseRates", func(n *yaml.Node) {
		var c CaseRate
		r.fields(n, "a case rate", map[string]func(*yaml.Node){
			"drg?":      func(n *yaml.Node) { c.DRG = parsed(r, n, "drg", drgCode) },
			"code?":     func(n *yaml.Node) { c.Code = parsed(r, n, "code", oneCode) },
			"amount":    func(n *yaml.Node) { c.Amount = parsed(r, n, "amount", amount) },
			"meanStay?": func(n *yaml.Node) { c.MeanStay = parsed(r, n, "meanStay", meanStay) },
		})
		for _, other := range all {
			if other.DRG == c.DRG && other.Code == c.Code {
				r.problem(n, "caseRates: there is a rate for this case above")
			}
		}
		all = append(all, c)
	})
	if len(all) == 0 {
		r.problem(n, "caseRates: want at least one amount")
	}
	return all
}

func drgCode(s string) (string, error) {
	if len(s) != 3 || !digits(s) {
		return "", fmt.Errorf("%q: want a DRG of three digits in quotes", s)
	}
	return s, nil
}

func oneCode(s string) (string, error) {
	if !procedureCode(s) {
		return "", fmt.Errorf("%q: want a CPT or HCPCS code of five characters", s)
	}
	return s, nil
}

// bills reads the first two digits of types of bill.
func (r *yamlReader) bills(n *yaml.Node) (all []string) {
	r.list(n, "bills", func(n *yaml.Node) {
		all = append(all, parsed(r, n, "bills", func(s string) (string, error) {
			if len(s) != 2 || !digits(s) || s[0] == '0' || s[1] == '0' {
				return "", fmt.Errorf("%q: want the first two digits of a type of bill in quotes, such as \"11\" or \"13\"", s)
			}
			return s, nil
		}))
	})
	if len(all) == 0 {
		r.problem(n, "bills: want at least one type of bill")
	}
	return all
}

func (r *yamlReader) revenue(n *yaml.Node) (all RevenueSet) {
	r.list(n, "revenue", func(n *yaml.Node) {
		all = append(all, parsed(r, n, "revenue", func(s string) (span [2]string, err error) {
			from, to, isRange := strings.Cut(s, "-")
			if !isRange {
				to = from
			}
			if len(from) != 4 || len(to) != 4 || !digits(from) || !digits(to) || to < from {
				return span, fmt.Errorf("%q: want a revenue code of four digits in quotes, such as \"0450\", or a range such as \"0450-0459\"", s)
			}
			return [2]string{from, to}, nil
		}))
	})
	return all
}

// stayAuthorization reads which stays need an authorization.
func (r *yamlReader) stayAuthorization(n *yaml.Node) *StayAuthorization {
	s := &StayAuthorization{}
	r.fields(n, "institutional.authorization", map[string]func(*yaml.Node){
		"bills":    func(n *yaml.Node) { s.Bills = r.bills(n) },
		"revenue?": func(n *yaml.Node) { s.Revenue = r.revenue(n) },
		"drgs?": func(n *yaml.Node) {
			r.list(n, "drgs", func(n *yaml.Node) { s.DRGs = append(s.DRGs, parsed(r, n, "drgs", drgCode)) })
		},
		"emergency?": func(n *yaml.Node) {
			r.fields(n, "emergency", map[string]func(*yaml.Node){
				"types": func(n *yaml.Node) {
					r.list(n, "types", func(n *yaml.Node) { s.Emergency = append(s.Emergency, parsed(r, n, "types", admissionType)) })
				},
				"days?": func(n *yaml.Node) { s.EmergencyDays = parsed(r, n, "days", days) },
			})
		},
		"approveDays?": func(n *yaml.Node) { s.ApproveDays = parsed(r, n, "approveDays", days) },
		"payShort":     func(n *yaml.Node) { s.PayShort = r.yes(n, "payShort") },
	})
	for _, bill := range s.Bills {
		if in := (&Institutional{Facility: bill}); !in.Inpatient() {
			r.problem(n, "institutional.authorization: type of bill %s is not for stays; want 11, 12, 18, 21 or 22", bill)
		}
	}
	return s
}

func admissionType(s string) (string, error) {
	if len(s) != 1 || !digits(s) || s == "0" {
		return "", fmt.Errorf("%q: want a type of admission in quotes, such as \"1\" for an emergency", s)
	}
	return s, nil
}
