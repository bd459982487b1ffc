package houses

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/countersign-health/countersign/examples"
)

// Plan is examples/plan.yaml with the longest limit for filing that a plan may
// have. The claims here are of October 2026; under the example's own limit they
// come too late from April 2027 on, under this one from October 2036.
func Plan() []byte {
	b, err := examples.Files.ReadFile("plan.yaml")
	if err != nil {
		panic(err) // it is embedded
	}
	return bytes.Replace(b, []byte("timelyFilingDays: 180"), []byte("timelyFilingDays: 3660"), 1)
}

// A Batch is claims to bill under Plan (or examples/plan.yaml, as long as they
// are in time), examples/fees.csv and examples/clinicians.csv, and whom the insurer has to cover first.
type Batch struct {
	File    []byte // 837P
	Members []byte // as "countersign member enroll" takes it
	Bills   []Bill // in the order of the file
}

// A Bill is one claim of a Batch.
type Bill struct {
	Number string
	Family string // member id of the subscriber
	Person string // member id of the patient
	Kind   Kind
	Day    int    // of October 2026
	Of     string // for Repeated: the number of the claim whose service it is
}

// Kind is what a claim is there for.
type Kind string

const (
	Visit        Kind = "visit"        // 99213
	Laboratory   Kind = "laboratory"   // 99213 and 80053
	Xray         Kind = "x-ray"        // 73610, under the deductible
	Wound        Kind = "wound"        // 12001 and 73610, under the deductible
	Excluded     Kind = "excluded"     // 15824, not covered
	Unauthorized Kind = "unauthorized" // 72148 without an authorization
	Lapsed       Kind = "lapsed"       // the clinician's license ended in September
	Ruskin       Kind = "ruskin"       // a visit to the clinician with RuskinNPI, whom no other claim names
	Repeated     Kind = "repeated"     // a service that another claim has, under a number of its own
)

// RuskinNPI is of a clinician whose license may be revoked midway. Other
// claims' money does not depend on those of Ruskin.
const RuskinNPI = "2999002183"

type performed struct {
	npi, last, first, taxonomy, diagnoses string
	lines                                 []string // of SV1, without the place of the line's date
}

var performances = map[Kind]performed{
	Visit:        {"2999002019", "AMARANTH", "NADIA", "207Q00000X", "ABK:J069", []string{visitLine}},
	Laboratory:   {"2999002019", "AMARANTH", "NADIA", "207Q00000X", "ABK:R5383", []string{visitLine, "HC:80053*60.00*UN*1***1"}},
	Xray:         {"2999002019", "AMARANTH", "NADIA", "207Q00000X", "ABK:S93401A", []string{xrayLine}},
	Wound:        {"2999002019", "AMARANTH", "NADIA", "207Q00000X", "ABK:S91011A", []string{"HC:12001*400.00*UN*1***1", xrayLine}},
	Excluded:     {"2999002019", "AMARANTH", "NADIA", "207Q00000X", "ABK:L574", []string{"HC:15824*1900.00*UN*1***1"}},
	Unauthorized: {"2999002019", "AMARANTH", "NADIA", "207Q00000X", "ABK:M5450", []string{"HC:72148*900.00*UN*1***1"}},
	Lapsed:       {"2999002050", "ELLERY", "JONAS", "207Q00000X", "ABK:M5450", []string{visitLine}},
	Ruskin:       {RuskinNPI, "RUSKIN", "PETRA", "208100000X", "ABK:M25561", []string{visitLine}},
}

const (
	visitLine = "HC:99213*140.00*UN*1***1"
	xrayLine  = "HC:73610*250.00*UN*1***1"
)

var charges = map[Kind]string{
	Visit: "140.00", Laboratory: "200.00", Xray: "250.00", Wound: "650.00", Excluded: "1900.00", Unauthorized: "900.00",
	Lapsed: "140.00", Ruskin: "140.00",
}

// Claims makes n claims of MISSION CREEK HOSPITAL for about n/5 families of a
// parent and a child. The same n and seed give the same bytes; batches of
// different seeds share neither a claim nor a person.
func Claims(n int, seed uint64) Batch {
	random := rand.New(rand.NewPCG(seed, 0x636c61696d73))
	var b Batch
	b.Bills = bills(n, seed, random)
	var members strings.Builder
	members.WriteString("member_id,subscriber_id,last,first,birth,coverage_from,coverage_until\n")
	seen := map[string]bool{}
	for _, c := range b.Bills {
		if !seen[c.Family] {
			seen[c.Family] = true
			fmt.Fprintf(&members, "%s,%[1]s,SAMPLE,ROBIN,1984-03-17,2026-01-01,\n%[1]s-2,%[1]s,SAMPLE,KIM,2014-06-09,2026-01-01,\n", c.Family)
		}
	}
	b.Members = []byte(members.String())
	b.File = write837(b.Bills, seed)
	return b
}

