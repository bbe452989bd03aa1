package webui_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/webuitest"
)

// TestInvitation follows a new user from the invitation to her own password.
func TestInvitation(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour Dental")
	pass := h.Make("password", org, record.Values{"name": "Router", "password": "behind"})
	admin := h.As(access.Administrator)
	group := h.One("group", "Technicians").String()
	bad := admin.Post("/users", url.Values{"email": {"not an address"}, "role_name": {"Editor"}}).Want(http.StatusUnprocessableEntity)
	if !bad.Has("#e-email") || bad.Attr("#f-email", "value") != "not an address" {
		t.Error("what was typed is gone, or nothing is said beside it")
	}
	shown := admin.Post("/users", url.Values{"email": {"nina@demo.example"}, "name": {"Nina Poe"}, "role_name": {"Editor"}, "groups": {"", group}}).Want(http.StatusOK)
	once := shown.Text("output")
	if once == "" || !strings.Contains(shown.Header.Get("Cache-Control"), "no-store") {
		t.Fatal("the one-time password is not shown, or may be stored")
	}
	nina := h.Client()
	nina.Post("/sign-in", url.Values{"tenant": {coretest.Name}, "email": {"nina@demo.example"}, "password": {once}}).Want(http.StatusSeeOther)
	page := nina.Get("/passwords/" + pass.String()).Want(http.StatusOK)
	if page.Has("sr-secret") || !strings.Contains(page.Text(".auditline"), "one-time password") {
		t.Error("with a one-time password she can reveal, or is not told why not")
	}
	nina.Post("/passwords/"+pass.String()+"/reveal", nil).Want(http.StatusForbidden)
	wrong := nina.Post("/account/password", url.Values{"old_password": {once}, "password": {"correct horse staple 77"}, "again": {"other"}}).Want(http.StatusUnprocessableEntity)
	if !wrong.Has("#e-again") {
		t.Error("two different new passwords are taken")
	}
	nina.Post("/account/password", url.Values{"old_password": {once}, "password": {"correct horse staple 77"}, "again": {"correct horse staple 77"}}).Want(http.StatusSeeOther)
	nina.Get("/account").Want(http.StatusOK) // signed in still, with the new token
	var got struct{ Secret string }
	nina.PostJSON("/passwords/"+pass.String()+"/reveal", url.Values{}, &got)
	if got.Secret != "behind" {
		t.Errorf("revealed %q", got.Secret)
	}
}

func TestResetEndsSessions(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	admin, editor := h.As(access.Administrator), h.As(access.Editor)
	at := "/users/" + h.UserID(access.Editor).String()
	if n := admin.Get(at).Want(http.StatusOK).Count(`form[action^="/account/sessions/"]`); n != 1 {
		t.Errorf("%d sessions can be ended", n)
	}
	admin.Post(at+"/reset", nil).Want(http.StatusOK)
	editor.Get("/account").Want(http.StatusSeeOther)
}

func TestOwnSessions(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	here, there := h.As(access.Editor), h.As(access.Editor)
	page := here.Get("/account").Want(http.StatusOK)
	end := page.Attr(`.list form[action^="/account/sessions/"]`, "action")
	if end == "" || !strings.Contains(page.Text(".list"), "This one") {
		t.Fatal("the sessions are not told apart")
	}
	here.Post(end, nil).Want(http.StatusSeeOther)
	there.Get("/account").Want(http.StatusSeeOther)
	here.Get("/account").Want(http.StatusOK)
	if other := h.As(access.Creator); other.Post(end, nil).Status != http.StatusNotFound {
		t.Error("somebody else may ask for it")
	}
}

func TestGroups(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour Dental")
	admin, lite := h.As(access.Administrator), h.As(access.Lite)
	lite.Get("/organizations/" + org.String()).Want(http.StatusNotFound)
	made := admin.Post("/groups", url.Values{"name": {"Dental desk"}}).Want(http.StatusSeeOther).To()
	admin.Post(made+"/members", url.Values{"members": {"", h.UserID(access.Lite).String()}}).Want(http.StatusSeeOther)
	admin.Post(made+"/organizations", url.Values{"all": {"0"}, "organizations": {org.String()}}).Want(http.StatusSeeOther)
	lite.Get("/organizations/" + org.String()).Want(http.StatusOK)
	if s := admin.Get(made).Want(http.StatusOK).Text(".pane .card"); s != "1 member sees 1 organization." {
		t.Errorf("the group says %q", s)
	}
	user := "/users/" + h.UserID(access.Lite).String()
	admin.Post(user+"/groups", url.Values{"groups": {""}}).Want(http.StatusSeeOther)
	lite.Get("/organizations/" + org.String()).Want(http.StatusNotFound)
}

