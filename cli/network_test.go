package cli

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/aries"
	"github.com/countersign-health/countersign/ledger"
	ledgerclient "github.com/countersign-health/countersign/ledger/client"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/operator"
	"github.com/countersign-health/countersign/ledger/witness"
	"github.com/countersign-health/countersign/store/sqldb"
)

// The script founds a ledger from nothing and starts it, so that it needs more
// than TestScripts has: serve, witnesses, forge.
func TestNetwork(t *testing.T) { testscript.Run(t, foundingScripts("testdata/network")) }

func foundingScripts(dir string) testscript.Params {
	var away atomic.Bool // the witnesses
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":     func(ts *testscript.TestScript, _ bool, args []string) { serveFounded(ts, &away, args[0]) },
			"witnesses": func(_ *testscript.TestScript, _ bool, args []string) { away.Store(args[0] == "away") },
			"forge":     forge,
			"record":    record,
		},
	}
}

// serveFounded starts a ledger on leaf 0 out of dir, with the keys that network
// keys made there: log.key, and a witness.key in each folder of a founder.
func serveFounded(ts *testscript.TestScript, away *atomic.Bool, dir string) {
	at := func(path ...string) string { return ts.MkAbs(filepath.Join(append([]string{dir}, path...)...)) }
	key := func(path string) ed25519.PrivateKey {
		info, err := os.Stat(path)
		ts.Check(err)
		if info.Mode().Perm() != 0o600 || info.Size() != ed25519.SeedSize {
			ts.Fatalf("%s: got %v and %d bytes, want a seed that only the owner reads", path, info.Mode(), info.Size())
		}
		seed, err := os.ReadFile(path)
		ts.Check(err)
		return ed25519.NewKeyFromSeed(seed)
	}
	open := func(name string) *sqldb.DB {
		db, err := sqldb.Open(context.Background(), "sqlite:"+at(name))
		ts.Check(err)
		ts.Defer(func() { db.Close() })
		return db
	}
	leaf, err := os.ReadFile(at("genesis.entry"))
	ts.Check(err)
	g, err := ledger.ParseGenesis(leaf)
	ts.Check(err)
	signer, _, err := operator.NewKey(g.Origin, key(at("log.key")))
	ts.Check(err)
	urls := map[string]string{}
	for _, p := range g.Founders {
		name := "witness." + p.Name + ".example"
		w, err := witness.New(context.Background(), open(p.Name+".db"), name, key(ts.MkAbs(founderFile(ts, dir, p.Name))), witness.Log{Origin: g.Origin, Keys: []string{g.LogKey}})
		ts.Check(err)
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if away.Load() {
				http.Error(rw, "away", http.StatusServiceUnavailable)
				return
			}
			w.ServeHTTP(rw, r)
		}))
		ts.Defer(server.Close)
		urls[name] = server.URL
	}
	log, err := operator.Open(context.Background(), operator.Config{DB: open("ledger.db"), Genesis: leaf, Key: signer, Witnesses: urls})
	ts.Check(err)
	ts.Defer(log.Close)
	server := httptest.NewServer(log.Handler())
	ts.Defer(server.Close)
	ts.Setenv("COUNTERSIGN_LEDGER", server.URL)
}

// founderFile is where a founder's folder lies: beside dir, or in it.
func founderFile(ts *testscript.TestScript, dir, founder string) string {
	if inside := filepath.Join(dir, founder, "witness.key"); exists(ts.MkAbs(inside)) {
		return inside
	}
	return filepath.Join(dir, "..", founder, "witness.key")
}

// record NAME KIND N puts so many entries on the ledger, signed by a key of the
// store that COUNTERSIGN_KEYS names.
func record(ts *testscript.TestScript, _ bool, args []string) {
	store, err := aries.OpenKeyStore(ts.MkAbs(ts.Getenv("COUNTERSIGN_KEYS")), aries.FileLock(ts.Getenv("COUNTERSIGN_PASSPHRASE_FILE")))
	ts.Check(err)
	s, err := store.Signer(args[0])
	ts.Check(err)
	trust, err := ledger.ParseTrust([]byte(ts.ReadFile(ts.Getenv("COUNTERSIGN_TRUST"))))
	ts.Check(err)
	g, err := ledgerclient.Genesis(context.Background(), ts.Getenv("COUNTERSIGN_LEDGER"), trust)
	for end := time.Now().Add(time.Minute); err != nil && time.Now().Before(end); time.Sleep(20 * time.Millisecond) { // it was started just now
		g, err = ledgerclient.Genesis(context.Background(), ts.Getenv("COUNTERSIGN_LEDGER"), trust)
	}
	ts.Check(err)
	policy, err := g.Policy()
	ts.Check(err)
	c := ledgerclient.New(ts.Getenv("COUNTERSIGN_LEDGER"), policy, nil)
	kind, err := ledger.ParseKind(args[1])
	ts.Check(err)
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	for range n {
		e := ledger.Entry{Kind: kind}
		rand.Read(e.Subject[:])
		rand.Read(e.Document[:])
		e, err := e.Sign(s)
		ts.Check(err)
		at, err := c.Append(context.Background(), e.Subject.String(), e)
		ts.Check(err)
		_, _, err = c.Await(context.Background(), at.Index, e.Marshal())
		ts.Check(err)
	}
}

