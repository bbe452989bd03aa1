package webui_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/flexibleasset"
	"strongroom/internal/surface/webui/webuitest"
)

func TestCreateRefusedThenCreated(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	c := h.As(access.Editor)
	form := c.Get("/contacts/new?organization_id=" + org.String()).Want(http.StatusOK).Form("form.genform")
	form.Set("first_name", "Maya")
	form.Set("contact_emails.0.value", "not an address")
	form.Set("notes", "Kept <b>as typed</b>")
	refused := c.Post("/contacts", form).Want(http.StatusUnprocessableEntity)
	if got := refused.Form("form.genform"); got.Get("first_name") != "Maya" || got.Get("contact_emails.0.value") != "not an address" || got.Get("notes") != "Kept <b>as typed</b>" {
		t.Errorf("what was typed is lost: %v", got)
	}
	if !refused.Has(".errors") || refused.Has(".errors b:empty") {
		t.Error("nothing says what is wrong")
	}
	form.Set("contact_emails.0.value", "maya@northbeam.example")
	form.Set("again", "1")
	made := c.Post("/contacts", form).Want(http.StatusSeeOther)
	if made.To() != "/contacts/new?organization_id="+org.String() {
		t.Errorf("create and add another leads to %s", made.To())
	}
	r := h.Load("contact", h.One("contact", "Maya"))
	if r.Org != org || r.Values.Text("primary_email") != "maya@northbeam.example" {
		t.Errorf("created %+v", r.Values)
	}
	if next := c.Get(made.To()).Want(http.StatusOK); !strings.Contains(next.Text("#toasts"), "Maya created") {
		t.Errorf("the next page says %q", next.Text("#toasts"))
	}
}

func TestAnOrganizationIsAskedFor(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	c := h.As(access.Editor)
	p := c.Get("/locations/new").Want(http.StatusOK)
	if !p.Has(`sr-ref[data-source="/refs/organization"] [name="organization_id"]`) {
		t.Error("the form does not ask for the organization")
	}
	p = c.Post("/locations", url.Values{"name": {"Head office"}}).Want(http.StatusUnprocessableEntity)
	if p.Text("#e-organization_id") == "" {
		t.Error("nothing is said beside the organization")
	}
}

func TestEveryTypeRoundTrips(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	c := h.As(access.Manager)
	conf := h.Make("configuration", org, record.Values{"name": "FW01", "configuration_type_id": h.One("configuration_type", "Firewall")})
	place := h.Make("location", org, record.Values{"name": "Leeds"})
	at := "/configurations/" + conf.String()
	form := c.Get(at + "/edit").Want(http.StatusOK).Form("form.genform")
	form.Set("location_id", place.String())
	form.Set("warranty_expires_at", "2026-03-20")
	form.Set("notes", `<p>Hello</p><script>alert(1)</script>`)
	form.Set("primary_ip", "10.0.0.1")
	c.Post(at, form).Want(http.StatusSeeOther)
	page := c.Get(at).Want(http.StatusOK)
	for _, want := range []string{"Leeds", "10.0.0.1", "18 days", "Hello"} {
		if !strings.Contains(page.Text("main"), want) {
			t.Errorf("the page does not show %s", want)
		}
	}
	if strings.Contains(page.Body, "alert(1)") || !page.Has(".prose[data-untrusted] p") {
		t.Error("what somebody wrote is not kept apart")
	}
	if n := c.Get(at + "/history").Want(http.StatusOK).Count(".diff > div"); n != 4 {
		t.Errorf("the history shows %d changes, want 4", n)
	}
	c.Post(at+"/history/1", nil).Want(http.StatusSeeOther)
	if h.Load("configuration", conf).Values.Text("primary_ip") != "" {
		t.Error("the version was not restored")
	}
}

