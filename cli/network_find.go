package cli

import (
	"fmt"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	board "github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/aries"
	"github.com/countersign-health/countersign/ledger"
)

// networkFind looks a house up by its web address. The web says where it is,
// the ledger who it is: what the two say has to agree.
func (r *run) networkFind(c *urfave.Context) error {
	arg := c.Args().First()
	web, err := credentials.DID(arg), error(nil)
	if !strings.HasPrefix(arg, "did:") {
		web, err = credentials.WebDID(arg)
	} else if !strings.HasPrefix(arg, "did:web:") {
		err = fmt.Errorf("%q is no did:web", oneLine(arg))
	}
	if err != nil {
		return refused(commandName(c), err.Error(), "give the address of its door, or its did:web")
	}
	l, err := r.ledger(c)
	if err != nil {
		return err
	}
	var options []aries.Option
	if c.Bool("loopback") {
		options = append(options, aries.AllowLoopback())
	}
	doc, err := aries.NewResolver(options...).Document(web)
	if err != nil {
		return later(commandName(c), oneLine(err.Error()), "check the address; the house may have no did:web document")
	}
	registry, err := l.registry(c.Context)
	if err != nil {
		return err
	}
	p, err := vouched(doc, registry)
	if err != nil {
		return caught(string(web), err, "believe the ledger, and ask the house by another way")
	}
	door := doc.Services[board.ServiceDoor]
	if r.json {
		return r.print(map[string]any{"web": web, "party": p, "door": door, "services": doc.Services})
	}
	_, err = fmt.Fprintf(r.Out, "party  %s, %s\nDID    %s\nweb    %s\n", oneLine(p.Name), strings.TrimSpace(string(p.Role)+" "+p.Jurisdiction), p.DID, web)
	if err == nil && door != "" {
		_, err = fmt.Fprintf(r.Out, "door   %s\n", oneLine(door))
	}
	return err
}

// vouched is the participant of the ledger that a document is about. The ledger
// says which keys were the participant's, and when: the document may name those
// alone, none that was declared bad, and has to name the one of today.
func vouched(doc *credentials.DIDDocument, registry *ledger.Registry) (p ledger.Party, err error) {
	for _, did := range append([]credentials.DID{doc.DID}, doc.AlsoKnown...) {
		if p, err = registry.PartyOf(did); err == nil {
			break
		}
	}
	if err != nil {
		return p, fmt.Errorf("the ledger has let nobody in under the names in its document")
	}
	keys, err := registry.Keys(p.DID)
	if err != nil {
		return p, err
	}
	if len(doc.Keys) == 0 {
		return p, fmt.Errorf("its document names no key, and the ledger has one of %s", oneLine(p.Name))
	}
	current := false
	for kid, pub := range doc.Keys {
		i := slices.IndexFunc(keys, func(k ledger.PartyKey) bool { return k.Key.Equal(pub) })
		switch {
		case i < 0:
			return p, fmt.Errorf("its document names the key %s, which on the ledger is not the key of %s", oneLine(kid), oneLine(p.Name))
		case keys[i].Key.BadFrom != 0:
			return p, fmt.Errorf("its document names the key %s, which on the ledger is bad from entry %d on", oneLine(kid), keys[i].Key.BadFrom)
		case doc.DID == p.DID && kid != keys[i].KeyID:
			return p, fmt.Errorf("its document names the key %s, which on the ledger is %s", oneLine(kid), keys[i].KeyID)
		}
		current = current || keys[i].KeyID == p.Kid()
	}
	if !current {
		return p, fmt.Errorf("its document does not name the key that %s signs with now", oneLine(p.Name))
	}
	return p, nil
}
