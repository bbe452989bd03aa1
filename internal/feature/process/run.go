package process

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/job"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/journal/entry"
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

// begin starts the processes that begin when a record is made.
func (p *Processes) begin(tx *gate.Tx, now *record.Record) error {
	list, err := tx.IDs(`select r.id from k_process k join record r on r.id = k.id where k.active = 1 and r.archived = 0 and r.trashed_at is null and k.of_kind = ? and (k.begins = ? or k.begins = ? and k.offering_id = ?) order by r.id`,
		now.Kind.Name, AtOnce, Ordered, int64(now.Values.ID("offering_id")))
	if err != nil {
		return err
	}
	for _, n := range list {
		if _, err := p.Start(tx, n, now, "begin"); err != nil {
			return err
		}
	}
	return nil
}

// Start begins a process about a record, once under a key, and says what it did. It does not
// begin beside itself, nor where processes and rules set each other off without end.
func (p *Processes) Start(tx *gate.Tx, process id.ID, rec *record.Record, once string) (string, error) {
	e := rec.Kind.Engine()
	var def *record.Record
	who := tx.Caller
	tx.Caller = access.System(tx.Tenant.Name, "job") // what the process says is no matter of who begins it
	def, err := e.Get(tx, Kind, process)
	tx.Caller = who
	if fault.Is(err, fault.NotFound) {
		return "", fault.New(fault.Invalid, "The process is not there any more.")
	}
	if err != nil {
		return "", err
	}
	c := StepsOf(def)
	if !def.Values.Bool("active") || def.Archived || def.Values.Text("of_kind") != rec.Kind.Name || len(c) == 0 {
		return "", fault.New(fault.Invalid, "The process is off, or about something else.")
	}
	chain := automation.Chain(tx)
	var running, lately int
	err = errors.Join(tx.QueryRow(`select count(*) from process_run where process_id = ? and record_id = ? and state = 'running'`, int64(process), int64(rec.ID)).Scan(&running),
		tx.QueryRow(`select count(*) from process_run where record_id = ? and at > ?`, int64(rec.ID), tx.Now-time.Hour.Milliseconds()).Scan(&lately))
	switch {
	case err != nil:
		return "", err
	case running > 0:
		return "It runs already.", nil
	case slices.Contains(chain, process), len(chain) >= automation.MostSteps, lately >= mostOfRecord:
		return "It was not begun: rules and processes would set each other off.", nil
	}
	n, err := tx.NewID()
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	words := make([]string, 0, len(chain)+1)
	for _, x := range append(chain, process) {
		words = append(words, x.String())
	}
	fresh, err := tx.Exec(`insert into process_run (id, process_id, version, record_id, once, course, chain, state, at) values (?, ?, ?, ?, ?, ?, ?, 'running', ?) on conflict do nothing`,
		int64(n), int64(process), def.Version, int64(rec.ID), once, string(text), strings.Join(words, " "), tx.Now)
	if err != nil || fresh == 0 {
		return "It ran already.", err
	}
	r := &run{ID: n, Process: process, Record: rec.ID, course: c}
	return "Began " + def.Name + ".", p.open(tx, r, 0)
}

// run is a run as it goes on.
type run struct {
	ID, Process, Record id.ID
	State               string
	course              course.Course
	chain               []id.ID
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
		due := tx.Now + int64(s.Hours*float64(time.Hour.Milliseconds()))
		if _, err := tx.Exec(`insert into process_step (id, run_id, record_id, n, place, state, at, due, next_at) values (?, ?, ?, ?, ?, 'open', ?, ?, ?)`, int64(n), int64(r.ID), int64(r.Record), last, i, tx.Now, due, tx.Now); err != nil {
			return err
		}
	}
	return p.arm(tx, woken{}, 0)
}