func TestConflictShowsBoth(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	place := h.Make("location", org, record.Values{"name": "Leeds", "city": "Leeds", "postal_code": "LS1"})
	at := "/locations/" + place.String()
	mine, theirs := h.As(access.Editor), h.As(access.Manager)
	form := mine.Get(at + "/edit").Form("form.genform")
	other := theirs.Get(at + "/edit").Form("form.genform")
	other.Set("city", "York")
	other.Set("phone", "+44 113 496 0001")
	theirs.Post(at, other).Want(http.StatusSeeOther)
	form.Set("city", "Bradford")
	form.Set("postal_code", "BD1")
	p := mine.Post(at, form).Want(http.StatusConflict)
	if !strings.Contains(p.Text("main"), "Max Okafor") {
		t.Error("nothing says who saved first")
	}
	for name, want := range map[string]string{"keep.city": "mine", "keep.postal_code": "mine", "keep.phone": "theirs"} {
		if got := p.Attr(`input[name="`+name+`"][checked]`, "value"); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	choice := p.Form("form.conflict")
	choice.Set("keep.city", "theirs")
	mine.Post(at, choice).Want(http.StatusSeeOther)
	v := h.Load("location", place).Values
	if v.Text("city") != "York" || v.Text("postal_code") != "BD1" || v.Text("phone") == "" {
		t.Errorf("saved %v", v)
	}
}

func TestSelectionIsArchivedDeletedAndUndone(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	var ids []id.ID
	for _, n := range []string{"Leeds", "York", "Hull"} {
		ids = append(ids, h.Make("location", org, record.Values{"name": n}))
	}
	c := h.As(access.Editor)
	form := url.Values{"do": {"archive"}, "id": {ids[0].String(), ids[1].String()}, "back": {"/locations"}}
	c.Post("/locations/bulk", form).Want(http.StatusSeeOther)
	if n := c.Get("/locations").Count("tbody tr"); n != 1 {
		t.Errorf("%d places are left, want 1", n)
	}
	if got := c.Get("/locations?archived=yes").Texts("tbody a.rowlink"); len(got) != 2 {
		t.Errorf("archived: %v", got)
	}
	c.Post("/locations/bulk", url.Values{"do": {"delete"}, "all": {"1"}, "archived": {"all"}, "q": {"l"}}).Want(http.StatusSeeOther)
	next := c.Get("/locations?archived=all").Want(http.StatusOK)
	if n := next.Count("tbody tr"); n != 1 { // Leeds and Hull hold an l
		t.Errorf("%d places are left, want 1", n)
	}
	undo := next.Form("#toasts form")
	if undo.Get("do") != "undelete" {
		t.Fatalf("the next page offers %v", undo)
	}
	if trash := c.Get("/trash").Want(http.StatusOK); trash.Count("tbody tr") != 2 || !trash.Has(`form[action$="/undelete"]`) {
		t.Error("the trash does not hold both")
	}
	c.Post("/locations/bulk", undo).Want(http.StatusSeeOther)
	if n := c.Get("/locations?archived=all").Count("tbody tr"); n != 3 {
		t.Errorf("%d places after undoing, want 3", n)
	}
	c.Post("/locations/bulk", url.Values{"do": {"archive"}}).Want(http.StatusUnprocessableEntity)
}

func TestListFiltersSortsAndPages(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Sample: 300})
	c := h.As(access.Administrator)
	all := c.Get("/configurations?per=25").Want(http.StatusOK)
	if n := all.Count("tbody tr"); n != 25 || all.Attr(`.pager a[rel="next"]`, "href") == "" {
		t.Fatalf("%d rows, next page %q", n, all.Attr(`.pager a[rel="next"]`, "href"))
	}
	second := c.Get(all.Attr(`.pager a[rel="next"]`, "href")).Want(http.StatusOK)
	if second.Text("tbody a.rowlink") == all.Text("tbody a.rowlink") || !second.Has(`.pager a[rel="prev"]`) {
		t.Error("the second page is the first again")
	}
	typ := h.One("configuration_type", "Printer").String()
	printers := c.Get("/configurations?configuration_type_id=" + typ).Want(http.StatusOK)
	for _, s := range printers.Texts("tbody tr") {
		if !strings.Contains(s, "Printer") {
			t.Errorf("among printers: %s", s)
		}
	}
	if printers.Attr(`select[name="configuration_type_id"] option[selected]`, "value") != typ {
		t.Error("the select does not show the filter")
	}
	down := c.Get("/configurations?sort=name&dir=desc").Texts("tbody a.rowlink")
	if len(down) < 2 || down[0] < down[1] {
		t.Errorf("sorted %v", down[:2])
	}
	maker := h.One("manufacturer", "Fortinet").String()
	if got := c.Get("/configurations?manufacturer_id=" + maker).Want(http.StatusOK).Text(".chip"); !strings.Contains(got, "Manufacturer: Fortinet") {
		t.Errorf("the chip says %q", got)
	}
	block := c.Swap("/configurations?q=fw", "list").Want(http.StatusOK)
	if block.Has("aside") || !block.Has("#list tbody tr") {
		t.Error("a swap answers with more than the list")
	}
	c.Get("/configurations?sort=notes").Want(http.StatusUnprocessableEntity)
	c.Post("/configurations/columns", url.Values{"col": {"serial_number", "password"}, "back": {"/configurations"}}).Want(http.StatusSeeOther)
	if got := c.Get("/configurations").Texts("thead th"); strings.Join(got, "|") != "|Name|Organization|Serial number" {
		t.Errorf("the columns are %q", got)
	}
}

