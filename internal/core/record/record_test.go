package record_test

import (
	"fmt"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/expiry"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
)

// kinds has one field of every type, names that are words of SQL, and every scope.
func kinds() []record.Feature {
	name := record.Field{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true}
	unique := name
	unique.Unique = true
	return []record.Feature{{Name: "test", Kinds: []*record.Kind{
		{Name: "organization", Plural: "organizations", Label: "Organization", Labels: "Organizations", Scope: record.Organization,
			Fields: []record.Field{unique, {Name: "parent_id", Type: record.Ref, Ref: "organization"}}},
		{Name: "user", Plural: "users", Label: "User", Labels: "Users", Scope: record.OfTenant, Admin: true, Fields: []record.Field{name}},
		{Name: "group", Plural: "groups", Label: "Group", Labels: "Groups", Scope: record.OfTenant, Admin: true, Fields: []record.Field{name}},
		{Name: "thing_type", Plural: "thing_types", Label: "Thing type", Labels: "Thing types", Scope: record.OfTenant, Fields: []record.Field{unique}},
		{Name: "thing", Plural: "things", Label: "Thing", Labels: "Things", Life: states{}, Ended: "primary", Fields: []record.Field{name,
			{Name: "primary", Type: record.Bool, Filter: true},
			{Name: "order", Type: record.Integer, Sort: true, Filter: true},
			{Name: "weight", Type: record.Number, Sort: true},
			{Name: "serial_number", Type: record.Text, Format: record.Mono, Filter: true, Sort: true, Search: true},
			{Name: "notes", Type: record.Multiline, Search: true},
			{Name: "content", Type: record.HTML, Search: true},
			{Name: "ends_on", Type: record.Date, Expires: true, Sort: true, Filter: true},
			{Name: "seen_at", Type: record.Time, Filter: true},
			{Name: "state", Type: record.Choice, Choices: []string{"new", "used"}, Default: "new", Filter: true},
			{Name: "thing_type_id", Type: record.Ref, Ref: "thing_type", Filter: true},
			{Name: "mails", Type: record.Rows, Rows: []record.Field{{Name: "value", Type: record.Text, Format: record.Email, Required: true, Search: true}, {Name: "primary", Type: record.Bool}}},
			{Name: "password", Type: record.Secret},
		}},
		{Name: "part", Plural: "parts", Label: "Part", Labels: "Parts", Scope: record.OfParent, Parent: "thing_id",
			Fields: []record.Field{name, {Name: "thing_id", Type: record.Ref, Ref: "thing", Required: true}}},
	}}}
}

// states are those of things; every one may follow every other.
type states struct{}

func (states) StateField() string   { return "state" }
func (states) Next(string) []string { return []string{"new", "used"} }

type house struct {
	*coretest.House
	t *testing.T
}

func open(t *testing.T) house { return house{coretest.Open(t, coretest.Options{Features: kinds()}), t} }

func (h house) create(c *access.Caller, kind string, v record.Values) (r *record.Record, err error) {
	org, _ := v["organization_id"].(id.ID)
	err = h.Gate.Change(h.t.Context(), c, access.Create, gate.Thing{Kind: kind, Org: org}, func(tx *gate.Tx) error {
		r, err = h.Records.Create(tx, kind, v)
		return err
	})
	return r, err
}

func (h house) update(c *access.Caller, kind string, rid id.ID, version int64, v record.Values) (r *record.Record, err error) {
	err = h.Gate.Change(h.t.Context(), c, access.Edit, gate.Thing{Kind: kind, ID: rid}, func(tx *gate.Tx) error {
		r, err = h.Records.Update(tx, kind, rid, version, v)
		return err
	})
	return r, err
}

func (h house) list(c *access.Caller, kind string, q record.Query) *record.Page {
	h.t.Helper()
	var p *record.Page
	h.View(c, func(tx *gate.Tx) (err error) {
		p, err = h.Records.List(tx, kind, q)
		return err
	})
	return p
}

// reload makes a caller what the next request would: who she is is looked up
// again when the access epoch has moved.
func (h house) reload(c *access.Caller) {
	h.View(h.Admin(), func(tx *gate.Tx) error {
		now, err := access.Load(tx.SQL(), c.User)
		if err == nil {
			c.Granted, c.Groups, c.AllOrgs = now.Granted, now.Groups, now.AllOrgs
		}
		return err
	})
}

