package lists

import (
	"html/template"
	"slices"
	"strings"

	"strongroom/internal/base/richtext"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/expiry"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/tally"
	"strongroom/internal/surface/webui/shell"
)

// orgShell is what every page of an organization has around it.
type orgShell struct {
	Record *record.Record
	Head   ui.Head
	Alert  string
	Tabs   []ui.NavItem
	Rail   []*ui.Section

	variant *record.Kind // that is shown; nil for none
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
	if o.Head, err = v.HeadOf(tx, r); err != nil {
		return err
	}
	o.Alert = r.Values.Text("alert")
	if r.Values.Bool("primary") {
		o.Head.Sub = append(o.Head.Sub, ui.Cell{Text: "Our own"})
	}
	if tab == "" {
		o.Head.Actions = v.orgActions(r, o.Head.Actions)
	} else {
		shown := v.Kind(tab)
		if o.variant != nil {
			shown = o.variant
		}
		o.Head.Actions = v.tabActions(r, shown)
	}
	totals, err := v.Records.Totals(tx, org)
	if err != nil {
		return err
	}
	o.Tabs = v.tabs(r, totals, tab)
	variants, err := v.variantTabs(tx, o, totals)
	if err != nil {
		return err
	}
	for i := range o.Tabs {
		o.Tabs[i].Current = o.Tabs[i].Current && !(o.variant != nil && o.variant.Variant != 0)
	}
	o.Tabs = append(o.Tabs, variants...)
	return v.orgRail(tx, o)
}

// orgActions leaves the buttons that are pressed often; deleting an
// organization stands in its form's place among the quiet ones.
func (v *visit) orgActions(r *record.Record, all []ui.Action) []ui.Action {
	if v.Caller.May(access.Import) {
		all = slices.Insert(all, 0, ui.Action{Label: "Import", Icon: "upload", Href: "/imports", Quiet: true})
	}
	return all
}

func (v *visit) tabActions(r *record.Record, k *record.Kind) []ui.Action {
	var out []ui.Action
	for _, above := range v.OwnOf(k.Name).Above {
		out = append(out, above(v.Visit, r.ID)...)
	}
	if v.May(access.Create, k) {
		out = append(out, ui.Action{Label: shell.NewLabel(k), Icon: "plus", Href: shell.NewURL(k, r.ID), Primary: true, Key: "n"})
	}
	return out
}

// tabs are the kinds of the navigation, and others that the organization has.
func (v *visit) tabs(r *record.Record, totals map[string]int64, tab string) []ui.NavItem {
	out := []ui.NavItem{{Label: "Overview", Href: shell.RecordURL(r.Kind, r.ID), Current: tab == ""}}
	add := func(k *record.Kind) {
		out = append(out, ui.NavItem{Label: k.Labels, Href: shell.OrgListURL(r.ID, k), Count: int(totals[k.Name]), Current: tab == k.Name})
	}
	for _, k := range v.Menu() {
		if k.Scope == record.OfOrganization {
			add(k)
		}
	}
	for _, k := range v.Records.Kinds.Kinds() {
		if k.Scope == record.OfOrganization && k.Menu == 0 && k.Name == tab && k.Variants == nil {
			add(k)
		}
	}
	return out
}

// variantTabs are the variants of kinds that the organization has records of.
func (v *visit) variantTabs(tx *gate.Tx, o *orgShell, totals map[string]int64) ([]ui.NavItem, error) {
	var out []ui.NavItem
	for _, k := range v.Records.Kinds.Kinds() {
		if k.Variants == nil {
			continue
		}
		var ids []id.ID
		for name, n := range totals {
			if of, by, ok := strings.Cut(name, "/"); ok && of == k.Name && n > 0 {
				if i, ok := id.Parse(by); ok {
					ids = append(ids, i)
				}
			}
		}
		shown := o.variant != nil && o.variant.Name == k.Name
		if shown && !slices.Contains(ids, o.variant.Variant) && o.variant.Variant != 0 {
			ids = append(ids, o.variant.Variant)
		}
		names, err := v.Records.Names(tx, ids...)
		if err != nil {
			return nil, err
		}
		for i, name := range names {
			x := *k
			x.Variant = i
			out = append(out, ui.NavItem{Label: name, Href: shell.VariantURL(&x, o.Record.ID), Count: int(totals[tally.Variant(k.Name, i)]), Current: shown && o.variant.Variant == i})
		}
	}
	slices.SortFunc(out, func(a, b ui.NavItem) int { return strings.Compare(record.Fold(a.Label), record.Fold(b.Label)) })
	return out, nil
}

