package exporter

import (
	"fmt"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/core/sealed"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/importer/itglue"
)

// lacking is a sealed field of a kind.
type lacking struct{ table, field string }

// unseal puts the values of sealed fields into records, where the tenant's setting lets
// them out. Each is looked at once: where a record is read again in the same export, what
// was given the first time is taken without another entry.
func (r *run) unseal(list []*record.Record) error {
	if r.o.NoSecrets {
		return nil
	}
	var first, again []secret.Ref
	of := map[secret.Ref]*record.Record{}
	for _, rec := range list {
		for _, field := range rec.Hidden {
			ref := secretRef(rec, field)
			of[ref] = rec
			given, seen := r.looked[ref]
			switch {
			case given:
				again = append(again, ref)
			case !seen:
				first = append(first, ref)
			}
		}
	}
	if len(first) > 0 && (!r.fields || r.e.Fields == nil) {
		for _, ref := range first {
			r.looked[ref] = false
			r.report.Withheld++
			r.lacking[lacking{of[ref].Kind.Plural, title(of[ref], ref.Field)}]++
		}
		return nil
	}
	if len(first) > 0 {
		err := r.e.Fields(r.ctx, r.c, first, r.o.Reason, func(ref secret.Ref, value any, withheld error) error {
			r.looked[ref] = withheld == nil
			if withheld != nil {
				rec := of[ref]
				r.report.Withheld++
				r.withheld = append(r.withheld, itglue.Withheld{Table: rec.Kind.Plural, ID: rec.ID.String(), Name: rec.Name, Field: title(rec, ref.Field), Why: fault.Say(withheld).Text})
			}
			put(of[ref], ref.Field, value)
			return nil
		})
		if err != nil {
			return err
		}
	}
	if len(again) == 0 {
		return nil
	}
	return r.view(func(tx *gate.Tx) error {
		for _, ref := range again {
			v, _, err := sealed.Get(tx, sealed.Place{Kind: ref.Kind, Record: ref.Object, Field: ref.Field}, 0)
			if err != nil {
				return err
			}
			put(of[ref], ref.Field, v)
		}
		return nil
	})
}

// put gives a record the value of a field, as the field holds it now.
func put(rec *record.Record, field string, value any) {
	if f := rec.Kind.Field(field); f != nil && value != nil {
		if v, err := f.Parse(value); err == nil {
			rec.Values[field] = v
		}
	}
}

func title(rec *record.Record, field string) string {
	if f := rec.Kind.Field(field); f != nil {
		return f.Title()
	}
	return field
}

// sealedLacks says how many values of sealed fields were left out by the setting.
func (r *run) sealedLacks(out *lines) error {
	keys := make([]lacking, 0, len(r.lacking))
	for k := range r.lacking {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b lacking) int { return slices.Compare([]string{a.table, a.field}, []string{b.table, b.field}) })
	for _, k := range keys {
		why := fmt.Sprintf("The field is sealed, and the tenant's setting keeps sealed fields out of exports; values left out: %d.", r.lacking[k])
		if err := out.put(itglue.Withheld{Table: k.table, Field: k.field, Why: why}); err != nil {
			return err
		}
	}
	return nil
}
