package records

import (
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
	Groups []shell.FieldGroup
	Lists  []shell.Sublist
	Cards  []*ui.Section
	Files  *shell.FilesCard
	Talk   *shell.TalkCard
	Rail   []*ui.Section
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
		d.Groups = v.FieldGroups(r)
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

// mostChildren is how many records that live within another its page lists.
const mostChildren = 200

// children lists the records that live within this one.
func (v *visit) children(tx *gate.Tx, r *record.Record) ([]shell.Sublist, error) {
	var out []shell.Sublist
	for _, k := range v.Records.Kinds.Kinds() {
		by := k.ParentBy(r.Kind.Name)
		if by == nil {
			continue
		}
		page, err := v.Records.List(tx, k.Name, record.Query{Parent: r.ID, Limit: mostChildren, NoTotal: true})
		if err != nil {
			return nil, err
		}
		s := shell.Sublist{ID: k.Plural, Title: k.Labels, Empty: "No " + shell.Lower(k.Labels) + " yet."}
		if v.May(access.Create, k) {
			s.Add = &ui.Action{Label: "Add", Icon: "plus", Href: shell.ListURL(k) + "/new?" + by.Name + "=" + r.ID.String()}
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
			row := shell.Subrow{Cells: []ui.Cell{{Text: c.Name}}}
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
