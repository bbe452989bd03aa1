package way

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/feature/identity/method"
)

// ImportKind is the kind of the jobs that bring in everybody of a directory.
const ImportKind = "sign-in.import"

// Import says how everybody of a directory is brought in.
type Import struct {
	Hours  int  // how often by itself: every so many hours; 0 for never
	Create bool // who is not known becomes a user
	Groups bool // groups of the directory become groups here
	Most   int  // percent of the users that the way made who may be missing at once
	Next   int64
}

// Kinds of change that an import makes.
const (
	Made    = "made"    // became a user
	Changed = "changed" // name, address, role or groups
	Back    = "back"    // was missing, and works again
	Off     = "off"     // is missing: archived, and signed out
	Skipped = "skipped" // nothing was done, and why
)

// ImportChange is what an import did with somebody, or would do.
type ImportChange struct {
	Sort string `json:"sort"`
	Who  string `json:"who"`
	Text string `json:"text,omitempty"`
}

// ImportReport is what came of an import.
type ImportReport struct {
	Dry     bool           `json:"dry"`
	People  int            `json:"people"` // in the directory
	Same    int            `json:"same"`   // who are here as they are there
	Counts  map[string]int `json:"counts"`
	Changes []ImportChange `json:"changes"`           // the first few hundred
	Stopped string         `json:"stopped,omitempty"` // why nobody was archived
}

const mostChanges = 300

func (r *ImportReport) add(sort, who, text string) {
	r.Counts[sort]++
	if len(r.Changes) < mostChanges {
		r.Changes = append(r.Changes, ImportChange{sort, who, text})
	}
}

// ImportRun is an import that was made, is made or failed.
type ImportRun struct {
	ID      id.ID
	State   string // of its job
	Error   string // why it failed
	Message string // how far it is
	Dry     bool
	At      int64 // Unix milliseconds
	Report  *ImportReport
}

type importPayload struct {
	Way id.ID `json:"way"`
	Dry bool  `json:"dry,omitempty"`
}

// Lists tells whether everybody who may come by a way can be listed.
func (w *Ways) Lists(x *Way) bool {
	k := w.Kind(x.Kind)
	return k != nil && k.Lists
}

// ImportOf gives how everybody is brought in, for who manages the tenant.
func (w *Ways) ImportOf(tx *gate.Tx, way id.ID) (Import, error) {
	x, err := w.Get(tx, way)
	if err == nil && !w.Lists(x) {
		err = gate.Missing()
	}
	if err != nil {
		return Import{}, err
	}
	return importOf(tx, way)
}

func importOf(tx *gate.Tx, way id.ID) (i Import, err error) {
	err = tx.QueryRow(`select hours, makes, teams, most, next_at from sign_in_import where way_id = ?`, int64(way)).Scan(&i.Hours, &i.Create, &i.Groups, &i.Most, &i.Next)
	if errors.Is(err, sql.ErrNoRows) {
		return Import{Create: true, Most: 10}, nil
	}
	return i, err
}

// Rhythms lists how often everybody can be brought in, in hours.
func Rhythms() []int { return []int{0, 1, 4, 12, 24} }

// SetImport says how everybody is brought in. Invalid with fields.
func (w *Ways) SetImport(ctx context.Context, c *access.Caller, way id.ID, i Import) error {
	bad := map[string]string{}
	if i.Hours < 0 || i.Hours > 24 {
		bad["hours"] = "Choose how often."
	}
	if i.Most < 1 || i.Most > 100 {
		bad["most"] = "This is between 1 and 100."
	}
	if err := fault.Fields(bad); err != nil {
		return err
	}
	return w.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		x, err := get(tx, way)
		if err != nil {
			return err
		}
		if !w.Lists(x) {
			return gate.Missing()
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name, e.Detail.Text = "sign-in-way.schedule", thing, way, x.Name, "nobody is brought in by itself"
		if i.Next = 0; i.Hours > 0 {
			i.Next = tx.Now + hours(i.Hours)
			e.Detail.Text = "everybody is brought in again and again"
		}
		_, err = tx.Exec(`insert into sign_in_import (way_id, hours, makes, teams, most, next_at, changed_at) values (?, ?, ?, ?, ?, ?, ?)
			on conflict (way_id) do update set hours = excluded.hours, makes = excluded.makes, teams = excluded.teams, most = excluded.most, next_at = excluded.next_at, changed_at = excluded.changed_at`,
			int64(way), i.Hours, i.Create, i.Groups, i.Most, i.Next, tx.Now)
		return err
	})
}

