package sdjwt

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"go.yaml.in/yaml/v3"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/credentialstest"
)

// corpus is the folder of the specification's inputs, outside of the repository.
func corpus(t testing.TB) string {
	t.Helper()
	return filepath.Join(credentialstest.Corpus(t), "sd-jwt-rfc9901")
}

// The inputs from which RFC 9901's examples are made: claims, of which some are tagged as withheld, at every depth, in objects
// and in arrays. Their outputs carry random salts and are not stored there; so this conceals as each input says, and discloses
// everything, nothing, and what the input has its holder disclose.
func TestSpecificationInputs(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(corpus(t), "spec-inputs-yml/*/specification.yml"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d inputs, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var spec struct {
				Claims    yaml.Node `yaml:"user_claims"`
				Disclosed any       `yaml:"holder_disclosed_claims"`
			}
			if err := yaml.Unmarshal(b, &spec); err != nil {
				t.Fatal(err)
			}
			var places []string
			value := plainValue(t, &spec.Claims, "", &places)
			whole := asJSON(t, value)
			hidden, all, err := conceal(fromJSON(t, whole), places, func(place string) string { return "salt of " + place })
			if err != nil {
				t.Fatal(err)
			}
			if len(all) != len(places) {
				t.Errorf("%d disclosures of %d places", len(all), len(places))
			}
			signed := asJSON(t, hidden)
			show := func(some []string) string {
				r, err := reveal(fromJSON(t, signed), some)
				if err != nil {
					t.Fatal(err)
				}
				return asJSON(t, r.value)
			}
			if got := show(all); got != whole {
				t.Errorf("all disclosed is\n%s, want\n%s", got, whole)
			}
			if got, want := show(nil), asJSON(t, without(fromJSON(t, whole), "", places, nil)); got != want {
				t.Errorf("nothing disclosed is\n%s, want\n%s", got, want)
			}
			for _, wanted := range []any{spec.Disclosed, true} {
				some := wantedPlaces(value, wanted, "", places)
				shown, err := choose(fromJSON(t, signed), all, some)
				if err != nil {
					t.Fatal(err)
				}
				// What stands around a chosen place is disclosed with it.
				for _, p := range places {
					for _, s := range some {
						if strings.HasPrefix(s, p+"/") {
							some = append(some, p)
						}
					}
				}
				if got, want := show(shown), asJSON(t, without(fromJSON(t, whole), "", places, some)); got != want {
					t.Errorf("%v disclosed is\n%s, want\n%s", wanted, got, want)
				}
			}
		})
	}
}

// plainValue reads YAML with its tags: "!sd" stands at the name of a member or at an element.
func plainValue(t *testing.T, n *yaml.Node, at string, places *[]string) any {
	switch n.Kind {
	case yaml.MappingNode:
		o := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			name, v := n.Content[i], n.Content[i+1]
			place := at + "/" + escape(name.Value)
			if name.Tag == "!sd" {
				*places = append(*places, place)
			}
			o[name.Value] = plainValue(t, v, place, places)
		}
		return o
	case yaml.SequenceNode:
		list := []any{}
		for i, v := range n.Content {
			place := fmt.Sprint(at, "/", i)
			if v.Tag == "!sd" {
				*places = append(*places, place)
				v.Tag = ""
			}
			list = append(list, plainValue(t, v, place, places))
		}
		return list
	}
	if n.Tag == "!sd" || n.Tag == "" {
		n.Tag = "" // let yaml find it out
	}
	var v any
	if err := n.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// without is a value without those of the places that are not shown, computed apart from the code under test.
func without(value any, at string, places, shown []string) any {
	gone := func(p string) bool { return contains(places, p) && !contains(shown, p) }
	switch v := value.(type) {
	case map[string]any:
		o := map[string]any{}
		for name, inner := range v {
			if p := at + "/" + escape(name); !gone(p) {
				o[name] = without(inner, p, places, shown)
			}
		}
		return o
	case []any:
		list := []any{}
		for i, inner := range v {
			if p := fmt.Sprint(at, "/", i); !gone(p) {
				list = append(list, without(inner, p, places, shown))
			}
		}
		return list
	}
	return value
}

func contains(all []string, s string) bool {
	for _, a := range all {
		if a == s {
			return true
		}
	}
	return false
}

// wantedPlaces reads holder_disclosed_claims: true stands for a value and all in it.
func wantedPlaces(value, wanted any, at string, places []string) (some []string) {
	if wanted == true {
		for _, p := range places {
			if p == at || strings.HasPrefix(p, at+"/") {
				some = append(some, p)
			}
		}
		return some
	}
	switch v := value.(type) {
	case map[string]any:
		w, _ := wanted.(map[string]any)
		for name, inner := range v {
			if w[name] != nil {
				some = append(some, wantedPlaces(inner, w[name], at+"/"+escape(name), places)...)
			}
		}
	case []any:
		w, _ := wanted.([]any)
		for i, inner := range v {
			if i < len(w) {
				some = append(some, wantedPlaces(inner, w[i], fmt.Sprint(at, "/", i), places)...)
			}
		}
	}
	return some
}

// A presentation by another program, with an issuer's key that is not at hand. Its digests hold, the holder's signature holds,
// and its sd_hash is of another edition of the token: a moved binding.
func TestPresentationVector(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(corpus(t), "vp_token_example.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Presentation string `json:"sd_jwt_kb"`
		Disclosures  []struct {
			Disclosure, Digest string
			Contents           []any
		} `json:"disclosure_vectors"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	for _, d := range v.Disclosures {
		got, err := decode(d.Disclosure)
		if digest(d.Disclosure) != d.Digest || err != nil || got.name != d.Contents[1] || got.value != d.Contents[2] {
			t.Errorf("%s: digest %s, %+v, %v", d.Disclosure, digest(d.Disclosure), got, err)
		}
	}
	p, err := cut(v.Presentation)
	if err != nil {
		t.Fatal(err)
	}
	top, err := unverified(p.token)
	if err != nil {
		t.Fatal(err)
	}
	delete(top, algName)
	r, err := reveal(top, p.disclosures)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.value.(map[string]any); got["given_name"] != "John" || got["family_name"] != "Doe" || got["email"] != nil {
		t.Errorf("revealed %v", got)
	}
	holder, err := confirmed(top["cnf"])
	if err != nil {
		t.Fatal(err)
	}
	if jws, err := jose.ParseSignedCompact(p.binding, []jose.SignatureAlgorithm{jose.ES256}); err != nil {
		t.Error(err)
	} else if _, err := jws.Verify(holder.Public()); err != nil {
		t.Errorf("the holder's signature: %v", err)
	}
	if _, err := openBinding(p, holder); credentials.VerdictOf(err).Check != credentials.CheckBinding || !strings.Contains(err.Error(), "other disclosures") {
		t.Errorf("openBinding = %v, want it to miss the hash", err)
	}
}

// The SD-JWT of VC-JOSE-COSE, of before RFC 9901: refused by their header, an algorithm of which no key of ours is among it.
func TestRefusedVectors(t *testing.T) {
	text := string(credentialstest.Vector(t, "vc-jose-cose-spec/spec-examples.txt"))
	all := regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+~[\w~.-]*`).FindAllString(text, -1)
	if len(all) < 2 {
		t.Fatalf("found %d", len(all))
	}
	for _, s := range all {
		if _, err := prove(s); credentials.VerdictOf(err).Check != credentials.CheckHeader || credentials.VerdictOf(err).Outcome != credentials.Bad {
			t.Errorf("%.60s: %v", s, err)
		}
	}
}
