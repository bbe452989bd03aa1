package identity_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
)

// house is a house with users, groups and what they refer to.
func house(t *testing.T) *coretest.House {
	t.Helper()
	name := record.Field{Name: "name", Type: record.Text, Class: record.Internal, Required: true}
	return coretest.Open(t, coretest.Options{Features: []record.Feature{
		{Name: "test", Kinds: []*record.Kind{
			{Name: "organization", Plural: "organizations", Label: "Organization", Labels: "Organizations", Scope: record.Organization, Fields: []record.Field{name}},
			{Name: "contact", Plural: "contacts", Label: "Contact", Labels: "Contacts", Fields: []record.Field{name}},
		}},
		identity.Feature(),
	}})
}

func user(h *coretest.House, email string, role access.Role) id.ID {
	return h.Make(identity.User, 0, record.Values{"email": email, "first_name": "Robin", "last_name": "Vale", "role_name": string(role)})
}

// update changes a record as an administrator and gives what came of it.
func update(t *testing.T, h *coretest.House, kind string, rid id.ID, v record.Values) error {
	return h.Gate.Change(t.Context(), h.Admin(), access.Edit, gate.Thing{Kind: kind, ID: rid}, func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, kind, rid, 0, v)
		return err
	})
}

// load gives what a user may do now.
func load(t *testing.T, h *coretest.House, who id.ID) (c *access.Caller, err error) {
	t.Helper()
	h.View(h.Admin(), func(tx *gate.Tx) error {
		c, err = access.Load(tx.SQL(), who)
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.Tenant, c.Via = coretest.Name, "session"
	return c, nil
}

func TestRightsFollowTheRecord(t *testing.T) {
	h := house(t)
	user(h, "boss@example.com", access.Administrator)
	who := user(h, "robin@example.com", access.Editor)
	if c, err := load(t, h, who); err != nil || c.Role != access.Editor {
		t.Fatalf("after creating: %+v, %v", c, err)
	}
	if err := update(t, h, identity.User, who, record.Values{"role_name": "Lite"}); err != nil {
		t.Fatal(err)
	}
	if c, err := load(t, h, who); err != nil || c.Role != access.Lite {
		t.Fatalf("after a new role: %+v, %v", c, err)
	}
	steps := []struct {
		name   string
		do     func(tx *gate.Tx) error
		active bool
	}{
		{"archive", func(tx *gate.Tx) error { return h.Records.SetArchived(tx, identity.User, who, true) }, false},
		{"bring back", func(tx *gate.Tx) error { return h.Records.SetArchived(tx, identity.User, who, false) }, true},
		{"delete", func(tx *gate.Tx) error { return h.Records.Trash(tx, identity.User, who) }, false},
		{"undelete", func(tx *gate.Tx) error { return h.Records.Untrash(tx, identity.User, who) }, true},
	}
	for _, s := range steps {
		h.Change(s.do)
		if _, err := load(t, h, who); (err == nil) != s.active {
			t.Errorf("after %s: %v, want active %v", s.name, err, s.active)
		}
	}
}

func TestTheLastAdministratorStays(t *testing.T) {
	h := house(t)
	one := user(h, "one@example.com", access.Administrator)
	change := func(do func(tx *gate.Tx) error) error {
		return h.Gate.Change(t.Context(), h.Admin(), access.Administer, gate.Thing{}, do)
	}
	demote := func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, identity.User, one, 0, record.Values{"role_name": "Manager"})
		return err
	}
	ways := map[string]func(tx *gate.Tx) error{
		"demote":  demote,
		"archive": func(tx *gate.Tx) error { return h.Records.SetArchived(tx, identity.User, one, true) },
		"archive by update": func(tx *gate.Tx) error {
			_, err := h.Records.Update(tx, identity.User, one, 0, record.Values{"archived": true})
			return err
		},
		"delete": func(tx *gate.Tx) error { return h.Records.Trash(tx, identity.User, one) },
	}
	try := func(state string, refused bool) {
		t.Helper()
		for name, do := range ways {
			errUndo := errors.New("taken back")
			err := change(func(tx *gate.Tx) error {
				if err := do(tx); err != nil {
					return err
				}
				return errUndo
			})
			if refused != fault.Is(err, fault.Conflict) || !refused && !errors.Is(err, errUndo) {
				t.Errorf("%s, %s: %v", state, name, err)
			}
		}
	}
	try("alone", true)
	two := user(h, "two@example.com", access.Administrator)
	try("with another", false)
	h.Change(func(tx *gate.Tx) error { return h.Records.SetArchived(tx, identity.User, two, true) })
	try("with an archived one", true)
	h.Change(func(tx *gate.Tx) error { return h.Records.SetArchived(tx, identity.User, two, false) })
	h.Change(demote)
	if err := update(t, h, identity.User, two, record.Values{"role_name": "Editor"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("the other one became the last and was demoted: %v", err)
	}
}

func TestUserFields(t *testing.T) {
	h := house(t)
	user(h, "Robin@Example.com", access.Administrator)
	tests := []struct {
		name  string
		v     record.Values
		field string
	}{
		{"same address in other letters", record.Values{"email": "robin@example.COM"}, "email"},
		{"no address", record.Values{"first_name": "A"}, "email"},
		{"no role of ours", record.Values{"email": "a@example.com", "role_name": "Emperor"}, "role_name"},
		{"a long address", record.Values{"email": string(slices.Repeat([]byte("a"), 200)) + "@example.com"}, "email"},
	}
	for _, x := range tests {
		err := h.Gate.Change(t.Context(), h.Admin(), access.Create, gate.Thing{Kind: identity.User}, func(tx *gate.Tx) error {
			_, err := h.Records.Create(tx, identity.User, x.v)
			return err
		})
		if e := fault.Say(err); err == nil || e.Fields[x.field] == "" {
			t.Errorf("%s: %v, want a sentence for %s", x.name, err, x.field)
		}
	}
}

func TestPeopleDoNotSetWhatRulesSet(t *testing.T) {
	h := house(t)
	boss, err := load(t, h, user(h, "boss@example.com", access.Administrator))
	if err != nil {
		t.Fatal(err)
	}
	who := h.Make(identity.User, 0, record.Values{"email": "x@example.com", "reputation": 7})
	err = h.Gate.Change(t.Context(), boss, access.Edit, gate.Thing{Kind: identity.User, ID: who}, func(tx *gate.Tx) error {
		r, err := h.Records.Update(tx, identity.User, who, 0, record.Values{"reputation": 99, "current_sign_in_ip": "192.0.2.1", "first_name": "Kim"})
		if err != nil {
			return err
		}
		if r.Values["reputation"] != int64(7) || r.Values["current_sign_in_ip"] != nil || r.Name != "Kim" {
			t.Errorf("saved %v", r.Values)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOnlyAdministratorsManageUsers(t *testing.T) {
	h := house(t)
	user(h, "boss@example.com", access.Administrator)
	for _, role := range access.Roles()[1:] {
		c, err := load(t, h, user(h, string(role)+"@example.com", role))
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{identity.User, identity.Group} {
			err := h.Gate.Change(t.Context(), c, access.Create, gate.Thing{Kind: kind}, func(tx *gate.Tx) error {
				_, err := h.Records.Create(tx, kind, record.Values{"name": "x", "email": "y@example.com", "role_name": "Administrator"})
				return err
			})
			if !fault.Is(err, fault.Denied) {
				t.Errorf("%s makes a %s: %v", role, kind, err)
			}
		}
	}
}

func TestGroups(t *testing.T) {
	h := house(t)
	d := &identity.Directory{Gate: h.Gate, Records: h.Records}
	user(h, "boss@example.com", access.Administrator)
	who := user(h, "robin@example.com", access.Editor)
	north, south := h.Org("North"), h.Org("South")
	group := h.Make(identity.Group, 0, record.Values{"name": "Field team"})
	sees := func(want ...id.ID) {
		t.Helper()
		c, err := load(t, h, who)
		if err != nil {
			t.Fatal(err)
		}
		var got []id.ID
		for _, o := range []id.ID{north, south} {
			if err := h.Gate.View(t.Context(), c, func(tx *gate.Tx) error { _, err := h.Records.Get(tx, "organization", o); return err }); err == nil {
				got = append(got, o)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("sees %v, want %v", got, want)
		}
	}
	sees()
	if err := d.SetMembers(t.Context(), h.Admin(), group, []id.ID{who, who}); err != nil {
		t.Fatal(err)
	}
	if err := d.SetOrganizations(t.Context(), h.Admin(), group, false, []id.ID{north}); err != nil {
		t.Fatal(err)
	}
	sees(north)
	if m, err := d.Members(t.Context(), h.Admin(), group); err != nil || !slices.Equal(m, []id.ID{who}) {
		t.Errorf("members %v, %v", m, err)
	}
	if g, err := d.GroupsOf(t.Context(), h.Admin(), who); err != nil || !slices.Equal(g, []id.ID{group}) {
		t.Errorf("groups %v, %v", g, err)
	}
	h.Change(func(tx *gate.Tx) error { return h.Records.Trash(tx, identity.Group, group) })
	sees()
	h.Change(func(tx *gate.Tx) error { return h.Records.Untrash(tx, identity.Group, group) })
	sees(north)
	h.Change(func(tx *gate.Tx) error { return h.Records.SetArchived(tx, identity.Group, group, true) })
	sees()
	if err := d.SetMembers(t.Context(), h.Admin(), group, []id.ID{who}); !fault.Is(err, fault.Conflict) {
		t.Errorf("an archived group takes members: %v", err)
	}
	h.Change(func(tx *gate.Tx) error { return h.Records.SetArchived(tx, identity.Group, group, false) })
	sees(north)
	if err := d.SetOrganizations(t.Context(), h.Admin(), group, true, nil); err != nil {
		t.Fatal(err)
	}
	sees(north, south)
	h.Change(func(tx *gate.Tx) error { return h.Records.Trash(tx, identity.Group, group) })
	sees()
	h.Change(func(tx *gate.Tx) error { return h.Records.Untrash(tx, identity.Group, group) })
	sees(north, south)
	if all, orgs, err := d.Organizations(t.Context(), h.Admin(), group); err != nil || !all || len(orgs) != 0 {
		t.Errorf("organizations %v %v, %v", all, orgs, err)
	}
}

func TestGroupsRefuse(t *testing.T) {
	h := house(t)
	d := &identity.Directory{Gate: h.Gate, Records: h.Records}
	who := user(h, "boss@example.com", access.Administrator)
	org := h.Org("North")
	group := h.Make(identity.Group, 0, record.Values{"name": "Field team"})
	c, err := load(t, h, user(h, "robin@example.com", access.Manager))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		err  error
		want fault.Kind
	}{
		{"an organization as member", d.SetMembers(t.Context(), h.Admin(), group, []id.ID{who, org}), fault.Invalid},
		{"a user as organization", d.SetOrganizations(t.Context(), h.Admin(), group, false, []id.ID{who}), fault.Invalid},
		{"members of a user", d.SetMembers(t.Context(), h.Admin(), who, []id.ID{who}), fault.NotFound},
		{"members of nothing", d.SetMembers(t.Context(), h.Admin(), 999999, nil), fault.NotFound},
		{"a manager sets members", d.SetMembers(t.Context(), c, group, []id.ID{who}), fault.Denied},
		{"a manager sets organizations", d.SetOrganizations(t.Context(), c, group, true, nil), fault.Denied},
	}
	for _, x := range tests {
		if !fault.Is(x.err, x.want) {
			t.Errorf("%s: %v, want %v", x.name, x.err, x.want)
		}
	}
}

func TestFirstRun(t *testing.T) {
	f := identity.NewFirstRun()
	if identity.NewFirstRun().Code() == f.Code() {
		t.Fatal("two codes are equal")
	}
	if err := f.Check("aaaaa-aaaaa-aaaaa-aaaaa"); !fault.Is(err, fault.Denied) {
		t.Errorf("a wrong code: %v", err)
	}
	shout := []byte(" " + f.Code() + " ")
	for i, c := range shout {
		if c >= 'a' && c <= 'z' {
			shout[i] = c - 32
		}
	}
	if err := f.Check(string(shout)); err != nil {
		t.Errorf("the code in capitals: %v", err)
	}
	spent := 0
	f.Spent = func() { spent++ }
	for range 200 {
		_ = f.Check("wrong")
	}
	if err := f.Check(f.Code()); !fault.Is(err, fault.Denied) || !strings.Contains(fault.Say(err).Text, "start it again") || spent != 1 {
		t.Errorf("after too many wrong ones: %v, told %d times", err, spent)
	}
	g := identity.NewFirstRun()
	g.Close()
	if err := g.Check(g.Code()); !fault.Is(err, fault.Denied) {
		t.Errorf("after the first tenant was made: %v", err)
	}
}
