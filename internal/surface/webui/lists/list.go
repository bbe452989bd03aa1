package lists

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/flag"
	"strongroom/internal/feature/view"
	"strongroom/internal/surface/webui/shell"
)

// listing is one list of a kind as the address asks for it.
type listing struct {
	kind     *record.Kind
	org      id.ID // 0 is the whole tenant
	q        ui.Query
	query    record.Query
	page     int
	columns  []string // names of fields, or of the spine
	selects  []*record.Field
	chips    []*record.Field
	narrowed []string               // names of conditions in the address that are no single value
	choices  map[string][]ui.Option // kind -> its records, of those that selects need
	names    map[id.ID]string       // of what the chips name
	found    *record.Page
	flags    map[id.ID][]flag.Flag // of the records that are shown
	saved    []view.View
}

func (v *visit) newListing(k *record.Kind, org id.ID, path string, values url.Values) (*listing, error) {
	k, err := v.Variant(k, values.Get)
	if err != nil {
		return nil, err
	}
	if k.Variant != 0 { // as long as it is one
		values.Set(k.Variants.By, k.Variant.String())
	}
	l := &listing{kind: k, org: org, q: ui.Query{Path: path, Values: values}}
	l.query = record.Query{Org: org, Text: values.Get("q"), Limit: 50, Archived: "no"}
	if n, err := strconv.Atoi(values.Get("per")); err == nil && (n == 25 || n == 100) {
		l.query.Limit = n
	}
	if n, err := strconv.Atoi(values.Get("page")); err == nil && n > 1 && n <= 100_000 {
		l.page = n - 1
	}
	l.query.Offset, l.query.Variant = l.page*l.query.Limit, k.Variant
	switch values.Get("archived") {
	case "yes":
		l.query.Archived = "yes"
	case "all":
		l.query.Archived = ""
	}
	if s := values.Get("sort"); s != "" {
		l.query.Sort = []record.Order{{Field: s, Desc: values.Get("dir") == "desc"}}
	}
	if f := l.expiring(); f != nil && values.Get("soon") != "" {
		l.query.Filters = append(l.query.Filters, record.Filter{Field: f.Name, Op: record.Range, Values: []any{nil, v.Today().AddDate(0, 0, shell.SoonDays).Format(time.DateOnly)}})
		if k.Ended != "" {
			l.query.Filters = append(l.query.Filters, record.Filter{Field: k.Ended, Op: record.Ne, Values: []any{true}})
		}
	}
	if err := l.filters(values); err != nil {
		return nil, err
	}
	l.columns = v.columns(k, org, values.Get("cols"))
	return l, nil
}

// expiring is the date that the list's expiring view goes by.
func (l *listing) expiring() *record.Field {
	for i := range l.kind.Fields {
		if f := &l.kind.Fields[i]; f.Expires && f.Sort {
			return f
		}
	}
	return nil
}

// filters reads the conditions on fields; those that have no select of their
// own are shown as chips.
func (l *listing) filters(values url.Values) error {
	for i := range l.kind.Fields {
		f := &l.kind.Fields[i]
		if f.Type == record.Secret || !(f.Filter || f.Type == record.Ref) || f.Name == "name" {
			continue
		}
		if f.Type == record.Refs {
			continue
		}
		if l.selectable(f) {
			l.selects = append(l.selects, f)
		}
		raw := values.Get(f.Name)
		if raw == "" || l.kind.Variant != 0 && f.Name == l.kind.Variants.By {
			continue
		}
		val, err := f.Parse(raw)
		if err != nil {
			return err
		}
		if b, ok := val.(bool); ok {
			val = b
		}
		l.query.Filters = append(l.query.Filters, record.Filter{Field: f.Name, Op: record.Eq, Values: []any{val}})
		if !l.selectable(f) {
			l.chips = append(l.chips, f)
		}
	}
	return l.ranges(values)
}

// ranges reads the conditions that are no single value, such as created_at.from.
func (l *listing) ranges(values url.Values) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		said := values.Get(name)
		if !strings.Contains(name, ".") || said == "" {
			continue
		}
		f, known, err := view.Narrow(l.kind, name, said)
		if err != nil {
			return err
		}
		if known {
			l.query.Filters, l.narrowed = append(l.query.Filters, f), append(l.narrowed, name)
		}
	}
	return nil
}

