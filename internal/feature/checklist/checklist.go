// Package checklist holds what people tick off: checklists of organizations with
// tasks, and templates of which checklists and the steps of tickets are made.
//
// Always true: the tasks of a checklist or template have an order; a checklist
// says how many tasks it has and how many are done, and is completed while it
// has some and all are done; of a task that is done it is known when, and by
// whom where somebody ticked it here.
package checklist

import (
	"strconv"

	"strongroom/internal/core/record"
	"strongroom/internal/feature/checklist/step"
)

// The names of the kinds.
const (
	Kind         = "checklist"
	TaskKind     = "checklist_task"
	TemplateKind = "checklist_template"
	StepKind     = "checklist_template_task"
)

// The fields by which tasks name their list.
const (
	OfList     = "checklist_id"
	OfTemplate = "checklist_template_id"
)

// Feature is the kinds of checklists and of their templates.
func Feature() record.Feature {
	return record.Feature{Name: "checklist", Kinds: []*record.Kind{templates(), steps(), checklists(), tasks()}}
}

func checklists() *record.Kind {
	return &record.Kind{
		Name: Kind, Plural: "checklists", Label: "Checklist", Labels: "Checklists", Icon: "checklist",
		Scope: record.OfOrganization, Menu: 8, Ended: "completed", Before: beforeList, After: tellAssignee,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "assignee_id", Label: "Assigned to", Type: record.Ref, Ref: "user", Class: record.Personal, Filter: true, List: true},
			{Name: "due_date", Label: "Due", Type: record.Date, Class: record.Internal, Sort: true, List: true, Expires: true},
			{Name: "tasks_done", Label: "Progress", Type: record.Integer, Of: "tasks_count", Class: record.Internal, ReadOnly: true, List: true},
			{Name: "completed", Type: record.Bool, Class: record.Internal, ReadOnly: true, Default: false, Filter: true, Sort: true, List: true},
			{Name: "tasks_count", Label: "Tasks", Type: record.Integer, Class: record.Internal, ReadOnly: true},
			{Name: OfTemplate, Label: "Template", Type: record.Ref, Ref: TemplateKind, Class: record.Internal, Filter: true},
			{Name: "description", Type: record.HTML, Class: record.Internal, Search: true},
		},
	}
}

func tasks() *record.Kind {
	return &record.Kind{
		Name: TaskKind, Plural: "checklist_tasks", Label: "Task", Labels: "Tasks", Icon: "checkbox",
		Scope: record.OfParent, Parent: OfList, Ended: "completed", Before: beforeTask, After: afterTask,
		Fields: []record.Field{
			{Name: OfList, Label: "Checklist", Type: record.Ref, Ref: Kind, Class: record.Internal, Required: true, Filter: true},
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Search: true, List: true},
			{Name: "completed", Label: "Done", Type: record.Bool, Class: record.Internal, Default: false, Filter: true, List: true},
			{Name: "assignee_id", Label: "Assigned to", Type: record.Ref, Ref: "user", Class: record.Personal, Filter: true, List: true},
			{Name: "due_date", Label: "Due", Type: record.Date, Class: record.Internal, Sort: true, List: true, Expires: true},
			{Name: "description", Type: record.HTML, Class: record.Internal, Search: true, Hint: "What is to be done."},
			{Name: "notes", Type: record.Multiline, Class: record.Internal, Search: true, Hint: "What came of it."},
			{Name: "order", Type: record.Integer, Class: record.Internal, Sort: true, Hint: "Empty puts it at the end."},
			{Name: "completed_at", Label: "Done at", Type: record.Time, Class: record.Internal, ReadOnly: true, Kept: true},
			{Name: "completed_by_id", Label: "Done by", Type: record.Ref, Ref: "user", Class: record.Personal, ReadOnly: true},
		},
	}
}

func templates() *record.Kind {
	return &record.Kind{
		Name: TemplateKind, Plural: "checklist_templates", Label: "Checklist template", Labels: "Checklist templates", Icon: "template",
		Scope: record.OfOrganization, Shared: true,
		Fields: []record.Field{
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true},
			{Name: "description", Type: record.HTML, Class: record.Internal, Search: true, List: true, Hint: "Stands in each checklist made from it."},
			{Name: step.Holds, Label: "Holds tickets back", Type: record.Bool, Class: record.Internal, Default: false, Filter: true, Hint: "On a ticket, its required tasks are done before that is resolved, fulfilled or closed."},
		},
	}
}

func steps() *record.Kind {
	return &record.Kind{
		Name: StepKind, Plural: "checklist_template_tasks", Label: "Task of a template", Labels: "Tasks of templates", Icon: "checkbox",
		Scope: record.OfParent, Parent: OfTemplate, Before: beforeStep,
		Fields: []record.Field{
			{Name: OfTemplate, Label: "Template", Type: record.Ref, Ref: TemplateKind, Class: record.Internal, Required: true, Filter: true},
			{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Search: true, List: true},
			{Name: "description", Type: record.HTML, Class: record.Internal, Search: true, List: true, Hint: "What is to be done."},
			{Name: "days", Label: "Due after", Type: record.Integer, Class: record.Internal, List: true,
				Hint: "Days from the making of the checklist, 0 to " + strconv.Itoa(mostDays) + "; empty for no date."},
			{Name: step.Required, Type: record.Bool, Class: record.Internal, Default: false, Hint: "On a ticket, where the template holds tickets back."},
			{Name: "order", Type: record.Integer, Class: record.Internal, Sort: true, Hint: "Empty puts it at the end."},
		},
	}
}
