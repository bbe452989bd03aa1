// Package oddroles asks the whole house for records of every kind as people with custom
// roles that nobody would think of.
//
// Always true: what is expected is computed from what the role says and the kinds declare,
// so that a new kind or action is asked for the moment it exists.
package oddroles_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/apptest"
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
)

func TestMain(m *testing.M) { apptest.Main(m) }

// odd is a role, and what somebody with it gets.
type odd struct {
	name string
	of   func(kind string) []access.Action // what the role allows of a kind
	all  []access.Action                   // and of the tenant as a whole
	who  *apptest.Person
}

// odds lists roles of which each allows something without what usually goes with it. To
// see is in whatever a role allows of a kind; who may see a record may list it.
func odds() []*odd {
	every := func(list ...access.Action) func(string) []access.Action {
		return func(string) []access.Action { return list }
	}
	only := func(kinds []string, list ...access.Action) func(string) []access.Action {
		return func(kind string) []access.Action {
			if slices.Contains(kinds, kind) {
				return list
			}
			return nil
		}
	}
	return []*odd{
		{name: "reveals passwords and nothing else", of: only([]string{"password"}, access.Reveal)},
		{name: "reveals all but passwords", of: func(kind string) []access.Action {
			if kind == "password" {
				return []access.Action{access.View}
			}
			return []access.Action{access.View, access.Reveal}
		}},
		{name: "sees every kind and does nothing", of: every(access.View)},
		{name: "approves alone", of: only([]string{"password"}, access.Approve)},
		{name: "exports without revealing", of: every(access.Export), all: []access.Action{access.Export}},
		{name: "exports contacts alone", of: only([]string{"contact"}, access.Export)},
		{name: "exports the whole and sees one kind", of: only([]string{"document"}, access.View), all: []access.Action{access.Export}},
		{name: "deletes without changing", of: every(access.Delete)},
		{name: "imports into nothing", of: every(), all: []access.Action{access.Import}},
	}
}

// rights are those that the role is made with, and those that it then has.
func (o *odd) rights(kinds []*record.Kind) access.Rights {
	r := access.Rights{}
	for _, k := range kinds {
		if list := o.of(k.Name); len(list) > 0 {
			r[k.Name] = list
		}
	}
	if len(o.all) > 0 {
		r[access.Whole] = o.all
	}
	return r
}

// house is a house in which there is somebody with each role, who is a manager beside it
// and sees one organization.
type house struct {
	*apptest.House
	own   *apptest.Tenant
	kinds []*record.Kind // that roles speak of, and that there are samples of in organizations
	web   []string
	api   []string
}

// TestOddRoles: what somebody reaches is what her role says and no more, by the gate, the
// API, the pages, their export and the search.
func TestOddRoles(t *testing.T) {
	h := &house{House: apptest.Open(t, apptest.Options{One: true})}
	h.own, h.web, h.api = h.Tenants[0], h.App.Web.Routes(), h.App.API.Routes()
	listed := identity.Listed(h.App.Records.Kinds)
	for _, k := range listed {
		if k.Scope == record.OfOrganization && h.sample(k.Name) != nil {
			h.kinds = append(h.kinds, k)
		}
	}
	if len(h.kinds) < 10 {
		t.Fatalf("there are samples of %d kinds only", len(h.kinds))
	}
	for i, o := range odds() {
		if os.Getenv("STRONGROOM_TEST_DB") == "postgres" && i > 1 {
			break // what a role allows is decided before a statement is made
		}
		h.join(t, o, fmt.Sprintf("odd%d", i), o.rights(listed))
		t.Run(o.name, func(t *testing.T) {
			h.gate(t, o)
			for _, k := range h.kinds {
				h.programs(t, o, k)
				h.pages(t, o, k)
			}
			h.reveals(t, o)
		})
	}
	t.Run("a right to reveal that lost its right to see", h.blind)
}

