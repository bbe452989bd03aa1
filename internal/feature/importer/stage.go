package importer

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Stage keeps an uploaded export, encrypted, until it is imported or unstaged,
// and gives its number. The content is streamed; it may have any size.
func (m *Importer) Stage(ctx context.Context, c *access.Caller, name string, r io.Reader) (id.ID, error) {
	t, err := m.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return 0, err
	}
	defer t.Release()
	w, err := t.Blobs.Create(ctx)
	if err != nil {
		return 0, err
	}
	defer w.Abort()
	var stage id.ID
	err = m.quietly(ctx, c, func(tx *gate.Tx) error {
		if stage, err = tx.NewID(); err != nil {
			return err
		}
		_, err = tx.Exec(`insert into import_stage (id, blob, name, created_at, created_by) values (?, ?, ?, ?, ?)`,
			int64(stage), w.ID(), name, tx.Now, int64(c.User))
		return err
	})
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(w, r); err != nil {
		return 0, errors.Join(arrived(err), m.Unstage(context.WithoutCancel(ctx), c, stage))
	}
	ref, err := w.Commit()
	if err != nil {
		return 0, errors.Join(err, m.Unstage(context.WithoutCancel(ctx), c, stage))
	}
	return stage, m.quietly(ctx, c, func(tx *gate.Tx) error {
		_, err := tx.Exec(`update import_stage set size = ?, ready = 1 where id = ?`, ref.Size, int64(stage))
		return err
	})
}

func arrived(err error) error {
	if _, known := errors.AsType[*fault.Error](err); known {
		return err
	}
	return fault.Wrap(err, fault.Invalid, "The file did not arrive completely; nothing of it was kept.").WithHint("Send it again.")
}

// quietly runs a change that needs the right to import and is no news itself.
func (m *Importer) quietly(ctx context.Context, c *access.Caller, fn func(*gate.Tx) error) error {
	return m.Gate.Change(ctx, c, access.Import, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		return fn(tx)
	})
}

// Unstage removes a staged export. It is no failure when there is none.
func (m *Importer) Unstage(ctx context.Context, c *access.Caller, stage id.ID) error {
	return m.quietly(ctx, c, func(tx *gate.Tx) error {
		var blob, secret string
		err := tx.QueryRow(`select blob, secret from import_stage where id = ?`, int64(stage)).Scan(&blob, &secret)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, b := range []string{blob, secret} {
			if b == "" {
				continue
			}
			if err := tx.Tenant.Blobs.Remove(ctx, b); err != nil {
				return err
			}
		}
		_, err = tx.Exec(`delete from import_stage where id = ?`, int64(stage))
		return err
	})
}

// keepStage is how long an export may wait to be imported.
const keepStage = 7 * 24 * time.Hour

// Sweep removes staged exports that nobody came back to for a week, and tells
// how many. A schedule calls it.
func (m *Importer) Sweep(ctx context.Context, tenant string) (int, error) {
	c := access.System(tenant, "job")
	var old []id.ID
	err := m.Gate.View(ctx, c, func(tx *gate.Tx) error {
		rows, err := tx.Query(`select id from import_stage where created_at < ? order by id`, tx.Now-keepStage.Milliseconds())
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n int64
			if err := rows.Scan(&n); err != nil {
				return err
			}
			old = append(old, id.ID(n))
		}
		return rows.Err()
	})
	for i, stage := range old {
		if err := m.Unstage(ctx, c, stage); err != nil {
			return i, err
		}
	}
	return len(old), err
}

// opened is a source that can be read.
type opened struct {
	io.ReaderAt
	size  int64
	name  string // for the audit log
	close func() error
}

func (m *Importer) open(ctx context.Context, c *access.Caller, s Source) (*opened, error) {
	if s.Stage == 0 {
		return openFile(s.Path)
	}
	var blob, name string
	err := m.Gate.View(ctx, c, func(tx *gate.Tx) error {
		if _, err := tx.Allow(access.Import, gate.Thing{}); err != nil {
			return err
		}
		return tx.QueryRow(`select blob, name from import_stage where id = ? and ready = 1`, int64(s.Stage)).Scan(&blob, &name)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "The uploaded export is not there any more.").WithHint("It was imported or removed already; upload it again.")
	}
	if err != nil {
		return nil, err
	}
	t, err := m.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	o, err := t.Blobs.Open(ctx, blob)
	if err != nil {
		t.Release()
		return nil, err
	}
	return &opened{o, o.Size(), name, func() error { defer t.Release(); return o.Close() }}, nil
}

func openFile(path string) (*opened, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names it on the command line
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The file %s cannot be read.", path).WithHint("Check its name and that this user may read it.")
	}
	i, err := f.Stat()
	if err == nil && !i.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return nil, errors.Join(fault.Wrap(err, fault.Invalid, "%s is not a file.", path).WithHint("Give the zip of the export itself."), f.Close())
	}
	return &opened{f, i.Size(), filepath.Base(path), f.Close}, nil
}
