package apptest_test

import (
	"reflect"
	"testing"

	"strongroom/internal/apptest"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// What Create and Update give is what Get then reads, for a record of each kind
// with each of its fields set: an answer may be made of it.
func TestSavedIsRead(t *testing.T) {
	h := apptest.Open(t, apptest.Options{})
	tenant := h.Tenants[0]
	kept := 0
	for i, k := range h.App.Records.Kinds.Kinds() {
		if k.Admin || k.Fixed || k.Variants != nil {
			continue
		}
		t.Run(k.Name, func(t *testing.T) {
			v := tenant.Values(k, apptest.Seen, apptest.Seen, 5000+i)
			if k.Scope == record.OfOrganization {
				v["organization_id"] = tenant.Open
			}
			for _, name := range []string{"model_id", "region_id", "duration", "level", "scheduled_end", "actual_service_id", "actual_category_id",
				"service_request_id", "problem_id", "change_id", "usual", "ends_at"} { // which depend on others
				if name != k.Parent {
					delete(v, name)
				}
			}
			for _, name := range k.Parents { // it has one
				delete(v, name)
			}
			if k.Name == "calendar" { // whose days are read
				for _, name := range []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"} {
					v[name] = "09:00-12:30, 13:15-17:30"
				}
				v["zone"] = "Europe/Berlin"
				delete(v, "holidays")
			}
			if k.Name == "service_agreement" { // whose lines are
				v["targets"] = []map[string]any{{"measure": "response", "hours": 1.5, "days": 1}}
				v["escalations"] = []map[string]any{{"percent": 50, "measure": "response", "do": "raise its priority"}}
			}
			if k.Name == "assignment" { // one for each team
				tenant.View(func(tx *gate.Tx) error {
					teams, err := tx.IDs(`select id from record where kind = 'team' and id not in (select team_id from k_assignment) order by id limit 1`)
					v["team_id"] = teams[0]
					return err
				})
			}
			if k.Name == "macro" { // whose state is one that tickets have
				delete(v, "then")
			}
			if k.Name == "change_template" { // which names what it says
				v["free"] = []map[string]any{{"field": "Description"}}
			}
			if k.Name == "password" {
				delete(v, "resource_type")
				delete(v, "resource_id")
			}
			err := h.App.Gate.Change(t.Context(), tenant.Admin, access.Create, gate.Thing{Kind: k.Name}, func(tx *gate.Tx) error {
				r, err := h.App.Records.Create(tx, k.Name, v)
				if err != nil {
					return err
				}
				kept += sameAgain(t, h, tx, r)
				for name, in := range v {
					if f := k.Field(name); f != nil && !f.Required && f.Type == record.Text && name != "first_name" && name != "name" {
						v[name] = nil
					} else if text, ok := in.(string); ok && name == "name" {
						v[name] = "more-" + text
					}
				}
				if r, err = h.App.Records.Update(tx, k.Name, r.ID, 0, v); err != nil {
					return err
				}
				kept += sameAgain(t, h, tx, r)
				return nil
			})
			if err != nil {
				t.Fatal(err, fault.Say(err).Fields)
			}
		})
	}
	if kept < 10 {
		t.Errorf("only %d records were taken as they were saved", kept)
	}
}

// sameAgain tells how often a record was taken as it was saved.
func sameAgain(t *testing.T, h *apptest.House, tx *gate.Tx, saved *record.Record) int {
	t.Helper()
	got, err := h.App.Records.Again(tx, saved)
	if err != nil {
		t.Fatal(err)
	}
	want, err := h.App.Records.Get(tx, saved.Kind.Name, saved.ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range want.Values {
		if !reflect.DeepEqual(v, got.Values[name]) {
			t.Errorf("%s: %#v was saved, and %#v is read", name, got.Values[name], v)
		}
	}
	for name, v := range got.Values {
		if v != nil && want.Values[name] == nil {
			t.Errorf("%s: %#v was saved, and nothing is read", name, v)
		}
	}
	if !reflect.DeepEqual(got.Names, want.Names) || !reflect.DeepEqual(got.Links, want.Links) || got.OrgName != want.OrgName {
		t.Errorf("names: %v %v %q, and are read as %v %v %q", got.Names, got.Links, got.OrgName, want.Names, want.Links, want.OrgName)
	}
	a, b := *got, *want
	for _, r := range []*record.Record{&a, &b} {
		r.Values, r.Names, r.Links, r.Rest = nil, nil, nil, nil
	}
	if a.ID != b.ID || a.Org != b.Org || a.Parent != b.Parent || a.Guard != b.Guard || a.Name != b.Name || a.Archived != b.Archived || a.Restricted != b.Restricted ||
		a.Created != b.Created || a.Updated != b.Updated || a.CreatedBy != b.CreatedBy || a.UpdatedBy != b.UpdatedBy || a.Version != b.Version {
		t.Errorf("%+v\nis read as\n%+v", a, b)
	}
	if got == saved {
		return 1
	}
	return 0
}