func (p *Processes) fail(tx *gate.Tx, r *run, said string) error {
	if _, err := tx.Exec(`update process_step set state = 'stopped', ended_at = ? where run_id = ? and state = 'open'`, tx.Now, int64(r.ID)); err != nil {
		return err
	}
	_, err := tx.Exec(`update process_run set state = 'failed', said = ?, ended_at = ? where id = ? and state = 'running'`, said, tx.Now, int64(r.ID))
	return err
}

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
	s, r := &step{ID: n}, &run{}
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
		if still, _, err = p.read(tx, n); err != nil || still == nil {
			return err
		}
		automation.Under(tx, r.chain)
		return (&work{p, tx, r, s}).do()
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
	_, err := tx.Exec(`update process_run set state = 'failed', said = ?, ended_at = ? where id = ? and state = 'running'`, r.course[s.place].Name+": "+said, tx.Now, int64(r.ID))
	return err
}

// work is a step while it is done.
type work struct {
	*Processes
	tx *gate.Tx
	r  *run
	s  *step
}

func (w *work) do() error {
	rec, err := w.Records.Get(w.tx, "", w.r.Record)
	if err != nil {
		return err
	}
	c := w.r.course[w.s.place]
	over := w.tx.Now >= w.s.due
	switch c.Do {
	case course.End:
		return w.finish(Done, "", true)
	case course.Pause:
		if !over {
			return w.wait(w.s.due, "")
		}
		return w.finish(Done, "", true)
	case course.Until:
		return w.until(c.If.Met(rec, rec, nil), over)
	case course.Entry:
		var n int
		err := w.tx.QueryRow(`select count(*) from record where kind = ? and parent_id = ? and parent_id <> 0 and created_at > ? and trashed_at is null`, entry.Kind, int64(rec.ID), w.s.at).Scan(&n)
		return errors.Join(err, w.until(n > 0, over))
	case course.Tasks:
		var n int
		k := w.Records.Kinds.Kind("task")
		err := w.tx.QueryRow(`select count(*) from `+k.Table()+` t join record r on r.id = t.id where t.`+automation.TasksOf(w.Records, rec.Kind)+` = ? and coalesce(t.final, 0) = 0 and r.trashed_at is null`, int64(rec.ID)).Scan(&n)
		return errors.Join(err, w.until(n == 0, over))
	}
	if c.If != nil && !c.If.Met(rec, rec, nil) {
		return w.finish(Skipped, "Its condition does not hold.", false)
	}
	if c.Do == course.Approval {
		return w.approve(rec, over)
	}
	done := &automation.Work{Rule: &automation.Rule{ID: w.r.Process, Name: c.Name, Of: rec.Kind.Name, When: automation.ByHand, Then: []automation.Act{{Do: c.Do, Field: c.Field, Value: c.Value}}},
		Run: &automation.Run{ID: w.s.ID, Record: rec.ID, Happens: automation.ByHand}, About: rec}
	if err := w.Do(w.tx, w.Records, done); err != nil {
		return err
	}
	return w.finish(Done, strings.Join(done.Did, " "), true)
}

// until goes on when what is waited for has happened, or time is up.
func (w *work) until(met, over bool) error {
	switch {
	case met:
		return w.finish(Done, "", true)
	case over:
		return w.finish(Late, "It did not happen in time.", false)
	}
	return w.wait(w.s.due, "")
}

func (w *work) wait(at int64, said string) error {
	_, err := w.tx.Exec(`update process_step set next_at = ?, said = ? where id = ? and state = 'open'`, min(at, w.s.due), said, int64(w.s.ID))
	return err
}

