package ivanti

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// form is how a field is shown.
type form int

const (
	plain   form = iota // X
	link                // X and X_RecID with the RecId of what is referred to, X_Category with its object
	named               // X with its name, X_Valid with its RecId
	choice              // X with the choice, X_Valid with a RecId that stands for it
	title               // X with the name of what a link beside it leads to
	derived             // X, which follows from the record
	upward              // X, X_RecID and X_Category of what the record belongs to
)

// The fields of every object that are not the kind's own.
const (
	recID    = "RecId"
	created  = "CreatedDateTime"
	modified = "LastModDateTime"
	creator  = "CreatedBy"
	modifier = "LastModBy"
	readOnly = "ReadOnly"
	display  = "DisplayName"
	unit     = "OrgUnitLink"
)

// field is a field of an object.
type field struct {
	name string
	form form
	of   *record.Field               // nil for a field of every object
	from func(*record.Record) []byte // of what is derived
}

// part is one of the names by which a field is there: X, X_RecID, X_Category, X_Valid.
type part struct {
	*field
	suffix string
}

// object is a kind, as Ivanti's clients see it.
type object struct {
	kind    *record.Kind
	name    string
	set     string // in addresses
	fields  []*field
	ties    []relationship
	actions []action
	parts   map[string]part // by names in small letters
	sub     *subtype        // nil for the object itself
	above   []string        // our fields that name what it belongs to, where these are several
}

// newObject describes a kind. Fields that hold secrets, several values or files are left
// out.
func newObject(k *record.Kind, s spec) *object {
	o := &object{kind: k, name: s.name, parts: map[string]part{}}
	if o.name == "" {
		o.name = camel(k.Name)
	}
	o.set = strings.ToLower(o.name) + "s"
	for _, name := range []string{recID, creator, created, modifier, modified, readOnly} {
		o.add(&field{name: name})
	}
	if k.Field("name") == nil {
		o.add(&field{name: display})
	}
	if k.Scope == record.OfOrganization {
		o.add(&field{name: unit, form: link, of: &record.Field{Name: "organization_id", Label: "Organization", Type: record.Ref, Ref: "organization"}})
	}
	if o.above = s.above; len(o.above) > 0 {
		o.add(&field{name: parentLink, form: upward})
	}
	for i := range k.Fields {
		f := &k.Fields[i]
		x := &field{name: s.as[f.Name], of: f}
		switch f.Type {
		case record.Secret, record.Refs, record.Rows, record.Files:
			continue
		case record.Ref:
			x.form = link
			if slices.Contains(s.by, f.Name) {
				x.form = named
			}
		case record.Choice:
			x.form = choice
		}
		if x.name == "" {
			x.name = camel(strings.TrimSuffix(f.Name, "_id"))
			if x.form == link {
				x.name += "Link"
			}
		}
		o.add(x)
		if also := s.also[f.Name]; also != "" {
			o.add(&field{name: also, form: title, of: f})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.more)) {
		o.add(&field{name: name, form: derived, from: s.more[name]})
	}
	return o
}

// add adds a field whose names are not taken yet.
func (o *object) add(f *field) {
	suffixes := map[form][]string{plain: {""}, title: {""}, derived: {""}, link: {"", "_RecID", "_Category"}, upward: {"", "_RecID", "_Category"}, named: {"", "_Valid"}, choice: {"", "_Valid"}}[f.form]
	for _, s := range suffixes {
		if _, taken := o.parts[strings.ToLower(f.name+s)]; taken {
			f.name += "Field" // Status of two fields is Status and StatusField
			o.add(f)
			return
		}
	}
	for _, s := range suffixes {
		o.parts[strings.ToLower(f.name+s)] = part{f, s}
	}
	o.fields = append(o.fields, f)
}

// called gives the name that a field of ours has here, for messages.
func (o *object) called(ours string) string {
	for _, f := range o.fields {
		if f.of != nil && f.of.Name == ours && f.form != title {
			return f.name
		}
	}
	return ours
}