func names(p *record.Page) []string {
	out := []string{}
	for _, r := range p.Records {
		out = append(out, r.Name)
	}
	return out
}

func want[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

func TestEveryTypeComesBack(t *testing.T) {
	h := open(t)
	org := h.Org("Harbour Dental")
	typ := h.Make("thing_type", 0, record.Values{"name": "Server"})
	in := record.Values{
		"name": "  SRV-01  ", "organization_id": org, "primary": "yes", "order": "7", "weight": 1.5, "serial_number": "AB-12", "notes": "line 1\nline 2",
		"content": "<p>Hello <script>x</script><b>there</b></p>", "ends_on": "3/4/2027", "seen_at": "2026-01-02T03:04:05Z", "thing_type_id": typ.String(),
		"mails": []any{map[string]any{"value": "a@example.com", "primary": true}, map[string]any{}}, "password": "s3cret", "unknown": "is ignored",
	}
	r, err := h.create(h.Admin(), "thing", in)
	if err != nil {
		t.Fatal(err)
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		r, err = h.Records.Get(tx, "thing", r.ID)
		return err
	})
	want(t, "name", r.Name, "SRV-01")
	want(t, "values", r.Values, record.Values{"primary": true, "order": int64(7), "weight": 1.5, "serial_number": "AB-12", "notes": "line 1\nline 2",
		"content": r.Values["content"], "ends_on": "2027-03-04", "seen_at": int64(1767323045000), "state": "new", "thing_type_id": typ,
		"mails": []map[string]any{{"value": "a@example.com", "primary": true}}})
	want(t, "reference", r.Names["thing_type_id"], "Server")
	want(t, "organization", r.OrgName, "Harbour Dental")
	if _, there := r.Values["password"]; there {
		t.Error("the secret is among the values")
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		have, err := secret.Current(tx, r.ID)
		want(t, "secret versions", have["password"].Number, 1)
		return err
	})
}

func TestBadInputNamesEveryField(t *testing.T) {
	h := open(t)
	org, other := h.Org("A"), h.Org("B")
	foreign := h.Make("thing", other, record.Values{"name": "theirs"})
	_, err := h.create(h.Admin(), "thing", record.Values{"organization_id": org, "name": "x", "order": "seven", "ends_on": "soon", "state": "old", "mails": `[{"value":"nobody"}]`, "thing_type_id": "abc"})
	said := fault.Say(err)
	want(t, "kind", said.Kind, fault.Invalid)
	for _, f := range []string{"order", "ends_on", "state", "mails", "thing_type_id"} {
		if said.Fields[f] == "" {
			t.Errorf("nothing is said about %s: %v", f, said.Fields)
		}
	}
	_, err = h.create(h.Admin(), "thing", record.Values{"organization_id": org})
	want(t, "missing name", fault.Say(err).Fields["name"], "Name is missing.")
	_, err = h.create(h.Admin(), "thing", record.Values{"name": "x"})
	want(t, "missing organization", fault.Is(err, fault.Invalid), true)
	_, err = h.create(h.Admin(), "thing", record.Values{"name": "x", "organization_id": id.ID(4711)})
	want(t, "unknown organization", fault.Of(err), fault.NotFound)
	_, err = h.create(h.Admin(), "thing", record.Values{"name": "x", "organization_id": org, "thing_type_id": foreign})
	want(t, "reference to another kind", fault.Say(err).Fields["thing_type_id"], "Thing type does not exist, or you may not see it.")
}

func TestUniqueIgnoresCaseAndTrash(t *testing.T) {
	h := open(t)
	first := h.Make("thing_type", 0, record.Values{"name": "Straße"})
	_, err := h.create(h.Admin(), "thing_type", record.Values{"name": "STRASSE"})
	want(t, "sentence", fault.Say(err).Fields["name"], "There is already a thing type with this name.")
	h.Change(func(tx *gate.Tx) error { return h.Records.Trash(tx, "thing_type", first) })
	second, err := h.create(h.Admin(), "thing_type", record.Values{"name": "strasse"})
	if err != nil {
		t.Fatal(err)
	}
	err = h.Gate.Change(t.Context(), h.Admin(), access.Delete, gate.Thing{ID: first}, func(tx *gate.Tx) error { return h.Records.Untrash(tx, "thing_type", first) })
	want(t, "bringing back a name that is taken", fault.Of(err), fault.Invalid)
	_ = second
}

