package webui_test

import (
	"net/url"
	"testing"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

// signInBy signs in by typing, as a person does.
func signInBy(b *browser.Tab, r access.Role) {
	b.Visit("/sign-in")
	b.Type("#f-tenant", coretest.Name)
	b.Type("#f-email", webuitest.Email(r))
	b.Type("#f-password", webuitest.Password)
	b.Click(".genform button.primary")
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
		{"configuration-form", at("/configurations/", conf) + "/edit"}, {"contact-form", at("/contacts/", contact) + "/edit"}, {"new", "/new"},
		{"contact-new", "/contacts/new?organization_id=" + org.String()}, {"history", at("/configurations/", conf) + "/history"},
		{"manufacturer", at("/manufacturers/", h.Any("manufacturer"))}, {"search", "/search?q=" + url.QueryEscape("harbour")}, {"trash", "/trash"},
		{"empty", "/configurations?q=zzzz"},
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
		b.Desktop()
		b.Visit(p.path)
		b.FullShot(p.name + "-light")
		b.Axe(p.name + " light")
		b.NoSideScroll(p.name)
		b.Dark(true)
		b.Visit(p.path)
		b.Axe(p.name + " dark")
		b.Shot(p.name + "-dark")
		b.Desktop()
		b.Phone()
		b.Visit(p.path)
		b.NoSideScroll(p.name + " on a phone")
		b.Axe(p.name + " phone")
		b.FullShot(p.name + "-phone")
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
