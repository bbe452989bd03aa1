package hudu

import (
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/feature/importer"
)

// The tables of procedures: those that are worked through, and those that others are made
// from. Hudu calls the latter processes.
const (
	procedures = "procedures"
	templates  = "procedure_templates"
)

// tasksOf are the tables of their tasks.
var tasksOf = map[string]string{procedures: "procedure_tasks", templates: "procedure_template_tasks"}

// procedure is one that was made.
type procedure struct {
	known *importer.Known
	table string
	tasks bool // it said them itself
}

// task waits for its procedure to be there.
type task struct {
	of    procedure
	t     thing
	order int64
}

// procedures become checklists and templates of checklists.
func (x *reading) procedures() error {
	x.Stage("Procedures")
	return x.perhaps("procedures", false, func(t thing) error {
		kind, table := "checklist", procedures
		if isTemplate(t) {
			kind, table = "checklist_template", templates
		}
		row := t.only("id", "name", "description", "company_id", "archived")
		it := x.item(kind, table, row)
		if shared := table == templates && t.text("company_id") == "" && x.taker == nil; !shared && !x.placed(it, t) {
			return nil
		}
		it.Named("Procedure")
		it.Rich("description", "description")
		err := x.decide(it, t)
		if it.Known == nil || it.What == importer.Conflict {
			return err
		}
		p := procedure{it.Known, table, t.Has("procedure_tasks_attributes")}
		x.made[t.text("id")] = p
		list := t.list("procedure_tasks_attributes")
		slices.SortStableFunc(list, func(a, b thing) int { return int(a.place() - b.place()) })
		for i, one := range list {
			x.tasks = append(x.tasks, task{p, one, int64(i + 1)})
		}
		return err
	})
}

// isTemplate tells whether a procedure is one that others are made from. Versions that do
// not say so have those of no company only.
func isTemplate(t thing) bool {
	if t.Has("run") {
		return t.text("run") != "true"
	}
	return t.text("company_id") == "" || t.text("company_template") == "true"
}

// only gives a part of a thing, so that what Hudu counts by itself is no change.
func (t thing) only(names ...string) thing {
	out := thing{}
	for _, n := range names {
		if v, ok := t[n]; ok {
			out[n] = v
		}
	}
	return out
}

func (t thing) place() int64 {
	n, _ := strconv.ParseInt(t.text("position"), 10, 64)
	return n
}

// procedureTasks become the tasks of checklists and templates. Some versions list them
// apart from their procedures.
func (x *reading) procedureTasks() error {
	err := x.perhaps("procedure_tasks", true, func(t thing) error {
		if p, ok := x.made[t.text("procedure_id")]; ok && !p.tasks {
			x.tasks = append(x.tasks, task{p, t, t.place()})
		}
		return nil
	})
	for _, k := range x.tasks {
		if err == nil {
			err = x.task(k)
		}
	}
	x.tasks = nil
	return err
}

func (x *reading) task(k task) error {
	if k.of.known.Rec == 0 || k.t.text("id") == "" {
		return nil
	}
	row := k.t.only("id", "name", "description", "position", "completed", "completed_date", "due_date", "first_assigned_user_name", "user_name")
	if k.of.table == templates {
		row = k.t.only("id", "name", "description", "position")
	}
	kind, in := "checklist_task", "checklist_id"
	if k.of.table == templates {
		kind, in = "checklist_template_task", "checklist_template_id"
	}
	it := x.item(kind, tasksOf[k.of.table], row)
	it.Values[in] = k.of.known.Rec
	it.Values["order"] = k.order
	it.Named("Task")
	it.Rich("description", "description")
	if k.of.table == procedures {
		it.Bool("completed", "completed")
		it.Put("due_date", "due_date")
		if at := row.text("completed_date"); at != "" && it.Values.Bool("completed") {
			it.Put("completed_at", "completed_date")
		}
		if who := strings.TrimSpace(row.text("first_assigned_user_name", "user_name")); who != "" {
			it.Notes = append(it.Notes, "Assigned to: "+who)
		}
	}
	return x.Decide(it)
}