func hours(n int) int64 { return (time.Duration(n) * time.Hour).Milliseconds() }

// StartImport has everybody brought in now, or with dry has it found out what that
// would change.
func (w *Ways) StartImport(ctx context.Context, c *access.Caller, way id.ID, dry bool) (started id.ID, err error) {
	err = w.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		x, err := get(tx, way)
		if err != nil {
			return err
		}
		if !w.Lists(x) {
			return gate.Missing()
		}
		e := tx.Entry()
		e.Action, e.Kind, e.Object, e.Detail.Name = "sign-in-way.import", thing, way, x.Name
		if dry {
			e.Detail.Text = "only to see what would change"
		}
		started, err = w.Jobs.Enqueue(tx, job.Job{Kind: ImportKind, Payload: importPayload{way, dry}})
		return err
	})
	return started, err
}

// RunImports has everybody brought in of whom it is time. A schedule calls it.
func (w *Ways) RunImports(ctx context.Context, tenant string) error {
	c := access.System(tenant, "schedule")
	const due = `select i.way_id from sign_in_import i join sign_in_way w on w.id = i.way_id where i.hours > 0 and i.next_at <= ? order by i.way_id`
	var ways []id.ID
	err := w.Gate.View(ctx, c, func(tx *gate.Tx) (err error) { ways, err = tx.IDs(due, tx.Now); return err })
	if err != nil || len(ways) == 0 {
		return err
	}
	return w.Gate.Change(ctx, c, access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry()) // each import has its own
		ways, err := tx.IDs(due, tx.Now)
		if err != nil {
			return err
		}
		for _, way := range ways {
			i, err := importOf(tx, way)
			if err != nil {
				return err
			}
			if _, err := w.Jobs.Enqueue(tx, job.Job{Kind: ImportKind, Payload: importPayload{Way: way}}); err != nil {
				return err
			}
			if _, err := tx.Exec(`update sign_in_import set next_at = ? where way_id = ?`, tx.Now+hours(i.Hours), int64(way)); err != nil {
				return err
			}
		}
		return nil
	})
}

// ImportRuns lists the last imports by a way, newest first, for who manages the
// tenant.
func (w *Ways) ImportRuns(tx *gate.Tx, way id.ID) ([]ImportRun, error) {
	if err := tx.Check(access.Administer, gate.Thing{}); err != nil {
		return nil, err
	}
	list, err := job.List(tx, ImportKind, 100)
	var out []ImportRun
	for _, s := range list {
		var p importPayload
		if json.Unmarshal(s.Payload, &p) != nil || p.Way != way || len(out) >= 10 {
			continue
		}
		r := ImportRun{ID: s.ID, State: s.State, Error: s.Error, Message: s.Message, Dry: p.Dry, At: s.Created}
		if s.Result != nil {
			if err := json.Unmarshal(s.Result, &r.Report); err != nil {
				return nil, err
			}
		}
		out = append(out, r)
	}
	return out, err
}

// ImportHandler brings in everybody of a directory.
func (w *Ways) ImportHandler() job.Handler {
	return func(ctx context.Context, run *job.Run) error {
		var p importPayload
		if err := run.Payload(&p); err != nil {
			return err
		}
		x, m, err := w.open(ctx, run.Caller, p.Way, true)
		if fault.Is(err, fault.NotFound) {
			return job.ErrCancelled // removed meanwhile
		}
		if err != nil {
			return err
		}
		d, ok := m.(method.Directory)
		if !ok {
			return job.ErrCancelled
		}
		run.Progress(0, 0, "Reading the directory")
		intake := &intake{Ways: w, run: run, x: x, coming: map[string]bool{}, report: &ImportReport{Dry: p.Dry, Counts: map[string]int{}}}
		err = d.People(ctx, func(l method.Listed) error {
			if run.Cancelled() {
				return job.ErrCancelled
			}
			intake.people = append(intake.people, l)
			return nil
		})
		if err != nil {
			return err
		}
		return intake.do(ctx)
	}
}
