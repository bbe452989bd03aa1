package process

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/process/course"
)

// The states of a run, and of a step: Open is a step that is to be done or waits.
const (
	Running = "running"
	Open    = "open"
	Done    = "done"
	Skipped = "skipped"
	Late    = "late"
	Failed  = "failed"
	Stopped = "stopped"
)

// The bounds of what runs.
const (
	mostOfRecord = 20  // runs that begin about one record within an hour
	mostRows     = 500 // steps of a run
	mostAttempts = 5
	batch        = 50
	look         = 5 * time.Minute // how often it is asked what became of an approval
)

// Processes run the processes of all tenants. Fill the fields.
type Processes struct {
	Gate    *gate.Gate
	Records *record.Engine
	Jobs    *job.Runner // nil leaves what is due to Run
	// Do does what a step says, as automation.Rules.Do.
	Do func(tx *gate.Tx, e *record.Engine, w *automation.Work) error
}

// woken is what a job is told: the record that changed; 0 for none.
type woken struct{ Record id.ID }

// Over gives features whose records can have processes: they begin with one, and go on when
// what they wait for has happened.
func (p *Processes) Over(list []record.Feature) []record.Feature {
	for _, f := range list {
		for _, k := range f.Kinds {
			if !automation.Governed(k) && k.Name != entry.Kind {
				continue
			}
			after := k.After
			k.After = func(tx *gate.Tx, now, old *record.Record) error {
				if after != nil {
					if err := after(tx, now, old); err != nil {
						return err
					}
				}
				return p.happened(tx, now, old)
			}
		}
	}
	return list
}

// happened begins what begins with a record, and has what waits for it looked at.
func (p *Processes) happened(tx *gate.Tx, now, old *record.Record) error {
	e := now.Kind.Engine()
	if e.Kinds.Kind(Kind) == nil || tx.Caller.Via == "console" || tx.Caller.Via == "job" && tx.Caller.User != 0 {
		return nil
	}
	if old == nil && automation.Governed(now.Kind) {
		if err := p.begin(tx, now); err != nil {
			return err
		}
	}
	about := []id.ID{now.ID, now.Parent}
	for i := range now.Kind.Fields {
		if f := &now.Kind.Fields[i]; now.Kind.Name == "task" && f.Type == record.Ref && strings.HasSuffix(f.Name, "_id") && f.Ref != "user" && f.Ref != "team" {
			about = append(about, now.Values.ID(f.Name))
		}
	}
	about = slices.DeleteFunc(about, func(n id.ID) bool { return n == 0 })
	found, err := tx.IDs(`select distinct record_id from process_step where state = 'open' and record_id in (`+access.Marks(len(about))+`)`, access.Args(about)...)
	if err != nil {
		return err
	}
	for _, n := range found {
		if err := p.arm(tx, woken{n}, 0); err != nil {
			return err
		}
	}
	return nil
}

// arm has what is due done, by the system itself.
func (p *Processes) arm(tx *gate.Tx, w woken, at int64) error {
	if p.Jobs == nil {
		return nil
	}
	who := tx.Caller
	tx.Caller = access.System(tx.Tenant.Name, "job")
	defer func() { tx.Caller = who }()
	_, err := p.Jobs.Enqueue(tx, job.Job{Kind: JobKind, Payload: w, At: at})
	return err
}

// run is a run as it goes on.
type run struct {
	ID, Process, Record id.ID
	State               string
	course              course.Course
	chain               []id.ID
	kinds               *record.Engine
}

// open writes the rows of a step and of those that are done beside it; behind the last one,
// the run is over.
func (p *Processes) open(tx *gate.Tx, r *run, place int) error {
	if place >= len(r.course) {
		_, err := tx.Exec(`update process_run set state = 'done', ended_at = ? where id = ? and state = 'running'`, tx.Now, int64(r.ID))
		return err
	}
	var last int
	if err := tx.QueryRow(`select coalesce(max(n), 0) from process_step where run_id = ?`, int64(r.ID)).Scan(&last); err != nil {
		return err
	}
	for _, i := range r.course.Group(place) {
		last++
		s := r.course[i]
		var times int
		if err := tx.QueryRow(`select count(*) from process_step where run_id = ? and place = ?`, int64(r.ID), i).Scan(&times); err != nil {
			return err
		}
		if s.Most > 0 && times >= s.Most || last > mostRows {
			return p.fail(tx, r, fmt.Sprintf("“%s” was done %d times, which is the most.", s.Name, times))
		}
		n, err := tx.NewID()
		if err != nil {
			return err
		}
		due, ok, err := ends(tx, r, s)
		if err != nil {
			return err
		}
		if !ok {
			return p.fail(tx, r, fmt.Sprintf("“%s” would wait for ever: its calendar never opens.", s.Name))
		}
		if _, err := tx.Exec(`insert into process_step (id, run_id, record_id, n, place, state, at, due, next_at) values (?, ?, ?, ?, ?, 'open', ?, ?, ?)`, int64(n), int64(r.ID), int64(r.Record), last, i, tx.Now, due, tx.Now); err != nil {
			return err
		}
	}
	return p.arm(tx, woken{}, 0)
}

