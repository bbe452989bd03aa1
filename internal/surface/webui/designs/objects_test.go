package designs_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/customobject"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// TestDefining: an administrator defines a kind of objects in the browser, and editors work
// with them.
func TestDefining(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour Dental")
	rosa := h.Make("contact", org, record.Values{"first_name": "Rosa"})
	admin, editor := h.As(access.Administrator), h.As(access.Editor)
	h.See(h.UserID(access.Editor), org)

	form := admin.Get("/object_types/new").Want(http.StatusOK).Form("form.genform")
	form.Set("name", "Agency")
	typ := created(t, admin.Post("/object_types", form))
	at := "/object_types/" + typ.String()
	add := func(v url.Values) *webuitest.Page {
		form := admin.Get("/object_fields/new?object_type_id=" + typ.String()).Want(http.StatusOK).Form("form.genform")
		for name := range v {
			form.Set(name, v.Get(name))
		}
		return admin.Post("/object_fields", form)
	}
	for _, v := range []url.Values{
		{"name": {"Town"}, "kind": {"Text"}, "show_in_list": {"1"}, "use_for_title": {"1"}}, {"name": {"Chief"}, "kind": {"Link"}, "tag_type": {"contact"}, "show_in_list": {"1"}},
		{"name": {"Sort"}, "kind": {"Select"}, "default_value": {"Travel\nPress"}, "show_in_list": {"1"}}, {"name": {"Airport"}, "kind": {"Text"}, "shown_when": {"sort"}, "shown_is": {"Travel"}, "required": {"1"}},
	} {
		add(v).Want(http.StatusSeeOther)
	}
	trait := map[string]string{}
	for _, name := range []string{"Town", "Chief", "Sort", "Airport"} {
		trait[name] = record.TraitName(h.One(customobject.FieldKind, name))
	}
	t.Run("the page of the kind", func(t *testing.T) {
		p := add(url.Values{"name": {"Ship"}, "kind": {"Link"}, "tag_type": {"spaceship"}}).Want(http.StatusUnprocessableEntity)
		if !strings.Contains(p.Text(".errors"), "spaceship") {
			t.Errorf("it says %q", p.Text(".errors"))
		}
		if got := admin.Get(at).Want(http.StatusOK).Text("#fields"); !strings.Contains(got, "Link: Contact") || !strings.Contains(got, "Shown when sort is Travel.") {
			t.Errorf("the fields are %q", got)
		}
		form := admin.Get(at + "/edit").Form("form.genform")
		for name, v := range map[string]string{"0.state": "Open", "0.begins_tick": "1", "0.becomes": "Shut", "1.state": "Shut", "1.needs": "Chief"} {
			form.Set("states."+name, v)
		}
		if p := admin.Post(at, form); p.Status != http.StatusSeeOther {
			t.Fatalf("%d %s; the form sends %v", p.Status, p.Text(".errors"), form)
		}
		if got := admin.Get(at).Text("#states"); !strings.Contains(got, "Open New onesShut") || !strings.Contains(got, "Chief") {
			t.Errorf("the states are %q", got)
		}
		editor.Get("/object-types").Want(http.StatusForbidden)
		editor.Get("/object_fields/new?object_type_id=" + typ.String()).Want(http.StatusForbidden)
	})
	var delft id.ID
	t.Run("objects", func(t *testing.T) {
		if got := editor.Get("/custom_objects/new").Want(http.StatusOK).Text("main"); !strings.Contains(got, "Agency") {
			t.Errorf("nobody asks of which kind: %q", got)
		}
		form := editor.Get("/custom_objects/new?object_type_id=" + typ.String() + "&organization_id=" + org.String()).Want(http.StatusOK).Form("form.genform")
		form.Set(trait["Town"], "Delft")
		form.Set(trait["Sort"], "Travel")
		if p := editor.Post("/custom_objects", form).Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text(".errors"), "Airport is missing") {
			t.Errorf("it says %q", p.Text(".errors"))
		}
		form.Set(trait["Airport"], "RTM")
		delft = created(t, editor.Post("/custom_objects", form))
		p := editor.Get("/custom_objects/" + delft.String()).Want(http.StatusOK)
		if p.Text("h1") != "Delft" || !strings.Contains(p.Text("main"), "AGE-1001") || !strings.Contains(p.Text("main"), "Open") {
			t.Errorf("%q: %q", p.Text("h1"), p.Text("main"))
		}
		edit := editor.Get("/custom_objects/" + delft.String() + "/edit").Want(http.StatusOK)
		f := edit.Form("form.genform")
		f.Set("status", "Shut")
		if p := editor.Post("/custom_objects/"+delft.String(), f).Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text(".errors"), "Chief is missing, and needed while this is Shut") {
			t.Errorf("it says %q", p.Text(".errors"))
		}
		f.Set(trait["Chief"], rosa.String())
		editor.Post("/custom_objects/"+delft.String(), f).Want(http.StatusSeeOther)
		list := editor.Get("/custom_objects?object_type_id=" + typ.String() + "&status=Shut").Want(http.StatusOK)
		if got := list.Text("table.dense"); !strings.Contains(got, "Delft") || !strings.Contains(got, "Rosa") {
			t.Errorf("the list shows %q", got)
		}
		if csv := admin.Get("/custom_objects/export?object_type_id=" + typ.String()).Want(http.StatusOK).Body; !strings.Contains(string(csv), "Airport") || !strings.Contains(string(csv), "RTM") {
			t.Errorf("the list as CSV is %q", csv)
		}
	})
	t.Run("what has objects stays", func(t *testing.T) {
		if p := admin.Post(at+"/delete", nil); p.Status == http.StatusSeeOther || !strings.Contains(p.Text("body"), "There are 1 Agencies") {
			t.Errorf("%d: %q", p.Status, p.Text("body"))
		}
		form := admin.Get("/object_fields/" + h.One(customobject.FieldKind, "Sort").String() + "/edit").Want(http.StatusOK).Form("form.genform")
		form.Set("default_value", "Press")
		if p := admin.Post("/object_fields/"+h.One(customobject.FieldKind, "Sort").String(), form).Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text(".errors"), "Delft") {
			t.Errorf("it says %q", p.Text(".errors"))
		}
		town := h.One(customobject.FieldKind, "Town").String()
		if got := admin.Post("/object_fields/"+town+"/place", url.Values{"place": {"1"}}).Want(http.StatusSeeOther).To(); got != at {
			t.Errorf("moving a field leads to %s", got)
		}
		if got := strings.Join(admin.Get(at).Texts("#fields td.ph-title a"), " "); got != "Chief Town Sort Airport" {
			t.Errorf("the fields are %s", got)
		}
	})
	t.Run("in a browser", func(t *testing.T) {
		b := browser.Open(t, h.URL)
		b.Visit("/sign-in")
		b.Type("#f-email", webuitest.Email(access.Administrator))
		b.Type("#f-password", webuitest.Password)
		b.Click(".entrance button.primary")
		b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
		b.Everywhere("kind-of-objects", at)
		b.Everywhere("object-field-form", "/object_fields/new?object_type_id="+typ.String())
	})
}

// created gives the record that an answer leads to.
func created(t *testing.T, p *webuitest.Page) id.ID {
	t.Helper()
	p.Want(http.StatusSeeOther)
	to, _, _ := strings.Cut(p.To(), "?")
	n, ok := id.Parse(to[strings.LastIndex(to, "/")+1:])
	if !ok {
		t.Fatalf("it leads to %s", p.To())
	}
	return n
}
