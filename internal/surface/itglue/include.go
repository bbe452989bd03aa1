package itglue

import (
	"strconv"
	"strings"

	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/identity"
	"strongroom/internal/surface/itglue/batch"
	"strongroom/internal/surface/itglue/value"
)

// included collects the member included of an answer, each object once.
type included struct {
	asked bool
	body  []byte
	seen  map[string]bool
}

func (i *included) append(b []byte) []byte {
	if !i.asked {
		return b
	}
	return append(append(append(b, `,"included":[`...), i.body...), ']')
}

// add appends a resource object unless it is there already.
func (i *included) add(typ, rid string, object func([]byte) []byte) {
	key := typ + "/" + rid
	if i.seen[key] {
		return
	}
	if i.seen == nil {
		i.seen = map[string]bool{}
	}
	i.seen[key] = true
	if len(i.body) > 0 {
		i.body = append(i.body, ',')
	}
	i.body = object(i.body)
}

// link is one member of a relationship's data.
type link struct{ typ, id string }

// relate adds relationships.<name> to an object; one tells that data is one
// link and no list.
func (o *object) relate(name string, links []link, one bool) {
	if one && len(links) == 0 {
		return // a relationship may be missing and is never null
	}
	if len(o.links) > 0 {
		o.links = append(o.links, ',')
	}
	o.links = append(jsonapi.AppendString(o.links, jsonapi.Kebab(name)), `:{"data":`...)
	if !one {
		o.links = append(o.links, '[')
	}
	for i, l := range links {
		if i > 0 {
			o.links = append(o.links, ',')
		}
		o.links = append(jsonapi.AppendString(append(o.links, `{"id":`...), l.id), `,"type":`...)
		o.links = append(jsonapi.AppendString(o.links, l.typ), '}')
	}
	if !one {
		o.links = append(o.links, ']')
	}
	o.links = append(o.links, '}')
}

// include reads what include= asks for. Names that are not known are left out.
func (c *call) include(tx *gate.Tx, res *resource, list []*object, one bool) (included, error) {
	inc := included{asked: len(c.query.Include) > 0}
	for _, name := range c.query.Include {
		if add := res.include[name]; add != nil {
			if err := add(c, tx, list, one, &inc); err != nil {
				return inc, err
			}
		}
	}
	return inc, nil
}

// includer adds what one name of include= asks for to the records of a page; one
// tells that it is a single record which is shown.
type includer func(c *call, tx *gate.Tx, list []*object, one bool, inc *included) error

// includes lists what can be included with the records of a kind.
func (a *API) includes(res *resource) map[string]includer {
	out := map[string]includer{}
	for _, f := range res.kind.Fields {
		if name, ok := strings.CutSuffix(f.Name, "_id"); ok && f.Type == record.Ref {
			out[name] = includeRef(name, a.resources[f.Ref], func(r *record.Record) id.ID { return r.Values.ID(f.Name) })
		}
	}
	for _, k := range a.Records.Kinds.Kinds() {
		if below, by := a.resources[k.Name], k.ParentBy(res.kind.Name); by != nil {
			for _, name := range []string{k.Plural, below.special.under[res.kind.Name]} {
				out[name] = includeBelow(name, below, by.Name)
			}
		}
	}
	delete(out, "")
	if res.kind.Field("parent_id") != nil {
		out["ancestors"] = ofOne(func(c *call, tx *gate.Tx, o *object, inc *included) error { return c.includeAncestors(tx, res, o, inc) })
	}
	if s := res.kind.Scope; s != record.OfTenant {
		a.includesBeside(res, out)
	}
	if res.kind.Name == identity.Group {
		for _, name := range []string{"users", "organizations"} {
			out[name] = func(c *call, tx *gate.Tx, list []*object, _ bool, inc *included) error {
				return c.includeOfGroup(tx, list, name, inc)
			}
		}
	}
	return out
}

