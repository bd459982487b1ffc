package cli

import (
	"fmt"
	"net/url"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
)

func (r *run) keyCommand() *urfave.Command {
	return branch("key", "keys to sign with",
		r.leaf(leaf{
			name: "create", usage: "make a key and its DID", args: "NAME", min: 1, max: 1,
			about: "The key is kept in the key store (--keys) and never shown. Have the DID admitted to the\nledger, and give it to those who are to know you by it.",
			flags: keyFlags()[:1], do: r.keyCreate,
		}),
		r.leaf(leaf{name: "list", usage: "list the keys by name", flags: keyFlags()[:1], do: r.keyList}),
	)
}

// A keyRow is what may be seen of a key.
type keyRow struct {
	Name    string          `json:"name"`
	DID     credentials.DID `json:"did"`
	KeyID   string          `json:"keyId"`
	Created *time.Time      `json:"created,omitempty"`
}

func (r *run) keyCreate(c *urfave.Context) error {
	store, err := keyStore(c, true)
	if err != nil {
		return err
	}
	name := c.Args().First()
	s, err := store.Create(name)
	if err != nil {
		return refused("key", err.Error(), "choose another name, or use the key that is there")
	}
	did, err := credentials.SignerDID(s)
	if err != nil {
		return fmt.Errorf("create key: %w", err)
	}
	if r.json {
		return r.print(keyRow{Name: name, DID: did, KeyID: s.KeyID()})
	}
	fmt.Fprintf(r.Out, "key     %s\nDID     %s\nkey id  %s\n", name, did, s.KeyID())
	return nil
}

func (r *run) keyList(c *urfave.Context) error {
	store, err := keyStore(c, false)
	if err != nil {
		return err
	}
	all, err := store.List()
	if err != nil {
		return refused("list keys", err.Error(), "")
	}
	rows := []keyRow{}
	t := table{head: []string{"key", "made", "DID"}}
	for _, k := range all {
		did, _, err := credentials.ParseKeyID(k.KeyID)
		if err != nil {
			return refused("list keys", err.Error(), "")
		}
		rows = append(rows, keyRow{k.Name, did, k.KeyID, &k.Created})
		t.add(k.Name, k.Created.Format(time.DateOnly), string(did))
	}
	if r.json {
		return r.print(map[string]any{"keys": rows})
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintln(r.Out, "no keys yet; make one with countersign key create NAME")
		return err
	}
	return t.write(r.Out)
}

// checkURL refuses an address that no request could go to.
func checkURL(c *urfave.Context, flag, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return refused(commandName(c), "--"+flag+" is not an http(s) address", "write it as https://host")
	}
	return nil
}
