package sqldb_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"strongroom/internal/base/sqldb"
)

// resident gives the resident memory of this process in KiB.
func resident(t *testing.T) (kb int) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("the resident memory is read from /proc/self/status: ", err)
	}
	for line := range strings.Lines(string(b)) {
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kb); n == 1 {
			return kb
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// An open database with one reader in use costs little, so that hundreds of
// tenants can be open.
func TestMemoryOfOpenDatabases(t *testing.T) {
	dir := t.TempDir()
	const count = 50
	before := resident(t)
	for i := range count {
		db := lite(t, filepath.Join(dir, fmt.Sprint(i)))
		change(t, db, "create table e (id integer primary key, s text)")
		err := db.Change(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec("with recursive n(i) as (select 1 union all select i + 1 from n where i < 200) insert into e select i, printf('%0300d', i) from n")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := number(t, db, "select count(*) from e where s <> ''"); n != 200 {
			t.Error(n)
		}
	}
	each := (resident(t) - before) / count
	t.Logf("%d KiB for each open database", each)
	if each > 1500 {
		t.Errorf("%d KiB for each open database", each)
	}
}