// sample gives a record of a kind that every role of the house sees, or nil.
func (h *house) sample(kind string) *apptest.Thing {
	for _, x := range h.own.Things {
		if x.Kind == kind && x.Where == apptest.Seen {
			return x
		}
	}
	return nil
}

// change does something as the tenant's administrator.
func (h *house) change(t *testing.T, fn func(*gate.Tx) error) {
	t.Helper()
	if err := h.App.Gate.Change(t.Context(), h.own.Admin, access.Administer, gate.Thing{}, fn); err != nil {
		t.Fatal(err)
	}
}

// join makes somebody with a custom role.
func (h *house) join(t *testing.T, o *odd, name string, rights access.Rights) {
	t.Helper()
	o.who = h.own.Join(name, access.Manager)
	h.change(t, func(tx *gate.Tx) error {
		role, err := h.App.Records.Create(tx, identity.Role, record.Values{"name": name})
		if err != nil {
			return err
		}
		if err := identity.SetRights(tx, h.App.Records, role.ID, 0, rights); err != nil {
			return err
		}
		if _, err := h.App.Records.Update(tx, identity.User, o.who.ID, 0, record.Values{"custom_role_id": role.ID}); err != nil {
			return err
		}
		group, err := h.App.Records.Create(tx, identity.Group, record.Values{"name": name})
		if err != nil {
			return err
		}
		if err := identity.SetMembers(tx, group.ID, []id.ID{o.who.ID}); err != nil {
			return err
		}
		return identity.SetOrganizations(tx, group.ID, false, []id.ID{h.own.Open})
	})
}

// may tells whether the role allows something of a kind; to see is in everything else.
func (o *odd) may(a access.Action, kind string) bool {
	list := o.of(kind)
	sees := len(list) > 0
	switch a {
	case access.View:
		return sees
	case access.Export:
		return slices.Contains(list, a) || sees && slices.Contains(o.all, a)
	}
	return slices.Contains(list, a)
}

// caller is somebody as her session resolves her.
func (h *house) caller(t *testing.T, user id.ID) (c *access.Caller) {
	t.Helper()
	h.own.View(func(tx *gate.Tx) (err error) { c, err = access.Load(tx.SQL(), user); return err })
	c.Tenant, c.Via, c.AuthLevel = h.own.Name, "session", 1
	return c
}

