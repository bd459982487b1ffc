package cli

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/torchwood"
	urfave "github.com/urfave/cli/v2"
	signednote "golang.org/x/mod/sumdb/note"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
)

func (r *run) networkCommand() *urfave.Command {
	text := func(name, usage string) urfave.Flag { return &urfave.StringFlag{Name: name, Usage: usage} }
	number := func(name, usage string) urfave.Flag { return &urfave.IntFlag{Name: name, Usage: usage} }
	approvalFlag := func() urfave.Flag { return manyFlag("approval", "a founder's approval `FILE`; once for each") }
	return branch("network", "found a ledger, and let newcomers in",
		r.leaf(leaf{
			name: "party", usage: "describe yourself to the founders, by your key",
			about: "The file holds nothing secret. ROLE is one of " + roles + ".",
			flags: append(keyFlags(), text("name", "`NAME` of the organization"), text("role", "the `ROLE`"),
				text("jurisdiction", "two letters of a board's `STATE`"), outFlag("write it to `FILE`")),
			do: r.networkParty,
		}),
		branch("keys", "make the key of a ledger's log, or of a witness",
			r.keysLeaf("ledger", "log", "make the key that signs for the log", "the ledger's `NAME` (origin), which it keeps for ever", logVerifierKey),
			r.keysLeaf("witness", "witness", "make the key that a witness countersigns with", "the witness's `NAME`, which it keeps for ever", witnessVerifierKey)),
		r.leaf(leaf{
			name: "draft", usage: "write the founding document that all founders are to sign",
			about: "It changes nothing yet. The founder named first signs leaf 0 in the end (network init).",
			flags: []urfave.Flag{text("origin", "the ledger's `NAME`"), text("log-key", "the log's `VKEY` (network keys ledger)"),
				manyFlag("witness", "a witness's `VKEY` (network keys witness); once for each"),
				number("quorum", "`K` witnesses make an entry final; of N, 2K-N has to be 2 or more"),
				manyFlag("founder", "a founder's party `FILE`; once for each"),
				number("admission", "`N` founders let a newcomer in; more than half of them"), outFlag("write it to `FILE`")},
			do: r.networkDraft,
		}),
		r.leaf(leaf{
			name: "sign", usage: "approve a founding document, as one of its founders", args: "DRAFT", min: 1, max: 1,
			about: "Read it before: countersign network show DRAFT.",
			flags: append(keyFlags(), outFlag("write the approval to `FILE`; by itself genesis.approval-N.json beside the draft")),
			do:    r.networkSign,
		}),
		r.leaf(leaf{
			name: "init", usage: "make leaf 0 out of the draft and every founder's approval, as the first founder", args: "DRAFT", min: 1, max: 1,
			about: "Everybody pins the digest that it prints: read it out to each other, do not send it along.",
			flags: append(keyFlags(), approvalFlag(), outFlag("write leaf 0 to `FILE`"),
				text("trust", "write the trust file to `FILE`")), // not from COUNTERSIGN_TRUST, which is read elsewhere
			do: r.networkInit,
		}),
		r.leaf(leaf{
			name: "show", usage: "show who founded a ledger, who witnesses it, and its digest", args: "[FILE]", max: 1,
			about: "FILE is leaf 0 (genesis.entry), or a draft. Without it, the ledger (--ledger) is asked.\nWith --trust, leaf 0 has to be the one that is pinned there.",
			flags: ledgerFlags(), do: r.networkShow,
		}),
		r.leaf(leaf{
			name: "find", usage: "look a house up by its web address, and hold what it says against the ledger", args: "ADDRESS|DID", min: 1, max: 1,
			about: "ADDRESS is that of its door, DID its did:web. It shows the DID under which the ledger let the house in, if\nthe house's own document names that key and no other; the ledger is right where the two differ.",
			flags: ledgerFlags(&urfave.BoolFlag{Name: "loopback", Usage: "ask this machine, by plain HTTP: for demonstrations", DisableDefaultText: true}),
			do:    r.networkFind,
		}),
		r.leaf(leaf{
			name: "approve", usage: "approve that a newcomer be let in, as a founder", args: "PARTY", min: 1, max: 1,
			about: "Make sure by another way that the DID is the newcomer's: nobody is ever put out again. With\n--ledger it is checked that you are a founder and that the newcomer is new.",
			flags: ledgerFlags(append(keyFlags(), outFlag("write the approval to `FILE`"))...),
			do:    r.networkApprove,
		}),
		r.leaf(leaf{
			name: "approve-compromise", usage: "approve that a party's key is bad and another follows, as a founder", args: "FILE", min: 1, max: 1,
			about: "Make sure by another way that the party asks for it, and that the key that follows is its own: it is what\ntakes the party over. The party has no voice in it, even if it is a founder.",
			flags: ledgerFlags(append(keyFlags(), outFlag("write the approval to `FILE`"))...),
			do:    r.networkApproveCompromise,
		}),
		r.leaf(leaf{
			name: "join", usage: "join a ledger with the founders' approvals, as the newcomer", args: "PARTY", min: 1, max: 1,
			about: "Doing it twice joins once.",
			flags: ledgerFlags(append(keyFlags(), approvalFlag(),
				waitFlag(),
				outFlag("write the entry and its receipt into `DIR`"))...),
			do: r.networkJoin,
		}),
	)
}

func waitFlag() urfave.Flag {
	return &urfave.DurationFlag{Name: "wait", Usage: "wait for the ledger's receipt at most `DURATION`", Value: 30 * time.Second}
}

