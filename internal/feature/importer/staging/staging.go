// Package staging keeps uploaded files until somebody comes back to them.
//
// Always true: a staged file is stored encrypted under the tenant's key, and so
// is the password of it; it is listed before its first byte is written, so that
// an upload that did not end is found and removed; only those who may import
// reach it.
package staging

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"strongroom/internal/base/blob"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
)

// Store keeps staged files.
type Store struct{ Gate *gate.Gate }

// Schema is its table.
func Schema() []string {
	return []string{`create table if not exists import_stage (id id primary key, blob text not null, name text not null, secret text not null default '',
		size int not null default 0, ready int not null default 0, created_at int not null, created_by int not null)`,
		`create table if not exists import_plan (stage_id id primary key, options text not null)`}
}

// File is an opened file.
type File struct {
	io.ReaderAt
	Size  int64
	Name  string // as it was called
	close func() error
}

// Close ends reading.
func (f *File) Close() error { return f.close() }

// Add keeps an uploaded file until it is removed, and gives its number. The content is streamed; it may have any size.
func (s *Store) Add(ctx context.Context, c *access.Caller, name string, r io.Reader) (id.ID, error) {
	t, err := s.Gate.House.Open(ctx, c.Tenant)
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
	err = s.change(ctx, c, func(tx *gate.Tx) error {
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
		return 0, errors.Join(arrived(err), s.Remove(context.WithoutCancel(ctx), c, stage))
	}
	ref, err := w.Commit()
	if err != nil {
		return 0, errors.Join(err, s.Remove(context.WithoutCancel(ctx), c, stage))
	}
	return stage, s.change(ctx, c, func(tx *gate.Tx) error {
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

// Mine is the condition on a row of import_stage that the caller uploaded it, or
// sees everything: what lies in an upload is for nobody else.
func Mine(tx *gate.Tx) (string, []any) {
	if tx.Caller.Everything() {
		return `1 = 1`, nil
	}
	return `created_by = ?`, []any{int64(tx.Caller.User)}
}

// own reads columns of a staged file that is the caller's.
func own(tx *gate.Tx, columns string, stage id.ID, dest ...any) error {
	cond, args := Mine(tx)
	return tx.QueryRow(`select `+columns+` from import_stage where id = ? and `+cond, append([]any{int64(stage)}, args...)...).Scan(dest...)
}

// change runs a change that needs the right to import and is no news itself.
func (s *Store) change(ctx context.Context, c *access.Caller, fn func(*gate.Tx) error) error {
	return s.Gate.Change(ctx, c, access.Import, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		return fn(tx)
	})
}

// Remove deletes a staged export. It is no failure when there is none.
func (s *Store) Remove(ctx context.Context, c *access.Caller, stage id.ID) error {
	return s.change(ctx, c, func(tx *gate.Tx) error {
		var blob, secret string
		err := own(tx, `blob, secret`, stage, &blob, &secret)
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
		if _, err := tx.Exec(`delete from import_plan where stage_id = ?`, int64(stage)); err != nil {
			return err
		}
		_, err = tx.Exec(`delete from import_stage where id = ?`, int64(stage))
		return err
	})
}

// keepStage is how long an export may wait to be imported.
const keepStage = 7 * 24 * time.Hour

// Sweep removes staged exports that nobody came back to for a week, and tells
// how many. A schedule calls it.
func (s *Store) Sweep(ctx context.Context, tenant string) (int, error) {
	c := access.System(tenant, "job")
	var old []id.ID
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) error {
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
		if err := s.Remove(ctx, c, stage); err != nil {
			return i, err
		}
	}
	return len(old), err
}

// Open gives a staged file. NotFound when there is none.
func (s *Store) Open(ctx context.Context, c *access.Caller, stage id.ID) (*File, error) {
	var blob, name string
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) error {
		if _, err := tx.Allow(access.Import, gate.Thing{}); err != nil {
			return err
		}
		var ready bool
		err := own(tx, `blob, name, ready`, stage, &blob, &name, &ready)
		if err == nil && !ready {
			err = sql.ErrNoRows
		}
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "The uploaded export is not there any more.").WithHint("It was imported or removed already; upload it again.")
	}
	if err != nil {
		return nil, err
	}
	t, err := s.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	o, err := t.Blobs.Open(ctx, blob)
	if err != nil {
		t.Release()
		return nil, err
	}
	return &File{o, o.Size(), name, func() error { defer t.Release(); return o.Close() }}, nil
}

// Nothing is for what does not lie in a file.
func Nothing() *File {
	return &File{ReaderAt: strings.NewReader(""), close: func() error { return nil }}
}

// OpenFile gives a file of this machine, in place.
func OpenFile(path string) (*File, error) {
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
	return &File{f, i.Size(), filepath.Base(path), f.Close}, nil
}

// Lock keeps the password of a staged file beside it; an empty one forgets it.
func (s *Store) Lock(ctx context.Context, c *access.Caller, stage id.ID, password string) error {
	t, err := s.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return err
	}
	defer t.Release()
	secret, err := blob.WriteText(ctx, t.Blobs, password)
	if err != nil {
		return err
	}
	return s.change(ctx, c, func(tx *gate.Tx) error {
		var old string
		if err := own(tx, `secret`, stage, &old); err != nil {
			return err
		}
		if old != "" {
			if err := t.Blobs.Remove(ctx, old); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`update import_stage set secret = ? where id = ?`, secret, int64(stage))
		return err
	})
}

// SetPlan keeps what was chosen for a staged file: JSON without secrets.
func (s *Store) SetPlan(ctx context.Context, c *access.Caller, stage id.ID, options string) error {
	return s.change(ctx, c, func(tx *gate.Tx) error {
		var n int64
		if err := own(tx, `id`, stage, &n); err != nil {
			return gone(err)
		}
		_, err := tx.Exec(`insert into import_plan (stage_id, options) values (?, ?) on conflict (stage_id) do update set options = excluded.options`, n, options)
		return err
	})
}

// Plan gives what SetPlan kept; "" when there is none, or no such file.
func (s *Store) Plan(ctx context.Context, c *access.Caller, stage id.ID) (options string, err error) {
	err = s.Gate.View(ctx, c, func(tx *gate.Tx) error {
		if _, err := tx.Allow(access.Import, gate.Thing{}); err != nil {
			return err
		}
		err := own(tx, `coalesce((select p.options from import_plan p where p.stage_id = import_stage.id), '')`, stage, &options)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return options, err
}

// gone says that a staged file is not there, when that is why.
func gone(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fault.New(fault.NotFound, "The uploaded file is not there any more.").WithHint("It was imported or removed already; upload it again.")
	}
	return err
}

// Password gives what Lock kept; "" when there is none, or no such file.
func (s *Store) Password(ctx context.Context, c *access.Caller, stage id.ID) (string, error) {
	var text string
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) error {
		if _, err := tx.Allow(access.Import, gate.Thing{}); err != nil {
			return err
		}
		var secret string
		err := own(tx, `secret`, stage, &secret)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			text, err = blob.ReadText(ctx, tx.Tenant.Blobs, secret)
		}
		return err
	})
	return text, err
}
