package featurestest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation"
	"strongroom/internal/feature/automation/deed"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/process"
	"strongroom/internal/feature/process/course"
	"strongroom/internal/feature/sla"
)

// going is a bench with processes.
type going struct {
	*ruled
	processes *process.Processes
}

func openGoing(t *testing.T) *going {
	t.Helper()
	g := &going{&ruled{}, &process.Processes{}}
	deeds := &deed.Deeds{Start: g.processes.Start}
	g.rules, g.processes.Do = &automation.Rules{Do: deeds.Do}, deeds.Do
	h := &house{coretest.Open(t, coretest.Options{Features: g.processes.Over(g.rules.Over(append(features(), automation.Feature(), process.Feature())))}), t}
	g.rules.Gate, g.rules.Records, g.processes.Gate, g.processes.Records = h.Gate, h.Records, h.Gate, h.Records
	h.Change(h.Records.Seed)
	g.bench = &bench{house: h}
	g.org = h.Org("Harbour Dental")
	g.customer = h.Make("contact", g.org, record.Values{"first_name": "Rosa", "last_name": "Lind"})
	g.agent, g.manager = h.User(access.Editor), h.User(access.Manager)
	g.team = h.one("team", "Infrastructure")
	return g
}

// process makes a process that is on, as the manager. A step is its name, what it does, and
// other columns by their names.
func (g *going) process(v record.Values, steps ...map[string]any) (made id.ID, err error) {
	w := record.Values{"name": fmt.Sprintf("Process %d", g.count("record", "kind = 'process'")), "of_kind": "incident", "active": true, "begins": process.ByHand, "steps": steps}
	for k, x := range v {
		w[k] = x
	}
	err = g.Gate.Change(g.t.Context(), g.manager, access.Create, gate.Thing{Kind: process.Kind}, func(tx *gate.Tx) error {
		r, err := g.Records.Create(tx, process.Kind, w)
		if err == nil {
			made = r.ID
		}
		return err
	})
	return made, err
}

func (g *going) must(v record.Values, steps ...map[string]any) id.ID {
	g.t.Helper()
	n, err := g.process(v, steps...)
	if err != nil {
		g.t.Fatal(err, fault.Say(err).Fields)
	}
	return n
}

func (g *going) start(p id.ID, rec *record.Record) {
	g.t.Helper()
	err := g.Gate.Change(g.t.Context(), g.agent, access.View, gate.Thing{ID: rec.ID}, func(tx *gate.Tx) error { return g.processes.ByHandStart(tx, p, rec) })
	if err != nil {
		g.t.Fatal(err)
	}
	g.run(rec.ID)
}

// run does what is due, as when the record has just changed.
func (g *going) run(rec id.ID) {
	g.t.Helper()
	if err := g.processes.Wake(g.t.Context(), coretest.Name, rec); err != nil {
		g.t.Fatal(err)
	}
	if err := g.processes.Run(g.t.Context(), coretest.Name); err != nil {
		g.t.Fatal(err)
	}
}

// went is the last run about a record: its state, and each step with its own.
func (g *going) went(rec id.ID) (state string, steps []string, n id.ID) {
	g.View(g.Admin(), func(tx *gate.Tx) error {
		list, err := process.Of(tx, rec, 1)
		if err != nil || len(list) == 0 {
			return err
		}
		state, n = list[0].State, list[0].ID
		for _, r := range list[0].Rows {
			steps = append(steps, r.Name+" "+r.State)
		}
		return nil
	})
	return state, steps, n
}

func (g *going) want(rec id.ID, state string, steps ...string) {
	g.t.Helper()
	if s, got, _ := g.went(rec); s != state || !slices.Equal(got, steps) {
		g.t.Errorf("it is %s: %q, want %s: %q", s, got, state, steps)
	}
}

type st = map[string]any

