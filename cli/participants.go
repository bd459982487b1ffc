package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
	ledgerclient "github.com/countersign-health/countersign/ledger/client"
)

// A participantRow is who may sign.
type participantRow struct {
	DID   credentials.DID `json:"did"`
	Name  string          `json:"name"`
	Role  ledger.Role     `json:"role"`
	State string          `json:"state,omitempty"`
	Since int64           `json:"since"` // index of the entry that let it in; 0 for founders
	KeyID string          `json:"keyId"` // of the key that it signs with now
	// KeySince is the index of the entry that handed it over to that key, if any.
	KeySince int64 `json:"keySince,omitempty"`
}

// rowOf is a participant whose key has not been handed over.
func rowOf(p ledger.Party, since int64) participantRow {
	return participantRow{p.DID, p.Name, p.Role, p.Jurisdiction, since, p.Kid(), 0}
}

func (r *run) ledgerParticipants(c *urfave.Context) error {
	l, err := r.ledger(c)
	if err != nil {
		return err
	}
	entries, err := l.admitted(c.Context)
	if err != nil {
		return err
	}
	rows := []participantRow{}
	for _, p := range l.genesis.Founders {
		rows = append(rows, rowOf(p, 0))
	}
	files := dossier.Files{}
	files.Genesis(l.genesis.MarshalLeaf())
	if err := files.Trust(l.trust); err != nil {
		return err
	}
	for _, p := range entries {
		switch i := slices.IndexFunc(rows, func(row participantRow) bool { return row.DID == p.party.DID }); {
		case i < 0:
			rows = append(rows, rowOf(p.party, p.Proof.Index))
		case rows[i].KeyID != p.party.Kid():
			rows[i].KeyID, rows[i].KeySince = p.party.Kid(), p.Proof.Index
		}
		files.Receipt(p.Entry.Subject, p.Leaf, p.Receipt)
	}
	if err := write(files, c.String("out")); err != nil {
		return err
	}
	if r.json {
		return r.print(map[string]any{"participants": rows})
	}
	t := table{head: []string{"name", "role", "state", "index", "DID"}}
	for _, p := range rows {
		t.add(p.Name, string(p.Role), p.State, strconv.FormatInt(p.Since, 10), string(p.DID))
	}
	if err := t.write(r.Out); err != nil {
		return err
	}
	for _, p := range rows {
		if p.KeySince != 0 {
			fmt.Fprintf(r.Out, "%s signs with %s since entry %d\n", oneLine(p.Name), p.KeyID, p.KeySince)
		}
	}
	return nil
}

// An admission is a participant entry that holds: it lets a party in, hands it
// over to the key that party names, or declares one of its keys bad.
type admission struct {
	ledgerclient.Proven
	party ledger.Party
}

// admitted are the participants that were let in after the genesis, each as its
// entry made it.
func (l *reader) admitted(ctx context.Context) ([]admission, error) {
	registry, err := ledger.NewRegistry(l.genesis)
	if err != nil {
		return nil, caught("open ledger", err, "")
	}
	entries, err := l.Participants(ctx, registry.Clone()) // which ends with the keys of today
	if err != nil {
		return nil, err
	}
	var all []admission
	for _, p := range entries {
		err := registry.Admit(p.Proof.Index, p.Entry)
		var party ledger.Party
		if err == nil {
			party, err = registry.PartyOf(p.Entry.Issuer())
		}
		if err != nil {
			return nil, fmt.Errorf("list participants: %w", err)
		}
		all = append(all, admission{p, party})
	}
	return all, nil
}
