package rdfc

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/credentialstest"
)

// Appendix B.1 of the data model gives the digest of its context.
func TestContextV2IsTheW3Cs(t *testing.T) {
	const want = "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734"
	sum := sha256.Sum256(contextV2)
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("the embedded context has the digest %s, want %s", got, want)
	}
}

// And it is the one that lies beside the other vectors.
func TestContextV2IsInTheCorpus(t *testing.T) {
	if string(credentialstest.Vector(t, "vc-data-model/contexts/credentials/v2")) != string(contextV2) {
		t.Error("the embedded context differs from the corpus")
	}
}

// structured members are JSON to the last bracket (@json): neither their order nor their repetitions may get lost.
var structured = map[string]bool{"claim": true, "decision": true, "head": true, "request": true, "source": true, "standing": true, "lines": true, "setsAside": true, "enclosures": true, "basis": true, "question": true, "estimate": true}

// Each term of each kind of subject has a meaning in our context or the data model's. A schema that gets a new member gives it
// one here in the same commit.
func TestContextCoversSchemas(t *testing.T) {
	files, err := filepath.Glob("../../docs/json/*.json")
	if err != nil || len(files) < 9 {
		t.Fatalf("%d schemas, %v", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var schema struct {
			Title      string
			Properties map[string]json.RawMessage
			Defs       map[string]struct{ Properties map[string]json.RawMessage } `json:"$defs"`
		}
		if err := json.Unmarshal(b, &schema); err != nil {
			t.Fatal(err)
		}
		var subject struct {
			Ref        string `json:"$ref"`
			Properties map[string]json.RawMessage
		}
		if err := json.Unmarshal(schema.Properties["credentialSubject"], &subject); err != nil {
			t.Fatal(err)
		}
		if subject.Ref != "" {
			subject.Properties = schema.Defs[strings.TrimPrefix(subject.Ref, "#/$defs/")].Properties
		}
		if len(subject.Properties) == 0 {
			t.Errorf("%s: no subject found", file)
		}
		doc := map[string]any{"@context": []string{ContextV2, credentials.ContextID}, "type": []string{"VerifiableCredential", schema.Title}, "salt": "s"}
		inner := map[string]any{}
		for name := range subject.Properties {
			switch {
			case name == "type": // a status list's, whose members the data model defines
				inner[name] = "BitstringStatusList"
			case structured[name]:
				inner[name] = map[string]string{"in": "urn:x:" + name}
			default:
				inner[name] = "urn:x:" + name
			}
		}
		doc["credentialSubject"] = inner
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		out, err := Suite().Canonicalize(text)
		if err != nil {
			t.Errorf("%s: %v: a member or the type has no term in contexts/countersign-1.jsonld", file, err)
			continue
		}
		for name := range subject.Properties {
			if name != "type" && !strings.Contains(string(out), "urn:x:"+name) {
				t.Errorf("%s: %s makes no statement", file, name)
			}
		}
	}
}

// A context that names another one gets none but the program's.
func TestLoaderRefusesOthers(t *testing.T) {
	l, err := Loader(map[string][]byte{"urn:x": []byte(`{"@context":["https://x.test/v1"]}`)})
	if err != nil {
		t.Fatal(err)
	}
	if doc, err := l.LoadDocument("https://x.test/v1"); err == nil {
		t.Errorf("loaded %+v", doc)
	}
	if _, err := l.LoadDocument(ContextV2); err != nil {
		t.Error(err)
	}
}

func TestWithContextsRefuses(t *testing.T) {
	for name, more := range map[string]map[string][]byte{
		"ours":       {credentials.ContextID: []byte(`{"@context":{}}`)},
		"the W3C's":  {ContextV2: []byte(`{"@context":{}}`)},
		"no URL":     {"x": []byte(`{"@context":{}}`)},
		"no context": {"urn:x": []byte(`{}`)},
		"no JSON":    {"urn:x": []byte(`{"@context":{},"@context":{}}`)},
	} {
		if _, err := WithContexts(more); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
