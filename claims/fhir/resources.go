package fhir

import (
	"encoding/json"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// The parts of FHIR R4 resources that are written here, in the order in which
// the specification lists them. What is empty is left out, for FHIR forbids
// empty values (R4, section 2.6.2).

type coding struct {
	System string `json:"system,omitempty"`
	Code   string `json:"code"`
}

type concept struct {
	Coding []coding `json:"coding,omitempty"`
	Text   string   `json:"text,omitempty"`
}

func coded(system, code string) *concept {
	return &concept{Coding: []coding{{system, code}}}
}

type identifier struct {
	Type   *concept `json:"type,omitempty"`
	System string   `json:"system,omitempty"`
	Value  string   `json:"value"`
}

type reference struct {
	Reference string `json:"reference"`
}

type period struct {
	Start credentials.Date `json:"start"`
	End   credentials.Date `json:"end"`
}

// money is exact: a FHIR decimal keeps its digits, so it is never a float.
type money struct {
	Value    json.Number `json:"value"`
	Currency string      `json:"currency"`
}

func dollars(c claims.Cents) *money { return &money{json.Number(c.String()), "USD"} }

type quantity struct {
	Value json.Number `json:"value"`
}

type meta struct {
	LastUpdated string   `json:"lastUpdated"`
	Profile     []string `json:"profile"`
}

type adjudication struct {
	Category *concept     `json:"category"`
	Reason   *concept     `json:"reason,omitempty"`
	Amount   *money       `json:"amount,omitempty"`
	Value    *json.Number `json:"value,omitempty"`
}

type total struct {
	Category *concept `json:"category"`
	Amount   *money   `json:"amount"`
}

type note struct {
	Number int    `json:"number,omitempty"`
	Type   string `json:"type,omitempty"`
	Text   string `json:"text"`
}

type insurance struct {
	Sequence int       `json:"sequence,omitempty"` // of a ClaimResponse only
	Focal    bool      `json:"focal"`
	Coverage reference `json:"coverage"`
}

type payment struct {
	Type       *concept         `json:"type"`
	Date       credentials.Date `json:"date,omitempty"`
	Amount     *money           `json:"amount,omitempty"`
	Identifier *identifier      `json:"identifier,omitempty"`
}

type humanName struct {
	Family string   `json:"family"`
	Given  []string `json:"given,omitempty"`
}

type postalAddress struct {
	Line       []string `json:"line,omitempty"`
	City       string   `json:"city,omitempty"`
	State      string   `json:"state,omitempty"`
	PostalCode string   `json:"postalCode,omitempty"`
}

type bundleOut struct {
	ResourceType string  `json:"resourceType"`
	Type         string  `json:"type"`
	Entry        []entry `json:"entry"`
}

type entry struct {
	FullURL  string `json:"fullUrl"`
	Resource any    `json:"resource"`
}