// forge writes the approval of one file under the name of another's founder.
func forge(ts *testscript.TestScript, _ bool, args []string) {
	read := func(path string) (f approvalFile) {
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(path)), &f))
		return f
	}
	f := read(args[0])
	f.Approval.DID = read(args[1]).Approval.DID
	b, err := document(f)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), b, 0o600))
}

// Every command on the page that needs a ledger alone is typed in the script,
// letter for letter. The whole page is typed by cmd/countersign-dev/houses.
func TestJoiningPage(t *testing.T) {
	page, err := os.ReadFile("../docs/joining.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/network/joining.txtar")
	if err != nil {
		t.Fatal(err)
	}
	founding := regexp.MustCompile(`^countersign (key|network|ledger) `)
	n, fenced := 0, false
	for line := range strings.Lines(strings.ReplaceAll(string(page), "\\\n", "")) {
		line = strings.Join(strings.Fields(line), " ")
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case fenced && founding.MatchString(line):
			n++
			if !strings.Contains(string(script), line+"\n") && !strings.Contains(string(script), line+"'\n") {
				t.Errorf("the script does not type: %s", line)
			}
		}
	}
	if n < 10 {
		t.Errorf("got %d commands on the page: is it read rightly?", n)
	}
}

// The verifier keys are those that the operator and the witness will find.
func TestVerifierKeys(t *testing.T) {
	for _, name := range []string{"ledger.example", "ledger.example/test", "witness.board.example", "ü"} {
		for _, seed := range []string{"a", "b"} {
			key := ledgertest.Key(seed)
			_, want, err := operator.NewKey(name, key)
			if got, err2 := logVerifierKey(name, key); got != want || err != nil || err2 != nil {
				t.Errorf("log %s: got %s (%v), want %s (%v)", name, got, err2, want, err)
			}
			want, err = witness.VerifierKey(name, key)
			if got, err2 := witnessVerifierKey(name, key); got != want || err != nil || err2 != nil {
				t.Errorf("witness %s: got %s (%v), want %s (%v)", name, got, err2, want, err)
			}
		}
	}
	for _, name := range []string{"", "a b", "a+b", "a\nb", "\xff"} {
		key := ledgertest.Key("a")
		if got, err := logVerifierKey(name, key); err == nil {
			t.Errorf("log %q: got %s", name, got)
		}
		if got, err := witnessVerifierKey(name, key); err == nil {
			t.Errorf("witness %q: got %s", name, got)
		}
	}
}

