package desk

import (
	"reflect"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// MergedInto is the field of a ticket that names the one into which it was merged.
const MergedInto = "merged_into_id"

// Merged is that field, of a kind whose tickets can be merged; what merges sets it.
func Merged(kind string) record.Field {
	return record.Field{Name: MergedInto, Label: "Merged into", Type: record.Ref, Ref: kind, Class: record.Internal, ReadOnly: true, Kept: true, Filter: true, Group: "Belongs to"}
}

// merging tells whether a ticket is being merged into another.
func merging(now, old *record.Record) bool {
	return old != nil && now.Values.ID(MergedInto) != 0 && old.Values.ID(MergedInto) == 0
}

// mergedTicket closes a ticket that is being merged, and keeps one that is as it is. Its
// lifecycle is not asked: what a state demands of work that is done cannot be said of work that
// goes on in another ticket.
func (s *Rules) mergedTicket(now, old *record.Record, at int64, who id.ID) error {
	if merging(now, old) && old.Values.Bool("final") { // it was closed where it comes from, and stays as it was there
		return nil
	}
	if merging(now, old) {
		delete(now.Values, "resolved_at") // it is not solved: nobody is asked how that was
		delete(now.Values, "resolved_by_id")
		now.Values[s.Life.Field], now.Values["final"], now.Values["closed_at"] = s.Final[0], true, at
		if who != 0 {
			now.Values["closed_by_id"] = who
		}
		return nil
	}
	for i := range now.Kind.Fields {
		if f := &now.Kind.Fields[i]; !reflect.DeepEqual(now.Values[f.Name], old.Values[f.Name]) {
			return fault.Field(f.Name, "%s cannot be changed any more: this was merged into another ticket.", f.Title()).WithHint("Change that one.")
		}
	}
	if now.Name != old.Name || now.Org != old.Org {
		return fault.New(fault.Invalid, "This was merged into another ticket and stays as it is.").WithHint("Change that one.")
	}
	return nil
}
