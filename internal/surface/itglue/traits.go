package itglue

import (
	"strongroom/internal/base/fault"
	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/customobject"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/surface/itglue/value"
)

// traits adds what a type designs to the assets of a page.
func traits(c *call, tx *gate.Tx, list []*object, _ bool) error {
	passwords, err := flexibleasset.Passwords(tx, idsOf(list)...)
	if err != nil {
		return err
	}
	fields := map[id.ID][]flexibleasset.Field{}
	for _, o := range list {
		typ := o.rec.Values.ID(o.rec.Kind.Variants.By)
		if _, ok := fields[typ]; !ok {
			if fields[typ], err = flexibleasset.FieldsOf(tx, o.rec.Kind, typ); err != nil {
				return err
			}
		}
		a := &value.Asset{Record: o.rec, Fields: fields[typ], Passwords: passwords[o.rec.ID], Host: c.host, URL: c.address}
		for i := range a.Fields {
			if a.Fields[i].Kind == flexibleasset.Upload {
				if a.Files, err = attachment.All(tx, o.rec.ID); err != nil {
					return err
				}
				break
			}
		}
		o.key("traits")
		o.extra = a.Traits(o.extra)
	}
	return nil
}

// address is where people find a record.
func (c *call) address(kind string, org, rec id.ID) string {
	res := c.resources[kind]
	if res == nil {
		return ""
	}
	b := res.appendURL(nil, c.host, org, rec)
	return string(b[1 : len(b)-1])
}

// designed is what the traits of a body came to: it takes their place among the
// attributes. The files are kept and wait for their record.
type designed struct {
	values  record.Values
	uploads []upload
}

type upload struct {
	field   string
	content *attachment.Content
}

// design reads the traits of a body by the fields of the type, and keeps the
// files in them, outside of any transaction.
func (c *call) design(res *resource, item jsonapi.Item, rec id.ID) error {
	in, ok := item.Attributes["traits"].(map[string]any)
	if res.kind.Variants == nil || !ok {
		return nil
	}
	var fields []flexibleasset.Field
	err := c.view(func(tx *gate.Tx) error {
		f := res.kind.Field(res.kind.Variants.By)
		parsed, _ := f.Parse(item.Attributes[f.Name]) // refused when it is saved
		typ, _ := parsed.(id.ID)
		if rec != 0 {
			r, err := c.Records.Get(tx, res.kind.Name, rec)
			if err != nil {
				return err
			}
			typ = r.Values.ID(f.Name)
		}
		var err error
		fields, err = flexibleasset.FieldsOf(tx, res.kind, typ)
		return err
	})
	if err != nil {
		return err
	}
	values, files := value.ReadTraits(in, fields, rec == 0 || res.kind.Name != flexibleasset.Kind)
	d := &designed{values: values}
	item.Attributes["traits"] = d
	for field, x := range files {
		list, many := x.([]any)
		if !many {
			list = []any{x}
		}
		for _, one := range list {
			if m, ok := one.(map[string]any); !ok || m["content"] == nil {
				continue // as it is read: the file is there
			}
			name, content, err := value.File("traits", one)
			if err != nil {
				return err
			}
			action := access.Create
			if rec != 0 {
				action = access.Edit
			}
			kept, err := c.Attachments.WriteFor(c.ctx, c.caller, action, gate.Thing{Kind: res.kind.Name, ID: rec}, name, content)
			if err != nil {
				return err
			}
			d.uploads = append(d.uploads, upload{field, kept})
		}
	}
	return nil
}

// attachUploads gives the files of a body to its asset.
func attachUploads(_ *call, tx *gate.Tx, rec *record.Record, item jsonapi.Item, _ bool) error {
	d, ok := item.Attributes["traits"].(*designed)
	if !ok {
		return nil
	}
	for _, u := range d.uploads {
		if _, err := attachment.Attach(tx, rec.ID, attachment.Role(u.field), u.content); err != nil {
			return err
		}
	}
	return nil
}

// designedFields makes the fields that a new type comes with.
func designedFields(c *call, tx *gate.Tx, rec *record.Record, item jsonapi.Item, created bool) error {
	res := c.resources[flexibleasset.FieldKind]
	if res == nil || !created {
		return nil
	}
	for i, one := range item.Relationships["flexible_asset_fields"] {
		v := res.values(one, true)
		v[flexibleasset.TypeField] = rec.ID
		if _, err := c.Records.Create(tx, res.kind.Name, v); err != nil {
			if fault.Is(err, fault.Invalid) {
				return fault.New(fault.Invalid, "Field %d: %s", i+1, fault.Say(err).Text)
			}
			return err
		}
	}
	return nil
}

// ofVariant narrows a list that asks for one type to it.
func ofVariant(_ *call, q *record.Query) {
	for i, f := range q.Filters {
		if (f.Field == flexibleasset.TypeField || f.Field == customobject.TypeField) && f.Op == record.Eq && len(f.Values) == 1 {
			if typ, ok := f.Values[0].(id.ID); ok {
				q.Variant = typ
				q.Filters = append(q.Filters[:i:i], q.Filters[i+1:]...)
				return
			}
		}
	}
}
