package runbook

import (
	"context"
	"database/sql"
	"errors"
	"io"

	"strongroom/internal/base/blob"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/tenant"
)

// JobKind is the kind of the jobs that make a runbook.
const JobKind = "runbook"

// payload is what a job is given. A job of the schedule has no file yet.
type payload struct {
	Runbook id.ID `json:"runbook"`
	File    id.ID `json:"file,omitempty"`
}

// File is one making of a runbook.
type File struct {
	ID      id.ID
	Runbook id.ID
	Planned bool // by the schedule
	Size    int64
	Pages   int
	State   string // of its job
	Error   string // why it failed
	Hint    string
	Message string // how far it is
	Done    int64
	Total   int64
	Cancel  bool  // it was asked to stop
	Created int64 // Unix milliseconds
	Updated int64

	job  id.ID
	blob string
}

func files(tx *gate.Tx, cond string, args ...any) ([]*File, error) {
	rows, err := tx.Query(`select f.id, f.runbook_id, f.job_id, f.blob, f.planned, f.size, f.pages, f.ready, f.created_at, f.updated_at,
		coalesce(j.state, ''), coalesce(j.error, ''), coalesce(j.hint, ''), coalesce(j.message, ''), coalesce(j.done, 0), coalesce(j.total, 0), coalesce(j.cancel, 0)
		from runbook_file f left join job j on j.id = f.job_id where `+cond+` order by f.id desc limit 200`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*File
	for rows.Next() {
		var n, book, work int64
		var ready bool
		f := &File{}
		err := rows.Scan(&n, &book, &work, &f.blob, &f.Planned, &f.Size, &f.Pages, &ready, &f.Created, &f.Updated, &f.State, &f.Error, &f.Hint, &f.Message, &f.Done, &f.Total, &f.Cancel)
		if err != nil {
			return nil, err
		}
		f.ID, f.Runbook, f.job = id.ID(n), id.ID(book), id.ID(work)
		switch {
		case ready:
			f.State, f.Error = job.Done, ""
		case f.State == "", f.State == job.Done: // its job was forgotten
			f.State = job.Failed
		}
		out = append(out, f)
	}
	return out, rows.Err()
}

// Make has a runbook of the caller's own made now, and gives the id of the file
// that it becomes. Conflict while one is being made.
func (s *Runbooks) Make(ctx context.Context, c *access.Caller, book id.ID) (id.ID, error) {
	var file id.ID
	err := s.change(ctx, c, book, func(tx *gate.Tx, b *Runbook) (err error) {
		if err := own(tx, book); err != nil {
			return err
		}
		for _, f := range b.Files {
			if f.State == job.Waiting || f.State == job.Running {
				return fault.New(fault.Conflict, "This runbook is being made already.")
			}
		}
		if err := s.tidy(tx, b); err != nil {
			return err
		}
		if file, err = tx.NewID(); err != nil {
			return err
		}
		work, err := s.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: payload{book, file}})
		if err != nil {
			return err
		}
		return insert(tx, file, book, work, false)
	})
	return file, err
}

// change runs what changes a runbook that the caller may have made, and is no
// news itself.
func (s *Runbooks) change(ctx context.Context, c *access.Caller, book id.ID, fn func(*gate.Tx, *Runbook) error) error {
	var b *Runbook
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) (err error) {
		b, err = s.Get(tx, book)
		return err
	})
	if err != nil {
		return err
	}
	return s.Gate.Change(ctx, c, access.Export, thingOf(b.Org), func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		if b, err = s.Get(tx, book); err != nil { // as it is now
			return err
		}
		return fn(tx, b)
	})
}

// tidy forgets makings that came to nothing, but for the newest ones.
func (s *Runbooks) tidy(tx *gate.Tx, b *Runbook) error {
	var vain []*File
	for _, f := range b.Files {
		if f.State == job.Failed || f.State == job.Cancelled {
			vain = append(vain, f)
		}
	}
	return s.drop(tx, vain[min(len(vain), mostVain):]...)
}

