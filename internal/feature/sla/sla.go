// Package sla holds what is promised about tickets, agreements and calendars, and how
// each ticket stands against it.
//
// Always true: how a ticket stands is computed from what happened to it and from the
// versions of agreements and calendars that it names, and no running sum is kept; a
// version does not change once a ticket can name it; a ticket goes on under the
// versions that it began with until its service, organization or priority leads to
// another agreement; who is told of a deadline is told of it once.
package sla

import (
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/worktime"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/sla/clock"
)

// The names of the kinds.
const (
	Calendar  = "calendar"
	Agreement = "service_agreement"
)

// Feature is the kinds, and what is noted of tickets.
func Feature() record.Feature {
	return record.Feature{Name: "sla", Kinds: []*record.Kind{calendars(), agreements()}, Schema: schema, Purge: purge}
}

// The statements make the versions that tickets name, what happened to tickets, the
// next moment at which a ticket is looked at, and what was told.
var schema = []string{
	`create table if not exists sla_version (name text primary key, data text not null)`,
	`create table if not exists sla_event (id id primary key, ticket_id int not null, at int not null, phase text not null, note text not null, answered int not null, team text not null,
		priority int not null, agreement text not null, calendar text not null, policy text not null)`,
	`create index if not exists sla_event_ticket on sla_event (ticket_id, at, id)`,
	`create table if not exists sla_next (ticket_id int primary key, at int not null)`,
	`create index if not exists sla_next_at on sla_next (at)`,
	`create table if not exists sla_feed (calendar_id int primary key, feed text not null, zone text not null, again int not null)`, // when the feed of a calendar is read next
	`create table if not exists sla_told (ticket_id int not null, mark text not null, at int not null, primary key (ticket_id, mark))`,
}

// purge forgets what is noted of a ticket that is purged.
func purge(tx *gate.Tx, r *record.Record) error {
	for _, t := range []string{"sla_event", "sla_next", "sla_told"} {
		if _, err := tx.Exec(`delete from `+t+` where ticket_id = ?`, int64(r.ID)); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`delete from sla_feed where calendar_id = ?`, int64(r.ID))
	return err
}

func weekdays() []string {
	return []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
}

func calendars() *record.Kind {
	k := &record.Kind{
		Name: Calendar, Plural: "calendars", Label: "Calendar", Labels: "Calendars", Icon: "calendar", Scope: record.OfTenant,
		Before: beforeCalendar, After: afterCalendar,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Unique: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "zone", Label: "Time zone", Type: record.Text, Class: record.Internal, Required: true, List: true, Default: "UTC", Hint: "Such as Europe/Berlin. What is counted goes by the clock on the wall there."},
		},
	}
	week := weekdays()
	for _, day := range append(week[1:], week[0]) {
		k.Fields = append(k.Fields, record.Field{Name: day, Type: record.Text, Class: record.Internal, Group: "Hours", Hint: map[bool]string{true: "Such as 09:00-12:30, 13:00-17:00. Empty is closed; 00:00-24:00 is the whole day."}[day == "monday"]})
	}
	k.Fields = append(k.Fields, record.Field{Name: "holidays", Type: record.Rows, Class: record.Internal, Group: "Holidays", Rows: []record.Field{
		{Name: "day", Type: record.Date, Class: record.Internal, Required: true}, {Name: "name", Type: record.Text, Class: record.Internal},
		{Name: "closed", Label: "Closed from and to", Type: record.Text, Class: record.Internal, Hint: "Empty is the whole day."}}},
		record.Field{Name: "feed", Label: "Holidays from a feed", Type: record.Text, Format: record.URL, Class: record.Internal, Group: "Holidays", Hint: "The https address of an iCalendar feed, read twice a day. Everybody reads it here: give none with a secret in it."},
		record.Field{Name: "feed_told", Label: "What was not read of the feed", Type: record.Multiline, Class: record.Internal, ReadOnly: true, Group: "Holidays"},
		record.Field{Name: "feed_days", Label: "Holidays of the feed", Type: record.Rows, Class: record.Internal, ReadOnly: true, Group: "Holidays", Rows: []record.Field{
			{Name: "day", Type: record.Date, Class: record.Internal}, {Name: "name", Type: record.Text, Class: record.Internal}, {Name: "closed", Label: "Closed from and to", Type: record.Text, Class: record.Internal}}})
	return k
}

