package itglue_test

import (
	"testing"

	"strongroom/internal/core/access"
)

// TestChecklists: a checklist is made of a template, its tasks are ticked, and it
// says so.
func TestChecklists(t *testing.T) {
	w := newWorld(t)
	template := w.do("POST", "/checklist_templates", body("checklist-templates", attrs{"name": "New starter", "description": "<p>First week</p>"}), 201)
	template.shows("data.attributes.organization-id", nil)
	of := template.id()
	for i, name := range []string{"Account", "Laptop"} {
		w.do("POST", "/checklist_templates/"+of.String()+"/relationships/checklist_template_tasks", body("checklist-template-tasks", attrs{"name": name, "days": 3 * i}), 201)
	}
	list := w.do("POST", "/organizations/"+w.org.String()+"/relationships/checklists", body("checklists", attrs{"checklist-template-id": of, "due-date": "2026-12-24"}), 201)
	list.shows("data.attributes.name", "New starter").shows("data.attributes.description", "<p>First week</p>").shows("data.attributes.due-date", "2026-12-24").
		shows("data.attributes.completed", false).shows("data.attributes.tasks-count", "2").shows("data.attributes.checklist-template-name", "New starter")
	at := "/checklists/" + list.id().String()
	tasks := w.get("/checklist_tasks?filter[checklist_id]=" + list.id().String())
	if got := tasks.names("name"); got != "Account Laptop" {
		t.Fatalf("the tasks are %q", got)
	}
	if got := w.get(at + "/relationships/checklist_tasks").names("name"); got != "Account Laptop" {
		t.Errorf("below the checklist are %q", got)
	}
	if got := w.get(at + "?include=checklist_tasks"); got.at("included.1.attributes.name") != "Laptop" || got.at("data.relationships.checklist-tasks.data.0.type") != "checklist-tasks" {
		t.Errorf("included is %s", got.body)
	}
	first, second := tasks.at("data.0.id").(string), tasks.at("data.1.id").(string)
	w.do("PATCH", "/checklist_tasks/"+first, body("checklist-tasks", attrs{"completed": true, "notes": "Done by phone"}), 200).shows("data.attributes.completed", true)
	w.get(at).shows("data.attributes.tasks-done", "1").shows("data.attributes.completed", false)
	w.do("PATCH", "/checklist_tasks", attrs{"data": []any{attrs{"type": "checklist-tasks", "attributes": attrs{"id": second, "completed": true}}}}, 200)
	w.get(at).shows("data.attributes.completed", true)
	if got := w.get("/checklists?filter[organization_id]=" + w.org.String() + "&sort=-completed").names("name"); got != "New starter" {
		t.Errorf("the checklists are %q", got)
	}
	if got := w.get("/expirations?filter[resource_type_name]=Checklist"); got.at("data.0") != nil {
		t.Errorf("a completed checklist expires: %s", got.body)
	}
	w.do("PATCH", at, body("checklists", attrs{"completed": false, "tasks-done": 0}), 200).shows("data.attributes.completed", true) // for its tasks to say
	w.do("POST", "/checklist_tasks", body("checklist-tasks", attrs{"name": "One more", "checklist-id": list.id(), "due-date": "2026-12-20"}), 201).shows("data.attributes.order", "3")
	w.get(at).shows("data.attributes.completed", false)
	w.get("/expirations?filter[resource_type_name]=Checklist+Task").shows("data.0.attributes.resource-name", "One more")
	w.do("POST", "/checklists", body("checklists", attrs{"organization-id": w.org, "checklist-template-id": 987654, "name": "x"}), 422).shows("errors.0.source.pointer", "/data/attributes/checklist-template-id")

	other := w.Org("Other")
	_, key := w.user(access.Editor, false, other)
	w.ask(key, "GET", at, nil).is(404)
	w.ask(key, "PATCH", "/checklist_tasks/"+first, body("checklist-tasks", attrs{"completed": false})).is(404)
	w.ask(key, "GET", "/checklist_templates/"+of.String(), nil).is(200)
	w.ask(key, "PATCH", "/checklist_templates/"+of.String(), body("checklist-templates", attrs{"name": "Mine"})).is(403)
	w.ask(key, "POST", "/checklists", body("checklists", attrs{"organization-id": other, "checklist-template-id": of}), "Accept", "*/*").is(201)
}
