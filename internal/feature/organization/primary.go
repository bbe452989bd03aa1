package organization

import (
	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// onlyPrimary refuses a second organization that is the tenant's own.
func onlyPrimary(tx *gate.Tx, now, old *record.Record) error {
	if !now.Values.Bool("primary") || old != nil && old.Values.Bool("primary") {
		return nil
	}
	list, err := tx.Query(`select r.name from record r join k_organization k on k.id = r.id where k."primary" = 1 and r.id <> ? and r.trashed_at is null`, int64(now.ID))
	if err != nil {
		return err
	}
	defer list.Close()
	if list.Next() {
		return fault.Field("primary", "Another organization is already marked as our own.")
	}
	return list.Err()
}
