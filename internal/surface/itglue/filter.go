package itglue

import (
	"strings"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// filters turns what was asked into conditions. What is not known is left out.
func (r *resource) filterList(tx *gate.Tx, q jsonapi.Query) ([]record.Filter, error) {
	var out []record.Filter
	for _, f := range q.Filters {
		if read := r.special.filter[f.Name]; read != nil && f.Op == jsonapi.Plain && strings.TrimSpace(f.Raw) != "" {
			parts, _ := jsonapi.Split(f.Raw)
			one, err := read(tx, parts)
			if err != nil {
				return nil, err
			}
			out = append(out, one)
			continue
		}
		if one, ok := r.asked.Condition(f); ok {
			out = append(out, one)
		}
	}
	return out, nil
}

// order gives the order that is asked for, or the resource's own.
func (r *resource) order(q jsonapi.Query) []record.Order {
	if out := r.asked.Order(q); len(out) > 0 {
		return out
	}
	return r.special.sort
}
