package apptest_test

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"strongroom/internal/apptest"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/customobject"
)

// filler makes requests of one route: it knows what each of its parameters
// stands for.
type filler struct {
	route, method string
	parts         []string
	kind          *record.Kind // of what the route is about; nil for something else
	thing         string       // what {id} is: a kind, attachment, relation, record for a record of any kind, or other
	parent        string       // what {parent} is
	odata         bool         // it is of Ivanti's API
	set           int          // of the parts, the one that names an object there
	x             *isolation
}

// target is what a request is about.
type target struct {
	id, parent id.ID
	org        id.ID
	kind       string // of the record that id is
	query      string
	refs       map[string]id.ID // one of each kind that is as hidden as this
}

// ref is what a reference to a kind is set to; a gone target refers to nothing
// that exists.
func (t target) ref(kind string) string {
	if i := t.refs[kind]; i != 0 {
		return i.String()
	}
	return missing.String()
}

// gone is the same about what does not exist instead of what is hidden.
func (x *isolation) gone(t target) target {
	swap := func(i id.ID) id.ID {
		if i == 0 || x.seen[i] {
			return i
		}
		return missing
	}
	old := t
	t.id, t.parent, t.org, t.refs = swap(t.id), swap(t.parent), swap(t.org), nil
	for _, i := range []id.ID{old.id, old.org} {
		t.query = strings.ReplaceAll(t.query, "="+i.String(), "="+swap(i).String())
		t.query = strings.ReplaceAll(t.query, i.RecID(), swap(i).RecID())
	}
	return t
}

// follows tells what an id is that stands behind a word that is no kind.
var follows = map[string]string{
	"attach":           "record",
	"access":           "record",
	"activity":         "record",
	"related":          "record",
	"map":              "record",
	"trackers":         "record",
	"comments":         "record",
	"marks":            "record",
	"sealed":           "record",
	"records":          "record",
	"actions":          "record",
	"health":           "organization",
	"files":            "attachment",
	"attachment":       "attachment",
	"attachments":      "attachment",
	"related_items":    "relation",
	"document_images":  "attachment",
	"keys":             "key",
	"sessions":         "other",
	"expirations":      "other",
	"notifications":    "other",
	"imports":          "other",
	"bulk":             "other",
	"import-checks":    "other",
	"import-tables":    "other",
	"import-vaults":    "other",
	"import-mappings":  "other",
	"import-runs":      "other",
	"exports":          "other",
	"password-exports": "other",
	"approvals":        "other",
	"reports":          "other",
	"dashboards":       "other",
	"runbooks":         "other",
	"runbook-files":    "other",
	"runbook_files":    "other",
	"folders":          "document_folder",
	"sections":         "document_section",
	"vaults":           "other",
	"persons":          "contact",
	"people":           "other",
	"shares":           "other",
	"factors":          "other",
	"resets":           "other",
	"reviews":          "other",
	"support":          "other",
	"sign-in":          "other",
	"ways":             "other",
	"mailboxes":        "other",
	"held":             "other",
	"signing":          "other",
	"votes":            "other",
	"tickets":          "incident",
	"catalogue":        "offering",
	"articles":         "knowledge_article",
	"template":         "contact",
	"servicerequest":   "offering_question",
	"Users":            "user",
	"Groups":           "group",
}

