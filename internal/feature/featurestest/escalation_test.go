package featurestest_test

import (
	"strings"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/change"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/problem"
	"strongroom/internal/feature/release"
	"strongroom/internal/feature/sla"
	"strongroom/internal/feature/sla/clock"
	"strongroom/internal/feature/sla/teller"
	"strongroom/internal/feature/task"
)

// TestClocksOfOthers: problems, changes, releases and tasks have the clocks that an
// agreement promises of them, and a team the one that it has promised another.
func TestClocksOfOthers(t *testing.T) {
	b := openBench(t)
	calendar, _ := b.promises()
	row := func(of, measure string, hours float64, team string) map[string]any {
		return map[string]any{"measure": measure, "of": of, "hours": hours, "team": team}
	}
	agree := func(org id.ID, rows ...map[string]any) id.ID {
		return b.Make(sla.Agreement, org, record.Values{"name": "Others", "calendar_id": calendar, "targets": rows})
	}
	// Nearer than the one for all, but says nothing of incidents.
	agree(b.org, row("Changes", "resolution", 8, ""), row("Problems", "response", 2, ""), row("Releases", "resolution", 4, ""), row("Tasks", "response", 3, ""), row("Tasks", "resolution", 6, ""))
	desk, infra := b.one("team", "Service desk"), b.one("team", "Infrastructure")

	t.Run("an incident has what is promised further up", func(t *testing.T) {
		b.dueAt(b.mustMake(incident.Kind, record.Values{"category_id": b.one("category", "Software"), "team_id": desk}), "Mon 10:00")
	})
	t.Run("each has its own, and waits in its own states", func(t *testing.T) {
		r := b.in(change.Kind, change.Life(), change.Requested, 8001)
		b.mustChange(r, record.Values{"urgency": "High"}) // what came along has clocks from the first change
		b.dueAt(r, "Mon 17:00")
		b.Clock.Advance(time.Hour)
		b.mustChange(r, record.Values{"status": change.PendingApproval})
		b.dueAt(r, "")
		b.Clock.Advance(time.Hour)
		b.mustChange(r, record.Values{"status": change.Scheduled})
		b.dueAt(r, "")
		b.Clock.Advance(-2 * time.Hour)
		p := b.mustMake(problem.Kind, record.Values{"category_id": b.one("category", "Software"), "contact_id": nil})
		b.dueAt(p, "Mon 11:00")
		b.mustChange(p, record.Values{"status": problem.Investigation, "team_id": desk}) // somebody looks at it
		b.dueAt(p, "")
		b.dueAt(b.mustMake(release.Kind, nil), "Mon 13:00")
		w := b.mustMake(task.Kind, record.Values{"contact_id": nil})
		b.dueAt(w, "Mon 12:00")
		b.mustChange(w, record.Values{"status": task.Accepted})
		b.dueAt(w, "Mon 15:00")
	})
	t.Run("operational", func(t *testing.T) {
		org := b.Org("Lighthouse")
		agree(org, row("", "resolution", 8, ""), row("", "operational", 2, "infrastructure"))
		customer := b.Make("contact", org, record.Values{"first_name": "Otto", "last_name": "Bay"})
		r := b.mustMake(incident.Kind, record.Values{"organization_id": org, "contact_id": customer, "category_id": b.one("category", "Software"), "team_id": desk})
		b.dueAt(r, "Mon 17:00")
		b.mustChange(r, record.Values{"team_id": infra})
		b.dueAt(r, "Mon 11:00")
		b.Clock.Advance(time.Hour)
		b.mustChange(r, record.Values{"team_id": desk})
		b.dueAt(r, "Mon 17:00")
		b.mustChange(r, record.Values{"team_id": infra})
		b.dueAt(r, "Mon 11:00") // an hour is left
		b.mustUpdate("team", infra, record.Values{"name": "Networks"})
		b.mustChange(r, record.Values{"urgency": "High"})
		b.dueAt(r, "Mon 11:00") // by whatever name
	})
	t.Run("refused", func(t *testing.T) {
		for field, rows := range map[string][]map[string]any{
			"no team":            {row("", "operational", 2, "")},
			"no such team":       {row("", "operational", 2, "Nobody")},
			"a team of another":  {row("", "response", 2, "Service desk")},
			"the same two times": {row("Tasks", "response", 2, ""), row("Tasks", "response", 3, "")},
		} {
			t.Run(field, func(t *testing.T) {
				invalid(t, b.create(sla.Agreement, 0, record.Values{"name": "x", "calendar_id": calendar, "targets": rows}), "targets")
			})
		}
	})
}