// TestProcesses: steps are done once each and in their order, wait, branch, go beside each
// other, and end.
func TestProcesses(t *testing.T) {
	g := openGoing(t)
	note := func(name string, more st) st {
		out := st{"step": name, "do": automation.Notes, "value": "Note of " + name}
		for k, x := range more {
			out[k] = x
		}
		return out
	}
	notes := func(rec id.ID) (n int) {
		return g.count("record", "kind = ? and parent_id = ?", entry.Kind, int64(rec))
	}
	t.Run("one below the other, with waits and branches", func(t *testing.T) {
		p := g.must(nil,
			note("first", nil),
			st{"step": "raise", "do": automation.Sets, "field": "urgency", "value": "High", "if_field": "impact", "if_op": "is", "if_value": "High"},
			st{"step": "reply", "do": course.Entry, "hours": 2.0, "otherwise": "late"},
			note("thanks", st{"then": "end"}), note("late", nil), st{"step": "end", "do": course.End})
		r := g.mustMake("incident", record.Values{"name": "Waits"})
		g.start(p, r)
		g.start(p, r) // which runs already
		g.want(r.ID, process.Running, "first done", "raise skipped", "reply open")
		g.Clock.Advance(time.Minute)
		g.Make(entry.Kind, 0, record.Values{"incident_id": r.ID, "journal_type": entry.Note, "notes_body": "<p>Hello</p>"})
		g.run(r.ID)
		g.want(r.ID, process.Done, "first done", "raise skipped", "reply done", "thanks done", "end done")
		if n := notes(r.ID); n != 3 {
			t.Errorf("there are %d entries", n)
		}
		if n := g.count("audit_entry", "via = 'rule' and actor = ? and behalf = ?", int64(p), int64(g.manager.User)); n != 2 {
			t.Errorf("%d entries of the log name the process and whose rights it has", n)
		}
		r = g.mustMake("incident", record.Values{"name": "Nobody replies", "impact": "High"})
		g.start(p, r)
		g.Clock.Advance(2 * time.Hour)
		g.run(r.ID)
		g.want(r.ID, process.Done, "first done", "raise done", "reply late", "late done", "end done")
	})
	t.Run("beside each other, and together again", func(t *testing.T) {
		p := g.must(nil, st{"step": "state", "do": course.Until, "if_field": "urgency", "if_op": "is", "if_value": "High", "hours": 5.0, "together": "x"},
			st{"step": "rest", "do": course.Pause, "hours": 1.0, "together": "x"}, note("after", nil))
		r := g.mustMake("incident", record.Values{"name": "Beside"})
		g.start(p, r)
		g.want(r.ID, process.Running, "state open", "rest open")
		if err := g.as(g.agent, r.ID, record.Values{"urgency": "High"}); err != nil {
			t.Fatal(err)
		}
		g.run(r.ID)
		g.want(r.ID, process.Running, "state done", "rest open")
		g.Clock.Advance(time.Hour)
		g.run(r.ID)
		g.want(r.ID, process.Done, "state done", "rest done", "after done")
	})
	t.Run("tasks", func(t *testing.T) {
		p := g.must(nil, st{"step": "task", "do": automation.MakesTask, "value": "Look at it"}, st{"step": "tasks", "do": course.Tasks, "hours": 100.0}, note("after", nil))
		r := g.mustMake("incident", record.Values{"name": "Tasks"})
		g.start(p, r)
		g.want(r.ID, process.Running, "task done", "tasks open")
		var task id.ID
		g.View(g.Admin(), func(tx *gate.Tx) error {
			found, err := tx.IDs(`select id from k_task where incident_id = ?`, int64(r.ID))
			task = found[0]
			return err
		})
		g.mustUpdate("task", task, record.Values{"status": "Canceled"})
		g.run(r.ID)
		g.want(r.ID, process.Done, "task done", "tasks done", "after done")
	})
	t.Run("a run goes on under the steps that it began with", func(t *testing.T) {
		p := g.must(nil, st{"step": "rest", "do": course.Pause, "hours": 1.0}, note("old", nil))
		r := g.mustMake("incident", record.Values{"name": "Versions"})
		g.start(p, r)
		err := g.Gate.Change(t.Context(), g.manager, access.Edit, gate.Thing{ID: p}, func(tx *gate.Tx) error {
			_, err := g.Records.Update(tx, process.Kind, p, 0, record.Values{"steps": []map[string]any{note("new", nil)}, "active": false})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		g.Clock.Advance(time.Hour)
		g.run(r.ID)
		g.want(r.ID, process.Done, "rest done", "old done")
	})
	t.Run("what fails can be tried again, and what runs be stopped, by who may change the ticket", func(t *testing.T) {
		p := g.must(nil, note("first", nil), st{"step": "move", "do": automation.Moves, "value": "Resolved"}, note("after", nil))
		r := g.mustMake("incident", record.Values{"name": "Refused"})
		g.start(p, r)
		g.want(r.ID, process.Failed, "first done", "move failed")
		_, _, run := g.went(r.ID)
		reader := g.User(access.ReadOnly)
		alter := func(c *access.Caller, fn func(tx *gate.Tx, n id.ID, rec *record.Record) error) error {
			return g.Gate.Change(t.Context(), c, access.View, gate.Thing{ID: r.ID}, func(tx *gate.Tx) error { return fn(tx, run, r) })
		}
		if err := alter(reader, g.processes.Retry); !fault.Is(err, fault.Denied) {
			t.Errorf("a reader: %v", err)
		}
		for range 2 {
			if err := alter(g.agent, g.processes.Retry); err != nil {
				t.Fatal(err)
			}
		}
		g.run(r.ID)
		g.want(r.ID, process.Failed, "first done", "move failed")
		p = g.must(nil, st{"step": "rest", "do": course.Pause, "hours": 1.0}, note("after", nil))
		g.start(p, r)
		_, _, run = g.went(r.ID)
		for range 2 {
			if err := alter(g.agent, g.processes.Stop); err != nil {
				t.Fatal(err)
			}
		}
		g.Clock.Advance(2 * time.Hour)
		g.run(r.ID)
		g.want(r.ID, process.Stopped, "rest stopped")
	})
	t.Run("a server that stops in the middle of a step does it once", func(t *testing.T) {
		p := g.must(nil, note("a", nil), note("b", nil), note("c", nil))
		r := g.mustMake("incident", record.Values{"name": "Killed"})
		do, times := g.processes.Do, 0
		ctx, stop := context.WithCancel(t.Context())
		g.processes.Do = func(tx *gate.Tx, e *record.Engine, w *automation.Work) error {
			err := do(tx, e, w)
			if times++; times == 2 { // all is written, and nothing is durable
				stop()
				return ctx.Err()
			}
			return err
		}
		err := g.Gate.Change(t.Context(), g.agent, access.View, gate.Thing{ID: r.ID}, func(tx *gate.Tx) error { return g.processes.ByHandStart(tx, p, r) })
		if err != nil {
			t.Fatal(err)
		}
		if err := g.processes.Run(ctx, coretest.Name); err == nil {
			t.Error("it went on")
		}
		g.processes.Do = do
		if n := notes(r.ID); n != 1 {
			t.Errorf("%d notes while it stands still", n)
		}
		g.run(r.ID)
		g.want(r.ID, process.Done, "a done", "b done", "c done")
		if n := notes(r.ID); n != 3 {
			t.Errorf("%d notes of three", n)
		}
	})
	t.Run("it ends: circles are counted, and processes and rules do not set each other off", func(t *testing.T) {
		if _, err := g.process(nil, note("a", nil), note("b", st{"then": "a"})); !fault.Is(err, fault.Invalid) || !strings.Contains(fmt.Sprint(fault.Say(err).Fields), "turns in a circle") {
			t.Errorf("a circle: %v", err)
		}
		p := g.must(nil, note("a", nil), note("b", st{"most": int64(3), "then": "a"}))
		r := g.mustMake("incident", record.Values{"name": "Round"})
		g.start(p, r)
		if state, steps, _ := g.went(r.ID); state != process.Failed || len(steps) != 7 {
			t.Errorf("it is %s: %q", state, steps)
		}
		opens := g.must(record.Values{"name": "Opener", "begins": process.AtOnce}, st{"step": "open", "do": automation.Opens, "field": "incident", "value": "Another"})
		g.mustRule(g.manager, automation.Created, nil, [3]string{automation.Starts, "", "Opener"})
		before := g.count("k_incident", "1 = 1")
		first := g.mustMake("incident", record.Values{"name": "Sets off"})
		for range 10 {
			g.drain()
			g.run(first.ID)
		}
		if n := g.count("k_incident", "1 = 1") - before; n < 2 || n > 10 {
			t.Errorf("%d tickets were opened", n)
		}
		g.mustUpdate(process.Kind, opens, record.Values{"active": false})
	})
	t.Run("it does what who saved it may, and nothing else", func(t *testing.T) {
		p := g.must(nil, note("a", nil))
		r := g.mustMake("incident", record.Values{"name": "Rights"})
		g.Change(func(tx *gate.Tx) error { return access.SetPrincipal(tx.SQL(), g.manager.User, access.ReadOnly, true) })
		g.start(p, r)
		g.want(r.ID, process.Failed, "a failed")
		g.Change(func(tx *gate.Tx) error { return access.SetPrincipal(tx.SQL(), g.manager.User, access.Manager, true) })
	})
	t.Run("an order is fulfilled", func(t *testing.T) {
		offering := g.Make("offering", g.org, record.Values{"name": "Laptop"})
		g.must(record.Values{"of_kind": "service_request", "begins": process.Ordered, "offering_id": offering}, st{"step": "task", "do": automation.MakesTask, "value": "Buy it"})
		v := record.Values{"name": "A laptop", "offering_id": offering, "contact_id": g.customer}
		r := g.mustMake("service_request", v)
		g.run(r.ID)
		g.want(r.ID, process.Done, "task done")
		other := g.mustMake("service_request", record.Values{"name": "Something else", "contact_id": g.customer})
		g.run(other.ID)
		g.want(other.ID, "")
	})
	t.Run("approval", func(t *testing.T) {
		chief := g.User(access.Administrator)
		g.Make(ballot.PlanKind, 0, record.Values{"name": "Orders", "of_kind": "service_request", "phases": []map[string]any{{"name": "Management", "who": ballot.Admins, "rule": string(ballot.Any)}}})
		laptop := g.Make("offering", g.org, record.Values{"name": "Laptop that is asked for", "approval": true})
		of, end := record.Values{"of_kind": "service_request"}, st{"step": "end", "do": course.End}
		strict := g.must(of, note("before", nil), st{"step": "board", "do": course.Approval, "hours": 24.0}, note("go", nil), end)
		other := g.must(of, note("before", nil), st{"step": "board", "do": course.Approval, "hours": 24.0, "otherwise": "no"}, note("go", st{"then": "end"}), note("no", nil), end)
		votes := func(r *record.Record, yes bool) {
			t.Helper()
			err := g.Gate.Change(t.Context(), chief, access.Comment, gate.Thing{Kind: r.Kind.Name, ID: r.ID}, func(tx *gate.Tx) error {
				b, err := ballot.Of(tx, r.ID)
				if err != nil {
					return err
				}
				now, err := g.Records.Get(tx, r.Kind.Name, r.ID)
				if err == nil {
					_, err = ballot.Cast(tx, now, b.ID, yes, "Because.")
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			name    string
			process id.ID
			decide  func(*record.Record)
			state   string
			steps   []string
		}{
			{"yes", strict, func(r *record.Record) { votes(r, true) }, process.Done, []string{"before done", "board done", "go done", "end done"}},
			{"no, and that is the end", strict, func(r *record.Record) { votes(r, false) }, process.Failed, []string{"before done", "board late"}},
			{"no, and it goes on elsewhere", other, func(r *record.Record) { votes(r, false) }, process.Done, []string{"before done", "board late", "no done", "end done"}},
			{"nobody decides", other, func(*record.Record) { g.Clock.Advance(25 * time.Hour) }, process.Done, []string{"before done", "board late", "no done", "end done"}},
		} {
			r := g.mustMake("service_request", record.Values{"name": "Order: " + c.name, "contact_id": g.customer, "offering_id": laptop})
			g.start(c.process, r)
			g.run(r.ID)
			g.want(r.ID, process.Running, "before done", "board open")
			if n := g.count("ballot", "record_id = ?", int64(r.ID)); n != 1 {
				t.Errorf("%s: %d are asked", c.name, n)
			}
			c.decide(r)
			g.run(r.ID)
			g.want(r.ID, c.state, c.steps...)
		}
		t.Run("no plan fits: it stands still, says so, and is skipped by who may write processes", func(t *testing.T) {
			r := g.mustMake("service_request", record.Values{"name": "No plan", "contact_id": g.customer})
			g.start(strict, r)
			g.want(r.ID, process.Failed, "before done", "board failed")
			if n := g.count("notification", "record_id = ? and user_id = ? and topic = ?", int64(r.ID), int64(g.manager.User), process.Topic); n != 1 {
				t.Errorf("who saved it is told %d times", n)
			}
			_, _, run := g.went(r.ID)
			skip := func(c *access.Caller, reason string) error {
				return g.Gate.Change(t.Context(), c, access.View, gate.Thing{ID: r.ID}, func(tx *gate.Tx) error { return g.processes.Skip(tx, run, r, reason) })
			}
			if err := skip(g.manager, " "); !fault.Is(err, fault.Invalid) {
				t.Errorf("without a reason: %v", err)
			}
			if err := skip(g.agent, "Because."); !fault.Is(err, fault.Denied) {
				t.Errorf("who may not write processes: %v", err)
			}
			g.want(r.ID, process.Failed, "before done", "board failed")
			for range 2 {
				if err := skip(g.manager, "The director said yes."); err != nil {
					t.Fatal(err)
				}
			}
			g.run(r.ID)
			g.want(r.ID, process.Done, "before done", "board skipped", "go done", "end done")
		})
	})
	t.Run("one of two beside each other fails: what follows waits until it is skipped", func(t *testing.T) {
		p := g.must(nil, st{"step": "move", "do": automation.Moves, "value": "Resolved", "together": "x"}, st{"step": "rest", "do": course.Pause, "hours": 1.0, "together": "x"}, note("after", nil))
		r := g.mustMake("incident", record.Values{"name": "One of two"})
		g.start(p, r)
		g.Clock.Advance(time.Hour)
		g.run(r.ID)
		g.want(r.ID, process.Failed, "move failed", "rest done")
		_, _, run := g.went(r.ID)
		if err := g.Gate.Change(t.Context(), g.agent, access.View, gate.Thing{ID: r.ID}, func(tx *gate.Tx) error { return g.processes.Skip(tx, run, r, "It is not over.") }); err != nil {
			t.Fatal(err)
		}
		g.run(r.ID)
		g.want(r.ID, process.Done, "move skipped", "rest done", "after done")
	})
	t.Run("working hours and working days", func(t *testing.T) {
		office := g.Make(sla.Calendar, 0, record.Values{"name": "Office of processes", "zone": "Europe/Berlin", "monday": "09:00-17:00", "tuesday": "09:00-17:00"})
		if _, err := g.process(nil, st{"step": "a", "do": course.Pause, "hours": 1.5, "counted": course.Workdays}); !fault.Is(err, fault.Invalid) {
			t.Errorf("half a working day: %v", err)
		}
		if _, err := g.process(nil, st{"step": "a", "do": course.Pause, "hours": 1.0, "counted": course.Workdays, "value": "soon"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("no time of the day: %v", err)
		}
		p := g.must(record.Values{"calendar_id": office}, st{"step": "hours", "do": course.Pause, "hours": 4.0, "counted": course.Working, "together": "x"},
			st{"step": "day", "do": course.Pause, "hours": 1.0, "counted": course.Workdays, "value": "9:30", "together": "x"})
		zone, err := time.LoadLocation("Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		from := g.Clock.Now().In(zone)
		tuesday := time.Date(from.Year(), from.Month(), from.Day()+int(time.Tuesday-from.Weekday()+7), 15, 0, 0, 0, zone)
		g.Clock.Advance(tuesday.Sub(from))
		r := g.mustMake("incident", record.Values{"name": "In the office"})
		g.start(p, r)
		monday := tuesday.AddDate(0, 0, 6)
		for _, c := range []struct {
			hour, minute int
			want         []string
		}{{9, 29, []string{"hours open", "day open"}}, {9, 31, []string{"hours open", "day done"}}, {10, 59, []string{"hours open", "day done"}}, {11, 1, []string{"hours done", "day done"}}} {
			g.Clock.Advance(time.Date(monday.Year(), monday.Month(), monday.Day(), c.hour, c.minute, 0, 0, zone).Sub(g.Clock.Now()))
			g.run(r.ID)
			state := process.Running
			if c.hour == 11 {
				state = process.Done
			}
			g.want(r.ID, state, c.want...)
		}
	})
}
