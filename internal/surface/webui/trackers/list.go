package trackers

import (
	"strconv"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/tracker"
	"strongroom/internal/surface/webui/shell"
)

// most is how many lines the list shows.
const most = 500

// list is the page of all that is followed, problems first.
func (v *visit) list() error {
	q := ui.Query{Path: "/trackers", Values: v.R.URL.Query()}
	ask := tracker.Query{Problems: q.Values.Get("show") == "problems", Text: q.Values.Get("q"), Limit: most}
	ask.Org, _ = id.Parse(q.Values.Get("organization_id"))
	if t := v.Checker.Find(q.Values.Get("tracker")); t != nil {
		ask.Tracker = t.Name
	}
	var lines []*tracker.Line
	var total int64
	org := ""
	err := v.View(func(tx *gate.Tx) (err error) {
		if ask.Org != 0 {
			names, err := v.Records.Names(tx, ask.Org)
			if err != nil {
				return err
			}
			if org = names[ask.Org]; org == "" {
				return gate.Missing()
			}
		}
		lines, total, err = v.Checker.List(tx, ask)
		return err
	})
	if err != nil {
		return err
	}
	t := v.table(q, lines)
	if org != "" {
		t.Filter.Chips = []ui.NavItem{{Label: "Organization: " + org, Href: q.With("organization_id", "")}}
	}
	t.Pager.Words = web.Number(total) + " checks"
	if total > most {
		t.Pager.Words = "The first " + strconv.Itoa(most) + " of " + web.Number(total) + ", what is worst first"
	}
	if ask.Problems {
		t.Empty = ui.Empty{Icon: "radar", Title: "Nothing needs attention.", Text: "What was found outside about domains and certificates is in order."}
	}
	p, err := v.Page("Trackers", ui.Crumb{Label: "Trackers"})
	if err != nil {
		return err
	}
	p.Data = shell.ListPage{Head: ui.Head{Title: "Trackers", Icon: "radar", Sub: []ui.Cell{{Text: "What is found outside about domains and certificates, what is worst first."}}}, Table: t}
	return v.Render("list", p)
}

func (v *visit) table(q ui.Query, lines []*tracker.Line) ui.Table {
	t := ui.Table{ID: "list", Title: "Trackers", Columns: []ui.Column{
		{Label: "Record", Phone: "title"}, {Label: "Tracker", Phone: "line"}, {Label: "State", Phone: "end"}, {Label: "Found", Hide: 3}, {Label: "Organization", Hide: 2}, {Label: "Checked", Hide: 2}},
		Filter: &ui.Filter{Action: "/trackers", Name: "q", Value: q.Values.Get("q"), Label: "Filter by name", Hidden: q.Hidden("q")},
		Empty:  ui.Empty{Icon: "radar", Title: "Nothing is followed yet.", Text: "Add a domain or an SSL certificate: a minute later what registries, name servers and hosts say of it stands here."}}
	shown, only := q.Values.Get("show"), q.Values.Get("tracker")
	t.Views = []ui.NavItem{{Label: "All", Href: q.With("show", "", "tracker", ""), Current: shown == "" && only == ""}, {Label: "Problems", Href: q.With("show", "problems", "tracker", ""), Current: shown != ""}}
	for _, x := range v.Checker.Trackers {
		t.Views = append(t.Views, ui.NavItem{Label: x.Title, Href: q.With("show", "", "tracker", x.Name), Current: only == x.Name})
	}
	for _, l := range lines {
		x, p := v.Checker.Find(l.Tracker), pill(l.State)
		k := v.Kind(l.Kind)
		if x == nil || k == nil {
			continue
		}
		if l.Paused {
			p = ui.Pill{Text: "Stopped"}
		}
		row := ui.Row{ID: l.Record.String() + l.Tracker, Name: l.Name, Cells: []ui.Cell{
			{Type: "link", Text: l.Name, Icon: k.Icon, Href: "/trackers/" + l.Record.String() + "#" + l.Tracker}, {Text: x.Title}, {Type: "pill", Text: p.Text, Tone: p.Tone},
			{Text: line(l.State)}, {Text: l.OrgName}, ago(l.Checked)}}
		if l.OrgName != "" {
			row.Cells[4].Href = shell.RecordURL(v.Kind("organization"), l.Org)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func ago(ms int64) ui.Cell {
	if ms == 0 {
		return ui.Cell{Type: "mut", Text: "never"}
	}
	return ui.Cell{Type: "ago", Time: shell.When(ms)}
}
