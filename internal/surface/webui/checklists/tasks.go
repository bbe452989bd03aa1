package checklists

import (
	"net/url"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/checklist"
	"strongroom/internal/surface/webui/shell"
)

// onTask changes a task and leads back to its list.
func (v *visit) onTask(lists, tasks *record.Kind, change func(tx *gate.Tx, t *record.Record, form *web.Form) error) error {
	task, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	var of id.ID
	err = v.Change(access.Edit, gate.Thing{Kind: tasks.Name, ID: task}, func(tx *gate.Tx) error {
		t, err := v.Records.Get(tx, tasks.Name, task)
		if err != nil {
			return err
		}
		of = t.Parent
		if err := change(tx, t, form); err != nil {
			return err
		}
		return form.Err()
	})
	if err != nil {
		return err
	}
	return web.SeeOther(v.W, v.R, shell.RecordURL(lists, of))
}

// tick marks a task as done, or as not done.
func (v *visit) tick() error {
	return v.onTask(v.Kind(checklist.Kind), v.Kind(checklist.TaskKind), func(tx *gate.Tx, t *record.Record, form *web.Form) error {
		_, err := v.Records.Update(tx, t.Kind.Name, t.ID, 0, record.Values{"completed": form.Bool("done")})
		return err
	})
}

// place moves a task to another place in its list, counted from 0.
func (v *visit) place(lists, tasks *record.Kind) error {
	return v.onTask(lists, tasks, func(tx *gate.Tx, t *record.Record, form *web.Form) error {
		return checklist.Place(tx, v.Records, t, int(form.Int("place")))
	})
}

// add puts a task with a name at the end of a list.
func (v *visit) add(lists, tasks *record.Kind) error {
	list, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	err = v.Change(access.Edit, gate.Thing{Kind: lists.Name, ID: list}, func(tx *gate.Tx) error {
		tx.Withdraw(tx.Entry()) // the task has its own
		_, err := v.Records.Create(tx, tasks.Name, record.Values{tasks.Parent: list, "name": form.Text("name")})
		return err
	})
	if err != nil {
		return err
	}
	return web.SeeOther(v.W, v.R, shell.RecordURL(lists, list))
}

func fromTemplate(org, template id.ID) string {
	q := url.Values{}
	if org != 0 {
		q.Set("organization_id", org.String())
	}
	if template != 0 {
		q.Set(checklist.OfTemplate, template.String())
	}
	if len(q) == 0 {
		return "/checklists/from-template"
	}
	return "/checklists/from-template?" + q.Encode()
}

// choose asks which template to take, and for which organization.
func (v *visit) choose() error {
	q := v.R.URL.Query()
	return v.ask(record.Values{"organization_id": q.Get("organization_id"), checklist.OfTemplate: q.Get(checklist.OfTemplate)}, nil)
}

// ask shows the form; wrong is what was wrong with what was sent.
func (v *visit) ask(sent record.Values, wrong error) error {
	org, _ := id.Parse(sent.Text("organization_id"))
	d := shell.FormPage{Head: ui.Head{Title: "New checklist from a template", Icon: "template"},
		Form: ui.Form{Action: "/checklists/from-template", Submit: "Make the checklist", Cancel: "/checklists"}}
	var name string
	err := v.View(func(tx *gate.Tx) error {
		names, err := v.Records.Names(tx, org)
		if err != nil {
			return err
		}
		if name = names[org]; name == "" {
			org = 0
		}
		choices, err := v.templates(tx, org, sent.Text(checklist.OfTemplate))
		d.Form.Fields = append(d.Form.Fields, ui.Field{Name: checklist.OfTemplate, Label: "Template", Type: "select", Required: true, Wide: true, Options: choices, Focus: true})
		return err
	})
	if err != nil {
		return err
	}
	if len(d.Form.Fields[0].Options) == 0 {
		d.Form.Fields[0].Hint = "There are no templates yet: make one under Settings, Checklist templates."
	}
	field := ui.Field{Name: "organization_id", Label: "Organization", Type: "ref", Required: true, Wide: true, Source: "/refs/organization"}
	if org != 0 {
		field.Value, field.Chosen = org.String(), []ui.Option{{Value: org.String(), Label: name, Icon: "building"}}
		d.Form.Cancel = shell.OrgListURL(org, v.Kind(checklist.Kind))
	}
	d.Form.Fields = append(d.Form.Fields, field,
		ui.Field{Name: "name", Label: "Name", Type: "text", Value: sent.Text("name"), Wide: true, Hint: "Empty takes the template's, such as: New starter."},
		ui.Field{Name: "due_date", Label: "Due", Type: "date", Value: sent.Text("due_date")})
	p, err := v.Page(d.Head.Title, v.Crumbs(v.Kind(checklist.Kind), org, name, ui.Crumb{Label: "From a template"})...)
	if err != nil {
		return err
	}
	if wrong == nil {
		p.Data = d
		return v.Render("form", p)
	}
	said := fault.Say(wrong)
	d.Form.Wrong(said.Text, said.Hint, said.Fields)
	p.Data = d
	return v.RenderStatus(web.Status(wrong), "form", p)
}

// templates lists those of an organization and those of all; without an
// organization all that the caller may see.
func (v *visit) templates(tx *gate.Tx, org id.ID, chosen string) ([]ui.Option, error) {
	p, err := v.Records.List(tx, checklist.TemplateKind, record.Query{Limit: 1000, NoTotal: true, Archived: "no"})
	if err != nil {
		return nil, err
	}
	var out []ui.Option
	for _, t := range p.Records {
		if org != 0 && t.Org != 0 && t.Org != org {
			continue
		}
		o := ui.Option{Value: t.ID.String(), Label: t.Name, Selected: t.ID.String() == chosen}
		if t.OrgName != "" && org == 0 {
			o.Label += " (" + t.OrgName + ")"
		}
		out = append(out, o)
	}
	return out, nil
}

// make makes a checklist of a template.
func (v *visit) make() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	sent := record.Values{}
	for _, n := range []string{"organization_id", checklist.OfTemplate, "name", "due_date"} {
		sent[n] = strings.TrimSpace(form.Text(n))
	}
	org, _ := id.Parse(sent.Text("organization_id"))
	var made *record.Record
	err = v.Change(access.Create, gate.Thing{Kind: checklist.Kind, Org: org}, func(tx *gate.Tx) (err error) {
		if made, err = v.Records.Create(tx, checklist.Kind, sent.Clone()); err != nil {
			return err
		}
		return checklist.Fill(tx, v.Records, made)
	})
	if err != nil && shell.Refusable(err) {
		return v.ask(sent, err)
	}
	if err != nil {
		return err
	}
	return v.Done(shell.RecordURL(made.Kind, made.ID), "%s created.", made.Name)
}