// TestOnlyAdministratorsManage: the address alone opens nothing.
func TestOnlyAdministratorsManage(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	for _, role := range []access.Role{access.Manager, access.Editor, access.ReadOnly} {
		c := h.As(role)
		for _, path := range []string{"/users", "/users/new", "/users/" + h.UserID(access.Editor).String(), "/groups", "/keys", "/keys/new"} {
			c.Get(path).Want(http.StatusForbidden)
		}
		c.Post("/keys", url.Values{"name": {"mine"}, "role": {"Administrator"}}).Want(http.StatusForbidden)
		c.Post("/users/"+h.UserID(access.Administrator).String()+"/reset", nil).Want(http.StatusForbidden)
	}
	h.As(access.Editor).Get("/settings").Want(http.StatusForbidden)
	h.As(access.Editor).Get("/audit").Want(http.StatusForbidden)
	h.As(access.Editor).Get("/imports").Want(http.StatusForbidden)
}

func TestKeys(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	c := h.As(access.Administrator)
	bad := c.Post("/keys", url.Values{"name": {"Backup"}, "networks": {"here"}, "requests": {"10"}}).Want(http.StatusUnprocessableEntity)
	if !bad.Has("#e-networks") || bad.Attr("#f-name", "value") != "Backup" {
		t.Error("the wrong network is not named, or what was typed is gone")
	}
	if p := c.Post("/keys", url.Values{"name": {"Backup"}, "requests": {"10"}, "seconds": {"60"}}).Want(http.StatusUnprocessableEntity); !p.Has("#e-role") {
		t.Error("a key without owner and role is taken")
	}
	folder := h.Make("password_folder", h.Org("Harbour Dental"), record.Values{"name": "Switches"})
	made := c.Post("/keys", url.Values{"name": {"Backup"}, "role": {"Read-only"}, "folders": {folder.String()}, "read_only": {"0", "1"}, "networks": {"10.0.0.0/8, 203.0.113.7"}, "expires": {"2027-01-31"}, "requests": {"10"}, "seconds": {"60"}}).Want(http.StatusOK)
	if key := made.Text("output"); len(key) != 100 || !strings.HasPrefix(key, "ITG.") {
		t.Errorf("the key is %q", key)
	}
	list := c.Get("/keys").Want(http.StatusOK)
	for _, want := range []string{"Backup", "10.0.0.0/8, 203.0.113.7/32", "10 requests in 1 minute", "Until 1 Feb 2027", "Never used", "passwords in Switches only", "no passwords"} {
		if !strings.Contains(list.Text(".keylist"), want) {
			t.Errorf("the list does not say %q: %s", want, list.Text(".keylist"))
		}
	}
	c.Post(list.Attr(`.keylist form`, "action"), nil).Want(http.StatusSeeOther)
	if c.Get("/keys").Has(".keylist") {
		t.Error("a revoked key is listed")
	}
}

func TestAuditTrail(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	org := h.Org("Harbour Dental")
	lite := h.As(access.Lite)
	lite.Get("/users").Want(http.StatusForbidden)
	c := h.As(access.Administrator)
	for range 60 {
		h.Make("contact", org, record.Values{"first_name": "Ann", "last_name": "Lee"})
	}
	page := c.Get("/audit").Want(http.StatusOK)
	if n := page.Count("#log tbody tr"); n != 50 {
		t.Errorf("%d lines on the first page", n)
	}
	next := page.Attr(`#log a[rel="next"]`, "href")
	if second := c.Swap(next, "log").Want(http.StatusOK); second.Count("#log tbody tr") == 0 || second.Has("main") {
		t.Error("the next page is empty, or all of the page came")
	}
	refused := c.Get("/audit?result=refused").Want(http.StatusOK)
	if !strings.Contains(refused.Text("#log tbody"), "was refused") || refused.Has(`#log tbody tr:not(:has(.pill))`) {
		t.Errorf("refusals: %s", refused.Text("#log tbody"))
	}
	who := c.Get("/audit?who=" + h.UserID(access.Lite).String()).Want(http.StatusOK).Texts("#log tbody td.ph-title")
	if len(who) == 0 || slices.ContainsFunc(who, func(s string) bool { return !strings.Contains(s, "Lia Doyle") }) {
		t.Errorf("of one person: %q", who)
	}
	if n := c.Get("/audit?from=2026-03-03").Want(http.StatusOK).Count("#log tbody tr"); n != 0 {
		t.Errorf("%d lines of tomorrow", n)
	}
	c.Post("/audit/verify", nil).Want(http.StatusSeeOther)
	if p := c.Get("/audit/verify").Want(http.StatusOK); !strings.Contains(p.Text("main"), "verify") || strings.Contains(p.Text("main"), "does not") {
		t.Errorf("verification says %q", p.Text("main"))
	}
	file := c.Post("/audit/export", nil).Want(http.StatusOK)
	if !strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment") || file.Body == "" || strings.Contains(file.Body, "Ann Lee") {
		t.Error("the export is no file, or has details that nobody asked for")
	}
}