// spec is what a calendar says, as a worktime.Spec, with all that is wrong with it.
func spec(r *record.Record) (worktime.Spec, error) {
	s := worktime.Spec{Zone: r.Values.Text("zone"), Week: map[time.Weekday]worktime.Hours{}}
	bad := map[string]string{}
	for i, day := range weekdays() {
		open, err := worktime.ParseWindows(r.Values.Text(day))
		if err != nil {
			said := fault.Say(err)
			bad[day] = said.Text + " " + said.Hint
		}
		if len(open) > 0 {
			s.Week[time.Weekday(i)] = worktime.Hours{Open: open}
		}
	}
	for _, row := range slices.Concat(r.Values.Rows("holidays"), r.Values.Rows("feed_days")) {
		t, err := time.Parse(time.DateOnly, text(row, "day"))
		if err != nil {
			bad["holidays"] = "A holiday has a day."
			continue
		}
		parts, err := worktime.ParseWindows(text(row, "closed"))
		if err != nil {
			bad["holidays"] = fault.Say(err).Text
		}
		if len(parts) == 0 {
			parts = []worktime.Window{{}}
		}
		for _, w := range parts {
			s.Holidays = append(s.Holidays, worktime.Holiday{Day: worktime.DayOf(t), Name: text(row, "name"), Closed: w})
		}
	}
	if _, err := worktime.New(s); err != nil {
		said := fault.Say(err)
		if said.Kind != fault.Invalid {
			return s, err
		}
		for name, words := range said.Fields {
			if name == "week" {
				name = "monday"
			}
			bad[name] = words
		}
	}
	return s, fault.Fields(bad)
}

// HoursOf is what a calendar says, for counting.
func HoursOf(r *record.Record) (*worktime.Calendar, error) {
	s, err := spec(r)
	if err != nil {
		return nil, err
	}
	return worktime.New(s)
}

// beforeCalendar refuses what no calendar can be made of. What was read of a feed goes with
// it.
func beforeCalendar(_ *gate.Tx, now, _ *record.Record) error {
	switch feed := now.Values.Text("feed"); {
	case feed == "":
		delete(now.Values, "feed_days")
		delete(now.Values, "feed_told")
	case !strings.HasPrefix(feed, "https://"):
		return fault.Field("feed", "A feed is read from an https address.")
	}
	_, err := spec(now)
	return err
}

// measures are what agreements promise.
func measures() []string {
	return []string{string(clock.Response), string(clock.Resolution), string(clock.Waiting), string(clock.Operational)}
}

// customers is of what a promise is that names nothing: of what customers see.
const customers = "Incidents and requests"

// promisedOf are what promises are of, and the kinds that each is.
func promisedOf() []string { return []string{customers, "Problems", "Changes", "Releases", "Tasks"} }

func kindsOf(word string) []string {
	return map[string][]string{"Problems": {"problem"}, "Changes": {"change"}, "Releases": {"release"}, "Tasks": {"task"}, customers: {"incident", "service_request"}, "": {"incident", "service_request"}}[word]
}

// The words of policies.
const (
	goOn      = "goes on"
	anew      = "begins anew"
	recounted = "is counted again"
)

func policyOf(word string) clock.Policy {
	return map[string]clock.Policy{anew: clock.Restart, recounted: clock.Retroactive}[word]
}