// fail ends a run in which nothing can be tried again.
func (p *Processes) fail(tx *gate.Tx, r *run, said string) error {
	if _, err := tx.Exec(`update process_step set state = 'stopped', ended_at = ? where run_id = ? and state = 'open'`, tx.Now, int64(r.ID)); err != nil {
		return err
	}
	return p.failed(tx, r, said)
}

// failed notes that a run stands still, and tells who can do something about it: who saved the
// process last, and whose ticket it is.
func (p *Processes) failed(tx *gate.Tx, r *run, said string) error {
	fresh, err := tx.Exec(`update process_run set state = 'failed', said = ?, ended_at = ? where id = ? and state = 'running'`, said, tx.Now, int64(r.ID))
	if err != nil || fresh == 0 {
		return err
	}
	who := tx.Caller
	tx.Caller = access.System(tx.Tenant.Name, "job")
	defer func() { tx.Caller = who }()
	var people []id.ID
	for kind, about := range map[string]id.ID{Kind: r.Process, "": r.Record} {
		x, err := p.Records.Get(tx, kind, about)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err == nil {
			people = append(people, x.Values.ID("acts_as_id"), x.Values.ID("owner_id"))
		}
	}
	_, err = notification.Send(tx, notification.Notice{Topic: Topic, To: people, Record: r.Record, Own: true, Key: fmt.Sprintf("process/%s/%d", r.ID, tx.Now),
		Text: []notification.Part{notification.Words("A process about"), notification.Of(r.Record), notification.Words("stands still. " + said)}})
	return err
}

// Topic is what the notices about runs that stand still are about.
const Topic = "automation"

// Handler goes on with what waited for a record, and does what is due.
func (p *Processes) Handler() job.Handler {
	return func(ctx context.Context, j *job.Run) error {
		var w woken
		if err := j.Payload(&w); err == nil && w.Record != 0 {
			if err := p.Wake(ctx, j.Tenant, w.Record); err != nil {
				return err
			}
		}
		return p.Run(ctx, j.Tenant)
	}
}

// Wake has what waits about a record looked at.
func (p *Processes) Wake(ctx context.Context, tenant string, rec id.ID) error {
	return p.system(ctx, tenant, func(tx *gate.Tx) error {
		_, err := tx.Exec(`update process_step set next_at = ? where record_id = ? and state = 'open' and next_at > ?`, tx.Now, int64(rec), tx.Now)
		return err
	})
}

func (p *Processes) system(ctx context.Context, tenant string, fn func(tx *gate.Tx) error) error {
	return p.Gate.Change(ctx, access.System(tenant, "job"), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry())
		return fn(tx)
	})
}

// Run does what is due in a tenant, until nothing is. A schedule calls it too; it bears
// repetition, and to be broken off.
func (p *Processes) Run(ctx context.Context, tenant string) error {
	if p.Records.Kinds.Kind(Kind) == nil {
		return nil
	}
	for {
		var due []id.ID
		var next int64
		err := p.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) (err error) {
			if due, err = tx.IDs(`select id from process_step where state = 'open' and next_at <= ? order by next_at, id limit ?`, tx.Now, batch); err != nil {
				return err
			}
			return tx.QueryRow(`select coalesce(min(next_at), 0) from process_step where state = 'open'`).Scan(&next)
		})
		if err != nil {
			return err
		}
		if len(due) == 0 {
			return p.later(ctx, tenant, next)
		}
		for _, n := range due {
			if err := p.one(ctx, tenant, n); err != nil {
				return err
			}
		}
	}
}

