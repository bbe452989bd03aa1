package sample

import (
	"strings"
	"time"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// routine is a checklist that everybody's are made from.
type routine struct {
	name, about string
	tasks       []routineTask
}

type routineTask struct {
	name string
	days int // from the making of the checklist
}

var routines = []routine{
	{"New starter", "<p>Everything that somebody needs on the first day. Ask for the start date and the line manager first.</p>", []routineTask{
		{"Ask for start date, job title and line manager", 0}, {"Make the account and its mailbox", 2}, {"Put the account into its groups", 2},
		{"Set up the laptop and write down its asset tag", 4}, {"Order the telephone", 4}, {"Hand over, with a first sign-in together", 7}}},
	{"Leaver", "<p>To be done on the last day, in this order.</p>", []routineTask{
		{"Block the account at the agreed hour", 0}, {"Hand the mailbox over to the line manager", 1}, {"Change the passwords that were shared", 1},
		{"Take back laptop, telephone and keys", 2}, {"Delete the account", 30}}},
	{"Quarterly review", "<p>One hour with the site contact; the report goes to the decision maker.</p>", []routineTask{
		{"Compare the documentation with what is there", 5}, {"Restore a file and a machine from the backup", 7}, {"Go through what expires next quarter", 7}, {"Send the report", 14}}},
}

// checklistTemplates makes the checklists that those of organizations are made from.
func (w *world) checklistTemplates(tx *gate.Tx) error {
	w.routines = map[string]id.ID{}
	for _, r := range routines {
		made, err := w.create(tx, "checklist_template", record.Values{"name": r.name, "description": r.about})
		if err != nil {
			return err
		}
		w.routines[r.name] = made
		for _, s := range r.tasks {
			if _, err := w.create(tx, "checklist_template_task", record.Values{"checklist_template_id": made, "name": s.name, "days": s.days}); err != nil {
				return err
			}
		}
	}
	return nil
}

// checklist makes one checklist of a routine with its tasks, of which the first
// ones are done.
func (c *client) checklist() []step {
	r := routines[c.n%len(routines)]
	started, done := c.w.rng.IntN(6), c.w.rng.IntN(len(r.tasks))
	var list id.ID
	day := func(after int) string { return c.w.today.AddDate(0, 0, after-started).Format(time.DateOnly) }
	out := []step{func(tx *gate.Tx) (err error) {
		name := r.name
		if len(c.people) > 2 && !strings.Contains(name, "review") {
			name += ": " + c.people[2].name
		}
		list, err = c.w.create(tx, "checklist", record.Values{"organization_id": c.org, "name": name, "description": r.about, "checklist_template_id": c.w.routines[r.name],
			"due_date": day(r.tasks[len(r.tasks)-1].days + 2)})
		return err
	}}
	for n := range r.tasks { // those that are done last: the checklist is not complete in between
		i := (n + done) % len(r.tasks)
		s := r.tasks[i]
		out = append(out, func(tx *gate.Tx) error {
			v := record.Values{"checklist_id": list, "name": s.name, "due_date": day(s.days), "completed": i < done, "order": i + 1}
			if i == 0 && done > 0 {
				v["notes"] = "Agreed by telephone with " + c.contactName() + "."
			}
			_, err := c.w.create(tx, "checklist_task", v)
			return err
		})
	}
	return out
}

// contactName is somebody to have spoken to.
func (c *client) contactName() string {
	if len(c.people) == 0 {
		return "the office"
	}
	return c.people[0].name
}