// choiceID is the RecId that stands for a choice: the beginning of a hash of it.
func (o *object) choiceID(f *record.Field, value string) string {
	sum := sha256.Sum256([]byte(o.kind.Name + "\x00" + f.Name + "\x00" + value))
	return fmt.Sprintf("%X", sum[:16])
}

// chosen finds the choice that a RecId stands for; "" when there is none.
func (o *object) chosen(f *record.Field, rec string) string {
	for _, c := range f.Choices {
		if strings.EqualFold(o.choiceID(f, c), rec) {
			return c
		}
	}
	return ""
}

// row is a record with what is shown beside its values.
type row struct {
	*record.Record
	people map[id.ID]string // names of who made and changed it
	links  map[string]*object
}

// append writes a record as JSON, without its braces. only are the names that are wanted,
// in small letters; nil is all of them.
func (o *object) append(b []byte, r row, only map[string]bool) []byte {
	for _, f := range o.fields {
		put := func(suffix string, value []byte) {
			if only != nil && !only[strings.ToLower(f.name+suffix)] && f.name != recID {
				return
			}
			b = append(b, ',')
			b = append(jsonapi.AppendString(b, f.name+suffix), ':')
			b = append(b, value...)
		}
		switch f.form {
		case link:
			to, target := o.referred(r, f), r.links[f.of.Ref]
			put("", recIDJSON(to))
			put("_RecID", recIDJSON(to))
			if to == 0 || target == nil {
				put("_Category", []byte("null"))
			} else {
				put("_Category", text(target.name))
			}
		case upward:
			to, name := o.parent(r)
			put("", recIDJSON(to))
			put("_RecID", recIDJSON(to))
			put("_Category", map[bool][]byte{true: text(name), false: []byte("null")}[to != 0])
		case named:
			to := r.Values.ID(f.of.Name)
			if name := r.Names[f.of.Name]; name != "" {
				put("", text(name))
				put("_Valid", recIDJSON(to))
			} else {
				put("", []byte("null"))
				put("_Valid", []byte("null"))
			}
		case derived:
			put("", f.from(r.Record))
		case title:
			if name := r.Names[f.of.Name]; name != "" {
				put("", text(name))
			} else {
				put("", []byte("null"))
			}
		case choice:
			if s := r.Values.Text(f.of.Name); s != "" {
				put("", text(s))
				put("_Valid", text(o.choiceID(f.of, s)))
			} else {
				put("", []byte("null"))
				put("_Valid", []byte("null"))
			}
		default:
			put("", o.value(r, f))
		}
	}
	return b
}

// referred is what a link of a record leads to, as far as the caller may see it.
func (o *object) referred(r row, f *field) id.ID {
	if f.name == unit {
		return r.Org
	}
	if r.Names[f.of.Name] == "" {
		return 0
	}
	return r.Values.ID(f.of.Name)
}

func (o *object) value(r row, f *field) []byte {
	switch {
	case f.name == display || f.of != nil && f.of.Name == "name":
		return text(r.Name)
	case f.of != nil:
		return encode(f.of, r.Values[f.of.Name])
	case f.name == recID:
		return recIDJSON(r.ID)
	case f.name == created:
		return text(instant(r.Created))
	case f.name == modified:
		return text(instant(r.Updated))
	case f.name == creator:
		return text(r.people[r.CreatedBy])
	case f.name == modifier:
		return text(r.people[r.UpdatedBy])
	}
	return strconv.AppendBool(nil, r.Values.Bool("final")) // ReadOnly
}

func encode(f *record.Field, v any) []byte {
	switch x := v.(type) {
	case string:
		return text(x)
	case bool:
		return strconv.AppendBool(nil, x)
	case float64:
		return strconv.AppendFloat(nil, x, 'f', -1, 64)
	case int64:
		if f.Type == record.Time {
			return text(instant(x))
		}
		return strconv.AppendInt(nil, x, 10)
	}
	return []byte("null")
}

func text(s string) []byte { return jsonapi.AppendString(nil, s) }

func recIDJSON(i id.ID) []byte {
	if i == 0 {
		return []byte("null")
	}
	return text(i.RecID())
}

// instant is a time in UTC, to the millisecond.
func instant(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999Z07:00")
}
