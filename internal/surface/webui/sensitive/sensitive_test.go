package sensitive_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

const serial = "HARBOUR-4711"

// seal has a field sealed through the pages.
func seal(t *testing.T, c *webuitest.Client, kind, field, exact string) {
	t.Helper()
	c.Post("/settings/fields/new", url.Values{"kind": {kind}, "field": {field}, "exact": {exact}}).Want(http.StatusSeeOther)
	await(t, c, "Sealed")
}

// await waits until no field is at work, and the page says that it is so.
func await(t *testing.T, c *webuitest.Client, what string) {
	t.Helper()
	said := ""
	for deadline := time.Now().Add(webuitest.Wait); time.Now().Before(deadline); {
		said = c.Get("/settings/fields").Want(http.StatusOK).Text("main")
		if !strings.Contains(said, "Being") && strings.Contains(said, what) {
			return
		}
	}
	t.Fatalf("the page says %s", said)
}

func TestSealingAField(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	org := h.Org("Harbour")
	rec := h.Make("configuration", org, record.Values{"name": "srv-1", "configuration_type_id": h.Any("configuration_type"), "serial_number": serial, "notes": "by the door"})
	at := "/configurations/" + rec.String()
	admin, lite := h.As(access.Administrator), h.As(access.Manager)
	for _, path := range []string{"/settings/fields", "/settings/fields/new"} {
		lite.Get(path).Want(http.StatusForbidden)
	}
	if p := admin.Get("/settings/fields/new?kind=configuration").Want(http.StatusOK); !p.Has(`option[value="serial_number"]`) || p.Has(`option[value="name"]`) || p.Has(`option[value="hostname_"]`) {
		t.Error("the fields to choose from are not those that can be sealed")
	}
	admin.Post("/settings/fields/new", url.Values{"kind": {"configuration"}, "field": {"name"}}).Want(http.StatusUnprocessableEntity)
	admin.Post("/settings/fields/new", url.Values{"kind": {"configuration"}, "field": {"notes"}, "exact": {"1"}}).Want(http.StatusUnprocessableEntity)
	seal(t, admin, "configuration", "serial_number", "1")

	if p := admin.Get(at).Want(http.StatusOK); strings.Contains(p.Body, serial) || !strings.Contains(p.Text("main"), "Each look is recorded.") {
		t.Errorf("the record's page says %s", p.Text("main"))
	}
	edit := admin.Get(at + "/edit").Want(http.StatusOK)
	if strings.Contains(edit.Body, serial) || edit.Attr(`[name="serial_number"]`, "placeholder") != "Sealed. Leave empty to keep it" {
		t.Errorf("the form holds the value or does not say that it is kept: %q", edit.Attr(`[name="serial_number"]`, "placeholder"))
	}
	admin.Post(at, url.Values{"version": {"1"}, "name": {"srv-2"}, "serial_number": {""}, "organization_id": {org.String()}, "configuration_type_id": {h.Any("configuration_type").String()}}).Want(http.StatusSeeOther)
	shown := admin.Post("/sealed/"+rec.String(), url.Values{"field": {"serial_number"}}).Want(http.StatusOK)
	if shown.Text("output") != serial {
		t.Errorf("shown is %q", shown.Text("output"))
	}
	if p := admin.Get("/audit"); !strings.Contains(p.Text("main"), "was shown the") {
		t.Errorf("the audit trail says %s", p.Text("main"))
	}
	admin.Post("/sealed/"+rec.String(), url.Values{"field": {"name"}}).Want(http.StatusNotFound)
	for _, who := range []access.Role{access.Lite, access.ReadOnly} { // who see no organization
		h.As(who).Post("/sealed/"+rec.String(), url.Values{"field": {"serial_number"}}).Want(http.StatusNotFound)
	}
	h.See(h.UserID(access.Lite), org)
	h.As(access.Lite).Post("/sealed/"+rec.String(), url.Values{"field": {"serial_number"}}).Want(http.StatusForbidden)

	admin.Post("/settings/fields/open?kind=configuration&field=serial_number", nil).Want(http.StatusSeeOther)
	await(t, admin, "No field is sealed")
	if p := admin.Get(at); !strings.Contains(p.Body, serial) {
		t.Error("the value did not come back")
	}
}

