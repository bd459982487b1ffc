package sqldb_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"testing/fstest"
	"time"

	"github.com/countersign-health/countersign/store/sqldb"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// many takes a while: each file adds its number to a table that the first made.
func many() fstest.MapFS {
	files := fstest.MapFS{"0000_table.sql": {Data: []byte("CREATE TABLE step (n BIGINT)")}}
	for n := 1; n < 300; n++ {
		files[fmt.Sprintf("%04d_step.sql", n)] = &fstest.MapFile{Data: fmt.Appendf(nil, "INSERT INTO step (n) VALUES (%d)", n)}
	}
	return files
}

const migrateVariable = "SQLDB_TEST_MIGRATE" // the DSN for the process that is killed

func TestMigrateGoesOnAfterKill(t *testing.T) {
	if dsn := os.Getenv(migrateVariable); dsn != "" {
		if err := sqldb.Migrate(context.Background(), sqldbtest.Open(t, dsn), "many", many()); err != nil {
			t.Fatal(err)
		}
		return
	}
	sqldbtest.EachDSN(t, func(t *testing.T, dsn string) {
		ctx, db := context.Background(), sqldbtest.Open(t, dsn)
		cmd := exec.Command(os.Args[0], "-test.run=^TestMigrateGoesOnAfterKill$")
		cmd.Env = append(os.Environ(), migrateVariable+"="+dsn)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		steps := func() (n, distinct int) {
			db.QueryRow(ctx, `SELECT count(*), count(DISTINCT n) FROM step`).Scan(&n, &distinct) // no table at first
			return n, distinct
		}
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
			if n, _ := steps(); n > 20 || time.Now().After(end) {
				break
			}
		}
		cmd.Process.Kill()
		cmd.Wait()
		if n, _ := steps(); n <= 20 || n >= 299 {
			t.Fatalf("killed after %d of 299 steps: not in between", n)
		}
		if err := sqldb.Migrate(ctx, db, "many", many()); err != nil {
			t.Fatal(err)
		}
		if n, distinct := steps(); n != 299 || distinct != 299 {
			t.Errorf("got %d steps, %d different ones; want each of 299 once", n, distinct)
		}
	})
}
