package apikey_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
)

// desk is a house with keys and two organizations.
type desk struct {
	*coretest.House
	Keys         *apikey.Keys
	North, South id.ID
	t            *testing.T
}

func open(t *testing.T) *desk {
	t.Helper()
	name := record.Field{Name: "name", Type: record.Text, Class: record.Internal, Required: true}
	email := record.Field{Name: "email", Type: record.Text, Class: record.Personal}
	h := coretest.Open(t, coretest.Options{Features: []record.Feature{
		{Name: "test", Kinds: []*record.Kind{
			{Name: "organization", Plural: "organizations", Label: "Organization", Labels: "Organizations", Scope: record.Organization, Fields: []record.Field{name}},
			{Name: "user", Plural: "users", Label: "User", Labels: "Users", Scope: record.OfTenant, Admin: true, Fields: []record.Field{name, email}},
			{Name: "document", Plural: "documents", Label: "Document", Labels: "Documents", Fields: []record.Field{name}},
		}},
		apikey.Feature(),
	}})
	return &desk{House: h, Keys: &apikey.Keys{Gate: h.Gate}, North: h.Org("North"), South: h.Org("South"), t: t}
}

func (d *desk) create(n apikey.New) (*apikey.Key, string) {
	d.t.Helper()
	n.Name = "importer"
	k, text, err := d.Keys.Create(d.t.Context(), d.Admin(), n)
	if err != nil {
		d.t.Fatal(err)
	}
	return k, text
}