// TestMoveNamesWhatCrosses: references that would lead into another organization are
// named, and the move is refused or they are taken out; relations stay.
func TestMoveNamesWhatCrosses(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	old, other := h.Org("Northbeam"), h.Org("Southgate")
	place := h.Make("location", old, record.Values{"name": "Head office"})
	ann := h.Make("contact", old, record.Values{"first_name": "Ann", "last_name": "Lee", "location_id": place})
	doc := h.Make("document", old, record.Values{"name": "Fire plan"})
	hidden := h.Make("contact", old, record.Values{"first_name": "Quiet", "last_name": "One", "location_id": place, "restricted": true})
	var asset id.ID
	h.Change(func(tx *gate.Tx) error {
		if _, err := h.Server.Relations.Add(tx, place, doc, "evacuation"); err != nil {
			return err
		}
		for _, y := range flexibleasset.Library() {
			if y.Name != "LAN" {
				continue
			}
			typ, err := y.Make(tx, h.Records)
			if err != nil {
				return err
			}
			k, err := h.Records.Shape(tx, flexibleasset.Kind, typ)
			if err != nil {
				return err
			}
			v := record.Values{flexibleasset.TypeField: typ, "organization_id": old}
			for i := range k.Fields {
				switch k.Fields[i].Title() {
				case "Name":
					v[k.Fields[i].Name] = "Office LAN"
				case "Location":
					v[k.Fields[i].Name] = []id.ID{place}
				}
			}
			rec, err := h.Records.Create(tx, flexibleasset.Kind, v)
			if err == nil {
				asset = rec.ID
			}
			return err
		}
		return nil
	})
	h.See(h.NewUser("bea@demo.example", "Bea Moss", access.Editor), old, other)
	c := h.SignIn("bea@demo.example")
	at := "/locations/" + place.String()
	page := c.Get(at + "/move").Want(http.StatusOK)
	said := page.Text("form.genform")
	for _, want := range []string{"Ann Lee (Location)", "Office LAN (Location)", "stay related to it: Fire plan"} {
		if !strings.Contains(said, want) {
			t.Errorf("the form does not say %q: %s", want, said)
		}
	}
	if strings.Contains(said, "Quiet") {
		t.Error("the form names who is hidden")
	}
	form := page.Form("form.genform")
	form.Set("to", other.String())
	form.Del("drop")
	if p := c.Post(at+"/move", form).Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text(".errors"), "Ann Lee") || h.Load("location", place).Org != old {
		t.Errorf("without a choice it says %q", p.Text(".errors"))
	}
	form.Set("drop", "1")
	c.Post(at+"/move", form).Want(http.StatusSeeOther)
	if h.Load("location", place).Org != other || h.Load("contact", ann).Values.ID("location_id") != 0 {
		t.Error("it is not moved, or Ann is still there")
	}
	if h.Load("contact", hidden).Values.ID("location_id") != place {
		t.Error("what the mover may not see was changed")
	}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		a, err := h.Records.Get(tx, flexibleasset.Kind, asset)
		if err != nil {
			return err
		}
		for name, v := range a.Values {
			if list, ok := v.([]id.ID); ok && len(list) > 0 {
				t.Errorf("%s of the asset is %v", name, list)
			}
		}
		list, err := h.Server.Relations.List(tx, place)
		if len(list) != 2 || list[0].Name != "Fire plan" { // and who is hidden from the mover
			t.Errorf("it is related to %d", len(list))
		}
		return err
	})
}

