package parties

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/ledger/witness"
	"github.com/countersign-health/countersign/store/sqldb"
)

// Origin is the name of the development ledger.
const Origin = "ledger.countersign.example"

// quorum of the four witnesses: 2k-n = 2, so that one lying witness cannot make
// two histories final.
const quorum = 3

// admission is how many of the four founders let a participant in.
const admission = 3

// A witnessHouse is a witness that somebody runs.
type witnessHouse struct {
	name string
	url  string
}

func witnessName(party string) string { return "witness." + party + ".example" }

// Party is how the ledger knows a party.
func (n *Network) Party(name string) ledger.Party {
	p := ledger.Party{DID: n.DIDs[name], Name: name, Role: role(name)}
	if name == Board {
		p.Jurisdiction = n.Jurisdictions[0]
	} else if state, ok := strings.CutPrefix(name, Board+"-"); ok {
		p.Role, p.Jurisdiction = ledger.RoleBoard, strings.ToUpper(state)
	}
	pub, err := credentials.KeyFromDIDKey(p.DID)
	if err == nil {
		p.Key = credentials.EncodeMultikey(pub)
	}
	return p
}

func role(name string) ledger.Role {
	return ledger.Role(name) // the parties are named for what they are
}

// startLedger founds the ledger, or opens it, with its witnesses: they know
// the log before its first entry.
func (n *Network) startLedger(ctx context.Context) error {
	signerKey, logKey, err := logKeys(n.keys.log)
	if err != nil {
		return err
	}
	urls := map[string]string{}
	var keys []string
	for i, party := range founders {
		key, err := n.startWitness(ctx, party, n.keys.witnesses[i], logKey)
		if err != nil {
			return fmt.Errorf("witness of %s: %w", party, err)
		}
		keys = append(keys, key)
		urls[n.witness[i].name] = n.witness[i].url
	}
	if err := n.found(logKey, keys); err != nil {
		return err
	}
	db, err := n.openDB(ctx, "ledger", "ledger.db")
	if err != nil {
		return err
	}
	n.operator, err = operator.Open(ctx, operator.Config{
		DB: db, Genesis: n.Genesis, Key: signerKey, Witnesses: urls, Logger: n.log.With("party", "ledger"),
	})
	if err != nil {
		return err
	}
	n.onStop(func() error { n.operator.Close(); return nil })
	n.LedgerURL, err = n.serve("ledger", n.operator.Handler())
	return err
}

func logKeys(key ed25519.PrivateKey) (note.Signer, string, error) {
	skey, vkey, err := note.GenerateKey(seedReader{key.Seed()}, Origin)
	if err != nil {
		return nil, "", err
	}
	s, err := note.NewSigner(skey)
	return s, vkey, err
}

// seedReader makes note.GenerateKey take the key that is kept.
type seedReader struct{ seed []byte }

func (r seedReader) Read(p []byte) (int, error) { return copy(p, r.seed), nil }

func (n *Network) startWitness(ctx context.Context, party string, key ed25519.PrivateKey, logKey string) (string, error) {
	db, err := n.openDB(ctx, "witness-"+party, "witness.db")
	if err != nil {
		return "", err
	}
	w, err := witness.New(ctx, db, witnessName(party), key, witness.Log{Origin: Origin, Keys: []string{logKey}})
	if err != nil {
		return "", err
	}
	url, err := n.serve("witness-"+party, http.Handler(w))
	n.witness = append(n.witness, witnessHouse{witnessName(party), url})
	return w.Key(), err
}

// found has the founders sign leaf 0, once.
func (n *Network) found(logKey string, witnesses []string) error {
	path := filepath.Join(n.Dir, "ledger", "genesis.entry")
	leaf, err := os.ReadFile(path)
	if err != nil {
		g := ledger.Genesis{Origin: Origin, LogKey: logKey, Witnesses: witnesses, Quorum: quorum, Admission: admission, Created: time.Now()}
		var signers []credentials.Signer
		for _, party := range founders {
			g.Founders = append(g.Founders, n.Party(party))
			signers = append(signers, n.keys.party[party])
		}
		if leaf, err = ledger.NewGenesis(g, signers...); err != nil {
			return err
		}
		if err := os.WriteFile(path, leaf, 0o600); err != nil {
			return err
		}
	}
	g, err := ledger.ParseGenesis(leaf)
	if err != nil {
		return err
	}
	n.Genesis = leaf
	n.Trust = ledger.Trust{Origin: Origin, Genesis: g.Digest()}
	if n.Policy, err = g.Policy(); err != nil {
		return err
	}
	text, err := n.Trust.Marshal()
	if err != nil {
		return err
	}
	return os.WriteFile(n.TrustFile(), text, 0o644)
}

func (n *Network) openDB(ctx context.Context, party, file string) (*sqldb.DB, error) {
	dir := filepath.Join(n.Dir, party)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	db, err := sqldb.Open(ctx, "sqlite:"+filepath.Join(dir, file))
	if err == nil {
		n.onStop(db.Close)
	}
	return db, err
}

// LedgerSize is how many entries the ledger has ordered, final or not.
func (n *Network) LedgerSize(ctx context.Context) (int64, error) { return n.operator.Size(ctx) }

// Witnesses is how many countersign.
func (n *Network) Witnesses() int { return len(n.witness) }
