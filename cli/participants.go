package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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
		if i := slices.IndexFunc(rows, func(row participantRow) bool { return row.DID == p.party.DID }); i >= 0 {
			rows[i].KeyID, rows[i].KeySince = p.party.Kid(), p.Proof.Index
		} else {
			rows = append(rows, rowOf(p.party, p.Proof.Index))
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

// An admission is a participant entry that holds: it lets a party in, or hands
// it over to the key that party names.
type admission struct {
	ledgerclient.Proven
	party ledger.Party
}

// admitted are the participants that were let in after the genesis. The
// ledger's list only says where to look: each entry is proved.
func (l *reader) admitted(ctx context.Context) ([]admission, error) {
	registry, err := ledger.NewRegistry(l.genesis)
	if err != nil {
		return nil, caught("open ledger", err, "")
	}
	var all []admission
	for after, more := int64(0), true; more; {
		var page struct {
			Entries []struct{ Index int64 }
			More    bool
		}
		if err := l.list(ctx, after, &page); err != nil {
			return nil, err
		}
		more = page.More && len(page.Entries) > 0
		for _, e := range page.Entries {
			if e.Index <= after {
				return nil, caught("list participants", errors.New("the ledger's list is out of order"), "tell those who run the ledger")
			}
			after = e.Index
			p, err := l.Entry(ctx, e.Index)
			if err != nil {
				return nil, err
			}
			if p.Entry.Kind != ledger.KindParticipant || registry.Admit(e.Index, p.Entry) != nil {
				continue // void for every reader
			}
			party, err := registry.PartyOf(p.Entry.Issuer())
			if err != nil {
				return nil, fmt.Errorf("list participants: %w", err)
			}
			all = append(all, admission{p, party})
		}
	}
	return all, nil
}

func (l *reader) list(ctx context.Context, after int64, page any) error {
	url := fmt.Sprintf("%s/entries?kind=%s&after=%d", l.url, ledger.KindParticipant, after)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("list participants: %w", err)
	}
	resp, err := httpClient("ledger").Do(req)
	if err != nil {
		return fmt.Errorf("list participants: reach the ledger: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil || resp.StatusCode != http.StatusOK {
		return later("list participants", "the ledger answers "+resp.Status, "try again")
	}
	if err := json.Unmarshal(body, page); err != nil {
		return caught("list participants", err, "tell those who run the ledger")
	}
	return nil
}