// What a draft passes, leaf 0 passes too; and here no key serves twice.
func TestCheckDraft(t *testing.T) {
	draft := func() ledger.Genesis {
		g, _ := ledgertest.Draft()
		g.Schema = draftSchema
		return g
	}
	if err := checkDraft(draft()); err != nil {
		t.Fatal(err)
	}
	serves := func(name string) string { v, _ := witness.VerifierKey("other.example", ledgertest.Key(name)); return v }
	for name, test := range map[string]struct {
		spoil func(*ledger.Genesis)
		want  string
	}{
		"quorum 2 of 4":       {func(g *ledger.Genesis) { g.Quorum = 2 }, "want 2k-n of at least 2"},
		"quorum 2 of 3":       {func(g *ledger.Genesis) { g.Witnesses, g.Quorum = g.Witnesses[:3], 2 }, "want 2k-n of at least 2"},
		"quorum 5 of 4":       {func(g *ledger.Genesis) { g.Quorum = 5 }, "at most all"},
		"witness twice":       {func(g *ledger.Genesis) { g.Witnesses[3] = g.Witnesses[0] }, "twice"},
		"other origin":        {func(g *ledger.Genesis) { g.Origin = "other.example" }, "want the origin"},
		"no origin":           {func(g *ledger.Genesis) { g.Origin = "" }, "the origin is missing"},
		"founder twice":       {func(g *ledger.Genesis) { g.Founders[2] = g.Founders[0] }, "founder 3 (board) has the key of board"},
		"founder as witness":  {func(g *ledger.Genesis) { g.Witnesses[3] = serves("insurer") }, "founder 2 (insurer) has the key of other.example"},
		"founder as log":      {func(g *ledger.Genesis) { g.LogKey, _ = logVerifierKey(g.Origin, ledgertest.Key("board")) }, "has the key of " + ledgertest.Origin},
		"unknown role":        {func(g *ledger.Genesis) { g.Founders[0].Role = "owner" }, `founder 1: "owner" is not a role`},
		"board without state": {func(g *ledger.Genesis) { g.Founders[0].Jurisdiction = "" }, "a board needs its jurisdiction"},
		"key of another":      {func(g *ledger.Genesis) { g.Founders[0].Key = g.Founders[1].Key }, "its key is not the key of its DID"},
		"no name":             {func(g *ledger.Genesis) { g.Founders[0].Name = "" }, "its name is missing"},
		"name of two lines":   {func(g *ledger.Genesis) { g.Founders[0].Name = "a\nb" }, "not plain text"},
		"key id of another":   {func(g *ledger.Genesis) { g.Founders[0].KeyID = g.Founders[1].Kid() }, "belongs to another DID"},
		"admission 1 of 3":    {func(g *ledger.Genesis) { g.Admission = 1 }, "admission by 1 of 3 founders"},
		"admission 4 of 3":    {func(g *ledger.Genesis) { g.Admission = 4 }, "admission by 4 of 3 founders"},
		"signed":              {func(g *ledger.Genesis) { g.Signatures = make([]ledger.Approval, 1) }, "it has signatures"},
	} {
		g := draft()
		test.spoil(&g)
		if err := checkDraft(g); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}

// Files from strangers are read strictly, and name what they are.
func TestDecodeAs(t *testing.T) {
	good, err := document(partyFile{partySchema, ledgertest.Party("insurer", ledger.RoleInsurer)})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ from, to, want string }{
		"as it is":       {"", "", ""},
		"unknown field":  {`"name":`, `"nick": "x", "name":`, "/party/nick"},
		"folded name":    {`"name":`, `"Name":`, "/party/Name"},
		"name twice":     {`"name":`, `"name": "x", "name":`, "twice"},
		"other schema":   {partySchema, foundingSchema, `its schema is "countersign/genesis-approval/1", want "countersign/party/1"`},
		"no schema":      {`"schema": "` + partySchema + `",`, "", "it has no schema"},
		"something else": {"{", "[", "decode JSON"},
		"something more": {"}\n}\n", "}\n}\n{}", "something follows"},
		"cut off":        {"}\n}\n", "}", "ends too early"},
	} {
		body := strings.Replace(string(good), test.from, test.to, 1)
		var f partyFile
		err := decodeAs([]byte(body), partySchema, &f)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}

// Whatever is taken for a draft or a party keeps its digest when it is written
// again: what a founder sees is what is signed.
func FuzzNetworkFiles(f *testing.F) {
	g, _ := ledgertest.Draft()
	g.Schema = draftSchema
	for _, v := range []any{g, partyFile{partySchema, ledgertest.Party("board", ledger.RoleBoard)}} {
		b, err := document(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if g, digest, err := parseDraft("draft", body); err == nil {
			b, err := document(g)
			if err != nil {
				t.Fatal(err)
			}
			if _, again, err := parseDraft("draft", b); err != nil || again != digest {
				t.Errorf("got %s (%v), want %s", again, err, digest)
			}
		}
		var p partyFile
		if decodeAs(body, partySchema, &p) == nil && checkParty(p.Party) == nil {
			b, err := document(p)
			if err != nil {
				t.Fatal(err)
			}
			var again partyFile
			if err := decodeAs(b, partySchema, &again); err != nil || again != p {
				t.Errorf("got %+v (%v), want %+v", again, err, p)
			}
		}
	})
}

// Of many who make one key at once, one succeeds; of several files, none is
// written where one cannot be, and no temporary file stays.
func TestPlace(t *testing.T) {
	dir := t.TempDir()
	var made atomic.Int64
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if createSecret(filepath.Join(dir, "key"), []byte{byte(i)}) == nil {
				made.Add(1)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("got %d keys made, want 1", made.Load())
	}
	a, b, c := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "key", "c")
	if err := os.WriteFile(b, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := place(map[string][]byte{a: []byte("x"), b: []byte("y")}); codeOf(err) != exitRefused || exists(a) {
		t.Errorf("over a file: got %v, a there: %v", err, exists(a))
	}
	if err := place(map[string][]byte{a: []byte("x"), c: []byte("y")}); err == nil || exists(a) {
		t.Errorf("below a file: got %v, a there: %v", err, exists(a))
	}
	for range 2 {
		if err := place(map[string][]byte{a: []byte("x"), b: []byte("mine")}); err != nil {
			t.Error(err)
		}
	}
	names, err := fs.Glob(os.DirFS(dir), "*")
	if got := strings.Join(names, " "); err != nil || got != "a b key" {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestGrouped(t *testing.T) {
	var d credentials.Digest
	for i := range d {
		d[i] = byte(i)
	}
	if got, want := grouped(d, 2), "0001 0203 0405 0607 0809 0a0b 0c0d 0e0f\n  1011 1213 1415 1617 1819 1a1b 1c1d 1e1f"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
