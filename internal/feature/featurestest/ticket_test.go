package featurestest_test

import (
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/core/search"
	"strongroom/internal/feature/announcement"
	"strongroom/internal/feature/change"
	"strongroom/internal/feature/desk"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/problem"
	"strongroom/internal/feature/release"
	"strongroom/internal/feature/request"
	"strongroom/internal/feature/task"
)

// tickets are the kinds that have a lifecycle.
func tickets() map[string]*lifecycle.Lifecycle {
	return map[string]*lifecycle.Lifecycle{incident.Kind: incident.Life(), problem.Kind: problem.Life(), request.Kind: request.Life(), change.Kind: change.Life(), task.Kind: task.Life(), release.Kind: release.Life()}
}

// bench is a house with an organization, a customer and somebody who works there.
type bench struct {
	*house
	org, customer id.ID
	agent         *access.Caller
}

func openBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{house: open(t, true)}
	b.org = b.Org("Harbour Dental")
	b.customer = b.Make("contact", b.org, record.Values{"first_name": "Rosa", "last_name": "Lind", "important": true})
	b.agent = b.User(access.Editor)
	return b
}

// made makes a ticket as the agent.
func (b *bench) made(kind string, v record.Values) (*record.Record, error) {
	var r *record.Record
	err := b.Gate.Change(b.t.Context(), b.agent, access.Create, gate.Thing{Kind: kind, Org: b.org}, func(tx *gate.Tx) (err error) {
		w := record.Values{"name": "No mail", "contact_id": b.customer, "organization_id": b.org}
		for k, x := range v {
			w[k] = x
		}
		r, err = b.Records.Create(tx, kind, w)
		return err
	})
	return r, err
}

