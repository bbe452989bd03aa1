package exporter

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"strongroom/internal/base/blob"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/core/tenant"
	"strongroom/internal/feature/exporter/order"
	"strongroom/internal/feature/exporter/policy"
)

// JobKind is the kind of the jobs that write an export and keep it.
const JobKind = "export.itglue"

// keepFile is how long a finished export can be fetched.
const keepFile = 7 * 24 * time.Hour

// Feature is the table of exports that are kept for fetching. The zip and, until
// it is made, its password lie in the tenant's blobs, encrypted like all of them.
func Feature() record.Feature {
	return record.Feature{Name: "exporter", Schema: append(policy.Schema(), []string{
		`create table if not exists export_file (id id primary key, org_id int not null, job_id int not null default 0, blob text not null default '', secret text not null default '',
			locked int not null default 0, size int not null default 0, ready int not null default 0, created_at int not null, updated_at int not null, created_by int not null)`,
		`alter table export_file add column if not exists withheld int not null default 0`,
		`alter table export_file add column if not exists format text not null default ''`,
		`alter table export_file add column if not exists reason text not null default ''`,
	}...)}
}

// File is an export that was asked for.
type File = order.File

type payload struct {
	File id.ID `json:"file"`
}

// Start has an export made that can then be fetched, and gives its id. Fault
// kinds as for Export.
func (e *Exporter) Start(ctx context.Context, c *access.Caller, o Options) (id.ID, error) {
	if err := o.Check(); err != nil {
		return 0, err
	}
	t, err := e.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return 0, err
	}
	defer t.Release()
	locked, err := blob.WriteText(ctx, t.Blobs, o.Password)
	if err != nil {
		return 0, err
	}
	var file id.ID
	err = e.quietly(ctx, c, o.Org, func(tx *gate.Tx) error {
		if o.Portable() {
			ok, err := policy.Allows(tx)
			if err != nil {
				return err
			}
			if !ok {
				return fault.New(fault.Denied, "The tenant's settings do not let you have passwords in exports.").WithHint("See /password-exports: it may take the consent of an administrator.")
			}
		}
		if file, err = tx.NewID(); err != nil {
			return err
		}
		work, err := e.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: payload{file}})
		if err != nil {
			return err
		}
		_, err = tx.Exec(`insert into export_file (id, org_id, job_id, secret, locked, created_at, updated_at, created_by, format, reason) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			int64(file), int64(o.Org), int64(work), locked, o.Password != "", tx.Now, tx.Now, int64(c.User), o.Format, o.Reason)
		return err
	})
	if err != nil {
		return 0, errors.Join(err, drop(context.WithoutCancel(ctx), t, locked))
	}
	return file, nil
}

// quietly runs a change that needs the right to export and is no news itself:
// the export has an entry when it is made, and when it is fetched.
func (e *Exporter) quietly(ctx context.Context, c *access.Caller, org id.ID, fn func(*gate.Tx) error) error {
	return e.Gate.Change(ctx, c, access.Export, thingOf(org), func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		return fn(tx)
	})
}

func thingOf(org id.ID) gate.Thing {
	if org != 0 {
		return gate.Thing{Kind: "organization", ID: org}
	}
	return gate.Thing{}
}

// mine is the condition on a row of export_file that the caller asked for it, or
// sees everything: what lies in an export is for nobody else.
func mine(tx *gate.Tx) (string, []any) {
	if tx.Caller.Everything() {
		return `1 = 1`, nil
	}
	return `f.created_by = ?`, []any{int64(tx.Caller.User)}
}

// List gives the caller's exports, newest first; administrators see all. Denied
// for who may not export.
func (e *Exporter) List(tx *gate.Tx) ([]*File, error) {
	if _, err := tx.Allow(access.Export, gate.Thing{}); err != nil {
		return nil, err
	}
	cond, args := mine(tx)
	return e.files(tx, cond, args...)
}

// Get gives one export. NotFound when there is none, or it is another's.
func (e *Exporter) Get(tx *gate.Tx, file id.ID) (*File, error) {
	if _, err := tx.Allow(access.Export, gate.Thing{}); err != nil {
		return nil, err
	}
	cond, args := mine(tx)
	list, err := e.files(tx, cond+` and f.id = ?`, append(args, int64(file))...)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, gate.Missing()
	}
	return list[0], nil
}

func (e *Exporter) files(tx *gate.Tx, cond string, args ...any) ([]*File, error) {
	rows, err := tx.Query(`select f.id, f.org_id, f.locked, f.size, f.ready, f.created_at, f.updated_at, f.withheld, f.format, f.created_by, coalesce(j.state, ''), coalesce(j.error, '')
		from export_file f left join job j on j.id = f.job_id where `+cond+` order by f.id desc limit 1000`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*File
	var orgs []id.ID
	for rows.Next() {
		var n, org, by int64
		var ready bool
		f := &File{}
		if err := rows.Scan(&n, &org, &f.Locked, &f.Size, &ready, &f.Created, &f.Updated, &f.Withheld, &f.Format, &by, &f.State, &f.Error); err != nil {
			return nil, err
		}
		f.ID, f.Org, f.By = id.ID(n), id.ID(org), id.ID(by)
		switch {
		case ready:
			f.State, f.Error = job.Done, ""
		case f.State == "", f.State == job.Done: // its job was forgotten
			f.State = job.Failed
		}
		out, orgs = append(out, f), append(orgs, f.Org)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	names, err := e.Records.Names(tx, orgs...)
	for _, f := range out {
		f.OrgName = names[f.Org]
	}
	return out, err
}

// blobs reads what is kept of an export.
func blobs(tx *gate.Tx, file id.ID) (org id.ID, blob, secret string, err error) {
	cond, args := mine(tx)
	var n int64
	err = tx.QueryRow(`select f.org_id, f.blob, f.secret from export_file f where f.id = ? and `+cond, append([]any{int64(file)}, args...)...).Scan(&n, &blob, &secret)
	if errors.Is(err, sql.ErrNoRows) {
		err = gate.Missing()
	}
	return id.ID(n), blob, secret, err
}

// Handler makes the exports that Start asked for.
func (e *Exporter) Handler() job.Handler {
	return func(ctx context.Context, run *job.Run) error {
		var p payload
		if err := run.Payload(&p); err != nil {
			return err
		}
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		err := e.make(ctx, run, p.File, stop)
		if err != nil && run.Cancelled() {
			return job.ErrCancelled
		}
		return err
	}
}

// make writes the zip of an export. An attempt that was interrupted before left
// a blob, which goes.
func (e *Exporter) make(ctx context.Context, run *job.Run, file id.ID, stop func()) error {
	t, err := e.Gate.House.Open(ctx, run.Caller.Tenant)
	if err != nil {
		return err
	}
	defer t.Release()
	w, err := t.Blobs.Create(ctx)
	if err != nil {
		return err
	}
	defer w.Abort()
	o := Options{Reason: "Export"}
	var old, secret string
	err = e.Gate.View(ctx, run.Caller, func(tx *gate.Tx) error {
		if o.Org, old, secret, err = blobs(tx, file); err != nil {
			return err
		}
		var reason string
		err = tx.QueryRow(`select format, reason from export_file where id = ?`, int64(file)).Scan(&o.Format, &reason)
		if reason != "" {
			o.Reason = reason
		}
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return job.ErrCancelled // removed meanwhile
	}
	if err == nil && secret != "" {
		o.Password, err = blob.ReadText(ctx, t.Blobs, secret)
	}
	if err == nil {
		err = e.quietly(ctx, run.Caller, o.Org, func(tx *gate.Tx) error {
			_, err := tx.Exec(`update export_file set blob = ?, updated_at = ? where id = ?`, w.ID(), tx.Now, int64(file))
			return err
		})
	}
	if err == nil {
		err = drop(ctx, t, old)
	}
	if err != nil {
		return err
	}
	report, err := e.Export(ctx, run.Caller, w, o, func(p Progress) {
		run.Progress(p.Done, p.Total, p.Stage)
		if run.Cancelled() {
			stop()
		}
	})
	if err != nil {
		return err
	}
	ref, err := w.Commit()
	if err != nil {
		return err
	}
	return e.quietly(ctx, run.Caller, o.Org, func(tx *gate.Tx) error {
		n, err := tx.Exec(`update export_file set size = ?, withheld = ?, ready = 1, secret = '', updated_at = ? where id = ?`, ref.Size, report.Withheld, tx.Now, int64(file))
		if err != nil {
			return err
		}
		if n == 0 { // removed meanwhile
			return errors.Join(job.ErrCancelled, drop(ctx, t, ref.ID))
		}
		return drop(ctx, t, secret)
	})
}

// Opened is the file of an export.
type Opened = order.Opened

// Open gives the zip of a finished export; that it was fetched is recorded.
// NotFound while it is not done.
func (e *Exporter) Open(ctx context.Context, c *access.Caller, file id.ID) (*Opened, error) {
	var f *File
	err := e.Gate.View(ctx, c, func(tx *gate.Tx) (err error) {
		f, err = e.Get(tx, file)
		return err
	})
	if err == nil && (f.State != job.Done || f.Format != "" && f.By != c.User) { // passwords are for who had them exported
		err = gate.Missing()
	}
	if err != nil {
		return nil, err
	}
	var blob string
	err = e.Gate.Change(ctx, c, access.Export, thingOf(f.Org), func(tx *gate.Tx) error {
		tx.Entry().Detail.Text = "the export " + file.String() + " was fetched"
		_, blob, _, err = blobs(tx, file)
		return err
	})
	if err != nil {
		return nil, err
	}
	t, err := e.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	o, err := t.Blobs.Open(ctx, blob)
	if err != nil {
		t.Release()
		return nil, err
	}
	return &Opened{ReadSeeker: o, Size: o.Size(), Ended: func() error { defer t.Release(); return o.Close() }}, nil
}

// Remove stops an export that is being made, and deletes what there is of it.
func (e *Exporter) Remove(ctx context.Context, c *access.Caller, file id.ID) error {
	return e.Gate.Change(ctx, c, access.Export, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		_, blob, secret, err := blobs(tx, file)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`update job set cancel = 1 where id = (select job_id from export_file where id = ?) and state in (?, ?)`, int64(file), job.Waiting, job.Running); err != nil {
			return err
		}
		if _, err := tx.Exec(`delete from export_file where id = ?`, int64(file)); err != nil {
			return err
		}
		tx.Also(&audit.Entry{Action: "export.removed", Kind: "export", Object: file})
		return drop(ctx, tx.Tenant, blob, secret)
	})
}

// drop removes blobs; one that was never finished is not there.
func drop(ctx context.Context, t *tenant.Tenant, blobs ...string) error {
	for _, b := range blobs {
		if b == "" {
			continue
		}
		if err := t.Blobs.Remove(ctx, b); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return nil
}

// Sweep removes exports that are older than a week, and tells how many. A
// schedule calls it.
func (e *Exporter) Sweep(ctx context.Context, name string) (int, error) {
	c := access.System(name, "job")
	var old []id.ID
	err := e.Gate.View(ctx, c, func(tx *gate.Tx) error {
		return each(tx, func(n []int64) { old = append(old, id.ID(n[0])) }, 1, `select id from export_file where created_at < ? order by id`, tx.Now-keepFile.Milliseconds())
	})
	for i, f := range old {
		if err := e.Remove(ctx, c, f); err != nil {
			return i, err
		}
	}
	return len(old), err
}
