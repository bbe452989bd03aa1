package rotations

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/table"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/rotation"
	"strongroom/internal/surface/webui/shell"
)

// shown is how many lines the board shows; the export has all.
const shown = 500

// views are those of the board: what comes due within so many days is there too.
var views = []struct {
	key, label string
	soon       int
}{{"", "Overdue", 0}, {"14", "Within 14 days", 14}, {"60", "Within 60 days", 60}, {"out", "Checked out", 0}}

// lines are those that the address asks for.
func (v *visit) lines() (list []*rotation.Line, org string, err error) {
	q := v.R.URL.Query()
	var ask rotation.Ask
	for _, x := range views {
		if x.key == q.Get("show") {
			ask.Soon = x.soon
		}
	}
	ask.Org, _ = id.Parse(q.Get("organization_id"))
	err = v.View(func(tx *gate.Tx) error {
		if ask.Org != 0 {
			names, err := v.Records.Names(tx, ask.Org)
			if err != nil {
				return err
			}
			if org = names[ask.Org]; org == "" {
				return gate.Missing()
			}
		}
		list, err = rotation.Overdue(tx, v.Records, ask)
		return err
	})
	text := record.Fold(q.Get("q"))
	list = slices.DeleteFunc(list, func(l *rotation.Line) bool {
		return q.Get("show") == "out" && l.Days > 0 || text != "" && !strings.Contains(record.Fold(l.Name+" "+l.OrgName+" "+l.Why), text)
	})
	return list, org, err
}

func (v *visit) board() error {
	list, org, err := v.lines()
	if err != nil {
		return err
	}
	q := ui.Query{Path: "/passwords/overdue", Values: v.R.URL.Query()}
	t := ui.Table{ID: "list", Title: "Overdue passwords", Columns: []ui.Column{{Label: "Password", Phone: "title"}, {Label: "Why", Phone: "line"}, {Label: "Organization", Hide: 2}, {Label: "Changed", Hide: 3}, {Label: "Overdue", Phone: "end"}},
		Filter: &ui.Filter{Action: "/passwords/overdue", Name: "q", Value: q.Values.Get("q"), Label: "Filter overdue passwords", Hidden: q.Hidden("q")},
		Pager:  ui.Pager{Words: web.Number(int64(len(list))) + " passwords"},
		Empty:  ui.Empty{Icon: "calendar-due", Title: "Nothing is overdue.", Text: "Say on a password, a folder or a category how old its passwords may become: what is older stands here."}}
	if len(list) == 1 {
		t.Pager.Words = "1 password"
	}
	if org != "" {
		t.Filter.Chips = []ui.NavItem{{Label: "Organization: " + org, Href: q.With("organization_id", "")}}
	}
	for _, x := range views {
		t.Views = append(t.Views, ui.NavItem{Label: x.label, Href: q.With("show", x.key), Current: x.key == q.Values.Get("show")})
	}
	if v.Caller.May(access.Export) {
		t.Export = []ui.NavItem{{Label: "CSV, for a spreadsheet", Href: (ui.Query{Path: "/passwords/overdue/export", Values: q.Values}).With(), Icon: "table"}}
	}
	k := v.Kind("password")
	for _, l := range list[:min(len(list), shown)] {
		p := ui.Pill{Text: days(l.Over), Tone: "bad"}
		if l.Over < 0 {
			p = ui.Pill{Text: "in " + days(-l.Over), Tone: "warn"}
		}
		row := ui.Row{ID: l.Record.String(), Name: l.Name, Cells: []ui.Cell{{Type: "link", Text: l.Name, Icon: k.Icon, Href: shell.RecordURL(k, l.Record)}, {Text: l.Why}, {Text: l.OrgName},
			{Type: "date", Time: shell.When(l.Changed)}, {Type: "pill", Text: p.Text, Tone: p.Tone}}}
		if l.OrgName != "" {
			row.Cells[2].Href = shell.RecordURL(v.Kind("organization"), l.Org)
		}
		t.Rows = append(t.Rows, row)
	}
	if len(list) > shown {
		t.Pager.Words = "The first " + strconv.Itoa(shown) + " of " + web.Number(int64(len(list))) + "; the export has all"
	}
	p, err := v.Page("Overdue passwords", ui.Crumb{Label: k.Labels, Href: shell.ListURL(k)}, ui.Crumb{Label: "Overdue"})
	if err != nil {
		return err
	}
	p.Data = shell.ListPage{Head: ui.Head{Title: "Overdue passwords", Icon: "calendar-due", Sub: []ui.Cell{{Text: "What is to be changed, what is longest overdue first."}}}, Table: t}
	return v.Render("list", p)
}

func days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return web.Number(int64(n)) + " days"
}

func (v *visit) export() error {
	list, _, err := v.lines()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	out, err := table.CreateForSpreadsheet(&b, []string{"password", "organization", "why", "changed", "days_overdue"})
	if err != nil {
		return err
	}
	for _, l := range list {
		if err := out.Write(l.Name, l.OrgName, l.Why, shell.Day(shell.When(l.Changed)), strconv.Itoa(l.Over)); err != nil {
			return err
		}
	}
	err = v.Change(access.Export, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Entry().Detail.Text = "overdue passwords as CSV"
		return out.Close()
	})
	if err != nil {
		return err
	}
	return v.CSV("overdue-passwords", b.Bytes())
}