// filler reads a route. It says what is missing here when it meets a parameter
// that it does not know.
func (x *isolation) filler(route string) *filler {
	method, path, _ := strings.Cut(route, " ")
	f := &filler{route: route, method: method, parts: strings.Split(strings.TrimPrefix(path, "/"), "/"), x: x}
	kinds := x.h.App.Records.Kinds
	f.kind = kinds.Plural(f.parts[0])
	if f.odata = f.parts[0] == "odata"; f.odata {
		f.set = slices.IndexFunc(f.parts, func(p string) bool { return x.sets[p] != "" || p == defined })
		if f.set >= 0 {
			f.kind = kinds.Kind(cmp.Or(x.sets[f.parts[f.set]], customobject.Kind))
		}
	}
	for i, part := range f.parts {
		if !strings.HasPrefix(part, "{") {
			if k := kinds.Plural(part); k != nil && i > 0 && !f.odata {
				f.kind = k
			}
			continue
		}
		before := ""
		if i > 0 {
			before = f.parts[i-1]
		}
		what := follows[before]
		if k := kinds.Plural(before); k != nil {
			what = k.Name
		}
		if f.odata && f.kind != nil {
			what = f.kind.Name
			if part == "{id}" && i > f.set+1 { // behind the name of a relationship
				what = cmp.Or(x.h.App.Ivanti.Related(f.parts[f.set], before), "contact")
			}
		}
		switch {
		case part == "{id}" && what != "":
			f.thing = what
		case part == "{parent}" && what != "":
			f.parent = what
		case slices.Contains([]string{"{$}", "{version}", "{image}", "{relation}", "{comment}", "{alert}", "{kind}", "{format}", "{resource}", "{share}", "{rest...}", "{tenant}", "{way}", "{file}", "{action}", "{name}", "{channel}", defined}, part):
		default:
			x.t.Errorf("%s has the parameter %s, and this test does not know what it stands for: add the word before it to follows, or the name to path and filler, in internal/apptest/filler_test.go", route, part)
			return nil
		}
	}
	return f
}

// defined stands in routes of Ivanti's API for the objects that a tenant defines: the sample's
// are agencies, with a link to a contact.
const defined = "{designed}"

// path fills the route's address.
func (f *filler) path(t target) string {
	out := ""
	for _, part := range f.parts {
		switch part {
		case "{id}":
			part = t.id.String()
		case "{parent}":
			part = t.parent.String()
		case "{version}":
			part = "1"
		case "{image}", "{relation}", "{comment}", "{alert}", "{share}", "{file}":
			part = t.id.String()
		case "{way}":
			part = t.id.String()
		case "{tenant}":
			part = f.x.own.Name
		case "{kind}":
			part = t.kind
		case "{format}":
			part = "markdown"
		case "{action}":
			part = "take_ownership"
			if f.set >= 0 && f.odata && f.parts[f.set] == defined {
				part = map[bool]string{true: "set_over", false: "agencyassociateslink"}[f.method == http.MethodPost]
			}
		case defined:
			part = "agencys"
		case "{resource}":
			part = "configurations"
		case "{channel}": // that people set up for themselves
			part = "ntfy"
		case "{name}": // of a report that comes with the product
			part = "opened"
		case "{rest...}":
			plural := ""
			if k := f.x.h.App.Records.Kinds.Kind(t.kind); k != nil {
				plural = k.Plural
			}
			part = t.org.String() + "/" + plural + "/" + t.id.String()
		case "{$}":
			part = ""
		}
		out += "/" + part
	}
	if t.query != "" {
		out += "?" + t.query
	}
	return out
}

// ofRecords tells whether the route is about a record, or what hangs on it.
func (f *filler) ofRecords() bool {
	last := f.parts[len(f.parts)-1]
	return (f.thing != "" && f.thing != "other" || f.parent != "") && last != "star" && last != "validationlist" // which is asked by POST, and changes nothing
}

// ofAnything tells whether the route is of no kind and names nothing in its address: what it is
// asked for is then a record of each kind. One asker asks for all of them, and each of the others
// for a few, or most of all requests would be these.
func (f *filler) ofAnything() bool { return f.thing == "" && f.parent == "" && f.kind == nil }

// writes tells whether a GET does something all the same.
func (f *filler) writes() bool { return f.route == "GET /jwt/token" }

// targets lists what to ask the route for, of what a tenant has in a place.
func (f *filler) targets(tenant *apptest.Tenant, w apptest.Where) []target {
	out := f.aims(tenant, w)
	if f.method != http.MethodGet {
		refs := map[string]id.ID{}
		for _, x := range f.things(tenant, w, "record") {
			refs[x.Kind] = x.ID
		}
		for i := range out {
			out[i].refs = refs
		}
	}
	return out
}

