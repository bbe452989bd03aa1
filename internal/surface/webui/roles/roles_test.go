package roles_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/identity"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// make makes a role by the pages and ticks these rights.
func make(t *testing.T, h *webuitest.House, name string, ticked ...string) string {
	t.Helper()
	admin := h.As(access.Administrator)
	at := admin.Post("/roles", url.Values{"name": {name}}).Want(http.StatusSeeOther).To()
	form := url.Values{"version": {admin.Get(at).Attr(`input[name=version]`, "value")}}
	for _, x := range ticked {
		form.Set(x, "1")
	}
	admin.Post(at+"/rights", form).Want(http.StatusSeeOther)
	return at
}

// give gives the user of a role a custom one.
func give(t *testing.T, h *webuitest.House, to access.Role, role string) {
	t.Helper()
	admin := h.As(access.Administrator)
	at := "/users/" + h.UserID(to).String()
	form := admin.Get(at + "/edit").Form(`form[action="` + at + `"]`)
	form.Set("custom_role_id", strings.TrimPrefix(role, "/roles/"))
	admin.Post(at, form).Want(http.StatusSeeOther)
}

// TestRoleInPages goes the whole way without script: a role is made, given to an
// editor, counts at once, and stays while she has it.
func TestRoleInPages(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	pw := h.Make("password", org, record.Values{"name": "Router", "password": "s3cret"})
	doc := h.Make("document", org, record.Values{"name": "Handbook"})
	role := make(t, h, "Helpdesk", "password.view", "password.edit", "contact.create")
	admin := h.As(access.Administrator)
	p := admin.Get(role).Want(http.StatusOK)
	if !p.Has(`input[name="contact.view"][checked]`) || !p.Has(`input[name="password.edit"][checked]`) || p.Has(`input[name="password.reveal"][checked]`) || p.Has(`input[name="document.approve"]`) ||
		!strings.Contains(p.Text("main"), "with the role Creator or one above it") {
		t.Errorf("the page says %q", p.Text("main"))
	}
	give(t, h, access.Editor, role)
	editor := h.As(access.Editor)
	editor.Get("/documents/" + doc.String()).Want(http.StatusNotFound)
	if p := editor.Get("/passwords/" + pw.String()).Want(http.StatusOK); !strings.Contains(p.Body, "Helpdesk") || p.Has(`form[action$="/delete"]`) {
		t.Error("her page does not say her role, or offers what it does not allow")
	}
	editor.Post("/passwords/"+pw.String()+"/reveal", url.Values{"field": {"password"}}).Want(http.StatusForbidden)
	editor.Post("/passwords/"+pw.String()+"/delete", nil).Want(http.StatusForbidden)
	if p := editor.Get("/documents").Want(http.StatusOK); strings.Contains(p.Body, "Handbook") {
		t.Error("a list shows what the role does not see")
	}
	if p := editor.Get("/search?q=handbook").Want(http.StatusOK); strings.Contains(p.Text("main"), "Handbook") {
		t.Error("the search finds what the role does not see")
	}
	editor.Post(role+"/rights", url.Values{"password.reveal": {"1"}}).Want(http.StatusForbidden)
	admin.Post(role+"/archive", url.Values{"on": {"1"}}).Want(http.StatusConflict)
	admin.Post(role+"/rights", url.Values{"version": {"1"}}).Want(http.StatusConflict)
	if p := admin.Get("/users/" + h.UserID(access.Editor).String()).Want(http.StatusOK); !strings.Contains(p.Text("main"), "Helpdesk") {
		t.Error("her own page does not say her role")
	}
	give(t, h, access.Editor, "")
	h.As(access.Editor).Get("/documents/" + doc.String()).Want(http.StatusOK)
	admin.Post(role+"/archive", url.Values{"on": {"1"}}).Want(http.StatusSeeOther)
}

// TestAdministratorsHaveNoCustomRole, and no role is called as a built-in one.
func TestAdministratorsHaveNoCustomRole(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	role, _ := id.Parse(strings.TrimPrefix(make(t, h, "Helpdesk", "password.view"), "/roles/"))
	h.As(access.Administrator).Post("/roles", url.Values{"name": {"Editor"}}).Want(http.StatusUnprocessableEntity)
	for _, x := range []struct {
		user  access.Role
		given record.Values
	}{
		{access.Administrator, record.Values{"custom_role_id": role}},
		{access.Editor, record.Values{"custom_role_id": role, "role_name": "Administrator"}},
		{access.Editor, record.Values{"custom_role_id": h.UserID(access.Lite)}},
	} {
		err := h.Gate.Change(t.Context(), h.Admin(), access.Administer, gate.Thing{}, func(tx *gate.Tx) error {
			_, err := h.Records.Update(tx, identity.User, h.UserID(x.user), 0, x.given)
			return err
		})
		if err == nil {
			t.Errorf("%s has %v", x.user, x.given)
		}
	}
}

