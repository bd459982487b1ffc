package sqldb_test

import (
	"context"
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

func TestMigrationsSaysWhatHasRun(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, open func() *sqldb.DB) {
		ctx, db := context.Background(), open()
		first := fstest.MapFS{"0001_count.sql": schema["0001_count.sql"]}
		changed := fstest.MapFS{"0001_count.sql": {Data: []byte("CREATE TABLE other (n BIGINT)")}}
		check := func(files fstest.MapFS, want string) {
			t.Helper()
			got, err := sqldb.Migrations(ctx, db, "count", files)
			if err != nil || fmt.Sprint(got) != want {
				t.Errorf("got %v, %v; want %s", got, err, want)
			}
		}
		dialect := "0002_other.sqlite.sql"
		if db.Postgres() {
			dialect = "0002_only.postgres.sql"
		}
		check(first, "[{0001_count.sql false false false}]")
		if err := sqldb.Migrate(ctx, db, "count", first); err != nil {
			t.Fatal(err)
		}
		check(schema, fmt.Sprintf("[{0001_count.sql true false false} {%s false false false} {0003_second_column.sql false false false}]", dialect))
		check(changed, "[{0001_count.sql true true false}]")
	})
}
