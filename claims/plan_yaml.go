package claims

import (
	"fmt"
	"maps"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/countersign-health/countersign/credentials"
)

// maxLimit bounds every amount in a plan or a fee schedule, so that no product
// of rules can overflow.
const maxLimit Cents = 100_000_000_00

// ParsePlan reads a plan edition. It is strict: an unknown or repeated field, a
// bad amount or rate, a code under two services, a denial that no machine may
// give are refused, each in one line that says where.
func ParsePlan(file []byte) (*Plan, error) {
	r := &yamlReader{file: "plan.yaml"}
	top, err := r.document(file)
	if err != nil {
		return nil, err
	}
	p := &Plan{Digest: credentials.DigestOf(file), Rules: RulesEdition}
	r.plan(top, p)
	if len(r.problems) == 0 {
		r.consistent(top, p)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return p, nil
}

func (r *yamlReader) plan(top *yaml.Node, p *Plan) {
	var denials *yaml.Node
	fields := map[string]func(*yaml.Node){
		"schema":              func(n *yaml.Node) { r.exactly(n, "schema", PlanSchema) },
		"name":                func(n *yaml.Node) { p.Name = parsed(r, n, "name", plainName) },
		"edition":             func(n *yaml.Node) { p.Edition = parsed(r, n, "edition", plainName) },
		"rules?":              func(n *yaml.Node) { p.Rules = r.rules(n) },
		"timezone":            func(n *yaml.Node) { p.TimeZone = parsed(r, n, "timezone", zoneName) },
		"feeSchedule":         func(n *yaml.Node) { p.FeeSchedule = parsed(r, n, "feeSchedule", plainName) },
		"timelyFilingDays":    func(n *yaml.Node) { p.TimelyFilingDays = parsed(r, n, "timelyFilingDays", days) },
		"coinsurance":         func(n *yaml.Node) { p.Coinsurance = parsed(r, n, "coinsurance", ParseRate) },
		"effective":           func(n *yaml.Node) { r.effective(n, p) },
		"deductible":          func(n *yaml.Node) { p.Deductible = r.limits(n, "deductible") },
		"outOfPocketMax":      func(n *yaml.Node) { p.OutOfPocketMax = r.limits(n, "outOfPocketMax") },
		"services?":           func(n *yaml.Node) { r.services(n, p) },
		"exclusions?":         func(n *yaml.Node) { p.Exclusions = r.codes(n, "exclusions") },
		"authorization?":      func(n *yaml.Node) { r.authorization(n, p) },
		"clinicianSignature?": func(n *yaml.Node) { r.clinicianSignature(n, p) },
		"shareOfCharges?":     func(n *yaml.Node) { p.ShareOfCharges = r.optionalRate(n, "shareOfCharges") },
		"machineDenials":      func(n *yaml.Node) { denials = n },
		"promptPay?":          func(n *yaml.Node) { p.PromptPay = r.text(n, "promptPay") },
		"appealDays?":         func(n *yaml.Node) { p.AppealDays = parsed(r, n, "appealDays", days) },
		"appealAnswerDays?":   func(n *yaml.Node) { p.AppealAnswerDays = parsed(r, n, "appealAnswerDays", days) },
		"recoupAfterDays?":    func(n *yaml.Node) { p.RecoupAfterDays = parsed(r, n, "recoupAfterDays", days) },
	}
	later := r.laterFields(p)
	maps.Copy(fields, later)
	r.fields(top, "the plan", fields)
	if denials != nil {
		r.machineDenials(denials, p) // which ones there are depends on the rules
	}
	if p.Rules == Rules1 {
		r.without(top, later, p.Rules)
	}
}

func (r *yamlReader) effective(n *yaml.Node, p *Plan) {
	r.fields(n, "effective", map[string]func(*yaml.Node){
		"from": func(n *yaml.Node) { p.From = parsed(r, n, "from", credentials.ParseDate) },
		"to":   func(n *yaml.Node) { p.Until = parsed(r, n, "to", credentials.ParseDate) },
	})
	if p.Until != "" && p.Until < p.From {
		r.problem(n, "effective: the last day comes before the first")
	}
}

func (r *yamlReader) limits(n *yaml.Node, field string) (l Limits) {
	r.fields(n, field, map[string]func(*yaml.Node){
		"individual": func(n *yaml.Node) { l.Individual = parsed(r, n, "individual", amount) },
		"family":     func(n *yaml.Node) { l.Family = parsed(r, n, "family", amount) },
	})
	if l.Family < l.Individual {
		r.problem(n, "%s: the family's limit is below one member's", field)
	}
	return l
}

func (r *yamlReader) services(n *yaml.Node, p *Plan) {
	r.list(n, "services", func(n *yaml.Node) {
		var s Service
		r.fields(n, "a service", map[string]func(*yaml.Node){
			"name":              func(n *yaml.Node) { s.Name = r.text(n, "name") },
			"codes":             func(n *yaml.Node) { s.Codes = r.codes(n, "codes") },
			"copay?":            func(n *yaml.Node) { s.Copay = parsed(r, n, "copay", amount) },
			"deductibleWaived?": func(n *yaml.Node) { s.DeductibleWaived = r.yes(n, "deductibleWaived") },
			"coinsurance?":      func(n *yaml.Node) { s.Coinsurance = r.optionalRate(n, "coinsurance") },
		})
		for _, other := range p.Services {
			if code := s.Codes.overlap(other.Codes); code != "" {
				r.problem(n, "code %s is under %q and under %q; want it under one", code, other.Name, s.Name)
			}
		}
		p.Services = append(p.Services, s)
	})
}

func (r *yamlReader) authorization(n *yaml.Node, p *Plan) {
	r.fields(n, "authorization", map[string]func(*yaml.Node){
		"required": func(n *yaml.Node) { p.Authorization.Required = r.codes(n, "required") },
		"approveByRule?": func(n *yaml.Node) {
			r.list(n, "approveByRule", func(n *yaml.Node) {
				var a RuleApproval
				r.fields(n, "an approval rule", map[string]func(*yaml.Node){
					"codes":    func(n *yaml.Node) { a.Codes = r.codes(n, "codes") },
					"maxUnits": func(n *yaml.Node) { a.MaxUnits = parsed(r, n, "maxUnits", ParseQuantity) },
				})
				for _, other := range p.Authorization.ApproveByRule {
					if code := a.Codes.overlap(other.Codes); code != "" {
						r.problem(n, "code %s is in two approval rules", code)
					}
				}
				p.Authorization.ApproveByRule = append(p.Authorization.ApproveByRule, a)
			})
		},
	})
}

func (r *yamlReader) clinicianSignature(n *yaml.Node, p *Plan) {
	s := &SignatureRules{}
	r.fields(n, "clinicianSignature", map[string]func(*yaml.Node){
		"authorizations?": func(n *yaml.Node) {
			if s.AllAuthorizations = n.Kind == yaml.ScalarNode && n.Value == "all"; !s.AllAuthorizations {
				s.Authorizations = r.codes(n, "authorizations (codes, or the word all)")
			}
		},
		"claims?":    func(n *yaml.Node) { s.Claims = r.codes(n, "claims") },
		"withinDays": func(n *yaml.Node) { s.WithinDays = parsed(r, n, "withinDays", days) },
		"professions?": func(n *yaml.Node) {
			r.list(n, "professions", func(n *yaml.Node) { s.Professions = append(s.Professions, r.text(n, "professions")) })
		},
	})
	if !s.AllAuthorizations && len(s.Authorizations) == 0 && len(s.Claims) == 0 {
		r.problem(n, "clinicianSignature: names neither authorizations nor claims for which a clinician has to sign")
	}
	p.ClinicianSignature = s
}

func (r *yamlReader) codes(n *yaml.Node, field string) (set CodeSet) {
	r.list(n, field, func(n *yaml.Node) {
		set = append(set, parsed(r, n, field, ParseCodeRange))
	})
	return set
}

func (r *yamlReader) optionalRate(n *yaml.Node, field string) *Rate {
	if n.Tag == "!!null" {
		return nil
	}
	v := parsed(r, n, field, ParseRate)
	return &v
}

func (r *yamlReader) machineDenials(n *yaml.Node, p *Plan) {
	r.list(n, "machineDenials", func(n *yaml.Node) {
		carc := r.text(n, "machineDenials")
		switch {
		case IsClinical(carc):
			r.problem(n, "machineDenials: %s is a denial for medical necessity, which only a licensed person may give", carc)
		case carc != "" && !denies(p.Rules, carc):
			r.problem(n, "machineDenials: %s is not a denial that %s gives", carc, p.Rules)
		}
		p.MachineDenials = append(p.MachineDenials, carc)
	})
}

// consistent checks what takes two fields to see.
func (r *yamlReader) consistent(top *yaml.Node, p *Plan) {
	for _, a := range p.Authorization.ApproveByRule {
		for _, c := range a.Codes {
			if !p.Authorization.Required.Has(c.From) || !p.Authorization.Required.Has(c.To) {
				r.problem(top, "approveByRule has %s, which no line of authorization.required covers", c)
			}
		}
		if a.MaxUnits <= 0 {
			r.problem(top, "approveByRule: maxUnits must be more than 0")
		}
	}
	if s := p.ClinicianSignature; s != nil {
		for _, c := range s.Authorizations {
			if !p.Authorization.Required.Has(c.From) || !p.Authorization.Required.Has(c.To) {
				r.problem(top, "clinicianSignature: authorizations has %s, which no line of authorization.required covers", c)
			}
		}
	}
	if p.Rules != Rules1 {
		r.consistentLater(top, p)
	}
	if p.OutOfPocketMax.Individual < p.Deductible.Individual || p.OutOfPocketMax.Family < p.Deductible.Family {
		r.problem(top, "outOfPocketMax is below the deductible, which could then never be met")
	}
}

func (r *yamlReader) exactly(n *yaml.Node, field, want string) string {
	if v := r.text(n, field); v != "" && v != want {
		r.problem(n, "%s: %q is not known to this release; want %q", field, v, want)
	}
	return want
}

var (
	namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,63}$`)
	zonePattern = regexp.MustCompile(`^(UTC|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z_]+){1,2})$`)
)

func plainName(s string) (string, error) {
	if !namePattern.MatchString(s) {
		return "", fmt.Errorf("%q: want small letters, digits, '-' and '.'", s)
	}
	return s, nil
}

func zoneName(s string) (string, error) {
	if !zonePattern.MatchString(s) {
		return "", fmt.Errorf("%q: want a time zone such as America/New_York", s)
	}
	return s, nil
}

func days(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 3660 {
		return 0, fmt.Errorf("%q: want a number of days from 1 to 3660", s)
	}
	return n, nil
}

func amount(s string) (Cents, error) {
	c, err := ParseCents(s)
	if err == nil && (c < 0 || c > maxLimit) {
		return 0, fmt.Errorf("amount %q: want from 0.00 to %s", s, maxLimit)
	}
	return c, err
}