// includesBeside adds what hangs on records that lie in an organization.
func (a *API) includesBeside(res *resource, out map[string]includer) {
	out["attachments"] = func(c *call, tx *gate.Tx, list []*object, _ bool, inc *included) error {
		return c.includeFiles(tx, list, inc)
	}
	for _, name := range []string{"user_resource_accesses", "group_resource_accesses"} {
		out[name] = func(c *call, tx *gate.Tx, list []*object, _ bool, inc *included) error {
			return c.includeAccesses(tx, list, name, inc)
		}
	}
	out["related_items"] = ofOne((*call).includeRelated)
	out["authorized_users"] = ofOne((*call).includeAuthorized)
	out["recent_versions"] = ofOne((*call).includeVersions)
	if res.kind.Scope == record.OfOrganization {
		out["organization"] = includeRef("organization", a.resources["organization"], func(r *record.Record) id.ID { return r.Org })
		if below := a.resources["password"]; below != nil {
			out["passwords"] = includeBelow("passwords", below, "resource_id")
		}
	}
}

// ofOne is for what is included with a single record only.
func ofOne(fn func(*call, *gate.Tx, *object, *included) error) includer {
	return func(c *call, tx *gate.Tx, list []*object, one bool, inc *included) error {
		if !one {
			return nil
		}
		return fn(c, tx, list[0], inc)
	}
}

// put adds a record to what is included and gives the link to it.
func (c *call) put(inc *included, res *resource, rec *record.Record) link {
	l := link{res.typ, rec.ID.String()}
	inc.add(l.typ, l.id, func(b []byte) []byte { return res.append(b, c.host, &object{rec: rec}, true) })
	return l
}

// includeRef adds the records that those of the page refer to.
func includeRef(name string, res *resource, of func(*record.Record) id.ID) includer {
	return func(c *call, tx *gate.Tx, list []*object, _ bool, inc *included) error {
		found, err := c.byID(tx, res.kind.Name, refs(list, of))
		if err != nil {
			return err
		}
		for _, o := range list {
			if r := found[of(o.rec)]; r != nil {
				o.relate(name, []link{c.put(inc, res, r)}, true)
			}
		}
		return nil
	}
}

// maxBelow is how many records below those of one page are included.
const maxBelow = 10_000

// includeBelow adds the records of a kind that refer to those of the page.
func includeBelow(name string, res *resource, field string) includer {
	return func(c *call, tx *gate.Tx, list []*object, _ bool, inc *included) error {
		values := make([]any, len(list))
		for i, o := range list {
			values[i] = int64(o.rec.ID)
		}
		p, err := c.Records.List(tx, res.kind.Name, record.Query{
			Filters: []record.Filter{{Field: field, Op: record.Eq, Values: values}}, Sort: res.special.sort, Limit: maxBelow, NoTotal: true,
		})
		if err != nil {
			return err
		}
		links := map[id.ID][]link{}
		for _, r := range p.Records {
			of := r.Values.ID(field)
			if n, ok := r.Values[field].(int64); ok {
				of = id.ID(n)
			}
			links[of] = append(links[of], c.put(inc, res, r))
		}
		for _, o := range list {
			o.relate(name, links[o.rec.ID], false)
		}
		return nil
	}
}

func (c *call) includeFiles(tx *gate.Tx, list []*object, inc *included) error {
	files, err := batch.Files(tx, idsOf(list), attachment.Attached)
	if err != nil {
		return err
	}
	for _, o := range list {
		var links []link
		for _, f := range files[o.rec.ID] {
			l := link{"attachments", f.ID.String()}
			inc.add(l.typ, l.id, func(b []byte) []byte { return append(b, c.file(f)...) })
			links = append(links, l)
		}
		o.relate("attachments", links, false)
	}
	return nil
}

func (c *call) includeAccesses(tx *gate.Tx, list []*object, name string, inc *included) error {
	column, accessor := "user_id", "User"
	if name == "group_resource_accesses" {
		column, accessor = "group_id", "Group"
	}
	guards := refs(list, func(r *record.Record) id.ID { return r.Guard })
	of := ` from access_grant where ` + column + ` <> 0 and record_id in (?) order by ` + column
	grants, err := batch.Pairs(tx, `select record_id, `+column+of, guards)
	if err != nil {
		return err
	}
	ends, err := batch.Pairs(tx, `select record_id, ends_at`+of, guards)
	if err != nil {
		return err
	}
	for _, o := range list {
		var links []link
		for i, who := range grants[o.rec.Guard] {
			l := link{accessType, accessID(o.rec.Guard, who)}
			inc.add(l.typ, l.id, func(b []byte) []byte {
				return append(b, accessItem(o.rec.Guard, who, accessor, int64(ends[o.rec.Guard][i]))...)
			})
			links = append(links, l)
		}
		o.relate(name, links, false)
	}
	return nil
}

