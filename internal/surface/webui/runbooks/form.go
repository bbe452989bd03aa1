package runbooks

import (
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/paper"
	"strongroom/internal/base/rhythm"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/feature/runbook"
	"strongroom/internal/surface/webui/shell"
)

// fresh is the form of a new runbook; with ?org= of that organization.
func (v *visit) fresh() error {
	b := &runbook.Runbook{Setup: runbook.Setup{Size: paper.A4, Keep: 10, When: rhythm.Schedule{Day: 1, Hour: 3}}}
	b.Org, _ = id.Parse(v.R.URL.Query().Get("org"))
	for _, name := range []string{"contact", "location", "configuration", "document"} {
		b.Parts = append(b.Parts, runbook.Part{Kind: name})
	}
	return v.form(b, nil)
}

func (v *visit) edit() error {
	b, err := v.load()
	if err == nil && !b.Makeable(v.Caller) {
		err = gate.Missing()
	}
	if err != nil {
		return err
	}
	return v.form(b, nil)
}

// form shows a runbook to be changed, again with what is wrong with it.
func (v *visit) form(b *runbook.Runbook, wrong error) error {
	title, f := "New runbook", &ui.Form{Action: "/runbooks", Submit: "Create the runbook", Cancel: "/runbooks"}
	if b.ID != 0 {
		title, f.Action, f.Cancel, f.Submit = "Edit the runbook", at(b.ID), at(b.ID), "Save"
	}
	err := v.View(func(tx *gate.Tx) (err error) {
		names, err := v.Records.Names(tx, b.Org)
		if err != nil {
			return err
		}
		if names[b.Org] == "" {
			b.Org = 0
		}
		options, err := v.options(tx, b.Org)
		f.Fields = fields(b, names[b.Org], options)
		return err
	})
	if err != nil {
		return err
	}
	if wrong != nil {
		say := fault.Say(wrong)
		f.Wrong(say.Text, say.Hint, say.Fields)
	}
	p, err := v.Page(title, ui.Crumb{Label: "Runbooks", Href: "/runbooks"}, ui.Crumb{Label: title})
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: ui.Head{Title: title, Icon: "book", Sub: []ui.Cell{{Text: "It is made with your rights, and holds what you may see. Secret values are never in it."}}}, Form: *f}
	if wrong == nil {
		return v.Render("form", p)
	}
	return v.RenderStatus(web.Status(wrong), "form", p)
}

func fields(b *runbook.Runbook, orgName string, options []ui.Option) []ui.Field {
	org := ui.Field{Name: "organization", Label: "Organization", Type: "ref", Wide: true, Source: "/refs/organization", Hint: "Empty: every organization that you see."}
	if b.Org != 0 {
		org.Value, org.Chosen = b.Org.String(), []ui.Option{{Value: b.Org.String(), Label: orgName, Icon: "building"}}
	}
	hint := "They are printed in this order."
	if b.Org == 0 {
		hint += " Single documents and folders can be chosen once the runbook is saved with an organization."
	}
	var lines []map[string]string
	for _, p := range b.Parts {
		lines = append(lines, map[string]string{"part": partValue(p)})
	}
	return []ui.Field{
		{Name: "name", Label: "Name", Type: "text", Value: b.Name, Required: true, Wide: true, Most: 200, Focus: true, Hint: "The title on its cover."},
		org,
		ui.RowsField(ui.Field{Name: "parts", Label: "Parts", Hint: hint},
			[]ui.Field{{Name: "part", Label: "Part", Type: "select", Options: append([]ui.Option{{Value: "", Label: "None"}}, options...)}}, lines, 3),
		{Name: "archived", Label: "With what is archived", Type: "checkbox", Checked: b.Archived},
		{Name: "related", Label: "With what each record is related to", Type: "checkbox", Checked: b.Related},
		{Type: "heading", Label: "When it is made"},
		{Name: "when", Label: "By itself", Type: "select", Options: choices(string(b.When.Rhythm), ui.Option{Label: "Never, by hand only"}, ui.Option{Value: string(rhythm.Daily), Label: "Daily"},
			ui.Option{Value: string(rhythm.Weekly), Label: "Weekly"}, ui.Option{Value: string(rhythm.Monthly), Label: "Monthly"})},
		{Name: "time", Label: "At", Type: "time", Value: b.When.Clock(), Unit: "UTC"},
		{Name: "weekday", Label: "Day of the week", Type: "select", Options: weekdays(b.When.Day), Hint: "Of a weekly one."},
		{Name: "day", Label: "Day of the month", Type: "number", Value: strconv.Itoa(max(b.When.Day, 1)), Min: "1", Max: "31", Hint: "Of a monthly one. In a shorter month, its last day."},
		{Type: "heading", Label: "Paper and keeping"},
		{Name: "size", Label: "Paper", Type: "select", Options: choices(string(b.Size), ui.Option{Value: string(paper.A4), Label: "A4"}, ui.Option{Value: string(paper.Letter), Label: "Letter"})},
		{Name: "keep", Label: "Keep the newest", Type: "number", Value: strconv.Itoa(b.Keep), Min: "1", Max: "50", Unit: "PDFs"},
	}
}

