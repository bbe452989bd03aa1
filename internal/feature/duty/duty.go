// Package duty holds who takes care of tickets: on-call plans, how the tickets of a team are
// given to its people, and what happens when nobody takes one.
//
// Always true: whom a ticket is given to follows from the settings, who is there and the
// turns so far, and is said in a sentence with the ticket; two tickets at once have two
// turns; nobody is given what she may not see, and nobody who is away anything; somebody
// who is called and does not take the ticket in time is followed by the next, once each,
// and that ends.
package duty

import (
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/worktime"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/duty/method"
	"strongroom/internal/feature/duty/roster"
	"strongroom/internal/feature/rule"
)

// The names of the kinds.
const (
	PlanKind       = "oncall_plan"
	AssignmentKind = method.Assignment
)

// Topic is what the notices of those who are called are about, TopicGiven of those who are
// given a ticket.
const Topic, TopicGiven = "duty", "assignment"

// How a ticket is given to somebody.
const (
	InTurn = method.InTurn
	Load   = method.Load
	Skill  = method.Skill
	OnCall = method.OnCall
)

const (
	everyDay = "every day"
	weekdays = "Monday to Friday"
	weekends = "Saturday and Sunday"
)

// How much a plan holds.
const (
	mostLayers  = 10
	mostPeople  = 50
	mostDays    = 366
	mostMinutes = 24 * 60
)

// Feature is the kinds, and what became of tickets.
func Feature() record.Feature {
	return record.Feature{Name: "duty", Kinds: []*record.Kind{plans(), assignments()}, Schema: schema, Purge: purge}
}

// The statements make the turns of teams, what was given to whom and why, what waits for
// somebody, who was called, who stands in, what people ask each other, and the addresses of
// their calendars.
var schema = []string{
	`create table if not exists duty_turn (team_id int primary key, n int not null, user_id int not null)`,
	`create table if not exists duty_given (ticket_id int not null, version int not null, user_id int not null, said text not null, at int not null, primary key (ticket_id, version))`,
	`create table if not exists duty_waiting (ticket_id int primary key, at int not null, said text not null)`,
	`create index if not exists duty_waiting_at on duty_waiting (at)`,
	`create table if not exists duty_call (id id primary key, ticket_id int not null, plan_id int not null, step int not null, user_id int not null, at int not null, due int not null, state text not null, by_id int not null default 0, ended_at int not null default 0)`,
	`create index if not exists duty_call_ticket on duty_call (ticket_id, id)`,
	`create index if not exists duty_call_due on duty_call (due, id) where state = 'waiting'`,
	`create table if not exists duty_instead (id id primary key, plan_id int not null, user_id int not null, from_at int not null, until_at int not null, by_id int not null, at int not null, swap_id int not null default 0)`,
	`create index if not exists duty_instead_plan on duty_instead (plan_id, until_at)`,
	`create table if not exists duty_swap (id id primary key, plan_id int not null, user_id int not null, to_id int not null, from_at int not null, until_at int not null, back_from int not null, back_until int not null, at int not null, state text not null)`,
	`create index if not exists duty_swap_to on duty_swap (to_id) where state = 'asked'`,
	`create table if not exists duty_feed (user_id int primary key, digest text not null, at int not null)`,
	`create unique index if not exists duty_feed_digest on duty_feed (digest)`,
}

// purge forgets what belongs to a ticket, plan, team or user that is purged.
func purge(tx *gate.Tx, r *record.Record) error {
	n := int64(r.ID)
	for _, q := range []string{`delete from duty_turn where team_id = ?`, `delete from duty_given where ticket_id = ?`, `delete from duty_waiting where ticket_id = ?`, `delete from duty_call where ticket_id = ?`,
		`delete from duty_call where plan_id = ?`, `delete from duty_call where user_id = ?`, `delete from duty_instead where plan_id = ?`, `delete from duty_instead where user_id = ?`, `delete from duty_swap where plan_id = ?`,
		`delete from duty_swap where user_id = ?`, `delete from duty_swap where to_id = ?`, `delete from duty_feed where user_id = ?`, `delete from duty_given where user_id = ?`} {
		if _, err := tx.Exec(q, n); err != nil {
			return err
		}
	}
	return nil
}

