package ivanti

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/view"
)

// searched is the ActionId that a GET names, in the query or in a body of JSON; "" for
// none.
func (c *call) searched() (string, error) {
	for name, v := range c.r.URL.Query() {
		if strings.EqualFold(name, "ActionId") && v[0] != "" {
			return v[0], nil
		}
	}
	body, err := c.body()
	if err != nil {
		return "", err
	}
	s, _ := member(body, "ActionId").(string)
	return s, nil
}

func viewID(v view.View) string { return guid("search", v.ID.RecID()) }

// saved answers GET of a saved search: a view that somebody saved, her own or everybody's,
// by its ActionId or by its name with underscores for spaces.
func (c *call) saved(o *object, actionID string) error {
	name := c.r.PathValue("id")
	return c.listing(o, func(tx *gate.Tx) (record.Query, error) {
		list, err := view.List(tx, o.kind.Name, o.kind.Variant)
		if err != nil {
			return record.Query{}, err
		}
		n := slices.IndexFunc(list, func(v view.View) bool { return sameID(viewID(v), actionID) })
		if n < 0 {
			n = slices.IndexFunc(list, func(v view.View) bool { return record.Fold(underscored(v.Name)) == record.Fold(underscored(name)) })
		}
		if n < 0 {
			return record.Query{}, gate.Missing()
		}
		q, err := list[n].Asks(o.kind)
		if fault.Is(err, fault.Invalid) {
			err = fault.Wrap(err, fault.Invalid, "The view %s cannot be read here: %s", list[n].Name, fault.Say(err).Text).WithHint("Save it again without that.")
		}
		return q, err
	}, nil)
}

// narrowed is a query that keeps to what another one asks for. The order is its own when
// it says one.
func narrowed(from, by record.Query, ordered bool) record.Query {
	from.Any, from.Limit, from.Offset = by.Any, by.Limit, by.Offset
	from.Filters = append(slices.Clip(from.Filters), by.Filters...)
	if ordered || len(from.Sort) == 0 {
		from.Sort = by.Sort
	}
	return from
}
