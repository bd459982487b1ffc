package config

import (
	"fmt"

	"github.com/countersign-health/countersign/credentials"
)

// Board is a licensing board's register and its door.
type Board struct {
	// Listen as above. Default 127.0.0.1:8102.
	Listen string `yaml:"listen"`
	// TLS as above.
	TLS *DoorTLS `yaml:"tls"`
	// Admin as above. Default 127.0.0.1:9103.
	Admin string `yaml:"admin"`
	// URL is where the door can be reached from outside, and so the board's
	// did:web. Danger: it is signed into licenses; keep the name for as long as
	// they live. A proxy in front of a folder takes the folder off.
	URL string `yaml:"url"`
	// Jurisdiction is the two-letter state code that it licenses for.
	Jurisdiction string `yaml:"jurisdiction"`
	// Database holds the register.
	Database Database `yaml:"database"`
	// Key signs licenses, orders and ledger entries.
	Key Key `yaml:"key"`
	// Clerks are the key ids (did:key:…#…) that may issue and order. Give each
	// person a key of their own and write down whose it is: the register keeps
	// what each key signed for, also when it is taken out here. Danger: each of
	// them can revoke any license.
	Clerks []string `yaml:"clerks"`
	// SkipNPICheckDigit as above. Default false.
	SkipNPICheckDigit bool `yaml:"skip_npi_check_digit"`
}

func (r *reader) board(b *Board) {
	r.key("board.key", b.Key)
	r.addresses("board", b.Listen, b.Admin)
	r.httpURL("board.url", b.URL)
	r.state("board.jurisdiction", b.Jurisdiction)
	r.database("board.database", &b.Database)
	for n, kid := range b.Clerks {
		if _, err := credentials.ResolveDIDKey(kid); err != nil {
			r.at(fmt.Sprintf("board.clerks[%d]", n), "want the id of a key, did:key:…#…, as \"countersign key list\" shows it")
		}
	}
}