func TestMoveToAnotherOrganization(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	old, other, hidden := h.Org("Northbeam"), h.Org("Southgate"), h.Org("Nobody's")
	place := h.Make("location", old, record.Values{"name": "Head office"})
	rid := h.Make("contact", old, record.Values{"first_name": "Ann", "last_name": "Lee", "location_id": place})
	h.See(h.NewUser("bea@demo.example", "Bea Moss", access.Editor), old, other)
	c := h.SignIn("bea@demo.example")
	at := "/contacts/" + rid.String()
	if to := c.Get(at).Want(http.StatusOK).Attr(`a[href$="/move"]`, "href"); to != at+"/move" {
		t.Fatalf("the page leads to %q", to)
	}
	page := c.Get(at + "/move").Want(http.StatusOK)
	if !strings.Contains(page.Text("form.genform"), "Head office") {
		t.Error("the form does not say that the location stays behind")
	}
	form := page.Form("form.genform")
	for to, words := range map[string]string{"": "Choose", hidden.String(): "no such organization", old.String(): "there already"} {
		form.Set("to", to)
		if p := c.Post(at+"/move", form).Want(http.StatusUnprocessableEntity); !strings.Contains(p.Text(".errors"), words) {
			t.Errorf("to %q: %s", to, p.Text(".errors"))
		}
	}
	form.Set("to", other.String())
	c.Post(at+"/move", form).Want(http.StatusSeeOther)
	if r := h.Load("contact", rid); r.Org != other || r.Values.ID("location_id") != 0 {
		t.Errorf("it is in %v with location %v", r.Org, r.Values.ID("location_id"))
	}
	c.Post(at+"/move", form).Want(http.StatusUnprocessableEntity)
	form.Set("to", old.String())
	c.Post(at+"/move", form).Want(http.StatusConflict) // its version is not the present one
	lite := h.NewUser("rob@demo.example", "Rob Poe", access.ReadOnly)
	h.See(lite, other)
	r := h.SignIn("rob@demo.example")
	r.Get(at + "/move").Want(http.StatusForbidden)
	r.Post(at+"/move", form).Want(http.StatusForbidden)
	if h.Load("contact", rid).Org != other {
		t.Error("who may only read has moved it")
	}
}

func TestEmbeddedPasswordMovesAlone(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	old, other := h.Org("Northbeam"), h.Org("Southgate")
	conf := h.Make("configuration", old, record.Values{"name": "Firewall", "configuration_type_id": h.Any("configuration_type")})
	rid := h.Make("password", old, record.Values{"name": "Firewall admin", "password": "hunter2", "resource_type": "Configuration", "resource_id": int64(conf)})
	c := h.As(access.Editor)
	at := "/passwords/" + rid.String()
	page := c.Get(at + "/move").Want(http.StatusOK)
	if !strings.Contains(page.Text("form.genform"), "embedded in the configuration") {
		t.Error("the form does not say that the password leaves its configuration")
	}
	form := page.Form("form.genform")
	form.Set("to", other.String())
	c.Post(at+"/move", form).Want(http.StatusSeeOther)
	if r := h.Load("password", rid); r.Org != other || r.Values["resource_id"] != nil {
		t.Errorf("it is in %v, embedded in %v", r.Org, r.Values["resource_id"])
	}
	var out struct{ Secret string }
	c.PostJSON(at+"/reveal", nil, &out)
	if out.Secret != "hunter2" {
		t.Errorf("the password is %q after the move", out.Secret)
	}
}

func TestExportIsForSpreadsheets(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	h.Make("location", org, record.Values{"name": `=HYPERLINK("x")`, "city": "Leeds"})
	h.Make("password", org, record.Values{"name": "Router", "password": "hunter2"})
	c := h.As(access.Manager)
	p := c.Get("/locations/export").Want(http.StatusOK)
	if !strings.Contains(p.Body, `'=HYPERLINK`) || !strings.Contains(p.Header.Get("Content-Disposition"), "locations-2026-03-02.csv") {
		t.Errorf("%s\n%s", p.Header.Get("Content-Disposition"), p.Body)
	}
	if p := c.Get("/passwords/export").Want(http.StatusOK); strings.Contains(p.Body, "hunter2") {
		t.Error("the list's export holds a password")
	}
	var n int
	h.View(h.Admin(), func(tx *gate.Tx) error {
		return tx.QueryRow(`select count(*) from audit_entry where action = 'export'`).Scan(&n)
	})
	if n != 2 {
		t.Errorf("%d exports are on record, want 2", n)
	}
	h.As(access.Lite).Get("/locations/export").Want(http.StatusForbidden)
	first := h.Any("location").String()
	chosen := c.Post("/locations/bulk", url.Values{"do": {"export"}, "id": {first, first}}).Want(http.StatusOK)
	if n := strings.Count(chosen.Body, "Leeds"); n != 1 {
		t.Errorf("a row that was sent twice is exported %d times", n)
	}
}