func TestUpdateKeepsRevisionsAndRefusesStaleOnes(t *testing.T) {
	h := open(t)
	org := h.Org("A")
	thing := h.Make("thing", org, record.Values{"name": "one", "notes": "first", "order": 1})
	c := h.User(access.Editor)
	r, err := h.update(c, "thing", thing, 1, record.Values{"notes": "second", "order": nil})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "version", r.Version, 2)
	_, err = h.update(c, "thing", thing, 1, record.Values{"notes": "third"})
	want(t, "stale", fault.Of(err), fault.Conflict)
	r, err = h.update(c, "thing", thing, 0, record.Values{"notes": "second", "name": "one"})
	want(t, "nothing differs", fmt.Sprint(r.Version, err), "2 <nil>")

	var list []record.Revision
	h.View(c, func(tx *gate.Tx) error { list, err = h.Records.Revisions(tx, "thing", thing); return err })
	want(t, "revisions", len(list), 2)
	want(t, "by", list[0].ByName, "editor user")
	want(t, "old value", list[1].Values["order"], any(int64(1)))
	h.Change(func(tx *gate.Tx) error { r, err = h.Records.RestoreRevision(tx, "thing", thing, 1); return err })
	want(t, "restored", fmt.Sprintf("%v %v %v", r.Version, r.Values["notes"], r.Values["order"]), "3 first 1")

	h.View(h.Admin(), func(tx *gate.Tx) error {
		entries, err := tx.Activity(audit.Filter{Object: thing})
		want(t, "entries", len(entries), 3) // made, changed, restored; what changed nothing left none
		want(t, "fields", entries[1].Detail.Fields, []string{"notes", "order"})
		return err
	})
}