func (c *call) includeOfGroup(tx *gate.Tx, list []*object, name string, inc *included) error {
	query, kind := `select group_id, user_id from access_member where group_id in (?) order by user_id`, "user"
	if name == "organizations" {
		query, kind = `select group_id, org_id from access_group_org where group_id in (?) order by org_id`, "organization"
	}
	members, err := batch.Pairs(tx, query, idsOf(list))
	if err != nil {
		return err
	}
	var want []id.ID
	for _, m := range members {
		want = append(want, m...)
	}
	found, err := c.byID(tx, kind, want)
	if err != nil {
		return err
	}
	for _, o := range list {
		var links []link
		for _, m := range members[o.rec.ID] {
			if r := found[m]; r != nil {
				links = append(links, c.put(inc, c.resources[kind], r))
			}
		}
		o.relate(name, links, false)
	}
	return nil
}

func (c *call) includeRelated(tx *gate.Tx, o *object, inc *included) error {
	items, err := c.Relations.List(tx, o.rec.ID)
	if err != nil {
		return err
	}
	var links []link
	for _, it := range items {
		l := link{relatedType, relatedID(it)}
		inc.add(l.typ, l.id, func(b []byte) []byte { return append(b, c.related(it)...) })
		links = append(links, l)
	}
	o.relate("related_items", links, false)
	return nil
}

// includeAuthorized adds the users who may see the record. Each is asked about
// by the rules themselves.
func (c *call) includeAuthorized(tx *gate.Tx, o *object, inc *included) error {
	p, err := c.Records.List(tx, "user", record.Query{Archived: "no", Limit: jsonapi.MaxPage, NoTotal: true})
	if err != nil {
		return err
	}
	var links []link
	for _, u := range p.Records {
		who, err := access.Load(tx.SQL(), u.ID)
		if err != nil {
			continue // she cannot sign in
		}
		cond, args := access.Visible(who, "r", tx.Now)
		var n int
		err = tx.QueryRow(`select count(*) from record r where r.id = ? and `+cond, append([]any{int64(o.rec.ID)}, args...)...).Scan(&n)
		if err != nil {
			return err
		}
		if n > 0 {
			links = append(links, c.put(inc, c.resources["user"], u))
		}
	}
	o.relate("authorized_users", links, false)
	return nil
}

// recent is how many versions are included.
const recent = 50

func (c *call) includeVersions(tx *gate.Tx, o *object, inc *included) error {
	list, err := c.Records.Revisions(tx, o.rec.Kind.Name, o.rec.ID)
	if err != nil {
		return err
	}
	var links []link
	for _, v := range list[:min(len(list), recent)] {
		l := link{"versions", strconv.FormatInt(v.Version, 10)}
		inc.add(l.typ, l.id, func(b []byte) []byte {
			it := jsonapi.StartItem(l.id, l.typ)
			it = jsonapi.AppendTime(jsonapi.Attr(it, "created-at"), v.Time)
			it = value.Plain(jsonapi.Attr(it, "user-id"), v.By)
			it = value.Text(jsonapi.Attr(it, "user-name"), v.ByName)
			it = value.Text(jsonapi.Attr(it, "name"), v.Values.Text("name"))
			return append(b, jsonapi.EndItem(it)...)
		})
		links = append(links, l)
	}
	o.relate("recent_versions", links, false)
	return nil
}

func (c *call) includeAncestors(tx *gate.Tx, res *resource, o *object, inc *included) error {
	var links []link
	for at := o.rec.Values.ID("parent_id"); at != 0 && len(links) < jsonapi.MaxPage; {
		r, err := c.byID(tx, res.kind.Name, []id.ID{at})
		if err != nil {
			return err
		}
		if r[at] == nil {
			break
		}
		links = append([]link{c.put(inc, res, r[at])}, links...)
		at = r[at].Values.ID("parent_id")
	}
	o.relate("ancestors", links, false)
	return nil
}
