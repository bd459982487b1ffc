package cli

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/aries"
)

func (r *run) keyCommand() *urfave.Command {
	return branch("key", "keys to sign with",
		r.leaf(leaf{
			name: "create", usage: "make a key and its DID", args: "NAME", min: 1, max: 1,
			about: "The key is kept in the key store (--keys), sealed under a passphrase, and never shown. A new store\nasks for its passphrase twice; nobody can recover it. Have the DID admitted to the ledger, and give\nit to those who are to know you by it. With --pkcs11, a hardware security module makes the key under the\nlabel NAME, and never hands it out.\n\n" +
				"With --web the party goes by the did:web of its own address, such as https://board.example, and not by its first\nkey's did:key. Which keys it has, the ledger says; the house's door serves the document with the same keys.",
			flags: append(append(storeFlags(), moduleFlags()...),
				&urfave.StringFlag{Name: "web", Usage: "the party's `ADDRESS`, https://HOST, or its did:web"}),
			do: r.keyCreate,
		}),
		r.leaf(leaf{name: "list", usage: "list the keys by name, and those that they followed", flags: append(storeFlags(), moduleFlags()...), do: r.keyList}),
		r.leaf(leaf{
			name: "export-public", usage: "write the public side of a key", args: "[NAME]", max: 1,
			about: "Forms: did, keyid, multikey (W3C Multikey), jwk (RFC 8037), pem (SubjectPublicKeyInfo). With --all, the\nkeys before it too, newest first (a module does not keep their order); pem and multikey then say nothing of\nwhich is which.",
			flags: append(append(storeFlags(), moduleFlags()...),
				&urfave.StringFlag{Name: "as", Usage: "write it as `FORM`", Value: "did"},
				&urfave.BoolFlag{Name: "all", Usage: "also the keys that it followed", DisableDefaultText: true},
				outFlag("write it to `FILE`, which must not be there yet")),
			do: r.keyExport,
		}),
		r.leaf(leaf{
			name: "rotate", usage: "replace a key that the ledger knows by a new one of the same party", args: "NAME", min: 1, max: 1,
			about: "It makes the next key, records on the ledger that the old one has given way to it, and signs with\nthe new one from then on. The DID stays. What the old key signed before holds for ever; the ledger and\neveryone who reads it refuse what it signs later. Start whatever signs with it again. Doing it again after\nit was cut off goes on where it stopped.",
			flags: ledgerFlags(append(append(storeFlags(), moduleFlags()...), waitFlag(), outFlag("write the entry and its receipt into `DIR`"))...), do: r.keyRotate,
		}),
		r.leaf(leaf{
			name: "compromised", usage: "declare on the ledger that a key of your party was stolen", args: "NAME", min: 1, max: 1,
			about: "What the key signed at that place on the ledger or behind it is void for everyone, what it signed before\nstands. NAME is the key of today, which says it of the one before it (or of --bad KEYID): replace the stolen key\nfirst (countersign key rotate). Where the thief was faster, or has the key still, ask the founders (--ask-founders), who\nput a new key in its place. It cannot be taken back: look at it with --dry-run before. An earlier place can be\nadded later. docs/keys.md has the steps of that day.",
			flags: ledgerFlags(append(append(storeFlags(), moduleFlags()...),
				&urfave.Int64Flag{Name: "from", Usage: "the first void place is entry `INDEX`"},
				&urfave.StringFlag{Name: "since", Usage: "the first void place is what became known first on this `DATE` (UTC), or at an instant"},
				&urfave.StringFlag{Name: "bad", Usage: "the stolen key's `KEYID`"},
				&urfave.BoolFlag{Name: "dry-run", Usage: "show what it would hit, and change nothing", DisableDefaultText: true},
				&urfave.StringFlag{Name: "ask-founders", Usage: "make the next key, and write what the founders are to approve to `FILE`"},
				&urfave.StringFlag{Name: "declaration", Usage: "the `FILE` that the founders have approved"},
				manyFlag("approval", "a founder's approval `FILE`; once for each"),
				waitFlag(), outFlag("write the entry and its receipt into `DIR`"))...), do: r.keyCompromised,
		}),
		r.leaf(leaf{
			name: "passphrase", usage: "seal the key store under a new passphrase",
			about: "Also seals a store that was made before key stores were sealed. The keys stay the same: where somebody\nmay have had the folder and the old passphrase, have the keys themselves replaced.",
			flags: append(storeFlags(),
				&urfave.StringFlag{Name: "new-passphrase-file", Usage: "the new passphrase is the one line of `FILE`; asked twice where there is none"}),
			do: r.keyPassphrase,
		}),
	)
}

// A keyRow is what may be seen of a key.
type keyRow struct {
	Name    string          `json:"name"`
	DID     credentials.DID `json:"did"`
	KeyID   string          `json:"keyId"`
	Created *time.Time      `json:"created,omitempty"`
	Retired *time.Time      `json:"retired,omitempty"`
	Store   string          `json:"store,omitempty"`
	State   string          `json:"state,omitempty"` // of a key in a module: signs, next, retired
	Label   string          `json:"label,omitempty"` // on the token
}