func agreements() *record.Kind {
	policy := func(name, label, hint string, choices ...string) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Choice, Choices: choices, Default: goOn, Class: record.Internal, Group: "When things change", Hint: hint}
	}
	return &record.Kind{
		Name: Agreement, Plural: "service_agreements", Label: "Service agreement", Labels: "Service agreements", Icon: "clock", Scope: record.OfOrganization, Shared: true,
		Before: beforeAgreement, After: afterAgreement, Guarded: afterAgreement,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "service_id", Label: "Service", Type: record.Ref, Ref: "service", Class: record.Internal, Filter: true, List: true, Hint: "Empty: for every service."},
			{Name: "calendar_id", Label: "Calendar", Type: record.Ref, Ref: Calendar, Class: record.Internal, Required: true, Filter: true, List: true},
			{Name: "targets", Label: "What is promised", Type: record.Rows, Class: record.Internal, Group: "Promises", Rows: []record.Field{
				{Name: "measure", Label: "What", Type: record.Choice, Choices: measures(), Class: record.Internal, Required: true},
				{Name: "of", Label: "Of", Type: record.Choice, Choices: promisedOf(), Class: record.Internal, Hint: "Empty: incidents and requests."},
				{Name: "team", Type: record.Text, Class: record.Internal, Hint: "Operational: with which team it lies."},
				{Name: "priority", Type: record.Choice, Choices: []string{"1", "2", "3", "4", "5"}, Class: record.Internal, Hint: "Empty: each that has no line of its own."},
				{Name: "hours", Type: record.Number, Class: record.Internal}, {Name: "days", Label: "and days", Type: record.Integer, Class: record.Internal}}},
			{Name: "warn_at", Label: "Warn at", Type: record.Integer, Class: record.Internal, Default: int64(75), Group: "Promises", Hint: "Percent of the goal. Empty: only when it is late."},
			{Name: "escalations", Label: "What is done", Type: record.Rows, Class: record.Internal, Group: "Promises", Rows: escalations()},
			{Name: "at_night", Label: "Tell at any hour", Type: record.Bool, Class: record.Internal, Default: false, Group: "Promises", Hint: "Else people are told in the hours of the calendar."},
			policy("policy", "The time so far", "When the priority or the agreement of a ticket changes.", goOn, anew, recounted),
			policy("reopen", "A ticket that is opened again", "", goOn, anew),
		},
	}
}

// maxGoal is the longest goal, in hours.
const maxGoal = 24 * 366

// beforeAgreement refuses promises that are none.
func beforeAgreement(tx *gate.Tx, now, _ *record.Record) error {
	met := map[string]bool{}
	for _, row := range now.Values.Rows("targets") {
		t := target(row)
		team, err := teamCalled(tx, text(row, "team"))
		if err != nil {
			return err
		}
		key := strings.Join([]string{string(t.Measure), text(row, "of"), strings.TrimSpace(text(row, "priority")), team.String()}, "/")
		switch {
		case (t.Measure == clock.Operational) != (strings.TrimSpace(text(row, "team")) != ""), t.Measure == clock.Operational && team == 0:
			return fault.Field("targets", "An operational promise, and no other, names the team with which a ticket lies; %q is none.", text(row, "team")).WithHint("Name one of the teams under Settings.")
		case t.Measure == "":
			return fault.Field("targets", "Each promise says what is promised: %s.", strings.Join(measures(), ", "))
		case t.Goal.Time <= 0 && t.Goal.Days <= 0 || t.Goal.Time < 0 || t.Goal.Days < 0 || t.Goal.Time > maxGoal*time.Hour || t.Goal.Days > maxGoal/24:
			return fault.Field("targets", "A promise is of some hours or days, a year at most.")
		case met[key]:
			return fault.Field("targets", "Two promises are of the same: %s.", t.Measure)
		}
		met[key] = true
	}
	if n, ok := now.Values["warn_at"].(int64); ok && (n < 1 || n > 99) {
		return fault.Field("warn_at", "It warns at 1 to 99 percent of the goal.")
	}
	return beforeEscalations(tx, now)
}

func text(row map[string]any, name string) string { s, _ := row[name].(string); return s }

func target(row map[string]any) clock.Target {
	t := clock.Target{Measure: clock.Measure(text(row, "measure"))}
	if p := text(row, "priority"); len(p) == 1 {
		t.Priority = int(p[0] - '0')
	}
	if h, ok := row["hours"].(float64); ok {
		t.Goal.Time = time.Duration(h * float64(time.Hour))
	}
	if d, ok := row["days"].(int64); ok {
		t.Goal.Days = int(d)
	}
	return t
}
