package webui_test

import (
	"net/url"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }

// signInBy signs in by typing, as a person does. The house has one tenant, whose
// name stands there already.
func signInBy(b *browser.Tab, r access.Role) {
	b.Visit("/sign-in")
	b.Type("#f-email", webuitest.Email(r))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/" && document.documentElement.dataset.ready`)
}

// TestPagesInABrowser looks at each page in light, dark and on a phone.
func TestPagesInABrowser(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Sample: 300})
	org := h.One("organization", "Harbour Dental Group")
	if org == 0 {
		t.Fatal("the sample has no Harbour Dental Group")
	}
	conf, contact, place := ofOrg(h, "configuration", org), ofOrg(h, "contact", org), ofOrg(h, "location", org)
	at := func(p string, i id.ID) string { return p + i.String() }
	pages := []struct{ name, path string }{
		{"home", "/"}, {"expirations", "/expirations?range=365"}, {"configurations", "/configurations"}, {"organizations", "/organizations"},
		{"organization", at("/organizations/", org)}, {"org-configurations", at("/organizations/", org) + "/configurations"},
		{"configuration", at("/configurations/", conf)}, {"contact", at("/contacts/", contact)}, {"location", at("/locations/", place)},
		{"configuration-form", at("/configurations/", conf) + "/edit"}, {"contact-form", at("/contacts/", contact) + "/edit"}, {"new", "/new"}, {"move", at("/contacts/", contact) + "/move"},
		{"contact-new", "/contacts/new?organization_id=" + org.String()}, {"history", at("/configurations/", conf) + "/history"},
		{"manufacturer", at("/manufacturers/", h.Any("manufacturer"))}, {"search", "/search?q=" + url.QueryEscape("harbour")}, {"trash", "/trash"},
		{"empty", "/configurations?q=zzzz"}, {"domains", "/domains"}, {"domain", at("/domains/", ofOrg(h, "domain", org))}, {"certificate", at("/ssl_certificates/", ofOrg(h, "ssl_certificate", org))},
	}
	h.Change(func(tx *gate.Tx) error {
		if _, err := h.Records.Update(tx, "configuration", conf, 0, record.Values{"name": "HDG-SRV-01 renamed", "notes": "<p>Racked in the back office.</p><p>Two disks.</p>"}); err != nil {
			return err
		}
		return h.Records.Trash(tx, "contact", ofOrg(h, "contact", h.One("organization", "Kestrel Logistics")))
	})
	b := browser.Open(t, h.URL)
	b.Visit("/sign-in")
	b.Axe("sign-in")
	b.Shot("sign-in")
	signInBy(b, access.Administrator)
	for _, p := range pages {
		b.Everywhere(p.name, p.path)
	}
}

// ofOrg gives the first record of a kind in an organization.
func ofOrg(h *webuitest.House, kind string, org id.ID) id.ID {
	var n int64
	h.View(h.Admin(), func(tx *gate.Tx) error {
		return tx.QueryRow(`select coalesce(min(id), 0) from record where kind = ? and org_id = ?`, kind, int64(org)).Scan(&n)
	})
	return id.ID(n)
}

