package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/surface/webui/webuitest"
)

// taken takes a type over from the library and gives it with the names of its
// traits, by the fields' names.
func taken(h *webuitest.House, t *testing.T, name string) (id.ID, map[string]string) {
	t.Helper()
	h.As(access.Administrator).Post("/asset-types", url.Values{"name": {name}}).Want(http.StatusSeeOther)
	typ, traits := h.One(flexibleasset.TypeKind, name), map[string]string{}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		list, err := flexibleasset.Fields(tx, typ)
		for _, f := range list {
			traits[f.Name] = record.TraitName(f.ID)
		}
		return err
	})
	return typ, traits
}

// madeAsset makes an asset with a value in a field of every sort.
func madeAsset(h *webuitest.House, t *testing.T) id.ID {
	t.Helper()
	org := h.Any("organization")
	typ, f := taken(h, t, "Application")
	return h.Make(flexibleasset.Kind, org, record.Values{"flexible_asset_type_id": typ, f["Name"]: "Zeewind", f["Importance"]: "Critical", f["Seats"]: 62.5,
		f["Support ends"]: "2027-01-31", f["Licence key"]: "hunter2!", f["Installation"]: "<p>By hand.</p>", f["Key users"]: []id.ID{h.Make("contact", org, record.Values{"first_name": "Pia"})}})
}

func TestAssetsInPages(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	ap := h.Make("configuration", org, record.Values{"name": "NB-AP01", "configuration_type_id": h.Any("configuration_type")})
	typ, f := taken(h, t, "Wireless")
	c := h.As(access.Administrator)
	list := "/organizations/" + org.String() + "/flexible_assets?flexible_asset_type_id=" + typ.String()
	at := "/flexible_assets/new?flexible_asset_type_id=" + typ.String() + "&organization_id=" + org.String()
	if !c.Get(list).Want(http.StatusOK).Has(`a[href="` + at + `"]`) {
		t.Errorf("no button leads to %s", at)
	}
	if c.Get("/flexible_assets/new?organization_id="+org.String()).Want(http.StatusOK).Text("main") == "" {
		t.Error("nobody asks for the type")
	}
	page := c.Get(at).Want(http.StatusOK)
	form := page.Form("form.genform")
	if form.Get("flexible_asset_type_id") != typ.String() || form.Get("organization_id") != org.String() {
		t.Fatalf("the form at %q sends %v", at, form)
	}
	form.Set(f["VLAN"], "twelve")
	if p := c.Post("/flexible_assets", form).Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text(".errors"), "VLAN must be a number") {
		t.Errorf("it says %q", p.Text(".errors"))
	}
	for i, name := range []string{"Staff", "Guests", "Things"} {
		form.Set(f["Network name"], name)
		form.Set(f["VLAN"], string(rune('3'-i)))
		form.Set(f["Key"], "hunter2!")
		form.Set(f["Access points"], ap.String())
		form.Set(f["Security"], []string{"Open", "WPA3 Personal", "Open"}[i])
		c.Post("/flexible_assets", form).Want(http.StatusSeeOther)
	}
	if got := strings.Join(c.Get(list+"&sort="+f["VLAN"]).Want(http.StatusOK).Texts("tbody a.rowlink"), " "); got != "Things Guests Staff" {
		t.Errorf("sorted by a field: %s", got)
	}
	open := list + "&" + f["Security"] + "=Open"
	if got := strings.Join(c.Get(open).Want(http.StatusOK).Texts("tbody a.rowlink"), " "); got != "Staff Things" {
		t.Errorf("filtered by a field: %s", got)
	}
	rid := h.One(flexibleasset.Kind, "Staff")
	if to := c.Get("/" + org.String() + "/assets/" + typ.String() + "-wireless/records/" + rid.String()).Want(http.StatusSeeOther).To(); to != "/flexible_assets/"+rid.String() {
		t.Errorf("the address that IT Glue has leads to %s", to)
	}
	show := c.Get("/flexible_assets/" + rid.String()).Want(http.StatusOK)
	if s := show.Text("main"); !strings.Contains(s, "NB-AP01") || !strings.Contains(s, "Embedded password") || strings.Contains(s, "hunter2") {
		t.Errorf("the page says %q", s)
	}
	if s := c.Get("/configurations/" + ap.String()).Want(http.StatusOK).Text("aside.rail"); !strings.Contains(s, "Access points of") {
		t.Errorf("the access point's page does not name its network: %q", s)
	}
	edit := c.Get("/flexible_assets/" + rid.String() + "/edit").Want(http.StatusOK).Form("form.genform")
	edit.Set(f["Network name"], "Staff 2")
	c.Post("/flexible_assets/"+rid.String(), edit).Want(http.StatusSeeOther)
	if r := h.Load(flexibleasset.Kind, rid); r.Name != "Staff 2" || len(r.Values.IDs(f["Access points"])) != 1 {
		t.Errorf("saved %v as %q", r.Values, r.Name)
	}
	if s := c.Get("/flexible_assets/" + rid.String() + "/history").Want(http.StatusOK).Text("main"); !strings.Contains(s, "Network name") || !strings.Contains(s, "Staff 2") {
		t.Errorf("the history says %q", s)
	}
	for _, at := range []string{"/flexible_assets/" + rid.String(), "/activity/" + rid.String()} {
		if s := c.Get(at).Want(http.StatusOK).Text("body"); !strings.Contains(s, "changed name, network name") || strings.Contains(s, f["Network name"]+" ") {
			t.Errorf("%s does not say what was changed: %q", at, s)
		}
	}
	csv := c.Get(strings.Replace(open, "/flexible_assets?", "/flexible_assets/export?", 1)).Want(http.StatusOK)
	if s := string(csv.Body); !strings.Contains(s, "Network name") || !strings.Contains(s, "NB-AP01") || strings.Contains(s, "Guests,") {
		t.Errorf("the list as CSV is %q", s)
	}
	// All that match means all that match the conditions on traits.
	sel := c.Get(open).Form("form.bulk, form[action='/flexible_assets/bulk']")
	sel.Set("all", "1")
	sel.Set("do", "archive")
	c.Post("/flexible_assets/bulk", sel).Want(http.StatusSeeOther)
	if h.Load(flexibleasset.Kind, h.One(flexibleasset.Kind, "Guests")).Archived || !h.Load(flexibleasset.Kind, rid).Archived {
		t.Error("what was archived is not what matched")
	}
	h.As(access.Editor).Get("/asset-types").Want(http.StatusForbidden)
	h.As(access.Editor).Post("/asset-types", url.Values{"name": {"LAN"}}).Want(http.StatusForbidden)
}

