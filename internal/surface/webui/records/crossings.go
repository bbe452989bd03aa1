package records

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/relation"
)

// crossing is what a move leaves between two organizations.
type crossing struct {
	refs    []relation.Crossing
	related []string // by hand, which stay so
}

// crossings finds what leads over the border once a record is moved.
func (v *visit) crossings(tx *gate.Tx, r *record.Record) (c crossing, err error) {
	s := &relation.Relations{Records: v.Records}
	if c.refs, err = s.Crossings(tx, r); err != nil {
		return c, err
	}
	list, err := s.List(tx, r.ID)
	for _, it := range list {
		if it.ID != 0 {
			c.related = append(c.related, it.Name)
		}
	}
	return c, err
}

// mostCrossings is how many references a page names.
const mostCrossings = 20

// words names the references.
func (c crossing) words() string {
	var out []string
	for _, x := range c.refs[:min(len(c.refs), mostCrossings)] {
		if x.Own {
			out = append(out, "its "+x.Label+": "+x.Name)
			continue
		}
		out = append(out, x.Name+" ("+x.Label+")")
	}
	if n := len(c.refs) - mostCrossings; n > 0 {
		out = append(out, "and more")
	}
	return strings.Join(out, ", ")
}

// fields say what a move does with them, and ask.
func (c crossing) fields() (out []ui.Field) {
	if len(c.related) > 0 {
		names := slices.Compact(slices.Sorted(slices.Values(c.related)))
		more := ""
		if len(names) > mostCrossings {
			names, more = names[:mostCrossings], " and more"
		}
		out = append(out, ui.Field{Type: "note", Text: "These stay related to it: " + strings.Join(names, ", ") + more + ". Each end shows the other to who may see it."})
	}
	if len(c.refs) > 0 {
		out = append(out,
			ui.Field{Type: "note", Text: "These references would lead from one organization into another: " + c.words() + "."},
			ui.Field{Name: "drop", Label: "Take these references out", Type: "checkbox", Wide: true, Hint: "Otherwise it cannot be moved. Each record that gives one up has a version of its own in its history."})
	}
	return out
}

// drop takes the references out of the records that have them, as changes of their own,
// and gives the values of the moved record's own; it refuses where that was not asked for,
// or where a record cannot be without one.
func (v *visit) drop(tx *gate.Tx, r *record.Record, c crossing, wanted bool) (record.Values, error) {
	if len(c.refs) > 0 && !wanted {
		return nil, fault.Field("drop", "References would lead from one organization into another: %s.", c.words()).WithHint("Say that they are taken out, or change those records first.")
	}
	own := record.Values{}
	for _, x := range c.refs {
		if x.Required {
			return nil, fault.Field("drop", "%s must have a value in %s, and names this one.", x.Name, x.Label).WithHint("Give it another value there first.")
		}
		if x.Own {
			if own[x.Field] == nil {
				own[x.Field] = r.Values[x.Field]
			}
			own[x.Field] = lacking(own[x.Field], x.To)
			continue
		}
		other, err := v.Records.Get(tx, x.Kind, x.Record)
		if err != nil {
			return nil, err
		}
		if _, err := v.Records.Update(tx, x.Kind, x.Record, other.Version, record.Values{x.Field: lacking(other.Values[x.Field], x.To)}); err != nil {
			return nil, err
		}
	}
	return own, nil
}

// lacking is a reference, or a list of them, without one.
func lacking(value any, to id.ID) any {
	list, ok := value.([]id.ID)
	if !ok {
		return nil
	}
	list = slices.DeleteFunc(slices.Clone(list), func(n id.ID) bool { return n == to })
	if len(list) == 0 {
		return nil
	}
	return list
}
