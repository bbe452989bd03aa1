package webui

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/table"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

func (s *Server) mountHome() {
	s.get("/{$}", (*visit).home)
	s.get("/expirations", (*visit).expirations)
	s.get("/expirations/export", (*visit).exportExpirations)
}

// homePage is the dashboard.
type homePage struct {
	Head     ui.Head
	Tiles    []ui.Tile
	Expiring *ui.Section
	Changed  []ui.Item
	Activity *ui.Section
	Starred  []ui.Item
	Empty    *ui.Empty
}

func (v *visit) home() error {
	var d homePage
	var totals map[string]int64
	var soon []record.Expiry
	var week int64
	err := v.view(func(tx *gate.Tx) (err error) {
		if totals, err = v.Records.Totals(tx, 0); err != nil {
			return err
		}
		if soon, err = v.Records.Expiring(tx, 0, day(v.today().AddDate(0, 0, -30)), day(v.today().AddDate(0, 0, soonDays)), 1000); err != nil {
			return err
		}
		if week, err = v.changedSince(tx, v.Now().AddDate(0, 0, -7).UnixMilli()); err != nil {
			return err
		}
		if d.Changed, err = v.changed(tx, 0, 8); err != nil {
			return err
		}
		if v.c.Role.May(access.Inspect) {
			feed, err := v.feed(tx, audit.Filter{Limit: 30}, 8)
			if err != nil {
				return err
			}
			d.Activity = &ui.Section{Title: "Activity", More: &ui.NavItem{Label: "Audit trail", Href: "/audit"}, Feed: feed}
		}
		d.Starred, err = v.starred(tx, 8)
		return err
	})
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(v.c.Name, " ")
	d.Head = ui.Head{Title: "Hello, " + first, Sub: []ui.Cell{{Text: v.today().Format("Monday 2 January 2006")}, {Text: countWords(totals["organization"], v.kind("organization"))}}}
	d.Tiles = v.tiles(totals, soon, week)
	d.Expiring = &ui.Section{Title: "Expiring soon", More: &ui.NavItem{Label: "All " + strconv.Itoa(len(soon)), Href: "/expirations"}, Items: v.expiryItems(soon[:min(len(soon), 7)], true)}
	if len(soon) == 0 {
		d.Expiring.More, d.Expiring.Empty = nil, "Nothing runs out within 90 days."
	}
	if totals["organization"] == 0 {
		d.Empty = v.startHere()
	}
	p, err := v.page("Dashboard", ui.Crumb{Label: "Dashboard"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.render("home", p)
}

// startHere is what the dashboard of an empty tenant says.
func (v *visit) startHere() *ui.Empty {
	e := &ui.Empty{Icon: "building", Title: "There is nothing to see yet.", Text: "An administrator decides which organizations you see."}
	if k := v.kind("organization"); v.may(access.Create, k) {
		e.Title, e.Text = "Start with your first organization.", "Add a client or department, or bring in an IT Glue export."
		e.Actions = []ui.Action{{Label: "New organization", Icon: "plus", Href: newURL(k, 0), Primary: true}}
		if v.c.Role.May(access.Import) {
			e.Actions = append(e.Actions, ui.Action{Label: "Import", Icon: "upload", Href: "/imports"})
		}
	}
	return e
}

func (v *visit) tiles(totals map[string]int64, soon []record.Expiry, week int64) []ui.Tile {
	var out []ui.Tile
	for _, name := range []string{"organization", "configuration", "password", "document", "contact", "location"} {
		if k := v.kind(name); k != nil {
			out = append(out, ui.Tile{Label: k.Labels, Icon: k.Icon, Value: number(totals[name]), Href: listURL(k)})
		}
	}
	over, month := 0, 0
	for _, x := range soon {
		switch left := v.daysLeft(x.Date); {
		case left < 0:
			over++
		case left <= 30:
			month++
		}
	}
	t := ui.Tile{Label: "Expiring in 30 days", Icon: "calendar-due", Value: strconv.Itoa(month), Href: "/expirations?range=30", Delta: strconv.Itoa(len(soon)-over) + " in 90 days"}
	if month > 0 {
		t.Tone = "warn"
	}
	if over > 0 {
		t.Tone, t.Delta = "bad", strconv.Itoa(over)+" expired in the last 30 days"
	}
	return append(out, t, ui.Tile{Label: "Changed in 7 days", Icon: "activity", Value: number(week)})
}

// changedSince counts the records that changed since then.
func (v *visit) changedSince(tx *gate.Tx, ms int64) (n int64, err error) {
	cond, args := tx.Visible("r")
	kinds := v.menuNames()
	args = append(append(kinds, ms), args...)
	return n, tx.QueryRow(`select count(*) from (select 1 from record r where r.kind in (`+access.Marks(len(kinds))+`) and r.trashed_at is null and r.updated_at >= ? and `+cond+` limit 10000) q`,
		args...).Scan(&n)
}

// ranges are the views of the expirations board: days from today.
var ranges = []struct {
	key, label  string
	from, until int
}{
	{"30", "30 days", 0, 30}, {"90", "90 days", 0, 90}, {"365", "A year", 0, 365}, {"expired", "Expired", -3650, -1}, {"all", "All", -3650, 36500},
}

const mostExpiries = 2000

// board is the expirations of the address.
func (v *visit) board() (list []record.Expiry, org string, name string, err error) {
	q := v.r.URL.Query()
	r := ranges[1]
	for _, x := range ranges {
		if x.key == q.Get("range") {
			r = x
		}
	}
	only, _ := id.Parse(q.Get("organization_id"))
	err = v.view(func(tx *gate.Tx) (err error) {
		if only != 0 {
			names, err := v.Records.Names(tx, only)
			if err != nil {
				return err
			}
			if name = names[only]; name == "" {
				return gate.Missing()
			}
		}
		list, err = v.Records.Expiring(tx, only, day(v.today().AddDate(0, 0, r.from)), day(v.today().AddDate(0, 0, r.until)), mostExpiries)
		return err
	})
	if words := record.Fold(q.Get("q")); words != "" {
		list = slices.DeleteFunc(list, func(x record.Expiry) bool {
			return !strings.Contains(record.Fold(x.Name+" "+x.OrgName+" "+x.Field.Title()), words)
		})
	}
	sortExpiries(list, q.Get("sort"), q.Get("dir") == "desc")
	return list, r.key, name, err
}

func sortExpiries(list []record.Expiry, by string, desc bool) {
	key := map[string]func(record.Expiry) string{
		"name": func(x record.Expiry) string { return record.Fold(x.Name) }, "organization": func(x record.Expiry) string { return record.Fold(x.OrgName) },
		"what": func(x record.Expiry) string { return x.Field.Title() }, "date": func(x record.Expiry) string { return x.Date },
	}[by]
	if key == nil {
		return
	}
	slices.SortStableFunc(list, func(a, b record.Expiry) int {
		c := cmp.Compare(key(a), key(b))
		if desc {
			return -c
		}
		return c
	})
}

func (v *visit) expirations() error {
	list, now, orgName, err := v.board()
	if err != nil {
		return err
	}
	q := ui.Query{Path: "/expirations", Values: v.r.URL.Query()}
	t := ui.Table{ID: "list", Title: "Expirations", Columns: []ui.Column{
		q.Sortable(ui.Column{Label: "Record", Phone: "title"}, "name"), q.Sortable(ui.Column{Label: "What", Phone: "line"}, "what"),
		q.Sortable(ui.Column{Label: "Organization", Phone: "line"}, "organization"), q.Sortable(ui.Column{Label: "Date", Hide: 3}, "date"), {Label: "Left", Phone: "end"}},
		Filter: &ui.Filter{Action: "/expirations", Name: "q", Value: q.Values.Get("q"), Label: "Filter expirations", Hidden: q.Hidden("q")},
		Pager:  ui.Pager{Words: strconv.Itoa(len(list)) + " in this range"},
		Empty:  ui.Empty{Icon: "calendar-due", Title: "Nothing runs out in this range.", Text: "Warranties, certificates and other dates of your records stand here as they come near."}}
	if orgName != "" {
		t.Filter.Chips = []ui.NavItem{{Label: "Organization: " + orgName, Href: q.With("organization_id", "")}}
	}
	for _, r := range ranges {
		t.Views = append(t.Views, ui.NavItem{Label: r.label, Href: q.With("range", r.key), Current: r.key == now})
	}
	if v.c.Role.May(access.Export) {
		t.Export = []ui.NavItem{{Label: "CSV, for a spreadsheet", Href: (ui.Query{Path: "/expirations/export", Values: q.Values}).With(), Icon: "table"}}
	}
	most := 500
	for _, x := range list[:min(len(list), most)] {
		p := v.expiryPill(x.Date)
		row := ui.Row{ID: x.Record.String(), Name: x.Name, Cells: []ui.Cell{
			{Type: "link", Text: x.Name, Icon: x.Kind.Icon, Href: recordURL(x.Kind, x.Record)}, {Text: x.Field.Title()}, {Text: x.OrgName}, {Text: x.Date}, {Type: "pill", Text: p.Text, Tone: p.Tone}}}
		if x.Org != 0 && x.OrgName != "" {
			row.Cells[2].Href = recordURL(v.kind("organization"), x.Org)
		}
		if c := v.dateCell(&record.Field{}, x.Date); c.Type != "" {
			row.Cells[3] = c
		}
		t.Rows = append(t.Rows, row)
	}
	if len(list) > most {
		t.Pager.Words = "The first " + strconv.Itoa(most) + " of " + strconv.Itoa(len(list)) + "; the export has all"
	}
	p, err := v.page("Expirations", ui.Crumb{Label: "Expirations"})
	if err != nil {
		return err
	}
	p.Data = listPage{Head: ui.Head{Title: "Expirations", Icon: "calendar-due", Sub: []ui.Cell{{Text: "What runs out, and when."}}}, Table: t}
	return v.render("records", p)
}

func (v *visit) exportExpirations() error {
	list, _, _, err := v.board()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	out, err := table.CreateForSpreadsheet(&b, []string{"record", "kind", "organization", "what", "date", "days_left"})
	if err != nil {
		return err
	}
	for _, x := range list {
		if err := out.Write(x.Name, x.Kind.Label, x.OrgName, x.Field.Title(), x.Date, strconv.Itoa(v.daysLeft(x.Date))); err != nil {
			return err
		}
	}
	err = v.change(access.Export, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Entry().Detail.Text = "expirations as CSV"
		return out.Close()
	})
	if err != nil {
		return err
	}
	return v.csv("expirations", b.Bytes())
}