func TestHiddenRecordsDoNotExist(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	mine, other := h.Org("Mine"), h.Org("Other")
	secret := h.Make("location", other, record.Values{"name": "Hidden place"})
	h.See(h.UserID(access.Lite), mine)
	c := h.As(access.Lite)
	at := "/locations/" + secret.String()
	for _, path := range []string{at, at + "/edit", at + "/history", "/organizations/" + other.String(), "/organizations/" + other.String() + "/locations", "/" + other.String(), "/" + secret.String(), "/locations/999", "/nowhere", "/x/y/z"} {
		if p := c.Get(path).Want(http.StatusNotFound); strings.Contains(p.Body, "Hidden") || strings.Contains(p.Body, "Other") {
			t.Errorf("%s tells a name", path)
		}
	}
	for _, path := range []string{at, at + "/star", at + "/archive"} {
		c.Post(path, url.Values{"on": {"1"}, "name": {"x"}}).Want(http.StatusNotFound)
	}
	for _, path := range []string{"/locations", "/search?q=hidden", "/trash", "/expirations?range=all", "/", "/refs/location?q=hid", "/refs/organization"} {
		if p := c.Get(path).Want(http.StatusOK); strings.Contains(p.Body, "Hidden place") || strings.Contains(p.Body, ">Other<") || strings.Contains(p.Body, `"Other"`) {
			t.Errorf("%s tells a hidden name", path)
		}
	}
}

func TestFavouriteAndRecent(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Northbeam")
	c := h.As(access.ReadOnly)
	h.See(h.UserID(access.ReadOnly), org)
	at := "/organizations/" + org.String()
	c.Get(at).Want(http.StatusOK)
	c.Post(at+"/star", url.Values{"on": {"1"}}).Want(http.StatusSeeOther)
	p := c.Get("/").Want(http.StatusOK)
	if p.Text(`nav[aria-label="Favourites"]`) == "" || p.Text(`nav[aria-label="Recent"]`) == "" {
		t.Error("the sidebar lists neither favourites nor recent records")
	}
}

// TestStatements: a page's cost in statements does not grow with its rows. Each
// page asks once from where its reader may come, which second factor is demanded, for
// administrators whether support access is open, and, in each of its transactions, which fields are sealed; a list asks for the flags
// of all its rows at once, and a list that is filtered counts first, up to a bound, what its filter finds.
// What tenants design, assets and objects, is asked for once each by pages that name the designs or their dates.
func TestStatements(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Sample: 300})
	c := h.As(access.Administrator)
	org := h.One("organization", "Harbour Dental Group").String()
	for path, most := range map[string]int64{
		"/": 20, "/configurations": 14, "/configurations?per=100": 14, "/organizations": 14, "/organizations/" + org: 48, "/organizations/" + org + "/configurations": 34,
		"/configurations/" + h.Any("configuration").String(): 30, "/configurations/" + h.Any("configuration").String() + "/edit": 11, "/expirations": 15, "/trash": 9,
	} {
		c.Get(path) // what is noted once a minute is noted now
		n := h.Statements(func() { c.Get(path).Want(http.StatusOK) })
		if n > most {
			t.Errorf("%s runs %d statements, more than %d", path, n, most)
		}
		t.Logf("%s: %d", path, n)
	}
	if n := h.Statements(func() { c.Swap("/search?q=har", "palette-results").Want(http.StatusOK) }); n > 6 {
		t.Errorf("the palette runs %d statements", n)
	}
}

func TestAnEmptyBoxSaysNothing(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	conf := h.Make("configuration", h.Org("Northbeam"), record.Values{"name": "FW01", "configuration_type_id": h.One("configuration_type", "Firewall")})
	c := h.As(access.Editor)
	c.Post("/configuration_interfaces", url.Values{"configuration_id": {conf.String()}, "name": {"LAN"}, "ip_address": {"10.0.0.1"}}).Want(http.StatusSeeOther)
	second := c.Post("/configuration_interfaces", url.Values{"configuration_id": {conf.String()}, "name": {"WAN"}})
	if second.Want(http.StatusSeeOther).To() != "/configurations/"+conf.String() {
		t.Errorf("an interface leads to %s", second.To())
	}
	wan := h.One("configuration_interface", "WAN")
	before := h.Load("configuration_interface", wan)
	at := "/configuration_interfaces/" + wan.String()
	c.Post(at, c.Get(at+"/edit").Want(http.StatusOK).Form("form.genform")).Want(http.StatusSeeOther)
	if now := h.Load("configuration_interface", wan); now.Version != before.Version {
		t.Errorf("saving it untouched changed %v to %v", before.Values, now.Values)
	}
	if p := c.Get("/configurations/" + conf.String()).Want(http.StatusOK); p.Count("#configuration_interfaces tbody tr") != 2 {
		t.Error("the configuration does not list its interfaces")
	}
}

