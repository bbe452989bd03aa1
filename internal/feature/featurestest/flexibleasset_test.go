package featurestest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/expiry"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/search"
	"strongroom/internal/core/secret"
	"strongroom/internal/core/tally"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/feature/relation"
)

// design makes a type with fields, each given by its values; the answer maps
// their keys to the names of the traits.
func (h *house) design(name string, fields ...record.Values) (id.ID, map[string]string) {
	h.t.Helper()
	typ := h.Make(flexibleasset.TypeKind, 0, record.Values{"name": name})
	for _, f := range fields {
		v := f.Clone()
		v["flexible_asset_type_id"] = typ
		h.Make(flexibleasset.FieldKind, 0, v)
	}
	return typ, h.traits(typ)
}

func (h *house) traits(typ id.ID) map[string]string {
	h.t.Helper()
	out := map[string]string{}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := flexibleasset.Fields(tx, typ)
		for _, f := range list {
			out[f.Key] = record.TraitName(f.ID)
		}
		return err
	})
	return out
}

func (h *house) field(trait string) id.ID {
	h.t.Helper()
	n, ok := id.Parse(strings.TrimPrefix(trait, "t"))
	if !ok {
		h.t.Fatalf("%q is no trait", trait)
	}
	return n
}

func (h *house) listed(q record.Query) []string {
	h.t.Helper()
	out := []string{}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		p, err := h.Records.List(tx, flexibleasset.Kind, q)
		if err != nil {
			return err
		}
		if !q.NoTotal && p.Total != int64(len(p.Records)) {
			h.t.Errorf("a total of %d with %d records", p.Total, len(p.Records))
		}
		for _, r := range p.Records {
			out = append(out, r.Name)
		}
		return nil
	})
	return out
}

// lan is a type with a field of every kind.
func (h *house) lan() (id.ID, map[string]string) {
	return h.design("LAN",
		record.Values{"name": "Name", "kind": "Text", "show_in_list": true, "use_for_title": true, "required": true},
		record.Values{"name": "Addresses", "kind": "Header"},
		record.Values{"name": "VLAN", "kind": "Number", "show_in_list": true, "decimals": 0},
		record.Values{"name": "In use", "kind": "Percent", "show_in_list": true},
		record.Values{"name": "Notes", "kind": "Textbox"},
		record.Values{"name": "Contract ends", "kind": "Date", "expiration": true, "show_in_list": true},
		record.Values{"name": "Guests allowed?", "kind": "Checkbox", "show_in_list": true},
		record.Values{"name": "Medium", "kind": "Select", "default_value": "Copper\nFibre\n", "show_in_list": true},
		record.Values{"name": "Admin password", "kind": "Password"},
		record.Values{"name": "Switches", "kind": "Tag", "tag_type": "Configurations"},
		record.Values{"name": "Plans", "kind": "Upload"})
}