// approve asks for approval, once for what the record says, and waits for it.
func (w *work) approve(rec *record.Record, over bool) error {
	b, err := ballot.Of(w.tx, rec.ID)
	if err != nil {
		return err
	}
	if b == nil || b.At < w.s.at || b.Result.State == ballot.Pending || b.Result.State == ballot.Approved { // what was refused in this step is not asked for again
		if err := ballot.Demand(w.tx, rec); err != nil {
			return err
		}
		b, err = ballot.Of(w.tx, rec.ID)
	}
	switch {
	case err != nil:
		return err
	case b == nil:
		return w.finish(Done, "No plan of approval fits.", true)
	case b.Result.State == ballot.Approved:
		return w.finish(Done, "It is approved.", true)
	case b.Result.State == ballot.Pending && !over:
		return w.wait(w.tx.Now+look.Milliseconds(), "It waits for approval.")
	}
	said := map[bool]string{true: "Nobody decided in time.", false: "It is not approved."}[b.Result.State == ballot.Pending]
	if w.r.course[w.s.place].Else == "" { // what nobody approved does not go on
		if _, err := w.tx.Exec(`update process_step set state = 'late', said = ?, ended_at = ? where id = ?`, said, w.tx.Now, int64(w.s.ID)); err != nil {
			return err
		}
		return w.fail(w.tx, w.r, w.r.course[w.s.place].Name+": "+said)
	}
	return w.finish(Late, said, false)
}

// finish notes that a step is done, and begins the next when nothing beside it is open.
func (w *work) finish(state, said string, well bool) error {
	if _, err := w.tx.Exec(`update process_step set state = ?, said = ?, ended_at = ? where id = ?`, state, said, w.tx.Now, int64(w.s.ID)); err != nil {
		return err
	}
	var open int
	if err := w.tx.QueryRow(`select count(*) from process_step where run_id = ? and state = 'open'`, int64(w.r.ID)).Scan(&open); err != nil || open > 0 {
		return err
	}
	return w.open(w.tx, w.r, w.r.course.Next(w.s.place, well))
}

// State is a run as people see it.
type State struct {
	ID, Process, Record id.ID
	State, Said         string
	Steps               int // that it has
	At, Ended           int64
	Rows                []Row
}

// Row is a step that was begun.
type Row struct {
	Place           int // from 1
	Name, Do, State string
	Said            string
	At, Due, Ended  int64 // Unix milliseconds
}

