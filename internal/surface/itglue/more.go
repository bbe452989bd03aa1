package itglue

import (
	"strconv"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/jsonapi"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/checklist"
	"strongroom/internal/feature/document"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/password"
	"strongroom/internal/feature/rule"
	"strongroom/internal/surface/itglue/batch"
	"strongroom/internal/surface/itglue/value"
)

// byID reads records of a kind by their ids, as far as the caller may see them,
// in one statement.
func (c *call) byID(tx *gate.Tx, kind string, ids []id.ID) (map[id.ID]*record.Record, error) {
	out := map[id.ID]*record.Record{}
	if len(ids) == 0 || c.Records.Kinds.Kind(kind) == nil {
		return out, nil
	}
	values := make([]any, len(ids))
	for i, n := range ids {
		values[i] = n
	}
	p, err := c.Records.List(tx, kind, record.Query{
		Filters: []record.Filter{{Field: "id", Op: record.Eq, Values: values}}, Sort: []record.Order{{Field: "id"}}, Limit: len(ids), NoTotal: true,
	})
	if err != nil {
		return nil, err
	}
	for _, r := range p.Records {
		out[r.ID] = r
	}
	return out, nil
}

// refs collects the different ids that a reference of the records points to.
func refs(list []*object, of func(*record.Record) id.ID) []id.ID {
	var out []id.ID
	seen := map[id.ID]bool{0: true}
	for _, o := range list {
		if to := of(o.rec); !seen[to] {
			seen[to] = true
			out = append(out, to)
		}
	}
	return out
}

// ancestors adds ancestor-ids, the outermost first, level by level: one
// statement for each level of the whole page.
func ancestors(c *call, tx *gate.Tx, list []*object, _ bool) error {
	parentOf := map[id.ID]id.ID{}
	for _, o := range list {
		parentOf[o.rec.ID] = o.rec.Values.ID("parent_id")
	}
	kind := list[0].rec.Kind.Name
	for range rule.Depth {
		var want []id.ID
		asked := map[id.ID]bool{0: true}
		for _, p := range parentOf {
			if _, known := parentOf[p]; !known && !asked[p] {
				asked[p] = true
				want = append(want, p)
			}
		}
		if len(want) == 0 {
			break
		}
		found, err := c.byID(tx, kind, want)
		if err != nil {
			return err
		}
		for _, w := range want {
			parentOf[w] = 0
			if r := found[w]; r != nil {
				parentOf[w] = r.Values.ID("parent_id")
			}
		}
	}
	for _, o := range list {
		o.ids("ancestor-ids", chain(parentOf, o.rec.ID))
	}
	return nil
}

func chain(parentOf map[id.ID]id.ID, rec id.ID) []id.ID {
	var up []id.ID
	for at := parentOf[rec]; at != 0 && len(up) < rule.Depth; at = parentOf[at] {
		up = append([]id.ID{at}, up...)
	}
	return up
}

