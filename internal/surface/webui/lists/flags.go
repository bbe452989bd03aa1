package lists

import (
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/flag"
)

// mostFlagged is how many records that bear a flag a list looks through.
const mostFlagged = 5000

// narrowByFlag leaves those in the list that bear the flag of the address.
func (l *listing) narrowByFlag(tx *gate.Tx) error {
	n, ok := id.Parse(l.q.Values.Get("flag"))
	if !ok {
		return nil
	}
	l.query.Filters = slices.DeleteFunc(l.query.Filters, func(f record.Filter) bool { return f.Field == "id" })
	list, err := flag.Bearing(tx, n, l.kind.Name, l.org, mostFlagged+1)
	if err != nil {
		return err
	}
	if len(list) > mostFlagged {
		return fault.New(fault.Invalid, "More than %s records bear this flag.", web.Number(mostFlagged)).WithHint("Look at one organization's list, or choose another flag.")
	}
	values := []any{id.ID(0)} // none
	for _, x := range list {
		values = append(values, x)
	}
	l.query.Filters = append(l.query.Filters, record.Filter{Field: "id", Op: record.Eq, Values: values})
	return nil
}

// flagChoice is the select of flags above a list; nil when there are none.
func (l *listing) flagChoice() *ui.Field {
	if len(l.choices[flag.Kind]) == 0 {
		return nil
	}
	out := &ui.Field{Name: "flag", Label: "Flag", Options: []ui.Option{{Label: "Flag: any"}}}
	for _, o := range l.choices[flag.Kind] {
		o.Selected = o.Value == l.q.Values.Get("flag")
		out.Options = append(out.Options, o)
	}
	return out
}