// TestKeysHaveRoles: a key made in the pages is narrowed by the role that was chosen.
func TestKeysHaveRoles(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	role := make(t, h, "Reader of contacts", "contact.view")
	admin := h.As(access.Administrator)
	key := admin.Post("/keys", url.Values{"name": {"Script"}, "role": {"Manager"}, "custom_role": {strings.TrimPrefix(role, "/roles/")}, "requests": {"0"}, "seconds": {"0"}}).Want(http.StatusOK).Text("output")
	c, _, err := h.Server.APIKeys.Resolve(t.Context(), key, h.Admin().Addr)
	if err != nil {
		t.Fatal(err)
	}
	if c.Title() != "Reader of contacts" || c.MayOf("password", access.View) || !c.MayOf("contact", access.View) || c.May(access.Import) {
		t.Errorf("the key is %+v", c)
	}
	if p := admin.Get("/keys").Want(http.StatusOK); !strings.Contains(p.Text("main"), "Manager · Reader of contacts") {
		t.Errorf("the list of keys says %q", p.Text("main"))
	}
	admin.Post(role+"/archive", url.Values{"on": {"1"}}).Want(http.StatusConflict)
}

// TestLook looks at the matrix in a browser, in both themes and on a phone.
func TestLook(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	role := make(t, h, "Helpdesk", "password.view", "document.edit")
	doc := h.Make("document", h.Org("Northbeam"), record.Values{"name": "Handbook"})
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	for _, p := range []struct{ name, path string }{{"role", role}, {"role-from", role + "?from=Editor"}, {"roles", "/roles"}, {"why", "/access/" + doc.String() + "/why?who=" + h.UserID(access.Editor).String()}} {
		b.Everywhere(p.name, p.path)
	}
}

// TestWhy: an administrator is told by which paths somebody sees a record, and why
// not; nobody else is.
func TestWhy(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	doc := h.Make("document", org, record.Values{"name": "Handbook"})
	admin, editor, lite := h.As(access.Administrator), h.UserID(access.Editor), h.UserID(access.Lite)
	at := "/access/" + doc.String() + "/why"
	ask := func(who id.ID) *webuitest.Page {
		return admin.Get(at + "?who=" + who.String()).Want(http.StatusOK)
	}
	if p := admin.Get(at).Want(http.StatusOK); p.Has("#answer") {
		t.Error("it answers before it is asked")
	}
	if p := ask(editor); !strings.Contains(p.Text("#answer"), "Yes: Edith Moreau sees it") || !strings.Contains(p.Text("#paths"), "Through the group Technicians") || !strings.Contains(p.Text("#may"), "No: The role, Editor, may not export") {
		t.Errorf("of an editor it says %q", p.Text("main"))
	}
	if p := ask(lite); !strings.Contains(p.Text("#answer"), "No: Lia Doyle") || !strings.Contains(p.Text("#paths"), "None") {
		t.Errorf("of somebody without groups it says %q", p.Text("main"))
	}
	h.Change(func(tx *gate.Tx) error {
		if err := h.Records.SetAccess(tx, "document", doc, true, []id.ID{lite}, nil); err != nil {
			return err
		}
		return access.SetEnds(tx.SQL(), doc, map[id.ID]int64{lite: tx.Now + 3600_000})
	})
	if p := ask(lite); !strings.Contains(p.Text("#paths"), "By name") || !strings.Contains(p.Text("#paths"), "Until 2 Mar 2026 10:00") {
		t.Errorf("of who is named it says %q", p.Text("main"))
	}
	if p := ask(editor); !strings.Contains(p.Text("#answer"), "No:") || !strings.Contains(p.Text("#paths"), "Not enough: it is restricted") {
		t.Errorf("of who is closed out it says %q", p.Text("main"))
	}
	give(t, h, access.Lite, make(t, h, "Clerk", "contact.view"))
	if p := ask(lite); !strings.Contains(p.Text("#bars"), "The custom role Clerk does not see documents") {
		t.Errorf("of who is narrowed it says %q", p.Text("main"))
	}
	key, _, err := h.Server.APIKeys.Create(t.Context(), h.Admin(), apikey.New{Name: "Script", Role: access.Manager, Orgs: []id.ID{h.Org("Kestrel")}})
	if err != nil {
		t.Fatal(err)
	}
	if p := ask(key.ID); !strings.Contains(p.Text("#bars"), "The key is for 1 organizations") {
		t.Errorf("of a key it says %q", p.Text("main"))
	}
	if p := ask(doc); !strings.Contains(p.Text("#answer"), "No: this user may not sign in") {
		t.Errorf("of nobody it says %q", p.Text("main"))
	}
	h.As(access.Manager).Get(at).Want(http.StatusForbidden)
	admin.Get("/access/999/why").Want(http.StatusNotFound)
}
