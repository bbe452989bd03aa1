package sla

import (
	"maps"
	"slices"
	"time"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/sla/clock"
)

// The facts of a ticket: what came of its clocks, as fields by which lists and reports
// narrow and sum. They follow from the events of the ticket alone.
const (
	ResponseTime   = "response_minutes"   // until somebody answered
	ResponseLate   = "response_late"      // whether that was later than promised; not set where nothing was
	ResolutionTime = "resolution_minutes" // until it was done, without the waiting
	ResolutionLate = "resolution_late"
	Reopened       = "reopened" // how often it was opened again; not set for never
)

// FactsVersion changes when facts are computed in another way, so that those that are
// kept are computed anew.
const FactsVersion = 1

// FactNames lists the facts.
func FactNames() []string {
	return []string{ResponseTime, ResponseLate, ResolutionTime, ResolutionLate, Reopened}
}

// FactFields are the fields of the facts.
func FactFields() []record.Field {
	field := func(name, label string, t record.Type) record.Field {
		return record.Field{Name: name, Label: label, Type: t, Class: record.Internal, ReadOnly: true, Filter: true, Group: "Service level"}
	}
	return []record.Field{
		field(ResponseTime, "Minutes until the response", record.Integer), field(ResponseLate, "Response was late", record.Bool),
		field(ResolutionTime, "Minutes until the resolution", record.Integer), field(ResolutionLate, "Resolution was late", record.Bool),
		field(Reopened, "Times opened again", record.Integer),
	}
}

// Facts are what came of a ticket's clocks: of those that are over, and of none before.
// Minutes are those of the agreement's hours where something was promised, else of all
// hours.
func Facts(events []clock.Event, list []clock.Clock) record.Values {
	out := record.Values{}
	if len(events) == 0 || events[0].Phase == clock.Done || events[0].Phase == clock.Dropped { // it came along like this
		return out
	}
	put := func(m clock.Measure, minutes, late string, plain time.Duration, over bool) {
		i := slices.IndexFunc(list, func(c clock.Clock) bool { return c.Measure == m })
		switch {
		case i >= 0 && list[i].State == clock.Met:
			out[minutes], out[late] = int64(list[i].Elapsed/time.Minute), list[i].Breached
		case i < 0 && over:
			out[minutes] = int64(plain / time.Minute)
		}
	}
	p := passed(events)
	put(clock.Response, ResponseTime, ResponseLate, p.response, p.answered)
	put(clock.Resolution, ResolutionTime, ResolutionLate, p.resolution, p.phase == clock.Done)
	if p.reopened > 0 {
		out[Reopened] = p.reopened
	}
	return out
}

// passing is what passed of a ticket whose hours are all hours.
type passing struct {
	response, resolution time.Duration
	answered             bool
	reopened             int64
	phase                clock.Phase
}

// passed goes through the events of a ticket, which are in order.
func passed(events []clock.Event) (p passing) {
	at := events[0].At
	for _, e := range events {
		if p.phase == clock.New || p.phase == clock.Working {
			p.resolution += e.At.Sub(at)
			if !p.answered {
				p.response += e.At.Sub(at)
			}
		}
		at = e.At
		p.answered = p.answered || e.Answered || e.Phase == clock.Done || p.phase == clock.New && e.Phase != "" && e.Phase != clock.New
		if p.phase == clock.Done && e.Phase != "" && e.Phase != clock.Done && e.Phase != clock.Dropped {
			p.reopened++
		}
		if e.Phase != "" {
			p.phase = e.Phase
		}
	}
	return p
}

// keepFacts writes the facts of a ticket, and when the next of its clocks runs out, where
// they differ from what its row has.
func keepFacts(tx *gate.Tx, r *record.Record, due any, facts record.Values) error {
	set, args := "", []any(nil)
	was := *r
	was.Values = maps.Clone(r.Values)
	put := func(name string, v any) {
		if r.Kind.Field(name) == nil || r.Values[name] == v {
			return
		}
		if set != "" {
			set += ", "
		}
		set, args = set+name+" = ?", append(args, v)
		if delete(r.Values, name); v != nil {
			r.Values[name] = v
		}
	}
	put(Due, due)
	for _, name := range FactNames() {
		put(name, facts[name])
	}
	if set == "" {
		return nil
	}
	_, err := tx.Exec(`update `+r.Kind.Table()+` set `+set+` where id = ?`, append(args, int64(r.ID))...)
	if err != nil || r.Trashed != 0 {
		return err
	}
	return r.Kind.Days.Move(tx, r.Total(), was.Value, r.Value)
}

// Recount computes anew what follows from the events of a ticket and is kept.
func Recount(tx *gate.Tx, r *record.Record) error {
	events, err := Events(tx, r.ID)
	if err != nil || len(events) == 0 {
		return err
	}
	return look(tx, r, events)
}