// TestS21EscalationsAreDoneOnce: what an agreement does at a part of a goal is done once,
// over restarts; what the rules of the ticket refuse is told, and nothing stops.
func TestS21EscalationsAreDoneOnce(t *testing.T) {
	b := openBench(t)
	calendar, _ := b.promises()
	desk, infra := b.one("team", "Service desk"), b.one("team", "Infrastructure")
	lead, mate, chief := b.User(access.Editor), b.User(access.Editor), b.User(access.Editor)
	b.mustUpdate("team", desk, record.Values{"manager_id": lead.User, "member_ids": []id.ID{b.agent.User, lead.User}})
	b.mustUpdate("team", infra, record.Values{"member_ids": []id.ID{mate.User}})
	b.mustUpdate("user", chief.User, record.Values{"email": "chief@strongroom.example"})
	line := func(percent int, do sla.Do, whom string) map[string]any {
		return map[string]any{"percent": percent, "measure": "resolution", "do": string(do), "whom": whom}
	}
	agreement := b.agreed(b.org, calendar, record.Values{"warn_at": nil, "escalations": []map[string]any{
		line(50, sla.Raise, ""), line(50, sla.TellLead, ""), line(75, sla.TellPerson, "Chief@strongroom.example"), line(100, sla.GiveTeam, "infrastructure"), line(150, sla.GivePerson, "chief@strongroom.example")}},
		map[string]float64{"resolution": 4})
	run := func() {
		t.Helper()
		for range 2 { // each is a restart
			if err := (&teller.Teller{Gate: b.Gate, Records: b.Records}).Run(t.Context(), b.agent.Tenant); err != nil {
				t.Fatal(err)
			}
		}
	}
	told := func(c *access.Caller, want string) {
		t.Helper()
		if got := b.news(c); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	versions := func(r *record.Record) int64 { return b.get(r.Kind.Name, r.ID).Version }
	r := b.mustMake(incident.Kind, record.Values{"category_id": b.one("category", "Software"), "team_id": desk})
	shows(t, r, record.Values{"priority": "3"})
	for _, c := range []*access.Caller{b.agent, lead, mate, chief} {
		b.news(c)
	}

	b.Clock.Advance(119 * time.Minute)
	run()
	shows(t, b.get(incident.Kind, r.ID), record.Values{"priority": "3"})
	b.Clock.Advance(2 * time.Minute)
	run()
	shows(t, b.get(incident.Kind, r.ID), record.Values{"priority": "2", "urgency": "High"})
	if got := versions(r); got != r.Version+1 {
		t.Errorf("raised %d times", got-r.Version)
	}
	told(lead, "No mail is escalated: resolution.")
	told(chief, "")
	b.Clock.Advance(time.Hour)
	run()
	told(chief, "No mail is escalated: resolution.")
	b.Clock.Advance(time.Hour)
	run()
	shows(t, b.get(incident.Kind, r.ID), record.Values{"team_id": infra, "owner_id": b.agent.User})
	if got := b.news(mate); !strings.Contains(got, "is escalated") {
		t.Errorf("the team that it was given to is told %q", got)
	}
	b.mustUpdate(sla.Agreement, agreement, record.Values{"escalations": nil}) // is for later tickets
	b.Clock.Advance(2 * time.Hour)
	run()
	shows(t, b.get(incident.Kind, r.ID), record.Values{"owner_id": chief.User})
	if got := versions(r); got != r.Version+3 {
		t.Errorf("three changes are %d", got-r.Version)
	}
	t.Run("who leaves the queue is not chased, and what was set back is not raised again", func(t *testing.T) {
		b.mustChange(r, record.Values{"urgency": "Low"})
		at := versions(r)
		run()
		if versions(r) != at {
			t.Error("it was raised again")
		}
	})
	t.Run("a ticket that is over is not changed", func(t *testing.T) {
		b.mustUpdate(sla.Agreement, agreement, record.Values{"escalations": []map[string]any{line(100, sla.GiveTeam, "Infrastructure")}})
		done := b.mustMake(incident.Kind, record.Values{"category_id": b.one("category", "Software"), "team_id": desk})
		b.Clock.Advance(20 * time.Hour)
		b.mustChange(done, record.Values{"status": incident.Resolved, "resolution": "<p>Done</p>", "cause_code": "Other"})
		run()
		shows(t, b.get(incident.Kind, done.ID), record.Values{"team_id": desk})
	})
	t.Run("what a rule refuses is told, and others go on", func(t *testing.T) {
		b.Clock.Advance(-20 * time.Hour)
		first := b.mustMake(incident.Kind, record.Values{"category_id": b.one("category", "Software"), "team_id": desk, "name": "No sound"})
		second := b.mustMake(incident.Kind, record.Values{"category_id": b.one("category", "Software"), "team_id": desk})
		b.trash("team", infra)
		for _, c := range []*access.Caller{b.agent, lead, mate, chief} {
			b.news(c)
		}
		b.Clock.Advance(22 * time.Hour)
		run()
		for _, x := range []*record.Record{first, second} {
			shows(t, b.get(incident.Kind, x.ID), record.Values{"team_id": desk})
		}
		if got := b.news(lead); !strings.Contains(got, "No sound could not be escalated") {
			t.Errorf("told %q", got)
		}
	})
	t.Run("refused", func(t *testing.T) {
		for name, x := range map[string]map[string]any{
			"no percent": line(0, sla.Raise, ""), "too much": line(501, sla.Raise, ""), "nobody": line(50, sla.TellPerson, "nobody@strongroom.example"), "no team": line(50, sla.GiveTeam, ""),
			"whom for nothing": line(50, sla.Raise, "Service desk"),
		} {
			t.Run(name, func(t *testing.T) {
				invalid(t, b.create(sla.Agreement, 0, record.Values{"name": "x", "calendar_id": calendar, "escalations": []map[string]any{x}}), "escalations")
			})
		}
	})
	b.View(b.Admin(), func(tx *gate.Tx) error {
		list, _, err := sla.Clocks(tx, b.get(incident.Kind, r.ID))
		if len(list) != 1 || list[0].Measure != clock.Resolution {
			t.Errorf("%+v", list)
		}
		return err
	})
}
