package featurestest_test

import (
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/search"
	"strongroom/internal/feature/customobject"
)

// agencies are a kind of objects with states, rules and a link; f are its fields by name.
type agencies struct {
	*house
	typ id.ID
	f   map[string]id.ID
}

// v turns values by the names of the fields into those of an object.
func (a *agencies) v(in record.Values) record.Values {
	out := record.Values{customobject.TypeField: a.typ}
	for name, x := range in {
		if n := a.f[name]; n != 0 {
			name = record.TraitName(n)
		}
		out[name] = x
	}
	return out
}

// field adds a field.
func (a *agencies) field(v record.Values) {
	a.t.Helper()
	v[customobject.TypeField] = a.typ
	a.f[v["name"].(string)] = a.Make(customobject.FieldKind, 0, v)
}

func openAgencies(t *testing.T) *agencies {
	a := &agencies{house: open(t, false), f: map[string]id.ID{}}
	a.typ = a.Make(customobject.TypeKind, 0, record.Values{"name": "Agency", "states": []map[string]any{
		{"state": "Applied", "begins": true, "becomes": "Licensed, Refused"}, {"state": "Licensed", "becomes": "Refused", "needs": "Licence"}, {"state": "Refused", "closed": true}}})
	for _, v := range []record.Values{
		{"name": "Town", "kind": "Text", "show_in_list": true, "use_for_title": true}, {"name": "Staff", "kind": "Whole number", "show_in_list": true},
		{"name": "Licence", "kind": "Text"}, {"name": "Sort", "kind": "Select", "default_value": "Travel\nPress", "show_in_list": true},
		{"name": "Airport", "kind": "Text", "shown_when": "Sort", "shown_is": "Travel", "required": true}, {"name": "Editor", "kind": "E-mail address", "required_when": "sort", "required_is": "Press"},
		{"name": "Chief", "kind": "Link", "tag_type": "contact"}, {"name": "Opened", "kind": "Date and time"}, {"name": "Parents", "kind": "Tag", "tag_type": "Object:Agency"},
	} {
		a.field(v)
	}
	return a
}