// many is a flag that is given several times. The library's own splits at
// commas, which may stand in the name of a file.
type many []string

func (m *many) Set(s string) error { *m = append(*m, s); return nil }
func (m *many) String() string     { return strings.Join(*m, " ") }

func manyFlag(name, usage string) urfave.Flag {
	return &urfave.GenericFlag{Name: name, Usage: usage, Value: &many{}}
}

func manyOf(c *urfave.Context, name string) []string {
	if m, ok := c.Generic(name).(*many); ok {
		return *m
	}
	return nil
}

// firstKey is the key by which a party is let in: that of its did:key, or the one
// that its key id names where the party goes by a did:web.
func firstKey(did credentials.DID, kid string) (ed25519.PublicKey, error) {
	_, multikey, err := credentials.ParseKeyID(kid)
	if err == nil && strings.HasPrefix(string(did), "did:web:") {
		return credentials.ParseMultikey(multikey)
	}
	if err != nil {
		return nil, err
	}
	return credentials.KeyFromDIDKey(did)
}

func (r *run) networkParty(c *urfave.Context) error {
	name, err := given(c, "name", "")
	if err != nil {
		return err
	}
	role, err := given(c, "role", "")
	if err != nil {
		return err
	}
	out, err := given(c, "out", "")
	if err != nil {
		return err
	}
	s, err := r.signer(c)
	if err != nil {
		return err
	}
	did, err := credentials.SignerDID(s)
	if err != nil {
		return fmt.Errorf("describe party: %w", err)
	}
	pub, err := firstKey(did, s.KeyID())
	if err != nil {
		return refused(commandName(c), err.Error(), "use a key that is its own DID (countersign key create)")
	}
	p := ledger.Party{DID: did, Name: name, Role: ledger.Role(role), Jurisdiction: c.String("jurisdiction"), Key: credentials.EncodeMultikey(pub)}
	if p.Kid() != s.KeyID() {
		p.KeyID = s.KeyID()
	}
	if err := checkParty(p); err != nil {
		return refused(commandName(c), err.Error(), "see countersign network party --help")
	}
	body, err := document(partyFile{partySchema, p})
	if err != nil {
		return err
	}
	if err := place(map[string][]byte{out: body}); err != nil {
		return err
	}
	if r.json {
		return r.print(map[string]any{"party": p, "file": out})
	}
	_, err = fmt.Fprintf(r.Out, "party  %s, %s\nDID    %s\nfile   %s\n", oneLine(p.Name), p.Role, p.DID, out)
	return err
}

func (r *run) keysLeaf(name, file, usage, nameUsage string, verifier func(string, ed25519.PrivateKey) (string, error)) *urfave.Command {
	return r.leaf(leaf{
		name: name, usage: usage,
		about: "The key is " + file + ".key, 32 bytes that only you can read and that are never shown or replaced.\nThe verifier key, which it prints and keeps in " + file + ".vkey, is for everybody.",
		flags: []urfave.Flag{&urfave.StringFlag{Name: "name", Usage: nameUsage}, outFlag("write both files into `DIR`")},
		do:    func(c *urfave.Context) error { return r.networkKeys(c, file, verifier) },
	})
}

func (r *run) networkKeys(c *urfave.Context, file string, verifier func(string, ed25519.PrivateKey) (string, error)) error {
	name, err := given(c, "name", "")
	if err != nil {
		return err
	}
	dir, err := given(c, "out", "")
	if err != nil {
		return err
	}
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed) // never fails (crypto/rand)
	vkey, err := verifier(name, ed25519.NewKeyFromSeed(seed))
	if err == nil && !plain(name, 255) {
		err = fmt.Errorf("not plain text of at most 255 bytes")
	}
	if err != nil {
		return refused(commandName(c), fmt.Sprintf("the name %q will not do: %v", oneLine(name), err), "use one without spaces and +, such as ledger.example")
	}
	secret, public := filepath.Join(dir, file+".key"), filepath.Join(dir, file+".vkey")
	for _, path := range []string{secret, public} {
		if exists(path) {
			return refused(path, "is there already", "keep it, or choose another folder; no key is ever replaced")
		}
	}
	if err := createSecret(secret, seed); err != nil {
		return err
	}
	if err := place(map[string][]byte{public: []byte(vkey + "\n")}); err != nil {
		return err
	}
	if r.json {
		return r.print(map[string]any{"name": name, "verifierKey": vkey, "key": secret, "file": public})
	}
	_, err = fmt.Fprintf(r.Out, "key           %s (secret)\nverifier key  %s\n", secret, vkey)
	return err
}

// logVerifierKey is the verifier key of a log (c2sp.org/signed-note), as the
// operator of the ledger computes it.
func logVerifierKey(origin string, key ed25519.PrivateKey) (string, error) {
	vkey, err := signednote.NewEd25519VerifierKey(origin, key.Public().(ed25519.PublicKey))
	if err == nil {
		_, err = signednote.NewVerifier(vkey) // which looks at the name too
	}
	return vkey, err
}

// witnessVerifierKey is the verifier key of a witness
// (c2sp.org/tlog-cosignature), as the witness computes it.
func witnessVerifierKey(name string, key ed25519.PrivateKey) (string, error) {
	s, err := torchwood.NewCosignatureSigner(name, key)
	if err != nil {
		return "", err
	}
	return s.Verifier().String(), nil
}