func TestPagesOfSealedFields(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	org := h.Org("Harbour")
	rec := h.Make("contact", org, record.Values{"first_name": "Ruth", "last_name": "Vance", "title": "Captain", "notes": "Two\nlines",
		"contact_phones": []any{map[string]any{"value": "2065550100", "label_name": "Mobile", "primary": true}}})
	admin := h.As(access.Administrator)
	for _, f := range []string{"notes", "contact_phones", "title"} {
		seal(t, admin, "contact", f, "")
	}
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Administrator))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
	b.Everywhere("sealed-fields", "/settings/fields")
	b.Everywhere("sealed-new", "/settings/fields/new")
	b.Everywhere("sealed-new-contact", "/settings/fields/new?kind=contact")
	b.Everywhere("sealed-record", "/contacts/"+rec.String())
	for field, want := range map[string]string{"notes": "lines", "contact_phones": "206", "title": "Captain"} {
		p := admin.Post("/sealed/"+rec.String(), url.Values{"field": {field}}).Want(http.StatusOK)
		if !strings.Contains(p.Text("main"), want) {
			t.Errorf("%s is shown as %s", field, p.Text("main"))
		}
	}
}

// A field of a type of assets that the tenant designed is sealed as any, and a form takes
// its value away.
func TestATraitIsSealedAndCleared(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	org := h.Org("Harbour")
	typ := h.Make("flexible_asset_type", 0, record.Values{"name": "Safe"})
	h.Make("flexible_asset_field", 0, record.Values{"flexible_asset_type_id": typ, "name": "Name", "kind": "Text", "use_for_title": true, "required": true})
	field := h.Make("flexible_asset_field", 0, record.Values{"flexible_asset_type_id": typ, "name": "Combination", "kind": "Text", "show_in_list": true})
	combination := record.TraitName(field)
	var name string
	h.View(h.Admin(), func(tx *gate.Tx) error {
		k, err := h.Records.Shape(tx, "flexible_asset", typ)
		for _, f := range k.Fields {
			if f.Title() == "Name" && f.Trait != 0 {
				name = f.Name
			}
		}
		return err
	})
	rec := h.Make("flexible_asset", org, record.Values{"flexible_asset_type_id": typ, name: "Vault door", combination: serial})
	at := "/flexible_assets/" + rec.String()
	admin, manager := h.As(access.Administrator), h.As(access.Manager)
	if p := manager.Get(at).Want(http.StatusOK); !strings.Contains(p.Body, serial) {
		t.Fatal("the value is not on its page")
	}
	seal(t, admin, "flexible_asset:"+typ.String(), combination, "")
	for _, path := range []string{at, at + "/edit", at + "/history", "/search?q=" + serial, "/flexible_assets?flexible_asset_type_id=" + typ.String()} {
		p := manager.Get(path)
		if p.Status != http.StatusOK || strings.Contains(strings.ReplaceAll(p.Body, "q="+serial, ""), ">"+serial) {
			t.Errorf("%s answers %d, with the value: %v", path, p.Status, strings.Contains(p.Body, serial))
		}
	}
	show := func(want int) *webuitest.Page {
		t.Helper()
		return manager.Post("/sealed/"+rec.String(), url.Values{"field": {combination}}).Want(want)
	}
	h.View(h.Admin(), func(tx *gate.Tx) (err error) {
		var n int
		if err = tx.QueryRow(`select count(*) from trait where record_id = ? and key is not null and field_id = ?`, int64(rec), int64(field)).Scan(&n); n != 0 {
			t.Error("the table of traits holds the value")
		}
		return err
	})
	if got := show(http.StatusOK).Text("output"); got != serial {
		t.Errorf("shown is %q", got)
	}
	edit := manager.Get(at + "/edit").Want(http.StatusOK)
	form := edit.Form("#form")
	if form.Get("clear-"+combination) != "0" && form.Get("clear-"+combination) != "" {
		t.Error("the form is about to take the value away by itself")
	}
	manager.Post(at, form).Want(http.StatusSeeOther)
	show(http.StatusOK)
	form = manager.Get(at + "/edit").Want(http.StatusOK).Form("#form")
	form.Set("clear-"+combination, "1")
	manager.Post(at, form).Want(http.StatusSeeOther)
	show(http.StatusNotFound)
	if p := manager.Get(at + "/edit").Want(http.StatusOK); p.Has(`[name="clear-` + combination + `"]`) {
		t.Error("what is empty can be taken away")
	}
}
