package dossier

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/countersign-health/countersign/board/client"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

// subjects are what the kinds of credentials are about. A new kind of credential comes in here with its schema.
var subjects = map[credentials.Kind]reflect.Type{
	credentials.KindLicense:                 reflect.TypeFor[credentials.License](),
	credentials.KindBoardOrder:              reflect.TypeFor[credentials.Order](),
	credentials.KindFeedHead:                reflect.TypeFor[client.PageProof](),
	credentials.KindStatusList:              reflect.TypeFor[credentials.StatusListSubject](),
	credentials.KindClaimSubmission:         reflect.TypeFor[claims.Submission](),
	credentials.KindAuthorizationSubmission: reflect.TypeFor[claims.AuthorizationSubmission](),
	credentials.KindClaimDecision:           reflect.TypeFor[claims.ClaimDecisionDocument](),
	credentials.KindAuthorizationDecision:   reflect.TypeFor[claims.AuthorizationDecisionDocument](),
	credentials.KindClinicianSignature:      reflect.TypeFor[claims.ClinicianSignature](),
	credentials.KindReviewDetermination:     reflect.TypeFor[claims.Determination](),
	credentials.KindClaimAppeal:             reflect.TypeFor[claims.Appeal](),
	credentials.KindSubmissionLetter:        reflect.TypeFor[claims.Letter](),
	credentials.KindStandingAnswer:          reflect.TypeFor[credentials.StandingAnswer](),
	credentials.KindEstimateRequest:         reflect.TypeFor[claims.Submission](),
	credentials.KindClaimEstimate:           reflect.TypeFor[claims.ClaimEstimate](),
}

const schemaFolder = "../docs/json"

func compile(t *testing.T, kind credentials.Kind) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(filepath.Join(schemaFolder, string(kind)+".1.json"))
	if err != nil {
		t.Fatal(err)
	}
	if s.ID != "urn:countersign:schema:"+string(kind)+":1" {
		t.Errorf("%s has the id %s", kind, s.ID)
	}
	return s
}

// Each schema has exactly the members that its Go types have, at every depth.
func TestSchemasFollowTypes(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(schemaFolder, "*.json"))
	if err != nil || len(files) != len(subjects) {
		t.Errorf("%d schemas of %d kinds, %v", len(files), len(subjects), err)
	}
	for kind, subject := range subjects {
		f := follower{t: t, seen: map[reflect.Type]bool{}}
		top := compile(t, kind)
		f.follow(string(kind), subject, top.Properties["credentialSubject"])
		f.follow(string(kind)+" itself", reflect.TypeFor[credentials.Credential[json.RawMessage]](), top)
	}
}

type follower struct {
	t    *testing.T
	seen map[reflect.Type]bool
}

var (
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
)

func (f *follower) follow(at string, typ reflect.Type, s *jsonschema.Schema) {
	for s != nil && s.Ref != nil {
		s = s.Ref
	}
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if s == nil {
		f.t.Errorf("%s has no schema", at)
		return
	}
	if typ == reflect.TypeFor[time.Time]() || typ.Implements(textMarshaler) || typ.Implements(jsonMarshaler) || f.seen[typ] {
		return
	}
	switch typ.Kind() {
	case reflect.Slice:
		if typ.Elem().Kind() != reflect.Uint8 {
			if s.Const == nil && s.Enum == nil {
				f.follow(at+"[]", typ.Elem(), s.Items2020)
			}
		}
	case reflect.Map:
		inner, _ := s.AdditionalProperties.(*jsonschema.Schema)
		if inner == nil {
			for _, p := range s.PatternProperties {
				inner = p
			}
		}
		f.follow(at+"{}", typ.Elem(), inner)
	case reflect.Struct:
		f.seen[typ] = true
		f.members(at, typ, s)
	}
}

