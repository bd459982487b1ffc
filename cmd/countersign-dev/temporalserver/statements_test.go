package temporalserver

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	persistence "go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/resolver"
)

// TestStatementsAreKept asks what Temporal's plugin gives the services, as they do, for whose connection it is and whether it
// promises what the plugin's own would.
func TestStatementsAreKept(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cfg := newConfig(filepath.Join(t.TempDir(), "a file of ours %41.db"), Options{}, []int{1, 2, 3, 4})
	for range 2 { // a server that starts again in the same process
		if err := prepareDatabase(ctx, cfg, "insurer"); err != nil {
			t.Fatal(err)
		}
	}
	opened, err := persistence.NewSQLDB(sqlplugin.DbKindMain, cfg.Persistence.DataStores[sqlite.PluginName].SQL,
		resolver.NewNoopResolver(), log.NewNoopLogger(), metrics.NoopMetricsHandler)
	if err != nil {
		t.Fatal(err)
	}
	shared, err := sharedBy(opened)
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Close()
	conn, err := shared.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Raw(func(c any) error {
		if got, want := fmt.Sprintf("%T", c), "*prepared.conn"; got != want {
			t.Errorf("connection is a %s, want a %s", got, want)
		}
		return nil
	})
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "1", "busy_timeout": "10000"} {
		var got string
		if err := conn.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", pragma, got, err, want)
		}
	}
	if got := shared.Stats().MaxOpenConnections; got != 1 {
		t.Errorf("%d connections at most, want 1", got)
	}
}
