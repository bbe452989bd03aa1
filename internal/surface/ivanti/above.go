package ivanti

import (
	"fmt"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/ivanti/odata"
)

// parentLink is the link of what belongs to a record of one of several kinds: which field
// of ours it is follows from the record.
const parentLink = "ParentLink"

// parent is what a record belongs to, with the name of the object.
func (o *object) parent(r row) (id.ID, string) {
	for _, name := range o.above {
		f := o.kind.Field(name)
		if to := r.Values.ID(name); to != 0 && r.Names[name] != "" && r.links[f.Ref] != nil {
			return to, r.links[f.Ref].name
		}
	}
	return 0, ""
}

// parentField finds the field of ours that names a record of its kind; nil for none, or one
// that the caller does not see.
func (o *object) parentField(a *API, tx *gate.Tx, rid id.ID) (*record.Field, error) {
	r, err := a.Records.Get(tx, "", rid)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, name := range o.above {
		if f := o.kind.Field(name); f.Ref == r.Kind.Name {
			return f, nil
		}
	}
	return nil, nil
}

// ofParent compares with what records belong to.
func (o *object) ofParent(a *API, tx *gate.Tx, t odata.Term) ([]record.Filter, error) {
	if t.Op != odata.Equal || t.Value == nil {
		return nil, fault.New(fault.Invalid, "%s is compared by eq with a RecId.", t.Field)
	}
	rid, ok := id.Parse(fmt.Sprint(t.Value))
	if !ok {
		return reference("id", odata.Term{Field: t.Field, Op: t.Op, Value: "none"})
	}
	f, err := o.parentField(a, tx, rid)
	if err != nil || f == nil {
		none, _ := reference("id", odata.Term{Field: t.Field, Op: odata.Equal, Value: "none"})
		return none, err
	}
	return reference(f.Name, t)
}

// under puts a record below another one.
func (o *object) under(a *API, tx *gate.Tx, v any, out record.Values) error {
	rid, ok := id.Parse(fmt.Sprint(v))
	if !ok {
		return nil
	}
	f, err := o.parentField(a, tx, rid)
	if err == nil && f == nil {
		err = fault.Field(parentLink, "There is no such record that this could belong to, or you may not see it.")
	}
	if err == nil {
		out[f.Name] = rid
	}
	return err
}