func TestAccessOfRecord(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	rid := h.Make("document", h.Org("Harbour Dental"), record.Values{"name": "Door codes"})
	admin, editor := h.As(access.Administrator), h.As(access.Editor)
	editor.Get("/documents/" + rid.String()).Want(http.StatusOK)
	form := admin.Get("/access/" + rid.String()).Want(http.StatusOK).Form("form.genform")
	form["restricted"] = []string{"0", "1"}
	form.Set("users", h.UserID(access.Lite).String())
	admin.Post("/access/"+rid.String(), form).Want(http.StatusSeeOther)
	editor.Get("/documents/" + rid.String()).Want(http.StatusNotFound)
	h.As(access.Lite).Get("/documents/" + rid.String()).Want(http.StatusOK)
	if s := admin.Get("/documents/" + rid.String()).Text(".rail"); !strings.Contains(s, "Only these, and administrators") || !strings.Contains(s, "Lia Doyle") {
		t.Errorf("the rail says %q", s)
	}
	h.As(access.Lite).Get("/access/" + rid.String()).Want(http.StatusForbidden)
}

func TestSettingsOfTheTenant(t *testing.T) {
	h := webuitest.Open(t, webuitest.Options{})
	admin, editor := h.As(access.Administrator), h.As(access.Editor)
	editor.Post("/settings/tenant", url.Values{"title": {"Mine"}}).Want(http.StatusForbidden)
	editor.Post("/settings/sessions", url.Values{"idle": {"5"}, "absolute": {"15"}, "token": {"5"}}).Want(http.StatusForbidden)
	if bad := admin.Post("/settings/tenant", url.Values{"title": {" "}}).Want(http.StatusUnprocessableEntity); !bad.Has("#e-title") {
		t.Error("an empty title is not told at its field")
	}
	admin.Post("/settings/tenant", url.Values{"title": {"Northbeam  IT"}}).Want(http.StatusSeeOther)
	if !strings.Contains(editor.Get("/").Want(http.StatusOK).Text("body"), "Northbeam IT") {
		t.Error("others do not see the new title")
	}
	bad := admin.Post("/settings/sessions", url.Values{"idle": {"60"}, "absolute": {"30"}, "token": {"2"}}).Want(http.StatusUnprocessableEntity)
	if !bad.Has("#e-token") || bad.Attr("#f-idle", "value") != "60" {
		t.Error("what is out of bounds is not told at its field, or what was typed is gone")
	}
	admin.Post("/settings/sessions", url.Values{"idle": {"6"}, "absolute": {"30"}, "token": {"5"}}).Want(http.StatusSeeOther)
	if now := admin.Get("/settings/sessions").Want(http.StatusOK).Form("form#form"); now.Get("idle") != "6" || now.Get("absolute") != "30" {
		t.Errorf("the form has %v", now)
	}
	if trail := admin.Get("/audit").Want(http.StatusOK).Text("main"); !strings.Contains(trail, "changed how long sessions last") || !strings.Contains(trail, "renamed the tenant") {
		t.Error("the changes are not in the trail")
	}
	h.Clock.Advance(5 * time.Minute)
	admin.Get("/settings").Want(http.StatusOK)
	h.Clock.Advance(2 * time.Minute)
	admin.Get("/settings").Want(http.StatusOK)
	editor.Get("/").Want(http.StatusSeeOther) // open before the limits, and not used for seven minutes
}
