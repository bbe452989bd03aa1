package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/browser"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

// TestImportOfATable follows a table from the upload, over what its columns are, to
// the records.
func TestImportOfATable(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	c := h.As(access.Manager)
	text := "Client,Name,User name,Password,Web address,Notes\nTable Ltd,Router,admin,table-secret-1,https://r.example,first\nTable Ltd,,x,table-secret-2,,\n"
	at := c.Upload("/imports", nil, map[string]string{"logins.csv": text}).Want(http.StatusSeeOther).To()
	if !strings.HasPrefix(at, "/import-tables/") {
		t.Fatalf("a table leads to %s", at)
	}
	page := c.Get(at).Want(http.StatusOK)
	if !strings.Contains(page.Text("main"), "UTF-8, 6 columns between commas") {
		t.Errorf("the page does not say how the file is written: %s", page.Text("main"))
	}
	columns := c.Post(at+"/kind", url.Values{"kind": {"password"}}).Want(http.StatusSeeOther).To()
	page = c.Get(columns).Want(http.StatusOK)
	if strings.Contains(page.Body, "table-secret") {
		t.Error("the page of columns shows a password")
	}
	for i, want := range []string{"organization", "name", "username", "password", "url", "notes"} {
		if got := page.Attr(`select[name="c`+string(rune('0'+i))+`"] option[selected]`, "value"); got != want {
			t.Errorf("column %d is guessed to be %q, want %q", i, got, want)
		}
	}
	form := url.Values{"kind": {"password"}, "c0": {"organization"}, "c1": {"name"}, "c2": {"username"}, "c3": {"password"}, "c4": {"url"}, "c5": {"notes"},
		"match": {"name"}, "rule": {"both"}, "create": {"0", "1"}, "save": {"Logins"}}
	bad := url.Values{"kind": {"password"}, "c1": {"name"}, "c2": {"name"}, "match": {"name"}, "rule": {"both"}}
	if p := c.Post(at, bad).Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text(".errors"), "Nothing says to which organization") {
		t.Errorf("a mapping without organization is answered with %s", p.Text(".errors"))
	}
	check := c.Post(at, form).Want(http.StatusSeeOther).To()
	page = c.Get(check).Want(http.StatusOK)
	if s := page.Text(".startbar h2"); s != "2 new, 1 skipped" {
		t.Errorf("the check says %q", s)
	}
	if strings.Contains(page.Body, "table-secret") || !strings.Contains(page.Text(".rowlist"), "(not shown)") || !strings.Contains(page.Text(".rowlist"), "https://r.example") {
		t.Errorf("the preview is %s", page.Text(".rowlist"))
	}
	job := c.Post(check+"/start", nil).Want(http.StatusSeeOther).To()
	var state struct{ State, Text string }
	for deadline := time.Now().Add(webuitest.Wait); state.State != "done"; {
		c.Do(http.MethodGet, job, nil, http.Header{"Accept": {"application/json"}}).Want(http.StatusOK).JSON(&state)
		if state.State == "failed" || time.Now().After(deadline) {
			t.Fatalf("the import is %+v", state)
		}
	}
	if h.One("password", "Router") == 0 {
		t.Error("the password is not there")
	}
	if p := c.Get(job).Want(http.StatusOK); strings.Contains(p.Body, "table-secret") || !strings.Contains(p.Text("main"), "Password") {
		t.Errorf("the result says %s", p.Text("main"))
	}

	run := c.Get(job).Attr(`a[href^="/import-runs/"]`, "href")
	if s := c.Get(run).Want(http.StatusOK).Text("main"); !strings.Contains(s, "2 to the trash") {
		t.Errorf("the page of taking it back says %s", s)
	}
	c.Post(run+"/undo", nil).Want(http.StatusSeeOther)
	state.State = ""
	for deadline := time.Now().Add(webuitest.Wait); state.State != "done"; {
		c.Do(http.MethodGet, run, nil, http.Header{"Accept": {"application/json"}}).Want(http.StatusOK).JSON(&state)
		if state.State == "failed" || time.Now().After(deadline) {
			t.Fatalf("taking back is %+v", state)
		}
	}
	if s := c.Get(run).Want(http.StatusOK).Text("main"); !strings.Contains(s, "It was taken back: 2 to the trash") {
		t.Errorf("the result of taking it back says %s", s)
	}
	if s := c.Get("/imports").Want(http.StatusOK).Text("main"); !strings.Contains(s, "Taken back") {
		t.Errorf("the list says %s", s)
	}
	h.Change(func(tx *gate.Tx) error { // as if it had not been
		org, err := h.Records.Create(tx, "organization", record.Values{"name": "Table Ltd"})
		if err == nil {
			_, err = h.Records.Create(tx, "password", record.Values{"organization_id": org.ID, "name": "Router", "username": "admin", "notes": "first"})
		}
		return err
	})

	again := c.Upload("/imports", nil, map[string]string{"more.csv": strings.ReplaceAll(text, "first", "second")}).Want(http.StatusSeeOther).To()
	columns = c.Post(again+"/kind", url.Values{"kind": {"password"}, "mapping": {"Logins"}}).Want(http.StatusSeeOther).To()
	if got := c.Get(columns).Want(http.StatusOK).Attr(`select[name="match"] option[selected]`, "value"); got != "name" {
		t.Errorf("the mapping that was kept does not come back: %q", got)
	}
	check = c.Post(again, form).Want(http.StatusSeeOther).To()
	if s := c.Get(check).Text(".rowlist"); !strings.Contains(s, "first") || !strings.Contains(s, "second") {
		t.Errorf("the preview of a change is %q", s)
	}
	list := c.Get("/imports").Want(http.StatusOK)
	c.Post(list.Attr(`form[action^="/import-mappings/"]`, "action"), nil).Want(http.StatusSeeOther)
	if strings.Contains(c.Get("/imports").Text("main"), "Logins") {
		t.Error("the mapping is still there")
	}
}

