package temporalserver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	plugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/schema/sqlite"
	"google.golang.org/protobuf/types/known/durationpb"
)

// retention keeps closed histories no longer than erasure allows: the books, not the histories, are the record of a
// decision.
const retention = 30 * 24 * time.Hour

// sqlConfig opens the file in WAL mode: about three times the throughput of the rollback journal. In WAL mode,
// synchronous NORMAL survives a killed process; only a power cut may lose the last moments.
func sqlConfig(path string) *config.SQL {
	return &config.SQL{
		PluginName:   plugin.PluginName,
		DatabaseName: (&url.URL{Path: path}).EscapedPath(), // the plugin makes a file: URI of it
		ConnectAttributes: map[string]string{
			"mode":         "rwc",
			"journal_mode": "wal",
			"synchronous":  "normal",
			"busy_timeout": "10000",
		},
	}
}

// prepareDatabase sets up schema and namespace where they are missing. The server has no migrations for SQLite: a
// directory belongs to the server version that made it.
func prepareDatabase(ctx context.Context, cfg *config.Config, namespace string) error {
	sqlCfg := cfg.Persistence.DataStores[plugin.PluginName].SQL
	if err := setUpSchema(ctx, sqlCfg.DatabaseName); err != nil {
		return fmt.Errorf("set up schema: %w", err)
	}
	if err := keepStatements(sqlCfg); err != nil {
		return fmt.Errorf("keep statements prepared: %w", err)
	}
	ns, err := sqlite.NewNamespaceConfig(clusterName, namespace, false, nil)
	if err != nil {
		return fmt.Errorf("configure namespace: %w", err)
	}
	ns.Detail.Config.Retention = durationpb.New(retention)
	if err := sqlite.CreateNamespaces(sqlCfg, ns); err != nil {
		return fmt.Errorf("create namespace: %w", err)
	}
	return nil
}

// setUpSchema creates the tables in one transaction: a process killed half-way leaves an empty file, not half a schema.
func setUpSchema(ctx context.Context, escapedPath string) error {
	db, err := sql.Open("sqlite", "file:"+escapedPath+"?mode=rwc&_pragma=busy_timeout=10000&_pragma=journal_mode=wal")
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var found int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'namespaces'`).Scan(&found); err != nil {
		return err
	}
	if found > 0 {
		return nil
	}
	if err := sqlite.SetupSchemaOnDB(schemaTx{ctx: ctx, tx: tx}); err != nil {
		return err
	}
	if err := dropIndexes(ctx, tx); err != nil {
		return fmt.Errorf("drop indexes: %w", err)
	}
	return tx.Commit()
}

// lookups are the indexes of the list of contracts by which anybody looks them up. Temporal's schema has fifty more, most for
// search attributes that no contract here has, and each of them would be written three times for each contract: a fifth of
// the server's processor time. Without one a list is found more slowly, and as well.
var lookups = []string{"default_idx", "by_workflow_id", "by_workflow_type", "by_status", "by_task_queue", "by_temporal_namespace_division",
	"by_temporal_worker_deployment_version", "by_temporal_worker_deployment"}

func dropIndexes(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'executions_visibility' AND sql IS NOT NULL`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var unused []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		if !slices.Contains(lookups, name) {
			unused = append(unused, name)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, name := range unused {
		if _, err := tx.ExecContext(ctx, `DROP INDEX "`+name+`"`); err != nil {
			return err
		}
	}
	return nil
}

// schemaTx is as much of an AdminDB as the schema set-up uses.
type schemaTx struct {
	sqlplugin.AdminDB
	ctx context.Context
	tx  *sql.Tx
}

func (s schemaTx) Exec(stmt string, args ...any) error {
	_, err := s.tx.ExecContext(s.ctx, stmt, args...)
	return err
}
