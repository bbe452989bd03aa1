package attachment

import (
	"context"
	"errors"
	"time"

	"strongroom/internal/base/blob"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// change finds a file that the caller may change with its record.
func change(tx *gate.Tx, file id.ID) (*File, *audit.Entry, error) {
	f, err := Get(tx, file)
	if err != nil {
		return nil, nil, err
	}
	entry, err := tx.Allow(access.Edit, gate.Thing{ID: f.Record})
	return f, entry, err
}

// Remove deletes a file for good; its content goes with the next Sweep, or at
// once when Store.Remove is used.
func Remove(tx *gate.Tx, file id.ID) (*File, error) {
	f, entry, err := change(tx, file)
	if err != nil {
		return nil, err
	}
	entry.Detail.Text = join(entry.Detail.Text, "removed the file "+f.Name)
	if err := loosen(tx, f.blob); err != nil {
		return nil, err
	}
	_, err = tx.Exec(`delete from attachment where id = ?`, int64(f.ID))
	return f, err
}

// Remove deletes a file and its content.
func (s *Store) Remove(ctx context.Context, c *access.Caller, file id.ID) error {
	var f *File
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) error {
		var err error
		f, err = Get(tx, file)
		return err
	})
	if err != nil {
		return err
	}
	err = s.Gate.Change(ctx, c, access.Edit, gate.Thing{ID: f.Record}, func(tx *gate.Tx) error {
		f, err = Remove(tx, file)
		return err
	})
	if err != nil {
		return err
	}
	s.drop(ctx, c, f.blob)
	return nil
}

// Downloaded is what the log says of a file that somebody took away.
const Downloaded = "attachment.download"

// Fetch is Open for who takes the file away: the log has it, on disk, before the content
// is given.
func (s *Store) Fetch(ctx context.Context, c *access.Caller, file id.ID) (*File, *blob.Object, error) {
	var e *audit.Entry
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) error {
		f, err := Get(tx, file)
		if err == nil {
			e, err = tx.Allow(access.View, gate.Thing{ID: f.Record})
		}
		if err != nil {
			return err
		}
		if e.Action = Downloaded; e.Detail.Name != "" { // what belongs to one person has no name in the log
			e.Detail.Text = f.Name
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	f, o, err := s.Open(ctx, c, file)
	if err != nil {
		return nil, nil, err
	}
	if err := s.Gate.Note(ctx, c, e); err != nil {
		return nil, nil, errors.Join(err, o.Close())
	}
	return f, o, nil
}

// Open gives a file's content to a caller who may see its record. Close it.
func (s *Store) Open(ctx context.Context, c *access.Caller, file id.ID) (*File, *blob.Object, error) {
	var f *File
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) error {
		var err error
		f, err = Get(tx, file)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	t, err := s.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return nil, nil, err
	}
	defer t.Release()
	o, err := t.Blobs.Open(ctx, f.blob)
	return f, o, err
}

// loosen lists a blob as no longer belonging to anything.
func loosen(tx *gate.Tx, blob string) error {
	_, err := tx.Exec(`insert into attachment_loose (blob, since) values (?, 0) on conflict (blob) do update set since = 0`, blob)
	return err
}

func purge(tx *gate.Tx, r *record.Record) error {
	if _, err := tx.Exec(`insert into attachment_loose (blob, since) select blob, 0 from attachment where record_id = ? on conflict (blob) do nothing`, int64(r.ID)); err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from attachment_held where user_id = ?`, int64(r.ID)); err != nil {
		return err
	}
	_, err := tx.Exec(`delete from attachment where record_id = ?`, int64(r.ID))
	return err
}

// drop removes one loose blob now. A failure is left to Sweep.
func (s *Store) drop(ctx context.Context, c *access.Caller, blob string) {
	ctx = context.WithoutCancel(ctx)
	err := s.Gate.Change(ctx, access.System(c.Tenant, "job"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		return forget(ctx, tx, blob)
	})
	if err != nil && s.Gate.Log != nil {
		s.Gate.Log.WarnContext(ctx, "a loose file was left for the next sweep", "tenant", c.Tenant, "error", err)
	}
}

func forget(ctx context.Context, tx *gate.Tx, blob string) error {
	var used int
	if err := tx.QueryRow(`select count(*) from attachment where blob = ?`, blob).Scan(&used); err != nil {
		return err
	}
	if used == 0 {
		if err := tx.Tenant.Blobs.Remove(ctx, blob); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`delete from attachment_loose where blob = ?`, blob)
	return err
}

// keepLoose is how long content may wait for its row.
const keepLoose = 24 * time.Hour

// Sweep removes the content that belongs to no record: of removed files at once,
// of uploads that did not end after a day. It tells how many; a job calls it.
func (s *Store) Sweep(ctx context.Context, tenant string) (int, error) {
	n := 0
	for {
		got := 0
		err := s.Gate.Change(ctx, access.System(tenant, "job"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
			tx.Withdraw(tx.Entry())
			list, err := loose(tx, 100)
			if err != nil {
				return err
			}
			for _, b := range list {
				if err := forget(ctx, tx, b); err != nil {
					return err
				}
			}
			got = len(list)
			return nil
		})
		n += got
		if err != nil || got < 100 {
			return n, err
		}
	}
}

func loose(tx *gate.Tx, limit int) ([]string, error) {
	rows, err := tx.Query(`select blob from attachment_loose where since < ? order by since, blob limit ?`, tx.Now-keepLoose.Milliseconds(), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var b string
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, rows.Err()
}
