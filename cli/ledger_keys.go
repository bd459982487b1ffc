package cli

import (
	"context"
	"fmt"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

// A keyLife is a participant's key over time: the entries that say so, and when
// those became known.
type keyLife struct {
	KeyID     string                `json:"keyId"`
	Algorithm credentials.Algorithm `json:"algorithm"`
	NotBefore moment                `json:"notBefore"` // the entry that let it in; 0 for a founder's first
	RetiredAt *moment               `json:"retiredAt,omitempty"`
	BadFrom   *moment               `json:"badFrom,omitempty"`
	Declared  *moment               `json:"declared,omitempty"` // that it is bad
	Founders  bool                  `json:"byFounders,omitempty"`
}

// A moment is a place on the ledger and when it became known.
type moment struct {
	Index int64     `json:"index"`
	Known time.Time `json:"known"`
}

func (m *moment) String() string {
	if m == nil {
		return ""
	}
	return fmt.Sprintf("entry %d, %s", m.Index, m.Known.Format(time.DateOnly))
}

// ledgerKeys shows which keys a participant has had, and from where to where.
func (r *run) ledgerKeys(c *urfave.Context) error {
	l, err := r.ledger(c)
	if err != nil {
		return err
	}
	f := finding{reader: l}
	if err := f.participants(c.Context); err != nil {
		return err
	}
	did, err := f.party(c, c.Args().First())
	if err != nil {
		return err
	}
	party, err := f.registry.PartyOf(did)
	if err != nil {
		return err
	}
	keys, err := f.registry.Keys(did)
	if err != nil {
		return err
	}
	lives := []keyLife{}
	for _, k := range keys {
		life, err := l.life(c.Context, k)
		if err != nil {
			return err
		}
		lives = append(lives, life)
	}
	if r.json {
		return r.print(map[string]any{"did": did, "name": party.Name, "role": party.Role, "keys": lives})
	}
	t := table{head: []string{"algorithm", "not before", "retired", "bad from", "key id"}}
	for _, k := range lives {
		t.add(string(k.Algorithm), k.NotBefore.String(), k.RetiredAt.String(), k.BadFrom.String(), k.KeyID)
	}
	fmt.Fprintf(r.Out, "%s, %s\n", oneLine(party.Name), party.Role)
	if err := t.write(r.Out); err != nil {
		return err
	}
	for _, k := range lives {
		if k.Declared != nil {
			fmt.Fprintf(r.Out, "%s was declared bad by %s (%s)\n", k.KeyID, map[bool]string{true: "the founders", false: "its party"}[k.Founders], k.Declared)
		}
	}
	return nil
}

func (l *reader) life(ctx context.Context, k ledger.PartyKey) (life keyLife, err error) {
	life = keyLife{KeyID: k.KeyID, Algorithm: k.Key.Algorithm(), NotBefore: moment{Known: l.genesis.Created}, Founders: k.Founders}
	for _, x := range []struct {
		index int64
		set   func(*moment)
	}{
		{int64(k.Key.Since), func(m *moment) { life.NotBefore = *m }},
		{int64(k.Key.Until), func(m *moment) { life.RetiredAt = m }},
		{int64(k.Key.BadFrom), func(m *moment) { life.BadFrom = m }},
		{k.Declared, func(m *moment) { life.Declared = m }},
	} {
		if x.index == 0 {
			continue
		}
		p, err := l.Entry(ctx, x.index)
		if err != nil {
			return life, err
		}
		x.set(&moment{x.index, p.Proof.Known})
	}
	return life, nil
}
