package webui

import (
	"html/template"
	"slices"
	"strings"

	"strongroom/internal/base/richtext"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/external"
	"strongroom/internal/feature/favourite"
)

func (s *Server) mountOrgs() {
	s.details["organization"] = (*visit).orgPage
	s.get("/{rest...}", (*visit).elsewhere)
}

// orgShell is what every page of an organization has around it.
type orgShell struct {
	Record *record.Record
	Head   ui.Head
	Alert  string
	Tabs   []ui.NavItem
	Rail   []*ui.Section
}

// readOrg fills the shell of an organization's pages; tab is the kind that is
// shown, "" for the overview.
func (v *visit) readOrg(tx *gate.Tx, o *orgShell, org id.ID, tab string) (err error) {
	if o.Record == nil {
		if o.Record, err = v.Records.Get(tx, "organization", org); err != nil {
			return err
		}
	}
	r := o.Record
	if o.Head, err = v.headOf(tx, r); err != nil {
		return err
	}
	o.Alert = r.Values.Text("alert")
	if r.Values.Bool("primary") {
		o.Head.Sub = append(o.Head.Sub, ui.Cell{Text: "Our own"})
	}
	if tab == "" {
		o.Head.Actions = v.orgActions(r, o.Head.Actions)
	} else {
		o.Head.Actions = v.tabActions(r, v.kind(tab))
	}
	totals, err := v.Records.Totals(tx, org)
	if err != nil {
		return err
	}
	o.Tabs = v.tabs(r, totals, tab)
	return v.orgRail(tx, o)
}

// orgActions leaves the buttons that are pressed often; deleting an
// organization stands in its form's place among the quiet ones.
func (v *visit) orgActions(r *record.Record, all []ui.Action) []ui.Action {
	if v.c.Role.May(access.Import) {
		all = slices.Insert(all, 0, ui.Action{Label: "Import", Icon: "upload", Href: "/imports", Quiet: true})
	}
	return all
}

func (v *visit) tabActions(r *record.Record, k *record.Kind) []ui.Action {
	var out []ui.Action
	if isFiled(k) {
		out = append(out, ui.Action{Label: "Folders", Icon: "folder", Href: foldersURL(r.ID, k, 0)})
	}
	if v.may(access.Create, k) {
		out = append(out, ui.Action{Label: "New " + lower(k.Label), Icon: "plus", Href: newURL(k, r.ID), Primary: true, Key: "n"})
	}
	return out
}

// tabs are the kinds of the navigation, and others that the organization has.
func (v *visit) tabs(r *record.Record, totals map[string]int64, tab string) []ui.NavItem {
	out := []ui.NavItem{{Label: "Overview", Href: recordURL(r.Kind, r.ID), Current: tab == ""}}
	add := func(k *record.Kind) {
		out = append(out, ui.NavItem{Label: k.Labels, Href: orgListURL(r.ID, k), Count: int(totals[k.Name]), Current: tab == k.Name})
	}
	for _, k := range v.menu() {
		if k.Scope == record.OfOrganization {
			add(k)
		}
	}
	for _, k := range v.Records.Kinds.Kinds() {
		if k.Scope == record.OfOrganization && k.Menu == 0 && k.Name == tab {
			add(k)
		}
	}
	return out
}

// orgRail is what stands beside an organization's pages.
func (v *visit) orgRail(tx *gate.Tx, o *orgShell) error {
	r := o.Record
	if notes := r.Values.Text("quick_notes"); notes != "" {
		o.Rail = append(o.Rail, &ui.Section{Title: "Quick note", Icon: "note", Note: true, HTML: template.HTML(richtext.Clean(notes))}) // #nosec G203 -- sanitised here
	}
	from := day(v.today().AddDate(0, 0, -30))
	list, err := v.Records.Expiring(tx, r.ID, from, day(v.today().AddDate(0, 0, soonDays)), 6)
	if err != nil {
		return err
	}
	if len(list) > 0 {
		o.Rail = append(o.Rail, &ui.Section{Title: "Expiring", Items: v.expiryItems(list, false),
			More: &ui.NavItem{Label: "All", Href: "/expirations?organization_id=" + r.ID.String()}})
	}
	contacts, err := v.keyContacts(tx, r.ID)
	if err != nil {
		return err
	}
	if len(contacts) > 0 {
		o.Rail = append(o.Rail, &ui.Section{Title: "Key contacts", Items: contacts})
	}
	if v.c.Role.May(access.Inspect) {
		feed, err := v.feed(tx, audit.Filter{Org: r.ID, Limit: 20}, 6)
		if err != nil {
			return err
		}
		o.Rail = append(o.Rail, &ui.Section{Title: "Recent activity", Feed: feed})
	}
	return nil
}

