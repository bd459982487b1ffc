package x12

import (
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
)

// TestWriteClaimAnswers holds a 277CA to its text, written by hand after
// 005010X214: payer (20), submitter (21) with counts and sums, provider (19),
// then each patient (PT). C2 fails one edit of its own and two of its line.
func TestWriteClaimAnswers(t *testing.T) {
	_, got := readAll(t, sound())
	a := Answered{
		Payer: got[0].Claim.Payer, Submitter: got[0].Submitter, Reference: got[0].Reference, Received: "2026-11-02", Processed: "2026-11-03",
		Claims: []ClaimAnswer{
			{Claim: &got[0].Claim, Control: "CTRL1"},
			{Claim: &got[1].Claim, Problems: []claims.Problem{
				{Loop: "2010AA", Code: "A7:562"},
				{Loop: "2400", Line: 1, Code: "A7:454"}, {Loop: "2400", Line: 1, Code: "A7:453"}, {Loop: "2400", Line: 1, Code: "A7:454"},
			}},
		},
	}
	e := answered
	e.As, e.Sender, e.To = "ZZ", "INSURER", claims.Sender{Qualifier: "ZZ", ID: "HOSPITAL"}
	text, err := WriteClaimAnswers(e, a)
	if err != nil {
		t.Fatal(err)
	}
	second := got[1].Claim.Lines[0]
	want := `ISA*00*          *00*          *ZZ*INSURER        *ZZ*HOSPITAL       *261103*0815*^*00501*000000042*0*P*:~
GS*HN*INSURER*HOSPITAL*20261103*0815*42*X*005010X214~
ST*277*0001*005010X214~
BHT*0085*08*42-1*20261103*081500*TH~
HL*1**20*1~
NM1*PR*2*PLAN*****PI*PAYER1~
TRN*1*42-1~
DTP*050*D8*20261102~
DTP*009*D8*20261103~
HL*2*1*21*1~
NM1*41*2*HOSPITAL*****46*HOSPITAL~
TRN*2*REF1~
STC*A1:19:PR*20261103*WQ*` + (got[0].Claim.Charge + got[1].Claim.Charge).String() + `~
QTY*90*1~
QTY*AA*1~
AMT*YU*150.50~
AMT*YY*` + got[1].Claim.Charge.String() + `~
HL*3*2*19*1~
NM1*85*2*MISSION HOSPITAL*****XX*2999001003~
HL*4*3*PT~
NM1*QC*1*DOE*JANE*Q***MI*M1~
TRN*2*C1~
STC*A2:20*20261103*WQ*150.50~
REF*1K*CTRL1~
DTP*472*RD8*20261001-20261004~
HL*5*3*PT~
NM1*QC*1*DOE*JUNIOR****MI*M1~
TRN*2*C2~
STC*A7:562:85*20261103*U*` + got[1].Claim.Charge.String() + `~
DTP*472*D8*` + d8(got[1].Claim.FirstService()) + `~
SVC*HC:` + second.Code + `*` + second.Charge.String() + `~
STC*A7:454*20261103*U*******A7:453~
REF*FJ*1~
DTP*472*D8*` + d8(second.From) + `~
SE*33*0001~
GE*1*42~
IEA*1*000000042~
`
	if string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	readBack(t, "277CA", text)
}

// TestClaimAnswersOddities wants an answer even to claims that lack what they
// are refused for, and none where nobody could be answered.
func TestClaimAnswersOddities(t *testing.T) {
	e := answered
	e.Sender, e.To = "INSURER", claims.Sender{ID: "HOSPITAL"}
	a := Answered{
		Payer: claims.Payer{ID: "P", Name: "PLAN"}, Submitter: Submitter{"H", "1"}, Reference: "R", Received: "2026-11-02", Processed: "2026-11-03",
		Claims: []ClaimAnswer{{
			Claim:    &claims.Claim{Number: "~*:^1", Lines: []claims.Line{{Number: 1, Code: "BAD*"}}},
			Problems: []claims.Problem{{Line: 1, Code: "A6:187"}},
		}},
	}
	text, err := WriteClaimAnswers(e, a)
	if err != nil || !strings.Contains(string(text), "TRN*2*1~\nSTC*A6:187*20261103*U*0.00~\nSVC*HC:BAD*0.00~\n") {
		t.Errorf("got %v\n%s", err, text)
	}
	readBack(t, "oddities", text)
	a.Reference = ""
	if _, err := WriteClaimAnswers(e, a); err == nil || !strings.Contains(err.Error(), "reference") {
		t.Errorf("got %v", err)
	}
	if _, err := WriteClaimAnswers(e); err == nil {
		t.Error("a file without an answer was written")
	}
}
