//go:build bench

package bench

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
)

// claimsInASet is what HIPAA's guide advises at most.
const claimsInASet = 5000

// A writer writes an 837 professional file as a clearinghouse sends it: one
// interchange, sets of 5,000 claims, several hospitals in each, subscribers and
// dependents, one to six lines a claim.
type writer struct {
	to       *bufio.Writer
	r        *rand.Rand
	written  int64
	segments int // of the set
	level    int // HL01 of the set
	claims   int
}

// writeFile writes at least so many bytes, and says how many claims they are.
func writeFile(to io.Writer, size int64) (bytes int64, claims int, err error) {
	w := &writer{to: bufio.NewWriterSize(to, 1<<20), r: rand.New(rand.NewPCG(8, 37))}
	w.segment("ISA*00*          *00*          *ZZ*CLEARINGHOUSE  *ZZ*DEMOPPO        *261102*0900*^*00501*000000001*0*P*:")
	w.segment("GS*HC*CLEARINGHOUSE*DEMOPPO*20261102*0900*1*X*005010X222A1")
	sets := 0
	for w.written < size {
		sets++
		w.set(sets, size)
	}
	w.segment("GE*%d*1", sets)
	w.segment("IEA*1*000000001")
	return w.written, w.claims, w.to.Flush()
}

func (w *writer) segment(form string, args ...any) {
	n, _ := fmt.Fprintf(w.to, form+"~\n", args...) // a bufio.Writer keeps its error for Flush
	w.written += int64(n)
	w.segments++
}

func (w *writer) set(number int, size int64) {
	w.segments, w.level = 0, 0
	w.segment("ST*837*%04d*005010X222A1", number)
	w.segment("BHT*0019*00*BATCH-%d*20261102*0900*CH", number)
	w.segment("NM1*41*2*GREAT CENTRAL CLEARINGHOUSE*****46*CLEARINGHOUSE")
	w.segment("PER*IC*SUPPORT DESK*TE*9165550100*EX*12")
	w.segment("NM1*40*2*DEMO-PPO*****46*DEMOPPO")
	billing := 0
	for i := range claimsInASet {
		if i%500 == 0 {
			billing = w.hospital()
		}
		w.patient(billing)
		if w.written >= size {
			break
		}
	}
	w.segment("SE*%d*%04d", w.segments+1, number)
}

func (w *writer) hospital() int {
	w.level++
	w.segment("HL*%d**20*1", w.level)
	w.segment("PRV*BI*PXC*282N00000X")
	w.segment("NM1*85*2*MISSION CREEK HOSPITAL NUMBER %d*****XX*2999001003", w.level)
	w.segment("N3*%d EXAMPLE WAY", 100+w.r.IntN(9000))
	w.segment("N4*SACRAMENTO*CA*958140001")
	w.segment("REF*EI*990000001")
	return w.level
}

var (
	lastNames  = []string{"HALVORSEN", "BELLWETHER", "CASTELLAN", "DUNMORE", "VILLANUEVA-ORTEGA", "LI"}
	firstNames = []string{"INGRID", "MARCUS", "PRIYA", "TESSA", "MAXIMILIAN", "JO"}
	services   = []string{"99213:25", "99214", "80053", "85025", "36415", "72148:26", "97110:GP:59", "12001", "71046", "J1100"}
)

func (w *writer) patient(billing int) {
	w.claims++
	w.level++
	last, first := lastNames[w.r.IntN(len(lastNames))], firstNames[w.r.IntN(len(firstNames))]
	dependent := w.r.IntN(4) == 0
	children, relationship := 0, "18"
	if dependent {
		children, relationship = 1, ""
	}
	w.segment("HL*%d*%d*22*%d", w.level, billing, children)
	w.segment("SBR*P*%s*GRP%05d******12", relationship, w.r.IntN(100000))
	w.segment("NM1*IL*1*%s*%s*Q***MI*DP%08d", last, first, w.r.IntN(100_000_000))
	w.person()
	w.segment("NM1*PR*2*DEMO-PPO*****PI*DEMOPPO")
	if dependent {
		w.level++
		w.segment("HL*%d*%d*23*0", w.level, w.level-1)
		w.segment("PAT*19")
		w.segment("NM1*QC*1*%s*LEIF", last)
		w.person()
	}
	w.claim()
}

func (w *writer) person() {
	w.segment("N3*%d ORCHARD LANE*APT %d", 1+w.r.IntN(9999), 1+w.r.IntN(99))
	w.segment("N4*SACRAMENTO*CA*95816")
	w.segment("DMG*D8*19%02d%02d%02d*F", 30+w.r.IntN(70), 1+w.r.IntN(12), 1+w.r.IntN(28))
}

func (w *writer) claim() {
	lines := 1 + w.r.IntN(6)
	charges, total := make([]int, lines), 0
	for i := range charges {
		charges[i] = 1000 + w.r.IntN(90000)
		total += charges[i]
	}
	w.segment("CLM*PCN-%09d*%d.%02d***11:B:1*Y*A*Y*Y", w.claims, total/100, total%100)
	w.segment("REF*EA*MRN%08d", w.r.IntN(100_000_000))
	w.segment("HI*ABK:J069*ABF:M5450*ABF:E119")
	w.segment("NM1*82*1*AMARANTH*NADIA****XX*2999002019")
	w.segment("PRV*PE*PXC*207Q00000X")
	day := 20260901 + w.r.IntN(28)
	for i, charge := range charges {
		w.segment("LX*%d", i+1)
		w.segment("SV1*HC:%s*%d.%02d*UN*1***1:2", services[w.r.IntN(len(services))], charge/100, charge%100)
		w.segment("DTP*472*D8*%d", day)
		w.segment("REF*6R*PCN-%09d-%d", w.claims, i+1)
	}
}
