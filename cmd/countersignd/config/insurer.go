package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// Insurer is what the insurer's worker and gateway share. All workers and
// gateways of one insurer have the same.
type Insurer struct {
	// URL is the address of the gateway as others know it. With it, decisions
	// name the insurer's status lists there, and the gateway serves these and its
	// DID document (did:web). Default: none, and neither. Danger: it is signed
	// into decisions, whose status is unknown while nothing answers there.
	URL string `yaml:"url,optional"`
	// Database holds the books.
	Database Database `yaml:"database"`
	// Key signs decisions, remittances and ledger entries; its DID is the
	// insurer's, and must be admitted on the ledger.
	Key Key `yaml:"key"`
	// BusinessKeyFile holds 32 random bytes that key the names of submissions,
	// and the hashes by which the books look people up. Danger: with another one,
	// every claim sent again is taken for a new one, and no member is found.
	BusinessKeyFile SecretFile `yaml:"business_key_file"`
	// PayloadKeys seal what Temporal carries. The first seals, all open: a new
	// key goes in at the end everywhere, then to the front; an old one goes out
	// when the histories under it are past their retention. Danger: without
	// the key that sealed it, a running contract cannot go on.
	PayloadKeys []PayloadKey `yaml:"payload_keys"`
	// WrappingKeys wrap the data keys that the books are sealed under. The first
	// wraps, all unwrap: a new key goes in at the end everywhere, then to the
	// front; an old one goes out after "countersignd books rewrap". Danger:
	// without the key that wrapped it, a person's documents cannot be opened.
	WrappingKeys []WrappingKey `yaml:"wrapping_keys"`
	Temporal     Temporal      `yaml:"temporal"`
	// Boards whose feeds the worker follows. Danger: a license of a board that
	// is not listed is unknown here, and its claims wait for a person.
	Boards []FeedSource `yaml:"boards"`
	// Reviewers are the DIDs (did:key) of this insurer's own clinicians, each
	// admitted on the ledger as a reviewer. The ledger does not say whose
	// reviewers they are. Danger: each of them can approve what waits here.
	Reviewers []string `yaml:"reviewers"`
	// Payer is the insurer as its remittances name it.
	Payer Payer `yaml:"payer"`
	Edits Edits `yaml:"edits"`
	// Patience is how old a board's last word may be and still prove standing.
	// Default 5m. Danger: for that long, a revocation may go unheard.
	Patience time.Duration `yaml:"patience"`
	// EstimatesAnHour is how many estimates of claims a hospital may ask a gateway
	// for. Default 3000. Danger: each says whether somebody is a member.
	EstimatesAnHour int `yaml:"estimates_an_hour"`
}

// PayloadKey is one key for what Temporal carries.
type PayloadKey struct {
	// ID travels in clear beside what the key seals. It is never used again
	// for another key.
	ID string `yaml:"id"`
	// File holds 32 random bytes.
	File SecretFile `yaml:"file"`
}

// WrappingKey is one key for the data keys in the books.
type WrappingKey struct {
	// ID stands in clear beside what the key wraps. It is never used again for
	// another key.
	ID string `yaml:"id"`
	// File holds 32 random bytes.
	File SecretFile `yaml:"file"`
}

// FeedSource is a board that is followed.
type FeedSource struct {
	// DID of the board (did:key or did:web), as the ledger has it. Only documents
	// under it are believed.
	DID string `yaml:"did"`
	// URL of the board's door.
	URL string `yaml:"url"`
	// Jurisdiction is its two-letter state code, for logs and metrics. What
	// the board may license for, the ledger says.
	Jurisdiction string `yaml:"jurisdiction"`
}

// Payer is who pays, as the 835 writes it (loop 1000A).
type Payer struct {
	Name string `yaml:"name"`
	// ID is REF*2U: as claims address the payer.
	ID string `yaml:"id"`
	// TaxID has nine digits (TRN03).
	TaxID   string `yaml:"tax_id"`
	Contact string `yaml:"contact"`
	// Phone has ten digits.
	Phone  string `yaml:"phone"`
	Street string `yaml:"street"`
	City   string `yaml:"city"`
	State  string `yaml:"state"`
	// ZIP has five or nine digits.
	ZIP string `yaml:"zip"`
}

