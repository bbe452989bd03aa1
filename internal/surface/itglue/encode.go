package itglue

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// object is a record with what is said about it beside its own values.
type object struct {
	rec   *record.Record
	extra []byte // more members of attributes, each with a comma before it
	links []byte // members of relationships, separated by commas
}

// member appends one more attribute.
func (o *object) member(name string, value any) {
	o.key(name)
	o.extra = jsonapi.AppendValue(o.extra, value)
}

func (o *object) key(name string) {
	o.extra = append(jsonapi.AppendString(append(o.extra, ','), name), ':')
}

// ids appends an attribute that is a list of ids.
func (o *object) ids(name string, list []id.ID) {
	o.key(name)
	o.extra = appendIDs(o.extra, list)
}

func appendIDs(b []byte, list []id.ID) []byte {
	b = append(b, '[')
	for i, n := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return append(b, ']')
}

// append writes the resource object of a record. A list leaves out or shortens
// what is long.
func (r *resource) append(b []byte, host string, o *object, inList bool) []byte {
	b = append(b, `{"id":"`...)
	b = strconv.AppendInt(b, int64(o.rec.ID), 10)
	b = append(append(append(b, `","type":"`...), r.typ...), `","attributes":{`...)
	comma := 1 // to leave out before the first member
	for i := range r.attrs {
		a := &r.attrs[i]
		if a.showOnly && inList {
			continue
		}
		b = append(b, a.key[comma:]...)
		b = r.value(b, host, o.rec, a, inList)
		comma = 0
	}
	b = append(b, o.extra...) // there always is a first member: the name
	b = append(b, `},"relationships":{`...)
	b = append(b, o.links...)
	return append(b, "}}"...)
}

func (r *resource) value(b []byte, host string, rec *record.Record, a *attribute, inList bool) []byte {
	switch a.from {
	case fromText:
		s, _ := rec.Values[a.field].(string)
		if inList && a.clip > 0 {
			s = clip(s, a.clip)
		}
		return text(b, s)
	case fromValue:
		return plain(b, rec.Values[a.field])
	case fromRows:
		return rows(b, r.kind.Field(a.field), rec.Values.Rows(a.field))
	case fromTime:
		ms, _ := rec.Values[a.field].(int64)
		return jsonapi.AppendTime(b, ms)
	case fromRefName:
		return text(b, rec.Names[a.field])
	case fromName:
		return text(b, rec.Name)
	case fromOrg:
		return plain(b, rec.Org)
	case fromOrgName:
		return text(b, rec.OrgName)
	case fromArchived:
		return strconv.AppendBool(b, rec.Archived)
	case fromRestricted:
		return strconv.AppendBool(b, rec.Restricted)
	case fromCreated:
		return jsonapi.AppendTime(b, rec.Created)
	case fromUpdated:
		return jsonapi.AppendTime(b, rec.Updated)
	case fromURL:
		return r.appendURL(b, host, rec.Org, rec.ID)
	}
	return append(b, a.fixed...)
}

// appendURL appends the address of a record for people: /<organization>/docs/<id>.
func (r *resource) appendURL(b []byte, host string, org, rec id.ID) []byte {
	b = append(append(append(b, '"'), host...), '/')
	b = strconv.AppendInt(b, int64(org), 10)
	if r.kind.Scope != record.Organization {
		segment := r.kind.Plural
		if r.special.segment != "" {
			segment = r.special.segment
		}
		b = append(append(append(b, '/'), segment...), '/')
		b = strconv.AppendInt(b, int64(rec), 10)
	}
	return append(b, '"')
}

// text appends a string; an empty one is null.
func text(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return jsonapi.AppendString(b, s)
}

func plain(b []byte, v any) []byte {
	switch x := v.(type) {
	case bool:
		return strconv.AppendBool(b, x)
	case int64:
		return strconv.AppendInt(b, x, 10)
	case id.ID:
		if x != 0 {
			return strconv.AppendInt(b, int64(x), 10)
		}
	case float64:
		return strconv.AppendFloat(b, x, 'f', -1, 64)
	}
	return append(b, "null"...)
}

func clip(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}

// rows appends a list of rows with every column of the field.
func rows(b []byte, f *record.Field, list []map[string]any) []byte {
	b = append(b, '[')
	for i, row := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		for j, col := range f.Rows {
			if j > 0 {
				b = append(b, ',')
			}
			b = append(jsonapi.AppendString(b, jsonapi.Kebab(col.Name)), ':')
			b = cell(b, row[col.Name])
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// cell appends a value of a row, which has been read from JSON or was just set.
func cell(b []byte, v any) []byte {
	switch x := v.(type) {
	case string:
		return text(b, x)
	case json.Number:
		return append(b, x.String()...)
	case float64, bool, int64, id.ID:
		return plain(b, x)
	}
	return append(b, "null"...)
}
