package importer

import (
	"context"
	"errors"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
)

// JobKind is the kind of the jobs that import something. Their result is
// a Report.
const JobKind = "import"

// payload is what a job is given. The password of the zip is not in it: it is
// kept with the staged file, encrypted like it.
type payload struct {
	Stage   id.ID   `json:"stage"`
	Name    string  `json:"name"`
	Options Options `json:"options"`
}

// Start enqueues the import of a staged export for the caller, and gives the
// job's id.
func (m *Importer) Start(ctx context.Context, c *access.Caller, stage id.ID, o Options) (id.ID, error) {
	in, err := m.staged().Open(ctx, c, stage)
	if err != nil {
		return 0, err
	}
	name := in.Name
	if err := in.Close(); err != nil {
		return 0, err
	}
	if err := m.staged().Lock(ctx, c, stage, o.Password); err != nil {
		return 0, err
	}
	o.Password = ""
	var started id.ID
	err = m.Quietly(ctx, c, func(tx *gate.Tx) error {
		started, err = m.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: payload{stage, name, o}})
		return err
	})
	return started, err
}

// Handler does the jobs that Start enqueued. An attempt that is interrupted goes
// on where it was, and the report is of all attempts.
func (m *Importer) Handler() job.Handler {
	return func(ctx context.Context, run *job.Run) error {
		var p payload
		if err := run.Payload(&p); err != nil {
			return err
		}
		o := p.Options
		var err error
		if o.Password, err = m.staged().Password(ctx, run.Caller, p.Stage); err != nil {
			return err
		}
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		tell := func(g Progress) {
			run.Progress(g.Done, g.Total, g.Stage)
			if run.Cancelled() {
				stop()
			}
		}
		report, err := m.run(ctx, run.Caller, Source{Stage: p.Stage}, o, false, tell, run)
		if err != nil && run.Cancelled() && ctx.Err() != nil {
			return errors.Join(job.ErrCancelled, m.Unstage(context.WithoutCancel(ctx), run.Caller, p.Stage))
		}
		if err != nil {
			return err
		}
		if err := run.Result(report); err != nil {
			return err
		}
		return m.Unstage(ctx, run.Caller, p.Stage)
	}
}

// memory is what a job keeps in the transactions of an import: how many records
// it made and changed, and what was to be said of them.
type memory struct {
	Import   id.ID             `json:"import"`
	Kinds    map[string]Counts `json:"kinds"`
	Problems []Problem         `json:"problems"`
}

// Note keeps, in the transaction of what was done, that it was done. The result
// becomes valid once the transaction is durable.
func (r *Run) Note(tx *gate.Tx, kind string, o Outcome, n int64, warnings ...Problem) error {
	if r.job == nil {
		return nil
	}
	m := tx.Local(noteKey{}, func() any {
		next := &memory{Import: r.id, Kinds: map[string]Counts{}, Problems: r.memory.Problems[:len(r.memory.Problems):len(r.memory.Problems)]}
		for k, c := range r.memory.Kinds {
			next.Kinds[k] = c
		}
		tx.Last(func() error { return r.job.SaveIn(tx, next) })
		tx.After(func() { r.memory = *next })
		return next
	}).(*memory)
	c := m.Kinds[kind]
	for range n {
		c.add(o)
	}
	m.Kinds[kind] = c
	if len(m.Problems) < maxProblems {
		m.Problems = append(m.Problems, warnings...)
	}
	return nil
}

type noteKey struct{}

// recall puts what earlier attempts did into the report: their rows look
// unchanged to this one.
func (r *Run) recall() {
	r.Report.Add(r.Earlier.Problems...)
	for kind, was := range r.Earlier.Kinds {
		c := r.Report.Kinds[kind]
		if c == nil {
			c = new(Counts)
			r.Report.Kinds[kind] = c
		}
		again := min(c.Unchanged, was.Created+was.Changed)
		c.Created, c.Changed, c.Unchanged = c.Created+was.Created, c.Changed+was.Changed, c.Unchanged-again
		r.Report.Created, r.Report.Changed, r.Report.Unchanged = r.Report.Created+was.Created, r.Report.Changed+was.Changed, r.Report.Unchanged-again
	}
}
