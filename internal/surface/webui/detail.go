package webui

import (
	"html/template"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/favourite"
)

// recordPage is the derived page of a record.
type recordPage struct {
	Head   ui.Head
	Notice *ui.Notice
	Groups []group
	Lists  []sublist
	Cards  []*ui.Section
	Files  *filesView
	Rail   []*ui.Section
}

// group is the fields that stand under one heading.
type group struct {
	Title string
	Props []ui.Prop
	Texts []longText
	Lists []sublist
}

type longText struct {
	Label string
	HTML  template.HTML
}

// sublist is a small table: the rows of a field, or records that live within
// another.
type sublist struct {
	ID, Title string
	Columns   []string
	Rows      []subrow
	Add       *ui.Action
	Empty     string
}

type subrow struct {
	Cells   []ui.Cell
	Actions []ui.Action
}

// detail is the page of one record: the kind's own, or the derived one.
func (v *visit) detail(k *record.Kind) error {
	rid, err := v.id("id")
	if err != nil {
		return err
	}
	var r *record.Record
	if err := v.view(func(tx *gate.Tx) (err error) { r, err = v.Records.Get(tx, k.Name, rid); return err }); err != nil {
		return err
	}
	v.noteVisit(rid)
	if own := v.details[k.Name]; own != nil {
		return own(v, r)
	}
	d := recordPage{}
	err = v.view(func(tx *gate.Tx) (err error) {
		if d.Head, err = v.headOf(tx, r); err != nil {
			return err
		}
		d.Groups = v.groups(r)
		if d.Lists, err = v.children(tx, r); err != nil {
			return err
		}
		if d.Cards, err = v.referrers(tx, r); err != nil {
			return err
		}
		if k.Scope != record.OfTenant {
			if d.Files, err = v.filesSection(tx, r); err != nil {
				return err
			}
		}
		d.Rail, err = v.railOf(tx, r)
		return err
	})
	if err != nil {
		return err
	}
	d.Notice = v.archivedNotice(r)
	p, err := v.page(r.Name, v.crumbs(k, r.Org, r.OrgName, ui.Crumb{Label: r.Name})...)
	if err != nil {
		return err
	}
	p.Keys = recordKeys()
	p.Data = d
	return v.render("record", p)
}

func recordKeys() []ui.Shortcuts {
	return []ui.Shortcuts{{Title: "This record", Keys: []ui.Key{{Keys: "e", Does: "Edit"}}}}
}

// noteVisit keeps that the caller looked at a record; a failure costs a line in
// the list of recent records and no page.
func (v *visit) noteVisit(rid id.ID) {
	if err := (favourite.Visits{Gate: v.Gate}).Note(v.r.Context(), v.c, rid); err != nil {
		v.Log.WarnContext(v.r.Context(), "a visit could not be noted", slog.Any("error", err))
	}
}

func (v *visit) archivedNotice(r *record.Record) *ui.Notice {
	if !r.Archived {
		return nil
	}
	return &ui.Notice{Tone: "info", Text: "This is archived: it is kept, and left out of lists and reports."}
}

// headOf is the top of a record's page.
func (v *visit) headOf(tx *gate.Tx, r *record.Record) (ui.Head, error) {
	k := r.Kind
	h := ui.Head{Title: r.Name, Icon: iconOf(r), Actions: v.recordActions(r)}
	if k.Scope == record.Organization {
		h.Badge = r.Name
	}
	if k.Scope == record.OfOrganization && r.OrgName != "" {
		h.Sub = append(h.Sub, ui.Cell{Text: r.OrgName, Href: recordURL(v.kind("organization"), r.Org)})
	}
	for i := range k.Fields {
		f := &k.Fields[i]
		if f.Type == record.Ref && (strings.HasSuffix(f.Ref, "_status") || strings.HasSuffix(f.Ref, "_type") || strings.HasSuffix(f.Ref, "_category")) {
			if c := v.refCell(r, f); c.Text != "" {
				h.Sub = append(h.Sub, c)
			}
		}
	}
	if len(h.Sub) == 0 {
		h.Sub = []ui.Cell{{Text: k.Label}}
	}
	if r.Restricted {
		h.Sub = append(h.Sub, ui.Cell{Type: "pill", Text: "Restricted", Tone: "info"})
	}
	if r.Archived {
		h.Sub = append(h.Sub, ui.Cell{Type: "pill", Text: "Archived"})
	}
	on, err := favourite.Is(tx, r.ID)
	h.Star = &ui.Star{On: on, Action: recordURL(k, r.ID) + "/star"}
	return h, err
}

