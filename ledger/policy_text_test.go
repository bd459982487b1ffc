package ledger_test

import (
	"fmt"
	"strings"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// Torchwood, reading the text, calls final what we call final.
func TestPolicyText(t *testing.T) {
	lt := ledgertest.New(t)
	text := lt.Genesis.PolicyText("https://ledger.example/test/")
	lines := strings.Split(text, "\n")
	if len(lines) != 1+4+1+1+1 || lines[0] != "log "+lt.Genesis.LogKey+" https://ledger.example/test/" ||
		lines[2] != "witness w2 "+lt.Genesis.Witnesses[1] || lines[5] != "group witnesses 3 w1 w2 w3 w4" || lines[6] != "quorum witnesses" || lines[7] != "" {
		t.Fatalf("got\n%s", text)
	}
	if got := lt.Genesis.PolicyText(""); !strings.HasPrefix(got, "log "+lt.Genesis.LogKey+"\n") {
		t.Errorf("without an address: got\n%s", got)
	}
	p, err := torchwood.ParsePolicy([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c := ledger.Checkpoint{Origin: ledgertest.Origin, Size: 1, Root: tlog.RecordHash(lt.Leaf)}
	signers := []note.Signer{lt.LogKey}
	for i, w := range lt.Witnesses {
		s, err := torchwood.NewCosignatureSigner(w.Name, ledgertest.Key(fmt.Sprint("w", i+1)))
		if err != nil {
			t.Fatal(err)
		}
		signers = append(signers, s)
	}
	for n := range len(signers) + 1 {
		for _, some := range [][]note.Signer{signers[:n], signers[len(signers)-n:]} { // with the log's signature, and without it unless all sign
			signed, err := note.Sign(&note.Note{Text: c.Text()}, some...)
			if err != nil {
				t.Fatal(err)
			}
			_, _, ours := lt.Policy.Final(signed)
			_, _, theirs := torchwood.VerifyCheckpoint(signed, p)
			if (ours == nil) != (theirs == nil) {
				t.Errorf("%d signatures: ours says %v, torchwood %v", n, ours, theirs)
			}
		}
	}
}