// TestTableMakesItsType: the type that a known table needs is offered to who may make
// it, and chosen once it is there.
func TestTableMakesItsType(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	text := "Name,Description,vLAN,IP/Network,Subnet Mask,Gateway,Primary DNS,Secondary DNS,DHCP Range\nOffice,main,20,10.20.0.0/24,255.255.255.0,10.20.0.1,10.20.0.2,,\n"
	manager := h.As(access.Manager)
	at := manager.Upload("/imports", nil, map[string]string{"networks.csv": text}).Want(http.StatusSeeOther).To()
	if strings.Contains(manager.Get(at).Want(http.StatusOK).Body, "made of the library") {
		t.Error("who may not make types is offered one")
	}
	manager.Post(at+"/kind", url.Values{"kind": {"flexible_asset.new"}}).Want(http.StatusForbidden)
	c := h.As(access.Administrator)
	at = c.Upload("/imports", nil, map[string]string{"networks.csv": text}).Want(http.StatusSeeOther).To()
	if got := c.Get(at).Want(http.StatusOK).Attr(`select[name="kind"] option[selected]`, "value"); got != "flexible_asset.new" {
		t.Fatalf("chosen is %q", got)
	}
	page := c.Get(c.Post(at+"/kind", url.Values{"kind": {"flexible_asset.new"}}).Want(http.StatusSeeOther).To()).Want(http.StatusOK)
	for i := range 9 {
		if page.Attr(`select[name="c`+string(rune('0'+i))+`"] option[selected]`, "value") == "" {
			t.Errorf("column %d is not read", i)
		}
	}
	if got := page.Attr(`select[name="match"] option[selected]`, "value"); got != "name" {
		t.Errorf("rows are known by %q", got)
	}
	if got := c.Get(at).Want(http.StatusOK).Attr(`select[name="kind"] option[selected]`, "value"); got == "flexible_asset.new" || got == "" {
		t.Errorf("the second time %q is chosen", got)
	}
}

func TestImportOfNoTable(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	c := h.As(access.Manager)
	at := c.Upload("/imports", nil, map[string]string{"nothing.csv": ""}).Want(http.StatusSeeOther).To()
	if p := c.Get(at).Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text("main"), "The file nothing.csv is empty.") {
		t.Errorf("an empty table is answered with %s", p.Text("main"))
	}
	at = c.Upload("/imports", nil, map[string]string{"some.csv": "name\nx\n"}).To()
	c.Get(at + "?kind=user").Want(http.StatusNotFound)
	h.NewUser("other@demo.example", "Otto Other", access.Manager)
	other := h.SignIn("other@demo.example")
	other.Get(at).Want(http.StatusNotFound)
	other.Post(at, url.Values{"kind": {"location"}}).Want(http.StatusNotFound)
	h.As(access.Editor).Get(at).Want(http.StatusForbidden)
}

// TestTablesInABrowser looks at the steps of a table in light, dark and on a phone.
func TestTablesInABrowser(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Sample: 300, Jobs: true})
	c := h.As(access.Administrator)
	text := "Client;Name;Serial;Configuration type;Installed at;Notes;Something that nobody knows and that is called by a very long heading\n" +
		"Harbour Dental Group;HDG-NEW-01;SN-1;Server;22.11.2026;\"two\nlines\";x\n" +
		"Harbour Dental Group;HDG-NEW-02;SN-2;Server;31.31.2026;;y\nNobody & Sons;X;;Server;;;\n"
	at := c.Upload("/imports", nil, map[string]string{"devices-of-the-old-system.csv": text}).Want(http.StatusSeeOther).To()
	form := url.Values{"kind": {"configuration"}, "c0": {"organization"}, "c1": {"name"}, "c2": {"serial_number"}, "c3": {"configuration_type_id"}, "c4": {"installed_at"}, "c5": {"notes"},
		"match": {"name"}, "rule": {"both"}, "dates": {"dmy"}, "save": {"Devices"}}
	check := c.Post(at, form).Want(http.StatusSeeOther).To()
	job := c.Post(c.Get(check).Attr(".startbar form", "action"), nil).Want(http.StatusSeeOther).To()
	var state struct{ State string }
	for deadline := time.Now().Add(webuitest.Wait); state.State != "done" && time.Now().Before(deadline); {
		c.Do(http.MethodGet, job, nil, http.Header{"Accept": {"application/json"}}).JSON(&state)
	}
	run := c.Get(job).Attr(`a[href^="/import-runs/"]`, "href")
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "configuration", h.One("configuration", "HDG-NEW-01"), 0, record.Values{"notes": "mine"})
		return err
	})
	at = c.Upload("/imports", nil, map[string]string{"devices-of-the-old-system.csv": text}).Want(http.StatusSeeOther).To()
	columns := at + "?kind=configuration"
	check = c.Post(at, form).Want(http.StatusSeeOther).To()
	b := browser.Open(t, h.URL)
	signInBy(b, access.Administrator)
	for _, p := range []struct{ name, path string }{{"imports", "/imports"}, {"table", at}, {"table-columns", columns}, {"table-check", check}, {"import-run", run}} {
		for _, look := range []string{"light", "dark", "phone"} {
			b.Desktop()
			b.Dark(look == "dark")
			if look == "phone" {
				b.Phone()
			}
			b.Visit(p.path)
			b.NoSideScroll(p.name + " " + look)
			b.Axe(p.name + " " + look)
			b.FullShot(p.name + "-" + look)
		}
	}
}
