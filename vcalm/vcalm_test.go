package vcalm

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/integrity"
	"github.com/countersign-health/countersign/credentials/rdfc"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/problem"
)

func keyOf(seed byte) credentials.Signer {
	return credentials.NewSigner("", ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)))
}

func didOf(s credentials.Signer) credentials.DID {
	d, _ := credentials.SignerDID(s)
	return d
}

var (
	board, holder, stranger = keyOf(1), keyOf(2), keyOf(3)

	noon    = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	license = credentials.License{Handle: credentials.Handle{7}, NPI: "1234567893", Name: "Test Person", Jurisdiction: "CA",
		Profession: "MD", Number: "T-1", From: "2026-01-01", Until: "2027-12-31"}
	may = credentials.Standing{Answer: credentials.May, Reason: credentials.ReasonLicensed}
)

// A testHouse lets tests say what the house knows.
type testHouse struct {
	*House
	now   time.Time
	known Currently
	err   error
	log   bytes.Buffer
	url   string
}

func open(t testing.TB) *testHouse {
	t.Helper()
	h := &testHouse{now: noon, known: Currently{Standing: may}}
	h.House = &House{
		Domain: "did:web:house.test", Now: func() time.Time { return h.now }, Log: slog.New(slog.NewTextHandler(&h.log, nil)),
		Whose: func(kid string) (credentials.Key, ledger.Party, error) {
			if kid != board.KeyID() {
				return credentials.Key{}, ledger.Party{}, ledger.ErrUnknownIssuer
			}
			key, err := credentials.ResolveDIDKey(kid)
			return key, ledger.Party{DID: didOf(board), Role: ledger.RoleBoard, Jurisdiction: "CA"}, err
		},
		Place: func(context.Context, *credentials.Envelope, credentials.Digest) (credentials.Position, error) {
			return credentials.Unplaced, nil
		},
		License: func(context.Context, *credentials.Envelope, credentials.License) (Currently, error) {
			return h.known, h.err
		},
	}
	mux := http.NewServeMux()
	h.Mount(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

type answer struct {
	status int
	problem.Problem
	Verified bool
	Check    credentials.Check
	Holder   credentials.DID
	Results  []Verified `json:"credentialResults"`
	Warnings []string
	Problems []problem.Problem `json:"problemDetails"`
}

func (h *testHouse) send(t testing.TB, path, media string, body []byte) (a answer) {
	t.Helper()
	resp, err := http.Post(h.url+path, media, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || json.Unmarshal(b, &a) != nil {
		t.Fatalf("%s: %d %s, %v", path, resp.StatusCode, b, err)
	}
	if a.status = resp.StatusCode; a.status >= 400 && (resp.Header.Get("Content-Type") != problem.Media || a.Type == "" || a.Title == "" || a.Verified) {
		t.Errorf("%s: %d, no problem details: %s", path, a.status, b)
	}
	if a.status == 200 && !a.Verified {
		t.Errorf("%s: 200 and not verified: %s", path, b)
	}
	return a
}

type object = map[string]any

func (h *testHouse) credential(t testing.TB, vc any) answer {
	t.Helper()
	b, err := json.Marshal(object{"verifiableCredential": vc, "options": object{"returnResults": true, "checks": []string{"proof"}}, "other": 1})
	if err != nil {
		t.Fatal(err)
	}
	return h.send(t, "/vc/credentials/verify", "application/json", b)
}

// present verifies a presentation, for a challenge if there is one.
func (h *testHouse) present(t testing.TB, vp any, challenge, domain string) answer {
	t.Helper()
	options := object{}
	if challenge != "" {
		options = object{"challenge": challenge, "domain": domain}
	}
	b, err := json.Marshal(object{"verifiablePresentation": vp, "options": options})
	if err != nil {
		t.Fatal(err)
	}
	return h.send(t, "/vc/presentations/verify", "application/json", b)
}

func (h *testHouse) challenge(t testing.TB) string {
	t.Helper()
	resp, err := http.Post(h.url+"/vc/challenges", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var c struct{ Challenge, Domain string }
	if err := json.NewDecoder(resp.Body).Decode(&c); err != nil || c.Challenge == "" || c.Domain != h.Domain {
		t.Fatalf("%+v, %v", c, err)
	}
	return c.Challenge
}

func token(t testing.TB, by credentials.Signer, l credentials.License) string {
	t.Helper()
	s, err := credentials.Issue(by, credentials.KindLicense, l.Handle, noon.AddDate(0, -1, 0), nil, l)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func enveloped(prefix, token, kind string) object {
	return object{"@context": contextV2, "id": prefix + token, "type": kind}
}

func jwt(token string) object { return enveloped(dataJWT, token, envelopedCredential) }

// linked is the license under a Data Integrity proof.
func linked(t testing.TB, suite integrity.Suite) json.RawMessage {
	t.Helper()
	draft, err := credentials.Draft(board, credentials.KindLicense, license.Handle, noon.AddDate(0, -1, 0), time.Time{}, nil, license)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := integrity.Sign(board, suite, draft, integrity.Terms{Purpose: integrity.Assertion, Created: noon.AddDate(0, -1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestVerifyCredential(t *testing.T) {
	h := open(t)
	good := token(t, board, license)
	jcs := string(linked(t, integrity.JCS))
	other := license
	other.Jurisdiction = "MA"
	var twoProofs object
	if err := json.Unmarshal([]byte(jcs), &twoProofs); err != nil {
		t.Fatal(err)
	}
	twoProofs["proof"] = []any{twoProofs["proof"], twoProofs["proof"]}
	feedHead, err := credentials.Issue(board, credentials.KindFeedHead, license.Handle, noon, nil, license)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		vc     any
		edit   func(*testHouse)
		status int
		check  credentials.Check
	}{
		"token":                 {jwt(good), nil, 200, ""},
		"token, type in a list": {object{"@context": contextV2, "id": dataJWT + good, "type": []string{envelopedCredential}}, nil, 200, ""},
		"jcs":                   {json.RawMessage(jcs), nil, 200, ""},
		"rdfc":                  {linked(t, rdfc.Suite()), nil, 200, ""},
		"revoked": {jwt(good), func(h *testHouse) {
			h.known.Standing = credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonRevoked}
		}, 422, credentials.CheckStatus},
		"suspended, jcs": {json.RawMessage(jcs), func(h *testHouse) {
			h.known.Standing = credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonSuspended}
		}, 422, credentials.CheckStatus},
		"stale": {jwt(good), func(h *testHouse) {
			h.known.Standing = credentials.Standing{Answer: credentials.Unknown, Reason: credentials.ReasonStale}
		}, 503, credentials.CheckStatus},
		"nothing known":           {jwt(good), func(h *testHouse) { h.known = Currently{} }, 503, credentials.CheckStatus},
		"not in the register":     {jwt(good), func(h *testHouse) { h.err = credentials.Refuse(credentials.CheckStatus, "not there") }, 422, credentials.CheckStatus},
		"not valid yet":           {jwt(good), func(h *testHouse) { h.now = noon.AddDate(-1, 0, 0) }, 422, credentials.CheckDates},
		"the house is in trouble": {jwt(good), func(h *testHouse) { h.err = errors.New("the database is away") }, 503, ""},
		"by a stranger":           {jwt(token(t, stranger, license)), nil, 422, credentials.CheckKey},
		"for another state":       {jwt(token(t, board, other)), nil, 422, credentials.CheckIssuer},
		"tampered":                {jwt(good[:len(good)-4] + "AAAA"), nil, 422, credentials.CheckSignature},
		"tampered, jcs":           {json.RawMessage(strings.Replace(jcs, "T-1", "T-2", 1)), nil, 422, credentials.CheckSignature},
		"unknown suite":           {json.RawMessage(strings.Replace(jcs, "eddsa-jcs-2022", "bbs-2023", 1)), nil, 422, credentials.CheckAlgorithm},
		"older proof":             {json.RawMessage(strings.Replace(jcs, "DataIntegrityProof", "Ed25519Signature2020", 1)), nil, 422, credentials.CheckHeader},
		"undefined term":          {json.RawMessage(strings.Replace(jcs, `"salt"`, `"nickname":"x","salt"`, 1)), nil, 422, ""},
		"two proofs":              {twoProofs, nil, 422, credentials.CheckForm},
		"unsigned":                {json.RawMessage(strings.Replace(jcs, `"proof"`, `"prove"`, 1)), nil, 422, credentials.CheckForm},
		"a kind of nobody":        {json.RawMessage(strings.Replace(jcs, `"LicenseCredential"]`, `"AlumniCredential"]`, 1)), nil, 422, credentials.CheckKind},
		"the head of a feed":      {jwt(feedHead), nil, 422, credentials.CheckKind},
		"alg none":                {jwt("eyJhbGciOiJub25lIn0.e30."), nil, 422, credentials.CheckForm},
		"no token":                {jwt("x"), nil, 422, credentials.CheckForm},
		"another media type":      {enveloped("data:text/html,", good, envelopedCredential), nil, 422, credentials.CheckForm},
		"enveloped, and more":     {object{"@context": contextV2, "id": dataJWT + good, "type": envelopedCredential, "name": "x"}, nil, 422, credentials.CheckContent},
		"enveloped, no context":   {object{"id": dataJWT + good, "type": envelopedCredential}, nil, 422, credentials.CheckContent},
		"enveloped, another one":  {object{"@context": "https://www.w3.org/2018/credentials/v1", "id": dataJWT + good, "type": envelopedCredential}, nil, 422, credentials.CheckContent},
		"a presentation":          {enveloped(dataVP, good, envelopedPresentation), nil, 422, credentials.CheckForm},
		"an SD-JWT unasked":       {enveloped(dataSDJWT, good+"~", envelopedCredential), nil, 400, ""},
		"text":                    {good, nil, 422, credentials.CheckForm},
		"nothing":                 {nil, nil, 400, ""},
		"a list":                  {[]any{jwt(good)}, nil, 422, credentials.CheckForm},
	} {
		h.now, h.known, h.err = noon, Currently{Standing: may}, nil
		if tt.edit != nil {
			tt.edit(h)
		}
		a := h.credential(t, tt.vc)
		if a.status != tt.status || tt.check != "" && (a.Check != tt.check || len(a.Problems) != 1) {
			t.Errorf("%s: %d by %q (%s), want %d by %q", name, a.status, a.Check, a.Detail, tt.status, tt.check)
		}
	}
	if s := h.log.String(); strings.Count(s, "\n") != 1 || !strings.Contains(s, "the database is away") || strings.Contains(s, string(license.NPI)) {
		t.Errorf("logged: %s", s)
	}
}

func TestVerifyPresentation(t *testing.T) {
	h := open(t)
	good := token(t, board, license)
	asJWT := func(by credentials.Signer, challenge, domain string, at time.Time, tokens ...string) any {
		s, err := credentials.Present(by, tokens, challenge, domain, at)
		if err != nil {
			t.Fatal(err)
		}
		return enveloped(dataVP, s, envelopedPresentation)
	}
	bare := func(by credentials.Signer, vcs ...any) object {
		return object{"@context": []string{contextV2}, "type": []string{presentationType}, "holder": didOf(by), "verifiableCredential": append([]any{}, vcs...)}
	}
	asJCS := func(by credentials.Signer, challenge, domain string, at time.Time, vcs ...any) any {
		b, err := json.Marshal(bare(by, vcs...))
		if err != nil {
			t.Fatal(err)
		}
		signed, err := integrity.Sign(by, integrity.JCS, b, integrity.Terms{Purpose: integrity.Authentication, Created: at, Challenge: challenge, Domain: domain})
		if err != nil {
			t.Fatal(err)
		}
		return json.RawMessage(signed)
	}
	const here = "did:web:house.test"
	type shown = func(c string) any
	jcs := linked(t, integrity.JCS)
	for name, tt := range map[string]struct {
		vp     shown
		edit   func()
		status int
		check  credentials.Check
	}{
		"token":                 {func(c string) any { return asJWT(holder, c, here, noon, good) }, nil, 200, ""},
		"jcs":                   {func(c string) any { return asJCS(holder, c, here, noon, jwt(good), jcs, linked(t, rdfc.Suite())) }, nil, 200, ""},
		"by the clinician":      {func(c string) any { return asJCS(holder, c, here, noon, jwt(good)) }, func() { h.known.Holder = didOf(holder) }, 200, ""},
		"by another":            {func(c string) any { return asJCS(stranger, c, here, noon, jwt(good)) }, func() { h.known.Holder = didOf(holder) }, 422, credentials.CheckBinding},
		"by another, token":     {func(c string) any { return asJWT(stranger, c, here, noon, good) }, func() { h.known.Holder = didOf(holder) }, 422, credentials.CheckBinding},
		"for another challenge": {func(string) any { return asJWT(holder, "old", here, noon, good) }, nil, 422, credentials.CheckBinding},
		"jcs, another":          {func(string) any { return asJCS(holder, "old", here, noon, jwt(good)) }, nil, 422, ""},
		"for another verifier":  {func(c string) any { return asJWT(holder, c, "did:web:other.test", noon, good) }, nil, 422, credentials.CheckBinding},
		"jcs, another verifier": {func(c string) any { return asJCS(holder, c, "did:web:other.test", noon, jwt(good)) }, nil, 422, ""},
		"old":                   {func(c string) any { return asJWT(holder, c, here, noon.Add(-7*time.Minute), good) }, nil, 422, credentials.CheckBinding},
		"jcs, old":              {func(c string) any { return asJCS(holder, c, here, noon.Add(-7*time.Minute), jwt(good)) }, nil, 422, credentials.CheckDates},
		"jcs, of tomorrow":      {func(c string) any { return asJCS(holder, c, here, noon.Add(2*time.Minute), jwt(good)) }, nil, 422, credentials.CheckDates},
		"one is revoked": {func(c string) any { return asJCS(holder, c, here, noon, jwt(good), jcs) }, func() {
			h.known.Standing = credentials.Standing{Answer: credentials.MayNot, Reason: credentials.ReasonRevoked}
		}, 422, credentials.CheckStatus},
		"stale":                     {func(c string) any { return asJWT(holder, c, here, noon, good) }, func() { h.known = Currently{} }, 503, credentials.CheckStatus},
		"one is forged":             {func(c string) any { return asJWT(holder, c, here, noon, good, token(t, stranger, license)) }, nil, 422, credentials.CheckKey},
		"none":                      {func(c string) any { return asJCS(holder, c, here, noon) }, nil, 422, credentials.CheckContent},
		"a credential":              {func(string) any { return jcs }, nil, 422, ""},
		"unsigned, for a challenge": {func(string) any { return bare(holder, jwt(good)) }, nil, 422, credentials.CheckBinding},
		"a member added": {func(c string) any {
			return strings.Replace(string(asJCS(holder, c, here, noon, jwt(good)).(json.RawMessage)), `"holder"`, `"x":1,"holder"`, 1)
		}, nil, 400, ""},
		"a term added": {func(c string) any {
			return json.RawMessage(strings.Replace(string(asJCS(holder, c, here, noon, jwt(good)).(json.RawMessage)), `"holder"`, `"x":1,"holder"`, 1))
		}, nil, 422, credentials.CheckSignature},
		"no token": {func(string) any { return enveloped(dataVP, "x", envelopedPresentation) }, nil, 422, ""},
		"a list":   {func(string) any { return []any{} }, nil, 400, ""},
	} {
		h.known = Currently{Standing: may}
		if tt.edit != nil {
			tt.edit()
		}
		c := h.challenge(t)
		vp := tt.vp(c)
		a := h.present(t, vp, c, here)
		if a.status != tt.status || tt.check != "" && a.Check != tt.check {
			t.Errorf("%s: %d by %q (%s), want %d by %q", name, a.status, a.Check, a.Detail, tt.status, tt.check)
		}
		if a.status == 200 && (a.Holder != didOf(holder) || len(a.Results) == 0) {
			t.Errorf("%s: %+v", name, a)
		}
		if name == "token" && fmt.Sprint(a.Results[0].Warnings) != "["+warnUnbound+"]" || name == "by the clinician" && len(a.Results[0].Warnings) != 0 {
			t.Errorf("%s: warnings %v", name, a.Results[0].Warnings)
		}
		if again := h.present(t, vp, c, here); again.status != 422 && again.status != 400 || again.status == 422 && again.Check != credentials.CheckReplay {
			t.Errorf("%s again: %d by %q", name, again.status, again.Check)
		}
	}
	// The other suite takes no context inside of an object, and so no credential in a presentation.
	b, err := json.Marshal(bare(holder, jwt(good)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := integrity.Sign(holder, rdfc.Suite(), b, integrity.Terms{Purpose: integrity.Authentication, Created: noon, Challenge: "c", Domain: here}); err == nil {
		t.Error("signed a presentation with eddsa-rdfc-2022: docs/vc-api.md says that there is none")
	}
	h.known = Currently{Standing: may}
	if a := h.present(t, bare(holder, jwt(good), jcs), "", ""); a.status != 200 || a.Holder != "" || len(a.Warnings) != 1 || len(a.Results) != 2 {
		t.Errorf("unsigned: %d %+v", a.status, a)
	}
	for name, edit := range map[string]func(object){
		"another context": func(o object) { o["@context"] = []string{contextV2, "https://evil.example"} }, "a term": func(o object) { o["x"] = 1 },
		"another type": func(o object) { o["type"] = []string{"VerifiableCredential"} }, "no credential": func(o object) { delete(o, "verifiableCredential") },
		"thirty-three": func(o object) { o["verifiableCredential"] = bytes.Split(bytes.Repeat([]byte("x"), 33), nil) },
	} {
		o := bare(holder, jwt(good))
		edit(o)
		if a := h.present(t, o, "", ""); a.status != 422 {
			t.Errorf("unsigned, %s: %d %+v", name, a.status, a)
		}
	}
	for name, options := range map[string][2]string{"no challenge": {"", ""}, "never given out": {"x", here}, "another domain": {h.challenge(t), "did:web:other.test"}} {
		if a := h.present(t, asJWT(holder, "x", here, noon, good), options[0], options[1]); a.status != 400 && a.status != 422 {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	// What was presented to another verifier is not passed on to us under the other's name.
	passed := h.challenge(t)
	if a := h.present(t, asJWT(holder, passed, "did:web:other.test", noon, good), passed, "did:web:other.test"); a.status != 400 {
		t.Errorf("presented to another and passed on: %d", a.status)
	}
	c := h.challenge(t)
	h.now = noon.Add(challengeLife + time.Second)
	if a := h.present(t, asJWT(holder, c, here, h.now, good), c, here); a.Check != credentials.CheckReplay {
		t.Errorf("a challenge that is over: %d by %q", a.status, a.Check)
	}
}

// Whatever comes, the door answers with problem details and goes on.
func TestHostileRequests(t *testing.T) {
	h := open(t)
	for _, path := range []string{"/vc/credentials/verify", "/vc/presentations/verify"} {
		for name, tt := range map[string]struct {
			media, body string
			want        int
		}{
			"no media": {"", "{}", 415}, "a form": {"application/x-www-form-urlencoded", "a=1", 415}, "text": {"text/plain", "{}", 415}, "JSON-LD": {"application/ld+json", "{}", 415},
			"nothing": {"application/json", "", 400}, "no JSON": {"application/json", `{"a":`, 400}, "a list": {"application/json", "[]", 400}, "null": {"application/json", "null", 400},
			"behind it": {"application/json", "{}{}", 400}, "a name twice": {"application/json", `{"options":{},"options":{}}`, 400},
			"twice below":   {"application/json", `{"verifiableCredential":{"type":"x","type":"y"},"verifiablePresentation":{"type":"x","type":"y"}}`, 400},
			"escaped twice": {"application/json", `{"verifiableCredential":{"a":1,"\u0061":2},"verifiablePresentation":{}}`, 400},
			"not UTF-8":     {"application/json", "{\"a\":\"\xff\"}", 400}, "deep": {"application/json", `{"a":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}", 400},
			"ten megabytes": {"application/json", `{"a":"` + strings.Repeat("x", 10<<20) + `"}`, 413}, "options of text": {"application/json", `{"options":"x"}`, 400},
			"a challenge that is no text": {"application/json", `{"options":{"challenge":1}}`, 400}, "a challenge without a domain": {"application/json", `{"options":{"challenge":"x"}}`, 400},
			"a long challenge":             {"application/json", `{"options":{"challenge":"` + strings.Repeat("x", 600) + `","domain":"d"}}`, 400},
			"a number that no float holds": {"application/json", `{"a":9007199254740993}`, 400},
		} {
			if a := h.send(t, path, tt.media, []byte(tt.body)); a.status != tt.want {
				t.Errorf("%s, %s: %d %s, want %d", path, name, a.status, a.Detail, tt.want)
			}
		}
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			req, _ := http.NewRequest(method, h.url+path, nil)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d", method, path, resp.StatusCode)
			}
		}
	}
	if h.log.Len() > 0 {
		t.Errorf("logged: %s", &h.log)
	}
}

// There is room for so many at once, and for so many challenges; nobody gets one twice.
func TestChallenges(t *testing.T) {
	var c challenges
	var mu sync.Mutex
	all := map[string]bool{}
	var done sync.WaitGroup
	for range 10 {
		done.Go(func() {
			for range maxChallenges / 10 {
				s, ok := c.mint(noon)
				mu.Lock()
				if all[s] || !ok {
					t.Error("a challenge came twice, or not at all")
				}
				all[s] = true
				mu.Unlock()
			}
		})
	}
	done.Wait()
	if _, ok := c.mint(noon.Add(challengeLife)); ok {
		t.Error("one more than there is room for")
	}
	if _, ok := c.mint(noon.Add(challengeLife + time.Second)); !ok {
		t.Error("no room when all are over")
	}
	if c.use("x", noon) || c.use("", noon) {
		t.Error("used one that was never given out")
	}
	s, _ := c.mint(noon)
	var used int
	for range 8 {
		done.Go(func() {
			if c.use(s, noon) {
				mu.Lock()
				used++
				mu.Unlock()
			}
		})
	}
	if done.Wait(); used != 1 {
		t.Errorf("used %d times", used)
	}
}

// What documents name by a urn can be fetched, as it is in the program.
func TestPublic(t *testing.T) {
	h := open(t)
	schemas, err := filepath.Glob("../docs/json/*.json")
	if err != nil || len(schemas) < 10 {
		t.Fatal(schemas, err)
	}
	want := map[string]string{"/vc/contexts/countersign-1.jsonld": "../credentials/rdfc/contexts/countersign-1.jsonld"}
	for _, s := range schemas {
		want["/vc/schemas/"+filepath.Base(s)] = s
	}
	for path, file := range want {
		resp, err := http.Get(h.url + path)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		b, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, b) || !strings.Contains(resp.Header.Get("Cache-Control"), "public, max-age=86400") {
			t.Errorf("%s: %d, %d bytes, %v, %q", path, resp.StatusCode, len(got), err, resp.Header.Get("Cache-Control"))
		}
	}
	for _, path := range []string{"/vc/contexts/x", "/vc/schemas/x", "/vc/schemas/..%2fREADME.md", "/vc/schemas/embed.go"} {
		resp, err := http.Get(h.url + path)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}

// No request but one that says a good credential is answered with yes, and none breaks the door.
func FuzzVerify(f *testing.F) {
	good := token(f, board, license)
	for _, vc := range []any{jwt(good), linked(f, integrity.JCS), linked(f, rdfc.Suite()), object{"proof": object{}}, nil} {
		for _, name := range []string{"verifiableCredential", "verifiablePresentation"} {
			b, err := json.Marshal(object{name: vc, "options": object{}})
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	b, _ := json.Marshal(object{"verifiablePresentation": object{"@context": []string{contextV2}, "type": presentationType, "verifiableCredential": jwt(good)}})
	f.Add(b)
	h := open(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := parse(body)
		if err != nil {
			return
		}
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		for _, verify := range []func(*http.Request, request) (any, error){h.verifyCredential, h.verifyPresentation} {
			got, err := verify(r, q)
			var p *problem.Problem
			var no *Refused
			switch {
			case err == nil && got == nil, err != nil && !errors.As(err, &p) && !errors.As(err, &no):
				t.Errorf("%s: %v, %v", body, got, err)
			case err == nil && !bytes.Contains(body, []byte("T-1")) && !bytes.Contains(body, []byte("eyJ")):
				t.Errorf("verified %s", body)
			}
		}
	})
}
