// Package importer brings whole exports of other products into a tenant.
//
// Always true: a row that cannot be taken over is named with its file and line,
// and the others go on; what an export holds that has no place here is listed;
// a row and what is remembered of it (feature/external) are saved in the same
// transaction, so that an import that was interrupted goes on where it was, and
// the same import twice changes nothing; a record that somebody changed here
// since it was imported is never overwritten; no secret value is in a report, a
// log or, unsealed, on a disk.
package importer

import (
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/importer/history"
	"strongroom/internal/feature/importer/mapping"
	"strongroom/internal/feature/importer/problem"
	"strongroom/internal/feature/importer/staging"
	"strongroom/internal/feature/importer/state"
	"strongroom/internal/feature/relation"
)

// Importer imports exports. Fill the fields; it then is safe for concurrent
// use.
type Importer struct {
	Gate      *gate.Gate
	Records   *record.Engine
	Files     *attachment.Store
	Relations *relation.Relations
	Jobs      *job.Runner      // for Start
	Log       *slog.Logger     // nil is silent
	Now       func() time.Time // nil is time.Now

	Layouts []Layout // which exports can be read; the first is that of an import that names none

	Batch int // rows of one transaction; 0 is 500
}

// Feature is the tables of staged files and of what is remembered of imported
// records.
func Feature() record.Feature {
	return record.Feature{Name: "importer", Schema: slices.Concat(staging.Schema(), state.Schema(), history.Schema(), mapping.Schema()), Purge: func(tx *gate.Tx, r *record.Record) error {
		return errors.Join(state.Purge(tx, r), history.Purge(tx, r))
	}}
}

// Source is the export to import: a staged file, or a file of this machine that
// is read in place.
type Source struct {
	Stage id.ID  `json:"stage,omitempty"`
	Path  string `json:"path,omitempty"` // only from the command line, never from a request

	// Both are empty for what is read through an API.
}

// Layout is one way in which exports are written.
type Layout interface {
	// Name is what the layout is called in jobs and commands: itglue.
	Name() string
	// Open looks at an export and says of the run what the fields of Run ask for.
	// Invalid for a file that is not of the layout.
	Open(r *Run, in *staging.File) (Reading, error)
}

// Reading is one way through one export.
type Reading interface {
	// Total counts what there is to do: rows and files.
	Total() (int64, error)
	// Steps are the parts of the export, in an order in which records come after
	// those that they refer to. A step makes items of rows, and lets the run
	// decide of each. What one step left is saved before the next.
	Steps() []func() error
}

// Recognizer is a layout that knows its files when it sees them.
type Recognizer interface {
	Layout
	// Recognizes looks into a file that has no password.
	Recognizes(f *staging.File) bool
}

// Recognize gives the name of the layout that knows a file; "" when none does.
func (m *Importer) Recognize(f *staging.File) string {
	for _, l := range m.Layouts {
		if r, ok := l.(Recognizer); ok && r.Recognizes(f) {
			return r.Name()
		}
	}
	return ""
}

func (m *Importer) layout(name string) (Layout, error) {
	for _, l := range m.Layouts {
		if name == "" || l.Name() == name {
			return l, nil
		}
	}
	return nil, fault.New(fault.Invalid, "There is no import called %q.", name).WithHint("Choose one of those that the page of imports offers.")
}

// Options say how to import.
type Options struct {
	Layout   string `json:"layout,omitempty"`
	Password string `json:"password,omitempty"` // of the zip
	// CreateMissingOrganizations makes the organizations that rows name and
	// neither the export nor the tenant has. Otherwise such rows are skipped.
	CreateMissingOrganizations bool `json:"create_missing_organizations,omitempty"`
	// Settings are what the layout asks for, as it writes them. No secret is in it.
	Settings json.RawMessage `json:"settings,omitempty"`
}

// Problem is one thing to know about an import.
type Problem = problem.Problem

// Counts tell what happened to rows.
type Counts struct {
	Created   int64 `json:"created"`
	Changed   int64 `json:"changed"`
	Unchanged int64 `json:"unchanged"`
	Skipped   int64 `json:"skipped"`
	Conflicts int64 `json:"conflicts"`
}

func (c *Counts) add(o Outcome) {
	switch o {
	case Created:
		c.Created++
	case Changed:
		c.Changed++
	case Unchanged:
		c.Unchanged++
	case Conflict:
		c.Conflicts++
	default:
		c.Skipped++
	}
}

// Unknown is a part of an export that has no kind here.
type Unknown struct {
	File string `json:"file"`
	Rows int64  `json:"rows"` // rows of a table, files of a folder
	Note string `json:"note"`
}

// Report tells what an import did, or, of a dry run, would do.
type Report struct {
	DryRun bool `json:"dry_run"`
	Counts
	Problems []Problem          `json:"problems"`
	Kinds    map[string]*Counts `json:"kinds"` // by the name of the kind, file for attachments
	Unknown  []Unknown          `json:"unknown"`
	Rows     []RowReport        `json:"rows,omitempty"` // of a dry run that knows them: the first rows of each outcome

	more map[problem.Severity]int
}

// RowReport tells what would become of a row.
type RowReport struct {
	Line   int    `json:"line"`
	What   string `json:"what"` // created or changed
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Record id.ID  `json:"record,omitempty"` // that would be changed
	Fields []Diff `json:"fields,omitempty"`
}

// Diff is what would become of a field. The value of a secret is not in it.
type Diff struct {
	Label string `json:"label"`
	Old   string `json:"old,omitempty"`
	New   string `json:"new,omitempty"`
}

// maxRows is how many rows of one outcome are listed.
const maxRows = 100

// Row lists a row of a dry run.
func (r *Report) Row(row RowReport) {
	if !r.DryRun {
		return
	}
	n := 0
	for _, have := range r.Rows {
		if have.What == row.What {
			n++
		}
	}
	if n < maxRows {
		r.Rows = append(r.Rows, row)
	}
}

// maxProblems is how many problems of one severity are listed.
const maxProblems = 1000

func newReport(dry bool) *Report {
	return &Report{DryRun: dry, Problems: []Problem{}, Kinds: map[string]*Counts{}, Unknown: []Unknown{}, more: map[problem.Severity]int{}}
}

// Add puts problems into the report.
func (r *Report) Add(list ...Problem) {
	for _, p := range list {
		if r.more[p.Severity]++; r.more[p.Severity] <= maxProblems {
			r.Problems = append(r.Problems, p)
		}
	}
}

// Count counts what became of a row.
func (r *Report) Count(kind string, o Outcome) {
	c := r.Kinds[kind]
	if c == nil {
		c = new(Counts)
		r.Kinds[kind] = c
	}
	c.add(o)
	r.Counts.add(o)
}

// Progress tells how far an import is.
type Progress struct {
	Stage  string `json:"stage"` // in words: Passwords
	Done   int64  `json:"done"`  // rows and files
	Total  int64  `json:"total"`
	Counts Counts `json:"counts"`
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
