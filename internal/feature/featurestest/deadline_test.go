package featurestest_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/sla"
	"strongroom/internal/feature/sla/clock"
	"strongroom/internal/feature/sla/teller"
)

// promises makes an office calendar and an agreement for all: an answer within an hour,
// a solution of what is urgent within four and of the rest within eight.
func (b *bench) promises() (calendar, agreement id.ID) {
	b.t.Helper()
	v := record.Values{"name": "Office", "zone": "UTC"}
	for _, day := range []string{"monday", "tuesday", "wednesday", "thursday", "friday"} {
		v[day] = "09:00-17:00"
	}
	calendar = b.Make(sla.Calendar, 0, v)
	agreement = b.agreed(0, calendar, nil, map[string]float64{"response": 1, "resolution": 8, "resolution/1": 4})
	return calendar, agreement
}

func (b *bench) agreed(org, calendar id.ID, more record.Values, hours map[string]float64) id.ID {
	b.t.Helper()
	var rows []map[string]any
	for what, h := range hours {
		measure, priority, _ := strings.Cut(what, "/")
		row := map[string]any{"measure": measure, "hours": h}
		if priority != "" {
			row["priority"] = priority
		}
		rows = append(rows, row)
	}
	v := record.Values{"name": "Promise", "calendar_id": calendar, "targets": rows}
	for k, x := range more {
		v[k] = x
	}
	return b.Make(sla.Agreement, org, v)
}

// due says when a ticket is due, as its row says and as its history says anew.
func (b *bench) due(r *record.Record) string {
	b.t.Helper()
	var first time.Time
	b.View(b.Admin(), func(tx *gate.Tx) error {
		list, _, err := sla.Clocks(tx, r)
		for _, c := range list {
			if c.State == clock.Running && (first.IsZero() || c.Due.Before(first)) {
				first = c.Due
			}
		}
		return err
	})
	ms, _ := b.get(r.Kind.Name, r.ID).Values[sla.Due].(int64)
	switch {
	case ms == 0 && first.IsZero():
		return ""
	case ms != first.UnixMilli():
		b.t.Errorf("its row says %v, its history %v", time.UnixMilli(ms).UTC(), first)
	}
	return first.UTC().Format("Mon 15:04")
}

func (b *bench) dueAt(r *record.Record, want string) {
	b.t.Helper()
	if got := b.due(r); got != want {
		b.t.Errorf("due %q, want %q", got, want)
	}
}

func (b *bench) mustChange(r *record.Record, v record.Values) {
	b.t.Helper()
	if _, err := b.changed(r, v); err != nil {
		b.t.Fatal(err)
	}
}