func (r *run) keyCreate(c *urfave.Context) error {
	name := c.Args().First()
	s, err := r.makeKey(c, name)
	if err != nil {
		return err
	}
	if c.String("web") != "" && !r.json {
		defer fmt.Fprintln(r.Out, "Nobody knows whose key this is before the ledger does: countersign network party.")
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

func (r *run) makeKey(c *urfave.Context, name string) (credentials.Signer, error) {
	web, err := webFlag(c)
	if err != nil {
		return nil, err
	}
	if inModule(c) && web != "" {
		return nil, refused(commandName(c), "--web: a key in a module is made under its own did:key", "make the key of a did:web in a key store")
	}
	if inModule(c) {
		return r.moduleCreate(c, name)
	}
	store, err := r.keyStore(c, true)
	if err != nil {
		return nil, err
	}
	var s credentials.Signer
	if web != "" {
		s, err = store.CreateUnder(name, web)
	} else {
		s, err = store.Create(name)
	}
	if err != nil {
		return nil, refused("key", err.Error(), "choose another name, or use the key that is there")
	}
	return s, nil
}

// webFlag is the did:web that --web names by itself or by its address; by http
// only on this machine.
func webFlag(c *urfave.Context) (did credentials.DID, err error) {
	text := c.String("web")
	if text == "" {
		return "", nil
	}
	if strings.HasPrefix(text, "did:") {
		did, err = credentials.ParseDID(text)
	} else {
		did, err = credentials.WebDID(text)
	}
	document := ""
	if err == nil {
		document, err = credentials.WebDocument(did, true)
	}
	if err == nil && strings.HasPrefix(text, "http:") && strings.HasPrefix(document, "https:") {
		err = errors.New("a did:web is read by https alone")
	}
	if err != nil {
		return "", refused(commandName(c), "--web: "+err.Error(), "give the address of your door, such as https://board.example")
	}
	return did, nil
}

func (r *run) keyList(c *urfave.Context) error {
	if inModule(c) {
		return r.moduleList(c)
	}
	store, err := r.keyStore(c, false)
	if err != nil {
		return err
	}
	all, err := store.List()
	if err != nil {
		return refused("list keys", err.Error(), "")
	}
	kind := "file, sealed"
	if !store.Sealed() {
		kind = "file, not sealed"
	}
	rows := []keyRow{}
	t := table{head: []string{"key", "made", "retired", "store", "key id"}}
	for _, k := range all {
		for _, v := range append([]aries.Version{k.Version}, k.Past...) {
			did, _, err := credentials.ParseKeyID(v.KeyID)
			if err != nil {
				return refused("list keys", err.Error(), "")
			}
			retired := ""
			if v.Retired != nil {
				retired = v.Retired.Format(time.DateOnly)
			}
			rows = append(rows, keyRow{Name: k.Name, DID: did, KeyID: v.KeyID, Created: &v.Created, Retired: v.Retired, Store: kind})
			t.add(k.Name, v.Created.Format(time.DateOnly), retired, kind, v.KeyID)
		}
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

func (r *run) keyExport(c *urfave.Context) error {
	name, kids, err := r.keyIDs(c, c.Args().First())
	if err != nil {
		return err
	}
	var text []byte
	for _, kid := range kids {
		b, err := exportAs(c.String("as"), kid)
		if err != nil {
			return err
		}
		text = append(text, b...)
	}
	if out := c.String("out"); out != "" {
		return place(map[string][]byte{out: text})
	}
	if r.json {
		return r.print(map[string]any{"name": name, "form": c.String("as"), "public": string(text)})
	}
	_, err = r.Out.Write(text)
	return err
}

// keyIDs are the id of a key and, with --all, of those that it followed.
func (r *run) keyIDs(c *urfave.Context, name string) (string, []string, error) {
	if inModule(c) {
		s, err := r.moduleSigner(c, name, "say which: countersign key export-public LABEL")
		if err != nil {
			return "", nil, err
		}
		kids := []string{s.KeyID()}
		if c.Bool("all") {
			past, err := r.modulePast(c, name)
			if err != nil {
				return "", nil, err
			}
			kids = append(kids, past...)
		}
		return name, kids, nil
	}
	store, err := r.keyStore(c, false)
	if err != nil {
		return "", nil, err
	}
	if name, err = onlyKey(store, name, "say which: countersign key export-public NAME"); err != nil {
		return "", nil, err
	}
	k, err := store.Key(name)
	if err != nil {
		return "", nil, refused("open keys", err.Error(), "see countersign key list")
	}
	kids := []string{k.KeyID}
	if c.Bool("all") {
		for _, v := range k.Past {
			kids = append(kids, v.KeyID)
		}
	}
	return name, kids, nil
}

// exportAs is the key of a key id as others want to read it.
func exportAs(form, kid string) ([]byte, error) {
	did, fragment, err := credentials.ParseKeyID(kid)
	var pub ed25519.PublicKey
	if err == nil {
		pub, err = credentials.ParseMultikey(fragment)
	}
	if err != nil {
		return nil, fmt.Errorf("export key: %w", err)
	}
	switch form {
	case "did":
		return []byte(string(did) + "\n"), nil
	case "keyid":
		return []byte(kid + "\n"), nil
	case "multikey":
		return []byte(fragment + "\n"), nil
	case "jwk":
		b, err := credentials.CanonicalJSON(map[string]string{
			"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(pub), "kid": kid, "use": "sig", "alg": "EdDSA",
		})
		return append(b, '\n'), err
	case "pem":
		der, err := x509.MarshalPKIXPublicKey(pub)
		return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), err
	}
	return nil, refused("export key", fmt.Sprintf("there is no form %q", form), "use did, keyid, multikey, jwk or pem")
}

// checkURL refuses an address that no request could go to.
func checkURL(c *urfave.Context, flag, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return refused(commandName(c), "--"+flag+" is not an http(s) address", "write it as https://host")
	}
	return nil
}
