package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

// TestAccessUntil gives somebody a record until a time: the pages say until when,
// and past it she has it no more.
func TestAccessUntil(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	doc := h.Make("document", h.Org("Harbour Dental"), record.Values{"name": "Floor plan"})
	at, page := "/access/"+doc.String(), "/documents/"+doc.String()
	admin, lite := h.As(access.Administrator), h.As(access.Lite)
	friend := h.UserID(access.Lite).String()
	until := h.Clock.Now().UTC().Add(2 * time.Hour).Truncate(time.Minute)
	send := func(v url.Values) *webuitest.Page {
		v["restricted"], v["users"], v["groups"] = []string{"1"}, []string{"", friend}, []string{""}
		return admin.Post(at, v)
	}
	lite.Get(page).Want(http.StatusNotFound)
	send(url.Values{"until": {"soon"}}).Want(http.StatusUnprocessableEntity)
	over := send(url.Values{"until": {h.Clock.Now().UTC().Format("2006-01-02T15:04")}}).Want(http.StatusUnprocessableEntity)
	if !strings.Contains(over.Text(".errors"), "That time is over") || over.Attr("#f-until", "value") == "" || !over.Has(`input[name=users][value="`+friend+`"][checked]`) {
		t.Error("an end that has passed is refused without a word, or what was entered is lost")
	}
	send(url.Values{"until": {until.Format("2006-01-02T15:04")}}).Want(http.StatusSeeOther)
	lite.Get(page).Want(http.StatusOK)
	form := admin.Get(at).Want(http.StatusOK)
	own := `input[name="until.` + friend + `"]`
	if got := form.Attr(own, "value"); got != until.Format("2006-01-02T15:04") {
		t.Errorf("her field says %q", got)
	}
	for _, p := range []string{at, page} {
		if text := admin.Get(p).Want(http.StatusOK).Body; !strings.Contains(text, "until "+until.Format("2 Jan 2006 15:04")+" UTC") {
			t.Errorf("%s does not say until when", p)
		}
	}
	h.Clock.Advance(2*time.Hour + time.Minute)
	admin, lite = h.As(access.Administrator), h.As(access.Lite)
	lite.Get(page).Want(http.StatusNotFound)
	if text := admin.Get(at).Want(http.StatusOK).Body; !strings.Contains(text, "Only administrators may see this.") || !strings.Contains(text, "ended "+until.Format("2 Jan 2006 15:04")) {
		t.Error("the page does not say that it is over")
	}
	send(url.Values{"until." + friend: {""}}).Want(http.StatusSeeOther)
	lite.Get(page).Want(http.StatusOK)
}

// TestAccessByFolder restricts a password folder: its passwords' pages say by which
// folder, and saving theirs as it is leaves it so.
func TestAccessByFolder(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour Dental")
	folder := h.Make("password_folder", org, record.Values{"name": "Core"})
	pass := h.Make("password", org, record.Values{"name": "Switch", "password": "kelp", "password_folder_id": folder})
	admin, editor := h.As(access.Administrator), h.As(access.Editor)
	page, at, list := "/passwords/"+pass.String(), "/access/"+pass.String(), "/organizations/"+org.String()+"/passwords/folders?folder="+folder.String()
	editor.Get(page).Want(http.StatusOK)
	if !admin.Get(list).Want(http.StatusOK).Has(`a[href="/access/` + folder.String() + `"]`) {
		t.Error("the folder's page does not lead to its access")
	}
	admin.Post("/access/"+folder.String(), url.Values{"restricted": {"1"}, "users": {""}, "groups": {""}}).Want(http.StatusSeeOther)
	editor.Get(page).Want(http.StatusNotFound)
	editor.Get(list).Want(http.StatusNotFound)
	if !strings.Contains(admin.Get(list).Want(http.StatusOK).Body, "Restricted") {
		t.Error("the folder does not say that it is restricted")
	}
	form := admin.Get(at).Want(http.StatusOK)
	if !strings.Contains(form.Body, "By the folder Core: Only administrators may see this.") || form.Has(`input[name="restricted"][checked]`) {
		t.Error("the password's page does not tell its own restriction from the folder's")
	}
	admin.Post(at, url.Values{"users": {"", h.UserID(access.Editor).String()}, "groups": {""}}).Want(http.StatusSeeOther)
	editor.Get(page).Want(http.StatusNotFound)
	admin.Post(at, url.Values{"restricted": {"1"}, "users": {"", h.UserID(access.Editor).String()}, "groups": {""}}).Want(http.StatusSeeOther)
	editor.Get(page).Want(http.StatusOK)
}