// bills has every family's claims in their own order, between those of others.
func bills(n int, seed uint64, random *rand.Rand) (all []Bill) {
	kinds := []Kind{Visit, Visit, Laboratory, Xray, Xray, Wound, Excluded, Unauthorized, Lapsed, Ruskin, Ruskin, Ruskin, Repeated, Repeated}
	families := max(1, n/5)
	of := make([][]Bill, families)
	for i := range n {
		f := random.IntN(families)
		c := Bill{Number: fmt.Sprintf("H%d-%05d", seed, i+1), Family: fmt.Sprintf("HF%d%05d", seed, f+1), Kind: kinds[random.IntN(len(kinds))]}
		c.Person = c.Family
		if random.IntN(2) == 1 {
			c.Person += "-2"
		}
		c.Day = freeDay(of[f], random.IntN(31))
		if c.Kind == Ruskin {
			c.Day = freeDay(of[f], 9+random.IntN(12))
		}
		for _, earlier := range of[f] {
			if c.Kind == Repeated && (earlier.Kind == Visit || earlier.Kind == Xray) {
				c.Person, c.Day, c.Of = earlier.Person, earlier.Day, earlier.Number
			}
		}
		if c.Kind == Repeated && c.Of == "" {
			c.Kind = Visit
		}
		of[f] = append(of[f], c)
		all = append(all, c)
	}
	return all
}

// freeDay is the first day from start on, counted from 0, on which a family has
// no claim yet: nothing is claimed twice by chance.
func freeDay(family []Bill, start int) int {
	for i := range 31 {
		day := 1 + (start+i)%31
		if !slices.ContainsFunc(family, func(c Bill) bool { return c.Day == day }) {
			return day
		}
	}
	return 1 + start
}

// write837 is one transaction set with a loop of its own for each claim.
func write837(bills []Bill, seed uint64) []byte {
	kinds := map[string]Kind{}
	for _, c := range bills {
		kinds[c.Number] = c.Kind
	}
	w := &segments{}
	w.add("ST*837*0001*005010X222A1", fmt.Sprintf("BHT*0019*00*H%d-%d*20261102*0900*CH", seed, len(bills)),
		"NM1*41*2*MISSION CREEK HOSPITAL*****46*MISSIONCREEK", "PER*IC*BILLING OFFICE*TE*9165550100",
		"NM1*40*2*DEMO-PPO*****46*DEMOPPO", "HL*1**20*1", "PRV*BI*PXC*282N00000X",
		"NM1*85*2*MISSION CREEK HOSPITAL*****XX*2999001003", "N3*100 EXAMPLE WAY", "N4*SACRAMENTO*CA*958140001", "REF*EI*990000001")
	level := 1
	for _, c := range bills {
		level = w.patient(c, level)
		kind := c.Kind
		if kind == Repeated {
			kind = kinds[c.Of]
		}
		w.claim(c, performances[kind], charges[kind])
	}
	w.add(fmt.Sprintf("SE*%d*0001", w.n+1))
	return fmt.Appendf(nil, "ISA*00*          *00*          *ZZ*MISSIONCREEK   *ZZ*DEMOPPO        *261102*0900*^*00501*%09d*0*P*:~\n"+
		"GS*HC*MISSIONCREEK*DEMOPPO*20261102*0900*%[1]d*X*005010X222A1~\n%sGE*1*%[1]d~\nIEA*1*%09[1]d~\n", 1+seed%999999999, w.text.String())
}

type segments struct {
	text strings.Builder
	n    int
}

func (w *segments) add(all ...string) {
	for _, s := range all {
		w.text.WriteString(s + "~\n")
		w.n++
	}
}

// patient writes the loops of subscriber and patient, and returns the last level.
func (w *segments) patient(c Bill, level int) int {
	dependent := c.Person != c.Family
	self, child := "18", 0
	if dependent {
		self, child = "", 1
	}
	level++
	w.add(fmt.Sprintf("HL*%d*1*22*%d", level, child), "SBR*P*"+self+"*DEMO-PPO******12", "NM1*IL*1*SAMPLE*ROBIN****MI*"+c.Family,
		"N3*12 ORCHARD LANE", "N4*SACRAMENTO*CA*95816", "DMG*D8*19840317*F", "NM1*PR*2*DEMO-PPO*****PI*DEMOPPO")
	if dependent {
		level++
		w.add(fmt.Sprintf("HL*%d*%d*23*0", level, level-1), "PAT*19", "NM1*QC*1*SAMPLE*KIM", "N3*12 ORCHARD LANE", "N4*SACRAMENTO*CA*95816", "DMG*D8*20140609*M")
	}
	return level
}

func (w *segments) claim(c Bill, p performed, charge string) {
	w.add(fmt.Sprintf("CLM*%s*%s***11:B:1*Y*A*Y*Y", c.Number, charge), "HI*"+p.diagnoses,
		fmt.Sprintf("NM1*82*1*%s*%s****XX*%s", p.last, p.first, p.npi), "PRV*PE*PXC*"+p.taxonomy)
	for i, line := range p.lines {
		w.add(fmt.Sprintf("LX*%d", i+1), "SV1*"+line, fmt.Sprintf("DTP*472*D8*202610%02d", c.Day), fmt.Sprintf("REF*6R*%s-%d", c.Number, i+1))
	}
}
