package claims

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/countersign-health/countersign/credentials"
)

// rules reads the name of a released edition.
func (r *yamlReader) rules(n *yaml.Node) string {
	return parsed(r, n, "rules", func(s string) (string, error) {
		if !slices.Contains(Released(), s) {
			return "", fmt.Errorf("%q is not known to this release; want %s", s, strings.Join(Released(), " or "))
		}
		return s, nil
	})
}

// laterFields are those that an edition may have from rules/2 on.
func (r *yamlReader) laterFields(p *Plan) map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"pendDays?": func(n *yaml.Node) { p.PendDays = parsed(r, n, "pendDays", days) },
		"payerIds?": func(n *yaml.Node) {
			r.list(n, "payerIds", func(n *yaml.Node) { p.PayerIDs = append(p.PayerIDs, r.text(n, "payerIds")) })
		},
		"delayReasons?": func(n *yaml.Node) {
			r.list(n, "delayReasons", func(n *yaml.Node) {
				code := r.text(n, "delayReasons")
				if !slices.Contains(delayReasons, code) {
					r.problem(n, "delayReasons: %q is no delay reason code of an 837 (CLM20); want %s", code, strings.Join(delayReasons, ", "))
				}
				p.DelayReasons = append(p.DelayReasons, code)
			})
		},
		"filingExtensions?": func(n *yaml.Node) { r.filingExtensions(n, p) },
		"providers?":        func(n *yaml.Node) { r.providers(n, &p.Providers) },
		"benefitLimits?":    func(n *yaml.Node) { r.benefitLimits(n, p) },
		"conditions?":       func(n *yaml.Node) { r.conditions(n, p) },
		"terms?":            func(n *yaml.Node) { r.terms(n, p) },
		"addOns?": func(n *yaml.Node) {
			r.list(n, "addOns", func(n *yaml.Node) {
				var a AddOn
				r.fields(n, "an add-on", map[string]func(*yaml.Node){
					"codes":   func(n *yaml.Node) { a.Codes = r.codes(n, "codes") },
					"primary": func(n *yaml.Node) { a.Primary = r.codes(n, "primary") },
				})
				if code := a.Codes.overlap(a.Primary); code != "" {
					r.problem(n, "code %s is an add-on and its own primary service", code)
				}
				p.AddOns = append(p.AddOns, a)
			})
		},
		"globalSurgery?": func(n *yaml.Node) { r.globalSurgery(n, p) },
		"contracts?":     func(n *yaml.Node) { r.contracts(n, p) },
		"sequestration?": func(n *yaml.Node) { p.Sequestration = r.yes(n, "sequestration") },
		"institutional?": func(n *yaml.Node) { p.Hospital = r.hospital(n) },
	}
}

// without refuses fields of a later edition of the rules.
func (r *yamlReader) without(top *yaml.Node, later map[string]func(*yaml.Node), rules string) {
	for i := 0; i+1 < len(top.Content); i += 2 {
		if _, is := later[top.Content[i].Value+"?"]; is {
			r.problem(top.Content[i], "field %q: %s does not read it; name a later edition of the rules, such as \"rules: %s\"", top.Content[i].Value, rules, Rules2)
		}
	}
}

// consistentLater checks what takes two fields to see.
func (r *yamlReader) consistentLater(top *yaml.Node, p *Plan) {
	if p.PendDays == 0 {
		r.problem(top, "the plan needs the field \"pendDays\": within how many days of receipt a claim that waits is to be settled")
	}
	for i, l := range p.BenefitLimits {
		for _, other := range p.BenefitLimits[:i] {
			if l.Name == other.Name {
				r.problem(top, "benefitLimits: two are called %q", l.Name)
			}
		}
	}
}

func (r *yamlReader) filingExtensions(n *yaml.Node, p *Plan) {
	r.list(n, "filingExtensions", func(n *yaml.Node) {
		var x FilingExtension
		r.fields(n, "an extension", map[string]func(*yaml.Node){
			"from":   func(n *yaml.Node) { x.From = parsed(r, n, "from", credentials.ParseDate) },
			"to":     func(n *yaml.Node) { x.To = parsed(r, n, "to", credentials.ParseDate) },
			"until":  func(n *yaml.Node) { x.Until = parsed(r, n, "until", credentials.ParseDate) },
			"source": func(n *yaml.Node) { x.Source = r.text(n, "source") },
		})
		if x.To < x.From || x.Until < x.To {
			r.problem(n, "an extension: want from, to and until in this order")
		}
		p.FilingExtensions = append(p.FilingExtensions, x)
	})
}

