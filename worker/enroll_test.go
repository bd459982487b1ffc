package worker

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/countersign-health/countersign/books"
	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
	"github.com/countersign-health/countersign/examples"
	"github.com/countersign-health/countersign/store"
	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/storetest"
)

// TestDirectoryWakes: what waits is looked at again when members, coverage or a
// roster are written, and once more when the same file comes again, since its
// sender may not have heard that it was taken.
func TestDirectoryWakes(t *testing.T) {
	db, err := sqldb.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "books.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	kept, err := store.Open(t.Context(), db, storetest.Keys(t), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	_, err = kept.PublishEdition(t.Context(), books.Edition{Kind: books.PlanEdition, Ref: claims.EditionRef{Name: "demo-ppo", Edition: "1"}, From: "2026-01-01", Handle: credentials.Handle{3}, Body: []byte("plan")}, []byte("entry"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = kept.ReceiveClaim(t.Context(), books.NewClaim{Key: credentials.Digest{1}, Submitter: "did:key:hospital", Token: "token", Received: "2026-11-02",
		Submission: claims.Submission{Handle: credentials.Handle{1}, Claim: claims.Claim{Number: "C1"}}})
	if err != nil {
		t.Fatal(err)
	}
	members, err := examples.Files.ReadFile("members.csv")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := claims.ParseMembers(members)
	if err != nil {
		t.Fatal(err)
	}
	m := parsed[0]
	coverage := []byte("member_id,first,birth,coverage_from,coverage_until\n" + m.MemberID + "," + m.First + "," + string(m.Birth) + ",2020-01-01,2020-12-31\n")
	providers := []byte("billing_npi,npi,network,from,until\n2999001003,2999002019,,2026-01-01,\n")
	temporal := &woken{}
	i := &Insurer{Config: Config{Books: kept, Temporal: temporal, Now: time.Now, Log: slog.New(slog.DiscardHandler)}}
	for _, does := range []struct {
		name string
		do   func() (int, error)
	}{
		{"members", func() (int, error) { return i.Enroll(t.Context(), "demo-ppo", members) }},
		{"coverage", func() (int, error) { return i.Cover(t.Context(), "demo-ppo", coverage) }},
		{"roster", func() (int, error) { return i.Roster(t.Context(), providers) }},
	} {
		for _, time := range []string{"once", "again"} {
			before := temporal.n.Load()
			if n, err := does.do(); err != nil || n == 0 {
				t.Errorf("%s %s: %d rows, %v", does.name, time, n, err)
			}
			if got := temporal.n.Load() - before; got != 1 {
				t.Errorf("%s %s: woke %d contracts, want 1", does.name, time, got)
			}
		}
	}
}