func (f *follower) members(at string, typ reflect.Type, s *jsonschema.Schema) {
	if s.Const != nil || s.Enum != nil {
		return // written out: the documents below are held against it
	}
	required := map[string]bool{}
	fields := map[string]reflect.Type{}
	for _, field := range reflect.VisibleFields(typ) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || !field.IsExported() || field.Anonymous && name == "" {
			continue
		}
		if name == "" {
			name = field.Name
		}
		fields[name] = field.Type
		required[name] = !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero")
	}
	want, got := slices.Sorted(maps.Keys(fields)), slices.Sorted(maps.Keys(s.Properties))
	if !slices.Equal(want, got) {
		f.t.Errorf("%s: %s has the members\n%v, its schema\n%v", at, typ, want, got)
	}
	for name, must := range required {
		if must != slices.Contains(s.Required, name) {
			f.t.Errorf("%s: %s of %s: required %t in Go, not so in its schema", at, name, typ, must)
		}
	}
	if id := s.Properties["id"]; id != nil {
		for id.Ref != nil {
			id = id.Ref
		}
		if id.Pattern == nil && id.Format == nil && id.Const == nil { // VC Data Model 2.0, section 4.4
			f.t.Errorf("%s: what is called id has to be a URL: %s needs another name, or its schema a pattern", at, typ)
		}
	}
	if more, told := s.AdditionalProperties.(bool); more || !told {
		f.t.Errorf("%s: the schema of %s takes members of any name", at, typ)
	}
	for name, inner := range fields {
		if s.Properties[name] != nil && inner != reflect.TypeFor[json.RawMessage]() {
			f.follow(at+"/"+name, inner, s.Properties[name])
		}
	}
}