func TestTypeOfAssets(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	typ, f := taken(h, t, "Wireless")
	c := h.As(access.Administrator)
	at := "/flexible_asset_types/" + typ.String()
	names := c.Get(at).Want(http.StatusOK).Texts("#fields tbody td:first-child a")
	if len(names) != 10 || names[0] != "Network name" || names[1] != "Key" {
		t.Fatalf("the fields are %q", names)
	}
	c.Post("/flexible_asset_fields/"+strings.TrimPrefix(f["Key"], "t")+"/place", url.Values{"place": {"0"}}).Want(http.StatusSeeOther)
	if names := c.Get(at).Texts("#fields tbody td:first-child a"); names[0] != "Key" || names[1] != "Network name" {
		t.Errorf("after moving a field up: %q", names)
	}
	form := c.Get("/flexible_asset_fields/new?flexible_asset_type_id=" + typ.String()).Want(http.StatusOK).Form("form.genform")
	form.Set("name", "Band")
	form.Set("kind", "Select")
	if p := c.Post("/flexible_asset_fields", form).Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text(".errors"), "choose from") {
		t.Errorf("a Select without choices: %q", p.Text(".errors"))
	}
	form.Set("default_value", "2.4 GHz\n5 GHz")
	c.Post("/flexible_asset_fields", form).Want(http.StatusSeeOther)
	if names := c.Get(at).Texts("#fields tbody td:first-child a"); len(names) != 11 || names[10] != "Band" {
		t.Errorf("after adding a field: %q", names)
	}
	if c.Get("/asset-types").Want(http.StatusOK).Has(`input[value="Wireless"]`) {
		t.Error("the library offers what is there")
	}
}

// TestAssetPagesInABrowser looks at the pages in light, dark and on a phone.
func TestAssetPagesInABrowser(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour Dental Group")
	typ, f := taken(h, t, "LAN")
	sw := h.Make("configuration", org, record.Values{"name": "HDG-SW01", "configuration_type_id": h.Any("configuration_type")})
	asset := h.Make(flexibleasset.Kind, org, record.Values{"flexible_asset_type_id": typ, f["Name"]: "Surgery network", f["VLAN"]: 20, f["Switches"]: []id.ID{sw}, f["Notes"]: "<p>Two floors.</p>"})
	b := browser.Open(t, h.URL)
	signInBy(b, access.Administrator)
	for name, path := range map[string]string{
		"asset-types": "/asset-types", "asset-type": "/flexible_asset_types/" + typ.String(), "asset-field": "/flexible_asset_fields/new?flexible_asset_type_id=" + typ.String(),
		"asset-choose": "/flexible_assets/new", "asset-form": "/flexible_assets/" + asset.String() + "/edit", "asset": "/flexible_assets/" + asset.String(),
		"assets": "/flexible_assets?flexible_asset_type_id=" + typ.String(), "assets-all": "/flexible_assets",
	} {
		b.Everywhere(name, path)
	}
}