// selectable tells whether a field has a select above the list: short lists
// that are columns too.
func (l *listing) selectable(f *record.Field) bool {
	if !f.Filter || !f.List || f.ReadOnly && f.Type != record.Bool {
		return false
	}
	return f.Type == record.Bool || f.Type == record.Choice || f.Type == record.Ref && (strings.HasSuffix(f.Ref, "_type") || strings.HasSuffix(f.Ref, "_status") || strings.HasSuffix(f.Ref, "_category"))
}

// read asks for the page and for the names that its filters show.
func (l *listing) read(v *visit, tx *gate.Tx) (err error) {
	if err := l.narrowByFlag(tx); err != nil {
		return err
	}
	if l.found, err = v.Records.List(tx, l.kind.Name, l.query); err != nil {
		return err
	}
	var kinds []string
	for _, f := range l.selects {
		if f.Type == record.Ref {
			kinds = append(kinds, f.Ref)
		}
	}
	if flag.Borne(v.Records.Kinds, l.kind) {
		kinds = append(kinds, flag.Kind)
	}
	if l.choices, err = shell.Options(tx, kinds); err != nil {
		return err
	}
	if len(l.choices[flag.Kind]) > 0 { // where there are none, none is borne
		var shown []id.ID
		for _, r := range l.found.Records {
			shown = append(shown, r.ID)
		}
		if l.flags, err = flag.OfMany(tx, shown); err != nil {
			return err
		}
	}
	if l.saved, err = view.List(tx, l.kind.Name, l.kind.Variant); err != nil {
		return err
	}
	var ids []id.ID
	for _, f := range l.chips {
		if i, ok := id.Parse(l.q.Values.Get(f.Name)); ok && f.Type == record.Ref {
			ids = append(ids, i)
		}
	}
	if len(ids) > 0 {
		l.names, err = v.Records.Names(tx, ids...)
	}
	return err
}

// list is the page of all records of a kind, of one organization or of all.
func (v *visit) list(k *record.Kind, org id.ID) error {
	path := shell.ListURL(k)
	if org != 0 {
		path = shell.OrgListURL(org, k)
	}
	l, err := v.newListing(k, org, path, v.R.URL.Query())
	if err != nil {
		return err
	}
	k = l.kind
	l.query.Only = append([]string{shell.IconField}, l.columns...)
	if k.Ended != "" { // its dates count no more
		l.query.Only = append(l.query.Only, k.Ended)
	}
	for _, name := range l.columns {
		if f := k.Field(name); f != nil && f.Of != "" { // shown together
			l.query.Only = append(l.query.Only, f.Of)
		}
	}
	around := &orgShell{variant: k}
	err = v.View(func(tx *gate.Tx) (err error) {
		if org != 0 {
			if err := v.readOrg(tx, around, org, k.Name); err != nil {
				return err
			}
		}
		return l.read(v, tx)
	})
	if err != nil {
		return err
	}
	crumbs := shell.Ending(v.Crumbs(k, 0, ""))
	if org != 0 {
		crumbs = shell.Ending(v.Crumbs(k, org, around.Record.Name))
	}
	p, err := v.Page(k.Labels, crumbs...)
	if err != nil {
		return err
	}
	d := listPage{Table: l.table(v), Org: around}
	if org == 0 {
		d.Head = ui.Head{Title: k.Labels, Icon: k.Icon, Sub: []ui.Cell{{Text: shell.Count(l.found.Total, k)}}}
		if v.May(access.Create, k) && k.Scope != record.OfParent {
			d.Head.Actions = []ui.Action{{Label: shell.NewLabel(k), Icon: "plus", Href: shell.NewURL(k, 0), Primary: true, Key: "n"}}
		}
		d.Org = nil
	}
	p.Keys = []ui.Shortcuts{{Title: k.Labels, Keys: []ui.Key{{Keys: "n", Does: shell.NewLabel(k)}}}}
	p.Data = d
	return v.Render("records", p)
}