// Edits are the checks that the gateway makes before a contract starts.
type Edits struct {
	// SkipNPICheckDigit takes NPIs that fail their check digit. Default false.
	// Danger: only for public sample files; a real claim with such an NPI is
	// misspelt.
	SkipNPICheckDigit bool `yaml:"skip_npi_check_digit"`
	// Switched are edits that are not as they come: payer-ours=on,
	// diagnosis-count=off. "countersign claim edits" lists them. Those on which
	// money or a license rests cannot be switched off. Default: none.
	Switched []string `yaml:"switched,optional"`
}

func (r *reader) insurer(i *Insurer) {
	if i.URL != "" {
		r.httpURL("insurer.url", i.URL)
	}
	r.key("insurer.key", i.Key)
	r.database("insurer.database", &i.Database)
	if len(i.PayloadKeys) == 0 {
		r.at("insurer.payload_keys", "want one key at least: nothing travels through Temporal in clear")
	}
	ids := map[string]bool{}
	for n, k := range i.PayloadKeys {
		if ids[k.ID] {
			r.at(fmt.Sprintf("insurer.payload_keys[%d].id", n), "two keys have this id")
		}
		ids[k.ID] = true
	}
	if len(i.WrappingKeys) == 0 {
		r.at("insurer.wrapping_keys", "want one key at least: nothing of a person stands in the books in clear")
	}
	ids = map[string]bool{}
	for n, k := range i.WrappingKeys {
		if ids[k.ID] {
			r.at(fmt.Sprintf("insurer.wrapping_keys[%d].id", n), "two keys have this id")
		}
		ids[k.ID] = true
	}
	r.temporal(&i.Temporal)
	if i.EstimatesAnHour < 1 {
		r.at("insurer.estimates_an_hour", "want one at least")
	}
	if _, err := claims.ParseEdits(i.Edits.Switched, true); err != nil {
		r.at("insurer.edits.switched", "%s", err)
	}
	dids := map[string]bool{}
	for n, b := range i.Boards {
		path := fmt.Sprintf("insurer.boards[%d]", n)
		r.httpURL(path+".url", b.URL)
		r.state(path+".jurisdiction", b.Jurisdiction)
		if !partyDID(b.DID) {
			r.at(path+".did", "want a did:key or a did:web, as \"countersign ledger participants\" shows it")
		}
		if dids[b.DID] {
			r.at(path+".did", "two boards have this DID")
		}
		dids[b.DID] = true
	}
	r.reviewers(i.Reviewers)
	for _, f := range []struct{ name, value, form, want string }{
		{"tax_id", i.Payer.TaxID, `^\d{9}$`, "nine digits"},
		{"phone", i.Payer.Phone, `^\d{10}$`, "ten digits"},
		{"zip", i.Payer.ZIP, `^\d{5}(\d{4})?$`, "five or nine digits"},
		{"state", i.Payer.State, `^[A-Z]{2}$`, "a two-letter state code"},
	} {
		if !regexp.MustCompile(f.form).MatchString(f.value) {
			r.at("insurer.payer."+f.name, "want %s", f.want)
		}
	}
}

// partyDID says whether a participant of a ledger may go by a DID. Which keys it
// has, the ledger says.
func partyDID(s string) bool {
	did, err := credentials.ParseDID(s)
	if err == nil && strings.HasPrefix(s, "did:web:") {
		_, err = credentials.WebDocument(did, true)
	} else if err == nil {
		_, err = credentials.KeyFromDIDKey(did)
	}
	return err == nil
}

func (r *reader) reviewers(list []string) {
	for n, did := range list {
		path := fmt.Sprintf("insurer.reviewers[%d]", n)
		if _, err := credentials.KeyFromDIDKey(credentials.DID(did)); err != nil {
			r.at(path, "want the reviewer's did:key, as \"countersign key list\" shows it")
		}
		if slices.Contains(list[:n], did) {
			r.at(path, "this reviewer stands here twice")
		}
	}
}
