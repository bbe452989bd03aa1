package shell

import (
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Variant gives a kind as the variant that an address or a form names; the kind
// itself when it names none.
func (v *Visit) Variant(k *record.Kind, said func(field string) string) (*record.Kind, error) {
	if k.Variants == nil || k.Variant != 0 {
		return k, nil
	}
	by, ok := id.Parse(said(k.Variants.By))
	if !ok {
		return k, nil
	}
	err := v.View(func(tx *gate.Tx) (err error) {
		if _, err = v.Records.Get(tx, k.Field(k.Variants.By).Ref, by); err != nil {
			return err
		}
		k, err = v.Records.Shape(tx, k.Name, by)
		return err
	})
	return k, err
}

// NewLabel is what the button that makes a record says. The name of a variant is
// the tenant's own, and stands as it is.
func NewLabel(k *record.Kind) string {
	if k.Variant != 0 {
		return "New " + k.Label
	}
	return "New " + Lower(k.Label)
}

// MostOptions is how many records of a kind stand in a list to choose from; a
// kind that has more is searched instead.
const MostOptions = 300

// Options gives the records of short kinds, in one statement.
func Options(tx *gate.Tx, kinds []string) (map[string][]ui.Option, error) {
	out := map[string][]ui.Option{}
	if len(kinds) == 0 {
		return out, nil
	}
	cond, args := tx.Visible("r")
	in := make([]any, len(kinds))
	for i, k := range kinds {
		in[i] = k
	}
	rows, err := tx.Query(`select o.kind, o.id, o.name from (select r.kind, r.id, r.name, r.name_fold, row_number() over (partition by r.kind order by r.name_fold, r.id) n from record r
		where r.kind in (`+access.Marks(len(kinds))+`) and r.trashed_at is null and r.archived = 0 and `+cond+`) o where o.n <= ? order by o.kind, o.n`,
		append(append(in, args...), MostOptions+1)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var kind, name string
		var rid int64
		if err := rows.Scan(&kind, &rid, &name); err != nil {
			return nil, err
		}
		out[kind] = append(out[kind], ui.Option{Value: id.ID(rid).String(), Label: name})
	}
	return out, rows.Err()
}