func (d *desk) resolve(text string) *access.Caller {
	d.t.Helper()
	c, _, err := d.Keys.Resolve(d.t.Context(), text, netip.MustParseAddr("192.0.2.1"))
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// refused sees that a key opens nothing, in the one answer, here and in a
// process that remembers nothing.
func (d *desk) refused(why, text string, addr netip.Addr) {
	d.t.Helper()
	for name, k := range map[string]*apikey.Keys{"here": d.Keys, "in a new process": {Gate: d.Gate}} {
		c, _, err := k.Resolve(d.t.Context(), text, addr)
		if e := fault.Say(err); c != nil || !fault.Is(err, fault.Denied) || e.Text != "The API key is not valid." {
			d.t.Errorf("%s, %s: %+v, %v", why, name, c, err)
		}
	}
}

func TestKeysNameTheirTenant(t *testing.T) {
	d := open(t)
	k, text := d.create(apikey.New{Role: access.Editor, Passwords: true})
	if len(text) != apikey.Length || !strings.HasPrefix(text, "ITG.demo.") || apikey.TenantOf(text) != "demo" {
		t.Errorf("the key is %q", text)
	}
	if !strings.HasPrefix(text, k.Hint) || len(k.Hint) > 20 {
		t.Errorf("the hint is %q", k.Hint)
	}
	for _, name := range []string{"n", "a-b", strings.Repeat("n", 32)} { // the longest name leaves room for chance
		if _, err := d.House.House.Create(t.Context(), name, ""); err != nil {
			t.Fatal(err)
		}
		_, text, err := d.Keys.Create(t.Context(), access.System(name, "console"), apikey.New{Name: "first", Role: access.Administrator})
		if err != nil || len(text) != 100 || apikey.TenantOf(text) != name {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	d.View(d.Admin(), func(tx *gate.Tx) error {
		var n int
		err := tx.QueryRow(`select count(*) from api_key where hint like ? or used_ip like ? or name like ?`, "%"+text[20:40]+"%", text, text).Scan(&n)
		if n != 0 {
			t.Error("more of the key is stored than its beginning")
		}
		return err
	})
}

func TestServiceKey(t *testing.T) {
	d := open(t)
	k, text := d.create(apikey.New{Role: access.Manager})
	c := d.resolve(text)
	if c.Tenant != "demo" || c.User != k.ID || c.Role != access.Manager || !c.AllOrgs || c.Via != "api key" || c.Session != k.ID.String() || c.AuthLevel != 1 || !c.Scope.NoPasswords {
		t.Errorf("resolves to %+v", c)
	}
	if v, _ := access.Decide(c, access.Reveal, access.Target{Kind: "password", Visible: true}); v != access.Denied {
		t.Error("a key without passwords reveals")
	}
	_, text = d.create(apikey.New{Role: access.Administrator, Passwords: true, ReadOnly: true, Orgs: []id.ID{d.North}})
	c = d.resolve(text)
	if c.AuthLevel != 2 || c.Scope.NoPasswords || !c.Scope.ReadOnly || !slices.Equal(c.Scope.Orgs, []id.ID{d.North}) {
		t.Errorf("resolves to %+v", c)
	}
	if v, _ := access.Decide(c, access.Reveal, access.Target{Kind: "password", Visible: true}); v != access.Allowed {
		t.Error("a key with passwords reveals nothing")
	}
	sees := func(org id.ID) bool {
		err := d.Gate.View(t.Context(), c, func(tx *gate.Tx) error { _, err := d.Records.Get(tx, "organization", org); return err })
		return err == nil
	}
	if !sees(d.North) || sees(d.South) {
		t.Errorf("sees North %v, South %v", sees(d.North), sees(d.South))
	}
	err := d.Gate.Change(t.Context(), c, access.Edit, gate.Thing{Kind: "organization", ID: d.North}, func(*gate.Tx) error { return nil })
	if !fault.Is(err, fault.Denied) {
		t.Errorf("a key that may only read changes: %v", err)
	}
}

// TestOwnersKey: a key follows its owner, and is never more than she is.
func TestOwnersKey(t *testing.T) {
	d := open(t)
	owner := d.User(access.Editor, d.North)
	_, text := d.create(apikey.New{Owner: owner.User, Passwords: true})
	_, lower := d.create(apikey.New{Owner: owner.User, Role: access.ReadOnly})
	_, higher := d.create(apikey.New{Owner: owner.User, Role: access.Administrator})
	is := func(text string, want access.Role) {
		t.Helper()
		if c := d.resolve(text); c.Role != want || c.User != owner.User || c.AllOrgs || c.OneTime {
			t.Errorf("resolves to %+v, want %s", c, want)
		}
	}
	is(text, access.Editor)
	is(lower, access.ReadOnly)
	is(higher, access.Editor)
	d.Change(func(tx *gate.Tx) error {
		if err := access.SetOneTime(tx.SQL(), owner.User, true); err != nil {
			return err
		}
		return access.SetPrincipal(tx.SQL(), owner.User, access.Lite, true)
	})
	is(text, access.Lite)
	is(lower, access.ReadOnly)
	addr := netip.MustParseAddr("192.0.2.1")
	d.Change(func(tx *gate.Tx) error { return access.SetPrincipal(tx.SQL(), owner.User, access.Lite, false) })
	d.refused("the owner may not sign in", text, addr)
	d.Change(func(tx *gate.Tx) error { return access.SetPrincipal(tx.SQL(), owner.User, access.Editor, true) })
	is(text, access.Editor)
	d.Change(func(tx *gate.Tx) error { return d.Records.Trash(tx, "user", owner.User) })
	d.refused("the owner is deleted", text, addr)
	d.Change(func(tx *gate.Tx) error { return d.Records.Purge(tx, "user", owner.User) })
	d.refused("the owner is gone", text, addr)
	if list, err := d.Keys.List(t.Context(), d.Admin()); err != nil || len(list) != 0 {
		t.Errorf("%d keys are left, %v", len(list), err)
	}
}

func TestRefusals(t *testing.T) {
	d := open(t)
	_, text := d.create(apikey.New{Role: access.Editor})
	anywhere := netip.MustParseAddr("192.0.2.1")
	if _, _, err := d.Keys.Resolve(t.Context(), "", anywhere); !fault.Is(err, fault.Unauthorized) {
		t.Errorf("no key: %v", err)
	}
	if _, err := d.House.House.Create(t.Context(), "other", "Other"); err != nil {
		t.Fatal(err)
	}
	_, others, err := d.Keys.Create(t.Context(), access.System("other", "console"), apikey.New{Name: "x", Role: access.Editor})
	if err != nil {
		t.Fatal(err)
	}
	forged := strings.Replace(others, "ITG.other.", "ITG.demo.a", 1)
	for name, x := range map[string]string{
		"a letter missing": text[:99], "a letter more": text + "a", "other letters": strings.ToUpper(text), "altered": text[:50] + flip(text[50:51]) + text[51:],
		"another form": "x", "a hundred of nothing": strings.Repeat("a", 100), "a tenant that is none": strings.Replace(text, "demo", "omed", 1), "another tenant's": forged,
		"a space": " " + text,
	} {
		d.refused(name, x, anywhere)
	}
	_, near := d.create(apikey.New{Role: access.Editor, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}})
	for addr, ok := range map[string]bool{"192.0.2.200": true, "::ffff:192.0.2.9": true, "2001:db8::7": true, "198.51.100.1": false, "2001:db9::1": false} {
		if _, _, err := d.Keys.Resolve(t.Context(), near, netip.MustParseAddr(addr)); (err == nil) != ok {
			t.Errorf("from %s: %v", addr, err)
		}
	}
	d.refused("from another network", near, netip.MustParseAddr("198.51.100.1"))
	d.refused("from nowhere", near, netip.Addr{})
	_, short := d.create(apikey.New{Role: access.Editor, Expires: d.Clock.Now().Add(time.Hour).UnixMilli()})
	d.resolve(short)
	d.Clock.Advance(time.Hour)
	d.refused("expired", short, anywhere)
	d.resolve(text)
}

func flip(s string) string {
	if s == "a" {
		return "b"
	}
	return "a"
}

func TestRevoke(t *testing.T) {
	d := open(t)
	k, text := d.create(apikey.New{Role: access.Editor})
	d.resolve(text)
	if err := d.Keys.Revoke(t.Context(), d.User(access.Manager), k.ID); !fault.Is(err, fault.Denied) {
		t.Errorf("a manager revokes: %v", err)
	}
	if err := d.Keys.Revoke(t.Context(), d.Admin(), k.ID); err != nil {
		t.Fatal(err)
	}
	d.refused("revoked", text, netip.MustParseAddr("192.0.2.1"))
	if err := d.Keys.Revoke(t.Context(), d.Admin(), k.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("twice: %v", err)
	}
	var actions []string
	d.View(d.Admin(), func(tx *gate.Tx) error {
		for _, a := range []string{"apikey.create", "apikey.revoke"} {
			list, err := tx.Activity(audit.Filter{Action: a})
			if err != nil {
				return err
			}
			for _, e := range list {
				actions = append(actions, fmt.Sprintf("%s %d", e.Action, e.Object))
			}
		}
		return nil
	})
	if want := []string{fmt.Sprintf("apikey.create %d", k.ID), fmt.Sprintf("apikey.revoke %d", k.ID)}; !slices.Equal(actions, want) {
		t.Errorf("recorded %v, want %v", actions, want)
	}
}

// TestCallerOf: what a key started goes on as the key, and as long as it.
func TestCallerOf(t *testing.T) {
	d := open(t)
	owner := d.User(access.Manager)
	day := d.Clock.Now().Add(24 * time.Hour).UnixMilli()
	revoked, _ := d.create(apikey.New{Owner: owner.User, ReadOnly: true})
	expired, _ := d.create(apikey.New{Owner: owner.User, Expires: day})
	orphan, _ := d.create(apikey.New{Owner: owner.User})
	service, _ := d.create(apikey.New{Role: access.Editor})
	all := []*apikey.Key{revoked, expired, orphan, service}
	for _, k := range all {
		c, err := d.Keys.CallerOf(t.Context(), coretest.Name, k.ID)
		if err != nil || c.Key != k.ID || c.Scope.ReadOnly != k.ReadOnly || !c.Scope.NoPasswords {
			t.Errorf("before: %+v, %v", c, err)
		}
	}
	if err := d.Keys.Revoke(t.Context(), d.Admin(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	d.Clock.Advance(24 * time.Hour)
	d.Change(func(tx *gate.Tx) error { return d.Records.Trash(tx, "user", owner.User) })
	for i, want := range []bool{false, false, false, true} {
		c, err := d.Keys.CallerOf(t.Context(), coretest.Name, all[i].ID)
		if (err == nil) != want || err != nil && !fault.Is(err, fault.NotFound) {
			t.Errorf("key %d after: %+v, %v", i, c, err)
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	d := open(t)
	tests := []struct {
		field string
		n     apikey.New
	}{
		{"name", apikey.New{Role: access.Editor}},
		{"role", apikey.New{Name: "x"}},
		{"role", apikey.New{Name: "x", Role: "Emperor"}},
		{"expires", apikey.New{Name: "x", Role: access.Editor, Expires: 1}},
		{"limit", apikey.New{Name: "x", Role: access.Editor, Limit: &apikey.Limit{Requests: 10}}},
		{"limit", apikey.New{Name: "x", Role: access.Editor, Limit: &apikey.Limit{Requests: -1, Window: time.Minute}}},
		{"owner", apikey.New{Name: "x", Owner: 987654}},
		{"organizations", apikey.New{Name: "x", Role: access.Editor, Orgs: []id.ID{987654}}},
	}
	for _, x := range tests {
		if _, text, err := d.Keys.Create(t.Context(), d.Admin(), x.n); err == nil || text != "" || fault.Say(err).Fields[x.field] == "" {
			t.Errorf("%+v: %v, want a sentence for %s", x.n, err, x.field)
		}
	}
	for _, role := range access.Roles()[1:] {
		if _, _, err := d.Keys.Create(t.Context(), d.User(role), apikey.New{Name: "x", Role: access.ReadOnly}); !fault.Is(err, fault.Denied) {
			t.Errorf("%s makes a key: %v", role, err)
		}
		if _, err := d.Keys.List(t.Context(), d.User(role)); !fault.Is(err, fault.Denied) {
			t.Errorf("%s lists keys: %v", role, err)
		}
	}
}

func TestUseIsNotedOnceAMinute(t *testing.T) {
	d := open(t)
	owner := d.User(access.Editor)
	_, text := d.create(apikey.New{Owner: owner.User})
	db := d.Tenant().DB
	cost := func() int64 {
		before := db.Statements()
		d.resolve(text)
		return db.Statements() - before
	}
	used := func() (int64, string) {
		list, err := d.Keys.List(t.Context(), d.Admin())
		if err != nil || len(list) != 1 || list[0].OwnerName == "" {
			t.Fatalf("%+v, %v", list, err)
		}
		return list[0].Used, list[0].UsedFrom
	}
	cost()
	first := d.Clock.Now().UnixMilli()
	if at, from := used(); at != first || from != "192.0.2.1" {
		t.Errorf("noted %d %s", at, from)
	}
	want := int64(0)
	if _, ok, err := d.Gate.Edition(t.Context(), coretest.Name); err != nil || !ok { // other processes may take the key away
		want = 1
	}
	if n := cost(); n != want {
		t.Errorf("a hot request costs %d statements", n)
	}
	d.Change(func(tx *gate.Tx) error {
		_, err := d.Records.Update(tx, "user", owner.User, 0, record.Values{"name": "Mara"})
		return err
	})
	if c := d.resolve(text); c.Name != "Mara" {
		t.Errorf("the owner is still called %s", c.Name)
	}
	d.Clock.Advance(59 * time.Second)
	cost()
	if at, _ := used(); at != first {
		t.Error("noted again within a minute")
	}
	d.Clock.Advance(time.Second)
	cost()
	if at, _ := used(); at != d.Clock.Now().UnixMilli() {
		t.Error("not noted after a minute")
	}
}

func TestManyAtOnce(t *testing.T) {
	d := open(t)
	owner := d.User(access.Editor)
	_, text := d.create(apikey.New{Owner: owner.User})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				c, _, err := d.Keys.Resolve(t.Context(), text, netip.Addr{})
				if err != nil || c.Reason != "" {
					t.Errorf("%+v, %v", c, err)
					return
				}
				c.Reason = "mine"
				d.Clock.Advance(10 * time.Second)
			}
		})
	}
	all.Wait()
}

func FuzzTenantOf(f *testing.F) {
	f.Add("ITG.demo." + strings.Repeat("a", 91))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if name := apikey.TenantOf(s); name != "" && (len(s) != apikey.Length || !strings.HasPrefix(s, "ITG."+name+".")) {
			t.Errorf("%q is for %q", s, name)
		}
	})
}

func TestWhoIsLimitedMakesNoKeys(t *testing.T) {
	d := open(t)
	for name, limit := range map[string]func(*access.Caller){
		"a one-time password": func(c *access.Caller) { c.OneTime = true },
		"a read-only key":     func(c *access.Caller) { c.Scope.ReadOnly = true },
		"no passwords":        func(c *access.Caller) { c.Scope.NoPasswords = true },
		"one organization":    func(c *access.Caller) { c.Scope.Orgs = []id.ID{d.North} },
	} {
		c := d.Admin()
		limit(c)
		if _, _, err := d.Keys.Create(t.Context(), c, apikey.New{Name: "more", Role: access.Administrator, Passwords: true}); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: got %v, want Denied", name, err)
		}
	}
}
