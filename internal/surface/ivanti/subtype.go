package ivanti

import (
	"context"
	"net/http"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/ivanti/odata"
)

// subtype narrows an object to the records of which a field says one thing: a choice, or
// what a reference leads to by its name.
type subtype struct {
	name         string // behind the two underscores
	field, value string
}

// subtypes are those of Ivanti's objects, by our kinds.
func subtypes() map[string][]subtype {
	of := func(field string, list ...string) []subtype {
		var out []subtype
		for _, s := range list {
			name, value, ok := strings.Cut(s, "=")
			if !ok {
				value = name
			}
			out = append(out, subtype{name, field, value})
		}
		return out
	}
	return map[string][]subtype{
		"task":              of("task_type", "Assignment", "WorkOrder=Work Order", "ComputerProvisioning=Computer Provisioning", "SoftwareInstallation=Software Installation"),
		"knowledge_article": of("article_type", "Document", "ErrorMessage=Error Message", "IssueResolution=Issue Resolution", "Patch", "QandA=Q and A", "Reference"),
		"journal":           of("journal_type", "Notes=Note", "Email"),
		"service_agreement": of("", "SLA"), // all of them are
		"configuration": of("configuration_type_id", "Computer", "Server", "Switch", "Router", "Printer", "VOIP", "MobileDevice=Mobile Device", "Software", "VirtualServer=Virtual Server",
			"Cluster", "Database", "Document"),
	}
}

// divide makes the objects of the subtypes. They answer at the routes of their objects.
func (a *API) divide() {
	a.subs = map[string]*object{}
	for kind, list := range subtypes() {
		o := a.objects[kind]
		if o == nil {
			continue
		}
		for _, s := range list {
			x := *o
			x.sub, x.name = &s, o.name+"__"+s.name
			x.set = strings.ToLower(x.name) + "s"
			a.subs[x.set] = &x
		}
	}
}

type ofSubtype struct{}

// based leads a request of a subtype to the routes of its object.
func (a *API) based(r *http.Request, p string) (*http.Request, string) {
	at := business
	rest, ok := strings.CutPrefix(p, business)
	if !ok {
		if rest, ok = strings.CutPrefix(p, odataAt); !ok {
			return r, p
		}
		at = odataAt
	}
	set, more, _ := strings.Cut(rest, "/")
	x := a.subs[set]
	if x == nil {
		return r, p
	}
	p = at + a.objects[x.kind.Name].set
	if more != "" {
		p += "/" + more
	}
	return r.WithContext(context.WithValue(r.Context(), ofSubtype{}, x)), p
}

// as is the object that was asked for: a subtype, where the address says so.
func (c *call) as(o *object) *object {
	if x, ok := c.r.Context().Value(ofSubtype{}).(*object); ok && x.kind == o.kind {
		return x
	}
	return o
}

// of are the filters that keep a list to the subtype.
func (s *subtype) of(c *call, tx *gate.Tx, k *record.Kind) ([]record.Filter, error) {
	if s == nil || s.field == "" {
		return nil, nil
	}
	f := k.Field(s.field)
	if f.Type == record.Ref {
		return c.byName(tx, f, odata.Term{Field: s.field, Op: odata.Equal, Value: s.value})
	}
	return []record.Filter{{Field: s.field, Op: record.Eq, Values: []any{s.value}}}, nil
}

// set makes a new record one of the subtype.
func (s *subtype) set(c *call, tx *gate.Tx, k *record.Kind, v record.Values) error {
	if s == nil || s.field == "" {
		return nil
	}
	f := k.Field(s.field)
	if f.Type != record.Ref {
		v[s.field] = s.value
		return nil
	}
	list, err := c.named(tx, f, record.Eq, s.value, 2)
	if err != nil {
		return err
	}
	if len(list) != 1 {
		return fault.Field(s.field, "There is no %s that is called %s, or several.", strings.ToLower(f.Title()), s.value).WithHint("Add it to the list, or send the RecId of another to the object itself.")
	}
	v[s.field] = list[0]
	return nil
}

// has tells whether a record is of the subtype.
func (s *subtype) has(r *record.Record) bool {
	if s == nil || s.field == "" {
		return true
	}
	if r.Kind.Field(s.field).Type == record.Ref {
		return record.Fold(r.Names[s.field]) == record.Fold(s.value)
	}
	return r.Values.Text(s.field) == s.value
}