// choices marks what is chosen.
func choices(chosen string, list ...ui.Option) []ui.Option {
	for i := range list {
		list[i].Selected = list[i].Value == chosen
	}
	return list
}

func weekdays(chosen int) []ui.Option {
	var out []ui.Option
	for i := range 7 {
		day := (i + 1) % 7 // Monday first
		out = append(out, ui.Option{Value: strconv.Itoa(day), Label: time.Weekday(day).String(), Selected: day == chosen})
	}
	return out
}

// read takes a runbook out of a form that was sent.
func (v *visit) read(form *web.Form) *runbook.Runbook {
	b := &runbook.Runbook{Name: form.Text("name"), Base: "http://" + v.R.Host}
	if web.Secure(v.R) {
		b.Base = "https://" + v.R.Host
	}
	if orgs := shell.RefIDs(form, "organization"); len(orgs) > 0 {
		b.Org = orgs[0]
	}
	for _, row := range form.Rows("parts") {
		kind, of, _ := strings.Cut(row["part"], "/")
		p := runbook.Part{Kind: kind}
		p.Of, _ = id.Parse(of)
		b.Parts = append(b.Parts, p)
	}
	b.Archived, b.Related, b.Size = form.Bool("archived"), form.Bool("related"), paper.Size(form.Text("size"))
	b.Keep = int(form.Int("keep"))
	b.When.Rhythm = rhythm.Rhythm(form.Text("when"))
	switch b.When.Rhythm {
	case rhythm.Weekly:
		b.When.Day = int(form.Int("weekday"))
	case rhythm.Monthly:
		b.When.Day = int(form.Int("day"))
	}
	if t, err := time.Parse("15:04", form.Text("time")); err == nil {
		b.When.Hour, b.When.Minute = t.Hour(), t.Minute()
	} else if b.When.Rhythm != rhythm.Never {
		b.When.Hour = -1 // refused
	}
	return b
}

// save keeps a new runbook, or the one of the address.
func (v *visit) save() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	b := v.read(form)
	if v.R.PathValue("id") != "" {
		old, err := v.load()
		if err == nil && !old.Makeable(v.Caller) {
			err = gate.Missing()
		}
		if err != nil {
			return err
		}
		b.ID, b.Owner = old.ID, old.Owner
	}
	if err = form.Err(); err == nil {
		err = v.Runbooks.Save(v.R.Context(), v.Caller, b)
	}
	if err != nil && shell.Refusable(err) {
		return v.form(b, err)
	}
	if err != nil {
		return err
	}
	return v.Done(at(b.ID), "%s was saved.", b.Name)
}
