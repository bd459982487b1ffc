package claims

import (
	"strings"

	"github.com/countersign-health/countersign/credentials"
)

// A serviceNames names the elements of a service line, which the two guides put
// into different segments.
type serviceNames struct {
	id, code, charge, measure, units string
	rendering, lineRendering         string // loops
	unit                             string // besides UN
	revenue                          bool
}

func (k *checker) service() serviceNames {
	if k.claim.Institutional != nil {
		return serviceNames{"SV2", "SV202", "SV203", "SV204", "SV205", "2310D", "2420C", "DA", true}
	}
	return serviceNames{"SV1", "SV101", "SV102", "SV103", "SV104", "2310B", "2420A", "MJ", false}
}

// anesthesia are the codes that are billed by minutes.
var anesthesia = CodeSet{{"00100", "01999"}}

// places of service on CMS's list, each with the day from which it is in force
// where that is later than the first claims of 2003 (CMS, Place of Service Code
// Set).
var places = map[string]credentials.Date{
	"01": "2005-10-01", "02": "2017-01-01", "03": "", "04": "", "05": "", "06": "", "07": "", "08": "", "09": "2006-07-01", "10": "2022-01-01",
	"11": "", "12": "", "13": "", "14": "", "15": "", "16": "2008-01-01", "17": "2010-05-01", "18": "2013-01-01", "19": "2016-01-01",
	"20": "", "21": "", "22": "", "23": "", "24": "", "25": "", "26": "", "27": "2023-10-01", "31": "", "32": "", "33": "", "34": "",
	"41": "", "42": "", "49": "", "50": "", "51": "", "52": "", "53": "", "54": "", "55": "", "56": "", "57": "", "58": "2020-01-01",
	"60": "", "61": "", "62": "", "65": "", "66": "2024-01-01", "71": "", "72": "", "81": "", "99": "",
}

func (k *checker) place(loop, segment, element, code string, day credentials.Date) {
	if len(code) != 2 || !digits(code) {
		k.add("place-format", loop, segment, element, "A7:249", "want a place of service of two digits")
		return
	}
	if k.listed(spot{edit: "place-code", loop: loop, segment: segment, element: element, code: "A7:249", what: "place of service " + code}, KindPlace, code, day) {
		return // a list of one's own goes before the built-in one
	}
	from, listed := places[code]
	switch {
	case !listed:
		k.add("place-code", loop, segment, element, "A7:249", "place of service %s is not on CMS's list", code)
	case day != "" && day < from:
		k.add("place-code", loop, segment, element, "A7:249", "place of service %s is in force from %s on", code, from)
	}
}

// postalStates are the states, territories and military posts of the Postal
// Service (Publication 28, appendix B).
const postalStates = " AL AK AS AZ AR CA CO CT DE DC FM FL GA GU HI ID IL IN IA KS KY LA ME MH MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND MP OH" +
	" OK OR PW PA PR RI SC SD TN TX UT VT VI VA WA WV WI WY AA AE AP "

// addresses checks those of the billing provider, the subscriber and the patient.
// What a person's address lacks is for nobody to refuse a claim.
func (k *checker) addresses() {
	b := &k.claim.Billing
	k.address("2010AA", &b.Address)
	k.address("2010BA", &k.claim.Subscriber.Address)
	if p := k.claim.Patient; p != nil {
		k.address("2010CA", &p.Address)
	}
	for _, lack := range []struct{ value, segment, element, what string }{
		{b.Address.Street, "N3", "N301", "street"}, {b.Address.City, "N4", "N401", "city"},
		{b.Address.State, "N4", "N402", "state"}, {b.Address.ZIP, "N4", "N403", "ZIP code"},
	} {
		if lack.value == "" {
			k.add("billing-address", "2010AA", lack.segment, lack.element, "A6:126", "the billing provider's %s is missing", lack.what)
		}
	}
	if zip := b.Address.ZIP; len(zip) == 5 {
		k.add("billing-zip-four", "2010AA", "N4", "N403", "A7:500", "the billing provider's ZIP code has five digits; want nine")
	}
	if b.TaxID == "" {
		k.add("billing-tax-id", "2010AA", "REF", "REF02", "A6:128", "the billing provider's tax number is missing")
	} else if id := strings.Replace(b.TaxID, "-", "", 1); len(id) != 9 || !digits(id) {
		k.add("tax-id-format", "2010AA", "REF", "REF02", "A7:128", "want a tax number of nine digits")
	}
	k.taxonomy("2000A", b.Taxonomy)
	if r := k.claim.Rendering; r != nil {
		k.taxonomy(k.service().rendering, r.Taxonomy)
	}
}

func (k *checker) address(loop string, a *Address) {
	if a.State == "" {
		return // an address abroad has none
	}
	if len(a.State) != 2 || !strings.Contains(postalStates, " "+a.State+" ") {
		k.add("state-code", loop, "N4", "N402", "A7:500", "want the Postal Service's two letters of a state")
	}
	zip := strings.Replace(a.ZIP, "-", "", 1)
	if zip != "" && (len(zip) != 5 && len(zip) != 9 || !digits(zip)) {
		k.add("zip-code", loop, "N4", "N403", "A7:500", "want a ZIP code of five or nine digits")
	}
}

func (k *checker) taxonomy(loop, code string) {
	if code != "" && (len(code) != 10 || code[9] != 'X' || strings.ToUpper(code) != code) {
		k.add("taxonomy-code", loop, "PRV", "PRV03", "A7:145", "want a taxonomy code of ten characters that ends in X")
		return
	}
	k.listed(spot{loop: loop, segment: "PRV", element: "PRV03", code: "A7:145", what: "taxonomy code " + code}, KindTaxonomy, code, k.sent()...)
}