// gate asks the gate for every action on every kind.
func (h *house) gate(t *testing.T, o *odd) {
	t.Helper()
	err := h.App.Gate.View(t.Context(), h.caller(t, o.who.ID), func(tx *gate.Tx) error {
		for _, k := range h.kinds {
			for _, a := range access.KindActions() {
				err := tx.Check(a, gate.Thing{Kind: k.Name, ID: h.sample(k.Name).ID})
				want := o.may(a, k.Name)
				if (err == nil) != want || !want && !fault.Is(err, fault.Denied) && !fault.Is(err, fault.NotFound) || fault.Is(err, fault.NotFound) != (!o.may(access.View, k.Name)) {
					t.Errorf("%s of a %s: %v, and the role says %t", a, k.Name, err, want)
				}
			}
		}
		for _, a := range access.WholeActions() {
			if err := tx.Check(a, gate.Thing{}); (err == nil) != (slices.Contains(o.all, a)) && a != access.Export {
				t.Errorf("%s of the tenant: %v", a, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// word is what stands in the texts of a kind's samples in the organization.
func (h *house) word(k *record.Kind) []byte {
	return []byte(apptest.Word(h.own.Name, apptest.Seen) + "x" + strings.ReplaceAll(k.Name, "_", "") + "x")
}

// programs asks the API for a list, a record, a change and a deletion of a kind.
func (h *house) programs(t *testing.T, o *odd, k *record.Kind) {
	t.Helper()
	one, sees := "/"+k.Plural+"/"+h.sample(k.Name).ID.String(), o.may(access.View, k.Name)
	status := map[bool]int{true: http.StatusOK, false: http.StatusNotFound}
	if slices.Contains(h.api, "GET /"+k.Plural) {
		a := h.API(o.who.Key, http.MethodGet, "/"+k.Plural+"?page[size]=1000", nil)
		if a.Status != http.StatusOK || bytes.Contains(bytes.ToLower(a.Body), h.word(k)) != sees && (!sees || k.Name != "document") { // documents are listed by folder
			t.Errorf("the API's list of %s answers %d, %.300s", k.Plural, a.Status, a.Body)
		}
	}
	if slices.Contains(h.api, "GET /"+k.Plural+"/{id}") {
		if a := h.API(o.who.Key, http.MethodGet, one+"?show_password=true", nil); a.Status != status[sees] {
			t.Errorf("the API answers %d for %s", a.Status, one)
		}
	}
	if slices.Contains(h.api, "PATCH /"+k.Plural+"/{id}") {
		a := h.API(o.who.Key, http.MethodPatch, one, map[string]any{"data": map[string]any{"type": k.Plural, "attributes": map[string]any{"archived": false}}})
		if !o.may(access.Edit, k.Name) && !o.may(access.Archive, k.Name) && (a.Status < 400 || !sees && a.Status != http.StatusNotFound) {
			t.Errorf("the API changes %s: %d %s", one, a.Status, a.Body)
		}
	}
	if slices.Contains(h.api, "DELETE /"+k.Plural+"/{id}") && !o.may(access.Delete, k.Name) {
		if a := h.API(o.who.Key, http.MethodDelete, one, nil); a.Status != http.StatusForbidden && (sees || a.Status != http.StatusNotFound) {
			t.Errorf("the API deletes %s: %d", one, a.Status)
		}
	}
}

// pages asks for the list, the page, the export and the search of a kind.
func (h *house) pages(t *testing.T, o *odd, k *record.Kind) {
	t.Helper()
	x, sees := h.sample(k.Name), o.may(access.View, k.Name)
	if slices.Contains(h.web, "GET /"+k.Plural) {
		if a := o.who.Page(http.MethodGet, "/"+k.Plural, nil); bytes.Contains(bytes.ToLower(a.Body), h.word(k)) && !sees {
			t.Errorf("the list of %s shows some", k.Plural)
		}
	}
	if slices.Contains(h.web, "GET /"+k.Plural+"/{id}") {
		if a := o.who.Page(http.MethodGet, "/"+k.Plural+"/"+x.ID.String(), nil); (a.Status == http.StatusNotFound) == sees {
			t.Errorf("the page of a %s answers %d", k.Name, a.Status)
		}
	}
	if slices.Contains(h.web, "GET /"+k.Plural+"/export") {
		a := o.who.Page(http.MethodGet, "/"+k.Plural+"/export", nil)
		if may := o.may(access.Export, k.Name); (a.Status == http.StatusOK) != may || bytes.Contains(bytes.ToLower(a.Body), h.word(k)) != may || h.secret(a.Body) {
			t.Errorf("the export of %s answers %d: %.300s", k.Plural, a.Status, a.Body)
		}
	}
	var name string
	h.own.View(func(tx *gate.Tx) error {
		return tx.QueryRow(`select name from record where id = ?`, int64(x.ID)).Scan(&name)
	})
	found := o.who.Page(http.MethodGet, "/search?"+url.Values{"q": {name}}.Encode(), nil)
	if bytes.Contains(found.Body, []byte("/"+k.Plural+"/"+x.ID.String())) && !sees {
		t.Errorf("the search finds a %s", k.Name)
	}
	if sees && !bytes.Contains(found.Body, []byte(x.ID.String())) && bytes.HasPrefix([]byte(strings.ToLower(name)), h.word(k)) && slices.ContainsFunc(k.Fields, func(f record.Field) bool { return f.Search }) {
		t.Errorf("the search does not find a %s by %q", k.Name, name)
	}
}

// secret tells whether something holds the value of a sample's secret field.
func (h *house) secret(b []byte) bool {
	for _, s := range h.secrets() {
		if bytes.Contains(bytes.ToLower(b), s) {
			return true
		}
	}
	return false
}

// secrets are the values of secret fields of the samples in the organization: each begins
// with the sample's word, which nothing else of a password's record but its name does.
func (h *house) secrets() (out [][]byte) {
	for _, x := range h.own.Things {
		k := h.App.Records.Kinds.Kind(x.Kind)
		if k == nil || x.Where != apptest.Seen {
			continue
		}
		for _, f := range k.Fields {
			if f.Type == record.Secret {
				v, _ := h.own.Values(k, apptest.Seen, apptest.Seen, slices.Index(h.own.Things, x))[f.Name].(string)
				if v != "" {
					out = append(out, []byte(strings.ToLower(v)))
				}
			}
		}
	}
	return out
}

// reveals asks for the value of each secret field by a page and, of passwords, by the API.
func (h *house) reveals(t *testing.T, o *odd) {
	t.Helper()
	asked := 0
	for _, k := range h.kinds {
		x, may := h.sample(k.Name), o.may(access.Reveal, k.Name)
		for _, f := range k.Fields {
			if f.Type != record.Secret || f.ReadOnly || !slices.Contains(h.web, "POST /"+k.Plural+"/{id}/reveal") {
				continue
			}
			asked++
			a := o.who.Page(http.MethodPost, "/"+k.Plural+"/"+x.ID.String()+"/reveal", url.Values{"field": {f.Name}})
			if !may && (a.Status != http.StatusForbidden && a.Status != http.StatusNotFound || h.secret(a.Body)) || may && a.Status != http.StatusOK {
				t.Errorf("%s of a %s is answered %d: %.200s", f.Name, k.Name, a.Status, a.Body)
			}
		}
	}
	if asked == 0 {
		t.Error("no kind has a secret field that could be asked for")
	}
	a := h.API(o.who.Key, http.MethodGet, "/passwords/"+h.sample("password").ID.String()+"?show_password=true", nil)
	var d struct {
		Data struct{ Attributes map[string]any }
	}
	_ = json.Unmarshal(a.Body, &d)
	if got, _ := d.Data.Attributes["password"].(string); (got != "") != o.may(access.Reveal, "password") {
		t.Errorf("the API shows %q, %d", got, a.Status)
	}
}

// blind: rights that were written past the form of roles, and allow to reveal what they do
// not allow to see, reveal nothing.
func (h *house) blind(t *testing.T) {
	o := &odd{of: func(string) []access.Action { return nil }}
	h.join(t, o, "blind", access.Rights{"contact": {access.View}})
	h.change(t, func(tx *gate.Tx) error {
		role, err := tx.IDs(`select custom_id from access_principal where user_id = ?`, int64(o.who.ID))
		if err != nil {
			return err
		}
		return access.SetRole(tx.SQL(), role[0], "blind", access.Rights{"password": {access.Reveal, access.Edit, access.Export}})
	})
	x := h.sample("password").ID.String()
	for _, path := range []string{"/passwords/" + x, "/passwords/" + x + "?show_password=true"} {
		if a := h.API(o.who.Key, http.MethodGet, path, nil); a.Status != http.StatusNotFound {
			t.Errorf("the API answers %d: %s", a.Status, a.Body)
		}
	}
	if a := o.who.Page(http.MethodPost, "/passwords/"+x+"/reveal", url.Values{"field": {"password"}}); a.Status != http.StatusNotFound || h.secret(a.Body) {
		t.Errorf("revealing it is answered %d: %s", a.Status, a.Body)
	}
	if a := o.who.Page(http.MethodGet, "/passwords/export", nil); bytes.Contains(bytes.ToLower(a.Body), h.word(h.App.Records.Kinds.Kind("password"))) {
		t.Errorf("an export holds it: %.200s", a.Body)
	}
}
