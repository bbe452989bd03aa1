package access_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// FuzzRights: what is read is written in one form, and that is read as the same.
func FuzzRights(f *testing.F) {
	for _, s := range []string{"", "password: view, reveal\n", "tenant: export\ndocument: edit", "a:b", "document: view\ndocument: view", "x: export,, view", "tenant: view"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := access.ParseRights(text)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%q fails with %v", text, err)
			}
			return
		}
		again, err := access.ParseRights(r.String())
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%q is written %q, which is read as %v, %v", text, r.String(), again, err)
		}
		for kind := range r {
			if kind != access.Whole && !r.Has(kind, access.View) {
				t.Fatalf("%q allows something of %s and not to see it", text, kind)
			}
		}
	})
}

func rights(t *testing.T, text string) access.Rights {
	t.Helper()
	r, err := access.ParseRights(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// narrowed gives a user with a role and a custom one that allows this.
func narrowed(t *testing.T, h *coretest.House, role access.Role, text string, orgs ...id.ID) *access.Caller {
	t.Helper()
	c := h.User(role, orgs...)
	h.Change(func(tx *gate.Tx) error {
		custom, err := tx.NewID()
		if err != nil {
			return err
		}
		if err := access.SetRole(tx.SQL(), custom, "Helpdesk", rights(t, text)); err != nil {
			return err
		}
		return access.SetCustom(tx.SQL(), c.User, custom)
	})
	var now *access.Caller
	h.View(h.Admin(), func(tx *gate.Tx) (err error) { now, err = access.Load(tx.SQL(), c.User); return err })
	now.Tenant, now.Name, now.Via, now.Session, now.AuthLevel = c.Tenant, c.Name, c.Via, c.Session, c.AuthLevel
	return now
}

// TestCustomRoles: allowed is what both roles allow, and everything else is refused
// in words that name the role in the way.
func TestCustomRoles(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	text := "password: view, create, edit\ndocument: delete, reveal, export\ntenant: import, configure"
	manager, reader := narrowed(t, h, access.Manager, text), narrowed(t, h, access.ReadOnly, text)
	admin := narrowed(t, h, access.Administrator, text)
	for _, x := range []struct {
		who    *access.Caller
		a      access.Action
		t      access.Target
		refuse string // what the refusal says; empty when it is allowed
	}{
		{manager, access.Create, access.Target{Kind: "password"}, ""},
		{reader, access.Create, access.Target{Kind: "password"}, "Your role, Read-only,"},
		{manager, access.Reveal, access.Target{Kind: "password"}, "Your role, Helpdesk, may not see passwords"},
		{manager, access.Delete, access.Target{Kind: "password"}, "Your role, Helpdesk,"},
		{manager, access.Delete, access.Target{Kind: "document"}, ""},
		{reader, access.Reveal, access.Target{Kind: "document"}, ""},
		{manager, access.View, access.Target{Kind: "organization"}, ""},
		{manager, access.Edit, access.Target{Kind: "organization"}, "Helpdesk"},
		{manager, access.View, access.Target{Kind: "contact"}, "Helpdesk"},
		{manager, access.View, access.Target{}, ""},
		{manager, access.Import, access.Target{}, ""},
		{manager, access.Export, access.Target{}, "Helpdesk"},
		{manager, access.Export, access.Target{Kind: "document"}, ""},
		{manager, access.Inspect, access.Target{}, "Helpdesk"},
		{manager, access.Configure, access.Target{}, ""},
		{manager, access.Edit, access.Target{Kind: "password_category", Tenant: true}, ""},
		{manager, access.Edit, access.Target{Kind: "document", Tenant: true}, "Helpdesk"},
		{manager, access.Delete, access.Target{Kind: "document", Tenant: true}, ""},
		{manager, access.Create, access.Target{Kind: "knowledge_article", Tenant: true, Shared: true}, "Helpdesk"},
		{manager, access.Export, access.Target{Kind: "knowledge_article", Tenant: true, Shared: true}, "Helpdesk"},
		{manager, access.View, access.Target{Kind: "user", Tenant: true, Admin: true}, ""},
		{manager, access.Edit, access.Target{Kind: "user", Tenant: true, Admin: true}, "Manager"},
		{admin, access.Administer, access.Target{}, "Manager"},
		{admin, access.Edit, access.Target{Kind: "user", Tenant: true, Admin: true}, "Manager"},
		{admin, access.Approve, access.Target{Kind: "password"}, "Helpdesk"},
	} {
		x.t.Visible = true
		verdict, why := access.Decide(x.who, x.a, x.t)
		if (verdict == access.Allowed) != (x.refuse == "") || !strings.Contains(why, x.refuse) {
			t.Errorf("%s, %s of %+v: %v, %q", x.who.Role, x.a, x.t, verdict, why)
		}
	}
	if admin.Everything() || !manager.May(access.Delete) || manager.May(access.Approve) || manager.MayOf("contact", access.View) || reader.May(access.Create) || manager.Title() != "Helpdesk" {
		t.Error("what is told of a role beside the decision is not so")
	}
}

// TestLeast: the least role that a custom one takes nothing from.
func TestLeast(t *testing.T) {
	for text, want := range map[string]access.Role{"": access.ReadOnly, "password: reveal": access.ReadOnly, "password: edit": access.Creator, "document: delete": access.Editor,
		"document: export": access.Manager, "tenant: inspect": access.Manager, "password: approve": access.Manager} {
		r := rights(t, text)
		if got := r.Least(); got != want {
			t.Errorf("%q: %s", text, got)
		}
		for kind, actions := range r {
			if kind != access.Whole && slices.ContainsFunc(actions, func(a access.Action) bool { return !r.Least().May(a) }) {
				t.Errorf("%q loses something with %s", text, r.Least())
			}
		}
	}
}

// TestKindsThatARoleDoesNotSee do not exist for it: in lists, totals, searches and by
// their ids, opened to her by name or not; what belongs to the tenant does.
func TestKindsThatARoleDoesNotSee(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	org := h.Org("Northbeam")
	doc, other := h.Make("document", org, record.Values{"name": "Handbook"}), h.Make("document", org, record.Values{"name": "Handbook for guests"})
	user := h.User(access.Lite).User
	conf := h.Make("configuration", org, record.Values{"name": "Router"})
	for _, orgs := range [][]id.ID{nil, {org}} {
		c := narrowed(t, h, access.Editor, "configuration: view, edit\ntenant: inspect", orgs...)
		h.Change(func(tx *gate.Tx) error {
			return access.SetGrants(tx.SQL(), other, []id.ID{c.User}, nil)
		})
		c.Granted = true
		h.View(c, func(tx *gate.Tx) error {
			for kind, n := range map[string]int{"document": 0, "configuration": 1, "organization": 1} {
				p, err := h.Records.List(tx, kind, record.Query{Limit: 10})
				if err != nil || len(p.Records) != n || p.Total != int64(n) {
					t.Errorf("%s: %d of %d, %v", kind, len(p.Records), p.Total, err)
				}
			}
			for _, x := range []id.ID{doc, other} {
				if _, err := h.Records.Get(tx, "", x); !fault.Is(err, fault.NotFound) {
					t.Errorf("a document is there: %v", err)
				}
			}
			for _, x := range []id.ID{conf, org, user} {
				if _, err := h.Records.Get(tx, "", x); err != nil {
					t.Error(err)
				}
			}
			totals, err := h.Records.Totals(tx, 0)
			if err != nil || totals["document"] != 0 || totals["configuration"] != 1 || totals["user"] == 0 {
				t.Errorf("totals %v, %v", totals, err)
			}
			return nil
		})
		err := h.Gate.Change(t.Context(), c, access.Create, gate.Thing{Kind: "document", Org: org}, func(tx *gate.Tx) error { return nil })
		if !fault.Is(err, fault.Denied) {
			t.Errorf("making a document: %v", err)
		}
	}
}

// TestWhoIsNarrowedWhileSheWorks can do no more than her new role allows, at once.
func TestWhoIsNarrowedWhileSheWorks(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	org := h.Org("Northbeam")
	c := h.User(access.Manager)
	narrow := narrowed(t, h, access.Manager, "configuration: view, create")
	make := func(kind string) error {
		return h.Gate.Change(t.Context(), c, access.Create, gate.Thing{Kind: kind, Org: org}, func(*gate.Tx) error { return nil })
	}
	if err := make("document"); err != nil {
		t.Fatal(err)
	}
	h.Change(func(tx *gate.Tx) error { return access.SetCustom(tx.SQL(), c.User, narrow.Custom.ID) })
	if err := make("document"); !fault.Is(err, fault.Denied) {
		t.Errorf("after it was taken away: %v", err)
	}
	if err := make("configuration"); err != nil {
		t.Error(err)
	}
	c = narrow
	h.Change(func(tx *gate.Tx) error { return access.SetCustom(tx.SQL(), c.User, 0) })
	if err := make("document"); !fault.Is(err, fault.Denied) {
		t.Errorf("what is given while she works comes at once: %v", err)
	}
}