// recordActions are the buttons of a record.
func (v *visit) recordActions(r *record.Record) []ui.Action {
	k, at := r.Kind, recordURL(r.Kind, r.ID)
	var out []ui.Action
	if v.may(access.Create, k) && k.Scope == record.OfOrganization {
		out = append(out, ui.Action{Label: "Duplicate", Icon: "copy", Href: listURL(k) + "/new?from=" + r.ID.String(), Quiet: true})
	}
	if v.may(access.Archive, k) {
		a := ui.Action{Label: "Archive", Icon: "archive", Href: at + "/archive", Post: true, Fields: []ui.Hidden{{Name: "on", Value: "1"}}, Quiet: true}
		if r.Archived {
			a.Label, a.Icon, a.Fields, a.Quiet = "Bring back", "arrow-back-up", []ui.Hidden{{Name: "on", Value: "0"}}, false
		}
		out = append(out, a)
	}
	if v.may(access.Delete, k) {
		out = append(out, ui.Action{Label: "Delete", Icon: "trash", Href: at + "/delete", Post: true, Quiet: true, Danger: true})
	}
	if v.may(access.Edit, k) {
		out = append(out, ui.Action{Label: "Edit", Icon: "edit", Href: at + "/edit", Primary: true, Key: "e"})
	}
	return out
}

// groups are the fields of a record under their headings, without those that
// are not set.
func (v *visit) groups(r *record.Record) []group {
	var out []group
	at := map[string]int{}
	for i := range r.Kind.Fields {
		f := &r.Kind.Fields[i]
		if f.Type == record.Secret || f.Name == "name" || r.Kind.Scope == record.OfParent && f.Name == r.Kind.Parent {
			continue
		}
		if r.Values[f.Name] == nil || f.Type == record.Ref && r.Names[f.Name] == "" {
			continue
		}
		n, ok := at[f.Group]
		if !ok {
			n = len(out)
			at[f.Group] = n
			out = append(out, group{Title: f.Group})
		}
		g := &out[n]
		switch f.Type {
		case record.HTML, record.Multiline:
			g.Texts = append(g.Texts, longText{Label: f.Title(), HTML: prose(f, r.Values.Text(f.Name))})
		case record.Rows:
			g.Lists = append(g.Lists, v.rowsList(r, f))
		default:
			p := ui.Prop{Label: f.Title(), Cells: []ui.Cell{v.cell(r, f)}}
			if p.Cells[0].Type == "pill" {
				p.Cells = append([]ui.Cell{v.dateCell(&record.Field{}, r.Values.Text(f.Name))}, p.Cells...)
			}
			g.Props = append(g.Props, p)
		}
	}
	for i := range out {
		if g := &out[i]; len(g.Texts) == 1 && len(g.Props) == 0 && g.Texts[0].Label == g.Title {
			g.Texts[0].Label = "" // the heading says it
		}
	}
	return out
}

// rowsList shows the rows of a field.
func (v *visit) rowsList(r *record.Record, f *record.Field) sublist {
	s := sublist{ID: f.Name, Title: f.Title()}
	for _, c := range f.Rows {
		if !c.ReadOnly {
			s.Columns = append(s.Columns, c.Title())
		}
	}
	for _, row := range r.Values.Rows(f.Name) {
		line := &record.Record{Kind: &record.Kind{Fields: f.Rows}, Values: row}
		var cells []ui.Cell
		for i := range f.Rows {
			c := &f.Rows[i]
			if c.ReadOnly {
				continue
			}
			cell := v.cell(line, c)
			if written := plain(row["formatted_"+c.Name]); written != "" { // as people read it
				cell.Text = written
			}
			cells = append(cells, cell)
		}
		s.Rows = append(s.Rows, subrow{Cells: cells})
	}
	return s
}

// mostChildren is how many records that live within another its page lists.
const mostChildren = 200

// children lists the records that live within this one.
func (v *visit) children(tx *gate.Tx, r *record.Record) ([]sublist, error) {
	var out []sublist
	for _, k := range v.Records.Kinds.Kinds() {
		if k.Scope != record.OfParent || k.Field(k.Parent).Ref != r.Kind.Name {
			continue
		}
		page, err := v.Records.List(tx, k.Name, record.Query{Parent: r.ID, Limit: mostChildren, NoTotal: true})
		if err != nil {
			return nil, err
		}
		s := sublist{ID: k.Plural, Title: k.Labels, Empty: "No " + lower(k.Labels) + " yet."}
		if v.may(access.Create, k) {
			s.Add = &ui.Action{Label: "Add", Icon: "plus", Href: listURL(k) + "/new?" + k.Parent + "=" + r.ID.String()}
		}
		var fields []*record.Field
		for i := range k.Fields {
			if f := &k.Fields[i]; f.List && f.Name != "name" {
				fields = append(fields, f)
			}
		}
		s.Columns = []string{"Name"}
		for _, f := range fields {
			s.Columns = append(s.Columns, f.Title())
		}
		for _, c := range page.Records {
			row := subrow{Cells: []ui.Cell{{Text: c.Name}}}
			if v.may(access.Edit, k) {
				row.Cells[0].Href = recordURL(k, c.ID) + "/edit"
			}
			for _, f := range fields {
				row.Cells = append(row.Cells, v.cell(c, f))
			}
			if v.may(access.Delete, k) {
				row.Actions = []ui.Action{{Label: "Remove", Href: recordURL(k, c.ID) + "/delete", Post: true, Quiet: true}}
			}
			s.Rows = append(s.Rows, row)
		}
		out = append(out, s)
	}
	return out, nil
}

