package risks

import (
	"bytes"

	"strongroom/internal/base/table"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/risk"
	"strongroom/internal/surface/webui/shell"
)

// person reads the user of the address and what she has seen.
func (v *visit) person() (who id.ID, name string, left bool, list []*risk.Look, err error) {
	who, ok := id.Parse(v.R.PathValue("id"))
	if !ok {
		return 0, "", false, nil, gate.Missing()
	}
	err = v.View(func(tx *gate.Tx) error {
		if _, err := tx.Allow(access.Inspect, gate.Thing{}); err != nil {
			return err
		}
		people, err := risk.People(tx)
		if err != nil {
			return err
		}
		p, ok := people[who]
		if !ok {
			return gate.Missing()
		}
		name, left = p.Name, p.Left
		list, err = v.Risks.SeenBy(tx, who)
		return err
	})
	return who, name, left, list, err
}

func (v *visit) seenBy() error {
	who, name, left, list, err := v.person()
	if err != nil {
		return err
	}
	t := ui.Table{ID: "list", Title: "Passwords that " + name + " knows", Columns: []ui.Column{
		{Label: "Password", Phone: "title"}, {Label: "What was done", Phone: "line"}, {Label: "Organization", Phone: "line"}, {Label: "Last", Phone: "end"}},
		Pager: pager(len(list), "password", "passwords"),
		Empty: ui.Empty{Icon: "eye-off", Title: "None that you may see.", Text: name + " has set or seen no password that is still the same."}}
	if v.Caller.May(access.Export) {
		t.Export = []ui.NavItem{{Label: "CSV, for a spreadsheet", Href: seenURL(who) + "/export", Icon: "table"}}
	}
	for _, l := range list[:min(len(list), first)] {
		row := ui.Row{ID: l.Record.String(), Name: l.Name, Cells: []ui.Cell{
			{Type: "link", Text: l.Name, Icon: "key", Href: passwordURL(l.Record)}, {Text: did(l)}, {Text: l.OrgName}, {Type: "ago", Time: shell.When(l.Last)}}}
		if l.OrgName != "" {
			row.Cells[2].Href = orgURL(l.Org)
		}
		t.Rows = append(t.Rows, row)
	}
	title := "Passwords that " + name + " knows"
	p, err := v.Page(title, ui.Crumb{Label: "Users", Href: "/users"}, ui.Crumb{Label: name, Href: "/users/" + who.String()}, ui.Crumb{Label: "Passwords"})
	if err != nil {
		return err
	}
	h := ui.Head{Title: title, Icon: "eye", Sub: []ui.Cell{{Text: "Seen or set, and not changed since. What is changed leaves this list."}}}
	if left && len(list) > 0 {
		h.Alerts = []ui.Notice{{Tone: "warn", Text: name + " has left. Change these passwords; each one that is changed leaves the list."}}
	}
	p.Data = shell.ListPage{Head: h, Table: t}
	return v.Render("list", p)
}

func (v *visit) exportSeenBy() error {
	_, name, _, list, err := v.person()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	out, err := table.CreateForSpreadsheet(&b, []string{"password", "organization", "reveals", "set_it", "last", "id"})
	if err != nil {
		return err
	}
	for _, l := range list {
		set := "no"
		if l.Set {
			set = "yes"
		}
		if err := out.Write(l.Name, l.OrgName, web.Number(l.Times), set, shell.Day(shell.When(l.Last)), l.Record.String()); err != nil {
			return err
		}
	}
	return v.send(out, &b, "passwords-known", "passwords that "+name+" knows as CSV")
}
