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
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

// ended waits until what is made of a runbook is ended, and gives how.
func ended(t *testing.T, c *webuitest.Client, at string) (state struct{ State, Text, Href string }) {
	t.Helper()
	for deadline := time.Now().Add(webuitest.Wait); state.State != "done" && state.State != "failed"; {
		c.Do(http.MethodGet, at, nil, http.Header{"Accept": {"application/json"}}).Want(http.StatusOK).JSON(&state)
		if time.Now().After(deadline) {
			t.Fatalf("it is still %+v", state)
		}
	}
	return state
}

func book(org id.ID, parts ...string) url.Values {
	f := url.Values{"name": {"Recovery"}, "size": {"A4"}, "keep": {"2"}, "when": {""}, "related": {"1"}}
	if org != 0 {
		f.Set("organization", org.String())
	}
	for i, p := range parts {
		f.Set("parts."+string(rune('0'+i))+".part", p)
	}
	return f
}

// TestRunbook follows a runbook from the form to the PDF: what the owner may see
// is in it, what she may not is not, and secret values never are.
func TestRunbook(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	org, other := h.Org("Harbour Dental"), h.Org("Northwind")
	typ := h.Any("configuration_type")
	fw := h.Make("configuration", org, record.Values{"configuration_type_id": typ, "name": "fw-01", "hostname": "fw-01.example", "notes": "<p>Rack 3</p>"})
	h.Make("configuration", other, record.Values{"configuration_type_id": typ, "name": "elsewhere-99"})
	h.Make("configuration", org, record.Values{"configuration_type_id": typ, "name": "old-77", "archived": true})
	h.Make("password", org, record.Values{"name": "Root of fw-01", "username": "root", "password": "never-on-paper", "notes": "pin 4711"})
	folder := h.Make("document_folder", org, record.Values{"name": "Plans"})
	below := h.Make("document_folder", org, record.Values{"name": "Below", "parent_id": folder})
	h.Make("document", org, record.Values{"name": "Restart the firewall", "document_folder_id": below, "content": `<h1>Steps</h1><p>See <a href="/configurations/` + fw.String() + `">it</a>.</p>`})
	h.Make("document", org, record.Values{"name": "Not in the folder", "content": "<p>x</p>"})
	alone := []id.ID{h.Make("document", org, record.Values{"name": "Alone", "content": "<p>y</p>"}), h.Make("document", org, record.Values{"name": "Lone", "content": "<p>z</p>"})}
	h.Make("document", org, record.Values{"name": "Board minutes", "document_folder_id": folder, "restricted": true})
	mine := h.As(access.Manager)
	if p := mine.Get("/runbooks").Want(http.StatusOK); !p.Has(".none") || !p.Has(`a[href="/runbooks/new"]`) {
		t.Error("the empty list offers nothing")
	}
	mine.Get("/runbooks/new?org=" + org.String()).Want(http.StatusOK)
	at := mine.Post("/runbooks", book(org, "configuration", "document/"+folder.String(), "document/"+alone[1].String(), "document/"+alone[0].String(), "password")).Want(http.StatusSeeOther).To()
	file := mine.Post(at+"/make", nil).Want(http.StatusSeeOther).To()
	if s := ended(t, mine, file); s.State != "done" || s.Href != file+"/pdf" {
		t.Fatalf("it ended %+v", s)
	}
	if to := mine.Get(file).Want(http.StatusSeeOther).To(); to != at {
		t.Errorf("the page of what was made leads to %s", to)
	}
	pdf := mine.Get(file + "/pdf").Want(http.StatusOK)
	if pdf.Header.Get("Content-Type") != "application/pdf" || !strings.Contains(pdf.Header.Get("Content-Disposition"), "Recovery.pdf") {
		t.Errorf("it is fetched as %v", pdf.Header)
	}
	text := onPaper(t, pdf.Body)
	for _, want := range []string{"Recovery", "Harbour Dental", "Contents", "Configurations", "fw-01.example", "Rack 3", "Documents: Plans", "Restart the firewall", "Steps", "Root of fw-01", "root"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not on paper:\n%s", want, text)
		}
	}
	for _, not := range []string{"elsewhere-99", "old-77", "never-on-paper", "4711", "Not in the folder", "Board minutes"} {
		if strings.Contains(text, not) {
			t.Errorf("%q is on paper", not)
		}
	}
	if n := strings.Count(text, "Documents\n"); n != 1 { // its page; in the contents the line goes on
		t.Errorf("documents that were chosen one by one stand under %d titles", n)
	}
	if i, j := strings.LastIndex(text, "Lone"), strings.LastIndex(text, "Alone"); i < 0 || j < i {
		t.Error("the chosen documents are not there, or in another order")
	}
	page := mine.Get(at).Want(http.StatusOK)
	if !page.Has(`a[href="`+file+`/pdf"]`) || !strings.Contains(page.Text("main"), "Documents: Plans") {
		t.Errorf("the page is %s", page.Text("main"))
	}
	trail := h.As(access.Administrator).Get("/audit").Want(http.StatusOK).Text("main")
	for _, want := range []string{"set up the runbook", "had the runbook made", "downloaded the runbook"} {
		if !strings.Contains(trail, want) {
			t.Errorf("the trail does not say %q: %s", want, trail)
		}
	}
}