// mostReferrers is how many records that refer to an entry of a list its page
// shows for each reason; the list itself has them all.
const mostReferrers = 8

// referrers lists what refers to an entry of a tenant's lists: its type, its
// maker. Of other records the related items say so.
func (v *visit) referrers(tx *gate.Tx, r *record.Record) ([]*ui.Section, error) {
	if r.Kind.Scope != record.OfTenant {
		return nil, nil
	}
	var parts []string
	var args []any
	var cards []*ui.Section
	cond, who := tx.Visible("r")
	named, whoNamed := tx.Visible("o")
	for _, k := range v.Records.Kinds.Kinds() {
		for i := range k.Fields {
			f := &k.Fields[i]
			if f.Type != record.Ref || f.Ref != r.Kind.Name || k.Admin {
				continue
			}
			parts = append(parts, `select * from (select `+strconv.Itoa(len(cards))+` as n, r.id, r.name, coalesce(o.name, '') as org from `+k.Table()+` k join record r on r.id = k.id
				left join record o on o.id = r.org_id and `+named+` where k."`+f.Name+`" = ? and r.trashed_at is null and `+cond+` order by r.name_fold, r.id limit `+strconv.Itoa(mostReferrers+1)+`) p`)
			args = append(append(append(args, whoNamed...), int64(r.ID)), who...)
			cards = append(cards, &ui.Section{Title: k.Labels, Icon: k.Icon, More: &ui.NavItem{Label: "All", Href: listURL(k) + "?" + f.Name + "=" + r.ID.String()},
				Items: []ui.Item{}, Empty: "No " + lower(k.Labels) + "."})
			cards[len(cards)-1].Text = k.Name // takes the kind to the rows below
		}
	}
	if len(parts) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(strings.Join(parts, ` union all `), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		var rid int64
		var name, org string
		if err := rows.Scan(&n, &rid, &name, &org); err != nil {
			return nil, err
		}
		c := cards[n]
		if k := v.kind(c.Text); len(c.Items) < mostReferrers {
			c.Items = append(c.Items, ui.Item{Title: name, Sub: org, Href: recordURL(k, id.ID(rid)), Icon: k.Icon})
			c.Empty = ""
		}
	}
	for _, c := range cards {
		if c.Text = ""; len(c.Items) == 0 {
			c.More = nil
		}
	}
	return cards, rows.Err()
}

// railOf is what stands beside every record: what belongs to it, who may see
// it, what was done with it.
func (v *visit) railOf(tx *gate.Tx, r *record.Record) ([]*ui.Section, error) {
	var out []*ui.Section
	parts := []func(*gate.Tx, *record.Record) (*ui.Section, error){v.relatedSection, v.accessSection, v.activitySection, v.detailsSection}
	if r.Kind.Scope == record.OfTenant {
		parts = parts[2:]
	}
	for _, part := range parts {
		s, err := part(tx, r)
		if err != nil {
			return nil, err
		}
		if s != nil {
			out = append(out, s)
		}
	}
	return out, nil
}

func (v *visit) detailsSection(tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	names, err := v.Records.Names(tx, r.CreatedBy, r.UpdatedBy)
	if err != nil {
		return nil, err
	}
	by := func(ms int64, who id.ID) []ui.Cell {
		c := []ui.Cell{{Type: "date", Time: when(ms)}}
		if names[who] != "" {
			c = append(c, ui.Cell{Type: "mut", Text: "by " + names[who]})
		}
		return c
	}
	return &ui.Section{Title: "Details", More: &ui.NavItem{Label: "History", Href: recordURL(r.Kind, r.ID) + "/history"}, Props: []ui.Prop{
		{Label: "Created", Cells: by(r.Created, r.CreatedBy)},
		{Label: "Changed", Cells: by(r.Updated, r.UpdatedBy)},
		{Label: "Version", Cells: []ui.Cell{{Type: "num", Text: strconv.FormatInt(r.Version, 10)}}},
		{Label: "Id", Cells: []ui.Cell{{Type: "mono", Text: r.ID.String(), Copy: true}}},
	}}, nil
}

// expiryItems are lines of what runs out.
func (v *visit) expiryItems(list []record.Expiry, withOrg bool) []ui.Item {
	var out []ui.Item
	for _, x := range list {
		p := v.expiryPill(x.Date)
		it := ui.Item{Title: x.Name, Sub: x.Field.Title(), Href: recordURL(x.Kind, x.Record), Icon: x.Kind.Icon, Pill: &p}
		if withOrg && x.OrgName != "" {
			it.Sub += " · " + x.OrgName
		}
		out = append(out, it)
	}
	return out
}

func day(t time.Time) string { return t.Format(time.DateOnly) }
