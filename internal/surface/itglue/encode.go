package itglue

import (
	"strconv"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/itglue/value"
)

// object is a record with what is said about it beside its own values.
type object struct {
	rec   *record.Record
	extra []byte // more members of attributes, each with a comma before it
	links []byte // members of relationships, separated by commas
}

// member appends one more attribute.
func (o *object) member(name string, v any) {
	o.key(name)
	o.extra = jsonapi.AppendValue(o.extra, v)
}

func (o *object) key(name string) {
	o.extra = append(jsonapi.AppendString(append(o.extra, ','), name), ':')
}

// ids appends an attribute that is a list of ids.
func (o *object) ids(name string, list []id.ID) {
	o.key(name)
	o.extra = value.IDs(o.extra, list)
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
			s = value.Clip(s, a.clip)
		}
		return value.Text(b, s)
	case fromValue:
		return value.Plain(b, rec.Values[a.field])
	case fromRows:
		return value.Rows(b, r.kind.Field(a.field), rec.Values.Rows(a.field))
	case fromDay:
		return value.Day(b, rec.Values.Text(a.field))
	case fromTime:
		ms, _ := rec.Values[a.field].(int64)
		return jsonapi.AppendTime(b, ms)
	case fromRefName:
		return value.Text(b, rec.Names[a.field])
	case fromName:
		return value.Text(b, rec.Name)
	case fromOrg:
		return value.Plain(b, rec.Org)
	case fromOrgName:
		return value.Text(b, rec.OrgName)
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