// Of lists what runs and ran about a record that the caller sees, the latest first.
func Of(tx *gate.Tx, rec id.ID, most int) ([]*State, error) {
	rows, err := tx.Query(`select id, process_id, record_id, state, said, course, at, ended_at from process_run where record_id = ? order by id desc limit ?`, int64(rec), most)
	if err != nil {
		return nil, err
	}
	var out []*State
	var courses []course.Course
	for rows.Next() {
		s := &State{}
		var n, process, about int64
		var text string
		if err := rows.Scan(&n, &process, &about, &s.State, &s.Said, &text, &s.At, &s.Ended); err != nil {
			rows.Close()
			return nil, err
		}
		var c course.Course
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			rows.Close()
			return nil, err
		}
		s.ID, s.Process, s.Record, s.Steps = id.ID(n), id.ID(process), id.ID(about), len(c)
		out, courses = append(out, s), append(courses, c)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i, s := range out {
		if s.Rows, err = rowsOf(tx, s.ID, courses[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func rowsOf(tx *gate.Tx, run id.ID, c course.Course) ([]Row, error) {
	rows, err := tx.Query(`select place, state, said, at, due, ended_at from process_step where run_id = ? order by n`, int64(run))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Row
	for rows.Next() {
		var x Row
		if err := rows.Scan(&x.Place, &x.State, &x.Said, &x.At, &x.Due, &x.Ended); err != nil {
			return nil, err
		}
		x.Name, x.Do = c[x.Place].Name, c[x.Place].Do
		x.Place++
		out = append(out, x)
	}
	return out, rows.Err()
}

// Offered are the processes that somebody may begin by hand about a record.
func Offered(tx *gate.Tx, rec *record.Record) ([]id.ID, error) {
	if rec.Kind.Engine().Kinds.Kind(Kind) == nil {
		return nil, nil
	}
	cond, args := tx.Visible("r")
	return tx.IDs(`select r.id from k_process k join record r on r.id = k.id where k.active = 1 and k.begins = ? and k.of_kind = ? and r.archived = 0 and r.trashed_at is null and `+cond+
		` and not exists (select 1 from process_run p where p.process_id = r.id and p.record_id = ? and p.state = 'running') order by r.name_fold, r.id limit 20`,
		append(append([]any{ByHand, rec.Kind.Name}, args...), int64(rec.ID))...)
}

// ByHandStart begins a process because somebody who may change the record asks for it.
func (p *Processes) ByHandStart(tx *gate.Tx, process id.ID, rec *record.Record) error {
	offered, err := Offered(tx, rec)
	if err != nil {
		return err
	}
	e, err := tx.Allow(access.Edit, gate.Thing{Kind: rec.Kind.Name, ID: rec.ID})
	if err != nil {
		return err
	}
	if !slices.Contains(offered, process) {
		tx.Withdraw(e)
		return nil // it runs already, or is not offered any more
	}
	e.Action = "process.start"
	_, err = p.Start(tx, process, rec, "hand/"+strconv.FormatInt(tx.Now, 10))
	return err
}

// Stop ends a run, and Retry has one go on that failed, because somebody who may change the
// record asks for it. To ask twice changes nothing.
func (p *Processes) Stop(tx *gate.Tx, n id.ID, rec *record.Record) error {
	return p.alter(tx, n, rec, "process.stop", Running, func() error {
		if _, err := tx.Exec(`update process_step set state = 'stopped', ended_at = ? where run_id = ? and state = 'open'`, tx.Now, int64(n)); err != nil {
			return err
		}
		_, err := tx.Exec(`update process_run set state = 'stopped', said = 'Somebody stopped it.', ended_at = ? where id = ?`, tx.Now, int64(n))
		return err
	})
}

// Retry has the step tried again that failed; see Stop.
func (p *Processes) Retry(tx *gate.Tx, n id.ID, rec *record.Record) error {
	return p.alter(tx, n, rec, "process.retry", Failed, func() error {
		open, err := tx.Exec(`update process_step set state = 'open', attempts = 0, next_at = ?, ended_at = 0 where run_id = ? and state in ('failed', 'stopped')`, tx.Now, int64(n))
		if err != nil {
			return err
		}
		if open == 0 {
			return fault.New(fault.Conflict, "Nothing of it can be tried again.").WithHint("Begin the process anew.")
		}
		if _, err := tx.Exec(`update process_run set state = 'running', said = '', ended_at = 0 where id = ?`, int64(n)); err != nil {
			return err
		}
		return p.arm(tx, woken{}, 0)
	})
}

func (p *Processes) alter(tx *gate.Tx, n id.ID, rec *record.Record, action, from string, fn func() error) error {
	var state string
	err := tx.QueryRow(`select state from process_run where id = ? and record_id = ?`, int64(n), int64(rec.ID)).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) {
		return gate.Missing()
	}
	if err != nil {
		return err
	}
	e, err := tx.Allow(access.Edit, gate.Thing{Kind: rec.Kind.Name, ID: rec.ID})
	if err != nil {
		return err
	}
	if state != from {
		tx.Withdraw(e)
		return nil
	}
	e.Action = action
	return fn()
}

// Try is the course that a process would take about a record as it is now: what waits is
// taken for done. Nothing is done.
func Try(c course.Course, rec *record.Record) (out []Row) {
	done := map[int]int{}
	for i := 0; i >= 0 && i < len(c) && len(out) < mostRows; {
		group := c.Group(i)
		well := true
		for _, n := range group {
			x := Row{Place: n + 1, Name: c[n].Name, Do: c[n].Do, State: Done}
			if done[n]++; c[n].Most > 0 && done[n] > c[n].Most {
				x.State, x.Said = Failed, "It would end here: this is the most."
				return append(out, x)
			}
			if c[n].If != nil && c[n].Do != course.Until && !c[n].If.Met(rec, rec, nil) {
				x.State, well = Skipped, false
			}
			out = append(out, x)
		}
		i = c.Next(group[len(group)-1], well)
	}
	return out
}

func fmtHours(h float64) string { return strconv.FormatFloat(h, 'f', 2, 64) }