type listPage struct {
	Head  ui.Head
	Org   *orgShell
	Table ui.Table
}

// table draws the list.
func (l *listing) table(v *visit) ui.Table {
	k := l.kind
	t := ui.Table{ID: "list", Title: k.Labels, Hidden: append(l.q.Hidden(), ui.Hidden{Name: "back", Value: l.q.With()}), BulkURL: shell.ListURL(k) + "/bulk"}
	if l.org != 0 {
		t.Hidden = append(t.Hidden, ui.Hidden{Name: "organization", Value: l.org.String()})
	}
	lines := 0
	for i, name := range l.columns {
		c := l.column(name, i)
		if c.Phone == "line" {
			if lines++; lines > 2 { // a row stays short on a phone
				c.Phone = ""
			}
		}
		t.Columns = append(t.Columns, c)
	}
	for _, r := range l.found.Records {
		row := ui.Row{ID: r.ID.String(), Name: r.Name, Muted: r.Archived}
		for _, f := range l.flags[r.ID] {
			row.Marks = append(row.Marks, ui.Pill{Text: f.Name, Tone: f.Colour})
		}
		for i, name := range l.columns {
			c := v.columnCell(r, name)
			if i > 0 && c.Type != "url" {
				c.Href = "" // a row leads to its record
			}
			row.Cells = append(row.Cells, c)
		}
		t.Rows = append(t.Rows, row)
	}
	t.Filter, t.Views, t.Choose, t.Pager = l.filter(), l.views(), l.chooser(v), l.pager()
	t.Saved = l.savedViews(v)
	t.Bulk = v.bulkActions(k, l.query.Archived)
	if n := int64(len(t.Rows)); len(t.Bulk) > 0 && l.found.Total > n {
		t.Matching = int(min(l.found.Total, mostBulk))
	}
	if v.Caller.May(access.Export) {
		export := ui.Query{Path: l.q.Path + "/export", Values: l.q.Values}
		t.Export = []ui.NavItem{{Label: "CSV with the columns shown", Href: export.With("as", "shown"), Icon: "table"}, {Label: "CSV with everything", Href: export.With(), Icon: "table"}}
	}
	t.Empty = l.empty(v)
	return t
}

func (l *listing) empty(v *visit) ui.Empty {
	k := l.kind
	narrowed := l.query.Text != "" || len(l.query.Filters) > 0
	switch {
	case narrowed:
		return ui.Empty{Icon: "search", Title: "No " + shell.Lower(k.Labels) + " match this filter.", Text: "Take a part of it away, or clear it.",
			Actions: []ui.Action{{Label: "Clear the filter", Icon: "x", Href: l.q.Path}}}
	case l.query.Archived == "yes":
		return ui.Empty{Icon: "archive", Title: "Nothing is archived.", Text: "What is archived keeps its history and leaves the lists."}
	}
	e := ui.Empty{Icon: k.Icon, Title: "No " + shell.Lower(k.Labels) + " yet."}
	if v.May(access.Create, k) && k.Scope != record.OfParent {
		e.Text = "Add the first one, or bring in what you have."
		e.Actions = []ui.Action{{Label: shell.NewLabel(k), Icon: "plus", Href: shell.NewURL(k, l.org), Primary: true}}
		if v.Caller.May(access.Import) && k.Menu > 0 {
			e.Actions = append(e.Actions, ui.Action{Label: "Import", Icon: "upload", Href: "/imports"})
		}
	}
	return e
}