func plans() *record.Kind {
	text := func(name, label, hint string) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Text, Class: record.Internal, Hint: hint}
	}
	people := text("people", "Who, by e-mail, in turn", "With commas between.")
	people.Class, people.Required = record.Personal, true
	return &record.Kind{
		Name: PlanKind, Plural: "oncall_plans", Label: "On-call plan", Labels: "On-call plans", Icon: "phone", Scope: record.OfTenant, Before: beforePlan,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Unique: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "team_id", Label: "Team", Type: record.Ref, Ref: "team", Class: record.Internal, Filter: true, List: true, Hint: "Its manager is told when nobody answers."},
			{Name: "zone", Label: "Time zone", Type: record.Text, Class: record.Internal, Required: true, List: true, Default: "UTC", Hint: "Such as Europe/Berlin. Turns are handed over by the clock on the wall there."},
			{Name: "layers", Label: "Who takes turns", Type: record.Rows, Class: record.Internal, Group: "Turns", Hint: "What the first line leaves open, the next one fills.", Rows: []record.Field{
				people,
				{Name: "first", Label: "First day", Type: record.Date, Class: record.Internal, Required: true},
				{Name: "days", Label: "Days", Type: record.Integer, Class: record.Internal, Hint: "That a turn lasts; 7 when empty."},
				text("hand_over", "Handed over at", "09:00 when empty."),
				{Name: "week", Label: "On", Type: record.Choice, Choices: []string{everyDay, weekdays, weekends}, Class: record.Internal},
				text("hours", "From and to", "Such as 18:00-24:00, 00:00-08:00; the whole day when empty."),
			}},
			{Name: "minutes", Label: "To be taken within", Type: record.Integer, Class: record.Internal, Default: int64(15), Group: "When nobody answers", Hint: "Minutes in which who is called says that she takes it. Empty: nobody waits for that."},
			{Name: "then_id", Label: "Then call", Type: record.Ref, Ref: PlanKind, Class: record.Internal, Group: "When nobody answers", Hint: "Who is on call by this plan is called next. Empty: the manager of the team is told."},
		},
	}
}

func assignments() *record.Kind {
	person := record.Field{Name: "person", Label: "Who, by e-mail", Type: record.Text, Class: record.Personal, Required: true}
	return &record.Kind{
		Name: AssignmentKind, Plural: "assignments", Label: "Assignment", Labels: "Assignment of tickets", Icon: "users-group", Scope: record.OfTenant, Before: beforeAssignment,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "team_id", Label: "Team", Type: record.Ref, Ref: "team", Class: record.Internal, Required: true, Filter: true, List: true, Hint: "Its tickets that have no owner are given to one of its members."},
			{Name: "method", Label: "Tickets are given", Type: record.Choice, Choices: method.All(), Default: InTurn, Class: record.Internal, Filter: true, List: true},
			{Name: "calendar_id", Label: "Working hours", Type: record.Ref, Ref: "calendar", Class: record.Internal, Filter: true, List: true, Hint: "Outside of them the plan below is asked, and without one a ticket waits. Empty: at any hour."},
			{Name: "plan_id", Label: "On-call plan", Type: record.Ref, Ref: PlanKind, Class: record.Internal, Filter: true, List: true},
			{Name: "skills", Label: "Who knows what", Type: record.Rows, Class: record.Internal, Group: "Knowledge", Hint: "Words are looked for in the subject, the category and the service of a ticket.",
				Rows: []record.Field{person, {Name: "words", Label: "Words, with commas between", Type: record.Text, Class: record.Internal, Required: true}}},
		},
	}
}

