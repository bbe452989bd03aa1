package records

import (
	"net/url"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/shell"
)

// variant gives a kind as the variant that an address or a form names; the kind
// itself when it names none.
func (v *visit) variant(k *record.Kind, said func(field string) string) (*record.Kind, error) {
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

// variantToMake gives a kind as the variant of which a new record is to be: as the
// address says, or as the record is that is copied. The kind itself when neither
// says it.
func (v *visit) variantToMake(k *record.Kind, q url.Values) (*record.Kind, error) {
	k, err := v.variant(k, q.Get)
	from, ok := id.Parse(q.Get("from"))
	if err != nil || k.Variants == nil || k.Variant != 0 || !ok {
		return k, err
	}
	return v.variantOf(k, from)
}

// variantOf gives a kind as the variant that a record of it is.
func (v *visit) variantOf(k *record.Kind, rid id.ID) (*record.Kind, error) {
	if k.Variants == nil {
		return k, nil
	}
	err := v.View(func(tx *gate.Tx) error {
		r, err := v.Records.Get(tx, k.Name, rid)
		if err == nil {
			k = r.Kind
		}
		return err
	})
	return k, err
}

// newLabel is what the button that makes a record says. The name of a variant is
// the tenant's own, and stands as it is.
func newLabel(k *record.Kind) string {
	if k.Variant != 0 {
		return "New " + k.Label
	}
	return "New " + shell.Lower(k.Label)
}