// TestObjects goes through what an administrator defines and what objects then are.
func TestObjects(t *testing.T) {
	a := openAgencies(t)
	org := a.Org("Northbeam")
	pia := a.Make("contact", org, record.Values{"first_name": "Pia"})
	delft := a.Make(customobject.Kind, org, a.v(record.Values{"Town": "Delft", "Staff": 12, "Sort": "Travel", "Airport": "RTM", "Chief": pia, "Opened": "2026-03-01T09:30:00Z"}))
	t.Run("an object is called, numbered and begun by its definition", func(t *testing.T) {
		r := a.get(customobject.Kind, delft)
		if f := r.Kind.Field("number"); r.Name != "Delft" || r.Values["number"] != int64(1001) || f.Numbered(1001) != "AGE-1001" || r.Values.Text("status") != "Applied" || r.Kind.Labels != "Agencies" {
			t.Errorf("%q %v of %s", r.Name, r.Values, r.Kind.Labels)
		}
		second := a.Make(customobject.Kind, 0, a.v(nil)) // for all, and without a word
		if r := a.get(customobject.Kind, second); r.Name != "Agency AGE-1002" || r.Org != 0 {
			t.Errorf("%q of %v", r.Name, r.Org)
		}
	})
	t.Run("what it leads to is of the kind that was said", func(t *testing.T) {
		invalid(t, a.create(customobject.Kind, org, a.v(record.Values{"Chief": delft})), record.TraitName(a.f["Chief"]))
		invalid(t, a.create(customobject.Kind, org, a.v(record.Values{"Parents": []id.ID{pia}})), record.TraitName(a.f["Parents"]))
		a.mustUpdate(customobject.Kind, delft, a.v(record.Values{"Parents": []id.ID{a.Make(customobject.Kind, org, a.v(record.Values{"Town": "Hague"}))}}))
		invalid(t, a.create(customobject.Kind, org, a.v(record.Values{"Staff": "many"})), record.TraitName(a.f["Staff"]))
		invalid(t, a.create(customobject.Kind, org, a.v(record.Values{"Editor": "nobody"})), record.TraitName(a.f["Editor"]))
	})
	t.Run("rules ask and hide", func(t *testing.T) {
		airport, editor := record.TraitName(a.f["Airport"]), record.TraitName(a.f["Editor"])
		invalid(t, a.create(customobject.Kind, org, a.v(record.Values{"Sort": "Travel"})), airport)
		invalid(t, a.create(customobject.Kind, org, a.v(record.Values{"Sort": "press"})), record.TraitName(a.f["Sort"])) // no choice
		invalid(t, a.create(customobject.Kind, org, a.v(record.Values{"Sort": "Press"})), editor)
		r := a.mustUpdate(customobject.Kind, delft, a.v(record.Values{"Sort": "Press", "Editor": "pia@example.com"}))
		if r.Values[airport] != nil {
			t.Errorf("what is not shown stays: %v", r.Values[airport])
		}
	})
	t.Run("D16 every move", func(t *testing.T) {
		licence := record.TraitName(a.f["Licence"])
		_, err := a.update(customobject.Kind, delft, record.Values{"status": "Licensed"})
		invalid(t, err, licence)
		_, err = a.update(customobject.Kind, delft, record.Values{"status": "Asleep"})
		invalid(t, err, "status")
		invalid(t, a.create(customobject.Kind, org, a.v(record.Values{"status": "Licensed", "Licence": "L 1"})), "status")
		a.mustUpdate(customobject.Kind, delft, a.v(record.Values{"status": "Licensed", "Licence": "L 1"}))
		_, err = a.update(customobject.Kind, delft, record.Values{"status": "Applied"})
		invalid(t, err, "status")
		gone := a.Make(customobject.Kind, org, a.v(record.Values{"Town": "Gouda"}))
		a.mustUpdate(customobject.Kind, gone, record.Values{"status": "Refused"})
		_, err = a.update(customobject.Kind, gone, a.v(record.Values{"Town": "Breda"}))
		invalid(t, err, record.TraitName(a.f["Town"]))
		_, err = a.update(customobject.Kind, gone, record.Values{"status": "Applied"})
		invalid(t, err, "status")
	})
	t.Run("lists and search", func(t *testing.T) {
		a.View(a.Admin(), func(tx *gate.Tx) error {
			staff := record.TraitName(a.f["Staff"])
			p, err := a.Records.List(tx, customobject.Kind, record.Query{Variant: a.typ, Filters: []record.Filter{{Field: staff, Op: record.Range, Values: []any{int64(10), nil}}, {Field: "status", Op: record.Eq, Values: []any{"Licensed"}}},
				Sort: []record.Order{{Field: staff}}})
			if err != nil || p.Total != 1 || p.Records[0].ID != delft {
				t.Errorf("found %v, %v", p, err)
			}
			hits, err := search.Find(tx, "delft", search.Options{Limit: 5})
			if len(hits) != 1 || hits[0].ID != delft {
				t.Errorf("the search finds %v", hits)
			}
			return err
		})
	})
	t.Run("who sees one organization sees its objects alone", func(t *testing.T) {
		other := a.Org("Elsewhere")
		c := a.User(access.Editor, other)
		a.View(c, func(tx *gate.Tx) error {
			p, err := a.Records.List(tx, customobject.Kind, record.Query{Variant: a.typ})
			if err == nil && (p.Total != 1 || p.Records[0].Org != 0) { // that of all
				t.Errorf("sees %d", p.Total)
			}
			return err
		})
		err := a.Gate.Change(t.Context(), c, access.Edit, gate.Thing{Kind: customobject.TypeKind, ID: a.typ}, func(tx *gate.Tx) error {
			_, err := a.Records.Update(tx, customobject.TypeKind, a.typ, 0, record.Values{"name": "Mine"})
			return err
		})
		if !fault.Is(err, fault.Denied) {
			t.Errorf("an editor changes the definition: %v", err)
		}
	})
	a.narrows(t, delft)
}

