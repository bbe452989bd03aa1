package standing

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"strongroom/internal/base/agefile"
	"strongroom/internal/base/blob"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/tenant"
)

// Run is an export that was made, is made or failed.
type Run struct {
	ID      id.ID
	Name    string // of the file
	Size    int64  // bytes, once it is done
	State   string // of its job: job.Waiting, job.Running, job.Done, job.Failed or job.Cancelled
	Error   string // why it failed
	Copied  bool   // it lies in the operator's folder, too
	Problem string // why it does not
	Created int64  // Unix milliseconds

	Withheld int64 // secrets that it lacks, for want of an approval or a check-out; it names them itself
}

// Runs lists the exports, newest first, to who administers the tenant.
func Runs(tx *gate.Tx) ([]Run, error) {
	if _, err := tx.Allow(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	rows, err := tx.Query(`select e.id, e.name, e.size, e.ready, e.copied, e.problem, e.created_at, e.withheld, coalesce(j.state, ''), coalesce(j.error, '')
		from export_run e left join job j on j.id = e.job_id order by e.id desc limit 200`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Run
	for rows.Next() {
		var n int64
		var ready bool
		var r Run
		if err := rows.Scan(&n, &r.Name, &r.Size, &ready, &r.Copied, &r.Problem, &r.Created, &r.Withheld, &r.State, &r.Error); err != nil {
			return nil, err
		}
		r.ID = id.ID(n)
		switch {
		case ready:
			r.State, r.Error = job.Done, ""
		case r.State == "", r.State == job.Done:
			r.State = job.Failed
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// Handler makes the exports.
func (s *Standing) Handler() job.Handler {
	return func(ctx context.Context, run *job.Run) error {
		var p payload
		if err := run.Payload(&p); err != nil {
			return err
		}
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		m := &making{Standing: s, run: run, c: run.Caller}
		if err := m.plan(ctx, p); err != nil {
			return err
		}
		err := m.make(ctx, func(stage string, done, total int64) {
			run.Progress(done, total, stage)
			if run.Cancelled() {
				stop()
			}
		})
		if err != nil && run.Cancelled() {
			return job.ErrCancelled
		}
		return err
	}
}

// making is the making of one export.
type making struct {
	*Standing
	run *job.Run
	c   *access.Caller

	settings   Settings
	passphrase string // where it lies
	id         id.ID
	name       string
	old        string // what an interrupted attempt left
	tenant     *tenant.Tenant
}

// plan reads the settings, puts the next export into the queue, and lists this one: once,
// however often it is tried.
func (m *making) plan(ctx context.Context, p payload) error {
	return m.Gate.Change(ctx, m.c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		var err error
		if m.settings, m.passphrase, err = get(tx); err != nil {
			return err
		}
		var planned int64
		if err := tx.QueryRow(`select coalesce(max(job_id), 0) from export_standing`).Scan(&planned); err != nil {
			return err
		}
		if !p.Now && id.ID(planned) == m.run.ID && m.settings.Every != Never {
			next := m.settings.after(time.UnixMilli(tx.Now)).UnixMilli()
			j, err := m.Jobs.Enqueue(tx, job.Job{Kind: JobKind, At: next, Payload: payload{}})
			if err != nil {
				return err
			}
			if _, err := tx.Exec(`update export_standing set job_id = ?, next_at = ? where id = 1`, int64(j), next); err != nil {
				return err
			}
		}
		return m.list(tx)
	})
}

// list finds the row of this export, or makes it.
func (m *making) list(tx *gate.Tx) error {
	var n int64
	if err := tx.QueryRow(`select coalesce(max(id), 0) from export_run where job_id = ?`, int64(m.run.ID)).Scan(&n); err != nil {
		return err
	}
	if m.id = id.ID(n); n != 0 {
		return tx.QueryRow(`select name, blob from export_run where id = ?`, n).Scan(&m.name, &m.old)
	}
	var err error
	if m.id, err = tx.NewID(); err != nil {
		return err
	}
	m.name = "strongroom-" + tx.Tenant.Name + "-" + time.UnixMilli(tx.Now).UTC().Format("2006-01-02-150405") + ".zip.age"
	_, err = tx.Exec(`insert into export_run (id, job_id, name, created_at) values (?, ?, ?, ?)`, int64(m.id), int64(m.run.ID), m.name, tx.Now)
	return err
}

// quietly runs a change that is no news itself.
func (m *making) quietly(ctx context.Context, fn func(*gate.Tx) error) error {
	return m.Gate.Change(ctx, m.c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		return fn(tx)
	})
}

// make writes the export, sealed, into the blobs.
func (m *making) make(ctx context.Context, tell func(stage string, done, total int64)) (err error) {
	if m.tenant, err = m.Gate.House.Open(ctx, m.c.Tenant); err != nil {
		return err
	}
	defer m.tenant.Release()
	if err := drop(ctx, m.tenant, m.old); err != nil {
		return err
	}
	if m.settings.Passphrase, err = blob.ReadText(ctx, m.tenant.Blobs, m.passphrase); err != nil {
		return err
	}
	who, err := m.settings.sealedFor("")
	if err != nil {
		return err
	}
	w, err := m.tenant.Blobs.Create(ctx)
	if err != nil {
		return err
	}
	defer w.Abort()
	err = m.quietly(ctx, func(tx *gate.Tx) error {
		_, err := tx.Exec(`update export_run set blob = ? where id = ?`, w.ID(), int64(m.id))
		return err
	})
	if err != nil {
		return err
	}
	out, err := agefile.Seal(w, who)
	if err != nil {
		return err
	}
	withheld, err := m.Export(ctx, m.c, out, "Scheduled export", m.settings.Secrets, tell)
	if err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	ref, err := w.Commit()
	if err != nil {
		return err
	}
	copied, problem := m.copy(ctx, ref.ID)
	err = m.quietly(ctx, func(tx *gate.Tx) error {
		_, err := tx.Exec(`update export_run set size = ?, withheld = ?, ready = 1, copied = ?, problem = ? where id = ?`, ref.Size, withheld, copied, problem, int64(m.id))
		return err
	})
	return errors.Join(err, m.prune(ctx))
}

// copy puts the file into the operator's folder; problem says why it is not there.
func (m *making) copy(ctx context.Context, from string) (copied bool, problem string) {
	if !m.settings.Folder {
		return false, ""
	}
	if m.Folder == "" {
		return false, "The operator of this server allows no folder for exports any more."
	}
	if err := m.write(ctx, from); err != nil {
		return false, "The file could not be written into the operator's folder: " + fault.Say(err).Text
	}
	return true, ""
}

func (m *making) write(ctx context.Context, from string) (err error) {
	in, err := m.tenant.Blobs.Open(ctx, from)
	if err != nil {
		return err
	}
	defer in.Close()
	dir := filepath.Join(m.Folder, m.tenant.Name)
	unwritable := func(err error) error { return fault.Wrap(err, fault.Unavailable, "it cannot be written there.") }
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return unwritable(err)
	}
	out, err := os.CreateTemp(dir, ".export-*") // mode 0600
	if err != nil {
		return unwritable(err)
	}
	if _, err = io.Copy(out, io.NewSectionReader(in, 0, in.Size())); err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(out.Name(), filepath.Join(dir, m.name))
	}
	if err != nil {
		return unwritable(errors.Join(err, os.Remove(out.Name())))
	}
	return nil
}

// prune removes what is beyond those that are kept, in the folder too.
func (m *making) prune(ctx context.Context) error {
	type old struct {
		id         id.ID
		name, blob string
		copied     bool
	}
	var list []old
	err := m.Gate.View(ctx, m.c, func(tx *gate.Tx) error {
		rows, err := tx.Query(`select id, name, blob, copied from export_run where ready = 1 order by id desc limit 1000 offset ?`, m.settings.Keep)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n int64
			var o old
			if err := rows.Scan(&n, &o.name, &o.blob, &o.copied); err != nil {
				return err
			}
			o.id = id.ID(n)
			list = append(list, o)
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	for _, o := range list {
		if o.copied && m.Folder != "" {
			if err := os.Remove(filepath.Join(m.Folder, m.tenant.Name, o.name)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
		if err := m.Remove(ctx, m.c, o.id); err != nil {
			return err
		}
	}
	return nil
}

// Remove deletes an export from the blobs; a copy in the operator's folder stays.
// NotFound when there is none.
func (s *Standing) Remove(ctx context.Context, c *access.Caller, run id.ID) error {
	return s.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		var blob, name string
		if err := tx.QueryRow(`select blob, name from export_run where id = ?`, int64(run)).Scan(&blob, &name); err != nil {
			return gate.Missing()
		}
		if _, err := tx.Exec(`delete from export_run where id = ?`, int64(run)); err != nil {
			return err
		}
		tx.Also(&audit.Entry{Action: "export.removed", Kind: "export", Object: run, Detail: audit.Detail{Name: name}})
		return drop(ctx, tx.Tenant, blob)
	})
}

// Opened is the sealed file of an export.
type Opened struct {
	io.ReadSeeker
	Name  string
	close func() error
}

// Close ends reading.
func (o *Opened) Close() error { return o.close() }

// Open gives the sealed file of an export; that it was fetched is recorded. NotFound
// while it is not done.
func (s *Standing) Open(ctx context.Context, c *access.Caller, run id.ID) (*Opened, error) {
	var at, name string
	err := s.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		if tx.QueryRow(`select blob, name from export_run where id = ? and ready = 1`, int64(run)).Scan(&at, &name) != nil {
			return gate.Missing()
		}
		tx.Entry().Action, tx.Entry().Detail.Text = "export", "the export "+name+" was fetched"
		return nil
	})
	if err != nil {
		return nil, err
	}
	t, err := s.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	o, err := t.Blobs.Open(ctx, at)
	if err != nil {
		t.Release()
		return nil, err
	}
	return &Opened{io.NewSectionReader(o, 0, o.Size()), name, func() error { defer t.Release(); return o.Close() }}, nil
}

// drop removes a blob; one that was never finished is not there.
func drop(ctx context.Context, t *tenant.Tenant, b string) error {
	if b == "" {
		return nil
	}
	if err := t.Blobs.Remove(ctx, b); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return nil
}