// keyContacts lists the important contacts of an organization.
func (v *visit) keyContacts(tx *gate.Tx, org id.ID) ([]ui.Item, error) {
	k := v.kind("contact")
	if k == nil {
		return nil, nil
	}
	page, err := v.Records.List(tx, k.Name, record.Query{Org: org, Archived: "no", Limit: 5, NoTotal: true,
		Filters: []record.Filter{{Field: "important", Op: record.Eq, Values: []any{true}}}})
	if err != nil {
		return nil, err
	}
	var out []ui.Item
	for _, r := range page.Records {
		it := ui.Item{Title: r.Name, Sub: r.Values.Text("title"), Href: recordURL(k, r.ID), Badge: r.Name, Person: true}
		if phone := r.Values.Text("primary_phone"); phone != "" {
			it.Sub = strings.TrimPrefix(it.Sub+" · "+phone, " · ")
		}
		out = append(out, it)
	}
	return out, nil
}

// orgView is an organization's overview.
type orgView struct {
	Org    *orgShell
	Groups []group
	Recent []ui.Item
	Below  []ui.Item // organizations that are parts of it
	Tiles  []ui.Tile
	Files  *filesView
	Notice *ui.Notice
}

func (v *visit) orgPage(r *record.Record) error {
	d := orgView{Org: &orgShell{Record: r}, Notice: v.archivedNotice(r)}
	err := v.view(func(tx *gate.Tx) (err error) {
		if err := v.readOrg(tx, d.Org, r.ID, ""); err != nil {
			return err
		}
		related, err := v.accessSection(tx, r)
		if err != nil {
			return err
		}
		details, err := v.detailsSection(tx, r)
		if err != nil {
			return err
		}
		if related != nil {
			d.Org.Rail = append(d.Org.Rail, related)
		}
		d.Org.Rail = append(d.Org.Rail, details)
		d.Groups = v.aboutOrg(r, details)
		if d.Files, err = v.filesSection(tx, r); err != nil {
			return err
		}
		if d.Recent, err = v.changed(tx, r.ID, 8); err != nil {
			return err
		}
		page, err := v.Records.List(tx, "organization", record.Query{Limit: 20, NoTotal: true, Filters: []record.Filter{{Field: "parent_id", Op: record.Eq, Values: []any{r.ID}}}})
		if err != nil {
			return err
		}
		for _, x := range page.Records {
			d.Below = append(d.Below, ui.Item{Title: x.Name, Sub: x.Values.Text("short_name"), Href: recordURL(x.Kind, x.ID), Badge: x.Name})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, t := range d.Org.Tabs[1:min(len(d.Org.Tabs), 5)] {
		d.Tiles = append(d.Tiles, ui.Tile{Label: t.Label, Icon: v.iconAt(t.Href), Value: number(int64(t.Count)), Href: t.Href})
	}
	p, err := v.page(r.Name, v.crumbs(r.Kind, 0, "", ui.Crumb{Label: r.Name})...)
	if err != nil {
		return err
	}
	p.Keys = recordKeys()
	p.Data = d
	return v.render("organization", p)
}

// aboutOrg gives the groups of an organization's fields but what is shown above
// or beside; short ones go to the details.
func (v *visit) aboutOrg(r *record.Record, details *ui.Section) []group {
	about := *r
	about.Values = r.Values.Clone()
	for _, name := range []string{"alert", "quick_notes", "primary", "organization_type_id", "organization_status_id"} {
		delete(about.Values, name)
	}
	var out []group
	for _, g := range v.groups(&about) {
		if g.Title == "" {
			details.Props = append(g.Props, details.Props...)
			g.Props = nil
		}
		if len(g.Props)+len(g.Texts)+len(g.Lists) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// iconAt gives the picture of the kind whose list an address is.
func (v *visit) iconAt(href string) string {
	if k := v.Records.Kinds.Plural(href[strings.LastIndex(href, "/")+1:]); k != nil {
		return k.Icon
	}
	return ""
}

// changed lists the records that changed last, of an organization or of all.
func (v *visit) changed(tx *gate.Tx, org id.ID, limit int) ([]ui.Item, error) {
	cond, args := tx.Visible("r")
	named, who := tx.Visible("o")
	args = append(who, args...)
	q := `select r.id, r.kind, r.name, coalesce(o.name, ''), r.updated_at, coalesce(u.name, '') from record r left join record o on o.id = r.org_id and ` + named + ` left join record u on u.id = r.updated_by
		where r.trashed_at is null and r.parent_id = 0 and ` + cond
	if org != 0 {
		q, args = q+` and r.org_id = ? and r.id <> r.org_id`, append(args, int64(org))
	}
	kinds := v.menuNames()
	q, args = q+` and r.kind in (`+access.Marks(len(kinds))+`)`, append(args, kinds...)
	rows, err := tx.Query(q+` order by r.updated_at desc, r.id desc limit ?`, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []ui.Item
	for rows.Next() {
		var rid, ms int64
		var kind, name, orgName, by string
		if err := rows.Scan(&rid, &kind, &name, &orgName, &ms, &by); err != nil {
			return nil, err
		}
		k := v.kind(kind)
		if k == nil || k.Admin {
			continue
		}
		it := ui.Item{Title: name, Sub: k.Label, Href: recordURL(k, id.ID(rid)), Icon: k.Icon, Time: when(ms)}
		if org == 0 && k.Scope == record.OfOrganization {
			it.Sub += " · " + orgName
		}
		if by != "" {
			it.Sub += " · " + by
		}
		out = append(out, it)
	}
	return out, rows.Err()
}

// menuNames are the names of the kinds in the navigation, for a query.
func (v *visit) menuNames() []any {
	var out []any
	for _, k := range v.menu() {
		out = append(out, k.Name)
	}
	return out
}

// feed says what was done, newest first, as far as the caller may see it.
func (v *visit) feed(tx *gate.Tx, f audit.Filter, most int) ([]ui.Event, error) {
	list, err := tx.Activity(f)
	if err != nil {
		return nil, err
	}
	var out []ui.Event
	for _, e := range list {
		words := deedWords[e.Action]
		if words == "" || e.Result != audit.OK || e.Kind == "" || len(out) == most {
			continue
		}
		x := ui.Event{Who: e.Detail.Actor, What: words, Object: e.Detail.Name, Detail: e.Detail.Reason, Time: when(e.Time)}
		if x.Who == "" {
			x.Who = "Somebody"
		}
		if k := v.kind(e.Kind); k != nil && e.Object != 0 && !k.Admin {
			x.Href = recordURL(k, e.Object)
		}
		if x.Object == "" {
			x.Object = lower(v.kindLabel(e.Kind))
		}
		out = append(out, x)
	}
	return out, nil
}

func (v *visit) kindLabel(kind string) string {
	if k := v.kind(kind); k != nil {
		return k.Label
	}
	return "record"
}

var deedWords = map[string]string{
	"create": "created", "edit": "changed", "archive": "archived", "restore": "brought back", "delete": "deleted", "undelete": "brought back", "purge": "removed for good",
	"reveal": "revealed", "reveal.granted": "revealed", "restrict": "changed who may see", "export": "exported", "import": "imported",
}

// elsewhere leads IT Glue's addresses, /ORG/passwords/ID and the like, to ours.
// Ids are ours, or those that the record had where it came from.
func (v *visit) elsewhere() error {
	parts := strings.Split(strings.Trim(v.r.URL.Path, "/"), "/")
	org, ok := id.Parse(parts[0])
	if !ok || len(parts) > 6 {
		return gate.Missing()
	}
	var last id.ID
	for _, p := range parts {
		if i, ok := id.Parse(p); ok {
			last = i
		}
	}
	plural := ""
	if len(parts) > 1 {
		plural = map[string]string{"docs": "documents", "doc": "documents"}[parts[1]]
		if plural == "" {
			plural = parts[1]
		}
	}
	var to string
	err := v.view(func(tx *gate.Tx) error {
		r, err := v.anywhere(tx, last)
		if err != nil {
			return err
		}
		to = v.homeOf(r)
		if k := v.Records.Kinds.Plural(plural); k != nil && last == org && r.Kind.Scope == record.Organization && k.Scope == record.OfOrganization {
			to = orgListURL(r.ID, k)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return web.SeeOther(v.w, v.r, to)
}

// anywhere finds a record by our id or by a foreign one.
func (v *visit) anywhere(tx *gate.Tx, rid id.ID) (*record.Record, error) {
	r, err := v.Records.Get(tx, "", rid)
	if err == nil {
		return r, nil
	}
	list, e := external.Records(tx, "itglue", rid.String())
	if e != nil {
		return nil, e
	}
	for _, x := range list {
		if r, e := v.Records.Get(tx, "", x); e == nil {
			return r, nil
		}
	}
	return nil, err
}

// starred lists the caller's favourites.
func (v *visit) starred(tx *gate.Tx, most int) ([]ui.Item, error) {
	list, err := favourite.List(tx)
	if err != nil {
		return nil, err
	}
	var out []ui.Item
	for _, x := range list[:min(len(list), most)] {
		k := v.kind(x.Kind)
		if k == nil {
			continue
		}
		it := ui.Item{Title: x.Name, Sub: k.Label, Href: recordURL(k, x.Record), Icon: k.Icon}
		if k.Scope == record.Organization {
			it.Icon, it.Badge = "", x.Name
		} else if x.OrgName != "" {
			it.Sub += " · " + x.OrgName
		}
		out = append(out, it)
	}
	return out, nil
}
