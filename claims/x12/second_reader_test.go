package x12

import (
	"fmt"
	"math/big"
	"strings"
)

// secondReader balances an 835 in the naive way, by splitting the whole text
// and adding exact fractions. It shares no code with the package on purpose: a
// mistake in the package must not be able to hide from it.
func secondReader(file string) error {
	if len(file) < 106 {
		return fmt.Errorf("no ISA")
	}
	star, tilde, colon := file[3:4], file[105:106], file[104:105]
	num := func(s string) *big.Rat {
		n, ok := new(big.Rat).SetString(s)
		if !ok {
			n = new(big.Rat)
			n.SetInt64(-999999999)
		}
		return n
	}
	var paid, pr, lineCharges, claim, line *big.Rat
	var clp, svc []string
	var bpr *big.Rat
	var control [3]string
	segments, sets, groups := 0, 0, 0
	endLine := func() error {
		if svc != nil && line.Cmp(num(svc[3])) != 0 {
			return fmt.Errorf("line pays %s, its adjustments leave %s", svc[3], line.FloatString(2))
		}
		svc = nil
		return nil
	}
	endClaim := func() error {
		if err := endLine(); err != nil || clp == nil {
			return err
		}
		owes := "0"
		if len(clp) > 5 && clp[5] != "" {
			owes = clp[5]
		}
		switch {
		case claim.Cmp(num(clp[4])) != 0:
			return fmt.Errorf("claim pays %s, its adjustments leave %s", clp[4], claim.FloatString(2))
		case clp[2] == "22" && owes != "0":
			return fmt.Errorf("a reversal says that the patient owes %s", owes)
		case clp[2] != "22" && pr.Cmp(num(owes)) != 0:
			return fmt.Errorf("patient owes %s, PR comes to %s", owes, pr.FloatString(2))
		case lineCharges.Sign() != 0 && lineCharges.Cmp(num(clp[3])) != 0:
			return fmt.Errorf("claim charges %s, its lines %s", clp[3], lineCharges.FloatString(2))
		}
		paid.Add(paid, num(clp[4]))
		clp = nil
		return nil
	}
	for _, s := range strings.Split(strings.TrimSpace(file), tilde) {
		e := strings.Split(strings.TrimSpace(s), star)
		segments++
		switch e[0] {
		case "ISA":
			control[0], groups = e[13], 0
		case "GS":
			control[1], sets = e[6], 0
			groups++
		case "ST":
			segments, control[2] = 1, e[2]
			sets++
			paid, bpr = new(big.Rat), nil
		case "BPR":
			bpr = num(e[2])
		case "CLP":
			if err := endClaim(); err != nil {
				return err
			}
			clp, claim, pr, lineCharges = e, num(e[3]), new(big.Rat), new(big.Rat)
		case "SVC":
			if err := endLine(); err != nil {
				return err
			}
			if !strings.Contains(e[1], colon) && !strings.Contains(e[1], ">") {
				return fmt.Errorf("SVC01 is no composite")
			}
			svc, line = e, num(e[2])
			lineCharges.Add(lineCharges, num(e[2]))
		case "CAS":
			for i := 2; i+1 < len(e); i += 3 {
				claim.Sub(claim, num(e[i+1]))
				if svc != nil {
					line.Sub(line, num(e[i+1]))
				}
				if e[1] == "PR" {
					pr.Add(pr, num(e[i+1]))
				}
			}
		case "PLB":
			if err := endClaim(); err != nil {
				return err
			}
			for i := 3; i+1 < len(e); i += 2 {
				paid.Sub(paid, num(e[i+1]))
			}
		case "SE":
			if err := endClaim(); err != nil {
				return err
			}
			if bpr == nil || bpr.Cmp(paid) != 0 {
				return fmt.Errorf("BPR02 is %v, claims come to %s", bpr, paid.FloatString(2))
			}
			if e[1] != fmt.Sprint(segments) || e[2] != control[2] {
				return fmt.Errorf("SE says %s segments of set %s, counted %d of %s", e[1], e[2], segments, control[2])
			}
		case "GE":
			if e[1] != fmt.Sprint(sets) || e[2] != control[1] {
				return fmt.Errorf("GE says %v", e)
			}
		case "IEA":
			if e[1] != fmt.Sprint(groups) || e[2] != control[0] {
				return fmt.Errorf("IEA says %v", e)
			}
		}
	}
	return nil
}