// TestRunbookIsItsOwners: nobody else sees it but administrators, who cannot have
// it made or change it.
func TestRunbookIsItsOwners(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	org := h.Org("Harbour Dental")
	h.Make("contact", org, record.Values{"first_name": "Ada", "last_name": "Reed"})
	mine := h.As(access.Manager)
	at := mine.Post("/runbooks", book(0, "contact")).Want(http.StatusSeeOther).To()
	file := mine.Post(at+"/make", nil).Want(http.StatusSeeOther).To()
	ended(t, mine, file)
	h.NewUser("other@demo.example", "Otto Other", access.Manager)
	other, admin := h.SignIn("other@demo.example"), h.As(access.Administrator)
	if strings.Contains(other.Get("/runbooks").Want(http.StatusOK).Text("main"), "Recovery") {
		t.Error("another manager sees it in the list")
	}
	for _, path := range []string{at, at + "/edit", file, file + "/pdf"} {
		other.Get(path).Want(http.StatusNotFound)
	}
	for _, path := range []string{at, at + "/make", at + "/remove", file + "/stop"} {
		other.Post(path, book(0, "contact")).Want(http.StatusNotFound)
	}
	admin.Post(at, book(0, "location")).Want(http.StatusNotFound)
	admin.Post(at+"/make", nil).Want(http.StatusNotFound)
	admin.Get(at + "/edit").Want(http.StatusNotFound)
	if p := admin.Get(at).Want(http.StatusOK); p.Has(`form[action="`+at+`/make"]`) || !strings.Contains(p.Text("main"), "Max Okafor") {
		t.Error("an administrator can have it made, or is not told whose it is")
	}
	if text := onPaper(t, admin.Get(file+"/pdf").Want(http.StatusOK).Body); !strings.Contains(text, "Ada Reed") {
		t.Errorf("of all organizations it is %s", text)
	}
	h.As(access.Editor).Get("/runbooks").Want(http.StatusForbidden)
	admin.Post(at+"/remove", nil).Want(http.StatusSeeOther)
	mine.Get(at).Want(http.StatusNotFound)
	mine.Get(file + "/pdf").Want(http.StatusNotFound)
}

