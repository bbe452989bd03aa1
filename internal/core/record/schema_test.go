package record_test

import (
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// TestColumnsOfLater opens a database from before a table had one of its columns.
func TestColumnsOfLater(t *testing.T) {
	h := coretest.Open(t, coretest.Options{Schema: []string{`create table if not exists thing (id id primary key)`}})
	now, err := record.NewRegistry(record.Feature{Name: "later", Schema: []string{
		`create table if not exists thing (id id primary key, weight int not null, called text)`,
		`alter table thing add column if not exists weight int not null default 7`,
		`alter table thing add column if not exists called text`,
		`create index if not exists thing_weight on thing (weight)`,
	}})
	if err != nil {
		t.Fatal(err)
	}
	err = h.Gate.Change(t.Context(), h.Admin(), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		if _, err := tx.Exec(`insert into thing (id) values (1)`); err != nil {
			return err
		}
		for range 2 { // the second time nothing is left to do
			if err := now.Migrate(tx.SQL()); err != nil {
				return err
			}
		}
		var weight int64
		if err := tx.QueryRow(`select weight from thing where called is null`).Scan(&weight); err != nil || weight != 7 {
			t.Errorf("the old row weighs %d, %v", weight, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
