package asked

import (
	"fmt"
	"slices"
	"strings"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/itglue/value"
)

// Condition reads one filter of a list; false when it says nothing.
func (r *Names) Condition(f jsonapi.Filter) (record.Filter, bool) {
	how, known := r.Filters[f.Name]
	if !known {
		if foreign(f.Name) && strings.TrimSpace(f.Raw) != "" {
			return record.Filter{Field: "id", Op: record.Eq}, true
		}
		return record.Filter{}, false
	}
	parts, plain := jsonapi.Split(f.Raw)
	if how == value.SortID && (len(parts) == 0 && f.Name == r.NullRef || len(parts) == 1 && strings.EqualFold(parts[0], "null")) {
		return record.Filter{Field: f.Name, Op: nullOp(f.Op)}, true
	}
	if len(parts) == 0 {
		return record.Filter{}, false
	}
	parts = r.numbers(f.Name, parts)
	if f.Op == jsonapi.Range || how == value.SortTime || how == value.SortDay && !plain {
		return span(f, how, parts)
	}
	out := record.Filter{Field: f.Name, Op: record.Eq, Values: value.AllOf(how, parts)}
	if f.Op == jsonapi.Not {
		out.Op = record.Ne
	}
	if how == value.SortText && !plain { // Acme, Inc without an escape
		out.Values = append(out.Values, value.AllOf(how, []string{strings.TrimSpace(strings.ReplaceAll(f.Raw, `\,`, `,`))})...)
	}
	return out, true
}

// numbers takes what stands before the numbers of a series from them: 1042 of INC-1042.
func (r *Names) numbers(name string, parts []string) []string {
	f := r.Kind.Field(name)
	if f == nil || f.Series == "" {
		return parts
	}
	out := slices.Clone(parts)
	for i, p := range out {
		if n, err := f.Parse(p); err == nil && n != nil {
			out[i] = fmt.Sprint(n)
		}
	}
	return out
}

func nullOp(op jsonapi.Op) record.Op {
	if op == jsonapi.Not {
		return record.NotNull
	}
	return record.Null
}

// span reads start,end, where * is an open end; one value alone is the day or
// moment it names.
func span(f jsonapi.Filter, how value.Sort, parts []string) (record.Filter, bool) {
	out := record.Filter{Field: f.Name, Op: record.Range, Values: []any{nil, nil}}
	if len(parts) == 1 {
		parts = append(parts, parts[0])
	}
	if f.Op == jsonapi.Not || how == value.SortText || how == value.SortBool {
		return record.Filter{}, false
	}
	for i, p := range parts[:2] {
		if p == "*" {
			continue
		}
		v, ok := value.Bound(how, p, i == 1)
		if !ok {
			return record.Filter{Field: f.Name, Op: record.Eq}, true // nothing lies there
		}
		out.Values[i] = v
	}
	return out, true
}

// Order gives the order that is asked for; names that are not known are left out.
func (r *Names) Order(q jsonapi.Query) []record.Order {
	var out []record.Order
	for _, o := range q.Sort {
		if r.Sorts[o.Name] && !slices.ContainsFunc(out, func(x record.Order) bool { return x.Field == o.Name }) {
			out = append(out, record.Order{Field: o.Name, Desc: o.Desc})
		}
	}
	return out[:min(len(out), 8)]
}

// Strict reads the filters of a deletion, where nothing may be misunderstood.
func (r *Names) Strict(q jsonapi.Query) ([]record.Filter, error) {
	if len(q.Strange) > 0 {
		return nil, jsonapi.Malformed("There is a filter of an unknown form; nothing was deleted.")
	}
	var out []record.Filter
	for _, f := range q.Filters {
		how, known := r.Filters[f.Name]
		parts, plain := jsonapi.Split(f.Raw)
		name := jsonapi.Kebab(f.Name)
		switch {
		case !known:
			return nil, jsonapi.Malformed("There is no filter %.60s; nothing was deleted.", name)
		case r.Special != nil && r.Special(f.Name):
			return nil, jsonapi.Malformed("The filter %s cannot name what is deleted; nothing was deleted.", name)
		case f.Op == jsonapi.Not:
			return nil, jsonapi.Malformed("What is deleted must be named, not excluded; nothing was deleted.")
		case len(parts) == 0:
			return nil, jsonapi.Malformed("The filter %s is empty; nothing was deleted.", name)
		case how == value.SortText && !plain:
			return nil, jsonapi.Malformed("A comma in the filter %s could mean two things; nothing was deleted.", name).
				WithHint(`Write it as \, when it belongs to the value, or name what to delete by its id.`)
		}
		one, ok := r.Condition(f)
		if !ok || one.Op != record.Range && one.Op != record.Null && len(one.Values) != len(parts) {
			return nil, jsonapi.Malformed("The filter %s cannot be read; nothing was deleted.", name)
		}
		if one.Op == record.Range && one.Values[0] == nil && one.Values[1] == nil {
			return nil, jsonapi.Malformed("The filter %s is open at both ends; nothing was deleted.", name)
		}
		out = append(out, one)
	}
	return out, nil
}

// foreign are filters that ask for ids of other systems, which no record here
// has: they find nothing.
func foreign(name string) bool {
	switch name {
	case "psa_id", "psa_integration_type", "rmm_id", "rmm_integration_type", "my_glue_account_id", "salesforce_id":
		return true
	}
	return false
}