// TestRunbookOnSchedule: it is made when its time has come, the newest are kept,
// and when its owner may not any more it stops and says why.
func TestRunbookOnSchedule(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	org := h.Org("Harbour Dental")
	h.Make("location", org, record.Values{"name": "Pier"})
	mine := h.As(access.Manager)
	form := book(org, "location")
	form.Set("when", "daily")
	form.Set("time", "03:15")
	at := mine.Post("/runbooks", form).Want(http.StatusSeeOther).To()
	var admin *webuitest.Client
	for day := 1; day <= 3; day++ {
		h.Clock.Advance(24 * time.Hour)
		admin = h.As(access.Administrator)
		for deadline := time.Now().Add(webuitest.Wait); ; {
			var made int64
			h.View(h.Admin(), func(tx *gate.Tx) error {
				return tx.QueryRow(`select count(*) from audit_entry where action = 'runbook.made'`).Scan(&made)
			})
			if made == int64(day) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("it was made %d times in %d days: %s", made, day, admin.Get(at).Text("main"))
			}
		}
	}
	if n := admin.Get(at).Want(http.StatusOK).Count(`main a.btn[href$="/pdf"]`); n != 2 {
		t.Errorf("%d are kept", n)
	}
	h.Change(func(tx *gate.Tx) error {
		_, err := h.Records.Update(tx, "user", h.UserID(access.Manager), 0, record.Values{"role_name": string(access.Editor)})
		return err
	})
	h.Clock.Advance(24 * time.Hour)
	admin = h.As(access.Administrator)
	for deadline := time.Now().Add(webuitest.Wait); ; {
		page := admin.Get(at).Want(http.StatusOK)
		if strings.Contains(page.Text(".notice"), "not made by itself any more. Your role, Editor, may not export.") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("that it stopped is not said: %s", page.Text("main"))
		}
	}
}

func TestRunbookIsChecked(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	c := h.As(access.Manager)
	for name, change := range map[string]func(url.Values){
		"no name":        func(f url.Values) { f.Set("name", " ") },
		"no part":        func(f url.Values) { f.Del("parts.0.part") },
		"a strange part": func(f url.Values) { f.Set("parts.0.part", "user") },
		"a strange size": func(f url.Values) { f.Set("size", "A0") },
		"none kept":      func(f url.Values) { f.Set("keep", "-1") },
		"no time":        func(f url.Values) { f.Set("when", "daily"); f.Set("time", "25:00") },
		"a long month":   func(f url.Values) { f.Set("when", "monthly"); f.Set("time", "01:00"); f.Set("day", "32") },
	} {
		f := book(0, "contact")
		change(f)
		if p := c.Post("/runbooks", f).Want(http.StatusUnprocessableEntity); !p.Has(".errors") {
			t.Errorf("%s: no sentence says what is wrong", name)
		}
	}
	c.Post("/runbooks", book(900000000007, "contact")).Want(http.StatusNotFound)
	c.Get("/runbooks/900000000007").Want(http.StatusNotFound)
}

// TestRunbooksInABrowser looks at the pages by day, by night and on a phone.
func TestRunbooksInABrowser(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{Jobs: true})
	org := h.Org("Harbour Dental Group of the Northern Counties and Islands")
	h.Make("location", org, record.Values{"name": "Pier"})
	b := browser.Open(t, h.URL)
	signInBy(b, access.Manager)
	look := func(name, path string) {
		t.Helper()
		for _, how := range []string{"light", "dark", "phone"} {
			b.Desktop()
			if how == "dark" {
				b.Dark(true)
			}
			if how == "phone" {
				b.Phone()
			}
			b.Visit(path)
			b.Axe(name + " " + how)
			b.NoSideScroll(name + " " + how)
			b.FullShot(name + "-" + how)
		}
	}
	look("runbooks-empty", "/runbooks")
	look("runbook-new", "/runbooks/new?org="+org.String())
	c := h.As(access.Manager)
	at := c.Post("/runbooks", book(org, "location", "configuration", "document", "contact", "password")).Want(http.StatusSeeOther).To()
	ended(t, c, c.Post(at+"/make", nil).Want(http.StatusSeeOther).To())
	h.Change(func(tx *gate.Tx) error { // as when the job of the schedule has failed
		_, err := tx.Exec(`update runbook set next_at = 1, next_job = 0`)
		return err
	})
	look("runbook", at)
	look("runbooks", "/runbooks")
}
