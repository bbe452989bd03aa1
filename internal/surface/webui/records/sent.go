package records

import (
	"slices"

	"strongroom/internal/base/web"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// sent reads what a form sent: as it was typed, for the engine to check, and to
// show again when it is refused.
func sent(k *record.Kind, f *web.Form) record.Values {
	out := record.Values{}
	for i := range k.Fields {
		x := &k.Fields[i]
		if x.ReadOnly || x.Type == record.Files || x.Type == record.Time && !f.Has(x.Name) {
			continue
		}
		switch {
		case x.Type != record.Secret && f.Bool(clears(x)):
			out[x.Name] = nil
		case x.Type == record.Rows:
			if lines := f.Rows(x.Name); len(lines) > 0 || slices.Contains(f.All("rows"), x.Name) {
				out[x.Name] = sentRows(x, lines)
			}
		case !f.Has(x.Name):
		case x.Type == record.Secret:
			if s := f.Raw(x.Name); s != "" {
				out[x.Name] = s
			}
		case x.Type == record.Bool:
			out[x.Name] = f.Bool(x.Name)
		default:
			out[x.Name] = f.Text(x.Name)
		}
	}
	if k.Scope == record.OfOrganization && f.Has("organization_id") {
		out["organization_id"] = f.Text("organization_id")
	}
	return out
}

func sentRows(x *record.Field, lines []map[string]string) []map[string]any {
	out := []map[string]any{}
	for _, line := range lines {
		row := map[string]any{}
		for i := range x.Rows {
			c := &x.Rows[i]
			s, ok := line[rowColumn(c)]
			if !ok || c.ReadOnly {
				continue
			}
			row[c.Name] = s
			if c.Type == record.Bool {
				row[c.Name] = s != "" && s != "0"
			}
		}
		out = append(out, row)
	}
	return out
}

// leaveUnset drops ticks that are not set where nothing was said before: an
// empty box does not tell no from unknown.
func (v *visit) leaveUnset(tx *gate.Tx, k *record.Kind, rid id.ID, values record.Values) error {
	var old *record.Record
	for _, f := range k.Fields {
		if f.Type != record.Bool || f.Default != nil || values[f.Name] != false {
			continue
		}
		if old == nil {
			var err error
			if old, err = v.Records.Get(tx, k.Name, rid); err != nil {
				return err
			}
		}
		if old.Values[f.Name] == nil {
			delete(values, f.Name)
		}
	}
	return nil
}
