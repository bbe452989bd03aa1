package risks

import (
	"bytes"
	"slices"
	"strings"

	"strongroom/internal/base/table"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/risk"
	"strongroom/internal/surface/webui/shell"
)

// words are a reason as a view of the list, as the mark of a line, and its tone.
var words = map[risk.Reason]struct{ view, mark, tone string }{
	risk.Breached: {"In a breach", "In a breach", "bad"},
	risk.Left:     {"Seen by who left", "Seen by who left", "bad"},
	risk.Weak:     {"Weak", "Weak", "warn"},
	risk.Reused:   {"Reused", "Reused", "warn"},
	risk.Old:      {"Old", "Old", ""},
}

// asked is the report of the address: its lines as the filters leave them.
type asked struct {
	*risk.Report
	why     risk.Reason // "" for all
	orgName string
	checks  *risk.Progress
}

func (v *visit) ask() (*asked, error) {
	q := v.R.URL.Query()
	a := &asked{why: risk.Reason(q.Get("why"))}
	if !slices.Contains(risk.Reasons(), a.why) {
		a.why = ""
	}
	org, _ := id.Parse(q.Get("organization_id"))
	err := v.View(func(tx *gate.Tx) (err error) {
		if org != 0 {
			names, err := v.Records.Names(tx, org)
			if err != nil {
				return err
			}
			if a.orgName = names[org]; a.orgName == "" {
				return gate.Missing()
			}
		}
		if a.checks, err = v.Risks.Running(tx); err != nil {
			return err
		}
		a.Report, err = v.Risks.Report(tx, org)
		return err
	})
	if err != nil {
		return nil, err
	}
	text := record.Fold(q.Get("q"))
	a.Lines = slices.DeleteFunc(a.Lines, func(l *risk.Line) bool {
		return a.why != "" && !l.Has(a.why) || text != "" && !strings.Contains(record.Fold(l.Name+" "+l.OrgName), text)
	})
	return a, nil
}

func (v *visit) report() error {
	a, err := v.ask()
	if err != nil {
		return err
	}
	q := ui.Query{Path: "/risk", Values: v.R.URL.Query()}
	t := ui.Table{ID: "list", Title: "Passwords at risk", Columns: []ui.Column{
		{Label: "Password", Phone: "title"}, {Label: "Why", Phone: "end"}, {Label: "In detail", Phone: "line"}, {Label: "Organization", Phone: "line"}, {Label: "Changed", Hide: 2}},
		Filter: &ui.Filter{Action: q.Path, Name: "q", Value: q.Values.Get("q"), Label: "Filter passwords", Hidden: q.Hidden("q")},
		Pager:  pager(len(a.Lines), "password", "passwords"),
		Empty:  ui.Empty{Icon: "shield-check", Title: "No password needs to be changed.", Text: "None that you may see is known from a breach, weak, used twice, older than a year, or known to somebody who left."}}
	if a.Unchecked > 0 {
		t.Empty = ui.Empty{Icon: "shield-x", Title: "Nothing is known against those that were checked.", Text: "What is known of all passwords is how old they are, and who has seen them and left."}
	}
	if a.why != "" || q.Values.Get("q") != "" {
		t.Empty = ui.Empty{Icon: "shield-check", Title: "None of this sort.", Text: "Take the filter away to see the others."}
	}
	if a.orgName != "" {
		t.Filter.Chips = []ui.NavItem{{Label: "Organization: " + a.orgName, Href: q.With("organization_id", "")}}
	}
	t.Views = []ui.NavItem{{Label: "All", Href: q.With("why", ""), Current: a.why == ""}}
	for _, r := range risk.Reasons() {
		t.Views = append(t.Views, ui.NavItem{Label: words[r].view, Href: q.With("why", string(r)), Current: r == a.why, Count: int(a.Count[r])})
	}
	if v.Caller.May(access.Export) {
		t.Export = []ui.NavItem{{Label: "CSV, for a spreadsheet", Href: (ui.Query{Path: "/risk/export", Values: q.Values}).With(), Icon: "table"}}
	}
	for _, l := range a.Lines[:min(len(a.Lines), first)] {
		w := l.Why[0]
		if a.why != "" {
			w = l.Why[slices.IndexFunc(l.Why, func(w risk.Why) bool { return w.Reason == a.why })]
		}
		row := ui.Row{ID: l.Record.String(), Name: l.Name, Cells: []ui.Cell{
			{Type: "link", Text: l.Name, Icon: "key", Href: passwordURL(l.Record)}, {Type: "pill", Text: words[w.Reason].mark, Tone: words[w.Reason].tone},
			{Text: detail(l)}, {Text: l.OrgName}, {Type: "ago", Time: shell.When(l.Changed)}}}
		if l.OrgName != "" {
			row.Cells[3].Href = orgURL(l.Org)
		}
		t.Rows = append(t.Rows, row)
	}
	p, err := v.Page("Passwords at risk", ui.Crumb{Label: "Passwords", Href: "/passwords"}, ui.Crumb{Label: "At risk"})
	if err != nil {
		return err
	}
	p.Data = shell.ListPage{Head: v.head(a), Table: t}
	return v.Render("list", p)
}