func (b *bench) mustMake(kind string, v record.Values) *record.Record {
	b.t.Helper()
	r, err := b.made(kind, v)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// changed changes a ticket as the agent.
func (b *bench) changed(r *record.Record, v record.Values) (*record.Record, error) {
	var out *record.Record
	err := b.Gate.Change(b.t.Context(), b.agent, access.Edit, gate.Thing{ID: r.ID}, func(tx *gate.Tx) (err error) {
		out, err = b.Records.Update(tx, r.Kind.Name, r.ID, 0, v)
		return err
	})
	return out, err
}

// whole are values for everything that some state of the kind demands.
func (b *bench) whole(kind string, l *lifecycle.Lifecycle) record.Values {
	b.t.Helper()
	k := b.Records.Kinds.Kind(kind)
	v := record.Values{"team_id": b.one("team", "Service desk")}
	if k.Field("category_id") != nil {
		v["category_id"] = b.one("category", "Software")
	}
	for _, name := range []string{"plan", "backout", "review"} { // which some types demand
		if k.Field(name) != nil {
			v[name] = "<p>Said</p>"
		}
	}
	for _, s := range l.States {
		for _, name := range s.Requires {
			if v[name] != nil {
				continue
			}
			switch f := k.Field(name); f.Type {
			case record.Ref:
				v[name] = map[string]id.ID{"user": b.agent.User, "team": b.one("team", "Service desk"), "service": b.one("service", "E-mail"),
					"category": b.one("category", "Software"), "contact": b.customer}[f.Ref]
			case record.Choice:
				v[name] = f.Choices[0]
			case record.Number, record.Integer:
				v[name] = 1
			case record.Time:
				v[name] = b.Clock.Now().UnixMilli() + int64(len(v)) // an end behind its beginning
			default:
				v[name] = "Said"
			}
		}
	}
	return v
}

// in makes a ticket that is in a state because it came from another house.
func (b *bench) in(kind string, l *lifecycle.Lifecycle, state string, n int) *record.Record {
	b.t.Helper()
	var r *record.Record
	b.Change(func(tx *gate.Tx) (err error) {
		v := b.whole(kind, l)
		v["name"], v["contact_id"], v["organization_id"], v["status"], v["number"] = "Came along", b.customer, b.org, state, n
		r, err = b.Records.Inside().Create(tx, kind, v)
		return err
	})
	if got := r.Values.Text("status"); got != state {
		b.t.Fatalf("what came as %s is %s", state, got)
	}
	return r
}

// TestD16EveryMoveOfEveryTicket tries each pair of states of each lifecycle, and
// each state as a beginning.
func TestD16EveryMoveOfEveryTicket(t *testing.T) {
	b := openBench(t)
	for kind, l := range tickets() {
		if err := l.Fits(b.Records.Kinds.Kind(kind)); err != nil {
			t.Error(err)
		}
		n := 5000
		for _, from := range l.States {
			v := b.whole(kind, l)
			v["status"] = from.Name
			if _, err := b.made(kind, v); (err == nil) != from.Begins || err != nil && !fault.Is(err, fault.Invalid) {
				t.Errorf("a new %s begins as %s: %v", kind, from.Name, err)
			}
			for _, to := range l.States {
				n++
				_, err := b.changed(b.in(kind, l, from.Name, n), record.Values{"status": to.Name})
				allowed := from.Name == to.Name || slices.Contains(from.To, to.Name)
				if kind == change.Kind && from.Name == change.Logged && to.Name == change.Scheduled { // only from a template, see TestChangeTemplates
					if !fault.Is(err, fault.Denied) {
						t.Errorf("a change without a template from %s to %s: %v", from.Name, to.Name, err)
					}
					continue
				}
				if (err == nil) != allowed || err != nil && !fault.Is(err, fault.Invalid) {
					t.Errorf("%s from %s to %s: %v, declared %v", kind, from.Name, to.Name, err, allowed)
				}
			}
		}
	}
}

// TestD15PriorityMatrix holds all nine cells, in the function and in a ticket.
func TestD15PriorityMatrix(t *testing.T) {
	b := openBench(t)
	for urgency, row := range map[string]map[string]string{
		"High": {"High": "1", "Medium": "2", "Low": "3"}, "Medium": {"High": "2", "Medium": "3", "Low": "4"}, "Low": {"High": "3", "Medium": "4", "Low": "5"},
	} {
		for impact, want := range row {
			if got := desk.PriorityOf(urgency, impact); got != want {
				t.Errorf("urgency %s, impact %s: %s, want %s", urgency, impact, got, want)
			}
			r := b.mustMake("incident", record.Values{"urgency": urgency, "impact": impact, "priority": "9"})
			shows(t, r, record.Values{"priority": want})
		}
	}
	if got := desk.PriorityOf("Frantic", "High"); got != "" {
		t.Errorf("what is no grade has the priority %s", got)
	}
}

// TestD03ClosedStaysAsItIs: a closed incident changes no more, but for its problem.
func TestD03ClosedStaysAsItIs(t *testing.T) {
	b := openBench(t)
	r := b.in("incident", incident.Life(), incident.Closed, 4711)
	for field, v := range map[string]any{"name": "Another", "resolution": "<p>Nothing</p>", "team_id": nil, "urgency": "High", "first_call": true} {
		if _, err := b.changed(r, record.Values{field: v}); !fault.Is(err, fault.Invalid) || fault.Say(err).Fields[field] == "" {
			t.Errorf("changing %s gives %v", field, err)
		}
	}
	if _, err := b.changed(r, record.Values{"number": 1}); err != nil {
		t.Errorf("a number that is sent along gives %v", err)
	}
	shows(t, b.get("incident", r.ID), record.Values{"number": int64(4711), "priority": "3"})
}

func TestTicketIsFilledBeforeItIsRefused(t *testing.T) {
	b := openBench(t)
	first := b.mustMake("incident", nil)
	shows(t, first, record.Values{"number": int64(1001), "status": incident.Logged, "priority": "3", "vip": true, "description": "<p>No mail</p>", "owner_id": nil, "final": false})
	if _, err := b.changed(first, record.Values{"status": incident.Active}); !fault.Is(err, fault.Invalid) || fault.Say(err).Fields["category_id"] == "" || fault.Say(err).Fields["owner_id"] != "" {
		t.Errorf("without a category it becomes active: %v", err)
	}
	team := b.one("team", "Infrastructure")
	b.mustUpdate("team", team, record.Values{"member_ids": []id.ID{b.agent.User}})
	mail := b.Make("category", 0, record.Values{"name": "Mailbox", "service_id": b.one("service", "E-mail")})
	b.mustUpdate("contact", b.customer, record.Values{"important": false})
	second := b.mustMake("incident", record.Values{"category_id": mail})
	shows(t, second, record.Values{"number": int64(1002), "status": incident.Active, "owner_id": b.agent.User, "team_id": team, "service_id": b.one("service", "E-mail"), "vip": false})
	third := b.mustMake("incident", record.Values{"category_id": b.one("category", "Other")})
	shows(t, third, record.Values{"status": incident.Active, "service_id": b.one("service", "Service Desk")})
	_, err := b.made("incident", record.Values{"category_id": mail, "service_id": b.one("service", "Network")})
	invalid(t, err, "category_id")
	_, err = b.made("incident", record.Values{"contact_id": nil})
	invalid(t, err, "contact_id")

	solved, err := b.changed(second, record.Values{"status": incident.Resolved, "resolution": "<p>Restarted</p>", "cause_code": "Software"})
	if err != nil {
		t.Fatal(err)
	}
	shows(t, solved, record.Values{"resolved_at": b.Clock.Now().UnixMilli(), "resolved_by_id": b.agent.User, "actual_category_id": mail, "closed_at": nil, "final": false})
	again, err := b.changed(second, record.Values{"status": incident.Active})
	if err != nil {
		t.Fatal(err)
	}
	shows(t, again, record.Values{"resolved_at": nil, "resolved_by_id": nil})
}

func TestNumbersOfTickets(t *testing.T) {
	b := openBench(t)
	r := b.mustMake("incident", nil)
	b.in("incident", incident.Life(), incident.Closed, 1500)
	if next := b.mustMake("incident", nil); next.Values["number"] != int64(1501) {
		t.Errorf("after what came along the number is %v", next.Values["number"])
	}
	if taken := b.in("incident", incident.Life(), incident.Closed, 1001); taken.Values["number"] != int64(1502) {
		t.Errorf("a number that is taken stays %v", taken.Values["number"])
	}
	b.View(b.agent, func(tx *gate.Tx) error {
		hits, err := search.Find(tx, "inc-1001", search.Options{Limit: 5})
		if err != nil || len(hits) != 1 || hits[0].ID != r.ID {
			t.Errorf("the search for INC-1001 gives %+v, %v", hits, err)
		}
		p, err := b.Records.List(tx, "incident", record.Query{Filters: []record.Filter{{Field: "number", Op: record.Eq, Values: []any{int64(1001)}}}})
		if err != nil || len(p.Records) != 1 || p.Records[0].ID != r.ID {
			t.Errorf("the list of number 1001 gives %v", err)
		}
		return nil
	})
}

func TestMasterIncidents(t *testing.T) {
	b := openBench(t)
	master, other := b.mustMake("incident", record.Values{"master": true}), b.mustMake("incident", nil)
	one := b.mustMake("incident", record.Values{"master_id": master.ID})
	for name, err := range map[string]error{
		"its own":           second(b.changed(master, record.Values{"master_id": master.ID})),
		"one of a master":   second(b.changed(master, record.Values{"master_id": other.ID})),
		"one that is none":  second(b.changed(other, record.Values{"master_id": one.ID})),
		"one that is not":   second(b.changed(other, record.Values{"master_id": 99999999})),
		"another of a kind": second(b.changed(other, record.Values{"master_id": b.customer})),
	} {
		if !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Say(err).Fields["master_id"], " ") {
			t.Errorf("a master that is %s gives %v", name, err)
		}
	}
}

