package audit

import (
	"context"

	"strongroom/internal/base/merkle"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/keys"
)

// Sign has the key service sign the present head of a tenant's log and keeps
// the checkpoint, unless that head is signed already; it tells whether it did.
// now is the time in Unix milliseconds. Conflict when the key service has
// signed more entries than there are: the log was rewound.
func Sign(ctx context.Context, db *sqldb.DB, tenant string, k *keys.Client, now int64) (bool, error) {
	c := merkle.Checkpoint{Origin: merkle.OriginPrefix + tenant, Time: now}
	var signed int64
	err := db.View(ctx, func(tx *sqldb.Tx) error {
		var err error
		if c.Size, c.Root, err = Head(tx); err != nil {
			return err
		}
		return tx.QueryRow(`select coalesce(max(size), 0) from audit_checkpoint`).Scan(&signed)
	})
	if err != nil || c.Size == signed {
		return false, err
	}
	note, err := k.SignCheckpoint(ctx, tenant, []byte(c.Text()))
	if err != nil {
		return false, err
	}
	return true, db.Change(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`insert into audit_checkpoint (size, time, note) values (?, ?, ?) on conflict (size) do nothing`, c.Size, c.Time, string(note))
		return err
	})
}

// Unsigned tells how many entries are behind the newest checkpoint.
func Unsigned(tx *sqldb.Tx) (int64, error) {
	size, _, err := Head(tx)
	if err != nil {
		return 0, err
	}
	var signed int64
	err = tx.QueryRow(`select coalesce(max(size), 0) from audit_checkpoint`).Scan(&signed)
	return size - signed, err
}

// signed is one stored checkpoint.
type signed struct {
	size, time int64
	note       string
}

func checkpoints(tx *sqldb.Tx) ([]signed, error) {
	rows, err := tx.Query(`select size, time, note from audit_checkpoint order by size`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []signed
	for rows.Next() {
		var s signed
		if err := rows.Scan(&s.size, &s.time, &s.note); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// Checkpoints gives the signed notes that are kept, the shortest log first.
// Anybody who keeps one can later prove whether the log still begins with it.
func Checkpoints(tx *sqldb.Tx) ([]string, error) {
	list, err := checkpoints(tx)
	var out []string
	for _, s := range list {
		out = append(out, s.note)
	}
	return out, err
}
