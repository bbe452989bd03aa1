package apikey_test

import (
	"fmt"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/search"
	"strongroom/internal/core/secret"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/password"
)

// cabinet is a desk with folders and passwords in them, one below the other.
type cabinet struct {
	*desk
	Top, Sub, Else          id.ID
	inTop, inSub, inElse, w id.ID
}

func openCabinet(t *testing.T) *cabinet {
	t.Helper()
	name := record.Field{Name: "name", Type: record.Text, Class: record.Internal, Required: true, Filter: true, Sort: true, Search: true, List: true}
	h := coretest.Open(t, coretest.Options{Features: []record.Feature{
		{Name: "test", Kinds: []*record.Kind{
			{Name: "organization", Plural: "organizations", Label: "Organization", Labels: "Organizations", Scope: record.Organization, Fields: []record.Field{name}},
			{Name: "user", Plural: "users", Label: "User", Labels: "Users", Scope: record.OfTenant, Admin: true, Fields: []record.Field{name, {Name: "email", Type: record.Text, Class: record.Personal}}},
			{Name: "document", Plural: "documents", Label: "Document", Labels: "Documents", Scope: record.OfOrganization, Fields: []record.Field{name}},
		}},
		password.Feature(), apikey.Feature(),
	}})
	c := &cabinet{desk: &desk{House: h, Keys: &apikey.Keys{Gate: h.Gate}, North: h.Org("North"), t: t}}
	folder := func(name string, above id.ID) id.ID {
		v := record.Values{"name": name}
		if above != 0 {
			v["parent_id"] = above
		}
		return h.Make("password_folder", c.North, v)
	}
	in := func(name string, folder id.ID) id.ID {
		v := record.Values{"name": "router " + name, "password": "kelp of " + name}
		if folder != 0 {
			v["password_folder_id"] = folder
		}
		return h.Make("password", c.North, v)
	}
	c.Top, c.Else = folder("Top", 0), folder("Else", 0)
	c.Sub = folder("Sub", c.Top)
	c.inTop, c.inSub, c.inElse, c.w = in("top", c.Top), in("sub", c.Sub), in("else", c.Else), in("none", 0)
	h.Make("document", c.North, record.Values{"name": "router manual"})
	return c
}

// sees tells what a caller is told, by every way that lists: a list and its total, the
// totals of the organization and of the tenant, and the search.
func (c *cabinet) sees(who *access.Caller) (out string) {
	c.t.Helper()
	c.View(who, func(tx *gate.Tx) error {
		for _, kind := range []string{"password_folder", "password", "document"} {
			p, err := c.Records.List(tx, kind, record.Query{Limit: 50, Sort: []record.Order{{Field: "name"}}})
			if err != nil {
				return err
			}
			out += fmt.Sprint(kind, " ", p.Total, ":")
			for _, r := range p.Records {
				out += " " + r.Name
			}
			out += "; "
		}
		for _, org := range []id.ID{c.North, 0} {
			n, err := c.Records.Totals(tx, org)
			if err != nil {
				return err
			}
			out += fmt.Sprint(n["password_folder"], "/", n["password"], "/", n["document"], "; ")
		}
		hits, err := search.Find(tx, "router", search.Options{Limit: 50})
		if err != nil {
			return err
		}
		out += fmt.Sprint("found ", len(hits))
		return nil
	})
	return out
}

// TestAKeyForFolders: of passwords and their folders there is only what lies in the
// key's folders and below, whoever the key acts for, and in every way of looking.
func TestAKeyForFolders(t *testing.T) {
	c := openCabinet(t)
	for name, role := range map[string]access.Role{"a manager's": access.Manager, "an administrator's": access.Administrator} {
		made, text := c.create(apikey.New{Role: role, Passwords: true, Folders: []id.ID{c.Top}})
		key := c.resolve(text)
		want := "password_folder 2: Sub Top; password 2: router sub router top; document 1: router manual; 2/2/1; 2/2/1; found 3"
		if got := c.sees(key); got != want {
			t.Errorf("%s key sees %s\nand not %s", name, got, want)
		}
		shows := &secret.Revealer{Gate: c.Gate, Keys: c.House.Keys.Client}
		for rec, want := range map[id.ID]string{c.inTop: "kelp of top", c.inSub: "kelp of sub", c.inElse: "", c.w: ""} {
			got, err := shows.Reveal(t.Context(), key, secret.Ref{Kind: "password", Object: rec, Field: "password"}, "")
			if got != want || (want == "") != fault.Is(err, fault.NotFound) {
				t.Errorf("%s key is shown %q: %v", name, got, err)
			}
		}
		change := func(rec id.ID, v record.Values) error {
			return c.Gate.Change(t.Context(), key, access.Edit, gate.Thing{Kind: "password", ID: rec}, func(tx *gate.Tx) error {
				_, err := c.Records.Update(tx, "password", rec, 0, v)
				return err
			})
		}
		if err := change(c.inElse, record.Values{"name": "x"}); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s key changes what it does not see: %v", name, err)
		}
		if err := change(c.inSub, record.Values{"password_folder_id": nil}); !fault.Is(err, fault.Denied) {
			t.Errorf("%s key moves a password out: %v", name, err)
		}
		if err := change(c.inSub, record.Values{"password_folder_id": c.Else}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s key moves a password to a folder that it does not see: %v", name, err)
		}
		make := func(v record.Values) error {
			v["organization_id"], v["name"] = c.North, "made"
			return c.Gate.Change(t.Context(), key, access.Create, gate.Thing{Kind: "password", Org: c.North}, func(tx *gate.Tx) error {
				rec, err := c.Records.Create(tx, "password", v)
				if err != nil {
					return err
				}
				return c.Records.Trash(tx, "password", rec.ID)
			})
		}
		if err := make(record.Values{}); !fault.Is(err, fault.Denied) {
			t.Errorf("%s key makes a password outside: %v", name, err)
		}
		if err := make(record.Values{"password_folder_id": c.Sub}); err != nil {
			t.Errorf("%s key makes a password: %v", name, err)
		}
		if _, _, err := c.Keys.Create(t.Context(), key, apikey.New{Name: "wide", Role: access.Lite}); !fault.Is(err, fault.Denied) {
			t.Errorf("%s key makes a wide one: %v", name, err)
		}
		list, err := c.Keys.List(t.Context(), c.Admin())
		if err != nil || len(list) != 1 || fmt.Sprint(list[0].Folders) != fmt.Sprint([]id.ID{c.Top}) {
			t.Errorf("the key is listed with %v: %v", list[0].Folders, err)
		}
		if err := c.Keys.Revoke(t.Context(), c.Admin(), made.ID); err != nil {
			t.Error(err)
		}
	}
	_, text := c.create(apikey.New{Role: access.Manager, Passwords: true})
	want := "password_folder 3: Else Sub Top; password 4: router else router none router sub router top; document 1: router manual; 3/4/1; 3/4/1; found 5"
	if got := c.sees(c.resolve(text)); got != want {
		t.Errorf("a key for everything sees %s", got)
	}
	if _, _, err := c.Keys.Create(t.Context(), c.Admin(), apikey.New{Name: "x", Role: access.Lite, Folders: []id.ID{c.inTop}}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a password is taken for a folder: %v", err)
	}
}