func second(_ *record.Record, err error) error { return err }

// TestChangeWaitsForItsTasks: what is not done is not implemented.
func TestChangeWaitsForItsTasks(t *testing.T) {
	b := openBench(t)
	c := b.in(change.Kind, change.Life(), change.Scheduled, 7001)
	work := b.mustMake(task.Kind, record.Values{"contact_id": nil, "change_id": c.ID, "status": task.Accepted})
	shows(t, work, record.Values{"owner_id": b.agent.User, "number": int64(1001)})
	_, err := b.changed(c, record.Values{"status": change.Implemented})
	invalid(t, err, "status")
	if _, err := b.changed(work, record.Values{"status": task.Completed}); !fault.Is(err, fault.Invalid) || fault.Say(err).Fields["actual_effort"] == "" {
		t.Errorf("without an effort: %v", err)
	}
	if _, err := b.changed(work, record.Values{"status": task.Completed, "actual_effort": 1.5}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.changed(c, record.Values{"status": change.Implemented}); err != nil {
		t.Error(err)
	}
	_, err = b.made(task.Kind, record.Values{"contact_id": nil, "change_id": c.ID, "problem_id": b.in(problem.Kind, problem.Life(), problem.Active, 7002).ID})
	invalid(t, err, "change_id")
}

func TestChangeEndsBehindItsBeginning(t *testing.T) {
	b := openBench(t)
	_, err := b.made(change.Kind, record.Values{"scheduled_start": "2026-03-02T18:00", "scheduled_end": "2026-03-02T18:00:00Z"})
	invalid(t, err, "scheduled_end")
	r := b.mustMake(change.Kind, record.Values{"scheduled_start": "2026-03-02T18:00", "scheduled_end": "2026-03-02T20:00:00+01:00"})
	shows(t, r, record.Values{"scheduled_start": int64(1772474400000), "scheduled_end": int64(1772478000000), "status": change.Logged})
}

func TestRequestsAndProblemsBegin(t *testing.T) {
	b := openBench(t)
	shows(t, b.mustMake(request.Kind, nil), record.Values{"status": request.Submitted, "number": int64(1001)})
	shows(t, b.mustMake(request.Kind, record.Values{"team_id": b.one("team", "Applications")}), record.Values{"status": request.Active, "owner_id": b.agent.User})
	_, err := b.made(problem.Kind, nil)
	invalid(t, err, "category_id")
	p := b.mustMake(problem.Kind, record.Values{"category_id": b.one("category", "Software"), "urgency": "High", "contact_id": nil})
	shows(t, p, record.Values{"status": problem.Logged, "priority": "2", "known_error_at": nil})
	p, err = b.changed(p, record.Values{"root_cause": "<p>A full disk</p>"})
	if err != nil {
		t.Fatal(err)
	}
	shows(t, p, record.Values{"known_error_at": b.Clock.Now().UnixMilli()})
}

func TestAnnouncements(t *testing.T) {
	b := openBench(t)
	r := b.mustMake(announcement.Kind, record.Values{"body": "<p>Work on Sunday</p>"})
	shows(t, r, record.Values{"status": announcement.Draft, "publish_on": nil})
	r, err := b.changed(r, record.Values{"status": announcement.Published})
	if err != nil {
		t.Fatal(err)
	}
	shows(t, r, record.Values{"publish_on": "2026-03-02"})
	_, err = b.changed(r, record.Values{"expire_on": "2026-03-01"})
	invalid(t, err, "expire_on")
	_, err = b.made(announcement.Kind, record.Values{"status": announcement.Published})
	invalid(t, err, "body")
}

// TestOpenTickets: what is over, archived, of others or hidden is not among them.
func TestOpenTickets(t *testing.T) {
	b := openBench(t)
	other := b.Org("Elsewhere")
	b.in("incident", incident.Life(), incident.Closed, 1)
	b.mustMake("incident", record.Values{"name": "Third", "urgency": "Low"})
	b.mustMake(request.Kind, record.Values{"name": "Second"})
	b.mustMake("incident", record.Values{"name": "First", "urgency": "High", "impact": "High"})
	hidden := b.mustMake("incident", record.Values{"name": "Hidden", "urgency": "High", "impact": "High"})
	archived := b.mustMake("incident", record.Values{"name": "Archived"})
	b.Change(func(tx *gate.Tx) error {
		if err := b.Records.SetAccess(tx, "incident", hidden.ID, true, nil, nil); err != nil {
			return err
		}
		return b.Records.SetArchived(tx, "incident", archived.ID, true)
	})
	for _, c := range []struct {
		org   id.ID
		limit int
		want  string
		more  bool
	}{{b.org, 9, "First Second Third", false}, {b.org, 2, "First Second", true}, {other, 9, "", false}} {
		b.View(b.agent, func(tx *gate.Tx) error {
			list, more, err := desk.Open(tx, c.org, c.limit)
			var names []string
			for _, x := range list {
				names = append(names, x.Name)
			}
			if got := strings.Join(names, " "); err != nil || got != c.want || more != c.more {
				t.Errorf("the open tickets are %q, more %v, %v; want %q", got, more, err, c.want)
			}
			return nil
		})
	}
}