// span reads the first and last day of what is in force between them.
func (r *yamlReader) span(n *yaml.Node, from, to *credentials.Date) map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"from?": func(n *yaml.Node) { *from = parsed(r, n, "from", credentials.ParseDate) },
		"to?": func(m *yaml.Node) {
			if *to = parsed(r, m, "to", credentials.ParseDate); *to != "" && *to < *from {
				r.problem(n, "the last day comes before the first; want from before to")
			}
		},
	}
}

func (r *yamlReader) providers(n *yaml.Node, p *Providers) {
	r.fields(n, "providers", map[string]func(*yaml.Node){
		"excluded?":            func(n *yaml.Node) { p.Excluded = r.providerSpans(n, "excluded") },
		"contracted?":          func(n *yaml.Node) { p.Contracted = r.providerSpans(n, "contracted") },
		"exclusionList?":       func(n *yaml.Node) { p.ExclusionList = parsed(r, n, "exclusionList", plainName) },
		"exclusionListMaxAge?": func(n *yaml.Node) { p.ExclusionListMaxAge = parsed(r, n, "exclusionListMaxAge", days) },
	})
	if (p.ExclusionList == "") != (p.ExclusionListMaxAge == 0) {
		r.problem(n, "providers: want both exclusionList and exclusionListMaxAge, the days after which claims wait for a newer edition of the list")
	}
}

func (r *yamlReader) providerSpans(n *yaml.Node, field string) (all []ProviderSpan) {
	r.list(n, field, func(n *yaml.Node) {
		var s ProviderSpan
		fields := r.span(n, &s.From, &s.Until)
		fields["npi"] = func(n *yaml.Node) { s.NPI = r.npi(n, "npi") }
		r.fields(n, "a provider", fields)
		all = append(all, s)
	})
	return all
}

func (r *yamlReader) npi(n *yaml.Node, field string) credentials.NPI {
	return parsed(r, n, field, func(s string) (credentials.NPI, error) {
		npi := credentials.NPI(s)
		if !npi.Valid() {
			return "", fmt.Errorf("%q: want an NPI of ten digits whose check digit holds", s)
		}
		return npi, nil
	})
}

func (r *yamlReader) benefitLimits(n *yaml.Node, p *Plan) {
	r.list(n, "benefitLimits", func(n *yaml.Node) {
		var l BenefitLimit
		r.fields(n, "a benefit limit", map[string]func(*yaml.Node){
			"name":  func(n *yaml.Node) { l.Name = r.text(n, "name") },
			"codes": func(n *yaml.Node) { l.Codes = r.codes(n, "codes") },
			"per":   func(n *yaml.Node) { l.Per = parsed(r, n, "per", ParseLimitPeriod) },
			"units": func(n *yaml.Node) { l.Units = parsed(r, n, "units", ParseQuantity) },
		})
		if l.Units < 0 || l.Units > maxUnits {
			r.problem(n, "units: want from 0 to %s", maxUnits)
		}
		p.BenefitLimits = append(p.BenefitLimits, l)
	})
}

// diagnosisStart accepts the first characters of ICD-10-CM codes.
var diagnosisStart = regexp.MustCompile(`^[A-Z][0-9][0-9A-Z]{0,5}$`)

func (r *yamlReader) conditions(n *yaml.Node, p *Plan) {
	r.list(n, "conditions", func(n *yaml.Node) {
		var c Condition
		matching := func(field string, to *[]string, want string, fits func(string) bool) func(*yaml.Node) {
			return func(n *yaml.Node) {
				r.list(n, field, func(n *yaml.Node) {
					v := r.text(n, field)
					if v != "" && !fits(v) {
						r.problem(n, "%s: %q: want %s", field, v, want)
					}
					*to = append(*to, v)
				})
			}
		}
		fields := r.span(n, &c.From, &c.Until)
		fields["codes"] = func(n *yaml.Node) { c.Codes = r.codes(n, "codes") }
		fields["ages?"] = func(n *yaml.Node) { c.Ages = r.ages(n) }
		fields["sex?"] = func(n *yaml.Node) { c.Sex = parsed(r, n, "sex", oneSex) }
		fields["diagnoses?"] = matching("diagnoses", &c.Diagnoses, "the beginning of an ICD-10-CM code, without the dot", diagnosisStart.MatchString)
		fields["noDiagnoses?"] = matching("noDiagnoses", &c.NoDiagnoses, "the beginning of an ICD-10-CM code, without the dot", diagnosisStart.MatchString)
		fields["places?"] = matching("places", &c.Places, "two digits in quotes", func(s string) bool { return len(s) == 2 && digits(s) })
		fields["modifiers?"] = matching("modifiers", &c.Modifiers, "two capitals or digits", modifierCode)
		fields["needsModifier?"] = matching("needsModifier", &c.NeedsModifier, "two capitals or digits", modifierCode)
		r.fields(n, "a condition", fields)
		if c.Ages == nil && c.Sex == "" && len(c.Diagnoses)+len(c.NoDiagnoses)+len(c.Places)+len(c.Modifiers)+len(c.NeedsModifier) == 0 {
			r.problem(n, "a condition: sets none; want ages, sex, diagnoses, noDiagnoses, places, modifiers or needsModifier")
		}
		p.Conditions = append(p.Conditions, c)
	})
}

