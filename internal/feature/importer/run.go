package importer

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/core/tenant"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/importer/history"
	"strongroom/internal/feature/importer/problem"
)

// Run is one import, or one dry run of it.
type Run struct {
	Importer *Importer
	Ctx      context.Context //nolint:containedctx // the life of a run is one call
	Caller   *access.Caller
	Options  Options
	Dry      bool
	Tenant   *tenant.Tenant

	// What the layout says of the export, when it opens it.
	Source string            // of its rows, as feature/external knows them
	Tables map[string]string // whose rows are remembered, with the kinds that they become
	Ours   bool              // Strongroom wrote it: texts are as they are here
	Same   bool              // and from this very tenant: ids are those of its records

	id       id.ID  // among the imports that were run; 0 in a dry run
	key      []byte // of the hashes of rows
	Report   *Report
	tell     func(Progress)
	Progress Progress

	Look    Lookup
	pending []*Item
	ahead   *secret.Ahead // for the secrets of pending
	saving  *saving
	size    int // bytes of pending
	pseudo  id.ID

	job             *job.Run // nil without one
	Earlier, memory memory   // of earlier attempts; with what this one did
}

// Check tells what an import would do, and changes nothing. Fault kinds: Denied
// for a caller who may not import, Invalid for a file that cannot be read as an
// export.
func (m *Importer) Check(ctx context.Context, c *access.Caller, s Source, o Options) (*Report, error) {
	return m.run(ctx, c, s, o, true, func(Progress) {}, nil)
}

// Run imports an export. tell, when not nil, is told of the progress. When it
// ends with an error, what was imported stays, and the same import again goes on
// from there. Fault kinds as for Check.
func (m *Importer) Run(ctx context.Context, c *access.Caller, s Source, o Options, tell func(Progress)) (*Report, error) {
	if tell == nil {
		tell = func(Progress) {}
	}
	return m.run(ctx, c, s, o, false, tell, nil)
}

func (m *Importer) run(ctx context.Context, c *access.Caller, s Source, o Options, dry bool, tell func(Progress), j *job.Run) (*Report, error) {
	if err := m.allowed(ctx, c); err != nil {
		return nil, err
	}
	in, err := m.open(ctx, c, s)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	layout, err := m.layout(o.Layout)
	if err != nil {
		return nil, err
	}
	t, err := m.Gate.House.Open(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	defer t.Release()
	r := &Run{Importer: m, Ctx: ctx, Caller: c, Options: o, Dry: dry, Tenant: t, Report: newReport(dry), ahead: new(secret.Ahead), tell: tell, job: j}
	if j != nil {
		if _, err := j.Load(&r.Earlier); err != nil {
			return nil, err
		}
		r.memory, r.id = r.Earlier, r.Earlier.Import
	}
	if r.key, err = hkdf.Key(sha256.New, t.Keys.Index, nil, "strongroom/import/row/1", 32); err != nil {
		return nil, err
	}
	reading, err := layout.Open(r, in)
	if err != nil {
		return nil, err
	}
	if !dry && r.Earlier.Kinds == nil {
		if err := r.begin(layout.Name(), in.Name); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(r.all(reading), r.Wait()); err != nil {
		return nil, err
	}
	r.finish()
	return r.Report, nil
}

// ID is the number of this import among those that were run; 0 in a dry run.
func (r *Run) ID() id.ID { return r.id }

// Wrote lists a record that was written beside an item, so that it is taken back
// with the import; before is its version before, or 0 for one that was made.
func (r *Run) Wrote(tx *gate.Tx, rec id.ID, before int64) error {
	return history.Keep(tx, r.id, []history.Change{{Record: rec, Before: before}})
}

// MadeFile lists a file that was made for a record, so that it is taken back with the
// import. One that came in the place of another is not listed: that one is gone.
func (r *Run) MadeFile(tx *gate.Tx, f *attachment.File, instead bool) error {
	if instead {
		return nil
	}
	return history.Beside(tx, r.id, history.File, f.ID, f.Record)
}

// Relate relates two records, and lists a relation that was not there before, so that
// it is taken back with the import. from depends on to, or is used by it, where depends
// says so.
func (r *Run) Relate(tx *gate.Tx, from, to id.ID, notes string, depends record.Dependence) (made bool, err error) {
	here, err := Related(tx, from, to)
	if err != nil {
		return false, err
	}
	it, err := r.Importer.Relations.Add(tx, from, to, notes)
	if err == nil && depends != record.Independent {
		_, err = r.Importer.Relations.SetDepends(tx, from, it.ID, depends)
	}
	if err != nil || here {
		return false, err
	}
	return true, history.Beside(tx, r.id, history.Relation, it.ID, from)
}

// Related tells whether somebody related two records.
func Related(tx *gate.Tx, a, b id.ID) (bool, error) {
	var n int
	err := tx.QueryRow(`select count(*) from relation where low_id = ? and high_id = ?`, int64(min(a, b)), int64(max(a, b))).Scan(&n)
	return n > 0, err
}

// allowed refuses before anything is read.
func (m *Importer) allowed(ctx context.Context, c *access.Caller) error {
	return m.Gate.View(ctx, c, func(tx *gate.Tx) error {
		_, err := tx.Allow(access.Import, gate.Thing{})
		return err
	})
}

// begin records that an import was asked for.
func (r *Run) begin(layout, name string) error {
	var job id.ID
	if r.job != nil {
		job = r.job.ID
	}
	return r.Importer.Gate.Change(r.Ctx, r.Caller, access.Import, gate.Thing{}, func(tx *gate.Tx) (err error) {
		tx.Entry().Detail.Name = name
		if r.id, err = history.Begin(tx, layout, name, job); err != nil {
			return err
		}
		r.memory.Import = r.id
		return r.Note(tx, "organization", Created, 0)
	})
}

// all goes through the parts of an export.
func (r *Run) all(x Reading) error {
	if err := r.load(); err != nil {
		return err
	}
	var err error
	if r.Progress.Total, err = x.Total(); err != nil {
		return err
	}
	for _, step := range x.Steps() {
		if err := step(); err != nil {
			return err
		}
		if err := r.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// Stage tells what the run is at now, in words.
func (r *Run) Stage(name string) {
	r.Progress.Stage = name
	r.Tell()
}

// Tell tells how far the run is.
func (r *Run) Tell() {
	r.Progress.Counts = r.Report.Counts
	r.tell(r.Progress)
}

// Problem puts a problem into the report.
func (r *Run) Problem(file string, line int, s problem.Severity, hint, format string, args ...any) {
	r.Report.Add(Problem{File: file, Line: line, Severity: s, Text: fmt.Sprintf(format, args...), Hint: hint})
}

// finish closes the report.
func (r *Run) finish() {
	r.recall()
	for _, s := range []problem.Severity{problem.Error, problem.Warning, problem.Info} {
		if n := r.Report.more[s] - maxProblems; n > 0 {
			r.Report.Problems = append(r.Report.Problems, Problem{Severity: s, Text: fmt.Sprintf("%d more like these (%s) are not listed.", n, s)})
		}
	}
	r.Progress.Done = r.Progress.Total
	r.Stage("Done")
}