func TestAssetOfEveryField(t *testing.T) {
	h := open(t, true)
	org := h.Org("Harbour")
	typ, f := h.lan()
	for _, key := range []string{"name", "addresses", "vlan", "in-use", "notes", "contract-ends", "guests-allowed", "medium", "admin-password", "switches", "plans"} {
		if f[key] == "" {
			t.Fatalf("no field has the key %s: %v", key, f)
		}
	}
	kind := h.one("configuration_type", "Switch")
	one := h.Make("configuration", org, record.Values{"name": "sw-1", "configuration_type_id": kind})
	two := h.Make("configuration", org, record.Values{"name": "sw-2", "configuration_type_id": kind})
	asset := h.Make(flexibleasset.Kind, org, record.Values{"flexible_asset_type_id": typ, f["name"]: "Office", f["vlan"]: 12, f["in-use"]: "62.5", f["notes"]: "<p>Under the <b>stairs</b></p>",
		f["contract-ends"]: "2027-03-04", f["guests-allowed"]: true, f["medium"]: "Fibre", f["admin-password"]: "hunter2!", f["switches"]: []id.ID{one, two}})
	r := h.get(flexibleasset.Kind, asset)
	shows(t, r, record.Values{f["name"]: "Office", f["vlan"]: 12.0, f["in-use"]: 62.5, f["contract-ends"]: "2027-03-04", f["guests-allowed"]: true, f["medium"]: "Fibre"})
	if r.Name != "Office" || r.Kind.Label != "LAN" || r.Kind.Name != flexibleasset.Kind {
		t.Errorf("it is called %q and is a %s", r.Name, r.Kind.Label)
	}
	if got := r.Values.IDs(f["switches"]); !slices.Equal(got, []id.ID{one, two}) || r.Links[two] != (record.Link{Name: "sw-2", Kind: "configuration"}) {
		t.Errorf("tags: %v, %v", got, r.Links)
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		from, err := (&relation.Relations{Records: h.Records}).List(tx, two)
		if err == nil && (len(from) != 1 || from[0].Record != asset || from[0].Reason != "Switches of") {
			t.Errorf("%+v refer to the switch", from)
		}
		due, err2 := expiry.List(tx, h.Records, 0, "2027-01-01", "2027-12-31", 10)
		if len(due) != 1 || due[0].Record != asset || due[0].Field.Title() != "Contract ends" || due[0].Kind.Label != "LAN" {
			t.Errorf("expiring: %+v", due)
		}
		have, err3 := flexibleasset.Passwords(tx, asset)
		pw := have[asset][h.field(f["admin-password"])]
		p, err4 := h.Records.Get(tx, "password", pw)
		if err4 == nil && (p.Name != "Admin password" || p.Values.Text("resource_type") != "Flexible Asset" || p.Values["resource_id"] != int64(asset)) {
			t.Errorf("the password is %+v", p)
		}
		hits, err5 := search.Find(tx, "stairs", search.Options{Limit: 5})
		if err5 == nil && (len(hits) != 1 || hits[0].ID != asset) {
			t.Errorf("found %+v", hits)
		}
		for _, e := range []error{err, err2, err3, err4, err5} {
			if e != nil {
				return e
			}
		}
		return nil
	})
	if got := h.mustUpdate(flexibleasset.Kind, asset, record.Values{f["admin-password"]: "another"}); got.Version != 2 {
		t.Errorf("version %d", got.Version)
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		have, err := flexibleasset.Passwords(tx, asset)
		if err != nil {
			return err
		}
		v, err := secret.Current(tx, have[asset][h.field(f["admin-password"])])
		if v["password"].Number != 2 {
			t.Errorf("the password has version %d", v["password"].Number)
		}
		return err
	})
}

func TestAssetIsRefused(t *testing.T) {
	h := open(t, true)
	org, other := h.Org("Harbour"), h.Org("Kestrel")
	typ, f := h.lan()
	far := h.Make("configuration", other, record.Values{"name": "far", "configuration_type_id": h.one("configuration_type", "Switch")})
	place := h.Make("location", org, record.Values{"name": "Pier"})
	for _, c := range []struct {
		field string
		v     record.Values
	}{
		{f["name"], record.Values{}},
		{f["vlan"], record.Values{f["name"]: "x", f["vlan"]: "twelve"}},
		{f["medium"], record.Values{f["name"]: "x", f["medium"]: "Air"}},
		{f["contract-ends"], record.Values{f["name"]: "x", f["contract-ends"]: "soon"}},
		{f["switches"], record.Values{f["name"]: "x", f["switches"]: []id.ID{far}}},
		{f["switches"], record.Values{f["name"]: "x", f["switches"]: []id.ID{place}}},
		{"flexible_asset_type_id", record.Values{"flexible_asset_type_id": nil}},
	} {
		v := record.Values{"flexible_asset_type_id": typ}
		for n, x := range c.v {
			v[n] = x
		}
		invalid(t, h.create(flexibleasset.Kind, org, v), c.field)
	}
	err := h.create(flexibleasset.Kind, org, record.Values{"flexible_asset_type_id": place})
	if err == nil {
		t.Error("a location is taken for a type")
	}
	asset := h.Make(flexibleasset.Kind, org, record.Values{"flexible_asset_type_id": typ, f["name"]: "Office"})
	second, _ := h.design("WAN", record.Values{"name": "Name", "kind": "Text"})
	_, err = h.update(flexibleasset.Kind, asset, record.Values{"flexible_asset_type_id": second})
	invalid(t, err, "flexible_asset_type_id")
	err = h.Gate.Change(t.Context(), h.Admin(), access.Delete, gate.Thing{ID: typ}, func(tx *gate.Tx) error { return h.Records.Trash(tx, flexibleasset.TypeKind, typ) })
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("a type with assets is deleted: %v", err)
	}
	invalid(t, h.create(flexibleasset.FieldKind, 0, record.Values{"flexible_asset_type_id": typ, "name": "x", "kind": "Tag", "tag_type": "Trees"}), "tag_type")
	invalid(t, h.create(flexibleasset.FieldKind, 0, record.Values{"flexible_asset_type_id": typ, "name": "x", "kind": "Select"}), "default_value")
	err = h.Gate.Change(t.Context(), h.User(access.Manager), access.Create, gate.Thing{Kind: flexibleasset.TypeKind}, func(tx *gate.Tx) error {
		_, err := h.Records.Create(tx, flexibleasset.TypeKind, record.Values{"name": "Mine"})
		return err
	})
	if !fault.Is(err, fault.Denied) {
		t.Errorf("a manager designs a type: %v", err)
	}
}

