package records

import (
	"html/template"
	"strconv"
	"strings"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/shell"
)

// recordPage is the derived page of a record.
type recordPage struct {
	Head   ui.Head
	Notice *ui.Notice
	Groups []group
	Lists  []sublist
	Cards  []*ui.Section
	Files  *shell.FilesCard
	Talk   *shell.TalkCard
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
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	var r *record.Record
	if err := v.View(func(tx *gate.Tx) (err error) { r, err = v.Records.Get(tx, k.Name, rid); return err }); err != nil {
		return err
	}
	v.noteVisit(rid)
	if own := v.OwnOf(k.Name).Page; own != nil {
		return own(v.Visit, r)
	}
	d := recordPage{}
	err = v.View(func(tx *gate.Tx) (err error) {
		if d.Head, err = v.HeadOf(tx, r); err != nil {
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
			if d.Files, err = v.FilesOf(tx, r); err != nil {
				return err
			}
			if d.Talk, err = v.TalkOf(tx, r); err != nil {
				return err
			}
		}
		d.Rail, err = v.RailOf(tx, r)
		return err
	})
	if err != nil {
		return err
	}
	d.Notice = v.ArchivedNotice(r)
	p, err := v.Page(r.Name, v.Crumbs(r.Kind, r.Org, r.OrgName, ui.Crumb{Label: r.Name})...)
	if err != nil {
		return err
	}
	p.Keys = shell.RecordKeys()
	p.Data = d
	return v.Render("record", p)
}

// groups are the fields of a record under their headings, without those that
// are not set.
func (v *visit) groups(r *record.Record) []group {
	var out []group
	at := map[string]int{}
	for i := range r.Kind.Fields {
		f := &r.Kind.Fields[i]
		if f.Type == record.Secret || f.Type == record.Files || f.Name == "name" || r.Variant() != 0 && f.Name == r.Kind.Variants.By || r.Kind.Scope == record.OfParent && f.Name == r.Kind.Parent {
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
			g.Texts = append(g.Texts, longText{Label: f.Title(), HTML: shell.Prose(f, r.Values.Text(f.Name))})
		case record.Rows:
			g.Lists = append(g.Lists, v.rowsList(r, f))
		case record.Refs:
			if cells := v.LinkCells(r, f); len(cells) > 0 {
				g.Props = append(g.Props, ui.Prop{Label: f.Title(), Cells: cells})
			}
		default:
			p := ui.Prop{Label: f.Title(), Cells: []ui.Cell{v.Cell(r, f)}}
			if p.Cells[0].Type == "pill" {
				p.Cells = append([]ui.Cell{v.DateCell(&record.Field{}, r.Values.Text(f.Name))}, p.Cells...)
			}
			g.Props = append(g.Props, p)
		}
	}
	out = append(out, leftOver(r)...)
	for i := range out {
		if g := &out[i]; len(g.Texts) == 1 && len(g.Props) == 0 && g.Texts[0].Label == g.Title {
			g.Texts[0].Label = "" // the heading says it
		}
	}
	return out
}

// leftOver shows the values that the fields of the type cannot hold.
func leftOver(r *record.Record) []group {
	g := group{Title: "Values that their fields cannot hold"}
	for i := range r.Kind.Fields {
		f := &r.Kind.Fields[i]
		if v, ok := r.Rest[f.Name]; ok && f.Trait != 0 {
			g.Props = append(g.Props, ui.Prop{Label: f.Title(), Cells: []ui.Cell{{Text: shell.Plain(v)}}})
		}
	}
	if len(g.Props) == 0 {
		return nil
	}
	return []group{g}
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
			cell := v.Cell(line, c)
			if written := shell.Plain(row["formatted_"+c.Name]); written != "" { // as people read it
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
		s := sublist{ID: k.Plural, Title: k.Labels, Empty: "No " + shell.Lower(k.Labels) + " yet."}
		if v.May(access.Create, k) {
			s.Add = &ui.Action{Label: "Add", Icon: "plus", Href: shell.ListURL(k) + "/new?" + k.Parent + "=" + r.ID.String()}
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
			if v.May(access.Edit, k) {
				row.Cells[0].Href = shell.RecordURL(k, c.ID) + "/edit"
			}
			for _, f := range fields {
				row.Cells = append(row.Cells, v.Cell(c, f))
			}
			if v.May(access.Delete, k) {
				row.Actions = []ui.Action{{Label: "Remove", Href: shell.RecordURL(k, c.ID) + "/delete", Post: true, Quiet: true}}
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
			cards = append(cards, &ui.Section{Title: k.Labels, Icon: k.Icon, More: &ui.NavItem{Label: "All", Href: shell.ListURL(k) + "?" + f.Name + "=" + r.ID.String()},
				Items: []ui.Item{}, Empty: "No " + shell.Lower(k.Labels) + "."})
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
		if k := v.Kind(c.Text); len(c.Items) < mostReferrers {
			c.Items = append(c.Items, ui.Item{Title: name, Sub: org, Href: shell.RecordURL(k, id.ID(rid)), Icon: k.Icon})
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