// head says how much was looked at, and offers to look at the rest.
func (v *visit) head(a *asked) ui.Head {
	h := ui.Head{Title: "Passwords at risk", Icon: "shield-x", Sub: []ui.Cell{{Text: "What should be changed, the most pressing first."}}}
	switch {
	case a.checks != nil:
		text := "Passwords are being checked."
		if a.checks.Total > 0 {
			text += " " + web.Number(a.checks.Done) + " of " + web.Number(a.checks.Total) + " are done."
		}
		h.Alerts = append(h.Alerts, ui.Notice{Tone: "info", Text: text})
	case a.Unchecked > 0:
		text := "Of " + shell.Counted(a.Unchecked, "password", "passwords") + " it is not known how safe the value is."
		if !v.Caller.May(access.Export) {
			text += " Who may export can have them checked."
		} else {
			h.Actions = append(h.Actions, ui.Action{Label: "Check them", Icon: "shield-check", Href: "/risk/check", Post: true, Primary: true})
			text += " To check them the program opens them, each recorded in the audit trail; nobody is shown a value."
		}
		h.Alerts = append(h.Alerts, ui.Notice{Tone: "info", Text: text})
	}
	return h
}

// detail says all reasons of a line in words.
func detail(l *risk.Line) string {
	var parts []string
	for _, w := range l.Why {
		parts = append(parts, says(w))
	}
	said := strings.Join(parts, "; ")
	return strings.ToUpper(said[:1]) + said[1:]
}

func says(w risk.Why) string {
	switch w.Reason {
	case risk.Breached:
		return "found in breaches " + times(w.Count)
	case risk.Left:
		if int64(len(w.Names)) == w.Count && w.Count <= 3 {
			return "known to " + ui.Join(w.Names) + ", who left"
		}
		return "known to " + shell.Counted(w.Count, "person who left", "people who left")
	case risk.Weak:
		return []string{"guessed in a few tries", "guessed in fewer than a million tries", "guessed in fewer than a hundred million tries"}[min(max(w.Count, 0), 2)]
	case risk.Reused:
		return "the same as " + shell.Counted(w.Count, "other", "others")
	}
	return "not changed for a year"
}

func (v *visit) exportReport() error {
	a, err := v.ask()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	out, err := table.CreateForSpreadsheet(&b, []string{"password", "organization", "why", "in_detail", "changed", "id"})
	if err != nil {
		return err
	}
	for _, l := range a.Lines {
		var why []string
		for _, w := range l.Why {
			why = append(why, string(w.Reason))
		}
		if err := out.Write(l.Name, l.OrgName, strings.Join(why, " "), detail(l), shell.Day(shell.When(l.Changed)), l.Record.String()); err != nil {
			return err
		}
	}
	return v.send(out, &b, "passwords-at-risk", "passwords at risk as CSV")
}

// send ends a table and answers with it; that it was taken is recorded.
func (v *visit) send(out *table.Writer, b *bytes.Buffer, name, what string) error {
	err := v.Change(access.Export, gate.Thing{}, func(tx *gate.Tx) error {
		tx.Entry().Detail.Text = what
		return out.Close()
	})
	if err != nil {
		return err
	}
	return v.CSV(name, b.Bytes())
}

// check has passwords looked at that have no mark.
func (v *visit) check() error {
	if err := v.Risks.Start(v.R.Context(), v.Caller); err != nil {
		return err
	}
	return v.Done("/risk", "The check runs. Look here again in a moment.")
}