// TestTypeChangesKeepValues: whatever becomes of a field, what was written into
// it is there when the field is again what it was.
func TestTypeChangesKeepValues(t *testing.T) {
	h := open(t, true)
	org := h.Org("Harbour")
	typ, f := h.lan()
	asset := h.Make(flexibleasset.Kind, org, record.Values{"flexible_asset_type_id": typ, f["name"]: "Office", f["medium"]: "Fibre", f["vlan"]: 12})
	name := h.field(f["name"])
	h.mustUpdate(flexibleasset.FieldKind, name, record.Values{"kind": "Number", "name": "Called", "required": false})
	r := h.get(flexibleasset.Kind, asset)
	if r.Rest[f["name"]] != "Office" || r.Values[f["name"]] != nil {
		t.Errorf("as a number: %v, and besides %v", r.Values, r.Rest)
	}
	h.mustUpdate(flexibleasset.Kind, asset, record.Values{f["vlan"]: 13, f["name"]: nil})
	if r := h.get(flexibleasset.Kind, asset); r.Rest[f["name"]] != nil || r.Values[f["vlan"]] != 13.0 {
		t.Errorf("a value that was cleared is there: %v, %v", r.Values, r.Rest)
	}
	h.mustUpdate(flexibleasset.FieldKind, name, record.Values{"kind": "Text"})
	h.mustUpdate(flexibleasset.Kind, asset, record.Values{f["name"]: "Office 2"})
	h.mustUpdate(flexibleasset.FieldKind, name, record.Values{"kind": "Number"})
	h.mustUpdate(flexibleasset.Kind, asset, record.Values{f["vlan"]: 14})
	h.mustUpdate(flexibleasset.FieldKind, name, record.Values{"kind": "Text"})
	if r := h.get(flexibleasset.Kind, asset); r.Name != "Office 2" || r.Kind.Field(f["name"]).Title() != "Called" {
		t.Errorf("back as a text it is %q in %q", r.Name, r.Kind.Field(f["name"]).Title())
	}
	// A choice that is offered no longer stays, a new one is not taken.
	medium := h.field(f["medium"])
	h.mustUpdate(flexibleasset.FieldKind, medium, record.Values{"default_value": "Copper\nAir"})
	if r := h.mustUpdate(flexibleasset.Kind, asset, record.Values{f["medium"]: "Fibre", f["vlan"]: 15}); r.Values[f["medium"]] != "Fibre" {
		t.Errorf("the choice is %v", r.Values[f["medium"]])
	}
	// A field that was deleted comes back with its values.
	h.trash(flexibleasset.FieldKind, medium)
	h.mustUpdate(flexibleasset.Kind, asset, record.Values{f["vlan"]: 16})
	if r := h.get(flexibleasset.Kind, asset); r.Kind.Field(f["medium"]) != nil {
		t.Error("a deleted field is there")
	}
	h.Change(func(tx *gate.Tx) error { return h.Records.Untrash(tx, flexibleasset.FieldKind, medium) })
	if r := h.get(flexibleasset.Kind, asset); r.Values[f["medium"]] != "Fibre" {
		t.Errorf("the choice is %v after its field came back", r.Values[f["medium"]])
	}
	_, err := h.update(flexibleasset.FieldKind, medium, record.Values{"kind": "Password"})
	invalid(t, err, "kind")
	// An earlier revision can be had back.
	var list []record.Revision
	h.View(h.Admin(), func(tx *gate.Tx) error {
		var err error
		list, err = h.Records.Revisions(tx, flexibleasset.Kind, asset)
		return err
	})
	first := list[len(list)-1]
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.RestoreRevision(tx, flexibleasset.Kind, asset, first.Version)
		return err
	})
	shows(t, h.get(flexibleasset.Kind, asset), record.Values{f["vlan"]: 12.0, f["name"]: "Office"})
}