// later has what waits for a time done then.
func (p *Processes) later(ctx context.Context, tenant string, next int64) error {
	if next == 0 || p.Jobs == nil {
		return nil
	}
	return p.system(ctx, tenant, func(tx *gate.Tx) error {
		var have int64
		if err := tx.QueryRow(`select coalesce(min(at), 0) from job where kind = ? and state = ?`, JobKind, job.Waiting).Scan(&have); err != nil || have != 0 && have <= max(next, tx.Now) {
			return err
		}
		return p.arm(tx, woken{}, next)
	})
}

// step is a row that is open.
type step struct {
	ID       id.ID
	place    int
	at, due  int64
	attempts int
}

// read reads an open step with its run; nil when somebody else was first.
func (p *Processes) read(tx *gate.Tx, n id.ID) (*step, *run, error) {
	s, r := &step{ID: n}, &run{kinds: p.Records}
	var rn, process, rec int64
	var text, chain string
	err := tx.QueryRow(`select s.place, s.at, s.due, s.attempts, r.id, r.process_id, r.record_id, r.state, r.course, r.chain from process_step s join process_run r on r.id = s.run_id where s.id = ? and s.state = 'open' and s.next_at <= ?`, int64(n), tx.Now).
		Scan(&s.place, &s.at, &s.due, &s.attempts, &rn, &process, &rec, &r.State, &text, &chain)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	r.ID, r.Process, r.Record = id.ID(rn), id.ID(process), id.ID(rec)
	for c := range strings.FieldsSeq(chain) {
		if u, ok := id.Parse(c); ok {
			r.chain = append(r.chain, u)
		}
	}
	if err := json.Unmarshal([]byte(text), &r.course); err != nil {
		return nil, nil, err
	}
	if s.place >= len(r.course) {
		return nil, nil, fault.New(fault.Internal, "A step of a process is none of its steps.")
	}
	return s, r, nil
}

// one does one step, as its process.
func (p *Processes) one(ctx context.Context, tenant string, n id.ID) error {
	var s *step
	var r *run
	var caller *access.Caller
	said := ""
	err := p.Gate.View(ctx, access.System(tenant, "job"), func(tx *gate.Tx) (err error) {
		if s, r, err = p.read(tx, n); err != nil || s == nil {
			return err
		}
		def, err := p.Records.Get(tx, Kind, r.Process)
		if fault.Is(err, fault.NotFound) {
			said = "The process is not there any more."
			return nil
		}
		if err != nil {
			return err
		}
		caller, said, err = automation.Acting(tx, def.ID, "Process: "+def.Name, def.Values.ID("acts_as_id"))
		return err
	})
	if err != nil || s == nil {
		return err
	}
	if caller == nil {
		return p.system(ctx, tenant, func(tx *gate.Tx) error { return p.refused(tx, s, r, said) })
	}
	err = p.Gate.Change(ctx, caller, access.View, gate.Thing{ID: r.Record}, func(tx *gate.Tx) error {
		if _, err := tx.Exec(`update process_run set state = state where id = ?`, int64(r.ID)); err != nil { // one step of a run at a time
			return err
		}
		var still *step
		var now *run
		if still, now, err = p.read(tx, n); err != nil || still == nil {
			return err
		}
		automation.Under(tx, r.chain)
		return (&work{p, tx, now, still}).do()
	})
	switch k := fault.Of(err); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case (k == fault.Internal || k == fault.Unavailable || k == fault.Conflict) && s.attempts+1 < mostAttempts:
		return p.system(ctx, tenant, func(tx *gate.Tx) error {
			_, err := tx.Exec(`update process_step set attempts = attempts + 1, next_at = ?, said = ? where id = ? and state = 'open'`, tx.Now+(time.Minute<<s.attempts).Milliseconds(), fault.Say(err).Text, int64(s.ID))
			return err
		})
	}
	words := fault.Say(err).Text
	for _, f := range fault.Say(err).Fields {
		words = f
	}
	return p.system(ctx, tenant, func(tx *gate.Tx) error { return p.refused(tx, s, r, words) })
}

// refused ends a run whose step could not be done, until somebody has it tried again.
func (p *Processes) refused(tx *gate.Tx, s *step, r *run, said string) error {
	if _, err := tx.Exec(`update process_step set state = 'failed', said = ?, ended_at = ? where id = ? and state = 'open'`, said, tx.Now, int64(s.ID)); err != nil {
		return err
	}
	return p.failed(tx, r, r.course[s.place].Name+": "+said)
}