func (f *filler) aims(tenant *apptest.Tenant, w apptest.Where) (out []target) {
	org := map[apptest.Where]id.ID{apptest.Seen: tenant.Open, apptest.Locked: tenant.Open, apptest.Closed: tenant.Closed}[w]
	things := f.things(tenant, w, f.thing)
	parents := f.things(tenant, w, f.parent)
	switch {
	case f.thing == "other":
		return []target{{id: missing - 1, parent: first(parents), org: org, query: f.query(tenant, w, org, missing-1)}}
	case f.thing == "" && f.parent == "" && f.method == http.MethodPost && f.kind != nil && (f.kind.Scope == record.OfTenant || f.kind.Scope == record.OfPerson):
		return nil // what belongs to the whole tenant, or to who asks, is made without naming anything
	case f.thing == "" && f.parent == "" && f.method == http.MethodPost && w == apptest.Locked && f.kind != nil && f.kind.Scope == record.OfOrganization && !refers(f.kind):
		return nil // the organization is open to all, and nothing else is named
	case f.thing == "" && f.parent == "":
		hidden := f.things(tenant, w, "record")
		if f.kind != nil {
			hidden = f.things(tenant, w, f.kind.Name)
		}
		for _, x := range hidden {
			out = append(out, target{id: x.ID, org: org, kind: x.Kind, query: f.query(tenant, w, org, x.ID)})
		}
		if f.method == http.MethodGet {
			out = append(out, target{org: org, kind: "organization", query: f.wide()})
		}
		return out
	case f.thing == "":
		for _, p := range parents {
			out = append(out, target{parent: p.ID, id: first(f.things(tenant, w, f.listed())), org: org, kind: p.Kind, query: f.wide()})
		}
		return out
	}
	for _, x := range things {
		t := target{id: x.ID, org: org, kind: x.Kind, query: f.query(tenant, w, org, x.ID)}
		if f.parent == "" {
			out = append(out, t)
			continue
		}
		if t.parent = x.Of; t.parent == 0 {
			t.parent = first(parents)
		}
		if t.parent != 0 {
			out = append(out, t)
		}
		if seen := f.things(f.x.own, apptest.Seen, f.parent); w != apptest.Seen && len(seen) > 0 {
			t.parent = seen[0].ID
			out = append(out, t)
		}
	}
	return out
}

// refers tells whether records of a kind name others, besides their organization.
func refers(k *record.Kind) bool {
	return slices.ContainsFunc(k.Fields, func(x record.Field) bool { return x.Type == record.Ref || x.Type == record.Refs })
}

// listed is the kind that the route lists.
func (f *filler) listed() string {
	if f.kind == nil {
		return ""
	}
	return f.kind.Name
}

func first(list []*apptest.Thing) id.ID {
	if len(list) == 0 {
		return 0
	}
	return list[0].ID
}

// things gives samples: of a kind, one of each kind for record, or a few files
// or relations. What belongs to a whole tenant is hidden from other tenants.
func (f *filler) things(tenant *apptest.Tenant, w apptest.Where, what string) (out []*apptest.Thing) {
	n := map[string]int{}
	own := map[id.ID]bool{}
	if tenant != f.x.own {
		for _, x := range f.x.own.Things {
			own[x.ID] = true
		}
	}
	for _, x := range tenant.Things {
		if x.Where != w && !(x.Where == apptest.Shared && w == apptest.Seen) || own[x.ID] {
			continue
		}
		isRecord := f.x.h.App.Records.Kinds.Kind(x.Kind) != nil
		if x.Kind == what && n[x.Kind] < 1 || what == "record" && isRecord && n[x.Kind] < 1 {
			out = append(out, x)
			n[x.Kind]++
		}
	}
	return out
}

