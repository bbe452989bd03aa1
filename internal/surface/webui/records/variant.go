package records

import (
	"net/url"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// variantToMake gives a kind as the variant of which a new record is to be: as the
// address says, or as the record is that is copied. The kind itself when neither
// says it.
func (v *visit) variantToMake(k *record.Kind, q url.Values) (*record.Kind, error) {
	k, err := v.Variant(k, q.Get)
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