// count adds how many records of a kind refer to each record of the page, as
// far as the caller may see them.
func count(name, kind, field string) more {
	return more{name + " integer", func(c *call, tx *gate.Tx, list []*object, _ bool) error {
		k := c.Records.Kinds.Kind(kind)
		if k == nil {
			return nil
		}
		ids := idsOf(list)
		cond, args := tx.Visible("r")
		rows, err := tx.Query(`select k."`+field+`", count(*) from `+k.Table()+` k join record r on r.id = k.id
			where k."`+field+`" in (`+access.Marks(len(ids))+`) and r.trashed_at is null and `+cond+` group by 1`, append(access.Args(ids), args...)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		n := map[id.ID]int64{}
		for rows.Next() {
			var of, many int64
			if err := rows.Scan(&of, &many); err != nil {
				return err
			}
			n[id.ID(of)] = many
		}
		for _, o := range list {
			o.member(name, n[o.rec.ID])
		}
		return rows.Err()
	}}
}

// configurationTypeKind adds what sort of thing a configuration's type stands for.
func configurationTypeKind(c *call, tx *gate.Tx, list []*object, _ bool) error {
	of := func(r *record.Record) id.ID { return r.Values.ID("configuration_type_id") }
	kinds, err := c.Records.Field(tx, "configuration_type", "kind", refs(list, of)...)
	if err != nil {
		return err
	}
	for _, o := range list {
		o.member("configuration-type-kind", kinds[of(o.rec)])
	}
	return nil
}

// shortName adds the short name of the organization.
func shortName(c *call, tx *gate.Tx, list []*object, _ bool) error {
	short, err := c.Records.Field(tx, "organization", "short_name", refs(list, func(r *record.Record) id.ID { return r.Org })...)
	if err != nil {
		return err
	}
	for _, o := range list {
		o.member("organization-short-name", short[o.rec.Org])
	}
	return nil
}

// passwordOwner adds who changed a password last, and the name and the address
// of what it is embedded in, where the caller may see that.
func passwordOwner(c *call, tx *gate.Tx, list []*object, _ bool) error {
	records := make([]*record.Record, len(list))
	for i, o := range list {
		records[i] = o.rec
	}
	names, err := password.OwnerNames(tx, c.Records, records)
	if err != nil {
		return err
	}
	for _, o := range list {
		o.key("cached-resource-name")
		o.extra = value.Text(o.extra, names[o.rec.ID])
		var by any
		if o.rec.UpdatedBy != 0 {
			by = int64(o.rec.UpdatedBy)
		}
		o.member("updated-by", by)
		o.key("parent-url")
		owner, _ := o.rec.Values["resource_id"].(int64)
		res := c.API.named(o.rec.Values.Text("cached_resource_type_name"))
		if owner == 0 || res == nil || names[o.rec.ID] == "" {
			o.extra = append(o.extra, "null"...)
			continue
		}
		o.extra = res.appendURL(o.extra, c.host, o.rec.Org, id.ID(owner))
	}
	return nil
}

// passwordsByOwner reads filter[cached_resource_name].
func passwordsByOwner(tx *gate.Tx, values []string) (record.Filter, error) {
	f := record.Filter{Field: "id", Op: record.Eq}
	found, err := password.ByOwnerName(tx, values)
	for _, n := range found {
		f.Values = append(f.Values, n)
	}
	return f, err
}

// rootDocuments narrows a list to documents outside of folders, unless it says
// where they are or which they are.
func rootDocuments(c *call, q *record.Query) {
	for _, f := range q.Filters {
		if f.Field == "document_folder_id" || f.Field == "id" {
			return
		}
	}
	q.Filters = append(q.Filters, record.Filter{Field: "document_folder_id", Op: record.Null})
}

// documentBody adds the whole text of a document that is shown.
func documentBody(c *call, tx *gate.Tx, list []*object, one bool) error {
	if !one {
		return nil
	}
	for _, o := range list {
		body, err := document.Body(tx, c.Records, o.rec)
		if err != nil {
			return err
		}
		o.member("content", body)
	}
	return nil
}

// sectionRendered adds what a section looks like and the images of a gallery.
func sectionRendered(c *call, tx *gate.Tx, list []*object, _ bool) error {
	files, err := batch.Files(tx, idsOf(list), attachment.Image)
	if err != nil {
		return err
	}
	for _, o := range list {
		html, err := document.Rendered(tx, o.rec, 0)
		if err != nil {
			return err
		}
		o.member("rendered-content", html)
		o.member("resource-id", int64(o.rec.ID))
		var gallery any
		if o.rec.Values.Text("resource_type") == document.Gallery {
			gallery = int64(o.rec.ID)
		}
		o.member("document-gallery-id", gallery)
		o.key("document-images")
		o.extra = append(o.extra, '[')
		for i, f := range files[o.rec.ID] {
			if i > 0 {
				o.extra = append(o.extra, ',')
			}
			o.extra = append(o.extra, `{"id":`...)
			o.extra = strconv.AppendInt(o.extra, int64(f.ID), 10)
			o.extra = append(o.extra, `,"name":`...)
			o.extra = jsonapi.AppendString(o.extra, f.Name)
			o.extra = append(o.extra, `,"inline-resource-url":`...)
			o.extra = append(jsonapi.AppendString(o.extra, document.ImageURL(f.ID)), '}')
		}
		o.extra = append(o.extra, ']')
	}
	return nil
}

// groupMembers adds the ids of the users of each group of the page.
func groupMembers(c *call, tx *gate.Tx, list []*object, _ bool) error {
	members, err := batch.Pairs(tx, `select group_id, user_id from access_member where group_id in (?) order by user_id`, idsOf(list))
	if err != nil {
		return err
	}
	for _, o := range list {
		o.ids("accounts-user-ids", members[o.rec.ID])
	}
	return nil
}

// saveGroup sets a group's members and the organizations that they see.
func saveGroup(_ *call, tx *gate.Tx, rec *record.Record, item jsonapi.Item, _ bool) error {
	if in, ok := item.Attributes["accounts_user_ids"]; ok {
		users, err := idList("accounts_user_ids", in)
		if err != nil {
			return err
		}
		if err := identity.SetMembers(tx, rec.ID, users); err != nil {
			return err
		}
	}
	in, some := item.Attributes["organization_ids"]
	all, every := item.Attributes["all_organizations"].(bool)
	if !some && !every {
		return nil
	}
	orgs, err := idList("organization_ids", in)
	if err != nil {
		return err
	}
	return identity.SetOrganizations(tx, rec.ID, all, orgs)
}

// idList reads a list of ids, as numbers or strings; nil is none.
func idList(name string, in any) ([]id.ID, error) {
	list, ok := in.([]any)
	if !ok && in != nil {
		return nil, fault.Field(name, "This must be a list of ids.")
	}
	var out []id.ID
	f := record.Field{Name: name, Type: record.Ref, Ref: "record"}
	for _, x := range list {
		p, err := f.Parse(x)
		if err != nil {
			return nil, err
		}
		if i, _ := p.(id.ID); i != 0 {
			out = append(out, i)
		}
	}
	return out, nil
}

// embeddedInterfaces makes the interfaces that come with a new configuration.
func embeddedInterfaces(c *call, tx *gate.Tx, rec *record.Record, item jsonapi.Item, created bool) error {
	res := c.resources["configuration_interface"]
	if res == nil || !created {
		return nil
	}
	for i, one := range item.Relationships["configuration_interfaces"] {
		v := res.values(one, true)
		v["configuration_id"] = rec.ID
		if _, err := c.Records.Create(tx, res.kind.Name, v); err != nil {
			if fault.Is(err, fault.Invalid) {
				return fault.New(fault.Invalid, "Interface %d: %s", i+1, fault.Say(err).Text)
			}
			return err
		}
	}
	return nil
}

// fromTemplate gives a new checklist the tasks of the template that it names.
func fromTemplate(c *call, tx *gate.Tx, rec *record.Record, _ jsonapi.Item, created bool) error {
	if !created {
		return nil
	}
	return checklist.Fill(tx, c.Records, rec)
}

// organizationsOfGroups reads filter[group_id]: organizations that the members
// of one of these groups may see.
func organizationsOfGroups(tx *gate.Tx, values []string) (record.Filter, error) {
	f := record.Filter{Field: "id", Op: record.Eq}
	for _, v := range values {
		group, ok := id.Parse(v)
		if !ok {
			continue
		}
		if _, err := tx.Allow(access.View, gate.Thing{Kind: identity.Group, ID: group}); fault.Is(err, fault.NotFound) {
			continue
		} else if err != nil {
			return f, err
		}
		all, orgs, err := access.GroupOrgs(tx.SQL(), group)
		if err != nil {
			return f, err
		}
		if all {
			return record.Filter{Field: "id", Op: record.NotNull}, nil
		}
		for _, o := range orgs {
			f.Values = append(f.Values, o)
		}
	}
	return f, nil
}

// named finds the resource that a name in words means, in any spelling:
// SSL Certificate, configurations, Document Folder.
func (a *API) named(name string) *resource {
	n := value.KindName(name)
	for _, k := range a.Records.Kinds.Kinds() {
		if k.Name == n || k.Plural == n {
			return a.resources[k.Name]
		}
	}
	return nil
}