// orgRail is what stands beside an organization's pages.
func (v *visit) orgRail(tx *gate.Tx, o *orgShell) error {
	r := o.Record
	if notes := r.Values.Text("quick_notes"); notes != "" {
		o.Rail = append(o.Rail, &ui.Section{Title: "Quick note", Icon: "note", Note: true, HTML: template.HTML(richtext.Clean(notes))}) // #nosec G203 -- sanitised here
	}
	from := shell.Day(v.Today().AddDate(0, 0, -30))
	list, err := expiry.List(tx, v.Records, r.ID, from, shell.Day(v.Today().AddDate(0, 0, shell.SoonDays)), 6)
	if err != nil {
		return err
	}
	if len(list) > 0 {
		o.Rail = append(o.Rail, &ui.Section{Title: "Expiring", Items: v.ExpiryItems(list, false),
			More: &ui.NavItem{Label: "All", Href: "/expirations?organization_id=" + r.ID.String()}})
	}
	contacts, err := v.keyContacts(tx, r.ID)
	if err != nil {
		return err
	}
	if len(contacts) > 0 {
		o.Rail = append(o.Rail, &ui.Section{Title: "Key contacts", Items: contacts})
	}
	done, err := v.LatelyOf(tx, r.ID)
	if done != nil {
		o.Rail = append(o.Rail, done)
	}
	return err
}

// keyContacts lists the important contacts of an organization.
func (v *visit) keyContacts(tx *gate.Tx, org id.ID) ([]ui.Item, error) {
	k := v.Kind("contact")
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
		it := ui.Item{Title: r.Name, Sub: r.Values.Text("title"), Href: shell.RecordURL(k, r.ID), Badge: r.Name, Person: true}
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
	Groups []shell.FieldGroup
	Recent []ui.Item
	Below  []ui.Item // organizations that are parts of it
	Tiles  []ui.Tile
	Files  *shell.FilesCard
	Talk   *shell.TalkCard
	Notice *ui.Notice
}

func (v *visit) orgPage(r *record.Record) error {
	d := orgView{Org: &orgShell{Record: r}, Notice: v.ArchivedNotice(r)}
	err := v.View(func(tx *gate.Tx) (err error) {
		if err := v.readOrg(tx, d.Org, r.ID, ""); err != nil {
			return err
		}
		own, err := v.RailOf(tx, r)
		if err != nil {
			return err
		}
		d.Org.Rail = append(d.Org.Rail, own...)
		d.Groups = v.aboutOrg(r, own[len(own)-1])
		if d.Files, err = v.FilesOf(tx, r); err != nil {
			return err
		}
		if d.Talk, err = v.TalkOf(tx, r); err != nil {
			return err
		}
		if d.Recent, err = v.Changed(tx, r.ID, 8); err != nil {
			return err
		}
		page, err := v.Records.List(tx, "organization", record.Query{Limit: 20, NoTotal: true, Filters: []record.Filter{{Field: "parent_id", Op: record.Eq, Values: []any{r.ID}}}})
		if err != nil {
			return err
		}
		for _, x := range page.Records {
			d.Below = append(d.Below, ui.Item{Title: x.Name, Sub: x.Values.Text("short_name"), Href: shell.RecordURL(x.Kind, x.ID), Badge: x.Name})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, t := range d.Org.Tabs[1:min(len(d.Org.Tabs), 5)] {
		d.Tiles = append(d.Tiles, ui.Tile{Label: t.Label, Icon: v.iconAt(t.Href), Value: web.Number(int64(t.Count)), Href: t.Href})
	}
	p, err := v.Page(r.Name, v.Crumbs(r.Kind, 0, "", ui.Crumb{Label: r.Name})...)
	if err != nil {
		return err
	}
	p.Keys = shell.RecordKeys()
	p.Data = d
	return v.Render("organization", p)
}

// aboutOrg gives the groups of an organization's fields but what is shown above
// or beside; short ones go to the details.
func (v *visit) aboutOrg(r *record.Record, details *ui.Section) []shell.FieldGroup {
	about := *r
	about.Values = r.Values.Clone()
	for _, name := range []string{"alert", "quick_notes", "primary", "organization_type_id", "organization_status_id"} {
		delete(about.Values, name)
	}
	var out []shell.FieldGroup
	for _, g := range v.FieldGroups(&about) {
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
