package board

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/integrity"
	"github.com/countersign-health/countersign/credentials/rdfc"
	"github.com/countersign-health/countersign/credentials/sdjwt"
	"github.com/countersign-health/countersign/dossier"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/problem"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// A vcHouse is a board of California that stands on a ledger of its own, with the VC API.
type vcHouse struct {
	*house
	t   *testing.T
	now func() time.Time
}

func openVC(t *testing.T) *vcHouse {
	t.Helper()
	g, founders := ledgertest.Draft()
	leaf, err := ledger.NewGenesis(g, founders...)
	if err != nil {
		t.Fatal(err)
	}
	h := openHouseAs(t, ledgertest.Signer("board"), sqldbtest.Open(t, sqldbtest.SQLite(t)), newTestLedger(), func(o *Options) {
		o.Jurisdiction = "CA"
		o.Proofs = func(context.Context) map[string][]byte { return map[string][]byte{dossier.GenesisFile: leaf} }
	})
	return &vcHouse{h, t, time.Now}
}

// post sends a body, as a clerk where the path needs one, and returns the status and the answer.
func (h *vcHouse) post(path string, body any) (int, map[string]any) {
	h.t.Helper()
	b, ok := body.([]byte)
	if !ok {
		var err error
		if b, err = json.Marshal(body); err != nil {
			h.t.Fatal(err)
		}
	}
	req, err := http.NewRequest(http.MethodPost, h.URL+path, bytes.NewReader(b))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if path == client.IssuePath || path == client.StatusPath {
		var id credentials.Handle
		rand.Read(id[:])
		token, err := credentials.SignRequest(clerkKey, http.MethodPost, path, string(h.DID()), b, id, time.Now())
		if err != nil {
			h.t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return h.do(req)
}

func (h *vcHouse) do(req *http.Request) (int, map[string]any) {
	h.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		h.t.Fatalf("%s: %d %s", req.URL.Path, resp.StatusCode, b)
	}
	if media := resp.Header.Get("Content-Type"); (media == problem.Media) != (resp.StatusCode >= 400) {
		h.t.Errorf("%s: %d as %s", req.URL.Path, resp.StatusCode, media)
	}
	if resp.StatusCode >= 400 && (v["type"] == "" || v["title"] == "" || v["status"] != float64(resp.StatusCode)) {
		h.t.Errorf("%s: no problem details: %s", req.URL.Path, b)
	}
	return resp.StatusCode, v
}

type object = map[string]any

// asking is a request for a license of the nth number.
func (h *vcHouse) asking(number int, options object, holder credentials.Signer) object {
	a := application(number)
	a.Jurisdiction = "CA"
	if holder != nil {
		a.Holder, _ = credentials.SignerDID(holder)
		c, err := h.client(h.t).Challenge(h.t.Context(), a.NPI)
		if err != nil {
			h.t.Fatal(err)
		}
		if a.Proof, err = credentials.ProveKey(holder, h.DID(), a.NPI, c.Challenge, time.Now()); err != nil {
			h.t.Fatal(err)
		}
	}
	b, err := json.Marshal(a)
	if err != nil {
		h.t.Fatal(err)
	}
	var subject object
	if err := json.Unmarshal(b, &subject); err != nil {
		h.t.Fatal(err)
	}
	r := object{"credential": object{"@context": []string{contextV2}, "type": []string{"VerifiableCredential", "LicenseCredential"}, "credentialSubject": subject}}
	if options != nil {
		r["options"] = options
	}
	return r
}

const contextV2 = "https://www.w3.org/ns/credentials/v2"

func (h *vcHouse) issued(number int, options object, holder credentials.Signer) any {
	h.t.Helper()
	status, v := h.post(client.IssuePath, h.asking(number, options, holder))
	if status != http.StatusCreated || v["verifiableCredential"] == nil {
		h.t.Fatalf("issue: %d %v", status, v)
	}
	return v["verifiableCredential"]
}

func (h *vcHouse) verify(vc any) (int, map[string]any) {
	h.t.Helper()
	return h.post("/vc/credentials/verify", object{"verifiableCredential": vc, "options": object{"returnCredential": true}})
}

var forms = map[string]object{"jwt": nil, "jwt by name": {"type": "vc+jwt"}, "jcs": {"cryptosuite": "eddsa-jcs-2022"},
	"rdfc": {"type": "DataIntegrityProof", "cryptosuite": "eddsa-rdfc-2022", "mandatoryPointers": []string{"/x"}}}

// licenseOf is the handle of an issued credential, in whatever form.
func (h *vcHouse) licenseOf(vc any) credentials.Handle {
	h.t.Helper()
	id, _ := vc.(object)["id"].(string)
	if token, ok := strings.CutPrefix(id, "data:application/vc+jwt,"); ok {
		_, _, handle, err := credentials.Peek(token)
		if err != nil {
			h.t.Fatal(err)
		}
		return handle
	}
	handle, err := credentials.ParseHandle(strings.TrimPrefix(id, "urn:countersign:"))
	if err != nil {
		h.t.Fatal(err)
	}
	return handle
}

// What is issued in a form is verified in it, here and by the packages; the same again is the same license.
func TestVCIssueAndVerify(t *testing.T) {
	h := openVC(t)
	for name, options := range forms {
		vc := h.issued(1, options, nil)
		if status, v := h.verify(vc); status != http.StatusOK || v["verified"] != true || v["kind"] != "LicenseCredential" || len(v["warnings"].([]any)) != 0 {
			t.Errorf("%s: %d %v", name, status, v)
		}
		if strings.HasPrefix(name, "jwt") {
			continue
		}
		b, err := json.Marshal(vc)
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := integrity.Prove[credentials.License](b, credentials.KindLicense, []integrity.Suite{integrity.JCS, rdfc.Suite()}, credentials.ResolveDIDKey)
		if err != nil || c.Subject.Number != "MA-1" || c.Issuer != h.DID() || c.Status == nil {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	if n := len(wholeFeed(t, h.client(t))); n != 1 {
		t.Errorf("%d events for one license", n)
	}
	// The clerk's own request is kept, and readers understand it.
	if all, err := deeds(h.client(t)); err != nil || len(all) != 1 || all[0].License == nil {
		t.Errorf("acts: %v, %v", all, err)
	}
	for _, form := range []string{"", "?form=jwt", "?form=jcs", "?form=rdfc"} {
		resp, err := http.Get(h.URL + "/vc/credentials/" + h.licenseOf(h.issued(1, nil, nil)).String() + form)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		var vc any = object{"@context": contextV2, "type": "EnvelopedVerifiableCredential", "id": "data:application/vc+jwt," + string(b)}
		if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/vc") && !strings.Contains(resp.Header.Get("Content-Type"), "jwt") {
			vc = json.RawMessage(b)
		}
		if status, v := h.verify(vc); status != http.StatusOK {
			t.Errorf("exported by %q: %d %v", form, status, v)
		}
	}
	if text := h.log.text(); text != "" {
		t.Errorf("logged: %s", text)
	}
}

// What a board took back is not verified, in whatever form it is shown, from the moment in which the board ordered it.
func TestVCStatus(t *testing.T) {
	h := openVC(t)
	entry := func(purpose string) object {
		return object{"type": "BitstringStatusListEntry", "statusPurpose": purpose}
	}
	order := func(more object) object {
		o := object{"effective": "2026-03-01T00:00:00Z", "reason": "R-1"}
		for k, v := range more {
			o[k] = v
		}
		return o
	}
	vcs := map[string]any{}
	for name, options := range forms {
		vcs[name] = h.issued(1, options, nil)
	}
	id := "urn:countersign:" + h.licenseOf(vcs["jwt"]).String()
	all := func(want int, words string) {
		t.Helper()
		for name, vc := range vcs {
			if status, v := h.verify(vc); status != want || want != 200 && (v["verified"] != false || !strings.Contains(fmt.Sprint(v["detail"]), words) || v["problemDetails"] == nil) {
				t.Errorf("%s: %d %v, want %d %s", name, status, v, want, words)
			}
		}
	}
	all(200, "")
	for name, tt := range map[string]struct {
		body any
		want int
	}{
		"no order":             {object{"credentialId": id, "credentialStatus": entry("suspension"), "status": true}, 400},
		"no reason":            {object{"credentialId": id, "credentialStatus": entry("suspension"), "status": true, "order": object{"effective": "2026-03-01T00:00:00Z"}}, 400},
		"no day":               {object{"credentialId": id, "credentialStatus": entry("suspension"), "status": true, "order": object{"reason": "R-1"}}, 400},
		"free text":            {object{"credentialId": id, "credentialStatus": entry("suspension"), "status": true, "order": order(object{"reason": "he drank"})}, 422},
		"another purpose":      {object{"credentialId": id, "credentialStatus": entry("message"), "status": true, "order": order(nil)}, 400},
		"another type":         {object{"credentialId": id, "credentialStatus": object{"type": "StatusList2021Entry", "statusPurpose": "suspension"}, "status": true, "order": order(nil)}, 400},
		"a revocation undone":  {object{"credentialId": id, "credentialStatus": entry("revocation"), "status": false, "order": order(nil)}, 400},
		"nothing to reinstate": {object{"credentialId": id, "credentialStatus": entry("suspension"), "status": false, "order": order(nil)}, 422},
		"nobody's license":     {object{"credentialId": "urn:countersign:" + strings.Repeat("ab", 32), "credentialStatus": entry("revocation"), "status": true, "order": order(nil)}, 404},
		"no id":                {object{"credentialId": "urn:x", "credentialStatus": entry("revocation"), "status": true, "order": order(nil)}, 400},
		"an undefined term":    {object{"credentialId": id, "credentialStatus": entry("revocation"), "status": true, "order": order(nil), "statusEntry": 1}, 400},
		"before the license":   {object{"credentialId": id, "credentialStatus": entry("suspension"), "status": true, "order": order(object{"effective": "2020-01-01T00:00:00Z"})}, 409},
	} {
		if status, v := h.post(client.StatusPath, tt.body); status != tt.want {
			t.Errorf("%s: %d %v, want %d", name, status, v, tt.want)
		}
	}
	all(200, "")
	change := func(purpose string, status bool, more object) string {
		t.Helper()
		got, v := h.post(client.StatusPath, object{"credentialId": id, "credentialStatus": entry(purpose), "status": status, "order": order(more), "indexAllocator": "urn:x"})
		if got != http.StatusOK {
			t.Fatalf("%s %v: %d %v", purpose, status, got, v)
		}
		return v["handle"].(string)
	}
	suspension := change("suspension", true, nil)
	all(422, "status: it does not count today: license-suspended")
	change("suspension", false, object{"effective": "2026-04-01T00:00:00Z", "upon": []string{suspension}})
	all(200, "")
	change("revocation", true, object{"effective": "2026-05-01T00:00:00Z"})
	all(422, "status: it does not count today: license-revoked")
	if deeds, err := deeds(h.client(t)); err != nil || len(deeds) != 4 || deeds[1].Order.Action != credentials.OrderSuspend || deeds[2].Order.Upon[0].String() != suspension {
		t.Errorf("acts: %v, %v", deeds, err)
	}
	restricted := h.issued(2, nil, nil)
	if _, err := h.client(t).Order(t.Context(), h.licenseOf(restricted), client.OrderRequest{Action: credentials.OrderRestrict,
		Effective: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), Reason: "R-2", Restrictions: []string{"NO-OPIOIDS"}}); err != nil {
		t.Fatal(err)
	}
	if status, v := h.verify(restricted); status != 200 || fmt.Sprint(v["warnings"]) != "[the license is limited by NO-OPIOIDS: a person has to hold the service against that]" {
		t.Errorf("restricted: %d %v", status, v)
	}
	expired := h.asking(3, nil, nil)
	expired["credential"].(object)["credentialSubject"].(object)["until"] = "2026-01-02"
	if _, v := h.post(client.IssuePath, expired); v["verifiableCredential"] == nil {
		t.Fatal(v)
	} else if status, v := h.verify(v["verifiableCredential"]); status != 422 || !strings.Contains(fmt.Sprint(v["detail"]), "license-expired") {
		t.Errorf("expired: %d %v", status, v)
	}
}

// The board decides what it issues: its own kind, its own terms, its own suites.
func TestVCIssueRefuses(t *testing.T) {
	h := openVC(t)
	edit := func(f func(r, credential, subject object)) object {
		r := h.asking(1, nil, nil)
		c := r["credential"].(object)
		f(r, c, c["credentialSubject"].(object))
		return r
	}
	for name, tt := range map[string]struct {
		body any
		want int
	}{
		"an undefined term":             {edit(func(_, _, s object) { s["nickname"] = "x" }), 400},
		"a misspelt status":             {edit(func(_, c, _ object) { c["statusEntry"] = object{} }), 400},
		"its own id":                    {edit(func(_, c, _ object) { c["id"] = "urn:x" }), 400},
		"its own dates":                 {edit(func(_, c, _ object) { c["validUntil"] = "2099-01-01T00:00:00Z" }), 400},
		"a name in other case":          {edit(func(_, _, s object) { s["NPI"] = s["npi"] }), 400},
		"another kind":                  {edit(func(_, c, _ object) { c["type"] = []string{"VerifiableCredential", "BoardOrder"} }), 400},
		"no kind":                       {edit(func(_, c, _ object) { c["type"] = []string{"VerifiableCredential"} }), 400},
		"a kind of nobody":              {edit(func(_, c, _ object) { c["type"] = []string{"VerifiableCredential", "AlumniCredential"} }), 400},
		"another context":               {edit(func(_, c, _ object) { c["@context"] = []string{contextV2, "https://evil.example/v1"} }), 400},
		"a context in place":            {edit(func(_, c, _ object) { c["@context"] = []any{contextV2, object{"npi": "urn:x"}} }), 400},
		"the contexts turned":           {edit(func(_, c, _ object) { c["@context"] = []string{credentials.ContextID, contextV2} }), 400},
		"another issuer":                {edit(func(_, c, _ object) { c["issuer"] = "did:web:other.example" }), 422},
		"another state":                 {edit(func(_, _, s object) { s["jurisdiction"] = "MA" }), 422},
		"no number":                     {edit(func(_, _, s object) { delete(s, "number") }), 422},
		"no NPI":                        {edit(func(_, _, s object) { s["npi"] = "12" }), 422},
		"an unknown suite":              {edit(func(r, _, _ object) { r["options"] = object{"cryptosuite": "bbs-2023"} }), 400},
		"an older suite":                {edit(func(r, _, _ object) { r["options"] = object{"type": "Ed25519Signature2020"} }), 400},
		"no suite":                      {edit(func(r, _, _ object) { r["options"] = object{"type": "DataIntegrityProof"} }), 400},
		"an SD-JWT for nobody":          {edit(func(r, _, _ object) { r["options"] = object{"type": "vc+sd-jwt"} }), 422},
		"withheld of a token":           {edit(func(r, _, _ object) { r["options"] = object{"withhold": []string{"/npi"}} }), 400},
		"no credential":                 {object{"options": object{}}, 400},
		"no object":                     {[]byte(`[]`), 400},
		"a name twice":                  {[]byte(`{"credential":{},"credential":{}}`), 400},
		"no JSON":                       {[]byte(`{"credential":`), 400},
		"not UTF-8":                     {[]byte("{\"credential\":\"\xff\"}"), 400},
		"too deep":                      {[]byte(`{"credential":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`), 400},
		"too large":                     {[]byte(`{"credential":"` + strings.Repeat("x", 20<<10) + `"}`), 413},
		"a number that no float can do": {[]byte(`{"credential":9007199254740993}`), 400},
	} {
		if status, v := h.post(client.IssuePath, tt.body); status != tt.want || v["verifiableCredential"] != nil {
			t.Errorf("%s: %d %v, want %d", name, status, v, tt.want)
		}
	}
	// A clerk's token is good for one request, of that clerk, at that path.
	body, _ := json.Marshal(h.asking(1, nil, nil))
	token := func(s credentials.Signer, path string) string {
		return signRequest(t, s, path, string(h.DID()), string(body), time.Now())
	}
	once := token(clerkKey, client.IssuePath)
	for _, tt := range []struct {
		name, token, media, query string
		want                      int
	}{
		{"nobody", "", "application/json", "", 401}, {"a stranger", token(testKey(99), client.IssuePath), "application/json", "", 403},
		{"for another path", token(clerkKey, client.StatusPath), "application/json", "", 401}, {"no media", token(clerkKey, client.IssuePath), "", "", 415},
		{"a form", token(clerkKey, client.IssuePath), "application/x-www-form-urlencoded", "", 415}, {"with a query", token(clerkKey, client.IssuePath+"?a=1"), "application/json", "?a=1", 400},
		{"the first time", once, "application/json; charset=utf-8", "", 201}, {"again", once, "application/json", "", 401},
	} {
		req, err := http.NewRequest(http.MethodPost, h.URL+client.IssuePath+tt.query, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if req.Header.Set("Content-Type", tt.media); tt.token != "" {
			req.Header.Set("Authorization", "Bearer "+tt.token)
		}
		if status, v := h.do(req); status != tt.want {
			t.Errorf("%s: %d %v, want %d", tt.name, status, v, tt.want)
		}
	}
	if n := len(wholeFeed(t, h.client(t))); n != 1 {
		t.Errorf("%d events, want one license", n)
	}
}

// Status lists are public in both forms; what they say is the same.
func TestVCStatusLists(t *testing.T) {
	h := openVC(t)
	h.issued(1, nil, nil)
	get := func(accept string) (string, []byte) {
		req, _ := http.NewRequest(http.MethodGet, h.URL+"/vc/status-lists/revocation/1", nil)
		req.Header.Set("Accept", accept)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s: %d %s %v", accept, resp.StatusCode, b, err)
		}
		return resp.Header.Get("Content-Type"), b
	}
	for _, accept := range []string{"", "*/*", "application/vc+jwt", "application/vc, application/vc+jwt", "text/html"} {
		media, b := get(accept)
		if c, err := credentials.Open[credentials.StatusListSubject](string(b), credentials.KindStatusList, credentials.ResolveDIDKey); err != nil || media != "application/vc+jwt" || c.ValidUntil == nil {
			t.Errorf("%s: %s, %v", accept, media, err)
		}
	}
	media, b := get("application/vc")
	c, _, err := integrity.Prove[credentials.StatusListSubject](b, credentials.KindStatusList, []integrity.Suite{integrity.JCS}, credentials.ResolveDIDKey)
	if err != nil || media != "application/vc" || c.ValidUntil == nil || c.Issuer != h.DID() {
		t.Fatalf("%s, %v", media, err)
	}
	if _, err := credentials.DecodeStatusList(c.Subject.Encoded); err != nil {
		t.Error(err)
	}
	if status, v := h.verify(json.RawMessage(b)); status != 200 || v["kind"] != "BitstringStatusListCredential" {
		t.Errorf("%d %v", status, v)
	}
	for path, want := range map[string]int{"/vc/status-lists/suspension/7": 404, "/vc/status-lists/revocation/x": 400, "/vc/credentials/" + strings.Repeat("ab", 32): 404,
		"/vc/credentials/x": 400, "/vc/credentials/" + strings.Repeat("ab", 32) + "?form=sd-jwt": 403, "/vc/credentials/" + strings.Repeat("ab", 32) + "?form=pdf": 400} {
		req, _ := http.NewRequest(http.MethodGet, h.URL+path, nil)
		if status, v := h.do(req); status != want {
			t.Errorf("%s: %d %v, want %d", path, status, v, want)
		}
	}
}

// A license in parts is shown by its clinician alone, once for each challenge.
func TestVCPartsAreShownByTheHolder(t *testing.T) {
	h := openVC(t)
	holder := testKey(41)
	vc := h.issued(1, object{"type": "vc+sd-jwt"}, holder)
	issued := strings.TrimPrefix(vc.(object)["id"].(string), "data:application/vc+sd-jwt,")
	challenge := func() (string, string) {
		status, v := h.post("/vc/challenges", object{})
		if status != 200 {
			t.Fatalf("%d %v", status, v)
		}
		return v["challenge"].(string), v["domain"].(string)
	}
	show := func(token, c, domain string) (int, map[string]any) {
		return h.post("/vc/credentials/verify", object{"verifiableCredential": enveloped("sd-jwt", token), "options": object{"challenge": c, "domain": domain}})
	}
	present := func(token string, s credentials.Signer, c, domain string, at time.Time) string {
		p, err := sdjwt.Present(token, s, []string{"/number"}, c, domain, at)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	c, domain := challenge()
	p := present(issued, holder, c, domain, time.Now())
	if status, v := show(p, c, domain); status != 200 || v["form"] != "sd-jwt" || len(v["warnings"].([]any)) != 0 {
		t.Errorf("%d %v", status, v)
	}
	if strings.Contains(decoded(t, p), "Jane Testperson") {
		t.Error("the name was shown")
	}
	if status, v := show(p, c, domain); status != 422 || v["check"] != "replay" {
		t.Errorf("again: %d %v", status, v)
	}
	c, _ = challenge()
	if status, v := show(p, c, domain); status != 422 || v["check"] != "binding" {
		t.Errorf("for a new challenge: %d %v", status, v)
	}
	c, _ = challenge()
	if status, v := show(present(issued, holder, c, "did:web:other.test", time.Now()), c, domain); status != 422 || v["check"] != "binding" {
		t.Errorf("meant for another: %d %v", status, v)
	}
	c, _ = challenge()
	if status, v := show(present(issued, holder, c, domain, time.Now().Add(-10*time.Minute)), c, domain); status != 422 || v["check"] != "binding" {
		t.Errorf("ten minutes old: %d %v", status, v)
	}
	c, _ = challenge()
	if status, v := show(issued, c, domain); status != 422 {
		t.Errorf("without its binding: %d %v", status, v)
	}
	if status, v := h.post("/vc/credentials/verify", object{"verifiableCredential": enveloped("sd-jwt", p)}); status != 400 {
		t.Errorf("without a challenge: %d %v", status, v)
	}
}

// decoded is all that an SD-JWT says, to whoever has it.
func decoded(t *testing.T, p string) (all string) {
	t.Helper()
	for _, part := range strings.FieldsFunc(p, func(r rune) bool { return r == '~' || r == '.' }) {
		if b, err := base64.RawURLEncoding.DecodeString(part); err == nil {
			all += string(b)
		}
	}
	return all
}
