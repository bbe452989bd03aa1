package featurestest_test

import (
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation/routine"
)

// TestRoutines: work that comes round is made once at each date, also when the server was
// not there, and with the rights of who wants it.
func TestRoutines(t *testing.T) {
	h := &house{coretest.Open(t, coretest.Options{Features: append(features(), routine.Feature())}), t}
	h.Change(h.Records.Seed)
	org := h.Org("Harbour Dental")
	customer := h.Make("contact", org, record.Values{"first_name": "Rosa", "last_name": "Lind"})
	template := h.Make("checklist_template", 0, record.Values{"name": "Backup"})
	h.Make("checklist_template_task", 0, record.Values{"checklist_template_id": template, "name": "Restore a file"})
	manager := h.User(access.Manager)
	make := func(c *access.Caller, v record.Values) (n id.ID, err error) {
		w := record.Values{"name": "Backup of {date}", "organization_id": org, "active": true, "first": "2026-03-03", "round": routine.Daily}
		for k, x := range v {
			w[k] = x
		}
		err = h.Gate.Change(t.Context(), c, access.Create, gate.Thing{Kind: routine.Kind, Org: org}, func(tx *gate.Tx) error {
			r, err := h.Records.Create(tx, routine.Kind, w)
			if err == nil {
				n = r.ID
			}
			return err
		})
		return n, err
	}
	for field, v := range map[string]record.Values{"at": {"at": "nine"}, "contact_id": {"makes": routine.Incidents}, "until": {"until": "2026-03-01"}, "every": {"every": 0}, "first": {"first": nil}} {
		_, err := make(manager, v)
		invalid(t, err, field)
	}
	key := *manager
	key.Key, key.Via = 4711, "api key"
	h.Change(func(tx *gate.Tx) error { return access.SetKey(tx.SQL(), 4711, 0) })
	_, err := make(&key, nil)
	invalid(t, err, "active")

	var all []id.ID
	for _, v := range []record.Values{{"makes": routine.Tasks}, {"makes": routine.Incidents, "contact_id": customer}, {"makes": routine.Lists, "template_id": template}} {
		n, err := make(manager, v)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	clock := &routine.Clock{Gate: h.Gate, Records: h.Records}
	made := func(table, where string, args ...any) (n int) {
		t.Helper()
		for range 2 { // it bears repetition
			if err := clock.Run(t.Context(), coretest.Name); err != nil {
				t.Fatal(err)
			}
		}
		h.View(h.Admin(), func(tx *gate.Tx) error {
			return tx.QueryRow(`select count(*) from `+table+` k join record r on r.id = k.id where `+where, args...).Scan(&n)
		})
		return n
	}
	if n := made("k_task", "1 = 1"); n != 0 {
		t.Errorf("%d tasks before the first date", n)
	}
	h.Clock.Advance(24 * time.Hour) // 3 March, 09:00, the very moment
	for table, want := range map[string]string{"k_task": "name", "k_incident": "name", "k_checklist": "name"} {
		if n := made(table, want+" = 'Backup of 2026-03-03'"); n != 1 {
			t.Errorf("%d of %s", n, table)
		}
	}
	if n := made("k_checklist_task", "r.name = 'Restore a file'"); n != 1 {
		t.Errorf("%d tasks of the checklist", n)
	}
	h.Clock.Advance(73 * time.Hour) // three dates were missed: the latest is made up for
	if n := made("k_task", "1 = 1"); n != 2 || made("k_task", "name = 'Backup of 2026-03-06'") != 1 {
		t.Errorf("%d tasks after a stop of three days", n)
	}
	h.View(manager, func(tx *gate.Tx) error {
		r, err := h.Records.Get(tx, routine.Kind, all[0])
		if err != nil {
			return err
		}
		list, err := routine.Rounds(tx, r)
		if err == nil && (len(list) != 12 || list[0].Day != "Sat 7 Mar 2026, 09:00 UTC" || list[8].Made == 0 || list[9].Said == "") {
			t.Errorf("its dates: %+v", list)
		}
		return err
	})
	h.Change(func(tx *gate.Tx) error { return access.SetPrincipal(tx.SQL(), manager.User, access.ReadOnly, true) })
	h.Clock.Advance(24 * time.Hour)
	if n := made("k_task", "1 = 1"); n != 2 {
		t.Errorf("%d tasks though who wants them may only read", n)
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := routine.DoneOf(tx, all[0], 1)
		if err == nil && (len(list) != 1 || list[0].Said != "Your role, Read-only, may not create this.") {
			t.Errorf("%+v", list)
		}
		return err
	})
	h.mustUpdate(routine.Kind, all[0], record.Values{"active": false})
	if err := h.Gate.Change(t.Context(), manager, access.Edit, gate.Thing{ID: all[0]}, func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, routine.Kind, all[0], 0, record.Values{"active": true})
		return err
	}); !fault.Is(err, fault.Denied) {
		t.Errorf("who may only read turned it on: %v", err)
	}
}
