// Package reports holds the dashboard, and the pages of the reports that every house has and
// of those that people keep.
//
// Always true: each number leads to the list that it is of, as far as that is one; a report
// is answered by the rights of who looks; a chart stands beside a table of the same numbers;
// everything works without script.
package reports

import (
	"embed"
	"io/fs"
	"net/url"
	"slices"
	"strconv"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/outbox"
	"strongroom/internal/feature/report"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages parts
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct {
	Outbox *outbox.Outbox // nil where no mail is sent
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Nav(shell.Entry{Label: "Reports", Href: "/reports", Icon: "chart-bar", Place: 52, For: func(c *access.Caller) bool { return c.Sees("incident") }})
	s.Get("/reports", as((*visit).dashboard))
	s.Get("/standard-reports/{name}", as((*visit).standard))
	s.Get("/standard-reports/{name}/csv", as((*visit).standardCSV))
	s.Get("/standard-reports/{name}/pdf", as((*visit).standardPDF))
	s.Get("/reports/new", as((*visit).fresh))
	s.Post("/reports", as((*visit).save))
	s.Get("/reports/{id}", p.as((*mailVisit).show))
	s.Post("/reports/{id}/mail", p.as((*mailVisit).subscribe))
	s.Get("/reports/{id}/edit", as((*visit).edit))
	s.Get("/reports/{id}/csv", as((*visit).ownCSV))
	s.Get("/reports/{id}/pdf", as((*visit).ownPDF))
	s.Post("/reports/{id}", as((*visit).save))
	s.Post("/reports/{id}/remove", as((*visit).remove))
	s.Get("/dashboards/new", as((*visit).newBoard))
	s.Post("/dashboards", as((*visit).saveBoard))
	s.Get("/dashboards/{id}", p.as((*mailVisit).board))
	s.Post("/dashboards/{id}/mail", p.as((*mailVisit).boardMail))
	s.Get("/dashboards/{id}/edit", as((*visit).editBoard))
	s.Get("/dashboards/{id}/csv", as((*visit).boardCSV))
	s.Get("/dashboards/{id}/pdf", as((*visit).boardPDF))
	s.Post("/dashboards/{id}", as((*visit).saveBoard))
	s.Post("/dashboards/{id}/remove", as((*visit).removeBoard))
}

// visit is one request for a page of the group.
type visit struct{ *shell.Visit }

// as makes a handler of the shell.
func as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v}) }
}

func at(n id.ID) string { return "/reports/" + n.String() }

// asks is what the address of a page of built-in reports says.
type asks struct {
	kind *record.Kind
	days int
	org  id.ID
	all  []report.Builtin
}

// asked reads the address: the kind of tickets, the period, and an organization.
func (v *visit) asked() (*asks, error) {
	kinds := slices.DeleteFunc(report.Kinds(v.Records.Kinds), func(k *record.Kind) bool { return !v.Caller.Sees(k.Name) })
	if len(kinds) == 0 {
		return nil, gate.Missing()
	}
	said := v.R.URL.Query()
	a := &asks{kind: kinds[0], days: report.Days(said.Get("days"))}
	for _, k := range kinds {
		if k.Name == said.Get("kind") || said.Get("kind") == "" && k.Name == "incident" {
			a.kind = k
		}
	}
	org := ""
	if n, ok := id.Parse(said.Get("organization")); ok {
		a.org, org = n, n.String()
	}
	a.all = report.Standard(a.kind, v.Now().UnixMilli(), a.days, org)
	return a, nil
}

// address is that of a page with what this one is asked.
func (a *asks) address(path string, kv ...string) string {
	q := ui.Query{Path: path, Values: url.Values{"kind": {a.kind.Name}, "days": {strconv.Itoa(a.days)}}}
	if a.org != 0 {
		q.Values.Set("organization", a.org.String())
	}
	return q.With(kv...)
}

func (a *asks) of(name string) *report.Builtin {
	i := slices.IndexFunc(a.all, func(b report.Builtin) bool { return b.Name == name })
	if i < 0 {
		return nil
	}
	return &a.all[i]
}

// dashboardPage is the page of all that is asked most.
type dashboardPage struct {
	Head           ui.Head
	Boards         []ui.NavItem
	Kinds, Periods []ui.NavItem
	Tiles          []ui.Tile
	Cards          []card
	Own            []card
	All            []ui.Item
	Mine           []ui.Item
	Empty          ui.Empty
}

// card is a report as a chart and a table.
type card struct {
	Title, Text, Href string
	Columns           *columns
	Bars              []bar
	More              bool
	Wrong             string
	Wide              bool
}

// tiles are the reports whose one number stands at the top.
var tiles = [...]struct{ name, icon, tone, says string }{
	{"opened", "inbox", "", "In the period"}, {"resolved", "circle-check", "", "In the period"}, {"backlog", "stack-2", "", "Open now"}, {"overdue", "alarm", "bad", "Past the next deadline"},
	{"response-median", "message", "", "Half took no longer"}, {"response-within", "target", "", "Of what was promised"}, {"resolution-median", "clock", "", "Half took no longer"}, {"resolution-within", "target", "", "Of what was promised"},
}

