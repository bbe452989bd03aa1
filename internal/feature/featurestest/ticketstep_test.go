package featurestest_test

import (
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/checklist"
	"strongroom/internal/feature/checklist/step"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/task"
)

// TestStepsOfTickets: what is ticked off on a ticket comes once, holds it back where that is
// said, and is seen by who sees the ticket.
func TestStepsOfTickets(t *testing.T) {
	b := openBench(t)
	template := func(holds bool, org id.ID) id.ID {
		n := b.Make(checklist.TemplateKind, org, record.Values{"name": "Mailbox moves", step.Holds: holds})
		b.Make(checklist.StepKind, 0, record.Values{checklist.OfTemplate: n, "name": "Tell the customer", step.Required: true})
		b.Make(checklist.StepKind, 0, record.Values{checklist.OfTemplate: n, "name": "Write it down"})
		return n
	}
	holding, loose := template(true, 0), template(false, 0)
	ready := record.Values{"status": incident.Active, "category_id": b.one("category", "Software"), "team_id": b.one("team", "Service desk"), "owner_id": b.agent.User}
	solved := record.Values{"status": incident.Resolved, "resolution": "<p>Done</p>", "cause_code": "Other"}
	as := func(c *access.Caller, r *record.Record, fn func(tx *gate.Tx) error) error {
		return b.Gate.Change(t.Context(), c, access.View, gate.Thing{ID: r.ID}, fn)
	}
	bring := func(c *access.Caller, template id.ID, r *record.Record) (n int, err error) {
		err = as(c, r, func(tx *gate.Tx) (err error) { n, err = step.Bring(tx, b.Records, template, r); return err })
		return n, err
	}
	steps := func(c *access.Caller, r *record.Record) (list []*record.Record) {
		t.Helper()
		b.View(c, func(tx *gate.Tx) (err error) { list, err = step.OfTicket(tx, b.Records, r.ID); return err })
		return list
	}

	t.Run("held back until what is required is done", func(t *testing.T) {
		r := b.mustMake(incident.Kind, ready)
		for range 2 { // a second click brings nothing more
			if _, err := bring(b.agent, holding, r); err != nil {
				t.Fatal(err)
			}
		}
		list := steps(b.agent, r)
		if len(list) != 2 || list[0].Name != "Tell the customer" || !list[0].Values.Bool(step.Required) || list[1].Values.Bool(step.Required) {
			t.Fatalf("%+v", list)
		}
		_, err := b.changed(r, solved)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Say(err).Fields["status"], "Not all is ticked off: Tell the customer.") {
			t.Errorf("it was resolved: %v", err)
		}
		b.mustChange(r, record.Values{"status": incident.WaitCustomer}) // what is not the end of the work is free
		b.mustChange(list[0], record.Values{"completed": true})
		if done := b.get(step.Kind, list[0].ID); done.Values["completed_at"] == nil || done.Values.ID("completed_by_id") != b.agent.User {
			t.Errorf("who did it: %v", done.Values)
		}
		b.mustChange(r, solved)
	})
	t.Run("a list that does not hold, and a step that somebody requires", func(t *testing.T) {
		r := b.mustMake(incident.Kind, ready)
		if n, err := bring(b.agent, loose, r); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		for range 2 {
			if err := as(b.agent, r, func(tx *gate.Tx) error { return step.Add(tx, b.Records, r, " Ring  the bell ", true) }); err != nil {
				t.Fatal(err)
			}
		}
		if list := steps(b.agent, r); len(list) != 3 || list[2].Name != "Ring the bell" {
			t.Fatalf("%+v", list)
		}
		if _, err := b.changed(r, solved); !strings.Contains(fault.Say(err).Fields["status"], "Ring the bell") {
			t.Errorf("%v", err)
		}
		b.mustChange(steps(b.agent, r)[2], record.Values{step.Required: false})
		b.mustChange(r, solved)
	})
	t.Run("a task is not completed either, but canceled", func(t *testing.T) {
		r := b.mustMake(task.Kind, record.Values{"owner_id": b.agent.User, "team_id": b.one("team", "Service desk")})
		if _, err := bring(b.agent, holding, r); err != nil {
			t.Fatal(err)
		}
		b.mustChange(r, record.Values{"status": "Accepted"})
		if _, err := b.changed(r, record.Values{"status": "Completed", "actual_effort": 1}); !strings.Contains(fault.Say(err).Fields["status"], "ticked off") {
			t.Errorf("%v", err)
		}
		b.mustChange(r, record.Values{"status": "Canceled"})
	})
	t.Run("who does not see the ticket, and another organization's list", func(t *testing.T) {
		r := b.mustMake(incident.Kind, ready)
		if _, err := bring(b.agent, holding, r); err != nil {
			t.Fatal(err)
		}
		stranger := b.User(access.Editor)
		b.Change(func(tx *gate.Tx) error {
			return second(b.Records.Update(tx, incident.Kind, r.ID, 0, record.Values{"restricted": true}))
		})
		if list := steps(stranger, r); len(list) != 0 {
			t.Errorf("a restricted ticket's steps: %+v", list)
		}
		if _, err := bring(stranger, loose, r); !fault.Is(err, fault.NotFound) {
			t.Errorf("a stranger brought a list: %v", err)
		}
		if _, err := bring(b.Admin(), template(true, b.Org("Kestrel")), r); !fault.Is(err, fault.Invalid) {
			t.Errorf("another organization's list: %v", err)
		}
		reader := b.User(access.ReadOnly)
		other := b.mustMake(incident.Kind, ready)
		if _, err := bring(reader, holding, other); !fault.Is(err, fault.Denied) {
			t.Errorf("who only reads brought a list: %v", err)
		}
	})
}