func TestAssetsFilteredAndSorted(t *testing.T) {
	h := open(t, true)
	org := h.Org("Harbour")
	typ, f := h.lan()
	other, g := h.design("WAN", record.Values{"name": "Name", "kind": "Text", "show_in_list": true})
	h.Make(flexibleasset.Kind, org, record.Values{"flexible_asset_type_id": other, g["name"]: "elsewhere"})
	sw := h.Make("configuration", org, record.Values{"name": "sw-1", "configuration_type_id": h.one("configuration_type", "Switch")})
	for i, v := range []any{-5, nil, 100, 0.5, 7} {
		v := record.Values{"flexible_asset_type_id": typ, f["name"]: fmt.Sprint("n", i), f["vlan"]: v, f["medium"]: []string{"Copper", "Fibre"}[i%2]}
		if i == 3 {
			v[f["switches"]], v[f["contract-ends"]], v[f["guests-allowed"]] = []id.ID{sw}, "2026-12-24", true
		}
		h.Make(flexibleasset.Kind, org, v)
	}
	for _, c := range []struct {
		what string
		q    record.Query
		want string
	}{
		{"as it is", record.Query{}, "n0 n1 n2 n3 n4"},
		{"numbers", record.Query{Sort: []record.Order{{Field: f["vlan"]}}}, "n0 n3 n4 n2 n1"},
		{"numbers, downwards", record.Query{Sort: []record.Order{{Field: f["vlan"], Desc: true}}}, "n2 n4 n3 n0 n1"},
		{"texts, then downwards by age", record.Query{Sort: []record.Order{{Field: f["medium"]}, {Field: "id", Desc: true}}}, "n4 n2 n0 n3 n1"},
		{"an organization's", record.Query{Org: org, Sort: []record.Order{{Field: f["name"], Desc: true}}}, "n4 n3 n2 n1 n0"},
		{"eq", record.Query{Filters: []record.Filter{{Field: f["medium"], Op: record.Eq, Values: []any{"FIBRE"}}}}, "n1 n3"},
		{"ne", record.Query{Filters: []record.Filter{{Field: f["medium"], Op: record.Ne, Values: []any{"fibre"}}}}, "n0 n2 n4"},
		{"contains", record.Query{Filters: []record.Filter{{Field: f["medium"], Op: record.Contains, Values: []any{"opp"}}}}, "n0 n2 n4"},
		{"range", record.Query{Filters: []record.Filter{{Field: f["vlan"], Op: record.Range, Values: []any{"-10", 7}}}}, "n0 n3 n4"},
		{"null", record.Query{Filters: []record.Filter{{Field: f["vlan"], Op: record.Null}}}, "n1"},
		{"not null", record.Query{Filters: []record.Filter{{Field: f["contract-ends"], Op: record.NotNull}}}, "n3"},
		{"tag", record.Query{Filters: []record.Filter{{Field: f["switches"], Op: record.Eq, Values: []any{sw}}}}, "n3"},
		{"yes", record.Query{Filters: []record.Filter{{Field: f["guests-allowed"], Op: record.Eq, Values: []any{"true"}}}}, "n3"},
		{"either", record.Query{Any: [][]record.Filter{{{Field: f["medium"], Op: record.Eq, Values: []any{"fibre"}}, {Field: f["guests-allowed"], Op: record.Eq, Values: []any{"true"}}}, {{Field: f["vlan"], Op: record.Null}}}}, "n1 n3"},
		{"both", record.Query{Filters: []record.Filter{{Field: f["medium"], Op: record.Eq, Values: []any{"copper"}}, {Field: f["vlan"], Op: record.Range, Values: []any{nil, 50}}},
			Sort: []record.Order{{Field: f["vlan"], Desc: true}}}, "n4 n0"},
	} {
		c.q.Variant = typ
		if got := strings.Join(h.listed(c.q), " "); got != c.want {
			t.Errorf("%s: got %s, want %s", c.what, got, c.want)
		}
	}
	if got := h.listed(record.Query{Variant: typ, Sort: []record.Order{{Field: f["vlan"]}}, Limit: 2, Offset: 1, NoTotal: true}); fmt.Sprint(got) != "[n3 n4]" {
		t.Errorf("the second page is %v", got)
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		_, err := h.Records.List(tx, flexibleasset.Kind, record.Query{Variant: typ, Filters: []record.Filter{{Field: f["notes"], Op: record.Eq, Values: []any{"x"}}}})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("filtered by what is not listed: %v", err)
		}
		n, err := h.Records.Totals(tx, org)
		if n[tally.Variant(flexibleasset.Kind, typ)] != 5 || n[tally.Variant(flexibleasset.Kind, other)] != 1 || n[flexibleasset.Kind] != 6 {
			t.Errorf("totals: %v", n)
		}
		return err
	})
	// A field that is listed from now on can be sorted by at once.
	typ2, k := h.design("Rack", record.Values{"name": "Name", "kind": "Text"}, record.Values{"name": "Row", "kind": "Text"})
	for _, row := range []string{"b", "a"} {
		h.Make(flexibleasset.Kind, org, record.Values{"flexible_asset_type_id": typ2, k["name"]: "rack " + row, k["row"]: row})
	}
	h.mustUpdate(flexibleasset.FieldKind, h.field(k["row"]), record.Values{"show_in_list": true})
	if got := h.listed(record.Query{Variant: typ2, Sort: []record.Order{{Field: k["row"]}}}); fmt.Sprint(got) != "[rack a rack b]" {
		t.Errorf("sorted by a field that is listed now: %v", got)
	}
}