// charts are those that are drawn below.
var charts = [...]string{"opened", "resolved", "resolution-within", "resolution-median", "backlog-age", "backlog", "organizations", "agents"}

func (v *visit) dashboard() error {
	a, err := v.asked()
	if err != nil {
		return err
	}
	d := dashboardPage{Head: ui.Head{Title: "Reports", Icon: "chart-bar", Sub: []ui.Cell{{Text: "Of what you may see. Days are those of UTC."}},
		Actions: []ui.Action{{Label: "New report", Icon: "plus", Href: "/reports/new?kind=" + a.kind.Name, Primary: true, Key: "n"}, {Label: "New dashboard", Icon: "layout-dashboard", Href: "/dashboards/new"}}}}
	if v.Caller.User == 0 {
		d.Head.Actions = nil
	}
	for _, k := range report.Kinds(v.Records.Kinds) {
		if v.Caller.Sees(k.Name) {
			d.Kinds = append(d.Kinds, ui.NavItem{Label: k.Labels, Href: a.address("/reports", "kind", k.Name), Current: k == a.kind})
		}
	}
	for _, n := range report.Periods() {
		d.Periods = append(d.Periods, ui.NavItem{Label: report.Period(n), Href: a.address("/reports", "days", strconv.Itoa(n)), Current: n == a.days})
	}
	for _, b := range a.all {
		d.All = append(d.All, ui.Item{Title: b.Title, Sub: b.Text, Href: a.address("/standard-reports/" + b.Name), Icon: "chart-bar"})
	}
	err = v.View(func(tx *gate.Tx) error {
		if a.org != 0 {
			o, err := v.Records.Get(tx, "organization", a.org)
			if err != nil {
				return err
			}
			d.Head.Sub = append([]ui.Cell{{Text: o.Name, Href: shell.RecordURL(o.Kind, o.ID)}}, d.Head.Sub...)
		}
		if err := v.standards(tx, a, &d); err != nil {
			return err
		}
		if d.Boards, err = boardNav(tx, 0); err != nil {
			return err
		}
		return v.mine(tx, a, &d)
	})
	if err != nil {
		return err
	}
	p, err := v.Page("Reports", ui.Crumb{Label: "Reports"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("reports", p)
}

// standards asks the built-in reports of the dashboard.
func (v *visit) standards(tx *gate.Tx, a *asks, d *dashboardPage) error {
	answers := map[string]*report.Answer{}
	for _, name := range charts {
		x, err := a.of(name).Ask.Answered(tx, v.Records)
		if err != nil {
			return err
		}
		answers[name] = x
		c := v.card(a.of(name).Title, a.of(name).Text, a.address("/standard-reports/"+name), x)
		c.Wide = c.Columns != nil
		d.Cards = append(d.Cards, c)
	}
	for _, t := range tiles {
		b := a.of(t.name)
		x := answers[t.name]
		if x == nil {
			one := b.Ask
			if one.Group = ""; one.Days == 0 {
				one.Time = ""
			}
			var err error
			if x, err = one.Answered(tx, v.Records); err != nil {
				return err
			}
		}
		tile := ui.Tile{Label: b.Title, Icon: t.icon, Value: x.Ask.Says(x.Total), Href: v.listOf(x.Ask, x.Total), Delta: t.says}
		if t.tone == "bad" && x.Total.N > 0 {
			tile.Tone = t.tone
		}
		d.Tiles = append(d.Tiles, tile)
	}
	return nil
}

// mine are the reports that the reader keeps or that are shared with her; those that stand on
// the dashboard are asked.
func (v *visit) mine(tx *gate.Tx, a *asks, d *dashboardPage) error {
	list, err := report.List(tx)
	if err != nil {
		return err
	}
	for _, s := range list {
		item := ui.Item{Title: s.Name, Sub: v.kindOf(s), Href: at(s.ID), Icon: "chart-bar"}
		if s.Owner != v.Caller.User {
			item.Pill = &ui.Pill{Text: "Shared with you"}
		}
		d.Mine = append(d.Mine, item)
		if !s.Board || !v.Caller.Sees(s.Kind) || len(d.Own) == 12 {
			continue
		}
		x, err := s.Answered(tx, v.Records)
		if err != nil { // such as a field that is no more, or sealed
			d.Own = append(d.Own, card{Title: s.Name, Href: at(s.ID), Wrong: fault.Say(err).Text})
			continue
		}
		d.Own = append(d.Own, v.card(s.Name, "", at(s.ID), x))
	}
	return nil
}

func (v *visit) kindOf(s *report.Saved) string {
	if k := v.Kind(s.Kind); k != nil {
		return k.Labels
	}
	return s.Kind
}

// listOf is the address of the list that a cell is of; empty where its reader has none.
func (v *visit) listOf(a report.Ask, c report.Cell) string {
	k := v.Kind(a.Kind)
	if k == nil || a.Group == report.ByOrg && c.Hidden {
		return ""
	}
	path := shell.ListURL(k)
	if c.Org != 0 {
		path = shell.OrgListURL(c.Org, k)
	}
	return ui.Query{Path: path, Values: c.Query}.With()
}
