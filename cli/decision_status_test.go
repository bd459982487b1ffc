package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/gateway/api"
	"github.com/countersign-health/countersign/ledger"
	"github.com/countersign-health/countersign/ledger/ledgertest"
)

// A decision is good only by a list that was read, is in force, and says so.
func TestDecisionStatus(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const base = "https://claims.test" // where the lists say that they stand
	at := func(p credentials.StatusPurpose) string { return base + "/status/" + string(p) + "/1" }
	insurer := ledgertest.Signer("insurer")
	token, err := credentials.Issue(insurer, credentials.KindClaimDecision, newHandle(), now.Add(-time.Hour),
		credentials.DecisionStatus(at, [2]int{5, 9}), claims.ClaimDecisionDocument{Decision: claims.Decision{Lines: []claims.LineDecision{}}})
	if err != nil {
		t.Fatal(err)
	}
	l := ledgertest.New(t)
	registry, err := ledger.NewRegistry(l.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	type lists struct {
		signer  credentials.Signer
		from    time.Time
		code    int
		over    bool
		swapped bool
	}
	for _, tt := range []struct {
		name   string
		change func(*lists)
		want   credentials.Outcome
		word   string
	}{
		{"in force", func(*lists) {}, credentials.Good, "good"},
		{"superseded", func(l *lists) { l.over = true }, credentials.Bad, "superseded"},
		{"no answer", func(l *lists) { l.code = 503 }, credentials.NotKnown, "unknown"},
		{"none there", func(l *lists) { l.code = 404 }, credentials.NotKnown, "unknown"},
		{"led elsewhere", func(l *lists) { l.code = 302 }, credentials.NotKnown, "unknown"},
		{"past its end", func(l *lists) { l.from = now.Add(-time.Hour) }, credentials.NotKnown, "unknown"},
		{"of the future", func(l *lists) { l.from = now.Add(time.Hour) }, credentials.NotKnown, "unknown"},
		{"another's", func(l *lists) { l.signer = ledgertest.Signer("hospital") }, credentials.NotKnown, "unknown"},
		{"of another purpose", func(l *lists) { l.swapped = true }, credentials.NotKnown, "unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			served := lists{signer: insurer, from: now.Add(-time.Minute), code: 200}
			tt.change(&served)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				p := credentials.StatusPurpose(strings.Split(r.URL.Path, "/")[2])
				if served.swapped {
					p = map[credentials.StatusPurpose]credentials.StatusPurpose{credentials.PurposeRevocation: credentials.PurposeMessage, credentials.PurposeMessage: credentials.PurposeRevocation}[p]
				}
				bits := credentials.NewStatusList(1)
				if p == credentials.PurposeMessage {
					bits = credentials.NewStatusList(credentials.MessageSize)
				}
				if served.over {
					bits.Set(map[bool]int{true: 9, false: 5}[p == credentials.PurposeMessage], 1)
				}
				list, err := credentials.IssueStatusList(served.signer, newHandle(), p, at(p), bits, served.from, served.from.Add(5*time.Minute))
				if err != nil {
					t.Error(err)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(served.code)
				io.WriteString(w, list)
			}))
			defer server.Close()
			d := &door{Client: &api.Client{Now: func() time.Time { return now }}, pinned: pinned{registry: registry, keys: registry.ResolveKey}}
			d.lists = &statusLists{http: server.Client(), door: server.URL, keys: d.keys}
			e, err := envelopeOf[claims.ClaimDecisionDocument](token, credentials.KindClaimDecision, d.keys)
			if err != nil {
				t.Fatal(err)
			}
			s := d.status(t.Context(), e)
			if s == nil || s.Outcome != tt.want || s.word() != tt.word {
				t.Fatalf("got %+v, want %s", s, tt.word)
			}
			if code := codeOf(unsure(s)); unsure(s) != nil && code != exitUnknown || (unsure(s) == nil) != (tt.want == credentials.Good) {
				t.Errorf("exit code %d", code)
			}
		})
	}
}
