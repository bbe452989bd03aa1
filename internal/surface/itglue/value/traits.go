package value

import (
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/flexibleasset"
)

// Asset is a designed asset with what stands beside its own values.
type Asset struct {
	Record    *record.Record
	Fields    []flexibleasset.Field // of its type
	Passwords map[id.ID]id.ID       // by field
	Files     []*attachment.File    // of all its fields
	Host      string                // scheme and host of addresses
	URL       func(kind string, org, rec id.ID) string
}

// Traits appends the traits of an asset: an object by the keys of the fields
// that are set.
func (a *Asset) Traits(b []byte) []byte {
	b = append(b, '{')
	n := 0
	for i := range a.Fields {
		f := &a.Fields[i]
		v := a.trait(f)
		if v == nil {
			continue
		}
		if n++; n > 1 {
			b = append(b, ',')
		}
		b = append(append(jsonapi.AppendString(b, f.Key), ':'), v...)
	}
	return append(b, '}')
}

// trait gives one value; nil for none.
func (a *Asset) trait(f *flexibleasset.Field) []byte {
	name := record.TraitName(f.ID)
	switch f.Kind {
	case flexibleasset.Header:
		return nil
	case flexibleasset.Password:
		if pw := a.Passwords[f.ID]; pw != 0 {
			return Plain(nil, pw)
		}
		return nil
	case flexibleasset.Upload:
		return a.uploads(name)
	case flexibleasset.Tag:
		return a.tag(f, a.Record.Values.IDs(name))
	}
	switch v := a.Record.Values[name].(type) {
	case nil:
		return nil
	case int64:
		if d := a.Record.Kind.Field(name); d != nil && d.Type == record.Time {
			return Text(nil, time.UnixMilli(v).UTC().Format(time.RFC3339))
		}
		return Plain(nil, v)
	case string:
		return Text(nil, v)
	case float64:
		if f.Decimals >= 0 {
			return strconv.AppendFloat(nil, v, 'f', f.Decimals, 64)
		}
		return Plain(nil, v)
	default:
		return Plain(nil, v)
	}
}

func (a *Asset) tag(f *flexibleasset.Field, ids []id.ID) []byte {
	if len(ids) == 0 {
		return nil
	}
	typ := f.TagType
	if strings.HasPrefix(typ, "FlexibleAssetType") {
		typ = "FlexibleAssets"
	}
	b := append(Text([]byte(`{"type":`), typ), `,"values":[`...)
	n := 0
	for _, to := range ids {
		l, ok := a.Record.Links[to]
		if !ok { // the caller does not see it
			continue
		}
		if n++; n > 1 {
			b = append(b, ',')
		}
		b = Plain(append(b, `{"id":`...), to)
		b = Text(append(b, `,"name":`...), l.Name)
		b = Text(append(b, `,"resource-url":`...), a.URL(l.Kind, a.Record.Org, to))
		b = append(b, '}')
	}
	return append(b, "]}"...)
}

func (a *Asset) uploads(name string) []byte {
	var b []byte
	for _, f := range a.Files {
		if string(f.Role) != name {
			continue
		}
		if b == nil {
			b = []byte{'['}
		} else {
			b = append(b, ',')
		}
		b = Text(append(b, `{"name":`...), f.Name)
		b = Text(append(b, `,"url":`...), a.Host+"/api/v1/attachments/"+f.ID.String()+"/download")
		b = Plain(append(b, `,"size":`...), f.Size)
		b = append(Text(append(b, `,"content-type":`...), f.Type), '}')
	}
	if b == nil {
		return nil
	}
	return append(b, ']')
}

// ReadTraits turns the traits of a body into values: by the keys of the fields,
// in any spelling. All of them are replaced: a field that is not named is
// cleared, but a password or a file stays until another comes; with isNew, what is not
// named stays as it is. Files are what
// the body holds for Upload fields, as it stands there.
func ReadTraits(in map[string]any, fields []flexibleasset.Field, isNew bool) (v record.Values, files map[string]any) {
	named := map[string]any{}
	for key, x := range in {
		named[jsonapi.Kebab(key)] = x
	}
	v, files = record.Values{}, map[string]any{}
	for i := range fields {
		f := &fields[i]
		name := record.TraitName(f.ID)
		x, ok := named[jsonapi.Kebab(f.Key)]
		switch f.Kind {
		case flexibleasset.Header:
		case flexibleasset.Upload:
			if ok && x != nil {
				files[name] = x
			}
		case flexibleasset.Password:
			if s, text := x.(string); text && s != "" {
				v[name] = s
			}
		case flexibleasset.Tag:
			if m, object := x.(map[string]any); object { // as it is read
				x = m["values"]
			}
			if ok || !isNew {
				v[name] = x
			}
		default:
			if ok || !isNew {
				v[name] = x
			}
		}
	}
	return v, files
}
