package featurestest_test

import (
	"fmt"
	"math/rand/v2"
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
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/sla/teller"
)

// ruled is a bench with rules.
type ruled struct {
	*bench
	rules   *automation.Rules
	manager *access.Caller
	team    id.ID
}

func openRuled(t *testing.T) *ruled {
	t.Helper()
	r := &ruled{rules: &automation.Rules{Do: deed.Do}}
	h := &house{coretest.Open(t, coretest.Options{Features: r.rules.Over(append(features(), automation.Feature()))}), t}
	r.rules.Gate, r.rules.Records = h.Gate, h.Records
	h.Change(h.Records.Seed)
	r.bench = &bench{house: h}
	r.org = h.Org("Harbour Dental")
	r.customer = h.Make("contact", r.org, record.Values{"first_name": "Rosa", "last_name": "Lind"})
	r.agent, r.manager = h.User(access.Editor), h.User(access.Manager)
	r.team = h.one("team", "Infrastructure")
	return r
}

// rule makes a rule that is on, as somebody.
func (r *ruled) rule(c *access.Caller, v record.Values) (id.ID, error) {
	var made id.ID
	w := record.Values{"name": fmt.Sprintf("Rule %d", r.count("record", "kind = 'automation_rule'")), "of_kind": "incident", "active": true}
	for k, x := range v {
		w[k] = x
	}
	err := r.Gate.Change(r.t.Context(), c, access.Create, gate.Thing{Kind: automation.Kind}, func(tx *gate.Tx) error {
		rec, err := r.Records.Create(tx, automation.Kind, w)
		if err == nil {
			made = rec.ID
		}
		return err
	})
	return made, err
}

