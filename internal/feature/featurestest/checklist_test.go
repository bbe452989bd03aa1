package featurestest_test

import (
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/expiry"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/checklist"
)

// ticklist makes a checklist with tasks.
func (h *house) ticklist(org id.ID, names ...string) (list id.ID, tasks []id.ID) {
	h.t.Helper()
	list = h.Make("checklist", org, record.Values{"name": "New starter", "due_date": "2026-03-01"})
	for _, n := range names {
		tasks = append(tasks, h.Make("checklist_task", 0, record.Values{"checklist_id": list, "name": n, "due_date": "2026-02-01"}))
	}
	return list, tasks
}

// order gives the names of the tasks of a list as they stand.
func (h *house) order(kind string, of id.ID) string {
	h.t.Helper()
	var out []string
	h.View(h.Admin(), func(tx *gate.Tx) error {
		tasks, err := checklist.Tasks(tx, h.Records, kind, of)
		for _, t := range tasks {
			out = append(out, t.Name)
		}
		return err
	})
	return strings.Join(out, " ")
}

// due counts what is due of an organization.
func (h *house) due(org id.ID) (n int) {
	h.t.Helper()
	h.View(h.Admin(), func(tx *gate.Tx) error {
		found, err := expiry.List(tx, h.Records, org, "2026-01-01", "2026-12-31", 100)
		n = len(found)
		return err
	})
	return n
}

func TestChecklistKnowsItsTasks(t *testing.T) {
	h := open(t, false)
	org := h.Org("Harbour")
	list, tasks := h.ticklist(org, "Account", "Laptop", "Badge")
	version := h.get("checklist", list).Version
	shows(t, h.get("checklist", list), record.Values{"tasks_count": int64(3), "tasks_done": int64(0), "completed": false})
	if n := h.due(org); n != 4 {
		t.Errorf("%d are due, want 4", n)
	}
	done := h.mustUpdate("checklist_task", tasks[0], record.Values{"completed": true})
	shows(t, done, record.Values{"completed_at": h.Clock.Now().UnixMilli(), "completed_by_id": nil}) // nobody who is a user here
	shows(t, h.get("checklist", list), record.Values{"tasks_done": int64(1), "completed": false})
	if r := h.get("checklist", list); r.Version != version {
		t.Errorf("a tick made version %d of the checklist", r.Version)
	}
	h.mustUpdate("checklist_task", tasks[1], record.Values{"completed": true})
	h.trash("checklist_task", tasks[2])
	shows(t, h.get("checklist", list), record.Values{"tasks_count": int64(2), "tasks_done": int64(2), "completed": true})
	if n := h.due(org); n != 0 {
		t.Errorf("%d are due of a completed checklist", n)
	}
	err := h.Gate.Change(t.Context(), h.User(access.Editor, org), access.Edit, gate.Thing{ID: list}, func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "checklist", list, 0, record.Values{"completed": false, "tasks_done": 0, "name": "Starter"}) // not for callers to say
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	shows(t, h.get("checklist", list), record.Values{"tasks_done": int64(2), "completed": true})
	h.Change(func(tx *gate.Tx) error { return h.Records.Untrash(tx, "checklist_task", tasks[2]) })
	shows(t, h.get("checklist", list), record.Values{"tasks_count": int64(3), "tasks_done": int64(2), "completed": false})
	again := h.mustUpdate("checklist_task", tasks[0], record.Values{"completed": false})
	shows(t, again, record.Values{"completed_at": nil})
	if n := h.due(org); n != 3 {
		t.Errorf("%d are due, want the checklist and two tasks", n)
	}
	h.mustUpdate("checklist", list, record.Values{"archived": true})
	if n := h.due(org); n != 0 {
		t.Errorf("%d are due of an archived checklist", n)
	}
	h.trash("checklist", list)
	h.Change(func(tx *gate.Tx) error { return h.Records.Untrash(tx, "checklist", list) })
	shows(t, h.get("checklist", list), record.Values{"tasks_count": int64(3), "tasks_done": int64(1), "completed": false})
}

func TestWhoTickedATask(t *testing.T) {
	h := open(t, false)
	org := h.Org("Harbour")
	_, tasks := h.ticklist(org, "Account")
	editor := h.User(access.Editor, org)
	tick := func(c *access.Caller) error {
		return h.Gate.Change(t.Context(), c, access.Edit, gate.Thing{ID: tasks[0]}, func(tx *gate.Tx) error {
			_, err := h.Records.Update(tx, "checklist_task", tasks[0], 0, record.Values{"completed": true})
			return err
		})
	}
	if err := tick(h.User(access.ReadOnly, org)); !fault.Is(err, fault.Denied) {
		t.Errorf("a reader ticks: %v", err)
	}
	if err := tick(h.User(access.Editor, h.Org("Kestrel"))); !fault.Is(err, fault.NotFound) {
		t.Errorf("a stranger ticks: %v", err)
	}
	if err := tick(editor); err != nil {
		t.Fatal(err)
	}
	shows(t, h.get("checklist_task", tasks[0]), record.Values{"completed_by_id": editor.User})
	shows(t, h.get("checklist", h.get("checklist_task", tasks[0]).Parent), record.Values{"completed": true})
}