// TestDeadlines follows tickets through what moves their clocks. The clock begins on a
// Monday at nine.
func TestDeadlines(t *testing.T) {
	b := openBench(t)
	begin := b.Clock.Now().UTC()
	if begin.Format("Mon 15:04") != "Mon 09:00" {
		t.Fatalf("the clock begins at %v", begin)
	}
	calendar, agreement := b.promises()
	urgent := record.Values{"urgency": "High", "impact": "High", "category_id": b.one("category", "Software"), "team_id": b.one("team", "Service desk")}
	r := b.mustMake(incident.Kind, urgent)
	calm := b.mustMake(incident.Kind, record.Values{"category_id": b.one("category", "Software"), "team_id": b.one("team", "Service desk")})

	t.Run("response, waiting, priority, done", func(t *testing.T) {
		b.dueAt(r, "Mon 10:00") // an answer
		b.Clock.Advance(30 * time.Minute)
		b.mustWrite(b.agent, r, record.Values{"journal_type": entry.WorkNote})
		b.dueAt(r, "Mon 10:00") // which no customer reads
		b.mustWrite(b.agent, r, record.Values{"journal_type": entry.Reply})
		b.dueAt(r, "Mon 13:00")
		b.mustChange(r, record.Values{"status": incident.WaitCustomer})
		b.dueAt(r, "")
		b.Clock.Advance(time.Hour)
		b.mustChange(r, record.Values{"status": incident.Active})
		b.dueAt(r, "Mon 14:00")
		b.mustChange(r, record.Values{"urgency": "Low"})
		b.dueAt(r, "Tue 10:00") // eight hours, of which half an hour is used
		b.mustChange(r, record.Values{"status": incident.Resolved, "resolution": "<p>Done</p>", "cause_code": "Other"})
		b.dueAt(r, "")
		b.Clock.Advance(time.Hour)
		b.mustChange(r, record.Values{"status": incident.Active})
		b.dueAt(r, "Tue 11:00") // what it was resolved for does not count
		b.mustChange(r, record.Values{"name": "Another name"})
		b.dueAt(r, "Tue 11:00")
	})
	t.Run("reported earlier", func(t *testing.T) {
		v := record.Values{"reported_at": begin.UnixMilli()}
		for k, x := range urgent {
			v[k] = x
		}
		late := b.mustMake(incident.Kind, v)
		b.dueAt(late, "Mon 10:00")
		b.mustChange(late, record.Values{"reported_at": begin.Add(time.Hour).UnixMilli()})
		b.dueAt(late, "Mon 11:00")
		_, err := b.made(incident.Kind, record.Values{"reported_at": b.Clock.Now().Add(time.Minute).UnixMilli()})
		invalid(t, err, "reported_at")
		b.trash(incident.Kind, late.ID)
	})
	t.Run("S15 what changes later is for later tickets", func(t *testing.T) {
		b.mustUpdate(sla.Calendar, calendar, record.Values{"monday": "09:00-10:00", "holidays": []map[string]any{{"day": "2026-03-03", "name": "Fair"}}})
		b.mustUpdate(sla.Agreement, agreement, record.Values{"targets": []map[string]any{{"measure": "resolution", "hours": 1}}})
		b.dueAt(r, "Tue 11:00")
		b.mustChange(r, record.Values{"status": incident.WaitThirdParty})
		b.mustChange(r, record.Values{"status": incident.Active})
		b.dueAt(r, "Tue 11:00")
		b.dueAt(b.mustMake(incident.Kind, urgent), "Wed 10:00")
	})
	t.Run("nearest unit and service", func(t *testing.T) {
		parent, mail := b.Org("Group"), b.one("service", "E-mail")
		b.mustUpdate("organization", b.org, record.Values{"parent_id": parent})
		make := func(v record.Values) *record.Record {
			v["category_id"], v["team_id"] = b.one("category", "Software"), b.one("team", "Service desk")
			return b.mustMake(incident.Kind, v)
		}
		all := b.Make(sla.Calendar, 0, record.Values{"name": "Always", "monday": "00:00-24:00"})
		now := b.Clock.Now().UTC()
		in := func(n int) string { return now.Add(time.Duration(n) * time.Hour).Format("Mon 15:04") }
		b.agreed(parent, all, nil, map[string]float64{"resolution": 3})
		b.dueAt(make(record.Values{}), in(3))
		b.agreed(parent, all, record.Values{"service_id": mail}, map[string]float64{"resolution": 2})
		b.dueAt(make(record.Values{}), in(3))
		other := make(record.Values{"service_id": mail})
		b.dueAt(other, in(2))
		own := b.agreed(b.org, all, nil, map[string]float64{"resolution": 5})
		b.dueAt(make(record.Values{"service_id": mail}), in(5))
		b.dueAt(other, in(2)) // goes on under what it began with
		b.mustChange(other, record.Values{"service_id": b.one("service", "Network")})
		b.dueAt(other, in(5))
		b.Change(func(tx *gate.Tx) error { return b.Records.SetAccess(tx, sla.Agreement, own, true, nil, nil) })
		b.dueAt(make(record.Values{}), in(5)) // who makes a ticket need not see what was promised
		b.trash(sla.Agreement, own)
	})
	t.Run("refused", func(t *testing.T) {
		for field, v := range map[string]record.Values{
			"zone": {"name": "x", "zone": "Mars/Base"}, "tuesday": {"name": "x", "tuesday": "9 to 5"}, "holidays": {"name": "x", "holidays": []map[string]any{{"day": "2026-03-03", "closed": "noon"}}},
		} {
			invalid(t, b.create(sla.Calendar, 0, v), field)
		}
		for field, v := range map[string]record.Values{
			"targets": {"targets": []map[string]any{{"measure": "response"}}}, "warn_at": {"warn_at": 100}, "calendar_id": {"calendar_id": nil},
		} {
			w := record.Values{"name": "x", "calendar_id": calendar}
			for k, x := range v {
				w[k] = x
			}
			invalid(t, b.create(sla.Agreement, 0, w), field)
		}
	})
	t.Run("the row follows the history", func(t *testing.T) {
		dice := rand.New(rand.NewPCG(6, 15))
		for range 25 {
			b.Clock.Advance(time.Duration(dice.IntN(300)) * time.Minute)
			v := []record.Values{{"urgency": "High"}, {"urgency": "Low"}, {"status": incident.WaitCustomer}, {"status": incident.Active}, {"service_id": b.one("service", "Network")}, {"service_id": b.one("service", "E-mail")},
				{"status": incident.Resolved, "resolution": "<p>Done</p>", "cause_code": "Other"}}[dice.IntN(7)]
			if _, err := b.changed(calm, v); err != nil && !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			b.due(calm)
		}
	})
}

// TestS21DeadlinesAreToldOnce: a warning and a breach, each once, over restarts, in the
// hours of the calendar, and to who may see the ticket.
func TestS21DeadlinesAreToldOnce(t *testing.T) {
	b := openBench(t)
	b.promises()
	mate := b.User(access.Editor)
	team := b.one("team", "Service desk")
	b.mustUpdate("team", team, record.Values{"member_ids": []id.ID{b.agent.User, mate.User}})
	make := func() *record.Record {
		return b.mustMake(incident.Kind, record.Values{"category_id": b.one("category", "Software"), "team_id": team})
	}
	run := func() {
		t.Helper()
		for range 2 { // it bears repetition, and every run is a restart
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
	make()
	b.news(b.agent)
	b.news(mate)
	b.Clock.Advance(44 * time.Minute)
	run()
	told(b.agent, "")
	b.Clock.Advance(2 * time.Minute)
	run()
	told(b.agent, "No mail is due soon: response.") // who owns it
	told(mate, "")
	b.Clock.Advance(15 * time.Minute)
	run()
	told(b.agent, "No mail is late: response.")
	told(mate, "No mail is late: response.")
	b.Clock.Advance(time.Minute)
	run()
	told(b.agent, "")

	b.Clock.Advance(15 * time.Hour)
	run()
	told(b.agent, "No mail is due soon: resolution.") // passed yesterday in the afternoon
	b.Clock.Advance(8 * time.Hour)                    // in hours again
	shut := make()
	b.Change(func(tx *gate.Tx) error {
		return b.Records.SetAccess(tx, incident.Kind, shut.ID, true, []id.ID{mate.User}, nil)
	})
	gone := make()
	b.trash(incident.Kind, gone.ID)
	b.news(b.agent)
	b.news(mate)
	b.Clock.Advance(61 * time.Minute)
	run()
	if got := b.news(b.agent); strings.Contains(got, "response") {
		t.Errorf("told of what she does not see, or of what is deleted: %q", got)
	}
	if got := b.news(mate); strings.Count(got, "late: response") != 1 {
		t.Errorf("who sees it is told %q", got)
	}
}