func (l *listing) filter() *ui.Filter {
	f := &ui.Filter{Action: l.q.Path, Name: "q", Value: l.query.Text, Label: "Filter " + shell.Lower(l.kind.Labels)}
	but := []string{"q", "per"}
	for _, x := range l.selects {
		but = append(but, x.Name)
		now := l.q.Values.Get(x.Name)
		list := []ui.Option{{Label: x.Title() + ": any"}}
		switch x.Type {
		case record.Bool:
			list = append(list, ui.Option{Value: "1", Label: x.Title()}, ui.Option{Value: "0", Label: "Not: " + x.Title()})
		case record.Choice:
			for _, c := range x.Choices {
				list = append(list, ui.Option{Value: c, Label: c})
			}
		case record.Ref:
			list = append(list, l.choices[x.Ref]...)
		}
		for i := range list {
			list[i].Selected = list[i].Value == now
		}
		f.Fields = append(f.Fields, ui.Field{Name: x.Name, Label: x.Title(), Options: list})
	}
	if x := l.flagChoice(); x != nil {
		but, f.Fields = append(but, x.Name), append(f.Fields, *x)
	}
	per := ui.Field{Name: "per", Label: "Rows on a page"}
	for _, n := range []string{"25", "", "100"} {
		label := n
		if n == "" {
			label = "50"
		}
		per.Options = append(per.Options, ui.Option{Value: n, Label: label + " rows", Selected: l.q.Values.Get("per") == n})
	}
	f.Fields = append(f.Fields, per)
	f.Hidden = l.q.Hidden(but...)
	for _, x := range l.chips {
		raw := l.q.Values.Get(x.Name)
		if i, ok := id.Parse(raw); ok && x.Type == record.Ref {
			raw = l.names[i]
		}
		f.Chips = append(f.Chips, ui.NavItem{Label: x.Title() + ": " + raw, Href: l.q.With(x.Name, "")})
	}
	for _, name := range l.narrowed {
		f.Chips = append(f.Chips, ui.NavItem{Label: view.Words(l.kind, name, l.q.Values.Get(name)), Href: l.q.With(name, "")})
	}
	return f
}

func (l *listing) views() []ui.NavItem {
	now, soon := l.q.Values.Get("archived"), l.q.Values.Get("soon") != ""
	out := []ui.NavItem{
		{Label: "Active", Href: l.q.With("archived", "", "soon", ""), Current: now == "" && !soon},
		{Label: "Archived", Href: l.q.With("archived", "yes", "soon", ""), Current: now == "yes"},
		{Label: "All", Href: l.q.With("archived", "all", "soon", ""), Current: now == "all"},
	}
	if f := l.expiring(); f != nil {
		out = append(out, ui.NavItem{Label: "Expiring", Href: l.q.With("archived", "", "soon", "1", "sort", f.Name, "dir", ""), Current: soon})
	}
	return out
}

func (l *listing) pager() ui.Pager {
	from, n := int64(l.query.Offset), int64(len(l.found.Records))
	p := ui.Pager{Words: fmt.Sprintf("%s–%s of %s", web.Number(from+1), web.Number(from+n), web.Number(l.found.Total))}
	if n == 0 {
		p.Words = "Nothing here"
		if l.found.Total == 0 {
			p.Words = "No " + shell.Lower(l.kind.Labels)
		}
	}
	if l.page > 0 {
		p.Prev = l.q.With("page", strconv.Itoa(l.page))
	}
	if from+n < l.found.Total && n > 0 {
		p.Next = l.q.With("page", strconv.Itoa(l.page+2))
	}
	return p
}

// Columns.

const columnsAge = 365 * 24 * time.Hour

func columnsCookie(k *record.Kind) string {
	if k.Variant != 0 {
		return "columns_" + k.Name + "_" + k.Variant.String()
	}
	return "columns_" + k.Name
}

// offered lists what may be a column of a kind's list.
func offered(k *record.Kind) []string {
	out := []string{"name"}
	for i := range k.Fields {
		switch f := &k.Fields[i]; f.Type {
		case record.Secret, record.Rows, record.Files:
		default:
			if f.Name != "name" && !(k.Variant != 0 && f.Name == k.Variants.By) {
				out = append(out, f.Name)
			}
		}
	}
	return append(out, "created_at", "updated_at")
}

// columns are those of a person's choice, or the kind's own.
// said are those that the address asks for.
func (v *visit) columns(k *record.Kind, org id.ID, said string) []string {
	var out []string
	if chosen := cmp.Or(said, web.Cookie(v.R, columnsCookie(k))); chosen != "" {
		for name := range strings.SplitSeq(chosen, ".") {
			if slices.Contains(offered(k), name) && !slices.Contains(out, name) && name != "name" {
				out = append(out, name)
			}
		}
	} else {
		for _, f := range k.Fields {
			if f.List && slices.Contains(offered(k), f.Name) && f.Name != "name" {
				out = append(out, f.Name)
			}
		}
		out = append(out, "updated_at")
	}
	head := []string{"name"}
	if k.Scope == record.OfOrganization && org == 0 {
		head = append(head, "organization_id")
	}
	return append(head, out...)
}