func (r *yamlReader) ages(n *yaml.Node) *Ages {
	a := &Ages{To: 150}
	r.fields(n, "ages", map[string]func(*yaml.Node){
		"from?": func(n *yaml.Node) { a.From = parsed(r, n, "from", years) },
		"to?":   func(n *yaml.Node) { a.To = parsed(r, n, "to", years) },
	})
	if a.To < a.From {
		r.problem(n, "ages: want from below to")
	}
	return a
}

func years(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 150 {
		return 0, fmt.Errorf("%q: want years from 0 to 150", s)
	}
	return n, nil
}

func oneSex(s string) (string, error) {
	if s != "F" && s != "M" {
		return "", fmt.Errorf("%q: want F or M", s)
	}
	return s, nil
}

func (r *yamlReader) globalSurgery(n *yaml.Node, p *Plan) {
	g := &GlobalSurgery{}
	modifiers := func(field string, to *[]string) func(*yaml.Node) {
		return func(n *yaml.Node) {
			r.list(n, field, func(n *yaml.Node) {
				v := r.text(n, field)
				if v != "" && !modifierCode(v) {
					r.problem(n, "%s: %q: want two capitals or digits", field, v)
				}
				*to = append(*to, v)
			})
		}
	}
	r.fields(n, "globalSurgery", map[string]func(*yaml.Node){
		"included": func(n *yaml.Node) { g.Included = r.codes(n, "included") },
		"before?":  modifiers("before", &g.Before),
		"sameDay?": modifiers("sameDay", &g.SameDay),
		"after?":   modifiers("after", &g.After),
	})
	p.GlobalSurgery = g
}

func (r *yamlReader) contracts(n *yaml.Node, p *Plan) {
	r.list(n, "contracts", func(n *yaml.Node) {
		var c Contract
		terms := 0
		fields := r.span(n, &c.From, &c.Until)
		fields["name"] = func(n *yaml.Node) { c.Name = r.text(n, "name") }
		fields["codes?"] = func(n *yaml.Node) { c.Codes = r.codes(n, "codes") }
		fields["providers?"] = func(n *yaml.Node) {
			r.list(n, "providers", func(n *yaml.Node) { c.Providers = append(c.Providers, r.npi(n, "providers")) })
		}
		fields["percentOfCharge?"] = func(n *yaml.Node) { terms++; c.PercentOfCharge = percentOf(r, n, "percentOfCharge", ParseRate) }
		fields["percentOfFees?"] = func(n *yaml.Node) { terms++; c.PercentOfFees = percentOf(r, n, "percentOfFees", ParsePercent) }
		fields["caseRate?"] = func(n *yaml.Node) { terms++; v := parsed(r, n, "caseRate", amount); c.CaseRate = &v }
		fields["perDiem?"] = func(n *yaml.Node) { terms++; c.PerDiem = r.perDiem(n) }
		r.fields(n, "a contract", fields)
		if terms != 1 {
			r.problem(n, "contract %q: want one of percentOfCharge, percentOfFees, caseRate and perDiem", c.Name)
		}
		p.Contracts = append(p.Contracts, c)
	})
}

func percentOf(r *yamlReader, n *yaml.Node, field string, parse func(string) (Rate, error)) *Rate {
	v := parsed(r, n, field, parse)
	return &v
}

func (r *yamlReader) perDiem(n *yaml.Node) (all []DayRate) {
	r.list(n, "perDiem", func(n *yaml.Node) {
		var d DayRate
		r.fields(n, "a day's rate", map[string]func(*yaml.Node){
			"fromDay": func(n *yaml.Node) { d.FromDay = parsed(r, n, "fromDay", days) },
			"amount":  func(n *yaml.Node) { d.Amount = parsed(r, n, "amount", amount) },
		})
		if len(all) == 0 && d.FromDay != 1 || len(all) > 0 && d.FromDay <= all[len(all)-1].FromDay {
			r.problem(n, "perDiem: want the first from day 1, and each later one from a later day")
		}
		all = append(all, d)
	})
	if len(all) == 0 {
		r.problem(n, "perDiem: want at least one amount")
	}
	return all
}