func insert(tx *gate.Tx, file, book, work id.ID, planned bool) error {
	_, err := tx.Exec(`insert into runbook_file (id, runbook_id, job_id, planned, created_at, updated_at, created_by) values (?, ?, ?, ?, ?, ?, ?)`,
		int64(file), int64(book), int64(work), planned, tx.Now, tx.Now, int64(tx.Caller.User))
	return err
}

// Handler makes runbooks.
func (s *Runbooks) Handler() job.Handler {
	return func(ctx context.Context, run *job.Run) error {
		var p payload
		if err := run.Payload(&p); err != nil {
			return err
		}
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		b, file, err := s.begin(ctx, run, p)
		if err == nil {
			err = s.make(ctx, run, b, file, stop)
		}
		if err != nil && run.Cancelled() {
			return job.ErrCancelled
		}
		return err
	}
}

// begin finds the file that a job makes. A job of the schedule first plans the
// next one, so that a failure of this one is none of that.
func (s *Runbooks) begin(ctx context.Context, run *job.Run, p payload) (b *Runbook, file id.ID, err error) {
	err = s.change(ctx, run.Caller, p.Runbook, func(tx *gate.Tx, now *Runbook) error {
		b = now
		err := tx.QueryRow(`select id from runbook_file where job_id = ?`, int64(run.ID)).Scan((*int64)(&file))
		if !errors.Is(err, sql.ErrNoRows) || p.File != 0 { // the file of this job, or one that was removed
			return err
		}
		if b.nextJob != run.ID {
			return job.ErrCancelled // another took its place
		}
		if err := s.tidy(tx, b); err != nil {
			return err
		}
		if file, err = tx.NewID(); err != nil {
			return err
		}
		if err := insert(tx, file, b.ID, run.ID, true); err != nil {
			return err
		}
		return s.plan(tx, b)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = job.ErrCancelled
	}
	if fault.Is(err, fault.NotFound) {
		err = s.lost(ctx, run, p.Runbook)
	}
	return b, file, err
}

// lost says why a runbook cannot be begun: it is gone itself, or what it is about
// is not seen by its owner any more.
func (s *Runbooks) lost(ctx context.Context, run *job.Run, book id.ID) error {
	err := s.Gate.View(ctx, run.Caller, func(tx *gate.Tx) error {
		_, err := s.Get(tx, book)
		return err
	})
	switch {
	case fault.Is(err, fault.NotFound):
		return job.ErrCancelled
	case err != nil:
		return err
	}
	return fault.New(fault.Denied, "Its organization is not there any more, or its owner does not see it.").WithHint("Choose another organization for the runbook, or remove it.")
}

// make writes the PDF. What an attempt before left, goes.
func (s *Runbooks) make(ctx context.Context, run *job.Run, b *Runbook, file id.ID, stop func()) error {
	t, err := s.Gate.House.Open(ctx, run.Caller.Tenant)
	if err != nil {
		return err
	}
	defer t.Release()
	w, err := t.Blobs.Create(ctx)
	if err != nil {
		return err
	}
	defer w.Abort()
	var old string
	err = s.change(ctx, run.Caller, b.ID, func(tx *gate.Tx, _ *Runbook) error {
		if err := tx.QueryRow(`select blob from runbook_file where id = ?`, int64(file)).Scan(&old); err != nil {
			return err
		}
		_, err := tx.Exec(`update runbook_file set blob = ?, updated_at = ? where id = ?`, w.ID(), tx.Now, int64(file))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) || fault.Is(err, fault.NotFound) {
		return job.ErrCancelled // removed meanwhile
	}
	if err == nil {
		err = remove(ctx, t, old)
	}
	if err != nil {
		return err
	}
	pages, err := s.write(ctx, run.Caller, b, w, func(done, total int64, what string) {
		run.Progress(done, total, what)
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
	return s.done(ctx, run, b, file, ref, pages)
}

// done keeps what was made, and lets go of what is older than the runbook keeps.
func (s *Runbooks) done(ctx context.Context, run *job.Run, b *Runbook, file id.ID, ref blob.Ref, pages int) error {
	err := s.Gate.Change(ctx, run.Caller, access.Export, thingOf(b.Org), func(tx *gate.Tx) error {
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name = Made, Kind, b.ID, b.Name
		n, err := tx.Exec(`update runbook_file set size = ?, pages = ?, ready = 1, updated_at = ? where id = ?`, ref.Size, pages, tx.Now, int64(file))
		if err != nil {
			return err
		}
		if n == 0 {
			return gate.Missing()
		}
		list, err := files(tx, `f.runbook_id = ? and f.ready = 1`, int64(b.ID))
		if err != nil {
			return err
		}
		return s.drop(tx, list[min(len(list), max(b.Keep, 1)):]...)
	})
	if fault.Is(err, fault.NotFound) {
		t, again := s.Gate.House.Open(ctx, run.Caller.Tenant)
		if again != nil {
			return again
		}
		defer t.Release()
		return errors.Join(job.ErrCancelled, remove(ctx, t, ref.ID))
	}
	return err
}

// drop deletes files with what is kept of them.
func (s *Runbooks) drop(tx *gate.Tx, list ...*File) error {
	for _, f := range list {
		if _, err := tx.Exec(`delete from runbook_file where id = ?`, int64(f.ID)); err != nil {
			return err
		}
		if err := remove(tx.SQL().Context(), tx.Tenant, f.blob); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes a blob; one that was never finished is not there.
func remove(ctx context.Context, t *tenant.Tenant, blob string) error {
	if blob == "" {
		return nil
	}
	if err := t.Blobs.Remove(ctx, blob); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	return nil
}

// File gives one making of a runbook that the caller may see, with the runbook.
func (s *Runbooks) File(tx *gate.Tx, file id.ID) (*Runbook, *File, error) {
	if _, err := tx.Allow(access.Export, gate.Thing{}); err != nil {
		return nil, nil, err
	}
	list, err := files(tx, `f.id = ?`, int64(file))
	if err != nil {
		return nil, nil, err
	}
	if len(list) == 0 {
		return nil, nil, gate.Missing()
	}
	b, err := s.Get(tx, list[0].Runbook)
	return b, list[0], err
}

// Stop ends a making that goes on. NotFound for another's; Conflict when it has
// ended.
func (s *Runbooks) Stop(ctx context.Context, c *access.Caller, file id.ID) error {
	var f *File
	err := s.Gate.View(ctx, c, func(tx *gate.Tx) (err error) {
		_, f, err = s.File(tx, file)
		return err
	})
	if err != nil {
		return err
	}
	return s.Jobs.Cancel(ctx, c, f.job)
}

// Opened is a PDF that was made.
type Opened struct {
	io.ReadSeeker
	Name  string
	close func() error
}

// Close ends reading.
func (o *Opened) Close() error { return o.close() }

// Open gives the PDF of a making; that it was fetched is recorded. NotFound while
// it is not done, and for another's.
func (s *Runbooks) Open(ctx context.Context, c *access.Caller, file id.ID) (*Opened, error) {
	var b *Runbook
	var f *File
	err := s.Gate.Change(ctx, c, access.Export, gate.Thing{}, func(tx *gate.Tx) (err error) {
		if b, f, err = s.File(tx, file); err != nil {
			return err
		}
		if f.State != job.Done {
			return gate.Missing()
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Org, e.Detail.Name = Fetched, Kind, b.ID, b.Org, b.Name
		return nil
	})
	if err != nil {
		return nil, err
	}
	t, err := s.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	o, err := t.Blobs.Open(ctx, f.blob)
	if err != nil {
		t.Release()
		return nil, err
	}
	return &Opened{o, b.Name, func() error { defer t.Release(); return o.Close() }}, nil
}