// What is really issued is as its schema says, and what is not is seen.
func TestSchemasHoldDocuments(t *testing.T) {
	payloads := map[credentials.Kind][][]byte{}
	for name, content := range build(t, countersigned(nil)).files {
		if filepath.Ext(name) != ".jwt" {
			continue
		}
		token := strings.TrimSpace(string(content))
		kind, _, _, err := credentials.Peek(token)
		if err != nil {
			t.Fatal(err)
		}
		b, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		payloads[kind] = append(payloads[kind], b)
	}
	signer := signerOf("board")
	status := credentials.LicenseStatus(func(p credentials.StatusPurpose) string { return "https://board.test/" + string(p) + "/1" }, [3]int{5, 6, 7})
	for kind, subject := range subjects {
		s := compile(t, kind)
		// Of what the story has none, an empty one stands for the envelope, in the form of a draft.
		if kind == credentials.KindFeedHead {
			b, err := credentials.Draft(signer, kind, handle("draft"), began, began.AddDate(1, 0, 0), status, client.PageProof{})
			if err != nil {
				t.Fatal(err)
			}
			payloads[kind] = append(payloads[kind], b)
		}
		if kind == credentials.KindLicense {
			holder, _ := credentials.SignerDID(signer)
			l := credentials.License{Holder: holder, Handle: handle("l"), NPI: "1234567893", Name: "N", Jurisdiction: "CA",
				Profession: "MD", Number: "1", From: "2026-01-01", Until: "2027-12-31", Taxonomy: []credentials.Taxonomy{"207R00000X", "208D00000X"}}
			b, err := credentials.Draft(signer, kind, l.Handle, began, began.AddDate(1, 0, 0), status, l)
			if err != nil {
				t.Fatal(err)
			}
			payloads[kind] = append(payloads[kind], b)
			if valid(s, bytes.Replace(b, []byte("207R00000X"), []byte("internist!"), 1)) == nil {
				t.Errorf("%s: any taxonomy code is valid", kind)
			}
		}
		if kind == credentials.KindClaimAppeal {
			a := claims.Appeal{Handle: handle("appeal"), Subject: handle("claim"), Number: 2, Lines: []int{1, 2}, Words: "it was no duplicate"}
			b, err := credentials.Draft(signer, kind, a.Handle, began, began.AddDate(1, 0, 0), nil, a)
			if err != nil {
				t.Fatal(err)
			}
			payloads[kind] = append(payloads[kind], b)
		}
		if kind == credentials.KindSubmissionLetter {
			l := claims.Letter{Handle: handle("letter"), Subject: handle("claim"), Number: 1, Words: "the report", Due: "2026-07-01",
				Enclosures: []claims.Enclosure{{Name: "report.pdf", MediaType: "application/pdf", Body: []byte("%PDF-1.7")}}}
			b, err := credentials.Draft(signer, kind, l.Handle, began, began.AddDate(1, 0, 0), nil, l)
			if err != nil {
				t.Fatal(err)
			}
			payloads[kind] = append(payloads[kind], b)
			if valid(s, bytes.Replace(b, []byte("report.pdf"), []byte("../re.pdf"), 1)) == nil {
				t.Errorf("%s: any name of a document is valid", kind)
			}
		}
		if kind == credentials.KindReviewDetermination { // one that answers an appeal
			appeal := handle("appeal")
			d := claims.Determination{Handle: handle("d"), Subject: handle("claim"), Number: 2, Approve: true, Reason: "overturned", Reviewer: "did:web:reviewer.test",
				Appeal: &appeal, Words: "the first service was cancelled", SetsAside: []claims.SetAside{{Line: 1, CARC: "18"}}, Letters: []credentials.Handle{handle("letter")}}
			b, err := credentials.Draft(signer, kind, d.Handle, began, began.AddDate(1, 0, 0), nil, d)
			if err != nil {
				t.Fatal(err)
			}
			payloads[kind] = append(payloads[kind], b)
		}
		if kind == credentials.KindEstimateRequest { // a claim in the form of another kind
			for _, b := range payloads[credentials.KindClaimSubmission] {
				payloads[kind] = append(payloads[kind], bytes.ReplaceAll(b, []byte("ClaimSubmission"), []byte("ClaimEstimateRequest")))
			}
		}
		if kind == credentials.KindClaimEstimate {
			est := claims.ClaimEstimate{Handle: handle("estimate"), Notice: claims.EstimateNotice, Estimate: claims.Estimate{
				Claim: "C1", Received: "2026-03-01", Outcome: claims.Pended, Lines: []claims.LineDecision{}, Pends: []claims.Pend{{Reason: claims.PendStanding}}}}
			b, err := credentials.Draft(signer, kind, est.Handle, began, began.Add(claims.EstimateLife), nil, est)
			if err != nil {
				t.Fatal(err)
			}
			payloads[kind] = append(payloads[kind], b)
			if valid(s, bytes.Replace(b, []byte("no decision"), []byte("a decision"), 1)) == nil {
				t.Error("an estimate may call itself a decision")
			}
		}
		if kind == credentials.KindStandingAnswer {
			q := credentials.StandingQuestion{NPI: "1234567893", State: "CA", Service: "99213", On: "2026-03-01", Known: began}
			a, err := credentials.AnswerStanding(q, credentials.StandingRecord{Feeds: []credentials.FeedMark{{Board: "did:web:board.test", Read: began}}})
			if err != nil {
				t.Fatal(err)
			}
			a.Handle, a.License, a.Order, a.Day, a.Question.Position = handle("answer"), handle("l"), handle("o"), "2026-03-01", 7 // whatever it may have
			b, err := credentials.Draft(signer, kind, a.Handle, began, began.AddDate(1, 0, 0), status, a)
			if err != nil {
				t.Fatal(err)
			}
			payloads[kind] = append(payloads[kind], b)
		}
		if len(payloads[kind]) == 0 {
			t.Errorf("no %s (%s) was issued", kind, subject)
		}
		for _, b := range payloads[kind] {
			if err := valid(s, b); err != nil {
				t.Errorf("%s: %v\n%s", kind, err, b)
			}
			for _, edit := range [][2]string{
				{`"credentialSubject":{`, `"credentialSubject":{"extra":1,`}, {`{"@context"`, `{"extra":1,"@context"`},
				{string(kind) + `"]`, `Other"]`}, {`credentials/v2"`, `credentials/v1"`}, {`schema:`, `schemas:`}, {`"issuer":"did:`, `"issuer":"urn:`},
			} {
				if valid(s, bytes.Replace(b, []byte(edit[0]), []byte(edit[1]), 1)) == nil {
					t.Errorf("%s: %q in the place of %q is valid", kind, edit[1], edit[0])
				}
			}
		}
	}
}

func valid(s *jsonschema.Schema, payload []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err != nil {
		return fmt.Errorf("read payload: %w", err)
	}
	return s.Validate(v)
}