func TestListFiltersSortsAndCounts(t *testing.T) {
	h := open(t)
	org, other := h.Org("A"), h.Org("B")
	typ := h.Make("thing_type", 0, record.Values{"name": "Zebra"})
	typ2 := h.Make("thing_type", 0, record.Values{"name": "ant"})
	h.Make("thing", org, record.Values{"name": "alpha", "order": 3, "serial_number": "X1", "thing_type_id": typ, "ends_on": "2026-05-01"})
	h.Make("thing", org, record.Values{"name": "Beta", "order": 1, "serial_number": "x2", "thing_type_id": typ2, "primary": true})
	h.Make("thing", other, record.Values{"name": "gamma 100%", "order": 2, "state": "used"})
	h.Make("thing", org, record.Values{"name": "delta", "archived": true})
	a := h.Admin()
	for _, c := range []struct {
		name string
		q    record.Query
		want string
	}{
		{"all by name", record.Query{}, "[alpha Beta delta gamma 100%] 4"},
		{"not archived", record.Query{Archived: "no"}, "[alpha Beta gamma 100%] 3"},
		{"one organization", record.Query{Org: org}, "[alpha Beta delta] 3"},
		{"page", record.Query{Limit: 2, Offset: 2}, "[delta gamma 100%] 4"},
		{"beyond the end", record.Query{Limit: 2, Offset: 20}, "[] 4"},
		{"by number, unset last", record.Query{Sort: []record.Order{{Field: "order"}}}, "[Beta gamma 100% alpha delta] 4"},
		{"by number downwards, unset last", record.Query{Sort: []record.Order{{Field: "order", Desc: true}}}, "[alpha gamma 100% Beta delta] 4"},
		{"by the name of a reference", record.Query{Sort: []record.Order{{Field: "thing_type_name"}}, Archived: "no"}, "[Beta alpha gamma 100%] 3"},
		{"by organization", record.Query{Sort: []record.Order{{Field: "organization_name", Desc: true}, {Field: "name"}}, Limit: 1}, "[gamma 100%] 4"},
		{"text", record.Query{Filters: []record.Filter{{Field: "serial_number", Op: record.Eq, Values: []any{"X2", "nope"}}}}, "[Beta] 1"},
		{"not", record.Query{Filters: []record.Filter{{Field: "serial_number", Op: record.Ne, Values: []any{"x2"}}}}, "[alpha delta gamma 100%] 3"},
		{"range", record.Query{Filters: []record.Filter{{Field: "order", Op: record.Range, Values: []any{int64(2), nil}}}}, "[alpha gamma 100%] 2"},
		{"unset", record.Query{Filters: []record.Filter{{Field: "ends_on", Op: record.Null}}}, "[Beta delta gamma 100%] 3"},
		{"set", record.Query{Filters: []record.Filter{{Field: "ends_on", Op: record.NotNull}}}, "[alpha] 1"},
		{"reference", record.Query{Filters: []record.Filter{{Field: "thing_type_id", Op: record.Eq, Values: []any{typ}}}}, "[alpha] 1"},
		{"yes", record.Query{Filters: []record.Filter{{Field: "primary", Op: record.Eq, Values: []any{true}}}}, "[Beta] 1"},
		{"a wildcard is text", record.Query{Text: "%"}, "[gamma 100%] 1"},
		{"part of a name", record.Query{Text: "ET"}, "[Beta] 1"},
		{"either", record.Query{Any: [][]record.Filter{{{Field: "serial_number", Op: record.Eq, Values: []any{"x2"}}}, {{Field: "order", Op: record.Range, Values: []any{int64(2), nil}}, {Field: "ends_on", Op: record.NotNull}}}}, "[alpha Beta] 2"},
		{"either, page after page", record.Query{Any: [][]record.Filter{{{Field: "ends_on", Op: record.Null}}, {{Field: "ends_on", Op: record.NotNull}}}, Limit: 1, Offset: 1}, "[Beta] 4"},
		{"either of which one is met by everything", record.Query{Any: [][]record.Filter{{{Field: "name", Op: record.Eq, Values: []any{"alpha"}}}, {{Field: "name", Op: record.Ne}}}}, "[alpha Beta delta gamma 100%] 4"},
		{"either, beside another", record.Query{Any: [][]record.Filter{{{Field: "name", Op: record.Eq, Values: []any{"alpha"}}}, {{Field: "name", Op: record.Eq, Values: []any{"beta"}}}}, Archived: "no", Filters: []record.Filter{{Field: "primary", Op: record.Eq, Values: []any{true}}}}, "[Beta] 1"},
		{"no values", record.Query{Filters: []record.Filter{{Field: "name", Op: record.Eq}}}, "[] 0"},
	} {
		p := h.list(a, "thing", c.q)
		want(t, c.name, fmt.Sprint(names(p), p.Total), c.want)
	}
	err := h.Gate.View(t.Context(), a, func(tx *gate.Tx) error {
		_, err := h.Records.List(tx, "thing", record.Query{Filters: []record.Filter{{Field: "notes; drop table record", Op: record.Eq, Values: []any{"x"}}}})
		return err
	})
	want(t, "unknown filter", fault.Of(err), fault.Invalid)
}

