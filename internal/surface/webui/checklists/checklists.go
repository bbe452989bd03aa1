// Package checklists holds the pages on which people tick off the tasks of a
// checklist, write the tasks of templates, and make checklists from those.
//
// Always true: everything works with the keyboard alone and without script;
// lists, forms and histories are the derived ones.
package checklists

import (
	"embed"
	"html/template"
	"io/fs"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/checklist"
	"strongroom/internal/feature/checklist/step"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	for list, task := range map[string]string{checklist.Kind: checklist.TaskKind, checklist.TemplateKind: checklist.StepKind} {
		lists, tasks := s.Records.Kinds.Kind(list), s.Records.Kinds.Kind(task)
		if lists == nil || tasks == nil {
			return
		}
		s.Own(list).Page = func(v *shell.Visit, r *record.Record) error { return (&visit{v, p}).page(r, tasks) }
		s.Own(task).Page = func(v *shell.Visit, r *record.Record) error {
			return web.SeeOther(v.W, v.R, shell.RecordURL(lists, r.Parent))
		}
		s.Post("/"+lists.Plural+"/{id}/tasks", p.as(func(v *visit) error { return v.add(lists, tasks) }))
		s.Post("/"+tasks.Plural+"/{id}/place", p.as(func(v *visit) error { return v.place(lists, tasks) }))
	}
	s.Post("/checklist_tasks/{id}/tick", p.as((*visit).tick))
	s.Get("/checklists/from-template", p.as((*visit).choose))
	s.Post("/checklists/from-template", p.as((*visit).make))
	s.Own(checklist.Kind).Form = withoutTemplate
	above := func(v *shell.Visit, org id.ID) []ui.Action {
		if !v.May(access.Create, v.Kind(checklist.Kind)) {
			return nil
		}
		return []ui.Action{{Label: "From a template", Icon: "template", Href: fromTemplate(org, 0)}}
	}
	s.Own(checklist.Kind).Above = append(s.Own(checklist.Kind).Above, above)
	s.Manage(shell.ToContents, func(_ *shell.Visit, totals map[string]int64) []ui.Item {
		sub := "None yet"
		if n := totals[checklist.TemplateKind]; n > 0 {
			sub = plural(n, "template")
		}
		return []ui.Item{{Title: "Checklist templates", Sub: sub, Href: "/checklist_templates", Icon: "template"}}
	})
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return web.Number(n) + " " + what + "s"
}

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	*Pages
}

// as makes a handler of the shell.
func (p *Pages) as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v, p}) }
}

// withoutTemplate leaves the template out of the form: a checklist is made from
// one, or it is not.
func withoutTemplate(_ *shell.Visit, f *ui.Form, _ *record.Record) error {
	var keep []ui.Field
	for _, x := range f.Fields {
		if x.Name != checklist.OfTemplate {
			keep = append(keep, x)
		}
	}
	f.Fields = keep
	return nil
}

// listPage is a checklist or a template with its tasks.
type listPage struct {
	Head        ui.Head
	Notice      *ui.Notice
	Progress    *ui.Cell // nil of a template, and without tasks
	Done, All   int
	Completed   bool
	About       []ui.Prop
	Description template.HTML
	Tasks       []taskLine
	Add         string // where a new task is sent; empty for who may not
	Empty       string
	Files       *shell.FilesCard
	Talk        *shell.TalkCard
	Rail        []*ui.Section
}

// taskLine is one task. What the caller may not do is nil.
type taskLine struct {
	ID, Name    string
	Href        string // the form, for who may change it
	Done, Plain bool   // Plain is of a template: it is not ticked
	Tick        string // where a tick is sent; empty for who may not
	About       []ui.Cell
	Description template.HTML
	Notes       template.HTML
	Place       string // where another place is sent, counted from 0
	Up, Down    int    // the places beside it; below 0 for none
	Remove      *ui.Action
}