func TestSavedViews(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour Dental")
	h.Make("configuration", org, record.Values{"name": "FW01", "configuration_type_id": h.Any("configuration_type"), "hostname": "fw"})
	c, admin := h.As(access.Editor), h.As(access.Administrator)
	list := c.Get("/configurations?q=fw&sort=name&dir=desc&page=3").Want(http.StatusOK)
	form := list.Form(".saved form:not(.inline)")
	if list.Has(".saved input[name=shared]") {
		t.Error("an editor is offered to save for everybody")
	}
	form.Set("name", "  The   firewalls ")
	c.Post("/configurations/views", form).Want(http.StatusSeeOther)
	c.Post("/configurations/views", form).Want(http.StatusSeeOther) // again: it is the same one
	page := c.Get("/configurations").Want(http.StatusOK)
	if n := page.Count(".saved .line"); n != 1 || page.Text(".saved .line a") != "The firewalls" {
		t.Fatalf("%d views, %q", n, page.Text(".saved .line a"))
	}
	shown := c.Get(page.Attr(".saved .line a", "href")).Want(http.StatusOK)
	if !shown.Has(`.saved a[aria-current="true"]`) || shown.Attr(`input[name="q"]`, "value") != "fw" || strings.Contains(shown.Path, "page=") {
		t.Error("the view is not the list that was saved")
	}
	if admin.Get("/configurations").Want(http.StatusOK).Has(".saved .line") {
		t.Error("others see the view")
	}
	form.Set("shared", "1")
	c.Post("/configurations/views", form).Want(http.StatusForbidden)
	form.Set("name", "")
	admin.Post("/configurations/views", form).Want(http.StatusUnprocessableEntity)
	form.Set("name", "For all")
	admin.Post("/configurations/views", form).Want(http.StatusSeeOther)
	page = c.Get("/configurations").Want(http.StatusOK)
	if got := page.Texts(".saved .line a"); len(got) != 2 || !strings.Contains(got[1], "For all") {
		t.Fatalf("the views are %q", got)
	}
	remove := admin.Get("/configurations").Want(http.StatusOK).Form(".saved .line form")
	c.Post("/configurations/views", remove).Want(http.StatusForbidden)
	own := page.Form(".saved .line form")
	admin.Post("/configurations/views", own).Want(http.StatusNotFound)
	c.Post("/configurations/views", own).Want(http.StatusSeeOther)
	admin.Post("/configurations/views", remove).Want(http.StatusSeeOther)
	if c.Get("/configurations").Want(http.StatusOK).Has(".saved .line") {
		t.Error("a view is left")
	}
}

// TestListAsCSV: a list is exported whole, or with the columns that are shown.
func TestListAsCSV(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour")
	h.Make("location", org, record.Values{"name": "=Quay", "city": "Portmouth", "notes": "By the sea.", "primary": true})
	c := h.As(access.Administrator)
	lines := func(path string) []string {
		return strings.Split(strings.TrimSpace(strings.TrimPrefix(c.Get(path).Want(http.StatusOK).Body, "\ufeff")), "\r\n")
	}
	shown := lines("/locations/export?as=shown&cols=city.notes.created_at&sort=name")
	if want := []string{"Name,Organization,City,Notes,Created", "'=Quay,Harbour,Portmouth,By the sea.,2026-03-02T09:00:00Z"}; !slices.Equal(shown, want) {
		t.Errorf("as it is shown: %q", shown)
	}
	all := lines("/organizations/" + org.String() + "/locations/export")
	if !strings.HasPrefix(all[0], "id,organization,name,") || !strings.HasSuffix(all[0], ",archived,created_at,updated_at") || !strings.Contains(all[1], ",Harbour,'=Quay,") || !strings.Contains(all[1], "By the sea.") {
		t.Errorf("with everything: %q", all)
	}
	page := c.Get("/locations?cols=city").Want(http.StatusOK)
	if !page.Has(`a[href="/locations/export?as=shown&cols=city"]`) || !page.Has(`a[href="/locations/export?cols=city"]`) {
		t.Error("the list does not offer both")
	}
}