func (r *ruled) mustRule(c *access.Caller, when string, terms [][3]string, acts ...[3]string) id.ID {
	r.t.Helper()
	n, err := r.rule(c, record.Values{"happens": when, "conditions": termRows(terms), "actions": actRows(acts)})
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

func termRows(list [][3]string) (out []map[string]any) {
	for _, x := range list {
		out = append(out, map[string]any{"field": x[0], "op": x[1], "value": x[2]})
	}
	return out
}

func actRows(list [][3]string) (out []map[string]any) {
	for _, x := range list {
		out = append(out, map[string]any{"do": x[0], "field": x[1], "value": x[2]})
	}
	return out
}

func (r *ruled) count(table, where string, args ...any) (n int) {
	r.t.Helper()
	r.View(r.Admin(), func(tx *gate.Tx) error {
		return tx.QueryRow(`select count(*) from `+table+` where `+where, args...).Scan(&n)
	})
	return n
}

func (r *ruled) drain() {
	r.t.Helper()
	if err := r.rules.Drain(r.t.Context(), coretest.Name); err != nil {
		r.t.Fatal(err)
	}
}

// as changes a ticket as somebody.
func (r *ruled) as(c *access.Caller, rec id.ID, v record.Values) error {
	return r.Gate.Change(r.t.Context(), c, access.Edit, gate.Thing{ID: rec}, func(tx *gate.Tx) error {
		_, err := r.Records.Update(tx, "incident", rec, 0, v)
		return err
	})
}

// log is what rules did about a record, the latest first.
func (r *ruled) log(rec id.ID) (out []string) {
	r.View(r.Admin(), func(tx *gate.Tx) error {
		list, err := automation.OfRecord(tx, rec, 50)
		for _, x := range list {
			out = append(out, x.State+": "+x.Did+" Because: "+x.Why)
		}
		return err
	})
	return out
}

// off turns a rule off.
func (r *ruled) off(rule id.ID) {
	r.t.Helper()
	r.mustUpdate(automation.Kind, rule, record.Values{"active": false})
}

func has(list []string, part string) bool { return strings.Contains(strings.Join(list, "\n"), part) }

// TestRules: rules fill in before the kind decides, do the rest afterwards and once, say
// why, and get nobody what she may not have.
func TestRules(t *testing.T) {
	r := openRuled(t)
	t.Run("fills before what is saved is decided on", func(t *testing.T) {
		rule := r.mustRule(r.manager, automation.Created, [][3]string{{"name", "contains", "switch"}, {"priority", "is", "3"}}, [3]string{automation.Sets, "team_id", "infrastructure"})
		rec := r.mustMake("incident", record.Values{"name": "The switch is dead"})
		if rec.Values.ID("team_id") != r.team {
			t.Errorf("the team is %v", rec.Values["team_id"])
		}
		if got := r.log(rec.ID); !has(got, "done: Set Team. Because: it is created, Subject contains “switch”, Priority is “3”.") {
			t.Errorf("%q", got)
		}
		if other := r.mustMake("incident", record.Values{"name": "No mail"}); other.Values.ID("team_id") != 0 {
			t.Error("a rule whose condition does not hold ran")
		}
		if n := r.count("audit_entry", "action = 'automate' and actor = ? and behalf = ? and via = 'rule'", int64(rule), int64(r.manager.User)); n != 1 {
			t.Errorf("%d entries of the log say that the rule did it", n)
		}
		r.off(rule)
	})
	t.Run("what cannot be run is refused", func(t *testing.T) {
		for field, v := range map[string]record.Values{
			"of_kind":    {"of_kind": "user", "happens": automation.Created},
			"field":      {"happens": automation.FieldHas, "field": "nothing"},
			"hours":      {"happens": automation.Elapsed, "hours": -1},
			"conditions": {"happens": automation.Created, "conditions": termRows([][3]string{{"secret", "is", "x"}})},
			"actions":    {"happens": automation.Created, "actions": actRows([][3]string{{automation.Sets, "final", "yes"}})},
		} {
			v["active"] = false
			_, err := r.rule(r.manager, v)
			invalid(t, err, field)
		}
		for _, a := range [][3]string{{automation.Sets, "status", "Closed"}, {automation.Sets, "contact_id", "Rosa Lind"}, {automation.Sets, "team_id", "Nobody"}, {automation.Sets, "urgency", "Very"},
			{automation.Moves, "", "Gone"}, {automation.Tells, "nobody", "x"}, {automation.Tells, "owner", ""}, {automation.Asks, "", ""}, {automation.Opens, "password", "x"}} {
			_, err := r.rule(r.manager, record.Values{"happens": automation.Created, "actions": actRows([][3]string{a})})
			invalid(t, err, "actions")
		}
		if _, err := r.rule(r.agent, record.Values{"happens": automation.Created}); !fault.Is(err, fault.Denied) {
			t.Errorf("who may not configure made a rule: %v", err)
		}
	})
	t.Run("does the rest once, as itself", func(t *testing.T) {
		rule := r.mustRule(r.manager, automation.Changed, [][3]string{{"urgency", "is", "High"}, {"urgency", "was not", "High"}, {"origin", "is", "a person"}},
			[3]string{automation.Notes, "", "{number}: urgency is {urgency}, for {contact_id}."}, [3]string{automation.MakesTask, "", "Call about {name}"}, [3]string{automation.Watches, r.agent.User.String(), ""}, [3]string{automation.Sets, "urgency", "High"})
		rec := r.mustMake("incident", nil)
		if err := r.as(r.agent, rec.ID, record.Values{"urgency": "High"}); err != nil {
			t.Fatal(err)
		}
		for range 2 { // it bears repetition
			r.drain()
		}
		n, _ := rec.Values["number"].(int64)
		if got := r.count("k_journal", "incident_id = ? and notes_body like ?", int64(rec.ID), fmt.Sprintf("%%INC-%d: urgency is High, for Rosa Lind.%%", n)); got != 1 {
			t.Errorf("%d notes: %q", got, r.log(rec.ID))
		}
		if got := r.count("k_task", "incident_id = ?", int64(rec.ID)); got != 1 {
			t.Errorf("%d tasks", got)
		}
		if got := r.count("audit_entry", "action = 'create' and kind = 'task' and actor = ? and behalf = ?", int64(rule), int64(r.manager.User)); got != 1 {
			t.Errorf("%d entries of the log name the rule", got)
		}
		if now := r.get("incident", rec.ID); now.Values["owner_id"] != nil {
			t.Error("who made the rule owns what it touched")
		}
		r.off(rule)
	})
	t.Run("a move that is refused changes nothing and says why", func(t *testing.T) {
		rule := r.mustRule(r.manager, automation.Created, nil, [3]string{automation.Notes, "", "Moving."}, [3]string{automation.Moves, "", "Closed"})
		rec := r.mustMake("incident", nil)
		r.drain()
		if got := r.log(rec.ID); !has(got, "failed: ") || !has(got, "needed while this is Closed") || r.count("k_journal", "incident_id = ?", int64(rec.ID)) != 0 {
			t.Errorf("%q", got)
		}
		r.off(rule)
	})
	t.Run("what a rule fills in keeps nobody from saving", func(t *testing.T) {
		rule := r.mustRule(r.manager, automation.Created, nil, [3]string{automation.Sets, "first_call", "yes"}) // which the state does not open
		rec, err := r.made("incident", nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.log(rec.ID); !has(got, "failed: Could not set Resolved at first contact") || rec.Values.Bool("first_call") {
			t.Errorf("%q", got)
		}
		r.off(rule)
	})
	t.Run("what is over is left alone", func(t *testing.T) {
		rule := r.mustRule(r.manager, automation.Created, nil, [3]string{automation.Notes, "", "Old."})
		also, err := r.rule(r.manager, record.Values{"happens": automation.Created, "also_over": true, "actions": actRows([][3]string{{automation.Notes, "", "Old too."}})})
		if err != nil {
			t.Fatal(err)
		}
		rec := r.Make("incident", r.org, record.Values{"name": "Long ago", "contact_id": r.customer, "number": 9001, "status": "Closed"}) // from another house
		r.drain()
		if got := r.log(rec); len(got) != 1 || r.count("k_journal", "incident_id = ?", int64(rec)) != 1 {
			t.Errorf("%q", got)
		}
		r.off(rule)
		r.off(also)
	})
	t.Run("an entry, a deadline and the time set rules off", func(t *testing.T) {
		wrote := r.mustRule(r.manager, automation.Written, [][3]string{{"entry_type", "is", entry.Reply}}, [3]string{automation.Sets, "urgency", "Low"})
		rec := r.mustMake("incident", nil)
		for _, typ := range []string{entry.Note, entry.Reply} {
			if err := r.Gate.Change(t.Context(), r.agent, access.Create, gate.Thing{Kind: entry.Kind, Org: r.org}, func(tx *gate.Tx) error {
				_, err := r.Records.Create(tx, entry.Kind, record.Values{"incident_id": rec.ID, "journal_type": typ, "notes_body": "<p>Hello</p>"})
				return err
			}); err != nil {
				t.Fatal(err)
			}
			r.drain()
			if got := r.get("incident", rec.ID).Values.Text("urgency"); (got == "Low") != (typ == entry.Reply) {
				t.Errorf("after a %s it is %s", typ, got)
			}
		}
		r.off(wrote)
		r.promises()
		late := r.mustRule(r.manager, automation.Breached, nil, [3]string{automation.Sets, "urgency", "High"})
		passed, err := r.rule(r.manager, record.Values{"happens": automation.Elapsed, "hours": 30, "since": automation.SinceChanged, "actions": actRows([][3]string{{automation.Sets, "impact", "Low"}})})
		if err != nil {
			t.Fatal(err)
		}
		sweep := func() {
			t.Helper()
			if err := r.rules.Sweep(t.Context(), coretest.Name); err != nil {
				t.Fatal(err)
			}
		}
		sweep()
		r.Clock.Advance(time.Minute)
		rec = r.mustMake("incident", nil)
		r.Clock.Advance(2 * time.Hour)
		for range 2 {
			if err := (&teller.Teller{Gate: r.Gate, Records: r.Records, Passed: r.rules.Clock}).Run(t.Context(), coretest.Name); err != nil {
				t.Fatal(err)
			}
			r.drain()
		}
		if got := r.get("incident", rec.ID); got.Values.Text("urgency") != "High" || got.Version != 2 {
			t.Errorf("after the deadline: %v, %q", got.Values, r.log(rec.ID))
		}
		r.off(late)
		for range 2 {
			r.Clock.Advance(31 * time.Hour)
			sweep()
		}
		if got := r.get("incident", rec.ID); got.Values.Text("impact") != "Low" || got.Version != 3 {
			t.Errorf("after the time: version %d, %q", got.Version, r.log(rec.ID))
		}
		r.off(passed)
	})
	t.Run("by hand, for who may change the ticket", func(t *testing.T) {
		rule := r.mustRule(r.manager, automation.ByHand, [][3]string{{"name", "is", "No mail"}}, [3]string{automation.Sets, "urgency", "Low"})
		rec := r.mustMake("incident", nil)
		reader := r.User(access.ReadOnly)
		ask := func(c *access.Caller) error {
			return r.Gate.Change(t.Context(), c, access.View, gate.Thing{ID: rec.ID}, func(tx *gate.Tx) error {
				now, err := r.Records.Get(tx, "incident", rec.ID)
				if err == nil {
					err = r.rules.Ask(tx, rule, now)
				}
				return err
			})
		}
		if err := ask(reader); !fault.Is(err, fault.Denied) {
			t.Errorf("who may only read: %v", err)
		}
		for range 2 { // a double click
			if err := ask(r.agent); err != nil {
				t.Fatal(err)
			}
		}
		r.drain()
		if got := r.log(rec.ID); len(got) != 1 || r.get("incident", rec.ID).Values.Text("urgency") != "Low" {
			t.Errorf("%q", got)
		}
		r.off(rule)
	})
	t.Run("a rule gets nobody more than she has", func(t *testing.T) {
		other := r.Org("Quarry Lane")
		outsider := r.User(access.Manager, other) // sees that organization alone
		rule := r.mustRule(outsider, automation.Created, nil, [3]string{automation.Sets, "urgency", "Low"}, [3]string{automation.Notes, "", "Seen."})
		rec := r.mustMake("incident", nil)
		r.drain()
		if got := r.get("incident", rec.ID); got.Values.Text("urgency") == "Low" || len(r.log(rec.ID)) != 0 {
			t.Errorf("a rule reached what its maker does not see: %q", r.log(rec.ID))
		}
		r.off(rule) // by an administrator who is no user: it is nobody's now
		if got := r.get(automation.Kind, rule); got.Values["acts_as_id"] != nil {
			t.Errorf("it acts as %v", got.Values["acts_as_id"])
		}
		key := *outsider
		key.Key, key.Via, key.Scope = 4711, "api key", access.Scope{}
		r.Change(func(tx *gate.Tx) error { return access.SetKey(tx.SQL(), 4711, 0) })
		_, err := r.rule(&key, record.Values{"happens": automation.Created, "actions": actRows([][3]string{{automation.Notes, "", "x"}})})
		invalid(t, err, "active")

		mine := r.mustRule(r.manager, automation.Created, nil, [3]string{automation.Sets, "urgency", "Low"})
		waits := r.mustRule(r.manager, automation.Created, nil, [3]string{automation.Notes, "", "Later."})
		rec = r.mustMake("incident", nil)
		if rec.Values.Text("urgency") != "Low" {
			t.Error("the manager's rule does not run")
		}
		r.Change(func(tx *gate.Tx) error { return access.SetPrincipal(tx.SQL(), r.manager.User, access.ReadOnly, true) })
		r.drain()
		if got := r.log(rec.ID); !has(got, "failed: Your role, Read-only, may not create this.") {
			t.Errorf("what waited while its maker lost her rights: %q", got)
		}
		if rec = r.mustMake("incident", nil); rec.Values.Text("urgency") == "Low" {
			t.Error("it runs though its maker may only read")
		}
		r.Change(func(tx *gate.Tx) error { return access.SetPrincipal(tx.SQL(), r.manager.User, access.Manager, false) })
		r.drain()
		if got := r.log(rec.ID); !has(got, "skipped: Who saved it last is no active user any more.") && len(got) != 0 {
			t.Errorf("a rule of who left: %q", got)
		}
		r.Change(func(tx *gate.Tx) error { return access.SetPrincipal(tx.SQL(), r.manager.User, access.Manager, true) })
		r.off(mine)
		r.off(waits)
	})
	t.Run("a dry run says what would have been, and does nothing", func(t *testing.T) {
		rule, err := r.rule(r.manager, record.Values{"active": false, "happens": automation.FieldHas, "field": "urgency", "conditions": termRows([][3]string{{"urgency", "is", "High"}}), "actions": actRows([][3]string{{automation.Notes, "", "x"}})})
		if err != nil {
			t.Fatal(err)
		}
		before := r.count("k_journal", "1 = 1")
		r.View(r.agent, func(tx *gate.Tx) error {
			rec, err := r.Records.Get(tx, automation.Kind, rule)
			if err != nil {
				return err
			}
			got, err := r.rules.Try(tx, automation.Of(rec))
			if err == nil && (len(got.Matches) != 2 || got.Looked < 5 || got.Matches[0].Why != "Urgency changed, Urgency is “High”.") {
				t.Errorf("%+v", got)
			}
			return err
		})
		if r.count("k_journal", "1 = 1") != before {
			t.Error("a dry run wrote something")
		}
	})
	t.Run("a checklist comes once", func(t *testing.T) {
		list := r.Make("checklist_template", 0, record.Values{"name": "Urgent ones"})
		for _, name := range []string{"Ring the lead", "Tell the customer"} {
			r.Make("checklist_template_task", 0, record.Values{"checklist_template_id": list, "name": name})
		}
		if _, err := r.rule(r.manager, record.Values{"happens": automation.Created, "actions": actRows([][3]string{{automation.Lists, "", "No such list"}})}); err == nil {
			t.Error("a rule brings a list that there is not")
		}
		rule := r.mustRule(r.manager, automation.Changed, [][3]string{{"urgency", "is", "High"}}, [3]string{automation.Lists, "", "Urgent ones"})
		rec := r.mustMake("incident", nil)
		for _, urgency := range []string{"High", "Low", "High"} {
			if err := r.as(r.agent, rec.ID, record.Values{"urgency": urgency}); err != nil {
				t.Fatal(err)
			}
			r.drain()
		}
		if got := r.count("k_ticket_step", "incident_id = ?", int64(rec.ID)); got != 2 {
			t.Errorf("%d steps: %q", got, r.log(rec.ID))
		}
		r.off(rule)
	})
}

// TestRulesEnd: whatever rules there are and whatever people change, what rules set off
// ends within its bounds.
func TestRulesEnd(t *testing.T) {
	r := openRuled(t)
	r.rules.Most = 60
	seed := rand.New(rand.NewPCG(6, 9))
	pick := func(list ...string) string { return list[seed.IntN(len(list))] }
	rec := r.mustMake("incident", nil)
	for round := range 2 {
		var made []id.ID
		for range 5 {
			acts := [][3]string{}
			for range 1 + seed.IntN(3) {
				acts = append(acts, [][3]string{{automation.Sets, pick("urgency", "impact"), pick("High", "Low", "Medium")}, {automation.Sets, "name", "{name}" + pick("a", "b")}, {automation.Notes, "", "x"},
					{automation.Opens, "problem", "From {name}"}, {automation.Opens, "incident", "More of {name}"}, {automation.Opens, "incident", "More of {name}"}}[seed.IntN(6)])
			}
			rule, err := r.rule(r.manager, record.Values{"name": fmt.Sprint("Random ", round, " ", len(made)), "of_kind": pick("incident", "incident", "incident", "problem"), "happens": pick(automation.Created, automation.Created, automation.Changed, automation.Written), "also_over": true, "actions": actRows(acts)})
			if fault.Is(err, fault.Invalid) {
				continue // such as a state that a problem has not
			}
			if err != nil {
				t.Fatal(err)
			}
			made = append(made, rule)
		}
		for i := range 6 { // some that surely go on and on
			open := [3]string{automation.Opens, "incident", "And more"}
			x, err := r.rule(r.manager, record.Values{"name": fmt.Sprint("Wild ", round, " ", i), "happens": []string{automation.Changed, automation.Created}[min(i, 1)], "actions": actRows([][3]string{open, open}[:min(1+round/2, 2)])})
			if err != nil {
				t.Fatal(err)
			}
			made = append(made, x)
		}
		before := r.count("automation_run", "state <> 'stopped' and once not like 'filled/%'")
		for range 2 {
			if err := r.as(r.agent, rec.ID, record.Values{"name": fmt.Sprint("Change ", seed.IntN(1000)), "urgency": pick("High", "Low", "Medium")}); err != nil {
				t.Fatal(err)
			}
			r.drain() // ends, or the test does not
		}
		if n := r.count("automation_run", "depth > 4 and state <> 'stopped'"); n != 0 {
			t.Errorf("round %d: %d runs beyond the steps", round, n)
		}
		if n := r.count("automation_run", "record_id = ? and at > ? and state <> 'stopped' and once not like 'filled/%'", int64(rec.ID), r.Clock.Now().Add(-time.Hour).UnixMilli()); n > 20 {
			t.Errorf("round %d: %d runs about one record in an hour", round, n)
		}
		if n := r.count("automation_run", "state <> 'stopped' and once not like 'filled/%'") - before; n > r.rules.Most+20 {
			t.Errorf("round %d: %d runs within an hour", round, n)
		}
		t.Logf("round %d: %d rules, %d runs", round, len(made), r.count("automation_run", "state <> 'stopped' and once not like 'filled/%'")-before)
		for _, x := range made {
			r.off(x)
		}
		r.Clock.Advance(2 * time.Hour)
	}
	if r.count("automation_run", "state = 'stopped' and did like 'Rules set each other off%'") == 0 || r.count("automation_run", "state = 'stopped' and did like 'Rules ran%'") == 0 {
		t.Error("no bound was met: these rules try nothing")
	}
}