func (v *visit) page(r *record.Record, tasks *record.Kind) error {
	d := listPage{Notice: v.ArchivedNotice(r), Empty: "No tasks yet."}
	if f := r.Kind.Field("description"); r.Values.Text("description") != "" {
		d.Description = shell.Prose(f, r.Values.Text("description"))
	}
	may := v.MayTo(access.Edit, r) && v.May(access.Edit, tasks)
	if may {
		d.Add = shell.RecordURL(r.Kind, r.ID) + "/tasks"
	}
	err := v.View(func(tx *gate.Tx) (err error) {
		if d.Head, err = v.HeadOf(tx, r); err != nil {
			return err
		}
		list, err := checklist.Tasks(tx, v.Records, tasks.Name, r.ID)
		if err != nil {
			return err
		}
		for i, t := range list {
			d.Tasks = append(d.Tasks, v.line(t, i, len(list), may))
		}
		if r.Kind.Scope != record.OfTenant {
			if d.Files, err = v.FilesOf(tx, r); err != nil {
				return err
			}
			if d.Talk, err = v.TalkOf(tx, r); err != nil {
				return err
			}
		}
		d.Rail, err = v.RailOf(tx, r)
		return err
	})
	if err != nil {
		return err
	}
	if r.Kind.Name == checklist.Kind {
		v.ofChecklist(&d, r)
	} else if v.May(access.Create, v.Kind(checklist.Kind)) {
		d.Head.Actions = append([]ui.Action{{Label: "Make a checklist", Icon: "checklist", Href: fromTemplate(r.Org, r.ID)}}, d.Head.Actions...)
	}
	p, err := v.Page(r.Name, v.Crumbs(r.Kind, r.Org, r.OrgName, ui.Crumb{Label: r.Name})...)
	if err != nil {
		return err
	}
	p.Keys, p.Data = shell.RecordKeys(), d
	return v.Render("checklist", p)
}

// ofChecklist says what a template has not: whose it is, when it is due, how far
// it is.
func (v *visit) ofChecklist(d *listPage, r *record.Record) {
	done, _ := r.Values["tasks_done"].(int64)
	all, _ := r.Values["tasks_count"].(int64)
	d.Done, d.All, d.Completed = int(done), int(all), r.Values.Bool("completed")
	if all > 0 {
		d.Progress = &ui.Cell{Type: "meter", Text: "Tasks done", Number: 100 * done / all}
	}
	for _, name := range []string{"assignee_id", "due_date", checklist.OfTemplate} {
		f := r.Kind.Field(name)
		if r.Values[name] == nil || f.Type == record.Ref && r.Names[name] == "" {
			continue
		}
		p := ui.Prop{Label: f.Title(), Cells: []ui.Cell{v.Cell(r, f)}}
		if p.Cells[0].Type == "pill" {
			p.Cells = append([]ui.Cell{v.DateCell(&record.Field{}, r.Values.Text(name))}, p.Cells...)
		}
		d.About = append(d.About, p)
	}
}

// line is one task of all, with what the caller may do with it.
func (v *visit) line(t *record.Record, i, all int, may bool) taskLine {
	at := shell.RecordURL(t.Kind, t.ID)
	l := taskLine{ID: "task-" + t.ID.String(), Name: t.Name, Done: t.Values.Bool("completed"), Plain: t.Kind.Name == checklist.StepKind}
	if s := t.Values.Text("description"); s != "" {
		l.Description = shell.Prose(t.Kind.Field("description"), s)
	}
	if s := t.Values.Text("notes"); s != "" {
		l.Notes = shell.Prose(t.Kind.Field("notes"), s)
	}
	if days, ok := t.Values["days"].(int64); ok {
		l.About = append(l.About, ui.Cell{Text: dueAfter(days)})
	}
	if t.Kind.Name == checklist.StepKind && t.Values.Bool(step.Required) {
		l.About = append(l.About, ui.Cell{Text: "Required"})
	}
	if who := t.Names["assignee_id"]; who != "" {
		l.About = append(l.About, ui.Cell{Icon: "user", Text: who})
	}
	if day := t.Values.Text("due_date"); day != "" {
		l.About = append(l.About, ui.Cell{Text: "Due"}, v.Cell(t, t.Kind.Field("due_date")))
	}
	if ms, ok := t.Values["completed_at"].(int64); ok && l.Done {
		l.About = append(l.About, ui.Cell{Text: "Done"}, ui.Cell{Type: "ago", Time: shell.When(ms)})
		if by := t.Names["completed_by_id"]; by != "" {
			l.About = append(l.About, ui.Cell{Text: "by " + by})
		}
	}
	if !may {
		return l
	}
	l.Href = at + "/edit"
	if !l.Plain {
		l.Tick = at + "/tick"
	}
	l.Place = at + "/place"
	l.Up, l.Down = i-1, i+1
	if i == all-1 {
		l.Down = -1
	}
	if v.May(access.Delete, t.Kind) {
		l.Remove = &ui.Action{Label: "Remove " + t.Name, Icon: "trash", Href: at + "/delete", Post: true, Quiet: true, IconOnly: true}
	}
	return l
}

func dueAfter(days int64) string {
	switch days {
	case 0:
		return "Due on the same day"
	case 1:
		return "Due after 1 day"
	}
	return "Due after " + web.Number(days) + " days"
}