// TestLibrary makes every type that comes with the product, and an asset of it.
func TestLibrary(t *testing.T) {
	h := open(t, true)
	org := h.Org("Harbour")
	for _, y := range flexibleasset.Library() {
		var typ id.ID
		h.Change(func(tx *gate.Tx) (err error) {
			typ, err = y.Make(tx, h.Records)
			return err
		})
		var shape *record.Kind
		h.View(h.Admin(), func(tx *gate.Tx) (err error) {
			shape, err = h.Records.Shape(tx, flexibleasset.Kind, typ)
			return err
		})
		v := record.Values{"flexible_asset_type_id": typ}
		listed := 0
		for _, f := range shape.Fields {
			if f.Trait == 0 {
				continue
			}
			if f.List {
				listed++
			}
			switch f.Type {
			case record.Text:
				v[f.Name] = "text"
			case record.Choice:
				v[f.Name] = f.Choices[0]
			case record.Secret:
				v[f.Name] = "secret"
			}
		}
		asset := h.Make(flexibleasset.Kind, org, v)
		if r := h.get(flexibleasset.Kind, asset); r.Name != "text" || listed < 2 || shape.Label != y.Name {
			t.Errorf("%s: an asset is called %q, %d fields are listed", y.Name, r.Name, listed)
		}
	}
}

// TestTagsAreRelations: what a tag refers to is related, seen from either side.
func TestTagsAreRelations(t *testing.T) {
	h := open(t, true)
	org, other := h.Org("Harbour"), h.Org("Kestrel")
	typ, f := h.lan()
	sw := h.Make("configuration", org, record.Values{"name": "sw-1", "configuration_type_id": h.one("configuration_type", "Switch")})
	net := h.Make(flexibleasset.Kind, org, record.Values{"flexible_asset_type_id": typ, f["name"]: "Office", f["switches"]: []id.ID{sw}})
	rel := &relation.Relations{Records: h.Records}
	related := func(c *access.Caller, of id.ID) string {
		var out []string
		h.View(c, func(tx *gate.Tx) error {
			list, err := rel.List(tx, of)
			for _, x := range list {
				out = append(out, x.Name+": "+x.Reason)
			}
			return err
		})
		return strings.Join(out, ", ")
	}
	if got := related(h.Admin(), sw); got != "Office: Switches of" {
		t.Errorf("the switch is related to %s", got)
	}
	if got := related(h.Admin(), net); got != "sw-1: Switches" {
		t.Errorf("the network is related to %s", got)
	}
	err := h.Gate.View(t.Context(), h.User(access.Editor, other), func(tx *gate.Tx) error {
		list, err := rel.List(tx, sw)
		if len(list) > 0 {
			t.Errorf("a stranger sees %v", list)
		}
		return err
	})
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("a stranger gets %v", err)
	}
}
