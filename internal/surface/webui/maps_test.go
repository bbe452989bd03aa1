package webui_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

// mapped is an organization in which a guest runs on a host in a place, described
// in a document that only administrators see, which names a contact.
func mapped(h *webuitest.House) (org, place, host, guest, plan, who id.ID) {
	org = h.Org("Harbour")
	place = h.Make("location", org, record.Values{"name": "Quay"})
	typ := h.Make("configuration_type", 0, record.Values{"name": "Rack server"})
	host = h.Make("configuration", org, record.Values{"name": "HOST", "configuration_type_id": typ, "location_id": place})
	guest = h.Make("configuration", org, record.Values{"name": "GUEST", "configuration_type_id": typ})
	plan = h.Make("document", org, record.Values{"name": "Secret plan", "restricted": true})
	who = h.Make("contact", org, record.Values{"first_name": "Nora"})
	h.Make("password", org, record.Values{"name": "root", "resource_type": "Configuration", "resource_id": int64(host)})
	c := h.As(access.Administrator)
	relate := func(from, to id.ID, how, notes string) {
		c.Post("/related/"+from.String(), url.Values{"item": {to.String()}, "dependence": {how}, "notes": {notes}}).Want(http.StatusSeeOther)
	}
	relate(guest, host, "depends on", "virtual machine")
	relate(host, plan, "related", "")
	relate(plan, who, "related", "")
	return org, place, host, guest, plan, who
}

func TestMapOfARecord(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	_, place, host, guest, plan, who := mapped(h)
	admin, editor := h.As(access.Administrator), h.As(access.Editor)
	for _, l := range []struct {
		who  *webuitest.Client
		path string
		want string
	}{
		{admin, "/map/" + host.String(), "HOST Quay GUEST Secret plan root"},
		{editor, "/map/" + host.String(), "HOST Quay GUEST root"},
		{editor, "/map/" + host.String() + "?hops=all", "HOST Quay GUEST root"},
		{admin, "/map/" + host.String() + "?hops=2", "HOST Quay GUEST Secret plan root Nora"},
		{admin, "/map/" + host.String() + "?hops=all&hide=document&hide=password", "HOST Quay GUEST"},
		{admin, "/map/" + place.String() + "?follow=breaks", "Quay HOST GUEST"},
		{admin, "/map/" + guest.String() + "?follow=needs", "GUEST HOST Quay"},
		{admin, "/map/" + guest.String() + "?to=" + who.String(), "GUEST HOST Secret plan Nora"},
		{admin, "/map/" + guest.String() + "?with=configuration_type", "GUEST Rack server HOST"},
		{editor, "/map/" + guest.String() + "?to=" + who.String(), ""},
		{admin, "/map/" + who.String() + "?hide=document", ""},
		{admin, "/map/" + place.String() + "?follow=needs&hops=bogus&hide=bogus&to=bogus", ""},
	} {
		page := l.who.Get(l.path).Want(http.StatusOK)
		list := page.Texts(".maplist .rowlink")
		if got := strings.Join(list, " "); got != l.want {
			t.Errorf("%s lists %q, want %q", l.path, got, l.want)
		}
		if drawn := page.Texts(".mapsvg .nn"); !slices.Equal(drawn, list) {
			t.Errorf("%s draws %q and lists %q", l.path, drawn, list)
		}
		if l.want == "" && !page.Has(".none") {
			t.Errorf("%s does not say that there is nothing", l.path)
		}
	}
	page := admin.Get("/map/" + guest.String())
	if how := page.Texts(".maplist tr td:nth-child(3)"); !slices.Contains(how, "used by GUEST: virtual machine") {
		t.Errorf("it is related by %q", how)
	}
	if block := admin.Swap("/map/"+host.String()+"?hops=2", "map"); !strings.Contains(block.Body, `id="map"`) || strings.Contains(block.Body, "<html") {
		t.Error("a choice does not swap the map alone")
	}
	editor.Get("/map/" + plan.String()).Want(http.StatusNotFound)
	editor.Get("/map/" + host.String() + "?to=" + plan.String()).Want(http.StatusNotFound)
	admin.Get("/map/x").Want(http.StatusNotFound)
	if !admin.Get("/configurations/" + host.String()).Has(`.rail a[href="/map/` + host.String() + `"]`) {
		t.Error("nothing leads from a record to its map")
	}
}

