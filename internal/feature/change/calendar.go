package change

import (
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// FreezeKind is the kind of the times in which nothing is changed.
const FreezeKind = "change_freeze"

func freezes() *record.Kind {
	moment := func(name, label string) record.Field {
		return record.Field{Name: name, Label: label, Type: record.Time, Format: record.Moment, Class: record.Internal, Filter: true, Sort: true, List: true}
	}
	begins, ends := moment("begins_at", "Begins"), moment("ends_at", "Ends")
	begins.Required, ends.Hint = true, "Left empty, it lasts until somebody ends it."
	return &record.Kind{
		Name: FreezeKind, Plural: "change_freezes", Label: "Change freeze", Labels: "Change freezes", Icon: "calendar",
		Scope: record.OfOrganization, Shared: true, Before: beforeFreeze,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			begins, ends,
			{Name: "reason", Type: record.Multiline, Class: record.Internal, Search: true, Hint: "Read by who would change something then."},
		},
	}
}

func beforeFreeze(_ *gate.Tx, now, _ *record.Record) error {
	from, begins := now.Values["begins_at"].(int64)
	if to, ends := now.Values["ends_at"].(int64); begins && ends && to <= from {
		return fault.Field("ends_at", "It ends before it begins.")
	}
	return nil
}

// Freezes are the times in which an organization, 0 for any, has nothing changed, of those
// that have some of their time between two others, the earliest first.
func Freezes(tx *gate.Tx, e *record.Engine, org id.ID, from, to int64) ([]*record.Record, error) {
	p, err := e.List(tx, FreezeKind, record.Query{Archived: "no", Limit: 200, NoTotal: true, Sort: []record.Order{{Field: "begins_at"}},
		Filters: []record.Filter{{Field: "begins_at", Op: record.Range, Values: []any{nil, to - 1}}},
		Any:     [][]record.Filter{{{Field: "ends_at", Op: record.Range, Values: []any{from + 1, nil}}}, {{Field: "ends_at", Op: record.Null}}}})
	if err != nil {
		return nil, err
	}
	var out []*record.Record
	for _, r := range p.Records {
		if org == 0 || r.Org == 0 || r.Org == org {
			out = append(out, r)
		}
	}
	return out, nil
}

// MostPlanned is how many changes a calendar shows at once.
const MostPlanned = 200

// Planned are the changes of an organization, 0 for any, that are asked for or decided and
// have some of their time between two others, the earliest first.
func Planned(tx *gate.Tx, e *record.Engine, org id.ID, from, to int64) ([]*record.Record, error) {
	q := record.Query{Org: org, Archived: "no", Limit: MostPlanned, NoTotal: true, Sort: []record.Order{{Field: "scheduled_start"}}, Filters: []record.Filter{
		{Field: "scheduled_start", Op: record.Range, Values: []any{nil, to - 1}}, {Field: "scheduled_end", Op: record.Range, Values: []any{from + 1, nil}},
		{Field: "status", Op: record.Eq, Values: []any{Requested, PendingApproval, Scheduled, Implemented}}}}
	p, err := e.List(tx, Kind, q)
	if err != nil {
		return nil, err
	}
	return p.Records, nil
}

// frozen refuses to schedule a change into a freeze, unless it is an emergency.
func frozen(tx *gate.Tx, now, old *record.Record) error {
	from, begins := now.Values["scheduled_start"].(int64)
	to, ends := now.Values["scheduled_end"].(int64)
	if now.Values.Text("status") != Scheduled || now.Values.Text("change_type") == "Emergency" || !begins || !ends || to <= from {
		return nil
	}
	if old != nil && old.Values.Text("status") == Scheduled && old.Values["scheduled_start"] == from && old.Values["scheduled_end"] == to {
		return nil // it was there first
	}
	list, err := Freezes(tx, now.Kind.Engine(), now.Org, from, to)
	if err != nil || len(list) == 0 {
		return err
	}
	until := "somebody ends it"
	if at, ok := list[0].Values["ends_at"].(int64); ok {
		until = time.UnixMilli(at).UTC().Format("2 January 2006, 15:04") + " UTC"
	}
	return fault.Field("scheduled_start", "Nothing is changed then: %s, until %s.", list[0].Name, until).WithHint("Choose another time. An emergency change is let through.")
}
