package aries

import (
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/credentials/credentialstest"
)

// Every field of a credential of data model 1.1, its proof and its header: by
// nobody, and by a stranger with a key of its own.
func TestImportJudgeEveryField(t *testing.T) {
	i := importer(t)
	judge := func(doc []byte) credentials.Verdict {
		_, v := i.Judge(doc, credentials.Policy{Now: importTime.Add(time.Hour), Keys: credentials.ResolveDIDKey, Status: credentials.StatusIfNamed,
			Issuer: func(who credentials.DID, _ credentials.Kind, _ string) error {
				if string(who) != importDID(1) {
					return credentials.Refuse(credentials.CheckIssuer, "it may not")
				}
				return nil
			}})
		return v
	}
	board, mallory := importSigner(1), importSigner(3)
	token := jwtOf(board, jwtHead(board), jwtClaims(testVC()))
	linked := ldOf(t, i, board, testVC(), ldProof(board))
	for _, doc := range [][]byte{token, linked} {
		if v := judge(doc); !v.IsGood() {
			t.Fatalf("unchanged: %+v", v)
		}
	}
	parts := strings.Split(string(token), ".")
	for at, text := range []string{jwtHead(board), jwtClaims(testVC())} {
		credentialstest.EachChange(t, []byte(text), func(c credentialstest.Change, edited []byte) {
			moved := append([]string{}, parts...)
			moved[at] = b64.EncodeToString(edited)
			if v := judge([]byte(strings.Join(moved, "."))); v.IsGood() {
				t.Errorf("%+v by nobody: good", c)
			}
		})
	}
	credentialstest.EachChange(t, []byte(jwtClaims(testVC())), func(c credentialstest.Change, edited []byte) {
		if v := judge(jwtOf(mallory, jwtHead(mallory), string(edited))); v.Outcome != credentials.Bad {
			t.Errorf("%+v by a stranger: %+v", c, v)
		}
	})
	n := credentialstest.EachChange(t, linked, func(c credentialstest.Change, edited []byte) {
		// A value and a list of it alone make one statement.
		same := c == credentialstest.Change{Path: "/credentialSubject/degree", What: "another type"}
		if v := judge(edited); v.IsGood() != same {
			t.Errorf("%+v by nobody: %+v", c, v)
		}
	})
	if n < 50 {
		t.Errorf("%d changes only", n)
	}
}

// In JSON-LD nobody signs the order of types, so it decides nothing.
func TestImportKindHasNoOrder(t *testing.T) {
	i := importer(t)
	vc := replaced(t, testVC(), `"VerifiableCredential",`, `"VerifiableCredential","https://board.test/v1#A",`)
	good := string(ldOf(t, i, importSigner(1), vc, ldProof(importSigner(1))))
	const order = `["VerifiableCredential","https://board.test/v1#A","DegreeCredential"]`
	for _, types := range []string{order, `["https://board.test/v1#A","DegreeCredential","VerifiableCredential"]`} {
		got, err := i.Prove([]byte(replaced(t, good, order, types)), credentials.ResolveDIDKey)
		if err != nil || got.Envelope.Kind != "DegreeCredential" {
			t.Errorf("%s: %+v, %v", types, got, err)
		}
	}
}