func TestTasksHaveAnOrder(t *testing.T) {
	h := open(t, false)
	org := h.Org("Harbour")
	list, tasks := h.ticklist(org, "a", "b", "c", "d")
	for _, move := range []struct {
		task, place int
		want        string
	}{{3, 0, "d a b c"}, {3, 3, "a b c d"}, {0, 1, "b a c d"}, {2, 99, "b a d c"}, {2, -1, "c b a d"}} {
		h.Change(func(tx *gate.Tx) error {
			task, err := h.Records.Get(tx, "checklist_task", tasks[move.task])
			if err != nil {
				return err
			}
			return checklist.Place(tx, h.Records, task, move.place)
		})
		if got := h.order("checklist_task", list); got != move.want {
			t.Errorf("task %d at place %d gives %q, want %q", move.task, move.place, got, move.want)
		}
	}
	other, _ := h.ticklist(org)
	_, err := h.update("checklist_task", tasks[0], record.Values{"checklist_id": other})
	invalid(t, err, "checklist_id")
	invalid(t, h.create("checklist_task", 0, record.Values{"name": "of nothing"}), "checklist_id")
}

func TestChecklistFromTemplate(t *testing.T) {
	h := open(t, false)
	org, other := h.Org("Harbour"), h.Org("Kestrel")
	template := h.Make("checklist_template", 0, record.Values{"name": "New starter", "description": "<p>In the first week</p>"})
	for _, s := range []record.Values{{"name": "Account", "days": 0, "description": "<p>All of it</p>"}, {"name": "Laptop", "days": 30}, {"name": "Badge"}} {
		s["checklist_template_id"] = template
		h.Make("checklist_template_task", 0, s)
	}
	for _, bad := range []int{-1, 3651} {
		invalid(t, h.create("checklist_template_task", 0, record.Values{"checklist_template_id": template, "name": "x", "days": bad}), "days")
	}
	build := func(c *access.Caller, in id.ID, v record.Values) (*record.Record, error) {
		var out *record.Record
		err := h.Gate.Change(t.Context(), c, access.Create, gate.Thing{Kind: "checklist", Org: in}, func(tx *gate.Tx) (err error) {
			v["organization_id"] = in
			if out, err = h.Records.Create(tx, "checklist", v); err != nil {
				return err
			}
			return checklist.Fill(tx, h.Records, out)
		})
		return out, err
	}
	editor := h.User(access.Editor, org)
	list, err := build(editor, org, record.Values{"checklist_template_id": template})
	if err != nil {
		t.Fatal(err)
	}
	r := h.get("checklist", list.ID)
	shows(t, r, record.Values{"tasks_count": int64(3), "completed": false, "description": "<p>In the first week</p>", "checklist_template_id": template})
	if r.Name != "New starter" || h.order("checklist_task", list.ID) != "Account Laptop Badge" {
		t.Errorf("%q has %q", r.Name, h.order("checklist_task", list.ID))
	}
	h.View(editor, func(tx *gate.Tx) error {
		tasks, err := checklist.Tasks(tx, h.Records, "checklist_task", list.ID)
		if err == nil {
			now := h.Clock.Now().UTC()
			shows(t, tasks[0], record.Values{"due_date": now.Format("2006-01-02"), "description": "<p>All of it</p>"})
			shows(t, tasks[1], record.Values{"due_date": now.AddDate(0, 0, 30).Format("2006-01-02")})
			shows(t, tasks[2], record.Values{"due_date": nil})
		}
		return err
	})
	own := h.Make("checklist_template", other, record.Values{"name": "Only theirs"})
	_, err = build(editor, org, record.Values{"checklist_template_id": own, "name": "x"})
	invalid(t, err, "checklist_template_id")
	_, err = build(h.Admin(), org, record.Values{"checklist_template_id": own, "name": "x"})
	invalid(t, err, "checklist_template_id")
	if named, err := build(editor, org, record.Values{"checklist_template_id": template, "name": "Mine"}); err != nil || named.Name != "Mine" {
		t.Errorf("%v, %v", named, err)
	}
}

// TestSharedTemplates: a template of no organization is everybody's to use and
// for those to change who change the tenant's lists.
func TestSharedTemplates(t *testing.T) {
	h := open(t, false)
	org, other := h.Org("Harbour"), h.Org("Kestrel")
	shared, theirs := h.Make("checklist_template", 0, record.Values{"name": "Shared"}), h.Make("checklist_template", other, record.Values{"name": "Theirs"})
	editor, manager := h.User(access.Editor, org), h.User(access.Manager, org)
	h.View(editor, func(tx *gate.Tx) error {
		p, err := h.Records.List(tx, "checklist_template", record.Query{})
		if err != nil || len(p.Records) != 1 || p.Records[0].ID != shared || p.Total != 1 {
			t.Errorf("an editor of another organization sees %v, %v", p, err)
		}
		_, err = h.Records.Get(tx, "checklist_template", theirs)
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("what is hidden gives %v", err)
		}
		return nil
	})
	create := func(c *access.Caller, in id.ID) error {
		return h.Gate.Change(t.Context(), c, access.Create, gate.Thing{Kind: "checklist_template", Org: in}, func(tx *gate.Tx) error {
			v := record.Values{"name": "New"}
			if in != 0 {
				v["organization_id"] = in
			}
			r, err := h.Records.Create(tx, "checklist_template", v)
			if err == nil {
				_, err = h.Records.Create(tx, "checklist_template_task", record.Values{"checklist_template_id": r.ID, "name": "x"})
			}
			return err
		})
	}
	change := func(c *access.Caller) error {
		return h.Gate.Change(t.Context(), c, access.Edit, gate.Thing{ID: shared}, func(tx *gate.Tx) error {
			_, err := h.Records.Update(tx, "checklist_template", shared, 0, record.Values{"name": "Changed"})
			return err
		})
	}
	if err := create(editor, org); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{"make": create(editor, 0), "change": change(editor)} {
		if !fault.Is(err, fault.Denied) {
			t.Errorf("an editor may %s a template of all: %v", name, err)
		}
	}
	for _, err := range []error{create(manager, 0), change(manager)} {
		if err != nil {
			t.Error(err)
		}
	}
}