func (l *listing) chooser(v *visit) *ui.Chooser {
	c := &ui.Chooser{Action: shell.ListURL(l.kind) + "/columns", Hidden: []ui.Hidden{{Name: "back", Value: l.q.With("cols", "")}}}
	if l.kind.Variant != 0 {
		c.Hidden = append(c.Hidden, ui.Hidden{Name: l.kind.Variants.By, Value: l.kind.Variant.String()})
	}
	for _, name := range offered(l.kind)[1:] {
		c.Options = append(c.Options, ui.Option{Value: name, Label: columnLabel(l.kind, name), Selected: slices.Contains(l.columns, name)})
	}
	return c
}

func (v *visit) setColumns(k *record.Kind) error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	if k, err = v.Variant(k, f.Text); err != nil {
		return err
	}
	var keep []string
	for _, name := range f.All("col") {
		if slices.Contains(offered(k), name) {
			keep = append(keep, name)
		}
	}
	age := columnsAge
	if len(keep) == 0 {
		age = -1 // the kind's own again
	}
	web.SetCookie(v.W, v.R, columnsCookie(k), strings.Join(keep, "."), age)
	return web.SeeOther(v.W, v.R, web.LocalPath(f.Text("back"), shell.ListURL(k)))
}

func columnLabel(k *record.Kind, name string) string {
	switch name {
	case "organization_id":
		return "Organization"
	case "created_at":
		return "Created"
	case "updated_at":
		return "Updated"
	}
	if f := k.Field(name); f != nil {
		return f.Title()
	}
	return "Name"
}

// column is the head of a column: what it sorts by and where there is room for it.
func (l *listing) column(name string, i int) ui.Column {
	c := ui.Column{Label: columnLabel(l.kind, name)}
	switch {
	case i == 0:
		c.Phone = "title"
	case i >= 6:
		c.Hide = 1
	case i >= 4:
		c.Hide = 2
	}
	if name == "updated_at" {
		c.Hide = 2
	}
	f := l.kind.Field(name)
	switch {
	case name == "organization_id":
		c.Phone = "line"
		return l.q.Sortable(c, "organization_name")
	case f == nil:
		return l.q.Sortable(c, name)
	case f.Type == record.Ref:
		c.Phone = "line"
		if strings.HasSuffix(f.Ref, "_status") {
			c.Phone, c.Hide = "end", 0
		}
		if strings.HasSuffix(f.Name, "_id") {
			return l.q.Sortable(c, strings.TrimSuffix(f.Name, "_id")+"_name")
		}
		return c
	case f.Type == record.Choice && f.Name == "status":
		c.Phone, c.Hide = "end", 0
	case f.Format == record.Mono || f.Format == record.IP || f.Series != "":
		c.Phone = "line"
	case f.Type == record.Integer || f.Type == record.Number:
		c.Right = true
	case f.Type == record.Refs:
		return c
	}
	if f.Filter || f.Sort || f.Expires || f.Unique {
		return l.q.Sortable(c, name)
	}
	return c
}

func (v *visit) columnCell(r *record.Record, name string) ui.Cell {
	switch name {
	case "name":
		c := ui.Cell{Type: "link", Text: r.Name, Href: shell.RecordURL(r.Kind, r.ID), Icon: shell.IconOf(r)}
		if r.Restricted {
			c.Sub = "restricted"
		}
		return c
	case "organization_id":
		if r.OrgName == "" {
			return ui.Cell{}
		}
		return ui.Cell{Text: r.OrgName}
	case "created_at":
		return ui.Cell{Type: "ago", Time: shell.When(r.Created)}
	case "updated_at":
		return ui.Cell{Type: "ago", Time: shell.When(r.Updated)}
	}
	return v.Cell(r, r.Kind.Field(name))
}
