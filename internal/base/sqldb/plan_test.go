package sqldb_test

import (
	"path/filepath"
	"slices"
	"testing"

	"strongroom/internal/base/sqldb"
)

// A statement's plan does not hang on what is bound to it, so that SQLite need
// not prepare it anew at each run.
func TestPlanIsStable(t *testing.T) {
	db := lite(t, filepath.Join(t.TempDir(), "plan.db"))
	change(t, db, "create table e (id integer primary key, kind text, s text)", "create index only_a on e (s) where kind = 'a'")
	plan := func(kind string) (steps []string) {
		err := db.View(t.Context(), func(tx *sqldb.Tx) error {
			rows, err := tx.Query("explain query plan select id from e where kind = ? and s = ?", kind, "x")
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var n, parent, unused int64
				var step string
				if err := rows.Scan(&n, &parent, &unused, &step); err != nil {
					return err
				}
				steps = append(steps, step)
			}
			return rows.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		return steps
	}
	if a, b := plan("a"), plan("b"); !slices.Equal(a, b) {
		t.Errorf("bound to a: %q, to b: %q", a, b)
	}
}