func TestWhoSeesWhat(t *testing.T) {
	h := open(t)
	mine, theirs := h.Org("Mine"), h.Org("Theirs")
	open1 := h.Make("thing", mine, record.Values{"name": "open"})
	closed := h.Make("thing", mine, record.Values{"name": "closed"})
	part := h.Make("part", 0, record.Values{"name": "part of closed", "thing_id": closed})
	foreign := h.Make("thing", theirs, record.Values{"name": "foreign"})
	editor, friend, boss := h.User(access.Editor, mine), h.User(access.ReadOnly, theirs), h.User(access.Administrator)
	h.Change(func(tx *gate.Tx) error {
		return h.Records.SetAccess(tx, "thing", closed, true, []id.ID{friend.User}, nil)
	})
	h.reload(friend)

	sees := func(c *access.Caller, rid id.ID) string {
		err := h.Gate.View(t.Context(), c, func(tx *gate.Tx) error { _, err := h.Records.Get(tx, "", rid); return err })
		if fault.Is(err, fault.NotFound) {
			return "no"
		}
		if err != nil {
			t.Error(err)
		}
		return "yes"
	}
	for _, c := range []struct {
		who    *access.Caller
		things map[id.ID]string
		list   string
	}{
		{editor, map[id.ID]string{open1: "yes", closed: "no", part: "no", foreign: "no", theirs: "no", mine: "yes"}, "[open] 1"},
		{friend, map[id.ID]string{open1: "no", closed: "yes", part: "yes", foreign: "yes", theirs: "yes", mine: "no"}, "[closed foreign] 2"},
		{boss, map[id.ID]string{open1: "yes", closed: "yes", part: "yes", foreign: "yes"}, "[closed foreign open] 3"},
	} {
		for rid, want := range c.things {
			if got := sees(c.who, rid); got != want {
				t.Errorf("%s sees %d: %s, want %s", c.who.Name, rid, got, want)
			}
		}
		p := h.list(c.who, "thing", record.Query{})
		want(t, c.who.Name+" lists", fmt.Sprint(names(p), p.Total), c.list)
		var totals map[string]int64
		h.View(c.who, func(tx *gate.Tx) (err error) { totals, err = h.Records.Totals(tx, 0); return err })
		want(t, c.who.Name+" counts", totals["thing"], p.Total)
	}
	_, err := h.update(editor, "thing", closed, 0, record.Values{"name": "mine now"})
	want(t, "a hidden record", fault.Of(err), fault.NotFound)
	missing := fault.Say(err).Text
	_, err = h.update(editor, "thing", id.ID(999999), 0, record.Values{"name": "x"})
	want(t, "is told like a missing one", fault.Say(err).Text, missing)
	_, err = h.update(friend, "thing", closed, 0, record.Values{"name": "x"})
	want(t, "seen but not for changing", fault.Of(err), fault.Denied)
	_, err = h.create(editor, "thing", record.Values{"name": "x", "organization_id": theirs})
	want(t, "into another organization", fault.Of(err), fault.NotFound)
	_, err = h.update(editor, "thing", open1, 0, record.Values{"organization_id": theirs})
	want(t, "moved into another organization", fault.Of(err), fault.NotFound)
	_, err = h.create(editor, "thing_type", record.Values{"name": "x"})
	want(t, "tenant-wide lists", fault.Of(err), fault.Denied)
	_, err = h.create(h.User(access.Manager), "user", record.Values{"name": "x"})
	want(t, "users", fault.Of(err), fault.Denied)

	h.View(h.Admin(), func(tx *gate.Tx) error {
		entries, err := tx.Activity(audit.Filter{Result: audit.Refused})
		if len(entries) < 5 {
			t.Errorf("only %d refusals are in the log", len(entries))
		}
		return err
	})
}

func TestTrashTakesPartsAlongAndPurgeLeavesNothing(t *testing.T) {
	h := open(t)
	org := h.Org("A")
	thing := h.Make("thing", org, record.Values{"name": "t", "password": "x"})
	part := h.Make("part", 0, record.Values{"name": "p", "thing_id": thing})
	kept := h.Make("part", 0, record.Values{"name": "deleted before", "thing_id": thing})
	h.Change(func(tx *gate.Tx) error { return h.Records.Trash(tx, "part", kept) })

	h.Clock.Advance(1e9)
	h.Change(func(tx *gate.Tx) error { return h.Records.Trash(tx, "thing", thing) })
	want(t, "gone with it", len(h.list(h.Admin(), "part", record.Query{}).Records), 0)
	want(t, "in the trash", names(h.list(h.Admin(), "thing", record.Query{Trashed: true})), []string{"t"})
	h.Change(func(tx *gate.Tx) error { return h.Records.Untrash(tx, "thing", thing) })
	want(t, "back with it", names(h.list(h.Admin(), "part", record.Query{})), []string{"p"})
	_ = part

	h.Change(func(tx *gate.Tx) error { return h.Records.Trash(tx, "thing", thing) })
	purge := func() (n int) {
		h.Change(func(tx *gate.Tx) (err error) { n, err = h.Records.PurgeOld(tx, 100); return err })
		return n
	}
	want(t, "too early", purge(), 0)
	h.Clock.Advance(record.KeepTrash + 1e9)
	want(t, "purged", purge(), 3)
	h.View(h.Admin(), func(tx *gate.Tx) error {
		for _, table := range []string{"record where kind in ('thing', 'part')", "k_thing", "k_part", "secret_version", "revision"} {
			var n int
			if err := tx.QueryRow(`select count(*) from ` + table).Scan(&n); err != nil {
				return err
			}
			want(t, table, n, 0)
		}
		return nil
	})
}

