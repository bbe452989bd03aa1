package exporter

import (
	"slices"

	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/importer/itglue"
)

// otherKinds are the kinds of documented things that the layout of IT Glue has no
// place for, those first that others refer to.
func (r *run) otherKinds() []*record.Kind {
	return slices.DeleteFunc(r.e.Records.Kinds.Documented(), func(k *record.Kind) bool { return k.Sheet || itglue.Held(k.Name) })
}

// kinds writes all that there is of those kinds, from their declarations.
func (r *run) kinds() error {
	for _, k := range r.otherKinds() {
		r.stage(k.Labels)
		out := &lines{r: r, name: itglue.KindFile(k.Plural)}
		err := r.records(k.Name, r.ids[k.Plural], chunk, func(list []*record.Record) error {
			secrets, err := r.secretsOf(k, list)
			if err != nil {
				return err
			}
			for _, rec := range list {
				if err := out.put(r.whole(rec, secrets)); err != nil {
					return err
				}
			}
			r.did(k.Name, len(list))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tableFor gives the table of a kind whose records are exported; empty for none.
func (r *run) tableFor(kind string) string {
	k := r.e.Records.Kinds.Kind(kind)
	if _, ok := r.ids[k.Plural]; ok {
		return k.Plural
	}
	return ""
}

// whole is a record with all that its kind declares and a caller can set.
func (r *run) whole(rec *record.Record, secrets map[secret.Ref]string) *itglue.Extra {
	var fields []string
	names := map[string]string{}
	for _, f := range rec.Kind.Fields {
		switch {
		case f.ReadOnly && !f.Kept || f.Type == record.Secret:
		case f.Type == record.Ref && r.tableFor(f.Ref) == "" && r.e.Records.Kinds.Kind(f.Ref).Scope == record.OfTenant:
			if n := rec.Names[f.Name]; n != "" && !r.e.Records.Kinds.Kind(f.Ref).Admin {
				names[f.Name] = n
			}
		default:
			fields = append(fields, f.Name)
		}
	}
	x := r.extra(rec, fields)
	for name, v := range rec.Rest {
		if rec.Kind.Field(name) != nil {
			x.Values[name] = v
		}
	}
	x.Kind, x.Names = rec.Kind.Name, names
	if rec.Kind.HasName() {
		x.Values["name"] = rec.Name
	}
	if rec.Kind.Scope == record.OfOrganization && rec.Org != 0 {
		x.Refs["organization_id"] = itglue.RowRef{Table: "organizations", ID: rec.Org.String()}
	}
	if rec.Archived {
		x.Values["archived"] = true
	}
	for _, f := range rec.Kind.Secrets() {
		if text := secrets[secret.Ref{Kind: rec.Kind.Name, Object: rec.ID, Field: f}]; text != "" {
			x.Values[f] = text
		}
	}
	return x
}