// query asks a list for something by all the names that lists know.
func (f *filler) query(_ *apptest.Tenant, _ apptest.Where, org, one id.ID) string {
	if f.method != http.MethodGet || f.thing != "" && f.thing != "other" {
		return ""
	}
	if f.odata {
		name := "RecId"
		if f.set < 0 { // files, which are listed by what they belong to
			name = "ParentLink_RecID"
		}
		return url.Values{"$filter": {name + " eq '" + one.RecID() + "'"}}.Encode()
	}
	v := url.Values{}
	for _, name := range []string{"organization_id", "filter[organization_id]", "folder"} {
		v.Set(name, org.String())
	}
	for _, name := range []string{"filter[id]", "record", "id"} {
		v.Set(name, one.String())
	}
	return v.Encode()
}

// wide asks a list for all that it gives.
func (f *filler) wide() string {
	if f.method != http.MethodGet {
		return ""
	}
	if f.odata {
		return "$top=100"
	}
	v := url.Values{"q": {"qz"}, "page[size]": {"1000"}, "show_password": {"true"}}
	if f.kind != nil {
		include := []string{"attachments", "related_items", "group_resource_accesses", "user_resource_accesses", "passwords", "organization"}
		for _, field := range f.kind.Fields {
			if field.Type == record.Ref {
				include = append(include, strings.TrimSuffix(field.Name, "_id"))
			}
		}
		v.Set("include", strings.Join(include, ","))
	}
	return v.Encode()
}

// body is what is sent with a change: a form for pages, else JSON:API.
func (f *filler) body(t target, page bool) any {
	if page {
		v := url.Values{"name": {"Probe"}, "action": {"archive"}, "do": {"archive"}, "version": {"1"}, "notes": {"Probe"}, "text": {"Probe"}, "severity": {"warning"}, "flag": {t.ref("flag")}, "resource_type": {"Configuration"}}
		for _, name := range []string{"id", "ids", "item", "record", "to", "target", "parent_id", "users", "groups", "members", "organizations", "folder", "resource_id", "owner"} {
			v.Set(name, t.id.String())
		}
		v.Set("organization_id", t.org.String())
		if f.kind != nil {
			for _, field := range f.kind.Fields {
				if field.Type == record.Ref && !field.ReadOnly {
					v.Set(field.Name, t.ref(field.Ref))
				}
			}
		}
		return v
	}
	if f.parts[0] == "rest" {
		return map[string]any{"Text": "qz", "ObjectType": "Incident#", "Top": 100, "subscriptionId": t.ref("offering"), "strUserId": t.ref("contact"),
			"parameters": map[string]any{"par-" + t.ref("offering_question"): "Probe"}}
	}
	if f.odata && f.set >= 0 {
		fields := map[string]any{"Subject": "Probe", "Name": "Probe"}
		for name, kind := range f.x.h.App.Ivanti.Links(f.parts[f.set]) {
			fields[name] = t.ref(kind)
		}
		return fields
	}
	attributes := map[string]any{"name": "Probe", "notes": "Probe", "destination-id": t.id.String(), "destination-type": "Configuration", "flag-id": t.ref("flag"),
		"attachment": map[string]any{"content": "UHJvYmU=", "file-name": "probe.txt"}}
	if f.kind == nil {
		for name, v := range map[string]any{"resource-id": t.id.String(), "text": "Probe", "paused": true, "runbook-id": t.id.String(), "read": true,
			"organization-id": t.org.String(), "parts": []any{map[string]any{"kind": "document"}}} {
			attributes[name] = v
		}
	}
	if f.kind != nil {
		attributes["organization-id"] = t.org.String()
		for _, field := range f.kind.Fields {
			if field.Type == record.Ref && !field.ReadOnly {
				attributes[strings.ReplaceAll(field.Name, "_", "-")] = t.ref(field.Ref)
			}
		}
	}
	one := map[string]any{"type": f.parts[len(f.parts)-1], "id": t.id.String(), "attributes": attributes}
	if last := f.parts[len(f.parts)-1]; f.method != http.MethodPost && !strings.HasPrefix(last, "{") {
		return map[string]any{"data": []any{one}}
	}
	return map[string]any{"data": one}
}