// TestBulkAccess opens many passwords to somebody until a time, takes it back, and
// closes them; what a folder restricts is told and left as it is.
func TestBulkAccess(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour Dental")
	folder := h.Make("password_folder", org, record.Values{"name": "Core", "restricted": true})
	one, two := h.Make("password", org, record.Values{"name": "One"}), h.Make("password", org, record.Values{"name": "Two"})
	in := h.Make("password", org, record.Values{"name": "In", "password_folder_id": folder})
	admin, lite, editor := h.As(access.Administrator), h.As(access.Lite), h.As(access.Editor)
	friend := h.UserID(access.Lite).String()
	do := func(how, who, until string) *webuitest.Page {
		form := admin.Post("/passwords/bulk", url.Values{"do": {"access"}, "id": {one.String(), two.String(), in.String()}}).Want(http.StatusOK).Form("#form")
		form.Set("how", how)
		form["users"] = []string{"", who}
		form.Set("until", until)
		p := admin.Post("/passwords/bulk", form)
		if p.Status == http.StatusOK { // what would happen
			p = admin.Post("/passwords/bulk", p.Form("#form"))
		}
		return p
	}
	sees := func(c *webuitest.Client) (out string) {
		for _, p := range []string{one.String(), two.String(), in.String()} {
			if c.Get("/passwords/"+p).Status == http.StatusOK {
				out += p + " "
			}
		}
		return out
	}
	both := one.String() + " " + two.String() + " "
	if p := do("give", "", "").Want(http.StatusUnprocessableEntity); !p.Has("#e-groups") {
		t.Error("that nobody is chosen is not said beside the field")
	}
	do("give", friend, h.Clock.Now().UTC().Add(time.Hour).Format("2006-01-02T15:04")).Want(http.StatusSeeOther)
	if p := admin.Get("/passwords"); !strings.Contains(p.Body, "1 could not be: In is restricted by its folder.") {
		t.Errorf("it says %q", p.Text(".flash"))
	}
	if got := sees(lite) + "/ " + sees(editor); got != both+"/ "+both {
		t.Errorf("once given they see %s", got)
	}
	h.Clock.Advance(2 * time.Hour)
	admin, lite, editor = h.As(access.Administrator), h.As(access.Lite), h.As(access.Editor)
	if got := sees(lite); got != "" {
		t.Errorf("past the end she sees %s", got)
	}
	do("give", friend, "").Want(http.StatusSeeOther)
	if got := sees(lite); got != both {
		t.Errorf("given without an end she sees %s", got)
	}
	do("take", friend, "").Want(http.StatusSeeOther)
	if got := sees(lite) + "/ " + sees(editor); got != "/ "+both {
		t.Errorf("once taken they see %s", got)
	}
	do("close", friend, "").Want(http.StatusSeeOther)
	if got := sees(lite) + "/ " + sees(editor); got != both+in.String()+" / " {
		t.Errorf("once closed they see %s", got)
	}
	if p := h.As(access.Creator).Post("/passwords/bulk", url.Values{"do": {"access.apply"}, "id": {one.String()}, "how": {"close"}}); p.Status == http.StatusSeeOther {
		t.Error("a creator changed who may see it")
	}
}