// narrows holds that a definition does not become what objects stand against.
func (a *agencies) narrows(t *testing.T, delft id.ID) {
	refused := func(err error, field, names string) {
		t.Helper()
		invalid(t, err, field)
		if said := fault.Say(err).Fields[field]; !strings.Contains(said, names) || fault.Say(err).Hint == "" {
			t.Errorf("it says %q, hint %q; want %s", said, fault.Say(err).Hint, names)
		}
	}
	edition := func() any { return a.get(customobject.TypeKind, a.typ).Values["edition"] }
	change := func(field string, v record.Values) error {
		_, err := a.update(customobject.FieldKind, a.f[field], v)
		return err
	}
	t.Run("narrowing names the objects", func(t *testing.T) {
		was := edition()
		refused(change("Sort", record.Values{"default_value": "Travel"}), "default_value", "1 Agencies have a value that this would not hold: Delft")
		refused(change("Town", record.Values{"kind": "Whole number"}), "kind", "Delft")
		refused(change("Chief", record.Values{"tag_type": "location"}), "tag_type", "")
		refused(change("Editor", record.Values{"required": true}), "required", "Hague")
		refused(a.create(customobject.FieldKind, 0, record.Values{customobject.TypeField: a.typ, "name": "Must", "kind": "Text", "required": true}), "required", "Delft")
		_, err := a.update(customobject.TypeKind, a.typ, record.Values{"states": []map[string]any{{"state": "Applied", "begins": true}, {"state": "Refused"}}})
		refused(err, "states", "Delft")
		_, err = a.update(customobject.TypeKind, a.typ, record.Values{"states": []map[string]any{{"state": "Applied", "begins": true, "needs": "Town"}, {"state": "Licensed"}, {"state": "Refused"}}})
		refused(err, "states", "AGE-1002")
		if now := edition(); now != was {
			t.Errorf("what was refused made edition %v of %v", now, was)
		}
	})
	t.Run("widening keeps every value and is an edition", func(t *testing.T) {
		was := edition().(int64)
		if err := change("Sort", record.Values{"default_value": "Travel\nPress\nFilm"}); err != nil {
			t.Fatal(err)
		}
		if err := change("Staff", record.Values{"kind": "Number", "name": "People"}); err != nil {
			t.Fatal(err)
		}
		r := a.get(customobject.Kind, delft)
		if v := r.Values[record.TraitName(a.f["Staff"])]; v != 12.0 || edition().(int64) != was+2 {
			t.Errorf("%v, edition %v after %d", v, edition(), was)
		}
	})
	t.Run("what does not fit is no definition", func(t *testing.T) {
		for field, v := range map[string]record.Values{
			"tag_type":      {"name": "x", "kind": "Link", "tag_type": "spaceship"},
			"default_value": {"name": "x", "kind": "Select"},
			"shown_when":    {"name": "x", "kind": "Text", "shown_when": "Nothing"},
			"required_when": {"name": "x", "kind": "Text", "required_when": "Parents"},
		} {
			v[customobject.TypeField] = a.typ
			invalid(t, a.create(customobject.FieldKind, 0, v), field)
		}
		invalid(t, change("Sort", record.Values{"shown_when": "Airport"}), "shown_when") // a circle
		for _, states := range [][]map[string]any{{{"state": "A"}}, {{"state": "A", "begins": true, "becomes": "B"}}, {{"state": "A", "begins": true}, {"state": "A"}}} {
			invalid(t, a.create(customobject.TypeKind, 0, record.Values{"name": "Other", "states": states}), "states")
		}
	})
	t.Run("what has objects stays", func(t *testing.T) {
		trash := func(kind string, rid id.ID) error {
			return a.Gate.Change(t.Context(), a.Admin(), access.Delete, gate.Thing{Kind: kind, ID: rid}, func(tx *gate.Tx) error { return a.Records.Trash(tx, kind, rid) })
		}
		for _, c := range []struct {
			kind string
			id   id.ID
			says string
		}{{customobject.TypeKind, a.typ, "There are 4 Agencies"}, {customobject.FieldKind, a.f["Town"], "have a value in this field: Delft"},
			{customobject.FieldKind, a.f["Licence"], "The state Licensed needs this field"}, {customobject.FieldKind, a.f["Sort"], "asks for this one"}} {
			if err := trash(c.kind, c.id); !fault.Is(err, fault.Conflict) || !strings.Contains(fault.Say(err).Text, c.says) || fault.Say(err).Hint == "" {
				t.Errorf("%v, want %s", err, c.says)
			}
		}
		if err := trash(customobject.FieldKind, a.f["Airport"]); err != nil {
			t.Errorf("a field without values: %v", err)
		}
	})
}