// beforePlan refuses a plan by which nobody can tell whose turn it is.
func beforePlan(tx *gate.Tx, now, old *record.Record) error {
	if _, err := zoneOf(now.Values.Text("zone")); err != nil {
		return err
	}
	rows := now.Values.Rows("layers")
	if len(rows) > mostLayers {
		return fault.Field("layers", "A plan has %d lines at the most.", mostLayers)
	}
	for _, row := range rows {
		list := words(row, "people")
		if len(list) == 0 || len(list) > mostPeople {
			return fault.Field("layers", "Name 1 to %d people in each line.", mostPeople)
		}
		known, err := people(tx, list)
		if err != nil {
			return err
		}
		for _, address := range list {
			if known[record.Fold(address)] == 0 {
				return fault.Field("layers", "%q is the e-mail address of nobody here.", address).WithHint("Name users by the addresses that stand under People.")
			}
		}
		if _, err := layer(row, known); err != nil {
			return err
		}
	}
	if n, ok := now.Values["minutes"].(int64); ok && (n < 1 || n > mostMinutes) {
		return fault.Field("minutes", "Name 1 to %d minutes, or none.", mostMinutes)
	}
	return rule.Tree(tx, now, old, "then_id")
}

// beforeAssignment refuses what could give nobody anything.
func beforeAssignment(tx *gate.Tx, now, _ *record.Record) error {
	var others int
	if err := tx.QueryRow(`select count(*) from k_assignment k join record r on r.id = k.id where k.team_id = ? and r.id <> ? and r.trashed_at is null and r.archived = 0`, int64(now.Values.ID("team_id")), int64(now.ID)).Scan(&others); err != nil {
		return err
	}
	if others > 0 && !now.Archived {
		return fault.Field("team_id", "It is set already how the tickets of this team are given.").WithHint("Change that, or archive it first.")
	}
	if now.Values.Text("method") == OnCall && now.Values.ID("plan_id") == 0 {
		return fault.Field("plan_id", "Name the plan that says who is on call.")
	}
	rows := now.Values.Rows("skills")
	if len(rows) > mostPeople {
		return fault.Field("skills", "There are %d lines at the most.", mostPeople)
	}
	for _, row := range rows {
		list := words(row, "person")
		known, err := people(tx, list)
		if err != nil {
			return err
		}
		if len(list) != 1 || len(known) != 1 {
			return fault.Field("skills", "%q is the e-mail address of nobody here.", text(row, "person"))
		}
	}
	return nil
}

func text(row map[string]any, name string) string { s, _ := row[name].(string); return s }