// TestWhatIsRelatedIsSaid: the page of related items says which depends on which,
// and changes it.
func TestWhatIsRelatedIsSaid(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	_, _, host, guest, _, _ := mapped(h)
	c := h.As(access.Administrator)
	page := c.Get("/related/" + host.String())
	if got := page.Attr(`select[aria-label="How GUEST is related"] option[selected]`, "value"); got != "used by" {
		t.Errorf("from the host it is %q", got)
	}
	form := page.Attr(`form.notes:has([aria-label="How GUEST is related"])`, "action")
	c.Post(form, url.Values{"dependence": {"related"}, "notes": {"a note"}}).Want(http.StatusSeeOther)
	if got := c.Get("/related/"+guest.String()).Attr(`select[aria-label="How HOST is related"] option[selected]`, "value"); got != "related" {
		t.Errorf("after the change it is %q", got)
	}
	c.Post(form, url.Values{"dependence": {"eats"}, "notes": {""}}).Want(http.StatusUnprocessableEntity)
}

// TestMapTakesFewStatements: as many for many neighbours as for few.
func TestMapTakesFewStatements(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org, place, host, _, _, _ := mapped(h)
	c := h.As(access.Administrator)
	typ := h.Load("configuration", host).Values["configuration_type_id"]
	count := func() int64 {
		c.Get("/map/" + place.String())
		return h.Statements(func() { c.Get("/map/" + place.String() + "?hops=2").Want(http.StatusOK) })
	}
	few := count()
	h.Change(func(tx *gate.Tx) error {
		for range 40 {
			if _, err := h.Records.Create(tx, "configuration", record.Values{"organization_id": org, "name": "PC", "configuration_type_id": typ, "location_id": place}); err != nil {
				return err
			}
		}
		return nil
	})
	if many := count(); many > few || many > 40 {
		t.Errorf("%d statements for many, %d for few", many, few)
	}
}

func TestMapInABrowser(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Sample: 300})
	org := h.One("organization", "Harbour Dental Group")
	var sw, place id.ID
	h.View(h.Admin(), func(tx *gate.Tx) error {
		var n, m int64
		err := tx.QueryRow(`select min(r.id), min(k.location_id) from record r join k_configuration k on k.id = r.id where r.org_id = ? and r.name like '%-SW01'`, int64(org)).Scan(&n, &m)
		sw, place = id.ID(n), id.ID(m)
		return err
	})
	b := browser.Open(t, h.URL)
	signInBy(b, access.Administrator)
	pages := []struct{ name, path string }{
		{"map-1", "/map/" + sw.String()}, {"map-2", "/map/" + sw.String() + "?hops=2"}, {"map-all", "/map/" + sw.String() + "?hops=all&hide=password"},
		{"map-breaks", "/map/" + sw.String() + "?follow=breaks"}, {"map-place", "/map/" + place.String()}, {"map-nothing", "/map/" + place.String() + "?follow=needs"},
		{"related-needs", "/related/" + sw.String()},
	}
	for _, p := range pages {
		b.Everywhere(p.name, p.path)
	}
	b.Desktop()
	b.Visit("/map/" + sw.String())
	b.Click(`.mapbar .seg a[href*="hops=2"]`)
	b.Wait(`location.search.includes("hops=2") && document.querySelector('.seg a[href*="hops=2"]').ariaCurrent`)
	b.Type(`.wayto input[role=combobox]`, "molar desk")
	b.Wait(`document.querySelector("[role=listbox] [role=option]")`)
	b.Press(kb.Enter)
	b.Click(".wayto .btn")
	b.Wait(`location.search.includes("to=") && document.documentElement.dataset.ready`)
	b.Axe("the way to another record")
	b.FullShot("map-way")
}