func TestNothingIsWrittenWithoutDecision(t *testing.T) {
	h := open(t)
	err := h.Gate.View(t.Context(), h.Admin(), func(tx *gate.Tx) error {
		_, err := tx.Exec(`delete from record`)
		return err
	})
	want(t, "in a view", fault.Of(err), fault.Internal)
	err = h.Gate.Change(t.Context(), nil, access.Create, gate.Thing{}, func(*gate.Tx) error { return nil })
	want(t, "without a caller", fault.Of(err), fault.Unauthorized)
	_, err = h.create(h.User(access.ReadOnly), "thing", record.Values{"name": "x", "organization_id": h.Org("A")})
	want(t, "read-only", fault.Of(err), fault.Denied)
}

func TestExpiring(t *testing.T) {
	h := open(t)
	org := h.Org("A")
	h.Make("thing", org, record.Values{"name": "later", "ends_on": "2026-08-01"})
	h.Make("thing", org, record.Values{"name": "soon", "ends_on": "2026-04-01"})
	h.Make("thing", org, record.Values{"name": "over", "ends_on": "2026-01-01"})
	h.Make("thing", org, record.Values{"name": "archived", "ends_on": "2026-04-01", "archived": true})
	var got []string
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := expiry.List(tx, h.Records, org, "2026-01-01", "2026-05-01", 10)
		for _, x := range list {
			got = append(got, x.Name+" "+x.Field.Title()+" "+x.OrgName)
		}
		return err
	})
	want(t, "expiring", got, []string{"over Ends on A", "soon Ends on A"})
}

func TestOneBadRowOfManyIsUndoneAlone(t *testing.T) {
	h := open(t)
	org := h.Org("A")
	h.Change(func(tx *gate.Tx) error {
		for _, name := range []string{"one", "", "two"} {
			err := tx.Try(func() error {
				if _, err := h.Records.Create(tx, "thing", record.Values{"name": "before " + name, "organization_id": org}); err != nil {
					return err
				}
				_, err := h.Records.Create(tx, "thing_type", record.Values{"name": name})
				return err
			})
			want(t, "bad row "+name, err != nil, name == "")
		}
		return nil
	})
	p := h.list(h.Admin(), "thing", record.Query{Limit: 1})
	want(t, "what is left", fmt.Sprint(names(p), p.Total), "[before one] 2")
	h.View(h.Admin(), func(tx *gate.Tx) error {
		entries, err := tx.Activity(audit.Filter{Action: string(access.Create), Kind: "thing"})
		want(t, "entries", len(entries), 2)
		return err
	})
}

func TestReadOnlyFieldsAndFixedKinds(t *testing.T) {
	set := kinds()
	set[0].Kinds = append(set[0].Kinds, &record.Kind{Name: "country", Plural: "countries", Label: "Country", Labels: "Countries", Scope: record.OfTenant, Fixed: true,
		Fields: []record.Field{{Name: "name", Type: record.Text}, {Name: "iso", Type: record.Text, ReadOnly: true}}, Seed: []record.Values{{"name": "Norway", "iso": "NO"}}})
	h := house{coretest.Open(t, coretest.Options{Features: set}), t}
	h.Change(h.Records.Seed)
	norway := h.list(h.Admin(), "country", record.Query{}).Records[0]
	want(t, "seeded", norway.Values.Text("iso"), "NO")
	boss := h.User(access.Administrator)
	_, err := h.update(boss, "country", norway.ID, 0, record.Values{"name": "Sweden"})
	want(t, "fixed", fault.Of(err), fault.Denied)
	var r *record.Record
	err = h.Gate.Change(t.Context(), boss, access.Edit, gate.Thing{ID: norway.ID}, func(tx *gate.Tx) (err error) {
		r, err = h.Records.Inside().Update(tx, "country", norway.ID, 0, record.Values{"iso": "XX"})
		return err
	})
	if err != nil || r.Values.Text("iso") != "XX" {
		t.Errorf("a rule of the house: %v %v", r, err)
	}
}
