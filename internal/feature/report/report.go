// Package report counts, sums and compares records, by what a list can be narrowed and
// grouped by.
//
// Always true: a report is a question, and its answer is made anew for each reader by the
// condition that decides her lists, so each number is that of the list it names, and what
// she may not see is in none; what came of a ticket's clocks is read from its fields, which
// follow from its events and can be computed anew at any time.
package report

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/view"
)

// Measure is what is told of the records of a cell.
type Measure string

// The measures. Those of a field are of the records on which it is set.
const (
	Count  Measure = "count"  // how many there are
	Sum    Measure = "sum"    // of a number
	Mean   Measure = "mean"   // of a number
	Median Measure = "median" // of a number: half are not above it
	P90    Measure = "p90"    // of a number: nine of ten are not above it
	Within Measure = "within" // the part of which a yes-or-no field says no: not late
)

// Measures lists them.
func Measures() []Measure { return []Measure{Count, Sum, Mean, Median, P90, Within} }

// What records are grouped by, besides fields.
const (
	ByOrg   = "organization_id"
	ByDay   = "day" // of Ask.Time, in UTC
	ByWeek  = "week"
	ByMonth = "month"
	ByAge   = "age" // how long Ask.Time is past
)

// Timed tells whether a group is of a time.
func Timed(group string) bool { return slices.Contains([]string{ByDay, ByWeek, ByMonth}, group) }

// Periods are the choices of days that a report goes back; 0 is all that there is.
func Periods() []int { return []int{7, 30, 90, 365, 0} }

// Ask is a report: a question to the records of one kind.
type Ask struct {
	Kind    string  `json:"kind"`
	Query   string  `json:"query,omitempty"` // narrows it, as the address of a list and a saved view do
	Time    string  `json:"time,omitempty"`  // the field whose moment lies in the period, or that is grouped by
	Days    int     `json:"days,omitempty"`  // the period: so many days until today, in UTC; 0 is all
	Group   string  `json:"group,omitempty"` // a field, or one of the words above; empty is one number
	Measure Measure `json:"measure"`
	Of      string  `json:"of,omitempty"` // the field of the measure, but for Count
}

// Cell is one number of an answer, and the list that it is of.
type Cell struct {
	Label  string
	Hidden bool // it is of a record that the reader does not see by name
	Value  float64
	N      int64      // of so many records
	Org    id.ID      // the list is this organization's; 0 is all
	Query  url.Values // the address of the list
}

// Answer is what an Ask comes to for one reader.
type Answer struct {
	Ask   Ask
	Cells []Cell // of each group: by time, or the largest first
	Total Cell
	More  bool // there are smaller groups that are not told apart; they are in the total
}

// mostGroups is how many groups are told apart, but for those of time.
const mostGroups, mostTimes = 40, 800

// timeField finds the column of a time.
func timeField(k *record.Kind, name string) bool {
	if name == "created_at" || name == "updated_at" {
		return true
	}
	f := k.Field(name)
	return f != nil && f.Type == record.Time && (f.Filter || f.Sort)
}

// Groups are the fields by which the records of a kind can be grouped.
func Groups(k *record.Kind) (out []*record.Field) {
	for i := range k.Fields {
		f := &k.Fields[i]
		if f.Trait == 0 && (f.Filter && (f.Type == record.Choice || f.Type == record.Bool) || f.Type == record.Ref) {
			out = append(out, f)
		}
	}
	return out
}

// Times are the fields that say when.
func Times(k *record.Kind) []string {
	out := []string{"created_at", "updated_at"}
	for _, f := range k.Fields {
		if timeField(k, f.Name) {
			out = append(out, f.Name)
		}
	}
	return out
}

// Measured are the fields of a measure.
func Measured(k *record.Kind, m Measure) (out []*record.Field) {
	for i := range k.Fields {
		f := &k.Fields[i]
		number := f.Type == record.Integer && f.Series == "" || f.Type == record.Number
		if f.Filter && f.Trait == 0 && (m == Within && f.Type == record.Bool || m != Within && m != Count && number) {
			out = append(out, f)
		}
	}
	return out
}

// Of tells whether reports can be of a kind: of what belongs to organizations, and has a list.
func Of(k *record.Kind) bool {
	return k != nil && k.Scope == record.OfOrganization && k.Variants == nil && !k.Admin
}

// check gives what is wrong with a question, and the list's question without its groups.
func (a Ask) check(kinds *record.Registry) (*record.Kind, record.Query, error) {
	var q record.Query
	k := kinds.Kind(a.Kind)
	if !Of(k) {
		return nil, q, fault.Field("kind", "There are no reports of this.")
	}
	named := func(list []*record.Field, name string) bool {
		return slices.ContainsFunc(list, func(f *record.Field) bool { return f.Name == name })
	}
	timed := Timed(a.Group) || a.Group == ByAge || a.Days > 0
	switch {
	case !slices.Contains(Measures(), a.Measure):
		return nil, q, fault.Field("measure", "What is told is none of what can be.")
	case a.Measure != Count && !named(Measured(k, a.Measure), a.Of):
		return nil, q, fault.Field("of", "This cannot be told of that field.").WithHint("Choose another field, or count the records.")
	case a.Measure == Count && a.Of != "":
		return nil, q, fault.Field("of", "Records are counted without a field.")
	case a.Group != "" && a.Group != ByOrg && !timed && !named(Groups(k), a.Group), a.Group != "" && a.Group != ByOrg && a.Group != ByAge && !Timed(a.Group) && !named(Groups(k), a.Group):
		return nil, q, fault.Field("group", "%s cannot be grouped by this.", k.Labels)
	case !slices.Contains(Periods(), a.Days):
		return nil, q, fault.Field("days", "A period is of 7, 30, 90 or 365 days, or of all.")
	case timed && !timeField(k, a.Time):
		return nil, q, fault.Field("time", "Say which moment the period is of.")
	}
	q, err := view.View{Query: a.Query}.Asks(k)
	if err != nil {
		return nil, q, fault.Wrap(err, fault.Invalid, "The list cannot be reported on: %s", strings.TrimSuffix(fault.Say(err).Text, ".")+".")
	}
	q.Sort = nil
	if slices.ContainsFunc(q.Filters, func(f record.Filter) bool { return f.Field == a.Time && f.Op == record.Range }) {
		return nil, q, fault.Field("time", "The list is narrowed by this moment already.").WithHint("Take that out of the view, or choose another moment.")
	}
	return k, q, nil
}

// Check refuses a question that cannot be asked.
func (a Ask) Check(kinds *record.Registry) error {
	_, _, err := a.check(kinds)
	return err
}

// span is the period in Unix milliseconds, the second excluded: whole days in UTC, today's included.
func (a Ask) span(now int64) (from, before int64) {
	if a.Days == 0 {
		return 0, 0
	}
	today := now - now%day
	return today - int64(a.Days-1)*day, today + day
}

const day = int64(24 * time.Hour / time.Millisecond)
