package fhir

import (
	"fmt"
	"slices"

	"github.com/countersign-health/countersign/claims"
)

// elements are where a FHIR Claim has what an 837 has in an element, by the loop
// and segment of an edit's problem, or by the element where that is not enough.
var elements = map[string]string{
	"CLM01": "/identifier/0/value", "CLM02": "/total/value", "CLM05-1": "/item/0/locationCodeableConcept", "CLM05-3": "/related",
	"2010AA": "/provider", "2010BA": "/insurance", "2010CA": "/patient", "2010BB": "/insurer", "2000A": "/provider",
	"2310A": "/careTeam", "2310B": "/careTeam", "2310D": "/careTeam", "2420A": "/careTeam", "2420C": "/careTeam",
	"2300 HI": "/diagnosis", "2300 DTP": "/billablePeriod", "2300 CL1": "/supportingInfo", "2300 REF": "/related", "2400 LX": "/item",
}

// lineElements are those of an item.
var lineElements = map[string]string{
	"SV101-2": "productOrService", "SV202-2": "productOrService", "SV101-3": "modifier", "SV101-4": "modifier", "SV101-5": "modifier", "SV101-6": "modifier",
	"SV202-3": "modifier", "SV202-4": "modifier", "SV202-5": "modifier", "SV202-6": "modifier",
	"SV102": "net", "SV203": "net", "SV103": "quantity", "SV104": "quantity", "SV204": "quantity", "SV205": "quantity",
	"SV105": "locationCodeableConcept", "SV107": "diagnosisSequence", "SV201": "revenue", "SV101": "revenue",
	"DTP03": "serviced", "LX01": "sequence",
}

// Place names where a problem with the claim stands: a JSON pointer.
func (b *Billed) Place(p claims.Problem) string {
	if p.Line > 0 {
		i := slices.IndexFunc(b.Claim.Lines, func(l claims.Line) bool { return l.Number == p.Line })
		if name := lineElements[p.Element]; i >= 0 {
			at := fmt.Sprintf("%s/item/%d", b.At, b.items[i])
			if name != "" {
				at += "/" + name
			}
			return at
		}
	}
	for _, key := range []string{p.Element, p.Loop + " " + p.Segment, p.Loop} {
		if at := elements[key]; at != "" {
			return b.At + at
		}
	}
	return b.At + "/"
}
