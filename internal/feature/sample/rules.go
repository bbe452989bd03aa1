package sample

import (
	"context"
	"errors"
	"fmt"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// ruling is a rule of the sample company.
type ruling struct {
	name, when, field  string
	hours              float64
	conditions, action []map[string]any
}

func when(field, op, value string) map[string]any {
	return map[string]any{"field": field, "op": op, "value": value}
}

func then(do, field, value string) map[string]any {
	return map[string]any{"do": do, "field": field, "value": value}
}

func rulings() []ruling {
	return []ruling{
		{"Network trouble goes to Infrastructure", "It is created", "", 0, []map[string]any{when("name", "contains", "network"), when("team_id", "is empty", "")}, []map[string]any{then("Set a field", "team_id", "Infrastructure")}},
		{"Tell the team of what is urgent", "A field changes", "urgency", 0, []map[string]any{when("urgency", "is", "High"), when("origin", "is", "a person")}, []map[string]any{then("Tell", "team", "Urgent now: {number} {name}"), then("Add a note", "", "Urgency was raised to {urgency}.")}},
		{"Look again after three quiet days", "Time has passed", "", 72, []map[string]any{when("status", "begins with", "Waiting")}, []map[string]any{then("Tell", "owner", "Nothing has happened for three days.")}},
		{"Hand over to Infrastructure", "Somebody asks for it", "", 0, nil, []map[string]any{then("Set a field", "team_id", "Infrastructure"), then("Create a task", "", "Look at {number} with Infrastructure")}},
	}
}

// automate makes rules, in a house that has them, and turns them on as the administrator
// would: only a person can.
func (w *world) automate(ctx context.Context) error {
	if w.filler.Records.Kinds.Kind("automation_rule") == nil {
		return nil
	}
	if err := w.routine(ctx); err != nil {
		return err
	}
	if err := errors.Join(w.duties(ctx), w.processes(ctx)); err != nil {
		return err
	}
	person := *w.caller
	person.Via = "session"
	return w.filler.Gate.Change(ctx, &person, access.Configure, gate.Thing{}, func(tx *gate.Tx) error {
		for n, r := range rulings() {
			v := record.Values{"name": r.name, "of_kind": "incident", "active": person.User != 0, "place": int64(10 * (n + 1)), "happens": r.when, "field": r.field, "conditions": r.conditions, "actions": r.action}
			if r.hours > 0 {
				v["hours"], v["since"] = r.hours, "it was changed"
			}
			if _, err := w.filler.Records.Create(tx, "automation_rule", v); err != nil {
				return fmt.Errorf("the rule %q: %w", r.name, err)
			}
		}
		return nil
	})
}

// duties make an on-call plan, by which the administrator is on call, and have the tickets of
// a team given to who has the fewest.
func (w *world) duties(ctx context.Context) error {
	if w.filler.Records.Kinds.Kind("oncall_plan") == nil {
		return nil
	}
	return w.filler.Gate.Change(ctx, w.caller, access.Configure, gate.Thing{}, func(tx *gate.Tx) error {
		plan := record.Values{"name": "Nights and weekends", "team_id": w.of("team", "Infrastructure"), "zone": "Europe/Berlin", "minutes": int64(15)}
		if who, err := w.filler.Records.Get(tx, "user", w.caller.User); err == nil && who.Values.Text("email") != "" {
			line := func(week, hours string) map[string]any {
				return map[string]any{"people": who.Values.Text("email"), "first": w.today.AddDate(0, 0, -3).Format(time.DateOnly), "days": int64(7), "hand_over": "09:00", "week": week, "hours": hours}
			}
			plan["layers"] = []map[string]any{line("Saturday and Sunday", ""), line("Monday to Friday", "17:30-24:00, 00:00-08:30")}
		}
		p, err := w.filler.Records.Create(tx, "oncall_plan", plan)
		if err != nil {
			return err
		}
		_, err = w.filler.Records.Create(tx, "assignment", record.Values{"name": "Applications", "team_id": w.of("team", "Applications"), "method": "to who has the fewest open", "plan_id": p.ID})
		return err
	})
}

// processes make one of a new colleague, which is begun by hand.
func (w *world) processes(ctx context.Context) error {
	if w.filler.Records.Kinds.Kind("process") == nil {
		return nil
	}
	person := *w.caller
	person.Via = "session"
	return w.filler.Gate.Change(ctx, &person, access.Configure, gate.Thing{}, func(tx *gate.Tx) error {
		_, err := w.filler.Records.Create(tx, "process", record.Values{"name": "New colleague", "of_kind": "service_request", "active": person.User != 0, "begins": "by hand", "steps": []map[string]any{
			{"step": "Approval", "do": "Ask for approval, and wait", "hours": 72.0, "otherwise": "Refused"},
			{"step": "Computer", "do": "Create a task", "value": "Set up a computer for {number}", "together": "Preparation"},
			{"step": "Accounts", "do": "Create a task", "value": "Make the accounts for {number}", "together": "Preparation"},
			{"step": "Ready", "do": "Wait for its tasks", "hours": 10.0, "counted": "working days"},
			{"step": "Tell", "do": "Tell", "field": "owner", "value": "Everything is ready.", "then": "Over"},
			{"step": "Refused", "do": "Add a note", "value": "This was not approved."},
			{"step": "Over", "do": "End"},
		}})
		return err
	})
}

// routine makes work that comes round at the first client, in a house that has it.
func (w *world) routine(ctx context.Context) error {
	if w.filler.Records.Kinds.Kind("routine") == nil || len(w.finished) == 0 {
		return nil
	}
	person := *w.caller
	person.Via = "session"
	org := w.finished[0].org
	return w.filler.Gate.Change(ctx, &person, access.Create, gate.Thing{Kind: "routine", Org: org}, func(tx *gate.Tx) error {
		first := w.today.AddDate(0, 0, 1).Format(time.DateOnly)
		for _, v := range []record.Values{
			{"name": "Restore a file from the backup, {date}", "round": "Each month, on that weekday", "on_closed": "moves to the next working day"},
			{"name": "Look through the logs, {date}", "round": "Each week", "on_closed": "is left out"},
		} {
			v["organization_id"], v["first"], v["active"], v["team_id"] = org, first, person.User != 0, w.of("team", "Infrastructure")
			if _, err := w.filler.Records.Create(tx, "routine", v); err != nil {
				return fmt.Errorf("the routine %q: %w", v["name"], err)
			}
		}
		return nil
	})
}