// TestWorkByHand does what people do all day, with real keys and clicks.
func TestWorkByHand(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Sample: 200})
	org := h.One("organization", "Harbour Dental Group")
	b := browser.Open(t, h.URL)
	signInBy(b, access.Administrator)
	b.Press("k", chromedp.ModifierCtrl)
	b.Type("#palette input", "harbour dental")
	b.Wait(`document.querySelector("#palette [role=option] mark")`)
	b.Shot("palette")
	b.Axe("palette")
	b.Press(kb.Enter)
	b.Wait(`location.pathname.startsWith("/organizations/") && document.documentElement.dataset.ready`)

	b.Visit("/organizations/" + org.String() + "/locations")
	b.Press("n")
	b.Wait(`location.pathname == "/locations/new" && document.documentElement.dataset.ready`)
	b.Type("#f-name", "Third surgery")
	b.Type("#f-city", "Leeds")
	b.Click(".genform button.primary")
	b.Wait(`location.pathname.match(/^.locations.[0-9]+$/) && document.documentElement.dataset.ready`)
	if h.Load("location", h.One("location", "Third surgery")).Org != org {
		t.Error("the place is of another organization")
	}

	b.Visit("/contacts/new?organization_id=" + org.String())
	b.Type("#f-first_name", "Nora")
	b.Type(`sr-ref[data-source^="/refs/location"] input[role=combobox]`, "third")
	b.Wait(`document.querySelector("[role=listbox] [role=option]")`)
	b.Press(kb.Enter)
	b.Type(`[name="contact_emails.0.value"]`, "nora@harbourdental.example")
	b.Shot("combobox")
	b.Click(".genform button.primary")
	b.Wait(`location.pathname.match(/^.contacts.[0-9]+$/) && document.documentElement.dataset.ready`)
	nora := h.Load("contact", h.One("contact", "Nora"))
	if nora.Names["location_id"] != "Third surgery" || nora.Values.Text("primary_email") != "nora@harbourdental.example" {
		t.Errorf("saved %v", nora.Values)
	}

	b.Visit("/organizations/" + org.String() + "/contacts")
	b.Type(`.filter input[type=search]`, "nora")
	b.Wait(`document.querySelectorAll("#list tbody tr").length == 1`)
	b.Click(`#list tbody input[type=checkbox]`)
	b.Shot("selected")
	b.Click(`.bulk button[value=archive]`)
	b.Wait(`document.querySelector("#toasts form button")`)
	b.Shot("undo")
	b.Click("#toasts form button")
	b.Wait(`document.documentElement.dataset.ready && document.querySelector("#toasts")?.textContent.includes("brought back")`)
	if h.Load("contact", nora.ID).Archived {
		t.Error("the contact is still archived")
	}
}

// TestConflictInABrowser looks at the page that shows both versions.
func TestConflictInABrowser(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	place := h.Make("location", org, record.Values{"name": "Leeds", "city": "Leeds", "notes": "Alarm: press 1.\nKey at reception."})
	b := browser.Open(t, h.URL)
	b.Allow("409")
	signInBy(b, access.Administrator)
	b.Visit("/locations/" + place.String() + "/edit")
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "location", place, 0, record.Values{"city": "York", "notes": "Alarm: press 2.", "phone": "+44 113 496 0001"})
		return err
	})
	b.Type("#f-city", "!")
	b.Type("#f-postal_code", "LS1 4AP")
	b.Click(".genform button.primary")
	b.Wait(`document.querySelector("form.conflict")`)
	b.FullShot("conflict")
	b.Axe("conflict")
	b.Phone()
	b.NoSideScroll("conflict on a phone")
	b.FullShot("conflict-phone")
	b.Desktop()
	b.Click("form.conflict button.primary")
	b.Wait(`!document.querySelector("form.conflict") && document.documentElement.dataset.ready`)
	if v := h.Load("location", place).Values; v.Text("city") != "!Leeds" || v.Text("phone") == "" || v.Text("postal_code") != "LS1 4AP" {
		t.Errorf("saved %v", v)
	}
}

// TestFormsWithoutScript makes a record in a browser that runs no script.
func TestFormsWithoutScript(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	b := browser.Open(t, h.URL)
	b.NoScript()
	b.Load("/sign-in")
	b.Type("#f-email", webuitest.Email(access.Editor))
	b.Type("#f-password", webuitest.Password)
	b.Click(".entrance button.primary")
	b.Wait(`location.pathname == "/"`)
	b.Load("/configurations/new?organization_id=" + org.String())
	b.Type("#f-name", "SRV01")
	b.Type("#f-configuration_type_id", "Server")
	b.Click(".genform button.primary")
	b.Wait(`location.pathname.match(/^.configurations.[0-9]+$/)`)
	b.Shot("no-script")
	if h.One("configuration", "SRV01") == 0 {
		t.Error("nothing was created")
	}
}
