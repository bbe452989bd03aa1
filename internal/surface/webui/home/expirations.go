package home

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/table"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/expiry"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/shell"
)

// ranges are the views of the expirations board: days from today.
var ranges = []struct {
	key, label  string
	from, until int
}{
	{"30", "30 days", 0, 30}, {"90", "90 days", 0, 90}, {"365", "A year", 0, 365}, {"expired", "Expired", -3650, -1}, {"all", "All", -3650, 36500},
}

const mostExpiries = 2000

// board is the expirations of the address.
func (v *visit) board() (list []expiry.Item, org string, name string, err error) {
	q := v.R.URL.Query()
	r := ranges[1]
	for _, x := range ranges {
		if x.key == q.Get("range") {
			r = x
		}
	}
	only, _ := id.Parse(q.Get("organization_id"))
	err = v.View(func(tx *gate.Tx) (err error) {
		if only != 0 {
			names, err := v.Records.Names(tx, only)
			if err != nil {
				return err
			}
			if name = names[only]; name == "" {
				return gate.Missing()
			}
		}
		list, err = expiry.List(tx, v.Records, only, shell.Day(v.Today().AddDate(0, 0, r.from)), shell.Day(v.Today().AddDate(0, 0, r.until)), mostExpiries)
		return err
	})
	if words := record.Fold(q.Get("q")); words != "" {
		list = slices.DeleteFunc(list, func(x expiry.Item) bool {
			return !strings.Contains(record.Fold(x.Name+" "+x.OrgName+" "+x.Field.Title()), words)
		})
	}
	sortExpiries(list, q.Get("sort"), q.Get("dir") == "desc")
	return list, r.key, name, err
}

func sortExpiries(list []expiry.Item, by string, desc bool) {
	key := map[string]func(expiry.Item) string{
		"name": func(x expiry.Item) string { return record.Fold(x.Name) }, "organization": func(x expiry.Item) string { return record.Fold(x.OrgName) },
		"what": func(x expiry.Item) string { return x.Field.Title() }, "date": func(x expiry.Item) string { return x.Date },
	}[by]
	if key == nil {
		return
	}
	slices.SortStableFunc(list, func(a, b expiry.Item) int {
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
	q := ui.Query{Path: "/expirations", Values: v.R.URL.Query()}
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
	if v.Caller.May(access.Export) {
		t.Export = []ui.NavItem{{Label: "CSV, for a spreadsheet", Href: (ui.Query{Path: "/expirations/export", Values: q.Values}).With(), Icon: "table"}}
	}
	most := 500
	for _, x := range list[:min(len(list), most)] {
		p := v.PillOf(x.Kind, x.Date)
		row := ui.Row{ID: x.Record.String(), Name: x.Name, Cells: []ui.Cell{
			{Type: "link", Text: x.Name, Icon: x.Kind.Icon, Href: shell.RecordURL(x.Kind, x.Record)}, {Text: x.Field.Title()}, {Text: x.OrgName}, {Text: x.Date}, {Type: "pill", Text: p.Text, Tone: p.Tone}}}
		if x.Org != 0 && x.OrgName != "" {
			row.Cells[2].Href = shell.RecordURL(v.Kind("organization"), x.Org)
		}
		if c := v.DateCell(&record.Field{}, x.Date); c.Type != "" {
			row.Cells[3] = c
		}
		t.Rows = append(t.Rows, row)
	}
	if len(list) > most {
		t.Pager.Words = "The first " + strconv.Itoa(most) + " of " + strconv.Itoa(len(list)) + "; the export has all"
	}
	p, err := v.Page("Expirations", ui.Crumb{Label: "Expirations"})
	if err != nil {
		return err
	}
	p.Data = shell.ListPage{Head: ui.Head{Title: "Expirations", Icon: "calendar-due", Sub: []ui.Cell{{Text: "What runs out, and when."}}}, Table: t}
	return v.Render("list", p)
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
		if err := out.Write(x.Name, x.Kind.Label, x.OrgName, x.Field.Title(), x.Date, strconv.Itoa(v.DaysLeft(x.Date))); err != nil {
			return err
		}
	}
	err = v.Change(access.Export, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Entry().Detail.Text = "expirations as CSV"
		return out.Close()
	})
	if err != nil {
		return err
	}
	return v.CSV("expirations", b.Bytes())
}
