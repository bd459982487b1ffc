package temporalserver

import (
	"database/sql"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"sync"

	"github.com/jmoiron/sqlx"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	persistence "go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/resolver"
	"modernc.org/sqlite"

	"github.com/countersign-health/countersign/store/sqldb/prepared"
)

// keepStatements has Temporal's SQLite plugin keep its statements prepared. The plugin opens the driver by its name, which
// leaves no room for one of ours, but it gives all services of a process the same *sqlx.DB for a file, for as long as the
// process lives. So that one is found here, before the server starts, and what is inside it is changed.
//
// The field that it lies in is the plugin's own. A plugin of another shape is an error at every start, which the first
// test after an upgrade of Temporal shows.
func keepStatements(cfg *config.SQL) error {
	opened, err := persistence.NewSQLDB(sqlplugin.DbKindUnknown, cfg, resolver.NewNoopResolver(), log.NewNoopLogger(), metrics.NoopMetricsHandler)
	if err != nil {
		return err
	}
	defer opened.Close()
	shared, err := sharedBy(opened)
	if err != nil {
		return err
	}
	if _, before := kept.LoadOrStore(shared, true); before {
		return nil // this process had a server on the file already
	}
	c, err := sqlite.NewConnector(dataSource(cfg))
	if err != nil {
		return err
	}
	pool := sql.OpenDB(prepared.Connector(c))
	pool.SetMaxOpenConns(1) // as the plugin has it
	pool.SetMaxIdleConns(1)
	plain := shared.DB
	shared.DB = pool
	return plain.Close()
}

// kept are the databases whose statements are kept.
var kept sync.Map // of *sqlx.DB

// dataSource is what the plugin makes of its configuration: mode is of the URI, all else is a pragma.
func dataSource(cfg *config.SQL) string {
	options := url.Values{"_time_format": {"sqlite"}}
	for _, name := range slices.Sorted(maps.Keys(cfg.ConnectAttributes)) {
		value := cfg.ConnectAttributes[name]
		if name == "mode" {
			options.Set(name, value)
			continue
		}
		options.Add("_pragma", name+"="+value)
	}
	return "file:" + cfg.DatabaseName + "?" + options.Encode()
}

// sharedBy finds what the plugin's connections share.
func sharedBy(opened sqlplugin.DB) (*sqlx.DB, error) {
	v := reflect.ValueOf(opened)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("the plugin opens a %T", opened)
	}
	field := v.Elem().FieldByName("db")
	if !field.IsValid() || field.Type() != reflect.TypeFor[*sqlx.DB]() {
		return nil, fmt.Errorf("a %T has no db of the type %s", opened, reflect.TypeFor[*sqlx.DB]())
	}
	return (*sqlx.DB)(field.UnsafePointer()), nil
}