// words are those of a text with commas between.
func words(row map[string]any, name string) (out []string) {
	for s := range strings.FieldsFuncSeq(text(row, name), func(r rune) bool { return r == ',' || r == ';' || r == '\n' }) {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// people finds users by their folded addresses.
func people(tx *gate.Tx, addresses []string) (map[string]id.ID, error) {
	out := map[string]id.ID{}
	if len(addresses) == 0 {
		return out, nil
	}
	args := make([]any, len(addresses))
	for i, a := range addresses {
		args[i] = record.Fold(a)
	}
	rows, err := tx.Query(`select u.email_fold, u.id from k_user u join record r on r.id = u.id where u.email_fold in (`+access.Marks(len(args))+`) and r.trashed_at is null and r.archived = 0`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var address string
		var n int64
		if err := rows.Scan(&address, &n); err != nil {
			return nil, err
		}
		out[address] = id.ID(n)
	}
	return out, rows.Err()
}

func zoneOf(name string) (*time.Location, error) {
	z, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, fault.Field("zone", "There is no time zone %q.", name).WithHint("Write it as Europe/Berlin or America/New_York.")
	}
	return z, nil
}

// layer reads a line of a plan.
func layer(row map[string]any, known map[string]id.ID) (roster.Layer, error) {
	l := roster.Layer{Days: 7, Hand: 9 * 60}
	for _, a := range words(row, "people") {
		if n := known[record.Fold(a)]; n != 0 {
			l.People = append(l.People, n)
		}
	}
	first, err := time.Parse(time.DateOnly, text(row, "first"))
	if err != nil {
		return l, fault.Field("layers", "Each line has a first day.")
	}
	l.First = worktime.DayOf(first)
	if n, ok := row["days"].(int64); ok {
		if n < 1 || n > mostDays {
			return l, fault.Field("layers", "A turn lasts 1 to %d days.", mostDays)
		}
		l.Days = int(n)
	}
	if s := strings.TrimSpace(text(row, "hand_over")); s != "" {
		t, err := time.Parse("15:04", s)
		if err != nil {
			return l, fault.Field("layers", "Turns are handed over at a time of the day, such as 09:00.")
		}
		l.Hand = t.Hour()*60 + t.Minute()
	}
	for d := range l.Week {
		weekend := time.Weekday(d) == time.Saturday || time.Weekday(d) == time.Sunday
		w := text(row, "week")
		l.Week[d] = w != weekdays && w != weekends || weekend == (w == weekends)
	}
	if l.Hours, err = worktime.ParseWindows(text(row, "hours")); err != nil {
		said := fault.Say(err)
		return l, fault.Field("layers", "%s", said.Text).WithHint("%s", said.Hint)
	}
	return l, nil
}

// plan is a plan as it is asked.
type plan struct {
	ID      id.ID
	Name    string
	Team    id.ID
	Then    id.ID
	Minutes int64
	roster.Plan
}

// load reads a plan with who stands in and who is away. It is read whoever asks: whom it
// names is told to those only who see the plan, or are given a ticket. Nil for none.
func load(tx *gate.Tx, k *record.Kind, n id.ID) (*plan, error) {
	list, err := loaded(tx, k, `r.id = ?`, int64(n))
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

func loaded(tx *gate.Tx, k *record.Kind, where string, args ...any) ([]*plan, error) {
	rows, err := tx.Query(`select r.id, r.name, coalesce(k.team_id, 0), coalesce(k.then_id, 0), coalesce(k.minutes, 0), k.zone, coalesce(k.layers, '') from k_oncall_plan k join record r on r.id = k.id
		where r.trashed_at is null and r.archived = 0 and `+where+` order by r.name_fold, r.id`, args...)
	if err != nil {
		return nil, err
	}
	type raw struct {
		*plan
		rows []map[string]any
	}
	var list []raw
	for rows.Next() {
		var n, team, then int64
		var zone, layers string
		p := &plan{}
		if err := rows.Scan(&n, &p.Name, &team, &then, &p.Minutes, &zone, &layers); err != nil {
			rows.Close()
			return nil, err
		}
		p.ID, p.Team, p.Then = id.ID(n), id.ID(team), id.ID(then)
		v, err := k.Field("layers").Parse(layers)
		if err == nil {
			p.Zone, err = zoneOf(zone)
		}
		if err != nil {
			rows.Close()
			return nil, err
		}
		of, _ := v.([]map[string]any)
		list = append(list, raw{p, of})
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var out []*plan
	for _, x := range list {
		var all []string
		for _, row := range x.rows {
			all = append(all, words(row, "people")...)
		}
		known, err := people(tx, all)
		if err != nil {
			return nil, err
		}
		for _, row := range x.rows {
			l, err := layer(row, known)
			if err != nil {
				return nil, err
			}
			x.Layers = append(x.Layers, l)
		}
		if err := x.complete(tx); err != nil {
			return nil, err
		}
		out = append(out, x.plan)
	}
	return out, nil
}

// complete reads who stands in, and who is away.
func (p *plan) complete(tx *gate.Tx) (err error) {
	if p.Instead, err = spans(tx, `select user_id, from_at, until_at from duty_instead where plan_id = ? and until_at > ? order by id`, int64(p.ID), tx.Now-keptInstead.Milliseconds()); err != nil {
		return err
	}
	var who []id.ID
	for _, l := range p.Layers {
		who = append(who, l.People...)
	}
	for _, s := range p.Instead {
		who = append(who, s.Person)
	}
	p.Away, err = away(tx, who)
	return err
}

// keptInstead is how long it is asked who stood in.
const keptInstead = 60 * 24 * time.Hour

// away is when some people are away.
func away(tx *gate.Tx, who []id.ID) ([]roster.Span, error) {
	list, err := ballot.Absences(tx, who...)
	var out []roster.Span
	for _, a := range list {
		out = append(out, roster.Span{Person: a.Who, From: a.From, Until: a.Until})
	}
	return out, err
}

func spans(tx *gate.Tx, q string, args ...any) ([]roster.Span, error) {
	rows, err := tx.Query(q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []roster.Span
	for rows.Next() {
		var s roster.Span
		var who int64
		if err := rows.Scan(&who, &s.From, &s.Until); err != nil {
			return nil, err
		}
		s.Person = id.ID(who)
		out = append(out, s)
	}
	return out, rows.Err()
}
